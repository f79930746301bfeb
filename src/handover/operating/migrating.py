"""Bringing the store up to date."""

import typer

from handover.operating.shared import ready, settings_from
from handover.services import opening


def migrate() -> None:
    """Bring the store's schema up to date (PostgreSQL; the embedded store does it by itself)."""
    settings = settings_from()
    revision = ready(lambda: opening.migrate(settings))
    typer.echo(f"The store is at revision {revision}.")
