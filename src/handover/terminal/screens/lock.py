"""The lock: an empty screen that asks who is there. Nothing is lost behind it, nobody reads or writes through it."""

import asyncio
from collections.abc import Iterable
from textwrap import wrap
from typing import ClassVar

from textual.containers import Horizontal
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from handover.client.refusals import ServerRefused, Trouble
from handover.client.session import Login
from handover.terminal.login import safe, sit_down
from handover.terminal.screens.frame import Frame
from handover.terminal.screens.lines import Lines
from handover.terminal.tongue import later, t
from handover.terminal.troubles import in_words


class Lock(Frame):
    """Who is there? Name and password; the name of whoever was there last stands there already."""

    KEYS = later("Enter: log in · Up: another name · Ctrl-Q: leave the program")
    DO: ClassVar = {
        "up": "to_name",
        "shift+tab": "to_name",
        "down": "to_password",
        "tab": "to_password",
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
            self.query_one(id_).styles.width = max(12, 4 + max(len(t("name")), len(t("password"))))
        self.query_one("#told").styles.height = 5
        self.query_one("#rest").styles.height = "1fr"
        self.query_one("#told", Lines).put(["", *self._told(), ""])
        self.query_one("#ask-name", Lines).put(["  " + t("name")])
        self.query_one("#ask-password", Lines).put(["  " + t("password")])
        self.to("password" if self._last else "name")

    def _told(self) -> list[str]:
        lines = [f"  {self._why}"] if self._why else []
        if self._last:
            kept = t(
                "What was written is kept, for its author. While it is locked, this screen hears nothing: pages "
                "reach the other screens."
            )
            lines += [f"  {line}" for line in wrap(kept, 74)]
        return lines

    def to(self, field: str) -> None:
        """To the name or the password."""
        line = self.query_one(f"#{field}", Input)
        self.set_focus(line)
        if field == "name":
            line.select_all()

    def to_name(self) -> None:
        """To the name."""
        self.to("name")

    def to_password(self) -> None:
        """To the password."""
        self.to("password")

    def entered(self) -> None:
        """Enter: from the name to the password, from there in."""
        if self.focused is not None and self.focused.id == "name":
            self.to("password")
        elif not self._busy:
            self._busy = True
            name, password = (self.query_one(f"#{one}", Input) for one in ("name", "password"))
            self.work(self._log_in(name.value.strip(), password.value))
            password.value = ""

    async def _log_in(self, name: str, password: str) -> None:
        self.say(t("One moment …"))
        try:
            safe(self.station.server, insecure=self._insecure)
            login = await asyncio.to_thread(sit_down, self.station.server, name, password)
        except ServerRefused as refused:
            wait = (
                " " + t("Try again in {seconds} s.", seconds=round(refused.retry_after)) if refused.retry_after else ""
            )
            self.say(f"{in_words(refused)}{wait}", loud=True)
        except Trouble as trouble:
            self.say(in_words(trouble), loud=True)
        else:
            self.post_message(self.Opened(login))
        finally:
            self._busy = False
