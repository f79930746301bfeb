"""The `handover` command.

A terminal's command must be quick on an old PC, and needs nothing of the server, which takes four times as long to load
as all the rest; nor does a server need the terminal. So only what is asked for is loaded, and everything only for the
list of all.
"""

import gc
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import typer
from typer.exceptions import TyperException

from handover import operating, terminal
from handover.settings import data_folder


def command(words: Sequence[str]) -> typer.Typer:
    """The command as these words need it."""
    app = typer.Typer(
        name="handover",
        no_args_is_help=True,
        help="Shift handover messaging for prisons.",
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
    )
    asked = next(iter(words), None)
    halves = (terminal, operating)
    for half in [half for half in halves if asked in half.COMMANDS] or halves:
        half.register(app, asked)
    # With one command alone, typer would not expect its name.
    app.callback()(lambda: None)
    return app


def main() -> None:
    """Runs the command; or completes it, when the shell asks with the line typed so far in its environment."""
    typed = os.environ.get("_TYPER_COMPLETE_ARGS") or os.environ.get("COMP_WORDS")
    if not typed and len(sys.argv) == 1 and _an_officers_screen():
        sys.argv.append("desk")
    # What is loaded stays: the collector would look it through again and again, for a third of the time it takes.
    gc.disable()
    run = command(typed.split()[1:] if typed else sys.argv[1:])
    gc.freeze()
    gc.enable()
    if "--json" in sys.argv[1:]:
        _in_json(run)
    run()


def _in_json(run: typer.Typer) -> NoReturn:
    """Runs the command for a program: what was wrong with its words is told in JSON, too."""
    from handover.terminal.speech import BAD_USAGE, INTERRUPTED, one_line  # noqa: PLC0415 - not for every command

    try:
        code = run(standalone_mode=False)
    except typer.Abort:
        sys.exit(INTERRUPTED)
    except TyperException as error:
        told = getattr(error, "format_message", error.__str__)()
        typer.echo(one_line({"error": "usage", "detail": told}), err=True)
        sys.exit(BAD_USAGE)
    sys.exit(code)


def _an_officers_screen() -> bool:
    """Whether somebody sits at a screen from which an officer has worked before: there the one word is enough. On a
    server, in a pipe and on a new machine it goes on to show the list of commands."""
    return sys.stdin.isatty() and sys.stdout.isatty() and (data_folder() / "terminal").is_dir()
