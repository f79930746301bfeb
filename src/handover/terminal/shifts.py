"""Shifts in words, and how a person was in each of the last ones."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from handover.terminal import times
from handover.terminal.phrases import Reader
from handover.terminal.tongue import later, t

SHAPES = {"MUCH_WORSE": "↓↓", "WORSE": "↓", "USUAL": "=", "BETTER": "↑", "MUCH_BETTER": "↑↑", "DONT_KNOW_PERSON": "?"}
_WORDS = {
    "MUCH_WORSE": later("much worse"),
    "WORSE": later("worse"),
    "USUAL": later("as usual"),
    "BETTER": later("better"),
    "MUCH_BETTER": later("much better"),
    "DONT_KNOW_PERSON": later("seen by somebody new to them"),
}
NOTHING = "·"
_SHIFTS = {"EARLY": later("early"), "LATE": later("late"), "NIGHT": later("night"), "DAY": later("day")}
"""The usual ones; a prison may have others, and calls them as it likes."""


def shift_words(key: object, reader: Reader) -> str:
    """`late` of today's late shift, `Mon night` of another day's."""
    day, _, code = str(key).partition("/")
    words = _name(code)
    try:
        began = date.fromisoformat(day)
    except ValueError:
        return words or str(key)
    today = reader.now().astimezone(reader.zone).date()
    return words if began == today else f"{times.day_of_week(began)} {words}"


def running(pattern: Iterable[Mapping[str, str]], reader: Reader) -> str:
    """The shift that runs now by the prison's clock. Each lasts until the next one begins."""
    found = sorted(pattern, key=lambda one: one["starts"])
    at = f"{reader.now().astimezone(reader.zone):%H:%M}"
    return _name(([one for one in found if one["starts"] <= at] or found)[-1]["code"])


def changes(told: Iterable[Mapping[str, Any]], reader: Reader) -> str | None:
    """`Tue night worse ↓ → early much worse ↓↓ → late no word ·`, the oldest first; None where nobody wrote a word."""
    found = list(told)[::-1]
    if not any(one.get("change") or one.get("mood") for one in found):
        return None
    return " → ".join(f"{shift_words(one.get('shift'), reader)} {_one(one, reader)}" for one in found)


def shape(told: Iterable[Mapping[str, Any]]) -> str:
    """`↓↓ = ·`, the oldest first."""
    return " ".join(SHAPES.get(str(one.get("change")), NOTHING) for one in list(told)[::-1])


def _name(code: str) -> str:
    return t(_SHIFTS[code]) if code in _SHIFTS else code.replace("_", " ").lower()


def _one(told: Mapping[str, Any], reader: Reader) -> str:
    mood = told.get("mood") or {}
    if not told.get("change"):
        return f"{_mood(mood, reader)} {NOTHING}" if mood else f"{t('no word')} {NOTHING}"
    change = str(told["change"])
    words = t(_WORDS[change]) if change in _WORDS else reader.label("change", change)
    beside = f", {_mood(mood, reader)}" if mood else ""
    return f"{words} {SHAPES.get(change, NOTHING)}{beside}"


def _mood(mood: Mapping[str, Any], reader: Reader) -> str:
    if mood.get("not_observed"):
        return reader.label("not_observed", mood["not_observed"])
    values = [reader.label(f"mood_{name}", mood[name]) for name in ("valence", "energy") if mood.get(name) is not None]
    return t("mood {values}", values="/".join(values)) if values else t("mood not said")
