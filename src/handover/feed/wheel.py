"""What every open feed has to do once in so many seconds, without a timer for each."""

import asyncio
from typing import Protocol

import structlog

log = structlog.get_logger("handover.feed")
SPOKES = 100
"""Parts of a round: the turns of thousands are spread over it."""
STOOD_STILL_S = 1.0
"""Seconds of delay from which on it goes on from here. What was missed in less follows one upon the other."""


class Turning(Protocol):
    """What is put on a wheel."""

    def turn(self, now: float) -> bool:
        """Its turn has come, by the loop's clock. False takes it off the wheel."""


class Wheel:
    """Gives whatever is on it a turn once a round. It stands still while it is empty."""

    def __init__(self, round_s: float) -> None:
        self._step_s = round_s / SPOKES
        self._spokes: list[list[Turning]] = [[] for _ in range(SPOKES)]
        self._at = 0
        self._due = 0.0
        self._many = 0

    def put(self, thing: Turning) -> None:
        """Puts something on; its first turn comes within a round."""
        if not self._many:
            loop = asyncio.get_running_loop()
            self._due = loop.time()
            self._wait(loop)
        self._many += 1
        self._spokes[self._at].append(thing)

    def _wait(self, loop: asyncio.AbstractEventLoop) -> None:
        self._due += self._step_s
        loop.call_at(self._due, self._go_on, loop)

    def _go_on(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        if now - self._due > STOOD_STILL_S:
            self._due = now  # what has come meanwhile, the answer to a ping perhaps, is read first
            self._wait(loop)
            return
        self._at = (self._at + 1) % SPOKES
        spoke = self._spokes[self._at]
        kept = self._spokes[self._at] = [thing for thing in spoke if _turned(thing, now)]
        self._many -= len(spoke) - len(kept)
        if self._many:
            self._wait(loop)


def _turned(thing: Turning, now: float) -> bool:
    try:
        return thing.turn(now)
    except Exception:
        log.exception("feed failed")  # the others must have their turns
        return False
