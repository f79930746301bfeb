"""Query parameters that several lists share."""

from typing import Annotated, Any

from fastapi import Query
from pydantic import BeforeValidator

from handover.errors import FieldError, Invalid
from handover.languages import folded
from handover.schemas.common import PRINTABLE, Code, EstablishmentCode, InmateNumber, Time, UnitCode, up_to


def _plus(value: Any) -> Any:
    """An offset's `+` that was not percent-encoded arrives as a space."""
    return value.replace(" ", "+") if isinstance(value, str) else value


SentTime = Annotated[Time, BeforeValidator(_plus)]
"""A time in a query."""
QueryTime = Annotated[SentTime | None, Query(examples=["2026-11-23T06:00:00Z"])]
PlaceFilter = Annotated[EstablishmentCode | None, Query()]
UnitFilter = Annotated[UnitCode | None, Query()]
NumberFilter = Annotated[InmateNumber | None, Query()]
CodeFilter = Annotated[Code | None, Query()]
Cursor = Annotated[
    str | None, Query(max_length=512, pattern=r"^[A-Za-z0-9_-]+$", description="`next` of the page before.")
]
Limit = Annotated[int, Query(ge=1, le=200, description="Most items on a page.")]
Words = Annotated[
    Annotated[str, up_to(200), PRINTABLE] | None,
    Query(description="Words that must all occur, in any order; capitals and how accents are encoded do not matter."),
]
MOST_WORDS = 10


def words(text: str | None) -> tuple[str, ...]:
    """The words of a search, folded."""
    found = tuple(dict.fromkeys(folded(text or "").split()))
    if len(found) > MOST_WORDS:
        raise Invalid(FieldError("/query/q", f"at most {MOST_WORDS} words"))
    return found
