"""Two numbers, one person: merging them gives one timeline, and a merge that was wrong is undone."""

from collections.abc import Container, Iterable, Mapping
from typing import Any

import orjson
from sqlalchemy.engine import RowMapping

from handover.domain.access import belongs, may, may_read
from handover.errors import Conflict, FieldError, Invalid
from handover.schemas.roster import MergeDraft, UnmergeDraft
from handover.services import needs as need_services
from handover.services import pages, transfers, views
from handover.services import roster as people
from handover.services.events import about_inmate, about_note
from handover.services.numbers import seen
from handover.services.unit_of_work import UnitOfWork, as_json, person
from handover.store import needs, notes, roster


def merge(uow: UnitOfWork, number: str, draft: MergeDraft, versions: Container[int] | None = None) -> tuple[str, int]:
    """Gives one number up for another: one person, one timeline. Answers the merge's document, and the version of who
    has both numbers now; `versions`: of which he or she has to be one before (None: whichever)."""
    uow.doing("inmates.merge", subject=number, previous=draft.from_)
    uow.allow("roster.write")
    notes.hold_all_of_inmate(uow.conn, draft.from_)  # what is changed here is held in one order (`store/locks.py`)
    held = _held(uow, number, draft.from_)
    survivor = seen(uow, held[number])
    people.unchanged(versions, survivor["version"])
    uow.about(establishment=survivor["establishment"], unit=survivor["unit"])
    given_up = held[draft.from_]
    if given_up is None or not belongs(uow.who, given_up["establishment"]):
        raise Invalid(FieldError("/from", f"nobody with the number {draft.from_} in your establishments"))
    if draft.from_ == number:
        raise Invalid(FieldError("/from", "a number cannot be merged into itself"))
    if given_up["merged_into"]:
        into = roster.inmate(uow.conn, given_up["merged_into"])
        known = into is not None and belongs(uow.who, into["establishment"])
        where = f", into {given_up['merged_into']}" if known else ""
        raise Conflict(f"{draft.from_} was merged before{where}.")
    moved_notes = notes.all_of_inmate(uow.conn, draft.from_)  # nobody can write another now
    left, _ = transfers.sender_of(uow, given_up)
    for note in moved_notes:
        _renumber(uow, note, number, draft.from_, "inmate.merged")
    for note in moved_notes:
        pages.renumber(uow, note["id"], number)
    before = roster.previous_numbers(uow.conn, [draft.from_]).get(draft.from_, [])
    roster.merge_inmate(uow.conn, draft.from_, number)
    now = {**survivor, "version": survivor["version"] + 1, "updated_at": uow.now}
    roster.put_inmate(uow.conn, now, new=False)
    moved_needs = need_services.renumber(uow, draft.from_, number)
    need_services.follow(uow, number, survivor["establishment"], survivor["unit"])
    moves = roster.hand_over_moves(uow.conn, draft.from_, number)
    carried = transfers.renumber(uow, draft.from_, number, survivor["name"])
    begun = transfers.begin_merged(uow, left, now, {row["id"] for row in (*moved_notes, *moved_needs)})
    data = as_json({"number": number, "previous": draft.from_, "inmate": orjson.Fragment(people.shown(uow, now))})
    places = {row["establishment"]: row["unit"] for row in (given_up, survivor)}
    for place, unit in places.items():
        told = data if place == survivor["establishment"] else as_json({"number": number, "previous": draft.from_})
        also = given_up["unit"] if place == given_up["establishment"] else None
        uow.record(about_inmate(uow, "inmate.merged", place, unit, number, told, also_unit=also))
    id_, by = uow.new_id(), person(uow.who)
    moved = {
        "notes": [row["id"] for row in moved_notes],
        "needs": [row["id"] for row in moved_needs],
        "moves": moves,
        "transfers": carried,
        "begun": begun,
        "numbers": before,
        "previous": {row["id"]: orjson.loads(row["document"])["previous_inmate"] for row in moved_notes},
    }
    row = {"id": id_, "number": number, "previous": draft.from_, "moved": as_json(moved), "at": uow.now}
    roster.add_merge(uow.conn, {**row, "by": as_json(by), "undone_at": None})
    uow.about(notes=len(moved_notes), needs=len(moved_needs))
    about = {"id": id_, "number": number, "previous": draft.from_, "by": by}
    return _told(uow, about, moved_notes, moved_needs), now["version"]


