"""The commands at a terminal. They talk to the service through `client` and know only what the contract shows."""

from importlib import import_module

import typer

PANEL = "At a terminal"
COMMANDS = {
    "login": "login",
    "post": "post",
    "desk": "fullscreen",
    "watch": "watch",
    "sheet": "sheet",
    "needs": "needs",
    "offer": "offer",
    "accept": "accept",
    "ask": "asking",
    "answer": "asking",
    "take": "pages",
    "attention": "attention",
    "unsent": "waiting",
    "pull": "pull",
    "logout": "login",
    "learn": "learn",
}
"""Each command and the module that holds it, in the order in which they are listed."""


def register(app: typer.Typer, asked: str | None = None) -> None:
    """Adds the terminal's commands to an application: the one that is asked for, where it is one of ours, or all. An
    old PC takes as long to load them all as to run one."""
    for name, module in COMMANDS.items():
        if asked in COMMANDS and name != asked:
            continue
        command = getattr(import_module(f"handover.terminal.{module}"), name)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name, rich_help_panel=PANEL)
        else:
            app.command(name, rich_help_panel=PANEL)(command)
