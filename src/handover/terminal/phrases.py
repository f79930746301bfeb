"""A note in an officer's words: short pieces of text from its codes, the same wherever a note is shown."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from handover.client.codelists import label
from handover.schemas.codelists import CodeList
from handover.schemas.common import RFC3339
from handover.terminal import tongue
from handover.terminal.times import shown
from handover.terminal.tongue import later, t

_HOW = {
    "SAW": (later("saw"), later("saw it")),
    "HEARD": (later("heard"), later("heard it")),
    "TOLD_BY_PERSON": (later("was told by the person"), later("was told by the person")),
    "TOLD_BY_PRISONER": (later("was told by another prisoner"), later("was told by another prisoner")),
    "TOLD_BY_STAFF": (later("was told by staff"), later("was told by staff")),
    "TOLD_BY_FAMILY": (later("was told by family or friends"), later("was told by family or friends")),
    "TOLD_BY_OUTSIDE": (later("was told by someone outside"), later("was told by someone outside")),
    "FROM_RECORD": (later("read in a record"), later("read it in a record")),
    "INFERRED": (later("worked out (nobody saw or said it)"), later("worked it out (nobody saw or said it)")),
}
_CHANGE = {
    "MUCH_WORSE": later("much worse than usual"),
    "WORSE": later("worse than usual"),
    "USUAL": later("as usual"),
    "BETTER": later("better than usual"),
    "MUCH_BETTER": later("much better than usual"),
    "DONT_KNOW_PERSON": later("the author does not know the person"),
}


@dataclass(frozen=True, slots=True)
class Reader:
    """What it takes to put a note into words here: the lists, the present time and the prison's clock."""

    lists: dict[str, CodeList]
    zone: tzinfo | None
    now: Callable[[], datetime]
    me: str | None = None
    """Who reads it: some news is told differently to whom it concerns."""

    def time(self, value: object, *, seconds: bool = False) -> str:
        """A time as it came, on the prison's clock."""
        at = _instant(value)
        return "?" if at is None else shown(at, self.now(), self.zone, seconds=seconds)

    def is_ahead(self, value: object) -> bool:
        """Whether a time, as it came, is still to come."""
        at = _instant(value)
        return at is not None and at > self.now()

    def label(self, name: str, code: object) -> str:
        """The words for a code, as they go into a sentence."""
        words = label(self.lists, name, str(code))
        return words if words[:2].isupper() or tongue.language() == "de" else words[:1].lower() + words[1:]


def how(note: dict[str, Any]) -> str:
    """Who says it, how he or she knows, and what happened."""
    basis, fact = str(note.get("basis")), note.get("fact")
    code = basis.replace("_", " ").lower()
    before, alone = _HOW.get(basis, (f"({code})", f"({code})"))
    author = person(note.get("author"))
    return f"{author} {t(before)}: {fact}" if fact else f"{author} {t(alone)}"


def matter(note: dict[str, Any], reader: Reader) -> str:
    """Who says it, and what is the matter: the sentence; where nobody wrote one, what was noticed, needed or done."""
    if note.get("fact"):
        return how(note)
    needs = [need(one, reader) for one in note.get("needs") or []]
    said = state(note, reader) or needs or responses(note, reader)
    return f"{how(note)}: {'; '.join(said)}" if said else how(note)


def person(by: object) -> str:
    """A member of staff by the name people know."""
    return str(by.get("name") or by.get("username") or t("somebody")) if isinstance(by, dict) else t("somebody")


def state(note: dict[str, Any], reader: Reader) -> list[str]:
    """How the person is: mood, change, what was noticed, where."""
    found = [*_mood(note.get("mood"), reader)]
    if change := note.get("change"):
        found.append(t(_CHANGE[change]) if change in _CHANGE else reader.label("change", change))
    for one in note.get("indicators") or []:
        trend = f" ({reader.label('trends', one['trend'])})" if one.get("trend") else ""
        found.append(reader.label("indicators", one.get("code")) + trend)
    if note.get("opening"):
        found.append(t("opened up"))
    if note.get("incident"):
        found.append(t("opens an incident") if opens_incident(note) else t("about the incident"))
    if note.get("place"):
        found.append(t("at: {place}", place=reader.label("place", note["place"])))
    return found


def opens_incident(note: dict[str, Any]) -> bool:
    """Whether an incident begins with it."""
    return note.get("incident") is not None and note["incident"] == note.get("id")


def attention(note: dict[str, Any], reader: Reader) -> str | None:
    """`ACT NOW until 21:00`, `WATCH until 21:00`; None for routine."""
    code = note.get("attention")
    if code in (None, "ROUTINE"):
        return None
    words = attention_words(code, reader)
    return t("{words} until {until}", words=words, until=reader.time(note.get("attention_until")))


def attention_words(code: object, reader: Reader) -> str:
    """`ACT NOW`, `WATCH`."""
    words = {"ACT_NOW": t("ACT NOW"), "WATCH": t("WATCH")}
    return words.get(str(code)) or reader.label("attention", code).upper()


def mark(code: object) -> tuple[str, str]:
    """What stands before a line for whom staff ask for attention, and the words."""
    return {"ACT_NOW": ("!", f" {t('ACT NOW')} "), "WATCH": ("~", t("WATCH"))}.get(str(code), ("-", ""))


def need(one: dict[str, Any], reader: Reader) -> str:
    """`phone call, promised, this shift, due 18:00: call to his daughter`."""
    parts = [reader.label("needs", one.get("code"))]
    if one.get("promised"):
        parts.append(t("promised"))
    if one.get("urgency") not in (None, "ROUTINE"):
        parts.append(t("NOW") if one["urgency"] == "NOW" else reader.label("urgency", one["urgency"]))
    if one.get("due_at"):
        parts.append(t("due {due}", due=reader.time(one["due_at"])))
    return ", ".join(parts) + (f": {one['detail']}" if one.get("detail") else "")


def responses(note: dict[str, Any], reader: Reader) -> list[str]:
    """What staff did and whether it helped."""
    return [
        reader.label("responses", one.get("code"))
        + (f" ({reader.label('effects', one['effect'])})" if one.get("effect") else "")
        for one in note.get("responses") or []
    ]


def handling(note: dict[str, Any], reader: Reader) -> str | None:
    """Who may read it, where that is not the staff of the unit."""
    if note.get("handling") in (None, "UNIT"):
        return None
    return t("who may read it: {handling}", handling=reader.label("handling", note["handling"]))


def late(note: dict[str, Any], reader: Reader) -> str | None:
    """That it was written down long after it happened, and why."""
    if not note.get("late"):
        return None
    reason = f" ({note['late_reason']})" if note.get("late_reason") else t(", no reason given")
    happened, recorded = reader.time(note.get("occurred_at")), reader.time(note.get("recorded_at"))
    return t(
        "LATE ENTRY: happened {happened}, recorded {recorded}{reason}",
        happened=happened,
        recorded=recorded,
        reason=reason,
    )


def _instant(value: object) -> datetime | None:
    if isinstance(value, str) and RFC3339.fullmatch(value):
        return datetime.fromisoformat(value)
    return value if isinstance(value, datetime) else None


def _mood(mood: object, reader: Reader) -> list[str]:
    if not isinstance(mood, dict):
        return []
    if mood.get("not_observed"):
        return [reader.label("not_observed", mood["not_observed"])]
    values = [reader.label(f"mood_{name}", mood[name]) for name in ("valence", "energy") if mood.get(name) is not None]
    told = t("mood {values}", values=", ".join(values))
    own = t("{mood} by own account", mood=told) if mood.get("source") == "SELF_REPORTED" else told
    return [own] if values else []
