"""The notes the load is made of: some 700 bytes of JSON as a terminal would send it, a need in every third."""

import json
from typing import Any

ESTABLISHMENT, UNIT = "BEN", "A"
PEOPLE = 100
MARK = b'"fact":"N'
DIGITS = 7
FACT = (
    "Says the visit was cancelled and that nobody told him until he was already dressed and waiting at the gate. Went "
    "back to his cell without a word and has not come out for servery."
)


def number_of(person: int) -> str:
    """The number of one of the people held."""
    return f"B{person % PEOPLE:04d}KD"


def body(number: int, **more: Any) -> bytes:
    """Note `number`; it says its own number, so that a reader knows which one arrived. `more`: what it says besides."""
    note: dict[str, Any] = {
        "inmate": number_of(number * 7),
        "basis": "TOLD_BY_PERSON",
        "fact": f"N{number:0{DIGITS}d} {FACT}",
        "opinion": "More than the visit, I think: two weeks to the anniversary, and his sister has stopped writing.",
        "confidence": "MEDIUM",
        "mood": {"valence": -1, "energy": 1, "source": "OBSERVED"},
        "change": "WORSE",
        "indicators": [{"code": "WITHDRAWN", "trend": "NEW"}, {"code": "NOT_EATING", "trend": "NEW"}],
        "responses": [{"code": "LISTENED", "effect": "TOO_EARLY"}],
        "attention": "WATCH",
        "if_then": "If he is awake after 22:00: sit down and talk.",
        "place": "LANDING",
    }
    if number % 3 == 0:
        need = {"code": "PHONE", "urgency": "THIS_SHIFT", "promised": True, "detail": "call to his daughter"}
        note["needs"] = [need]
    note |= more
    return json.dumps(note, separators=(",", ":")).encode()


def urgent(number: int) -> bytes:
    """Note `number`, which says self-harm and calls everybody at once."""
    return body(number, indicators=[{"code": "SAY_SELF_HARM", "trend": "NEW"}])


def number_in(text: bytes) -> int | None:
    """The number of the note whose whole text this is; None where it is something else (a need's own event, a
    heartbeat)."""
    at = text.find(MARK)
    if at < 0:
        return None
    at += len(MARK)
    return int(text[at : at + DIGITS])
