"""How answers leave: head and body in one write. The server writes them one after the other, and each visit to the
network costs as much as recording a tenth of a note.

Without this class (uvicorn's `http="httptools"`) everything works the same.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class _Joined:
    """A transport that writes what was written in one turn of the loop together."""

    def __init__(self, transport: Any, loop: asyncio.AbstractEventLoop) -> None:
        self.whole = transport
        self._loop = loop
        self._held: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.whole, name)

    def write(self, data: bytes) -> None:
        """Holds it until the turn ends."""
        if not self._held:
            self._loop.call_soon(self.flush)
        self._held.append(data)

    def flush(self) -> None:
        """Writes what is held."""
        if self._held:
            held, self._held = self._held, []
            self.whole.write(b"".join(held))

    def close(self) -> None:
        """Writes what is held, then closes."""
        self.flush()
        self.whole.close()


class AnswerProtocol(HttpToolsProtocol):
    """Hand it to uvicorn as `http`."""

    def connection_made(self, transport: Any) -> None:
        """A client has connected."""
        super().connection_made(_Joined(transport, self.loop))  # type: ignore[arg-type]  # it is one in all but its class

    def on_response_complete(self) -> None:
        """An answer is whole: it leaves at once, before what else is to be done about it here (its line in the log)."""
        self.transport.flush()  # type: ignore[attr-defined]  # ours
        super().on_response_complete()

    def handle_websocket_upgrade(self) -> None:
        """A feed writes by itself, and its connection is for nothing else."""
        if not getattr(self.cycle, "response_complete", True):  # there is none before the first request
            self.send_400_response("Wait for the answer to what was asked before.")
            return
        self.transport.flush()  # type: ignore[attr-defined]  # ours
        self.transport = self.transport.whole  # type: ignore[attr-defined]  # ours
        super().handle_websocket_upgrade()
        del self.parser, self.transport  # they know their owner, who would stay with them for a while
