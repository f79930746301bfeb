"""Pages: what must not wait for the shift to end. Told at once, and told again, until a named person takes it."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson

from handover.domain.access import may_read
from handover.domain.pages import ACCEPTED, CLOSED, RAISED
from handover.errors import NotFound
from handover.services import duty, spots, views
from handover.services.events import about_page
from handover.services.paging import Page, page, read_cursor
from handover.services.unit_of_work import UnitOfWork, as_json, person
from handover.store import notes, pages, timers

ACT_NOW = "ACT_NOW"


def about_note(uow: UnitOfWork, row: Mapping[Any, Any]) -> None:
    """Raises a page for a note that wants acting on now."""
    _raise(uow, ACT_NOW, row, row["handling"], row["unit"], row["establishment"])


def about_handover(uow: UnitOfWork, row: Mapping[Any, Any]) -> None:
    """Raises a page for a handover or transfer that nobody has accepted, in each unit it lies in."""
    kind = "TRANSFER" if row["inmate"] else "HANDOVER"
    for place, unit in dict.fromkeys(
        ((row["establishment"], row["unit"]), (row["from_establishment"], row["from_unit"]))
    ):
        _raise(uow, kind, row, "UNIT", unit, place)


def about_unit(uow: UnitOfWork, row: Mapping[Any, Any]) -> None:
    """Raises a page for a unit that nobody has offered since this handover of it."""
    _raise(uow, "UNOFFERED", row, "UNIT", row["unit"], row["establishment"])


def _raise(uow: UnitOfWork, kind: str, row: Mapping[Any, Any], handling: str, unit: str, place: str) -> None:
    of_note = kind == ACT_NOW
    document = {
        "id": uow.new_id(),
        "kind": kind,
        "establishment": place,
        "unit": unit,
        "inmate": row["inmate"],
        "note": row["id"] if of_note else None,
        "handover": None if of_note else row["id"],
        "state": RAISED,
        "raised_at": uow.now,
        "repeated": 0,
        "accepted_by": None,
        "accepted_at": None,
        "version": 1,
    }
    new = {
        **{name: document[name] for name in ("id", "kind", "establishment", "unit", "inmate", "note", "state")},
        **{name: document[name] for name in ("raised_at", "version")},
        "author": row["author"],
        "handling": handling,
        "about": row["id"],
        "document": as_json(document),
    }
    pages.add(uow.rows, new)
    uow.record(about_page(uow, "page.raised", new))
    timers.add(uow.rows, (_again(uow, place), timers.PAGE, new["id"]))


def _again(uow: UnitOfWork, place: str) -> datetime:
    return uow.now + timedelta(minutes=spots.rota_of_place(uow, place).times.page)


def repeat(uow: UnitOfWork, page: str) -> str | None:
    """Tells a page again that nobody has taken; answers where."""
    row = pages.get(uow.conn, page, "mine")
    if row is None or row["state"] != RAISED:
        return None
    repeated = orjson.loads(row["document"])["repeated"] + 1
    _change(uow, row, "page.raised", repeated=repeated)
    timers.add(uow.rows, (_again(uow, row["establishment"]), timers.PAGE, page))
    return str(row["establishment"])


def taken(uow: UnitOfWork, about: Iterable[str]) -> None:
    """The caller takes the pages about these notes and handovers."""
    for thing in about:
        for row in pages.raised_about(uow.conn, thing):
            _change(uow, row, "page.accepted", state=ACCEPTED, accepted_by=person(uow.who), accepted_at=uow.now)


def closed(uow: UnitOfWork, about: Iterable[str]) -> None:
    """What these pages called for is over."""
    for thing in about:
        for row in pages.raised_about(uow.conn, thing):
            _change(uow, row, "page.closed", state=CLOSED)


def corrected(uow: UnitOfWork, old: Mapping[Any, Any], new: Mapping[Any, Any]) -> None:
    """A correction that still wants acting on now goes on calling; one that newly does begins to; one that no longer
    does ends it."""
    raised = pages.raised_about(uow.conn, old["id"])
    if new["attention"] != "ACT_NOW":
        closed(uow, [old["id"]])
    elif raised:
        for row in raised:
            reach = {name: new[name] for name in ("handling", "author")}
            _change(uow, row, "page.raised", {"about": new["id"], "note": new["id"], **reach}, note=new["id"])
    elif old["attention"] != "ACT_NOW":
        about_note(uow, new)


def renumber(uow: UnitOfWork, note: str, number: str) -> None:
    """Gives the pages about a note the number its person has now."""
    for row in pages.raised_about(uow.conn, note):
        _change(uow, row, "page.raised", {"inmate": number}, inmate=number)


def _change(
    uow: UnitOfWork, row: Mapping[Any, Any], type_: str, columns: Mapping[str, Any] | None = None, **said: Any
) -> None:
    version = row["version"] + 1
    new = {**(columns or {}), "document": views.amended(row["document"], **said, version=version)}
    if "state" in said:
        new["state"] = said["state"]
    pages.change(uow.conn, row["id"], row["version"], **new)
    if any(name in new and new[name] != row[name] for name in ("handling", "author")):
        # First, so that those who see it both before and after drop it and then take it up again.
        uow.record(about_page(uow, type_, {**row, "document": views.thin(row["id"], row["state"])}))
    uow.record(about_page(uow, type_, {**row, **new, "version": version}))


def get(uow: UnitOfWork, page: str) -> str:
    """One page, and of a note: who has seen it, and who of the unit's staff and the managers on duty has not."""
    uow.doing("pages.read", subject=page)
    uow.allow("notes.read")
    row = pages.get(uow.conn, page)
    if row is None or not may_read(uow.who, views.facts(row), uow.sights):
        raise NotFound("No such page.")
    uow.about(establishment=row["establishment"], unit=row["unit"], person=row["inmate"])
    given = notes.receipts_of(uow.conn, row["note"]) if row["note"] else []
    reached = {receipt["author"] for receipt in given} | {row["author"]}
    seen = [orjson.loads(receipt["document"])["by"] for receipt in given]
    shown = views.amended(row["document"], seen=[by for n, by in enumerate(seen) if by not in seen[:n]])
    missing = duty.not_reached(uow, row, reached, managers=True)
    return views.amended(shown, not_seen=missing)


def find(
    uow: UnitOfWork, place: str | None, unit: str | None, state: str | None, cursor: str | None, limit: int
) -> Page:
    """Pages this reader may see, the newest first."""
    uow.doing("pages.list", establishment=place, unit=unit, filter={"state": state})
    uow.allow("notes.read")
    before = read_cursor(cursor, "pages", datetime, str)
    rows = pages.find(uow.conn, uow.who.id, uow.sights, place, unit, state, before, limit)
    found = page(rows, limit, lambda row: str(row["document"]), lambda row: ("pages", row["raised_at"], row["id"]))
    uow.about(count=len(found.items), people=sorted({row["inmate"] for row in rows[:limit] if row["inmate"]}))
    return found
