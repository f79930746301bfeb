"""Establishments, units and the people held in them, as other prison systems keep them up to date."""

from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field, StringConstraints

from handover.schemas.common import (
    ONE_LINE,
    PRINTABLE,
    WHOLE,
    Code,
    Draft,
    EstablishmentCode,
    Id,
    InmateNumber,
    Name,
    Person,
    Resource,
    Shaped,
    Time,
    UnitCode,
    up_to,
)

_ZONES = frozenset(available_timezones()) - {"localtime", "Factory"}  # whatever this machine takes them for


def _zone(value: str) -> str:
    if value not in _ZONES:
        raise ValueError("not a time zone of the IANA database, e.g. Europe/London")
    ZoneInfo(value)
    return value


Cell = Annotated[str, up_to(20), ONE_LINE]
_LANGUAGE = r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*"
Language = Annotated[
    str,
    StringConstraints(max_length=35),
    Shaped(_LANGUAGE, "a language as a BCP 47 tag, e.g. ro, ar or sr-Latn"),
]
TimeZone = Annotated[str, AfterValidator(_zone), Field(examples=["Europe/London"], max_length=64)]


class Shift(Draft):
    """A shift begins at a local time and lasts until the next one begins."""

    code: Code = Field(examples=["EARLY"])
    starts: Annotated[str, Shaped(r"([01]\d|2[0-3]):[0-5]\d", "a local time from 00:00 to 23:59, e.g. 07:30")] = Field(
        examples=["07:30"]
    )


DEFAULT_SHIFTS = (
    Shift(code="EARLY", starts="07:30"),
    Shift(code="LATE", starts="13:30"),
    Shift(code="NIGHT", starts="21:00"),
)


class Times(Draft):
    """How long the establishment waits, in minutes."""

    accept: Annotated[int, Field(ge=1, le=1440, strict=True), WHOLE] = Field(
        15, description="After the changeover (or a later offer): a handover nobody has accepted is OVERDUE."
    )
    escalate: Annotated[int, Field(ge=1, le=1440, strict=True), WHOLE] = Field(
        15, description="After that: it is ESCALATED, and the duty manager is paged."
    )
    page: Annotated[int, Field(ge=1, le=1440, strict=True), WHOLE] = Field(
        3, description="Between two calls of a page that nobody has taken."
    )
    transfer: Annotated[int, Field(ge=1, le=10080, strict=True), WHOLE] = Field(
        240, description="After a person has left: a transfer nobody has accepted is OVERDUE, and pages."
    )


class Screens(Draft):
    """What holds for the screens on which the establishment's staff work."""

    lock: Annotated[int, Field(ge=0, le=60, strict=True), WHOLE] | None = Field(
        None,
        description="Minutes without a key after which a screen locks itself; 0: never, for an office that is itself "
        "locked; null: as the server is set (HANDOVER_LOCK_S), usually three.",
    )
    pin: bool = Field(
        False,
        strict=True,
        description="Whether staff may come back by a PIN to a terminal at which they gave their password.",
    )
    pin_hours: Annotated[int, Field(ge=1, le=12, strict=True), WHOLE] = Field(
        10, description="Hours after the password for which the PIN does at that terminal."
    )


class EstablishmentDraft(Draft):
    """An establishment's name, time zone and shifts."""

    name: Name = Field(examples=["HMP Aldermoor"])
    timezone: TimeZone
    shifts: Annotated[list[Shift], Field(min_length=1, max_length=12)] | None = Field(
        None, description="Left out: as they are; for a new establishment 07:30, 13:30 and 21:00."
    )
    times: Times | None = Field(None, description="Left out: as they are; for a new establishment the usual ones.")
    screens: Screens | None = Field(None, description="Left out: as they are; for a new establishment the usual ones.")


class Establishment(Resource):
    """An establishment."""

    code: str
    name: str
    timezone: str
    shifts: list[Shift]
    times: Times
    screens: Screens
    units: list["Unit"]


class EstablishmentPage(Resource):
    """Establishments, by code."""

    items: list[Establishment]
    next: str | None


class UnitDraft(Draft):
    """A unit's name."""

    name: Name = Field(examples=["A wing"])


class Unit(Resource):
    """A unit of an establishment."""

    establishment: str
    code: str
    name: str


class InmateDraft(Draft):
    """A person as the prison's roster has him or her now."""

    name: Name = Field(examples=["Weir, J."])
    establishment: EstablishmentCode
    unit: UnitCode
    cell: Cell | None = Field(None, examples=["A1-07"])
    language: Language | None = Field(
        None, description="BCP 47 tag of the language best spoken.", examples=["ro", "sr-Latn"]
    )


class Inmate(Resource):
    """A person on the roster."""

    number: str
    name: str
    establishment: str
    unit: str
    cell: str | None
    language: str | None
    previous_numbers: list[str]
    updated_at: Time
    version: int


class InmatePage(Resource):
    """A page of people, by number."""

    items: list[Inmate]
    next: str | None


class MoveDraft(Draft):
    """A move to another cell, unit or establishment."""

    establishment: EstablishmentCode
    unit: UnitCode
    cell: Cell | None = Field(None, examples=["B2-03"])
    reason: Annotated[str, up_to(500), PRINTABLE] = Field(examples=["Works in the kitchen from Monday"])
    at: Time | None = Field(None, description="When it took place; now if left out, never in the future.")


class Place(Resource):
    """Where a person was or is."""

    establishment: str
    unit: str
    cell: str | None


class Move(Resource):
    """A move as recorded."""

    id: Id
    inmate: str
    from_: Place = Field(alias="from")
    to: Place
    reason: str
    at: Time
    by: Person


class MergeDraft(Draft):
    """Two numbers, one person: `from` is given up, the number in the path survives."""

    from_: InmateNumber = Field(alias="from")


class UnmergeDraft(Draft):
    """Two people after all: `previous` was merged into the number in the path by mistake."""

    previous: InmateNumber
    reason: Annotated[str, up_to(500), PRINTABLE] = Field(examples=["Brothers; the dates of birth were read wrongly."])


class Merge(Resource):
    """A merge as recorded: how much moved to the surviving number."""

    id: Id
    number: str
    previous: str
    notes: int
    needs: int
    by: Person
    at: Time
