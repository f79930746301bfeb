"""How somebody was over six weeks: a character a day, a row for each kind of source, gaps left as gaps. Nothing is
added up or smoothed: where the words of one day differ, the picture says that they do."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from handover.terminal import phrases, times
from handover.terminal.phrases import Reader
from handover.terminal.shifts import shift_words
from handover.terminal.tongue import t

DAYS = 42
_BLOCKS = {-2: "▁", -1: "▂", 0: "▄", 1: "▆", 2: "█"}
_CHANGES = {"MUCH_WORSE": "v", "WORSE": "\\", "USUAL": "-", "BETTER": "/", "MUCH_BETTER": "^", "DONT_KNOW_PERSON": "?"}
_DIFFER = "*"
_WITNESSED = ("SAW", "HEARD")
Note = Mapping[str, Any]


def picture(notes: Sequence[Note], reader: Reader) -> Iterator[str]:
    """Rows of days, the oldest left; only for sources that said anything."""
    rows = {
        t("mood, staff saw"): _row(notes, reader, lambda one: _mood(one) if _seen(one) else None, _BLOCKS),
        t("mood, own words"): _row(notes, reader, lambda one: _mood(one) if _own(one) else None, _BLOCKS),
        t("mood, others say"): _row(
            notes, reader, lambda one: None if _seen(one) or _own(one) else _mood(one), _BLOCKS
        ),
        t("against usual"): _row(notes, reader, lambda one: one.get("change"), _CHANGES),
    }
    said = {name: line for name, line in rows.items() if line.strip(" ·")}
    if not said:
        yield t("No mood or change was written in six weeks.")
        return
    width = 1 + max(16, *map(len, said))
    for name, line in said.items():
        yield f"{name:<{width}}{line}"
    yield " " * width + _scale(reader)
    yield t("low ▁▂▄▆█ good; much worse v \\ - / ^ much better; ? does not know the person;")
    yield t("* words of one day differ; · no word")


def table(notes: Sequence[Note], reader: Reader) -> Iterator[str]:
    """The same, a line for each word, the newest first: for those who cannot see a picture, or do not trust one."""
    for one in notes:
        mood = one.get("mood") or {}
        if not (mood or one.get("change")) or one.get("status") not in ("ACTIVE", "RESTRICTED"):
            continue
        state = ", ".join(phrases.state({"mood": mood, "change": one.get("change")}, reader))
        when = shift_words(one.get("shift"), reader)
        yield f"{reader.time(one.get('occurred_at')):<12} {when:<10} {state} ({phrases.how({**one, 'fact': None})})"


def _row(notes: Sequence[Note], reader: Reader, said: Any, signs: Mapping[Any, str]) -> str:
    today = reader.now().astimezone(reader.zone).date()
    days: dict[int, list[Any]] = {}
    for one in sorted(notes, key=lambda note: str(note.get("occurred_at"))):
        value = said(one) if one.get("status") in ("ACTIVE", "RESTRICTED") else None
        if value is not None:
            ago = (today - datetime.fromisoformat(str(one["occurred_at"])).astimezone(reader.zone).date()).days
            days.setdefault(ago, []).append(value)
    return "".join(_day(days.get(ago, []), signs) for ago in range(DAYS - 1, -1, -1))


def _day(values: list[Any], signs: Mapping[Any, str]) -> str:
    if not values:
        return "·"
    return signs.get(values[-1], "?") if len(set(values)) == 1 else _DIFFER


def _scale(reader: Reader) -> str:
    today = reader.now().astimezone(reader.zone).date()
    marks = [today - timedelta(days=ago) for ago in range(DAYS - 1, -1, -7)]
    words = [times.day_and_month(day).replace(".", "") for day in marks]
    # Where months have long names, every second week.
    every = 1 if all(len(one) < 7 for one in words) else 2
    return "".join(one.ljust(7 * every) for one in words[::every])


def _mood(one: Note) -> int | None:
    value = (one.get("mood") or {}).get("valence")
    return value if isinstance(value, int) else None


def _own(one: Note) -> bool:
    return (one.get("mood") or {}).get("source") == "SELF_REPORTED"


def _seen(one: Note) -> bool:
    return not _own(one) and one.get("basis") in (*_WITNESSED, "TOLD_BY_PERSON")
