"""Threads finish, an event loop waits: it is woken once for all that is ready together, because waking it costs more
than telling whoever waits. And it hands over once for all that came together: those who were answered by one commit
ask again one by one, and a writer that began with the first of them would spend a commit on it, as dear as one for
all, and would take turns in the interpreter with the loop that reads the others' requests.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import Any

from handover.store.writer import Task, Writer

Told = Callable[[Any, BaseException | None], None]
PAUSE_S, QUIET, PAUSES = 0.001, 2, 10
"""A pause; in how many of them nobody new may have come before what has gathered is handed over, where more is
expected (one is not enough: it may have passed while the loop was busy with the answers); and the most there are."""


class _Loop:
    """The waiters of one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, writer: Writer) -> None:
        self.loop = loop
        self._writer = writer
        self._ready: deque[tuple[asyncio.Future[Any], Any, BaseException | None, bool]] = deque()
        self._woken = False
        self._out = self._expected = 0
        self._pause: asyncio.TimerHandle | None = None

    def waiter(self, handed: bool = False) -> tuple["asyncio.Future[Any]", Told]:
        waiting = self.loop.create_future()

        def told(value: Any, error: BaseException | None) -> None:
            # In this order: whoever finds it woken already was in time for `_tell`, which looks at `_ready` last.
            self._ready.append((waiting, value, error, handed))
            if not self._woken:
                self._woken = True
                with contextlib.suppress(RuntimeError):  # the loop is gone: nobody waits any more
                    self.loop.call_soon_threadsafe(self._tell)

        return waiting, told

    def hand_over(self, task: Callable[[Told], Task]) -> "asyncio.Future[Any]":
        waiting, told = self.waiter(handed=True)
        self._writer.submit(task(told), begin=False)
        self._out += 1
        self._on()
        return waiting

    def _on(self) -> None:
        """Has the writer begin, unless it is at work (it is looked at again once it has told) or more is expected."""
        waiting = self._writer.waiting
        if self._out > waiting:
            return
        if waiting >= self._expected:
            self._begin()
        elif self._pause is None:
            self._pause = self.loop.call_later(PAUSE_S, self._paused, waiting, QUIET, PAUSES)

    def _paused(self, before: int, quiet: int, left: int) -> None:
        waiting = self._writer.waiting
        quiet = QUIET if waiting > before else quiet - 1
        if quiet and left:
            self._pause = self.loop.call_later(PAUSE_S, self._paused, waiting, quiet, left - 1)
        else:
            self._begin()

    def _begin(self) -> None:
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
        self._writer.begin()

    def _tell(self) -> None:
        self._woken = False
        back = 0
        while self._ready:
            waiting, value, error, handed = self._ready.popleft()
            back += handed
            if waiting.done():
                continue  # it went away
            if error is None:
                waiting.set_result(value)
            else:
                waiting.set_exception(error)
        if back:
            self._out -= back
            # Whoever was answered will most likely ask again.
            self._expected = self._out + back
            if self._out:
                self._on()


class Waking:
    """Waiters for what threads do, and for what the writer does."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._loop: _Loop | None = None

    def waiter(self) -> tuple["asyncio.Future[Any]", Told]:
        """What to await in the running loop, and what a thread then calls with a value or an error, once."""
        return self._here().waiter()

    def hand_over(self, task: Callable[[Told], Task]) -> "asyncio.Future[Any]":
        """Hands the writer a task, made of what it is to call in the end; answers what to await."""
        return self._here().hand_over(task)

    def _here(self) -> _Loop:
        loop = asyncio.get_running_loop()
        if self._loop is None or self._loop.loop is not loop:
            self._loop = _Loop(loop, self._writer)
        return self._loop
