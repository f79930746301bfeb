"""Needs: what somebody asked for or was promised, from the note that opened it until it is closed."""

from typing import Annotated

from pydantic import ConfigDict, Field

from handover.schemas.common import PRINTABLE, Code, Draft, Id, Name, Person, Resource, Time, up_to


class NeedChange(Draft):
    """A change to a need. DONE wants an outcome, NOT_POSSIBLE a reason, PASSED_ON an owner; opening it again a
    reason."""

    status: Code | None = Field(None, description="OPEN, DONE, NOT_POSSIBLE or PASSED_ON.")
    outcome: Annotated[str, up_to(500), PRINTABLE] | None = Field(None, description="What came of it.")
    owner: Name | None = Field(None, description="Who sees to it, or to whom it was passed on.")
    due_at: Time | None = Field(None, description="When it must have happened; null takes the time away.")
    reason: Annotated[str, up_to(500), PRINTABLE] | None = Field(None, description="Why.")

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"status": "DONE", "outcome": "Spoke to his daughter for ten minutes."}]}
    )


class NeedHistory(Resource):
    """One step in a need's life."""

    at: Time
    by: Person
    status: str
    owner: str | None
    due_at: Time | None
    outcome: str | None
    reason: str | None


class Need(Resource):
    """A need as it stands. `version` is its ETag."""

    id: Id
    note: Id
    establishment: str
    unit: str
    from_unit: str | None = Field(
        None,
        description="The unit of this establishment that sent its person, and answers for it until `unit` has accepted "
        "him or her; null where nobody waits for that, left out in events from before there was such a field.",
    )
    inmate: str | None
    code: str | None = Field(description="Null once the note it came from was retracted.")
    urgency: str
    promised: bool
    detail: str | None
    due_at: Time | None
    status: str
    owner: str | None
    outcome: str | None
    reason: str | None
    opened_at: Time
    opened_by: Person
    updated_at: Time
    version: int


class NeedWithHistory(Need):
    """A need with every step of its life, oldest first."""

    history: list[NeedHistory]


class NeedPage(Resource):
    """A page of needs: those due first, then the oldest."""

    items: list[Need]
    next: str | None
