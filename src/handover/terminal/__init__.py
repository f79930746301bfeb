"""The commands at a terminal. They talk to the service through `client` and know only what the contract shows."""

import typer

from handover.terminal.login import login, logout
from handover.terminal.post import post
from handover.terminal.pull import pull
from handover.terminal.waiting import unsent
from handover.terminal.watch import watch


def register(app: typer.Typer) -> None:
    """Adds the terminal's commands to an application."""
    panel = "At a terminal"
    for command in (login, post, watch, unsent, pull, logout):
        app.command(rich_help_panel=panel)(command)
