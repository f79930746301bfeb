"""Notes: recorded, read, corrected, taken back, and receipted."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from operator import itemgetter
from typing import Any, NamedTuple

import orjson
from sqlalchemy.engine import RowMapping

from handover.domain import notes as rules
from handover.domain.access import STAYS_BEHIND, Principal, may_amend, may_read, may_read_sealed
from handover.domain.codelists import check, known
from handover.errors import Conflict, FieldError, Forbidden, Invalid, NotFound
from handover.schemas.notes import AttentionDraft, CorrectionDraft, NoteDraft, ReceiptDraft, RetractionDraft
from handover.services import duty, incidents, pages, spots, transfers, views
from handover.services import needs as need_services
from handover.services.events import about_note
from handover.services.numbers import standing
from handover.services.paging import Page, page, read_cursor
from handover.services.spots import Spot
from handover.services.unit_of_work import Desk, Fresh, UnitOfWork, as_it_is, as_json, person
from handover.store import eventlog, handovers, idempotency, needs, notes, roster, timers
from handover.store import pages as store_pages
from handover.store.locks import Hold

Filter = notes.Filter
"""What a list of notes is narrowed to."""


class Made(NamedTuple):
    """Something new: its id and its document. `said_in` is the note or receipt whose words the document carries."""

    id: str
    document: str
    said_in: str


def goes_first(desk: Desk, draft: NoteDraft) -> bool:
    """Whether this note is to be recorded before all that can wait: somebody must act now."""
    return rules.calls(draft, desk.lists)


def record(uow: UnitOfWork, draft: NoteDraft) -> Made:
    """Records a note, opens its needs, tells whoever may read it."""
    uow.doing("notes.record", establishment=draft.establishment, unit=draft.unit)
    who = uow.allow("notes.record")
    errors = rules.problems(draft, uow.lists, uow.now)
    if errors:
        raise Invalid(*errors)
    spot = spots.of_draft(uow, draft)
    derived = rules.derive(draft, uow.lists, spot.rota.at, uow.now)
    fields = _fields(uow, who, spot, draft, derived)
    if draft.about_incident:
        incidents.join(uow, fields)
    row = _write(uow, fields, who, spot.stretch)
    if row["attention"] == "ACT_NOW":
        pages.about_note(uow, row)  # before all else that is told of it
    uow.record(about_note(uow, "note.recorded", row, "note", row["id"], row["status"], row["document"]))
    stays = draft.handling in STAYS_BEHIND
    need_services.open_for(uow, row, fields["needs"], (spot.establishment, spot.unit) if stays else spot.needs_at)
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
            shown = orjson.loads(row["document"])
            # What happened since it was sealed (a merge) is in the envelope; why it was taken back, in full, is sealed.
            since = {name: shown[name] for name in ("status", "inmate", "previous_inmate", "superseded_by")}
            return views.amended(sealed, **since)
    return str(row["document"])


def find(uow: UnitOfWork, wanted: Filter, shift: str | None, cursor: str | None, limit: int) -> Page:
    """Notes this reader may see, newest first."""
    uow.doing("notes.list", establishment=wanted.establishment, unit=wanted.unit)
    uow.allow("notes.read")
    given = {name: getattr(wanted, name) for name in Filter.__slots__ if getattr(wanted, name)}
    uow.about(filter={**given, "shift": shift})
    errors = [
        *known(uow.lists, "attention", wanted.attention, "/query/attention"),
        *known(uow.lists, "indicators", wanted.indicator, "/query/indicator"),
        *known(uow.lists, "needs", wanted.need, "/query/need"),
    ]
    if errors:
        raise Invalid(*errors)
    before = read_cursor(cursor, "notes", datetime, str)
    if wanted.inmate is not None:
        wanted = replace(wanted, inmate=standing(uow, wanted.inmate))
    if shift is not None:
        wanted = _with_shift(uow, wanted, shift)
    rows = notes.find(uow.conn, uow.who.id, uow.sights, wanted, before, limit)
    found = page(rows, limit, lambda row: str(row["document"]), lambda row: ("notes", row["recorded_at"], row["id"]))
    uow.about(count=len(found.items), people=sorted({row["inmate"] for row in rows[:limit] if row["inmate"]}))
    return found


def correct(uow: UnitOfWork, note: str, correction: CorrectionDraft, fresh: Fresh = as_it_is) -> Made:
    """Supersedes a note by a whole new one; the old one stays for those entitled. Its needs go on under the new one."""
    uow.doing("notes.correct", subject=note)
    old = _amendable(uow, note)
    _keep_still(uow, old)
    fresh(old["document"])
    if old["status"] != "ACTIVE":
        kept = orjson.loads(old["document"])
        newer = kept["superseded_by"]
        raise Conflict(
            f"This note was corrected before; correct {newer}." if newer else f"This note is {old['status']}."
        )
    before, draft = orjson.loads(old["document"]), correction.note
    errors = [*_elsewhere(uow, draft, old), *rules.problems(_completed(draft, old, before), uow.lists, uow.now)]
    if errors:
        raise Invalid(*(FieldError("/note" + e.pointer, e.detail) for e in errors))
    until = draft.attention_until or datetime.fromisoformat(before["attention_until"])
    # Left out, it is not as if it had been said otherwise: what few may read is not opened to many by a spelling. But
    # attention that is over does not begin again.
    still = ("attention", "handling") if datetime.fromisoformat(before["attention_until"]) > uow.now else ("handling",)
    kept = {name: before[name] for name in still if name not in draft.model_fields_set}
    kept |= {"occurred_at": draft.occurred_at or old["occurred_at"], "attention_until": until}
    draft = draft.model_copy(update=kept)
    needs_at = need_services.where(uow, {**old, "handling": draft.handling}) if draft.needs else None
    spot = spots.of_note(uow, old)
    derived = rules.derive(draft, uow.lists, spot.rota.at, uow.now)
    fields = _fields(uow, uow.who, spot, draft, derived)
    # Late is what the *first* wording was: a correction the day after does not make it a note that was filled in later.
    fields["late"] = _first_recorded(uow, old, before) - derived.occurred_at > rules.LATE_AFTER
    fields["late_reason"] = draft.late_reason or before["late_reason"]
    fields |= {"supersedes": note, "correction_reason": correction.reason, "previous_inmate": before["previous_inmate"]}
    needed = need_services.continue_under(uow, note, before["needs"], fields)
    if draft.about_incident:  # it may hold the head of the log, and what hangs on a note is held before that
        handovers.holding(uow.conn, {note, *(need["id"] for need in fields["needs"])})
        store_pages.raised_about(uow.conn, note)
    incidents.carry_on(uow, note, before, draft, fields)
    row = _write(uow, fields, uow.who, spot.stretch)
    superseded = views.amended(old["document"], status="CORRECTED", superseded_by=row["id"])
    notes.change(uow.conn, note, status="CORRECTED", document=superseded, watch_until=None, told_at=None)
    uow.record(about_note(uow, "note.corrected", row, "note", row["id"], row["status"], row["document"]))
    if (row["handling"], row["author"]) != (old["handling"], old["author"]):
        # Those who can read the old note but not the new one still learn that the old one no longer stands.
        uow.record(about_note(uow, "note.corrected", old, "note", note, "CORRECTED", superseded))
    for need in need_services.settle(uow, row, needed, needs_at or spot.needs_at):
        transfers.need_changed(uow, need)
    transfers.note_changed(uow, {**old, "document": superseded}, newer=row)
    pages.corrected(uow, old, row)
    uow.about(establishment=spot.establishment, unit=spot.unit, person=spot.inmate, correction=row["id"])
    return Made(row["id"], row["document"], row["id"])


def _elsewhere(uow: UnitOfWork, draft: NoteDraft, old: RowMapping) -> Iterator[FieldError]:
    for name in ("inmate", "establishment", "unit"):
        wanted = getattr(draft, name)
        if wanted is not None and (standing(uow, wanted) if name == "inmate" else wanted) != old[name]:
            yield FieldError(
                f"/{name}", "a correction keeps the note where it is; retract it (WRONG_PERSON) and write a new one"
            )


def _completed(draft: NoteDraft, old: RowMapping, before: dict[str, Any]) -> NoteDraft:
    """The correction as the rules must look at it: about the same person; attention left as it was may be over."""
    changes: dict[str, Any] = {"inmate": draft.inmate or old["inmate"]}
    if draft.attention_until == datetime.fromisoformat(before["attention_until"]):
        changes["attention_until"] = None
    return draft.model_copy(update=changes)


def _first_recorded(uow: UnitOfWork, row: RowMapping, document: dict[str, Any]) -> datetime:
    """When the first wording of a note was recorded."""
    recorded: datetime = row["recorded_at"]
    for earlier in _wordings_before(uow, document):
        recorded = earlier["recorded_at"]
    return recorded


def _wordings_before(uow: UnitOfWork, document: dict[str, Any], hold: Hold | None = None) -> Iterator[RowMapping]:
    """What a note superseded, and what that superseded, the latest first."""
    while document["supersedes"]:
        row = notes.get(uow.conn, document["supersedes"], hold)
        if row is None:
            return
        yield row
        document = orjson.loads(row["document"])


def retract(uow: UnitOfWork, note: str, retraction: RetractionDraft, fresh: Fresh = as_it_is) -> Made:
    """Takes a note back. Its text, and what hung on it, is sealed for the auditor and gone from every other answer
    and every replay."""
    uow.doing("notes.retract", subject=note, reason=retraction.reason)
    old = _amendable(uow, note)
    before = list(_wordings_before(uow, orjson.loads(old["document"]), "mine"))
    _keep_still(uow, old)
    fresh(old["document"])
    errors = check(uow.lists, "retraction_reason", retraction.reason, "/reason")
    if errors:
        raise Invalid(*errors)
    if old["status"] == "RETRACTED":
        raise Conflict("This note was retracted before; there is nothing left to take back.")
    why = {"reason": retraction.reason, "detail": retraction.detail, "by": person(uow.who), "at": uow.now}
    shown = _take_back(uow, old, why)
    for earlier in before:
        # What a correction says its earlier wordings mostly said too: taking back the last takes back the whole note.
        if earlier["status"] != "RETRACTED":
            _take_back(uow, earlier, why)
    uow.about(establishment=old["establishment"], unit=old["unit"], person=old["inmate"])
    return Made(note, shown, note)


def _take_back(uow: UnitOfWork, old: RowMapping, why: dict[str, Any]) -> str:
    note = str(old["id"])
    notes.seal(uow.conn, note, note, views.amended(old["document"], retraction=why), uow.now)
    shown = views.amended(old["document"], **views.UNSAID, status="RETRACTED", retraction={**why, "detail": None})
    gone = {"attention": "ROUTINE", "search": "", "watch_until": None, "told_at": None, "incident": None}
    notes.change(uow.conn, note, status="RETRACTED", document=shown, **gone)
    notes.unfile(uow.conn, old["establishment"], note, _found_by(orjson.loads(old["document"])))
    row = {**old, "status": "RETRACTED", "document": shown}
    uow.record(about_note(uow, "note.retracted", row, "note", note, "RETRACTED", shown))
    unsaid = _unsay_receipts(uow, row)
    idempotency.blank(uow.conn, note, shown)
    need_services.close_retracted(uow, note)
    # Last: whoever was changing one of the needs has been waited for by now, and that change is in the log.
    _blank_events(uow, note, unsaid)
    transfers.note_changed(uow, row, unsaid=True)
    pages.closed(uow, [note])
    return shown


def attend(uow: UnitOfWork, note: str, draft: AttentionDraft, fresh: Fresh = as_it_is) -> Made:
    """Renews a note's attention, or closes it, with a reason: attention belongs to an item and runs out."""
    uow.doing("attention.change", subject=note, close=draft.close)
    uow.allow("attention.change")
    row = _readable(uow, note, "mine")
    _keep_still(uow, row)
    fresh(row["document"])
    if row["status"] != "ACTIVE" or row["attention"] == "ROUTINE":
        raise Conflict("This note asks for no attention (any more); write a new one.")
    if draft.close and draft.until is not None:
        raise Invalid(FieldError("/until", "what is closed ends now; leave the time out, or do not close it"))
    if draft.until is not None and draft.until <= uow.now:
        raise Invalid(FieldError("/until", "this is already past; close the attention, or give a time to come"))
    rota = spots.rota_of_place(uow, row["establishment"])
    until = uow.now if draft.close else draft.until or rota.now(uow, 1).ends
    word = {"at": uow.now, "by": person(uow.who), "until": until, "reason": draft.reason, "closed": draft.close}
    said = orjson.loads(row["document"])
    document = views.amended(row["document"], attention_until=until, renewals=[*said["renewals"], word])
    notes.change(uow.conn, note, document=document, watch_until=until)
    changed = {**row, "document": document}
    uow.record(about_note(uow, "note.attention_changed", changed, "note", note, row["status"], document))
    transfers.note_changed(uow, changed)
    if draft.close:
        pages.taken(uow, [note])
    else:
        timers.put(uow.conn, until, timers.ATTENTION, note)
    return Made(note, document, note)


