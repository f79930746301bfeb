"""Needs as people read them, and what becomes of a change: somebody may have been quicker, and then it is said who."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from rich.text import Text

from handover.client.refusals import ServerRefused
from handover.client.resources import Document, every, read
from handover.client.resources import change as ask_for
from handover.client.seen import keep_seen, versions_seen
from handover.schemas.needs import NeedChange
from handover.terminal import item_words, people, phrases
from handover.terminal.desk import Desk, name_of
from handover.terminal.handles import handles, meant
from handover.terminal.paging import show_all
from handover.terminal.phrases import Reader
from handover.terminal.speech import Speech, plain
from handover.terminal.tongue import t
from handover.terminal.unclear import Unclear
from handover.terminal.units import own_units, unit_meant

_CLOSED_FOR = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list was narrowed to, as it was typed."""

    unit: str | None
    establishment: str | None
    inmate: str | None
    every: bool


def show(voice: Speech, here: Desk, wanted: Wanted) -> None:
    """Lists needs, those due first, and remembers which version of each was seen."""
    reader = here.reader(here.lists(), wanted.establishment)
    found = list(_found(here, wanted, reader))
    keep_seen(here.server, here.login.username, {one["id"]: one["version"] for one in found})
    if voice.as_json:
        voice.emit({"items": found})
    elif not found:
        voice.say("Nothing is open." if not wanted.every else "There is nothing.")
    else:
        show_all(voice, _lines(here, found, reader))


def change(voice: Speech, here: Desk, typed: str, draft: NeedChange, words: str) -> None:
    """Changes the need that is meant, if it is still as it was seen."""
    need = _meant(here, typed)
    reader = here.reader(here.lists(), need["establishment"])
    seen = versions_seen(here.server, here.login.username).get(need["id"]) or int(need["version"])
    try:
        changed = ask_for(here.api, f"/v1/needs/{need['id']}", seen, draft)
    except ServerRefused as refused:
        if refused.status != 412:
            raise
        raise quicker(here, need["id"], reader) from None
    keep_seen(here.server, here.login.username, {changed["id"]: changed["version"]})
    if voice.as_json:
        voice.emit(changed)
        return
    who = name_of(here.api, changed["inmate"]) if changed["inmate"] else "the wing"
    said = changed["outcome"] or changed["reason"]
    voice.say(f"{words}: {phrases.need(changed, reader)}; {who}." + (f" “{said}”" if said else ""))
    author = changed["opened_by"]
    if changed["status"] != "OPEN" and author["username"] != here.login.username:
        voice.say(f"{author['name']}, who wrote it down, is told.")


def _found(here: Desk, wanted: Wanted, reader: Reader) -> Iterator[Document]:
    status = None if wanted.every else "OPEN"
    if wanted.inmate is not None:
        person = people.person_meant(here, wanted.inmate, "--inmate")
        yield from every(here.api, "/v1/needs", {"inmate": person["number"], "status": status})
        return
    for place, unit in _where(here, wanted):
        for one in every(here.api, "/v1/needs", {"establishment": place, "unit": unit, "status": status}):
            if one["status"] == "OPEN" or _lately(one, reader):
                yield one


def _where(here: Desk, wanted: Wanted) -> Iterable[tuple[str | None, str | None]]:
    """The unit that was named; or one's own units; or, for those who have none, all they may see."""
    if wanted.unit is not None:
        unit = unit_meant(here, wanted.unit, wanted.establishment)
        return [(unit.establishment, unit.code)]
    return own_units(here.login.me, wanted.establishment) or [(wanted.establishment, None)]


def _lately(need: Document, reader: Reader) -> bool:
    return reader.now() - datetime.fromisoformat(need["updated_at"]) < _CLOSED_FOR


def _lines(here: Desk, found: list[Document], reader: Reader) -> Iterator[Text]:
    names: dict[str, str] = {}
    units = dict.fromkeys((one["establishment"], one["unit"]) for one in found)
    for place, unit in units:
        names |= people.names_on(here, place, unit)
    tails = handles(one["id"] for one in found)
    for one in found:
        who = names.get(one["inmate"], str(one["inmate"])) if one["inmate"] else "the wing"
        where = f"{one['unit']}  " if len(units) > 1 else ""
        yield Text.assemble((tails[one["id"]], "bold"), f"  {where}", (plain(who), "bold"))
        yield Text(plain(f"      {item_words.need_line(one, reader)}"))
        if one["status"] != "OPEN":
            said = one["outcome"] or one["reason"]
            status = reader.label("need_status", one["status"])
            yield Text(plain(f"      {status} {reader.time(one['updated_at'])}" + (f": {said}" if said else "")))


def _meant(here: Desk, typed: str) -> Document:
    """The need that a short name, or the name of the person it is for, can only mean."""
    known = {one["id"]: one for one in every(here.api, "/v1/needs", {"status": "OPEN"})}
    found = meant(typed, list(known))
    if len(found) == 1:
        return known[found[0]]
    if found:
        raise Unclear(f"{typed!r} could be several needs: {', '.join(handles(found).values())}. Type more of it.")
    if closed := meant(typed, list(versions_seen(here.server, here.login.username))):
        # It was on this screen, and is open no more.
        raise quicker(here, closed[-1], here.reader(here.lists()))
    return _of_person(here, typed, list(known.values()))


def _of_person(here: Desk, typed: str, known: list[Document]) -> Document:
    if not any(char.isalpha() for char in typed) or len(typed.strip()) < 2:
        raise Unclear(f"There is no open need {typed!r}. See them: handover needs")
    try:
        person = people.person_meant(here, typed, "ID")
    except Unclear:
        raise Unclear(
            f"There is no open need {typed!r}, nor one person of that name. See them: handover needs"
        ) from None
    theirs = [one for one in known if one["inmate"] == person["number"]]
    if len(theirs) == 1:
        return theirs[0]
    if not theirs:
        raise Unclear(f"Nothing is open for {people.called(person)}.")
    reader, tails = here.reader(here.lists()), handles(one["id"] for one in theirs)
    lines = "\n".join(f"  {tails[one['id']]}  {phrases.need(one, reader)}" for one in theirs)
    raise Unclear(f"Several things are open for {people.called(person)}. Which?\n{lines}")


def quicker(here: Desk, need: str, reader: Reader) -> ServerRefused:
    """Who changed it meanwhile, and how it stands now; which has then been seen."""
    now = read(here.api, f"/v1/needs/{need}")
    keep_seen(here.server, here.login.username, {now["id"]: now["version"]})
    last = now["history"][-1]
    said = last["outcome"] or last["reason"]
    status = reader.label("need_status", last["status"])
    how = (
        f"{status}"
        + (t(", with {owner}", owner=last["owner"]) if last["owner"] else "")
        + (f", “{said}”" if said else "")
    )
    again = " " + t("If yours still holds, type it again.") if last["status"] == "OPEN" else ""
    by, at = phrases.person(last["by"]), reader.time(last["at"])
    detail = t(
        "{by} changed this need {at}; now: {how}. Nothing of yours was recorded.{again}",
        by=by,
        at=at,
        how=how,
        again=again,
    )
    return ServerRefused(status=412, title=t("Somebody was quicker"), detail=detail)
