"""The load: a process of its own that posts and listens, and is never what is waited for.

Reads one job as JSON from standard input, writes one result as JSON to standard output.
"""

import asyncio
import gc
import json
import sys
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from os import _exit
from time import perf_counter, process_time
from typing import Any, TypeVar

import uvloop

from benchmarks import notes
from benchmarks.watching import cpu_of, rss_of
from benchmarks.wire import CALL, Feed, Listener, Poster, Tally, request

F = TypeVar("F", bound=Feed)
BODIES = 997
"""Different notes in a run of posts; sent over and over."""
RAMP_S = 0.25
"""Posts in the first moments are made but not counted."""
PATIENCE_S, OPEN_S = 20.0, 240.0
"""Seconds the last notes may take, and feeds until they are live."""
OPENING = 50
"""Feeds that are being opened at a time, where it is not their opening that is measured."""
UNDERWAY = 128
"""At full load nobody posts while so many notes are on their way to the last feed: what piles up before a load that is
slower than the server would be measured as the server's."""
"""Between two replays, for the first one's feeds to be seen off."""


@dataclass(frozen=True)
class Job:
    """What to do: post with `clients` as fast as they are answered (and as all of the `feeds` hear it); or post `rate`
    notes a second and listen on `feeds`; or replay: `terminals` come back at once with the cursor `after`, `turns`
    times, while notes come to the feeds as before, where there are any."""

    port: int
    pid: int
    tokens: list[str]
    seconds: float
    clients: int = 0
    feeds: int = 0
    rate: float = 0.0
    incident: bool = False
    """The notes are about one incident, and the one in the middle calls everybody."""
    terminals: int = 0
    after: str = "now"
    turns: int = 1
    to: int = 0
    """The port that notes are posted to, where it is another than that of the feeds."""
    place: str = ""
    """Whose notes they are, where it is one of several prisons."""
    pause: float = 0.1
    """Seconds between two turns, which count for nothing."""


@dataclass
class Result:
    """What came of it. Latencies are in milliseconds, `pages` those of the call; `busy` is the share of a core that the
    load itself took, `server_cpu` the seconds of processor time that the server took, all its threads; `rss` its
    memory in KiB before its feeds were opened, and with them. `delivered`: events that reached feeds; `replays`:
    milliseconds until the last terminal was live, of each turn; `replayed`: the fewest events that one of them got."""

    done: int = 0
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    pages: list[float] = field(default_factory=list)
    busy: float = 0.0
    server_cpu: float = 0.0
    missing: int = 0
    rss: tuple[int, int] = (0, 0)
    delivered: int = 0
    replays: list[float] = field(default_factory=list)
    replayed: int = 0


async def flood(job: Job) -> Result:
    """Every client posts its next note as soon as the last one is durable."""
    loop = asyncio.get_running_loop()
    # A need is an event of its own, which the stand-in does not know.
    more: dict[str, Any] = {"needs": []} if job.feeds else {}
    prepared = [request(job.tokens[i % job.clients], notes.body(i, **more)) for i in range(BODIES)]
    latencies = array("d")
    failed: asyncio.Future[None] = loop.create_future()
    counting = stopping = False
    turn = 0
    idle: deque[Poster] = deque()
    tallies = await _open(job, failed, partial(Tally, job.port, after="now"), job.feeds, OPENING)

    def answered(poster: Poster) -> None:
        if counting:
            latencies.append(perf_counter() - poster.started)
        idle.append(poster)
        go_on()

    def go_on() -> None:
        nonlocal turn
        while idle and not stopping and (not tallies or turn - tallies[-1].events < UNDERWAY):
            turn += 1
            idle.popleft().post(prepared[turn % BODIES])

    if tallies:
        tallies[-1].counted = go_on
    for _ in range(job.clients):
        _, poster = await loop.create_connection(lambda: Poster(answered, failed), "127.0.0.1", job.port)
        idle.append(poster)
    go_on()
    await unless(failed, RAMP_S)
    before = sum(tally.events for tally in tallies)
    counting, began, cpu, server = True, perf_counter(), process_time(), cpu_of(job.pid)
    await unless(failed, job.seconds)
    counting, seconds, cpu = False, perf_counter() - began, process_time() - cpu
    server = cpu_of(job.pid) - server
    delivered = sum(tally.events for tally in tallies) - before
    stopping = True
    await asyncio.sleep(0.05)
    return Result(len(latencies), seconds, _ms(latencies), busy=cpu / seconds, server_cpu=server, delivered=delivered)


