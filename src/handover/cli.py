"""The `handover` command.

A terminal's command must be quick on an old PC, and a terminal needs nothing of the server: the server's half takes
four times as
long to load as all the rest, so it is loaded only when one of its commands (or the list of all) is asked for.
"""

import os
import sys
from collections.abc import Sequence
from importlib import import_module

import typer

from handover import terminal


def command(words: Sequence[str]) -> typer.Typer:
    """The command as these words need it."""
    app = typer.Typer(
        name="handover",
        no_args_is_help=True,
        help="Shift handover messaging for prisons.",
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
    )
    terminal.register(app)
    known = {info.name or getattr(info.callback, "__name__", "") for info in app.registered_commands}
    if next(iter(words), None) not in known:
        import_module("handover.operating").register(app)
    return app


def main() -> None:
    """Runs the command; or completes it, when the shell asks with the line typed so far in its environment."""
    typed = os.environ.get("_TYPER_COMPLETE_ARGS") or os.environ.get("COMP_WORDS")
    command(typed.split()[1:] if typed else sys.argv[1:])()
