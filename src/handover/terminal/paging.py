"""A screenful at a time: what is most urgent comes first, and must not run off the top."""

import sys
from collections.abc import Iterable

import typer
from rich.text import Text

from handover.terminal.speech import Speech, folded

_MORE = " more: any key · q: enough "


def show_all(voice: Speech, lines: Iterable[Text]) -> None:
    """Prints lines; where somebody reads them at a screen, stops before each new screenful."""
    if not (voice.out.is_terminal and sys.stdin.isatty()):
        for line in lines:
            voice.say(line)
        return
    room = max(4, voice.out.height - 1)
    shown = 0
    for part in (part for line in lines for part in folded(voice.out, line)):
        if shown == room:
            if not _go_on(voice):
                return
            shown = 0
        voice.out.print(part)
        shown += 1


def _go_on(voice: Speech) -> bool:
    voice.out.print(Text(_MORE, style="reverse"), end="")
    key = typer.getchar()
    voice.out.file.write("\r" + " " * len(_MORE) + "\r")
    voice.out.file.flush()
    return key not in ("q", "Q", "\x1b")
