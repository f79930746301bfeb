"""Events in pages, for whoever asks: each page as text, in order of time, and how far it came."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from heapq import merge
from itertools import accumulate, takewhile
from operator import itemgetter

from handover.domain.access import belongs
from handover.errors import NotFound
from handover.services.cursors import Positions, cursor_of, cursors_of, start
from handover.services.hearing import Ear, Filter, Said, told_to
from handover.services.missed import PAGE
from handover.services.unit_of_work import UnitOfWork
from handover.store import eventlog, roster
from handover.store.eventlog import PARTS, SEQUENCE, SORT, TIME, Row

MOST_KNOWN = 2_000
"""Sorts of events that are kept so for one reader."""
FAR = 4 * PAGE
"""Rows after which a page is answered, however few of them the reader hears."""


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
    """A page: its events as text, and how far it came."""

    events: list[str]
    positions: Positions
    more: bool


class _Known(dict[str, Said]):
    """How events of one establishment are told to one reader, by their sort: one look, at what `Ear.said` has found out
    for all who hear the same."""

    def __init__(self, ear: Ear, place: str) -> None:
        self._ear, self._place = ear, place

    def __missing__(self, sort: str) -> Said:
        if len(self) >= MOST_KNOWN:
            self.clear()
        said = self[sort] = self._ear.said(self._place, sort)
        return said


_ear = lru_cache(maxsize=256)(Ear)
"""The same for every page of one reader."""
_known = lru_cache(maxsize=256)(_Known)


class _Page:
    """What one reader gets of some rows, as `Encoded` would tell it. How a sort of event is told is found out once for
    all readers who hear the same, and what they are told is put together in one go."""

    def __init__(self, ear: Ear, store_id: str, positions: Positions) -> None:
        self.positions = positions
        self.people: set[str | None] = set()
        self._ear = ear
        self._store_id = store_id
        self.events: list[str] = []

    def take(self, place: str, rows: Sequence[Row], most: int) -> None:
        """Takes what exists for this reader of the rows that come next, until there are so many events."""
        known, hear, add = _known(self._ear, place), self.people.add, self.events.append
        at = 0
        while at < len(rows) and (left := most - len(self.events)) > 0:
            some = rows[at : at + left]  # not all of them need exist for this reader
            at += len(some)
            self.positions[place] = some[-1][SEQUENCE]
            heard = [row for row in some if known[row[SORT]] is not None]
            for (subject, sort, sequence, told), cursor in zip(heard, self._cursors(place, heard), strict=True):
                if not known[sort]:
                    told = told_to(self._ear, sort, told)  # noqa: PLW2901 - as this reader may have it
                add(f'{told},"sequence":{sequence},"cursor":"{cursor}"}}')
                hear(subject)

    def _cursors(self, place: str, rows: Sequence[Row]) -> Iterable[str]:
        """Where to go on after each of these rows."""
        if len(self.positions) == 1:
            return cursors_of(self._store_id, place, [row[SEQUENCE] for row in rows])
        return (cursor_of(self._store_id, {**self.positions, place: row[SEQUENCE]}) for row in rows)


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
    reached = takewhile(lambda one: horizon is None or one[0] <= horizon, merged)
    return ((place, (row[:PARTS],)) for _, place, row in reached)


def pull(uow: UnitOfWork, store_id: str, wanted: Filter, after: str | None, limit: int) -> Pulled:
    """The next events this reader hears, over all its establishments in order of time."""
    uow.about(filter={"unit": wanted.unit, "types": sorted(wanted.types) or None}, after=after)
    ends = eventlog.ends(uow.conn, wanted.establishments)
    heads = {place: end.head for place, end in ends.items()}
    began = start(store_id, after, wanted.establishments, ends)
    page = _Page(_ear(uow.who, wanted), store_id, dict(began))
    read = 0
    while (behind := _behind(page.positions, heads)) and len(page.events) < limit and read < FAR:
        some = min(PAGE, max(limit, 50))
        aside = len(behind) > 1
        rows = {p: eventlog.rows_after(uow.conn, p, page.positions[p], some, timed=aside) for p in behind}
        for place, found in _in_time(rows, heads):
            page.take(place, found, limit)
            read += len(found)
    moved = {place: [began[place], at] for place, at in page.positions.items() if at != began[place]}
    uow.about(count=len(page.events), sequences=moved, people=sorted(filter(None, page.people)))
    return Pulled(page.events, page.positions, bool(behind))


def _behind(positions: Positions, heads: Mapping[str, int]) -> list[str]:
    return [place for place, at in positions.items() if at < heads.get(place, 0)]
