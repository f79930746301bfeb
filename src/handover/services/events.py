"""Events: how a change becomes one, and how a reader gets them. Pull and feed are two doors onto the same functions."""

from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from binascii import b2a_base64
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from heapq import merge
from itertools import accumulate, takewhile
from operator import itemgetter
from typing import Any

import orjson
from sqlalchemy.engine import Connection

from handover.domain.access import Facts, Principal, Sight, belongs, may, may_read, sights
from handover.errors import CursorRefused, NotFound
from handover.schemas.common import in_utc
from handover.services.unit_of_work import UnitOfWork
from handover.services.views import handover, thin
from handover.store import eventlog, roster
from handover.store.eventlog import SEQUENCE, SORT, TIME, Ends, Event, Row

ROSTER = "ROSTER"
OUTCOME = "outcome"
"""The kind of an event that tells the author of a note what came of a need that has gone to another prison. Nobody
else of the prison it was written in sees that need any more; other systems, which may count on a log without gaps,
learn its status."""
PAGE = 500
"""Rows read from a log at a time."""
SET_BACK = "This store was set back: some of what you were told is not there any more. Reload, then ask with after=now."
TOO_OLD = "What followed that cursor is not kept any more. Reload what you hold, then ask with after=now."


def about_note(
    uow: UnitOfWork, type_: str, row: Mapping[Any, Any], kind: str, about: str, status: str, data: str
) -> Event:
    """A change to a note or to what hangs on it (`row`: the note's or need's own columns): heard by whoever may read
    that."""
    return Event(
        establishment=row["establishment"],
        id=uow.new_id(),
        type=type_,
        subject=row["inmate"],
        unit=row["unit"],
        also_unit=None,
        time=uow.now,
        handling=row["handling"],
        author=row["author"],
        kind=kind,
        about=about,
        status=status,
        note=row["note"] if kind == "need" else row["id"],
        data=data,
    )


def about_handover(
    uow: UnitOfWork, type_: str, row: Mapping[Any, Any], establishment: str, unit: str, also_unit: str | None
) -> Event:
    """A change to a handover, told in one of the establishments it lies in: heard in both units, where both are there.
    It is kept whole, and each reader gets what he or she may see of it."""
    return Event(
        establishment=establishment,
        id=uow.new_id(),
        type=type_,
        subject=row["inmate"],
        unit=unit,
        also_unit=also_unit,
        time=uow.now,
        handling="UNIT",
        author=row["author"],
        kind="handover",
        about=row["id"],
        status=row["state"],
        note=row["id"],  # found by it when the words of an item have to go
        data=row["document"],
    )


def about_page(uow: UnitOfWork, type_: str, row: Mapping[Any, Any]) -> Event:
    """A change to a page: heard by whoever may see what it calls for."""
    return Event(
        establishment=row["establishment"],
        id=uow.new_id(),
        type=type_,
        subject=row["inmate"],
        unit=row["unit"],
        also_unit=None,
        time=uow.now,
        handling=row["handling"],
        author=row["author"],
        kind="page",
        about=row["id"],
        status=row["state"],
        note=None,  # it has none of the note's words: a retraction leaves it as it is
        data=row["document"],
    )


def about_inmate(
    uow: UnitOfWork,
    type_: str,
    establishment: str,
    unit: str,
    number: str,
    data: str,
    *,
    also_unit: str | None = None,
    status: str = "ACTIVE",
) -> Event:
    """A change to the roster: heard by all staff of the establishment."""
    return Event(
        establishment=establishment,
        id=uow.new_id(),
        type=type_,
        subject=number,
        unit=unit,
        also_unit=also_unit if also_unit != unit else None,
        time=uow.now,
        handling=ROSTER,
        author=None,
        kind="inmate",
        about=number,
        status=status,
        note=None,
        data=data,
    )


# --- Positions and cursors -------------------------------------------------------------------------------------------

Positions = dict[str, int]
"""How far a reader has come, by establishment."""
_SAFE = bytes.maketrans(b"+/", b"-_")


def cursor_of(store_id: str, positions: Mapping[str, int]) -> str:
    """The opaque form of positions. It names the store, so that a cursor of another (or of one set up anew) is
    noticed."""
    told = ",".join([f"{place}:{sequence}" for place, sequence in sorted(positions.items())])
    return _opaque(f"{store_id}.{told}".encode())


def _opaque(told: bytes) -> str:
    """As `urlsafe_b64encode`, without what fills it up: in less time."""
    return b2a_base64(told, newline=False).translate(_SAFE, b"=").decode()


