"""`handover accept`: takes a unit over, or a person who has moved to it, from whoever offered it."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated

import typer
from rich.text import Text

from handover.client.refusals import ServerRefused
from handover.client.resources import Document, create, read
from handover.schemas.handovers import AcceptanceDraft
from handover.terminal import matters, phrases, standing
from handover.terminal.desk import Desk, desk
from handover.terminal.drafts import drafted
from handover.terminal.handles import handles
from handover.terminal.phrases import Reader
from handover.terminal.speech import (
    DEFAULT_SERVER,
    EstablishmentOption,
    JsonOption,
    ServerOption,
    Speech,
    UnitOption,
    answering,
    plain,
)
from handover.terminal.unclear import Unclear
from handover.terminal.units import name_of_unit, units_meant
from handover.terminal.walk import Said, Walk

_OPTIONS = {"roll_actual": "--roll", "read_back": "--read-back", "roll_mismatch_reason": "--because"}


def accept(
    unit: UnitOption = None,
    roll: Annotated[int | None, typer.Option("--roll", metavar="N", help="How many people you counted.")] = None,
    read_back: Annotated[
        str | None, typer.Option("--read-back", metavar="TEXT", help="The handover in your own words.")
    ] = None,
    with_queries: Annotated[
        bool, typer.Option("--with-queries", help="Accept although questions are open; they stay open.")
    ] = False,
    because: Annotated[
        str | None, typer.Option("--because", metavar="TEXT", help="Why the roll is not the one that was offered.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="I have read it: do not ask, accept.")] = False,
    establishment: EstablishmentOption = None,
    server: ServerOption = DEFAULT_SERVER,
    as_json: JsonOption = False,
) -> None:
    """Take over what waits for you: your unit, or a person who has moved to it. You answer for it from then on.

    At a keyboard it goes through everything with you, the most urgent first. Elsewhere it prints it, and wants --yes.
    """
    said = Said(roll, read_back, with_queries, because)
    with answering(as_json) as voice, desk(voice, server) as here:
        places = units_meant(here, unit, establishment)
        found = matters.waiting(here, places)
        if not found:
            raise ServerRefused(status=404, title="Nothing waits for you", detail=_nothing(here, places))
        units = [one for one in found if one["kind"] == "SHIFT"]
        if roll is not None and len(units) != 1:
            names = ", ".join(one["unit"] for one in units) or "none"
            raise Unclear(f"--roll counts one unit; those that wait: {names}. Say which: --unit")
        at_keyboard = not voice.as_json and not yes and voice.out.is_terminal and sys.stdin.isatty()
        each = _in_turn(voice, here, places, found) if at_keyboard else found
        done = [_take(voice, here, one, said, yes=yes, at_keyboard=at_keyboard) for one in each]
        if not yes and not at_keyboard:
            raise Unclear("Nothing was accepted. When you have read it: handover accept --yes, with --roll N")
        if voice.as_json:
            voice.emit({"items": done})


def _in_turn(voice: Speech, here: Desk, places: list[matters.Place], found: list[Document]) -> Iterator[Document]:
    """One after another, each as it is offered when its turn comes: the one before may have taken a while."""
    first, *rest = found
    yield first
    for one in rest:
        waiting = {_what(now): now for now in matters.waiting(here, places)}
        if _what(one) in waiting:
            yield waiting[_what(one)]
        else:
            voice.say(f"{_name(here, one)} does not wait any more.")


def _what(handover: Document) -> tuple[str, str, str]:
    """What changes hands: a unit, or somebody who has moved there."""
    moving = handover["transfer"]
    return handover["establishment"], handover["unit"], moving["inmate"] if moving else ""


def _take(voice: Speech, here: Desk, handover: Document, said: Said, *, yes: bool, at_keyboard: bool) -> Document:
    """One handover: shown or gone through, then accepted."""
    reader = here.reader(here.lists(), handover["establishment"])
    name = _name(here, handover)
    if not voice.as_json:
        for line in _head(handover, name, reader):
            voice.say(line)
        ids = [matters.id_of(item) for item in matters.items_of(handover)]
        known = matters.with_sheet(here, handover, handles(ids), reader)
        steps = matters.matters(here, handover, reader)
        if at_keyboard:
            said = Walk(voice, here, handover, known, steps).take(said)
        else:
            _print_all(voice, known, steps, handover)
    if not yes and not at_keyboard:
        return handover
    return _accept(voice, here, handover, said, name, reader)


def _accept(voice: Speech, here: Desk, handover: Document, said: Said, name: str, reader: Reader) -> Document:
    if handover["kind"] == "TRANSFER":
        said = replace(said, roll=None)
    draft = drafted(
        AcceptanceDraft,
        _OPTIONS,
        roll_actual=said.roll,
        read_back=said.read_back,
        with_queries=said.with_queries or None,
        roll_mismatch_reason=said.because,
    )
    try:
        made = create(here.api, f"/v1/handovers/{handover['id']}/acceptance", draft)
    except ServerRefused as refused:
        raise _in_options(here, handover["id"], said, refused, reader) from None
    if not voice.as_json:
        since = reader.time(made["accepted_at"])
        yours = "answer for" if made["kind"] == "TRANSFER" else "own"
        voice.say(Text(f"You {yours} {plain(name)} since {since}.", style="bold"))
        left = len(matters.unanswered(made))
        if left:
            voice.say(f"{left} question{'s' if left > 1 else ''} open; the answer still comes to: handover watch")
    return made


def _in_options(here: Desk, id_: str, said: Said, refused: ServerRefused, reader: Reader) -> ServerRefused:
    """A refusal in the names of what can be typed here."""
    if refused.status != 409:
        return refused
    now = read(here.api, f"/v1/handovers/{id_}")
    if now["state"] not in matters.WAITING:
        return matters.taken(now, reader) or refused
    asked = matters.unanswered(now)
    if asked and not said.with_queries:
        told = "; ".join(f"“{query['text']}”" for query in asked)
        detail = f"{told}. Wait for the answer, or take it over with the question open: --with-queries"
        return ServerRefused(status=409, title=f"{len(asked)} not answered yet", detail=detail)
    expected = now["roll"]["expected"]
    if said.because is None and None not in (expected, said.roll) and expected != said.roll:
        detail = f'{expected} offered, {said.roll} counted. Count again, or say why: --because "…"'
        return ServerRefused(status=409, title="The roll does not match", detail=detail)
    return refused


def _nothing(here: Desk, places: list[matters.Place]) -> str:
    names = ", ".join(name_of_unit(here, *place) for place in places)
    return f"Nobody has offered {names}. Whoever has it now does: handover offer"


def _name(here: Desk, handover: Document) -> str:
    if moving := handover["transfer"]:
        return f"{moving['name']} ({moving['inmate']})"
    return name_of_unit(here, handover["establishment"], handover["unit"])


def _head(handover: Document, name: str, reader: Reader) -> list[Text]:
    if moving := handover["transfer"]:
        lines = [
            f"{name}: {standing.on_the_way(handover, reader)}.",
            f"From {standing.spot(moving['from'])} to {standing.spot(moving['to'])}.",
        ]
    else:
        lines = [f"{name}: {standing.where(handover, reader)}."]
    if handover["roll"]["expected"] is not None:
        lines.append(f"Roll {handover['roll']['expected']}, says {phrases.person(handover['outgoing'])}.")
    if handover["remarks"]:
        lines.append(f"{phrases.person(handover['outgoing'])} adds: {handover['remarks']}")
    return [Text(plain(line), style="" if number else "bold") for number, line in enumerate(lines)]


def _print_all(voice: Speech, known: matters.Contents, steps: list[matters.Matter], handover: Document) -> None:
    for matter in steps:
        voice.say(matters.title(matter))
        for line in known.lines(matter, handover["queries"], every_one=True):
            voice.say(f"    {line}")
    if not steps:
        voice.say("There is nothing to pass on.")
    for line in known.not_offered():
        voice.say(line)
