"""Plays the day of a country: a process of its own that writes its notes and listens on all its feeds.

Every note goes to the feeds of its own prison, and one that does not reach all of them ends the run. The day goes by as
fast as notes are taken; but a stretch of the night and the worst minute are played as they are, by the clock on the
wall. Reads one job as JSON from standard input; writes to standard output how far it has come, a line each, and in the
end one result.
"""

import asyncio
import gc
import itertools
import json
import math
import sys
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from os import _exit
from random import Random
from time import perf_counter, process_time
from typing import Any

import psycopg
import uvloop

from benchmarks import notes
from benchmarks.load import OPENING, PATIENCE_S, UNDERWAY, open_feeds, unless
from benchmarks.timetable import QUIET, clock, timetable, worst
from benchmarks.watching import cpu_of, family, rss_of
from benchmarks.wire import CALL, Listener, Poster, asking, fail, request

UNITS, PEOPLE = "ABCDEF", 120
"""A prison's wings, and the people of each (`filling`)."""
POSTERS = 32
"""Connections that notes come on. As the day goes by fast, each has one on its way."""
READERS = 8
"""Who read sheets at a time."""
PER_S = 10_000
"""Latencies are counted in tenths of a millisecond."""
FRESH_S = 3.0
"""A connection that was idle longer is not used again: after five seconds the server ends it."""
AGAIN_S = 5.0
"""What the service says in `Retry-After`."""
LOOK_S, TELL_S = 0.02, 1.0
HEARTBEAT_S = 15.0
"""So often a feed is told that nothing is missing: each is, before the night is measured."""


@dataclass(frozen=True)
class Job:
    """The day to play: for each of these prisons as many feeds, and their tokens one prison after another. `url`: the
    database, if its work is to be counted. `quiet_s`, `worst_s`: seconds of the night and of the worst minute.
    `every`: where the day goes by fast, only every so many-th note is written. `sheets_s`: seconds of reading sheets
    in the evening, where there are any."""

    port: int
    pid: int
    url: str
    places: list[str]
    tokens: list[str]
    quiet_s: float
    worst_s: float
    every: int = 1
    sheets_s: float = 0.0


@dataclass
class Phase:
    """Part of the day. `refused`: answers that there was no room, after each of which the note came again. Latencies in
    milliseconds, (p50, p99); processor time in seconds, of the server, of the database's connections and of this
    process."""

    done: int = 0
    seconds: float = 0.0
    delivered: int = 0
    refused: int = 0
    posts: tuple[float, float] = (0.0, 0.0)
    heard: tuple[float, float] = (0.0, 0.0)
    server_cpu: float = 0.0
    store_cpu: float = 0.0
    load_cpu: float = 0.0


@dataclass
class Result:
    """The parts of the day, and the sheets read in its evening (`done`, and how long each took in `posts`); the
    server's memory in KiB before its feeds, with them, and in the evening; how many feeds there were, and how long they
    took to open."""

    quiet: Phase = field(default_factory=Phase)
    worst: Phase = field(default_factory=Phase)
    fast: Phase = field(default_factory=Phase)
    sheets: Phase = field(default_factory=Phase)
    rss: tuple[int, int, int] = (0, 0, 0)
    feeds: int = 0
    open_s: float = 0.0


class Counts:
    """Latencies, counted: there are tens of millions in a day."""

    def __init__(self) -> None:
        self.all = 0
        self._counts = array("q", bytes(8 * (int(PATIENCE_S * PER_S) + 1)))

    def add(self, seconds: float) -> None:
        """One more."""
        self.all += 1
        self._counts[min(int(seconds * PER_S), len(self._counts) - 1)] += 1

    def at(self, share: float) -> float:
        """Milliseconds that this share of all does not exceed."""
        wanted, so_far = min(self.all - 1, int(self.all * share)), 0
        for tenths, count in enumerate(self._counts):
            so_far += count
            if so_far > wanted:
                return (tenths + 1) * 1000 / PER_S
        return 0.0


