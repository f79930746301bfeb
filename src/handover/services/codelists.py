"""Code lists as answered."""

from collections.abc import Iterable
from dataclasses import asdict
from hashlib import sha256

import orjson

from handover.domain.codelists import CodeList
from handover.errors import NotFound
from handover.services.unit_of_work import as_json


def _one(one: CodeList) -> dict[str, object]:
    return {
        "name": one.name,
        "title": one.title,
        "version": one.version,
        "items": [asdict(entry) for entry in one.entries],
    }


def all_of(lists: Iterable[CodeList]) -> tuple[str, str]:
    """All lists, and a tag that changes when any of them does."""
    text = as_json({"items": [_one(one) for one in lists], "next": None})
    return text, _tag(text)


def named(lists: Iterable[CodeList], name: str) -> tuple[str, str]:
    """One list, and a tag that changes when it does."""
    for one in lists:
        if one.name == name:
            text = as_json(_one(one))
            return text, _tag(text)
    raise NotFound("No such code list; see /v1/codelists.")


def _tag(text: str) -> str:
    return sha256(orjson.dumps(text)).hexdigest()[:16]
