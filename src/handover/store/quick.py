"""Statements that every note needs, put together once and run on the driver's own cursor.

The toolkit takes longer to run a statement than the database does. What goes wrong comes out as its own errors all the
same, so that nobody above has to know which way a statement went.
"""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect

from handover.store.engine import found, run


class Quick:
    """A statement whose values are text, whole numbers and times in UTC: nothing has to be done to them on the way."""

    def __init__(self, query: sa.Executable) -> None:
        self._query = query
        self._made: dict[str, tuple[str, Callable[[dict[str, Any]], Any], dict[str, Any]]] = {}

    def __call__(self, conn: Connection, values: dict[str, Any]) -> Any:
        """Runs it; answers the driver's cursor."""
        text, given, fixed = self._made.get(conn.dialect.name) or self._make(conn.dialect)
        return run(conn, text, given({**fixed, **values} if fixed else values))

    def _make(self, dialect: Dialect) -> tuple[str, Callable[[dict[str, Any]], Any], dict[str, Any]]:
        compiled = self._query.compile(dialect=dialect)  # type: ignore[attr-defined]  # every statement can be
        order = compiled.positiontup if compiled.positional else None
        given = _by_name if order is None else _in_order(order)
        fixed = {name: value for name, value in compiled.params.items() if value is not None}  # an OFFSET of 0
        made = self._made[dialect.name] = str(compiled), given, fixed
        return made


def _by_name(values: dict[str, Any]) -> dict[str, Any]:
    return values


def _in_order(names: Sequence[str]) -> Callable[[dict[str, Any]], Sequence[Any]]:
    if len(names) > 1:
        return itemgetter(*names)
    return lambda values: [values[name] for name in names]


def each(conn: Connection, query: sa.Select[Any], name: str, values: Sequence[str]) -> list[Any]:
    """What a query finds for each of these values of one parameter, all in one statement. It is put together once and
    said again: to have each put together by the toolkit takes longer than finding it."""
    compiled = query.compile(dialect=conn.dialect, compile_kwargs={"render_postcompile": True})
    text, fixed = str(compiled), compiled.params
    given: Any
    if compiled.positional:
        parts = [text] * len(values)
        order = compiled.positiontup or ()
        given = [value if one == name else fixed[one] for value in values for one in order]
    else:
        parts = [text.replace(f"%({name})s", f"%({name}{i})s") for i in range(len(values))]
        given = fixed | {f"{name}{i}": value for i, value in enumerate(values)}
    whole = " UNION ALL ".join(f"SELECT * FROM ({part}) part{i}" for i, part in enumerate(parts))  # noqa: S608 - our own
    return found(conn, run(conn, whole, given))
