"""Code lists as answered."""

from collections.abc import Iterable
from dataclasses import asdict
from hashlib import sha256

import orjson

from handover.domain.codelists import CodeList, translated, translations
from handover.errors import NotFound
from handover.languages import best
from handover.services.unit_of_work import as_json


def language_for(accept: str) -> str:
    """The language the lists are told in, by what the reader accepts (`Accept-Language`)."""
    return best(accept, frozenset(translations()))


def _one(one: CodeList, language: str) -> dict[str, object]:
    told = translated(one, language)
    return {
        "name": told.name,
        "title": told.title,
        "version": told.version,
        "items": [asdict(entry) for entry in told.entries],
    }


def all_of(lists: Iterable[CodeList], language: str) -> tuple[str, str]:
    """All lists, and a tag that changes when any of them does, and with the language."""
    text = as_json({"items": [_one(one, language) for one in lists], "next": None})
    return text, _tag(text)


def named(lists: Iterable[CodeList], name: str, language: str) -> tuple[str, str]:
    """One list, and a tag that changes when it does, and with the language."""
    for one in lists:
        if one.name == name:
            text = as_json(_one(one, language))
            return text, _tag(text)
    raise NotFound("No such code list; see /v1/codelists.")


def _tag(text: str) -> str:
    return sha256(orjson.dumps(text)).hexdigest()[:16]
