"""Rows to answers, and what is left of them where little may be shown."""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from operator import itemgetter
from typing import Any

import orjson

from handover.domain.access import Facts, Principal, Sight, may, may_read_anywhere
from handover.languages import folded
from handover.schemas.notes import NoteDraft
from handover.services.unit_of_work import as_json


def facts(row: Mapping[Any, Any]) -> Facts:
    """What a decision about a note, need or page rests on; a page has no status of its own."""
    status, also = row.get("status", "ACTIVE"), row.get("from_unit")
    return Facts(row["establishment"], row["unit"], row["handling"], row["author"], status, also)


def thin(about: str, status: str) -> str:
    """All that is left for those who may not see more."""
    return as_json({"id": about, "status": status})


def said(draft: NoteDraft) -> dict[str, Any]:
    """What the author wrote, as a note shows it (needs apart: they get ids)."""
    mood = draft.mood and {
        "valence": draft.mood.valence,
        "energy": draft.mood.energy,
        "source": draft.mood.source or (None if draft.mood.not_observed else "OBSERVED"),
        "not_observed": draft.mood.not_observed,
    }
    return {
        "basis": draft.basis,
        "fact": draft.fact,
        "opinion": draft.opinion,
        "confidence": draft.confidence,
        "mood": mood,
        "change": draft.change,
        "indicators": [{"code": i.code, "trend": i.trend} for i in draft.indicators],
        "responses": [{"code": r.code, "effect": r.effect} for r in draft.responses],
        "opening": draft.opening,
        "if_then": draft.if_then,
        "place": draft.place,
    }


UNSAID: dict[str, Any] = {
    "basis": None,
    "late_reason": None,
    "fact": None,
    "opinion": None,
    "confidence": None,
    "mood": None,
    "change": None,
    "indicators": [],
    "needs": [],
    "responses": [],
    "opening": False,
    "attention": "ROUTINE",
    "if_then": None,
    "place": None,
    "correction_reason": None,
    "renewals": [],
    "incident": None,
}
"""What a retracted note still says: nothing. Every field an author fills is here; a test holds it against the
schema."""


NOTE_ORDER = (
    "id",
    "establishment",
    "unit",
    "inmate",
    "previous_inmate",
    "author",
    "occurred_at",
    "captured_at",
    "recorded_at",
    "late",
    "late_reason",
    "shift",
    "basis",
    "fact",
    "opinion",
    "confidence",
    "mood",
    "change",
    "indicators",
    "needs",
    "responses",
    "opening",
    "attention",
    "attention_until",
    "renewals",
    "if_then",
    "place",
    "handling",
    "status",
    "supersedes",
    "superseded_by",
    "correction_reason",
    "retraction",
    "incident",
)


_note_in_order = itemgetter(*NOTE_ORDER)


def note(fields: Mapping[Any, Any]) -> str:
    """A note as answered, its fields in the order of the schema."""
    return as_json(dict(zip(NOTE_ORDER, _note_in_order(fields), strict=True)))


def searchable(fields: Mapping[str, Any]) -> str:
    """The words a note is found by, folded."""
    details = [need["detail"] for need in fields["needs"]]
    return folded(" ".join(filter(None, (fields["fact"], fields["opinion"], fields["if_then"], *details))))


def amended(document: str, **changes: Any) -> str:
    """A document with some fields changed."""
    return as_json({**orjson.loads(document), **changes})


NEED_ORDER = (
    "id",
    "note",
    "establishment",
    "unit",
    "from_unit",
    "inmate",
    "code",
    "urgency",
    "promised",
    "detail",
    "due_at",
    "status",
    "owner",
    "outcome",
    "reason",
    "opened_at",
    "updated_at",
    "version",
)
_need_in_order = itemgetter(*NEED_ORDER)


def need(row: Mapping[Any, Any], history: Iterable[str] | None = None) -> str:
    """A need as answered, with its history where asked for."""
    fields = dict(zip(NEED_ORDER, _need_in_order(row), strict=True))
    fields["code"] = row["code"] or None
    fields["opened_by"] = orjson.Fragment(row["opened_by"])
    if history is not None:
        fields["history"] = [orjson.Fragment(step) for step in history]
    return as_json(fields)


