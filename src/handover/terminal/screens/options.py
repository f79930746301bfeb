"""What can be chosen in a step, as lines: each with its key, and the behaviour it stands for."""

from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import Any

from rich.text import Text

from handover.schemas.codelists import CodeEntry
from handover.terminal.screens.steps import KEYS, Step, entries, fitting
from handover.terminal.speech import plain
from handover.terminal.tongue import t
from handover.terminal.words import Vocabulary

HEIGHT = 8
"""Lines there are for it."""
ABSENT = {"a": "ASLEEP", "w": "AWAY", "n": "NOT_SEEN"}
_FULL = 6


def pick(step: Step, words: Vocabulary, chosen: object, marked: int | None, width: int) -> Iterator[Text]:
    """A list to choose from by one key."""
    found = entries(step, words)
    if len(found) <= _FULL:
        for number, one in enumerate(found):
            yield _option(number, one, chosen, marked, f"{one.label:<14} {one.anchor}")
        return
    columns = -(-len(found) // (HEIGHT - 2))
    rows, room = -(-len(found) // columns), width // columns
    for y in range(rows):
        line = Text()
        for number in range(y, len(found), rows):
            cell = _option(number, found[number], chosen, marked, found[number].label)
            cell.truncate(room - 1, overflow="ellipsis", pad=True)
            line.append_text(cell).append(" ")
        yield line
    if marked is not None and marked < len(found):
        yield from _anchor([found[marked]], width)


def mood(words: Vocabulary, chosen: dict[str, Any], at: tuple[int, int], width: int) -> Iterator[Text]:
    """Five down, five across; under it what one sees and hears where the mark is."""
    down, across = words.entries("mood_valence"), words.entries("mood_energy")
    y, x = at
    label = max(12, 3 + max((len(one.label) for one in down), default=0))
    room = min(13, (width - label) // 5)
    head = Text(" " * label)
    for number, one in enumerate(across, 1):
        head.append_text(_cut(f"{number} {one.label}", room))
    yield head
    for row, one in enumerate(down):
        mark = ">" if chosen.get("valence") == int(one.code) else " "
        line = Text(plain(f"{row + 1}{mark}{one.label}".ljust(label)), style="bold" if row == y else "")
        for column, other in enumerate(across):
            is_it = chosen.get("valence") == int(one.code) and chosen.get("energy") == int(other.code)
            cell = ("[x]" if is_it else " · ").ljust(room)
            line.append(cell[:3], "reverse" if (row, column) == (y, x) else "").append(cell[3:])
        yield line
    marked = [down[y]] if x < 0 else [down[y], across[x]]
    yield from _anchor(marked, width)


def _cut(words: str, width: int) -> Text:
    text = Text(plain(words))
    text.truncate(width - 1, overflow="ellipsis")
    text.pad_right(width - text.cell_len)
    return text


def words_of(step: Step, words: Vocabulary, line: str, width: int) -> Iterator[Text]:
    """What the letters can become; the first is what Tab completes."""
    found = fitting(step, words, line)
    if line.strip() and found:
        for word, one in found[: HEIGHT - 2]:
            yield Text(plain(f"  {word:<24} {one.label}: {one.anchor}"), style="bold" if word == found[0][0] else "")
        return
    if not line.strip():
        labels = "  ".join(word for word, _ in found)
        yield from (Text(part) for part in wrap(labels, width - 2)[: HEIGHT - 2])


def who_reads(words: Vocabulary, handling: str | None) -> str:
    """Who will be able to read it."""
    found = next((one for one in words.entries("handling") if one.code == (handling or "UNIT")), None)
    return t("Will be read by: {anchor}", anchor=found.anchor) if found else ""


def _option(number: int, one: CodeEntry, chosen: object, marked: int | None, told: str) -> Text:
    key = KEYS[number] if number < len(KEYS) else " "
    line = Text(plain(f" {key} {'x' if one.code == chosen else ' '} {told}"))
    if number == marked:
        line.stylize("reverse", 0, 3 + len(one.label) + 2)
    return line


def _anchor(found: Sequence[CodeEntry], width: int) -> Iterator[Text]:
    told = "  ".join(f"{one.label}: {one.anchor}" for one in found)
    lines = wrap(told, width - 1)
    yield from (Text(plain(line)) for line in lines[:2])
