"""Events and the frames of the feed."""

from typing import Any, Literal

from pydantic import Field

from handover.schemas.common import Draft, Id, Resource, Time

EventType = Literal[
    "note.recorded",
    "note.corrected",
    "note.retracted",
    "note.restricted",
    "note.attention_changed",
    "note.attention_ended",
    "receipt.recorded",
    "need.opened",
    "need.updated",
    "need.overdue",
    "page.raised",
    "page.accepted",
    "page.closed",
    "handover.offered",
    "handover.accepted",
    "handover.queried",
    "handover.answered",
    "handover.updated",
    "handover.withdrawn",
    "handover.overdue",
    "handover.escalated",
    "inmate.updated",
    "inmate.moved",
    "inmate.merged",
    "inmate.unmerged",
]


class Event(Resource):
    """A CloudEvents 1.0 event: one committed change, in its establishment's order."""

    specversion: Literal["1.0"]
    id: Id
    source: str = Field(examples=["/v1/establishments/ALM"])
    type: EventType
    subject: str | None = Field(description="The person's number, where it is about a person.", examples=["A4417KD"])
    time: Time
    datacontenttype: Literal["application/json"]
    sequence: int = Field(description="Counts up by one within one establishment.")
    unit: str | None
    data: dict[str, Any] = Field(
        description=(
            "The resource as this reader may see it. With `id` and `status` alone: the rest is not yours (any more); "
            "drop it."
        )
    )
    cursor: str = Field(description="Opaque; continue after this event with it, on either way of reading.")


class EventPage(Resource):
    """Events in order; ask again with `cursor`, at once where `more` says so."""

    items: list[Event]
    cursor: str
    more: bool


class AuthFrame(Draft):
    """The only frame a client sends: a new access token for the open socket."""

    type: Literal["auth"]
    token: str = Field(min_length=1, max_length=512)


class Ticket(Resource):
    """One use, good for `expires_in` seconds: `WS /v1/feed?ticket=…`."""

    ticket: str
    expires_in: int


CLOSE_CODES = {
    1001: "The server is stopping; come back with your cursor.",
    1011: "No answer to a ping; come back with your cursor.",
    1012: "The server is being restarted; come back with your cursor.",
    1013: "Not now; come back with your cursor in a moment.",
    4400: "That frame, or a parameter of the address, could not be read.",
    4401: "Not authorised, or no longer.",
    4403: "This establishment or unit is not yours to hear.",
    4408: "Too slow; come back with your cursor.",
    4409: "This cursor cannot be resumed: reload, then after=now.",
}
"""Why a feed is closed, by code: 44xx mirrors the HTTP status xx of the same meaning."""
