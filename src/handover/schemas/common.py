"""The vocabulary every schema shares: text that any store can hold, times with an offset, codes, pages, strictness."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
)

RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)")
# C0 controls except tab and line ends, DEL, lone surrogates: no store holds them all, and no officer typed them.
UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def _rfc3339(value: Any) -> Any:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not RFC3339.fullmatch(value):
        raise ValueError("write a time as RFC 3339 with an offset, e.g. 2026-11-23T06:40:00Z")
    if not "1900" <= value[:4] <= "2199":
        raise ValueError("the year must lie between 1900 and 2199")
    return value


def _to_utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


def in_utc(value: datetime) -> str:
    """A time as we send it: RFC 3339 in UTC with a `Z`, microseconds only where there are any."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _printable(value: str) -> str:
    if UNPRINTABLE.search(value):
        raise ValueError("leave out control characters")
    return value


Time = Annotated[
    AwareDatetime,
    BeforeValidator(_rfc3339),
    AfterValidator(_to_utc),
    PlainSerializer(in_utc, return_type=str, when_used="json"),
]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1), AfterValidator(_printable)]
Name = Annotated[Text, Field(max_length=120)]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,39}$")]
EstablishmentCode = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Z0-9][A-Z0-9_-]{0,15}$"),
    Field(examples=["ALM"], description="An establishment's code."),
]
UnitCode = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,15}$"),
    Field(examples=["A"], description="A unit's code."),
]
InmateNumber = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$"),
    Field(examples=["A4417KD"], description="The person's number in the prison's own scheme."),
]
Id = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"),
    Field(examples=["019ab3f0-6a52-7c11-9f4e-2d1b8a3c5e77"], description="A UUIDv7 (RFC 9562)."),
]


class Draft(BaseModel):
    """What a caller sends. Unknown fields are refused: a typo must not lose a need."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Resource(BaseModel):
    """What we answer."""

    model_config = ConfigDict(frozen=True)


class Person(Resource):
    """Who did it: a member of staff, or another system under its own name."""

    username: str = Field(description="The account's or client's name.", examples=["l.hartmann"])
    name: str = Field(description="The name people know.", examples=["L. Hartmann"])
    role: str = Field(description="The role it was done in; `integration` for another system.", examples=["officer"])
