"""Which unit is meant: whoever has exactly one never has to name it."""

from dataclasses import dataclass
from difflib import get_close_matches

from handover.client.refusals import ServerRefused
from handover.client.resources import read
from handover.schemas.accounts import Me
from handover.terminal.desk import Desk
from handover.terminal.tongue import t
from handover.terminal.unclear import Unclear
from handover.terminal.words import said

_OPTION = "--unit"


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit and the name people call it by."""

    establishment: str
    code: str
    name: str


def unit_meant(here: Desk, typed: str | None, establishment: str | None) -> Unit:
    """The unit that is named by its code or name; the own one where there is only one. Raises Unclear."""
    me = here.login.me
    places = _places(me, establishment)
    if typed is None:
        mine = own_units(me, establishment)
        if len(mine) != 1:
            raise Unclear(_which(mine))
        place, code = mine[0]
        return _named(_units(here, place), place, code)
    known = [unit for place in places for unit in _units(here, place)]
    exact = [unit for unit in known if unit.code == typed]
    found = exact or [unit for unit in known if said(typed) in (said(unit.code), said(unit.name))]
    if len(found) == 1:
        return found[0]
    if found:
        raise Unclear(
            t(
                "There is a unit {typed} in {places}: add --establishment.",
                typed=typed,
                places=_listed([u.establishment for u in found]),
            )
        )
    if not known:
        # Not everybody may read the list of units; then an unknown one is for the server to judge.
        return Unit(places[0], typed, t("unit {unit}", unit=typed))
    raise Unclear(_no_such(typed, known))


def units_meant(here: Desk, typed: str | None, establishment: str | None) -> list[tuple[str, str]]:
    """The unit that is named, else one's own units, each with its establishment. Raises Unclear."""
    if typed is None and (mine := own_units(here.login.me, establishment)):
        return mine
    one = unit_meant(here, typed, establishment)
    return [(one.establishment, one.code)]


def own_units(me: Me, establishment: str | None) -> list[tuple[str, str]]:
    """The units one is posted to, each with its establishment."""
    return [
        (posting.establishment, unit)
        for posting in me.postings
        for unit in posting.units
        if establishment is None or posting.establishment.casefold() == establishment.casefold()
    ]


def name_of_unit(here: Desk, establishment: str, code: str) -> str:
    """What people call a unit."""
    return _named(_units(here, establishment), establishment, code).name


def _places(me: Me, establishment: str | None) -> list[str]:
    if establishment is None:
        if not me.establishments:
            raise Unclear(t("You belong to no prison here, so there is no unit of yours."))
        return list(me.establishments)
    fitting = [code for code in me.establishments if code.casefold() == establishment.casefold()]
    if not fitting:
        raise Unclear(
            t(
                "--establishment {establishment!r} is not one of yours: {establishments}.",
                establishment=establishment,
                establishments=_listed(me.establishments),
            )
        )
    return fitting


def _units(here: Desk, establishment: str) -> list[Unit]:
    try:
        found = read(here.api, f"/v1/establishments/{establishment}")
    except ServerRefused:
        return []
    return [Unit(establishment, str(one.get("code")), str(one.get("name"))) for one in found.get("units") or []]


def _named(known: list[Unit], establishment: str, code: str) -> Unit:
    unit = Unit(establishment, code, t("unit {unit}", unit=code))
    return next((one for one in known if one.code == code), unit)


def _which(mine: list[tuple[str, str]]) -> str:
    if not mine:
        return t("You are not posted to one unit, so say which: {option} A", option=_OPTION)
    several = len({place for place, _ in mine}) > 1
    names = [f"{place} {unit}" if several else unit for place, unit in mine]
    example = f"{_OPTION} {mine[0][1]}" + (" --establishment CODE" if several else "")
    return t("You have {units}. Say which: {example}", units=_listed(names), example=example)


def _no_such(typed: str, known: list[Unit]) -> str:
    words = {said(word): unit for unit in known for word in (unit.code, unit.name)}
    near = {words[word].code: words[word] for word in get_close_matches(said(typed), words, n=3, cutoff=0.5)}
    choose = list(near.values()) or known
    lines = "\n".join(f"  {unit.code:<8} {unit.name}" for unit in choose)
    no = t("{option} {typed!r}: there is no such unit.", option=_OPTION, typed=typed)
    return f"{no} {t('Did you mean:') if near else t('There are:')}\n{lines}"


def _listed(words: list[str]) -> str:
    return (
        t("{several} and {last}", several=", ".join(words[:-1]), last=words[-1]) if len(words) > 1 else "".join(words)
    )
