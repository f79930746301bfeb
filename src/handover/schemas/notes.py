"""The structured note: what an officer writes, and what everybody reads."""

from typing import Annotated, Any, TypeVar

from pydantic import ConfigDict, Field, model_validator

from handover.schemas.common import (
    NULLABLE,
    PRINTABLE,
    WHOLE,
    Code,
    Draft,
    EstablishmentCode,
    Id,
    InmateNumber,
    Person,
    Resource,
    Time,
    UnitCode,
    up_to,
)

T = TypeVar("T")
Detail = Annotated[str, up_to(500), PRINTABLE]
Several = Annotated[list[T], Field(max_length=20), NULLABLE]


class MoodDraft(Draft):
    """Mood as seen or as told, or the honest statement that it was not observed. There is no default mood."""

    valence: Annotated[int, Field(ge=-2, le=2, strict=True), WHOLE] | None = Field(
        None, description="Very low −2 … very good +2 (list `mood_valence`)."
    )
    energy: Annotated[int, Field(ge=0, le=4, strict=True), WHOLE] | None = Field(
        None, description="Shut down 0 … out of control 4 (list `mood_energy`)."
    )
    source: Code | None = Field(None, description="OBSERVED (taken if left out) or SELF_REPORTED.")
    not_observed: Code | None = Field(None, description="Why there is nothing to say: ASLEEP, AWAY or NOT_SEEN.")


class IndicatorDraft(Draft):
    """Something staff noticed, and which way it is going."""

    code: Code = Field(description="A code of the list `indicators`.")
    trend: Code | None = Field(None, description="NEW, MORE, LESS or STOPPED.")


class NeedDraft(Draft):
    """Something the person needs; it gets a life of its own and is carried until it is closed."""

    code: Code = Field(description="A code of the list `needs`.")
    urgency: Code = Field("ROUTINE", description="NOW, THIS_SHIFT, NEXT_SHIFT or ROUTINE.")
    promised: bool = Field(False, strict=True, description="Somebody gave his or her word.")
    detail: Detail | None = Field(None, description="What exactly, in at most 500 characters.")
    due_at: Time | None = Field(None, description="When it must have happened; `due` is understood as well.")

    @model_validator(mode="before")
    @classmethod
    def _due(cls, said: Any) -> Any:
        return {"due_at" if name == "due" else name: v for name, v in said.items()} if _says_due(said) else said


def _says_due(said: Any) -> bool:
    return isinstance(said, dict) and "due" in said and "due_at" not in said


class ResponseDraft(Draft):
    """What staff did, and whether it helped."""

    code: Code = Field(description="A code of the list `responses`.")
    effect: Code | None = Field(None, description="HELPED, NO_CHANGE, WORSE or TOO_EARLY.")


class NoteDraft(Draft):
    """A note to be recorded. `basis` is mandatory; at least one of mood, change, indicators, needs, responses, fact."""

    inmate: InmateNumber | None = Field(None, description="Whom it is about; leave out for a wing note.")
    establishment: EstablishmentCode | None = Field(
        None, description="Where it belongs; from the person's location if left out."
    )
    unit: UnitCode | None = Field(None, description="Where it belongs; from the person's location if left out.")
    occurred_at: Time | None = Field(
        None, description="When it happened, as claimed; never in the future; now if left out."
    )
    captured_at: Time | None = Field(None, description="The device's clock when it was written.")
    late_reason: Detail | None = Field(None, description="Why it is recorded more than 60 minutes after it happened.")
    basis: Code = Field(description="How you know (list `basis`).")
    fact: Annotated[str, up_to(1000), PRINTABLE] | None = Field(
        None, description="What happened, in at most 1,000 characters."
    )
    opinion: Annotated[str, up_to(500), PRINTABLE] | None = Field(
        None, description="Your own reading, kept apart from the fact."
    )
    confidence: Code | None = Field(None, description="LOW, MEDIUM or HIGH; only with an opinion.")
    mood: MoodDraft | None = None
    change: Code | None = Field(None, description="Against this person's usual (list `change`).")
    indicators: Several[IndicatorDraft] = Field(default_factory=list)
    needs: Several[NeedDraft] = Field(default_factory=list)
    responses: Several[ResponseDraft] = Field(default_factory=list)
    opening: bool = Field(
        False, strict=True, description="The person opened up: doubt voiced, help asked, anger put into words."
    )
    attention: Code = Field(
        "ROUTINE", description="ROUTINE, WATCH or ACT_NOW; belongs to this note, not to the person."
    )
    attention_until: Time | None = Field(
        None, description="When the attention ends; the end of the next shift if left out."
    )
    if_then: Annotated[str, up_to(200), PRINTABLE] | None = Field(None, description="What to do if it happens.")
    place: Code | None = Field(None, description="Where it happened (list `place`).")
    handling: Code = Field("UNIT", description="Who may read it (list `handling`).")
    about_incident: bool = Field(
        False,
        strict=True,
        description=(
            "It is about the incident going on in its unit; the first such note opens it. It goes on until the "
            "attention of that note ends or is closed."
        ),
    )

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"inmate": "A4417KD", "basis": "SAW", "mood": {"valence": -1, "energy": 1}, "change": "WORSE"},
                {
                    "inmate": "A4417KD",
                    "basis": "TOLD_BY_PERSON",
                    "fact": "Says the visit was cancelled and nobody told him.",
                    "mood": {"valence": -1, "energy": 1, "source": "OBSERVED"},
                    "change": "WORSE",
                    "indicators": [{"code": "WITHDRAWN", "trend": "NEW"}],
                    "needs": [
                        {"code": "PHONE", "urgency": "THIS_SHIFT", "promised": True, "detail": "call to his daughter"}
                    ],
                    "attention": "WATCH",
                    "if_then": "If he is awake after 22:00: sit down and talk.",
                },
            ]
        }
    )


