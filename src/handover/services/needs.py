"""Needs: opened by a note, followed until they are met, closed with an outcome that is told back."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.engine import RowMapping

from handover.domain import needs as rules
from handover.domain.access import STAYS_BEHIND, may_read
from handover.domain.codelists import known
from handover.errors import Conflict, Invalid, NotFound, Stale
from handover.schemas.needs import NeedChange
from handover.services import views
from handover.services.events import OUTCOME, about_note
from handover.services.numbers import standing
from handover.services.paging import Page, page, read_cursor
from handover.services.unit_of_work import UnitOfWork, as_json, person
from handover.store import needs, notes, roster, timers
from handover.store.locks import Hold

Filter = needs.Filter
"""What a list of needs is narrowed to."""
NOTHING = ""
"""The code of a need whose note was retracted: what was needed is not said any more."""
RETRACTED = "The note it came from was retracted."
STATED = ("urgency", "promised", "detail", "due_at")
"""What a note says of a need beside its code; all but `due_at` only the note, or its correction, can say."""
Place = tuple[str, str]
"""An establishment and a unit of it."""


def open_for(uow: UnitOfWork, note: Mapping[Any, Any], wanted: Sequence[Mapping[Any, Any]], at: Place) -> None:
    """Opens the needs a note states, at the place where they must be met."""
    if not wanted:
        return
    by = as_json(person(uow.who))
    rows = [
        {
            **{name: note[name] for name in ("inmate", "author", "handling")},
            **{name: need[name] for name in ("id", "code", *STATED)},
            "establishment": at[0],
            "unit": at[1],
            "from_unit": None,
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
    needs.add(uow.rows, rows)
    timers.add(uow.rows, *((row["due_at"], timers.PROMISE, row["id"]) for row in rows if row["due_at"]))
    needs.add_steps(uow.rows, [_step(uow, row) for row in rows])
    for row in rows:
        _tell(uow, "need.opened", row)


@dataclass(frozen=True, slots=True)
class Continued:
    """What a correction makes of the needs of the note it corrects: those that go on, each with what the correction
    changes about it, and those it opens."""

    carried: list[tuple[RowMapping, dict[str, Any]]]
    opened: list[dict[str, Any]]


def continue_under(uow: UnitOfWork, old: str, said: Sequence[Mapping[str, Any]], fields: dict[str, Any]) -> Continued:
    """Matches the needs that the corrected note stated (`said`) with those of its correction, by code and detail. One
    that the correction does not repeat goes on unchanged: a correction that forgets a promise must not lose it. One
    that it repeats changes only where the two notes differ: what was done about it since is not undone. Completes
    `fields["needs"]`."""
    stated = {need["id"]: {**need, "due_at": _moment(need["due_at"])} for need in said}
    left = needs.all_of_note(uow.conn, old)
    carried: list[tuple[RowMapping, dict[str, Any]]] = []
    opened: list[dict[str, Any]] = []
    for wanted in fields["needs"]:
        alike = [row for row in left if row["code"] == wanted["code"]]
        if not alike:
            opened.append(wanted)
            continue
        match = min(
            alike, key=lambda row: (stated[row["id"]]["detail"] != wanted["detail"], row["status"] != rules.OPEN)
        )
        left.remove(match)
        wanted["id"] = match["id"]
        before = stated[match["id"]]
        carried.append((match, {name: wanted[name] for name in STATED if wanted[name] != before[name]}))
    for row in left:
        fields["needs"].append(stated[row["id"]])
        carried.append((row, {}))
    return Continued(carried, opened)


def settle(uow: UnitOfWork, note: Mapping[Any, Any], needed: Continued, at: Place) -> list[dict[str, Any]]:
    """Hangs the needs of a corrected note on its correction; those it opens must be met at this place. They are read by
    whoever may read it; so where it is of another class, or says in other words what is needed, whoever wrote the
    corrected one does not go on reading them as their author. Answers those that are of another class now."""
    reclassed = []
    for row, changes in needed.carried:
        columns = {**changes, "note": note["id"]}
        if row["handling"] != note["handling"] or "detail" in changes:
            columns |= {"handling": note["handling"], "author": note["author"]}
        changed = _change(uow, row, columns)
        if row["handling"] != note["handling"]:
            reclassed.append(changed)
    open_for(uow, note, needed.opened, at)
    return reclassed


def where(uow: UnitOfWork, thing: Mapping[Any, Any]) -> Place:
    """Where a need must be met: where its person, who is held there, is now; a need of the wing, on the wing."""
    goes_along = thing["inmate"] and thing["handling"] not in STAYS_BEHIND
    row = roster.inmate(uow.conn, thing["inmate"], "still") if goes_along else None
    return (row["establishment"], row["unit"]) if row else (thing["establishment"], thing["unit"])


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def close_retracted(uow: UnitOfWork, note: str) -> None:
    """Closes the needs of a retracted note and seals what they said."""
    for row in needs.all_of_note(uow.conn, note):
        _seal(uow, row, needs.steps(uow.conn, row["id"]))
        closed = "NOT_POSSIBLE" if row["status"] == rules.OPEN else row["status"]
        unsaid: dict[str, Any] = {"detail": None, "owner": None, "outcome": None, "reason": RETRACTED}
        unsaid |= {"code": NOTHING, "urgency": "ROUTINE", "promised": False, "due_at": None}
        _change(uow, row, {"status": closed, **unsaid})


def _seal(uow: UnitOfWork, row: RowMapping, steps: Sequence[str]) -> None:
    notes.seal(uow.conn, row["id"], row["note"], views.need(row, steps), uow.now)
    for version, step in enumerate(steps, start=1):
        needs.blank_step(
            uow.conn, row["id"], version, views.amended(step, owner=None, due_at=None, outcome=None, reason=None)
        )


def follow(uow: UnitOfWork, number: str, establishment: str, unit: str, *, handed_over: bool = True) -> None:
    """Takes a person's open needs along to where he or she is now. The unit they were in, the first of several, answers
    for them until the one they come to has accepted the person, where it is one of the same prison: from another one
    nothing can be done. `handed_over`: somebody is asked to accept."""
    for row in needs.all_of_inmate(uow.conn, number, rules.OPEN):
        if row["handling"] in STAYS_BEHIND:
            continue
        stays = (row["establishment"], row["unit"]) == (establishment, unit)
        sender = row["from_unit"] or (None if stays else row["unit"])
        if not handed_over or sender == unit or row["establishment"] != establishment:
            sender = None
        if not stays or sender != row["from_unit"]:
            _change(uow, row, {"establishment": establishment, "unit": unit, "from_unit": sender})


def hold(uow: UnitOfWork, some: Iterable[str]) -> None:
    """Has these needs stay as they are until the end, but for what happens here."""
    for id_ in sorted(some):
        needs.get(uow.conn, id_, "mine")


def taken_over(uow: UnitOfWork, some: Iterable[str]) -> None:
    """Says of these needs that their person was accepted: whoever sent them answers for them no more."""
    for id_ in some:
        row = needs.get(uow.conn, id_, "mine")
        if row is not None and row["from_unit"] is not None:
            _change(uow, row, {"from_unit": None})


def renumber(uow: UnitOfWork, previous: str, number: str) -> list[RowMapping]:
    """Gives the needs of a merged number to the surviving one; answers them as they were."""
    moved = needs.all_of_inmate(uow.conn, previous)
    for row in moved:
        give_to(uow, row, number)
    return moved


def give_to(uow: UnitOfWork, need: RowMapping, number: str) -> None:
    """Gives a need to a number."""
    _change(uow, need, {"inmate": number})


def get(uow: UnitOfWork, need: str) -> tuple[str, int]:
    """One need with its history, and its version."""
    uow.doing("needs.read", subject=need)
    uow.allow("needs.read")
    row = _readable(uow, need)
    return views.need(row, needs.steps(uow.conn, need)), row["version"]


def find(uow: UnitOfWork, wanted: Filter, cursor: str | None, limit: int) -> Page:
    """Needs this reader may see, those first that were to be met first when they were opened."""
    uow.doing("needs.list", establishment=wanted.establishment, unit=wanted.unit)
    uow.allow("needs.read")
    errors = [
        *known(uow.lists, "need_status", wanted.status, "/query/status"),
        *known(uow.lists, "needs", wanted.code, "/query/code"),
    ]
    if errors:
        raise Invalid(*errors)
    uow.about(filter={name: getattr(wanted, name) for name in Filter.__slots__ if getattr(wanted, name)})
    after = read_cursor(cursor, "needs", datetime, str)
    if wanted.inmate is not None:
        wanted = replace(wanted, inmate=standing(uow, wanted.inmate))
    rows = needs.find(uow.conn, uow.who.id, uow.sights, wanted, after, limit)
    found = page(rows, limit, views.need, lambda row: ("needs", row["sort_due"], row["id"]))
    uow.about(count=len(found.items), people=sorted({row["inmate"] for row in rows[:limit] if row["inmate"]}))
    return found


def change(uow: UnitOfWork, need: str, versions: Container[int] | None, wanted: NeedChange) -> tuple[str, int]:
    """Changes a need; `versions`: of which it has to be the one (None: whichever it has)."""
    uow.doing("needs.change", subject=need)
    uow.allow("needs.change")
    if wanted.status == rules.OPEN:
        where(uow, _readable(uow, need))  # whoever needs it is held first, as by everybody (`store/locks.py`)
    row = _readable(uow, need, "mine")
    if versions is not None and row["version"] not in versions:
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
    columns = {name: getattr(new, name) for name in ("status", "owner", "due_at", "outcome", "reason")}
    if new.status == rules.OPEN != state.status and (now := where(uow, row)) != (row["establishment"], row["unit"]):
        # Its person has moved on since it was closed.
        columns |= {"establishment": now[0], "unit": now[1], "from_unit": None}
    changed = _change(uow, row, columns)
    return views.need(changed, needs.steps(uow.conn, need)), changed["version"]


def _readable(uow: UnitOfWork, need: str, hold: Hold | None = None) -> RowMapping:
    row = needs.get(uow.conn, need, hold)
    if row is None or not may_read(uow.who, views.facts(row), uow.sights):
        raise NotFound("No such need.")
    uow.about(establishment=row["establishment"], unit=row["unit"], person=row["inmate"])
    return row


def _change(uow: UnitOfWork, row: RowMapping, columns: dict[str, Any]) -> dict[str, Any]:
    """The one way a need changes: its row, a step of its history, an event; and a last word to those who see it no
    longer."""
    if not needs.change(uow.conn, row["id"], row["version"], updated_at=uow.now, **columns):
        raise Stale("Somebody changed this need at the same moment; read it again.")
    if columns.get("due_at") not in (None, row["due_at"]):
        timers.put(uow.conn, columns["due_at"], timers.PROMISE, row["id"])
    new = {**row, **columns, "updated_at": uow.now, "version": row["version"] + 1}
    needs.add_steps(uow.rows, [_step(uow, new)])
    if any(new[name] != row[name] for name in ("establishment", "unit", "from_unit", "handling")):
        # First, so that those who see it both before and after drop it and then take it up again.
        uow.record(
            about_note(uow, "need.updated", row, "need", row["id"], new["status"], views.thin(row["id"], new["status"]))
        )
    _tell(uow, "need.updated", new)
    if new["code"] != NOTHING and any(new[name] != row[name] for name in ("status", "outcome", "reason")):
        _tell_back(uow, new)
    return new


def _tell_back(uow: UnitOfWork, need: Mapping[Any, Any]) -> None:
    """What came of it, to whoever wrote the note, in the log of the prison where he or she did: a need that went to
    another prison with its person is told in the log of that one, which the author does not hear."""
    note = notes.get(uow.conn, need["note"])
    if note is not None and note["establishment"] != need["establishment"]:
        there = {**need, "establishment": note["establishment"], "unit": note["unit"]}
        uow.record(about_note(uow, "need.updated", there, OUTCOME, need["id"], need["status"], views.need(need)))


def came_due(uow: UnitOfWork, need: str) -> str | None:
    """Tells that a need is still open at the time it was to be met by; answers where."""
    row = needs.get(uow.conn, need, "mine")
    if row is None or row["status"] != rules.OPEN or row["due_at"] is None or row["due_at"] > uow.now:
        return None
    _tell(uow, "need.overdue", row)
    return str(row["establishment"])


def _tell(uow: UnitOfWork, type_: str, row: Mapping[Any, Any]) -> None:
    uow.record(about_note(uow, type_, row, "need", row["id"], row["status"], views.need(row)))


def _step(uow: UnitOfWork, row: Mapping[Any, Any]) -> dict[str, Any]:
    told = {name: row[name] for name in ("status", "owner", "due_at", "outcome", "reason")}
    step = as_json({"at": uow.now, "by": person(uow.who), **told})
    return {"need": row["id"], "version": row["version"], "document": step}
