"""A unit's sheet: gathered from the store as one reader may see it, put together by `domain.sheets`, stamped."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy.engine import RowMapping

from handover.domain import handovers as states
from handover.domain import sheets as rules
from handover.domain.access import belongs, may, may_read, may_read_handover
from handover.domain.notes import CLOCK_SKEW
from handover.domain.sheets import Known
from handover.errors import FieldError, Invalid, NotFound
from handover.schemas.common import in_utc
from handover.services import numbers, pasts, spots, views
from handover.services.unit_of_work import UnitOfWork
from handover.store import accesslog, eventlog, handovers, roster, sheets
from handover.store import notes as store_notes

LOOK_BACK = 3
"""Shifts that a sheet looks back on, the one that is on among them."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells a sheet from every other: the newest event it knows of, and the hash over all it says."""

    sequence: int
    hash: str


def get(uow: UnitOfWork, place: str, unit: str, at: datetime | None) -> dict[str, Any]:
    """The unit as it stands, or as it was known to stand at a time in the past."""
    uow.doing("sheets.read", establishment=place, unit=unit, at=at)
    uow.allow("handovers.read")
    known = gather(uow, place, unit, at)
    sheet = _stamped(rules.compose(known))
    people = [one["inmate"] for one in (*sheet["people"], *sheet["others"])]
    uow.about(sequence=sheet["sequence"], hash=sheet["hash"], people=people)
    return {**sheet, "given_at": in_utc(uow.now)}


def heading(uow: UnitOfWork, place: str, unit: str) -> dict[str, str]:
    """What a printed sheet says at its top: the names people know, and the clock they live by."""
    establishment, row = roster.establishment(uow.conn, place), roster.unit(uow.conn, place, unit)
    if establishment is None or row is None:
        raise LookupError(unit)
    return {"zone": establishment["timezone"], "place": establishment["name"], "unit": row["name"]}


def narrow(uow: UnitOfWork, sheet: Mapping[str, Any]) -> dict[str, str]:
    """Notes that the sheet tells something of, and that are not for everybody on the unit, with their classes: printed,
    it lies there."""
    told = {need["note"] for need in sheet["wing_needs"]}
    for one in (*sheet["people"], *sheet["others"]):
        for part in ("reasons", "worked", "did_not", "openings", "if_then", "needs", "changes"):
            told |= {item["note"] for item in one.get(part, ()) if item["note"]}
    return store_notes.narrow(uow.conn, told)


def stamp(uow: UnitOfWork, place: str, unit: str) -> Stamp:
    """The stamp of the sheet as the caller sees it now."""
    sheet = _stamped(rules.compose(gather(uow, place, unit, None)))
    return Stamp(sheet["sequence"], sheet["hash"])


def _stamped(sheet: dict[str, Any]) -> dict[str, Any]:
    return {**sheet, "hash": rules.seal(sheet)}


def gather(uow: UnitOfWork, place: str, unit: str, at: datetime | None) -> Known:
    """All that the sheet is made of, as the caller may see it."""
    if at is not None and at > uow.now + CLOCK_SKEW:
        raise Invalid(FieldError("/query/at", "this lies in the future; leave it out for the unit as it stands"))
    if not belongs(uow.who, place) or roster.unit(uow.conn, place, unit) is None:
        raise NotFound(f"No unit {unit} among yours.")
    now = at is None or at >= uow.now
    moment = uow.now if at is None or now else at
    rota = spots.rota_of_place(uow, place)
    shifts = states.shifts_until(rota.pattern, rota.zone, moment, LOOK_BACK)
    since = shifts[-1].starts
    kept = None if now else eventlog.kept_since(uow.conn, place)
    if kept is not None and since < kept:
        raise Invalid(FieldError("/query/at", f"what was known then is kept from {in_utc(kept)} on; read the notes"))
    head = eventlog.heads(uow.conn, [place]).get(place, 0)
    past = None if now else pasts.Past(uow, place, unit, moment, sheets.sequence_at(uow.conn, place, moment, head))
    people: list[Mapping[Any, Any]] = [*sheets.people(uow.conn, place, unit)]
    if past is not None:
        people = past.people(people)
    numbers = [person["number"] for person in people]
    last = handovers.last_taken(uow.conn, place, unit, None if now else moment)
    accepted = last["accepted_at"] if last else shifts[0].starts
    noted = [
        *sheets.on_people(uow.conn, uow.who.id, numbers, uow.who.establishments, since, moment),
        *sheets.on_unit(uow.conn, place, unit, since, moment),
        *sheets.about(uow.conn, store_notes.incidents(uow.conn, place, unit, since), moment),
    ]
    once = {row["id"]: row for row in noted}.values()
    rows = [row for row in once if may_read(uow.who, views.facts(row), uow.sights)]
    if last is not None:
        rows += sheets.late(uow.conn, uow.who.id, uow.sights, place, unit, last["last"], last["accepted_at"])
    notes = {row["id"]: orjson.loads(row["document"]) for row in rows}
    needs = [
        orjson.loads(views.need(row))
        for row in sheets.open_needs(uow.conn, uow.who.id, uow.sights, place, unit, moment)
    ]
    if past is not None:
        notes, needs = past.notes(notes), past.needs(needs)
    watched = _watched(notes.values(), numbers, moment)
    notes = _telling(uow, watched, moment, notes)
    if not may(uow.who, "notes.read"):  # another system that may know of handovers, but not read what is in them
        notes = {}
    if not may(uow.who, "needs.read"):
        needs = []
    moving: list[Mapping[Any, Any]] = [
        *handovers.transfers(uow.conn, place, unit),
        *_came_with(uow, numbers, place, unit, since),
    ]
    waiting: Mapping[Any, Any] | None = handovers.waiting(uow.conn, place, unit)
    if past is not None:
        waiting, moving = past.waiting(), past.transfers(moving)
    carries = handovers.carries(uow.conn, [need["id"] for need in needs], moment)
    before = _document(uow, last)
    to_shift = before["to_shift"] if before else None
    change = states.next_changeover(rota.pattern, rota.zone, moment, rota.times, to_shift)
    return Known(
        establishment=place,
        unit=unit,
        at=moment,
        sequence=past.sequence if past is not None else head,
        shifts=shifts,
        people=people,
        notes=list(notes.values()),
        needs=needs,
        waiting=_document(uow, waiting),
        last=before,
        draft={
            "id": None,
            "state": states.DRAFT,
            "from_shift": change.from_shift,
            "to_shift": change.to_shift,
            "due_at": change.due_at,
        },
        transfers=[found for one in moving if (found := _document(uow, one))],
        moves=[_move(row) for row in sheets.moved(uow.conn, place, unit, accepted, moment)],
        carries=_carries(uow, carries),
    )


