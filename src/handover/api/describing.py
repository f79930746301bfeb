"""What the OpenAPI document says of each operation beside its schema: scopes, refusals, headers, examples. One place,
so that it stays true."""

from collections.abc import Mapping
from typing import Any, get_args, get_origin

from fastapi import FastAPI
from fastapi.dependencies.utils import get_flat_params
from fastapi.openapi.utils import get_openapi
from fastapi.params import Query
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic.json_schema import models_json_schema

from handover import __version__
from handover.api.examples import EXAMPLES, PROBLEMS
from handover.domain.access import SCOPES
from handover.schemas.problems import Problem, TokenProblem

_WHY = {
    201: "It is new.",
    304: "Not modified: the caller has this version.",
    308: "The number was merged; the person is at `Location`.",
    400: "The body cannot be read.",
    401: "No access token, or one that no longer works.",
    403: "The caller's role or scopes do not allow this operation.",
    404: "Does not exist, or the caller may not know that it does.",
    408: "The body did not come within ten seconds.",
    409: "Not possible as things stand; the detail says why.",
    412: "Changed since the caller read it.",
    413: "A body over 64 KiB.",
    415: "A body that is not said to be JSON.",
    422: "Something needs correcting; `errors` says what and where.",
    428: "If-Match is needed.",
    429: "More than one caller may ask, or too many attempts; wait `Retry-After` seconds.",
    503: "The store cannot be reached, or there is more to do than can be done; try again after `Retry-After` seconds.",
}
_WHAT = {
    "notes:read": "Read and list notes and their receipts.",
    "notes:write": "Record, correct and retract notes, and give receipts.",
    "needs:read": "Read and list needs.",
    "needs:write": "Change needs.",
    "handovers:read": "Read handovers, and units' sheets with what the scopes for notes and needs show of them.",
    "events:read": "Pull events and open feeds.",
    "roster:read": "Read establishments, units and people.",
    "roster:write": "Keep establishments, units and people up to date.",
}
_ABOUT = """
Notes, needs and rosters of prisons, and every change to them as an event.

**Who is calling.** `Authorization: Bearer …` with an access token from `POST /oauth/token`. A scope beside an operation
is what an integration needs for it; staff need a role that has it. An operation without a scope that may answer 403 is
for staff in certain roles alone, whatever scopes an integration has. What a caller may not see does not exist: 404, and
absent from every list.

**Lists** answer `{"items": […], "next": "…"}` and `Link: <…>; rel="next"`. Ask again with `cursor`: nothing is skipped
or repeated while others write.

**Refusals** are problem documents (RFC 9457). Quote `instance`, which every answer also carries as `X-Request-Id`, when
you ask for help. Parameters and fields that do not exist are refused: a typo must not lose a need.

**Creating** takes an `Idempotency-Key`, so that a request whose answer got lost can be sent again. **Changing** takes
`If-Match`.

**How much.** An account or client may make as many requests as `RateLimit-Policy` says (`q`) and as many again in so
many seconds (`w`); `RateLimit` says how many are left (`r`), and in how many seconds all are there again (`t`), after
draft-ietf-httpapi-ratelimit-headers. One more is answered 429 (`/problems/quota-exceeded`). Where everybody together
asks more than can be done, the answer is 503 (`/problems/overloaded`). Either way nothing was done: send the same
again, with the same key, after `Retry-After`. Notes that say ACT_NOW, `ACCEPTED` receipts and the acceptance of
handovers go first, whatever a caller has asked before, and are refused last.

**Events as they are committed:** a WebSocket at `/v1/feed?establishment=&unit=&after=`, subprotocol `handover.v1`, with
the cursors of `GET /v1/events`, and `unit` as there.
"""