class Part:
    """What was done and taken in a part of the day, in several stretches or one."""

    def __init__(self) -> None:
        self.posts, self.heard = Counts(), Counts()
        self.refused = 0
        self._sums = [0.0] * 5

    def add(self, before: Sequence[float], after: Sequence[float]) -> None:
        """Takes in a stretch."""
        self._sums = [so_far + b - a for so_far, a, b in zip(self._sums, before, after, strict=True)]

    def phase(self) -> Phase:
        """The sums."""
        done, seconds, *cpu = self._sums
        posts, heard = ((counts.at(0.5), counts.at(0.99)) for counts in (self.posts, self.heard))
        return Phase(int(done), seconds, self.heard.all, self.refused, posts, heard, *cpu)


class Line(Poster):
    """A connection that the server may end while nothing is asked on it. A note that there is no room for just now is
    sent again later, as terminals do."""

    def __init__(
        self,
        answered: Callable[[Poster], None],
        again: Callable[[Poster], None],
        lost: Callable[[Poster], bool],
        failed: "asyncio.Future[None]",
    ) -> None:
        super().__init__(answered, failed)
        self._again = again
        self._lost = lost

    def connection_lost(self, exc: Exception | None) -> None:
        """An error only where an answer is waited for."""
        if self._lost(self):
            super().connection_lost(exc)

    def _refused(self, data: bytes) -> None:
        if data.startswith(b"HTTP/1.1 503"):
            self._again(self)
        else:
            super()._refused(data)


class Reader(Poster):
    """A connection on which something is read, until it is hung up."""

    good = b"HTTP/1.1 200"
    _ended = False

    def end(self) -> None:
        """Hangs up."""
        self._ended = True
        super().end()

    def connection_lost(self, exc: Exception | None) -> None:
        """An error where it was the server."""
        if not self._ended:
            super().connection_lost(exc)


