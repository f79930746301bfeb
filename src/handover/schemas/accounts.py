"""Who is calling."""

from typing import Annotated

from pydantic import Field

from handover.schemas.common import Draft, Resource, Time


class Token(Resource):
    """An OAuth 2.0 access token response (RFC 6749 §5.1)."""

    access_token: str
    token_type: str = Field(examples=["Bearer"])
    expires_in: int
    scope: str
    refresh_token: str | None = None
    seat: str | None = Field(None, description="For the terminal to keep: there, a PIN does until it ends.")
    seat_expires_in: int | None = None


class PinDraft(Draft):
    """A PIN, behind the password."""

    password: Annotated[str, Field(min_length=1, max_length=1024)]
    pin: Annotated[str, Field(min_length=1, max_length=40)] | None = Field(
        description="6 to 12 digits that nobody guesses; null: no PIN any more."
    )


class Seat(Resource):
    """What a terminal keeps to have a PIN do there. It opens nothing without the PIN."""

    seat: str | None = Field(description="Null where the PIN was taken away.")
    seat_expires_in: int | None = Field(description="Seconds until the password is wanted again.")


class ScreenRule(Resource):
    """What holds for the screen I sit at: the strictest of what my establishments say."""

    lock_s: int = Field(description="Seconds without a key until it locks itself; 0: never.")
    pin_allowed: bool = Field(description="Whether a PIN may bring me back to a terminal where I gave my password.")
    pin_set: bool = Field(description="Whether I have one.")


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
    screen: ScreenRule | None = Field(None, description="For staff.")


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