def positions_of(store_id: str, cursor: str) -> Positions:
    """The positions in a cursor of this store; any other is refused out loud."""
    refused = CursorRefused(
        "This store cannot continue from that cursor. Reload what you hold, then ask with after=now."
    )
    try:
        known, _, told = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii").partition(".")
        pairs = [part.rsplit(":", 1) for part in told.split(",")] if told else []
        positions = {place: int(sequence) for place, sequence in pairs}
    except (Base64Error, UnicodeError, ValueError):
        raise refused from None
    if known != store_id or any(sequence < 0 for sequence in positions.values()):
        raise refused
    return positions


def start(store_id: str, after: str | None, places: Collection[str], ends: Mapping[str, Ends]) -> Positions:
    """Where a reader of these establishments begins: after its cursor, at the beginning of what is kept, or now."""
    heads = {place: ends[place].head if place in ends else 0 for place in places}
    floors = {place: ends[place].floor if place in ends else 0 for place in places}
    if after == "now":
        return heads
    if after is None:
        return floors
    positions = positions_of(store_id, after)
    # Only what this reader hears now: a cursor may remember an establishment that was taken away since, or is left out
    # here. One that knows of none of these would silently start them all again.
    if places and not any(place in positions for place in places):
        raise CursorRefused(
            "That cursor is of other establishments. Reload what you hold of these, then ask with after=now."
        )
    if any(positions.get(place, 0) > heads[place] for place in places):
        raise CursorRefused(
            "That cursor is ahead of this store, which was set back. Reload what you hold, then ask with after=now."
        )
    if any(positions.get(place, floors[place]) < floors[place] for place in places):
        raise CursorRefused(TOO_OLD)
    return {place: positions.get(place, floors[place]) for place in places}


# --- What one reader hears -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Filter:
    """What a reader asked to hear."""

    establishments: tuple[str, ...]
    unit: str | None = None
    types: frozenset[str] = frozenset()


Verdicts = dict[object, bool | None]
"""What was decided of events, by their `_sort`."""
MOST_SORTS = 20_000
MOST_KEPT = 2 * 1024 * 1024
"""Bytes kept ready of one page: it holds less than half of that where its events are notes of the usual length."""


@lru_cache(maxsize=MOST_SORTS)
def _sort(*_counts: str | None) -> object:
    """The same for all events that differ in nothing a decision looks at: it is quicker to find than what it stands
    for."""
    return object()


@lru_cache(maxsize=1024)
def _verdicts(*_counts: object) -> tuple[Verdicts, Verdicts]:
    """The same for all readers who differ in nothing that counts: about what others wrote, and about their own."""
    return {}, {}


_Said = tuple[str, str] | tuple[()] | None
"""What a page says alike of all events of a sort (`_alike`). Nothing: each is to be looked at. None: there are none."""


@lru_cache(maxsize=1024)
def _sayings(*_counts: object) -> tuple[dict[object, _Said], dict[object, _Said]]:
    """As `_verdicts`, for pages of one establishment."""
    return {}, {}