async def stream(job: Job) -> Result:
    """Notes come at a steady rate, whatever the server does; each of the feeds hears each of them. Where terminals
    replay meanwhile, until they have."""
    loop = asyncio.get_running_loop()
    failed: asyncio.Future[None] = loop.create_future()
    posts = max(1, round(job.seconds * job.rate))
    posted = array("d", bytes(8 * (posts + 1)))  # the last: the call
    latencies, calls = array("d"), array("d")
    idle: deque[Poster] = deque()
    late: deque[int] = deque()

    def heard(number: int, now: float) -> None:
        if posted[number]:
            (calls if number == CALL else latencies).append(now - posted[number])

    def answered(poster: Poster) -> None:
        if late:
            poster.post(prepared[late.popleft()])
        else:
            idle.append(poster)

    prepared = [request(job.tokens[i % job.clients], body) for i, body in enumerate(_bodies(job, posts))]
    rss = rss_of(job.pid)
    listener = partial(Listener, job.port, after="now", heard=heard, place=job.place or notes.ESTABLISHMENT)
    await _open(job, failed, listener, job.feeds, OPENING)
    for _ in range(job.clients):
        _, poster = await loop.create_connection(lambda: Poster(answered, failed), "127.0.0.1", job.to or job.port)
        idle.append(poster)
    began, cpu, server = perf_counter(), process_time(), cpu_of(job.pid)
    replaying = asyncio.create_task(replay(job, failed)) if job.terminals else None
    done = 0
    for i in range(posts):
        await unless(failed, max(0.0, began + i / job.rate - perf_counter()))
        if replaying is not None and replaying.done():
            break
        posted[i] = perf_counter()  # also where no connection is free: waiting for one is part of what an officer waits
        posted[CALL] = posted[posts // 2]
        done += 1
        if idle:
            idle.popleft().post(prepared[i])
        else:
            late.append(i)
    replayed = await replaying if replaying is not None else Result()
    last, expected = perf_counter(), (done + job.incident) * job.feeds
    while len(latencies) + len(calls) < expected and perf_counter() < last + PATIENCE_S:
        await unless(failed, 0.05)
    seconds = perf_counter() - began
    return Result(
        done,
        seconds,
        _ms(latencies),
        _ms(calls),
        busy=(process_time() - cpu) / seconds,
        server_cpu=cpu_of(job.pid) - server,
        missing=expected - len(latencies) - len(calls),
        rss=(rss, rss_of(job.pid)),
        replays=replayed.replays,
        replayed=replayed.replayed,
    )


async def replay(job: Job, failed: "asyncio.Future[None]") -> Result:
    """Terminals come back, all at once, with an old cursor, and are sent what they missed."""
    result = Result(replayed=sys.maxsize)
    cpu, start = process_time(), perf_counter()
    for _ in range(job.turns):
        began, server = perf_counter(), cpu_of(job.pid)
        terminals = await _open(job, failed, partial(Tally, job.port, after=job.after), job.terminals, job.terminals)
        result.replays.append((perf_counter() - began) * 1000)
        result.server_cpu += cpu_of(job.pid) - server
        result.replayed = min(result.replayed, *(terminal.events for terminal in terminals))
        for terminal in terminals:
            terminal.end()
        await unless(failed, job.pause)
    result.seconds = perf_counter() - start
    result.busy = (process_time() - cpu) / result.seconds
    return result


async def _open(job: Job, failed: "asyncio.Future[None]", make: Callable[..., F], many: int, at_a_time: int) -> list[F]:
    tokens = (job.tokens[i % len(job.tokens)] for i in range(many))
    slots = asyncio.Semaphore(at_a_time)
    feeds = [make(token=token, live=slots.release, failed=failed) for token in tokens]
    await open_feeds(job.port, failed, feeds, slots, at_a_time)
    return feeds


async def open_feeds(
    port: int, failed: "asyncio.Future[None]", feeds: Sequence[Feed], slots: asyncio.Semaphore, at_a_time: int
) -> None:
    """Opens feeds, so many at a time, and waits until all are live: each then releases a slot."""
    loop = asyncio.get_running_loop()

    async def opened() -> None:
        for feed in feeds:
            await slots.acquire()
            await loop.create_connection(partial(_same, feed), "127.0.0.1", port)
        for _ in range(at_a_time):
            await slots.acquire()

    opening = asyncio.create_task(opened())
    await asyncio.wait({opening, failed}, timeout=OPEN_S, return_when=asyncio.FIRST_COMPLETED)
    if failed.done():
        failed.result()
    if not opening.done():
        raise RuntimeError(f"not all of {len(feeds)} feeds were live after {OPEN_S:.0f} s")
    opening.result()


def _ms(seconds: Iterable[float]) -> list[float]:
    return [one * 1000 for one in seconds]


def _bodies(job: Job, posts: int) -> list[bytes]:
    if job.place:
        return [
            notes.body(i, establishment=job.place, inmate=f"{job.place}{notes.UNIT}{i % notes.PEOPLE:04d}")
            for i in range(posts)
        ]
    if not job.incident:
        return [notes.body(i) for i in range(posts)]
    bodies = [notes.body(i, about_incident=True) for i in range(posts)]
    bodies[posts // 2] = notes.urgent(posts // 2)
    return bodies


def _same(feed: F) -> F:
    return feed


async def unless(failed: "asyncio.Future[None]", seconds: float) -> None:
    """Waits, and fails as soon as the run has."""
    await asyncio.wait({failed}, timeout=seconds)
    if failed.done():
        failed.result()


async def do(job: Job) -> Result:
    """One job."""
    if job.rate:
        return await stream(job)
    if job.terminals:
        return await replay(job, asyncio.get_running_loop().create_future())
    return await flood(job)


def main() -> None:
    """One job, one result; gone at once, sockets and all."""
    job = Job(**json.load(sys.stdin))
    gc.disable()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        result = runner.run(do(job))
        json.dump(asdict(result), sys.stdout)
        sys.stdout.flush()
        _exit(0)


if __name__ == "__main__":
    main()
