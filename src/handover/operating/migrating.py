"""Bringing the store up to date, and back."""

from handover.operating.shared import Json, do, ready, settings_from, tell
from handover.services import opening


def migrate(as_json: Json = False) -> None:
    """Bring the store's schema up to date (PostgreSQL; the embedded store does it by itself)."""
    settings = settings_from()
    revision = ready(lambda: opening.migrate(settings))
    tell(as_json, {"revision": revision}, f"The store is at revision {revision}.")


def restored(as_json: Json = False) -> None:
    """Say that the store was restored from a backup: every reader then reloads, and none goes on from its cursor as if
    nothing were missing. Before the service is started."""
    do(settings_from(), opening.restored)
    tell(
        as_json,
        {"restored": True},
        "Whoever has a cursor from before is told to reload (409, 4409), from the next start of the service on.\n"
        "Start it now. One that runs knows nothing of this until it is started again.",
    )
