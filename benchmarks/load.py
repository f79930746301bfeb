"""The load: a process of its own that posts and listens, and is never what is waited for.

It speaks HTTP/1.1 and WebSocket by hand on prebuilt bytes, because a client library costs more than the server it would
measure. Reads one job as JSON from standard input, writes one result as JSON to standard output.
"""

import asyncio
import gc
import json
import os
import sys
from array import array
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from time import perf_counter, process_time

import uvloop

from benchmarks import notes

BODIES = 997
"""Different notes in a run of posts; sent over and over."""
RAMP_S = 0.25
"""Posts in the first moments are made but not counted."""
PATIENCE_S = 20.0
CALL = -1
"""The number of what is no note, but a call to everybody."""


@dataclass(frozen=True)
class Job:
    """What to do: post with `clients` as fast as they are answered, or post `rate` notes a second and listen on
    `feeds`."""

    port: int
    pid: int
    tokens: list[str]
    seconds: float
    clients: int
    feeds: int = 0
    rate: float = 0.0
    incident: bool = False
    """The notes are about one incident, and the one in the middle calls everybody."""


@dataclass
class Result:
    """What came of it. Latencies are in milliseconds, `pages` those of the call; `busy` is the share of a core that the
    load itself took, `server_cpu` the seconds of processor time that the server took, all its threads."""

    done: int = 0
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    pages: list[float] = field(default_factory=list)
    busy: float = 0.0
    server_cpu: float = 0.0
    missing: int = 0


