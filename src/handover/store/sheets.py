"""What a unit's sheet is made of. Each query goes by the people who are in the unit, so that it costs the same whatever
has gathered behind them."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from handover.domain.access import Sight
from handover.store.eventlog import Sort, apart, in_unit, sort_of
from handover.store.quick import each
from handover.store.sights import visible, visible_in
from handover.store.tables import events, inmates, merges, moves, needs, notes
from handover.store.walks import AT_ONCE, written_in

_I, _N, _M, _E, _G = inmates.c, notes.c, moves.c, events.c, merges.c
_SHOWN = (_N.id, _N.inmate, _N.document)
_FACTS = (_N.id, _N.inmate, _N.establishment, _N.unit, _N.handling, _N.author, _N.status, _N.recorded_at)
_JUDGED = (*_FACTS, _N.document)
STANDING = ("ACTIVE", "RESTRICTED")
# Built once: putting a statement together costs more than running it.
_PLACE: sa.BindParameter[Any] = sa.bindparam("place")
_UNIT: sa.BindParameter[Any] = sa.bindparam("unit")
_NUMBER: sa.BindParameter[Any] = sa.bindparam("number", "")
_HERE = (_I.establishment == _PLACE, _I.unit == _UNIT, _I.merged_into.is_(None))
_PEOPLE = sa.select(inmates).where(*_HERE).order_by(_I.number)
_ENDS = (
    sa.and_(_M.from_establishment == _PLACE, _M.from_unit == _UNIT),
    sa.and_(_M.to_establishment == _PLACE, _M.to_unit == _UNIT),
)
_MOVED = (
    sa.select(moves, _I.name)
    .join(inmates, _I.number == _M.inmate)
    .where(_M.recorded_at.between(sa.bindparam("since"), sa.bindparam("until")), sa.or_(*_ENDS))
    .order_by(_M.recorded_at, _M.id)
)


def people(conn: Connection, place: str, unit: str) -> list[RowMapping]:
    """Who is in the unit, by number."""
    return list(conn.execute(_PEOPLE, {"place": place, "unit": unit}).mappings())


def on_people(
    conn: Connection, reader: str, numbers: Sequence[str], places: Iterable[str], since: datetime, until: datetime
) -> list[RowMapping]:
    """Notes on these people that were recorded between two times, or, in these establishments and where the reader
    wrote something, whose attention lasted beyond the first: the caller of this judges who may see which. With the
    reader's rights in it, the embedded store goes by those instead of by the people, through all that was ever
    written."""
    if not numbers:
        return []
    places = {*places, *written_in(conn, notes, reader)}
    among = _N.inmate.concat("").in_(numbers)  # no index of all that was ever written about them is entered by this
    return _notes(conn, places, (_N.inmate.in_(numbers),), (among,), since, until)


def on_unit(conn: Connection, place: str, unit: str, since: datetime, until: datetime) -> list[RowMapping]:
    """The same, of the unit's notes that are about nobody in particular."""
    here = (_N.establishment == place, _N.unit == unit, _N.inmate.concat("").is_(None))  # nor here
    return _notes(conn, [place], here, here, since, until)


def _notes(
    conn: Connection,
    places: Iterable[str],
    by_time: Iterable[sa.ColumnElement[bool]],
    by_watch: Iterable[sa.ColumnElement[bool]],
    since: datetime,
    until: datetime,
) -> list[RowMapping]:
    # Two queries, each along an index, rather than one with an OR along none. What both find is the same row twice.
    recent = sa.select(*_JUDGED).where(*by_time, _N.recorded_at >= since, _N.recorded_at <= until)
    watched = sa.select(*_JUDGED).where(_N.establishment.in_(sorted(places)), *by_watch, _N.watch_until >= since)
    found = [*conn.execute(recent).mappings(), *conn.execute(watched).mappings()]
    return [row for row in found if row["status"] in STANDING and row["recorded_at"] <= until]


def about(conn: Connection, incidents: Sequence[str], until: datetime) -> list[RowMapping]:
    """The notes about these incidents that were recorded by then, and their earlier wordings; whoever asks."""
    query = sa.select(*_JUDGED).where(_N.incident.in_(incidents), _N.recorded_at <= until)
    return list(conn.execute(query).mappings()) if incidents else []


def late(
    conn: Connection, reader: str, seen: Sequence[Sight], place: str, unit: str, offered: int, accepted: datetime
) -> list[RowMapping]:
    """The unit's notes of every stretch after this one that tell of what was before the unit was accepted."""
    query = sa.select(*_SHOWN).where(
        _N.establishment == place,
        _N.unit == unit,
        _N.stretch > offered,
        _N.occurred_at < accepted,
        _N.status.in_(STANDING),
        visible_in(notes, reader, seen, place, unit),
    )
    return list(conn.execute(query).mappings())