class Ear:
    """One reader's rights and filter, judged once for many events, and once for all readers who hear the same."""

    __slots__ = ("_counts", "_scopes", "_verdicts", "sights", "wanted", "who")

    def __init__(self, who: Principal, wanted: Filter) -> None:
        self.who = who
        self.wanted = wanted
        self.sights: tuple[Sight, ...] = sights(who)
        self._scopes = {
            "note": bool(may(who, "notes.read")),
            "receipt": bool(may(who, "notes.read")),
            "need": bool(may(who, "needs.read")),
            "inmate": bool(may(who, "roster.read")),
            "handover": bool(may(who, "handovers.read")),
            "page": bool(may(who, "notes.read")),
        }
        # All that `hears` and `whole` look at, except who the reader is.
        self._counts = who.kind, self.sights, who.establishments, tuple(self._scopes.items()), wanted
        self._verdicts = _verdicts(*self._counts)

    def judge(self, entry: "Encoded") -> bool | None:
        """Whether this reader may have the whole resource; None where the event does not exist for him or her."""
        verdicts = self._verdicts[entry.event.author == self.who.id]
        try:
            return verdicts[entry.sort]
        except KeyError:
            if len(verdicts) >= MOST_SORTS:
                verdicts.clear()
            verdict = verdicts[entry.sort] = self.whole(entry.event) if self.hears(entry.event) else None
            return verdict

    def alike(self, authors: Collection[str | None]) -> object:
        """The same for all readers to whom events by these authors are told alike."""
        return id(self._verdicts), self.who.id if self.who.id in authors else None

    def sayings(self, place: str) -> tuple[dict[object, _Said], dict[object, _Said]]:
        """What is said of events of one establishment, by what comes first in a row: of what others wrote, and of what
        this reader did."""
        return _sayings(place, *self._counts)

    def said(self, place: str, row: Row) -> _Said:
        """What is said of events like this one."""
        sayings = self.sayings(place)[row[SORT] == self.who.id]
        try:
            return sayings[row[:SORT]]
        except KeyError:
            if len(sayings) >= MOST_SORTS:
                sayings.clear()
            said = sayings[row[:SORT]] = self.says(place, row)
            return said

    def says(self, place: str, row: Row) -> _Said:
        """What that is, of a sort of event that is not among them yet."""
        entry = Encoded(eventlog.as_event(place, row), "")
        whole = self.judge(entry)
        if whole is None:
            return None
        return _alike(place, entry.event.type, entry.event.unit) if whole and entry.alike else ()

    def hears(self, event: Event) -> bool:
        """Whether the event exists for this reader at all."""
        wanted = self.wanted
        if wanted.unit is not None and wanted.unit not in (event.unit, event.also_unit):
            return False
        if wanted.types and event.type not in wanted.types:
            return False
        if event.handling == ROSTER:
            return self._scopes["inmate"] and bool(belongs(self.who, event.establishment))
        if event.kind == OUTCOME and self.who.kind == "user":
            return event.author == self.who.id
        units = (event.unit or "", event.also_unit)
        things = (
            Facts(event.establishment, u, event.handling, event.author, event.status) for u in units if u is not None
        )
        return any(may_read(self.who, thing, self.sights) for thing in things)

    def whole(self, event: Event) -> bool:
        """Whether the reader may have the resource, and not only learn that it changed (an integration without its
        scope)."""
        if event.kind == OUTCOME:
            return self._scopes["need"] and event.author == self.who.id
        return self._scopes[event.kind]


class Encoded:
    """An event as readers get it. What the feed sends is kept with it, once it is made: its frame with the whole
    resource, or without (`ready`)."""

    __slots__ = ("_store_id", "event", "ready", "sort")

    def __init__(self, event: Event, store_id: str) -> None:
        self.event = event
        self.ready: dict[bool, bytes] = {}
        self._store_id = store_id
        self.sort = _sort(
            event.establishment,
            event.type,
            event.unit,
            event.also_unit,
            event.handling,
            event.kind,
            event.status,
        )

    @property
    def alike(self) -> bool:
        """Whether everybody who may have the resource has the same of it; of a handover each has the items that are
        his or hers to see."""
        return self.event.kind != "handover"

    def text(self, ear: Ear, whole: bool, cursor: str | None = None) -> str:
        """The event as JSON, with the cursor of a reader of this establishment alone, or the one given."""
        event = self.event
        data = event.data if whole else thin(event.about, event.status)
        if whole and not self.alike and data != thin(event.about, event.status):
            data = handover(data, ear.who, ear.sights)
        cursor = cursor or _opaque(f"{self._store_id}.{event.establishment}:{event.sequence}".encode())
        alike = _alike(event.establishment, event.type, event.unit)
        return "".join(_pieces(alike, event.id, event.subject, in_utc(event.time), event.sequence, data, cursor))


class Latest(list[Encoded]):
    """What is new in one log, for all its readers. What was put together for one of them is kept for those to whom it
    is told alike (`Ear.alike`), by where it begins: the frames, the last event's sequence, and where to go on."""

    def __init__(self, new: Iterable[Encoded]) -> None:
        super().__init__(new)
        self.alike = all(entry.alike for entry in self)
        self.authors = {entry.event.author for entry in self}
        self.portions: dict[tuple[object, int], tuple[bytes, int, int]] = {}


def _pieces(
    alike: tuple[str, str], id_: str, subject: str | None, time: str, sequence: int, data: str, cursor: str
) -> tuple[str, ...]:
    """An event as JSON, to be joined. Written out: to have it made of a dictionary takes three times as long."""
    before, after = alike
    return (
        '{"specversion":"1.0","id":"',
        id_,
        before,
        _quoted(subject),
        ',"time":"',
        time,
        '","datacontenttype":"application/json","sequence":',
        str(sequence),
        after,
        data,
        ',"cursor":"',
        cursor,
        '"}',
    )


