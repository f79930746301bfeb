"""One open feed: who it is, what it hears, how far it has come."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from time import monotonic
from typing import Any

import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from handover.domain.access import answers_for, belongs
from handover.errors import CursorRefused, FieldError, Forbidden, Invalid, NotFound, Refusal, Unauthenticated
from handover.feed import protocol
from handover.feed.protocol import Close
from handover.feed.transport import Line, PlainLine
from handover.services import cursors, hearing, latest, logins, missed, pulling
from handover.services.hearing import Ear, Encoded, Filter, Latest
from handover.services.logins import Session
from handover.services.parts import Parts
from handover.services.unit_of_work import Asker, UnitOfWork

log = structlog.get_logger("handover.feed")
_CLOSES: dict[type[Refusal], int] = {
    Unauthenticated: protocol.NOT_AUTHORISED,
    Forbidden: protocol.NOT_YOURS,
    NotFound: protocol.NOT_YOURS,
    Invalid: protocol.BAD_FRAME,
    CursorRefused: protocol.BAD_CURSOR,
}
AT_ONCE = 100
"""Events taken at a time; where there are more, others have their turn before every write."""


def _stopping() -> Close:
    return Close(protocol.STOPPING, "The server is stopping; come back with your cursor.")


def ending(error: Exception) -> Close:
    """How a feed ends that met this."""
    if isinstance(error, Close):
        return error
    if isinstance(error, CursorRefused):
        return Close(protocol.BAD_CURSOR, error.detail)
    if isinstance(error, WebSocketDisconnect):
        return Close(error.code, "")
    log.error("feed failed", exc_info=error)
    return Close(protocol.TRY_LATER, "Something is wrong here; come back with your cursor in a moment.")


class Feed:
    """A reader, its rights, its positions. It sends from one task and listens from another."""

    # There are thousands: each attribute is where the last one was, and not in a dictionary of their own.
    __slots__ = (
        "_asker",
        "_beat_due",
        "_begun",
        "_desk",
        "_ear",
        "_end",
        "_ending",
        "_first",
        "_hub",
        "_level",
        "_line",
        "_live",
        "_metrics",
        "_sessions",
        "_socket",
        "positions",
        "session",
        "wake",
    )

    def __init__(self, socket: WebSocket, parts: Parts) -> None:
        self._socket = socket
        self._line: Line = PlainLine(socket)
        self._desk = parts.desk
        self._hub = parts.hub
        self._sessions = parts.sessions
        self._metrics = parts.metrics
        self.wake = asyncio.Event()
        self.positions: cursors.Positions = {}
        self._first: cursors.Positions = {}
        self._end: Close | None = None
        self._ending: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._begun = False
        self._live = False
        self._level = False
        self._beat_due = 0.0
        self.session: Session
        self._ear: Ear
        self._asker = Asker(None, socket.client.host if socket.client else None)

    async def run(self) -> None:
        """Serves the feed until either side ends it."""
        await self._socket.accept(
            subprotocol=protocol.SUBPROTOCOL if protocol.SUBPROTOCOL in self._socket.scope["subprotocols"] else None
        )
        ended: Close | None = _stopping()
        try:
            await self._open()
            ended = await self._serve()
        except Exception as error:  # noqa: BLE001 - it is logged
            ended = ending(error)
        finally:
            if ended is not None:  # else it goes on without this task
                await self._leave(ended)

    async def _leave(self, ended: Close) -> None:
        try:
            # Before anything that takes time: a server that stops soon closes what is still open in its own words.
            await self._close(ended)
        finally:
            self._hub.exit(self)
            self._hub.leave(self.wake, self.positions)
            if self._begun:
                await self._leave_line(ended)

    @property
    def stands_in(self) -> Iterable[tuple[str, str]]:
        """The units where somebody who answers for them hears what it is told: those of its reader, as far as they were
        asked for."""
        wanted = self._ear.wanted.unit
        own = answers_for(self.session.principal)
        return [where for where in own if where[0] in self.positions and wanted in (None, where[1])]

    def rights(self, session: Session | None) -> None:
        """Takes in what its token is worth now: closes, or narrows what it hears."""
        if session is None:
            self._finish(
                Close(protocol.NOT_AUTHORISED, "Your login has ended; log in again and come back with your cursor.")
            )
        elif session.principal != self.session.principal:
            self._renew(session)

    def stop(self) -> None:
        """Ends because the server does."""
        self._finish(_stopping())

    def lost(self) -> None:
        """Ends because a log does not have any more what was told of it."""
        self._finish(Close(protocol.BAD_CURSOR, cursors.SET_BACK))

    # --- opening ------------------------------------------------------------------------------------------------------

    async def _open(self) -> None:
        query = self._socket.query_params
        self.session = await self._who(query.get("ticket"))
        self._asker = Asker(self.session.principal, self._asker.address)
        self._ear = Ear(self.session.principal, Filter(()))
        async with self._hub.opening:  # only now: a stranger holds up nobody
            try:
                self._desk.admit()
                self.positions = await self._desk.write(self._asker, self._begin, gathers=True)
            except Refusal as refusal:
                raise Close(_CLOSES.get(type(refusal), protocol.TRY_LATER), refusal.detail) from None
            self._first = dict(self.positions)
            self._begun = True
            await self._hub.listen(self.wake, self.positions, self.take)
        self._hub.enter(self)

    async def _who(self, ticket: str | None) -> Session:
        if ticket is not None:
            try:
                return await self._desk.write(self._asker, lambda uow: logins.redeem(uow, ticket))
            except Refusal as refusal:
                raise Close(_CLOSES.get(type(refusal), protocol.TRY_LATER), refusal.detail) from None
        scheme, _, token = self._socket.headers.get("authorization", "").partition(" ")
        async with self._hub.knocking:
            session = await self._sessions.of(token.strip()) if scheme.lower() == "bearer" else None
        if session is None:
            await self._sessions.tried(token.strip(), self._asker)
            raise Close(protocol.NOT_AUTHORISED, "Send an access token in Authorization, or a ticket.")
        return session

    def _begin(self, uow: UnitOfWork) -> cursors.Positions:
        """The feed's opening: rights, filter and starting point, with their line in the access log."""
        query = self._socket.query_params
        establishment, unit, after = query.get("establishment"), query.get("unit"), query.get("after")
        uow.doing("feed.open", establishment=establishment, unit=unit, after=after)
        uow.allow("events.read")
        unknown = set(query) - {"establishment", "unit", "after", "ticket"}
        if unknown:
            raise Invalid(FieldError(f"/query/{min(unknown)}", "there is no such parameter; check its spelling"))
        for name in query:
            if len(query.getlist(name)) > 1:
                raise Invalid(FieldError(f"/query/{name}", "this is there twice; only one can be meant"))
        places = pulling.places_for(uow, establishment)
        pulling.check_unit(uow, places, unit)
        positions = cursors.start(self._hub.store_id, after, places, latest.ends(uow.conn, places))
        uow.about(sequences=positions)
        self._ear = Ear(uow.who, Filter(places, unit))
        return positions

    # --- serving ------------------------------------------------------------------------------------------------------

    async def _serve(self) -> Close | None:
        """Sends and listens until one of them ends, or it is told to end: a send that waits for its reader does not
        hold that up."""
        tasks = [asyncio.create_task(part) for part in (self._listen(), self._send_all())]
        try:
            any_of: list[asyncio.Future[Any]] = [*tasks, self._ending]
            await asyncio.wait(any_of, return_when=asyncio.FIRST_COMPLETED)
            return self._end or next(task for task in tasks if task.done()).result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _listen(self) -> Close:
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return Close(message.get("code") or 1006, "")
            try:
                await self._answer(message.get("text"))
            except Close as close:
                return close

    async def _answer(self, text: str | None) -> None:
        """Takes in what the reader has said: a new token."""
        session = await self._sessions.of(protocol.read(text))
        if session is None or session.principal.id != self.session.principal.id:
            raise Close(protocol.NOT_AUTHORISED, "This token does not work for this feed; log in again.")
        self._renew(session)
        self._hub.look_again(self)

    async def _send_all(self) -> Close:
        try:
            await self._greet()
            while True:
                await self._come_up()
                await self._stand_by()
                await self._beat()
        except (Close, CursorRefused, WebSocketDisconnect) as error:
            return ending(error)

    async def _greet(self) -> None:
        settings = self._desk.settings
        await self._send(protocol.framed(protocol.hello(self._cursor(), settings.heartbeat_s)))
        self._beat_due = monotonic() + settings.heartbeat_s

    async def _come_up(self) -> None:
        """Brings the reader to the ends of the logs, and tells when that was so for the first time."""
        self.wake.clear()
        await self._catch_up()
        if not self._live:
            self._live = True
            await self._send(protocol.framed(protocol.live(self._cursor())))

    async def _stand_by(self) -> None:
        """Waits until there is something for this task to do. Meanwhile the feed takes what is new from the hub."""
        # Only here: two that send at a time would send things twice, or out of order.
        self._level = not self.wake.is_set()
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, self._beat_due - monotonic())):
                    await self.wake.wait()
        finally:
            self._level = False

    def take(self, new: Latest) -> bool:
        """Sends what is new in one establishment, from within the hub's pass over all feeds. Answers False where that
        is for the feed's own task: it is behind, its reader does not keep up, or there is too much for one write."""
        place, first = new[0].event.establishment, new[0].event.sequence
        if self._level and self._end is None and first <= self.positions[place] + 1:
            try:
                self._take(place, new)
            except Exception:
                log.exception("feed failed")  # the others must not miss it; its own task meets the same again
            else:
                self._level = self.positions[place] >= new[-1].event.sequence
                return self._level
        self._level = False
        return False

    def _take(self, place: str, new: Latest) -> None:
        alone = new.alike and len(self.positions) == 1 and new[0].event.sequence > self.positions[place]
        key, at = self._ear.alike(new.sorts), 0
        while at < len(new) and self._line.free:
            portion = new.portions.get((key, at)) if alone else None
            if portion is None:
                portion = self._portion(place, new, at)
                if alone:
                    new.portions[key, at] = portion
            frames, sequence, at = portion
            if frames:
                self._line.write(frames)
            self.positions[place] = sequence

    async def _catch_up(self) -> None:
        """Sends what lies between this feed's positions and the ends of the logs, a live feed's few events or a
        thousand."""
        for place in self.positions:
            stream = self._hub.stream(place)
            while True:
                rewritten, ear = stream.rewritten, self._ear
                portion: Callable[[int], tuple[bytes, int, int]]
                tail = stream.after(self.positions[place], AT_ONCE)
                if tail is not None:
                    at, end, portion = 0, len(tail), partial(self._portion, place, tail)
                else:
                    past, at = await self._hub.past(place, self.positions[place])
                    end, portion = len(past.rows), partial(self._shared, place, past, past.heard(ear))
                if at >= end:
                    break
                while at < end:
                    if stream.position - self.positions[place] >= AT_ONCE:
                        await self._hub.turn()
                    await self._room()  # what is put together after it does not wait to be sent
                    await self._hub.be_sure()
                    if stream.rewritten != rewritten or self._ear is not ear:
                        break  # something was taken back while we sent, or a right: what is left is read again
                    if self._end is not None:
                        raise self._end  # nothing more, not even what was at hand when a right was taken away
                    frames, sequence, at = portion(at)
                    if frames:
                        await self._send(frames)
                    self.positions[place] = sequence
                    await self._beat()

    def _shared(self, place: str, past: missed.Past, heard: missed.Heard, at: int) -> tuple[bytes, int, int]:
        """As `_portion`, of what was read from the store; made once for all who get the same and come from the same
        place."""
        several = len(self.positions) > 1
        begun = at, self._line.most
        made = None if several else heard.made.get(begun)
        if made is None:
            made = self._put_together(place, heard, at, several)
            if not several and heard.alike(self._ear, at):
                heard.keep(begun, made)
        frames, upto = made
        return frames, past.sequence(upto), upto

    def _put_together(self, place: str, heard: missed.Heard, at: int, several: bool) -> missed.Made:
        cursor = partial(self._cursor_at, place) if several else None
        texts, upto = heard.texts(self._ear, at, AT_ONCE, self._line.most, cursor)
        return protocol.framed_events(texts), upto

    def _portion(self, place: str, entries: Sequence[Encoded], at: int) -> tuple[bytes, int, int]:
        """What goes into one write: the frames of the next entries as far as they are for this reader, the sequence it
        has come to then, and where to go on."""
        frames: list[bytes] = []
        size = 0
        position = self.positions[place]
        while at < len(entries):
            entry = entries[at]
            if entry.event.sequence > position:
                frame = self._frame(place, entry)
                if frame is not None:
                    size += len(frame)
                    if frames and size > self._line.most:
                        break
                    frames.append(frame)
                position = entry.event.sequence
            at += 1
        return frames[0] if len(frames) == 1 else b"".join(frames), position, at

    def _frame(self, place: str, entry: Encoded) -> bytes | None:
        """The event as this reader may have it, ready to be sent; None where it does not exist for him or her."""
        whole = self._ear.judge(place, entry.event.sort)
        if whole is None:
            return None
        several = len(self.positions) > 1
        if several or not entry.alike:
            cursor = self._cursor_at(place, entry.event.sequence) if several else None
            return protocol.framed_event(entry.text(self._ear, whole, cursor))
        frame = entry.ready.get(whole)
        if frame is None:
            frame = entry.ready[whole] = protocol.framed_event(entry.text(self._ear, whole))
        return frame

    def _cursor_at(self, place: str, sequence: int) -> str:
        return cursors.cursor_of(self._hub.store_id, {**self.positions, place: sequence})

    async def _beat(self) -> None:
        """A heartbeat if one is due, in a long replay too; none where the hub does not know whether there is more."""
        if monotonic() >= self._beat_due:
            self._beat_due = monotonic() + self._desk.settings.heartbeat_s
            if self._hub.sees:
                await self._send(protocol.framed(protocol.heartbeat(self._cursor())))

    async def _room(self) -> None:
        """Waits for a reader that does not keep up, for a while. What it is sent is put together only afterwards, as it
        is true then."""
        if not self._line.free:
            await self._in_time(self._line.room())

    async def _send(self, frames: bytes) -> None:
        """Sends frames. The line takes them at once, unless its reader has stopped reading."""
        if self._line.free:
            self._line.write(frames)
        else:
            await self._in_time(self._line.send(frames))

    async def _in_time(self, waiting: Awaitable[None]) -> None:
        try:
            async with asyncio.timeout(self._desk.settings.feed_send_s):
                await waiting
        except TimeoutError:
            raise Close(protocol.TOO_SLOW, "Too slow; come back with your cursor.") from None
        except (OSError, RuntimeError):
            raise Close(1006, "") from None

    def _cursor(self) -> str:
        return cursors.cursor_of(self._hub.store_id, self.positions)

    # --- rights and the end -------------------------------------------------------------------------------------------

    def _renew(self, session: Session) -> None:
        self.session = session
        wanted = self._ear.wanted
        who = session.principal
        if not all(belongs(who, place) for place in wanted.establishments) or not hearing.may_listen(who):
            self._finish(Close(protocol.NOT_YOURS, "Your rights have changed; open a new feed."))
            return
        self._ear = Ear(who, wanted)

    def _finish(self, close: Close) -> None:
        self._end = self._end or close
        if not self._ending.done():
            self._ending.set_result(None)

    async def _leave_line(self, ended: Close) -> None:
        line = self._desk.line(
            self._asker,
            "feed.close",
            establishment=next(iter(self.positions)) if len(self.positions) == 1 else None,
            unit=self._ear.wanted.unit,
            code=ended.code,
            sequences={place: [self._first[place], at] for place, at in self.positions.items()},
        )
        try:
            await self._desk.log(line)
        except Refusal:
            log.exception("the line of a closed feed could not be written", sequences=self.positions)

    async def _close(self, close: Close) -> None:
        self._metrics.closed.labels(str(close.code)).inc()
        if self._socket.application_state is not WebSocketState.DISCONNECTED and close.code not in (1005, 1006):
            # A reader that has stopped reading does not read this either: the server then drops the connection.
            with contextlib.suppress(RuntimeError, OSError, WebSocketDisconnect, TimeoutError):
                async with asyncio.timeout(1):
                    await self._socket.close(close.code, close.reason)
