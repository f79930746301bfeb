"""The server's WebSocket protocol, with one thing added: a reader that has stopped reading can be told why it is cut
off.

The server's own `send` waits for room even for the closing frame, so a slow reader would never learn its code, and its
connection would never end. Here the closing frame goes behind what is buffered, and after a while the connection is
dropped.
Without this class (uvicorn's `ws="auto"`) everything works but that.
"""

from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

DROP_AFTER_S = 30.0


class FeedProtocol(WebSocketsSansIOProtocol):
    """Hand it to uvicorn as `ws`."""

    async def send(self, message: Any) -> None:
        """Sends as the server does; a closing frame without waiting for room."""
        if message["type"] == "websocket.close" and not self.writable.is_set():
            self.writable.set()
            self.loop.call_later(DROP_AFTER_S, self.transport.abort)
        await super().send(message)
