"""Where somebody listens: kept up to date by each process for the screens it tells, and read by those who answer for
a whole prison. Units are looked at, officers never are."""

import asyncio
from datetime import timedelta
from typing import Any

import structlog

from handover.domain.access import belongs
from handover.domain.listening import NOTHING, Said, heard
from handover.errors import NotFound
from handover.services.hub import Hub
from handover.services.paging import Page
from handover.services.unit_of_work import Desk, UnitOfWork, as_json
from handover.store import listening, roster

MISSED = 3
"""Heartbeats after which a process that has not said it is there counts as gone."""
log = structlog.get_logger("handover.feed")


async def keep(desk: Desk, hub: Hub) -> None:
    """Says where somebody listens whenever that changes, and that this process is still there while anybody does."""
    told: dict[tuple[str, str], str] = {}
    while True:
        await asyncio.sleep(desk.settings.heartbeat_s)
        try:
            hears = dict.fromkeys(told, NOTHING) | await hub.heard()
            changed = {where: what for where, what in hears.items() if told.get(where) != what}
            if changed or any(what != NOTHING for what in hears.values()):
                now = desk.clock()
                await desk.quietly(lambda conn: listening.tell(conn, desk.store.name, now, changed))  # noqa: B023 - awaited
                told |= changed
        except Exception:
            log.exception("who listens could not be told")  # the store may be away for a moment


def find(uow: UnitOfWork, code: str) -> Page:
    """What is heard in each unit of an establishment, and since when, by the units' codes."""
    uow.doing("listening.read", establishment=code)
    uow.allow("listening.read")
    if not belongs(uow.who, code) or roster.establishment(uow.conn, code) is None:
        raise NotFound("No such establishment among yours.")
    said: dict[str, list[Said]] = {}
    for row in listening.of(uow.conn, code):
        said.setdefault(row["unit"], []).append(Said(row["hears"], row["since"], row["seen_at"]))
    there_since = uow.now - timedelta(seconds=MISSED * uow.settings.heartbeat_s)
    items: list[dict[str, Any]] = []
    for unit in roster.units_of(uow.conn, code):
        found = heard(said.get(unit["code"], ()), there_since)
        items.append({"unit": unit["code"], "hears": found.hears, "since": found.since})
    return Page([as_json(item) for item in items], None)
