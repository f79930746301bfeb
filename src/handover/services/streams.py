"""What the hub keeps in memory: the end of each log that somebody listens to, and pages of what was missed."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic

from handover.services import missed
from handover.services.hearing import Encoded, Latest
from handover.store.eventlog import Event

Take = Callable[[Latest], bool]
"""Takes what is new in one establishment at once, without waiting; False if it cannot, and wants to be woken."""


class Stream:
    """The end of one establishment's log, kept in memory while somebody listens."""

    def __init__(self, place: str, position: int, most: int) -> None:
        self.place = place
        self.position = position
        self.newest: str | None = None  # the event there, once it was read
        self.rewritten: str | None = None
        self.tail: deque[Encoded] = deque(maxlen=most)
        self.wakes: dict[asyncio.Event, Take | None] = {}

    def extend(self, new: Sequence[Encoded], rewritten: str | None) -> None:
        """Takes in what is new. If events were rewritten since the last look (a retraction), what is kept may say what
        the store no longer does: it is forgotten, and read from there by whoever is behind."""
        if rewritten != self.rewritten:
            self.tail.clear()
            self.rewritten = rewritten
        if new:
            self.tail.extend(new)
            self.position, self.newest = new[-1].event.sequence, new[-1].event.id
            told = Latest(new)
            for wake, take in self.wakes.items():
                if take is None or not take(told):
                    wake.set()

    def shorten(self, most: int) -> None:
        """Forgets the oldest, where it keeps more than that."""
        while len(self.tail) > most:
            self.tail.popleft()

    def set_back(self, head: int) -> None:
        """Begins anew at the end the log has now."""
        self.tail.clear()
        self.position, self.newest = head, None
        for wake in self.wakes:
            wake.set()

    def has(self, event: Event) -> bool:
        """Whether memory has this event."""
        back = self.position - event.sequence
        return 0 <= back < len(self.tail) and self.tail[-1 - back].event.id == event.id

    def after(self, position: int, most: int) -> list[Encoded] | None:
        """What follows a position, from memory; None where memory does not reach back so far."""
        if position >= self.position:
            return []
        start = len(self.tail) - (self.position - position)
        if start < 0:
            return None
        # By index: a deque is walked from its nearer end, and most feeds are close to the newest.
        return [self.tail[i] for i in range(start, min(start + most, len(self.tail)))]


class Page:
    """Some of a log, as it was read from the store, for all who come back to about the same place in it."""

    def __init__(self, place: str, position: int, reading: "asyncio.Task[missed.Past]") -> None:
        self.place = place
        self.position = position  # what it begins after
        self.reading = reading
        self.used = monotonic()

    @property
    def held(self) -> int:
        """How many events it holds."""
        done = self.reading.done() and not self.reading.cancelled() and self.reading.exception() is None
        return len(self.reading.result().rows) if done else 0

    def has(self, place: str, position: int) -> bool:
        """Whether what follows this position is in it, or will be once it has been read."""
        if place != self.place:
            return False
        return 0 <= position - self.position < (self.held if self.reading.done() else 1)
