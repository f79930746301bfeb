"""Readers of the log who are not like the others: one that hears everything, one that stops reading, twenty at once."""

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import httpx
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from handover.domain.access import HANDLING
from tests.support.service import Caller, Feed, Prison

READS = ("events:read", "notes:read", "needs:read", "roster:read")


def hears_everything(prison: Prison, *others: Prison) -> Caller:
    """Another system that hears every event of these prisons, whatever its class."""
    places = [prison.code, *(other.code for other in others)]
    return prison.connect("records", *READS, handling=HANDLING, establishments=places)


def read_on(feed: Feed, timeout: float = 6) -> tuple[list[Any], int, str]:
    """The events still to come until the feed is closed, and the code and reason it is closed with."""
    deadline, heard = monotonic() + timeout, []
    try:
        while monotonic() < deadline:
            frame = feed.frame(timeout)
            heard += [frame["event"]] if frame["type"] == "event" else []
    except ConnectionClosed as end:
        return (heard, end.rcvd.code, end.rcvd.reason) if end.rcvd else (heard, 1006, "")
    raise AssertionError("the feed was not closed in time")


def closed(feed: Feed) -> tuple[int, str]:
    """How the feed ends: code and reason. Whatever comes before is passed over."""
    return read_on(feed)[1:]


def eventually(met: Callable[[], Any], timeout: float = 30, every: float = 0.02) -> Any:
    """Waits until something holds, and answers it; fails after `timeout` seconds."""
    deadline = monotonic() + timeout
    while True:
        found = met()
        if found:
            return found
        assert monotonic() < deadline, "it did not come about in time"
        threading.Event().wait(every)


def metric(url: str, name: str) -> float:
    """One number the service tells whoever measures it."""
    for line in httpx.get(f"{url}/metrics", trust_env=False, verify=False).text.splitlines():
        if line.startswith(name + " "):
            return float(line.rsplit(" ", 1)[1])
    return 0.0


@contextmanager
def stalled(caller: Caller, **params: str) -> Iterator[Feed]:
    """An open feed that has read its hello and then takes nothing off the line until it is asked to. Its side keeps a
    few KiB, as a terminal whose process hangs would."""
    query = str(httpx.QueryParams(params))
    url = httpx.URL(caller.service.url)
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    line.connect((url.host, url.port))
    with connect(
        f"ws://{url.host}:{url.port}/v1/feed?{query}",
        sock=line,
        additional_headers={"Authorization": f"Bearer {caller.token}"},
        subprotocols=["handover.v1"],  # type: ignore[list-item]
        proxy=None,
        close_timeout=1,
        max_queue=1,
        ping_interval=None,
    ) as open_socket:
        yield Feed(open_socket)


@contextmanager
def fragile(caller: Caller, **params: str) -> Iterator[Feed]:
    """An open feed whose connection is gone at the end, without a word."""
    with connect(
        f"{caller.service.url.replace('http', 'ws')}/v1/feed?{httpx.QueryParams(params)}",
        additional_headers={"Authorization": f"Bearer {caller.token}"},
        subprotocols=["handover.v1"],  # type: ignore[list-item]
        proxy=None,
        close_timeout=1,
        max_queue=None,
        ping_interval=None,
    ) as open_socket:
        yield Feed(open_socket)
        open_socket.socket.shutdown(socket.SHUT_RDWR)


@dataclass
class Audience:
    """Many feeds in one thread; when they heard of what, by its id."""

    heard: dict[str, list[float]] = field(default_factory=dict)
    ends: list[int] = field(default_factory=list)

    def count(self, about: str) -> int:
        """How many feeds have heard of this."""
        return len(self.heard.get(about, ()))


@contextmanager
def audience(callers: list[Caller], **params: str) -> Iterator[Audience]:
    """Opens a feed for each caller (again and again the same one, if named so), live when this yields."""
    told = Audience()
    ready, stop = threading.Barrier(2, timeout=20), threading.Event()

    async def listen(caller: Caller, live: asyncio.Event) -> None:
        query = str(httpx.QueryParams(params))
        async with connect_async(
            f"{caller.service.url.replace('http', 'ws')}/v1/feed?{query}",
            additional_headers={"Authorization": f"Bearer {caller.token}"},
            subprotocols=["handover.v1"],  # type: ignore[list-item]
            proxy=None,
            close_timeout=1,
        ) as feed:
            try:
                while True:
                    frame = json.loads(await feed.recv())
                    if frame["type"] == "live":
                        live.set()
                    elif frame["type"] == "event":
                        told.heard.setdefault(frame["event"]["data"].get("id"), []).append(monotonic())
            except ConnectionClosed as end:
                told.ends.append(end.rcvd.code if end.rcvd else 1006)

    async def run() -> None:
        lives = [asyncio.Event() for _ in callers]
        tasks = [asyncio.create_task(listen(caller, live)) for caller, live in zip(callers, lives, strict=True)]
        await asyncio.wait_for(asyncio.gather(*(live.wait() for live in lives)), 20)
        ready.wait()
        await asyncio.to_thread(stop.wait)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    thread = threading.Thread(target=lambda: asyncio.run(run()), name="audience")
    thread.start()
    with ExitStack() as ending:
        ending.callback(thread.join, 10)
        ending.callback(stop.set)
        ready.wait()
        yield told
