"""Who hears what: reads each establishment's log once for all its open feeds, and tells them that there is more.

The bell carries nothing. When it rings, or when it has been quiet for a while, the hub looks at the heads of the
logs that
somebody listens to and reads what is new. Live is a short replay: a feed takes from the stream's tail what lies
after its own
position, and from the store what lies before the tail. There is no second path, no queue per feed, nobody to wait for.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from itertools import islice
from typing import Protocol

import structlog

from handover.services import events
from handover.services.events import Encoded, Positions
from handover.services.logins import Session
from handover.services.metrics import Metrics
from handover.services.sessions import Sessions
from handover.services.unit_of_work import Desk

log = structlog.get_logger("handover.feed")


class Reader(Protocol):
    """What the hub knows of an open feed."""

    wake: asyncio.Event
    positions: Positions
    session: Session

    def rights(self, session: Session | None) -> None:
        """Told what its token is worth now."""

    def stop(self) -> None:
        """Told that the server is stopping."""


class Stream:
    """The end of one establishment's log, kept in memory while somebody listens."""

    def __init__(self, place: str, position: int, most: int) -> None:
        self.place = place
        self.position = position
        self.generation = 0
        self.tail: deque[Encoded] = deque(maxlen=most)
        self.wakes: set[asyncio.Event] = set()

    def extend(self, new: Iterable[Encoded]) -> None:
        """Takes in what is new. A retraction empties the tail: what it blanked is then read from the store, as it
        stands there now."""
        for entry in new:
            self.tail.append(entry)
            self.position = entry.event.sequence
            if entry.event.type in ("note.retracted", "note.restricted"):
                self.tail.clear()
                self.generation += 1
        for wake in self.wakes:
            wake.set()

    def after(self, position: int, most: int) -> list[Encoded] | None:
        """What follows a position, from memory; None where memory does not reach back so far."""
        if position >= self.position:
            return []
        first = self.tail[0].event.sequence if self.tail else self.position + 1
        if position + 1 < first:
            return None
        start = position + 1 - first
        return list(islice(self.tail, start, start + most))


class Hub:
    """All streams and all readers of this process."""

    def __init__(self, desk: Desk, sessions: Sessions, metrics: Metrics) -> None:
        self._desk = desk
        self._sessions = sessions
        self._metrics = metrics
        self._streams: dict[str, Stream] = {}
        self._readers: set[Reader] = set()
        self._rung = asyncio.Event()
        self._rights_changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._looking = asyncio.Lock()
        self._unbell: Callable[[], None] = lambda: None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.stopping = False

    @property
    def store_id(self) -> str:
        """The store's name in cursors."""
        return self._desk.store.identity.id

    def start(self) -> None:
        """Begins to listen for the bell."""
        loop = self._loop = asyncio.get_running_loop()

        def bell(rights_changed: bool) -> None:
            # Called from the writer's thread; the loop may be gone when a last commit rings.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._rung.set)
                if rights_changed:
                    loop.call_soon_threadsafe(self._rights_changed.set)

        self._unbell = self._desk.store.on_commit(bell)
        self._desk.store.listen()
        settings = self._desk.settings
        self._tasks = [
            asyncio.create_task(self._every(self._rung, settings.poll_s, self._look)),
            asyncio.create_task(self._every(self._rights_changed, settings.rights_check_s, self._check_rights)),
        ]

    def stop_soon(self) -> None:
        """Tells every feed and every waiting pull that the server is stopping. May be called from a signal handler."""
        if self._loop is not None and not self.stopping:
            self._loop.call_soon_threadsafe(self._stop)

    def _stop(self) -> None:
        self.stopping = True
        for reader in list(self._readers):
            reader.stop()
        for stream in self._streams.values():
            for wake in stream.wakes:
                wake.set()

    async def close(self) -> None:
        """Ends listening."""
        self._unbell()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def listen(self, wake: asyncio.Event, places: Iterable[str]) -> None:
        """Has `wake` set whenever one of these establishments has news. The streams are up to date when this
        returns."""
        for place in places:
            if place not in self._streams:
                heads = await self._desk.peek(lambda conn, p=place: events.heads(conn, [p]))  # type: ignore[misc]
                most = self._desk.settings.tail_events
                # Somebody else may have begun the stream while we asked.
                self._streams.setdefault(place, Stream(place, heads.get(place, 0), most))
            self._streams[place].wakes.add(wake)
        await self._look()

    def leave(self, wake: asyncio.Event, places: Iterable[str]) -> None:
        """Undoes `listen`. A stream nobody listens to is forgotten."""
        for place in places:
            stream = self._streams.get(place)
            if stream is not None:
                stream.wakes.discard(wake)
                if not stream.wakes:
                    del self._streams[place]

    def enter(self, reader: Reader) -> None:
        """Counts a feed in: its rights are looked at from now on."""
        self._readers.add(reader)
        self._metrics.feeds.inc()

    def exit(self, reader: Reader) -> None:
        """Counts a feed out."""
        self._readers.discard(reader)
        self._metrics.feeds.dec()

    def stream(self, place: str) -> Stream:
        """The stream of an establishment somebody listens to."""
        return self._streams[place]

    async def page(self, place: str, position: int, most: int) -> list[Encoded]:
        """What follows a position: from memory, or from the store where memory does not reach."""
        found = self._streams[place].after(position, most)
        if found is None:
            found = await self._desk.peek(lambda conn: events.after(conn, self.store_id, place, position, most))
        return found

    async def _look(self) -> None:
        async with self._looking:
            while await self._read_on():
                pass
            self._metrics.behind.set(self._furthest_behind())

    async def _read_on(self) -> bool:
        """Reads a page of each log that has moved; True where there may be more."""
        positions = {place: stream.position for place, stream in self._streams.items()}
        if not positions:
            return False
        fresh = await self._desk.peek(lambda conn: events.fresh(conn, self.store_id, positions))
        now = self._desk.clock()
        for place, entries in fresh.items():
            for entry in entries:
                self._metrics.feed_lag.observe(max(0.0, (now - entry.event.time).total_seconds()))
            stream = self._streams.get(place)
            if stream is not None and stream.position == positions[place]:
                stream.extend(entries)
        return any(len(entries) == events.PAGE for entries in fresh.values())

    def _furthest_behind(self) -> int:
        return max((self._behind(reader.positions) for reader in self._readers), default=0)

    def _behind(self, positions: Mapping[str, int]) -> int:
        return sum(self._streams[p].position - at for p, at in positions.items() if p in self._streams)

    async def _check_rights(self) -> None:
        readers = list(self._readers)
        if not readers:
            return
        sessions = await self._sessions.again(sorted({reader.session.digest for reader in readers}))
        for reader in readers:
            if reader.session.digest in sessions:
                reader.rights(sessions[reader.session.digest])

    async def _every(self, rung: asyncio.Event, at_least_s: float, look: Callable[[], Awaitable[None]]) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(rung.wait(), at_least_s)
            rung.clear()
            try:
                await look()
            except Exception:
                # The store may be away for a moment; the feeds stay open and their heartbeats stop telling them they
                # are current.
                log.exception("look failed")
                await asyncio.sleep(at_least_s)
