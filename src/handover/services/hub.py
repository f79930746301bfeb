"""Who hears what: reads each establishment's log once for all its open feeds, and tells them that there is more.

When the bell rings, or when it has been quiet for a while, the hub looks at the heads of the logs that somebody listens
to and reads what is new. What this process has just written itself it is told with the bell, and need not read where it
follows what is known; another process's bell carries nothing. Live is a short replay: a feed takes from the stream's
tail what lies after its own position, and from the store what lies before the tail. A feed that stands at the stream's
end takes what is new in the very pass that brings it; any other is woken and comes for it. There is no second path, no
queue per feed, nobody to wait for.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import cycle
from math import ceil
from time import monotonic
from typing import Protocol

import structlog

from handover.services import latest, missed
from handover.services.cursors import Positions
from handover.services.hearing import Encoded
from handover.services.logins import Session
from handover.services.metrics import Metrics
from handover.services.present import Listener, Present
from handover.services.sessions import Sessions
from handover.services.streams import Page, Stream, Take
from handover.services.unit_of_work import Desk
from handover.store import eventlog
from handover.store.eventlog import Written

log = structlog.get_logger("handover.feed")
BLIND_AFTER_S = 5.0
"""Seconds beyond the longest pause between two looks after which the hub does not claim to know of everything."""
PAGES, PAGE_S = 24, 2.0
"""Pages read from the store that are kept for whoever comes next, and how long after they were last asked for: when the
service was away, hundreds miss the same."""
MOST_TOLD = 100
"""Commits of which it is told and that it has not taken in; where there are more, it reads from the store after all."""
TAILS, SHORTEST = 20_000, 100
"""Events kept in memory of all logs together, some 60 MB, and the fewest of each: a country writes in a hundred and
twenty prisons, and whoever is further behind reads from the store."""
TURNS = 4
"""Feeds that go on catching up in one turn of the loop."""
GIVE_WAY_S, GLANCE_S = 0.02, 0.001
"""For so long at a time those who catch up give way to what is being written and told, looking so often whether it is;
then they go on for as long, whatever is."""
OPENING = 8
"""Feeds that are opened at a time: each is a write, and hundreds at once would stand before every note."""
KNOCKING = 2
"""Feeds whose token is looked up at a time: what is new in a log is looked up by the same threads."""
RIGHTS_AT_ONCE = 50
"""Feeds whose rights are looked at together. All at once, they would make everybody wait."""
RIGHTS_ANYWAY_S = 60.0
"""Seconds in which all are looked at, by and by, although nothing says that rights have changed: of a country's 12,000
in one go, everybody would feel it every minute."""
RIGHTS_HOLD_S = 4.0
"""Seconds after which nothing is told by what is known of rights and of the logs. A process that stood still, or was
cut off from its store, looks at both first: else it would tell what has come since to whoever may not hear it since,
and what was taken back since as if it stood."""


class Reader(Listener, Protocol):
    """What the hub knows of an open feed."""

    positions: Positions
    session: Session

    def rights(self, session: Session | None) -> None:
        """Told what its token is worth now."""

    def stop(self) -> None:
        """Told that the server is stopping."""

    def lost(self) -> None:
        """Told that a log it reads does not have any more what it was told."""


class Hub:
    """All streams and all readers of this process."""

    def __init__(self, desk: Desk, sessions: Sessions, metrics: Metrics) -> None:
        self._desk = desk
        self._sessions = sessions
        self._metrics = metrics
        metrics.behind.set_function(self._furthest_behind)  # as it is when somebody looks, not as it was at a look
        self._streams: dict[str, Stream] = {}
        self._pages: deque[Page] = deque(maxlen=PAGES)
        self._rewritten: str | None = None
        self._turns = asyncio.Semaphore(TURNS)
        self._gave_way = 0.0
        self.knocking, self.opening = asyncio.Semaphore(KNOCKING), asyncio.Semaphore(OPENING)
        self._readers: set[Reader] = set()
        self.present = Present(self._readers)
        self._new: set[Reader] = set()  # their tokens were looked up before they came in: rights may have changed since
        self._rights: str | None = None
        self._rights_seen = monotonic()
        self._empty = asyncio.Event()
        self._empty.set()
        self._rung = asyncio.Event()
        self._told: list[Written] | None = []
        self._rights_changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._looking = asyncio.Lock()
        self._looked = monotonic()
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

        def bell(rights_changed: bool, told: Sequence[Written] | None) -> None:
            # Called from the writer's thread; the loop may be gone when a last commit rings.
            with contextlib.suppress(RuntimeError):
                if self._streams:  # one that begins now looks at the store itself
                    loop.call_soon_threadsafe(self._ring, told)
                if rights_changed:
                    loop.call_soon_threadsafe(self._rights_changed.set)

        self._unbell = self._desk.store.on_commit(bell)
        self._desk.store.listen()
        settings = self._desk.settings
        self._tasks = [
            asyncio.create_task(self._look_again(settings.poll_s)),
            asyncio.create_task(self._watch_rights(settings.rights_check_s)),
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

    async def emptied(self, seconds: float) -> None:
        """Waits until every feed has left, for a while."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._empty.wait()

    async def close(self) -> None:
        """Ends listening."""
        self._unbell()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def listen(self, wake: asyncio.Event, places: Iterable[str], take: Take | None = None) -> None:
        """Has `wake` set whenever one of these establishments has news that `take` did not take. The streams are up to
        date when this returns."""
        places = list(places)
        try:
            unknown = []
            for place in places:
                if place in self._streams:
                    self._streams[place].wakes[wake] = take  # at once: a stream that nobody listens to is forgotten
                else:
                    unknown.append(place)
            if unknown:
                heads = await self._desk.peek(lambda conn: eventlog.heads(conn, unknown))
                for place in unknown:
                    # Somebody else may have begun the stream while we asked.
                    begun = Stream(place, heads.get(place, 0), self._desk.settings.tail_events)
                    self._streams.setdefault(place, begun).wakes[wake] = take
            await self._look()
        except BaseException:
            self.leave(wake, places)
            raise

    def leave(self, wake: asyncio.Event, places: Iterable[str]) -> None:
        """Undoes `listen`. A stream nobody listens to is forgotten."""
        for place in places:
            stream = self._streams.get(place)
            if stream is not None:
                stream.wakes.pop(wake, None)
                if not stream.wakes:
                    del self._streams[place]

    def enter(self, reader: Reader) -> None:
        """Counts a feed in: its rights are looked at from now on."""
        self._readers.add(reader)
        self._new.add(reader)
        self.present.stirred()
        self._empty.clear()
        self._metrics.feeds.inc()
        if self.stopping:
            reader.stop()

    def look_again(self, reader: Reader) -> None:
        """Has a reader's rights looked at again: its new token's were remembered, and may have changed since."""
        self._new.add(reader)
        self.present.stirred()

    def exit(self, reader: Reader) -> None:
        """Counts a feed out, if it ever came in."""
        if reader in self._readers:
            self._readers.remove(reader)
            self._new.discard(reader)
            self.present.stirred()
            if not self._readers:
                self._empty.set()
            self._metrics.feeds.dec()

    @property
    def sees(self) -> bool:
        """Whether the log was looked at lately. While the store is away, "nothing new" is not known to be true."""
        return monotonic() - self._looked < self._desk.settings.poll_s + BLIND_AFTER_S

    def stream(self, place: str) -> Stream:
        """The stream of an establishment somebody listens to."""
        return self._streams[place]

    async def past(self, place: str, position: int) -> tuple[missed.Past, int]:
        """A page of what follows a position, from the store, and where in it to begin."""
        page = self._page(place, position)
        page.used = monotonic()
        past = await asyncio.shield(page.reading)  # others may wait for it, too
        return past, position - page.position  # a log has no gaps

    async def be_sure(self) -> None:
        """Looks before more is told, where that was not done for a while: at rights, or at the logs."""
        if self._rights_may_be_old or monotonic() - self._looked > RIGHTS_HOLD_S:
            await self._look()

    def _page(self, place: str, position: int) -> Page:
        """The page that goes on after a position, read once for all who want it."""
        for page in self._pages:
            if page.has(place, position):
                self._pages.remove(page)
                self._pages.append(page)  # what nobody has asked for the longest makes room
                return page
        page = Page(place, position, asyncio.ensure_future(self._past(place, position, self._streams[place].position)))
        self._pages.append(page)
        page.reading.add_done_callback(lambda _: self._drop([] if page.held else [page]))
        return page

    async def _past(self, place: str, position: int, head: int) -> missed.Past:
        """Reads a page: from a standby, if what it says is what the store says. A log only grows, but for what is
        rewritten, of which the mark tells; so the page is right where it is full or reaches the log's head."""
        found = await self._desk.elsewhere(lambda conn: missed.as_of(conn, self.store_id, place, position))
        if found is not None:
            past, rewritten = found
            whole = len(past.rows) == missed.PAGE or (past.rows and past.sequence(len(past.rows)) >= head)
            if whole and rewritten == self._rewritten:
                return past
        return await self._desk.past(lambda conn: missed.past(conn, self.store_id, place, position))

    def _drop(self, pages: Iterable[Page]) -> None:
        for page in pages:
            with contextlib.suppress(ValueError):
                self._pages.remove(page)

    async def turn(self) -> None:
        """Waits for one's turn among all who have much to catch up with: a few go on at a time, and none while a note
        is on its way through the writer and to those who are up to date. Its threads would have to get the interpreter
        back from this one at every statement, a dozen times for a note, each time after `SWITCH_S`."""
        async with self._turns:
            await asyncio.sleep(0)
            began = monotonic()
            while self._at_work() and monotonic() - self._gave_way > GIVE_WAY_S:
                await asyncio.sleep(GLANCE_S)
                if monotonic() - began > GIVE_WAY_S:
                    self._gave_way = monotonic()

    def _at_work(self) -> bool:
        return self._looking.locked() or self._rung.is_set() or self._desk.store.writer.wait() > 0

    async def _look(self) -> None:
        """Brings all streams up to date with the store as it is now, or later."""
        asked = monotonic()
        async with self._looking:
            if self._looked > asked:
                return  # while we waited, a look began and ended that saw what we would see
            began = monotonic()
            self._told = []  # it is in the store, and read with the rest
            try:
                while await self._take_in():
                    pass
            except BaseException:
                self._ring(None)  # what it was told is not read yet
                raise
            self._looked = began
        old = began - PAGE_S
        self._drop([page for page in self._pages if page.used < old])

    async def _take_in(self) -> bool:
        streams = dict(self._streams)
        known = {place: (stream.position, stream.newest) for place, stream in streams.items()}
        if not known:
            return False
        news = await self._desk.peek(lambda conn: latest.news(conn, self.store_id, known))
        if self._rights_may_be_old:  # only now: the store may have kept the look waiting
            await self._look_at_rights()
        if news.rewritten != self._rewritten:
            # A retraction: what was read before it may say what the store no longer does.
            self._rewritten = news.rewritten
            self._pages.clear()
        for place, stream in streams.items():
            if self._streams.get(place) is not stream:
                continue  # forgotten, or begun anew, while we read
            if place in news.gone:
                self._set_back(stream, news.gone[place])
                continue
            stream.newest = stream.newest or news.newest.get(place)
            self._extend(stream, news.entries.get(place, ()), news.rewritten)
        return news.more

    def _extend(self, stream: Stream, entries: Sequence[Encoded], rewritten: str | None) -> None:
        now = self._desk.clock()
        entries = [entry for entry in entries if entry.event.sequence > stream.position]  # the rest it was told of
        for entry in entries:
            self._metrics.feed_lag.observe(max(0.0, (now - entry.event.time).total_seconds()))
        stream.extend(entries, rewritten)
        stream.shorten(max(SHORTEST, TAILS // len(self._streams)))

    def _ring(self, told: Sequence[Written] | None) -> None:
        if told is None or (self._told is not None and len(self._told) >= MOST_TOLD):
            self._told = None
        elif self._told is not None:
            self._told += told
        self._rung.set()

    def _take_told(self) -> bool:
        """Takes in what it was told. Answers False where it has to look: what is known may have been rewritten, or this
        neither is known nor follows it, because another process has written, too, or the store was set back."""
        told, self._told = self._told, []
        new: dict[str, list[Encoded]] = {}
        for place, before, events in told or ():
            stream = self._streams.get(place)
            if stream is not None and not stream.has(events[-1]):
                entries = new.setdefault(place, [])
                known = stream.position, stream.newest
                if entries:
                    known = entries[-1].event.sequence, entries[-1].event.id
                if known != (events[0].sequence - 1, before):
                    return False
                entries += [Encoded(event, self.store_id) for event in events]
        for place, entries in new.items():
            self._extend(self._streams[place], entries, self._streams[place].rewritten)
        return told is not None

    def _set_back(self, stream: Stream, head: int) -> None:
        """An older backup was restored, or a leader lost what it had said. Nobody can go on from what is not there."""
        log.error("the store was set back", establishment=stream.place, was=stream.position, now=head)
        self._pages.clear()
        for reader in list(self._readers):
            if stream.place in reader.positions:
                reader.lost()
        stream.set_back(head)

    def _furthest_behind(self) -> int:
        return max((self._behind(reader.positions) for reader in self._readers), default=0)

    def _behind(self, positions: Mapping[str, int]) -> int:
        # A feed that reads from the store may be ahead of its stream for a moment.
        return sum(max(0, self._streams[p].position - at) for p, at in positions.items() if p in self._streams)

    async def _look_again(self, at_least_s: float) -> None:
        while True:
            await _rings(self._rung, max(0.0, self._looked + at_least_s - monotonic()))
            await asyncio.sleep(0)  # who wrote it is answered first: thousands may be told
            try:
                old = self._rights_may_be_old or monotonic() - self._looked >= at_least_s
                if old or not self._take_told():
                    await self._look()
            except Exception:
                # The store may be away for a moment; the feeds stay open, but their heartbeats stop saying that nothing
                # is missing.
                log.exception("look failed")
                await asyncio.sleep(at_least_s)

    async def _watch_rights(self, within_s: float) -> None:
        turns = ceil(RIGHTS_ANYWAY_S / within_s)
        for turn in cycle(range(turns)):
            await _rings(self._rights_changed, within_s)
            try:
                await self._look_at_rights([r for r in self._readers if hash(r.session.digest) % turns == turn])
            except Exception:
                log.exception("look failed")
                await asyncio.sleep(within_s)

    @property
    def _rights_may_be_old(self) -> bool:
        return monotonic() - self._rights_seen > RIGHTS_HOLD_S

    async def _look_at_rights(self, whose_turn: Iterable[Reader] = ()) -> None:
        """Looks whether anybody's rights have changed, and then at those of all feeds; else at those of every feed
        whose token has run out, or that has come in since the last look, and of those whose turn it is."""
        began = monotonic()
        mark, now = await self._sessions.mark(), self._desk.clock()
        seen, self._rights = self._rights, None  # until it is done, nobody knows
        if mark != seen:
            await self._check_rights(list(self._readers))
        else:
            new, self._new = self._new, set()
            ended = (r for r in self._readers if r.session.expires_at <= now)
            await self._check_rights([*new.intersection(self._readers).union(ended, whose_turn)])
        self._rights, self._rights_seen = mark, began

    async def _check_rights(self, readers: Sequence[Reader]) -> None:
        for at in range(0, len(readers), RIGHTS_AT_ONCE):
            some = readers[at : at + RIGHTS_AT_ONCE]
            sessions = await self._sessions.again(sorted({reader.session.digest for reader in some}))
            for reader in some:
                if reader.session.digest in sessions:  # else it was renewed meanwhile
                    session = sessions[reader.session.digest]
                    if session is None or session.principal != reader.session.principal:
                        self.present.stirred()
                    reader.rights(session)


async def _rings(bell: asyncio.Event, at_most_s: float) -> None:
    """Waits for a bell, for a while."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(at_most_s):
            await bell.wait()
    bell.clear()
