"""New rows on their way into the store."""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect

from handover.store.engine import inserts, run

Bind = Callable[[Any], Any]


class Rows(Protocol):
    """Takes new rows; they are written together, before the commit and before anything that must see them."""

    def add(self, table: sa.Table, *rows: dict[str, Any]) -> None:
        """Takes rows of one table, all with the same columns."""


def insert(conn: Connection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    """Writes rows of one table, all with the same columns (two at least)."""
    columns = tuple(rows[0])
    write(conn, table, columns, map(itemgetter(*columns), rows))


def write(conn: Connection, table: sa.Table, columns: tuple[str, ...], rows: Iterable[Iterable[Any]]) -> None:
    """The same, of values in the order of the columns: many rows in one statement. A statement for each takes longer,
    row by row, and lets other threads in between."""
    binds = _binds(conn.dialect, table, columns)
    ready = [list(row) for row in rows]
    for row in ready:
        for place, bind in binds:
            row[place] = bind(row[place])
    for text, values in inserts(conn.dialect, table.name, columns, ready):
        run(conn, text, values)


@lru_cache(maxsize=256)
def _binds(dialect: Dialect, table: sa.Table, columns: tuple[str, ...]) -> list[tuple[int, Bind]]:
    """What the columns' types do to a value on its way, for those that do anything."""
    found = (table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in columns)
    return [(place, bind) for place, bind in enumerate(found) if bind is not None]
