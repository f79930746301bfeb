"""A connection that is open for hours and says next to nothing: what is kept of it between two words.

The server's own protocol has some ten kilobytes for each: what the library needs to take a frame apart, the request as
it came, and who waits for the next word in which task. Here a connection is one object. It makes what takes frames
apart (the library's own, so all of RFC 6455 is its) when something comes, and lets go of it when nothing is left half
read; the answer to a ping, which is nearly all that ever comes, it knows by its bytes. Nobody waits: whoever listens is
called.
"""

import asyncio
import logging
import secrets
from collections.abc import Coroutine
from typing import Any, Protocol

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets import protocol as rfc6455
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

PING_S = 20.0
"""Seconds between two pings, and for the answer to one."""
CLOSING_S, DROP_AFTER_S, DROP_AT_STOP_S = 10.0, 20.0, 0.5
"""Seconds for the other side to close as well; from then on, until a connection is dropped that does not take what is
still in the line; the same where the server stops."""
MOST_TOGETHER = 64 * 1024
_PING, _PONG = b"\x89\x04", b"\x8a\x84"
"""Heads of a ping and of the answer to it: whole, of four bytes, the answer masked."""
_log = logging.getLogger("uvicorn.error")


class Reader(Protocol):
    """Who listens to a connection."""

    def heard(self, text: str | None) -> None:
        """A message has come; None: one that is no text. No more is read until it says `read_on`."""

    def ended(self, code: int) -> None:
        """The other side has ended it, or nothing reaches it any more."""