def attention_ran_out(uow: UnitOfWork, note: str) -> str | None:
    """Tells that a note's attention has run out, so that somebody renews or closes it; answers where."""
    row = notes.get(uow.conn, note, "mine")
    if row is None or row["watch_until"] is None or row["watch_until"] > uow.now:
        return None
    renewals = orjson.loads(row["document"]).get("renewals")
    if renewals and renewals[-1]["closed"]:
        return None
    uow.record(about_note(uow, "note.attention_ended", row, "note", note, row["status"], row["document"]))
    return str(row["establishment"])


def _unsay_receipts(uow: UnitOfWork, note: Mapping[Any, Any]) -> set[str]:
    """What readers asked or read back repeats what the note said; that they did stays. Answers whose words are gone."""
    unsaid = set()
    for row in notes.receipts_of(uow.conn, note["id"]):
        if orjson.loads(row["document"])["text"] is None:
            continue
        notes.seal(uow.conn, row["id"], note["id"], row["document"], uow.now)
        shown = views.amended(row["document"], text=None)
        notes.change_receipt(uow.conn, row["id"], shown)
        idempotency.blank(uow.conn, row["id"], shown)
        uow.record(about_note(uow, "receipt.recorded", note, "receipt", row["id"], row["kind"], shown))
        unsaid.add(str(row["id"]))
    return unsaid


