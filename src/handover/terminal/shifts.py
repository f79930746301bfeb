"""Shifts in words, and how a person was in each of the last ones."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from handover.terminal.phrases import Reader

SHAPES = {"MUCH_WORSE": "↓↓", "WORSE": "↓", "USUAL": "=", "BETTER": "↑", "MUCH_BETTER": "↑↑", "DONT_KNOW_PERSON": "?"}
_WORDS = {
    "MUCH_WORSE": "much worse",
    "WORSE": "worse",
    "USUAL": "as usual",
    "BETTER": "better",
    "MUCH_BETTER": "much better",
    "DONT_KNOW_PERSON": "seen by somebody new to them",
}
NOTHING = "·"


def shift_words(key: object, reader: Reader) -> str:
    """`late` of today's late shift, `Mon night` of another day's."""
    day, _, code = str(key).partition("/")
    words = code.replace("_", " ").lower()
    try:
        began = date.fromisoformat(day)
    except ValueError:
        return words or str(key)
    today = reader.now().astimezone(reader.zone).date()
    return words if began == today else f"{began:%a} {words}"


def changes(told: Iterable[Mapping[str, Any]], reader: Reader) -> str | None:
    """`Tue night worse ↓ → early much worse ↓↓ → late no word ·`, the oldest first; None where nobody wrote a word."""
    found = list(told)[::-1]
    if not any(one.get("change") or one.get("mood") for one in found):
        return None
    return " → ".join(f"{shift_words(one.get('shift'), reader)} {_one(one, reader)}" for one in found)


def shape(told: Iterable[Mapping[str, Any]]) -> str:
    """`↓↓ = ·`, the oldest first."""
    return " ".join(SHAPES.get(str(one.get("change")), NOTHING) for one in list(told)[::-1])


def _one(told: Mapping[str, Any], reader: Reader) -> str:
    mood = told.get("mood") or {}
    if not told.get("change"):
        return f"{_mood(mood, reader)} {NOTHING}" if mood else f"no word {NOTHING}"
    change = str(told["change"])
    words = _WORDS.get(change) or reader.label("change", change)
    beside = f", {_mood(mood, reader)}" if mood else ""
    return f"{words} {SHAPES.get(change, NOTHING)}{beside}"


def _mood(mood: Mapping[str, Any], reader: Reader) -> str:
    if mood.get("not_observed"):
        return reader.label("not_observed", mood["not_observed"])
    values = [reader.label(f"mood_{name}", mood[name]) for name in ("valence", "energy") if mood.get(name) is not None]
    return f"mood {'/'.join(values)}" if values else "mood not said"