class KeptLine(asyncio.Protocol):
    """One connection, after its opening."""

    __slots__ = (
        "_conn",
        "_connections",
        "_full",
        "_over",
        "_owed",
        "_paused",
        "_pinged",
        "_reader",
        "_room",
        "_said",
        "_size",
        "_tasks",
        "_text",
        "free",
        "transport",
    )
    most = MOST_TOGETHER

    def __init__(self, server: WebSocketsSansIOProtocol, reader: Reader) -> None:
        """Takes the connection over from the server's protocol, in the middle of whatever it is reading."""
        self._conn: rfc6455.Protocol | None = server.conn
        self._connections, self._tasks = server.connections, server.tasks
        self._said: bytearray | None = bytearray(b"".join(server.frames)) if server.frames else None
        self._full = not server.writable.is_set()
        self.free = not self._full
        """Whether `write` may be called now: the transport's buffer is below its high-water mark. So a reader never has
        much more than that in memory."""
        self._paused = server.read_paused
        self._pinged: bytes | None = None
        self._reader = reader
        self._room: asyncio.Future[None] | None = None
        self._over = False
        self._owed = b""
        self._size = server.conn.max_message_size
        self._text = server.curr_msg_data_type == "text"
        self.transport = server.transport
        self._rest()
        server.connections.remove(server)
        server.connections.add(self)  # type: ignore[arg-type]  # it is one in all that the server does with it
        self.transport.set_protocol(self)

    def begin(self, came: list[str | None]) -> None:
        """Hands on what came before, and goes on reading."""
        for text in came:
            self._reader.heard(text)
        if not came:
            self.read_on()

    # --- what comes in ------------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Something has come, anything from a part of a frame to several."""
        if self._conn is None and self._pinged is not None and len(data) == 10 and data.startswith(_PONG):
            if bytes(a ^ b for a, b in zip(data[2:6], data[6:], strict=True)) == self._pinged:
                self._pinged = None
            return
        conn = self._open()
        conn.receive_data(data)
        if conn.parser_exc is not None:
            self._broken(conn)
            return
        for event in conn.events_received():
            if isinstance(event, Frame):
                self._take(conn, event)
        self._rest()

    def _take(self, conn: rfc6455.Protocol, frame: Frame) -> None:
        if frame.opcode is Opcode.CLOSE:
            if self._over:
                self._hang_up()
            elif not self.transport.is_closing():
                assert conn.close_rcvd is not None  # noqa: S101 - the library's promise
                self._reader.ended(conn.close_rcvd.code)
                self._leave()
                self._flush(conn)
                self._hang_up()
        elif frame.opcode is Opcode.PING:
            # The first of several that came together finds the answers to all of them.
            answers = conn.data_to_send()
            if answers and self._full and conn.close_rcvd is None:
                self._owed = answers[-1]
            elif answers:  # behind them may be the answer to a goodbye
                self.transport.write(b"".join(answers))
        elif frame.opcode is Opcode.PONG:
            if bytes(frame.data) == self._pinged:
                self._pinged = None
        else:
            if frame.opcode is not Opcode.CONT:
                self._text, self._said = frame.opcode is Opcode.TEXT, None
            if self._said is None:
                self._said = bytearray()
            self._said += frame.data
            if frame.fin:
                said, self._said = self._said, None
                self._message(conn, said)

    def _message(self, conn: rfc6455.Protocol, data: bytearray) -> None:
        if self._over:
            return
        try:
            text = data.decode() if self._text else None
        except UnicodeDecodeError:
            if conn.state is rfc6455.OPEN:  # else it said goodbye in the same breath, and was answered
                conn.send_close(1007)
            self._broken(conn)
            return
        if not self._paused:
            self._paused = True
            self.transport.pause_reading()
        self._reader.heard(text)

    def _broken(self, conn: rfc6455.Protocol) -> None:
        if not self._over:
            assert conn.close_sent is not None  # noqa: S101 - the library's promise
            self._reader.ended(conn.close_sent.code)
        self._leave()
        self._flush(conn)
        self._hang_up()

    def read_on(self) -> None:
        """What was heard is dealt with."""
        if self._paused and not self.transport.is_closing():
            self._paused = False
            self.transport.resume_reading()

    def _open(self) -> rfc6455.Protocol:
        if self._conn is None:
            self._conn = rfc6455.Protocol(rfc6455.SERVER, max_size=self._size, logger=_log)
        return self._conn

    def _rest(self) -> None:
        """Lets go of what takes frames apart, unless it is in the middle of a message, a frame, or the end."""
        conn = self._conn
        if conn is not None and conn.state is rfc6455.OPEN and conn.current_size is None:
            waits: Any = conn.parser
            while waits.gi_yieldfrom is not None:
                waits = waits.gi_yieldfrom
            if waits.gi_code is _BETWEEN:
                conn.parser.close()  # it knows its owner, who would stay with it for a while
                self._conn = None

    # --- what goes out ------------------------------------------------------------------------------------------------

    async def room(self) -> None:
        """Waits until the transport's buffer has drained."""
        while self._full:
            if self._room is None:
                self._room = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._room)

    def write(self, frames: bytes) -> None:
        """Writes ready frames at once."""
        self.transport.write(frames)

    async def send(self, frames: bytes) -> None:
        """Writes as soon as there is room."""
        await self.room()
        if self._over:
            raise ConnectionResetError("the connection is closed")
        self.write(frames)

    def close(self, code: int, reason: str) -> None:
        """Says goodbye, behind what is not yet read, and waits for a while that the other side does as well."""
        if self._over:
            return
        conn = self._open()
        conn.send_close(code, reason)
        self._leave()
        self._flush(conn)
        self.read_on()
        asyncio.get_running_loop().call_later(CLOSING_S, self._hang_up)

    def turn(self, now: float) -> bool:
        """Pings, unless the last ping was not answered."""
        if self._over:
            return False
        if self._pinged is not None:
            conn = self._open()
            conn.fail(1011, "keepalive ping timeout")
            self._leave()
            self._flush(conn)
            self._hang_up()
            return False
        self._pinged = secrets.token_bytes(4)
        self.write(_PING + self._pinged)
        return True

    def _flush(self, conn: rfc6455.Protocol) -> None:
        self.transport.write(b"".join(conn.data_to_send()))

    def task(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Something to do about this connection, for which the server waits when it stops."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # --- what the server and the loop say ----------------------------------------------------------------------------

    def pause_writing(self) -> None:
        """The reader does not keep up."""
        self._full, self.free = True, False

    def resume_writing(self) -> None:
        """It has caught up."""
        self._full, self.free = False, not self._over
        if self._room is not None:
            self._room.set_result(None)
            self._room = None
        if self._owed:  # of those who ping and do not read, the last ping is answered, when they do
            owed, self._owed = self._owed, b""
            self.transport.write(owed)

    def eof_received(self) -> None:
        """The other side says no more."""
        self._reader.ended(1005)
        self._leave()
        self._hang_up()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._connections.discard(self)
        self._reader.ended(1005)
        self._leave()
        self._owed = b""
        self.resume_writing()

    def _leave(self) -> None:
        """Nothing is to be sent any more."""
        self._over, self.free = True, False

    def _hang_up(self, patience_s: float | None = None) -> None:
        self.transport.close()
        if self.transport.get_write_buffer_size():  # it closes when all is taken, which may be never
            patience_s = DROP_AFTER_S if patience_s is None else patience_s
            asyncio.get_running_loop().call_later(patience_s, self.transport.abort)

    def shutdown(self) -> None:
        """The server stops, and does not wait for a reader that takes nothing off the line."""
        if not self._over:
            self._reader.ended(1012)
            conn = self._open()
            conn.send_close(1012)
            self._leave()
            self._flush(conn)
        self._hang_up(DROP_AT_STOP_S)


_BETWEEN = StreamReader.at_eof.__code__
"""Where the library waits between two frames. Should it wait elsewhere some day, everything is kept."""
