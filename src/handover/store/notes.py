"""Notes, what they are found by, and what is sealed when one is taken back."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from handover.domain.access import WIDE, Sight
from handover.store.locks import Hold, held
from handover.store.rows import Rows
from handover.store.sights import visible
from handover.store.tables import (
    FILLED_IN_LATER,
    SOON_H,
    accounts,
    clients,
    inmates,
    note_codes,
    notes,
    receipts,
    sealed,
)
from handover.store.walks import Place, beyond, first, picking, places, written_in

_N, _K = notes.c, note_codes.c
_SHOWN = (_N.id, _N.inmate, _N.recorded_at, _N.document)
ORDER = ("recorded_at", "id")
SOON = timedelta(hours=SOON_H, minutes=1)
"""A little more than in the index: the embedded store counts in thousandths of a second."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
URGENT = "ACT_NOW"
"""The attention that is rare enough for an index of its own."""
_CODED = {"indicator": "indicators", "need": "needs"}
"""Of a filter for codes: the list they are of."""


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
    where = {"establishment": row["establishment"], "unit": row["unit"], "note": row["id"]}
    batch.add(note_codes, *({**where, "list": name, "code": code} for name, code in codes))


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
    """Notes this reader may see, newest first, one more than asked to tell whether there are more. The list is walked
    along the index of what narrows it most; the rest of the filter picks from that."""
    query = sa.select(*_SHOWN)
    if before is not None:
        query = query.where(beyond((_N.recorded_at, _N.id), before))
    if wanted.inmate is not None or wanted.incident is not None:
        walk = query.where(*_picked(wanted), visible(notes, reader, seen))
        if wanted.establishment is not None:
            walk = walk.where(picking(_N.establishment, wanted.establishment))
        return first(conn, _SHOWN, [walk], ORDER, limit + 1)
    spots = list(places(conn, notes, reader, seen, wanted.establishment, wanted.unit))
    until = None if wanted.occurred_to is None else wanted.occurred_to + SOON
    late: list[sa.Select[Any]] = []
    if until is not None and (before is None or before[0] >= until):
        told = sa.text(FILLED_IN_LATER[conn.dialect.name])
        late = [_filled_in_later(query.where(told), spot, reader, wanted, until) for spot in spots]
    if until is not None:
        query = query.where(_N.recorded_at < until)
    for name, kind in _CODED.items():
        code = getattr(wanted, name)
        if code is not None:
            if before is not None:
                query = query.where(_K.note < before[1])
            if wanted.unit is not None:
                query = query.where(_K.unit == wanted.unit)
            if (since := _since(wanted)) is not None:
                query = query.where(_K.note >= _id_of(since))
            if until is not None:
                query = query.where(_K.note < _id_of(until + timedelta(milliseconds=1)))
            query = query.where(*_picked(wanted, name, "unit"))
            walks = [_by_code(query.where(spot.may), spot.code, kind, code) for spot in spots]
            return first(conn, _SHOWN, [*walks, *late], ("id",), limit + 1)
    authors = [None] if wanted.author is None else _called(conn, wanted.author)
    walks = [_by_place(query, spot, author, wanted) for spot in spots for author in authors]
    return first(conn, _SHOWN, [*walks, *late], ORDER, limit + 1)


def _filled_in_later(
    query: sa.Select[Any], spot: Place, reader: str, wanted: Filter, until: datetime
) -> sa.Select[Any]:
    """The rest: the notes that came so late, along the index of when it happened. Few are expected, and they are put in
    order afterwards: an index that has the list's order would be walked past all that was recorded since."""
    recorded = sa.func.coalesce(_N.recorded_at, _N.recorded_at, type_=_N.recorded_at.type)  # no index is entered by it
    shown = (column if column is not _N.recorded_at else recorded.label("recorded_at") for column in _SHOWN)
    may = _N.author.concat("") == reader if spot.left else spot.may  # nor by who wrote it
    query = query.with_only_columns(*shown).where(_N.establishment == spot.code, may, recorded >= until)
    for name, kind in _CODED.items():
        if (code := getattr(wanted, name)) is not None:
            query = query.where(_with_code(kind, code).offset(0).exists())  # an OFFSET: else it might begin with these
    return query.where(*_picked(wanted, *_CODED))


def _by_place(query: sa.Select[Any], spot: Place, author: str | None, wanted: Filter) -> sa.Select[Any]:
    query = query.where(_N.establishment == spot.code, spot.may)
    if author is not None:
        query = query.where(_N.author == author)
    if wanted.attention == URGENT:
        query = query.where(_N.attention == sa.literal(URGENT, literal_execute=True))  # has an index of its own
    elif wanted.unit is not None and author is None and not spot.left:
        return query.where(_N.unit == wanted.unit, *_picked(wanted, "unit"))
    return query.where(*_picked(wanted))


def _by_code(query: sa.Select[Any], place: str, kind: str, code: str) -> sa.Select[Any]:
    """Along the notes of an establishment that have a code, in the order of their ids: those are made of the moment of
    recording."""
    coded = (_K.establishment == place, _K.list == kind, _K.code == code)
    return query.with_only_columns(_K.note.label("id"), *_SHOWN[1:]).where(_N.id == _K.note, *coded)