class Mood(Resource):
    """Mood as recorded."""

    valence: int | None
    energy: int | None
    source: str | None
    not_observed: str | None


class Indicator(Resource):
    """An indicator as recorded."""

    code: str
    trend: str | None


class NoteNeed(Resource):
    """A need as the note stated it; its present state is at `/v1/needs/{id}`."""

    id: Id
    code: str
    urgency: str
    promised: bool
    detail: str | None
    due_at: Time | None


class Response(Resource):
    """A response as recorded."""

    code: str
    effect: str | None


class Retraction(Resource):
    """Why a note was taken back, by whom and when."""

    reason: str
    detail: str | None
    by: Person
    at: Time


class Renewal(Resource):
    """A word about a note's attention: how long it goes on, or that it is over."""

    at: Time
    by: Person
    until: Time
    reason: str
    closed: bool


class AttentionDraft(Draft):
    """Renews a note's attention until a time (the end of the next shift if left out), or closes it. Either wants a
    reason: attention that just goes on is not looked at any more."""

    close: bool = Field(False, strict=True, description="It is over.")
    until: Time | None = Field(None, description="When it ends; only without `close`.")
    reason: Detail = Field(examples=["Still does not eat; look in at every meal."])


class Note(Resource):
    """A note as this reader may see it. Of a retracted note only the envelope is left: everything it said is null or
    empty."""

    id: Id
    establishment: str
    unit: str
    inmate: str | None
    previous_inmate: str | None = Field(
        None, description="The number it was recorded under, where a merge has moved it."
    )
    author: Person
    occurred_at: Time
    captured_at: Time | None
    recorded_at: Time
    late: bool = Field(description="Recorded more than 60 minutes after it happened.")
    late_reason: str | None
    shift: str = Field(
        description="The shift it happened in: the local date that shift began, and its code.",
        examples=["2026-11-22/NIGHT"],
    )
    basis: str | None
    fact: str | None
    opinion: str | None
    confidence: str | None
    mood: Mood | None
    change: str | None
    indicators: list[Indicator]
    needs: list[NoteNeed]
    responses: list[Response]
    opening: bool
    attention: str
    attention_until: Time
    renewals: list[Renewal] = Field(
        default_factory=list, description="What was said about its attention since, the oldest first."
    )
    if_then: str | None
    place: str | None
    handling: str
    status: str = Field(description="ACTIVE, CORRECTED, RETRACTED or RESTRICTED.")
    supersedes: Id | None = Field(None, description="The note this one corrects.")
    superseded_by: Id | None = Field(None, description="The note that corrects this one.")
    correction_reason: str | None = None
    retraction: Retraction | None = None
    incident: Id | None = Field(
        None, description="The note that the incident began with which this one is about: itself, if it opened it."
    )


class CorrectionDraft(Draft):
    """A correction: the whole note as it should have read, and why. The person it is about cannot be changed by it.
    Who may read it (`handling`), and how far it asks for attention that is not over, stay as they were where it does
    not say so."""

    reason: Detail = Field(description="Why it is corrected.", examples=["It was the late visit, not the early one."])
    note: NoteDraft


class RetractionDraft(Draft):
    """Takes a note back: its text is then gone from every answer but the auditor's."""

    reason: Code = Field(description="WRONG_PERSON, NOT_TRUE, DUPLICATE or OTHER.", examples=["WRONG_PERSON"])
    detail: Detail | None = Field(None, description="In your own words; goes with the note, to the auditor alone.")


class ReceiptDraft(Draft):
    """I have seen it, I take it on, I ask about it, I say it back in my own words."""

    kind: Code = Field(description="SEEN, ACCEPTED, QUERY or READ_BACK.", examples=["SEEN"])
    text: Annotated[str, up_to(1000), PRINTABLE] | None = Field(None, description="Needed with QUERY and READ_BACK.")


class Receipt(Resource):
    """One person's receipt for one note."""

    id: Id
    note: Id
    kind: str
    text: str | None
    by: Person
    at: Time


class Receipts(Resource):
    """A page of the receipts for a note, oldest first, and who of the unit's staff on duty has not seen it."""

    items: list[Receipt]
    not_seen: list[Person]
    next: str | None = None


class NotePage(Resource):
    """A page of notes, newest first."""

    items: list[Note]
    next: str | None
