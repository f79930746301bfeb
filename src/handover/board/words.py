"""The words of the pages in other languages (`locale/*.po`), as the page's script reads them.
English is in the pages themselves; a language is offered only where it is whole."""

from functools import cache

import orjson

from handover import languages
from handover.languages import ENGLISH, Catalogue

_TABLE = 200
"""No plural rule looks at more than a number's last two digits: so many numbers say it all."""


def offered() -> list[str]:
    """The languages beside English."""
    return languages.offered("handover.board")


@cache
def of(language: str) -> Catalogue:
    """What is said in a language; nothing of English, which is what the messages are in."""
    return Catalogue({}) if language == ENGLISH else languages.catalogue("handover.board", language)


def as_script(catalogue: Catalogue) -> bytes:
    """A catalogue as JSON: `messages` by English words, and `forms`, which of them each number takes."""
    forms = [catalogue.form(number) for number in range(_TABLE)]
    return orjson.dumps({"messages": catalogue.messages, "forms": forms})
