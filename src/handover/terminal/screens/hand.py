"""The note in hand: what was typed, field by field, and the note it makes, or what is missing in which field.

Nothing in it has a value before somebody gave it one, and nothing comes from another note.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any

from pydantic import ValidationError

from handover.client.drafts import NoteInHand
from handover.schemas.common import fault
from handover.schemas.notes import NoteDraft
from handover.terminal import shorthand, times
from handover.terminal.tongue import t
from handover.terminal.unclear import Unclear
from handover.terminal.units import Unit
from handover.terminal.words import Vocabulary

FIELD_OF = {
    "occurred_at": "at",
    "confidence": "sure",
    "indicators": "signs",
    "responses": "did",
    "attention_until": "attention",
    "about_incident": "incident",
    "inmate": "about",
    "establishment": "about",
    "unit": "about",
}
"""The field of the screen that a field of the note comes from, where its name is another."""
_SAYS = ("mood", "change", "signs", "needs", "did", "fact")


class Faults(Exception):  # noqa: N818 - what the author is told, by field
    """What keeps this from being a note."""

    def __init__(self, by_field: dict[str, str]) -> None:
        super().__init__("; ".join(by_field.values()))
        self.by_field = by_field


@dataclass(slots=True)
class Hand:
    """What somebody is writing."""

    kept: NoteInHand
    typed: dict[str, Any] = field(default_factory=dict)

    @property
    def inmate(self) -> str | None:
        """Whom it is about; None for the wing."""
        number = self.typed.get("inmate")
        return str(number) if number else None

    @property
    def begun(self) -> bool:
        """Whether there is a word in it yet."""
        return any(value for name, value in self.typed.items() if name != "inmate")

    def as_kept(self) -> NoteInHand:
        """As it goes onto the disk."""
        return self.kept.model_copy(update={"typed": dict(self.typed)})

    def note(self, words: Vocabulary, unit: Unit | None, now: datetime, zone: tzinfo | None) -> NoteDraft:
        """The note; raises Faults."""
        typed, faults = self.typed, {}
        if not typed.get("basis"):
            faults["basis"] = t("say how you know")
        if not any(typed.get(name) for name in _SAYS):
            faults["fact"] = t("a note says something: what happened, or mood, change, a sign, a need, what you did")
        fields: dict[str, Any] = {
            "inmate": self.inmate,
            "basis": typed.get("basis"),
            "fact": typed.get("fact"),
            "opinion": typed.get("opinion"),
            "confidence": typed.get("sure") if typed.get("opinion") else None,
            "mood": typed.get("mood"),
            "change": typed.get("change"),
            "opening": typed.get("opening"),
            "attention": typed.get("attention"),
            "if_then": typed.get("if_then"),
            "place": typed.get("place"),
            "handling": typed.get("handling"),
            "late_reason": typed.get("late_reason"),
            "about_incident": typed.get("incident"),
        }
        if self.inmate is None and unit is not None:
            fields |= {"establishment": unit.establishment, "unit": unit.code}

        def listed(name: str) -> list[shorthand.Fields]:
            return [entry(name, one, words, now, zone) for one in typed.get(name) or []]

        readers: dict[str, tuple[str, Callable[[], Any]]] = {
            "needs": ("needs", lambda: listed("needs")),
            "did": ("responses", lambda: listed("did")),
            "signs": ("indicators", lambda: listed("signs")),
            "at": ("occurred_at", lambda: times.past(typed["at"], now, zone) if typed.get("at") else None),
        }
        for name, (target, read) in readers.items():
            try:
                fields[target] = read()
            except Unclear as unclear:
                faults[name] = without_option(str(unclear))
        try:
            draft = NoteDraft.model_validate({name: value for name, value in fields.items() if value not in (None, [])})
        except ValidationError as error:
            for one in error.errors():
                name = str(one["loc"][0]) if one["loc"] else "fact"
                faults.setdefault(FIELD_OF.get(name, name), fault(one))
            raise Faults(faults) from None
        if faults:
            raise Faults(faults)
        return draft


def entry(name: str, typed: str, words: Vocabulary, now: datetime, zone: tzinfo | None) -> shorthand.Fields:
    """What one word of a list says, with what stands behind it; raises Unclear."""
    if name == "needs":
        return shorthand.need(typed, words, now, zone)
    return shorthand.response(typed, words) if name == "did" else shorthand.sign(typed, words)


def without_option(words: str) -> str:
    """What a command says about one of its options, where there are no options but fields, and one line: of what it
    could be, what to type."""
    first, *could_be = words.split("\n")
    head, _, rest = first.partition(" ")
    typed = ", ".join(line.split()[0] for line in could_be if line.strip())
    return f"{rest if head.startswith('--') else first} {typed}".strip()
