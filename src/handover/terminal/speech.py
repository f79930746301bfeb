"""How every command speaks: words to a person, JSON to a program, an exit code for each kind of end, never a trace."""

import json
import os
import sys
import traceback
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from handover.client.refusals import BadAddress, CannotReach, NotLoggedIn, ServerRefused, Trouble
from handover.languages import ENGLISH
from handover.schemas.accounts import Me
from handover.terminal import tongue
from handover.terminal.unclear import Unclear

DONE, REFUSED, BAD_USAGE, NOT_REACHED, INTERRUPTED = 0, 1, 2, 3, 130
DEFAULT_SERVER = "http://127.0.0.1:8000"
PRACTICE = "PRACTICE — nothing here is real"

ServerOption = Annotated[
    str, typer.Option("--server", envvar="HANDOVER_SERVER", help="The server's address.", metavar="URL")
]
UnitOption = Annotated[
    str | None, typer.Option("--unit", "-u", metavar="UNIT", help="Which unit; not needed where you have only one.")
]
EstablishmentOption = Annotated[
    str | None, typer.Option("--establishment", metavar="CODE", help="The prison, if several.")
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Speak JSON: the result on standard output, a refusal on standard error.")
]


@dataclass(frozen=True, slots=True)
class Speech:
    """Where a command's words go."""

    as_json: bool
    out: Console
    err: Console

    def say(self, words: str | Text) -> None:
        """A line of the result, for a person."""
        show(self.out, words)

    def warn(self, words: str | Text) -> None:
        """A line beside the result, for a person."""
        show(self.err, words)

    def emit(self, thing: object) -> None:
        """The result, for a program: one line."""
        print(one_line(thing), flush=True)

    def practice(self, me: Me) -> None:
        """Says so where nothing is real."""
        if me.practice and not self.as_json:
            self.warn(Text(PRACTICE, style="bold"))


def show(console: Console, words: str | Text) -> None:
    """Prints words; on a screen, what does not fit into a line goes on in the next, set in so that it shows."""
    text = words if isinstance(words, Text) else Text(plain(words))
    if console.is_terminal:
        for part in folded(console, text):
            console.print(part)
        return
    for line in text.split("\n", allow_blank=True):
        console.print(line, soft_wrap=True)


def folded(console: Console, text: Text) -> Iterator[Text]:
    """Words as the lines of a screen."""
    for line in text.split("\n", allow_blank=True):
        first, *more = line.wrap(console, console.width)
        inset = len(line.plain) - len(line.plain.lstrip(" "))
        rest = line[len(first) :] if more else Text()
        rest = rest[len(rest.plain) - len(rest.plain.lstrip(" ")) :]
        first.rstrip()
        yield first
        hang = inset + 4 if inset else 0
        for part in rest.wrap(console, max(20, console.width - hang)) if rest else ():
            part.rstrip()
            yield Text(" " * hang) + part


def speech(as_json: bool) -> Speech:
    """The two streams, made at the time of the command: what they are connected to is known only then. A letter that a
    screen has not is no reason to say that what was done was not."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    return Speech(as_json, _console(stderr=False), _console(stderr=True))


class _Stream(Console):
    def on_broken_pipe(self) -> None:
        raise BrokenPipeError  # for `answering`; left alone, it would end the command as if it had been refused


def _console(*, stderr: bool) -> Console:
    # The text of a note is never markup.
    return _Stream(stderr=stderr, highlight=False, markup=False, emoji=False)


@contextmanager
def answering(as_json: bool = False) -> Iterator[Speech]:
    """Runs a command's body: whatever goes wrong in it becomes words and an exit code."""
    # What a program reads is the same in every language.
    tongue.speak(ENGLISH if as_json else tongue.asked())
    voice = speech(as_json)
    try:
        yield voice
    except Trouble as trouble:
        tell(voice, trouble)
        raise typer.Exit(exit_code(trouble)) from None
    except BrokenPipeError:
        # Whoever read us has gone, as `head` does: that is how a pipe ends, not a failure.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(DONE) from None
    except (KeyboardInterrupt, typer.Abort):  # the latter at a question
        raise typer.Exit(INTERRUPTED) from None
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        voice.warn(f"This machine would not do it: {error.strerror or error}{where}.")
        raise typer.Exit(REFUSED) from None
    except typer.Exit:
        raise
    except Exception as fault:  # noqa: BLE001 - an officer never sees a trace, and a trace could carry a note's text
        place = traceback.extract_tb(fault.__traceback__)[-1]
        where = f"{place.filename.rsplit('handover', 1)[-1].lstrip('/')}:{place.lineno}"
        voice.warn(f"handover itself made a mistake ({type(fault).__name__} at {where}). Tell whoever looks after it.")
        raise typer.Exit(REFUSED) from None


def options_behind(ctx: typer.Context) -> None:
    """Refuses options typed before the second word of a command: they would silently be none of its own."""
    sources = {name: ctx.get_parameter_source(name) for name in ctx.params}
    early = [name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"]
    if ctx.invoked_subcommand is not None and early:
        with answering("as_json" in early):
            raise Unclear(f"Put options behind the word {ctx.invoked_subcommand!r}, not before it.")


def tell(voice: Speech, trouble: Trouble) -> None:
    """Says what went wrong and what to do."""
    if voice.as_json:
        print(one_line(_document(trouble)), file=sys.stderr, flush=True)
        return
    match trouble:
        case ServerRefused():
            voice.warn(f"Refused: {trouble}")
            for error in trouble.errors if len(trouble.errors) > 1 else ():
                voice.warn(f"  {error.pointer or 'the whole'}: {error.detail}")
            if trouble.retry_after:
                voice.warn(f"Try again in {trouble.retry_after:.0f} seconds.")
            if trouble.status >= 500 and trouble.instance:
                voice.warn(f"Quote this when you ask for help: {trouble.instance}")
        case _:
            voice.warn(str(trouble))


def exit_code(trouble: Trouble) -> int:
    """The contract's exit code for a trouble."""
    match trouble:
        case Unclear() | BadAddress():
            return BAD_USAGE
        case CannotReach():
            return NOT_REACHED
        case ServerRefused(status=status) if status >= 500:
            return NOT_REACHED
    return REFUSED


def one_line(thing: object) -> str:
    """JSON on one line, its letters spelt out where the stream has not all of them."""
    every = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    return json.dumps(thing, ensure_ascii=not every, separators=(",", ":"))


def plain(words: str) -> str:
    """Text that cannot drive a terminal: controls, and marks that turn the reading direction, become visible."""
    return "".join(_visible(char) for char in words)


def _visible(char: str) -> str:
    if char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return char
    # Joiners are part of how some languages are written.
    return char if char in "\u200c\u200d" else "\ufffd"


def _document(trouble: Trouble) -> dict[str, Any]:
    match trouble:
        case ServerRefused():
            return trouble.as_document()
        case CannotReach():
            kind = "cannot-reach"
        case NotLoggedIn():
            kind = "not-logged-in"
        case _:
            kind = "usage"
    return {"error": kind, "detail": str(trouble)}
