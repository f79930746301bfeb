"""Whether anybody in a unit hears what is told there."""

from typing import Literal

from pydantic import Field

from handover.schemas.common import Resource, Time, UnitCode

Hears = Literal["ALL", "CALLS", "NOTHING"]


class Listening(Resource):
    """What is heard in a unit."""

    unit: UnitCode
    hears: Hears = Field(
        description="`ALL`: an officer or manager who is posted to the unit has a feed open, wherever he or she sits; "
        "`CALLS`: such a screen is locked, and hears that somebody must act now, and no more; `NOTHING`: neither."
    )
    since: Time | None = Field(
        description="Since when, to within a minute or two; null where nobody has, as far as is known."
    )


class ListeningList(Resource):
    """The units of an establishment, by code."""

    items: list[Listening]
    next: str | None = Field(description="Always null: all of them are here.")
