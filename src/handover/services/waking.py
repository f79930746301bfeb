"""Threads finish, an event loop waits: it is woken once for all that is ready together, because waking it costs more
than telling whoever waits."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import Any

Told = Callable[[Any, BaseException | None], None]


class _Loop:
    """The waiters of one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._ready: deque[tuple[asyncio.Future[Any], Any, BaseException | None]] = deque()
        self._woken = False

    def waiter(self) -> tuple["asyncio.Future[Any]", Told]:
        waiting = self.loop.create_future()

        def told(value: Any, error: BaseException | None) -> None:
            # In this order: whoever finds it woken already was in time for `_tell`, which looks at `_ready` last.
            self._ready.append((waiting, value, error))
            if not self._woken:
                self._woken = True
                with contextlib.suppress(RuntimeError):  # the loop is gone: nobody waits any more
                    self.loop.call_soon_threadsafe(self._tell)

        return waiting, told

    def _tell(self) -> None:
        self._woken = False
        while self._ready:
            waiting, value, error = self._ready.popleft()
            if waiting.done():
                continue  # it went away
            if error is None:
                waiting.set_result(value)
            else:
                waiting.set_exception(error)


class Waking:
    """Waiters for what threads do."""

    def __init__(self) -> None:
        self._loop: _Loop | None = None

    def waiter(self) -> tuple["asyncio.Future[Any]", Told]:
        """What to await in the running loop, and what a thread then calls with a value or an error, once."""
        loop = asyncio.get_running_loop()
        if self._loop is None or self._loop.loop is not loop:
            self._loop = _Loop(loop)
        return self._loop.waiter()
