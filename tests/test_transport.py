"""How answers leave: whatever an application answers, and however it was asked, byte for byte as the server's own
protocol would have sent it."""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from hypothesis import example, given, settings
from hypothesis import strategies as st

from handover.api.transport import AnswerProtocol
from tests.support.readers import eventually

Message = dict[str, Any]
LENGTH, CLOSE = (b"content-length", b"5"), (b"connection", b"close")


def head(*headers: tuple[bytes, bytes], status: int = 200) -> Message:
    """The head of an answer."""
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def body(text: bytes = b"hello", more: bool = False) -> Message:
    """A body, or a part of one."""
    return {"type": "http.response.body", "body": text, "more_body": more}


ANSWERS: dict[str, list[Message]] = {
    "whole": [head(LENGTH, (b"content-type", b"text/plain")), body()],
    "in parts": [head((b"content-length", b"10")), body(more=True), body()],
    "of unknown length": [head(), body(more=True), body()],
    "in one part of unknown length": [head(), body()],
    "chunked by itself": [head((b"transfer-encoding", b"chunked")), body(b"5\r\nhello\r\n", more=True), body(b"")],
    "the last": [head(LENGTH, CLOSE), body()],
    "nothing": [head(status=204), body(b"")],
    "not modified": [head((b"etag", b'"1"'), status=304), body(b"")],
    "empty": [head((b"content-length", b"0"), status=201), body(b"")],
    "longer than it says": [head((b"content-length", b"4")), body()],
    "shorter than it says": [head((b"content-length", b"6")), body()],
    "of two lengths": [head(LENGTH, LENGTH), body()],
    "a line's end in a header": [head(LENGTH, (b"location", b"/x\r\nset-cookie: a=b")), body()],
}
ASKED = {
    "GET": b"GET /%s HTTP/1.1\r\nhost: x\r\n\r\n",
    "HEAD": b"HEAD /%s HTTP/1.1\r\nhost: x\r\n\r\n",
    "of old": b"GET /%s HTTP/1.0\r\nhost: x\r\n\r\n",
    "for the last time": b"GET /%s HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    "with leave": b"POST /%s HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\nhi",
    "in chunks": b"POST /%s HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\nh\r\n1\r\ni\r\n0\r\n\r\n",
}
WAIT = {"type": "wait"}
BYE = b"GET /bye HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"


class Two:
    """A server with our protocol and one with its own, both giving the same answers."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Message]] = {}
        self.sent = 0
        self.errors: list[Exception] = []
        self._servers = [self._started(protocol) for protocol in (AnswerProtocol, "httptools")]

    async def _app(self, scope: Message, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        for message in self.answers.get(scope["path"][1:], ANSWERS["whole"]):
            if message["type"] == "raise":
                raise RuntimeError
            if message["type"] == "wait":
                await asyncio.sleep(0.1)
                continue
            try:
                await send(dict(message))
            except RuntimeError as error:
                self.errors.append(error)
                raise
            self.sent += 1
            await asyncio.sleep(0)

    def _started(self, protocol: Any) -> tuple[uvicorn.Server, int, threading.Thread]:
        listening = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(
            self._app,
            http=protocol,
            loop="uvloop",
            lifespan="off",
            log_level="critical",
            date_header=False,
            interface="asgi3",
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        return server, listening.getsockname()[1], thread

    @property
    def ports(self) -> tuple[int, int]:
        """Where ours listens, and the server's own."""
        (_, ours, _), (_, theirs, _) = self._servers
        return ours, theirs

    def answered(self, asked: bytes) -> tuple[bytes, bytes]:
        """All that comes back from each until it closes the connection."""
        ours, theirs = (_talk(port, asked) for port in self.ports)
        return ours, theirs

    def stop(self) -> None:
        """Ends both."""
        for server, _, thread in self._servers:
            server.should_exit = True
            thread.join()


def _talk(port: int, asked: bytes) -> bytes:
    came = b""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        line.sendall(asked)
        with contextlib.suppress(ConnectionResetError):
            while more := line.recv(65536):
                came += more
    return came


@pytest.fixture(scope="module")
def two() -> Iterator[Two]:
    running = Two()
    yield running
    running.stop()


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("name", ANSWERS)
def test_every_answer_to_every_request_is_as_the_server_would_send_it(two: Two, name: str, asked: str) -> None:
    two.answers = {"it": ANSWERS[name]}
    ours, theirs = two.answered(ASKED[asked] % b"it" + BYE)
    assert ours == theirs
    if name == "whole":
        assert ours.endswith(b"hello" if asked != "HEAD" else b"\r\n\r\nhello")


def test_what_is_asked_before_the_answer_came_is_answered_in_its_turn(two: Two) -> None:
    two.answers = {str(n): [head((b"content-length", b"1")), body(b"%d" % n)] for n in range(5)}
    ours, theirs = two.answered(b"".join(ASKED["GET"] % b"%d" % n for n in range(5)) + BYE)
    assert ours == theirs
    assert [part[-1:] for part in ours.split(b"HTTP/1.1 200")[1:6]] == [b"%d" % n for n in range(5)]


@pytest.mark.parametrize("begun", [False, True], ids=["before the answer", "in the middle of it"])
def test_whoever_asks_ahead_and_hangs_up_is_no_fault_of_the_answer(two: Two, begun: bool) -> None:
    much = b"a" * 20_000_000  # more than fits on the line: the answer waits for whoever does not read it
    answer = [head((b"content-length", b"%d" % (2 * len(much)))), body(much, more=True), body(much)]
    two.answers, two.sent, two.errors = {"it": answer if begun else [WAIT, *answer]}, 0, []
    with socket.create_connection(("127.0.0.1", two.ports[0])) as line:
        line.sendall(ASKED["GET"] % b"it" * 2)
        eventually(lambda: two.sent == 2 * begun)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    eventually(lambda: two.sent == len(answer) or two.errors)
    assert two.errors == []


def test_an_answer_that_broke_off_before_its_body_is_an_error_and_not_half_an_answer(two: Two) -> None:
    two.answers = {"it": [head(LENGTH), {"type": "raise"}]}
    ours, theirs = two.answered(ASKED["GET"] % b"it" + BYE)
    assert ours.startswith(b"HTTP/1.1 500 ")
    assert theirs.startswith(b"HTTP/1.1 200 "), "half of one, as the server sends it"


HEADER = st.tuples(
    st.sampled_from([b"x-one", b"etag", b"location", b"content-length", b"connection", b"transfer-encoding"]),
    st.one_of(st.sampled_from([b"5", b"close", b"chunked", b"keep-alive"]), st.binary(max_size=8)),
)


@settings(max_examples=60)
@given(
    st.lists(HEADER, max_size=4),
    st.lists(st.binary(max_size=6), min_size=1, max_size=3),
    st.sampled_from([200, 201, 204, 304, 404, 503]),
    st.sampled_from(sorted(ASKED)),
)
@example([(b"content-length", b"-1")], [b""], 200, "GET")
@example([(b"content-length", b"x")], [b"hello"], 200, "GET")
def test_and_so_is_any_other(
    two: Two, headers: list[tuple[bytes, bytes]], parts: list[bytes], status: int, asked: str
) -> None:
    told = [body(part, more=i < len(parts)) for i, part in enumerate(parts, start=1)]
    two.answers = {"it": [head(*headers, status=status), *told]}
    ours, theirs = two.answered(ASKED[asked] % b"it" + BYE)
    assert ours == theirs
