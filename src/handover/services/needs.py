"""Needs: opened by a note, followed until they are met, closed with an outcome that is told back."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.engine import RowMapping

from handover.domain import needs as rules
from handover.domain.access import may_read
from handover.errors import Conflict, Invalid, NotFound, Stale
from handover.schemas.needs import NeedChange
from handover.services import views
from handover.services.events import about_note
from handover.services.paging import Page, page, read_cursor
from handover.services.unit_of_work import UnitOfWork, as_json, person
from handover.store import needs, notes, roster

Filter = needs.Filter
"""What a list of needs is narrowed to."""
RETRACTED = "The note it came from was retracted."


def open_for(uow: UnitOfWork, note: Mapping[Any, Any], wanted: Sequence[Mapping[Any, Any]]) -> None:
    """Opens the needs a note states."""
    if not wanted:
        return
    by = as_json(person(uow.who))
    rows = [
        {
            **{name: note[name] for name in ("establishment", "unit", "inmate", "author", "handling")},
            **{name: need[name] for name in ("id", "code", "urgency", "promised", "detail", "due_at")},
            "note": note["id"],
            "status": rules.OPEN,
            "owner": None,
            "outcome": None,
            "reason": None,
            "opened_at": uow.now,
            "opened_by": by,
            "updated_at": uow.now,
            "version": 1,
        }
        for need in wanted
    ]
    needs.add(uow.conn, rows)
    needs.add_steps(uow.conn, [_step(uow, row) for row in rows])
    for row in rows:
        _tell(uow, "need.opened", row)


def continue_under(
    uow: UnitOfWork, old: RowMapping, fields: dict[str, Any]
) -> tuple[list[tuple[RowMapping, dict[str, Any]]], list[dict[str, Any]]]:
    """Matches the needs of a corrected note with those of its correction, by code. A need the correction does not
    repeat goes on
    unchanged: a correction that forgets a promise must not lose it. Rewrites `fields["needs"]` and answers what is
    carried and new."""
    standing = needs.of_note(uow.conn, old["id"])
    carried: list[tuple[RowMapping, dict[str, Any]]] = []
    opened: list[dict[str, Any]] = []
    for wanted in fields["needs"]:
        match = next((row for row in standing if row["code"] == wanted["code"] and row["status"] == rules.OPEN), None)
        if match is None:
            opened.append(wanted)
            continue
        standing.remove(match)
        wanted["id"] = match["id"]
        carried.append((match, wanted))
    for row in standing:
        same = {name: row[name] for name in ("id", "code", "urgency", "promised", "detail", "due_at")}
        fields["needs"].append(same)
        carried.append((row, same))
    return carried, opened


def settle(
    uow: UnitOfWork,
    old: RowMapping,
    note: Mapping[Any, Any],
    carried: Sequence[tuple[RowMapping, dict[str, Any]]],
    opened: Sequence[dict[str, Any]],
) -> None:
    """Hangs the needs of a corrected note on its correction."""
    for row, wanted in carried:
        changes = {name: wanted[name] for name in ("urgency", "promised", "detail", "due_at")}
        _change(uow, row, {**changes, "note": note["id"], "handling": note["handling"]})
    open_for(uow, note, opened)


def close_retracted(uow: UnitOfWork, note: str) -> None:
    """Closes the needs of a retracted note and seals what they said."""
    for row in needs.of_note(uow.conn, note):
        _seal(uow, row, needs.steps(uow.conn, row["id"]))
        closing = {"status": "NOT_POSSIBLE"} if row["status"] == rules.OPEN else {}
        _change(uow, row, {**closing, "detail": None, "outcome": None, "reason": RETRACTED})


def _seal(uow: UnitOfWork, row: RowMapping, steps: Sequence[str]) -> None:
    notes.seal(uow.conn, row["id"], row["note"], views.need(row, steps), uow.now)
    for version, step in enumerate(steps, start=1):
        needs.blank_step(uow.conn, row["id"], version, views.amended(step, outcome=None, reason=None))


def follow(uow: UnitOfWork, number: str, establishment: str, unit: str) -> None:
    """Takes a person's open needs along to where he or she is now."""
    for row in needs.of_inmate(uow.conn, number, rules.OPEN):
        if (row["establishment"], row["unit"]) != (establishment, unit):
            _change(uow, row, {"establishment": establishment, "unit": unit})


