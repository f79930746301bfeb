"""The `handover` command.

A terminal's command must be quick on an old PC, and needs nothing of the server: the server's half takes four times as
long to load as all the rest. So only what is asked for is loaded, and everything only for the list of all.
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
    asked = next(iter(words), None)
    terminal.register(app, asked)
    if asked not in terminal.COMMANDS:
        import_module("handover.operating").register(app)
    # With one command alone, typer would not expect its name.
    app.callback()(lambda: None)
    return app


def main() -> None:
    """Runs the command; or completes it, when the shell asks with the line typed so far in its environment."""
    typed = os.environ.get("_TYPER_COMPLETE_ARGS") or os.environ.get("COMP_WORDS")
    command(typed.split()[1:] if typed else sys.argv[1:])()