@lru_cache(maxsize=4096)
def _alike(establishment: str, type_: str, unit: str | None) -> tuple[str, str]:
    """What all events of this type in this unit say alike: between id and subject, and between sequence and data."""
    source = _quoted(f"/v1/establishments/{establishment}")
    return f'","source":{source},"type":"{type_}","subject":', f',"unit":{_quoted(unit)},"data":'


@lru_cache(maxsize=4096)
def _quoted(value: str | None) -> str:
    return orjson.dumps(value).decode()


def places_for(uow: UnitOfWork, establishment: str | None) -> tuple[str, ...]:
    """The establishments a reader hears: the one asked for, or all of the caller's."""
    if establishment is None:
        return tuple(sorted(uow.who.establishments))
    if not belongs(uow.who, establishment):
        raise NotFound("No such establishment among yours.")
    return (establishment,)


def check_unit(uow: UnitOfWork, places: Iterable[str], unit: str | None) -> None:
    """Refuses a unit that is nowhere: a reader that hears nothing because of a typo would believe that all is quiet."""
    if unit is not None and ("\x00" in unit or not any(roster.unit(uow.conn, place, unit) for place in places)):
        raise NotFound(f"No unit {unit} in your establishments.")


@dataclass(frozen=True, slots=True)
class Pulled:
    """A page: its events as text, how many they are, and how far it came."""

    text: str
    count: int
    positions: Positions
    more: bool


class _Page:
    """What one reader gets of some rows, as `Encoded` would tell it. What is said of a sort of event is found out once
    for all readers who hear the same, few rows become events, and what they say is put together in one go."""

    def __init__(self, ear: Ear, store_id: str, positions: Positions, between: str) -> None:
        self.positions = positions
        self.count = 0
        self.people: set[str | None] = set()
        self._ear = ear
        self._store_id = store_id
        self._between = between
        self._pieces: list[str] = []
        self._sayings = {place: ear.sayings(place) for place in positions}
        self._begun = _begun(store_id, *positions) if len(positions) == 1 else None

    @property
    def text(self) -> str:
        """All that was taken."""
        return "".join(self._pieces)

    def take(self, place: str, rows: Sequence[Row], most: int) -> int:
        """Takes what exists for this reader of the rows that come next, until there are so many events; answers how
        many rows that were."""
        others, own = self._sayings[place]
        me, people, pieces, between = self._ear.who.id, self.people, self._pieces, self._between
        count, read = self.count, 0
        for row, time in zip(rows, eventlog.told(rows), strict=True):
            if count == most:
                break
            _, _, _, _, _, _, author, subject, id_, _, sequence, data, _ = row
            read += 1
            self.positions[place] = sequence
            sayings = own if author == me else others
            try:
                said = sayings[row[:SORT]]
            except KeyError:
                if len(sayings) >= MOST_SORTS:
                    sayings.clear()
                said = sayings[row[:SORT]] = self._ear.says(place, row)
            if said is None:
                continue
            pieces.append(between if count else "")
            count += 1
            people.add(subject)
            if said:
                pieces += _pieces(said, id_, subject, time, sequence, data, self._cursor(sequence))
            else:
                entry = Encoded(eventlog.as_event(place, row), self._store_id)
                pieces.append(entry.text(self._ear, bool(self._ear.judge(entry)), self._cursor(sequence)))
        self.count = count
        return read

    def _cursor(self, sequence: int) -> str:
        if self._begun is None:
            return cursor_of(self._store_id, self.positions)
        letters, rest = self._begun
        # As `_opaque` has it: what is neither letter, digit, nor one of `-_.:` alone would look different there.
        return letters + b2a_base64(b"%b%d" % (rest, sequence), newline=False).decode().rstrip("=")


@lru_cache(maxsize=1024)
def _begun(store_id: str, place: str) -> tuple[str, bytes]:
    """What all cursors of one establishment begin with: as far as it makes whole letters, and the rest."""
    told = f"{store_id}.{place}:".encode()
    whole = len(told) // 3 * 3
    return _opaque(told[:whole]), told[whole:]


