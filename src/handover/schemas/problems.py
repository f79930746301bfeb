"""The one shape of a refusal: RFC 9457 problem details."""

from pydantic import Field

from handover.schemas.common import Resource


class ProblemField(Resource):
    """One field that needs correcting."""

    pointer: str = Field(
        description="JSON pointer (RFC 6901) into the body, or `/query/…`, `/path/…`, `/header/…`.",
        examples=["/mood/valence"],
    )
    detail: str


class Problem(Resource):
    """What went wrong and what to do about it."""

    type: str = Field(examples=["/problems/invalid"])
    title: str
    status: int
    detail: str
    instance: str = Field(description="This occurrence; quote it when you ask for help.")
    errors: list[ProblemField] | None = None


class TokenProblem(Problem):
    """A refusal of the token endpoint: RFC 9457, with the members of RFC 6749 §5.2."""

    error: str = Field(examples=["invalid_grant"])
    error_description: str
