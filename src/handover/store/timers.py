"""What is to be looked at when its time comes. Times are kept in the store, so they outlive any process; whoever is
first takes them, so each fires once."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover.store.engine import found
from handover.store.quick import Quick
from handover.store.rows import Rows
from handover.store.tables import timers
from handover.store.types import as_time

ATTENTION, PROMISE, OVERDUE, ESCALATE, PAGE = "ATTENTION", "PROMISE", "OVERDUE", "ESCALATE", "PAGE"
UNOFFERED = "UNOFFERED"
_T = timers.c
_DUE = Quick(  # every process looks once a second, all day long
    sa.select(_T.due_at, _T.kind, _T.about)
    .where(_T.due_at <= sa.bindparam("now"))
    .order_by(_T.due_at, _T.kind, _T.about)
    .limit(sa.bindparam("most"))
)


def add(rows: Rows, *due: tuple[datetime, str, str]) -> None:
    """Sets timers: (when, kind, about what)."""
    rows.add(timers, *({"due_at": at, "kind": kind, "about": about} for at, kind, about in due))


def put(conn: Connection, at: datetime, kind: str, about: str) -> None:
    """Sets a timer that may have been set before."""
    take(conn, at, kind, about)
    conn.execute(sa.insert(timers), {"due_at": at, "kind": kind, "about": about})


def due(conn: Connection, now: datetime, most: int) -> list[tuple[datetime, str, str]]:
    """The timers whose time has come, the oldest first."""
    rows = found(conn, _DUE(conn, {"now": now, "most": most}))
    return [(as_time(at), kind, about) for at, kind, about in rows]


def take(conn: Connection, at: datetime, kind: str, about: str) -> bool:
    """Takes a timer away; False if another process has. Two that try at once wait for each other's commit, and only
    one finds it."""
    taken = conn.execute(sa.delete(timers).where(_T.due_at == at, _T.kind == kind, _T.about == about))
    return taken.rowcount == 1