def _text(description: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string"}}


_HEADERS: dict[int, dict[str, Any]] = {
    401: {"WWW-Authenticate": _text("How to authenticate (RFC 6750, RFC 7617).")},
    308: {"Location": _text("The same request under the surviving number.")},
    415: {"Accept": _text("What a body has to be.")},
    429: {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}},
    503: {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}},
}
_ETAG = {"ETag": {"description": "This version.", "schema": {"type": "string", "pattern": '^"[0-9a-f]+"$'}}}
_LOCATION = {"Location": _text("Where it is.")}
_NOWHERE = {"make_ticket"}
"""What makes something that cannot be read anywhere."""
_TAGGED = {"record_note", "offer_handover"}
"""What makes a resource that has an ETag, and takes none: nothing was there before."""
_REPLAYED = {
    "Idempotency-Replayed": {
        "description": "There where this is the first answer given again.",
        "schema": {"type": "string", "enum": ["true"]},
    }
}
_BESIDE: dict[str, dict[str, Any]] = {
    "pull_events": {
        "application/x-ndjson": {
            "schema": {"type": "string"},
            "example": '{"specversion":"1.0",…}\\n{"specversion":"1.0",…}\\n',
        }
    },
    "read_sheet": {"text/html": {"schema": {"type": "string"}, "example": "<!doctype html>…"}},
}
"""What an operation answers beside JSON, where it is asked for it."""
_VARY = {"Vary": _text("`Accept`: another form of it may be asked for; its language, where it has one.")}
_SPOKEN = {
    "Content-Language": {
        "description": "The language it is in.",
        "schema": {"type": "string", "pattern": "^[a-z]{2}$"},
    },
    "Vary": _text("`Accept-Language`: it may be asked for in another."),
}
_LINK = {"Link": _text('Where to go on: `<…>; rel="next"`.')}
_SHARE = {
    "RateLimit-Policy": _text("Requests at once (`q`), and seconds until as many again (`w`)."),
    "RateLimit": _text("Requests left (`r`), and seconds until all are there again (`t`)."),
}
_IDEMPOTENCY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    "description": "Same key and body: the first answer again, with `Idempotency-Replayed: true`. Kept eight days.",
    "example": "0d2c1d3e-8a53-4a6f-9c0e-5b9e1c6f7a10",
}


def operation(
    scope: str | None,
    *refusals: int,
    made: bool = False,
    tagged: bool = False,
    conditional: bool | None = None,
    spoken: bool = False,
    schema: str = "Problem",
) -> dict[str, Any]:
    """Keyword arguments for a route. `scope`: what an integration needs; `staff` where no scope will do, `any` for
    everybody who is known, None for strangers too. `made`: creates, and takes an Idempotency-Key; `tagged`: a single
    resource with ETag; `conditional`: takes If-Match (True: must); `spoken`: in the language that is asked for;
    `schema`: the form of the refusals that are its own."""
    parameters: list[dict[str, Any]] = []
    responses: dict[int | str, Any] = {}
    codes = {*refusals, 503} | ({429} if scope is not None else set())
    if made:
        parameters.append(_IDEMPOTENCY)
        codes |= {400, 409, 413}
    if tagged:
        codes.add(304)
        parameters.append(_header("If-None-Match", "An ETag the caller holds: 304 if it still stands.", '"7"'))
    if spoken:
        parameters.append(_header("Accept-Language", "The language of its words; English if left out.", "cy, en;q=0.5"))
    if conditional is not None:
        codes |= {400, 412, 413} | ({428} if conditional else set())
        parameters.append(
            _header(
                "If-Match",
                "The ETag of the version that is changed; one of several will do.",
                '"1"',
                required=conditional,
            )
        )
    if 413 in codes:
        codes.add(408)
    for code in sorted(codes):
        # The token endpoint's own refusals are 400 and 401 (RFC 6749 §5.2); the others are those of every address.
        responses[code] = _response(code, schema if code in (400, 401) else "Problem")
    extra: dict[str, Any] = {"parameters": parameters} if parameters else {}
    extra["security"] = [] if scope is None else [{"oauth2": [] if scope in ("any", "staff") else [scope]}]
    return {"responses": responses, "openapi_extra": extra}


def _header(name: str, description: str, example: str, required: bool = False) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": required,
        "schema": {"type": "string"},
        "description": description,
        "example": example,
    }


def _response(code: int, schema: str) -> dict[str, Any]:
    told: dict[str, Any] = {"description": _WHY[code]}
    if code in _HEADERS:
        told["headers"] = _HEADERS[code]
    if code >= 400:  # what is fine has its own schema from the route
        content = {"schema": {"$ref": f"#/components/schemas/{schema}"}, "example": PROBLEMS[schema, code]}
        told["content"] = {"application/problem+json": content}
    return told


