"""Choosing a person: by cell, by number, by a few letters of the name."""

import re
from collections.abc import Callable, Hashable, Iterable
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from textual import on
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input

from handover.client.resources import Document
from handover.terminal.screens.frame import Frame
from handover.terminal.screens.lines import Lines, Row, Rows, row
from handover.terminal.tongue import later, t
from handover.terminal.words import said


class Choose(Frame):
    """A line to type into, and whoever fits. The first that fits is marked, so that a cell and Enter are enough."""

    KEYS = later("type cell, number or letters · Enter this one · Up/Down another · Esc back")
    DO: ClassVar = {"up": "higher", "down": "lower", "escape": "away", "enter": "entered"}

    def __init__(self, ask: str, *, wing: bool, before: Callable[[], list[Row]] | None = None) -> None:
        super().__init__()
        self._ask = ask
        self._wing = wing
        self._before = before
        self._drawn = self._asked = ""

    def body(self) -> Iterable[Widget]:
        """The line, the people."""
        with Horizontal(classes="asked"):
            yield Lines(id="ask")
            yield Input(id="who", select_on_focus=False)
        yield Rows(id="people")

    def opened(self) -> None:
        """Everybody, to begin with."""
        self.query_one("#ask").styles.width = len(self._ask) + 2
        self.query_one("#ask", Lines).put([f" {self._ask}"])
        self.set_focus(self.query_one("#who"))
        self._draw("")

    def higher(self) -> None:
        """Marks the one above."""
        self.query_one(Rows).go(-1)

    def lower(self) -> None:
        """Marks the one below."""
        self.query_one(Rows).go(1)

    def away(self) -> None:
        """Nobody."""
        self.dismiss(None)

    def edited(self) -> None:
        """Whoever fits what is typed now."""
        self._draw(self.query_one(Input).value)

    @on(Input.Changed)
    def _altered(self, event: Input.Changed) -> None:
        if event.value != self._drawn:
            self._draw(event.value)

    def entered(self) -> None:
        """Whoever is marked."""
        typed = self.query_one(Input).value.strip()
        key = self.query_one(Rows).key
        if key is not None:
            self.dismiss(key)
        elif typed:
            # Without a network the roster may not be here; the number is, on the door. A name is none.
            number = typed.upper() if typed == typed.lower() else typed
            known = self.station.names()  # none: nobody was read, and nothing can be said of it
            if not known or number in known or number == self._asked:
                self.dismiss(("person", number))
            else:
                self._asked = number
                self.say(t("{number}: nobody here has that number. Enter again: take it all the same.", number=number))

    def _draw(self, typed: str) -> None:
        self._drawn = typed
        rows: list[Row] = list(self._before() if self._before and not typed else [])
        rows += [_row(one) for one in found(self.station.persons(), typed)]
        words = ("wing", t("wing"), t("unit"))
        if self._wing and any(word.startswith(typed.casefold()) for word in words):
            wing = self.station.unit.name if self.station.unit else t("the wing")
            rows.append(row("  " + t("{wing} itself: climate, roll, what goes on", wing=wing), ("wing", "")))
        people = self.query_one(Rows)
        people.marked_always = True
        people.show(rows or [row("  " + t("Nobody here has that cell, number or name."))], mark=_first(rows))


def found(persons: Iterable[Document], typed: str) -> list[Document]:
    """Who fits: first by cell, then by number, then by name."""
    word = _bare(typed)
    if not word:
        return list(persons)
    ranked = [(rank, one) for one in persons if (rank := _rank(one, word)) is not None]
    return [one for _, one in sorted(ranked, key=lambda pair: pair[0])]


def _rank(one: Document, word: str) -> int | None:
    cell, number, name = (_bare(str(one[part] or "")) for part in ("cell", "inmate", "name"))
    if word in (cell, number):
        return 0
    if cell.startswith(word) or number.startswith(word):
        return 1
    if any(_bare(part).startswith(word) for part in re.split(r"[\s,]+", str(one["name"]))) or name.startswith(word):
        return 2
    return 3 if word in cell or word in name or word in number else None


def _first(rows: list[Row]) -> Hashable:
    return next((one.key for one in rows if one.key is not None), None)


def _row(one: Document) -> Row:
    name = set_cell_size(one["name"], max(26, cell_len(one["name"])))
    return row(f"  {one['cell'] or '-':<8} {name} {one['inmate']}", ("person", one["inmate"]), whole=False)


def _bare(typed: str) -> str:
    return re.sub(r"[\W_]+", "", said(typed))