def _blank_events(uow: UnitOfWork, note: str, receipts: set[str]) -> None:
    """No replay repeats what a retracted note, its needs and receipts said. A need of an earlier wording may live on
    under a later one: its status is told as it is."""
    blanked = []
    for event in eventlog.of_note(uow.conn, note):
        if event.kind == "receipt" and event.about not in receipts:
            continue
        status = "RETRACTED" if event.kind == "note" else eventlog.sort_of(event.sort).status
        if event.kind == "need" and (need := needs.get(uow.conn, event.about)):
            status = need["status"]
        blanked.append(eventlog.amended(event, status, views.thin(event.about, status)))
    eventlog.blank(uow.conn, note, blanked)


def acknowledge(uow: UnitOfWork, note: str, draft: ReceiptDraft) -> Made:
    """Gives a receipt for a note. Seen and accepted count once: the first one stands."""
    uow.doing("receipts.record", subject=note, kind=draft.kind)
    who = uow.allow("receipts.record")
    row = _readable(uow, note, "still")
    errors = check(uow.lists, "receipt_kind", draft.kind, "/kind")
    if draft.kind == "DELIVERED":
        errors.append(FieldError("/kind", "only the service can say that; give SEEN, ACCEPTED, QUERY or READ_BACK"))
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
                return Made(given["id"], given["document"], given["id"])
    id_ = uow.new_id()
    document = as_json(
        {"id": id_, "note": note, "kind": draft.kind, "text": draft.text, "by": person(who), "at": uow.now}
    )
    notes.add_receipt(uow.conn, {"id": id_, "note": note, "author": who.id, "kind": draft.kind, "document": document})
    uow.record(about_note(uow, "receipt.recorded", row, "receipt", id_, draft.kind, document))
    if draft.kind == "ACCEPTED":
        pages.taken(uow, [note])
    return Made(id_, document, id_)


