"""Lines on a screen. Only a line that has changed is drawn again: on a serial line every line costs a tenth of a
second, and what does not move does not disturb whoever reads it."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import StringIO
from typing import ClassVar

from rich.console import Console
from rich.text import Text
from textual import events
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from handover.terminal.speech import folded, plain
from handover.terminal.tongue import t


@dataclass(frozen=True, slots=True)
class Row:
    """Something to read, on one line or several; with a key it can be chosen."""

    text: Text
    key: Hashable = None
    whole: bool = True
    """Whether what does not fit goes on in the next line; otherwise it ends in an ellipsis."""
    note: str | None = None
    """The note whose words it says: they may be taken back while they stand here."""
    need: str | None = None
    """The need of that note that it says: it goes on where the note is corrected."""


def row(
    words: str | Text,
    key: Hashable = None,
    style: str = "",
    *,
    whole: bool = True,
    note: str | None = None,
    need: str | None = None,
) -> Row:
    """A row of plain words: no note can drive the terminal."""
    return Row(words if isinstance(words, Text) else Text(plain(words), style=style), key, whole, note, need)


class Lines(Widget):
    """Lines as they are given, cut at the edge."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - as every widget has it
        super().__init__(id=id)
        self._shown: list[Text] = []

    def put(self, lines: Iterable[str | Text]) -> None:
        """Shows these lines; draws those that differ from what is there."""
        found = [one.copy() if isinstance(one, Text) else Text(plain(one)) for one in lines]
        changed = [
            y
            for y in range(max(len(found), len(self._shown)))
            if y >= len(found) or y >= len(self._shown) or _differ(found[y], self._shown[y])
        ]
        self._shown = found
        width = self.size.width
        if changed and width:
            self.refresh(*(Region(0, y, width, 1) for y in changed if y < self.size.height))

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        width = self.size.width
        line = self._shown[y] if y < len(self._shown) else Text()
        if line.cell_len > width:
            line = line.copy()
            line.truncate(width, overflow="ellipsis")
        style = self.rich_style
        return Strip(line.render(self.app.console, end="")).apply_style(style).adjust_cell_length(width, style)


