"""What the service holds, read and changed: documents as they came, lists to their end, and a change that is asked for
twice is made once.

Documents are not forced into our own schemas: what a newer server adds must neither be lost nor break a screen.
"""

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
from pydantic import BaseModel

from handover.client.http import Api, Params
from handover.client.refusals import CannotReach

Document = dict[str, Any]
LARGEST_PAGE = 200


def read(api: Api, path: str, params: Params | None = None) -> Document:
    """The document at a path."""
    return _document(api, api.call("GET", path, params=params))


def every(api: Api, path: str, params: Params | None = None) -> Iterator[Document]:
    """Every item of a list, page by page."""
    asked = {**(params or {}), "limit": LARGEST_PAGE}
    while True:
        page = read(api, path, asked)
        items = page.get("items")
        if not isinstance(items, list):
            raise _strange(api)
        yield from (item for item in items if isinstance(item, dict))
        if not page.get("next"):
            return
        asked["cursor"] = str(page["next"])


def create(api: Api, path: str, draft: BaseModel) -> Document:
    """Asks for something new. An answer that was lost on the way is asked for once more, under the same key."""
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    try:
        return _document(api, api.call("POST", path, body=_text(draft), headers=headers))
    except CannotReach as trouble:
        if trouble.never_sent:
            raise
    return _document(api, api.call("POST", path, body=_text(draft), headers=headers))


def change(api: Api, path: str, version: int, draft: BaseModel) -> Document:
    """Changes what is there, if it is still the version that was read."""
    headers: Mapping[str, str] = {"If-Match": f'"{version}"'}
    return _document(api, api.call("PATCH", path, body=_text(draft), headers=headers))


def _text(draft: BaseModel) -> str:
    return draft.model_dump_json(exclude_unset=True)


def _document(api: Api, answer: httpx.Response) -> Document:
    try:
        found = answer.json()
    except ValueError:
        raise _strange(api) from None
    if not isinstance(found, dict):
        raise _strange(api)
    return found


def _strange(api: Api) -> CannotReach:
    return CannotReach(api.server.url, "something answers there, but not as a handover server")
