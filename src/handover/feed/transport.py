"""How frames leave: the server's WebSocket protocol, with two things added and less kept, and the plain way beside it.

Frames that were made once can be written for every reader as they are: the server's own `send` makes each of them anew,
at five times the cost. And a reader that has stopped reading can be told why it is cut off: the server's `send` waits
for room even for the closing frame, so a slow reader would never learn its code, and its connection would never end.
Here the closing frame goes behind what is buffered, and after a while the connection is dropped.

Without this class (uvicorn's `ws="auto"`) everything works but that; frames then go the plain way.
"""

import asyncio
import socket
from typing import Any, Protocol

from starlette.websockets import WebSocket
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from handover.feed import protocol

LEFT_UNREAD = 128 * 1024
"""Bytes the system may hold for a reader that does not read them (Linux takes twice that). Left alone it would hold
some megabytes for each, which nobody counts until there are thousands."""
DROP_AFTER_S = 30.0
DROP_AT_STOP_S = 0.5
EXTENSION = "handover.ready_frames"
"""Where a connection finds, among what its server can do, its way to write ready frames."""


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


class Inbox:
    """What came in and waits to be taken, by one task. The queue it stands for has four lists, which take three
    kilobytes a connection while they are empty, as they nearly always are."""

    def __init__(self) -> None:
        self._came: list[Any] = []
        self._wanted: asyncio.Future[None] | None = None

    def put_nowait(self, message: Any) -> None:
        """Adds a message."""
        self._came.append(message)
        if self._wanted is not None and not self._wanted.done():
            self._wanted.set_result(None)

    async def get(self) -> Any:
        """The next one, as soon as there is one."""
        while not self._came:
            self._wanted = asyncio.get_running_loop().create_future()
            await self._wanted
        return self._came.pop(0)

    def empty(self) -> bool:
        """Whether nothing waits."""
        return not self._came


class FeedProtocol(WebSocketsSansIOProtocol):
    """Hand it to uvicorn as `ws`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.queue = Inbox()  # type: ignore[assignment]  # it is one in all that is used of it

    async def run_asgi(self) -> None:
        """Runs the application as the server does, and offers it to write ready frames."""
        line = self.transport.get_extra_info("socket")
        if line is not None:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LEFT_UNREAD)
        if not self.conn.extensions:  # one that was agreed upon (compression) has a say in every frame
            self.scope["extensions"][EXTENSION] = {"line": ReadyLine(self)}
        await super().run_asgi()

    async def send(self, message: Any) -> None:
        """Sends as the server does; a closing frame without waiting for room. What was said at the opening is forgotten
        after it."""
        if message["type"] == "websocket.close" and not self.writable.is_set():
            self.writable.set()
            self._drop_after(DROP_AFTER_S)
        await super().send(message)
        if message["type"] == "websocket.accept":
            del self.request, self.response

    def shutdown(self) -> None:
        """Ends as the server does; but a stop does not wait for a reader that takes nothing off the line."""
        super().shutdown()
        self._drop_after(DROP_AT_STOP_S)

    @property
    def gone(self) -> bool:
        """Whether nothing can be sent any more."""
        return self.close_sent or self.disconnected or self.transport.is_closing()

    def _drop_after(self, seconds: float) -> None:
        self.loop.call_later(seconds, lambda: None if self.disconnected else self.transport.abort())


class ReadyLine:
    """Ready frames go straight to the transport, past the server's own making of frames."""

    __slots__ = ("_server",)
    most = 64 * 1024

    def __init__(self, server: FeedProtocol) -> None:
        self._server = server

    @property
    def free(self) -> bool:
        """The transport's buffer is below its high-water mark, so a reader never has much more than that in memory."""
        return self._server.writable.is_set() and not self._server.gone

    async def room(self) -> None:
        """Waits until the transport's buffer has drained."""
        await self._server.writable.wait()

    def write(self, frames: bytes) -> None:
        """Writes at once."""
        self._server.transport.write(frames)

    async def send(self, frames: bytes) -> None:
        """Writes as soon as there is room."""
        await self.room()
        if self._server.gone:
            raise ConnectionResetError("the connection is closed")
        self.write(frames)


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


def line_of(socket: WebSocket) -> Line:
    """The best way to send on this connection."""
    offered = socket.scope.get("extensions", {}).get(EXTENSION)
    line: Line = offered["line"] if offered else PlainLine(socket)
    return line
