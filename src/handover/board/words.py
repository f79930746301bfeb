"""The words of the pages in other languages: gettext's catalogues (`locale/*.po`), as the page's script reads them.
English is in the pages themselves; a language is offered only where it is whole."""

import re
from ast import literal_eval
from gettext import c2py
from importlib.resources import files

import orjson

_LINE = re.compile(r'(msgid_plural|msgid|msgstr(?:\[(\d)\])?)?\s*(".*")')
_PLURAL = re.compile(r"plural\s*=\s*([^;\n]+)")
_TABLE = 200
"""No plural rule looks at more than a number's last two digits: so many numbers say it all."""


def catalogue(po: str) -> bytes:
    """A catalogue as JSON: `messages` by English words, and `forms`, which of them each number takes."""
    messages: dict[str, list[str]] = {}
    for block in re.split(r"\n\s*\n", po):
        entry = _entry(block)
        if entry.get("msgid") is not None and "msgstr0" in entry:
            messages[entry["msgid"]] = [entry[key] for key in sorted(entry) if key.startswith("msgstr")]
    header = messages.pop("", [""])[0]
    rule = _PLURAL.search(header)
    form = c2py(rule[1].strip() if rule else "n != 1")
    return orjson.dumps({"messages": messages, "forms": [form(number) for number in range(_TABLE)]})


def _entry(block: str) -> dict[str, str]:
    """What one entry says. One that is marked as a guess (fuzzy) says nothing."""
    entry: dict[str, str] = {}
    key = ""
    for line in block.splitlines():
        if line.startswith("#,") and "fuzzy" in line:
            return {}
        found = _LINE.fullmatch(line.strip())
        if found is None:
            continue
        if found[1]:
            key = f"msgstr{found[2] or 0}" if found[1].startswith("msgstr") else found[1]
        entry[key] = entry.get(key, "") + literal_eval(found[3])
    return entry


def shipped() -> dict[str, bytes]:
    """The catalogues that come with this release, by language."""
    folder = files("handover.board") / "locale"
    return {
        one.name.removesuffix(".po"): catalogue(one.read_text("utf-8"))
        for one in folder.iterdir()
        if one.name.endswith(".po")
    }


def best(accept: str, offered: frozenset[str]) -> str:
    """The language a browser asks for first (`Accept-Language`) of those there are; English else."""
    asked = []
    for place, part in enumerate(accept.split(",")[:20]):
        name, _, weight = part.strip().partition(";q=")
        try:
            asked.append((-float(weight or 1), place, name.split("-")[0].lower()))
        except ValueError:
            continue
    known = offered | {"en"}
    return next((name for _, _, name in sorted(asked) if name in known), "en")
