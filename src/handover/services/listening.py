"""Where somebody listens: kept up to date by each process for the screens it tells, and read by those who answer for
a whole prison. Units are looked at, officers never are."""

import asyncio
from datetime import timedelta
from functools import partial
from typing import Any

import structlog

from handover.domain.access import belongs
from handover.domain.listening import NOTHING, Said, heard
from handover.errors import NotFound
from handover.services.paging import Page
from handover.services.present import Present
from handover.services.unit_of_work import Desk, UnitOfWork, as_json
from handover.store import listening, roster

AT_ONCE = 50
"""Units of which it is told in one transaction: when everybody comes back, notes do too."""
AGAIN_S = 1.0
"""Seconds after which it is told again where it could not be."""
MISSED = 3
"""Heartbeats after which a process that has not said it is there counts as gone."""
log = structlog.get_logger("handover.feed")


async def keep(desk: Desk, present: Present) -> None:
    """Says where somebody listens whenever that is not what the store has of this process, and that it is still there
    while anybody does."""
    wait = desk.settings.heartbeat_s
    while True:
        await asyncio.sleep(wait)
        try:
            await _tell(desk, present)
            wait = desk.settings.heartbeat_s
        except Exception:
            log.exception("who listens could not be told")
            wait = min(AGAIN_S, wait)  # the store was away: soon, lest somebody is told that nobody listens


async def _tell(desk: Desk, present: Present) -> None:
    hears, name = await present.heard(), desk.store.name
    # As it is kept, not as it was told: a server that took over may not have the last of that.
    told = await desk.peek(lambda conn: listening.said_by(conn, name))
    changed = [(where, what) for where in told | hears if told.get(where) != (what := hears.get(where, NOTHING))]
    if not hears and not changed:
        return
    for start in range(0, max(len(changed), 1), AT_ONCE):
        some = dict(changed[start : start + AT_ONCE])
        await desk.quietly(partial(listening.tell, process=name, now=desk.clock(), changed=some))


def find(uow: UnitOfWork, code: str) -> Page:
    """What is heard in each unit of an establishment, and since when, by the units' codes."""
    uow.doing("listening.read", establishment=code)
    uow.allow("listening.read")
    if not belongs(uow.who, code) or roster.establishment(uow.conn, code) is None:
        raise NotFound("No such establishment among yours.")
    said: dict[str, list[Said]] = {}
    for row in listening.of(uow.conn, code):
        said.setdefault(row["unit"], []).append(Said(row["hears"], row["since"], row["seen_at"]))
    lost_after = timedelta(seconds=MISSED * uow.settings.heartbeat_s)
    items: list[dict[str, Any]] = []
    for unit in roster.units_of(uow.conn, code):
        found = heard(said.get(unit["code"], ()), uow.now, lost_after)
        items.append({"unit": unit["code"], "hears": found.hears, "since": found.since})
    return Page([as_json(item) for item in items], None)
