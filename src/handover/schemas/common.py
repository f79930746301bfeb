"""The vocabulary every schema shares: text that any store can hold, times with an offset, codes, pages, strictness."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    StringConstraints,
)
from pydantic_core import core_schema

RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)")
UNSEEN = re.compile(r"[\s\u00ad\u200b-\u200f\u2060-\u2064\ufeff]+")
"""Nothing but blanks, and marks that nobody sees."""
# Controls except tab and line ends, and lone surrogates: no officer typed them, not every store holds them, and some of
# them (ESC, and CSI at U+009B) would drive the terminal that shows them.
UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


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
    # In a quarter of the time of `isoformat`; an event is told with one.
    return orjson.dumps(value.astimezone(UTC), option=orjson.OPT_UTC_Z).decode()[1:-1]


def fault(error: Mapping[str, Any]) -> str:
    """What pydantic found wrong with a value, for whoever has to put it right: its own words are for programmers."""
    match error["type"]:
        case "string_too_long":
            return f"at most {error['ctx']['max_length']} characters, not {len(error['input'].strip())}"
        case "string_pattern_mismatch":
            return "this is not of the form it must have; see its description in /docs"
        case "string_unicode":
            return "there are letters in it that are none; write it again"
        case "datetime_from_date_parsing":
            return "there is no such time: days go as far as their month, hours to 23, minutes and seconds to 59"
    words = str(error["msg"]).removeprefix("Value error, ")
    return words[:1].lower() + words[1:]


def _printable(value: str) -> str:
    if value.isascii() and value.isprintable() and not value.isspace():
        return value  # as most texts are: it takes a tenth of looking for what is not to be in them
    if UNPRINTABLE.search(value):
        raise ValueError("leave out control characters")
    if UNSEEN.fullmatch(value):
        raise ValueError("write something that can be seen")
    return value


def _one_line(value: str) -> str:
    if any(end in value for end in "\n\r\t"):
        raise ValueError("write it on one line, without tabs")
    return _printable(value)


def up_to(most: int) -> StringConstraints:
    """Text of at most so many characters, not counting blanks around it, which are taken off."""
    return StringConstraints(strip_whitespace=True, min_length=1, max_length=most)


@dataclass(frozen=True)
class Shaped:
    """Text of a shape; what is said where it has another is words: the pattern is for the schema, not for whoever
    mistyped. Neither is looked at in Python, for a note has a dozen codes."""

    pattern: str
    words: str
    kind: str = "shape"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        text: Any = {**handler(source), "pattern": f"^{self.pattern}$"}
        return core_schema.custom_error_schema(text, self.kind, custom_error_message=self.words)


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_whole)
"""Takes 58.0 for 58, as JSON Schema does: JSON has one kind of number. What is no number stays refused."""
_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,39}")
NOT_A_CODE = "code_shape"
"""The type of the error where a code is written otherwise."""


def code_meant(given: Any) -> str | None:
    """The code that is looked like by what was given for one."""
    meant = re.sub(r"[^A-Z0-9]+", "_", given.upper()).strip("_") if isinstance(given, str) else ""
    return meant if _CODE.fullmatch(meant) else None


@dataclass(frozen=True)
class _Told:
    """A check, and the pattern that tells it to readers of the OpenAPI document, who see no checks."""

    check: Callable[[Any], Any]
    pattern: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), "pattern": self.pattern}


class _Nullable:
    """Takes null for an empty list, and says so in the OpenAPI document."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_before_validator_function(lambda v: [] if v is None else v, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"anyOf": [handler(schema), {"type": "null"}]}


NULLABLE = _Nullable()
Time = Annotated[
    AwareDatetime,
    BeforeValidator(_rfc3339),
    _Told(_to_utc, r"^(19|20|21)\d\d-\d\d-\d\d[Tt]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)$"),
    PlainSerializer(in_utc, return_type=str, when_used="json"),
]
_ANY, _INK = r"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*", r"[^\s\x00-\x1f\x7f-\x9f]"
PRINTABLE = _Told(_printable, f"^{_ANY}{_INK}{_ANY}$")
_ON_A_LINE = r"[^\x00-\x1f\x7f-\x9f]*"
ONE_LINE = _Told(_one_line, f"^{_ON_A_LINE}{_INK}{_ON_A_LINE}$")
Name = Annotated[str, up_to(120), ONE_LINE]
Code = Annotated[
    str, Shaped(_CODE.pattern, "codes are written in capitals, with underscores, e.g. ACT_NOW", NOT_A_CODE)
]
EstablishmentCode = Annotated[
    str,
    Shaped(r"[A-Z0-9][A-Z0-9_-]{0,15}", "an establishment's code is 1 to 16 of A-Z, 0-9, - and _, e.g. ALM"),
    Field(examples=["ALM"], description="An establishment's code."),
]
UnitCode = Annotated[
    str,
    Shaped(r"[A-Za-z0-9][A-Za-z0-9_-]{0,15}", "a unit's code is 1 to 16 letters, digits, - and _, e.g. A"),
    Field(examples=["A"], description="A unit's code."),
]
InmateNumber = Annotated[
    str,
    Shaped(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}", "a number is 1 to 32 letters, digits, - and _, e.g. A4417KD"),
    Field(examples=["A4417KD"], description="The person's number in the prison's own scheme."),
]
Id = Annotated[
    str,
    Shaped(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "an id is a UUID in small letters, as it was answered"),
    Field(examples=["019ab3f0-6a52-7c11-9f4e-2d1b8a3c5e77"], description="A UUIDv7 (RFC 9562)."),
]
SentId = Annotated[
    str,
    StringConstraints(to_lower=True),
    Shaped(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", "an id is a UUID, as it was answered"),
    Field(examples=["019ab3f0-6a52-7c11-9f4e-2d1b8a3c5e77"], description="An id, in letters of either size."),
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
