"""What stands on the screen at the other end of the line, so that only what differs is sent.

A serial line carries a thousand characters a second. The toolkit draws whole lines, in many colours, for screens that
cost nothing; a letter typed would take half a second. Here it takes twenty characters.
"""

import re

from rich.cells import get_character_cell_size

_TOKEN = re.compile(
    r"\x1b\[(?P<y>\d+);(?P<x>\d+)H"
    r"|\x1b\[(?P<style>[\d;]*)m"
    r"|(?P<end>\r?\n)"
    r"|(?P<other>\x1b\[[<=>?]?[\d;]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b.|[\x00-\x1a\x1c-\x1f\x7f])"
    r"|(?P<text>[^\x00-\x1f\x7f]+)"
)
_UNASKED = re.compile(r"\x1b\]22;|\x1b\[[<>]\d*u|\x1b\[\?(?:2026|2048|1004)")
"""Pointers, keyboards and modes that a video terminal of 1983 does not have, and might answer with its bell."""
_GAP = 6
"""So many unchanged characters are cheaper to send again than to jump over."""
_BLANKS = 5
Cell = tuple[str, str]
_BLANK: Cell = (" ", "")


class Shadow:
    """One screen of a given size, as far as it is known."""

    def __init__(self, width: int, height: int) -> None:
        self._width, self._height = width, height
        self._shown: list[list[Cell | None]] = []
        self._forget(None)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self._width, self._height

    def feed(self, data: str) -> str:
        """What has to be sent, so that the screen looks as if all of this had been."""
        before: list[str] = []
        wanted: dict[int, dict[int, Cell]] = {}
        x = y = 0
        style = ""
        for found in _TOKEN.finditer(data):
            if found["text"] is not None:
                x = self._write(wanted.setdefault(y, {}), x, found["text"], style)
            elif found["y"] is not None:
                y, x = int(found["y"]) - 1, int(found["x"]) - 1
            elif found["style"] is not None:
                style = _merged(style, found["style"])
            elif found["end"] is not None:
                y, x = y + 1, 0
            elif not _UNASKED.match(found["other"]):
                before.append(found["other"])
                if "1049" in found["other"]:
                    self._forget(_BLANK)
        sent = [self._line(number, cells) for number, cells in sorted(wanted.items()) if 0 <= number < self._height]
        drawn = "".join(sent)
        # The cursor is where somebody types: whoever hears or feels the screen instead of seeing it follows it.
        return "".join(before) + (f"{drawn}\x1b[{y + 1};{x + 1}H" if drawn else "")

    def _write(self, cells: dict[int, Cell], x: int, text: str, style: str) -> int:
        for char in text:
            width = get_character_cell_size(char)
            if width == 0:
                before, its = cells.get(x - 1, _BLANK)
                cells[x - 1] = (before + char, its)
                continue
            cells[x] = (char, style)
            if width == 2:
                cells[x + 1] = ("", style)
            x += width
        return x

    def _line(self, y: int, cells: dict[int, Cell]) -> str:
        """What differs in one line."""
        shown = self._shown[y]
        changed = [x for x, cell in sorted(cells.items()) if 0 <= x < self._width and shown[x] != cell]
        if not changed:
            return ""
        for x in changed:
            shown[x] = cells[x]
        sent, style, at = [], "", -1
        blank_from = next((x + 1 for x in range(self._width - 1, -1, -1) if shown[x] != _BLANK), 0)
        for x in changed:
            if x < at:
                continue
            if x >= blank_from and self._width - x >= _BLANKS:
                sent += [_go(y, x) if x != at else "", _turn(style, ""), "\x1b[K"]
                return "".join(sent)
            between = shown[at:x] if 0 <= at <= x <= at + _GAP else None
            if between is None or None in between:
                sent.append(_go(y, x))
                between = []
            for cell in (*between, shown[x]):
                char, wanted = cell or _BLANK
                sent += [_turn(style, wanted), char]
                style = wanted
            at = x + 1
        return "".join([*sent, _turn(style, "")])

    def _forget(self, cell: Cell | None) -> None:
        self._shown = [[cell] * self._width for _ in range(self._height)]


def _go(y: int, x: int) -> str:
    return f"\x1b[{y + 1};{x + 1}H"


def _turn(style: str, wanted: str) -> str:
    if style == wanted:
        return ""
    return "\x1b[0m" + (f"\x1b[{wanted}m" if wanted else "") if style else f"\x1b[{wanted}m"


def _merged(style: str, told: str) -> str:
    """The attributes after this, in one spelling; the terminal's own two colours are none."""
    kept = [part for part in style.split(";") if part]
    for part in told.split(";"):
        if part in ("", "0"):
            kept = []
        elif part not in ("39", "49", *kept):
            kept.append(part)
    return ";".join(sorted(kept))
