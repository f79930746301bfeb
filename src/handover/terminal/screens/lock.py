"""The lock: an empty screen that asks who is there. Nothing is lost behind it, nobody reads or writes through it."""

import asyncio
from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.containers import Horizontal
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from handover.client.refusals import ServerRefused, Trouble
from handover.client.session import Login
from handover.terminal.login import safe, sit_down
from handover.terminal.screens.bound import bound
from handover.terminal.screens.frame import Frame, in_words
from handover.terminal.screens.lines import Lines


class Lock(Frame):
    """Who is there? Name and password; the name of whoever was there last stands there already."""

    KEYS = "Enter: log in · Up: another name · Ctrl-Q: leave the program"
    BINDINGS: ClassVar = bound(
        ("up,shift+tab", "to('name')"),
        ("down,tab", "to('password')"),
        first=True,
    )

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
            yield Input(self._last, id="name", select_on_focus=True)
        with Horizontal(classes="asked"):
            yield Lines(id="ask-password")
            yield Input(password=True, id="password")
        yield Lines(id="rest")

    def on_mount(self) -> None:
        """Says why, and waits."""
        super().on_mount()
        for id_ in ("#ask-name", "#ask-password"):
            self.query_one(id_).styles.width = 12
        self.query_one("#told").styles.height = 5
        self.query_one("#rest").styles.height = "1fr"
        self.query_one("#told", Lines).put(["", *self._told(), ""])
        self.query_one("#ask-name", Lines).put(["  name"])
        self.query_one("#ask-password", Lines).put(["  password"])
        self.action_to("password" if self._last else "name")

    def _told(self) -> list[str]:
        lines = [f"  {self._why}"] if self._why else []
        lines.append("  What was written is kept. Nothing is heard here while nobody is logged in:")
        lines.append("  pages reach the other screens. Use the radio.")
        return lines

    def action_to(self, field: str) -> None:
        """To the name or the password."""
        self.query_one(f"#{field}", Input).focus()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        if event.input.id == "name":
            self.action_to("password")
        elif not self._busy:
            self._busy = True
            self.work(self._log_in())

    async def _log_in(self) -> None:
        name, password = (self.query_one(f"#{one}", Input).value for one in ("name", "password"))
        self.query_one("#password", Input).value = ""
        self.say("One moment …")
        try:
            safe(self.station.server, insecure=self._insecure)
            login = await asyncio.to_thread(sit_down, self.station.server, name.strip(), password)
        except ServerRefused as refused:
            wait = f" Try again in {refused.retry_after:.0f} s." if refused.retry_after else ""
            self.say(f"{in_words(refused)}{wait}", loud=True)
        except Trouble as trouble:
            self.say(in_words(trouble), loud=True)
        else:
            self.post_message(self.Opened(login))
        finally:
            self._busy = False
