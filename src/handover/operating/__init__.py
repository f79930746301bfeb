"""The commands of whoever runs the service: serve, demo, migrate, and the keeping of accounts, clients, rosters and
access log."""

from importlib import import_module

import typer

PANEL = "Server"
COMMANDS = {
    "serve": ("serving", "serve"),
    "demo": ("practising", "demo"),
    "migrate": ("migrating", "migrate"),
    "version": ("version", "version"),
    "user": ("keeping", "users"),
    "client": ("keeping", "clients"),
    "import": ("rosters", "imports"),
    "audit": ("auditing", "audits"),
}
"""Each command and what holds it, in the order in which they are listed."""


def register(app: typer.Typer, asked: str | None = None) -> None:
    """Adds these commands to the command: the one that is asked for, where it is one of ours, or all."""
    for name, (module, held) in COMMANDS.items():
        if asked in COMMANDS and name != asked:
            continue
        command = getattr(import_module(f"handover.operating.{module}"), held)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name, rich_help_panel=PANEL)
        else:
            app.command(name, rich_help_panel=PANEL)(command)
