"""A seat before the full-screen program, 80×24, driven key by key; and a real service behind it."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot

from handover.client.server import Server, server_at
from handover.terminal.login import sit_down
from handover.terminal.screens.app import HandoverApp
from tests.support.service import PASSWORD, Caller


class Seat:
    """Somebody at the keyboard."""

    def __init__(self, app: HandoverApp, pilot: Pilot[None]) -> None:
        self.app = app
        self._pilot = pilot
        self.pressed = 0

    @property
    def text(self) -> str:
        """What is on the screen."""
        return "\n".join(strip.text.rstrip() for strip in self.app.screen._compositor.render_strips())

    @property
    def flowing(self) -> str:
        """The same, on one line: where lines break rests on what day and time they say before."""
        return " ".join(self.text.split())

    async def until(self, *words: str, within: float = 30) -> str:
        """Waits until all these words are on the screen."""
        await self.wait(lambda: all(one in self.text or one in self.flowing for one in words), words, within)
        return self.text

    async def wait(self, holds: Callable[[], Any], what: object = "", within: float = 30) -> None:
        """Waits until something holds."""
        deadline = time.monotonic() + within
        while not holds():
            assert self.app._exception is None, self.app._exception
            assert time.monotonic() < deadline, f"{what} did not come; the screen:\n{self.text}"
            await asyncio.sleep(0.02)

    async def meanwhile(self, act: Callable[[], Any]) -> Any:
        """Something that happens elsewhere and takes its time; the program goes on."""

        def elsewhere() -> Any:
            # What is printed while the program runs is caught by it; a service wants the real thing.
            with redirect_stderr(sys.__stderr__), redirect_stdout(sys.__stdout__):
                return act()

        return await asyncio.to_thread(elsewhere)

    async def press(self, *keys: str) -> None:
        """Presses keys as fast as they come, and lets the last be dealt with."""
        self.pressed += len(keys)
        for key in keys:
            char = key if len(key) == 1 else None
            self.app.post_message(events.Key(_character_to_key(key) if char else key, char))
        await self._pilot.pause()

    async def resized(self, width: int, height: int) -> None:
        """Makes the screen narrower or wider."""
        await self._pilot.resize_terminal(width, height)

    async def types(self, words: str, *then: str) -> None:
        """Types words, then presses keys."""
        await self.press(*words, *then)


def pc(home: Path, url: str) -> Server:
    """A server as one PC knows it: with that PC's folder."""
    with mock.patch.dict(os.environ, {"XDG_DATA_HOME": str(home)}):
        return server_at(url)


@asynccontextmanager
async def sitting(home: Path, who: Caller | None, url: str) -> AsyncIterator[Seat]:
    """Somebody before the program at a PC; logged in there already, unless it is nobody."""
    server = pc(home, url)
    if who is not None:
        await asyncio.to_thread(sit_down, server, who.name, PASSWORD)
    app = HandoverApp(server, 0)
    async with app.run_test(size=(80, 24)) as pilot:
        yield Seat(app, pilot)
        await app.action_leave()
