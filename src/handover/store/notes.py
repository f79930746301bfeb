"""Notes, what they are found by, and what is sealed when one is taken back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from handover.domain.access import Sight
from handover.store.locks import Hold, held
from handover.store.rows import Rows
from handover.store.sights import visible
from handover.store.tables import inmates, note_codes, notes, receipts, sealed


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list of notes is narrowed to; None means not narrowed."""

    establishment: str | None = None
    unit: str | None = None
    inmate: str | None = None
    shift: str | None = None
    shift_code: str | None = None
    attention: str | None = None
    indicator: str | None = None
    need: str | None = None
    author: str | None = None
    occurred_from: datetime | None = None
    occurred_to: datetime | None = None
    recorded_from: datetime | None = None
    incident: str | None = None
    words: tuple[str, ...] = ()


def add(batch: Rows, row: dict[str, Any], codes: Sequence[tuple[str, str]]) -> None:
    """Writes a note and the codes it is found by."""
    batch.add(notes, row)
    batch.add(note_codes, *({"note": row["id"], "list": name, "code": code} for name, code in codes))


def get(conn: Connection, note: str, hold: Hold | None = None) -> RowMapping | None:
    """One note, whoever asks: the caller of this judges who may see it."""
    return conn.execute(held(sa.select(notes).where(notes.c.id == note), hold)).mappings().first()


def find(
    conn: Connection,
    reader: str,
    seen: Sequence[Sight],
    wanted: Filter,
    before: tuple[datetime, str] | None,
    limit: int,
) -> list[RowMapping]:
    """Notes this reader may see, newest first, one more than asked to tell whether there are more."""
    n = notes.c
    query = sa.select(n.id, n.inmate, n.recorded_at, n.document).where(visible(notes, reader, seen))
    for column, value in (
        (n.establishment, wanted.establishment),
        (n.unit, wanted.unit),
        (n.inmate, wanted.inmate),
        (n.shift, wanted.shift),
        (n.author_name, wanted.author),
        (n.incident, wanted.incident),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.attention is not None:
        query = query.where(n.attention == wanted.attention, n.status != "RETRACTED")
    if wanted.shift_code is not None:
        query = query.where(n.shift.endswith("/" + wanted.shift_code, autoescape=True))
    if wanted.occurred_from is not None:
        query = query.where(n.occurred_at >= wanted.occurred_from)
    if wanted.occurred_to is not None:
        query = query.where(n.occurred_at < wanted.occurred_to)
    if wanted.recorded_from is not None:
        query = query.where(n.recorded_at >= wanted.recorded_from)
    for word in wanted.words:
        query = query.where(n.search.contains(word, autoescape=True))
    for name, code in (("indicators", wanted.indicator), ("needs", wanted.need)):
        if code is not None:
            k = note_codes.c
            query = query.where(sa.exists().where(k.note == n.id, k.list == name, k.code == code))
    if before is not None:
        query = query.where(
            sa.tuple_(n.recorded_at, n.id) < sa.tuple_(sa.literal(before[0], n.recorded_at.type), sa.literal(before[1]))
        )
    query = query.order_by(n.recorded_at.desc(), n.id.desc()).limit(limit + 1)
    return list(conn.execute(query).mappings())


def change(conn: Connection, note: str, **columns: Any) -> None:
    """Rewrites columns of a note: its document and status when it is corrected, its number when it is merged."""
    conn.execute(sa.update(notes).where(notes.c.id == note).values(**columns))


def all_of_inmate(conn: Connection, inmate: str) -> list[RowMapping]:
    """Every note about one number, oldest first, to be changed."""
    query = sa.select(notes).where(notes.c.inmate == inmate).order_by(notes.c.recorded_at, notes.c.id)
    conn.execute(held(query.with_only_columns(notes.c.id), "mine"))
    # Asked again: whoever was waited for may have corrected one of them, and a correction is one more note.
    return list(conn.execute(held(query, "mine")).mappings())


def watched(conn: Connection, place: str, unit: str, at: datetime) -> list[RowMapping]:
    """The unit's notes whose attention lasts beyond a time, and those on its people, oldest first."""
    n, i = notes.c, inmates.c
    here = sa.select(i.number).where(i.establishment == place, i.unit == unit, i.merged_into.is_(None))
    on_unit = sa.select(notes).where(n.inmate.is_(None), n.establishment == place, n.unit == unit, n.watch_until > at)
    on_people = sa.select(notes).where(n.inmate.in_(here), n.watch_until > at, n.establishment == place, n.unit == unit)
    found = [row for query in (on_unit, on_people) for row in conn.execute(query).mappings()]
    return sorted(found, key=lambda row: (row["recorded_at"], row["id"]))


def incidents(conn: Connection, place: str, unit: str, since: datetime) -> list[str]:
    """The unit's incidents that may have gone on at a time or after it: the attention of one of their notes lasted."""
    n = notes.c
    query = sa.select(n.incident).where(
        n.establishment == place, n.unit == unit, n.incident.is_not(None), n.watch_until >= since
    )
    return list(conn.execute(query.distinct().order_by(n.incident)).scalars())


def picture_of(conn: Connection, inmate: str, since: datetime, at: datetime) -> list[RowMapping]:
    """The notes on a person that stand and were recorded since then, or whose attention lasts beyond `at`; oldest
    first."""
    n = notes.c
    query = sa.select(notes).where(
        n.inmate == inmate,
        n.status.in_(("ACTIVE", "RESTRICTED")),
        sa.or_(n.recorded_at >= since, n.watch_until > at),
    )
    return list(conn.execute(query.order_by(n.recorded_at, n.id)).mappings())


def unfile(conn: Connection, note: str) -> None:
    """Takes a retracted note out of the code filters."""
    conn.execute(sa.delete(note_codes).where(note_codes.c.note == note))


def seal(conn: Connection, thing: str, note: str, document: str, at: datetime) -> None:
    """Keeps what was said, for the auditor alone."""
    conn.execute(sa.insert(sealed), {"id": thing, "note": note, "document": document, "sealed_at": at})


def sealed_document(conn: Connection, note: str) -> str | None:
    """What a retracted note said."""
    return conn.execute(sa.select(sealed.c.document).where(sealed.c.id == note)).scalar()


def add_receipt(conn: Connection, row: dict[str, Any]) -> None:
    """Writes a receipt."""
    conn.execute(sa.insert(receipts), row)


def receipts_of(conn: Connection, note: str) -> list[RowMapping]:
    """The receipts of a note, oldest first."""
    query = sa.select(receipts).where(receipts.c.note == note).order_by(receipts.c.id)
    return list(conn.execute(query).mappings())


def change_receipt(conn: Connection, receipt: str, document: str) -> None:
    """Rewrites a receipt whose note was retracted."""
    conn.execute(sa.update(receipts).where(receipts.c.id == receipt).values(document=document))
