"""A page on the screen of a watch: reversed from edge to edge, in capitals, with the bell, each time it calls."""

from collections.abc import Iterator
from typing import Any

from rich.text import Text

from handover.client.refusals import Trouble
from handover.client.resources import every
from handover.terminal import calls
from handover.terminal.desk import Desk
from handover.terminal.pages import about
from handover.terminal.phrases import Reader
from handover.terminal.speech import Speech, folded, plain


def lines(here: Desk, page: dict[str, Any], who: str, reader: Reader) -> Iterator[str]:
    """What it calls for, whom it is about, what is known, and how to take it. Asks the server for the words."""
    what = calls.kind_of(page)
    yield f"PAGE: {what}, UNIT {page.get('unit')}: {who}. {calls.called(page, reader)}.".upper()
    try:
        yield from about(here, page, reader)
    except Trouble:
        yield "(what it is about could not be fetched)"


def show(voice: Speech, told: list[str]) -> None:
    """Puts it there so that nobody can overlook it."""
    voice.out.bell()
    width = voice.out.width if voice.out.is_terminal else 0
    for number, line in enumerate(told):
        edge = number in (0, len(told) - 1)
        words = Text(plain(f" {line} " if edge else f"       {line}"), style="bold reverse" if edge else "bold")
        for part in folded(voice.out, words) if voice.out.is_terminal else [words]:
            if edge:
                part.pad_right(max(0, width - part.cell_len))
                part.stylize("bold reverse")
            voice.out.print(part, soft_wrap=not voice.out.is_terminal)


def still_open(here: Desk, establishment: str | None, unit: str | None) -> list[dict[str, Any]]:
    """Pages nobody has taken, the oldest first; none where the server cannot be asked just now."""
    wanted = {"state": "RAISED", "establishment": establishment, "unit": unit}
    try:
        return list(every(here.api, "/v1/pages", wanted))[::-1]
    except Trouble:
        return []
