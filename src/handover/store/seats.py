"""Terminals at which somebody may come back by PIN."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from handover.domain.pins import TRIES
from handover.store import pruning
from handover.store.tables import accounts, establishments, seats


def screens_of(conn: Connection, places: Iterable[str]) -> dict[str, str | None]:
    """What these establishments say of their screens, as kept; those not set up are not there."""
    e = establishments.c
    query = sa.select(e.code, e.screens).where(e.code.in_(sorted(places)))
    return {row[0]: row[1] for row in conn.execute(query)}


def add(conn: Connection, row: dict[str, Any]) -> None:
    """Writes a new one."""
    conn.execute(sa.insert(seats), row)


def seat(conn: Connection, digest: str, now: datetime) -> RowMapping | None:
    """One that has not ended, with its owner's account."""
    query = (
        sa.select(seats.c.hash, seats.c.until, seats.c.failures, accounts)
        .join(accounts, accounts.c.id == seats.c.account)
        .where(seats.c.hash == digest, seats.c.until > now)
    )
    return conn.execute(query).mappings().first()


def count_try(conn: Connection, digest: str) -> bool:
    """Counts a PIN before it is looked at; False where there were too many already. However many come at once, on
    however many processes, no more are looked at."""
    counted = sa.update(seats).where(seats.c.hash == digest, seats.c.failures < TRIES)
    return conn.execute(counted.values(failures=seats.c.failures + 1)).rowcount == 1


def forgive_try(conn: Connection, digest: str) -> None:
    """It was right."""
    conn.execute(sa.update(seats).where(seats.c.hash == digest).values(failures=seats.c.failures - 1))


def end(conn: Connection, digest: str) -> str | None:
    """Ends one; answers whose it was."""
    whose = conn.execute(sa.select(seats.c.account).where(seats.c.hash == digest)).scalar()
    conn.execute(sa.delete(seats).where(seats.c.hash == digest))
    return whose


def end_all_of(conn: Connection, account: str) -> None:
    """Ends all of one person's."""
    conn.execute(sa.delete(seats).where(seats.c.account == account))


def prune(conn: Connection, before: datetime, most: int) -> int:
    """Forgets those that ended before this, so many at most."""
    return pruning.prune(conn, seats, seats.c.until, before, most)
