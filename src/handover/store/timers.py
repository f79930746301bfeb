"""What is to be looked at when its time comes. Times are kept in the store, so they outlive any process; whoever is
first takes them, so each fires once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover.store.rows import Rows
from handover.store.tables import timers

ATTENTION, PROMISE, OVERDUE, ESCALATE, PAGE = "ATTENTION", "PROMISE", "OVERDUE", "ESCALATE", "PAGE"


def add(rows: Rows, *due: tuple[datetime, str, str]) -> None:
    """Sets timers: (when, kind, about what)."""
    rows.add(timers, *({"due_at": at, "kind": kind, "about": about} for at, kind, about in due))


def is_due(conn: Connection, now: datetime) -> bool:
    """Whether any timer's time has come."""
    return conn.execute(sa.select(timers.c.kind).where(timers.c.due_at <= now).limit(1)).first() is not None


def take(conn: Connection, now: datetime, most: int) -> Sequence[tuple[datetime, str, str]]:
    """Takes the timers whose time has come, the oldest first; what another process is taking is left to it."""
    t = timers.c
    query = (
        sa.select(t.due_at, t.kind, t.about)
        .where(t.due_at <= now)
        .order_by(t.due_at, t.kind, t.about)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    due: list[Any] = list(conn.execute(query))
    for at, kind, about in due:
        conn.execute(sa.delete(timers).where(t.due_at == at, t.kind == kind, t.about == about))
    return [(at, kind, about) for at, kind, about in due]
