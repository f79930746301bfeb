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
DROP_AT_STOP_S = 0.5


class FeedProtocol(WebSocketsSansIOProtocol):
    """Hand it to uvicorn as `ws`."""

    async def send(self, message: Any) -> None:
        """Sends as the server does; a closing frame without waiting for room."""
        if message["type"] == "websocket.close" and not self.writable.is_set():
            self.writable.set()
            self._drop_after(DROP_AFTER_S)
        await super().send(message)

    def shutdown(self) -> None:
        """Ends as the server does; but a stop does not wait for a reader that takes nothing off the line."""
        super().shutdown()
        self._drop_after(DROP_AT_STOP_S)

    def _drop_after(self, seconds: float) -> None:
        self.loop.call_later(seconds, lambda: None if self.disconnected else self.transport.abort())
