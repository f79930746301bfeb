"""An open feed that nobody hears from has nothing of its own to wait with; and what it says and does when somebody
speaks, well or badly, is what the server's own protocol says and does."""

import asyncio
import base64
import gc
import os
import socket
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import httpx
import orjson
import pytest
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from handover import app
from handover.feed import kept
from handover.feed.resting import RestingFeed
from handover.feed.socket import Feed as PlainFeed
from tests.support.readers import eventually
from tests.support.service import Caller, Prison, Service

# What happens on a line is the same whatever the store is.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
Told = list[tuple[int, bytes]]


def frame(opcode: int, data: bytes = b"", fin: bool = True, bits: int = 0, masked: bool = True) -> bytes:
    """A client's frame, or what a bad client takes for one."""
    head = bytes([(0x80 if fin else 0) | bits | opcode])
    size, mask = len(data), os.urandom(4)
    flag = 0x80 if masked else 0
    if size < 126:
        head += bytes([flag | size])
    elif size < 1 << 16:
        head += bytes([flag | 126]) + struct.pack("!H", size)
    else:
        head += bytes([flag | 127]) + struct.pack("!Q", size)
    if not masked:
        return head + data
    return head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))


def goodbye(code: int = 1000, reason: bytes = b"") -> bytes:
    """A client's closing frame."""
    return frame(CLOSE, struct.pack("!H", code) + reason)


@dataclass
class Line:
    """A feed by hand, on a socket that does just what it is told."""

    socket: socket.socket
    pongs: bool = True
    bids_farewell: bool = True
    _rest: bytes = b""
    told: Told = field(default_factory=list)

    def send(self, *pieces: bytes) -> None:
        """Sends each by itself; the server may have gone meanwhile."""
        with suppress(OSError):
            for piece in pieces:
                self.socket.sendall(piece)

    def frame(self, timeout: float = 20.0) -> tuple[int, bytes] | None:
        """The next frame; None where the connection has ended."""
        self.socket.settimeout(timeout)
        while True:
            data, size, start = self._rest, 0, 2
            if len(data) >= 2:
                size = data[1]
            if size == 126:
                size, start = int.from_bytes(data[2:4], "big"), 4
            if len(data) >= start + size:
                self._rest = data[start + size :]
                return data[0] & 15, data[start : start + size]
            try:
                more = self.socket.recv(65536)
            except ConnectionResetError:
                return None
            if not more:
                return None
            self._rest += more

    def until(self, *types: str) -> dict[str, Any]:
        """The next text of one of these types; pings are answered on the way."""
        while (got := self.frame()) is not None:
            if got[0] == PING and self.pongs:
                self.send(frame(PONG, got[1]))
            elif got[0] == TEXT and (told := orjson.loads(got[1]))["type"] in types:
                return dict(told)
        raise AssertionError("it has ended")

    def to_the_end(self) -> Told:
        """What the server says, but for what it says by the clock, until the connection ends."""
        while (got := self.frame()) is not None:
            if got[0] == PING:
                if self.pongs:
                    self.send(frame(PONG, got[1]))
            elif got[0] != TEXT:
                self.told.append(got)
                if got[0] == CLOSE and self.bids_farewell:
                    self.send(frame(CLOSE, got[1]))
        return self.told


@contextmanager
def line(service: Service, who: Caller, after: str = "now") -> Iterator[Line]:
    """An open feed, live."""
    url = httpx.URL(service.url)
    with socket.create_connection((url.host, url.port or 0), 10) as connection:
        key = base64.b64encode(os.urandom(16)).decode()
        connection.sendall(
            f"GET /v1/feed?after={after} HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {who.token}\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Protocol: handover.v1\r\n\r\n".encode()
        )
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(65536)
        assert head.startswith(b"HTTP/1.1 101")
        opened = Line(connection, _rest=head.partition(b"\r\n\r\n")[2])
        opened.until("live")
        yield opened


