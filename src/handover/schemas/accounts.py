"""Who is calling."""

from pydantic import Field

from handover.schemas.common import Resource, Time


class Token(Resource):
    """An OAuth 2.0 access token response (RFC 6749 §5.1)."""

    access_token: str
    token_type: str = Field(examples=["Bearer"])
    expires_in: int
    scope: str
    refresh_token: str | None = None


class Posting(Resource):
    """An establishment one belongs to, and the units there."""

    establishment: str
    units: list[str]


class Me(Resource):
    """Who I am and what I may do."""

    kind: str = Field(description="`user` or `client`.")
    username: str
    name: str
    role: str
    establishments: list[str]
    units: list[str]
    postings: list[Posting]
    scopes: list[str]
    handling: list[str] = Field(description="Handling classes I may read somewhere.")
    practice: bool = Field(description="True on a practice store: nothing here is real.")


class AccessLine(Resource):
    """One line of the access log (Directive (EU) 2016/680, Art 25)."""

    chain: str
    position: int
    at: Time
    actor: str | None
    actor_role: str | None
    action: str
    outcome: str
    establishment: str | None
    unit: str | None
    subject: str | None
    detail: dict[str, object]
    address: str | None
    hash: str


class AccessPage(Resource):
    """A page of the access log, newest first."""

    items: list[AccessLine]
    next: str | None
