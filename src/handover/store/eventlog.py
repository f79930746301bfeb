"""The log of each establishment: numbered in commit order, without gaps."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover.store import marks
from handover.store.engine import found
from handover.store.locks import held
from handover.store.quick import Quick
from handover.store.rows import write
from handover.store.tables import event_floors, event_heads, events
from handover.store.types import as_time


class Event(NamedTuple):
    """A committed change. A new one gets its sequence at the end of the transaction."""

    establishment: str
    id: str
    type: str
    subject: str | None
    unit: str | None
    also_unit: str | None
    time: datetime
    handling: str
    author: str | None
    kind: str
    about: str
    status: str
    note: str | None
    data: str
    sequence: int = 0


Row = tuple[Any, ...]
"""What a reader of a log needs of an event, in the order of `_ROW`, its time as the driver has it: text or an aware
datetime, in the order of time either way."""
_ROW = (
    ("type", "unit", "also_unit", "handling", "kind", "status"),
    ("author", "subject", "id", "time", "sequence", "data", "about"),
)
SORT = len(_ROW[0])
"""How many of them come first that a decision looks at."""
TIME, SEQUENCE = (SORT + _ROW[1].index(name) for name in ("time", "sequence"))


class Ends(NamedTuple):
    """Between what sequences a log is kept: after the first, up to the second."""

    floor: int
    head: int


_COLUMNS = [events.c[name] for name in Event._fields]


def _after(columns: Iterable[str]) -> Quick:
    query = sa.select(*(events.c[name] for name in columns)).where(
        events.c.establishment == sa.bindparam("place"), events.c.sequence > sa.bindparam("sequence")
    )
    return Quick(query.order_by(events.c.sequence).limit(sa.bindparam("most", type_=sa.Integer)))


_AFTER, _ROWS_AFTER = _after(Event._fields), _after((*_ROW[0], *_ROW[1]))
_TIME = Event._fields.index("time")
_ENDS = sa.select(
    event_heads.c.establishment, sa.func.coalesce(event_floors.c.sequence, 0), event_heads.c.sequence
).select_from(event_heads.outerjoin(event_floors, event_floors.c.establishment == event_heads.c.establishment))
_ENDS_OF_ONE = Quick(_ENDS.where(event_heads.c.establishment == sa.bindparam("place")))
_LAST_BEFORE = (
    sa.select(events.c.id)
    .where(events.c.establishment == sa.bindparam("place"))
    .order_by(events.c.sequence.desc())
    .limit(1)
    .scalar_subquery()
)
_MOVE_ON = Quick(
    sa.update(event_heads)
    .where(event_heads.c.establishment == sa.bindparam("place"))
    .values(sequence=event_heads.c.sequence + sa.bindparam("more"))
    .returning(event_heads.c.sequence, _LAST_BEFORE)
)


def start(conn: Connection, establishment: str) -> None:
    """Begins an establishment's log."""
    conn.execute(sa.insert(event_heads), {"establishment": establishment, "sequence": 0})


class Written(NamedTuple):
    """What one transaction has added to a log, and the event that was the last in it when the transaction came to
    it."""

    place: str
    before: str | None
    events: list[Event]


Appended = list[tuple[Any, list[Event]]]
"""Events of each establishment, and where the number of the last of them is found."""


def by_place(new: Iterable[Event]) -> dict[str, list[Event]]:
    """New events by establishment."""
    found: dict[str, list[Event]] = defaultdict(list)
    for event in _unsaid(new):
        found[event.establishment].append(event)
    return found


def rows(logs: Mapping[str, list[Event]]) -> list[tuple[Any, ...]]:
    """Events as rows, each with how far it lies before the last of its establishment for a sequence."""
    return [(*event[:-1], i) for told in logs.values() for i, event in enumerate(told, start=1 - len(told))]


def append(conn: Connection, logs: Mapping[str, list[Event]]) -> Appended:
    """Numbers and writes events, by establishment; answers what to make them `numbered` of, later. Each counter row
    stays locked until the commit, which is what makes sequence commit order; so this comes last in the transaction, and
    establishments are taken in one order, lest two processes wait for each other."""
    moved = [(_MOVE_ON(conn, {"place": place, "more": len(logs[place])}), logs[place]) for place in sorted(logs)]
    if logs:
        write(conn, [(events, Event._fields, rows(logs))], heads=event_heads.name)
    return moved


def numbered(conn: Connection, appended: Appended) -> list[Written]:
    """The events as they stand in the log. Asked for once all that was sent together has come back, and before the
    commit of the embedded store."""
    told = []
    for cursor, new in appended:
        [(last, before, *_)] = found(conn, cursor)
        stand = [event._replace(sequence=number) for number, event in enumerate(new, start=last + 1 - len(new))]
        told.append(Written(stand[0].establishment, before, stand))
    return told


def _unsaid(new: Iterable[Event]) -> list[Event]:
    """The events, without what was said about a note that a later request of the same commit takes back: those events
    were not in the log yet when that request blanked it."""
    gone: set[str | None] = set()
    told = []
    for event in reversed(list(new)):
        if event.type == "note.retracted":
            gone.add(event.note)
        told.append(_thin(event) if event.note in gone and event.type != "note.retracted" else event)
    return told[::-1]


