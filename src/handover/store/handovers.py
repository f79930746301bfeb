"""Handovers, their items, and the stretches of notes they divide a unit's log into."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from handover.domain.access import Sight
from handover.domain.handovers import OPEN, TAKEN, WITHDRAWN
from handover.store.locks import Hold, held
from handover.store.tables import handover_items, handovers, needs, notes, units
from handover.store.walks import beyond, first, picking, written_in

_H, _I = handovers.c, handover_items.c
SHIFT, TRANSFER = "SHIFT", "TRANSFER"
STATES = (*OPEN, *TAKEN, WITHDRAWN)
RECENT = 100


def _each(*queries: sa.Select[Any]) -> sa.CompoundSelect[Any]:
    """What each of these finds."""
    return sa.union_all(*(sa.select(query.subquery()) for query in queries))


# What every sheet asks for is built once: putting a statement together costs more than running it.
_PLACE: sa.BindParameter[Any] = sa.bindparam("place")
_UNIT: sa.BindParameter[Any] = sa.bindparam("unit")
_AT: sa.BindParameter[Any] = sa.bindparam("at")
_TAKEN = sa.select(handovers).where(_H.establishment == _PLACE, _H.unit == _UNIT, _H.kind == SHIFT)
# One look at an index for each state, however many there are behind them.
_LAST_TAKEN, _LAST_TAKEN_BY = (
    _each(*(query.where(_H.state == state).order_by(_H.last.desc()).limit(1) for state in TAKEN))
    for query in (_TAKEN, _TAKEN.where(_H.accepted_at <= _AT))
)
_TAKEN_BACK = _TAKEN.where(_H.state == WITHDRAWN, _H.last >= sa.bindparam("first")).order_by(_H.last.desc()).limit(1)
_MOVING = sa.select(handovers).where(_H.kind == TRANSFER, _H.state.in_(OPEN))
_TRANSFERS = _each(
    _MOVING.where(_H.establishment == _PLACE, _H.unit == _UNIT),
    _MOVING.where(_H.from_establishment == _PLACE, _H.from_unit == _UNIT),
)
_ENDS = (_H.establishment, _H.unit, _H.from_establishment, _H.from_unit)
_CARRIES = (
    sa.select(_I.thing, _H.incoming, _H.accepted_at, *_ENDS, _H.author)
    .join(handovers, _H.id == _I.handover)
    .where(_I.thing.in_(sa.bindparam("things")), _I.kind == "need", _H.state.in_(TAKEN), _H.accepted_at <= _AT)
    .order_by(_H.accepted_at, _H.id)
)


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list of handovers is narrowed to; None means not narrowed."""

    establishment: str | None = None
    unit: str | None = None
    state: str | None = None


def add(conn: Connection, row: dict[str, Any], items: Sequence[dict[str, Any]]) -> None:
    """Writes a handover and what it is found by."""
    conn.execute(sa.insert(handovers), row)
    add_items(conn, row["id"], items)


def add_items(conn: Connection, handover: str, items: Sequence[dict[str, Any]], first: int = 0) -> None:
    """Writes what a handover is found by: {kind, thing, note} each; `first`: the place of the first of these."""
    rows = [{"handover": handover, "place": place, **item} for place, item in enumerate(items, first)]
    if rows:
        conn.execute(sa.insert(handover_items), rows)


def get(conn: Connection, handover: str, hold: Hold | None = None) -> RowMapping | None:
    """One handover, whoever asks: the caller of this judges who may see it."""
    return conn.execute(held(sa.select(handovers).where(_H.id == handover), hold)).mappings().first()


def change(conn: Connection, handover: str, version: int, **columns: Any) -> bool:
    """Changes a handover if it still has this version; False if somebody was quicker."""
    done = conn.execute(
        sa.update(handovers).where(_H.id == handover, _H.version == version).values(version=version + 1, **columns)
    )
    return done.rowcount == 1


