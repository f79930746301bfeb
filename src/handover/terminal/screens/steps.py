"""The steps of writing, in the order of a thought: who, how he is, how I know, what happened, what next."""

import re
from dataclasses import dataclass
from typing import Any

from handover.schemas.codelists import CodeEntry
from handover.terminal.phrases import Reader
from handover.terminal.tongue import later, t
from handover.terminal.words import Vocabulary, handy

PICK, MOOD, TEXT, LINE, WORDS, YES = "pick", "mood", "text", "line", "words", "yes"
KEYS = "123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Step:
    """One field."""

    name: str
    label: str
    kind: str
    ask: str
    codes: str = ""
    """The code list."""
    then: str = ""
    """The code list of what may stand behind a word."""
    person: bool = True
    """Whether it only makes sense about a person."""


STEPS = (
    Step("mood", later("mood"), MOOD, later("How is he or she? Down, then across")),
    Step("change", later("compared"), PICK, later("Compared with this person's usual"), "change"),
    Step("basis", later("how I know"), PICK, later("How do you know?"), "basis", person=False),
    Step("fact", later("what happened"), TEXT, later("What happened: what you saw, heard or were told"), person=False),
    Step(
        "opinion",
        later("what I make of it"),
        TEXT,
        later("What you make of it: shown as your opinion, never as fact"),
        person=False,
    ),
    Step("sure", later("how sure"), PICK, later("How sure are you of that?"), "confidence", person=False),
    Step(
        "needs",
        later("what is needed"),
        WORDS,
        later("A need: letters, then ! promised, @18:00 by when, : what exactly"),
        "needs",
        "urgency",
        person=False,
    ),
    Step(
        "did",
        later("what I did"),
        WORDS,
        later("What you did: letters, then = and whether it helped"),
        "responses",
        "effects",
        False,
    ),
    Step(
        "signs",
        later("what I noticed"),
        WORDS,
        later("What you noticed: letters, then : new, more, less"),
        "indicators",
        "trends",
    ),
    Step("attention", later("look out"), PICK, later("Who has to look out for this?"), "attention", person=False),
    Step("if_then", later("if it happens"), LINE, later("What to do if it happens"), person=False),
    Step(
        "opening",
        later("opened up"),
        YES,
        later("Did he or she open up: doubt voiced, help asked, anger put into words?"),
    ),
    Step("place", later("where"), PICK, later("Where was it?"), "place", person=False),
    Step("at", later("when"), LINE, later("When, if not now: 06:40 · yesterday 21:15 · 20m ago"), person=False),
    Step(
        "late_reason",
        later("why only now"),
        LINE,
        later("Why you write it only now, if that is over an hour later"),
        person=False,
    ),
    Step("handling", later("who may read it"), PICK, later("Who may read it?"), "handling", person=False),
    Step("incident", later("the incident"), YES, later("Is it about what is going on in the unit?"), person=False),
)
_NEXT_TO_NOTHING = {"basis": later("— say how you know"), "handling": later("(the unit's staff and its managers)")}


def steps_for(inmate: str | None) -> list[Step]:
    """The steps of a note about a person, or about the wing."""
    return [one for one in STEPS if inmate is not None or not one.person]


def shown(step: Step, typed: dict[str, Any], reader: Reader) -> str:
    """What stands in a field."""
    value = typed.get(step.name)
    if not value:
        return t(_NEXT_TO_NOTHING.get(step.name, ""))
    if step.kind == MOOD:
        return mood_words(value, reader)
    if step.kind == PICK:
        return reader.label(step.codes, value)
    if step.kind == YES:
        return t("yes")
    if step.kind == WORDS:
        return "; ".join(value)
    return str(value).replace("\n", " ")


def mood_words(mood: dict[str, Any], reader: Reader) -> str:
    """`low / slow`."""
    if mood.get("not_observed"):
        return reader.label("not_observed", mood["not_observed"])
    parts = [reader.label(f"mood_{name}", mood[name]) for name in ("valence", "energy") if mood.get(name) is not None]
    return ", ".join([" / ".join(parts), *([t("by own account")] if mood.get("source") == "SELF_REPORTED" else [])])


def entries(step: Step, words: Vocabulary) -> list[CodeEntry]:
    """What can be chosen."""
    return words.entries(step.codes)


def fitting(step: Step, words: Vocabulary, line: str) -> list[tuple[str, CodeEntry]]:
    """What the letters typed so far can become: the whole line, and the code it means."""
    for sign in ("=", ":") if step.name != "needs" else ():
        if sign in line and step.then:
            before, _, begun = line.partition(sign)
            return [(f"{before}{sign}{handy(one)}", one) for one in _begun(words.entries(step.then), begun)]
    if any(sign in line for sign in "!,+@:="):
        return []
    return [(handy(one), one) for one in _begun(words.entries(step.codes), line)]


def whole(step: Step, words: Vocabulary, typed: str) -> str:
    """An entry whose word is written out where its letters begin one code's own name alone."""
    letters = re.split("[!,+@:=]", typed, maxsplit=1)[0]
    low = letters.strip().casefold()
    found = [name for one in entries(step, words) if (name := handy(one)).startswith(low)]
    return found[0] + typed[len(letters) :] if low and len(found) == 1 else typed


def _begun(found: list[CodeEntry], letters: str) -> list[CodeEntry]:
    low = letters.strip().casefold()
    first = [
        one for one in found if any(word.casefold().startswith(low) for word in (handy(one), one.label, *one.words))
    ]
    return first or [one for one in found if low in one.label.casefold()]
