"""Notes: recorded, read, corrected, taken back, and receipted."""

from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy.engine import RowMapping

from handover.domain import notes as rules
from handover.domain.access import Principal, belongs, may_amend, may_read, may_read_sealed
from handover.domain.codelists import check
from handover.domain.shifts import ShiftStart, shift_at
from handover.errors import Conflict, FieldError, Forbidden, Invalid, NotFound
from handover.schemas.notes import CorrectionDraft, NoteDraft, ReceiptDraft, RetractionDraft
from handover.services import needs as need_services
from handover.services import views
from handover.services.events import about_note
from handover.services.paging import Page, page, read_cursor
from handover.services.unit_of_work import UnitOfWork, as_json, person
from handover.store import accounts, eventlog, idempotency, needs, notes, roster

Filter = notes.Filter
"""What a list of notes is narrowed to."""


@dataclass(frozen=True, slots=True)
class Made:
    """Something new: its id and its document. `note` is the note whose text the document carries."""

    id: str
    document: str
    note: str | None = None


@dataclass(frozen=True, slots=True)
class _Spot:
    establishment: str
    unit: str
    inmate: str | None
    pattern: tuple[ShiftStart, ...]
    zone: ZoneInfo


def record(uow: UnitOfWork, draft: NoteDraft) -> Made:
    """Records a note, opens its needs, tells whoever may read it."""
    uow.doing("notes.record", establishment=draft.establishment, unit=draft.unit)
    who = uow.allow("notes.record")
    errors = rules.problems(draft, uow.lists, uow.now)
    if errors:
        raise Invalid(*errors)
    spot = _spot(uow, draft)
    derived = rules.derive(draft, uow.lists, spot.pattern, spot.zone, uow.now)
    fields = _fields(uow, who, spot, draft, derived)
    row = _write(uow, fields, draft, who, spot)
    uow.record(about_note(uow, "note.recorded", row, "note", row["id"], row["status"], row["document"]))
    need_services.open_for(uow, row, fields["needs"])
    uow.about(establishment=spot.establishment, unit=spot.unit, subject=row["id"], person=spot.inmate)
    return Made(row["id"], row["document"], row["id"])


def get(uow: UnitOfWork, note: str) -> str:
    """One note, as this reader may see it."""
    uow.doing("notes.read", subject=note)
    uow.allow("notes.read")
    row = _readable(uow, note)
    if row["status"] == "RETRACTED" and may_read_sealed(uow.who, views.facts(row)):
        sealed = notes.sealed_document(uow.conn, note)
        if sealed is not None:
            uow.about(sealed=True)
            kept = orjson.loads(row["document"])
            return views.amended(sealed, status="RETRACTED", retraction=kept["retraction"])
    return str(row["document"])


def find(uow: UnitOfWork, wanted: Filter, shift: str | None, cursor: str | None, limit: int) -> Page:
    """Notes this reader may see, newest first."""
    uow.doing("notes.list", establishment=wanted.establishment, unit=wanted.unit)
    uow.allow("notes.read")
    given = {name: getattr(wanted, name) for name in Filter.__slots__ if getattr(wanted, name)}
    uow.about(filter={**given, "shift": shift})
    before = read_cursor(cursor, datetime, str)
    if wanted.inmate is not None:
        wanted = _with(wanted, inmate=roster_number(uow, wanted.inmate))
    if shift is not None:
        wanted = _with_shift(uow, wanted, shift)
    rows = notes.find(uow.conn, uow.who.id, uow.sights, wanted, before, limit)
    found = page(rows, limit, lambda row: str(row["document"]), lambda row: (row["recorded_at"], row["id"]))
    uow.about(count=len(found.items), people=sorted({row["inmate"] for row in rows[:limit] if row["inmate"]}))
    return found


