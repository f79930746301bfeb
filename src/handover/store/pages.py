"""Pages: calls that are repeated until a named person takes them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from handover.domain.access import Sight
from handover.domain.pages import RAISED, STATES
from handover.store.locks import Hold, held
from handover.store.rows import Rows
from handover.store.tables import pages
from handover.store.walks import beyond, first, places

_P = pages.c


def add(rows: Rows, row: dict[str, Any]) -> None:
    """Raises a page."""
    rows.add(pages, row)


def get(conn: Connection, page: str, hold: Hold | None = None) -> RowMapping | None:
    """One page, whoever asks: the caller of this judges who may see it."""
    return conn.execute(held(sa.select(pages).where(_P.id == page), hold)).mappings().first()


def raised_about(conn: Connection, about: str) -> list[RowMapping]:
    """The pages about a note or handover that nobody has taken yet, to be changed."""
    query = sa.select(pages).where(_P.about == about, _P.state == RAISED).order_by(_P.id)
    return list(conn.execute(held(query, "mine")).mappings())


def change(conn: Connection, page: str, version: int, **columns: Any) -> None:
    """Changes a page that is held."""
    conn.execute(sa.update(pages).where(_P.id == page, _P.version == version).values(version=version + 1, **columns))


def find(
    conn: Connection,
    reader: str,
    seen: Sequence[Sight],
    place: str | None,
    unit: str | None,
    state: str | None,
    before: tuple[datetime, str] | None,
    limit: int,
    kind: str | None = None,
) -> list[RowMapping]:
    """Pages this reader may see, the newest first, one more than asked to tell whether there are more."""
    query = sa.select(pages)
    if kind is not None:
        query = query.where(_P.kind == kind)
    if unit is not None:
        query = query.where(_P.unit == unit)
    if before is not None:
        query = query.where(beyond((_P.raised_at, _P.id), before))
    walks = [
        query.where(_P.establishment == spot.code, _P.state == one, spot.may)
        for spot in places(conn, pages, reader, seen, place, unit)
        for one in (STATES if state is None else (state,))
    ]
    return first(conn, tuple(_P), walks, ("raised_at", "id"), limit + 1)
