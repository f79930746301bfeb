"""The log of each establishment: numbered in commit order, without gaps."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
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


class Sort(NamedTuple):
    """All of an event that a decision about it looks at: events that agree in it are judged alike."""

    kind: str
    type: str
    unit: str | None
    also_unit: str | None
    handling: str
    status: str
    author: str | None


_BETWEEN = "|"
"""Between the parts of a sort as it is kept. No code, unit, account or client has it in its name, and none may: whose
note it is about is told by the end (`written_by`)."""
_DATA = ',"data":'
"""What comes before the resource in an event as it is told, and nowhere earlier: all before it is names, codes and
strings, in which a quotation mark is escaped."""


@lru_cache(maxsize=20_000)
def as_kept(sort: Sort) -> str:
    """A sort as it is kept."""
    return _BETWEEN.join(part or "" for part in sort)


@lru_cache(maxsize=20_000)
def sort_of(kept: str) -> Sort:
    """The sort that is kept so."""
    return Sort._make(part or None for part in kept.split(_BETWEEN))


def written_by(author: str) -> str:
    """How the sorts of all events end that are about what he or she wrote."""
    return f"{_BETWEEN}{author}"


def in_unit(unit: str) -> str:
    """What is in the sorts of all events that a unit hears of, as one of its own or as the second; seldom in others."""
    return f"{_BETWEEN}{unit}{_BETWEEN}"


class Event(NamedTuple):
    """A committed change. `told`: as every reader is sent it who may have all of it, up to its sequence, which it gets
    at the end of the transaction."""

    establishment: str
    id: str
    type: str
    subject: str | None
    time: datetime
    kind: str
    about: str
    note: str | None
    sort: str
    told: str
    sequence: int = 0


def apart(told: str) -> tuple[str, str]:
    """What an event tells of itself, without the brace that ends it, and the resource it carries."""
    before, _, data = told.partition(_DATA)
    return before, data


def with_data(before: str, data: str) -> str:
    """An event that carries another resource."""
    return before + _DATA + data


def amended(event: Event, status: str, data: str) -> Event:
    """The same event about a resource that has another status now, and of which it carries this."""
    sort = as_kept(sort_of(event.sort)._replace(status=status))
    return event._replace(sort=sort, told=with_data(apart(event.told)[0], data))


Row = tuple[Any, ...]
"""What a reader of a log needs of an event, in the order of `_ROW`; where logs are read side by side, its time as well,
as the driver has it: text or an aware datetime, in the order of time either way."""
_ROW = ("subject", "sort", "sequence", "told")
SORT, SEQUENCE = (_ROW.index(name) for name in ("sort", "sequence"))
PARTS = TIME = len(_ROW)


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


_AFTER, _ROWS_AFTER, _TIMED_AFTER = _after(Event._fields), _after(_ROW), _after((*_ROW, "time"))
_TIME = Event._fields.index("time")
_ENDS = sa.select(
    event_heads.c.establishment, sa.func.coalesce(event_floors.c.sequence, 0), event_heads.c.sequence
).select_from(event_heads.outerjoin(event_floors, event_floors.c.establishment == event_heads.c.establishment))
_HEADS = Quick(sa.select(event_heads.c.establishment, event_heads.c.sequence))
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


_UNSAYS = ("handover.updated", "handover.withdrawn")
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
        # Not `_replace`, which takes as long as writing the row.
        stand = [Event._make((*event[:-1], number)) for number, event in enumerate(new, start=last + 1 - len(new))]
        told.append(Written(stand[0].establishment, before, stand))
    return told


def _unsaid(new: Iterable[Event]) -> list[Event]:
    """The events, without what was said about a note that a later request of the same commit takes back: those events
    were not in the log yet when that request blanked it. So with a handover in which something was changed, or that was
    ended, because of what it says: those before tell it as it was left by that."""
    gone: set[str | None] = set()
    last: dict[str | None, Event] = {}
    told = []
    for event in reversed(list(new)):
        left = event
        if event.type == "note.retracted":
            gone.add(event.note)
        elif event.note in gone:
            left = _thin(event)
        elif (now := last.get(event.note)) is not None and event.kind == "handover":
            left = amended(event, sort_of(now.sort).status, apart(now.told)[1])
        elif event.type in _UNSAYS:
            last[event.note] = event
        told.append(left)
    return told[::-1]


def _thin(event: Event) -> Event:
    status = "RETRACTED" if event.kind == "note" else sort_of(event.sort).status
    return amended(event, status, orjson.dumps({"id": event.about, "status": status}).decode())


def heads(conn: Connection, establishments: Iterable[str]) -> dict[str, int]:
    """The newest sequence of each of these establishments."""
    wanted = set(establishments)
    # All there are, a hundred or two: to have a list of names put together takes longer than reading them.
    return {place: sequence for place, sequence in found(conn, _HEADS(conn, {})) if place in wanted}


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
    # Looked up first: joined, where there is no floor, a server would compare all of the log with none.
    floor = sa.select(event_floors.c.sequence).where(event_floors.c.establishment == establishment).scalar_subquery()
    query = sa.select(events.c.time).where(events.c.establishment == establishment, events.c.sequence > floor)
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


def rows_after(conn: Connection, establishment: str, sequence: int, limit: int, *, timed: bool = False) -> list[Row]:
    """The same as rows: for whoever makes text of hundreds of them."""
    query = _TIMED_AFTER if timed else _ROWS_AFTER
    rows: list[Row] = found(conn, query(conn, {"place": establishment, "sequence": sequence, "most": limit}))
    return rows


def of_note(conn: Connection, note: str) -> list[Event]:
    """Every event that carries something of this note."""
    return [Event(*row) for row in conn.execute(sa.select(*_COLUMNS).where(events.c.note == note))]


def blank(conn: Connection, note: str, blanked: Iterable[Event]) -> None:
    """Replaces what events of a retracted note carry, and the status they are judged by. A need takes its note's words
    along to other establishments, so this may rewrite several logs."""
    for event in blanked:
        conn.execute(
            sa.update(events)
            .where(
                events.c.establishment == event.establishment,
                events.c.sequence == event.sequence,
                events.c.note == note,
            )
            .values(sort=event.sort, told=event.told)
        )
    marks.change(conn, marks.REWRITTEN)
