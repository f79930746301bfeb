"""Handovers: offered by one officer, asked about, accepted by another by name; or taken back."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy.engine import RowMapping

from handover.domain import handovers as rules
from handover.domain.access import handover_reach, may_hold, may_read_handover, may_withdraw
from handover.domain.codelists import known
from handover.errors import Conflict, FieldError, Forbidden, Invalid, NotFound, Stale
from handover.schemas.handovers import AcceptanceDraft, AnswerDraft, HandoverDraft, QueryDraft, WithdrawalDraft
from handover.services import needs as need_services
from handover.services import pages, sheets, spots, views
from handover.services.events import about_handover
from handover.services.paging import Page, page, read_cursor
from handover.services.unit_of_work import Fresh, UnitOfWork, as_it_is, as_json, person
from handover.store import eventlog, handovers, idempotency, notes, roster, timers
from handover.store.locks import Hold

Filter = handovers.Filter
"""What a list of handovers is narrowed to."""
Document = dict[str, Any]


def offer(uow: UnitOfWork, draft: HandoverDraft) -> tuple[str, str]:
    """Offers a unit's handover: freezes what it holds. Notes that come later go into the next one. Answers its id and
    document."""
    uow.doing("handovers.offer", establishment=draft.establishment, unit=draft.unit)
    who = uow.allow("handovers.give")
    place, unit = draft.establishment, draft.unit
    row = roster.unit(uow.conn, place, unit, "mine") if may_hold(who, place, unit) else None
    if row is None:
        raise NotFound(f"No unit {unit} in {place} that is yours to hand over.")
    waiting = handovers.waiting(uow.conn, place, unit, "mine")
    if waiting is not None:
        by = orjson.loads(waiting["document"])["outgoing"]["name"]
        raise Conflict(f"{by} has offered this unit; accept that, or take it back: /v1/handovers/{waiting['id']}.")
    last = handovers.last_taken(uow.conn, place, unit)
    rota = spots.rota_of_place(uow, place)
    change = rules.changeover(rota.pattern, rota.zone, uow.now, rota.times, _to_shift(last))
    stamp = sheets.stamp(uow, place, unit)
    first, closed = (last["last"] + 1 if last else 0), handovers.close_stretch(uow.conn, place, unit)
    items = [
        *(_note_item(row, last) for row in handovers.notes_between(uow.conn, place, unit, first, closed)),
        *_need_items(uow, handovers.open_needs(uow.conn, place, unit)),
    ]
    watched = [_note_item(row, None) for row in notes.watched(uow.conn, place, unit, uow.now) if row["stretch"] < first]
    id_ = uow.new_id()
    document = {
        "id": id_,
        "kind": handovers.SHIFT,
        "establishment": place,
        "unit": unit,
        "from_shift": change.from_shift,
        "to_shift": change.to_shift,
        "state": rules.step(rules.DRAFT, "offer"),
        "outgoing": person(who),
        "incoming": None,
        "offered_at": uow.now,
        "due_at": change.due_at,
        "accepted_at": None,
        "roll": {"expected": draft.roll_expected, "actual": None, "mismatch_reason": None},
        "remarks": draft.remarks,
        "read_back": None,
        "items": items,
        "attention": watched,
        "queries": _asked_before(uow, place, unit, first, [*items, *watched]),
        "transfer": None,
        "withdrawal": None,
        "sequence": stamp.sequence,
        "hash": stamp.hash,
        "version": 1,
    }
    uow.about(subject=id_, items=len(items), hash=stamp.hash)
    if last is not None:
        pages.closed(uow, [last["id"]])  # nobody had offered the unit; now somebody has
    timers.add(uow.rows, (change.due_at, timers.OVERDUE, id_))
    return id_, open_(uow, document, first, closed)


def _asked_before(uow: UnitOfWork, place: str, unit: str, first: int, items: Iterable[Document]) -> list[Document]:
    """What was asked about these items in an offer that was taken back, with its answers: the question still stands."""
    before = handovers.taken_back_since(uow.conn, place, unit, first)
    here = {(item["note"], item["need"]) for item in items}
    queries = orjson.loads(before["document"])["queries"] if before else []
    return [query for query in queries if (query["note"], query["need"]) in here]


def open_(uow: UnitOfWork, document: Document, first: int, last: int, author: str | None = None) -> str:
    """Writes a handover that waits for somebody, and tells it. `author`: the account it goes out from, if not the
    caller's. Answers it as the caller may see it."""
    moving = document["transfer"]
    row = {
        "id": document["id"],
        "kind": document["kind"],
        "establishment": document["establishment"],
        "unit": document["unit"],
        "from_establishment": moving["from"]["establishment"] if moving else document["establishment"],
        "from_unit": moving["from"]["unit"] if moving else document["unit"],
        "inmate": moving["inmate"] if moving else None,
        "author": author or uow.who.id,
        "state": document["state"],
        "first": first,
        "last": last,
        "offered_at": document["offered_at"],
        "accepted_at": None,
        "taker": None,
        "incoming": None,
        "taken": None,
        "version": 1,
        "document": as_json(document),
    }
    found_by = [
        {"kind": kind, "thing": item["need"] or item["note"], "note": item[views.ENTITLED]["note"]}
        for kind, item in _each(document)
    ]
    handovers.add(uow.conn, row, found_by)
    _tell(uow, "handover.offered", row, handover_reach(row["author"], ()))
    return shown(uow, row)


