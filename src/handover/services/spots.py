"""Where a note belongs: its establishment and unit, whom it is about, and the shifts that are lived by there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import orjson

from handover.domain.access import belongs
from handover.domain.handovers import Times
from handover.domain.shifts import Shift, ShiftStart, shift_at
from handover.errors import FieldError, Invalid
from handover.schemas.notes import NoteDraft
from handover.services.unit_of_work import UnitOfWork
from handover.store import roster


@dataclass(frozen=True, slots=True)
class Rota:
    """The daily pattern of an establishment's shifts, and the clock it lives by."""

    pattern: tuple[ShiftStart, ...]
    zone: ZoneInfo
    times: Times
    _lately: dict[int, tuple[datetime, datetime, Shift]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    @staticmethod
    def of(establishment: Mapping[Any, Any]) -> "Rota":
        """The rota of an establishment as kept."""
        return _rota(establishment["shifts"], establishment["timezone"], establishment.get("times"))

    def at(self, instant: datetime, ahead: int = 0) -> Shift:
        """The shift that holds an instant, or one `ahead` of it. What was found last is kept: for hours on end, every
        note asks for the same two."""
        begins, ends, found = self._lately.get(ahead, _NEVER)
        if not begins <= instant < ends:
            holds = shift_at(self.pattern, self.zone, instant)
            found = shift_at(self.pattern, self.zone, instant, ahead) if ahead else holds
            self._lately[ahead] = holds.starts, holds.ends, found
        return found

    def now(self, uow: UnitOfWork, ahead: int = 0) -> Shift:
        """The shift of this moment, or one `ahead` of it."""
        return self.at(uow.now, ahead)


_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_NEVER = (_LONG_AGO, _LONG_AGO, Shift("", _LONG_AGO.date(), _LONG_AGO, _LONG_AGO))


@lru_cache(maxsize=1024)
def _rota(shifts: str, timezone: str, times: str | None) -> Rota:
    pattern = tuple(ShiftStart(shift["code"], time.fromisoformat(shift["starts"])) for shift in orjson.loads(shifts))
    return Rota(pattern, ZoneInfo(timezone), Times.of(orjson.loads(times) if times else None))


class Spot(NamedTuple):
    """Where a note belongs, and to which stretch of its unit's notes; and where the needs it states must be met, if
    the person has gone on from there."""

    establishment: str
    unit: str
    inmate: str | None
    rota: Rota
    needs_at: tuple[str, str]
    stretch: int


def of_draft(uow: UnitOfWork, draft: NoteDraft) -> Spot:
    """Where a new note belongs: where it says, or where the person is."""
    if draft.inmate is not None:
        return _of_person(uow, draft, draft.inmate)
    own = uow.who.establishments
    place = draft.establishment or (next(iter(own)) if len(own) == 1 else None)
    if place is None:
        raise Invalid(FieldError("/establishment", "say which establishment: you belong to several"))
    if draft.unit is None:
        raise Invalid(FieldError("/unit", "say whom it is about (inmate), or which unit it belongs to"))
    return _spot(uow, place, draft.unit, None, (place, draft.unit))


def rota_of(uow: UnitOfWork, place: str) -> Rota | None:
    """The rota of an establishment of the caller's."""
    row = roster.establishment(uow.conn, place) if belongs(uow.who, place) else None
    return None if row is None else Rota.of(row)


def span_of(establishment: Mapping[Any, Any], key: str) -> tuple[datetime, datetime] | None:
    """From when to when a day's shift was, in an establishment as kept: as its rota says if that was the same then
    already, else by whatever clock and pattern it may have lived. None where it names no day."""
    rota = Rota.of(establishment)
    try:
        day = date.fromisoformat(key[:10])
        before = datetime.combine(day, time(0), UTC) - timedelta(days=1)
        begins = (datetime.combine(day, shift.starts, rota.zone) for shift in rota.pattern)
        shifts = [shift_at(rota.pattern, rota.zone, instant) for instant in begins]
        after = before + timedelta(days=4)
    except (ValueError, OverflowError):  # no day at all, or one of the first or the last there are
        return None
    as_now = (shift for shift in shifts if shift.key == key and establishment["updated_at"] <= before)
    return next(((shift.starts, shift.ends) for shift in as_now), (before, after))


def _of_person(uow: UnitOfWork, draft: NoteDraft, number: str) -> Spot:
    home = uow.rows.housed(number)
    if home is not None and belongs(uow.who, home["establishment"]) and draft.establishment is draft.unit is None:
        # By far the most notes: about somebody who is here, saying nothing about where. One look answers it all.
        place, unit = home["establishment"], home["unit"]
        return Spot(place, unit, home["number"], Rota.of(home), (place, unit), home["stretch"])
    row = roster.inmate(uow.conn, number, "still")
    while row is not None and row["merged_into"]:
        row = roster.inmate(uow.conn, row["merged_into"], "still")
    if row is None:
        raise _unknown(number)
    here = (row["establishment"], row["unit"])
    if belongs(uow.who, here[0]) and (draft.establishment or here[0]) == here[0]:
        unit = draft.unit or here[1]
        return _spot(uow, here[0], unit, row["number"], (here[0], unit))
    # A note about somebody who has left may still be written where he or she was: words must not be lost to a van.
    # What is needed is needed where the person is now.
    own = uow.who.establishments
    left = roster.last_left(uow.conn, row["number"], {draft.establishment} & own if draft.establishment else own)
    if left is None and belongs(uow.who, here[0]):
        raise Invalid(FieldError("/establishment", f"{number} is in {here[0]}, and has not left {draft.establishment}"))
    if left is None:
        raise _unknown(number)
    return _spot(uow, left["from_establishment"], draft.unit or left["from_unit"], row["number"], here)


def _unknown(number: str) -> Invalid:
    return Invalid(FieldError("/inmate", f"nobody with the number {number} in your establishments; check the number"))


def _spot(uow: UnitOfWork, place: str, unit: str, inmate: str | None, needs_at: tuple[str, str]) -> Spot:
    rota = rota_of(uow, place)
    if rota is None:
        raise Invalid(FieldError("/establishment", f"{place} is not one of your establishments"))
    row = roster.unit(uow.conn, place, unit, "still")
    if row is None:
        raise Invalid(FieldError("/unit", f"{place} has no unit {unit}"))
    return Spot(place, unit, inmate, rota, needs_at, row["stretch"])


def of_note(uow: UnitOfWork, note: Mapping[Any, Any]) -> Spot:
    """Where a note that is there belongs, whoever asks."""
    place, unit = note["establishment"], note["unit"]
    row = roster.unit(uow.conn, place, unit, "still")
    if row is None:
        raise LookupError(unit)
    return Spot(place, unit, note["inmate"], rota_of_place(uow, place), (place, unit), row["stretch"])


def rota_of_place(uow: UnitOfWork, place: str) -> Rota:
    """The rota of an establishment that is there, whoever asks."""
    row = roster.establishment(uow.conn, place)
    if row is None:
        raise LookupError(place)
    return Rota.of(row)