def _in_time(pages: Mapping[str, list[Row]], heads: Mapping[str, int]) -> Iterable[tuple[str, Sequence[Row]]]:
    """Events of several logs in order of time, each log only as far as the shortest page reaches: an event further on
    may have older ones before it elsewhere. A log stands in the order of its sequence whatever the clocks said, so an
    event counts as no earlier than those before it, and a page always gets on."""
    if len(pages) == 1:
        return pages.items()
    timed = [
        [(time, place, row) for time, row in zip(accumulate((row[TIME] for row in page), max), page, strict=True)]
        for place, page in pages.items()
    ]
    ends = (page[-1] for page in timed)
    horizon = min((time for time, place, last in ends if last[SEQUENCE] < heads[place]), default=None)
    merged = merge(*timed, key=itemgetter(0))
    return ((place, (row,)) for _, place, row in takewhile(lambda one: horizon is None or one[0] <= horizon, merged))


def pull(
    uow: UnitOfWork,
    store_id: str,
    wanted: Filter,
    after: str | None,
    limit: int,
    scan: int = 4 * PAGE,
    between: str = ",",
) -> Pulled:
    """The next events this reader hears, over all its establishments in order of time. A log is read at most `scan`
    rows far."""
    uow.about(filter={"unit": wanted.unit, "types": sorted(wanted.types) or None}, after=after)
    ends = eventlog.ends(uow.conn, wanted.establishments)
    heads = {place: end.head for place, end in ends.items()}
    began = start(store_id, after, wanted.establishments, ends)
    page = _Page(_ear(uow.who, wanted), store_id, dict(began), between)
    read = 0
    while (behind := _behind(page.positions, heads)) and page.count < limit and read < scan:
        rows = {p: eventlog.rows_after(uow.conn, p, page.positions[p], min(PAGE, max(limit, 50))) for p in behind}
        for place, some in _in_time(rows, heads):
            read += page.take(place, some, limit)
    moved = {place: [began[place], at] for place, at in page.positions.items() if at != began[place]}
    uow.about(count=page.count, sequences=moved, people=sorted(one for one in page.people if one))
    return Pulled(page.text, page.count, page.positions, bool(behind))


_ear = lru_cache(maxsize=256)(Ear)
"""The same for every page of one reader."""


def _behind(positions: Positions, heads: Mapping[str, int]) -> list[str]:
    return [place for place, at in positions.items() if at < heads.get(place, 0)]


# --- What many have missed -------------------------------------------------------------------------------------------


class Past:
    """Some of a log as it was read from the store, for all who come back to about the same place in it."""

    __slots__ = ("_alike", "_asked", "_begun", "kept", "place", "rows", "sorts", "store_id")

    def __init__(self, place: str, rows: Sequence[Row], store_id: str) -> None:
        self.place = place
        self.rows = rows
        self.store_id = store_id
        self.kept = 0
        self.sorts: dict[Row, Row] = {}
        self._asked = False
        self._begun = _begun(store_id, place)
        self._alike: dict[tuple[_Said, ...], Heard] = {}

    def heard(self, ear: Ear) -> "Heard":
        """What this reader gets of it, and all who get the same. The first who asks is most often the only one, and
        shares with nobody."""
        if not self._asked:
            self._asked = True
            return Heard(self, alone=True)
        if not self.sorts:
            self.sorts = {row[: SORT + 1]: row for row in self.rows}
        # One event of each sort and author stands for all like it.
        alike = tuple([ear.said(self.place, row) for row in self.sorts.values()])
        return self._alike.get(alike) or self._alike.setdefault(alike, Heard(self))

    def sequence(self, at: int) -> int:
        """That of the event before this place in it."""
        return self.rows[at - 1][SEQUENCE]  # type: ignore[no-any-return]  # a whole number

    def cursor(self, sequence: int) -> str:
        """That of a reader of this establishment alone."""
        letters, rest = self._begun
        return letters + _opaque(b"%b%d" % (rest, sequence))


Made = tuple[bytes, int]
"""Frames, and where in a `Past` they end."""


