"""Needs and the steps of their lives."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from handover.domain.access import Sight
from handover.domain.needs import CLOSED, OPEN
from handover.store.locks import Hold, held
from handover.store.rows import Rows
from handover.store.sights import visible
from handover.store.tables import need_steps, needs
from handover.store.walks import beyond, first, places

_N = needs.c
NO_DUE = datetime(9999, 1, 1, tzinfo=UTC)
"""Where needs without a due time stand in a list ordered by it: at the end."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list of needs is narrowed to; None means not narrowed."""

    establishment: str | None = None
    unit: str | None = None
    inmate: str | None = None
    status: str | None = None
    code: str | None = None
    due_before: datetime | None = None


def add(batch: Rows, rows: Sequence[dict[str, Any]]) -> None:
    """Opens needs."""
    batch.add(needs, *({**row, "sort_due": row["due_at"] or NO_DUE} for row in rows))


def add_steps(batch: Rows, rows: Sequence[dict[str, Any]]) -> None:
    """Writes what happened to needs."""
    batch.add(need_steps, *rows)


def get(conn: Connection, need: str, hold: Hold | None = None) -> RowMapping | None:
    """One need, whoever asks: the caller of this judges who may see it."""
    return conn.execute(held(sa.select(needs).where(needs.c.id == need), hold)).mappings().first()


def change(conn: Connection, need: str, version: int, **columns: Any) -> bool:
    """Changes a need if it still has this version; False if somebody was quicker. `sort_due` stays what it was when the
    need was opened: a row that changed its place while somebody pages would be skipped or repeated."""
    done = conn.execute(
        sa.update(needs).where(needs.c.id == need, needs.c.version == version).values(version=version + 1, **columns)
    )
    return done.rowcount == 1


def steps(conn: Connection, need: str) -> list[str]:
    """The steps of a need's life as documents, oldest first."""
    query = sa.select(need_steps.c.document).where(need_steps.c.need == need).order_by(need_steps.c.version)
    return list(conn.execute(query).scalars())


def blank_step(conn: Connection, need: str, version: int, document: str) -> None:
    """Rewrites a step of a need whose note was retracted."""
    conn.execute(
        sa.update(need_steps)
        .where(need_steps.c.need == need, need_steps.c.version == version)
        .values(document=document)
    )


def all_of_note(conn: Connection, note: str) -> list[RowMapping]:
    """The needs of a note, in the order they were opened, to be changed."""
    query = sa.select(needs).where(needs.c.note == note).order_by(needs.c.id)
    return list(conn.execute(held(query, "mine")).mappings())


def places_of(conn: Connection, note: str) -> list[tuple[str, str]]:
    """The units in which the needs of a note are to be met."""
    query = sa.select(needs.c.establishment, needs.c.unit).where(needs.c.note == note).distinct()
    return [(place, unit) for place, unit in conn.execute(query)]


def all_of_inmate(conn: Connection, inmate: str, status: str | None = None) -> list[RowMapping]:
    """The needs of one number (with one status), in the order they were opened, to be changed."""
    query = sa.select(needs).where(needs.c.inmate == inmate)
    if status is not None:
        query = query.where(needs.c.status == status)
    return list(conn.execute(held(query.order_by(needs.c.id), "mine")).mappings())


def lasting(conn: Connection, some: Sequence[str], since: datetime) -> set[str]:
    """Which of these needs are open, or changed since then."""
    query = sa.select(_N.id).where(_N.id.in_(some), sa.or_(_N.status == OPEN, _N.updated_at >= since))
    return set(conn.execute(query).scalars()) if some else set()


def find(
    conn: Connection, reader: str, seen: Sequence[Sight], wanted: Filter, after: tuple[datetime, str] | None, limit: int
) -> list[RowMapping]:
    """Needs this reader may see, by the due time they were opened with, then age; one more than asked to tell whether
    there are more."""
    query = sa.select(needs)
    for name in ("unit", "code"):
        value = getattr(wanted, name)
        if value is not None:
            query = query.where(_N[name] == value)
    if wanted.due_before is not None:
        query = query.where(_N.due_at < wanted.due_before)
    if after is not None:
        query = query.where(beyond((_N.sort_due, _N.id), after, newest=False))
    if wanted.inmate is not None:
        query = query.where(_N.inmate == wanted.inmate, visible(needs, reader, seen))
        for name in ("establishment", "status"):
            if (value := getattr(wanted, name)) is not None:
                query = query.where(_N[name] == value)
        walks = [query]
    else:
        spots = list(places(conn, needs, reader, seen, wanted.establishment, wanted.unit))
        every = [
            (spot, status)
            for spot in spots
            for status in ((OPEN, *CLOSED) if wanted.status is None else (wanted.status,))
        ]
        walks = [query.where(_N.establishment == spot.code, _N.status == status, spot.may) for spot, status in every]
    return first(conn, tuple(_N), walks, ("sort_due", "id"), limit + 1, newest=False)
