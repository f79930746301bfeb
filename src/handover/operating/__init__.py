"""The commands of whoever runs the service: serve, demo, migrate, and the keeping of accounts, clients, rosters and
access log."""

import typer

from handover.operating.auditing import audits
from handover.operating.keeping import clients, users
from handover.operating.rosters import imports
from handover.operating.serving import demo, migrate, serve, version

PANEL = "Server"


def register(app: typer.Typer) -> None:
    """Adds these commands to the command."""
    for command in (serve, demo, migrate, version):
        app.command(rich_help_panel=PANEL)(command)
    for name, group in (("user", users), ("client", clients), ("import", imports), ("audit", audits)):
        app.add_typer(group, name=name, rich_help_panel=PANEL)
