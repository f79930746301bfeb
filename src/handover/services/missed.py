"""What many have missed: a page of a log, read from the store once, and made into text once for all who get the
same."""

from collections.abc import Callable, Sequence

from sqlalchemy.engine import Connection

from handover.errors import CursorRefused
from handover.services.cursors import TOO_OLD, cursors_of
from handover.services.hearing import Ear, Said, told_to
from handover.store import eventlog
from handover.store.eventlog import SEQUENCE, SORT, Row

PAGE = 500
"""Rows read from a log at a time."""
MOST_KEPT = 2 * 1024 * 1024
"""Bytes kept ready of one page: it holds less than half of that where its events are notes of the usual length."""


class Past:
    """Some of a log as it was read from the store, for all who come back to about the same place in it."""

    __slots__ = ("_alike", "_asked", "_cursors", "kept", "place", "rows", "sorts", "store_id")

    def __init__(self, place: str, rows: Sequence[Row], store_id: str) -> None:
        self.place = place
        self.rows = rows
        self.store_id = store_id
        self.kept = 0
        self.sorts: list[str] = []
        self._asked = False
        self._cursors: list[str] = []
        self._alike: dict[tuple[Said, ...], Heard] = {}

    def heard(self, ear: Ear) -> "Heard":
        """What this reader gets of it, and all who get the same. The first who asks is most often the only one, and
        shares with nobody."""
        if not self._asked:
            self._asked = True
            return Heard(self, alone=True)
        if not self.sorts:
            self.sorts = sorted({row[SORT] for row in self.rows})
        alike = tuple([ear.said(self.place, sort) for sort in self.sorts])
        return self._alike.get(alike) or self._alike.setdefault(alike, Heard(self))

    def sequence(self, at: int) -> int:
        """That of the event before this place in it."""
        return self.rows[at - 1][SEQUENCE]  # type: ignore[no-any-return]  # a whole number

    @property
    def cursors(self) -> Sequence[str]:
        """Those of a reader of this establishment alone, at each of its events."""
        if not self._cursors:
            self._cursors = cursors_of(self.store_id, self.place, [row[SEQUENCE] for row in self.rows])
        return self._cursors


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
        return ear.said(self._past.place, self._past.rows[at][SORT]) is not False

    def texts(
        self, ear: Ear, at: int, most: int, room: int, cursor: Callable[[int], str] | None = None
    ) -> tuple[list[bytes], int]:
        """Its events from there on as JSON, so many at most and as they fit into so many bytes (one may be longer),
        with the cursor of a reader of this establishment alone or one that is made of the sequence; and where they end.
        That is where those begin that are the same for all, or those that are not, too."""
        past, place, mine, alike = self._past, self._past.place, ear.mine, self.alike(ear, at)
        cursors = past.cursors if cursor is None else ()
        others, own = ear.sayings(place)
        texts: list[bytes] = []
        for _, sort, sequence, told in past.rows[at : at + most]:
            try:
                said = (own if sort.endswith(mine) else others)[sort]
            except KeyError:
                said = ear.said(place, sort)
            if said is not None:
                if said is not alike:
                    break
                if not said:
                    told = told_to(ear, sort, told)  # noqa: PLW2901 - as this reader may have it
                there = cursors[at] if cursor is None else cursor(sequence)
                text = f'{told},"sequence":{sequence},"cursor":"{there}"}}'.encode()
                room -= len(text)
                if texts and room < 0:
                    break
                texts.append(text)
            at += 1
        return texts, at


def past(conn: Connection, store_id: str, place: str, position: int) -> Past:
    """A page of the events of one establishment that follow a position."""
    found = eventlog.rows_after(conn, place, position, PAGE)
    if found:
        whole(position, found[-1][SEQUENCE], len(found))
    return Past(place, found, store_id)


def whole(position: int, newest: int, count: int) -> None:
    """A log has no gaps: it was pruned while this reader was on its way. What is kept of what was pruned is not for
    it."""
    if newest != position + count:
        raise CursorRefused(TOO_OLD)


def as_of(conn: Connection, store_id: str, place: str, position: int) -> tuple[Past, str | None]:
    """A page of them, and the mark of rewritten events that it goes with."""
    return past(conn, store_id, place, position), eventlog.rewritten(conn)
