"""Who is meant: a person by number, name or cell, as an officer would say it."""

from collections.abc import Collection, Mapping

from handover.client.resources import Document, every
from handover.terminal.desk import Desk
from handover.terminal.unclear import Unclear
from handover.terminal.words import said


def person_meant(here: Desk, typed: str, option: str, among: Collection[object] = ()) -> Document:
    """The one person on the roster whom this can mean, of several the one `among` these numbers; raises Unclear with
    the nearest."""
    found = list(every(here.api, "/v1/inmates", {"q": typed.strip()})) if typed.strip() else []
    word = said(typed)
    wholly = [one for one in found if word in _words(one)]
    fitting = wholly or found
    fitting = [one for one in fitting if one.get("number") in among] or fitting
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        lines = "\n".join(f"  {one.get('number'):<12} {called(one)}" for one in fitting[:8])
        more = f"\n  … and {len(fitting) - 8} more" if len(fitting) > 8 else ""
        raise Unclear(f"{option} {typed!r} could be several people. Whom?\n{lines}{more}")
    raise Unclear(f"{option} {typed!r}: nobody on your roster has that number, name or cell.")


def fits(one: Mapping[str, object], typed: str) -> bool:
    """Whether a person's number, name, surname or cell is this."""
    return said(typed) in _words(one)


def called(one: Mapping[str, object]) -> str:
    """`Weir, J. (A1-07)`."""
    return f"{one.get('name')} ({one['cell']})" if one.get("cell") else str(one.get("name"))


def _words(one: Mapping[str, object]) -> set[str]:
    name = str(one.get("name") or "")
    number = one.get("number") or one.get("inmate")
    words = (number, name, name.partition(",")[0], one.get("cell"))
    return {said(str(word)) for word in words if word}


def names_on(here: Desk, establishment: str | None, unit: str | None) -> dict[str, str]:
    """Number → name and cell, of everybody in a unit or prison."""
    found = every(here.api, "/v1/inmates", {"establishment": establishment, "unit": unit})
    return {str(one.get("number")): called(one) for one in found}
