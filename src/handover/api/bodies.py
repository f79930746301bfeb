"""Bodies read strictly. JSON in UTF-8 and nothing else: no NaN, no name twice. Python's parser would let the second of
two `needs` silently replace the first, and a need would be lost."""

import json
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import Response

from handover.errors import Malformed, Unsupported

NOT_JSON = "The body is not JSON; send one JSON object in UTF-8."
_BLANKS = " \t\n\r"
"""What may stand around a JSON text (RFC 8259 §2)."""
NOT_SAID = "Send the body as JSON, with `Content-Type: application/json`."


class StrictRoute(APIRoute):
    """A route whose body is one JSON text, and says that it is."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with the body checked on its way in."""
        handle = super().get_route_handler()

        async def strictly(request: Request) -> Response:
            asked = _Request(request.scope, request.receive)
            try:
                if self.body_field is not None and not says_json(request) and await asked.body():
                    raise Unsupported(NOT_SAID)
                return await handle(asked)
            except HTTPException as error:
                # What is raised while the body is read comes out of the framework as this, its words lost.
                raise (asked.refusal or error) from None

        return strictly


class _Request(Request):
    refusal: Malformed | None = None

    async def json(self) -> Any:
        """The body, or a refusal that says what is wrong with it."""
        try:
            return read(await self.body())
        except Malformed as refusal:
            self.refusal = refusal
            raise


def says_json(request: Request) -> bool:
    """Whether the request says that its body is JSON."""
    kind = request.headers.get("content-type", "")
    if kind == "application/json":  # as nearly all say it
        return True
    kind = kind.partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def read(body: bytes) -> Any:
    """The one JSON text in a body, or a refusal that says what is wrong with it."""
    try:
        text = body.decode().strip(_BLANKS)
        found, end = _STRICT.raw_decode(text)
    except (ValueError, RecursionError):
        raise Malformed(NOT_JSON) from None
    if end < len(text):
        raise Malformed(NOT_JSON)
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for i, name in enumerate(names) if name in names[:i])
        raise Malformed(f"The name {json.dumps(twice[:40])} is in one object twice; only one of the two could be kept.")
    return found


def _no_number(name: str) -> NoReturn:
    raise Malformed(f"{name} is not JSON; leave out what is not known.")


_STRICT = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_number)
