"""The lock: an empty screen that asks who is there. Nothing is lost behind it, nobody reads or writes through it; it
says that somebody must act now, and in which unit."""

import asyncio
import time
from collections.abc import Iterable
from textwrap import wrap
from typing import ClassVar

from rich.text import Text
from textual.containers import Horizontal
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from handover.client import seats
from handover.client.calls import calling
from handover.client.refusals import DiskFails, ServerRefused, Trouble
from handover.client.session import Login
from handover.terminal.login import safe, sit_down
from handover.terminal.screens.frame import Frame
from handover.terminal.screens.lines import Lines
from handover.terminal.speech import plain
from handover.terminal.tongue import later, t
from handover.terminal.troubles import in_words

HEAR_S, RING_S = 5.0, 10.0
_FIELDS = 14


class Lock(Frame):
    """Who is there? Name, and password or PIN; the name of whoever was there last stands there already."""

    KEYS = later("Enter log in · Up another name · Ctrl-P password, no PIN · Ctrl-Q leave")
    DO: ClassVar = {
        "up": "to_name",
        "shift+tab": "to_name",
        "down": "to_password",
        "tab": "to_password",
        "ctrl+p": "password_instead",
        "enter": "entered",
    }

    class Opened(Message):
        """Somebody has logged in."""

        def __init__(self, login: Login) -> None:
            super().__init__()
            self.login = login

    def __init__(self, last: str = "", why: str = "", *, insecure: bool = False) -> None:
        super().__init__()
        self._last = last
        self._why = why
        self._insecure = insecure
        self._busy = False
        self._plain = False  # the password although a PIN would do
        self._pass: str | None = None
        self._asking: asyncio.Task[None] | None = None
        self._rang_at = 0.0
        self._words = ""

    def body(self) -> Iterable[Widget]:
        """Two lines to fill in."""
        yield Lines(id="told")
        with Horizontal(classes="asked"):
            yield Lines(id="ask-name")
            yield Input(self._last, id="name", select_on_focus=False)
        with Horizontal(classes="asked"):
            yield Lines(id="ask-password")
            yield Input(password=True, id="password", select_on_focus=False)
        yield Lines(id="rest")

    def opened(self) -> None:
        """Says why, and waits."""
        for id_ in ("#ask-name", "#ask-password"):
            words = (t("name"), t("password"), t("PIN"))
            self.query_one(id_).styles.width = max(_FIELDS, 4 + max(len(one) for one in words))
        self.query_one("#told").styles.height = 5
        self.query_one("#rest").styles.height = "1fr"
        self.query_one("#told", Lines).put(["", *self._told(), ""])
        self.query_one("#ask-name", Lines).put(["  " + t("name")])
        self.edited()
        self.to("password" if self._last else "name")
        if self._last:
            self._calls(self._words)
            self.set_interval(HEAR_S, self._hear)

    def _told(self) -> list[str]:
        lines = [f"  {self._why}"] if self._why else []
        if self._last:
            kept = t("What was written is kept, for its author. Nothing of anybody is shown while it is locked.")
            lines += [f"  {line}" for line in wrap(kept, 74)]
        return lines

    # --- who comes ---------------------------------------------------------------------------------------------------

    def to(self, field: str) -> None:
        """To the name or the password."""
        line = self.query_one(f"#{field}", Input)
        self.set_focus(line)
        if field == "name":
            line.select_all()

    def to_name(self) -> None:
        """To the name; there, to the next of those who were here this shift."""
        names = seats.names(self.station.server)
        if self.focused is not None and self.focused.id == "name" and names:
            at = names.index(self._whose) if self._whose in names else -1
            self.query_one("#name", Input).value = names[(at + 1) % len(names)]
            self._plain = False
            self.edited()
        self.to("name")

    def to_password(self) -> None:
        """To the password."""
        self.to("password")

    def password_instead(self) -> None:
        """The password, although a PIN would do."""
        self._plain = not self._plain
        self.edited()
        self.to("password")

    @property
    def _whose(self) -> str:
        return self.query_one("#name", Input).value.strip().lower()

    @property
    def _by_pin(self) -> bool:
        return not self._plain and seats.of(self.station.server, self._whose) is not None

    def edited(self) -> None:
        """What is asked for is what whoever is named may come in by."""
        self.query_one("#ask-password", Lines).put(["  " + (t("PIN") if self._by_pin else t("password"))])

    def entered(self) -> None:
        """Enter: from the name to the password, from there in."""
        if self.focused is not None and self.focused.id == "name":
            self.to("password")
        elif not self._busy:
            self._busy = True
            secret = self.query_one("#password", Input)
            self.work(self._log_in(self._whose, secret.value, pin=self._by_pin))
            secret.value = ""

    async def _log_in(self, name: str, secret: str, *, pin: bool) -> None:
        self.say(t("One moment …"))
        try:
            safe(self.station.server, insecure=self._insecure)
            login = await asyncio.to_thread(sit_down, self.station.server, name, secret, pin=pin)
        except ServerRefused as refused:
            wait = (
                " " + t("Try again in {seconds} s.", seconds=round(refused.retry_after)) if refused.retry_after else ""
            )
            self.say(f"{in_words(refused)}{wait}", loud=True)
        except Trouble as trouble:
            self.say(in_words(trouble), loud=True)
        except OSError as error:
            self.say(in_words(DiskFails(self.station.server.url, error)), loud=True)
        else:
            self.post_message(self.Opened(login))
        finally:
            self._busy = False
            if self.stands:
                self.edited()

    # --- what is heard meanwhile -------------------------------------------------------------------------------------

    def listens(self, given: str | None) -> None:
        """From here on it asks whether something calls; without a pass it says that it hears nothing."""
        self._pass = given
        if given is None:
            self._calls(t("This locked screen hears no calls. Use the radio."))
        else:
            self._hear()

    def _hear(self) -> None:
        if self._pass is not None and self._asking is None and self.stands:
            self._asking = asyncio.create_task(self._ask(self._pass))

    def on_unmount(self) -> None:
        """Whoever is in hears for himself."""
        if self._asking is not None:
            self._asking.cancel()

    async def _ask(self, given: str) -> None:
        try:
            units = await asyncio.to_thread(calling, self.station.server, given)
        except Exception:  # noqa: BLE001 - whatever it is: nothing is heard, which is said, and it is asked again
            words = t("Not connected: this locked screen hears no calls. Use the radio.")
        else:
            if units is None:
                self._pass, words = None, t("This locked screen hears no calls. Use the radio.")
            elif units:
                where = ", ".join(units)
                words = t("ACT NOW in unit {units}: somebody must go. Log in to see what it is.", units=where)
                self._ring()
            else:
                words = ""
        self._asking = None
        self._calls(words)

    def _ring(self) -> None:
        if time.monotonic() - self._rang_at >= RING_S and self.stands:
            self._rang_at = time.monotonic()
            self.app.bell()

    def _calls(self, words: str) -> None:
        self._words = words
        if self.stands:
            lines = [Text(plain(f" {line} "), style="bold reverse") for line in wrap(words, 74)]
            self.query_one("#rest", Lines).put(["", *lines])
