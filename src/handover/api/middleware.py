"""Around every request: a correlation id, a size limit, HEAD where there is GET, a log line without anybody's words,
a measurement.

Plain ASGI: the usual middleware base class costs half the throughput.
"""

from time import perf_counter
from typing import Any
from uuid import uuid4

import orjson
import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from handover.services.metrics import Metrics

LARGEST = 64 * 1024
"""Bytes in a body; the longest possible note is a quarter of it."""
log = structlog.get_logger("handover.requests")


class Outermost:
    """The outermost layer of the application."""

    def __init__(self, app: ASGIApp, metrics: Metrics, practice: bool) -> None:
        self._app = app
        self._metrics = metrics
        self._extra = [(b"handover-practice", b"true")] if practice else []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or one feed."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = str(uuid4())
        scope.setdefault("state", {})["id"] = request
        started, status = perf_counter(), 500
        head = scope["method"] == "HEAD"
        if head:
            scope = {**scope, "method": "GET"}

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request.encode()), *self._extra]
            elif head:
                message = {**message, "body": b""}
            await send(message)

        try:
            if _declared(scope) > LARGEST:
                await _too_large(request, answer)
            else:
                await self._app(scope, _limited(receive), answer)
        except _TooLarge:
            await _too_large(request, answer)
        finally:
            self._note(scope, request, status, perf_counter() - started)

    def _note(self, scope: Scope, request: str, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "none")
        self._metrics.requests.labels(scope["method"], route, str(status)).inc()
        self._metrics.request_time.labels(scope["method"], route).observe(seconds)
        log.info("request", id=request, method=scope["method"], route=route, status=status, ms=round(seconds * 1000, 2))


class _TooLarge(Exception):  # noqa: N818 - becomes an answer at once
    pass


def _declared(scope: Scope) -> int:
    length = dict(scope["headers"]).get(b"content-length", b"0")
    return int(length) if length.isdigit() else 0


def _limited(receive: Receive) -> Receive:
    read = 0

    async def limited() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > LARGEST:
            raise _TooLarge
        return message

    return limited


async def _too_large(request: str, send: Send) -> None:
    body: dict[str, Any] = {
        "type": "/problems/too-large",
        "title": "The request is too large",
        "status": 413,
        "detail": "Send at most 64 KiB; a note is far shorter.",
        "instance": f"urn:uuid:{request}",
    }
    headers = [(b"content-type", b"application/problem+json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": orjson.dumps(body)})
