"""An open feed that has a task only while there is something to do: thousands do nothing nearly all the time.

`Feed` sends from one task and listens from another. That is the plain way, on any server; here the same steps are taken
when the hub, the reader or the clock asks for them, and nothing waits in between.
"""

import asyncio

from starlette.websockets import WebSocket

from handover.feed import protocol
from handover.feed.kept import KeptLine
from handover.feed.protocol import Close
from handover.feed.socket import Feed, ending
from handover.feed.transport import Keep
from handover.feed.wheel import Wheel
from handover.services.parts import Parts


class Bell:
    """What the hub wakes a feed with. It begins its work, or has it go on."""

    __slots__ = ("_feed", "_rung")

    def __init__(self, feed: "RestingFeed") -> None:
        self._feed = feed
        self._rung = False

    def set(self) -> None:
        """There is something to do."""
        self._rung = True
        self._feed.work()

    def clear(self) -> None:
        """It is being looked at."""
        self._rung = False

    def is_set(self) -> bool:
        """Whether there is something that nobody has looked at."""
        return self._rung


class RestingFeed(Feed):
    """A reader on a connection that can be kept."""

    __slots__ = ("_beats", "_came", "_keep", "_kept", "_listening", "_pings", "_sending")

    def __init__(self, socket: WebSocket, parts: Parts, keep: Keep, beats: Wheel, pings: Wheel) -> None:
        super().__init__(socket, parts)
        self._keep = keep
        self.wake = Bell(self)  # type: ignore[assignment]  # it is one in all that the hub does with it
        self._beats, self._pings = beats, pings
        self._kept: KeptLine | None = None
        self._came: list[str | None] = []
        self._listening: asyncio.Task[None] | None = None
        self._sending: asyncio.Task[None] | None = None
        del self._ending

    async def _serve(self) -> Close | None:
        """Goes on without the task that opened it, and without what was said at the opening."""
        if self._end is not None:
            return self._end
        kept = self._keep(self, self._pings)
        if kept is None:
            return await self._listen()  # to how it has ended
        self._kept = self._line = kept
        del self._socket, self._keep
        self._beats.put(self)
        self.work()
        return None

    # --- sending ------------------------------------------------------------------------------------------------------

    def work(self) -> None:
        """Begins to do what there is to do."""
        if self._sending is None and self._kept is not None and self._end is None:
            self._level = False
            self._sending = self._kept.task(self._send_what_there_is())

    async def _send_what_there_is(self) -> None:
        try:
            if not self._live:
                await self._greet()
            await self._come_up()
            while self.wake.is_set():
                await self._come_up()
            await self._beat()
        except Exception as error:  # noqa: BLE001 - it is logged
            self._sending = None
            self._finish(ending(error))
            return
        self._sending = None
        self._level = True
        if self.wake.is_set():
            self.work()

    def turn(self, now: float) -> bool:
        """A heartbeat is due."""
        if self._end is not None:
            return False
        if self._sending is not None or not self._line.free:
            self._beat_due = 0.0
            self.work()
        elif self._hub.sees:
            self._beat_due = now + self._desk.settings.heartbeat_s
            self._line.write(protocol.framed(protocol.heartbeat(self._cursor())))
        return True

    # --- listening ----------------------------------------------------------------------------------------------------

    def heard(self, text: str | None) -> None:
        """Something has come from the reader."""
        self._came.append(text)
        if self._listening is None and self._kept is not None:
            self._listening = self._kept.task(self._listen_on(self._kept))

    async def _listen_on(self, line: KeptLine) -> None:
        try:
            while self._came and self._end is None:
                text = self._came.pop(0)
                if not self._came:
                    line.read_on()  # a slow store is no reason to miss a goodbye, or the answer to a ping
                await self._answer(text)
        except Exception as error:  # noqa: BLE001 - it is logged
            self._finish(ending(error))
        finally:
            self._listening = None

    # --- the end ------------------------------------------------------------------------------------------------------

    def ended(self, code: int) -> None:
        """The reader has gone."""
        self._finish(Close(code, ""))

    def _finish(self, close: Close) -> None:
        if self._end is None:
            self._end = close
            if self._kept is not None:
                self._kept.task(self._leave(close))

    async def _leave(self, ended: Close) -> None:
        for task in (self._sending, self._listening):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        await super()._leave(ended)

    async def _close(self, close: Close) -> None:
        if self._kept is None:
            await super()._close(close)
            return
        self._metrics.closed.labels(str(close.code)).inc()
        if close.code not in (1005, 1006):
            self._kept.close(close.code, close.reason)
