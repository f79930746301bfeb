"""A note that is ACT NOW and has not left reaches nobody. This says so until the author has read it."""

from collections.abc import Iterable
from typing import ClassVar

from rich.text import Text
from textual.widget import Widget

from handover.terminal.screens.frame import Frame
from handover.terminal.screens.lines import Row, Rows, row
from handover.terminal.tongue import later, t


class Radio(Frame):
    """Use the radio. It may come in the middle of a sentence: no letter of that has read it."""

    KEYS = later("Ctrl-G: I use the radio now")
    DO: ClassVar = {"ctrl+g": "understood"}

    def __init__(self, many: int, why: str) -> None:
        super().__init__()
        self._many = many
        self._why = why

    def body(self) -> Iterable[Widget]:
        """Large enough to be seen from the door."""
        yield Rows(id="radio")

    def opened(self) -> None:
        """With the bell."""
        rows = [row("")] * 3
        for words in ("", t("NOT SENT. NOBODY HAS SEEN THIS."), "", t("USE THE RADIO. NOW."), ""):
            rows.append(Row(Text(f"{words:^76}", style="bold reverse")))
        rows += [row(""), row(f"  {self._why}")]
        rows.append(
            row("  " + t("It is kept here and goes by itself when the network is back. Not sent: {n}", n=self._many))
        )
        self.query_one(Rows).show(rows)
        self.app.bell()

    def understood(self) -> None:
        """Back to what one was doing."""
        self.app.pop_screen()
