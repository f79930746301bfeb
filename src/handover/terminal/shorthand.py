"""The short forms an officer types for moods, needs, signs and responses, and what they mean."""

import re
from datetime import datetime, tzinfo
from typing import Any

from handover.schemas.codelists import CodeEntry
from handover.terminal import times
from handover.terminal.tongue import later, t
from handover.terminal.unclear import Unclear, UnknownWord
from handover.terminal.words import Vocabulary, beginning, choices, promise, suggestion, wholly

Fields = dict[str, Any]

NEED_FORM = later("WORD[,MARK…][@TIME][:DETAIL]")
_NEED_EXAMPLE = later("phone,promised@18:00:call to his daughter")
_MARK = re.compile(r"[!,+](?P<mark>[^!,+@:]*)")
_DUE = re.compile(
    r"@ *(?P<time>\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(?::\d\d)?(?:[Zz]|[+-]\d\d:\d\d)?"
    r"|(?:[^\W\d_]+\.? +)?\d{1,2}[:.]?\d\d(?!\d)|(?:[^\W\d_]+ +)+?\d+ ?[^\W\d_]+)"
)
_MOOD_LISTS = {
    "valence": "mood_valence",
    "energy": "mood_energy",
    "not_observed": "not_observed",
    "source": "mood_source",
}
_MOOD_ORDER = (
    ("valence", "not_observed", "energy", "source"),
    ("energy", "valence", "source"),
    ("source", "energy", "valence"),
)


def mood(typed: list[str], words: Vocabulary) -> Fields | None:
    """`low`, `low/slow`, `/restless`, `asleep`; a third part may say where it comes from: `low/slow/says so`."""
    if not typed:
        return None
    fields: Fields = {}
    for position, part in enumerate(part.strip() for given in typed for part in given.split("/")):
        if part:
            kind, entry = _mood_word(part, _MOOD_ORDER[min(position, 2)], words)
            if kind in fields:
                raise Unclear(
                    t(
                        "--mood {typed!r} has two words for one thing; say it once, as in low/slow.",
                        typed="/".join(typed),
                    )
                )
            fields[kind] = int(entry.code) if kind in ("valence", "energy") else entry.code
    if not fields:
        raise Unclear(t("--mood is empty; say it as in low, low/slow, /restless or asleep."))
    if "not_observed" in fields and len(fields) > 1:
        raise Unclear(t("--mood: who was asleep, away or not seen has no mood to write down; leave out the rest."))
    if fields.keys() == {"source"}:
        raise Unclear(
            t("--mood: that says where it comes from, but not how the person is; begin with a word like low.")
        )
    return fields


def need(typed: str, words: Vocabulary, now: datetime, zone: tzinfo | None) -> Fields:
    """`phone`, `phone!promised`, `phone!promised!now@18:00:call to his daughter`."""
    word, rest = _head(typed, "!,+@:")
    if not word:
        raise Unclear(
            t(
                "--need {typed!r}: write it as {form}, e.g. '{example}'.",
                typed=typed,
                form=t(NEED_FORM),
                example=t(_NEED_EXAMPLE),
            )
        )
    fields: Fields = {"code": words.code("needs", word, "--need")}
    while rest and not rest.startswith(":"):
        if found := _DUE.match(rest):
            fields["due_at"] = times.coming(found["time"], now, zone, f"--need {word}@")
        elif found := _MARK.match(rest):
            given = promise()
            code = words.code("urgency", found["mark"].strip() or given.code, f"--need {word}!", given)
            fields |= {"promised": True} if code == given.code else {"urgency": code}
        else:
            raise Unclear(
                t(
                    "--need {typed!r}: cannot read {rest!r}; write it as {form}, e.g. '{example}'.",
                    typed=typed,
                    rest=rest,
                    form=t(NEED_FORM),
                    example=t(_NEED_EXAMPLE),
                )
            )
        rest = rest[found.end() :].lstrip()
    if detail := rest.removeprefix(":").strip():
        fields["detail"] = detail
    return fields


def sign(typed: str, words: Vocabulary) -> Fields:
    """`withdrawn`, `withdrawn:new`."""
    word, trend = _pair(typed, "--sign", "withdrawn:new")
    fields = {"code": words.code("indicators", word, "--sign")}
    return fields | {"trend": words.code("trends", trend, f"--sign {word}:")} if trend else fields


def response(typed: str, words: Vocabulary) -> Fields:
    """`listened`, `listened=helped`."""
    word, effect = _pair(typed, "--did", "listened=helped")
    fields = {"code": words.code("responses", word, "--did")}
    return fields | {"effect": words.code("effects", effect, f"--did {word}=")} if effect else fields


def _mood_word(part: str, order: tuple[str, ...], words: Vocabulary) -> tuple[str, CodeEntry]:
    """What one word of a mood says. A whole word counts by where it stands; the beginning of one must fit one code."""
    entries = {kind: words.entries(_MOOD_LISTS[kind]) for kind in order}
    for kind in order:
        if len(found := wholly(entries[kind], part)) == 1:
            return kind, found[0]
    begun = [(kind, entry) for kind in order for entry in beginning(entries[kind], part)]
    if len(begun) == 1:
        return begun[0]
    if begun:
        raise Unclear(
            t(
                "{option} {typed!r} could be several. Which?\n{choices}",
                option="--mood",
                typed=part,
                choices=choices(entry for _, entry in begun),
            )
        )
    every = [entry for kind in order for entry in entries[kind]]
    raise UnknownWord(
        t(
            "--mood {part!r} is not a word for a mood. {suggestion}",
            part=part,
            suggestion=suggestion(every, part, "--mood"),
        )
    )


def _head(typed: str, ends: str) -> tuple[str, str]:
    at = min((typed.index(end) for end in ends if end in typed), default=len(typed))
    return typed[:at].strip(), typed[at:]


def _pair(typed: str, option: str, example: str) -> tuple[str, str]:
    word, rest = _head(typed, ":=")
    if not word or (rest and not rest[1:].strip()):
        raise Unclear(
            t("{option} {typed!r}: write a word, or two as in {example}.", option=option, typed=typed, example=example)
        )
    return word, rest[1:].strip()