def receipts(uow: UnitOfWork, note: str, cursor: str | None, limit: int) -> tuple[Page, list[dict[str, Any]]]:
    """The receipts of a note, oldest first, and who of the unit's staff on duty has not given one."""
    uow.doing("receipts.list", subject=note)
    uow.allow("notes.read")
    row = _readable(uow, note)
    given = notes.receipts_of(uow.conn, note)
    after = read_cursor(cursor, "receipts", str)
    rest = given if after is None else [one for one in given if one["id"] > after[0]]
    found = page(rest, limit, lambda one: str(one["document"]), lambda one: ("receipts", one["id"]))
    uow.about(establishment=row["establishment"], unit=row["unit"], person=row["inmate"], count=len(found.items))
    reached = {one["author"] for one in given} | {row["author"]}
    return found, duty.not_reached(uow, row, reached)


def _readable(uow: UnitOfWork, note: str, hold: Hold | None = None) -> RowMapping:
    row = notes.get(uow.conn, note, hold)
    if row is None or not may_read(uow.who, views.facts(row), uow.sights):
        raise NotFound("No such note.")
    uow.about(establishment=row["establishment"], unit=row["unit"], person=row["inmate"])
    return row


def _amendable(uow: UnitOfWork, note: str) -> RowMapping:
    uow.allow("notes.amend")
    row = _readable(uow, note, "mine")
    verdict = may_amend(uow.who, views.facts(row))
    if not verdict:
        raise Forbidden(verdict.reason)
    return row


