"""Who is on duty. It follows from what people did: whoever has logged in, or taken a unit over, since the shift
began."""

from collections.abc import Collection, Mapping
from typing import Any

from handover.domain.access import Principal, may_read
from handover.services import spots, views
from handover.services.unit_of_work import UnitOfWork
from handover.store import accounts


def not_reached(
    uow: UnitOfWork, thing: Mapping[Any, Any], reached: Collection[str], *, managers: bool = False
) -> list[dict[str, str]]:
    """Who of the unit's staff on duty (with `managers`: and of the establishment's managers) may read a note or page
    and is not among those `reached`, by account."""
    place, unit = thing["establishment"], thing["unit"]
    since = spots.rota_of_place(uow, place).now(uow).starts
    return [
        {name: one[name] for name in ("username", "name", "role")}
        for one in accounts.on_duty(uow.conn, place, unit, since, uow.now, managers=managers)
        if one["id"] not in reached and may_read(_as_staff(one, place, unit), views.facts(thing))
    ]


def _as_staff(one: Mapping[Any, Any], place: str, unit: str) -> Principal:
    units = frozenset({(place, unit)}) if one["of_unit"] else frozenset[tuple[str, str]]()
    return Principal("user", one["id"], one["username"], one["name"], one["role"], frozenset({place}), units)
