"""What is to be looked at when its time comes. Times are kept in the store, so they outlive any process; whoever is
first takes them, so each fires once."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover.store.rows import Rows
from handover.store.tables import timers

ATTENTION, PROMISE, OVERDUE, ESCALATE, PAGE = "ATTENTION", "PROMISE", "OVERDUE", "ESCALATE", "PAGE"
UNOFFERED = "UNOFFERED"


def add(rows: Rows, *due: tuple[datetime, str, str]) -> None:
    """Sets timers: (when, kind, about what)."""
    rows.add(timers, *({"due_at": at, "kind": kind, "about": about} for at, kind, about in due))


def put(conn: Connection, at: datetime, kind: str, about: str) -> None:
    """Sets a timer that may have been set before."""
    take(conn, at, kind, about)
    conn.execute(sa.insert(timers), {"due_at": at, "kind": kind, "about": about})


def due(conn: Connection, now: datetime, most: int) -> list[tuple[datetime, str, str]]:
    """The timers whose time has come, the oldest first."""
    t = timers.c
    query = sa.select(t.due_at, t.kind, t.about).where(t.due_at <= now).order_by(t.due_at, t.kind, t.about)
    return [(at, kind, about) for at, kind, about in conn.execute(query.limit(most))]


def take(conn: Connection, at: datetime, kind: str, about: str) -> bool:
    """Takes a timer away; False if another process has. Two that try at once wait for each other's commit, and only
    one finds it."""
    t = timers.c
    taken = conn.execute(sa.delete(timers).where(t.due_at == at, t.kind == kind, t.about == about))
    return taken.rowcount == 1