def inmate(row: Mapping[Any, Any], previous_numbers: Iterable[str]) -> dict[str, Any]:
    """A person as answered."""
    names = ("number", "name", "establishment", "unit", "cell", "language", "updated_at", "version")
    return {**{name: row[name] for name in names}, "previous_numbers": list(previous_numbers)}


# --- Handovers --------------------------------------------------------------------------------------------------------

ENTITLED = "for"
"""In a handover as kept, beside each item and query: the class it is read by, and whose note it is."""
ENTRIES = ("items", "attention", "queries")
"""The lists in a handover of which each reader has what is his or hers."""


def places_of(handover: Mapping[Any, Any]) -> tuple[tuple[str, str], ...]:
    """The units a handover lies in: the one that takes over, and where it is another, the one that hands over."""
    to = (handover["establishment"], handover["unit"])
    moving = handover["transfer"]
    return (to,) if moving is None else (to, (moving["from"]["establishment"], moving["from"]["unit"]))


def handover(document: str, who: Principal, sights: tuple[Sight, ...]) -> str:
    """A handover as this reader may see it."""
    return as_json(seen(orjson.loads(document), who, sights))


def seen(fields: dict[str, Any], who: Principal, sights: tuple[Sight, ...]) -> dict[str, Any]:
    """A handover as this reader may see it (`fields`: as kept, changed into that): without the items, and the queries
    about them, that are not his or hers to read. It reads the same by GET, in lists and in events."""
    places = places_of(fields)

    def mine(entry: Mapping[str, Any]) -> bool:
        entitled = entry[ENTITLED]
        return bool(may_read_anywhere(who, places, entitled["handling"], entitled["author"], sights))

    if not may(who, "notes.read"):  # another system that may know of handovers, but not read notes
        for item in fields["items"]:
            item["content"] = None
    for name in ENTRIES:
        fields[name] = [_unmarked(entry) for entry in fields[name] if mine(entry)]
    return fields


def still(answer: str, document: str, who: Principal, sights: tuple[Sight, ...]) -> str | None:
    """An answer that was given about a handover (`document`: as it is kept now), without what is not his or hers to
    read any more; None where that is all of it."""
    told, now = orjson.loads(answer), seen(orjson.loads(document), who, sights)
    if "answers" in told:
        return answer if told["id"] in {query["id"] for query in now["queries"]} else None
    lists = [name for name in ENTRIES if name in told]
    there = {_which(entry) for name in lists for entry in now[name]}
    left = {name: [entry for entry in told[name] if _which(entry) in there] for name in lists}
    return answer if all(left[name] == told[name] for name in lists) else as_json({**told, **left})


def unsaid(answer: str, document: str, *, marked: bool = False) -> str:
    """An answer that was given about a handover (`document`: as it is kept now), its items and queries, or the one
    query that it is, in the words that are left of them. All else stands as it was answered. `marked`: with whose each
    is, as events have it."""
    told, now = orjson.loads(answer), orjson.loads(document)
    there = {_which(entry): entry if marked else _unmarked(entry) for name in ENTRIES for entry in now[name]}

    def left(entry: dict[str, Any]) -> dict[str, Any]:
        words = there[_which(entry)]
        return {**words, "answers": words["answers"][: len(entry["answers"])]} if "answers" in entry else words

    if "answers" in told:
        return as_json(left(told))
    return as_json({**told, **{name: [left(one) for one in told[name]] for name in ENTRIES if name in told}})


def _unmarked(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {field: value for field, value in entry.items() if field != ENTITLED}


def _which(entry: Mapping[str, Any]) -> tuple[Any, ...]:
    return entry.get("id"), entry["note"], entry["need"]


def sealed(document: Mapping[str, Any]) -> str:
    """SHA-256 over a document that was put together here."""
    return sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z)).hexdigest()