def request(token: str, body: bytes) -> bytes:
    """One POST, ready to be sent."""
    head = (
        "POST /v1/notes HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Poster(asyncio.Protocol):
    """One keep-alive connection. Whatever is not a 201 ends the run: a refusal is quicker than a note and would
    flatter."""

    def __init__(self, answered: Callable[["Poster"], None], failed: "asyncio.Future[None]") -> None:
        self._answered = answered
        self._failed = failed
        self._transport: asyncio.Transport
        self._buffer = b""
        self.started = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected."""
        self._transport = transport  # type: ignore[assignment]  # a stream's

    def connection_lost(self, exc: Exception | None) -> None:
        """A server that hangs up in the middle is an error too."""
        self._fail(f"the server hung up ({exc})")

    def post(self, data: bytes) -> None:
        """Sends a request; the answer calls back."""
        self.started = perf_counter()
        self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        """Waits for a whole answer."""
        if self._buffer:
            data = self._buffer + data
        head = data.find(b"\r\n\r\n")
        at = data.find(b"content-length: ", 0, head) + 16
        if head < 0 or len(data) < head + 4 + int(data[at : data.find(b"\r", at)]):
            self._buffer = data
            return
        self._buffer = b""
        if not data.startswith(b"HTTP/1.1 201"):
            self._fail(data[:600].decode(errors="replace"))
            return
        self._answered(self)

    def _fail(self, why: str) -> None:
        if not self._failed.done():
            self._failed.set_exception(RuntimeError(why))


class Listener(asyncio.Protocol):
    """One open feed; says which note came when, and when it was called (note -1)."""

    def __init__(self, port: int, token: str, live: Callable[[], None], heard: Callable[[int, float], None]) -> None:
        self._hello = (
            f"GET /v1/feed?establishment={notes.ESTABLISHMENT}&after=now HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            f"Authorization: Bearer {token}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: handover.v1\r\n\r\n"
        ).encode()
        self._live = live
        self._heard = heard
        self._upgraded = False
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asks for the feed."""
        transport.write(self._hello)  # type: ignore[attr-defined]  # a stream's

    def data_received(self, data: bytes) -> None:
        """Takes frames apart; the time is that of their arrival, before any work."""
        now = perf_counter()
        if self._buffer:
            data = self._buffer + data
        if not self._upgraded:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._buffer = data
                return
            if not data.startswith(b"HTTP/1.1 101"):
                raise RuntimeError(data[:600].decode(errors="replace"))
            self._upgraded = True
            data = data[end + 4 :]
        at = 0
        while at + 2 <= len(data):
            size, start = data[at + 1], at + 2
            if size == 126:
                size, start = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
            if size == 127 or start + size > len(data):
                break
            self._frame(data[start : start + size], now)
            at = start + size
        self._buffer = data[at:]

    def _frame(self, text: bytes, now: float) -> None:
        number = notes.number_in(text)
        if number is not None:
            self._heard(number, now)
        elif b'"type":"page.raised"' in text and b'"kind":"ACT_NOW"' in text:
            self._heard(CALL, now)
        elif text.startswith((b'{"type":"live"', b'{"type": "live"')):
            self._live()


async def flood(job: Job) -> Result:
    """Every client posts its next note as soon as the last one is durable."""
    loop = asyncio.get_running_loop()
    prepared = [request(job.tokens[i % job.clients], notes.body(i)) for i in range(BODIES)]
    latencies = array("d")
    failed: asyncio.Future[None] = loop.create_future()
    counting = stopping = False
    turn = 0

    def answered(poster: Poster) -> None:
        nonlocal turn
        if counting:
            latencies.append(perf_counter() - poster.started)
        if not stopping:
            turn += 1
            poster.post(prepared[turn % BODIES])

    for _ in range(job.clients):
        _, poster = await loop.create_connection(lambda: Poster(answered, failed), "127.0.0.1", job.port)
        turn += 1
        poster.post(prepared[turn % BODIES])
    await _unless(failed, RAMP_S)
    counting, began, cpu, server = True, perf_counter(), process_time(), cpu_of(job.pid)
    await _unless(failed, job.seconds)
    counting, seconds, cpu = False, perf_counter() - began, process_time() - cpu
    server = cpu_of(job.pid) - server
    stopping = True
    await asyncio.sleep(0.05)
    return Result(len(latencies), seconds, _ms(latencies), [], cpu / seconds, server)


async def stream(job: Job) -> Result:
    """Notes come at a steady rate, whatever the server does; each of the feeds hears each of them."""
    loop = asyncio.get_running_loop()
    failed: asyncio.Future[None] = loop.create_future()
    everything_live: asyncio.Future[None] = loop.create_future()
    live = 0
    posts = max(1, round(job.seconds * job.rate))
    posted = array("d", bytes(8 * (posts + 1)))  # the last: the call
    latencies, calls = array("d"), array("d")
    idle: deque[Poster] = deque()
    late: deque[int] = deque()

    def went_live() -> None:
        nonlocal live
        live += 1
        if live == job.feeds:
            everything_live.set_result(None)

    def heard(number: int, now: float) -> None:
        if posted[number]:
            (calls if number == CALL else latencies).append(now - posted[number])

    def answered(poster: Poster) -> None:
        if late:
            poster.post(prepared[late.popleft()])
        else:
            idle.append(poster)

    prepared = [request(job.tokens[i % job.clients], body) for i, body in enumerate(_bodies(posts, job.incident))]
    for i in range(job.feeds):
        listener = Listener(job.port, job.tokens[i % len(job.tokens)], went_live, heard)
        await loop.create_connection(partial(_same, listener), "127.0.0.1", job.port)
    for _ in range(job.clients):
        _, poster = await loop.create_connection(lambda: Poster(answered, failed), "127.0.0.1", job.port)
        idle.append(poster)
    await asyncio.wait_for(everything_live, PATIENCE_S)
    began, cpu, server = perf_counter(), process_time(), cpu_of(job.pid)
    for i in range(posts):
        await _unless(failed, max(0.0, began + i / job.rate - perf_counter()))
        posted[i] = perf_counter()  # also where no connection is free: waiting for one is part of what an officer waits
        posted[CALL] = posted[posts // 2]
        if idle:
            idle.popleft().post(prepared[i])
        else:
            late.append(i)
    last, expected = perf_counter(), (posts + job.incident) * job.feeds
    while len(latencies) + len(calls) < expected and perf_counter() < last + PATIENCE_S:
        await _unless(failed, 0.05)
    seconds = perf_counter() - began
    busy, server = (process_time() - cpu) / seconds, cpu_of(job.pid) - server
    missing = expected - len(latencies) - len(calls)
    return Result(posts, seconds, _ms(latencies), _ms(calls), busy, server, missing)


def _ms(seconds: Iterable[float]) -> list[float]:
    return [one * 1000 for one in seconds]


def _bodies(posts: int, incident: bool) -> list[bytes]:
    if not incident:
        return [notes.body(i) for i in range(posts)]
    bodies = [notes.body(i, about_incident=True) for i in range(posts)]
    bodies[posts // 2] = notes.urgent(posts // 2)
    return bodies


def _same(listener: Listener) -> Listener:
    return listener


async def _unless(failed: "asyncio.Future[None]", seconds: float) -> None:
    await asyncio.wait({failed}, timeout=seconds)
    if failed.done():
        failed.result()


def cpu_of(pid: int) -> float:
    """Seconds of processor time a process has used, all its threads; 0 where the system does not say."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """One job, one result; gone at once, sockets and all."""
    job = Job(**json.load(sys.stdin))
    gc.disable()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        result = runner.run(stream(job) if job.feeds else flood(job))
        json.dump(asdict(result), sys.stdout)
        sys.stdout.flush()
        os._exit(0)


if __name__ == "__main__":
    main()
