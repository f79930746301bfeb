"""The shortest way in, for the one request that comes in bursts: `POST /v1/notes`.

At changeover and in an incident notes come by the hundred, and the framework's routing, dependency solving and exit
stacks cost as much processor time as recording the note. Here the same endpoint is called with the same checks of body,
token and parameters, without them. The route itself stays: it documents the operation, takes every request that is out
of the ordinary, and takes them all when the lane is left out (`create_app(..., lane=False)`); a test holds the two
against each other.
"""

from typing import Any

from fastapi.routing import APIRoute
from pydantic import ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from handover.api import bodies, notes
from handover.api.asking import pressing
from handover.api.problems import problem, unsound
from handover.errors import Refusal
from handover.schemas.notes import NoteDraft

PATH = "/v1/notes"
_ROUTE = next(r for r in notes.router.routes if isinstance(r, APIRoute) and r.endpoint is notes.record_note)


class _Asked(Request):
    """A request that is asked for a few headers and its body, again and again: the framework walks through all headers
    each time, and hands a body on from part to part."""

    headers: Any = {}  # noqa: RUF012 - each has its own
    """By their names in lower case; where one is there twice, the first counts, as in the framework."""
    _read: bytes | None = None

    def __init__(self, scope: Scope, receive: Receive) -> None:
        super().__init__(scope, receive)
        self.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(scope["headers"])}

    async def body(self) -> bytes:
        """The whole of it."""
        if self._read is None:
            parts, more = [], True
            while more:
                message = await self.receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                parts.append(message.get("body", b""))
                more = message.get("more_body", False)
            self._read = b"".join(parts)
        return self._read


async def lane(scope: Scope, receive: Receive, send: Send) -> bool:
    """Answers an ordinary note, and False to everything else. A request without a body or not said to be JSON goes the
    plain way."""
    if scope["path"] != PATH or scope["method"] != "POST":
        return False
    scope["route"], scope["path_params"] = _ROUTE, {}
    request = _Asked(scope, receive)
    if not bodies.says_json(request) or request.headers.get("content-length", "0") == "0":
        return False
    try:
        body = bodies.read(await request.body())
        ask = await pressing(request)
        response = await notes.record_note(NoteDraft.model_validate(body), ask)
    except Refusal as refusal:
        response = problem(request, refusal)
    except ValidationError as error:
        response = problem(request, unsound(error.errors()))
    await response(scope, receive, send)
    return True
