"""The sheet: one unit as it stands, put together from what its reader may see, by rules that name themselves.

A pure function of notes, needs, people and handovers as the service answers them: so whoever keeps a picture of its own
from a snapshot and the events can put the same sheet together, and a test does. Nobody is scored: people are in the
order of the attention that *staff* asked for, then of what is due first, then of their names.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, TypeVar

import orjson

from handover.domain.handovers import OPEN, TAKEN, open_queries
from handover.domain.incidents import began_with, goes_on
from handover.domain.shifts import Shift

RANK = {"ACT_NOW": 0, "WATCH": 1, "ROUTINE": 2}
TELLING = 12
"""The newest notes on a person that tell what staff did, of which "what worked" is made."""
SEEN_BY = ("SAW", "TOLD_BY_PERSON")
"""Bases of a note whose author was with the person."""
FAR = datetime.max.replace(tzinfo=UTC)
Document = Mapping[str, Any]
D = TypeVar("D", bound=Document)


@dataclass(frozen=True, slots=True)
class Known:
    """What a sheet is made of, as one reader may see it at one moment. More than is needed does no harm.

    `shifts`: the shift that is on and at least the two before it, the latest first. `moves`: into the unit and out of
    it, the oldest first. `carries`: who took each open need over, the oldest first.
    """

    establishment: str
    unit: str
    at: datetime
    sequence: int
    shifts: Sequence[Shift]
    people: Sequence[Document]
    notes: Sequence[Document]
    needs: Sequence[Document]
    waiting: Document | None
    last: Document | None
    draft: Document
    transfers: Sequence[Document] = ()
    moves: Sequence[Document] = ()
    carries: Mapping[str, Sequence[Document]] = field(default_factory=dict)


def time_of(text: str) -> datetime:
    """A time as the service answers it."""
    return datetime.fromisoformat(text)


def compose(known: Known) -> dict[str, Any]:
    """The sheet, without its hash."""
    notes = _standing(known)
    needs = [_need(known, need) for need in known.needs if need["status"] == "OPEN"]
    notes_on, needs_of = _by_inmate(notes), _by_inmate(needs)
    people, rest = [], []
    for person in sorted(known.people, key=lambda p: p["number"]):
        entry = _person(known, person, notes_on[person["number"]], needs_of[person["number"]])
        if entry["reasons"]:
            people.append(entry)
        else:
            rest.append({name: entry[name] for name in ("inmate", "name", "cell", "changes")})
    waiting = [one for one in known.transfers if one["state"] in OPEN]
    moving = [_in_transit(known, one) for one in waiting]
    here = {person["number"] for person in known.people}
    # Whose numbers were merged is here: only what was open under the other one has to be accepted.
    moves = [one["transfer"] for one in waiting if not one["transfer"].get("merged")]
    arriving = {move["inmate"] for move in moves if move["to"]["unit"] == known.unit and _here(known, move["to"])}
    return {
        "establishment": known.establishment,
        "unit": known.unit,
        "at": known.at,
        "sequence": known.sequence,
        "handover": _handover(known),
        "roll": {"expected": sum(p["number"] not in arriving for p in known.people), "in_transit": len(arriving)},
        "incidents": _incidents(known),
        "people": sorted(people, key=_order),
        "wing_notes": [note for note in notes_on[None] if _live(known, note) or _recent(known, note)],
        "wing_needs": sorted(needs_of[None], key=lambda need: (_due(need), need["id"])),
        "late": _late(known, notes),
        "not_observed": _not_observed(known, notes_on),
        "arrived": [_moved(one) for one in _moves(known) if _here(known, one["to"]) and one["inmate"] in here],
        "left": [_moved(one) for one in _moves(known) if _here(known, one["from"]) and one["inmate"] not in here],
        "in_transit": moving,
        "others": sorted(rest, key=lambda one: (one["cell"] or "", one["name"])),
    }


def seal(sheet: Mapping[str, Any]) -> str:
    """The sheet's hash: SHA-256 over its canonical JSON (RFC 8785 as far as it goes here: sorted keys, no blanks,
    UTF-8, times in UTC with a `Z`), without the hash itself and the moment it was given out."""
    rest = {name: value for name, value in sheet.items() if name not in ("hash", "given_at")}
    return sha256(orjson.dumps(rest, option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z)).hexdigest()


def _by_inmate(things: Iterable[D]) -> Mapping[str | None, list[D]]:
    found: dict[str | None, list[D]] = defaultdict(list)
    for thing in things:
        found[thing["inmate"]].append(thing)
    return found


# --- Which notes ------------------------------------------------------------------------------------------------------


def _standing(known: Known) -> list[Document]:
    """Notes that stand, the newest first: the unit's, its people's, and those that came with people who moved here."""
    found = {note["id"]: note for note in _brought(known)}
    found |= {note["id"]: note for note in known.notes}
    numbers = {person["number"] for person in known.people}
    mine = [
        note
        for note in found.values()
        if note["status"] in ("ACTIVE", "RESTRICTED")
        and (note["inmate"] in numbers if note["inmate"] is not None else _here(known, note))
    ]
    return sorted(mine, key=lambda note: (time_of(note["recorded_at"]), note["id"]), reverse=True)


def _brought(known: Known) -> Iterable[Document]:
    """What came with people: while they are on their way, and as long as the last shifts are looked back on."""
    for one in known.transfers:
        settled = one["accepted_at"] is not None and time_of(one["accepted_at"]) < _back(known)
        if _here(known, one) and (one["state"] in OPEN or (one["state"] in TAKEN and not settled)):
            yield from (item["content"] for item in (*one["items"], *one["attention"]) if item.get("content"))


def _back(known: Known) -> datetime:
    return known.shifts[2].starts


def _here(known: Known, place: Document) -> bool:
    return (place["establishment"], place["unit"]) == (known.establishment, known.unit)


def _live(known: Known, note: Document) -> bool:
    return note["attention"] != "ROUTINE" and time_of(note["attention_until"]) > known.at


def _recent(known: Known, note: Document) -> bool:
    return time_of(note["recorded_at"]) >= _back(known)


def _ran_out(known: Known, note: Document) -> bool:
    """Attention that ended by itself in the last three shifts, and that nobody has said a word about since."""
    renewals = note.get("renewals")
    if note["attention"] == "ROUTINE" or (renewals and renewals[-1]["closed"]):
        return False
    return _back(known) <= time_of(note["attention_until"]) <= known.at


def _late(known: Known, notes: Iterable[Document]) -> list[Document]:
    """Written after the unit was offered, and so not among what was taken over, about what was before that; or after it
    was taken over, about what was before: the shift that took over has not been told it."""
    if known.last is None:
        return []
    ends = [time_of(known.last[name]) for name in ("offered_at", "accepted_at")]
    return [
        note
        for note in notes
        if _here(known, note) and any(time_of(note["recorded_at"]) > end > time_of(note["occurred_at"]) for end in ends)
    ]


# --- Incidents --------------------------------------------------------------------------------------------------------


def _incidents(known: Known) -> list[dict[str, Any]]:
    """What goes on in the unit, and what was over in the last three shifts, the latest first: how many notes there are
    about it, and the one it began with. Its notes stand where they would stand without it."""
    by_id = {note["id"]: note for note in known.notes}
    about: dict[str, list[Document]] = defaultdict(list)
    for note in known.notes:
        if note.get("incident") and note["status"] in ("ACTIVE", "RESTRICTED") and _here(known, note):
            about[note["incident"]].append(note)
    found = []
    for incident, notes in about.items():
        began = began_with(incident, by_id.get)
        if began is None or time_of(began["attention_until"]) < _back(known):
            continue
        found.append(
            {
                "incident": incident,
                "since": began["occurred_at"],
                "until": began["attention_until"] if goes_on(began, known.at) else None,
                "count": len(notes),
                "latest": max((note["recorded_at"] for note in notes), key=time_of),
                "began": began,
            }
        )
    return sorted(
        found, key=lambda one: (one["until"] is not None, time_of(one["since"]), one["incident"]), reverse=True
    )


# --- One person -------------------------------------------------------------------------------------------------------


def _person(
    known: Known, person: Document, about: Sequence[Document], needs: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    live = [note for note in about if _live(known, note)]
    shown = [note for note in about if _live(known, note) or _recent(known, note) or _ran_out(known, note)]
    wanted = sorted(needs, key=lambda need: (_due(need), need["id"]))
    attention, until = attention_of(live)
    changes = _changes(known, about)
    told = learned(about) if attention != "ROUTINE" else {"worked": [], "did_not": [], "openings": []}
    return {
        "inmate": person["number"],
        "name": person["name"],
        "cell": person["cell"],
        "attention": attention,
        "attention_until": until,
        "reasons": list(_reasons(known, shown, wanted, changes)),
        **told,
        "if_then": [
            {"text": note["if_then"], "note": note["id"], "by": note["author"]["name"], "at": note["recorded_at"]}
            for note in shown
            if note["if_then"] is not None
        ],
        "needs": wanted,
        "changes": changes,
        "notes": shown,
    }


def attention_of(live: Sequence[Document]) -> tuple[str, Any]:
    """How much attention these notes, whose attention runs, ask for together, and until when."""
    attention = min((note["attention"] for note in live), key=RANK.__getitem__, default="ROUTINE")
    until = (note["attention_until"] for note in live if note["attention"] == attention)
    return attention, max(until, key=time_of, default=None)


def _order(entry: Document) -> tuple[int, datetime, str, str]:
    due = min((_due(need) for need in entry["needs"]), default=FAR)
    return RANK[entry["attention"]], due, entry["name"], entry["inmate"]


def _due(need: Document) -> datetime:
    return time_of(need["due_at"]) if need["due_at"] else FAR


def _reasons(
    known: Known, shown: Sequence[Document], wanted: Sequence[Document], changes: Sequence[Document]
) -> Iterable[dict[str, Any]]:
    """Why this person is on the sheet: one line for each rule that holds, each with its source."""
    for note in shown:
        if _live(known, note):
            yield _because(note["attention"], note)
        elif _ran_out(known, note):
            yield _because("RAN_OUT", note)
    for need in wanted:
        overdue = need["due_at"] is not None and time_of(need["due_at"]) <= known.at
        rule = "NEED_OVERDUE" if overdue else "PROMISED" if need["promised"] else "NEED"
        yield {"rule": rule, "note": need["note"], "need": need["id"], "by": need["opened_by"]["name"]} | {
            "at": need["opened_at"],
            "basis": None,
        }
    worse = [change for change in changes if change["change"] in ("WORSE", "MUCH_WORSE")]
    if len(worse) > 1:
        yield {"rule": "WORSE_TWICE", **{name: worse[0][name] for name in ("note", "by", "at", "basis")}, "need": None}
    elif worse:
        yield {"rule": "WORSE", **{name: worse[0][name] for name in ("note", "by", "at", "basis")}, "need": None}
    for note in shown:
        if not _live(known, note) and not _ran_out(known, note) and _says_something(note):
            yield _because("NOTED", note)


def _because(rule: str, note: Document) -> dict[str, Any]:
    by, at = note["author"]["name"], note["recorded_at"]
    return {"rule": rule, "note": note["id"], "need": None, "by": by, "at": at, "basis": note["basis"]}


def _says_something(note: Document) -> bool:
    """More than how the person was, compared with usual."""
    return bool(note["fact"] or note["opinion"] or note["if_then"] or note["indicators"] or note["responses"])


def _changes(known: Known, about: Sequence[Document]) -> list[dict[str, Any]]:
    """Change from usual and mood, shift by shift, the latest first: the newest note of each that says so."""
    found = []
    for key in (shift.key for shift in known.shifts[:3]):
        said = [n for n in about if n["shift"] == key and (n["change"] or n["mood"])]
        note: Document | None = said[0] if said else None
        found.append(
            {
                "shift": key,
                "change": note["change"] if note else None,
                "mood": note["mood"] if note else None,
                "note": note["id"] if note else None,
                "by": note["author"]["name"] if note else None,
                "at": note["recorded_at"] if note else None,
                "basis": note["basis"] if note else None,
            }
        )
    return found


def learned(about: Iterable[Document]) -> dict[str, list[dict[str, Any]]]:
    """What staff did and whether it helped, and when the person opened up, from the newest notes that tell it; each
    with its source. Nothing is counted up. `about`: notes on one person, the newest first."""
    telling = [note for note in about if note["responses"] or note["opening"]][:TELLING]
    found: dict[str, list[dict[str, Any]]] = {"worked": [], "did_not": [], "openings": []}
    kinds = {"HELPED": "worked", "NO_CHANGE": "did_not", "WORSE": "did_not"}
    for note in telling:
        source = {
            "note": note["id"],
            "by": note["author"]["name"],
            "at": note["occurred_at"],
            "place": note["place"],
            "fact": note["fact"],
        }
        for response in note["responses"]:
            if response["effect"] in kinds:
                found[kinds[response["effect"]]].append({**response, **source})
        if note["opening"]:
            found["openings"].append(source)
    return found


def _need(known: Known, need: Document) -> dict[str, Any]:
    """An open need with who carried it: the author opened it, each of these took it over."""
    return {**need, "carried": list(known.carries.get(need["id"], ()))}


def _not_observed(known: Known, notes_on: Mapping[str | None, Sequence[Document]]) -> list[dict[str, Any]]:
    """Who was not seen in the shift that is on, as far as the notes say; and why not, where somebody wrote it."""
    current = known.shifts[0].key
    found = []
    for person in sorted(known.people, key=lambda p: (p["cell"] or "", p["name"], p["number"])):
        about = notes_on[person["number"]]
        seen = [n for n in about if n["basis"] in SEEN_BY and not (n["mood"] and n["mood"]["not_observed"])]
        if any(note["shift"] == current for note in seen):
            continue
        why = next((n["mood"]["not_observed"] for n in about if n["shift"] == current and n["mood"]), None)
        recent = [note for note in seen if _recent(known, note)]
        found.append(
            {
                "inmate": person["number"],
                "name": person["name"],
                "cell": person["cell"],
                "why": why,
                "last": max((note["occurred_at"] for note in recent), key=time_of, default=None),
            }
        )
    return found


# --- The unit ---------------------------------------------------------------------------------------------------------


def _handover(known: Known) -> dict[str, Any]:
    """Whose the unit is, and where its handover stands."""
    now = known.waiting or known.draft
    names = ("id", "state", "from_shift", "to_shift", "outgoing", "incoming", "offered_at", "due_at", "accepted_at")
    last = known.last
    return {
        **{name: now.get(name) for name in names},
        "roll": now.get("roll"),
        "remarks": now.get("remarks"),
        "open_queries": len(open_queries(now.get("queries", ()))),
        "last": last and {name: last.get(name) for name in (*names, "remarks")},
    }


def _since(known: Known) -> datetime:
    return time_of(known.last["accepted_at"]) if known.last else known.shifts[0].starts


def _moves(known: Known) -> list[Document]:
    return [one for one in known.moves if time_of(one["at"]) >= _since(known) and not _within(one)]


def _within(move: Document) -> bool:
    return all(move["from"][name] == move["to"][name] for name in ("establishment", "unit"))


def _moved(move: Document) -> dict[str, Any]:
    return {name: move[name] for name in ("inmate", "name", "from", "to", "at", "reason")}


def _in_transit(known: Known, one: Document) -> dict[str, Any]:
    moving = one["transfer"]
    return {
        "handover": one["id"],
        **{name: moving[name] for name in ("inmate", "name", "from", "to")},
        "state": one["state"],
        "outgoing": one["outgoing"],
        "since": one["offered_at"],
        "due_at": one["due_at"],
        "late_by_min": max(0, int((known.at - time_of(one["due_at"])) / timedelta(minutes=1))),
    }
