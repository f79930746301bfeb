"""Which number stands for a person now."""

from sqlalchemy.engine import RowMapping

from handover.domain.access import belongs
from handover.errors import Moved, NotFound
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


def seen(uow: UnitOfWork, row: RowMapping | None) -> RowMapping:
    """Somebody whom the caller may see, by this row. Raises Moved where the number was merged into one that the caller
    may see, else NotFound."""
    if row is not None and row["merged_into"]:
        survivor = roster.inmate(uow.conn, row["merged_into"])
        if survivor is not None and belongs(uow.who, survivor["establishment"]):
            raise Moved(row["merged_into"])
        row = None
    if row is None or not belongs(uow.who, row["establishment"]):
        raise NotFound("Nobody with this number in your establishments.")
    return row
