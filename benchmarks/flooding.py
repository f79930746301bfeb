"""A storm: a process of its own that asks more than can be done, whatever is answered, or opens feeds and then takes
nothing off the line. Reads one job as JSON from standard input, writes one result as JSON to standard output."""

import asyncio
import gc
import json
import os
import socket
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import uvloop

from benchmarks import notes
from benchmarks.wire import Listener

LINES, PRESSING_LINES = 4000, 60
"""Connections for what can wait, and for what cannot: terminals do not wait for each other's."""
TICK_S, AT_ONCE = 0.005, 100
LIVE_S, CUT_S, REST_S = 60.0, 120.0, 15.0
KINDS = ("notes", "calls", "takings")


@dataclass(frozen=True)
class Job:
    """What to do for how long: `rate` ordinary notes a second, of those that call somebody and of `ACCEPTED` receipts
    `pressing` each. With `deaf`, instead: so many feeds that stop reading, and notes until all of them are cut off."""

    port: int
    pid: int
    tokens: list[str]
    seconds: float
    rate: float = 0.0
    pressing: float = 10.0
    deaf: int = 0


@dataclass
class Result:
    """By kind, milliseconds of what was done and of what was refused; how many got neither answer; and the resident
    memory of the server in MB: before, the most, after."""

    done: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    refused: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    odd: int = 0
    unsent: int = 0
    seconds: float = 0.0
    memory: tuple[float, float, float] = (0.0, 0.0, 0.0)


