"""The roster: establishments, units, people, their moves and the merging of their numbers."""

from collections.abc import Container, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import orjson

from handover.domain.access import belongs
from handover.domain.handovers import Times
from handover.domain.notes import CLOCK_SKEW
from handover.domain.screens import Screens
from handover.errors import FieldError, Invalid, NotFound, Stale
from handover.schemas.roster import DEFAULT_SHIFTS, EstablishmentDraft, InmateDraft, MoveDraft, UnitDraft
from handover.services import needs as need_services
from handover.services import transfers, views
from handover.services.events import about_inmate
from handover.services.numbers import seen
from handover.services.paging import Page, page, read_cursor
from handover.services.unit_of_work import UnitOfWork, as_json, person
from handover.store import eventlog, roster, sheets


@dataclass(frozen=True, slots=True)
class Put:
    """What a PUT left behind: its document, its version, and whether it is new."""

    document: str
    version: int
    created: bool


def put_establishment(
    uow: UnitOfWork, code: str, draft: EstablishmentDraft, versions: Container[int] | None = None
) -> Put:
    """Sets an establishment up, or changes it."""
    uow.doing("establishments.put", establishment=code)
    who = uow.allow("roster.write")
    if not belongs(who, code):
        raise NotFound("No such establishment among yours.")
    old = roster.establishment(uow.conn, code, "mine")
    unchanged(versions, _tag(uow, old) if old else 0)
    row: dict[str, Any] = {
        "code": code,
        "name": draft.name,
        "timezone": draft.timezone,
        "shifts": _shifts(draft, old),
        "times": draft.times.model_dump_json() if draft.times else (old["times"] if old else None),
        "screens": draft.screens.model_dump_json() if draft.screens else (old["screens"] if old else None),
    }
    if old is None or any(row[name] != old[name] for name in row):
        row |= {"version": _next(old), "updated_at": uow.now}
        uow.about(screens=orjson.loads(row["screens"]) if row["screens"] else None)
        roster.put_establishment(uow.conn, row, new=old is None)
    else:
        row = dict(old)
    if old is None:
        eventlog.start(uow.conn, code)
    return Put(_establishment(uow, row), _tag(uow, row), old is None)


def _shifts(draft: EstablishmentDraft, old: Mapping[Any, Any] | None) -> str:
    """The shifts as kept: as sent, else as they were, else the usual ones."""
    if draft.shifts is None and old is not None:
        return str(old["shifts"])
    shifts = draft.shifts or DEFAULT_SHIFTS
    for name in ("code", "starts"):
        values = [getattr(shift, name) for shift in shifts]
        for i, value in enumerate(values):
            if value in values[:i]:
                raise Invalid(FieldError(f"/shifts/{i}/{name}", f"{value} is taken by another shift"))
    return orjson.dumps([shift.model_dump() for shift in shifts]).decode()


def _tag(uow: UnitOfWork, row: Mapping[Any, Any]) -> int:
    """The ETag of an establishment: it is shown with its units, and changes when one of them does."""
    return sum((int(unit["version"]) for unit in roster.units_of(uow.conn, row["code"])), int(row["version"]))


def get_establishment(uow: UnitOfWork, code: str) -> tuple[str, int]:
    """One establishment with its units."""
    uow.doing("establishments.read", establishment=code)
    uow.allow("roster.read")
    row = roster.establishment(uow.conn, code) if belongs(uow.who, code) else None
    if row is None:
        raise NotFound("No such establishment among yours.")
    return _establishment(uow, row), _tag(uow, row)


def find_establishments(uow: UnitOfWork) -> Page:
    """The caller's establishments, by code."""
    uow.doing("establishments.list")
    uow.allow("roster.read")
    rows = roster.establishments_of(uow.conn, uow.who.establishments)
    uow.about(count=len(rows))
    return Page([_establishment(uow, row) for row in rows], None)


