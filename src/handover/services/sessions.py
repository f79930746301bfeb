"""Who a token speaks for, remembered for as long as nobody's rights change. A mark in the store tells that they did; it
is looked at once a second, so that a right taken away is gone within that."""

import asyncio
from time import monotonic

from sqlalchemy.engine import Connection

from handover.services import logins
from handover.services.logins import Session
from handover.services.passwords import token_digest
from handover.services.unit_of_work import Asker, Desk
from handover.store import marks

REMEMBER_S = 1.0
MOST = 20_000
TELL_AGAIN_S = 60.0


class Sessions:
    """The access tokens seen since rights last changed. A change made in this process empties it at once."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._known: dict[str, Session] = {}
        self._mark: str | None = None
        self._looked = float("-inf")
        self._looking = asyncio.Lock()
        self._changes = 0
        self._told: dict[str, float] = {}
        desk.store.on_commit(self._bell)

    def _bell(self, rights_changed: bool, _told: object) -> None:
        # From the writer's thread. What is being looked up right now was asked before the change: it is not remembered.
        if rights_changed:
            self._changes += 1
            self._looked = float("-inf")
            self._known.clear()

    async def of(self, token: str) -> Session | None:
        """The session of an access token; None if it does not work (any more)."""
        digest = token_digest(token)
        now = self._desk.clock()
        if monotonic() - self._looked >= REMEMBER_S:
            await self._look()
        found = self._known.get(digest)
        if found is not None:
            return found if found.expires_at > now else None
        changes = self._changes
        session, mark = await self._desk.peek(
            lambda conn: (logins.by_digest(conn, digest, now), marks.get(conn, marks.RIGHTS))
        )
        if len(self._known) > MOST:
            self._known.clear()
        if session is not None and mark == self._mark and changes == self._changes:
            self._known[digest] = session
        return session

    async def _look(self) -> None:
        """Forgets everybody where somebody's rights have changed."""
        asked = monotonic()
        async with self._looking:
            if self._looked > asked:
                return  # somebody looked while we waited
            began, changes = monotonic(), self._changes
            mark = await self.mark()
            if mark != self._mark:
                self._known.clear()
                self._mark = mark
            if changes == self._changes:
                self._looked = began

    async def mark(self) -> str | None:
        """The mark of everybody's rights, as it is now."""
        return await self._desk.peek(_mark)

    async def tried(self, token: str, asker: Asker) -> None:
        """Leaves a line where a token is tried that was taken away; one a minute, so that nobody fills the log with
        it."""
        digest = token_digest(token)
        now = self._desk.clock()
        whose = await self._desk.peek(lambda conn: logins.taken_away(conn, digest, now))
        if whose is None or monotonic() - self._told.get(digest, -TELL_AGAIN_S) < TELL_AGAIN_S:
            return
        if len(self._told) > MOST:
            self._told.clear()
        self._told[digest] = monotonic()
        await self._desk.log(self._desk.line(asker, "token", concerning=whose[1], actor=whose[0], outcome="FAILED"))

    async def again(self, digests: list[str]) -> dict[str, Session | None]:
        """The same for tokens of open feeds, straight from the store."""
        now = self._desk.clock()
        return await self._desk.peek(lambda conn: logins.by_digests(conn, digests, now))


def _mark(conn: Connection) -> str | None:
    return marks.get(conn, marks.RIGHTS)
