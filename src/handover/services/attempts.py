"""Attempts to prove who one is: counted, checked, forgiven.

A secret is checked outside the writer, so an attempt is counted *before* it is looked at and forgiven when it was
right: however many come at once, each after the free ones waits.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from operator import itemgetter
from typing import TypeVar

from sqlalchemy.engine import Connection, RowMapping

from handover.domain.logins import (
    ACCOUNT,
    ADDRESS,
    AT_ONCE,
    Pace,
    Tally,
    free_from,
    key,
    network,
    one_more,
    still_to_wait,
)
from handover.errors import Refusal, TooMany
from handover.services.passwords import Hasher
from handover.services.unit_of_work import Asker, Desk, UnitOfWork
from handover.store import accounts

T = TypeVar("T")


def counted(address: str | None, **whose: str | None) -> dict[str, Pace]:
    """What an attempt is counted under: the address it comes from, and the account or client it is for."""
    names = {key(kind, name): ACCOUNT for kind, name in whose.items() if name is not None}
    return {**names, f"address:{network(address)}": ADDRESS}


async def look(
    desk: Desk,
    hasher: Hasher,
    asker: Asker,
    keys: dict[str, Pace],
    find: Callable[[Connection], RowMapping | None],
    column: str,
    secret: str,
    finish: Callable[[UnitOfWork, RowMapping | None, bool], T | Refusal],
    first: Callable[[], Awaitable[None]] | None = None,
) -> T:
    """Looks at one attempt. What was found at its beginning is given to `finish`, which looks again: a hash takes long
    enough for a password to be changed meanwhile. `first` is done before that, where the secret was right."""
    # Whoever has to wait is told so without a turn, or a flood of guesses would keep the others queueing.
    _refuse(await desk.peek(lambda conn: _wait(accounts.attempts(conn, keys), keys, desk.clock())))
    async with hasher.turn:
        row = await _count(desk, keys, find)
        right = await hasher.matches(row[column] if row and row["active"] else None, secret)
        if right and first is not None:
            await first()
        # Handed over within the turn: the writer keeps the order, so the next attempt finds this one forgiven.
        submitted = desk.submit(asker, lambda uow: finish(uow, row, right))
    found: T | Refusal = await asyncio.wrap_future(submitted)
    if isinstance(found, Refusal):
        raise found
    return found


def _wait(known: Iterable[RowMapping], keys: dict[str, Pace], now: datetime) -> timedelta:
    waits = (still_to_wait(row["wait_until"], now, keys[row["key"]]) for row in known)
    return max(waits, default=timedelta(0))


def _refuse(wait: timedelta) -> None:
    if wait > timedelta(0):
        seconds = int(wait.total_seconds()) + 1
        raise TooMany(f"Too many failed attempts; try again in {seconds} s.", seconds)


async def _count(
    desk: Desk, keys: dict[str, Pace], find: Callable[[Connection], RowMapping | None]
) -> RowMapping | None:
    """Counts an attempt and answers whose it is, or refuses to look at it yet."""
    now = desk.clock()

    def count(conn: Connection) -> tuple[timedelta, RowMapping | None]:
        known = accounts.attempts(conn, keys, to_change=True)
        wait = _wait(known, keys, now)
        if wait > timedelta(0):
            return wait, None
        tallies = {row["key"]: Tally(row["failures"], row["last_at"]) for row in known}
        for name, pace in sorted(keys.items(), key=itemgetter(0)):
            tally = one_more(tallies.get(name), now, pace)
            until = free_from(now, tally.failures, pace)
            accounts.put_attempt(conn, name, tally.failures, tally.since, until, new=name not in tallies)
        return wait, find(conn)

    wait, row = await desk.quietly(count)
    _refuse(wait)
    return row


def forgive(conn: Connection, keys: dict[str, Pace]) -> None:
    """A right password clears the account, and takes back what it counted against the address: no more, or one known
    password would let its owner guess others for ever."""
    accounts.clear_attempts(conn, [name for name, pace in keys.items() if pace is ACCOUNT])
    for row in accounts.attempts(conn, [name for name, pace in keys.items() if pace is ADDRESS], to_change=True):
        accounts.put_attempt(conn, row["key"], row["failures"] - 1, row["last_at"], AT_ONCE)
