"""The shortest way in, for the one request that comes in bursts: `POST /v1/notes`.

At changeover and in an incident notes come by the hundred, and the framework's routing, dependency solving and exit
stacks cost as much processor time as recording the note. Here the same endpoint is called with the same checks of body,
token and parameters, without them. The route itself stays: it documents the operation, takes every request that is out
of the ordinary, and takes them all when the lane is left out (`create_app(..., lane=False)`); a test holds the two
against each other.
"""

from functools import cached_property

from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import ValidationError
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from handover.api import bodies, notes
from handover.api.asking import pressing
from handover.api.problems import problem, unsound
from handover.errors import Refusal
from handover.schemas.notes import NoteDraft

PATH = "/v1/notes"
_ROUTE = next(r for r in notes.router.routes if isinstance(r, APIRoute) and r.endpoint is notes.record_note)


class _Asked(Request):
    """A request that is asked for a few headers, again and again: the framework walks through all of them each time."""

    @cached_property
    def headers(self) -> dict[str, str]:  # type: ignore[override]  # all that is asked of them here
        """By their names in lower case; where one is there twice, the first counts, as in the framework."""
        return {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(self.scope["headers"])}


class Lane:
    """Takes what it knows how to take; answers False for everything else."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    async def takes(self, scope: Scope, receive: Receive, send: Send) -> bool:
        """Answers an ordinary note. A request without a body or not said to be JSON goes the plain way."""
        if scope["path"] != PATH or scope["method"] != "POST":
            return False
        scope["app"], scope["route"], scope["path_params"] = self._app, _ROUTE, {}
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