def _keep_still(uow: UnitOfWork, note: RowMapping) -> None:
    """Has nobody be moved or offered meanwhile with what this note says: either that is done by now, and is brought up
    to date with the note, or it begins after this and finds the note as it is then."""
    if note["inmate"]:
        roster.inmate(uow.conn, note["inmate"], "still")
    for place, unit in sorted({(note["establishment"], note["unit"]), *needs.places_of(uow.conn, note["id"])}):
        roster.unit(uow.conn, place, unit, "still")


def _fields(uow: UnitOfWork, who: Principal, spot: Spot, draft: NoteDraft, derived: rules.Derived) -> dict[str, Any]:
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
        "renewals": [],
        "handling": draft.handling,
        "status": "ACTIVE",
        "supersedes": None,
        "superseded_by": None,
        "correction_reason": None,
        "retraction": None,
        "incident": None,
        **views.said(draft),
    }


_BESIDE = (
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
"""What is kept of a note beside its document, as it is there."""
_beside = itemgetter(*_BESIDE)


def _write(uow: UnitOfWork, fields: dict[str, Any], who: Principal, stretch: int) -> dict[str, Any]:
    row: dict[str, Any] = dict(zip(_BESIDE, _beside(fields), strict=True))
    watched = fields["attention"] != "ROUTINE"
    row |= {
        "author": who.id,
        "author_name": who.username,
        "stretch": stretch,
        "watch_until": fields["attention_until"] if watched else None,
        "told_at": uow.now if fields["responses"] or fields["opening"] else None,
        "search": views.searchable(fields),
        "document": views.note(fields),
    }
    if fields["incident"] is not None:
        row["incident"] = fields["incident"]  # such a note is written alone, so that the others' rows go without
    notes.add(uow.rows, row, _found_by(fields))
    if watched:
        timers.add(uow.rows, (fields["attention_until"], timers.ATTENTION, row["id"]))
    return row


def _found_by(fields: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The codes a note is found by, each with its list."""
    return sorted({(name, one["code"]) for name in ("indicators", "needs") for one in fields[name]})


def _with_shift(uow: UnitOfWork, wanted: Filter, shift: str) -> Filter:
    """`current` and `previous` of one establishment, a day's shift (`2026-11-22/NIGHT`), or a shift on any day
    (`NIGHT`). A day's shift is looked for when it was."""
    own, place = uow.who.establishments, wanted.establishment
    if shift in ("current", "previous"):
        place = place or (next(iter(own)) if len(own) == 1 else None)
        row = roster.establishment(uow.conn, place) if place in own else None
        if row is None:
            raise Invalid(FieldError("/query/shift", "say which establishment: each has its own shifts"))
        wanted, rows = replace(wanted, establishment=place), [row]
        shift = spots.Rota.of(row).now(uow, 0 if shift == "current" else -1).key
    elif "/" in shift:
        rows = roster.establishments_of(uow.conn, [place] if place else notes.places_of(uow.conn, uow.who.id, own))
    else:
        return replace(wanted, shift_code=shift)
    spans = [span for span in (spots.span_of(row, shift) for row in rows) if span is not None]
    if spans:
        begins, ends = min(begins for begins, _ in spans), max(ends for _, ends in spans)
        since, until = wanted.occurred_from, wanted.occurred_to
        wanted = replace(wanted, occurred_from=max(since, begins) if since else begins)
        if ends < uow.now:
            wanted = replace(wanted, occurred_to=min(until, ends) if until else ends)
    return replace(wanted, shift=shift)
