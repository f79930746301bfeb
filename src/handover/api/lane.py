"""The shortest way in, for the two requests that come in bursts: `POST /v1/notes`, and the next page of a pull.

At changeover and in an incident notes come by the hundred, and a system that has been away asks for a thousand pages in
a row. The framework's routing, dependency solving and exit stacks cost as much processor time as recording the note, or
as telling fifty events. Here the same endpoints are called with the same checks of body, token and parameters, without
them. The routes themselves stay: they document the operations, take every request that is out of the ordinary, and take
them all when the lane is left out (`create_app(..., lane=False)`); tests hold the two against each other.
"""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from fastapi import APIRouter
from fastapi.routing import APIRoute
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from handover.api import bodies, events, notes
from handover.api.asking import asked, pressing, within
from handover.api.problems import problem, unsound
from handover.errors import Refusal
from handover.schemas.notes import NoteDraft

_SHAPES: dict[str, tuple[re.Pattern[str], Callable[[str], Any]]] = {
    "after": (re.compile(r"[A-Za-z0-9_-]{1,32768}"), str),
    "establishment": (re.compile(r"[A-Z0-9][A-Z0-9_-]{0,15}"), str),
    "unit": (re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,15}"), str),
    "limit": (re.compile(r"[1-9][0-9]?|1[0-9][0-9]|200"), int),
}
"""The ordinary shape of each parameter of a pull, and what it is then made."""


class _Asked(Request):
    """A request that is asked for a few headers and its body, again and again: the framework walks through all headers
    each time, and hands a body on from part to part."""

    headers: Any = None
    """By their names in lower case; where one is there twice, the first counts, as in the framework."""
    _read: bytes | None = None

    def __init__(self, scope: Scope, receive: Receive) -> None:
        super().__init__(scope, receive)
        self.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(scope["headers"])}

    async def body(self) -> bytes:
        """The whole of it, in one piece (`middleware`)."""
        if self._read is None:
            self._read = (await self.receive())["body"]
        return self._read


async def _note(request: Request) -> Response | None:
    """An ordinary note. One without a body or not said to be JSON goes the plain way."""
    if not bodies.says_json(request) or request.headers.get("content-length", "0") == "0":
        return None
    body = bodies.read(await request.body())
    ask = await pressing(request)
    return await notes.record_note(NoteDraft.model_validate(body), ask)


async def _pull(request: Request) -> Response | None:
    """An ordinary pull: every parameter once, and of the ordinary shape. What is wrong is refused on the plain way."""
    values = {}
    pairs = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    for name, text in pairs:
        if name not in _SHAPES or not _SHAPES[name][0].fullmatch(text):
            return None
        values[name] = _SHAPES[name][1](text)
    if len(values) < len(pairs):
        return None
    return await events.pull_events(within(await asked(request, checked=True)), **values)


def _route(router: APIRouter, endpoint: Callable[..., Any]) -> APIRoute:
    return next(one for one in router.routes if isinstance(one, APIRoute) and one.endpoint is endpoint)


_WAYS = {
    ("POST", "/v1/notes"): (_note, _route(notes.router, notes.record_note)),
    ("GET", "/v1/events"): (_pull, _route(events.router, events.pull_events)),
}


async def lane(scope: Scope, receive: Receive, send: Send) -> bool:
    """Answers what it knows how to, and False to everything else."""
    way = _WAYS.get((scope["method"], scope["path"]))
    if way is None:
        return False
    take, scope["route"] = way
    scope["path_params"] = {}
    request = _Asked(scope, receive)
    try:
        response = await take(request)
    except Refusal as refusal:
        response = problem(request, refusal)
    except ValidationError as error:
        response = problem(request, unsound(error.errors()))
    if response is None:
        return False
    await response(scope, receive, send)
    return True