def waiting(conn: Connection, place: str, unit: str, hold: Hold | None = None) -> RowMapping | None:
    """The offer of a unit that waits for somebody."""
    query = sa.select(handovers).where(_H.establishment == place, _H.unit == unit, _H.kind == SHIFT, _H.state.in_(OPEN))
    return conn.execute(held(query, hold)).mappings().first()


def last_taken(conn: Connection, place: str, unit: str, at: datetime | None = None) -> RowMapping | None:
    """The unit's newest handover that was accepted; with `at`, that had been by then. The newest by what it holds, not
    by the clock, which may have been put back."""
    query, values = (_LAST_TAKEN, {}) if at is None else (_LAST_TAKEN_BY, {"at": at})
    found = conn.execute(query, {"place": place, "unit": unit, **values}).mappings()
    return max(found, key=lambda row: int(row["last"]), default=None)


def taken_back_since(conn: Connection, place: str, unit: str, first: int) -> RowMapping | None:
    """The unit's newest handover that was taken back, of those that held what was written from this stretch on."""
    return conn.execute(_TAKEN_BACK, {"place": place, "unit": unit, "first": first}).mappings().first()


def transfers(conn: Connection, place: str, unit: str) -> list[RowMapping]:
    """People on their way to a unit or from it, whom nobody has accepted yet, oldest first."""
    found = {row["id"]: row for row in conn.execute(_TRANSFERS, {"place": place, "unit": unit}).mappings()}
    return sorted(found.values(), key=lambda row: (row["offered_at"], row["id"]))


def offered_by(conn: Connection, place: str, unit: str, at: datetime, kind: str) -> list[RowMapping]:
    """The newest handovers of this kind that lay in the unit and had been offered by then."""
    lies = sa.or_(
        sa.and_(_H.establishment == place, _H.unit == unit),
        sa.and_(_H.from_establishment == place, _H.from_unit == unit),
    )
    query = sa.select(handovers).where(lies, _H.kind == kind, _H.offered_at <= at)
    return list(conn.execute(query.order_by(_H.offered_at.desc(), _H.id.desc()).limit(RECENT)).mappings())


def lasting(conn: Connection, some: Sequence[str], since: datetime) -> set[str]:
    """Which of these are waiting, or were accepted since then."""
    query = sa.select(_H.id).where(_H.id.in_(some), sa.or_(_H.state.in_(OPEN), _H.accepted_at >= since))
    return set(conn.execute(query).scalars()) if some else set()


def transfers_of(conn: Connection, inmates: Iterable[str], hold: Hold | None = None) -> list[RowMapping]:
    """Every transfer of these people, oldest first."""
    query = sa.select(handovers).where(_H.inmate.in_(sorted(inmates)), _H.kind == TRANSFER)
    return list(conn.execute(held(query.order_by(_H.offered_at, _H.id), hold)).mappings())


def holding(conn: Connection, some: Iterable[str]) -> list[RowMapping]:
    """The handovers that hold something of these notes and needs, to be changed."""
    wanted = sorted(some)
    ids = sa.select(_I.handover).where(sa.or_(_I.note.in_(wanted), _I.thing.in_(wanted)))
    query = sa.select(handovers).where(_H.id.in_(ids)).order_by(_H.id)
    return list(conn.execute(held(query, "mine")).mappings())


def carries(conn: Connection, things: Iterable[str], at: datetime) -> list[RowMapping]:
    """Who had taken these needs over by then, with a unit or with a person: (thing, incoming, accepted_at, where the
    handover lies, its author), oldest first."""
    return list(conn.execute(_CARRIES, {"things": sorted(things), "at": at}).mappings())


