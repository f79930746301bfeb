"""Marks: values that are others after every change of something. Whoever keeps a copy in memory compares the mark
instead of reading it all again."""

from secrets import token_hex

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover.store.engine import found
from handover.store.quick import Quick
from handover.store.tables import store_meta

REWRITTEN, RIGHTS, TRIED = "rewritten", "rights", "tried"
"""Of events that were rewritten (a retraction); of anybody's rights; of nothing, when it is tried whether the store can
be written."""
_GET = Quick(sa.select(store_meta.c.value).where(store_meta.c.name == sa.bindparam("mark")))


def get(conn: Connection, mark: str) -> str | None:
    """The mark as it is."""
    rows = found(conn, _GET(conn, {"mark": mark}))
    return rows[0][0] if rows else None


def change(conn: Connection, mark: str) -> None:
    """Makes it another."""
    value = token_hex(8)
    if not conn.execute(sa.update(store_meta).where(store_meta.c.name == mark).values(value=value)).rowcount:
        conn.execute(sa.insert(store_meta), {"name": mark, "value": value})
