"""Events: how a change becomes one. How readers get them: `pulling`, `hub`; what each of them hears: `hearing`."""

from collections.abc import Mapping
from typing import Any

from handover.services.unit_of_work import UnitOfWork
from handover.store.eventlog import Event

ROSTER = "ROSTER"
OUTCOME = "outcome"
"""The kind of an event that tells the author of a note what came of a need that has gone to another prison. Nobody
else of the prison it was written in sees that need any more; other systems, which may count on a log without gaps,
learn its status."""


def about_note(
    uow: UnitOfWork, type_: str, row: Mapping[Any, Any], kind: str, about: str, status: str, data: str
) -> Event:
    """A change to a note or to what hangs on it (`row`: the note's or need's own columns): heard by whoever may read
    that."""
    return Event(
        establishment=row["establishment"],
        id=uow.new_id(),
        type=type_,
        subject=row["inmate"],
        unit=row["unit"],
        also_unit=None,
        time=uow.now,
        handling=row["handling"],
        author=row["author"],
        kind=kind,
        about=about,
        status=status,
        note=row["note"] if kind == "need" else row["id"],
        data=data,
    )


def about_handover(
    uow: UnitOfWork, type_: str, row: Mapping[Any, Any], establishment: str, unit: str, also_unit: str | None
) -> Event:
    """A change to a handover, told in one of the establishments it lies in: heard in both units, where both are there.
    It is kept whole, and each reader gets what he or she may see of it."""
    return Event(
        establishment=establishment,
        id=uow.new_id(),
        type=type_,
        subject=row["inmate"],
        unit=unit,
        also_unit=also_unit,
        time=uow.now,
        handling="UNIT",
        author=row["author"],
        kind="handover",
        about=row["id"],
        status=row["state"],
        note=row["id"],  # found by it when the words of an item have to go
        data=row["document"],
    )


def about_page(uow: UnitOfWork, type_: str, row: Mapping[Any, Any]) -> Event:
    """A change to a page: heard by whoever may see what it calls for."""
    return Event(
        establishment=row["establishment"],
        id=uow.new_id(),
        type=type_,
        subject=row["inmate"],
        unit=row["unit"],
        also_unit=None,
        time=uow.now,
        handling=row["handling"],
        author=row["author"],
        kind="page",
        about=row["id"],
        status=row["state"],
        note=None,  # it has none of the note's words: a retraction leaves it as it is
        data=row["document"],
    )


def about_inmate(
    uow: UnitOfWork,
    type_: str,
    establishment: str,
    unit: str,
    number: str,
    data: str,
    *,
    also_unit: str | None = None,
    status: str = "ACTIVE",
) -> Event:
    """A change to the roster: heard by all staff of the establishment."""
    return Event(
        establishment=establishment,
        id=uow.new_id(),
        type=type_,
        subject=number,
        unit=unit,
        also_unit=also_unit if also_unit != unit else None,
        time=uow.now,
        handling=ROSTER,
        author=None,
        kind="inmate",
        about=number,
        status=status,
        note=None,
        data=data,
    )