def find(
    conn: Connection,
    reader: str,
    seen: Sequence[Sight],
    wanted: Filter,
    before: tuple[datetime, str] | None,
    limit: int,
) -> list[RowMapping]:
    """Handovers this reader may see, the newest offer first, one more than asked to tell whether there are more."""
    query = sa.select(handovers)
    ends = ((_H.establishment, _H.unit), (_H.from_establishment, _H.from_unit))
    if wanted.establishment is not None or wanted.unit is not None:
        query = query.where(sa.or_(*(_lies(place, unit, wanted) for place, unit in ends)))
    if before is not None:
        query = query.where(beyond((_H.offered_at, _H.id), before))
    own = sorted({sight.establishment for sight in seen if _is_for_units(sight)})
    whole = {sight.establishment for sight in seen if _is_for_units(sight) and sight.units is None}
    may = {place: () if place in whole else (_visible(reader, seen),) for place in own}
    walks = []
    for state in STATES if wanted.state is None else (wanted.state,):
        walks += [query.where(_H.establishment == place, _H.state == state, *may[place]) for place in own]
    if wanted.state is not None:
        query = query.where(_H.state == wanted.state)
    # Only a person's transfer has another end. Those that came from here, but went to none of these establishments:
    elsewhere = _H.establishment.not_in(own)
    came = _H.inmate.is_not(None)
    walks += [query.where(_H.from_establishment == place, came, elsewhere, *may[place]) for place in own]
    other = sa.or_(_H.inmate.is_(None), _H.from_establishment.not_in(own))
    walks += [
        query.where(_H.author == reader, _H.establishment == place, other)
        for place in written_in(conn, handovers, reader)
        if place not in own
    ]
    return first(conn, tuple(_H), walks, ("offered_at", "id"), limit + 1)


def _lies(place: Any, unit: Any, wanted: Filter) -> sa.ColumnElement[bool]:
    """Establishment and unit of one end: a unit of the same name at the other end is another unit."""
    pairs = ((place, wanted.establishment), (unit, wanted.unit))
    return sa.and_(*(picking(column, value) for column, value in pairs if value is not None))


def _is_for_units(sight: Sight) -> bool:
    """Whether what is for a unit is in this sight; and so are the unit's handovers."""
    return sight.handling == "UNIT" and sight.status is None


def _visible(reader: str, seen: Sequence[Sight]) -> sa.ColumnElement[bool]:
    """As `domain.access.may_read_handover` decides: whoever may read the notes of either unit that are for the unit."""
    classes: list[Any] = [picking(_H.author, reader)]
    for sight in seen:
        if not _is_for_units(sight):
            continue
        for place, unit in ((_H.establishment, _H.unit), (_H.from_establishment, _H.from_unit)):
            terms: list[Any] = [picking(place, sight.establishment)]
            if sight.units is not None:
                terms.append(unit.in_(sorted(sight.units)))
            classes.append(sa.and_(*terms))
    return sa.or_(*classes)


# --- What belongs to one handover -------------------------------------------------------------------------------------


def close_stretch(conn: Connection, place: str, unit: str) -> int:
    """Ends the stretch of notes that is being written in a unit; answers its number. Whoever records a note holds the
    unit still until the commit, so every note of the stretch is in the log before this, and none comes after."""
    where = (units.c.establishment == place, units.c.code == unit)
    changed = conn.execute(
        sa.update(units).where(*where).values(stretch=units.c.stretch + 1).returning(units.c.stretch)
    )
    return int(changed.scalar_one()) - 1


def notes_between(conn: Connection, place: str, unit: str, first: int, last: int) -> list[RowMapping]:
    """A unit's notes of these stretches, oldest first."""
    n = notes.c
    query = sa.select(notes).where(n.establishment == place, n.unit == unit, n.stretch >= first, n.stretch <= last)
    return list(conn.execute(query.order_by(n.recorded_at, n.id)).mappings())


def open_needs(conn: Connection, place: str, unit: str) -> list[RowMapping]:
    """The needs of a unit that are open, those due first."""
    n = needs.c
    query = sa.select(needs).where(n.establishment == place, n.unit == unit, n.status == "OPEN")
    return list(conn.execute(query.order_by(n.sort_due, n.id)).mappings())
