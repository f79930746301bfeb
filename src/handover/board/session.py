"""Logging in at the board, and locking it. The page's script gets the access token and keeps it in memory; the refresh
token is in a cookie no script can read, that goes to these addresses alone. So is, for each officer who may come back
by PIN, what makes the PIN worth anything."""

from hashlib import sha256
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import Field
from starlette.responses import Response

from handover.board.guard import same_origin
from handover.errors import Conflict, Unauthenticated
from handover.schemas.common import Draft, EstablishmentCode, Name
from handover.services import calls, drafts, logins, pins
from handover.services.logins import GrantRefused, Issued
from handover.services.parts import Parts
from handover.services.seats import Given
from handover.services.unit_of_work import Asker, as_json

PATH, COOKIE = "/board/session", "handover_board"
CALLS_PATH, CALLS = "/board/calls", "handover_calls"
PIN_PATH, SEAT = f"{PATH}/pin", "handover_seat"
router = APIRouter(include_in_schema=False, dependencies=[Depends(same_origin)])


class Login(Draft):
    """Who says to be whom."""

    username: Name
    password: Annotated[str, Field(min_length=1, max_length=1024)]


class Back(Draft):
    """Who comes back, by PIN."""

    username: Name
    pin: Annotated[str, Field(min_length=1, max_length=40)]


class Choice(Login):
    """A new PIN, behind the password; null: none any more."""

    pin: Annotated[str, Field(min_length=1, max_length=40)] | None


class Going(Draft):
    """For whom a window goes on: all windows of a browser share its cookie, and it may be another's by now."""

    username: Name | None = None


class Ending(Going):
    """Who locks, and which prison the locked screen stands in."""

    establishment: EstablishmentCode | None = None


@router.post(PATH)
async def begin(request: Request, login: Login) -> Response:
    """Log in. Whoever was logged in at this browser before no longer is: the note is written by who is named."""
    parts, asker = _parts(request), _asker(request)
    issued = await logins.with_password(parts.desk, parts.hasher, asker, login.username, login.password, seat=True)
    await _end(request)
    answer = await _issued(request, issued)
    _keep(request, answer, login.username, issued.seat)
    return answer


@router.post(PIN_PATH)
async def come_back(request: Request, back: Back) -> Response:
    """Come back by PIN to a browser at which one gave the password in this shift. 401: here, now, only the password
    does."""
    parts, asker = _parts(request), _asker(request)
    kept = request.cookies.get(_seat_of(back.username), "")  # without one it is an attempt all the same, and logged
    try:
        issued = await pins.with_pin(parts.desk, parts.hasher, asker, kept, back.pin, back.username)
    except pins.SeatOver as over:
        raise Unauthenticated(over.detail) from None
    await _end(request)
    return await _issued(request, issued)


@router.put(PIN_PATH)
async def choose(request: Request, choice: Choice) -> Response:
    """Choose a PIN, or take it away. It does at this browser from now on."""
    parts, asker = _parts(request), _asker(request)
    given = await pins.choose(parts.desk, parts.hasher, asker, choice.username, choice.password, choice.pin)
    answer = _told({"pin_until": given.until if given is not None else None})
    _keep(request, answer, choice.username, given)
    return answer


@router.post(f"{PATH}/renewal")
async def renew(request: Request, going: Going | None = None) -> Response:
    """Go on: a new access token, a new cookie. 409: somebody else has logged in at this browser, whose login goes on
    untouched."""
    kept = request.cookies.get(COOKIE)
    if not kept:
        return _nothing()  # nobody is logged in here
    if await _of_another(request, going):
        raise Conflict("Somebody else has logged in at this browser.")
    try:
        issued = await logins.with_refresh(_parts(request).desk, _asker(request), kept)
    except GrantRefused as refused:
        raise Unauthenticated(refused.detail) from None
    return await _issued(request, issued)


@router.post(f"{PATH}/end")
async def end(request: Request, ending: Ending) -> Response:
    """Lock, or log out: the whole login ends at the server, so nothing that was copied from this browser works. What
    the locked screen keeps is a pass to be told that something calls."""
    desk, kept = _parts(request).desk, request.cookies.get(COOKIE)
    if await _of_another(request, ending):  # it ended when that one logged in
        return _nothing()
    given = None
    if kept and ending.establishment is not None:
        place, now = ending.establishment, desk.clock()
        given = await desk.peek(lambda conn: calls.pass_for_login(conn, desk.store.identity.secret, kept, place, now))
    await _end(request)
    gone = _nothing()
    gone.delete_cookie(COOKIE, path=PATH, **_closed(request))
    if given is not None:
        lasts = int(calls.LASTS.total_seconds())
        gone.set_cookie(CALLS, given, lasts, path=CALLS_PATH, **_closed(request))
    return gone


@router.post(CALLS_PATH)
async def hear(request: Request) -> Response:
    """What a locked screen hears: the units in which somebody must act now. Null where it hears nothing."""
    given = request.cookies.get(CALLS)
    units = await calls.hear(_parts(request), given) if given else None
    return _told({"units": units})


async def _of_another(request: Request, going: Going | None) -> bool:
    kept = request.cookies.get(COOKIE)
    if not kept or going is None or going.username is None:
        return False
    holder = await _parts(request).desk.peek(lambda conn: logins.holder(conn, kept))
    return holder is not None and holder != going.username.strip().lower()


async def _end(request: Request) -> None:
    kept = request.cookies.get(COOKIE)
    if kept:
        await _parts(request).desk.write(_asker(request), lambda uow: logins.revoke(uow, kept))


async def _issued(request: Request, issued: Issued) -> Response:
    parts = _parts(request)
    session = await parts.sessions.of(issued.access)
    if session is None:
        raise Unauthenticated("This login has ended; log in again.")
    body = {"username": session.principal.username, "access_token": issued.access, "expires_in": issued.expires_in}
    body["drafts_key"] = drafts.key_of(session.principal, parts.desk.store.identity.secret)
    if issued.seat is not None:
        body["pin_until"] = issued.seat.until
    answer = _told(body)
    # It lasts as long as an access token: a page that is open renews it in time, and a browser that was closed, or a PC
    # that lost its power, has to ask for a password.
    lasts = parts.desk.settings.access_token_s
    answer.set_cookie(COOKIE, issued.refresh or "", lasts, path=PATH, **_closed(request))
    return answer


def _seat_of(username: str) -> str:
    """The cookie of one officer's: several come and go at one PC."""
    return f"{SEAT}_{sha256(username.strip().lower().encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def _keep(request: Request, answer: Response, username: str, seat: Given | None) -> None:
    """Keeps it in a cookie that ends with the browser; without one, forgets what was kept."""
    name = _seat_of(username)
    if seat is None:
        answer.delete_cookie(name, path=PIN_PATH, **_closed(request))
    else:
        answer.set_cookie(name, seat.token, path=PIN_PATH, **_closed(request))


def _closed(request: Request) -> dict[str, Any]:
    """What keeps a cookie from scripts, from other sites and, where there is TLS, from the open network."""
    return {"secure": request.url.scheme == "https", "httponly": True, "samesite": "strict"}


def _told(body: dict[str, Any]) -> Response:
    return Response(as_json(body), 200, {"Cache-Control": "no-store"}, "application/json")


def _nothing() -> Response:
    return Response(status_code=204, headers={"Cache-Control": "no-store"})


def _parts(request: Request) -> Parts:
    found: Parts = request.app.state.parts
    return found


def _asker(request: Request) -> Asker:
    return Asker(None, request.client.host[:64] if request.client else None, request.state.id)
