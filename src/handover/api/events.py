"""Events: pulled here, or heard on the feed."""

import asyncio
import contextlib
import re
from dataclasses import replace
from time import monotonic
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from handover.accepting import preferred
from handover.api.asking import Ask, Somebody, Told
from handover.api.describing import operation
from handover.api.parameters import PlaceFilter, UnitFilter
from handover.errors import Conflict, FieldError, Invalid, Unauthenticated
from handover.schemas.events import EventPage, EventType, Ticket
from handover.services import logins, pulling
from handover.services.answers import Answer
from handover.services.cursors import Positions, cursor_of
from handover.services.hearing import Filter
from handover.services.hub import Hub
from handover.services.passwords import derived_token, new_token, token_digest
from handover.services.pulling import Pulled
from handover.services.unit_of_work import UnitOfWork

router = APIRouter(prefix="/v1", tags=["events"])
NDJSON = "application/x-ndjson"
TICKET_S = 30
_CONCERNS = (
    "A unit's code: what concerns it. Also where the event names another as its `unit`: moves and merges out of it, "
    "and of whoever was moved from it the handover and, until it is accepted, the open needs."
)
_PLAIN = re.compile(r"[a-z]+=[A-Za-z0-9_.-]*(&[a-z]+=[A-Za-z0-9_.-]*)*")


@router.get(
    "/events",
    response_model=EventPage,
    **operation("events:read", 401, 403, 404, 409, 422),
)
async def pull_events(
    ask: Somebody,
    after: Annotated[
        str | None,
        Query(max_length=32_768, description="A cursor, or `now`; from the beginning of what is kept if left out."),
    ] = None,
    establishment: PlaceFilter = None,
    unit: Annotated[UnitFilter, Query(description=_CONCERNS)] = None,
    type: Annotated[list[EventType] | None, Query(description="Only these types; may be repeated.")] = None,  # noqa: A002
    limit: Annotated[int, Query(ge=1, le=200, description="Most events in an answer.")] = 50,
    wait: Annotated[float, Query(ge=0, le=30, description="Seconds to wait for an event where there is none yet.")] = 0,
) -> Response:
    """Pull events in order. With `Accept: application/x-ndjson`, a line each; the cursor is then in each of them and
    in `Link`."""
    store_id = ask.parts.hub.store_id
    deadline = monotonic() + wait
    wanted = frozenset(type or ())
    lines = preferred(ask.request.headers.get("accept", ""), "application/json", NDJSON) == NDJSON

    def pull(uow: UnitOfWork) -> Pulled:
        uow.doing("events.pull", establishment=establishment, unit=unit)
        uow.allow("events.read")
        places = pulling.places_for(uow, establishment)
        pulling.check_unit(uow, places, unit)
        return pulling.pull(uow, store_id, Filter(places, unit, wanted), after, limit)

    while True:
        last = monotonic() >= deadline or ask.parts.hub.stopping
        # Only what is answered is logged: a reader that waits would else leave a line for every note it may not see.
        pulled = await ask.read(pull, _passed_on if last else _idle)
        if last or pulled.events or pulled.more:
            return _answer(ask.request, pulled, cursor_of(store_id, pulled.positions), lines)
        after = cursor_of(store_id, pulled.positions)
        await _news(ask.parts.hub, pulled.positions, deadline)
        ask = await _still(ask)


def _passed_on(_found: Pulled) -> bool:
    return False


def _idle(found: Pulled) -> bool:
    return not (found.events or found.more)


async def _news(hub: Hub, positions: Positions, deadline: float) -> None:
    """Waits until there is something after these positions, or the time is up."""
    wake = asyncio.Event()
    await hub.listen(wake, positions)
    try:
        while not hub.stopping and monotonic() < deadline:
            wake.clear()
            if any(hub.stream(place).position != position for place, position in positions.items()):
                break
            await _rung(wake, deadline - monotonic())
    finally:
        hub.leave(wake, positions)


async def _still(ask: Ask) -> Ask:
    """The same caller with the rights that hold now: they may have been taken away while he or she waited."""
    digest = ask.session.digest
    session = (await ask.parts.sessions.again([digest]))[digest]
    if session is None:
        raise Unauthenticated("This access token does not work any more; get a new one from /oauth/token.")
    return replace(ask, session=session, asker=ask.asker._replace(principal=session.principal))


async def _rung(wake: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(max(0.0, seconds)):
            await wake.wait()


def _answer(request: Request, pulled: Pulled, cursor: str, lines: bool) -> Response:
    headers = {"Link": f'<{_after(request, cursor)}>; rel="next"', "Cache-Control": "no-store", "Vary": "Accept"}
    if lines:
        return Told("\n".join([*pulled.events, ""]), 200, headers, NDJSON.encode())
    more = "true" if pulled.more else "false"
    body = f'{{"items":[{",".join(pulled.events)}],"cursor":"{cursor}","more":{more}}}'
    return Told(body, 200, headers)


def _after(request: Request, cursor: str) -> str:
    """The same question, after this cursor."""
    path, query = request.scope["path"], request.scope["query_string"].decode("latin-1")
    if _PLAIN.fullmatch(query):  # as it was asked; nothing in it would look different
        asked = [part for part in query.split("&") if not part.startswith("after=")]
    else:
        asked = [urlencode([pair]) for pair in request.query_params.multi_items() if pair[0] != "after"]
    return f"{path}?{'&'.join([*asked, f'after={cursor}'])}"


@router.post(
    "/feed/tickets", status_code=201, response_model=Ticket, **operation("events:read", 401, 403, 422, made=True)
)
async def make_ticket(ask: Somebody) -> Response:
    """A ticket for a browser's WebSocket, which cannot send headers: `WS /v1/feed?ticket=…`, once, within 30
    seconds."""

    # What is kept to be repeated must not hold the secret: with a key, the ticket is made from it and the access token.
    if (await ask.request.body()).strip() not in (b"", b"{}"):
        raise Invalid(FieldError("", "there is nothing to say here; leave the body out, or send {}"))
    key = ask.request.headers.get("idempotency-key")
    token = ask.request.headers["authorization"].partition(" ")[2].strip()
    ticket = new_token("ticket") if key is None else derived_token("ticket", token, key)
    kept = f'"{token_digest(ticket)}"'

    def work(uow: UnitOfWork) -> Answer:
        logins.ticket(uow, ask.session, ticket, TICKET_S)
        return Answer(201, kept)

    answer = await ask.create(work)
    if answer.body != kept.encode():
        raise Conflict("This Idempotency-Key was used with another access token; a new ticket needs a new key.")
    again = {name: value for name, value in answer.headers.items() if name == "idempotency-replayed"}
    body = f'{{"ticket":"{ticket}","expires_in":{TICKET_S}}}'
    return Told(body, 201, {**again, "Cache-Control": "no-store"})
