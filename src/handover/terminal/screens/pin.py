"""Choosing a PIN: it brings its officer back to a terminal at which he or she gave the password in this shift."""

from collections.abc import Iterable
from functools import partial
from textwrap import wrap
from typing import ClassVar

from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input

from handover.client.pins import choose
from handover.schemas.accounts import PinDraft
from handover.terminal.screens.frame import Frame
from handover.terminal.screens.lines import Lines
from handover.terminal.tongue import later, t

_FIELDS = {"password": later("password"), "pin": later("PIN"), "again": later("again")}


class PinScreen(Frame):
    """Password, PIN, the PIN again."""

    KEYS = later("Enter: next, then take it · Ctrl-X: I want no PIN any more · Esc: back")
    DO: ClassVar = {
        "enter": "onward",
        "tab": "onward",
        "down": "onward",
        "up": "back",
        "shift+tab": "back",
        "ctrl+x": "gives_up",
        "escape": "away",
    }

    def body(self) -> Iterable[Widget]:
        """What it is for, three lines to fill in."""
        yield Lines(id="told")
        for field in _FIELDS:
            with Horizontal(classes="asked"):
                yield Lines(id=f"ask-{field}")
                yield Input(password=True, id=field, select_on_focus=False)
        yield Lines(id="rest")

    def opened(self) -> None:
        """Says what it is for."""
        told = (
            t("With a PIN of 6 to 12 digits you come back quickly to a terminal at which you gave your password.")
            + " "
            + t("After some hours, or five wrong ones, the password is wanted again.")
            + " "
            + t("Colleagues see your fingers: no birthday, no line on the keypad, not the PIN of your bank card.")
        )
        lines = ["", *(f"  {line}" for line in wrap(told, 74)), ""]
        self.query_one("#told").styles.height = len(lines)
        self.query_one("#told", Lines).put(lines)
        width = 4 + max(len(t(words)) for words in _FIELDS.values())
        for field, words in _FIELDS.items():
            self.query_one(f"#ask-{field}").styles.width = width
            self.query_one(f"#ask-{field}", Lines).put([f"  {t(words)}"])
        self.query_one("#rest").styles.height = "1fr"
        self._to("password")

    def _to(self, field: str) -> None:
        self.set_focus(self.query_one(f"#{field}", Input))

    def _step(self, step: int) -> bool:
        fields = list(_FIELDS)
        at = fields.index(str(self.focused.id)) + step if self.focused is not None else 0
        if 0 <= at < len(fields):
            self._to(fields[at])
            return True
        return False

    def onward(self) -> None:
        """To the next line, and from the last one: this is it."""
        if not self._step(1):
            password, pin, again = (self.query_one(f"#{field}", Input).value for field in _FIELDS)
            if pin != again:
                self.say(t("These two are not the same."), loud=True)
            else:
                self._takes(password, pin)

    def back(self) -> None:
        """To the line before."""
        self._step(-1)

    def gives_up(self) -> None:
        """No PIN any more."""
        password = self.query_one("#password", Input).value
        if password:
            self._takes(password, None)
        else:
            self.say(t("Type your password first."))
            self._to("password")

    def away(self) -> None:
        """Never mind."""
        self.dismiss(None)

    def _takes(self, password: str, pin: str | None) -> None:
        if password and pin != "":
            self.once(self._choose(PinDraft(password=password, pin=pin)))
        else:
            self.say(t("Type your password, and a PIN twice."), loud=True)

    async def _choose(self, draft: PinDraft) -> None:
        here = self.station.desk
        done = await self.ask(partial(_chosen, partial(choose, here.server, here.api, here.login.username, draft)))
        if done:
            gone = t("Your PIN is gone, everywhere.")
            self.ends(gone if draft.pin is None else t("From now on this PIN brings you back here."))


def _chosen(ask: "partial[None]") -> bool:
    ask()
    return True