class Player:
    """Who writes, who listens, and what is on its way."""

    def __init__(self, job: Job, failed: "asyncio.Future[None]") -> None:
        self.job = job
        self.failed = failed
        self.minute = 0
        self.done = 0
        self._part = Part()
        self._random = Random(7)
        self._feeds_each = len(job.tokens) // len(job.places)
        self._feeds: list[Listener] = []
        self._posted = array("d")
        self._left = array("l")
        self._prison = array("l")
        self._about = array("b")
        self._underway = self._refused = 0
        self._idle: list[Poster] = []
        self._lines: set[Poster] = set()
        self._connecting: set[asyncio.Task[None] | None] = set()
        self._writes: dict[Poster, int] = {}
        self._waiting: deque[int] = deque()
        self._to_come: Iterator[int] = iter(())

    async def open(self) -> None:
        """Opens every feed."""
        slots = asyncio.Semaphore(OPENING)
        self._feeds = [
            Listener(
                self.job.port,
                token,
                "now",
                slots.release,
                self.failed,
                self.job.places[i // self._feeds_each],
                heard=self._heard,
            )
            for i, token in enumerate(self.job.tokens)
        ]
        await open_feeds(self.job.port, self.failed, self._feeds, slots, OPENING)

    def end(self) -> None:
        """Hangs up."""
        for feed in self._feeds:
            feed.end()
        for line in self._lines:
            line.end()

    @contextmanager
    def measured(self, part: Part) -> Iterator[None]:
        """What is done now belongs to this part."""
        self._part, before = part, self._taken()
        yield
        part.add(before, self._taken())

    def _taken(self) -> tuple[float, ...]:
        server = sum(map(cpu_of, family(self.job.pid)))
        return self.done, perf_counter(), server, sum(map(cpu_of, _backends(self.job.url))), process_time()

    def plan(self, everywhere: int, incident: int) -> list[int]:
        """Notes of one minute, by number, in the order they are written: from anywhere, and from the one prison."""
        told = [(self._random.randrange(len(self.job.places)), 0) for _ in range(everywhere)] + [(0, 1)] * incident
        self._random.shuffle(told)
        first = len(self._posted)
        for prison, about in told:
            self._posted.append(0.0)
            self._left.append(self._feeds_each)
            self._prison.append(prison)
            self._about.append(about)
        return list(range(first, len(self._posted)))

    async def live(self, numbers: list[int], seconds: float) -> None:
        """Writes these at moments of their own within as many seconds, whatever the server does."""
        moments = sorted(self._random.random() * seconds for _ in numbers)
        began = perf_counter()
        for number, moment in zip(numbers, moments, strict=True):
            await unless(self.failed, max(0.0, began + moment - perf_counter()))
            self._due(number)
        await unless(self.failed, max(0.0, began + seconds - perf_counter()))
        await self._calm()

    async def fast(self, minutes: Iterable[list[int]]) -> None:
        """Writes these one after another, as fast as they are durable and heard."""
        self._to_come = (number for minute in minutes for number in minute)
        self._go_on()
        await self._calm()

    async def read(self, seconds: float) -> None:
        """Reads the sheets of all wings, one after another, as fast as READERS get them."""
        wings, reading, until = itertools.count(), set[Poster](), perf_counter() + seconds

        def ask(reader: Poster) -> None:
            wing = next(wings)
            prison = wing // len(UNITS) % len(self.job.places)
            path = f"/v1/establishments/{self.job.places[prison]}/units/{UNITS[wing % len(UNITS)]}/sheet"
            reader.post(asking(path, self.job.tokens[prison * self._feeds_each]))

        def answered(reader: Poster) -> None:
            self._part.posts.add(perf_counter() - reader.started)
            self.done += 1
            if perf_counter() < until:
                ask(reader)
            else:
                reading.discard(reader)
                reader.end()

        for _ in range(READERS):
            make = partial(Reader, answered, self.failed)
            _, reader = await asyncio.get_running_loop().create_connection(make, "127.0.0.1", self.job.port)
            reading.add(reader)
            ask(reader)
        while reading:
            await unless(self.failed, LOOK_S)

    async def _calm(self) -> None:
        """Waits until every note is answered and heard by all, as long as it goes on."""
        told, moved, before = 0.0, perf_counter(), -1
        while self._underway or self._writes or self._waiting or self._refused:
            await unless(self.failed, LOOK_S)
            now = perf_counter()
            if (so_far := self._part.heard.all + self._part.posts.all) != before:
                moved, before = now, so_far
            elif now - moved > PATIENCE_S:
                raise RuntimeError(f"{self._underway} notes did not reach all their feeds")
            if now - told > TELL_S:
                told = now
                _say({"at": clock(self.minute), "done": self.done})
        await unless(self.failed, 0.0)

    def _due(self, number: int) -> None:
        self._posted[number] = perf_counter()  # also where no connection is free: that is waited for, too
        self._underway += 1
        self.done += 1
        self._waiting.append(number)
        self._write()

    def _write(self) -> None:
        stale = perf_counter() - FRESH_S
        while self._waiting and self._idle:
            poster = self._idle.pop()
            if poster.started < stale:
                self._lines.discard(poster)
                poster.end()
            else:
                self._writes[poster] = number = self._waiting.popleft()
                poster.post(self._request(number))
        while len(self._connecting) < len(self._waiting) and len(self._lines) + len(self._connecting) < POSTERS:
            self._connecting.add(asyncio.ensure_future(self._connect()))

    async def _connect(self) -> None:
        try:
            make = partial(Line, self._answered, self._sent_again, self._lost, self.failed)
            _, line = await asyncio.get_running_loop().create_connection(make, "127.0.0.1", self.job.port)
            line.started = perf_counter()
            self._lines.add(line)
            self._idle.append(line)
        except OSError as error:
            fail(self.failed, str(error))
        self._connecting.discard(asyncio.current_task())
        self._write()

    def _lost(self, line: Poster) -> bool:
        """Whether it was in use."""
        if line in self._idle:
            self._idle.remove(line)
        self._lines.discard(line)
        return line in self._writes

    def _go_on(self) -> None:
        while len(self._writes) + len(self._waiting) + self._refused < POSTERS and self._underway < UNDERWAY:
            number = next(self._to_come, None)
            if number is None:
                return
            self._due(number)

    def _request(self, number: int) -> bytes:
        prison = self._prison[number]
        token = self.job.tokens[prison * self._feeds_each + number % self._feeds_each]
        place = self.job.places[prison]
        wing = UNITS[0] if self._about[number] else UNITS[number % len(UNITS)]
        person = f"{place}{wing}{number // len(UNITS) % PEOPLE:04d}"
        more: dict[str, Any] = {"about_incident": True} if self._about[number] else {}
        return request(token, notes.body(number, establishment=place, inmate=person, **more))

    def _answered(self, poster: Poster) -> None:
        self._part.posts.add(perf_counter() - self._posted[self._writes.pop(poster)])
        self._idle.append(poster)
        self._write()
        self._go_on()

    def _sent_again(self, line: Poster) -> None:
        number = self._writes.pop(line)
        self._idle.append(line)
        self._part.refused += 1
        self._refused += 1
        asyncio.get_running_loop().call_later(AGAIN_S, self._wait_again, number)

    def _wait_again(self, number: int) -> None:
        self._refused -= 1
        self._waiting.append(number)
        self._write()

    def _heard(self, number: int, now: float) -> None:
        if number == CALL:
            return
        self._part.heard.add(now - self._posted[number])
        left = self._left[number] = self._left[number] - 1
        if left == 0:
            self._underway -= 1
            self._go_on()
        elif left < 0:
            fail(self.failed, f"note {number} was heard twice")


def _backends(url: str) -> list[int]:
    """The database's own processes that serve this server, where they run on this machine."""
    if not url.startswith("postgresql"):
        return []
    with psycopg.connect(url) as conn:
        query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        return [int(pid) for (pid,) in conn.execute(query)]


async def play(job: Job) -> Result:
    """The day."""
    player = Player(job, asyncio.get_running_loop().create_future())
    before, began = _rss(job.pid), perf_counter()
    await player.open()
    opened = perf_counter() - began
    await unless(player.failed, min(HEARTBEAT_S, job.quiet_s))
    with_feeds = _rss(job.pid)
    minutes = timetable(len(job.places))
    peak, quiet, bad, rest, evening = worst(minutes), Part(), Part(), Part(), Part()

    def by_minute(first: int, last: int) -> Iterator[list[int]]:
        for player.minute in range(first, last):
            one = minutes[player.minute]
            yield player.plan(one.everywhere, one.incident)[:: job.every]

    async def fast(first: int, last: int) -> None:
        with player.measured(rest):
            await player.fast(by_minute(first, last))

    async def live(part: Part, minute: int, seconds: float) -> None:
        player.minute, one = minute, minutes[minute]
        numbers = player.plan(math.ceil(one.everywhere * seconds / 60), round(one.incident * seconds / 60))
        with player.measured(part):
            await player.live(numbers, seconds)

    await fast(0, QUIET)
    await live(quiet, QUIET, job.quiet_s)
    await fast(QUIET + 1, peak)
    await live(bad, peak, job.worst_s)
    await fast(peak + 1, len(minutes))
    rss = (before, with_feeds, _rss(job.pid))
    if job.sheets_s:
        with player.measured(evening):
            await player.read(job.sheets_s)
    return Result(quiet.phase(), bad.phase(), rest.phase(), evening.phase(), rss, len(job.tokens), opened)


def _rss(pid: int) -> int:
    return sum(map(rss_of, family(pid)))


def _say(what: dict[str, Any]) -> None:
    json.dump(what, sys.stdout)
    sys.stdout.write("\n")
    sys.stdout.flush()


def main() -> None:
    """One job, one result; gone at once, sockets and all."""
    job = Job(**json.load(sys.stdin))
    gc.disable()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        _say({"result": asdict(runner.run(play(job)))})
        _exit(0)


if __name__ == "__main__":
    main()