def _thin(event: Event) -> Event:
    status = "RETRACTED" if event.kind == "note" else event.status
    return event._replace(status=status, data=orjson.dumps({"id": event.about, "status": status}).decode())


def heads(conn: Connection, establishments: Iterable[str]) -> dict[str, int]:
    """The newest sequence of each of these establishments."""
    query = sa.select(event_heads.c.establishment, event_heads.c.sequence)
    query = query.where(event_heads.c.establishment.in_(sorted(establishments)))
    return {row.establishment: row.sequence for row in conn.execute(query)}


def places(conn: Connection) -> list[str]:
    """The establishments that have a log."""
    return list(conn.execute(sa.select(event_heads.c.establishment).order_by(event_heads.c.establishment)).scalars())


def ends(conn: Connection, establishments: Iterable[str]) -> dict[str, Ends]:
    """Where each of these logs begins and ends."""
    places = sorted(establishments)
    if len(places) == 1:  # as every page of a pull asks
        rows = found(conn, _ENDS_OF_ONE(conn, {"place": places[0]}))
    else:
        rows = list(conn.execute(_ENDS.where(event_heads.c.establishment.in_(places))))
    return {place: Ends(first, last) for place, first, last in rows}


def kept_since(conn: Connection, establishment: str) -> datetime | None:
    """When the oldest event that is kept was recorded; None where none was pruned."""
    query = (
        sa.select(events.c.time)
        .join(event_floors, event_floors.c.establishment == events.c.establishment)
        .where(events.c.establishment == establishment, events.c.sequence > event_floors.c.sequence)
    )
    found: datetime | None = conn.execute(query.order_by(events.c.sequence).limit(1)).scalar()
    return found


def prune(conn: Connection, establishment: str, gone: Sequence[int], floor: int) -> int:
    """Removes these events, and says that the log begins after `floor`; answers how many. The counter is left alone: it
    is moved by every commit, and must never go back."""
    f = event_floors.c
    rows = conn.execute(sa.delete(events).where(events.c.establishment == establishment, events.c.sequence.in_(gone)))
    known = conn.execute(sa.select(f.sequence).where(f.establishment == establishment)).scalar()
    if known is None:
        conn.execute(sa.insert(event_floors), {"establishment": establishment, "sequence": floor})
    elif known < floor:
        conn.execute(sa.update(event_floors).where(f.establishment == establishment).values(sequence=floor))
    return rows.rowcount


def hold(conn: Connection, establishment: str) -> None:
    """Waits for whoever is writing to a log, and lets nobody else until the transaction ends: for what must be decided
    once, by commit order. Rare things only: everybody who writes in the establishment waits meanwhile."""
    query = sa.select(event_heads.c.sequence).where(event_heads.c.establishment == establishment)
    conn.execute(held(query, "mine"))


def rewritten(conn: Connection) -> str | None:
    """A mark that is another one after every rewriting of events. Whoever keeps events in memory compares it."""
    return marks.get(conn, marks.REWRITTEN)


def after(conn: Connection, establishment: str, sequence: int, limit: int) -> list[Event]:
    """The events that follow, oldest first."""
    rows = found(conn, _AFTER(conn, {"place": establishment, "sequence": sequence, "most": limit}))
    return [Event._make((*row[:_TIME], as_time(row[_TIME]), *row[_TIME + 1 :])) for row in rows]


def rows_after(conn: Connection, establishment: str, sequence: int, limit: int) -> list[Row]:
    """The same as rows: for whoever makes text of hundreds of them."""
    rows: list[Row] = found(conn, _ROWS_AFTER(conn, {"place": establishment, "sequence": sequence, "most": limit}))
    return rows


def as_event(establishment: str, row: Row) -> Event:
    """The event of a row, but for what it is found by when a note is taken back."""
    fields = dict(zip((*_ROW[0], *_ROW[1]), row, strict=True))
    return Event(establishment=establishment, note=None, **{**fields, "time": as_time(row[TIME])})


def told(rows: Sequence[Row]) -> list[str]:
    """When each happened, as we send it."""
    times = [row[TIME] for row in rows]
    if times and isinstance(times[0], str):  # as the embedded store keeps them, always with microseconds
        return [time if time[-8:] != ".000000Z" else time[:-8] + "Z" for time in times]
    texts: list[str] = orjson.loads(orjson.dumps([time.astimezone(UTC) for time in times], option=orjson.OPT_UTC_Z))
    return texts


def of_note(conn: Connection, note: str) -> list[Event]:
    """Every event that carries something of this note."""
    return [Event(*row) for row in conn.execute(sa.select(*_COLUMNS).where(events.c.note == note))]


def blank(conn: Connection, note: str, thin: Mapping[tuple[str, int], tuple[str, str]]) -> None:
    """Replaces what events of a retracted note carry: status and data by (establishment, sequence). A need takes its
    note's words along to other establishments, so this may rewrite several logs."""
    for (place, sequence), (status, data) in thin.items():
        conn.execute(
            sa.update(events)
            .where(events.c.establishment == place, events.c.sequence == sequence, events.c.note == note)
            .values(status=status, data=data)
        )
    marks.change(conn, marks.REWRITTEN)
