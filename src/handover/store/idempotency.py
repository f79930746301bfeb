"""First answers, kept so that a repeated request gets the same one."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from handover.store import pruning
from handover.store.rows import Rows
from handover.store.tables import idempotency

_FIRST = sa.select(idempotency).where(
    idempotency.c.caller == sa.bindparam("caller"), idempotency.c.key == sa.bindparam("key")
)


def get(conn: Connection, caller: str, key: str) -> RowMapping | None:
    """The first answer under this key, if there is one."""
    return conn.execute(_FIRST, {"caller": caller, "key": key}).mappings().first()


def add(batch: Rows, row: dict[str, Any]) -> None:
    """Keeps a first answer."""
    batch.add(idempotency, row)


def blank(conn: Connection, note: str, body: str) -> None:
    """Replaces the kept answers that carry a retracted note's text."""
    conn.execute(sa.update(idempotency).where(idempotency.c.note == note).values(body=body))


def prune(conn: Connection, before: datetime, most: int) -> int:
    """Forgets answers given before this, so many at most."""
    return pruning.prune(conn, idempotency, idempotency.c.at, before, most)
