"""The queue at the door. Once a request is begun it takes its turns of the event loop among all that are begun, and
where those are thousands, each waits for thousands at every step, whatever the writer would rather do first. So only so
many are begun at once as fill two commits; the others wait here in their order, which costs little, or are told at once
that it would take too long. What may call somebody does not wait.
"""

import asyncio
from collections import deque
from time import perf_counter

from starlette.types import Scope

from handover.domain.codelists import Lists
from handover.services.unit_of_work import overloaded

WINDOW_S = 0.25
"""How long it is counted how many leave: a commit lets many go together."""
AT_FIRST_S = 0.001
"""How soon one is thought to follow another before anything was counted."""
TOLD_AT_ONCE = 8
"""How many are refused in one turn of the loop: a refusal is work, too."""
PRESSING = ("/receipts", "/acceptance", "/corrections")
"""Ends of addresses at which there may be something that goes first."""
PATIENT = "/v1/events"
"""Where a request may wait on purpose."""


class Gate:
    """Lets so many through at once. The loop's own thread alone comes here."""

    def __init__(self, at_once: int, most_s: float) -> None:
        self._free = at_once
        self._most_s = most_s
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._turned_away: deque[asyncio.Future[None]] = deque()
        self._pace = AT_FIRST_S
        self._since, self._gone = 0.0, 0

    @property
    def open(self) -> bool:
        """Whether nobody has to wait."""
        return self._free > 0

    def pass_(self) -> None:
        """Goes through, also where others wait."""
        self._free -= 1

    async def wait(self) -> None:
        """Goes through when it is one's turn; refuses where that would take too long."""
        now = perf_counter()
        if not self._waiting:
            self._since, self._gone = now, 0
        expected = max(len(self._waiting) * self._pace, now - self._since)
        if expected > self._most_s:
            await self._be_told()
            raise overloaded(expected)
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave()
            raise

    async def _be_told(self) -> None:
        """Waits to be refused: so many in each turn of the loop, or those who are in would hardly have a turn."""
        loop = asyncio.get_running_loop()
        told = loop.create_future()
        if not self._turned_away:
            loop.call_soon(self._tell_some)
        self._turned_away.append(told)
        await told

    def _tell_some(self) -> None:
        for _ in range(min(TOLD_AT_ONCE, len(self._turned_away))):
            told = self._turned_away.popleft()
            if not told.done():
                told.set_result(None)
        if self._turned_away:
            asyncio.get_running_loop().call_soon(self._tell_some)

    def leave(self) -> None:
        """Makes room for the next."""
        self._free += 1
        self._gone += 1
        while self._waiting and self._free > 0:
            turn = self._waiting.popleft()
            if not turn.done():
                self._free -= 1
                turn.set_result(None)
        if self._waiting and (took := perf_counter() - self._since) > WINDOW_S:
            self._pace = took / self._gone
            self._since, self._gone = self._since + took, 0


class Gates:
    """One for what is read and one for what is written: neither holds up the other."""

    def __init__(self, at_once: int, most_s: float, lists: Lists) -> None:
        self._reads, self._writes = Gate(at_once, most_s), Gate(at_once, most_s)
        self._words = tuple(f'"{word}"'.encode() for word in ("ACT_NOW", *sorted(lists.forcing)))

    async def enter(self, scope: Scope, body: bytes) -> Gate | None:
        """Lets a request through, now or when it is its turn: the gate it is to leave by."""
        path = scope["path"]
        if not path.startswith("/v1/") or path == PATIENT:
            return None
        gate = self._reads if scope["method"] == "GET" else self._writes
        if gate.open or self._may_go_first(scope, body):
            gate.pass_()
        else:
            await gate.wait()
        return gate

    def _may_go_first(self, scope: Scope, body: bytes) -> bool:
        """Whether this may be something that goes first, at a glance: `services.notes.goes_first` looks closely."""
        if scope["method"] != "POST":
            return False
        path = scope["path"]
        return any(word in body for word in self._words) if path == "/v1/notes" else path.endswith(PRESSING)