def correct(uow: UnitOfWork, note: str, correction: CorrectionDraft) -> Made:
    """Supersedes a note by a whole new one; the old one stays for those entitled. Its needs go on under the new one."""
    uow.doing("notes.correct", subject=note)
    old = _amendable(uow, note)
    if old["status"] != "ACTIVE":
        kept = orjson.loads(old["document"])
        newer = kept["superseded_by"]
        raise Conflict(
            f"This note was corrected before; correct {newer}." if newer else f"This note is {old['status']}."
        )
    draft = correction.note
    errors = [FieldError("/note" + e.pointer, e.detail) for e in rules.problems(_about(draft, old), uow.lists, uow.now)]
    for name in ("inmate", "establishment", "unit"):
        wanted = getattr(draft, name)
        if name == "inmate" and wanted is not None:
            wanted = roster_number(uow, wanted)
        if wanted is not None and wanted != old[name]:
            errors.append(
                FieldError(
                    f"/note/{name}",
                    "a correction keeps the note where it is; retract it (WRONG_PERSON) and write a new one",
                )
            )
    if errors:
        raise Invalid(*errors)
    before = orjson.loads(old["document"])
    spot = _place(uow, old["establishment"], old["unit"], old["inmate"])
    draft = draft.model_copy(
        update={
            "occurred_at": draft.occurred_at or old["occurred_at"],
            "attention_until": draft.attention_until or datetime.fromisoformat(before["attention_until"]),
        }
    )
    derived = rules.derive(draft, uow.lists, spot.pattern, spot.zone, uow.now)
    fields = _fields(uow, uow.who, spot, draft, derived)
    # Late is what the *original* was: correcting a note the day after does not make it one that was filled in
    # afterwards.
    fields["late"] = old["recorded_at"] - derived.occurred_at > rules.LATE_AFTER
    fields["late_reason"] = draft.late_reason or before["late_reason"]
    fields |= {"supersedes": note, "correction_reason": correction.reason, "previous_inmate": before["previous_inmate"]}
    carried, opened = need_services.continue_under(uow, old, fields)
    row = _write(uow, fields, draft, uow.who, spot)
    superseded = views.amended(old["document"], status="CORRECTED", superseded_by=row["id"])
    notes.change(uow.conn, note, status="CORRECTED", document=superseded)
    uow.record(about_note(uow, "note.corrected", row, "note", row["id"], row["status"], row["document"]))
    if row["handling"] != old["handling"]:
        # Those who can read the old note but not the new one still learn that the old one no longer stands.
        uow.record(about_note(uow, "note.corrected", old, "note", note, "CORRECTED", superseded))
    need_services.settle(uow, old, row, carried, opened)
    uow.about(establishment=spot.establishment, unit=spot.unit, person=spot.inmate, correction=row["id"])
    return Made(row["id"], row["document"], row["id"])


def retract(uow: UnitOfWork, note: str, retraction: RetractionDraft) -> Made:
    """Takes a note back. Its text, and what hung on it, is sealed for the auditor and gone from every other answer
    and every replay."""
    uow.doing("notes.retract", subject=note, reason=retraction.reason)
    old = _amendable(uow, note)
    errors = check(uow.lists, "retraction_reason", retraction.reason, "/reason")
    if errors:
        raise Invalid(*errors)
    if old["status"] == "RETRACTED":
        raise Conflict("This note was retracted before; there is nothing left to take back.")
    why = {"reason": retraction.reason, "detail": retraction.detail, "by": person(uow.who), "at": uow.now}
    notes.seal(uow.conn, note, note, views.amended(old["document"], retraction=why), uow.now)
    shown = views.amended(old["document"], **views.UNSAID, status="RETRACTED", retraction={**why, "detail": None})
    notes.change(uow.conn, note, status="RETRACTED", attention="ROUTINE", search="", document=shown)
    notes.unfile(uow.conn, note)
    _blank(uow, note, shown)
    row = {**old, "status": "RETRACTED", "document": shown}
    uow.record(about_note(uow, "note.retracted", row, "note", note, "RETRACTED", shown))
    need_services.close_retracted(uow, note)
    uow.about(establishment=old["establishment"], unit=old["unit"], person=old["inmate"])
    return Made(note, shown, note)


def _blank(uow: UnitOfWork, note: str, shown: str) -> None:
    """No replay, no repeated answer and no receipt repeats what a retracted note said."""
    for row in notes.receipts_of(uow.conn, note):
        notes.seal(uow.conn, row["id"], note, row["document"], uow.now)
        notes.change_receipt(uow.conn, row["id"], views.amended(row["document"], text=None))
    closed = {
        need["id"]: "NOT_POSSIBLE" if need["status"] == "OPEN" else need["status"]
        for need in needs.of_note(uow.conn, note)
    }
    carried = {}
    for event in eventlog.of_note(uow.conn, note):
        status = closed.get(event.about, "RETRACTED")
        carried[event.establishment, event.sequence] = (status, views.thin(event.about, status))
    eventlog.blank(uow.conn, note, carried)
    idempotency.blank(uow.conn, note, shown)


