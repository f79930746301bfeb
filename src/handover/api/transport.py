"""How requests come from a proxy, and how answers leave: head and body in one write, put together in one go. The server
writes them one after the other, and looks at each header by itself; each visit to the network costs as much as
recording a tenth of a note.

Without these classes (uvicorn's `http="httptools"`, and its `proxy_headers`) everything works the same.
"""

import re
from collections.abc import Awaitable
from itertools import chain, repeat
from typing import Any

import orjson
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from handover.errors import Malformed
from handover.services.ids import uuid4

_UNSOUND = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
"""What no header may have in it: whoever could put a line's end there would write headers of his or her own."""
_ELSE = frozenset((b"connection", b"transfer-encoding"))
"""Headers that say how an answer is sent."""
_LENGTH = b"content-length"
_FORWARDED = frozenset((b"x-forwarded-for", b"x-forwarded-proto"))


class _Cycle(RequestResponseCycle):
    """A request and its answer. What is out of the ordinary goes the server's way: an answer in parts or of unknown
    length, to HEAD, without a body, the last on its connection, or to a client that has gone."""

    _head: Any = None

    async def send(self, message: Any) -> None:
        """Keeps the head until the body comes."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        # Where a client hangs up, the server says so to the last of the requests that it has sent ahead alone.
        self.disconnected = self.disconnected or self.transport.is_closing()
        if message["type"] == "http.response.start" and not self.response_started:
            self._head = message
            return
        head, self._head = self._head, None
        if head is None:
            await super().send(message)
            return
        answer = self._whole(head, message)
        if answer is None:
            await super().send(head)
            await super().send(message)
            return
        self.waiting_for_100_continue = False
        self.response_started = self.response_complete = True
        self.transport.write(answer)
        self.message_event.set()
        self.on_response()

    def _whole(self, head: Any, message: Any) -> bytes | None:
        """The whole answer, if it is an ordinary one."""
        names, values = zip(*self.default_headers, *head["headers"], strict=True)
        body = message.get("body", b"")
        if (
            message.get("more_body")
            or self.disconnected
            or not self.keep_alive
            or self.scope["method"] == "HEAD"
            or not _ELSE.isdisjoint(names)
            or names.count(_LENGTH) != 1
            or values[names.index(_LENGTH)] != b"%d" % len(body)
            or _UNSOUND.search(b"".join(values))
        ):
            return None
        headers = chain.from_iterable(zip(names, repeat(b": "), values, repeat(b"\r\n"), strict=False))
        return b"".join((STATUS_LINE[head["status"]], *headers, b"\r\n", body))


class Forwarded(ProxyHeadersMiddleware):
    """Believes a trusted proxy, where one has said something: the server looks at each header of each request."""

    def __call__(self, scope: Any, receive: Any, send: Any) -> Awaitable[None]:  # type: ignore[override]  # awaited all the same
        """Passes a request on."""
        if scope["type"] == "lifespan" or _FORWARDED.isdisjoint(dict(scope["headers"])):
            return self.app(scope, receive, send)
        return super().__call__(scope, receive, send)


class AnswerProtocol(HttpToolsProtocol):
    """Hand it to uvicorn as `http`."""

    def on_headers_complete(self) -> None:
        """The head of a request is there."""
        before = self.cycle
        super().on_headers_complete()
        if self.cycle is not before:
            self.cycle.__class__ = _Cycle  # its task has been made, and has not begun

    def on_message_complete(self) -> None:
        """The request is there to the end of its body, and `whole` in its state says that nobody has to wait for it."""
        super().on_message_complete()
        if self.cycle is not None:
            self.cycle.scope["state"]["whole"] = True

    def handle_websocket_upgrade(self) -> None:
        """A feed writes by itself, and its connection is for nothing else."""
        if not getattr(self.cycle, "response_complete", True):  # there is none before the first request
            # What was asked before is answered, and nothing after it.
            self.cycle.keep_alive = False
            self.flow.pause_reading()
            return
        super().handle_websocket_upgrade()
        opened: Any = self.transport.get_protocol()
        if opened.conn.handshake_exc is not None and not opened.handshake_initiated:
            self.send_400_response("The head of this request is too long for a feed, or it has a body; send neither.")
        del self.parser, self.transport  # they know their owner, who would stay with them for a while

    def send_400_response(self, msg: str) -> None:
        """Refuses what cannot be read as a request at all, and the rest of the connection with it."""
        body = orjson.dumps(
            {
                "type": "/problems/malformed",
                "title": Malformed.title,
                "status": 400,
                "detail": msg,
                "instance": f"urn:uuid:{uuid4()}",
            }
        )
        kind = b"content-type: application/problem+json\r\nconnection: close\r\n"
        self.transport.write(b"%b%bcontent-length: %d\r\n\r\n%b" % (STATUS_LINE[400], kind, len(body), body))
        self.transport.close()