def _each(document: Document) -> Iterable[tuple[str, Document]]:
    yield from (("need" if item["need"] else "note", item) for item in document["items"])
    yield from (("attention", item) for item in document["attention"])


def _to_shift(last: Mapping[Any, Any] | None) -> str | None:
    return orjson.loads(last["document"])["to_shift"] if last else None


def note_item(row: Mapping[Any, Any], late: bool = False, content: bool = False) -> Document:
    """A note as an item."""
    said = orjson.loads(row["document"])
    return {
        "note": row["id"],
        "need": None,
        "inmate": row["inmate"],
        "attention": row["attention"],
        "attention_until": said["attention_until"],
        "code": None,
        "promised": False,
        "due_at": None,
        "opened_at": row["recorded_at"],
        "carried": 0,
        "late": late,
        "content": said if content else None,
        views.ENTITLED: {"handling": row["handling"], "author": row["author"], "note": row["id"]},
    }


def _note_item(row: RowMapping, last: RowMapping | None) -> Document:
    return note_item(row, late=last is not None and _is_late(row, last))


def _is_late(row: RowMapping, last: RowMapping) -> bool:
    """Whether a note came too late for the handover before, and tells of what was before that. What was written between
    the offer and the acceptance was not among what was taken over either."""
    before: datetime = last["accepted_at"] if row["stretch"] > last["taken"] else last["offered_at"]
    return bool(row["stretch"] > last["last"] and row["occurred_at"] < before)


def _need_items(uow: UnitOfWork, rows: Sequence[RowMapping]) -> list[Document]:
    return need_items(rows, handovers.carries(uow.conn, [row["id"] for row in rows], uow.now))


def need_items(rows: Sequence[Mapping[Any, Any]], carries: Sequence[Mapping[Any, Any]]) -> list[Document]:
    """Open needs as items; `carries` says how often each was taken over before."""
    carried = [one["thing"] for one in carries]
    return [
        {
            "note": None,
            "need": row["id"],
            "inmate": row["inmate"],
            "attention": "ROUTINE",
            "attention_until": None,
            "code": row["code"],
            "promised": row["promised"],
            "due_at": row["due_at"],
            "opened_at": row["opened_at"],
            "carried": carried.count(row["id"]),
            "late": False,
            "content": None,
            views.ENTITLED: {"handling": row["handling"], "author": row["author"], "note": row["note"]},
        }
        for row in rows
    ]


def get(uow: UnitOfWork, handover: str) -> str:
    """One handover, as this reader may see it."""
    uow.doing("handovers.read", subject=handover)
    uow.allow("handovers.read")
    return shown(uow, _readable(uow, handover))