def renumber(uow: UnitOfWork, previous: str, number: str) -> list[str]:
    """Gives the needs of a merged number to the surviving one; answers their ids."""
    moved = needs.of_inmate(uow.conn, previous)
    for row in moved:
        _change(uow, row, {"inmate": number})
    return [row["id"] for row in moved]


def get(uow: UnitOfWork, need: str) -> tuple[str, int]:
    """One need with its history, and its version."""
    uow.doing("needs.read", subject=need)
    uow.allow("needs.read")
    row = _readable(uow, need)
    return views.need(row, needs.steps(uow.conn, need)), row["version"]


def find(uow: UnitOfWork, wanted: Filter, cursor: str | None, limit: int) -> Page:
    """Needs this reader may see, those due first."""
    uow.doing("needs.list", establishment=wanted.establishment, unit=wanted.unit)
    uow.allow("needs.read")
    uow.about(filter={name: getattr(wanted, name) for name in Filter.__slots__ if getattr(wanted, name)})
    after = read_cursor(cursor, datetime, str)
    if wanted.inmate is not None:
        survivor = roster.inmate(uow.conn, wanted.inmate)
        if survivor and survivor["merged_into"] and survivor["establishment"] in uow.who.establishments:
            wanted = Filter(**{**{n: getattr(wanted, n) for n in Filter.__slots__}, "inmate": survivor["merged_into"]})
    rows = needs.find(uow.conn, uow.who.id, uow.sights, wanted, after, limit)
    found = page(rows, limit, views.need, lambda row: (row["sort_due"], row["id"]))
    uow.about(count=len(found.items), people=sorted({row["inmate"] for row in rows[:limit] if row["inmate"]}))
    return found


def change(uow: UnitOfWork, need: str, version: int | None, wanted: NeedChange) -> tuple[str, int]:
    """Changes a need; `version` is the one the caller read (None: whichever it has)."""
    uow.doing("needs.change", subject=need)
    uow.allow("needs.change")
    row = _readable(uow, need)
    if version is not None and version != row["version"]:
        raise Stale("Somebody changed this need since you read it; read it again.")
    if row["reason"] == RETRACTED:
        raise Conflict(
            "This need ended with the note it came from, which was retracted; write a new note if it stands."
        )
    state = rules.State(**{name: row[name] for name in ("status", "owner", "due_at", "outcome", "reason")})
    new, errors = rules.change(state, wanted.model_dump(exclude_unset=True), uow.lists)
    if errors:
        raise Invalid(*errors)
    uow.about(status=new.status)
    changed = _change(
        uow, row, {name: getattr(new, name) for name in ("status", "owner", "due_at", "outcome", "reason")}
    )
    return views.need(changed, needs.steps(uow.conn, need)), changed["version"]


def _readable(uow: UnitOfWork, need: str) -> RowMapping:
    row = needs.get(uow.conn, need)
    if row is None or not may_read(uow.who, views.facts(row), uow.sights):
        raise NotFound("No such need.")
    uow.about(establishment=row["establishment"], unit=row["unit"], person=row["inmate"])
    return row


def _change(uow: UnitOfWork, row: RowMapping, columns: dict[str, Any]) -> dict[str, Any]:
    """The one way a need changes: its row, a step of its history, an event; and a last word to those who see it no
    longer."""
    if not needs.change(uow.conn, row["id"], row["version"], updated_at=uow.now, **columns):
        raise Stale("Somebody changed this need at the same moment; read it again.")
    new = {**row, **columns, "updated_at": uow.now, "version": row["version"] + 1}
    needs.add_steps(uow.conn, [_step(uow, new)])
    if any(new[name] != row[name] for name in ("establishment", "unit", "handling")):
        # First, so that those who see it both before and after drop it and then take it up again.
        uow.record(
            about_note(uow, "need.updated", row, "need", row["id"], new["status"], views.thin(row["id"], new["status"]))
        )
    _tell(uow, "need.updated", new)
    return new


def _tell(uow: UnitOfWork, type_: str, row: Mapping[Any, Any]) -> None:
    uow.record(about_note(uow, type_, row, "need", row["id"], row["status"], views.need(row)))


def _step(uow: UnitOfWork, row: Mapping[Any, Any]) -> dict[str, Any]:
    told = {name: row[name] for name in ("status", "owner", "due_at", "outcome", "reason")}
    step = as_json({"at": uow.now, "by": person(uow.who), **told})
    return {"need": row["id"], "version": row["version"], "document": step}