def put_unit(uow: UnitOfWork, code: str, unit: str, draft: UnitDraft, versions: Container[int] | None = None) -> Put:
    """Sets a unit up, or renames it."""
    uow.doing("units.put", establishment=code, unit=unit)
    who = uow.allow("roster.write")
    if not belongs(who, code) or roster.establishment(uow.conn, code) is None:
        raise NotFound("No such establishment among yours; set it up first.")
    old = roster.unit(uow.conn, code, unit, "mine")
    new = _next(old, versions)
    told = {"establishment": code, "code": unit, "name": draft.name}
    if old is not None and old["name"] == draft.name:
        return Put(as_json(told), old["version"], False)
    roster.put_unit(uow.conn, {**told, "version": new, "updated_at": uow.now}, new=old is None)
    return Put(as_json(told), new, old is None)


def put_inmate(uow: UnitOfWork, number: str, draft: InmateDraft, versions: Container[int] | None = None) -> Put:
    """Puts a person on the roster, or changes the entry. Another unit than before is a move, and is told as one; what
    was there already is not told again, so that a roster sent whole every night says only what is new."""
    uow.doing("inmates.put", establishment=draft.establishment, unit=draft.unit, subject=number)
    uow.allow("roster.write")
    old = roster.inmate(uow.conn, number, "mine")
    if old is not None:
        old = seen(uow, old)
    _check_place(uow, draft.establishment, draft.unit)
    new = _next(old, versions)
    said = draft.model_dump()
    if old is not None and all(old[name] == value for name, value in said.items()):
        return Put(shown(uow, old), old["version"], False)
    row = {"number": number, **said, "version": new, "updated_at": uow.now, "merged_into": None}
    roster.put_inmate(uow.conn, row, new=old is None)
    document = shown(uow, row)
    if old is not None and (old["establishment"], old["unit"]) != (row["establishment"], row["unit"]):
        _moved(uow, old, row, "Changed on the roster.", uow.now)
    else:
        event = about_inmate(uow, "inmate.updated", row["establishment"], row["unit"], number, document)
        uow.record(event)
    return Put(document, row["version"], old is None)


def get_inmate(uow: UnitOfWork, number: str) -> tuple[str, int]:
    """One person."""
    uow.doing("inmates.read", subject=number)
    uow.allow("roster.read")
    row = seen(uow, roster.inmate(uow.conn, number))
    uow.about(establishment=row["establishment"], unit=row["unit"])
    return shown(uow, row), row["version"]


def find_inmates(
    uow: UnitOfWork, establishment: str | None, unit: str | None, words: tuple[str, ...], cursor: str | None, limit: int
) -> Page:
    """People in the caller's establishments, by number."""
    uow.doing("inmates.list", establishment=establishment, unit=unit, filter={"q": " ".join(words) or None})
    who = uow.allow("roster.read")
    places = who.establishments if establishment is None else who.establishments & {establishment}
    after = read_cursor(cursor, "inmates", str)
    rows = roster.find_inmates(uow.conn, places, unit, words, after[0] if after else None, limit)
    before = roster.previous_numbers(uow.conn, [row["number"] for row in rows])
    found = page(
        rows,
        limit,
        lambda row: as_json(views.inmate(row, before.get(row["number"], ()))),
        lambda row: ("inmates", row["number"]),
    )
    uow.about(count=len(found.items), people=[row["number"] for row in rows[:limit]])
    return found


def in_unit(uow: UnitOfWork, place: str, unit: str) -> list[str]:
    """The numbers of the people who are in a unit."""
    return [str(row["number"]) for row in sheets.people(uow.conn, place, unit)]


