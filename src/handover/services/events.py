"""Events: how a change becomes one. How readers get them: `pulling`, `hub`; what each of them hears: `hearing`."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson

from handover.schemas.common import in_utc
from handover.services.unit_of_work import UnitOfWork
from handover.store.eventlog import Event, Sort, as_kept, with_data

ROSTER = "ROSTER"
OUTCOME = "outcome"
"""The kind of an event that tells the author of a note what came of a need that has gone to another prison. Nobody
else of the prison it was written in sees that need any more; other systems, which may count on a log without gaps,
learn its status."""


HANDOVER = "handover"
"""The kind of an event that carries a handover: it is kept whole, and each reader gets what he or she may see of it."""


def about_note(
    uow: UnitOfWork, type_: str, row: Mapping[Any, Any], kind: str, about: str, status: str, data: str
) -> Event:
    """A change to a note or to what hangs on it (`row`: the note's or need's own columns): heard by whoever may read
    that, a need in the unit that sent it, too."""
    also_unit = row["from_unit"] if kind == "need" else None
    sort = Sort(kind, type_, row["unit"], also_unit, row["handling"], status, row["author"])
    note = row["note"] if kind in ("need", OUTCOME) else row["id"]
    return _event(uow, row["establishment"], sort, row["inmate"], about, note, data)


def about_handover(
    uow: UnitOfWork,
    type_: str,
    row: Mapping[Any, Any],
    establishment: str,
    unit: str,
    also_unit: str | None,
    reach: tuple[str, str],
) -> Event:
    """A change to a handover, told in one of the establishments it lies in: heard in both units, where both are
    there, by those within `reach` (`domain.access.handover_reach`)."""
    handling, author = reach
    sort = Sort(HANDOVER, type_, unit, also_unit, handling, row["state"], author)
    # Found by its own id when the words of an item have to go.
    return _event(uow, establishment, sort, row["inmate"], row["id"], row["id"], row["document"])


def about_page(uow: UnitOfWork, type_: str, row: Mapping[Any, Any]) -> Event:
    """A change to a page: heard by whoever may see what it calls for."""
    sort = Sort("page", type_, row["unit"], None, row["handling"], row["state"], row["author"])
    # It has none of a note's words: a retraction leaves it as it is.
    return _event(uow, row["establishment"], sort, row["inmate"], row["id"], None, row["document"])


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
    sort = Sort("inmate", type_, unit, also_unit if also_unit != unit else None, ROSTER, status, None)
    return _event(uow, establishment, sort, number, number, None, data)


def _event(
    uow: UnitOfWork, place: str, sort: Sort, subject: str | None, about: str, note: str | None, data: str
) -> Event:
    """An event as it is told, a CloudEvent in JSON. Written out: to have it made of a dictionary takes three times as
    long."""
    id_ = uow.new_id()
    source, unit = _alike(place, sort.type, sort.unit)
    before = f'{{"specversion":"1.0","id":"{id_}",{source}{_quoted(subject)},"time":"{in_utc(uow.now)}",{unit}'
    return Event(
        establishment=place,
        id=id_,
        type=sort.type,
        subject=subject,
        time=uow.now,
        kind=sort.kind,
        about=about,
        note=note,
        sort=as_kept(sort),
        told=with_data(before, data),
    )


@lru_cache(maxsize=4096)
def _alike(place: str, type_: str, unit: str | None) -> tuple[str, str]:
    """What all events of this type in this unit say alike."""
    source = _quoted(f"/v1/establishments/{place}")
    return (
        f'"source":{source},"type":"{type_}","subject":',
        f'"datacontenttype":"application/json","unit":{_quoted(unit)}',
    )


@lru_cache(maxsize=4096)
def _quoted(value: str | None) -> str:
    return orjson.dumps(value).decode()
