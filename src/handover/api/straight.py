"""A straight way to an endpoint that is asked the same a thousand times in a row: the next page of a pull.

The framework finds out what the parameters of a request are as if it had never seen one, which takes longer than
telling two hundred events. A query of which every part is there once and of the ordinary shape needs none of that.
Whatever else there is goes the plain way, and so does all that is wrong: it is judged and refused in one place. A test
holds the answers of the two against each other.
"""

import re
from collections.abc import Callable, Coroutine, Mapping
from typing import Any
from urllib.parse import parse_qsl

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from handover.api.asking import somebody

Shapes = Mapping[str, tuple[re.Pattern[str], Callable[[str], Any]]]
"""The ordinary shape of each parameter, and what it is then made."""


def straight(shapes: Shapes) -> type[APIRoute]:
    """A kind of route, for an endpoint that takes who asks and these parameters; it may take others besides."""

    class Straight(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            plain = super().get_route_handler()

            async def handle(request: Request) -> Response:
                values = _ordinary(request.scope["query_string"], shapes)
                if values is None:
                    return await plain(request)
                answer: Response = await self.endpoint(await somebody(request), **values)
                return answer

            return handle

    return Straight


def _ordinary(query: bytes, shapes: Shapes) -> dict[str, Any] | None:
    """The parameters of an ordinary query; None for any other."""
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    values = {}
    for name, text in pairs:
        shape, made = shapes.get(name, (None, None))
        if shape is None or made is None or not shape.fullmatch(text):
            return None
        values[name] = made(text)
    return values if len(values) == len(pairs) else None
