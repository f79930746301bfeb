"""First answers, kept so that a repeated request gets the same one."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover.store import pruning
from handover.store.engine import found, one_trip
from handover.store.quick import Quick
from handover.store.rows import Rows
from handover.store.tables import idempotency

_I = idempotency.c
_ANSWER = (_I.fingerprint, _I.status, _I.headers, _I.body, _I.note)
_FIRST = Quick(sa.select(*_ANSWER).where(_I.caller == sa.bindparam("caller"), _I.key == sa.bindparam("key")))


def get(conn: Connection, caller: str, key: str) -> Mapping[str, Any] | None:
    """The first answer under this key, if there is one."""
    with one_trip(conn):  # with the transaction's own beginning
        cursor = _FIRST(conn, {"caller": caller, "key": key})
    return next((dict(zip([column.name for column in _ANSWER], row, strict=True)) for row in found(conn, cursor)), None)


def add(batch: Rows, row: dict[str, Any]) -> None:
    """Keeps a first answer."""
    batch.add(idempotency, row)


def blank(conn: Connection, note: str, body: str) -> None:
    """Replaces the kept answers that carry a retracted note's text."""
    conn.execute(sa.update(idempotency).where(_I.note == note).values(body=body))


def amend(conn: Connection, handover: str, left: Callable[[str], str]) -> None:
    """Leaves of the kept answers about a handover what may still be said of each."""
    for caller, key, body in conn.execute(sa.select(_I.caller, _I.key, _I.body).where(_I.note == handover)).all():
        conn.execute(sa.update(idempotency).where(_I.caller == caller, _I.key == key).values(body=left(body)))


def prune(conn: Connection, before: datetime, most: int) -> int:
    """Forgets answers given before this, so many at most."""
    return pruning.prune(conn, idempotency, idempotency.c.at, before, most)
