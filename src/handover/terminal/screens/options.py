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
        label = max(14, *(len(one.label) for one in found)) if found else 14
        for number, one in enumerate(found):
            told = f"{one.label:<{label}} "
            yield _option(number, one, chosen, marked, told + cut(one.anchor, width - 6 - len(told)))
        return
    columns = -(-len(found) // (HEIGHT - 2))
    rows, room = -(-len(found) // columns), width // columns
    for y in range(rows):
        line = Text()
        for number in range(y, len(found), rows):
            cell = _option(number, found[number], chosen, marked, cut(found[number].label, room - 6))
            cell.truncate(room - 1, overflow="ellipsis", pad=True)
            line.append_text(cell).append(" ")
        yield line
    if marked is not None and marked < len(found):
        yield from _anchor([found[marked]], width)


def mood(words: Vocabulary, chosen: dict[str, Any], at: tuple[int, int], width: int) -> Iterator[Text]:
    """Five down, five across; under it what one sees and hears where the mark is."""
    down, across = words.entries("mood_valence"), words.entries("mood_energy")
    y, x = at
    label = max(12, 2 + max((len(one.label) for one in down), default=0))
    # Columns of one width where that does, so that the eye finds them; otherwise each as wide as its word.
    even = all(len(one.label) <= 10 for one in across[:-1]) and label + 4 * 13 + 2 + len(across[-1].label) <= width
    rooms = [*(13 if even else 3 + len(one.label) for one in across[:-1]), 3]
    head = " " * label + "".join(
        f"{n} {one.label}".ljust(room) for n, (one, room) in enumerate(zip(across, rooms, strict=True), 1)
    )
    yield Text(plain(head.rstrip()))
    for row, one in enumerate(down):
        mark = ">" if chosen.get("valence") == int(one.code) else " "
        line = Text(plain(f"{row + 1}{mark}{one.label}".ljust(label)), style="bold" if row == y else "")
        for column, (other, room) in enumerate(zip(across, rooms, strict=True)):
            is_it = chosen.get("valence") == int(one.code) and chosen.get("energy") == int(other.code)
            cell = ("[x]" if is_it else " · ").ljust(room)
            line.append(cell[:3], "reverse" if (row, column) == (y, x) else "").append(cell[3:])
        yield line
    marked = [down[y]] if x < 0 else [down[y], across[x]]
    yield from _anchor(marked, width)


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


def who_reads(words: Vocabulary, handling: str | None, width: int) -> str:
    """Who will be able to read it."""
    found = next((one for one in words.entries("handling") if one.code == (handling or "UNIT")), None)
    return cut(t("Will be read by: {anchor}", anchor=found.anchor), width - 1) if found else ""


def cut(words: str, width: int) -> str:
    """What fits on a line, up to a whole word."""
    return wrap(words, max(4, width), max_lines=1, placeholder=" …")[0] if words else ""


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
