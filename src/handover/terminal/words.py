"""From an officer's words to codes: checked against the lists, completed where only one is meant, never guessed."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from handover.languages import ENGLISH
from handover.schemas.codelists import CodeEntry, CodeList
from handover.terminal import tongue
from handover.terminal.tongue import later, t
from handover.terminal.unclear import Unclear, UnknownWord

_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,39}")
_SHORTEST_START = 2
_SHORT = 4
_BARE = str.maketrans("łøđı", "lodi")
"""Letters whose stroke or missing dot is no accent that can be taken off."""


def _fixed(codes: Iterable[str], labels: Iterable[str]) -> list[CodeEntry]:
    return [
        CodeEntry(code=code, label=word, anchor="", group=None, words=[word], forces=None, version=0, active=True)
        for code, word in ((code, t(label)) for code, label in zip(codes, labels, strict=True))
    ]


_FIXED: dict[str, tuple[Sequence[str], Sequence[str]]] = {
    "mood_valence": (
        ("-2", "-1", "0", "1", "2"),
        (later("very low"), later("low"), later("ordinary"), later("good"), later("very good")),
    ),
    "mood_energy": (
        ("0", "1", "2", "3", "4"),
        (later("shut down"), later("slow"), later("ordinary"), later("restless"), later("out of control")),
    ),
    "not_observed": (("ASLEEP", "AWAY", "NOT_SEEN"), (later("asleep"), later("away"), later("not seen"))),
}


def promise() -> CodeEntry:
    """The one mark on a need that is no urgency."""
    word, anchor = t("promised"), t("somebody gave his or her word")
    names = [word, "promise", "p"]
    return CodeEntry(
        code="PROMISED", label=word, anchor=anchor, group=None, words=names, forces=None, version=0, active=True
    )


@dataclass(slots=True)
class Vocabulary:
    """The code lists as they are known here, and which words had to be taken unchecked because a list is not."""

    lists: dict[str, CodeList]
    unchecked: list[str] = field(default_factory=list)

    def code(self, name: str, typed: str, option: str, *beside: CodeEntry) -> str:
        """The code that a word means in a list, or `beside` it; raises Unclear with the nearest that could be meant."""
        entries = [*self.entries(name), *beside]
        if name not in self.lists and not wholly(beside, typed):
            return self._unchecked(typed, option)
        found = matches(entries, typed)
        if len(found) == 1:
            return found[0].code
        if found:
            raise Unclear(
                t(
                    "{option} {typed!r} could be several. Which?\n{choices}",
                    option=option,
                    typed=typed,
                    choices=choices(found),
                )
            )
        raise UnknownWord(self._unknown(name, typed, option, entries))

    def entries(self, name: str) -> list[CodeEntry]:
        """The codes of a list that are in use; where no list was ever served, what the contract itself fixes."""
        if name in self.lists:
            return [entry for entry in self.lists[name].items if entry.active]
        return _fixed(*_FIXED.get(name, ((), ())))

    def _unchecked(self, typed: str, option: str) -> str:
        code = re.sub(r"[^A-Z0-9]+", "_", typed.strip().upper().replace("'", "")).strip("_")
        if not _CODE.fullmatch(code):
            raise Unclear(
                t(
                    "{option} {typed!r} cannot be a code, and there are no code lists here yet to look in.",
                    option=option,
                    typed=typed,
                )
            )
        self.unchecked.append(f"{option} {code}")
        return code

    def _unknown(self, name: str, typed: str, option: str, entries: Sequence[CodeEntry]) -> str:
        retired = [entry for entry in self.lists[name].items if not entry.active and said(typed) in _names(entry)]
        if retired:
            return t(
                "{option} {typed!r} is no longer used. See them all: handover post --words {option_word}",
                option=option,
                typed=typed,
                option_word=option_word(option),
            )
        asked = t(
            "{option} {typed!r} is not in the list “{title}”.", option=option, typed=typed, title=self.lists[name].title
        )
        return f"{asked} {suggestion(entries, typed, option)}"


def suggestion(entries: Sequence[CodeEntry], typed: str, option: str) -> str:
    """What to type instead."""
    near = nearest(entries, typed) or (entries if len(entries) <= 6 else ())
    if not near:
        return t("See them all: handover post --words {option_word}", option_word=option_word(option))
    return f"{t('Did you mean:')}\n{choices(near)}"


def matches(entries: Sequence[CodeEntry], typed: str) -> list[CodeEntry]:
    """Codes a word can mean: as a whole; failing that, by how one of their words begins."""
    return wholly(entries, typed) or beginning(entries, typed)


def wholly(entries: Sequence[CodeEntry], typed: str) -> list[CodeEntry]:
    """Codes whose code, label or word this is."""
    exact = [entry for entry in entries if entry.code == typed.strip().replace("−", "-")]
    return exact or [entry for entry in entries if said(typed) in _names(entry)]


def beginning(entries: Sequence[CodeEntry], typed: str) -> list[CodeEntry]:
    """Codes of which a word begins like this. One letter is too little: the neighbour key would mean something else."""
    word = said(typed)
    if len(word) < _SHORTEST_START:
        return []
    return [entry for entry in entries if any(name.startswith(word) for name in _names(entry))]


def nearest(entries: Sequence[CodeEntry], typed: str, most: int = 3) -> list[CodeEntry]:
    """The codes whose words look most like what was typed. A short word looks like many."""
    cutoff = 0.6 if len(said(typed)) > _SHORT else 0.7
    owners = {name: entry for entry in entries for name in _names(entry)}
    near = [owners[name] for name in get_close_matches(said(typed), owners, n=most * 3, cutoff=cutoff)]
    return list({entry.code: entry for entry in near}.values())[:most]


def said(typed: str) -> str:
    """A word as it is compared: case, accents, spaces, hyphens, underscores and apostrophes make no difference."""
    bare = unicodedata.normalize("NFKD", typed.casefold()).translate(_BARE)
    plain = "".join(one for one in bare if not unicodedata.combining(one))
    return re.sub(r"[\s_\-]+", " ", re.sub("['’‘`]", "", plain)).strip()


def handy(entry: CodeEntry) -> str:
    """The shortest way to type a code without quotes."""
    word = entry.words[0] if _is_number(entry.code) and entry.words else entry.code
    if tongue.language() != ENGLISH and not re.search(r"[!,+@:=/]", entry.label):
        word = entry.label  # the code is an English word
    return re.sub(r"[\s_]+", "-", re.sub("['’]", "", word).casefold())


def option_word(option: str) -> str:
    """The name of an option without its dashes."""
    return option.lstrip("-")


def _names(entry: CodeEntry) -> set[str]:
    code = set() if _is_number(entry.code) else {said(entry.code)}
    return code | {said(entry.label)} | {said(word) for word in entry.words}


def _is_number(code: str) -> bool:
    return code.lstrip("-").isdigit()


def choices(entries: Iterable[CodeEntry]) -> str:
    """A line for each code: what to type, and when to use it."""
    return "\n".join(f"  {handy(entry):<20} {entry.label}: {entry.anchor}" for entry in entries)
