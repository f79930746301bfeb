"""A person who moves takes what is open along: the unit that receives him or her accepts it by name, and until then the
one that sent answers for it."""

from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy.engine import RowMapping

from handover.domain import handovers as rules
from handover.domain.access import STAYS_BEHIND, WIDE
from handover.services import handovers as service
from handover.services import pages, spots, views
from handover.services.unit_of_work import UnitOfWork, as_json, person
from handover.store import handovers, needs, notes, timers

UNSAID: dict[str, Any] = {
    "attention": "ROUTINE",
    "attention_until": None,
    "code": None,
    "promised": False,
    "due_at": None,
}
"""What an item still says whose note was retracted: nothing."""
PICTURE = timedelta(hours=72)
"""How far back the notes reach that travel with a person."""


def begin(uow: UnitOfWork, old: Mapping[Any, Any], new: Mapping[Any, Any]) -> None:
    """Offers a person to the unit he or she moves to: open needs, live attention, and what was written in the last 72
    hours. One who moves on before anybody accepted takes along what came along."""
    number = new["number"]
    left, waiting = sender_of(uow, old)
    for row in waiting:
        end(uow, row, "Moved on before anybody accepted.")
    if (left["establishment"], left["unit"]) == (new["establishment"], new["unit"]):
        return  # back before anybody had taken him or her over
    _offer(uow, left, new, *_open_of(uow, number))


def begin_merged(
    uow: UnitOfWork, left: Mapping[Any, Any], survivor: Mapping[Any, Any], came: Collection[str]
) -> str | None:
    """Offers what was open under a number that was given up to the unit in which the person is under the other one: it
    never had it. `left`: whoever answered for it; `came`: the notes and needs that were under it. Answers the
    transfer, where there is anything."""
    if (left["establishment"], left["unit"]) == (survivor["establishment"], survivor["unit"]):
        return None
    travelling, open_needs = ([row for row in rows if row["id"] in came] for rows in _open_of(uow, survivor["number"]))
    return _offer(uow, left, survivor, travelling, open_needs, merged=True) if travelling or open_needs else None


def undo_merge(uow: UnitOfWork, inmate: Mapping[Any, Any], gone: Collection[str], begun: str | None) -> None:
    """Ends what waits for this person to be accepted and holds something of the other one, because a merge was undone
    (`gone`: the notes and needs that went back; `begun`: the offer that the merge made). One who moved meanwhile is
    offered again with what is his or her own."""
    left, waiting = sender_of(uow, inmate)
    for row in waiting:
        document = orjson.loads(row["document"])
        if row["id"] == begun or any(item["note"] in gone or item["need"] in gone for item in _items(document)):
            end(uow, row, "The merge was undone.")
            if not document["transfer"].get("merged"):
                _offer(uow, left, inmate, *_open_of(uow, inmate["number"]))


def sender_of(uow: UnitOfWork, inmate: Mapping[Any, Any]) -> tuple[Mapping[Any, Any], list[RowMapping]]:
    """Where whoever answers for a person is: as long as nobody has taken him or her over, those who sent; and the
    transfers that wait."""
    waiting = [
        row for row in handovers.transfers_of(uow.conn, [inmate["number"]], "mine") if row["state"] in rules.OPEN
    ]
    moves = [orjson.loads(row["document"])["transfer"] for row in waiting]
    sent = [move["from"] for move in moves if not move.get("merged")]
    return sent[-1] if sent else inmate, waiting


def _open_of(uow: UnitOfWork, number: str) -> tuple[list[RowMapping], list[RowMapping]]:
    """What goes along with a person: the notes of the last 72 hours and those with live attention; open needs."""
    written = notes.picture_of(uow.conn, number, uow.now - PICTURE, uow.now)
    needed = needs.all_of_inmate(uow.conn, number, "OPEN")
    along, open_needs = ([row for row in rows if row["handling"] not in STAYS_BEHIND] for rows in (written, needed))
    return along, open_needs


def _offer(
    uow: UnitOfWork,
    left: Mapping[Any, Any],
    new: Mapping[Any, Any],
    travelling: list[RowMapping],
    open_needs: list[RowMapping],
    merged: bool = False,
) -> str:
    number = new["number"]
    last = handovers.last_taken(uow.conn, left["establishment"], left["unit"])
    rota = spots.rota_of_place(uow, new["establishment"])
    shift = rota.at(uow.now)
    due = uow.now + timedelta(minutes=rota.times.transfer)
    carries = handovers.carries(uow.conn, [row["id"] for row in open_needs], uow.now)
    id_ = uow.new_id()
    ends = {
        side: {name: row[name] for name in ("establishment", "unit", "cell")}
        for side, row in (("from", left), ("to", new))
    }
    document = {
        "id": id_,
        "kind": handovers.TRANSFER,
        "establishment": new["establishment"],
        "unit": new["unit"],
        "from_shift": shift.key,
        "to_shift": rota.at(due).key,
        "state": rules.step(rules.DRAFT, "offer"),
        "outgoing": orjson.loads(last["incoming"]) if last else person(uow.who),
        "incoming": None,
        "offered_at": uow.now,
        "due_at": due,
        "accepted_at": None,
        "roll": {"expected": None, "actual": None, "mismatch_reason": None},
        "remarks": None,
        "read_back": None,
        "items": [
            *(service.note_item(row, content=True) for row in travelling),
            *service.need_items(open_needs, carries),
        ],
        "attention": [],
        "queries": [],
        "transfer": {"inmate": number, "name": new["name"], **ends, "by": person(uow.who), "merged": merged},
        "withdrawal": None,
        "sequence": 0,
        "hash": "",
        "version": 1,
    }
    document["hash"] = views.sealed(document)
    timers.add(uow.rows, (due, timers.OVERDUE, id_))
    service.open_(uow, document, 0, -1, author=last["taker"] if last else None)
    return id_


