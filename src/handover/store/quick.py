"""Statements that every note needs, put together once and run on the driver's own cursor.

The toolkit takes longer to run a statement than the database does. What goes wrong comes out as its own errors all the
same, so that nobody above has to know which way a statement went.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.exc import DBAPIError

from handover.store.engine import pipelined


def run(conn: Connection, text: str, values: Any = ()) -> Any:
    """Runs a statement in the connection's transaction; answers the driver's cursor."""
    try:
        cursor = conn.connection.cursor()
        cursor.execute(text, values)
    except conn.dialect.loaded_dbapi.Error as error:
        raise _told(conn, text, error) from error
    return cursor


def found(conn: Connection, cursor: Any) -> list[Any]:
    """All that a statement found."""
    try:
        rows: list[Any] = cursor.fetchall()
    except conn.dialect.loaded_dbapi.Error as error:
        raise _told(conn, None, error) from error
    return rows


@contextmanager
def one_trip(conn: Connection) -> Iterator[None]:
    """What is `run` within goes to the database together, where it is a way off: a trip costs more than a statement.
    What was `found` is asked for afterwards; what went wrong is raised at the end."""
    try:
        with pipelined(conn):
            yield
    except conn.dialect.loaded_dbapi.Error as error:
        raise _told(conn, None, error) from error


def _told(conn: Connection, text: str | None, error: Any) -> DBAPIError:
    """The error as the toolkit tells it. A connection that is gone is given up, as the toolkit would."""
    dialect, kind = conn.dialect, conn.dialect.loaded_dbapi.Error
    lost = not conn.invalidated and dialect.is_disconnect(error, conn.connection.dbapi_connection, None)
    if lost:
        conn.invalidate(error)
    told: Any = DBAPIError.instance(
        text, None, error, kind, hide_parameters=True, connection_invalidated=lost, dialect=dialect
    )
    return told  # type: ignore[no-any-return]  # always a DBAPIError: the error is the driver's


class Quick:
    """A statement whose values are text and whole numbers: nothing has to be done to them on their way."""

    def __init__(self, query: sa.Executable) -> None:
        self._query = query
        self._made: dict[str, tuple[str, tuple[str, ...] | None]] = {}

    def __call__(self, conn: Connection, values: dict[str, Any]) -> Any:
        """Runs it; answers the driver's cursor."""
        text, order = self._made.get(conn.dialect.name) or self._make(conn.dialect)
        return run(conn, text, values if order is None else [values[name] for name in order])

    def _make(self, dialect: Dialect) -> tuple[str, tuple[str, ...] | None]:
        compiled = self._query.compile(dialect=dialect)  # type: ignore[attr-defined]  # every statement can be
        order = tuple(compiled.positiontup) if compiled.positional else None
        made = self._made[dialect.name] = str(compiled), order
        return made