class Line(asyncio.Protocol):
    """One keep-alive connection; calls back with what it answered."""

    def __init__(self, answered: Callable[["Line", int, bytes], None]) -> None:
        self._answered = answered
        self._transport: Any = None
        self._buffer = b""
        self.about: tuple[str, float] = ("", 0.0)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected."""
        self._transport = transport

    def ask(self, kind: str, data: bytes, since: float) -> None:
        """Sends a request that was due at this moment."""
        self.about = (kind, since)
        self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        """Waits for a whole answer."""
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        at = self._buffer.find(b"content-length: ", 0, head) + 16
        if head < 0 or len(self._buffer) < head + 4 + int(self._buffer[at : self._buffer.find(b"\r", at)]):
            return
        answer, self._buffer = self._buffer, b""
        self._answered(self, int(answer[9:12]), answer[head + 4 :])


def request(path: str, token: str, body: bytes) -> bytes:
    """One POST, ready to be sent."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Storm:
    """The lines, what is due on them, and what was answered."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.result = Result()
        self.called: list[str] = []
        self._idle: dict[bool, deque[Line]] = {True: deque(), False: deque()}
        self.out = 0

    async def open(self, lines: int) -> None:
        """Opens the connections."""
        loop = asyncio.get_running_loop()
        for pressing, many in ((False, lines), (True, PRESSING_LINES)):
            for _ in range(many):
                _, line = await loop.create_connection(lambda: Line(self._answered), "127.0.0.1", self.job.port)
                self._idle[pressing].append(line)

    def ask(self, kind: str, number: int, since: float) -> None:
        """Asks, on a connection that is free; where none is, nobody is served, which counts too."""
        free = self._idle[kind != "notes"]
        if not free or (kind == "takings" and not self.called):
            self.result.unsent += kind == "notes" or not free
            return
        token = self.job.tokens[number % len(self.job.tokens)]
        if kind == "takings":
            data = request(f"/v1/notes/{self.called.pop()}/receipts", token, b'{"kind":"ACCEPTED"}')
        else:
            data = request("/v1/notes", token, (notes.urgent if kind == "calls" else notes.body)(number))
        self.out += 1
        free.popleft().ask(kind, data, since)

    def _answered(self, line: Line, status: int, body: bytes) -> None:
        kind, since = line.about
        self.out -= 1
        took = (perf_counter() - since) * 1000
        if status == 201:
            self.result.done[kind].append(took)
            if kind == "calls":
                self.called.append(json.loads(body)["id"])
        elif status in (429, 503):
            self.result.refused[kind].append(took)
        else:
            self.result.odd += 1
        self._idle[kind != "notes"].append(line)

    async def blow(self) -> None:
        """Asks at the rates that were told, whatever is answered; then waits for the answers that are out."""
        rates = {"notes": self.job.rate, "calls": self.job.pressing, "takings": self.job.pressing}
        asked, began = dict.fromkeys(rates, 0), perf_counter()
        memory = most = resident(self.job.pid)
        while (now := perf_counter()) < began + self.job.seconds:
            for kind, rate in rates.items():
                while asked[kind] < (now - began) * rate:
                    asked[kind] += 1
                    self.ask(kind, asked[kind], now)
            most = max(most, resident(self.job.pid))
            await asyncio.sleep(TICK_S)
        self.result.seconds = perf_counter() - began
        await until(lambda: not self.out, REST_S)
        self.result.odd += self.out
        self.result.memory = (memory, most, resident(self.job.pid))


async def until(holds: Callable[[], bool], seconds: float) -> None:
    """Waits until it holds, for a while."""
    for _ in range(int(seconds / TICK_S)):
        if holds():
            return
        await asyncio.sleep(TICK_S)


async def storm(job: Job) -> Result:
    """More than can be done."""
    blowing = Storm(job)
    await blowing.open(min(LINES, max(32, int(job.rate * 3))))
    await blowing.blow()
    return blowing.result


async def deaf(job: Job) -> Result:
    """Feeds that are live and then stop reading, and notes until all of them are cut off."""
    loop = asyncio.get_running_loop()
    live = cut = 0
    result = Result()

    class Deaf(Listener):
        """Reads until it is live, then no more."""

        def __init__(self, token: str) -> None:
            super().__init__(job.port, token, "now", self.hush, loop.create_future(), heard=lambda *_: None)

        def hush(self) -> None:
            nonlocal live
            live += 1
            self._transport.pause_reading()

        def connection_lost(self, exc: Exception | None) -> None:
            """As it was meant to be."""

    for number in range(job.deaf):
        line = socket.socket()
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.setblocking(False)
        await loop.sock_connect(line, ("127.0.0.1", job.port))
        token = job.tokens[number % len(job.tokens)]
        await loop.create_connection(partial(Deaf, token), sock=line)
        if number % AT_ONCE == AT_ONCE - 1:
            # More at once would themselves be a storm, and be told to come back later.
            await until(lambda many=number + 1: live >= many, LIVE_S)  # type: ignore[misc]  # the default binds it
    await until(lambda: live == job.deaf, LIVE_S)
    if live < job.deaf:
        raise RuntimeError(f"only {live} of {job.deaf} feeds are live")
    blowing = Storm(job)
    await blowing.open(32)
    opened, began, number = resident(job.pid), perf_counter(), 0
    most = opened
    while cut < job.deaf and perf_counter() < began + CUT_S:
        number += 1
        blowing.ask("notes", number, perf_counter())
        await asyncio.sleep(TICK_S)
        most = max(most, resident(job.pid))
        if number % 100 == 0:
            cut = await asyncio.to_thread(_cut, job.port)
    result.done, result.seconds = blowing.result.done, perf_counter() - began
    result.odd = job.deaf - cut
    await asyncio.sleep(1.0)
    result.memory = (opened, most, resident(job.pid))
    return result


def _cut(port: int) -> int:
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(b"GET /metrics HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
        text = b"".join(iter(lambda: line.recv(65536), b""))
    found = [one for one in text.splitlines() if one.startswith(b'handover_feeds_closed_total{code="4408"}')]
    return int(float(found[0].split()[-1])) if found else 0


def resident(pid: int) -> float:
    """MB of memory a process has."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    except OSError:
        return 0.0


def main() -> None:
    """One job, one result; gone at once, sockets and all."""
    job = Job(**json.load(sys.stdin))
    gc.disable()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        result = runner.run(deaf(job) if job.deaf else storm(job))
        json.dump(asdict(result), sys.stdout)
        sys.stdout.flush()
        os._exit(0)


if __name__ == "__main__":
    main()