class PlainProtocol(WebSocketsSansIOProtocol):
    """The server's own, only less patient."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.close_timeout = 1.0


@pytest.fixture
def pair(service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Service, Service]]:
    """Two more services on the store: one whose connections are kept, and one on the server's own protocol."""
    monkeypatch.setattr(kept, "PING_S", 1.0)
    monkeypatch.setattr(kept, "CLOSING_S", 1.0)
    settings = service.settings.model_copy(update={"heartbeat_s": 20.0})
    with ExitStack() as running:
        keeping = Service(settings)
        running.callback(keeping.stop)
        with monkeypatch.context() as other:
            other.setattr(app, "FeedProtocol", PlainProtocol)
            plain = Service(settings)
        running.callback(plain.stop)
        yield keeping, plain


def pieces(data: bytes, size: int = 1) -> list[bytes]:
    """Cut small."""
    return [data[i : i + size] for i in range(0, len(data), size)]


def conversations(token: str) -> dict[str, list[bytes]]:
    """What clients may send, each entry by itself on the line, well and badly."""
    auth = orjson.dumps({"type": "auth", "token": token})
    third = len(auth) // 3
    parts = [
        frame(TEXT, auth[:third], fin=False),
        frame(CONT, auth[third : 2 * third], fin=False),
        frame(CONT, auth[2 * third :]),
    ]
    key = "\N{OLD KEY}".encode()
    bye, end = goodbye(), [goodbye(1000, b"done")]
    return {
        "a new token": [frame(TEXT, auth), *end],
        "a new token, byte by byte": [*pieces(frame(TEXT, auth)), *end],
        "a new token in parts": [*parts, *end],
        "a new token in parts, all at once": [b"".join(parts), *end],
        "a new token in parts, with pings between": [
            parts[0], frame(PING, b"a"), parts[1], frame(PONG, b"b"), frame(PING, b"c" * 125), parts[2], *end
        ],
        "parts of nothing": [frame(TEXT, fin=False), frame(CONT, fin=False), frame(CONT, auth), *end],
        "two tokens and the end, all at once": [frame(TEXT, auth) * 2 + bye],
        "a token and half a head, then the rest": [frame(TEXT, auth) + bye[:1], bye[1:]],
        "a head, and later what it announces": [frame(TEXT, auth)[:2], frame(TEXT, auth)[2:4], bye],
        "pings, empty, full, byte by byte": [frame(PING), frame(PING, b"x" * 125), *pieces(frame(PING, b"abcd")), *end],
        "pongs that nobody asked for": [frame(PONG), frame(PONG, b"abcd"), frame(PONG, b"x" * 125), *end],
        "half a pong, and its rest": [*pieces(frame(PONG, b"abcd"), 5), *end],
        "no token": [frame(TEXT, b'{"type": "auth"}')],
        "no token of this reader": [frame(TEXT, b'{"type": "auth", "token": "nonsense"}')],
        "no JSON": [frame(TEXT, b"hello")],
        "nothing": [frame(TEXT)],
        "no text": [frame(BINARY, auth)],
        "no text, in parts": [frame(BINARY, auth[:9], fin=False), frame(CONT, auth[9:])],
        "a bad frame, and more": [frame(TEXT, b"hello") + frame(TEXT, auth) + frame(PING, b"x")],
        "text that is none": [frame(TEXT, b"\xff\xfe")],
        "text cut within a letter": [frame(TEXT, key[:2], fin=False), frame(CONT, key[2:])],
        "text that is none, in parts": [frame(TEXT, key[:2], fin=False), frame(CONT, b"\xff")],
        "text that ends within a letter": [frame(TEXT, key[:3])],
        "reserved bits": [frame(TEXT, auth, bits=0x40)],
        "reserved bits of a ping": [frame(PING, b"x", bits=0x20)],
        "reserved opcode": [frame(3, auth)],
        "reserved opcode of a control": [frame(11)],
        "not masked": [frame(TEXT, auth, masked=False)],
        "a ping that is not masked": [frame(PING, b"x", masked=False)],
        "a part of nothing": [frame(CONT, auth)],
        "a text within a text": [frame(TEXT, b"{", fin=False), frame(TEXT, auth)],
        "a ping in parts": [frame(PING, b"x", fin=False)],
        "a ping that is too long": [frame(PING, b"x" * 126)],
        "a pong that is too long": [frame(PONG, b"x" * 126)],
        "the longest text": [frame(TEXT, b"x" * 65536)],
        "a text that is too long": [frame(TEXT, b"x" * 65537)[:14]],
        "a text that claims to be much too long": [b"\x81\xff" + b"\x7f" + b"\xff" * 7 + b"abcd"],
        "a text that is too long in parts": [frame(TEXT, b"x" * 65000, fin=False), frame(CONT, b"x" * 537)[:8]],
        "the end": end,
        "the end, byte by byte": pieces(goodbye(1001, b"going away")),
        "the end with a code of its own": [goodbye(4999, key)],
        "the end without a code": [frame(CLOSE)],
        "the end with half a code": [frame(CLOSE, b"\x03")],
        "the end with a code that may not be sent": [goodbye(1005)],
        "the end with a code that is none": [goodbye(999)],
        "the end with words that are none": [goodbye(1000, b"\xff")],
        "the end, too long": [goodbye(1000, b"x" * 124)],
        "the end within a text": [frame(TEXT, b"{", fin=False), bye],
        "the end, and more": [bye + frame(TEXT, auth) + b"\x00\xff"],
        "nonsense": [b"GET / HTTP/1.1\r\n\r\n"],
    }  # fmt: skip


