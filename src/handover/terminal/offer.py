"""`handover offer`: hands a unit over, or takes that back."""

import sys
from typing import Annotated

import typer
from rich.text import Text

from handover.client.refusals import ServerRefused
from handover.client.resources import Document, create
from handover.client.sheets import sheet_of
from handover.schemas.handovers import HandoverDraft, WithdrawalDraft
from handover.terminal import item_words, phrases, standing
from handover.terminal.desk import Desk, desk
from handover.terminal.drafts import drafted
from handover.terminal.phrases import Reader
from handover.terminal.shifts import shift_words
from handover.terminal.speech import (
    DEFAULT_SERVER,
    EstablishmentOption,
    JsonOption,
    ServerOption,
    Speech,
    UnitOption,
    answering,
)
from handover.terminal.tongue import t
from handover.terminal.unclear import Unclear
from handover.terminal.units import Unit, unit_meant

_OPTIONS = {"roll_expected": "--roll", "remarks": "--remarks", "reason": "--take-back"}


def offer(
    unit: UnitOption = None,
    roll: Annotated[
        int | None, typer.Option("--roll", metavar="N", help="How many people you counted; the next shift counts too.")
    ] = None,
    remarks: Annotated[
        str | None, typer.Option("--remarks", metavar="TEXT", help="What does not belong to one person.")
    ] = None,
    take_back: Annotated[
        str | None, typer.Option("--take-back", metavar="REASON", help="Take the offer back, and say why.")
    ] = None,
    establishment: EstablishmentOption = None,
    server: ServerOption = DEFAULT_SERVER,
    as_json: JsonOption = False,
) -> None:
    """Hand your unit over to the next shift. It stays yours until somebody accepts it by name."""
    with answering(as_json) as voice:
        if take_back is not None and (roll is not None or remarks is not None):
            raise Unclear("--take-back goes alone: --roll and --remarks belong to an offer.")
        with desk(voice, server) as here:
            where = unit_meant(here, unit, establishment)
            reader = here.reader(here.lists(), where.establishment)
            sheet = sheet_of(here.api, where.establishment, where.code)
            if take_back is not None:
                _take_back(voice, here, where, sheet, take_back)
            else:
                _offer(voice, here, where, sheet, roll, remarks, reader)


def _offer(
    voice: Speech, here: Desk, where: Unit, sheet: Document, roll: int | None, remarks: str | None, reader: Reader
) -> None:
    waits = sheet["handover"]
    if waits["id"]:
        who, when = phrases.person(waits["outgoing"]), reader.time(waits["offered_at"])
        raise ServerRefused(
            status=409,
            title=f"{where.name} waits already",
            detail=f'{who} has offered it {when}. Take it over: handover accept. Or: handover offer --take-back "why"',
        )
    if not voice.as_json:
        for line in summary(where, sheet, reader):
            voice.say(line)
    expected = sheet["roll"]["expected"]
    if roll is None and not voice.as_json and voice.out.is_terminal and sys.stdin.isatty():
        roll = asked_roll(f"How many people did you count? The roster says {expected} (Enter: not counted)")
    draft = drafted(
        HandoverDraft,
        _OPTIONS,
        establishment=where.establishment,
        unit=where.code,
        roll_expected=roll,
        remarks=remarks,
    )
    made = create(here.api, "/v1/handovers", draft)
    if voice.as_json:
        voice.emit(made)
        return
    if roll is not None and roll != expected:
        voice.warn(Text(f"You counted {roll}, the roster says {expected}. Find out which is right.", style="bold"))
    if roll is None:
        voice.warn("No roll was given. Next time: --roll N, so that the next shift can count against it.")
    shift, due = shift_words(made["to_shift"], reader), reader.time(made["due_at"])
    voice.say(
        f"Offered. Whoever takes {where.name} over ({shift}) must accept by {due}: handover accept. Until somebody "
        "does, it is yours, wherever you are."
    )
    voice.say('Questions come to: handover watch. Answer them: handover answer "…"')


def summary(where: Unit, sheet: Document, reader: Reader) -> list[str]:
    """What will be handed over: people by the attention that staff asked for, needs by what presses."""
    people = sheet["people"]
    needs = [need for one in (*people, {"needs": sheet["wing_needs"]}) for need in one["needs"]]
    by = {code: sum(one["attention"] == code for one in people) for code in ("ACT_NOW", "WATCH", "ROUTINE")}
    wing = [note for note in sheet["wing_notes"] if reader.is_ahead(note["attention_until"])]
    now = sum(note["attention"] == "ACT_NOW" for note in wing)
    overdue = sum(item_words.is_overdue(need, reader) for need in needs)
    promised = sum(need["promised"] for need in needs)
    also = (
        (len(sheet["wing_notes"]), t("about the wing") + (" " + t("({now} ACT NOW)", now=now) if now else "")),
        (len(sheet["late"]), t("late entries")),
        (len(sheet["not_observed"]), t("not observed this shift")),
        (len(sheet["in_transit"]), t("on the way")),
    )
    attention = t(
        "{act_now} ACT NOW, {watch} WATCH, {others} others with something to pass on",
        act_now=by["ACT_NOW"],
        watch=by["WATCH"],
        others=by["ROUTINE"],
    )
    open_ = t(
        "{needs} open, {overdue} of them OVERDUE, {promised} promised",
        needs=len(needs),
        overdue=overdue,
        promised=promised,
    )
    rows = {
        t("people"): attention,
        t("needs"): open_,
        t("also"): ", ".join(f"{many} {what}" for many, what in also),
        t("roll"): t("{expected} by the roster", expected=sheet["roll"]["expected"]),
    }
    width = max(8, *map(len, rows))
    head = t("{name}, {way}. You hand over:", name=where.name, way=standing.way(sheet["handover"], reader))
    return [head, *(f"  {name:<{width}} {words}" for name, words in rows.items())]


def _take_back(voice: Speech, here: Desk, where: Unit, sheet: Document, reason: str) -> None:
    draft = drafted(WithdrawalDraft, _OPTIONS, reason=reason)
    waits = sheet["handover"]["id"]
    if not waits:
        raise ServerRefused(
            status=409, title="Nothing to take back", detail=f"Nobody has offered {where.name}, or it was accepted."
        )
    made = create(here.api, f"/v1/handovers/{waits}/withdrawal", draft)
    if voice.as_json:
        voice.emit(made)
        return
    voice.say(f"Taken back: {where.name} is not offered any more. What it held goes into the next offer.")


def asked_roll(question: str) -> int | None:
    """A count from the keyboard; None where nobody counted."""
    while True:
        typed = str(typer.prompt(question, default="", show_default=False, err=True)).strip()
        if not typed:
            return None
        if typed.isdecimal() and int(typed) <= 9999:
            return int(typed)
        typer.echo("A number, please.", err=True)
