"""New rows on their way into the store."""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect

from handover.store.engine import Writing, inserts, run

Bind = Callable[[Any], Any]


class Rows(Protocol):
    """Takes new rows; they are written together, before the commit and before anything that must see them."""

    def add(self, table: sa.Table, *rows: dict[str, Any]) -> None:
        """Takes rows of one table, all with the same columns."""


New = tuple[sa.Table, tuple[str, ...], Iterable[Sequence[Any]]]
"""New rows of one table, in the order of these columns (two at least)."""


def write(conn: Connection, new: Iterable[New], heads: str | None = None) -> None:
    """Writes new rows, parents before children. Many rows go in one statement: one for each takes longer, row by row,
    and lets other threads in between. `heads`: as `engine.inserts` has it."""
    for text, values in inserts(conn.dialect, bound(conn.dialect, new), heads):
        run(conn, text, values)


def bound(dialect: Dialect, new: Iterable[New]) -> list[Writing]:
    """The same rows as a driver takes them."""
    writings: list[Writing] = []
    for table, columns, rows in new:
        binds = _binds(dialect, table, columns)
        if not binds:
            writings.append((table.name, columns, list(rows)))
            continue
        ready = [list(row) for row in rows]
        for place, bind in binds:
            for row in ready:
                row[place] = bind(row[place])
        writings.append((table.name, columns, ready))
    return writings


@lru_cache(maxsize=256)
def _binds(dialect: Dialect, table: sa.Table, columns: tuple[str, ...]) -> list[tuple[int, Bind]]:
    """What the columns' types do to a value on its way, for those that do anything."""
    found = (table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in columns)
    return [(place, bind) for place, bind in enumerate(found) if bind is not None]
