"""What one reader hears, and in which words: decided once for many events, and once for all readers who hear the same.
Pull and feed are two doors onto this."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import orjson

from handover.domain.access import Facts, Principal, Sight, belongs, may, may_hear_of_handover, may_read, sights
from handover.services.cursors import cursor_of
from handover.services.events import HANDOVER, OUTCOME, ROSTER
from handover.services.views import handover, thin
from handover.store import eventlog
from handover.store.eventlog import Event, Sort


@dataclass(frozen=True, slots=True)
class Filter:
    """What a reader asked to hear."""

    establishments: tuple[str, ...]
    unit: str | None = None
    types: frozenset[str] = frozenset()


Said = bool | None
"""How an event of a sort is told: as it stands, or looked at by itself (`told_to`). None: it does not exist."""
MOST_SORTS = 20_000


@lru_cache(maxsize=1024)
def _sayings(*_counts: object) -> tuple[dict[str, Said], dict[str, Said]]:
    """How events of one establishment are told, by their sort: those about what others wrote, and about one's own. The
    same for all readers who differ in nothing that counts."""
    return {}, {}


@lru_cache(maxsize=1024)
def _kin(*_counts: object) -> object:
    """The same for all readers who differ in nothing that counts."""
    return object()


class Ear:
    """One reader's rights and filter, judged once for many events, and once for all readers who hear the same."""

    __slots__ = ("_counts", "_kin", "_places", "_scopes", "mine", "sights", "wanted", "who")

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
        self._kin = _kin(*self._counts)
        self._places: dict[str, tuple[dict[str, Said], dict[str, Said]]] = {}
        self.mine = eventlog.written_by(who.id)

    def alike(self, sorts: Iterable[str]) -> object:
        """The same for all readers to whom events of these sorts are told alike."""
        return self._kin, self.who.id if any(sort.endswith(self.mine) for sort in sorts) else None

    def sayings(self, place: str) -> tuple[dict[str, Said], dict[str, Said]]:
        """How events of one establishment are told: about what others wrote, and about what this reader did (those
        whose sort ends with `mine`)."""
        found = self._places.get(place)
        if found is None:
            found = self._places[place] = _sayings(place, *self._counts)
        return found

    def said(self, place: str, sort: str) -> Said:
        """How events of this sort are told."""
        sayings = self.sayings(place)[sort.endswith(self.mine)]
        try:
            return sayings[sort]
        except KeyError:
            if len(sayings) >= MOST_SORTS:
                sayings.clear()
            looked_at = eventlog.sort_of(sort)
            said = sayings[sort] = self._says(looked_at) if self.hears(place, looked_at) else None
            return said

    def _says(self, sort: Sort) -> bool:
        # Of a handover each reader has the items that are his or hers to see.
        return sort.kind != HANDOVER and self.whole(sort)

    def judge(self, place: str, sort: str) -> bool | None:
        """Whether this reader may have the whole resource; None where the event does not exist for him or her."""
        said = self.said(place, sort)
        return self.whole(eventlog.sort_of(sort)) if said is False else said

    def hears(self, place: str, sort: Sort) -> bool:
        """Whether an event of this sort exists for this reader at all."""
        wanted = self.wanted
        if wanted.unit is not None and wanted.unit not in (sort.unit, sort.also_unit):
            return False
        if wanted.types and sort.type not in wanted.types:
            return False
        if sort.handling == ROSTER:
            return self._scopes["inmate"] and bool(belongs(self.who, place))
        if sort.kind == OUTCOME and self.who.kind == "user":
            return sort.author == self.who.id
        thing = Facts(place, sort.unit or "", sort.handling, sort.author, sort.status, sort.also_unit)
        may_hear = may_hear_of_handover if sort.kind == HANDOVER else may_read
        return bool(may_hear(self.who, thing, self.sights))

    def whole(self, sort: Sort) -> bool:
        """Whether the reader may have the resource, and not only learn that it changed (an integration without its
        scope)."""
        if sort.kind == OUTCOME:
            return self._scopes["need"] and sort.author == self.who.id
        return self._scopes[sort.kind]


class Encoded:
    """An event as readers get it. What the feed sends is kept with it, once it is made: its frame with the whole
    resource, or without (`ready`)."""

    __slots__ = ("_store_id", "event", "ready")

    def __init__(self, event: Event, store_id: str) -> None:
        self.event = event
        self.ready: dict[bool, bytes] = {}
        self._store_id = store_id

    @property
    def alike(self) -> bool:
        """Whether everybody who may have the resource has the same of it; of a handover each has the items that are
        his or hers to see."""
        return self.event.kind != HANDOVER

    def text(self, ear: Ear, whole: bool, cursor: str | None = None) -> str:
        """The event as JSON, with the cursor of a reader of this establishment alone, or the one given."""
        event = self.event
        told = event.told if whole and self.alike else told_to(ear, event.sort, event.told)
        cursor = cursor or cursor_of(self._store_id, {event.establishment: event.sequence})
        return f'{told},"sequence":{event.sequence},"cursor":"{cursor}"}}'


def told_to(ear: Ear, sort: str, told: str) -> str:
    """An event that this reader may hear of, as far as he or she may have it; up to its sequence."""
    looked_at, (before, data) = eventlog.sort_of(sort), eventlog.apart(told)
    about = orjson.loads(data).get("id") or orjson.loads(before + "}")["subject"]
    little = thin(about, looked_at.status)
    if not ear.whole(looked_at):
        data = little
    elif looked_at.kind == HANDOVER and data != little:
        data = handover(data, ear.who, ear.sights)
    return eventlog.with_data(before, data)


class Latest(list[Encoded]):
    """What is new in one log, for all its readers. What was put together for one of them is kept for those to whom it
    is told alike (`Ear.alike`), by where it begins: the frames, the last event's sequence, and where to go on."""

    def __init__(self, new: Iterable[Encoded]) -> None:
        super().__init__(new)
        self.alike = all(entry.alike for entry in self)
        self.sorts = {entry.event.sort for entry in self}
        self.portions: dict[tuple[object, int], tuple[bytes, int, int]] = {}


def may_listen(who: Principal) -> bool:
    """Whether this reader may hear events at all."""
    return bool(may(who, "events.read"))
