"""Incidents: a note that says it is about what goes on in its unit joins that, or opens it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from handover.domain import incidents as rules
from handover.errors import FieldError, Invalid
from handover.schemas.notes import NoteDraft
from handover.services.unit_of_work import UnitOfWork
from handover.store import eventlog, notes


def join(uow: UnitOfWork, fields: dict[str, Any], at: str = "") -> None:
    """Says in a note's fields which incident it is about: the one that goes on in its unit, or one that it opens. `at`:
    where the note stands in the request."""
    place, unit, occurred = fields["establishment"], fields["unit"], fields["occurred_at"]
    found = _meant(uow, place, unit, occurred)
    if found is None:
        if fields["handling"] not in rules.OPENED_BY:
            why = "no incident goes on in this unit, and one begins with a note that the whole unit may read"
            raise Invalid(FieldError(f"{at}/about_incident", f"{why}; write that first, or leave this out"))
        # Two who open at once: the second waits here for the first one's commit, and finds what was opened.
        eventlog.hold(uow.conn, place)
        found = _meant(uow, place, unit, occurred)
    if found is None:
        fields["attention"] = rules.look_out(fields["attention"])
    fields["incident"] = found or fields["id"]


def carry_on(uow: UnitOfWork, note: str, before: Mapping[str, Any], draft: NoteDraft, fields: dict[str, Any]) -> None:
    """Keeps in a correction's fields the incident of the note it corrects (`before`: its document); of one that was
    about none, it may say so."""
    fields["incident"] = before.get("incident")
    if fields["incident"] is not None:
        began = _began_with(uow, fields["incident"])
        if began is not None and began["id"] == note:
            fields["attention"] = rules.look_out(fields["attention"])
    elif draft.about_incident:
        join(uow, fields, "/note")


def _meant(uow: UnitOfWork, place: str, unit: str, occurred: datetime) -> str | None:
    known = [_began_with(uow, incident) for incident in notes.incidents(uow.conn, place, unit, occurred)]
    return rules.meant((began for began in known if began is not None), occurred)


def _began_with(uow: UnitOfWork, incident: str) -> Mapping[str, Any] | None:
    def get(note: str) -> Mapping[str, Any] | None:
        row = notes.get(uow.conn, note)
        return None if row is None else orjson.loads(row["document"])

    return rules.began_with(incident, get)
