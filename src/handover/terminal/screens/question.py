"""One question on one line, under what it is about."""

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input

from handover.terminal.screens.frame import Frame
from handover.terminal.screens.lines import Lines, Row, Rows
from handover.terminal.tongue import later, t


class Asking(Frame):
    """A screen with such questions. Words that were not taken, as without a network, stand there when it asks again."""

    def __init__(self) -> None:
        super().__init__()
        self._left: dict[tuple[str, str], str] = {}

    def asks(self, of: str, about: Sequence[Row], ask: str, then: Callable[[str | None], object]) -> None:
        """Asks about one thing; `taken` says that the words have arrived."""

        def answered(words: str | None) -> None:
            if words:
                self._left[ask, of] = words
            then(words)

        self.over(Question(about, ask, self._left.get((ask, of), "")), answered)

    def taken(self) -> None:
        """What was answered is where it belongs."""
        self._left.clear()


class Question(Frame):
    """Answers the words that were typed, or None."""

    KEYS = later("Enter: done · Esc: never mind")
    DO: ClassVar = {"enter": "entered", "escape": "away"}

    def __init__(self, about: Sequence[Row], ask: str, words: str = "") -> None:
        super().__init__()
        self._about = about
        self._ask = ask
        self._words = words

    def body(self) -> Iterable[Widget]:
        """What it is about, the line."""
        yield Rows(id="about")
        yield Lines(id="ask")
        with Horizontal(classes="asked"):
            yield Input(self._words, id="answer", select_on_focus=False)

    def opened(self) -> None:
        """Asks."""
        self.query_one("#ask").styles.height = 1
        self.query_one("#ask", Lines).put([f" {self._ask}"])
        self.query_one(Rows).show(self._about)
        self.set_focus(self.query_one(Input))
        self.query_one(Input).select_all()  # Enter: the same again; a letter: other words

    def entered(self) -> None:
        """That is it."""
        words = self.query_one(Input).value.strip()
        if not words:
            self.say(t("Write a few words, or Esc."))
            return
        self.dismiss(words)

    def away(self) -> None:
        """Never mind."""
        self.dismiss(None)