def telling(
    conn: Connection, reader: str, seen: Sequence[Sight], numbers: Sequence[str], until: datetime, most: int
) -> list[tuple[str, str, str]]:
    """The newest notes on each of these people that tell what staff did, or that he or she opened up, of those this
    reader may see; `most` of each, the newest first: id, person, document."""
    told = (_N.told_at.is_not(None), _N.told_at <= until, _N.status.in_(STANDING), visible(notes, reader, seen))
    # Along the index of each person, and no further than wanted.
    walk = sa.select(*_SHOWN).where(_N.inmate == _NUMBER, *told).order_by(_N.recorded_at.desc(), _N.id.desc())
    rows: list[tuple[str, str, str]] = []
    for start in range(0, len(numbers), AT_ONCE):
        rows += each(conn, walk.limit(most), "number", numbers[start : start + AT_ONCE])
    return rows


def open_needs(
    conn: Connection, reader: str, seen: Sequence[Sight], place: str, unit: str, until: datetime
) -> list[RowMapping]:
    """The open needs of the unit that this reader may see."""
    n = needs.c
    query = sa.select(needs).where(
        n.establishment == place,
        n.unit == unit,
        n.status == "OPEN",
        n.opened_at <= until,
        visible_in(needs, reader, seen, place, unit),
    )
    return list(conn.execute(query).mappings())


def moved(conn: Connection, place: str, unit: str, since: datetime, until: datetime) -> list[RowMapping]:
    """Moves into the unit and out of it that were recorded between two times, oldest first, with the people's names."""
    between = {"since": since, "until": until}
    return list(conn.execute(_MOVED, {"place": place, "unit": unit, **between}).mappings())


def sequence_at(conn: Connection, place: str, at: datetime, head: int) -> int:
    """The newest event of a log that had been recorded by then. The log stands in the order of its commits, and so but
    for moments in that of its times: it is halved until the place is found."""
    low, high = 0, head
    while low < high:
        middle = (low + high + 1) // 2
        query = sa.select(_E.time).where(_E.establishment == place, _E.sequence >= middle)
        time = conn.execute(query.order_by(_E.sequence).limit(1)).scalar()
        if time is not None and time <= at:
            low = middle
        else:
            high = middle - 1
    return low


def changed_since(
    conn: Connection, place: str, unit: str, at: datetime, sequence: int, kinds: Iterable[str]
) -> list[RowMapping]:
    """What changed in a unit after this event, and about whoever is in it or has left it since then (`at`), as far as
    it was told in the log of its establishment: (sequence, type, kind, about), oldest first."""
    here = sa.select(_I.number).where(_I.establishment == place, _I.unit == unit)
    left = sa.select(_M.inmate).where(_M.recorded_at > at, _M.from_establishment == place, _M.from_unit == unit)
    # Merged with one of them, or apart again: what is told of the other one's notes may have been theirs.
    alike = [
        sa.select(one).where(sa.or_(other.in_(here), other.in_(left)))
        for one, other in ((_G.number, _G.previous), (_G.previous, _G.number))
    ]
    query = sa.select(_E.sequence, _E.type, _E.kind, _E.about).where(
        _E.establishment == place,
        _E.sequence > sequence,
        _E.kind.in_(sorted(kinds)),
        sa.or_(
            _E.sort.contains(in_unit(unit), autoescape=True),
            _E.subject.in_(here),
            _E.subject.in_(left),
            sa.and_(  # about somebody else before, who may have been here
                _E.type.in_(("inmate.merged", "inmate.unmerged")),
                sa.or_(_E.kind == "inmate", *(_E.subject.in_(one) for one in alike)),
            ),
        ),
    )
    return list(conn.execute(query.order_by(_E.sequence)).mappings())


def told_by(
    conn: Connection, place: str, sequence: int, notes: Iterable[str], about: str
) -> Iterator[tuple[Sort, dict[str, Any]]]:
    """What the log said of a resource, up to this event, the last first: for whom each event was, and what it carried.
    It is found by the notes behind it, of which there is little, and not by its place in the log (no index is entered
    by the sums), of which there is everything."""
    query = sa.select(_E.sort, _E.told).where(
        _E.note.in_(sorted(notes)),
        _E.about == about,
        _E.establishment.concat("") == place,
        _E.sequence + 0 <= sequence,
        _E.kind != "outcome",  # told to its author, of a need that has left this prison
    )
    for sort, told in conn.execute(query.order_by(_E.sequence.desc())).all():
        yield sort_of(sort), orjson.loads(apart(told)[1])


def data_of(conn: Connection, place: str, sequence: int) -> str:
    """What one event of a log carries."""
    found: str = conn.execute(sa.select(_E.told).where(_E.establishment == place, _E.sequence == sequence)).scalar_one()
    return apart(found)[1]