def install(app: FastAPI) -> None:
    """Gives the application its OpenAPI 3.1 document."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's documented way to extend the document


def _document(app: FastAPI) -> dict[str, Any]:
    found = get_openapi(
        title=app.title,
        version=__version__,
        summary=app.description,
        description=_ABOUT,
        routes=app.routes,
        openapi_version="3.1.0",
    )
    schemas = found.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    _, shared = models_json_schema(
        [(Problem, "serialization"), (TokenProblem, "serialization")], ref_template="#/components/schemas/{model}"
    )
    schemas.update(shared["$defs"])
    scopes = {scope: _WHAT[scope] for scope in SCOPES}
    found["components"]["securitySchemes"] = {
        "oauth2": {
            "type": "oauth2",
            "flows": {
                "password": {"tokenUrl": "/oauth/token", "refreshUrl": "/oauth/token", "scopes": scopes},
                "clientCredentials": {"tokenUrl": "/oauth/token", "scopes": scopes},
            },
        }
    }
    for verbs in found["paths"].values():
        for told in verbs.values():
            _complete(told)
    return found


def _complete(told: dict[str, Any]) -> None:
    """Adds what follows from the rest: a name for clients, the refusal of what is no JSON, the body of a 201 beside a
    200, headers, examples."""
    told["operationId"] = told["summary"].lower().replace(" ", "_")
    takes = {parameter["name"] for parameter in told.get("parameters", ())}
    answers = told["responses"]
    if "application/json" in told.get("requestBody", {}).get("content", {}):
        answers["415"] = _response(415, "Problem")
    if "200" in answers and "201" in answers:
        answers["201"] = {**answers["200"], "description": _WHY[201]}
    answers.get("200", {}).get("content", {}).update(_BESIDE.get(told["operationId"], {}))
    for code, answer in answers.items():
        headers = {**answer.get("headers", {}), **_headers(code, told, takes)}
        if told["security"] and (code < "400" or code == "429") and code != "308":
            headers |= _SHARE
        if headers:
            answer["headers"] = headers
    for part in (told.get("requestBody", {}), *answers.values()):
        for media in part.get("content", {}).values():
            name = media.get("schema", {}).get("$ref", "").rpartition("/")[2]
            if name in EXAMPLES:
                media["example"] = EXAMPLES[name]
            elif media.get("schema") == {}:  # an answer that says no more than its status
                media |= {"schema": {"type": "object", "additionalProperties": False}, "example": {}}


def _headers(code: str, told: Mapping[str, Any], takes: set[str]) -> dict[str, Any]:
    """The headers of a good answer, by the operation and the parameters it takes."""
    headers: dict[str, Any] = {}
    if code >= "400" or code == "308":
        return headers
    name = told["operationId"]
    if takes & {"If-Match", "If-None-Match"} or (code == "201" and name in _TAGGED):
        headers |= _ETAG
    if takes >= {"Accept-Language", "If-None-Match"}:
        headers |= _SPOKEN
    if code == "201" and name not in _NOWHERE:
        headers |= _LOCATION
    if code == "201" and "Idempotency-Key" in takes:
        headers |= _REPLAYED
    if takes & {"cursor", "after"}:
        headers |= _LINK
    if code == "200" and name in _BESIDE:
        headers |= _VARY
        if "text/html" in _BESIDE[name]:
            headers["Content-Language"] = _SPOKEN["Content-Language"] | {"description": "That of its words, on paper."}
    return headers


def query_names(app: FastAPI, path: str, method: str) -> Mapping[str, bool]:
    """The parameters an operation has, and whether each may be there several times: any other is refused."""
    return _operations(app).get(path, {}).get(method, {})


def methods(app: FastAPI, path: str) -> list[str]:
    """The methods an address answers to; files, which are no operations, are for reading."""
    verbs = set(_operations(app).get(path, {"GET": None}))
    return sorted(verbs | {"HEAD"} if "GET" in verbs else verbs)


def _operations(app: FastAPI) -> dict[str, dict[str, dict[str, bool]]]:
    """By path and method, the parameters of each operation, the pages' too; from the routes themselves, since the
    document takes a quarter of a second to make, and whoever asks first would have everybody wait for it."""
    known: dict[str, dict[str, dict[str, bool]]] | None = getattr(app.state, "operations", None)
    if known is None:
        known = {}
        for route in iter_route_contexts(app.routes):
            if isinstance(route.original_route, APIRoute):
                queries = [one for one in get_flat_params(route.dependant) if isinstance(one.field_info, Query)]
                takes = {one.alias: _several(one.field_info.annotation) for one in queries}
                known.setdefault(route.path_format or "", {}).update(dict.fromkeys(route.methods or (), takes))
        app.state.operations = known
    return known


def _several(annotation: Any) -> bool:
    """Whether a parameter of this type takes several values."""
    return get_origin(annotation) is list or any(_several(part) for part in get_args(annotation))