def move(uow: UnitOfWork, number: str, draft: MoveDraft, versions: Container[int] | None = None) -> tuple[str, int]:
    """Moves a person; open needs go along. Answers the move's document, and the person's version."""
    uow.doing("inmates.move", establishment=draft.establishment, unit=draft.unit, subject=number)
    uow.allow("roster.move")
    old = seen(uow, roster.inmate(uow.conn, number, "mine"))
    unchanged(versions, old["version"])
    if draft.at is not None and draft.at > uow.now + CLOCK_SKEW:
        raise Invalid(FieldError("/at", "this lies in the future; record the move when it has taken place"))
    # A person may be sent where the sender has no rights: the place must exist, not be the caller's.
    if roster.establishment(uow.conn, draft.establishment) is None:
        raise Invalid(FieldError("/establishment", f"there is no establishment {draft.establishment}"))
    if roster.unit(uow.conn, draft.establishment, draft.unit) is None:
        raise Invalid(FieldError("/unit", f"there is no unit {draft.unit} in {draft.establishment}"))
    row = {
        **old,
        "establishment": draft.establishment,
        "unit": draft.unit,
        "cell": draft.cell,
        "version": old["version"] + 1,
        "updated_at": uow.now,
    }
    roster.put_inmate(uow.conn, row, new=False)
    return _moved(uow, old, row, draft.reason, min(draft.at or uow.now, uow.now)), row["version"]


def _moved(uow: UnitOfWork, old: Mapping[Any, Any], new: Mapping[Any, Any], reason: str, at: datetime) -> str:
    id_, by, number = uow.new_id(), person(uow.who), new["number"]
    ends = {
        f"{side}_{name}": row[name]
        for side, row in (("from", old), ("to", new))
        for name in ("establishment", "unit", "cell")
    }
    roster.add_move(
        uow.conn,
        {"id": id_, "inmate": number, **ends, "reason": reason, "at": at, "recorded_at": uow.now, "by": as_json(by)},
    )
    spots = {
        side: {name: row[name] for name in ("establishment", "unit", "cell")}
        for side, row in (("from", old), ("to", new))
    }
    document = as_json({"id": id_, "inmate": number, **spots, "reason": reason, "at": at, "by": by})
    data = as_json({**orjson.loads(shown(uow, new)), "move": orjson.Fragment(document)})
    here = old["establishment"] == new["establishment"]
    if not here:
        gone = views.thin(number, "LEFT")
        uow.record(about_inmate(uow, "inmate.moved", old["establishment"], old["unit"], number, gone, status="LEFT"))
    also = old["unit"] if here else None
    uow.record(about_inmate(uow, "inmate.moved", new["establishment"], new["unit"], number, data, also_unit=also))
    need_services.follow(uow, number, new["establishment"], new["unit"])
    if (old["establishment"], old["unit"]) != (new["establishment"], new["unit"]):
        transfers.begin(uow, old, new)
    return document


def _check_place(uow: UnitOfWork, establishment: str, unit: str) -> None:
    if not belongs(uow.who, establishment) or roster.establishment(uow.conn, establishment) is None:
        raise Invalid(
            FieldError("/establishment", f"{establishment} is not one of your establishments, or not set up yet")
        )
    if roster.unit(uow.conn, establishment, unit) is None:
        raise Invalid(FieldError("/unit", f"{establishment} has no unit {unit}; set it up first"))


def _next(old: Mapping[Any, Any] | None, versions: Container[int] | None = None) -> int:
    present = old["version"] if old else 0
    unchanged(versions, present)
    return int(present) + 1


def unchanged(versions: Container[int] | None, present: int) -> None:
    """Refuses a change where the present version (0: there is none yet) is not among those it may be made to."""
    if versions is not None and present not in versions:
        raise Stale("Somebody changed this since you read it; read it again.")


def _establishment(uow: UnitOfWork, row: Mapping[Any, Any]) -> str:
    units = [
        {name: unit[name] for name in ("establishment", "code", "name")}
        for unit in roster.units_of(uow.conn, row["code"])
    ]
    told = {name: row[name] for name in ("code", "name", "timezone")}
    times = asdict(Times.of(orjson.loads(row["times"]) if row["times"] else None))
    screens = asdict(Screens.of(orjson.loads(row["screens"]) if row["screens"] else None))
    shifts = orjson.Fragment(row["shifts"])
    return as_json({**told, "shifts": shifts, "times": times, "screens": screens, "units": units})


def shown(uow: UnitOfWork, row: Mapping[Any, Any]) -> str:
    before = roster.previous_numbers(uow.conn, [row["number"]])
    return as_json(views.inmate(row, before.get(row["number"], ())))