def unmerge(
    uow: UnitOfWork, number: str, draft: UnmergeDraft, versions: Container[int] | None = None
) -> tuple[str, int]:
    """Undoes a merge: the number that was given up is a person of his or her own again, with the notes, needs, moves
    and transfers that came from it. What was written since stays with the surviving number: nobody but its author
    knows whom it is about. Answers the merge's document, and the version of who is restored."""
    uow.doing("inmates.unmerge", subject=number, previous=draft.previous, reason=draft.reason)
    uow.allow("roster.write")
    done = roster.merge_of(uow.conn, number, draft.previous)
    moved = orjson.loads(done["moved"]) if done else {}
    notes.hold_all_of_inmate(uow.conn, number)
    held = _held(uow, number, draft.previous)
    moved_notes = _with_corrections(uow, moved.get("notes", ()), number)
    survivor, restored = seen(uow, held[number]), held[draft.previous]
    people.unchanged(versions, survivor["version"])
    uow.about(establishment=survivor["establishment"], unit=survivor["unit"])
    if restored is None or done is None or not belongs(uow.who, restored["establishment"]):
        raise Invalid(FieldError("/previous", f"{draft.previous} was not merged into {number}"))
    now = {**restored, "merged_into": None, "version": restored["version"] + 1, "updated_at": uow.now}
    roster.restore_numbers(uow.conn, draft.previous, moved.get("numbers", []))
    roster.put_inmate(uow.conn, now, new=False)
    kept = {**survivor, "version": survivor["version"] + 1, "updated_at": uow.now}
    roster.put_inmate(uow.conn, kept, new=False)
    own = moved.get("previous", {})
    for note in moved_notes:
        _renumber(uow, note, draft.previous, own.get(note["id"]), "inmate.unmerged", number)
    for note in moved_notes:
        pages.renumber(uow, note["id"], draft.previous)
    # With those that a correction has opened since: they are about whom their note is about.
    theirs = {note["id"] for note in moved_notes}
    moved_needs = [
        row for row in needs.all_of_inmate(uow.conn, number) if row["id"] in moved["needs"] or row["note"] in theirs
    ]
    for need in moved_needs:
        need_services.give_to(uow, need, draft.previous)
    need_services.follow(uow, draft.previous, restored["establishment"], restored["unit"], handed_over=False)
    roster.give_moves(uow.conn, moved.get("moves", []), draft.previous)
    transfers.give_to(uow, moved.get("transfers", []), draft.previous, restored["name"])
    gone = {row["id"] for row in (*moved_notes, *moved_needs)}
    transfers.undo_merge(uow, kept, gone, moved.get("begun"))
    roster.undo_merge(uow.conn, done["id"], uow.now)
    for one in (kept, now):
        told = people.shown(uow, one)
        uow.record(about_inmate(uow, "inmate.updated", one["establishment"], one["unit"], one["number"], told))
    uow.about(notes=len(moved_notes), needs=len(moved_needs))
    about = {"id": done["id"], "number": number, "previous": draft.previous, "by": person(uow.who)}
    return _told(uow, about, moved_notes, moved_needs), now["version"]


def _held(uow: UnitOfWork, *numbers: str) -> dict[str, RowMapping | None]:
    """The people with these numbers, whom nobody may change meanwhile, nor what they need."""
    held = {number: roster.inmate(uow.conn, number, "mine") for number in sorted(numbers)}
    for number in held:
        needs.all_of_inmate(uow.conn, number)
    return held


def _with_corrections(uow: UnitOfWork, ids: Iterable[str], number: str) -> list[RowMapping]:
    """These notes, and what they were corrected to since."""
    found: list[RowMapping] = []
    waiting = list(ids)
    while waiting:
        row = notes.get(uow.conn, waiting.pop(0), "mine")
        if row is None or row["inmate"] != number or row["id"] in {one["id"] for one in found}:
            continue
        found.append(row)
        newer = orjson.loads(row["document"])["superseded_by"]
        waiting += [newer] if newer else []
    return found


def _told(uow: UnitOfWork, about: dict[str, Any], moved_notes: list[RowMapping], moved_needs: list[RowMapping]) -> str:
    """What was done, with how much of it the caller may see."""
    seen = {
        name: sum(1 for row in rows if may(uow.who, f"{name}.read") and may_read(uow.who, views.facts(row), uow.sights))
        for name, rows in (("notes", moved_notes), ("needs", moved_needs))
    }
    return as_json({**about, "at": uow.now, **seen})


def _renumber(
    uow: UnitOfWork, row: Mapping[Any, Any], number: str, previous: str | None, type_: str, left: str | None = None
) -> None:
    document = views.amended(row["document"], inmate=number, previous_inmate=previous)
    notes.change(uow.conn, row["id"], inmate=number, document=document)
    said = {"number": number, "previous": previous, "note": row["id"]}
    told = as_json(said if left is None else {**said, "previous": left, "previous_inmate": previous})
    now = {**row, "inmate": number, "document": document}
    uow.record(about_note(uow, type_, now, "note", row["id"], row["status"], told))
    transfers.note_changed(uow, now)
