"""What the paper does not say: it lies in the wing office, and whoever comes by can read it. Of a note of a narrower
class than the unit's or the prison's it says that there is one (of a complaint not even that), and keeps how much
attention is asked for."""

from collections.abc import Iterable, Mapping
from typing import Any

from handover.api.paper.words import Document
from handover.domain.access import UNMENTIONED, WIDE
from handover.domain.sheets import RANK, attention_of, time_of


def printable(sheet: Document, narrow: Mapping[str, str]) -> tuple[dict[str, Any], frozenset[str]]:
    """The sheet without the words of such notes, each person and the sheet with how many there are (`unprinted`); and
    their ids. A person's notes themselves stay: from them one sees what attention has run out. `narrow`: such notes of
    which the sheet has only what they led to."""
    whole = [note for one in sheet["people"] for note in one["notes"]]
    whole += [*sheet["wing_notes"], *sheet["late"], *(one["began"] for one in sheet["incidents"])]
    classes = {**narrow, **{note["id"]: note["handling"] for note in whole if note["handling"] not in WIDE}}
    hidden = frozenset(classes)
    told = frozenset(id_ for id_, handling in classes.items() if handling not in UNMENTIONED)
    secret = hidden - told
    people = [_person(_unmentioned(one, secret, sheet["at"]), hidden, told) for one in sheet["people"]]
    # Of whom nothing is left to say is among those of whom nothing is said.
    silent = [one for one in people if not one["reasons"] and not one["unprinted"]]
    others = [
        *sheet["others"],
        *({name: one[name] for name in ("inmate", "name", "cell", "changes")} for one in silent),
    ]
    theirs = {number for one in sheet["people"] for number in _told(one)}
    about = [note["id"] for note in (*sheet["wing_notes"], *sheet["late"], *(i["began"] for i in sheet["incidents"]))]
    about += [need["note"] for need in sheet["wing_needs"]]
    return {
        **sheet,
        "people": sorted((one for one in people if one not in silent), key=lambda one: RANK[one["attention"]]),
        "others": [
            {**one, "changes": _changes(one["changes"], hidden)}
            for one in sorted(others, key=lambda one: (one["cell"] or "", one["name"]))
        ],
        "incidents": [one for one in sheet["incidents"] if one["began"]["id"] not in hidden],
        "wing_notes": [note for note in sheet["wing_notes"] if note["id"] not in hidden],
        "wing_needs": _without(sheet["wing_needs"], hidden),
        "late": [note for note in sheet["late"] if note["id"] not in hidden],
        "unprinted": len(told.intersection(about) - theirs),
    }, hidden


def _person(one: Document, hidden: frozenset[str], told: frozenset[str]) -> dict[str, Any]:
    return {
        **one,
        **{part: _without(one[part], hidden) for part in ("worked", "did_not", "openings", "if_then", "needs")},
        "reasons": [why for why in one["reasons"] if why["rule"] == "RAN_OUT" or why["note"] not in hidden],
        "changes": _changes(one["changes"], hidden),
        "unprinted": len(told.intersection(_told(one))),
    }


def _unmentioned(one: Document, secret: frozenset[str], at: str) -> Document:
    """A person as if nobody had written these notes: what attention they ask for is not on paper either."""
    if not any(note["id"] in secret for note in one["notes"]):
        return one
    notes = [note for note in one["notes"] if note["id"] not in secret]
    live = [n for n in notes if n["attention"] != "ROUTINE" and time_of(n["attention_until"]) > time_of(at)]
    attention, until = attention_of(live)
    return {
        **one,
        "attention": attention,
        "attention_until": until,
        "reasons": [why for why in one["reasons"] if why["note"] not in secret],
        "notes": notes,
    }


def _told(person: Document) -> Iterable[str]:
    return [*(note["id"] for note in person["notes"]), *(need["note"] for need in person["needs"])]


def _without(told: Iterable[Document], hidden: frozenset[str]) -> list[Document]:
    return [one for one in told if one["note"] not in hidden]


def _changes(changes: Iterable[Document], hidden: frozenset[str]) -> list[Document]:
    """Shift by shift; what is not for everybody is as if nobody had written it."""
    return [{**dict.fromkeys(was), "shift": was["shift"]} if was["note"] in hidden else was for was in changes]