def _watched(notes: Iterable[Mapping[str, Any]], numbers: Iterable[str], at: datetime) -> list[str]:
    """Whose attention is live: their sheet shows what worked with them."""
    live = {
        note["inmate"]
        for note in notes
        if note["attention"] != "ROUTINE" and rules.time_of(note["attention_until"]) > at
    }
    return [number for number in numbers if number in live]


def _telling(
    uow: UnitOfWork, numbers: Sequence[str], at: datetime, known: Mapping[str, dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """The newest notes that tell what staff did with these people, as many of each as are looked back on; and the notes
    that are `known` by now."""
    rows = sheets.telling(uow.conn, uow.who.id, uow.sights, numbers, at, rules.TELLING)
    return {id_: orjson.loads(document) for id_, _, document in rows if id_ not in known} | {**known}


def _came_with(uow: UnitOfWork, numbers: Iterable[str], place: str, unit: str, since: datetime) -> list[RowMapping]:
    """Transfers that brought people here lately."""
    return [
        row
        for row in handovers.transfers_of(uow.conn, numbers)
        if (row["establishment"], row["unit"]) == (place, unit)
        and row["accepted_at"] is not None
        and row["accepted_at"] >= since
    ]


def _document(uow: UnitOfWork, row: Mapping[Any, Any] | None) -> dict[str, Any] | None:
    """A handover as the caller may see it; nothing where he or she may not."""
    if row is None:
        return None
    document: dict[str, Any] = orjson.loads(row["document"])
    if not may_read_handover(uow.who, views.places_of(document), row.get("author"), uow.sights):
        return None
    return views.seen(document, uow.who, uow.sights)


def _move(row: Mapping[Any, Any]) -> dict[str, Any]:
    ends = {
        side: {name: row[f"{side}_{name}"] for name in ("establishment", "unit", "cell")} for side in ("from", "to")
    }
    return {
        "inmate": row["inmate"],
        "name": row["name"],
        **ends,
        "at": in_utc(row["recorded_at"]),
        "reason": row["reason"],
    }


def _carries(uow: UnitOfWork, rows: Iterable[Mapping[Any, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Who carried each need, as far as the caller may see the handovers it was carried with."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        places = {(row["establishment"], row["unit"]), (row["from_establishment"], row["from_unit"])}
        if not may_read_handover(uow.who, places, row["author"], uow.sights):
            continue
        found.setdefault(row["thing"], []).append({"by": orjson.loads(row["incoming"]), "at": row["accepted_at"]})
    return found


def worked(uow: UnitOfWork, number: str) -> dict[str, Any]:
    """What worked with a person and what did not, and when he or she opened up, from the notes the caller may see."""
    uow.doing("inmates.worked", subject=number)
    uow.allow("notes.read")
    row = numbers.seen(uow, roster.inmate(uow.conn, number))
    uow.about(establishment=row["establishment"], unit=row["unit"], person=number)
    return rules.learned(_telling(uow, [number], uow.now, {}).values())


def verify(uow: UnitOfWork, place: str, unit: str, hash_: str, given_at: datetime) -> dict[str, Any]:
    """Whether a sheet with this hash was given out then: the access log holds the hash of each, in a chain that cannot
    be changed unseen. Answers to whom, and the newest event it knew of."""
    uow.doing("sheets.verify", establishment=place, unit=unit, checked=hash_)
    uow.allow("handovers.read")
    if not belongs(uow.who, place) or roster.unit(uow.conn, place, unit) is None:
        raise NotFound(f"No unit {unit} among yours.")
    line = accesslog.giving(uow.conn, place, unit, given_at, hash_)
    if line is None:
        raise NotFound(
            "No sheet with this hash was given out for this unit at that time. Check unit, hash and time; if they are "
            "as printed, the sheet is not one of ours, or what it says was changed."
        )
    detail = orjson.loads(line.detail)
    told = {"establishment": place, "unit": unit, "hash": hash_, "given_at": line.at, "given_to": line.actor}
    return {**told, "at": detail.get("at") or line.at, "sequence": detail.get("sequence")}
