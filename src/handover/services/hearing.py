"""What one reader hears, and in which words: decided once for many events, and once for all readers who hear the same.
Pull and feed are two doors onto this."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache

import orjson

from handover.domain.access import Facts, Principal, Sight, belongs, may, may_read, sights
from handover.schemas.common import in_utc
from handover.services.cursors import opaque
from handover.services.events import OUTCOME, ROSTER
from handover.services.views import handover, thin
from handover.store import eventlog
from handover.store.eventlog import SORT, Event, Row


@dataclass(frozen=True, slots=True)
class Filter:
    """What a reader asked to hear."""

    establishments: tuple[str, ...]
    unit: str | None = None
    types: frozenset[str] = frozenset()


Verdicts = dict[object, bool | None]
"""What was decided of events, by their `_sort`."""
MOST_SORTS = 20_000


@lru_cache(maxsize=MOST_SORTS)
def _sort(*_counts: str | None) -> object:
    """The same for all events that differ in nothing a decision looks at: it is quicker to find than what it stands
    for."""
    return object()


@lru_cache(maxsize=1024)
def _verdicts(*_counts: object) -> tuple[Verdicts, Verdicts]:
    """The same for all readers who differ in nothing that counts: about what others wrote, and about their own."""
    return {}, {}


Said = tuple[str, str] | tuple[()] | None
"""What a page says alike of all events of a sort (`told_alike`). Nothing: each is looked at. None: there are none."""


@lru_cache(maxsize=1024)
def _sayings(*_counts: object) -> tuple[dict[object, Said], dict[object, Said]]:
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

    def sayings(self, place: str) -> tuple[dict[object, Said], dict[object, Said]]:
        """What is said of events of one establishment, by what comes first in a row: of what others wrote, and of what
        this reader did."""
        return _sayings(place, *self._counts)

    def said(self, place: str, row: Row) -> Said:
        """What is said of events like this one."""
        sayings = self.sayings(place)[row[SORT] == self.who.id]
        try:
            return sayings[row[:SORT]]
        except KeyError:
            if len(sayings) >= MOST_SORTS:
                sayings.clear()
            said = sayings[row[:SORT]] = self._says(place, row)
            return said

    def _says(self, place: str, row: Row) -> Said:
        """What that is, of a sort of event that is not among them yet."""
        entry = Encoded(eventlog.as_event(place, row), "")
        whole = self.judge(entry)
        if whole is None:
            return None
        return told_alike(place, entry.event.type, entry.event.unit) if whole and entry.alike else ()

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
        cursor = cursor or opaque(f"{self._store_id}.{event.establishment}:{event.sequence}".encode())
        alike = told_alike(event.establishment, event.type, event.unit)
        return "".join(pieces(alike, event.id, event.subject, in_utc(event.time), event.sequence, data, cursor))


class Latest(list[Encoded]):
    """What is new in one log, for all its readers. What was put together for one of them is kept for those to whom it
    is told alike (`Ear.alike`), by where it begins: the frames, the last event's sequence, and where to go on."""

    def __init__(self, new: Iterable[Encoded]) -> None:
        super().__init__(new)
        self.alike = all(entry.alike for entry in self)
        self.authors = {entry.event.author for entry in self}
        self.portions: dict[tuple[object, int], tuple[bytes, int, int]] = {}


def pieces(
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
def told_alike(establishment: str, type_: str, unit: str | None) -> tuple[str, str]:
    """What all events of this type in this unit say alike: between id and subject, and between sequence and data."""
    source = _quoted(f"/v1/establishments/{establishment}")
    return f'","source":{source},"type":"{type_}","subject":', f',"unit":{_quoted(unit)},"data":'


@lru_cache(maxsize=4096)
def _quoted(value: str | None) -> str:
    return orjson.dumps(value).decode()


def may_listen(who: Principal) -> bool:
    """Whether this reader may hear events at all."""
    return bool(may(who, "events.read"))
