"""Refusals as RFC 9457 problem documents: one table from kind to status, one shape. What nobody has foreseen, the
middleware answers."""

from collections.abc import Sequence
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from handover.api.describing import methods
from handover.errors import (
    Conflict,
    CursorRefused,
    FieldError,
    Forbidden,
    Invalid,
    Malformed,
    Moved,
    NotFound,
    PreconditionMissing,
    Refusal,
    Stale,
    TooMany,
    Unauthenticated,
    Unavailable,
    Unsupported,
)
from handover.schemas.common import NOT_A_CODE, code_meant, fault
from handover.services.ids import uuid4
from handover.services.logins import GrantRefused

STATUS: dict[type[Refusal], int] = {
    Malformed: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    CursorRefused: 409,
    Stale: 412,
    Unsupported: 415,
    Invalid: 422,
    PreconditionMissing: 428,
    TooMany: 429,
    Unavailable: 503,
    Moved: 308,
}
"""The status of each kind of refusal."""

JSON = "application/problem+json"
NOTHING_HERE = "There is nothing at this address; see /docs."


def problem(request: HTTPConnection, refusal: Refusal) -> Response:
    """A refusal as an answer."""
    status = _status(refusal)
    headers = _headers(request, refusal, status)
    if isinstance(refusal, Moved):
        return Response(status_code=status, headers=headers)
    body: dict[str, Any] = {
        "type": f"/problems/{refusal.code}",
        "title": refusal.title,
        "status": status,
        "detail": refusal.detail,
        "instance": f"urn:uuid:{request.state.id}",
    }
    if isinstance(refusal, Invalid):
        body["errors"] = [{"pointer": e.pointer, "detail": e.detail} for e in refusal.errors]
    if isinstance(refusal, GrantRefused):
        body |= {"error": refusal.error, "error_description": refusal.detail}
    return Response(orjson.dumps(body), status, headers, JSON)


def _status(refusal: Refusal) -> int:
    if isinstance(refusal, GrantRefused):
        return 401 if refusal.error == "invalid_client" else 400  # RFC 6749 §5.2
    return next(STATUS[kind] for kind in type(refusal).__mro__ if kind in STATUS)


def _headers(request: HTTPConnection, refusal: Refusal, status: int) -> dict[str, str]:
    headers = {"Cache-Control": "no-store"}  # a redirect, too: a merge may be undone
    if isinstance(refusal, Moved):
        query = f"?{request.url.query}" if request.url.query else ""
        headers["Location"] = request.scope["route"].path.format(number=refusal.number) + query
    if status == 401:
        scheme = "Basic" if isinstance(refusal, GrantRefused) else "Bearer"
        headers["WWW-Authenticate"] = f'{scheme} realm="handover"'
    if isinstance(refusal, Unsupported):
        headers["Accept"] = "application/json"  # RFC 9110 §15.5.16
    if isinstance(refusal, TooMany | Unavailable):
        headers["Retry-After"] = str(refusal.retry_after)
    return headers


def install(app: FastAPI) -> None:
    """Makes every refusal of this application a problem document."""

    @app.exception_handler(Refusal)
    async def _refused(request: Request, error: Refusal) -> Response:
        return problem(request, error)

    @app.exception_handler(RequestValidationError)
    async def _unsound(request: Request, error: RequestValidationError) -> Response:
        found = error.errors()
        path = [e for e in found if e["loc"][0] == "path"]
        if path and request.method != "PUT":  # which would make it, under a name it cannot have
            return problem(request, NotFound(f"Nothing can be here: {'; '.join(map(_words, path))}."))
        return problem(request, unsound(found))

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        if error.status_code == 404:
            return problem(request, NotFound(NOTHING_HERE))
        if error.status_code == 405:
            return _method(request, app)
        return problem(request, Malformed("The body cannot be read; send one JSON object in UTF-8."))

    @app.exception_handler(Exception)
    async def _bug(_request: Request, error: Exception) -> Response:
        # Out of the framework, which would answer in its own words, to the middleware around it.
        raise error


async def nowhere(scope: Scope, receive: Receive, send: Send) -> None:
    """Refuses a WebSocket at an address that has none. Left to itself the server answers 403, as if it had."""
    scope.setdefault("state", {})["id"] = uuid4()
    await WebSocket(scope, receive, send).send_denial_response(problem(HTTPConnection(scope), NotFound(NOTHING_HERE)))


def unsound(found: Sequence[Any]) -> Refusal:
    """What the schema found wrong, as a refusal."""
    if any(e["type"] == "json_invalid" for e in found):
        return Malformed("The body is not JSON; send one JSON object in UTF-8.")
    return Invalid(*(FieldError(_pointer(e["loc"]), _words(e)) for e in found))


def _method(request: Request, app: FastAPI) -> Response:
    allowed = ", ".join(methods(app, getattr(request.scope.get("route"), "path", request.url.path)))
    body = {
        "type": "/problems/method",
        "title": "Not with this method",
        "status": 405,
        "detail": f"Here one can {allowed}.",
        "instance": f"urn:uuid:{request.state.id}",
    }
    return Response(orjson.dumps(body), 405, {"Allow": allowed}, JSON)


def _pointer(loc: tuple[int | str, ...]) -> str:
    """A JSON pointer into the body, or `/query/…`, `/path/…`, `/header/…`."""
    parts = loc[1:] if loc and loc[0] == "body" else loc
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


_WORDS = {
    "model_type": "send one JSON object",
    "model_attributes_type": "send one JSON object",
    "missing": "this is needed",
    "extra_forbidden": "there is no such field; check its spelling",
}


def _words(error: dict[str, Any]) -> str:
    words = _WORDS.get(error["type"]) or fault(error)
    if error["type"] == NOT_A_CODE and (meant := code_meant(error["input"])):
        return f"{words}; {meant}?"
    return words