def find(uow: UnitOfWork, wanted: Filter, cursor: str | None, limit: int) -> Page:
    """Handovers this reader may see, the newest offer first."""
    uow.doing("handovers.list", establishment=wanted.establishment, unit=wanted.unit, filter={"state": wanted.state})
    uow.allow("handovers.read")
    errors = known(uow.lists, "handover_state", wanted.state, "/query/state")
    if errors:
        raise Invalid(*errors)
    before = read_cursor(cursor, "handovers", datetime, str)
    rows = handovers.find(uow.conn, uow.who.id, uow.sights, wanted, before, limit)
    found = page(rows, limit, lambda row: shown(uow, row), lambda row: ("handovers", row["offered_at"], row["id"]))
    uow.about(count=len(found.items), handovers=[row["id"] for row in rows[:limit]])
    return found


def ask(uow: UnitOfWork, handover: str, draft: QueryDraft, fresh: Fresh = as_it_is) -> tuple[str, str]:
    """Asks about one item of an offer; both officers see it until it is answered. Answers the query, and the handover
    with it."""
    uow.doing("handovers.ask", subject=handover)
    uow.allow("handovers.give")
    row, document = _mine(uow, handover, "ask")
    fresh(shown(uow, row))
    if (draft.note is None) == (draft.need is None):
        raise Invalid(FieldError("", "say what you ask about: the `note` or the `need` of one item"))
    visible = orjson.loads(shown(uow, row))
    wanted = ("note", draft.note) if draft.note else ("need", draft.need)
    entitled = next((i[views.ENTITLED] for _, i in _each(document) if i[wanted[0]] == wanted[1]), None)
    if entitled is None or not any(i[wanted[0]] == wanted[1] for i in (*visible["items"], *visible["attention"])):
        raise Invalid(FieldError(f"/{wanted[0]}", "this is not an item of the handover"))
    query = {
        "id": uow.new_id(),
        "note": draft.note,
        "need": draft.need,
        "text": draft.text,
        "by": person(uow.who),
        "at": uow.now,
        "answers": [],
        views.ENTITLED: entitled,
    }
    document["queries"].append(query)
    changed = change(uow, row, document, "handover.queried", [entitled])
    return as_json({name: value for name, value in query.items() if name != views.ENTITLED}), shown(uow, changed)


def answer(uow: UnitOfWork, handover: str, query: str, draft: AnswerDraft, fresh: Fresh = as_it_is) -> tuple[str, str]:
    """Answers a query, also once the unit was taken over with it open. Answers the query with all its answers, and the
    handover with it."""
    uow.doing("handovers.answer", subject=handover, query=query)
    uow.allow("handovers.give")
    row, document = _mine(uow, handover, "answer")
    fresh(shown(uow, row))
    seen = {one["id"] for one in orjson.loads(shown(uow, row))["queries"]}
    found = next((one for one in document["queries"] if one["id"] == query and query in seen), None)
    if found is None:
        raise NotFound("No such query in this handover.")
    found["answers"].append({"text": draft.text, "by": person(uow.who), "at": uow.now})
    changed = change(uow, row, document, "handover.answered", [found[views.ENTITLED]])
    return as_json({name: value for name, value in found.items() if name != views.ENTITLED}), shown(uow, changed)


def accept(uow: UnitOfWork, handover: str, draft: AcceptanceDraft, fresh: Fresh = as_it_is) -> str:
    """Takes the unit, or the person, over: the caller is answerable from now on. Whoever offered it may take it over
    again (a double shift)."""
    uow.doing("handovers.accept", subject=handover)
    who = uow.allow("handovers.give")
    row, document = _alone(uow, handover, "accept")
    fresh(shown(uow, row))
    if not may_hold(who, row["establishment"], row["unit"]):
        raise Forbidden(may_hold(who, row["establishment"], row["unit"]).reason)
    roll, visible = document["roll"], orjson.loads(shown(uow, row))
    state = rules.accept(
        row["state"],
        visible["queries"],  # what the caller may not see stands in nobody's way, and no refusal repeats it
        roll["expected"],
        draft.roll_actual,
        with_queries=draft.with_queries,
        mismatch_reason=draft.roll_mismatch_reason,
    )
    document["roll"] = {**roll, "actual": draft.roll_actual, "mismatch_reason": draft.roll_mismatch_reason}
    document |= {"incoming": person(who), "accepted_at": uow.now, "read_back": draft.read_back}
    columns: dict[str, Any] = {"state": state, "accepted_at": uow.now}
    columns |= {"taker": who.id, "incoming": as_json(person(who))}
    if row["kind"] == handovers.SHIFT:
        columns["taken"] = handovers.close_stretch(uow.conn, row["establishment"], row["unit"])
        _look_whether_offered(uow, {**row, "document": as_json(document)})
    uow.about(state=state)
    changed = change(uow, row, document, "handover.accepted", **columns)
    if row["kind"] == handovers.TRANSFER:
        need_services.taken_over(uow, [item["need"] for item in document["items"] if item["need"]])
    # A page that the caller may not see goes on calling those who may.
    pages.taken(uow, [handover, *(item["note"] for _, item in _each(visible) if item["note"])])
    return shown(uow, changed)


