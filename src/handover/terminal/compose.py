"""A note from what was typed: options become fields, and what cannot be a note is said in the options' own names."""

from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any

from pydantic import ValidationError

from handover.schemas.accounts import Me
from handover.schemas.common import fault
from handover.schemas.notes import NoteDraft
from handover.terminal import shorthand, times
from handover.terminal.unclear import Unclear
from handover.terminal.words import Vocabulary

BASES = {
    "--saw": "SAW",
    "--heard": "HEARD",
    "--told-by-person": "TOLD_BY_PERSON",
    "--told-by-prisoner": "TOLD_BY_PRISONER",
    "--told-by-staff": "TOLD_BY_STAFF",
    "--told-by-family": "TOLD_BY_FAMILY",
    "--told-by-outside": "TOLD_BY_OUTSIDE",
    "--from-record": "FROM_RECORD",
    "--inferred": "INFERRED",
}

_OPTIONS = {
    "inmate": "INMATE",
    "establishment": "--establishment",
    "unit": "--unit",
    "occurred_at": "--at",
    "late_reason": "--late-reason",
    "basis": "--saw (or another way you know)",
    "fact": "what you saw, heard or were told",
    "opinion": "--think",
    "confidence": "--sure",
    "mood": "--mood",
    "change": "--change",
    "indicators": "--sign",
    "needs": "--need",
    "responses": "--did",
    "attention": "--watch or --act-now",
    "attention_until": "--until",
    "if_then": "--if-then",
    "place": "--place",
    "handling": "--handling",
    "about_incident": "--incident",
}


@dataclass(frozen=True, slots=True)
class Typed:
    """What an officer typed, option by option, as it came: each as often as it was given."""

    inmate: str | None = None
    basis: list[tuple[str, str]] = field(default_factory=list)
    """The options that say how one knows, and their text."""
    basis_word: list[str] = field(default_factory=list)
    fact: list[str] = field(default_factory=list)
    think: list[str] = field(default_factory=list)
    sure: list[str] = field(default_factory=list)
    mood: list[str] = field(default_factory=list)
    change: list[str] = field(default_factory=list)
    sign: list[str] = field(default_factory=list)
    need: list[str] = field(default_factory=list)
    did: list[str] = field(default_factory=list)
    opening: bool = False
    watch: bool = False
    act_now: bool = False
    until: list[str] = field(default_factory=list)
    if_then: list[str] = field(default_factory=list)
    place: list[str] = field(default_factory=list)
    handling: list[str] = field(default_factory=list)
    at: list[str] = field(default_factory=list)
    late_reason: list[str] = field(default_factory=list)
    establishment: list[str] = field(default_factory=list)
    unit: list[str] = field(default_factory=list)
    incident: bool = False


def compose(typed: Typed, words: Vocabulary, me: Me, now: datetime, zone: tzinfo | None) -> NoteDraft:
    """The note; raises Unclear with what to type instead."""
    basis, fact = _basis(typed, words)
    establishment, unit = _where(typed, me)
    until, at = _once("--until", typed.until), _once("--at", typed.at)
    fields: dict[str, Any] = {
        "inmate": _number(typed.inmate),
        "establishment": establishment,
        "unit": unit,
        "basis": basis,
        "fact": fact,
        "opinion": _once("--think", typed.think),
        "confidence": _code(words, "confidence", "--sure", typed.sure),
        "mood": shorthand.mood(typed.mood, words),
        "change": _code(words, "change", "--change", typed.change),
        "indicators": [shorthand.sign(one, words) for one in typed.sign],
        "needs": [shorthand.need(one, words, now, zone) for one in typed.need],
        "responses": [shorthand.response(one, words) for one in typed.did],
        "opening": typed.opening or None,
        "attention": _attention(typed),
        "attention_until": times.coming(until, now, zone, "--until") if until else None,
        "if_then": _once("--if-then", typed.if_then),
        "place": _code(words, "place", "--place", typed.place),
        "handling": _code(words, "handling", "--handling", typed.handling),
        "occurred_at": times.past(at, now, zone) if at else None,
        "late_reason": _once("--late-reason", typed.late_reason),
        "about_incident": typed.incident or None,
    }
    _makes_sense(fields)
    try:
        return NoteDraft.model_validate({name: value for name, value in fields.items() if value not in (None, [])})
    except ValidationError as error:
        raise Unclear("\n".join(_in_options(one["loc"], fault(one)) for one in error.errors())) from None