def acknowledge(uow: UnitOfWork, note: str, draft: ReceiptDraft) -> Made:
    """Gives a receipt for a note. Seen and accepted count once: the first one stands."""
    uow.doing("receipts.record", subject=note, kind=draft.kind)
    who = uow.allow("receipts.record")
    row = _readable(uow, note)
    errors = check(uow.lists, "receipt_kind", draft.kind, "/kind")
    if draft.kind == "DELIVERED":
        errors.append(
            FieldError("/kind", "delivery is recorded by the service; give SEEN, ACCEPTED, QUERY or READ_BACK")
        )
    if draft.kind in ("QUERY", "READ_BACK") and draft.text is None:
        errors.append(FieldError("/text", f"{draft.kind} needs your words"))
    if errors:
        raise Invalid(*errors)
    if row["status"] == "RETRACTED":
        raise Conflict("This note was retracted; there is nothing to acknowledge.")
    uow.about(establishment=row["establishment"], unit=row["unit"], person=row["inmate"])
    if draft.kind in ("SEEN", "ACCEPTED"):
        for given in notes.receipts_of(uow.conn, note):
            if given["author"] == who.id and given["kind"] == draft.kind:
                return Made(given["id"], given["document"], note)
    id_ = uow.new_id()
    document = as_json(
        {"id": id_, "note": note, "kind": draft.kind, "text": draft.text, "by": person(who), "at": uow.now}
    )
    notes.add_receipt(uow.conn, {"id": id_, "note": note, "author": who.id, "kind": draft.kind, "document": document})
    uow.record(about_note(uow, "receipt.recorded", row, "receipt", id_, draft.kind, document))
    return Made(id_, document, note)


def receipts(uow: UnitOfWork, note: str) -> str:
    """The receipts of a note, and who of the unit's staff on duty (logged in since this shift began) has not given
    one."""
    uow.doing("receipts.list", subject=note)
    uow.allow("notes.read")
    row = _readable(uow, note)
    given = notes.receipts_of(uow.conn, note)
    uow.about(establishment=row["establishment"], unit=row["unit"], person=row["inmate"], count=len(given))
    spot = _place(uow, row["establishment"], row["unit"], None)
    since = shift_at(spot.pattern, spot.zone, uow.now).starts
    done = {r["author"] for r in given} | {row["author"]}
    missing = [
        {name: one[name] for name in ("username", "name", "role")}
        for one in accounts.on_duty(uow.conn, row["establishment"], row["unit"], since, uow.now)
        if one["id"] not in done and may_read(_staff(one, row), views.facts(row))
    ]
    return as_json({"items": [orjson.Fragment(r["document"]) for r in given], "not_seen": missing, "next": None})


def _staff(one: RowMapping, note: RowMapping) -> Principal:
    where = (note["establishment"], note["unit"])
    return Principal(
        "user", one["id"], one["username"], one["name"], one["role"], frozenset({where[0]}), frozenset({where})
    )


def _readable(uow: UnitOfWork, note: str) -> RowMapping:
    row = notes.get(uow.conn, note)
    if row is None or not may_read(uow.who, views.facts(row), uow.sights):
        raise NotFound("No such note.")
    uow.about(establishment=row["establishment"], unit=row["unit"], person=row["inmate"])
    return row


def _amendable(uow: UnitOfWork, note: str) -> RowMapping:
    uow.allow("notes.amend")
    row = _readable(uow, note)
    verdict = may_amend(uow.who, views.facts(row))
    if not verdict:
        raise Forbidden(verdict.reason)
    return row


def _about(draft: NoteDraft, old: RowMapping) -> NoteDraft:
    return draft if draft.inmate is not None else draft.model_copy(update={"inmate": old["inmate"]})


def roster_number(uow: UnitOfWork, number: str) -> str:
    """The number that stands for this one now (after merges), where the asker may know; else the number itself."""
    row = roster.inmate(uow.conn, number)
    return row["merged_into"] if row and row["merged_into"] and belongs(uow.who, row["establishment"]) else number


def _spot(uow: UnitOfWork, draft: NoteDraft) -> _Spot:
    own = uow.who.establishments
    if draft.inmate is not None:
        return _spot_of_person(uow, draft, draft.inmate)
    place = draft.establishment or (next(iter(own)) if len(own) == 1 else None)
    if place is None:
        raise Invalid(FieldError("/establishment", "say which establishment: you belong to several"))
    if draft.unit is None:
        raise Invalid(FieldError("/unit", "say whom it is about (inmate), or which unit it belongs to"))
    return _place(uow, place, draft.unit, None)