def test_whatever_a_client_sends_both_ways_answer_alike(
    prison: Prison, pair: tuple[Service, Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[type] = []
    run = PlainFeed.run

    async def spied(feed: PlainFeed) -> None:
        served.append(type(feed))
        await run(feed)

    monkeypatch.setattr(PlainFeed, "run", spied)
    auditor, seen = prison.hire("auditor", "auditor"), dict[str, Told]()
    ngata = prison.hire("ngata", "officer", "A")

    def closed() -> list[Any]:
        return auditor.all("/v1/access-log", action="feed.close", actor=ngata.name)

    for what, sent in conversations(ngata.token).items():
        ends: list[Told] = []
        for service in pair:
            with line(service, ngata) as open_line:
                for piece in sent:
                    open_line.send(piece)
                ends.append(open_line.to_the_end())
        assert ends[0] == ends[1], what
        seen[what] = ends[0]
        # Before the next begins: a feed's last line is written after its reader has gone, in no order among others.
        newest, other, *_ = eventually(lambda: found if len(found := closed()) == 2 * len(seen) else None)
        assert newest["detail"]["code"] == other["detail"]["code"], what
    assert set(served) == {RestingFeed, PlainFeed}
    assert seen["a new token in parts, with pings between"][:2] == [(PONG, b"a"), (PONG, b"c" * 125)]
    by_code = {what: int.from_bytes(told[-1][1][:2], "big") for what, told in seen.items() if told}
    assert {by_code[what] for what in by_code if "too long" in what and "text" in what} == {1009}
    assert {by_code[what] for what in by_code if what.startswith("text") and "cut" not in what} == {1007}
    assert by_code["not masked"] == by_code["the end within a text"] == by_code["nonsense"] == 1002
    assert by_code["text cut within a letter"] == by_code["no text"] == 4400


def test_a_client_that_does_not_answer_pings_is_let_go_and_one_that_does_stays(
    prison: Prison, pair: tuple[Service, Service]
) -> None:
    ngata = prison.hire("ngata", "officer", "A")
    for service in pair:
        with line(service, ngata) as silent, line(service, ngata) as answers:
            listening = ThreadPoolExecutor(1).submit(answers.until, "event")
            silent.pongs = False
            assert silent.to_the_end() == [(CLOSE, struct.pack("!H", 1011) + b"keepalive ping timeout")]
            note = ngata.note(unit="A")
            assert listening.result(20)["event"]["data"] == note
            answers.send(goodbye())
            assert answers.to_the_end() == [(CLOSE, struct.pack("!H", 1000))]


def test_a_client_that_goes_without_a_word_has_its_line_in_the_log(
    prison: Prison, pair: tuple[Service, Service]
) -> None:
    ngata, auditor = prison.hire("ngata", "officer", "A"), prison.hire("auditor", "auditor")
    for service in pair:
        with line(service, ngata) as half:
            half.socket.shutdown(socket.SHUT_WR)
            assert half.to_the_end() == []
        with line(service, ngata) as cut:
            cut.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    lines = eventually(
        lambda: (
            found if len(found := auditor.all("/v1/access-log", action="feed.close", actor=ngata.name)) == 4 else None
        )
    )
    assert {told["detail"]["code"] for told in lines} == {1005}


def test_whoever_is_told_to_go_and_says_nothing_is_hung_up_on_and_may_say_much_before(
    prison: Prison, pair: tuple[Service, Service]
) -> None:
    ngata = prison.hire("ngata", "officer", "A")
    for service in pair:
        with line(service, ngata) as mute, line(service, ngata) as chatty:
            for one in (mute, chatty):
                one.send(frame(TEXT, b"hello"))
                got = one.frame()
                assert got is not None
                assert (got[0], got[1][:2]) == (CLOSE, struct.pack("!H", 4400))
            began, mute.bids_farewell = monotonic(), False
            chatty.send(frame(PING, b"still here"), frame(TEXT, b"{}"), frame(PONG), goodbye(4400))
            assert chatty.to_the_end() == [(PONG, b"still here")]
            assert mute.to_the_end() == []
            assert monotonic() - began < 5


def test_what_comes_while_a_feed_is_being_opened_is_not_lost(prison: Prison, pair: tuple[Service, Service]) -> None:
    ngata = prison.hire("ngata", "officer", "A")
    auth = frame(TEXT, orjson.dumps({"type": "auth", "token": ngata.token}))
    halves = frame(TEXT, b'{"type', fin=False), frame(CONT, b'": 1}')
    url = "GET /v1/feed?after=now HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    head = f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {base64.b64encode(b'0' * 16).decode()}\r\n"
    told = []
    for service in pair:
        where = httpx.URL(service.url)
        for early, late in ((auth + frame(TEXT, b"x"), b""), (auth + auth[:7], auth[7:] + goodbye()), halves):
            with socket.create_connection((where.host, where.port or 0), 10) as connection:
                connection.sendall(f"{url}{head}Authorization: Bearer {ngata.token}\r\n\r\n".encode())
                answer = b""
                while b"\r\n\r\n" not in answer:
                    answer += connection.recv(1)
                connection.sendall(early)  # it stands in the line while rights are looked at
                opened = Line(connection)
                if late:
                    opened.until("live")
                    opened.send(late)
                told.append([(opcode, data[:2]) for opcode, data in opened.to_the_end()])
    assert told[:3] == told[3:] == [[(CLOSE, struct.pack("!H", code))] for code in (4400, 1000, 4400)]


def standing(service: Service) -> tuple[int, int]:
    """Tasks of the service's loop, and objects of this process that can be counted."""
    loop = service.server.servers[0].get_loop()
    told: list[tuple[int, int]] = []

    def look() -> None:
        gc.collect()
        told.append((len(asyncio.all_tasks(loop)), len(gc.get_objects())))

    loop.call_soon_threadsafe(look)
    found: tuple[int, int] = eventually(lambda: told[0] if told else None)
    return found


def test_a_feed_at_rest_has_no_task_and_next_to_nothing_else(prison: Prison, pair: tuple[Service, Service]) -> None:
    ngata = prison.hire("ngata", "officer", "A")
    with ExitStack() as lines:
        grown = []
        for service in pair:
            lines.enter_context(line(service, ngata))
            tasks, things = standing(service)
            for _ in range(20):
                lines.enter_context(line(service, ngata))
            now = standing(service)
            grown.append(((now[0] - tasks) / 20, (now[1] - things) / 20))
    rests, waits = grown
    assert rests[0] < 0.5, grown
    assert waits[0] >= 3, grown
    assert rests[1] < waits[1] / 2.5, grown