class Rows(Lines, can_focus=True):
    """Rows to go through with the arrow keys. New rows leave the one that is being read where it is on the screen."""

    DO: ClassVar = {
        "up": ("go", -1),
        "down": ("go", 1),
        "pageup": ("leaf", -1),
        "pagedown": ("leaf", 1),
        "space": ("leaf", 1),
        "home": ("edge", -1),
        "end": ("edge", 1),
        "tab": ("section", 1),
        "shift+tab": ("section", -1),
    }

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - as every widget has it
        super().__init__(id=id)
        self._rows: list[Row] = []
        self._lines: list[tuple[int, Text]] = []
        self._at: int | None = None
        self._top = 0
        self._head: tuple[int, tuple[int | None, int]] | None = None
        """The heading one went to last, and how the rows stood then."""
        self._gone: dict[str, tuple[str, bool]] = {}
        self.marked_always = False
        """Whether the mark shows although the keyboard is elsewhere: in a line above, where letters are typed."""

    @property
    def key(self) -> Hashable:
        """What the row that is marked stands for."""
        return None if self._at is None else self._rows[self._at].key

    def show(self, rows: Sequence[Row], *, mark: Hashable = None) -> None:
        """Shows these rows; what is marked stays marked, and where it is. At the top it stays the top: what comes in
        above it is the most urgent."""
        wanted = mark if mark is not None else self.key
        before = self._first_line(self._at) - self._top if self._at is not None else 0
        old = self._at
        self._rows = list(rows)
        keys = [one.key for one in self._rows]
        known = [n for n, key in enumerate(keys) if key is not None]
        same = [n for n in known if keys[n] == wanted]  # one person may stand in several parts
        self._at = min(same, key=lambda n: abs(n - (old or 0)), default=None)
        if self._at is None and known:
            # What was marked is gone: its neighbour, not the top, or the page would jump away under one's eyes.
            self._at = min(known, key=lambda n: abs(n - old)) if old is not None else known[0]
        self._fold()
        if self._at is not None and old is not None:
            self._top = self._beginning(self._at, before)
        self._draw()

    def forget(self, id_: str, words: str, *, needs: bool) -> None:
        """A note or need says nothing more but these words, and `needs`: those of the note neither; all else stays
        where it is."""
        self._gone[id_] = words, needs
        self._fold()
        self._draw()

    def on_resize(self, event: events.Resize) -> None:
        """Folds anew."""
        del event
        self._fold()
        self._draw()

    def on_focus(self) -> None:
        """Shows the mark."""
        self._draw()

    def on_blur(self) -> None:
        """Hides it."""
        self._draw()

    def takes(self, key: str) -> bool:
        """Goes where a key says; answers whether it says anything here."""
        if way := self.DO.get(key):
            getattr(self, way[0])(way[1])
        return key in self.DO

    def go(self, step: int) -> None:
        """To the next row that can be marked, or on by a line where what is marked goes on below."""
        if self._at is not None:
            first, last = self._first_line(self._at), self._last_line(self._at)
            hidden = last >= self._top + self.size.height if step > 0 else first < self._top
            following = [n for n, one in enumerate(self._rows) if one.key is not None and (n - self._at) * step > 0]
            nearest = min(following, key=lambda n: abs(n - (self._at or 0)), default=None)
            if not hidden and nearest is not None:
                self._at = nearest
                self._reveal(step)
                self._draw()
                return
        self._top += step
        self._draw()

    def leaf(self, step: int) -> None:
        """A screenful on; the mark comes along."""
        self._top += step * max(1, self.size.height - 1)
        self._clamp()
        self._mark_visible(step)
        self._draw()

    def edge(self, step: int) -> None:
        """To the beginning or the end."""
        self._top = 0 if step < 0 else len(self._lines)
        self._clamp()
        known = [n for n, one in enumerate(self._rows) if one.key is not None]
        self._at = (known[0] if step < 0 else known[-1]) if known else None
        self._draw()

    def section(self, step: int) -> None:
        """To the next heading."""
        heads = [n for n, one in enumerate(self._rows) if one.key is None and "bold" in str(one.text.style)]
        here = next((n for n in reversed(heads) if n < (self._at or 0)), -1)
        if self._head is not None and self._head[1] == (self._at, self._top):
            here = self._head[0]  # in a part with nothing to mark the mark stands elsewhere
        follow = [n for n in heads if n > here] if step > 0 else [n for n in reversed(heads) if n < here]
        if not follow:
            follow = heads[:1] if step > 0 else heads[-1:]
        if follow:
            self._at = next((n for n, one in enumerate(self._rows) if n > follow[0] and one.key is not None), self._at)
            self._top = self._first_line(follow[0])
            self._draw()
            self._head = follow[0], (self._at, self._top)

    def _fold(self) -> None:
        width = self.size.width
        self._lines = []
        if width:
            for number, one in enumerate(self._rows):
                parts = list(folded(_console(width), one.text)) if one.whole else [one.text]
                if words := self._instead(one):
                    inset = len(one.text.plain) - len(one.text.plain.lstrip())
                    parts = [Text(" " * inset + words), *(Text() for _ in parts[1:])]
                self._lines += [(number, part) for part in parts]

    def _instead(self, one: Row) -> str | None:
        gone = (self._gone[id_] for id_ in (one.need, one.note) if id_ in self._gone)
        return next((words for words, needs in gone if needs or one.need is None), None)

    def _draw(self) -> None:
        self._clamp()
        width, marked = self.size.width, self._at if self.has_focus or self.marked_always else None
        shown = []
        for number, line in self._lines[self._top : self._top + self.size.height]:
            one = line.copy()
            if number == marked:
                one.truncate(width, overflow="ellipsis")
                one.pad_right(width - one.cell_len)
                one.stylize("reverse")
            shown.append(one)
        if len(self._lines) > self._top + self.size.height and shown:
            below = len(self._lines) - self._top - self.size.height
            tail = Text(" " + t("{below} more", below=below) + " ", style="dim")
            shown[-1].truncate(max(0, width - tail.cell_len), overflow="ellipsis")
            shown[-1].pad_right(max(0, width - tail.cell_len - shown[-1].cell_len))
            shown[-1].append_text(tail)
        self.put(shown)

    def _beginning(self, at: int, before: int) -> int:
        """The line to begin with, so that a row stands as far down as before; never with words that would then stand
        below somebody else's name."""
        first = self._first_line(at)
        if self._top <= 0 and first < self.size.height:
            return 0
        top = max(0, min(first - before, len(self._lines) - 1))
        while top > 0 and (one := self._rows[self._lines[top][0]]).key is None and not one.text.plain.startswith("—"):
            top -= 1
        return top

    def _clamp(self) -> None:
        self._top = max(0, min(self._top, len(self._lines) - self.size.height))

    def _reveal(self, step: int) -> None:
        assert self._at is not None  # noqa: S101 - for the type checker: only called with a mark
        height = self.size.height
        first, last = self._first_line(self._at), self._last_line(self._at)
        if step < 0:
            # What stands above it and cannot be marked is its heading.
            while first > 0 and self._rows[self._lines[first - 1][0]].key is None and last - first < height - 1:
                first -= 1
        if last >= self._top + height:
            self._top = last - height + 1
        self._top = min(self._top, first)

    def _mark_visible(self, step: int) -> None:
        seen = {number for number, _ in self._lines[self._top : self._top + self.size.height]}
        known = [n for n in sorted(seen) if self._rows[n].key is not None]
        if known and self._at not in known:
            self._at = known[0] if step > 0 else known[-1]

    def _first_line(self, number: int | None) -> int:
        return next((y for y, (n, _) in enumerate(self._lines) if n == number), 0)

    def _last_line(self, number: int | None) -> int:
        return max((y for y, (n, _) in enumerate(self._lines) if n == number), default=0)


def _differ(one: Text, other: Text) -> bool:
    return one.plain != other.plain or one.style != other.style or one.spans != other.spans


@lru_cache(maxsize=8)
def _console(width: int) -> Console:
    return Console(width=width, file=StringIO(), color_system=None)