def option_for(pointer: str) -> str:
    """The option that a JSON pointer into the note belongs to, e.g. `/needs/1/code` → `--need (the 2nd)`."""
    parts = pointer.strip("/").split("/")
    option = _OPTIONS.get(parts[0], pointer or "the note")
    if len(parts) > 1 and parts[1].isdigit():
        return f"{option} no. {int(parts[1]) + 1}"
    return option


def _basis(typed: Typed, words: Vocabulary) -> tuple[str, str | None]:
    given = [option for option, _ in typed.basis] + ["--basis"] * len(typed.basis_word)
    if not given:
        raise Unclear("Say how you know: --saw, --heard, --told-by-person TEXT, … ('' where the rest says it all).")
    if len(given) > 1:
        raise Unclear(f"One note has one source, but {' and '.join(given)} were given. Write a note for each.")
    if typed.basis_word:
        return words.code("basis", typed.basis_word[0], "--basis"), _once("--fact", typed.fact)
    if typed.fact:
        raise Unclear(f"Put what happened after {given[0]}, or use --basis WORD together with --fact TEXT.")
    option, text = typed.basis[0]
    return BASES[option], text.strip() or None


def _where(typed: Typed, me: Me) -> tuple[str | None, str | None]:
    establishment, unit = _once("--establishment", typed.establishment), _once("--unit", typed.unit)
    if typed.inmate is None and unit is None:
        raise Unclear("Whom is it about? Give the person's number, or --unit for a note about the wing.")
    places = [posting for posting in me.postings if establishment is None or posting.establishment == establishment]
    known = [(place.establishment, one) for place in places for one in place.units]
    fitting = [(place, one) for place, one in known if unit is not None and one.casefold() == unit.casefold()]
    if len(fitting) != 1:
        # Not every role is bound to units, so an unknown one is for the server to judge.
        return establishment, unit
    return (establishment or (fitting[0][0] if typed.inmate is None else None)), fitting[0][1]


def _attention(typed: Typed) -> str | None:
    if typed.watch and typed.act_now:
        raise Unclear("Give --watch or --act-now, not both.")
    if typed.until and not (typed.watch or typed.act_now):
        raise Unclear("--until says how long attention lasts; give --watch or --act-now with it.")
    return "ACT_NOW" if typed.act_now else "WATCH" if typed.watch else None


def _makes_sense(fields: dict[str, Any]) -> None:
    says = ("mood", "change", "indicators", "needs", "responses", "fact")
    if not any(fields[name] for name in says):
        raise Unclear("A note says something: write what you saw, or give --mood, --change, --sign, --need or --did.")
    if fields["confidence"] and not fields["opinion"]:
        raise Unclear("--sure goes with --think: how sure you are of your opinion.")
    if fields["inmate"] is None and (fields["mood"] or fields["change"]):
        raise Unclear(
            "--mood and --change are about one person; give the number, or leave them out of a note on the wing."
        )


def _number(typed: str | None) -> str | None:
    # Numbers are printed in capitals and typed as fingers fall; mixed ones are left as they are, somebody meant that.
    return typed.upper() if typed is not None and typed == typed.lower() else typed


def _once(option: str, given: list[str]) -> str | None:
    if len(given) > 1:
        raise Unclear(f"{option} was given {len(given)} times; a note has it once, so put it together.")
    return (given[0].strip() or None) if given else None


def _code(words: Vocabulary, name: str, option: str, given: list[str]) -> str | None:
    word = _once(option, given)
    return words.code(name, word, option) if word else None


def _in_options(where: tuple[int | str, ...], said: str) -> str:
    return f"{option_for('/' + '/'.join(map(str, where)))}: {said}"