def _spot_of_person(uow: UnitOfWork, draft: NoteDraft, number: str) -> _Spot:
    unknown = Invalid(
        FieldError("/inmate", f"nobody with the number {number} in your establishments; check the number")
    )
    row = roster.inmate(uow.conn, number)
    if row is not None and row["merged_into"]:
        row = roster.inmate(uow.conn, row["merged_into"])
    if row is None:
        raise unknown
    place, unit = row["establishment"], row["unit"]
    if not belongs(uow.who, place) or (draft.establishment or place) != place:
        # A note about somebody who has left may still be written where he or she was: words must not be lost to a van.
        wanted = {draft.establishment} & uow.who.establishments if draft.establishment else uow.who.establishments
        left = roster.last_left(uow.conn, row["number"], wanted)
        if left is None:
            raise unknown
        place, unit = left["from_establishment"], left["from_unit"]
    return _place(uow, place, draft.unit or unit, row["number"])


def _place(uow: UnitOfWork, establishment: str, unit: str, inmate: str | None) -> _Spot:
    row = roster.establishment(uow.conn, establishment) if belongs(uow.who, establishment) else None
    if row is None:
        raise Invalid(FieldError("/establishment", f"{establishment} is not one of your establishments"))
    if roster.unit(uow.conn, establishment, unit) is None:
        raise Invalid(FieldError("/unit", f"{establishment} has no unit {unit}"))
    pattern = tuple(ShiftStart(s["code"], time.fromisoformat(s["starts"])) for s in orjson.loads(row["shifts"]))
    return _Spot(establishment, unit, inmate, pattern, ZoneInfo(row["timezone"]))


def _fields(uow: UnitOfWork, who: Principal, spot: _Spot, draft: NoteDraft, derived: rules.Derived) -> dict[str, Any]:
    return {
        "id": uow.new_id(),
        "establishment": spot.establishment,
        "unit": spot.unit,
        "inmate": spot.inmate,
        "previous_inmate": None,
        "author": person(who),
        "occurred_at": derived.occurred_at,
        "captured_at": draft.captured_at,
        "recorded_at": uow.now,
        "late": derived.late,
        "late_reason": draft.late_reason,
        "shift": derived.shift,
        "needs": [
            {
                "id": uow.new_id(),
                "code": n.code,
                "urgency": n.urgency,
                "promised": n.promised,
                "detail": n.detail,
                "due_at": n.due_at,
            }
            for n in draft.needs
        ],
        "attention": derived.attention,
        "attention_until": derived.attention_until,
        "handling": draft.handling,
        "status": "ACTIVE",
        "supersedes": None,
        "superseded_by": None,
        "correction_reason": None,
        "retraction": None,
        **views.said(draft),
    }


def _write(uow: UnitOfWork, fields: dict[str, Any], draft: NoteDraft, who: Principal, spot: _Spot) -> dict[str, Any]:
    names = (
        "id",
        "establishment",
        "unit",
        "inmate",
        "handling",
        "status",
        "attention",
        "shift",
        "occurred_at",
        "recorded_at",
    )
    row = {name: fields[name] for name in names}
    row |= {
        "author": who.id,
        "author_name": who.username,
        "search": views.searchable(draft),
        "document": views.note(fields),
    }
    found_by = {("indicators", i.code) for i in draft.indicators} | {("needs", n["code"]) for n in fields["needs"]}
    notes.add(uow.conn, row, sorted(found_by))
    return row


def _with(wanted: Filter, **changes: Any) -> Filter:
    return Filter(**{name: changes.get(name, getattr(wanted, name)) for name in Filter.__slots__})


def _with_shift(uow: UnitOfWork, wanted: Filter, shift: str) -> Filter:
    """`current` and `previous` of one establishment, a day's shift (`2026-11-22/NIGHT`), or a shift on any day
    (`NIGHT`)."""
    if shift not in ("current", "previous"):
        return _with(wanted, shift=shift) if "/" in shift else _with(wanted, shift_code=shift)
    own = uow.who.establishments
    place = wanted.establishment or (next(iter(own)) if len(own) == 1 else None)
    row = roster.establishment(uow.conn, place) if place and belongs(uow.who, place) else None
    if row is None:
        raise Invalid(FieldError("/query/shift", "say which establishment: each has its own shifts"))
    pattern = [ShiftStart(s["code"], time.fromisoformat(s["starts"])) for s in orjson.loads(row["shifts"])]
    found = shift_at(pattern, ZoneInfo(row["timezone"]), uow.now, ahead=0 if shift == "current" else -1)
    return _with(wanted, shift=found.key, establishment=row["code"])
