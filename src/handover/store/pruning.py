"""Removing what is old, a few rows at a time, along the index that has it in order."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection


def prune(
    conn: Connection,
    table: sa.Table,
    old: sa.Column[datetime],
    before: datetime,
    most: int,
    *more: sa.ColumnElement[bool],
) -> int:
    """Removes rows whose time lies before this, the oldest first and so many at most; answers how many."""
    key = tuple(table.primary_key.columns)
    some = sa.select(*key).where(old < before, *more).order_by(old).limit(most)
    where = sa.tuple_(*key).in_(some) if len(key) > 1 else key[0].in_(some)
    return conn.execute(sa.delete(table).where(where)).rowcount
