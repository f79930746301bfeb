"""Whether anybody in a unit hears what is told there."""

from typing import Literal

from pydantic import Field

from handover.schemas.common import Resource, Time, UnitCode

Hears = Literal["ALL", "CALLS", "NOTHING"]


class Listening(Resource):
    """What is heard in a unit."""

    unit: UnitCode
    hears: Hears = Field(
        description="`ALL`: a feed of somebody who can answer for the unit is open; `CALLS`: such a screen is locked, "
        "and hears that somebody must act now, and no more; `NOTHING`: no screen there has the service's word."
    )
    since: Time | None = Field(
        description="Since when, to about a heartbeat; null where nobody has listened there as far as is known."
    )


class ListeningList(Resource):
    """The units of an establishment, by code."""

    items: list[Listening]
    next: str | None = Field(description="Always null: all of them are here.")
