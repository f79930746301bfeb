"""Which number stands for a person now."""

from handover.domain.access import belongs
from handover.services.unit_of_work import UnitOfWork
from handover.store import roster


def standing(uow: UnitOfWork, number: str) -> str:
    """The surviving number where this one was merged away and the asker may know it, else the number itself. Staff of
    the place that held the old number may: the notes they read carry the new one."""
    row = roster.inmate(uow.conn, number)
    if row is None or row["merged_into"] is None:
        return number
    survivor = roster.inmate(uow.conn, row["merged_into"])
    places = {row["establishment"]} | ({survivor["establishment"]} if survivor else set())
    return str(row["merged_into"]) if any(belongs(uow.who, place) for place in places) else number
