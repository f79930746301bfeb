"""What was known at a time in the past: what stands now, with everything that has changed since put back to what the
log said of it then. Words that were retracted since are gone from the past too."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import orjson

from handover.domain.access import Facts, may_read
from handover.domain.handovers import OPEN
from handover.services.unit_of_work import UnitOfWork, as_json
from handover.store import handovers, needs, notes, roster, sheets
from handover.store.eventlog import Sort

Document = dict[str, Any]
BEGUN = ("note.recorded", "need.opened")
"""What is told first of a note or need."""
RENUMBERED = ("inmate.merged", "inmate.unmerged")


class Past:
    """One unit at one moment, at this place in its establishment's log."""

    def __init__(self, uow: UnitOfWork, place: str, unit: str, at: datetime, sequence: int) -> None:
        self._uow = uow
        self._place = place
        self._unit = unit
        self._at = at
        self.sequence = sequence
        self._changed: dict[str, dict[str, Mapping[Any, Any]]] = {}
        self._new: set[str] = set()  # nearly all of it was not there yet: nobody has to look what was said of it then
        kinds = ("note", "need", "inmate", "handover")
        for event in sheets.changed_since(uow.conn, place, unit, at, sequence, kinds):
            self._changed.setdefault(event["kind"], {}).setdefault(event["about"], event)
            if event["type"] in BEGUN:
                self._new.add(event["about"])

    def _then(self, about: str, *notes: str) -> Document | None:
        """What the log said last of a resource (found by the notes behind it) up to then; None where it said nothing,
        or nothing it may say again."""
        found = self._told(about, *notes)
        return found and found[1]

    def _told(self, about: str, *notes: str) -> tuple[Sort, Document] | None:
        """The same, with for whom it was said."""
        if about in self._new:
            return None
        given: Document = {}
        for sort, said in sheets.told_by(self._uow.conn, self._place, self.sequence, notes, about):
            if said.keys() == {"id", "status"}:
                return None
            if sort.type in RENUMBERED:  # it says no more of a note than whom it is about from there on
                previous = said.get("previous_inmate", said["previous"])
                given = {"inmate": said["number"], "previous_inmate": previous} | given
            else:
                return sort, said | given
        return None

    # --- People -------------------------------------------------------------------------------------------------------

    def people(self, now: Iterable[Mapping[Any, Any]]) -> list[Mapping[Any, Any]]:
        """Who was in the unit then."""
        here = {row["number"]: row for row in now}
        merges = roster.merges_since(self._uow.conn, self._at, self._place)
        told = self._changed.get("inmate", {})
        for number in {*told, *(one["previous"] for one in merges)}:
            row = roster.inmate(self._uow.conn, number)
            if row is None:
                continue
            there = self._where(number, row, told.get(number), merges)
            if there is None or there[:2] != (self._place, self._unit):
                here.pop(number, None)
            else:
                here[number] = {**row, "establishment": there[0], "unit": there[1], "cell": there[2]}
        return sorted(here.values(), key=lambda row: str(row["number"]))

    def _where(
        self,
        number: str,
        row: Mapping[Any, Any],
        first: Mapping[Any, Any] | None,
        merges: Iterable[Mapping[Any, Any]],
    ) -> tuple[str, str, str | None] | None:
        """Where a person was then; None for one who was not on the roster yet, or under another number. `merges`: those
        that were made or undone since."""
        if any(one["previous"] == number and one["at"] <= self._at for one in merges):
            return None  # given up then, and back since
        since = [one for one in merges if one["undone_at"] is None]
        came, went = (
            {move for one in since if one[end] == number for move in orjson.loads(one["moved"])["moves"]}
            for end in ("number", "previous")
        )
        move = roster.first_move_after(self._uow.conn, number, self._at, came, went - came)
        if move is not None:
            return move["from_establishment"], move["from_unit"], move["from_cell"]
        if first is not None and first["type"] == "inmate.updated":
            told = sheets.data_of(self._uow.conn, self._place, first["sequence"])
            if orjson.loads(told)["version"] == 1:
                return None
        if row["merged_into"] and not any(one["previous"] == number for one in since):
            return None
        return row["establishment"], row["unit"], row["cell"]

    # --- Notes and needs ----------------------------------------------------------------------------------------------

    def notes(self, now: Mapping[str, Document]) -> dict[str, Document]:
        """The notes as they stood: corrected ones as they read, attention as it was."""
        found = dict(now)
        told = {id_: self._then(id_, id_) for id_ in self._changed.get("note", {})}
        thens = dict(told)
        for id_, correction in told.items():
            row = None if id_ in self._new else notes.get(self._uow.conn, id_)
            superseded = orjson.loads(row["document"])["supersedes"] if row else None
            if superseded:  # which stood then, unless its correction did already
                thens[superseded] = None if correction else self._then(superseded, superseded)
        for id_, then in thens.items():
            row = notes.get(self._uow.conn, id_) if then else None
            thing = Facts(row["establishment"], row["unit"], row["handling"], row["author"]) if row else None
            if then is None or thing is None or not may_read(self._uow.who, thing, self._uow.sights):
                found.pop(id_, None)
            else:
                found[id_] = then
        return found

    def _wordings(self, note: str) -> Iterable[str]:
        """A note and what it corrected: a need goes on under each of them in turn."""
        wording: str | None = note
        while wording:
            yield wording
            row = notes.get(self._uow.conn, wording)
            wording = orjson.loads(row["document"])["supersedes"] if row else None

    def needs(self, now: Iterable[Document]) -> list[Document]:
        """The needs that were open, as they stood."""
        found = {need["id"]: need for need in now}
        for id_ in self._changed.get("need", {}):
            row = None if id_ in self._new else needs.get(self._uow.conn, id_)
            told = self._told(id_, *self._wordings(row["note"])) if row else None
            found.pop(id_, None)
            if told is None:
                continue
            sort, then = told
            # For whom it was then: for others it may have been put in other words since.
            thing = Facts(self._place, then["unit"], sort.handling, sort.author, also_unit=sort.also_unit)
            mine = may_read(self._uow.who, thing, self._uow.sights)
            if mine and then["status"] == "OPEN" and then["unit"] == self._unit:
                found[id_] = then
        return list(found.values())

    # --- Handovers ----------------------------------------------------------------------------------------------------

    def waiting(self) -> Mapping[str, Any] | None:
        """The offer that was waiting."""
        rows = handovers.offered_by(self._uow.conn, self._place, self._unit, self._at, handovers.SHIFT)
        return next((row for row in map(self._handover, rows) if row and row["state"] in OPEN), None)

    def transfers(self, now: Iterable[Mapping[Any, Any]]) -> list[Mapping[str, Any]]:
        """The transfers that were under way, or had come in lately, oldest first."""
        rows = {row["id"]: row for row in now}
        for row in handovers.offered_by(self._uow.conn, self._place, self._unit, self._at, handovers.TRANSFER):
            rows.setdefault(row["id"], row)
        in_order = sorted(rows.values(), key=lambda row: (row["offered_at"], row["id"]))
        return [then for row in in_order if (then := self._handover(row))]

    def _handover(self, row: Mapping[Any, Any]) -> Mapping[str, Any] | None:
        if row["offered_at"] > self._at:
            return None
        if row["id"] not in self._changed.get("handover", {}):
            return row
        then = self._then(row["id"], row["id"])
        return then and {**row, "state": then["state"], "document": as_json(then)}