def withdraw(uow: UnitOfWork, handover: str, draft: WithdrawalDraft, fresh: Fresh = as_it_is) -> str:
    """Takes an offer back, saying why: by whoever offered it, or a manager. What it held goes into the next one."""
    uow.doing("handovers.withdraw", subject=handover)
    who = uow.allow("handovers.give")
    row, document = _alone(uow, handover, "withdraw")
    fresh(shown(uow, row))
    if row["kind"] == handovers.TRANSFER:
        raise Invalid(FieldError("", "a person who has left is not taken back by a word: record where he or she is"))
    last = handovers.last_taken(uow.conn, row["establishment"], row["unit"])
    owner = last["taker"] if last else None
    verdict = may_withdraw(who, row["establishment"], (row["author"], owner))
    if not verdict:
        raise Forbidden(verdict.reason)
    changed = taken_back(uow, row, document, draft.reason)
    return shown(uow, changed)


def taken_back(uow: UnitOfWork, row: Mapping[Any, Any], document: Document, reason: str) -> dict[str, Any]:
    """Ends an offer that nobody will accept any more."""
    state = rules.step(row["state"], "withdraw")
    document["withdrawal"] = {"reason": reason, "by": person(uow.who), "at": uow.now}
    changed = change(uow, row, document, "handover.withdrawn", state=state)
    pages.closed(uow, [row["id"]])
    last = handovers.last_taken(uow.conn, row["establishment"], row["unit"])
    if row["kind"] == handovers.SHIFT and last is not None:
        _look_whether_offered(uow, last)
    return changed


def _look_whether_offered(uow: UnitOfWork, taken: Mapping[Any, Any]) -> None:
    """Has it looked, when the changeover after a handover that was taken is gone by, whether the unit was offered."""
    rota = spots.rota_of_place(uow, taken["establishment"])
    change = rules.next_changeover(rota.pattern, rota.zone, uow.now, rota.times, _to_shift(taken))
    nobody = change.due_at + timedelta(minutes=rota.times.escalate)
    timers.put(uow.conn, max(nobody, uow.now), timers.UNOFFERED, taken["id"])


def change(
    uow: UnitOfWork,
    row: Mapping[Any, Any],
    document: Document,
    type_: str,
    about: Iterable[Mapping[str, Any]] = (),
    **columns: Any,
) -> dict[str, Any]:
    """The one way a handover changes: its row, and an event. `about`: class and author of each item that it is about,
    where it is about some alone. Whoever may read none of them learns nothing, so where they are not for all who read
    the handover, the version they all see stays as it is."""
    reach = handover_reach(row["author"], ((item["handling"], item["author"]) for item in about))
    whole = reach == handover_reach(row["author"], ())
    document |= {"state": columns.get("state", row["state"]), "version": document["version"] + whole}
    columns["document"] = as_json(document)
    if not handovers.change(uow.conn, row["id"], row["version"], **columns):
        raise Stale("Somebody changed this handover at the same moment; read it again.")
    changed = {**row, **columns, "version": row["version"] + 1}
    _tell(uow, type_, changed, reach)
    return changed


def ran_out(uow: UnitOfWork, handover: str) -> str | None:
    """Tells that nobody has accepted in time; a person on the way is paged at once. Answers where."""
    row = handovers.get(uow.conn, handover, "mine")
    if row is None or not rules.can(row["state"], "run out"):
        return None
    state = rules.step(row["state"], "run out")
    changed = change(uow, row, orjson.loads(row["document"]), "handover.overdue", state=state)
    if row["kind"] == handovers.TRANSFER:
        pages.about_handover(uow, changed)
    times = spots.rota_of_place(uow, row["establishment"]).times
    timers.add(uow.rows, (uow.now + timedelta(minutes=times.escalate), timers.ESCALATE, handover))
    return str(row["establishment"])


