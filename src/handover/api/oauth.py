"""Tokens (RFC 6749), revocation (RFC 7009), and who I am."""

from base64 import b64decode
from datetime import datetime
from typing import Any
from urllib.parse import unquote_plus

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from handover.api.asking import Somebody, anybody, parts
from handover.api.bodies import StrictRoute
from handover.api.describing import operation
from handover.domain.access import may
from handover.errors import FieldError, Invalid
from handover.schemas.accounts import Me, PinDraft, Seat, Token
from handover.services import logins, pins, seats
from handover.services.logins import GrantRefused, Issued
from handover.services.seats import Given
from handover.services.unit_of_work import as_json

router = APIRouter(tags=["who is calling"], route_class=StrictRoute)
_FORM = "application/x-www-form-urlencoded"


def _form(required: list[str], properties: dict[str, Any], example: dict[str, str]) -> dict[str, Any]:
    schema = {"type": "object", "required": required, "properties": properties}
    return {"requestBody": {"required": True, "content": {_FORM: {"schema": schema, "example": example}}}}


_TEXT = {"type": "string", "minLength": 1}
_SECRET = {"type": "string", "format": "password"}
_READ = frozenset(
    {"grant_type", "username", "password", "client_id", "client_secret", "refresh_token", "scope", "token"}
    | {"seat", "pin"}
)
PIN = "urn:handover:grant-type:pin"
"""An extension grant (RFC 6749 §4.5): the PIN, at a terminal that keeps a seat."""
_token = operation(None, 400, 401, schema="TokenProblem")
# RFC 6749 has no word for these: they are problems like everywhere else.
_token["responses"] |= operation(None, 413, 429)["responses"]
_token["openapi_extra"] |= _form(
    ["grant_type"],
    {
        "grant_type": {"type": "string", "enum": ["password", "client_credentials", "refresh_token", PIN]},
        "username": _TEXT,
        "password": _SECRET,
        "client_id": _TEXT,
        "client_secret": _SECRET,
        "refresh_token": _TEXT,
        "scope": _TEXT,
        "seat": {**_TEXT, "description": "With a password: `new` asks for one. With a PIN: the one that is kept."},
        "pin": _SECRET,
    },
    {"grant_type": "password", "username": "l.hartmann", "password": "a few words that nobody guesses"},
)
_revoke = operation(None, 400, 401, schema="TokenProblem")
_revoke["responses"] |= operation(None, 413, 429)["responses"]
_revoke["openapi_extra"] |= _form(
    ["token"],
    {"token": _TEXT, "token_type_hint": {"type": "string"}, "client_id": {"type": "string"}, "client_secret": _SECRET},
    {"token": "hov_refresh_…"},
)

_pin = operation("staff", 400, 401, 403, 413, 422, 429)


@router.post("/oauth/token", response_model=Token, **_token)
async def token(request: Request) -> Response:
    """Get tokens: with a password at a terminal, with a secret as another system, or by renewing. With a PIN
    (`urn:handover:grant-type:pin`, `seat`, `pin`) at a terminal that has a seat: `seat=new` beside a password asks for
    one, which is given to staff who have a PIN and may use it."""
    known, asker = parts(request), anybody(request)
    form = await _read(request)
    grant = _field(form, "grant_type")
    if grant == "password":
        issued = await logins.with_password(
            known.desk,
            known.hasher,
            asker,
            _field(form, "username"),
            _field(form, "password"),
            seat=form.get("seat") == "new",
        )
    elif grant == PIN:
        issued = await pins.with_pin(known.desk, known.hasher, asker, _field(form, "seat"), _field(form, "pin"))
    elif grant == "client_credentials":
        client = _client(request, form)
        if client is None:
            how = "Say which client you are: by HTTP Basic, or client_id and client_secret."
            raise GrantRefused("invalid_client", how)
        issued = await logins.with_secret(known.desk, known.hasher, asker, *client, form.get("scope"))
    elif grant == "refresh_token":
        issued = await logins.with_refresh(known.desk, asker, _field(form, "refresh_token"))
    else:
        raise GrantRefused("unsupported_grant_type", "Use password, client_credentials or refresh_token.")
    return _issued(issued, known.desk.clock())


@router.post(
    "/oauth/revoke", responses={200: {"description": "It no longer works."}} | _revoke.pop("responses"), **_revoke
)
async def revoke(request: Request) -> Response:
    """End a token; with a refresh token, the whole login. Whoever has a token may end it. A client that proves who it
    is, as at `/oauth/token`, may end its own alone."""
    known, asker = parts(request), anybody(request)
    form = await _read(request)
    text = _field(form, "token")
    client = _client(request, form)
    if client is None:
        await known.desk.write(asker, lambda uow: logins.revoke(uow, text))
    else:
        await logins.revoke_as(known.desk, known.hasher, asker, *client, text)
    return Response(b"{}", 200, {"Cache-Control": "no-store"}, "application/json")


