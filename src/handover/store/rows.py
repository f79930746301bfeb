"""New rows on their way into the store."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect

Bind = Callable[[Any], Any]


class Rows(Protocol):
    """Takes new rows; they are written together, before the commit and before anything that must see them."""

    def add(self, table: sa.Table, *rows: dict[str, Any]) -> None:
        """Takes rows of one table, all with the same columns."""


def insert(conn: Connection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    """Writes rows of one table, all with the same columns. What the toolkit makes of an insert is made once and kept:
    it takes longer to put together, row by row, than the database takes to run it."""
    text, names, binds, positional = _prepared(conn.dialect, table, tuple(rows[0]))
    values = [[bind(row[name]) if bind else row[name] for name, bind in zip(names, binds, strict=True)] for row in rows]
    if positional:
        conn.exec_driver_sql(text, [tuple(row) for row in values])
    else:
        conn.exec_driver_sql(text, [dict(zip(names, row, strict=True)) for row in values])


@lru_cache(maxsize=256)
def _prepared(
    dialect: Dialect, table: sa.Table, given: tuple[str, ...]
) -> tuple[str, tuple[str, ...], tuple[Bind | None, ...], bool]:
    compiled = sa.insert(table).compile(dialect=dialect, column_keys=list(given))
    names = tuple(compiled.positiontup) if compiled.positional and compiled.positiontup else given
    binds = tuple(table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in names)
    return str(compiled), names, binds, compiled.positional