def end(uow: UnitOfWork, row: Mapping[Any, Any], why: str) -> None:
    """Ends the offer of a person whom nobody will accept there any more: a unit that never had him or her keeps none of
    what was written."""
    document = orjson.loads(row["document"])
    for item in document["items"]:
        item["content"] = None
    service.unsay(uow, service.taken_back(uow, row, document, why))


def note_changed(
    uow: UnitOfWork, row: Mapping[Any, Any], *, newer: Mapping[Any, Any] | None = None, unsaid: bool = False
) -> None:
    """Passes a change to a note on to whoever was handed it: what travelled is brought up to date (Directive (EU)
    2016/680, Art 7(3)). `newer`: it was corrected by this one, which goes after it. `unsaid`: it was retracted, and
    nothing is left of its words, nor of the questions about them, in any handover and any event that told of one."""
    stated = {need["id"] for need in needs.all_of_note(uow.conn, row["id"])}
    for held in handovers.holding(uow.conn, {row["id"], *stated}):
        document = orjson.loads(held["document"])
        before = as_json(document)
        travelled = [item for item in _items(document) if item["note"] == row["id"] and item["content"] is not None]
        for item in travelled:
            item |= {"content": orjson.loads(row["document"]), "inmate": row["inmate"]}
        if travelled and newer is not None and newer["handling"] not in STAYS_BEHIND:
            document["items"].append(service.note_item(newer, content=True))
            found_by = {"kind": "note", "thing": newer["id"], "note": newer["id"]}
            handovers.add_items(uow.conn, held["id"], [found_by], len(_items(document)) - 1)
        if unsaid:
            _unsay(document, row["id"], stated)
        if as_json(document) == before:
            continue
        changed = service.change(uow, held, document, "handover.updated", [row] if newer is None else [row, newer])
        if unsaid:
            service.unsay(uow, changed)


def _items(document: service.Document) -> list[service.Document]:
    return [*document["items"], *document["attention"]]


def _unsay(document: service.Document, note: str, stated: Collection[str]) -> None:
    """Takes out of a handover what a note and its needs said, and what was asked about them."""
    for item in _items(document):
        if item["note"] == note or item["need"] in stated:
            item.update(UNSAID)
    for query in document["queries"]:
        if query["note"] == note or query["need"] in stated:
            query["text"] = None
            query["answers"] = [{**answer, "text": None} for answer in query["answers"]]


def need_changed(uow: UnitOfWork, need: Mapping[Any, Any]) -> None:
    """A need that is of another class now is seen by others: in the handovers it is an item of, and in what was told of
    them, too. Those who saw it are told, and those who see it now."""
    for held in handovers.holding(uow.conn, [need["id"]]):
        document = orjson.loads(held["document"])
        entries = [one for one in (*document["items"], *document["queries"]) if one["need"] == need["id"]]
        about = [need, *({**entry[views.ENTITLED]} for entry in entries)]
        for entry in entries:
            # What few asked about it stays with those few: it is about what was said to them.
            if "answers" not in entry or entry[views.ENTITLED]["handling"] in WIDE:
                entry[views.ENTITLED] |= {"handling": need["handling"], "author": need["author"]}
        service.unsay(uow, service.change(uow, held, document, "handover.updated", about))


def renumber(uow: UnitOfWork, previous: str, number: str, name: str) -> list[str]:
    """Gives the transfers of a merged number to the surviving one; answers which."""
    found = handovers.transfers_of(uow.conn, [previous], "mine")
    for row in found:
        if row["state"] in rules.OPEN:  # the person is where the surviving number is
            end(uow, row, f"The number was merged into {number}.")
    ids = [row["id"] for row in found]
    give_to(uow, ids, number, name)
    return ids


def give_to(uow: UnitOfWork, ids: Iterable[str], number: str, name: str) -> None:
    """Gives transfers to a person."""
    for id_ in ids:
        row = handovers.get(uow.conn, id_, "mine")
        if row is None:
            continue
        document = orjson.loads(row["document"])
        document["transfer"] |= {"inmate": number, "name": name}
        service.change(uow, row, document, "handover.updated", inmate=number)
        if row["state"] in rules.OPEN:
            pages.renumber(uow, id_, number)