@router.get("/v1/me", response_model=Me, **operation("any", 401, 422))
async def me(ask: Somebody) -> Response:
    """Who I am, and what I may do."""
    who = ask.session.principal
    places = sorted(who.establishments)
    body = {
        "kind": who.kind,
        "username": who.username,
        "name": who.name,
        "role": who.role,
        "establishments": places,
        "units": sorted({unit for _, unit in who.units}),
        "postings": [{"establishment": place, "units": sorted(who.units_in(place))} for place in places],
        "scopes": sorted(who.scopes),
        "handling": logins.handling_of(who),
        "practice": ask.parts.desk.store.identity.practice,
        "screen": None,
    }
    if who.kind == "user":
        usual = ask.parts.desk.settings.lock_s
        body["screen"] = await ask.parts.desk.peek(lambda conn: seats.screen(conn, who, usual))
    return Response(as_json(body), 200, {"Cache-Control": "no-store"}, "application/json")


@router.put("/v1/me/pin", response_model=Seat, **_pin)
async def put_pin(ask: Somebody, draft: PinDraft) -> Response:
    """Choose a PIN, or take it away. It wants the password. What the old PIN opened ends; the seat in the answer is for
    the terminal this comes from."""
    who, known = ask.session.principal, ask.parts
    if not may(who, "pin.use"):
        await ask.write(pins.not_for_them)
    try:
        given = await pins.choose(known.desk, known.hasher, ask.asker, who.username, draft.password, draft.pin)
    except GrantRefused:
        raise Invalid(FieldError("/password", "this is not your password")) from None
    seat = {"seat": None, "seat_expires_in": None} if given is None else _seat(given, known.desk.clock())
    return Response(as_json(seat), 200, {"Cache-Control": "no-store"}, "application/json")


def _seat(given: Given, now: datetime) -> dict[str, Any]:
    return {"seat": given.token, "seat_expires_in": int((given.until - now).total_seconds())}


async def _read(request: Request) -> dict[str, str]:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise GrantRefused("invalid_request", f"Send a form: Content-Type: {_FORM}.")
    form: dict[str, str] = {}
    try:
        fields = (await request.form()).multi_items()
    except HTTPException as error:
        raise GrantRefused("invalid_request", "The form cannot be read.") from error
    for name, value in fields:
        if name not in _READ:
            continue  # what nobody knows is ignored (RFC 6749 §3.2)
        if name in form or not isinstance(value, str):
            raise GrantRefused("invalid_request", f"Send {name} once, as text.")
        form[name] = value.replace("\x00", "")
    return form


def _field(form: dict[str, str], name: str) -> str:
    if not form.get(name):
        raise GrantRefused("invalid_request", f"{name} is missing.")
    return form[name]


def _client(request: Request, form: dict[str, str]) -> tuple[str, str] | None:
    """A client's id and secret: HTTP Basic or the form, not both (RFC 6749 §2.3.1); None where there are none."""
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        client, secret = form.get("client_id"), form.get("client_secret")
        return (client, secret) if client and secret else None
    try:
        client, colon, secret = b64decode(text, validate=True).decode().partition(":")
    except ValueError:  # no base64, or nothing that is text
        client, colon, secret = "", "", ""
    if not colon:
        raise GrantRefused("invalid_client", "The Authorization header is not HTTP Basic.")
    # No store holds a NUL, and no client has one in its name.
    client, secret = unquote_plus(client).replace("\x00", ""), unquote_plus(secret)
    if form.get("client_secret") or (form.get("client_id") or client) != client:
        raise GrantRefused("invalid_request", "Say which client you are in one way: by HTTP Basic or in the form.")
    return client, secret


def _issued(issued: Issued, now: datetime) -> Response:
    body: dict[str, Any] = {
        "access_token": issued.access,
        "token_type": "Bearer",
        "expires_in": issued.expires_in,
        "scope": issued.scope,
    }
    if issued.refresh is not None:
        body["refresh_token"] = issued.refresh
    if issued.seat is not None:
        body |= _seat(issued.seat, now)
    headers = {"Cache-Control": "no-store", "Pragma": "no-cache"}  # both, says RFC 6749 §5.1
    return Response(as_json(body), 200, headers, "application/json")
