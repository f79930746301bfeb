"""HTTP/1.1 and WebSocket by hand, on prebuilt bytes: a client library costs more than the server it would measure."""

import asyncio
from collections.abc import Callable
from time import perf_counter
from typing import Any

from benchmarks import notes

CALL = -1
"""The number of what is no note, but a call to everybody."""
CLOSING, PING = 8, 9
"""What a frame is, beside text."""
LONG = 512
"""Bytes from which a frame is an event, unread: everything else that is said on a feed is shorter."""


def asking(path: str, token: str) -> bytes:
    """One GET, ready to be sent."""
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n".encode()


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

    good = b"HTTP/1.1 201"

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
        fail(self._failed, f"the server hung up ({exc})")

    def end(self) -> None:
        """Hangs up."""
        self._transport.abort()

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
        if data.startswith(self.good):
            self._answered(self)
        else:
            self._refused(data)

    def _refused(self, data: bytes) -> None:
        fail(self._failed, data[:600].decode(errors="replace"))


class Feed(asyncio.Protocol):
    """One open feed: asks for it, and hands on what comes once it is open. A feed that ends by itself ends the run."""

    def __init__(
        self,
        port: int,
        token: str,
        after: str,
        live: Callable[[], None],
        failed: "asyncio.Future[None]",
        place: str = notes.ESTABLISHMENT,
    ) -> None:
        self._hello = (
            f"GET /v1/feed?establishment={place}&after={after} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            f"Authorization: Bearer {token}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: handover.v1\r\n\r\n"
        ).encode()
        self._live = live
        self._failed = failed
        self._upgraded = self._ended = False
        self._transport: asyncio.Transport
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asks for the feed."""
        self._transport = transport  # type: ignore[assignment]  # a stream's
        self._transport.write(self._hello)

    def connection_lost(self, exc: Exception | None) -> None:
        """Over, whoever ended it."""
        if not self._ended:
            fail(self._failed, f"a feed ended ({exc})")

    def end(self) -> None:
        """Hangs up."""
        self._ended = True
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """The time is that of the arrival, before any work."""
        now = perf_counter()
        if self._rest:
            data, self._rest = self._rest + data, b""
        if not self._upgraded:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._rest = data
                return
            if not data.startswith(b"HTTP/1.1 101"):
                fail(self._failed, data[:600].decode(errors="replace"))
                return
            self._upgraded = True
            data = data[end + 4 :]
        self._take(data, now)

    def _take(self, data: bytes, now: float) -> None:
        raise NotImplementedError

    def _said(self, head: bytes, text: bytes) -> None:
        if head[0] & 15 == CLOSING:
            fail(self._failed, f"a feed was closed: {int.from_bytes(text[:2], 'big')} {text[2:].decode()}")
        elif head[0] & 15 == PING:
            self._transport.write(bytes((0x8A, 0x80 | len(text), 0, 0, 0, 0)) + text)
        elif text.startswith((b'{"type":"live"', b'{"type": "live"')):
            self._live()


class Listener(Feed):
    """Says which note came when, and when it was called (note -1)."""

    def __init__(self, *args: Any, heard: Callable[[int, float], None], **more: Any) -> None:
        super().__init__(*args, **more)
        self._heard = heard

    def _take(self, data: bytes, now: float) -> None:
        at = 0
        while at + 2 <= len(data):
            size, start = data[at + 1], at + 2
            if size == 126:
                size, start = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
            if size == 127 or start + size > len(data):
                break
            self._frame(data[at:start], data[start : start + size], now)
            at = start + size
        self._rest = data[at:]

    def _frame(self, head: bytes, text: bytes, now: float) -> None:
        number = notes.number_in(text)
        if number is not None:
            self._heard(number, now)
        elif b'"type":"page.raised"' in text and b'"kind":"ACT_NOW"' in text:
            self._heard(CALL, now)
        else:
            self._said(head, text)


class Tally(Feed):
    """Counts events, and skips from head to head: what a thousand feeds are sent at full load is too much to read."""

    events = 0
    counted: Callable[[], None] | None = None
    _skip = 0

    def _take(self, data: bytes, now: float) -> None:
        before, at, end = self.events, self._skip, len(data)
        while at + 2 <= end:
            size, start = data[at + 1], at + 2
            if size == 126:
                size, start = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
            elif size == 127:
                size, start = int.from_bytes(data[at + 2 : at + 10], "big"), at + 10
            if start > end or (size < LONG and start + size > end):
                break
            if size >= LONG or data.startswith(b'{"type":"event"', start):
                self.events += 1
            else:
                self._said(data[at:start], data[start : start + size])
            at = start + size
        self._skip = max(0, at - end)
        self._rest = data[at:]
        if self.counted is not None and self.events > before:
            self.counted()


def fail(failed: "asyncio.Future[None]", why: str) -> None:
    """Ends the run, with the first reason there was."""
    if not failed.done():
        failed.set_exception(RuntimeError(why))
