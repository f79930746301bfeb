"""Languages: gettext's catalogues as translators write them (`.po`), and which language a reader asks for.

English is in the code itself; a catalogue is found by the English words.
"""

import re
from ast import literal_eval
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from gettext import c2py
from importlib.resources import files
from unicodedata import normalize

ENGLISH = "en"
_LINE = re.compile(r'(msgid_plural|msgid|msgstr(?:\[(\d)\])?)?\s*(".*")')
_PLURAL = re.compile(r"nplurals\s*=\s*(\d)\s*;\s*plural\s*=\s*([^;\n]+)")


def folded(text: str) -> str:
    """A text as it is searched, and what is sought in it: in small letters, each with its accents in one (NFC). NFKC
    would make other text of some (1⁄2 of ½), and what was kept before this would not be found by it."""
    return normalize("NFC", text.casefold())


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What is said in a language, by the English words: as many forms as the language has where a number decides."""

    messages: Mapping[str, tuple[str, ...]]
    forms: int = 2
    form: Callable[[int], int] = lambda number: int(number != 1)
    """Which of the forms a number takes."""

    def one(self, message: str) -> str:
        """The message in this language; in English where it is not there."""
        return self.messages.get(message, (message,))[0]

    def many(self, one: str, many: str, number: int) -> str:
        """The message for so many of them; the numbers themselves are the caller's to fill in."""
        return self.messages[one][self.form(number)] if one in self.messages else (one if number == 1 else many)


def parse(po: str) -> Catalogue:
    """A catalogue as it is written. What is marked as a guess (fuzzy), or not translated, is left out."""
    messages: dict[str, tuple[str, ...]] = {}
    for block in re.split(r"\n\s*\n", po):
        entry = _entry(block)
        said = tuple(entry[key] for key in sorted(entry) if key.startswith("msgstr"))
        if "msgid" in entry and said and all(said):
            messages[entry["msgid"]] = said
    rule = _PLURAL.search(messages.pop("", ("",))[0])
    return Catalogue(messages, int(rule[1]), c2py(rule[2].strip())) if rule else Catalogue(messages)


def _entry(block: str) -> dict[str, str]:
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


def offered(package: str) -> list[str]:
    """The languages there are in a package's folder `locale`."""
    found = (one.name for one in (files(package) / "locale").iterdir())
    return sorted(name.removesuffix(".po") for name in found if name.endswith(".po"))


def catalogue(package: str, language: str) -> Catalogue:
    """One of them."""
    return parse((files(package) / "locale" / f"{language}.po").read_text("utf-8"))


def best(accept: str, offered: frozenset[str]) -> str:
    """The language asked for first (`Accept-Language`) of those there are; English else."""
    asked = []
    for place, part in enumerate(accept.split(",")[:20]):
        name, _, weight = part.replace(" ", "").partition(";q=")
        try:
            asked.append((-float(weight or 1), place, name.split("-")[0].lower()))
        except ValueError:
            continue
    known = offered | {ENGLISH}
    return next((name for weight, _, name in sorted(asked) if weight and name in known), ENGLISH)
