"""How frames leave: the server's WebSocket protocol, which hands an open connection over (`kept.py`), and the plain way
beside it.

Frames that were made once can be written for every reader as they are: the server's own `send` makes each of them anew,
at five times the cost. And a reader that has stopped reading can be told why it is cut off: the server's `send` waits
for room even for the closing frame, so a slow reader would never learn its code, and its connection would never end.

Without this class (uvicorn's `ws="auto"`) everything works but that; frames then go the plain way.
"""

import socket
from collections.abc import Callable
from typing import Any, Protocol

from starlette.websockets import WebSocket
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from handover.feed import protocol
from handover.feed.kept import KeptLine, Reader
from handover.feed.wheel import Wheel

LEFT_UNREAD = 128 * 1024
"""Bytes the system may hold for a reader that does not read them (Linux takes twice that). Left alone it would hold
some megabytes for each, which nobody counts until there are thousands."""
EXTENSION = "handover.keep"
"""Where an application finds, among what its server can do, the way to take the connection over."""
Keep = Callable[[Reader, Wheel], KeptLine | None]


class Line(Protocol):
    """A connection, to send frames on."""

    most: int
    """Bytes that may be written together. A single frame may be longer."""

    @property
    def free(self) -> bool:
        """Whether `write` may be called now: the reader takes what it is sent."""

    async def room(self) -> None:
        """Waits until the reader takes what it is sent, where that can be told beforehand."""

    def write(self, frames: bytes) -> None:
        """Writes ready frames, without waiting. Only where it is `free`."""

    async def send(self, frames: bytes) -> None:
        """Sends ready frames. It may have to wait for room."""


class FeedProtocol(WebSocketsSansIOProtocol):
    """Hand it to uvicorn as `ws`."""

    async def run_asgi(self) -> None:
        """Runs the application as the server does, and offers it the connection."""
        line = self.transport.get_extra_info("socket")
        if line is not None:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LEFT_UNREAD)
        if not self.conn.extensions:  # one that was agreed upon (compression) has a say in every frame
            self.scope["extensions"][EXTENSION] = {"take": self.keep}
        await super().run_asgi()

    def keep(self, reader: Reader, pings: Wheel) -> KeptLine | None:
        """Lets go of the connection, to which `reader` listens from now on; None if it is over."""
        if self.close_sent or self.disconnected or self.transport.is_closing():
            return None
        self.stop_keepalive()
        del self.scope["extensions"][EXTENSION]  # it leads back here: what was needed to open would stay for a while
        kept = KeptLine(self, reader)
        pings.put(kept)
        came: list[str | None] = []
        while not self.queue.empty():
            message: dict[str, Any] = dict(self.queue.get_nowait())
            came.append(message.get("text"))
        # When the application has returned, the server closes what it has set no time for.
        self.close_timer = self.loop.call_later(0, kept.begin, came)
        return kept


class PlainLine:
    """The plain way, on any server: one message a frame, and the server makes its own frames of them."""

    most = 0
    free = False

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket

    async def room(self) -> None:
        """The server does not say; `send` waits."""

    def write(self, frames: bytes) -> None:
        """Never called: the line is never `free`."""
        raise RuntimeError("the plain way has to wait")

    async def send(self, frames: bytes) -> None:
        """Sends one frame."""
        await self._socket.send({"type": "websocket.send", "text": protocol.text_of(frames)})


def keep_of(socket: WebSocket) -> Keep | None:
    """The way to take this connection over, where its server offers one."""
    offered: dict[str, Any] | None = socket.scope.get("extensions", {}).get(EXTENSION)
    return offered["take"] if offered else None
