"""Around every request: a correlation id, a size limit, HEAD where there is GET, an answer even to a bug, a log line
without anybody's words, a measurement.

Plain ASGI: the usual middleware base class costs half the throughput.
"""

import asyncio
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any

import orjson
import structlog
from fastapi import FastAPI
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from handover.api.gate import Gates
from handover.errors import Overloaded, Unavailable
from handover.logs import tell, trace
from handover.services.ids import uuid4
from handover.services.limits import Limits
from handover.services.metrics import Metrics
from handover.services.unit_of_work import Desk

LARGEST = 64 * 1024
"""Bytes in a body; the longest possible note is a quarter of it."""
BODY_S = 10.0
"""How long a body may be on its way. Until it is there nobody else waits for it."""
TELL_S = 0.008
"""How long a request's line in the log waits for others: those of one commit are written while the writer is at the
next."""
HUNG_UP = 499
"""What is counted where a client went away before it had asked; it is sent to nobody."""
PROBLEM = b"application/problem+json"
log = structlog.get_logger("handover.requests")
Lane = Callable[[Scope, Receive, Send], Awaitable[bool]]
"""A shorter way; it answers whether it has taken a request."""


class Outermost:
    """The outermost layer of the application."""

    def __init__(
        self,
        framework: FastAPI,
        app: ASGIApp,
        feeds: ASGIApp,
        desk: Desk,
        metrics: Metrics,
        limits: Limits,
        practice: bool,
        lane: Lane | None,
    ) -> None:
        self._framework = framework
        self._app = app
        self._feeds = feeds
        self._lane = lane
        self._metrics = metrics
        self._extra = [(b"handover-practice", b"true")] if practice else []
        self._gates = Gates(2 * desk.settings.batch, desk.settings.queue_s, desk.lists)
        self._untold: list[dict[str, Any]] = []
        self._policy = b'"caller";q=%d;w=%d' % (limits.requests, limits.window_s) if limits.requests else b""

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """One request, or one feed. It may be served as it is, without the framework around it."""
        scope["app"] = self._framework
        if scope["type"] == "http":
            return self._request(scope, receive, send)
        if scope["type"] == "websocket":
            return self._socket(scope, receive, send)
        return self._life(scope, receive, send)

    async def _life(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)
        self._tell()  # the service has ended

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = uuid4()
        state = scope.setdefault("state", {})
        state["id"] = request
        began, status, started = perf_counter(), 500, False
        scope, head = _as_get(scope)

        async def answer(message: Message) -> None:
            nonlocal status, started
            if message["type"] == "http.response.start":
                status, started = message["status"], True
                _leave(state)  # how long a client takes to read its answer is its own affair
                headers = [*message["headers"], (b"x-request-id", request.encode()), *self._extra]
                if self._policy and (share := state.get("share")) is not None:
                    left = b'"caller";r=%d;t=%d' % (share.left, share.whole_s)
                    headers += ((b"ratelimit-policy", self._policy), (b"ratelimit", left))
                message["headers"] = headers
            elif head:
                message = {**message, "body": b""}
            await send(message)

        try:
            await self._through(scope, receive, answer)
        except _Unread as unread:
            await _problem(answer, request, *unread.args, _CLOSE)
        except Overloaded as late:
            await _not_now(answer, request, late)
        except asyncio.CancelledError:  # the server stops, and waits for this no longer
            if started:
                raise
            await _not_now(answer, request, _STOPPING)
        except ClientDisconnect:  # in the middle of its request: nobody is there to be answered
            status = HUNG_UP
        except Exception as bug:  # whatever it is, the caller gets an answer and the operator a line
            log.error("a bug", id=request, route=_route(scope), trace=trace(bug))
            if started:
                raise  # half an answer is out: the server has to break the connection
            await _problem(answer, request, *_BUG)
        finally:
            _leave(state)
            self._note(scope, request, status, perf_counter() - began)

    async def _through(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        if scope["method"] != "GET":  # what may come with that is not looked at
            body = await _whole(scope, receive)
            receive = _again(body, receive)
        scope["state"]["gate"] = await self._gates.enter(scope, body)
        if self._lane is None or not await self._lane(scope, receive, send):
            await self._app(scope, receive, send)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._feeds(scope, receive, send)
        except Exception as bug:  # noqa: BLE001 - the server then closes the connection
            log.error("a bug", route=_route(scope), trace=trace(bug))

    def _note(self, scope: Scope, request: str, status: int, seconds: float) -> None:
        method, route = scope["method"], _route(scope)
        self._metrics.answered(method, route, status, seconds)
        if not self._untold:
            asyncio.get_running_loop().call_later(TELL_S, self._tell)
        ms = round(seconds * 1000, 2)
        self._untold.append({"id": request, "method": method, "route": route, "status": status, "ms": ms})

    def _tell(self) -> None:
        untold, self._untold = self._untold, []
        tell("request", untold)


class _Unread(Exception):  # noqa: N818 - a state of a request; it is answered with the problem in it
    """The body of a request was not read to its end, so there is no going on with its connection."""


def _leave(state: dict[str, Any]) -> None:
    """Makes room for the next at the gate, if this has come through one and not left yet."""
    gate = state.pop("gate", None)
    if gate is not None:
        gate.leave()


def _route(scope: Scope) -> str:
    return str(getattr(scope.get("route"), "path", "none"))


def _as_get(scope: Scope) -> tuple[Scope, bool]:
    """HEAD is GET without its body (RFC 9110 §9.3.2)."""
    head = scope["method"] == "HEAD"
    return ({**scope, "method": "GET"} if head else scope), head


def _declared(scope: Scope) -> int:
    length = dict(scope["headers"]).get(b"content-length", b"0")
    return int(length) if length.isdigit() else 0


async def _whole(scope: Scope, receive: Receive) -> bytes:
    """The body of a request. It is there before the request takes a place among those that are begun: whoever sends
    the half of one and falls silent has no place, and keeps nobody out."""
    if _declared(scope) > LARGEST:
        raise _Unread(*_TOO_LARGE)
    if scope["state"].get("whole"):  # as nearly every one; to set a clock for nothing is a fiftieth of a note
        return await _read(receive)
    try:
        async with asyncio.timeout(BODY_S):
            return await _read(receive)
    except TimeoutError:
        raise _Unread(*_TOO_SLOW) from None


async def _read(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > LARGEST:
            raise _Unread(*_TOO_LARGE)
    return body


def _again(body: bytes, receive: Receive) -> Receive:
    """The same request once more, for whoever is to answer it."""
    whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def received() -> Message:
        return whole.pop() if whole else await receive()

    return received


_TOO_LARGE = (413, "too-large", "The request is too large", "Send at most 64 KiB; a note is far shorter.")
_TOO_SLOW = (
    408,
    "too-slow",
    "The request did not come to its end",
    f"Its body was not there after {BODY_S:.0f} seconds, and nothing was done. Send it again, whole.",
)
_CLOSE = (b"connection", b"close")
_BUG = (
    500,
    "internal",
    "Something went wrong here",
    "This is our fault. Quote the instance to whoever runs this service.",
)

_STOPPING = Unavailable("The service stopped in the middle of this, and it may have been done; send it again.")


async def _not_now(send: Send, request: str, refusal: Unavailable) -> None:
    wait = (b"retry-after", str(refusal.retry_after).encode())
    await _problem(send, request, 503, refusal.code, refusal.title, refusal.detail, wait)


async def _problem(
    send: Send, request: str, status: int, code: str, title: str, detail: str, *more: tuple[bytes, bytes]
) -> None:
    body: dict[str, Any] = {
        "type": f"/problems/{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": f"urn:uuid:{request}",
    }
    text = orjson.dumps(body)
    headers = [(b"content-type", PROBLEM), (b"content-length", str(len(text)).encode())]
    headers += ((b"cache-control", b"no-store"), *more)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})
