"""Who a token speaks for, remembered for a moment: long enough to spare the store, short enough that a right taken
away is gone."""

from datetime import datetime
from time import monotonic

from handover.services import logins
from handover.services.logins import Session
from handover.services.passwords import token_digest
from handover.services.unit_of_work import Asker, Desk

REMEMBER_S = 1.0
MOST = 20_000
TELL_AGAIN_S = 60.0


class Sessions:
    """The access tokens seen in the last second. In this process a change of rights empties it at once."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._known: dict[str, tuple[Session, float, int]] = {}
        self._changes = 0
        self._told: dict[str, float] = {}
        desk.store.on_commit(self._bell)

    def _bell(self, rights_changed: bool) -> None:
        # From the writer's thread. What is being looked up right now was asked before the change: it is not remembered.
        if rights_changed:
            self._changes += 1
            self._known.clear()

    async def of(self, token: str) -> Session | None:
        """The session of an access token; None if it does not work (any more)."""
        digest = token_digest(token)
        found = self._known.get(digest)
        now = self._desk.clock()
        if found is not None and monotonic() - found[1] < REMEMBER_S and found[2] == self._changes:
            return found[0] if found[0].expires_at > now else None
        asked, changes = monotonic(), self._changes
        session = await self._desk.peek(lambda conn: logins.by_digest(conn, digest, now))
        if len(self._known) > MOST:
            self._known.clear()
        if session is None:
            self._known.pop(digest, None)
        else:
            self._known[digest] = (session, asked, changes)
        return session

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
        now: datetime = self._desk.clock()

        return await self._desk.peek(lambda conn: logins.by_digests(conn, digests, now))