def _picked(wanted: Filter, *walked: str) -> Iterator[sa.ColumnElement[bool]]:
    """What picks from a walk along the index of these."""
    if wanted.unit is not None and "unit" not in walked:
        yield picking(_N.unit, wanted.unit)
    equal = {"inmate": _N.inmate, "incident": _N.incident, "shift": _N.shift, "author": _N.author_name}
    for name, column in {**equal, "attention": _N.attention}.items():
        if (value := getattr(wanted, name)) is not None:
            yield column == value
    if wanted.attention is not None:
        yield _N.status != "RETRACTED"
    if wanted.shift_code is not None:
        yield _N.shift.endswith("/" + wanted.shift_code, autoescape=True)
    if wanted.occurred_from is not None:
        yield _N.occurred_at >= wanted.occurred_from
    if wanted.occurred_to is not None:
        yield _N.occurred_at < wanted.occurred_to
    for word in wanted.words:
        yield _N.search.contains(word, autoescape=True)
    for name, kind in _CODED.items():
        if name not in walked and (code := getattr(wanted, name)) is not None:
            yield _with_code(kind, code).exists()
    if (since := _since(wanted)) is not None:
        yield _N.recorded_at >= since


def _with_code(kind: str, code: str) -> sa.Select[Any]:
    """The note, if it has a code."""
    k = note_codes.alias().c
    return sa.select(k.note).where(k.establishment == _N.establishment, k.list == kind, k.code == code, k.note == _N.id)


def _since(wanted: Filter) -> datetime | None:
    """What has happened is recorded afterwards: a list that begins at a time looks no further back."""
    since = [since for since in (wanted.recorded_from, wanted.occurred_from) if since]
    return max(since, default=None)


def _id_of(moment: datetime) -> str:
    """What the ids of all that was recorded from a moment on are not before."""
    digits = f"{max(0, (moment - _EPOCH) // timedelta(milliseconds=1)):012x}"
    return f"{digits[:8]}-{digits[8:]}"


def places_of(conn: Connection, reader: str, own: Iterable[str]) -> set[str]:
    """The establishments in which there may be notes that this reader, who belongs to these, may see."""
    return {*own, *written_in(conn, notes, reader)}


def _called(conn: Connection, name: str) -> list[str]:
    """Who writes under a name: an account, a client."""
    who = sa.union_all(
        sa.select(accounts.c.id).where(accounts.c.username == name), sa.select(clients.c.id).where(clients.c.id == name)
    )
    return list(conn.execute(who).scalars())


def change(conn: Connection, note: str, **columns: Any) -> None:
    """Rewrites columns of a note: its document and status when it is corrected, its number when it is merged."""
    conn.execute(sa.update(notes).where(notes.c.id == note).values(**columns))


def narrow(conn: Connection, ids: Collection[str]) -> dict[str, str]:
    """Those of these notes that are not for everybody on their unit, and their classes."""
    found = conn.execute(sa.select(_N.id, _N.handling).where(_N.id.in_(ids), _N.handling.not_in(WIDE)))
    return {row.id: row.handling for row in found}


def all_of_inmate(conn: Connection, inmate: str) -> list[RowMapping]:
    """Every note about one number, oldest first, to be changed."""
    return list(conn.execute(_of_inmate(inmate, *notes.c)).mappings())[::-1]


def hold_all_of_inmate(conn: Connection, inmate: str) -> None:
    """Holds them. Whoever was waited for may have made a correction, which is one more."""
    conn.execute(_of_inmate(inmate, notes.c.id))


def _of_inmate(inmate: str, *columns: sa.Column[Any]) -> sa.Select[Any]:
    # Held from the last to the first, as whoever takes a correction back comes to what it corrected.
    query = sa.select(*columns).where(notes.c.inmate == inmate)
    return held(query.order_by(notes.c.recorded_at.desc(), notes.c.id.desc()), "mine")


def watched(conn: Connection, place: str, unit: str, at: datetime) -> list[RowMapping]:
    """The unit's notes whose attention lasts beyond a time, and those on its people, oldest first."""
    n, i = notes.c, inmates.c
    here = sa.select(i.number).where(i.establishment == place, i.unit == unit, i.merged_into.is_(None))
    on_unit = sa.select(notes).where(
        n.inmate.concat("").is_(None), n.establishment == place, n.unit == unit, n.watch_until > at
    )
    among = n.inmate.concat("").in_(here)  # not by all that was ever written about them
    on_people = sa.select(notes).where(among, n.watch_until > at, n.establishment == place, n.unit == unit)
    found = [row for query in (on_unit, on_people) for row in conn.execute(query).mappings()]
    return sorted(found, key=lambda row: (row["recorded_at"], row["id"]))


def incidents(conn: Connection, place: str, unit: str, since: datetime) -> list[str]:
    """The unit's incidents that may have gone on at a time or after it: the attention of one of their notes lasted."""
    query = sa.select(_N.incident).where(_N.establishment == place, _N.unit == unit, _N.watch_until >= since)
    return sorted({incident for incident in conn.execute(query).scalars() if incident is not None})


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


def unfile(conn: Connection, place: str, note: str, codes: Iterable[tuple[str, str]]) -> None:
    """Takes a retracted note out of the code filters."""
    for name, code in codes:
        coded = (_K.establishment == place, _K.list == name, _K.code == code)
        conn.execute(sa.delete(note_codes).where(*coded, _K.note == note))


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
