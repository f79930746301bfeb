"""The commands of whoever runs the service: serve, demo, migrate, restored, and the keeping of accounts, clients,
rosters and access log."""

import sys
from importlib import import_module

import typer

PANEL = "Server"
COMMANDS = {
    "serve": ("serving", "serve"),
    "demo": ("practising", "demo"),
    "migrate": ("migrating", "migrate"),
    "restored": ("migrating", "restored"),
    "version": ("version", "version"),
    "user": ("keeping", "users"),
    "client": ("keeping", "clients"),
    "import": ("rosters", "imports"),
    "audit": ("auditing", "audits"),
}
"""Each command and what holds it, in the order in which they are listed."""


def register(app: typer.Typer, asked: str | None = None) -> None:
    """Adds these commands to the command: the one that is asked for, where it is one of ours, or all."""
    if asked in COMMANDS:
        _load_logging()
    for name, (module, held) in COMMANDS.items():
        if asked in COMMANDS and name != asked:
            continue
        command = getattr(import_module(f"handover.operating.{module}"), held)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name, rich_help_panel=PANEL)
        else:
            app.command(name, rich_help_panel=PANEL)(command)


def _load_logging() -> None:
    """Without what would print exceptions in colours: our lines are JSON, and it is 4 MB. Loaded later, all is the
    same but that."""
    if "rich" in sys.modules or "structlog" in sys.modules:
        return
    sys.modules["rich"] = None  # type: ignore[assignment]  # how Python is told that there is none
    try:
        import_module("structlog")
    finally:
        del sys.modules["rich"]
