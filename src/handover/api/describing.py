"""What the OpenAPI document says of each operation beside its schema: scopes, refusals, headers. One helper, so that
it stays true."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from handover import __version__
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
    409: "Not possible as things stand; the detail says why.",
    412: "Changed since the caller read it.",
    413: "A body over 64 KiB.",
    422: "Something needs correcting; `errors` says what and where.",
    428: "If-Match is needed.",
    429: "Too many attempts; wait `Retry-After` seconds.",
    503: "The store cannot be reached or written right now; try again after `Retry-After` seconds.",
}
_HEADERS: dict[int, dict[str, Any]] = {
    401: {"WWW-Authenticate": {"schema": {"type": "string"}}},
    308: {"Location": {"schema": {"type": "string"}}},
    429: {"Retry-After": {"schema": {"type": "integer"}}},
    503: {"Retry-After": {"schema": {"type": "integer"}}},
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
    schema: str = "Problem",
) -> dict[str, Any]:
    """Keyword arguments for a route. `made`: creates, and takes an Idempotency-Key; `tagged`: a single resource with
    ETag;
    `conditional`: takes If-Match (True: must)."""
    parameters: list[dict[str, Any]] = []
    responses: dict[int | str, Any] = {}
    codes = {*refusals, 503}
    if made:
        parameters.append(_IDEMPOTENCY)
        codes |= {400, 409, 413}
    if tagged:
        codes.add(304)
        parameters.append(_header("If-None-Match", "An ETag the caller holds: 304 if it still stands.", '"3"'))
    if conditional is not None:
        codes |= {400, 412, 413} | ({428} if conditional else set())
        parameters.append(_header("If-Match", "The ETag of the version that is changed.", '"3"', required=conditional))
    for code in sorted(codes):
        responses[code] = _response(code, schema)
    extra: dict[str, Any] = {"parameters": parameters} if parameters else {}
    if scope is not None:
        extra["security"] = [{"oauth2": [scope] if scope in SCOPES else []}]
    return {"responses": responses, "openapi_extra": extra}


def _header(name: str, description: str, example: str, required: bool = False) -> dict[str, Any]:
    schema = {"type": "string", "minLength": 1}
    return {
        "name": name,
        "in": "header",
        "required": required,
        "schema": schema,
        "description": description,
        "example": example,
    }


def _response(code: int, schema: str) -> dict[str, Any]:
    told: dict[str, Any] = {"description": _WHY[code]}
    if code in _HEADERS:
        told["headers"] = _HEADERS[code]
    if code >= 400:  # what is fine has its own schema from the route
        told["content"] = {"application/problem+json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
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
        title=app.title, version=__version__, description=app.description, routes=app.routes, openapi_version="3.1.0"
    )
    schemas = found.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    _, shared = models_json_schema(
        [(Problem, "serialization"), (TokenProblem, "serialization")], ref_template="#/components/schemas/{model}"
    )
    schemas.update(shared["$defs"])
    found["components"]["securitySchemes"] = {
        "oauth2": {
            "type": "oauth2",
            "flows": {
                "password": {
                    "tokenUrl": "/oauth/token",
                    "refreshUrl": "/oauth/token",
                    "scopes": {s: s for s in SCOPES},
                },
                "clientCredentials": {"tokenUrl": "/oauth/token", "scopes": {s: s for s in SCOPES}},
            },
        }
    }
    return found


def query_names(app: FastAPI, path: str, method: str) -> frozenset[str]:
    """The parameters an operation has, by the document: what is not in it is refused."""
    known: dict[tuple[str, str], frozenset[str]] | None = getattr(app.state, "query_names", None)
    if known is None:
        known = {
            (template, verb.upper()): frozenset(p["name"] for p in told.get("parameters", ()) if p["in"] == "query")
            for template, verbs in app.openapi()["paths"].items()
            for verb, told in verbs.items()
        }
        app.state.query_names = known
    return known.get((path, method), frozenset())


def methods(app: FastAPI, path: str) -> list[str]:
    """The methods an address answers to, by the document; addresses beside it are for reading."""
    verbs = {verb.upper() for verb in app.openapi()["paths"].get(path, {"get": None})}
    return sorted(verbs | {"HEAD"} if "GET" in verbs else verbs)
