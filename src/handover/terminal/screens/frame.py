"""What every screen has: two lines at the top, one to say what came of a key, and one that names the keys."""

import time
from collections.abc import Callable, Coroutine, Hashable, Iterable, Mapping
from typing import Any, ClassVar, TypeVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, TextArea

from handover.client.refusals import NotLoggedIn, Trouble
from handover.terminal.desk import Desk
from handover.terminal.screens import head_words
from handover.terminal.screens.base import Base
from handover.terminal.screens.letters import edit
from handover.terminal.screens.lines import Lines, Rows
from handover.terminal.screens.station import Station
from handover.terminal.speech import plain
from handover.terminal.tongue import t
from handover.terminal.troubles import in_words

T = TypeVar("T")
READING_S = 5.0


class Head(Lines):
    """The two lines at the top."""


class Say(Lines):
    """What came of the last key."""


class Keys(Lines):
    """The keys, in words."""


class Frame(Screen[Any]):
    """A screen of the program."""

    AUTO_FOCUS = ""
    KEYS = ""
    DO: ClassVar[Mapping[str, str]] = {}
    """Keys and the method each calls, at once and before any widget hears of it."""

    def __init__(self) -> None:
        super().__init__()
        self._ready = False
        self._ending: list[Any] = []
        self._said_at = 0.0
        self._loud = False
        self._said_of: str | None = None
        self._stood = False
        self._ahead: list[events.Key | events.Paste] = []
        self._doing: Desk | None = None
        self._then: Callable[[Any], object] | None = None

    def compose(self) -> ComposeResult:
        """Top, body, what is said, keys."""
        yield Head()
        yield from self.body()
        yield Say()
        yield Keys()

    def body(self) -> Iterable[Widget]:
        """What lies between."""
        raise NotImplementedError

    @property
    def base(self) -> Base:
        """The program."""
        assert isinstance(self.app, Base)  # noqa: S101 - for the type checker
        return self.app

    @property
    def station(self) -> Station:
        """What this terminal knows."""
        return self.base.station

    def on_mount(self) -> None:
        """The first look."""
        self._stood = True
        self.keys(self.KEYS)
        for rows in self.query(Rows):
            self.set_focus(rows)
        self.opened()
        self.changed()
        self._ready = True
        ahead, self._ahead = self._ahead, []
        for event in ahead:  # one may have led on: the next are for the screen that stands there then
            self.base.goes_in(event)

    def on_resize(self) -> None:
        """What there is room for at the top is a matter of the width."""
        self.changed()

    @property
    def stands(self) -> bool:
        """Whether there is a screen to draw on: from the moment it is put together until it begins to be taken away.
        What was on it goes before the screen itself is told."""
        return self._stood and bool(self.display)

    def opened(self) -> None:
        """What a screen does at first. A method of its own: the toolkit calls each class's `on_mount`, base last."""

    def feed(self, event: events.Key | events.Paste) -> bool:
        """A key was pressed; answers whether that was all. What was typed before the screen stood waits for it."""
        if not self._ready:
            self._ahead.append(event)
            return True
        if isinstance(event, events.Key):
            return self.takes(event)
        self.pasted(event.text)
        return True

    def pasted(self, text: str) -> None:
        """Words from elsewhere: all of them, also where there is one line."""
        focused = self.focused
        if isinstance(focused, Input):
            lines = text.splitlines()
            text = lines[0] if len(lines) == 1 else " ".join(one.strip() for one in lines if one.strip())
        if isinstance(focused, Input | TextArea):
            focused.replace(text, *focused.selection)
            self.edited()

    def takes(self, event: events.Key) -> bool:
        """Does at once what the key stands for; answers whether it stands for anything here."""
        name, focused = self.DO.get(event.key.lower()), self.focused  # in capitals, too: Caps Lock stays on unseen
        if event.key == "escape" and self.does_something:
            self.say(t("One moment …"))  # whoever left would not hear what came of it, or hear that nothing did
            return True
        if name is not None:
            getattr(self, name)()
            return True
        if isinstance(focused, Input | TextArea) and edit(focused, event):
            self.edited()
            return True
        if isinstance(focused, Rows) and event.key == "enter":
            if focused.key is not None:
                self.chosen(focused.key)
            return True
        if isinstance(focused, Rows) and focused.takes(event.key):
            return True
        return event.key in ("tab", "shift+tab")  # never away from the line in which somebody types

    def chosen(self, key: Hashable) -> None:
        """Enter was pressed on a row that has a key."""

    def edited(self) -> None:
        """A letter was typed or taken out."""

    def on_screen_resume(self) -> None:
        """Back on the screen: what stands at the top may have changed meanwhile."""
        if self._ending and self.is_active:
            self.dismiss(self._ending[0])
            return
        self.changed()

    def over(self, screen: "Frame", then: Callable[[Any], object] | None = None) -> None:
        """Puts a screen before this one; what it answers is dealt with when it goes."""
        screen._then = then
        self.app.push_screen(screen)

    def dismiss(self, result: Any = None) -> AwaitComplete:
        """Goes back. By the next key, what it answers has been dealt with: that key is for the screen that follows."""
        gone, then = super().dismiss(), self._then
        self._then = None
        if then is not None:
            then(result)
        return gone

    def ends(self, result: Any) -> None:
        """Goes back with a result that took its time: at once, or when a page no longer stands before it."""
        if self.is_active:
            self.dismiss(result)
        else:
            self._ending = [result]

    def changed(self) -> None:
        """Draws the top again."""
        if not self.stands or not self.query(Head):
            return
        drafts = len(self.base.drafts.names()) if self.station.here else 0
        width = self.size.width or 80
        unsent = self.base.not_sent(), self.base.refused()
        sight = head_words.self_and_sight(self.station, unsent, drafts, width)
        self.query_one(Head).put([head_words.place(self.station, width), sight])

    def forgets(self, note: str, status: str) -> None:
        """A note, or a need, was taken back or corrected: its words go from the screen at once, and nothing else moves.
        The needs of a note that was corrected go on."""
        corrected = status == "CORRECTED"
        words = t("(corrected since)") if corrected else t("(taken back)")
        for rows in self.query(Rows):
            rows.forget(note, words, needs=not corrected)
        if note == self._said_of:
            self.say("")
            self._said_at = 0.0

    def keys(self, words: str) -> None:
        """Names the keys that do something now."""
        self.query_one(Keys).put([f" {t(words)}"])

    def say(self, words: str | Text, *, loud: bool = False, of: str | None = None) -> None:
        """Says something until the next thing is said, or the note it is `of` is taken back."""
        if not self.stands:
            return
        self._said_at, self._loud, self._said_of = time.monotonic(), loud, of
        text = words if isinstance(words, Text) else Text(plain(words).replace("\n", " "))
        self.query_one(Say).put([Text.assemble((f" {text.plain} ", "bold reverse")) if loud else text])

    def whisper(self, words: str, *, of: str | None = None) -> None:
        """Says something, unless the officer is still reading what came of the last key."""
        if time.monotonic() - self._said_at > READING_S:
            self.say(words, of=of)
            self._said_at = 0.0

    def mentions(self, words: str) -> None:
        """Says something in place of what came of the last key, unless that was said loudly and is still being read."""
        (self.whisper if self._loud else self.say)(words)

    def work(self, work: Coroutine[Any, Any, None]) -> None:
        """Does something that may have to wait for the server, beside the keyboard."""
        self.base.beside(work, f"work-{type(self).__name__}")

    @property
    def does_something(self) -> bool:
        """Whether something that counts is on its way."""
        return self._doing is not None and self._doing is self.station.here

    def once(self, work: Coroutine[Any, Any, None]) -> None:
        """Does something that counts. The key again, while that is on its way, does it no second time."""
        if self.does_something:
            work.close()
            self.say(t("One moment …"))
            return
        here = self._doing = self.station.here

        def done() -> None:
            if self._doing is here:
                self._doing = None

        self.base.beside(work, f"work-{type(self).__name__}", after=done)

    async def ask(self, work: Callable[[], T], *, quietly: bool = False) -> T | None:
        """What the server answers; None where it said no or nothing, and then that has been said; `quietly`: unless
        the officer is still reading something."""
        here = self.station.here
        try:
            return await self.base.reach(work)
        except NotLoggedIn as ended:
            if here is self.station.here:
                self.base.lock(in_words(ended))
        except Trouble as trouble:
            if here is self.station.here and self.stands:
                self.whisper(in_words(trouble)) if quietly else self.say(in_words(trouble), loud=True)
        return None
