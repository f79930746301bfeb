"""Lists that cost the same whatever lies behind them.

All that a reader may see lies in the establishments that he or she has sights of, and in those where he or she wrote
something. In each of them a list is a *walk* along an index that has its order: row by row, and only as far as rows are
wanted; what the reader may not see is passed over. The walks of several establishments are merged by the database.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from handover.domain.access import Sight
from handover.store.sights import visible_in

AT_ONCE = 100
"""Walks that are merged in one statement; the embedded store takes no more than 500."""


class Place(NamedTuple):
    """An establishment, and what the reader may see there: what is in his or her sights, or else (`left`) only what he
    or she wrote."""

    code: str
    may: sa.ColumnElement[bool]
    left: bool


def places(
    conn: Connection,
    table: sa.Table,
    reader: str,
    seen: Sequence[Sight],
    only: str | None = None,
    unit: str | None = None,
) -> Iterator[Place]:
    """The establishments (or this one, if it is one of them) in which there may be rows of the table that the reader
    may see. `unit`: only rows of a unit of this name are asked for."""
    own = sorted({sight.establishment for sight in seen})
    for code in own:
        if only in (None, code):
            yield Place(code, visible_in(table, reader, seen, code, unit), left=False)
    if only not in own:
        for code in written_in(conn, table, reader):
            if code not in own and only in (None, code):
                yield Place(code, table.c.author == reader, left=True)


def written_in(conn: Connection, table: sa.Table, reader: str) -> list[str]:
    """The establishments in which the reader wrote something. One look at the index for each, however much it is."""
    c = table.c
    first = sa.select(sa.func.min(c.establishment).label("place")).where(c.author == reader)
    found = first.cte("found", recursive=True)
    after = sa.select(sa.func.min(c.establishment)).where(c.author == reader, c.establishment > found.c.place)
    found = found.union_all(sa.select(after.scalar_subquery()).where(found.c.place.is_not(None)))
    query = sa.select(found.c.place).where(found.c.place.is_not(None))
    return list(conn.execute(query).scalars())


def picking(column: sa.ColumnElement[Any], *values: str) -> sa.ColumnElement[bool]:
    """Picks from a walk by a column that is never empty, so that no index is entered by it: of two indexes the embedded
    store knows how many columns fit, but not how many rows."""
    return sa.or_(column.is_(None), *(column == value for value in values))


def first(
    conn: Connection,
    shown: Sequence[sa.Column[Any]],
    walks: Sequence[sa.Select[Any]],
    order: Sequence[str],
    limit: int,
    newest: bool = True,
) -> list[RowMapping]:
    """The first rows of all these walks, no two of which share a row, in the order of these columns (the last first,
    where the `newest` are wanted). `shown`: what they say, columns of one table."""
    if len(walks) == 1:
        return list(conn.execute(_ordered(walks[0], order, newest).limit(limit)).mappings())
    keys: list[sa.Row[Any]] = []
    for start in range(0, len(walks), AT_ONCE):
        # Each walk with an end of its own: without, one engine would read all of them to their ends, and sort.
        ends = [
            sa.select(_ordered(_only(walk, order), order, newest).limit(limit).subquery())
            for walk in walks[start : start + AT_ONCE]
        ]
        keys += conn.execute(_ordered(sa.union_all(*ends), order, newest).limit(limit))
    if len(walks) > AT_ONCE:
        keys.sort(key=tuple, reverse=newest)
    ids = [key.id for key in keys[:limit]]
    # Only now what they say: it is much more than what they are ordered by.
    query = sa.select(*shown).where(shown[0].table.c.id.in_(ids))
    rows = {row["id"]: row for row in conn.execute(query).mappings()} if ids else {}
    return [rows[id_] for id_ in ids]


def _only(walk: sa.Select[Any], order: Sequence[str]) -> sa.Select[Any]:
    return walk.with_only_columns(*(walk.selected_columns[name] for name in order))


def _ordered(query: Any, order: Sequence[str], newest: bool) -> Any:
    columns = [query.selected_columns[name] for name in order]
    return query.order_by(*(column.desc() if newest else column for column in columns))


def beyond(columns: Sequence[sa.ColumnElement[Any]], key: Sequence[Any], newest: bool = True) -> sa.ColumnElement[bool]:
    """The rows that come after one, in the order of these columns."""
    # With the column's own types: a bare literal would be written as another text than the embedded store keeps.
    last = sa.tuple_(*(sa.literal(value, column.type) for value, column in zip(key, columns, strict=True)))
    return sa.tuple_(*columns) < last if newest else sa.tuple_(*columns) > last
