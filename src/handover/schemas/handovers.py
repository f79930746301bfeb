"""Handovers: a unit (or a person who moves) passed from one officer to another, by name."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from handover.schemas.common import (
    PRINTABLE,
    WHOLE,
    Draft,
    EstablishmentCode,
    Id,
    InmateNumber,
    Person,
    Resource,
    SentId,
    Time,
    UnitCode,
    up_to,
)
from handover.schemas.notes import Note
from handover.schemas.roster import Place

Text = Annotated[str, up_to(1000), PRINTABLE]
Reason = Annotated[str, up_to(500), PRINTABLE]
Roll = Annotated[int, Field(ge=0, le=9999, strict=True), WHOLE]


class HandoverDraft(Draft):
    """Offers a unit's handover: what was written since the last one that was accepted, and everything still open."""

    establishment: EstablishmentCode
    unit: UnitCode
    roll_expected: Roll | None = Field(None, description="How many people there must be.", examples=[58])
    remarks: Text | None = Field(None, description="What does not belong to one person.")


class QueryDraft(Draft):
    """Asks about one item of an offer: the id of its note or of its need."""

    note: SentId | None = Field(None, description="The note that is asked about.")
    need: SentId | None = Field(None, description="The need that is asked about.")
    text: Text

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"need": "019ab3f0-6a52-7c12-8a07-51c9d0b7e3aa", "text": "Does the daughter know?"}]
        }
    )


class AnswerDraft(Draft):
    """Answers a query."""

    text: Text = Field(examples=["Yes, she waits for the call after six."])


class AcceptanceDraft(Draft):
    """Takes the unit over. The caller is the incoming officer."""

    roll_actual: Roll | None = Field(None, description="How many people were counted.", examples=[58])
    read_back: Text | None = Field(None, description="The handover in your own words.")
    with_queries: bool = Field(False, strict=True, description="Accept although queries are open; they stay open.")
    roll_mismatch_reason: Reason | None = Field(None, description="Why the roll is not the expected one.")


class WithdrawalDraft(Draft):
    """Takes an offer back; what it held goes into the next one."""

    reason: Reason = Field(examples=["Mass refusal at lunch: the unit is not ready to be handed over."])


class RollCount(Resource):
    """People expected and counted."""

    expected: int | None
    actual: int | None
    mismatch_reason: str | None


class Item(Resource):
    """What was handed over, as it stood at the offer: a note of this handover, or a need that was open. The words are
    at the note and the need themselves; only a transfer brings its notes along (`content`), because the unit that takes
    over cannot read those of the unit that a person left; and what has corrected one of them since, as an item more."""

    note: Id | None
    need: Id | None
    inmate: InmateNumber | None
    attention: str = Field(description="Of a note: ROUTINE, WATCH or ACT_NOW.")
    attention_until: Time | None
    code: str | None = Field(description="Of a need: its code.")
    promised: bool
    due_at: Time | None
    opened_at: Time = Field(description="When the note was recorded, or the need opened.")
    carried: int = Field(description="Of a need: how many handovers have carried it before.")
    late: bool = Field(description="It tells of what was before the last offer or acceptance, and was written after.")
    content: Note | None = Field(description="The note as it is now; only in a transfer.")


class Answer(Resource):
    """An answer to a query."""

    text: str | None
    by: Person
    at: Time


class Query(Resource):
    """A query on an item and its answers."""

    id: Id
    note: Id | None
    need: Id | None
    text: str | None = Field(description="Null once the note it was about was retracted.")
    by: Person
    at: Time
    answers: list[Answer]


class Withdrawal(Resource):
    """Who took an offer back, and why."""

    reason: str
    by: Person
    at: Time


class Transfer(Resource):
    """Who moves, and from where to where."""

    inmate: InmateNumber
    name: str
    from_: Place = Field(alias="from")
    to: Place
    by: Person = Field(description="Who recorded the move; `outgoing` is whoever the unit that sends is with.")
    merged: bool = Field(
        description="He or she was there already: this is what was open under a number that was given up for another."
    )


class Handover(Resource):
    """One handover. `kind` SHIFT: a unit from one shift to the next; TRANSFER: a person to another unit."""

    id: Id
    kind: Literal["SHIFT", "TRANSFER"]
    establishment: str
    unit: str
    from_shift: str = Field(examples=["2026-11-23/EARLY"])
    to_shift: str = Field(examples=["2026-11-23/LATE"])
    state: str = Field(
        description="OFFERED, OVERDUE, ESCALATED, ACCEPTED, ACCEPTED_WITH_QUERIES or WITHDRAWN.", examples=["OFFERED"]
    )
    outgoing: Person
    incoming: Person | None
    offered_at: Time
    due_at: Time
    accepted_at: Time | None
    roll: RollCount
    remarks: str | None
    read_back: str | None
    items: list[Item]
    attention: list[Item] = Field(description="Notes of earlier handovers that still want attention.")
    queries: list[Query]
    transfer: Transfer | None
    withdrawal: Withdrawal | None
    sequence: int = Field(description="The establishment's newest event before the offer.")
    hash: str = Field(description="SHA-256 over what was offered; see docs/handover.md.")
    version: int = Field(
        description="Counts the changes that all its readers see. What is done about an item that only some of them "
        "may read changes the `ETag` for these alone."
    )


class HandoverPage(Resource):
    """A page of handovers, the newest offer first."""

    items: list[Handover]
    next: str | None


class Page(Resource):
    """A call that is repeated until a named person takes it: a note that wants acting on now (accept it with a receipt
    ACCEPTED), a handover or transfer that nobody has accepted (accept that), or a unit that nobody has offered since
    `handover` was accepted (offer it)."""

    id: Id
    kind: Literal["ACT_NOW", "HANDOVER", "TRANSFER", "UNOFFERED"]
    establishment: str
    unit: str
    inmate: str | None
    note: Id | None
    handover: Id | None
    state: str = Field(description="RAISED, ACCEPTED or CLOSED.")
    raised_at: Time
    repeated: int = Field(description="How often it was told again.")
    accepted_by: Person | None
    accepted_at: Time | None
    version: int


class PassDraft(Draft):
    """Which prison the screen that is about to be locked stands in."""

    establishment: EstablishmentCode


class Pass(Resource):
    """What a locked screen keeps: it answers one question, and opens nothing."""

    pass_: str = Field(alias="pass")
    expires_in: int


class CallingDraft(Draft):
    """A locked screen asks."""

    pass_: Annotated[str, Field(alias="pass", min_length=1, max_length=400)]


class Calling(Resource):
    """Where somebody must act now."""

    units: list[str] | None = Field(
        description="Units in which something is ACT NOW and nobody has taken it; null: this pass hears nothing."
    )


class PageDetail(Page):
    """A page with who has seen what it calls for, and who of the unit's staff and the managers on duty has not."""

    seen: list[Person]
    not_seen: list[Person]


class PageList(Resource):
    """Pages, the newest first."""

    items: list[Page]
    next: str | None
