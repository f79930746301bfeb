"""Hearing the feed across lost networks, restarts and renewed logins: nothing skipped, and never silently blind."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from handover import clock
from handover.client import skew
from handover.client.feed_protocol import (
    FIRST_HEARTBEAT_S,
    SILENCE,
    SUBPROTOCOL,
    Event,
    Frame,
    Heartbeat,
    Hello,
    Live,
    Next,
    State,
    StateChange,
    after_close,
    after_status,
    auth_frame,
    pause_before,
    read_frame,
)
from handover.client.http import AGENT, Access, TokenSource, in_words, seconds, tls
from handover.client.refusals import CannotReach, ServerRefused
from handover.client.server import Server
from handover.schemas.events import CLOSE_CODES

_LARGEST_FRAME = 4 * 1024 * 1024
_WHY = {1001: "the server is being restarted", 4408: "this terminal was too slow"}
_RENEW_AGAIN = timedelta(seconds=5)

Heard = Event | StateChange | Heartbeat


class _Closed(Exception):  # noqa: N818 - feeds close
    def __init__(self, why: str, then: Next = Next.COME_BACK, after_s: float = 0.0) -> None:
        super().__init__(why)
        self.why = why
        self.then = then
        self.after_s = after_s


@dataclass(slots=True)
class Feed:
    """One reader of the feed: what it wants to hear, and how far it has come."""

    server: Server
    tokens: TokenSource
    establishment: str | None = None
    unit: str | None = None
    cursor: str | None = None
    """Where to continue; `now` for from here on, None for from the beginning."""
    heard_at: datetime = field(init=False)
    """When the line was last known to be good, on the service's clock."""
    blind_since: datetime | None = None
    _live: bool = False
    _access: Access | None = None
    _numbers: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.heard_at = skew.now(self.server)

    async def listen(self) -> AsyncGenerator[Heard, None]:
        """Events and changes of sight, until the reader goes away. Raises NotLoggedIn or ServerRefused."""
        attempt = 0
        refused_token: str | None = None
        while True:
            after_s = 0.0
            try:
                async with aclosing(self._connection(refused_token)) as connection:
                    async for heard in connection:
                        if isinstance(heard, StateChange) and heard.state is State.LIVE:
                            attempt, refused_token = 0, None
                        yield heard
            except _Closed as closed:
                self._live, after_s = False, closed.after_s
                if closed.then is Next.STOP or (closed.then is Next.RENEW and refused_token is not None):
                    raise ServerRefused(status=403, title="The feed was refused", detail=closed.why) from None
                if closed.then is not Next.COME_BACK:
                    attempt = 0  # the server is there and has answered
                if closed.then is Next.RENEW and self._access is not None:
                    refused_token = self._access.token
                elif closed.then is Next.START_FROM_NOW:
                    yield self._missed(closed.why)
                elif self.blind_since is None:
                    self.blind_since = self.heard_at
                    yield StateChange(State.BLIND, skew.now(self.server), since=self.heard_at, why=closed.why)
            attempt += 1
            await asyncio.sleep(max(pause_before(attempt), after_s))

    def _missed(self, why: str) -> StateChange:
        since, self.blind_since = self.blind_since or self.heard_at, None
        self.cursor = "now"
        self._numbers.clear()
        return StateChange(State.MISSED, skew.now(self.server), since=since, why=why)

    async def _connection(self, refused_token: str | None) -> AsyncGenerator[Heard, None]:
        try:
            self._access = await asyncio.to_thread(self.tokens.access, unlike=refused_token)
            async with self._connect(self._access.token) as socket, aclosing(self._frames(socket)) as frames:
                async for frame in frames:
                    for heard in self._take(frame):
                        yield heard
        except ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd else None
            said = closed.rcvd.reason if closed.rcvd else ""
            why = _WHY.get(code or 0) or said or CLOSE_CODES.get(code or 0) or "the connection broke"
            raise _Closed(why, after_close(code)) from closed
        except InvalidStatus as refused:
            status = refused.response.status_code
            after_s = seconds(refused.response.headers.get("Retry-After")) or 0.0
            raise _Closed(
                f"the server answered {status} in place of a feed", after_status(status), after_s
            ) from refused
        except CannotReach as trouble:
            raise _Closed(trouble.why) from trouble
        except (OSError, TimeoutError, InvalidHandshake) as error:
            raise _Closed(in_words(error)) from error

    def _connect(self, token: str) -> connect:
        wanted = {"establishment": self.establishment, "unit": self.unit, "after": self.cursor}
        query = urlencode({name: value for name, value in wanted.items() if value})
        return connect(
            f"{self.server.feed_url}?{query}" if query else self.server.feed_url,
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            additional_headers={"Authorization": f"Bearer {token}"},
            user_agent_header=AGENT,
            ssl=tls(self.server) if self.server.feed_url.startswith("wss:") else None,
            proxy=None if self.server.loopback else True,
            compression=None,
            # The feed's own heartbeats tell us that it lives, and they come through every proxy.
            ping_interval=None,
            open_timeout=10,
            close_timeout=1,
            max_size=_LARGEST_FRAME,
        )

    async def _frames(self, socket: ClientConnection) -> AsyncGenerator[Frame, None]:
        """Frames as they come, renewing the login on the open socket; raises _Closed after too long a silence."""
        loop = asyncio.get_running_loop()
        silence = SILENCE * FIRST_HEARTBEAT_S
        quiet_since = loop.time()
        assert self._access is not None  # noqa: S101 - for the type checker: _connection has just set it
        renew_at = self._access.renew_at
        while True:
            until_silent = quiet_since + silence - loop.time()
            until_renewal = (renew_at - clock.now()).total_seconds()
            try:
                async with asyncio.timeout(max(0.0, min(until_silent, until_renewal))):
                    frame = read_frame(await socket.recv())
            except TimeoutError:
                if until_silent <= until_renewal:
                    raise _Closed(f"nothing was heard for {silence:.0f} seconds") from None
                renew_at = await self._renew(socket)
                continue
            if isinstance(frame, Hello):
                silence = SILENCE * frame.heartbeat_s
            self.heard_at = skew.now(self.server)
            yield frame
            # Only now: the time a slow screen took is not the server's silence.
            quiet_since = loop.time()

    async def _renew(self, socket: ClientConnection) -> datetime:
        try:
            self._access = await asyncio.to_thread(self.tokens.access)
        except CannotReach:
            # The socket may well outlive the trouble; whether we are blind is for the silence to say.
            return clock.now() + _RENEW_AGAIN
        await socket.send(auth_frame(self._access.token))
        return max(self._access.renew_at, clock.now() + timedelta(seconds=1))

    def _take(self, frame: Frame) -> list[Heard]:
        match frame:
            case Event():
                return self._take_event(frame)
            case Hello():
                return self._take_hello(frame)
            case Live():
                self.cursor, self._live = frame.cursor or self.cursor, True
                since, self.blind_since = self.blind_since, None
                return [StateChange(State.LIVE, skew.now(self.server), since=since, cursor=self.cursor)]
            case Heartbeat() if self._live:
                self.cursor = frame.cursor or self.cursor
                return [frame]
        return []

    def _take_hello(self, hello: Hello) -> list[Heard]:
        if self.cursor != "now":
            return [StateChange(State.REPLAYING, skew.now(self.server), since=self.blind_since, cursor=self.cursor)]
        # From here on; where that is, only the server can say. Elsewhere our own cursor is the one that skips nothing.
        self.cursor = hello.cursor or self.cursor
        if self.blind_since is None:
            return []
        since, self.blind_since = self.blind_since, None
        return [
            StateChange(
                State.MISSED, skew.now(self.server), since=since, why="there was no cursor yet to continue from"
            )
        ]

    def _take_event(self, event: Event) -> list[Heard]:
        log, number = event.place_in_log
        self.cursor = event.cursor or self.cursor
        if 0 <= number <= self._numbers.get(log, -1):
            return []  # at least once, says the contract; once is enough on a screen
        self._numbers[log] = number
        return [event]
