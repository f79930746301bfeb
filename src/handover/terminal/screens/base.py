"""The program as its screens know it: the station, what is asked of the server beside the keyboard, and the lock."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, ClassVar, TypeVar

from textual import events
from textual.app import App
from textual.binding import Binding

from handover.client.drafts import Drafts
from handover.client.outbox import Outbox
from handover.client.refusals import NotLoggedIn, Trouble
from handover.client.sending import waiting_by_author
from handover.client.server import Server
from handover.terminal.desk import Desk
from handover.terminal.screens.driver import Sparing
from handover.terminal.screens.station import Station
from handover.terminal.screens.style import CSS
from handover.terminal.tongue import t
from handover.terminal.troubles import in_words

T = TypeVar("T")

USUAL_LOCK_S = 180.0
FETCH_AFTER_S, FETCH_EVERY_S = 0.15, 1.0
"""How long changes are gathered before the sheet is fetched again, and how often at most."""


class Base(App[None]):
    """One terminal, from the login to the end."""

    CSS = CSS
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar = []

    def __init__(self, server: Server, lock_s: float | None) -> None:
        super().__init__(ansi_color=True, driver_class=Sparing)
        self.animation_level = "none"
        self.station = Station(server)
        self.lock_s = lock_s
        self.fault: Exception | None = None
        self._touched = time.monotonic()
        self._fetching = False
        self._again = False
        self._sheet_at = 0.0
        self._asked = self._came = 0
        self.going: set[asyncio.Future[Any]] = set()
        """Notes on their way that are kept nowhere: until it is known what came of them the program stays, and every
        login with it."""
        self._own_keys = frozenset(one.key for one in self.BINDINGS if isinstance(one, Binding))

    # --- who sits here -----------------------------------------------------------------------------------------------

    @property
    def outbox(self) -> Outbox:
        """The notes of whoever sits here that have not been sent."""
        return Outbox(self.station.server, self.station.desk.login.username)

    @property
    def drafts(self) -> Drafts:
        """The notes he or she has begun."""
        return Drafts(self.station.server, self.station.desk.login.username)

    def not_sent(self) -> int:
        """How many notes wait here, whoever wrote them."""
        return sum(waiting_by_author(self.station.server).values())

    def refused(self) -> int:
        """How many notes of whoever sits here were refused after they had waited, and are not dealt with."""
        return len(self.outbox.refused_names()) if self.station.here else 0

    def lock(self, why: str = "") -> None:
        """Clears the screen and forgets the login."""
        raise NotImplementedError

    async def on_event(self, event: events.Event) -> None:
        """Whoever presses a key is there."""
        if isinstance(event, events.Key | events.Paste):
            self._touched = time.monotonic()
            # Before anything that waits in a queue: who types fast must find each key where it was meant to go.
            # One that a widget passed on has been here before, and another screen may stand there by now.
            # The program's own keys are no screen's: whoever has to leave can, in the middle of whatever it is.
            own = isinstance(event, events.Key) and event.key in self._own_keys
            if not own and not event.is_forwarded and self._feeds(event):
                return
        await super().on_event(event)

    def goes_in(self, event: events.Key | events.Paste) -> None:
        """What had to wait, to whichever screen stands there now."""
        if not self._feeds(event):
            (self.focused or self.screen)._forward_event(event)

    def _feeds(self, event: events.Key | events.Paste) -> bool:
        feed = getattr(self.screen, "feed", None) if self.screen_stack else None
        return feed is not None and feed(event)

    def took_in(self) -> None:
        """The officer has looked at what is new."""
        raise NotImplementedError

    def hear_again(self) -> None:
        """The server answers: the feed need not wait for its next try."""
        raise NotImplementedError

    def locks_after(self) -> float:
        """Seconds without a key until the lock: as this terminal was started, else as the prison says; 0: never."""
        rule = self.station.here.login.me.screen if self.station.here is not None else None
        return self.lock_s if self.lock_s is not None else rule.lock_s if rule is not None else USUAL_LOCK_S

    def idle_s(self) -> float:
        """How long no key was pressed."""
        return time.monotonic() - self._touched

    # --- what is known -----------------------------------------------------------------------------------------------

    def action_draw_again(self) -> None:
        """After noise on the line, or what another program has written over it."""
        if isinstance(self._driver, Sparing):
            self._driver.forget()
        self.refresh(repaint=True, layout=True)
        self.screen.refresh(repaint=True, layout=True)

    def beside(
        self,
        work: Coroutine[Any, Any, None],
        group: str = "default",
        *,
        exclusive: bool = False,
        after: Callable[[], None] = lambda: None,
    ) -> None:
        """Runs something beside the keyboard: nothing that waits for a network may hold up a key."""
        self.run_worker(self._for(self.station.here, work, after), group=group, exclusive=exclusive)

    async def _for(self, here: Desk | None, work: Coroutine[Any, Any, None], after: Callable[[], None]) -> None:
        """Does something for whoever sits here now. Once he or she has gone, it ends wherever it has come to, or is not
        begun: the screen it was for is no more, and the lock must not become anybody's crash."""
        if here is not self.station.here:
            work.close()
            return
        try:
            await work
        except Exception:  # whatever it was: what it was for is gone
            if here is self.station.here:
                raise
        finally:
            after()

    def stale(self) -> None:
        """Something has changed: the sheet is fetched again, soon and not too often."""
        if self._fetching:
            self._again = True
            return
        self._fetching = True
        self.beside(self._fetch(), "sheet")

    async def fetch_now(self) -> bool:
        """Fetches the sheet; says whether that worked."""
        unit, here = self.station.unit, self.station.here
        if unit is None or here is None:
            return False
        self._asked += 1
        mine = self._asked
        try:
            found = await self.reach(partial(self.station.fetch_sheet, here, unit))
        except NotLoggedIn as ended:
            if here is self.station.here:
                self.lock(in_words(ended))
            return False
        except Trouble:
            return False
        if here is not self.station.here or unit != self.station.unit:
            return False
        if mine > self._came:  # else it was overtaken on its way by one that was asked for later
            self._came, self.station.sheet = mine, found
            self.changed()
        return True

    async def reach(self, work: Callable[[], T]) -> T:
        """What the server answers, asked for beside the screen."""
        # To its end, even if the screen that wanted to know goes away: only then can the connection be closed.
        return await asyncio.shield(self.asks(work))

    def asks(self, work: Callable[[], T]) -> "asyncio.Future[T]":
        """The same, from now on: whoever locks at once has asked it all the same."""
        connection = self.station.connection
        if connection is None:
            raise NotLoggedIn(t("Nobody is there any more."))
        connection.begins()
        asked = asyncio.get_running_loop().run_in_executor(None, connection.carry, work)
        asked.add_done_callback(_heard)
        return asked

    async def _fetch(self) -> None:
        try:
            while True:
                self._again = False
                await asyncio.sleep(max(FETCH_AFTER_S, self._sheet_at + FETCH_EVERY_S - time.monotonic()))
                self._sheet_at = time.monotonic()
                await self.fetch_now()
                if not self._again:
                    return
        finally:
            self._fetching = False

    def changed(self) -> None:
        """What stands at the top may be different now."""
        hook = getattr(self.screen, "changed", None) if self.is_running and self.screen_stack else None
        if hook is not None:
            hook()

    def _fatal_error(self) -> None:
        # An officer never sees a trace, and a trace could carry a note's text: the command says it in a sentence.
        self.fault = self._exception if isinstance(self._exception, Exception) else None
        self._close_messages_no_wait()


def _heard(asked: "asyncio.Future[Any]") -> None:
    """What went wrong after everybody who wanted to know had gone is nobody's to hear."""
    if not asked.cancelled():
        asked.exception()
