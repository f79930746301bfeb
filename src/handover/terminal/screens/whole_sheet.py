"""The whole sheet, as `handover sheet` has it."""

from collections.abc import Iterable
from typing import ClassVar

from textual.widget import Widget

from handover.terminal.screens.frame import Frame
from handover.terminal.screens.lines import Row, Rows, row
from handover.terminal.sheet_words import SheetWords
from handover.terminal.tongue import later, t


class WholeSheet(Frame):
    """All of it, to be read."""

    KEYS = later("m all notes · Space next page · Esc back")
    DO: ClassVar = {"escape": "away", "m": "more"}

    def __init__(self) -> None:
        super().__init__()
        self._every = False

    def body(self) -> Iterable[Widget]:
        """One text."""
        yield Rows(id="sheet")

    def opened(self) -> None:
        """As it was last fetched."""
        self._draw()

    def more(self) -> None:
        """Older notes, too."""
        self._every = True
        self._draw()

    def forgets(self, note: str, status: str) -> None:
        """It is one text, and the station's sheet has not got the words any more."""
        del note, status
        self._draw()

    def away(self) -> None:
        """Back."""
        self.dismiss(None)

    def _draw(self) -> None:
        sheet, unit = self.station.sheet, self.station.unit
        if sheet is None or unit is None:
            self.query_one(Rows).show([row("  " + t("The unit has not been fetched yet."))])
            return
        words = SheetWords(sheet, unit, self.station.reader, self._every)
        self.query_one(Rows).show([Row(line) for line in words.lines()])