class Heard:
    """What some readers get of a `Past`. `made`: what they are sent of it, by where that begins and how much they take
    at a time."""

    __slots__ = ("_alone", "_past", "made")

    def __init__(self, past: Past, alone: bool = False) -> None:
        self.made: dict[tuple[int, int], Made] = {}
        self._past = past
        self._alone = alone

    def keep(self, begun: tuple[int, int], made: Made) -> None:
        """Keeps what was made for the others, unless much of it is kept already, for all who get something else."""
        if not self._alone and self._past.kept < MOST_KEPT:
            self._past.kept += len(made[0])
            self.made[begun] = made

    def alike(self, ear: Ear, at: int) -> bool:
        """Whether what begins there is the same for all of them, as far as `texts` goes."""
        return ear.said(self._past.place, self._past.rows[at]) != ()

    def texts(
        self, ear: Ear, at: int, most: int, room: int, cursor: Callable[[int], str] | None = None
    ) -> tuple[list[bytes], int]:
        """Its events from there on as JSON, so many at most and as they fit into so many bytes (one may be longer),
        with the cursor of a reader of this establishment alone or one that is made of the sequence; and where they end.
        That is where those begin that are the same for all, or those that are not, too."""
        past, place, me, alike = self._past, self._past.place, ear.who.id, self.alike(ear, at)
        cursor = cursor or past.cursor
        others, own = ear.sayings(place)
        rows = past.rows[at : at + most]
        texts: list[bytes] = []
        for row, time in zip(rows, eventlog.told(rows), strict=True):
            _, _, _, _, _, _, author, subject, id_, _, sequence, data, _ = row
            try:
                said = (own if author == me else others)[row[:SORT]]
            except KeyError:
                said = ear.said(place, row)
            if said is not None:
                if bool(said) is not alike:
                    break
                if said:
                    text = "".join(_pieces(said, id_, subject, time, sequence, data, cursor(sequence))).encode()
                else:
                    entry = Encoded(eventlog.as_event(place, row), past.store_id)
                    text = entry.text(ear, bool(ear.judge(entry)), cursor(sequence)).encode()
                room -= len(text)
                if texts and room < 0:
                    break
                texts.append(text)
            at += 1
        return texts, at


# --- What the hub needs of the log: no asker, because every event is judged again for every reader -------------------


@dataclass(frozen=True, slots=True)
class News:
    """What follows the hub's positions, in one moment of the store: entries by establishment, whether there are more,
    and the mark that tells whether events were rewritten since. `newest`: the event that each log has now at the
    position or at the end of the entries. `gone`: logs that do not have (any more) what was read of them, and their
    ends."""

    entries: dict[str, list["Encoded"]]
    more: bool
    rewritten: str | None
    newest: dict[str, str]
    gone: dict[str, int]


def heads(conn: Connection, places: Iterable[str]) -> dict[str, int]:
    """The newest sequence of each of these establishments."""
    return eventlog.heads(conn, places)


def ends(conn: Connection, places: Iterable[str]) -> dict[str, Ends]:
    """Where the logs of these establishments begin and end."""
    return eventlog.ends(conn, places)


def past(conn: Connection, store_id: str, place: str, position: int) -> Past:
    """A page of the events of one establishment that follow a position."""
    found = eventlog.rows_after(conn, place, position, PAGE)
    if found:
        _whole(position, found[-1][SEQUENCE], len(found))
    return Past(place, found, store_id)


def _whole(position: int, newest: int, count: int) -> None:
    """A log has no gaps: it was pruned while this reader was on its way. What is kept of what was pruned is not for
    it."""
    if newest != position + count:
        raise CursorRefused(TOO_OLD)


def as_of(conn: Connection, store_id: str, place: str, position: int) -> tuple[Past, str | None]:
    """A page of them, and the mark of rewritten events that it goes with."""
    return past(conn, store_id, place, position), eventlog.rewritten(conn)


def news(conn: Connection, store_id: str, known: Mapping[str, tuple[int, str | None]]) -> News:
    """The events that follow these positions, for the establishments that have any. Each position comes with the event
    that was there when it was read, where that is known: another one, or none, tells that the store was set back."""
    ends = eventlog.heads(conn, known) if len(known) > 1 else {}  # of one log, reading on is no dearer than asking
    entries: dict[str, list[Encoded]] = {}
    newest: dict[str, str] = {}
    gone: dict[str, int] = {}
    for place, (position, known_as) in known.items():
        if ends.get(place) == position:
            continue
        found = eventlog.after(conn, place, max(position - 1, 0), PAGE + 1)
        there = found.pop(0) if found and found[0].sequence == position else None
        head = found[-1].sequence if found else (ends or eventlog.heads(conn, [place])).get(place, 0)
        if head < position or (there and known_as and there.id != known_as):
            gone[place] = head
            continue
        if found:
            _whole(position, head, len(found))
        entries[place] = [Encoded(event, store_id) for event in found[:PAGE]]
        if last := found[:PAGE] or [event for event in [there] if event]:
            newest[place] = last[-1].id
    more = any(len(found) == PAGE for found in entries.values())
    return News(entries, more, eventlog.rewritten(conn), newest, gone)


def may_listen(who: Principal) -> bool:
    """Whether this reader may hear events at all."""
    return bool(may(who, "events.read"))