def escalate(uow: UnitOfWork, handover: str) -> str | None:
    """Makes an offer that is still overdue the duty manager's problem; answers where."""
    row = handovers.get(uow.conn, handover, "mine")
    if row is None or not rules.can(row["state"], "escalate"):
        return None
    state = rules.step(row["state"], "escalate")
    changed = change(uow, row, orjson.loads(row["document"]), "handover.escalated", state=state)
    if row["kind"] == handovers.SHIFT:
        pages.about_handover(uow, changed)
    return str(row["establishment"])


def unoffered(uow: UnitOfWork, handover: str) -> str | None:
    """Makes a unit that nobody has even offered since it was taken over, though its changeover is gone by, the duty
    manager's problem; answers where."""
    row = handovers.get(uow.conn, handover)
    if row is None:
        return None
    place, unit = row["establishment"], row["unit"]
    roster.unit(uow.conn, place, unit, "mine")  # whoever offers it now is waited for
    last = handovers.last_taken(uow.conn, place, unit)
    if last is None or last["id"] != handover or handovers.waiting(uow.conn, place, unit) is not None:
        return None
    pages.about_unit(uow, row)
    return str(place)


def unsay(uow: UnitOfWork, row: Mapping[Any, Any]) -> None:
    """Leaves of every event about a handover, and of every kept answer, the words that it has now: others in it were
    taken back. How it stood then is told as before; sheets of the past are made of that."""
    idempotency.amend(uow.conn, row["id"], lambda answer: views.unsaid(answer, row["document"]))
    told = eventlog.of_note(uow.conn, row["id"])
    eventlog.blank(uow.conn, row["id"], (_untold(event, row["document"]) for event in told))


def _untold(event: eventlog.Event, document: str) -> eventlog.Event:
    left = views.unsaid(eventlog.apart(event.told)[1], document, marked=True)
    return eventlog.amended(event, eventlog.sort_of(event.sort).status, left)


def shown(uow: UnitOfWork, row: Mapping[Any, Any]) -> str:
    """A handover as the caller may see it."""
    return views.handover(row["document"], uow.who, uow.sights)


def _tell(uow: UnitOfWork, type_: str, row: Mapping[Any, Any], reach: Iterable[tuple[str, str]]) -> None:
    """In the log of each establishment it lies in."""
    to, left = (row["establishment"], row["unit"]), (row["from_establishment"], row["from_unit"])
    for within in sorted(reach):
        if to[0] == left[0]:
            uow.record(about_handover(uow, type_, row, *to, left[1] if left != to else None, within))
        else:
            uow.record(about_handover(uow, type_, row, *to, None, within))
            uow.record(about_handover(uow, type_, row, *left, None, within))


def _readable(uow: UnitOfWork, handover: str, hold: Hold | None = None) -> RowMapping:
    row = handovers.get(uow.conn, handover, hold)
    places = row and ((row["establishment"], row["unit"]), (row["from_establishment"], row["from_unit"]))
    if row is None or not may_read_handover(uow.who, places or (), row["author"], uow.sights):
        raise NotFound("No such handover.")
    uow.about(establishment=row["establishment"], unit=row["unit"], person=row["inmate"])
    return row


def _mine(uow: UnitOfWork, handover: str, act: str) -> tuple[RowMapping, Document]:
    row = _readable(uow, handover, "mine")
    rules.step(row["state"], act)
    return row, orjson.loads(row["document"])


def _alone(uow: UnitOfWork, handover: str, act: str) -> tuple[RowMapping, Document]:
    """The same where that ends it: what changes with it is held first, as by everybody (`store/locks.py`)."""
    row = _readable(uow, handover)
    roster.unit(uow.conn, row["establishment"], row["unit"], "mine")
    if row["kind"] == handovers.TRANSFER:
        need_services.hold(uow, (item["need"] for item in orjson.loads(row["document"])["items"] if item["need"]))
    return _mine(uow, handover, act)
