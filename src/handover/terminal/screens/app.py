"""`handover desk`, put together: who sits here, what is heard, which screen that concerns."""

import asyncio
import time
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar

from textual import on
from textual.binding import Binding

from handover.client.calls import pass_for
from handover.client.codelists import lists_for
from handover.client.feed import Heard
from handover.client.feed_protocol import Event, Heartbeat, State, StateChange
from handover.client.refusals import Trouble
from handover.client.resources import every
from handover.client.sending import Round
from handover.client.server import Server
from handover.client.session import Login, end, login_of, revoke, step_away
from handover.client.sheets import without
from handover.terminal import calls
from handover.terminal.carrying import Carrier
from handover.terminal.login import present
from handover.terminal.screens.base import Base
from handover.terminal.screens.calling import Calling
from handover.terminal.screens.frame import Frame
from handover.terminal.screens.line import PAGES, Line, forget
from handover.terminal.screens.lock import Lock
from handover.terminal.screens.news import unsaid
from handover.terminal.screens.sending import told_refused
from handover.terminal.screens.unit import UnitScreen
from handover.terminal.tongue import language, plural, t
from handover.terminal.troubles import in_words

LOOK_EVERY_S = 1.0
RING_EVERY_S = 10.0
_ROSTERS = 12


class HandoverApp(Base):
    """The program."""

    BINDINGS: ClassVar = [
        Binding("ctrl+q", "leave", show=False, priority=True),
        Binding("ctrl+l", "lock", show=False, priority=True),
        Binding("ctrl+r", "draw_again", show=False, priority=True),
    ]

    def __init__(
        self,
        server: Server,
        lock_s: float | None,
        *,
        unit: str | None = None,
        establishment: str | None = None,
        insecure: bool = False,
    ) -> None:
        super().__init__(server, lock_s)
        self._wanted = (unit, establishment)
        self._insecure = insecure
        self._ear: Line | None = None
        self._listening: asyncio.Task[None] | None = None
        self._leaving: set[asyncio.Task[None]] = set()
        self._carrier = Carrier(server, self._went)
        self._last = ""
        self._waits = (0, 0)
        self._rang_at = 0.0
        self._newer: dict[str, dict[str, Any] | None] = {}
        """What was heard of pages since they were last asked for; None: it calls no more."""

    async def on_mount(self) -> None:
        """Whoever is logged in at this terminal, or the lock."""
        self.set_interval(LOOK_EVERY_S, self._look)
        login = present(self.station.server)
        if login is None:
            self.push_screen(Lock(insecure=self._insecure))
        else:
            await self._opens(login)

    # --- coming and going --------------------------------------------------------------------------------------------

    @on(Lock.Opened)
    async def _opened(self, event: Lock.Opened) -> None:
        await self._opens(event.login)

    async def _opens(self, login: Login) -> None:
        """Somebody sits down: the same person finds everything as it was, another finds nothing of it."""
        same = login.username == self._last
        unit = self.station.unit if same else None
        sheet = self.station.sheet if same else None
        self.station.sits_down(login)
        here = self.station.here
        self._last, self._touched = login.username, time.monotonic()
        self.station.unit, self.station.sheet = unit, sheet
        try:
            await self.reach(partial(self.station.find_units, *self._wanted))
        except Trouble as trouble:
            self.exit(message=in_words(trouble), return_code=2)
            return
        with self.batch_update():  # what another left below is not drawn, not for a moment
            while len(self.screen_stack) > 1 and (not same or isinstance(self.screen, Lock)):
                await self.pop_screen()
        if here is not self.station.here:
            return  # gone again before the server had answered
        self._hear()
        if not isinstance(self.screen, Frame):
            await self.push_screen(UnitScreen())
        self.beside(self._words(), "words")
        self.stale()
        self.changed()

    def lock(self, why: str = "") -> None:
        """Clears the screen and forgets the login. Notes that wait keep it, until they are sent, for nothing else."""
        here = self.station.here
        if here is None:
            return
        for screen in self.screen_stack:
            if hasattr(screen, "keep"):
                screen.keep()
        self._hear(stop=True)
        stays = False
        try:
            step_away(self.station.server, here.login.username)
        except OSError:
            stays = True
        unit, sheet = self.station.unit, self.station.sheet
        waits = bool(self.outbox.names())
        self.station.stands_up()
        self.station.unit, self.station.sheet = unit, sheet
        while isinstance(self.screen, Calling):
            self.pop_screen()
        locked = Lock(self._last, why or t("Locked."), insecure=self._insecure)
        self.push_screen(locked)
        # Not for whoever is here: somebody may sit down before it is done.
        leaves = self._leaves(here.login.username, unit.establishment if unit else None, locked, waits, stays=stays)
        self.run_worker(leaves, group="leaving")

    async def _leaves(self, username: str, place: str | None, locked: Lock, waits: bool, *, stays: bool) -> None:
        """The login ends. What it leaves behind is a pass for one question: must somebody act now? `stays`: the disk
        will not let go of it; then the server ends it, or the next command here would speak for who has gone."""
        if self.going:
            await asyncio.wait(self.going)
        if self.station.here is not None and self.station.here.login.username == username:
            return
        server, given = self.station.server, []

        def last(login: Login) -> None:
            given.append(pass_for(server, login, place) if place is not None else None)

        def ends() -> None:
            login, left = login_of(server, username), stays
            if not waits and not stays:
                try:
                    end(server, username, last)
                except OSError:
                    left = True
            elif login is not None and not stays:
                last(login)
            if left and login is not None:
                revoke(server, login)

        await asyncio.to_thread(ends)
        locked.listens(next(iter(given), None))

    def action_lock(self) -> None:
        """Locks at once."""
        self.lock()

    def action_help_quit(self) -> None:
        """Ctrl-C: nothing is lost by a habit of the fingers."""
        if isinstance(self.screen, Frame):
            self.screen.say(t("Ctrl-Q leaves the program; what you have begun is kept."))

    async def action_leave(self) -> None:
        """Ends the program; who is logged in stays so, as with every other command."""
        if self.going:
            if isinstance(self.screen, Frame):
                self.screen.say(t("A note is on its way, and kept nowhere. Wait for what comes of it."), loud=True)
            return
        for screen in self.screen_stack:
            if hasattr(screen, "keep"):
                screen.keep()
        self._hear(stop=True)
        for listening in list(self._leaving):
            await forget(listening)
        self.station.stands_up()
        self.exit()

    def _look(self) -> None:
        """Once a second: nobody there? Something to send, or kept by a command beside this? Somebody still calls?"""
        waits = self.not_sent(), self.refused()
        if waits != self._waits:
            self._waits = waits
            self.changed()
        if self.station.here is None:
            if not self.going:  # it would end a login that is kept for one of them alone
                self._carrier.go()
            return
        after = self.locks_after()
        if after and self.idle_s() >= after:
            self.lock(t("Locked: nobody has pressed a key for a while."))
        elif isinstance(self.screen, Calling) and time.monotonic() - self._rang_at >= RING_EVERY_S:
            self._ring()

    # --- what is heard -----------------------------------------------------------------------------------------------

    def _hear(self, *, stop: bool = False) -> None:
        if self._listening is not None:
            self._listening.cancel()
            # It still says goodbye to the server; until it has, its connection is open.
            self._leaving.add(self._listening)
            self._listening.add_done_callback(self._leaving.discard)
            self._listening = None
        self._newer = {}
        if not stop:
            self.station.news.waiting.clear()  # they are told again, from where the officer last looked
            self._ear = Line(self.station, self._heard, self.lock)
            self._listening = asyncio.create_task(self._ear.listen())

    def hear_again(self) -> None:
        """The server answers: the feed need not wait for its next try."""
        self._hear()

    def took_in(self) -> None:
        """The officer has looked at what is new."""
        self.station.news.take_in()
        if self._ear is not None:
            self._ear.seen()
        self.changed()

    def _heard(self, item: Heard) -> None:
        if not self.going:
            self._carrier.when_live(item)
        if isinstance(item, Event):
            self._event(item)
        elif isinstance(item, StateChange) and item.state is State.LIVE:
            self.beside(self._still_calling(), "pages", exclusive=True)
            self.stale()
        if self.station.unit is None and (
            isinstance(item, Heartbeat) or (isinstance(item, StateChange) and item.state is State.LIVE)
        ):
            self.beside(self._units(), "units", exclusive=True)
        self.changed()

    async def _units(self) -> None:
        """Which units there are, where nobody could say so when whoever sits here came."""
        with suppress(Trouble):
            await self.reach(partial(self.station.find_units, *self._wanted))
            self.beside(self._words(), "words")
            self.stale()
            self.changed()

    def _event(self, event: Event) -> None:
        data = event.raw.get("data")
        data = data if isinstance(data, dict) else {}
        if event.type in PAGES:
            self._page(event.type, data)
        for gone in unsaid(event):
            self.station.sheet = without(self.station.sheet, *gone)
            for screen in self.screen_stack:
                if isinstance(screen, Frame):
                    screen.forgets(*gone)
        # Also where a call stands before it: afterwards it is read on as it is then.
        below = next((one for one in reversed(self.screen_stack) if not isinstance(one, Calling)), None)
        hear = getattr(below, "hears", None)
        if hear is not None:
            hear(event)
        unit = self.station.unit
        if unit is not None and event.raw.get("unit") in (unit.code, None):
            self.stale()

    def _page(self, kind: str, page: dict[str, Any]) -> None:
        id_ = str(page.get("id"))
        if kind != "page.raised" or "kind" not in page:
            self._newer[id_] = None
            known = self.station.pages.pop(id_, None)
            if isinstance(self.screen, Calling):
                self.screen.settled(id_, page)
            elif known is not None and "kind" in page and isinstance(self.screen, Frame):
                self.screen.mentions(calls.page(kind, known | page, self.station.reader)[0].plain)
            return
        self._newer[id_] = self.station.pages[id_] = page
        self._ring()
        if page.get("kind") == "ACT_NOW":
            if isinstance(self.screen, Calling):
                self.screen.calls_too(page)
            else:
                self.push_screen(Calling(page))

    async def _still_calling(self) -> None:
        """What was raised while nobody looked calls as soon as somebody does."""
        here, unit = self.station.desk, self.station.unit
        wanted = {"state": "RAISED", "establishment": unit.establishment if unit else None}
        newer = self._newer = {}
        try:
            found = await self.reach(lambda: list(every(here.api, "/v1/pages", wanted))[::-1])
        except Trouble:
            return
        if here is not self.station.here:
            return
        calls = {str(page["id"]): page for page in found} | newer  # what came while it was on its way is newer
        known, self.station.pages = self.station.pages, {}
        for id_, page in calls.items():
            if page is not None and id_ in known:
                self.station.pages[id_] = page
            elif page is not None:
                self._page("page.raised", page)
        self.changed()

    async def _words(self) -> None:
        """The newest code lists, and who is who."""
        here = self.station.desk
        with suppress(Trouble):
            lists = await self.reach(partial(lists_for, here.api, language()))
            if here is self.station.here and lists:
                self.station.lists = lists
        with suppress(Trouble):
            roster = await self.reach(partial(self.station.roster_of, list(self.station.units[:_ROSTERS])))
            if here is self.station.here:
                self.station.roster = roster
                self.changed()

    def _ring(self) -> None:
        self._rang_at = time.monotonic()
        self.bell()

    def _went(self, rounds: list[Round]) -> None:
        screen = self.screen_stack[-1] if self.screen_stack else None  # none: the program has ended meanwhile
        if not isinstance(screen, Frame) or self.station.here is None:
            return
        sent = sum(len(one.sent) for one in rounds)
        refused = [one for went in rounds for one in went.refused]
        if refused:
            screen.say(told_refused(len(refused), refused[0]), loud=True)
        elif sent:
            screen.say(plural("Sent: {n} note that waited here.", "Sent: {n} notes that waited here.", sent))
        self.changed()
