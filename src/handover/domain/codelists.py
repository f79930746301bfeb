"""Code lists as values: looking a code up, and saying what was probably meant where it is not there.

The lists themselves are data (`codelists/*.toml`), synced into the store at start and served from there. What the codes
are called in other languages is data beside them (`codelists/labels/*.toml`), put in when they are served.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any
from unicodedata import normalize

from handover.errors import FieldError


@dataclass(frozen=True, slots=True)
class Entry:
    """One code, its label, and the behaviour that tells when to use it."""

    code: str
    label: str
    anchor: str
    group: str | None = None
    words: tuple[str, ...] = ()
    forces: str | None = None
    version: int = 1
    active: bool = True


@dataclass(frozen=True, slots=True)
class CodeList:
    """A list of codes, in the order officers see them."""

    name: str
    title: str
    version: int
    entries: tuple[Entry, ...]


class Lists(dict[str, Mapping[str, Entry]]):
    """Code lists by name, each by code: what a decision needs of them. `used`: all that may be written now, each code
    with its list, and nothing. `forcing`: the indicators with which somebody must act now."""

    def __init__(self, lists: Mapping[str, Mapping[str, Entry]]) -> None:
        super().__init__(lists)
        self.used: frozenset[tuple[str, str | None]] = frozenset(
            (name, code)
            for name, entries in lists.items()
            for code in (None, *(code for code, entry in entries.items() if entry.active))
        )
        self.forcing = frozenset(
            code for code, entry in lists.get("indicators", {}).items() if entry.forces == "ACT_NOW"
        )


def by_code(lists: tuple[CodeList, ...]) -> Lists:
    """The lists as decisions use them."""
    return Lists({one.name: {entry.code: entry for entry in one.entries} for one in lists})


@cache
def shipped() -> tuple[CodeList, ...]:
    """The lists this release comes with."""
    folder = files("handover.domain") / "codelists"
    sources = sorted(p.name for p in folder.iterdir() if p.name.endswith(".toml"))
    return tuple(_parse((folder / name).read_text("utf-8")) for name in sources)


def _parse(text: str) -> CodeList:
    raw = tomllib.loads(text)
    entries = tuple(
        Entry(
            code=item["code"],
            label=item["label"],
            anchor=item["anchor"],
            group=item.get("group"),
            words=tuple(item.get("words", ())),
            forces=item.get("forces"),
            version=item.get("version", raw["version"]),
            active=item.get("active", True),
        )
        for item in raw["codes"]
    )
    return CodeList(raw["name"], raw["title"], raw["version"], entries)


@cache
def translations() -> Mapping[str, Mapping[str, Any]]:
    """What titles, codes and groups are called in each language but English, by list."""
    folder = files("handover.domain") / "codelists" / "labels"
    sources = sorted(p.name for p in folder.iterdir() if p.name.endswith(".toml"))
    return {name.removesuffix(".toml"): tomllib.loads((folder / name).read_text("utf-8")) for name in sources}


def translated(one: CodeList, language: str) -> CodeList:
    """A list in a language. What has no translation, such as a prison's own code, stays as it is called."""
    told = translations().get(language, {}).get(one.name)
    if told is None:
        return one
    said, groups = told["codes"], told.get("groups", {})
    meant = {typed(word): code for code, entry in said.items() for word in (entry["label"], *entry["words"])}

    def entry(old: Entry) -> Entry:
        new = said.get(old.code)
        if new is None:
            return old
        # Whoever types the English word is understood as well, where it means nothing else.
        kept = [word for word in old.words if typed(word) not in meant]
        words = (*new["words"], *kept)
        return replace(old, label=new["label"], anchor=new["anchor"], group=groups.get(old.group), words=words)

    return replace(one, title=told["title"], entries=tuple(entry(old) for old in one.entries))


def typed(word: str) -> str:
    """A word as quick fingers type it: no accents, no blanks, no capitals."""
    return "".join(letter for letter in normalize("NFD", word.lower()) if letter.isalnum())


def check(lists: Lists, name: str, code: str | None, pointer: str) -> list[FieldError]:
    """Nothing where the code is in use (or absent), else one error that names the nearest codes."""
    if code is None:
        return []
    entries = lists[name]
    entry = entries.get(code)
    if entry is not None and entry.active:
        return []
    if entry is not None:
        return [FieldError(pointer, f"{code} is no longer used; see /v1/codelists/{name}")]
    return [FieldError(pointer, f"{code} is not in the list {name}; {_hint(entries, name, code)}")]


def known(lists: Lists, name: str, code: str | None, pointer: str) -> list[FieldError]:
    """As `check`, but of a code that is only looked for: one that was retired is still found in older notes."""
    return [] if code in lists[name] else check(lists, name, code, pointer)


def _hint(entries: Mapping[str, Entry], name: str, code: str) -> str:
    """The codes that were probably meant: spelt alike, or known by that word."""
    active = [entry for entry in entries.values() if entry.active]
    near = get_close_matches(code, [entry.code for entry in active], n=3, cutoff=0.5)
    near += [entry.code for entry in active if code.replace("_", " ").lower() in entry.words and entry.code not in near]
    return f"did you mean {' or '.join(near)}?" if near else f"see /v1/codelists/{name}"
