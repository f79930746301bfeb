"""Forgetting what nobody can ask for any more: kept answers, tokens, terminals' seats, counted attempts, logins, and
the events of each log that are older than the operator keeps. Notes, and the lines of the access log, stay.

One process at a time does it, a few rows at a time with a pause in between, so that nobody waits for it.
"""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from itertools import takewhile

import orjson
import structlog
from sqlalchemy.engine import Connection

from handover.services.unit_of_work import Desk
from handover.store import accounts, eventlog, handovers, idempotency, listening, needs, seats, turns
from handover.store.eventlog import Ends, Event

KEEP_ANSWERS = timedelta(days=8)
KEEP_TOKENS = timedelta(days=1)
KEEP_PROCESSES = timedelta(days=30)
"""How long it is remembered since when nobody has listened."""
EVERY = timedelta(hours=1)
"""How long the store is left alone after it was tidied up."""
LOOK_S = 300.0
AT_ONCE, PAUSE_S = 200, 0.05
"""Rows that are removed at once, and how long others then have the writer for themselves."""
log = structlog.get_logger("handover.store")
Step = Callable[[Connection], int]


async def keep(desk: Desk) -> None:
    """Tidies up whenever it is this process's turn, for as long as it serves."""
    while True:
        try:
            await tidy(desk)
        except Exception:
            log.exception("could not tidy up")  # the store may be away for a moment
        await asyncio.sleep(LOOK_S)


async def tidy(desk: Desk) -> None:
    """Tidies up, if nobody has within the hour."""
    now = desk.clock()
    mine = await desk.quietly(lambda conn: turns.take(conn, turns.TIDYING, now, EVERY))
    if mine is None:
        return
    turn = _Turn(desk, mine)
    for prune, before in (
        (idempotency.prune, now - KEEP_ANSWERS),
        (accounts.prune_tokens, now - KEEP_TOKENS),
        (accounts.prune_attempts, now - KEEP_TOKENS),
        (accounts.prune_grants, now - KEEP_TOKENS),
        (seats.prune, now),
        (listening.prune, now - KEEP_PROCESSES),
    ):
        while await turn.step(lambda conn, prune=prune, before=before: prune(conn, before, AT_ONCE)) == AT_ONCE:  # type: ignore[misc]  # the default binds it
            pass
    before = now - timedelta(days=desk.settings.events_kept_days)
    for place in await desk.peek(eventlog.places):
        await _prune(desk, turn, place, before)


class _Lost(Exception):  # noqa: N818 - another process goes on
    """The turn was taken by another process."""


class _Turn:
    """This process's turn, held from step to step."""

    def __init__(self, desk: Desk, mine: str) -> None:
        self._desk = desk
        self._mine: str | None = mine

    async def step(self, remove: Step) -> int:
        """Does one step in a transaction of its own, and leaves the writer to others for a while."""
        mine, now = self._mine, self._desk.clock()

        def held(conn: Connection) -> tuple[str, int]:
            still = turns.hold(conn, turns.TIDYING, mine or "", now)
            if still is None:
                raise _Lost("another process tidies up")
            return still, remove(conn)

        self._mine, count = await self._desk.quietly(held)
        if count:
            await asyncio.sleep(PAUSE_S)
        return count


async def _prune(desk: Desk, turn: _Turn, place: str, before: datetime) -> None:
    """Removes a log's events from before this time, from the oldest on."""
    position, count = 0, 0
    while True:
        ends, old, wanted = await desk.peek(lambda conn, at=position: page(conn, place, at, before))  # type: ignore[misc]  # the default binds it
        if not old:
            break
        position = old[-1].sequence
        gone = [event.sequence for event in old if event not in wanted]
        if gone or position > ends.floor:
            count += await turn.step(lambda conn, gone=gone, at=position: eventlog.prune(conn, place, gone, at))  # type: ignore[misc]  # the default binds it
    if count:
        log.info("events pruned", establishment=place, count=count)


def page(conn: Connection, place: str, position: int, before: datetime) -> tuple[Ends, list[Event], set[Event]]:
    """The next events that are old enough, and those of them that have to stay. The newest of a log always does."""
    ends = eventlog.ends(conn, [place])[place]
    found = eventlog.after(conn, place, position, AT_ONCE)
    old = list(takewhile(lambda event: event.time < before and event.sequence < ends.head, found))
    return ends, old, _wanted(conn, old, before)


def _wanted(conn: Connection, old: Iterable[Event], before: datetime) -> set[Event]:
    """The events that a sheet of a time that is kept may still have to be put together from (`services.pasts`): what
    was said last of whatever lasted into that time. No reader of the log gets them; they go once it is over."""
    last = {(event.kind, event.about): event for event in old}
    lasting = {
        "need": needs.lasting(conn, [about for kind, about in last if kind == "need"], before),
        "handover": handovers.lasting(conn, [about for kind, about in last if kind == "handover"], before),
        "note": {about for (kind, about), event in last.items() if kind == "note" and _calls(event, before)},
    }
    return {event for (kind, about), event in last.items() if about in lasting.get(kind, ())}


def _calls(event: Event, at: datetime) -> bool:
    """Whether a note still asks for attention then."""
    said = orjson.loads(eventlog.apart(event.told)[1])
    return said.get("attention", "ROUTINE") != "ROUTINE" and datetime.fromisoformat(said["attention_until"]) >= at
