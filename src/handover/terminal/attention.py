"""`handover attention`: goes on looking out, or says that it is over. Either wants a reason."""

from typing import Annotated

import typer

from handover.client.resources import Document, create, read
from handover.client.sheets import sheet_of
from handover.schemas.notes import AttentionDraft
from handover.terminal import item_words, people, phrases, times
from handover.terminal.desk import Desk, desk, name_of
from handover.terminal.drafts import drafted
from handover.terminal.handles import handles, meant
from handover.terminal.phrases import Reader
from handover.terminal.speech import (
    DEFAULT_SERVER,
    EstablishmentOption,
    JsonOption,
    ServerOption,
    UnitOption,
    answering,
)
from handover.terminal.unclear import Unclear
from handover.terminal.units import units_meant

_OPTIONS = {"reason": "the reason", "until": "--until"}
_FULL = 36


def attention(
    note: Annotated[
        str,
        typer.Argument(
            metavar="NOTE",
            help="Its short name on the sheet, or the person: number, name or cell; or incident: what that began with.",
        ),
    ],
    renew: Annotated[str | None, typer.Option("--renew", metavar="REASON", help="Go on looking out, and why.")] = None,
    close: Annotated[str | None, typer.Option("--close", metavar="REASON", help="It is over, and why.")] = None,
    until: Annotated[
        str | None,
        typer.Option(
            "--until", metavar="TIME", help=f"With --renew, if not to the end of the next shift: {times.TIMES_COMING}."
        ),
    ] = None,
    unit: UnitOption = None,
    establishment: EstablishmentOption = None,
    server: ServerOption = DEFAULT_SERVER,
    as_json: JsonOption = False,
) -> None:
    """Renew a note's attention, or close it. Attention belongs to a note, never to a person, and ends by itself."""
    with answering(as_json) as voice:
        if (renew is None) == (close is None):
            raise Unclear('Say one of the two, and why: --renew "…" or --close "…"')
        if close is not None and until is not None:
            raise Unclear("--until goes with --renew; what is closed is over.")
        with desk(voice, server) as here:
            reader = here.reader(here.lists(), establishment)
            found = _meant(here, note, unit, establishment, reader)
            zone = here.zone(found["establishment"])
            draft = drafted(
                AttentionDraft,
                _OPTIONS,
                close=True if close is not None else None,
                until=times.coming(until, here.now(), zone, "--until") if until else None,
                reason=renew if renew is not None else close,
            )
            changed = create(here.api, f"/v1/notes/{found['id']}/attention", draft)
            if voice.as_json:
                voice.emit(changed)
                return
            who = name_of(here.api, changed["inmate"]) if changed["inmate"] else "the wing"
            over = f"Closed: {who}." if close is not None else f"{who}: {phrases.attention(changed, reader)}."
            voice.say(f"{over} {phrases.how(found)}")


def _meant(here: Desk, typed: str, unit: str | None, establishment: str | None, reader: Reader) -> Document:
    if len(typed.strip()) == _FULL and typed.count("-") == 4:
        return read(here.api, f"/v1/notes/{typed.strip().lower()}")
    sheets = _sheets(here, unit, establishment)
    notes, entries = _looked_out_for(sheets)
    found = meant(typed, list(notes))
    if typed.strip().casefold() == "incident":
        known = [one for sheet in sheets for one in sheet.get("incidents", ())]
        found = [one["began"]["id"] for one in known if one["until"]] or [one["began"]["id"] for one in known[:1]]
    if not found:
        numbers = {one["inmate"] for one in entries if people.fits(one, typed)}
        found = [id_ for id_, one in notes.items() if one["inmate"] in numbers]
    if len(found) == 1:
        return notes[found[0]]
    if not found:
        raise Unclear(f"Nobody asked for attention in a note {typed!r}, nor on such a person. See: handover sheet")
    tails = handles(found)
    lines = "\n".join(f"  {tails[id_]}  {item_words.note_lines(notes[id_], reader)[0]}" for id_ in found)
    raise Unclear(f"{typed!r} could be several notes. Which?\n{lines}")


def _sheets(here: Desk, unit: str | None, establishment: str | None) -> list[Document]:
    return [sheet_of(here.api, place, code) for place, code in units_meant(here, unit, establishment)]


def _looked_out_for(sheets: list[Document]) -> tuple[dict[str, Document], list[Document]]:
    """Notes on the sheets whose attention is on, or has run out without a word; and the people there."""
    notes: dict[str, Document] = {}
    entries: list[Document] = []
    for sheet in sheets:
        entries += [*sheet["people"], *sheet["others"]]
        began = [one["began"] for one in sheet.get("incidents", ())]
        for entry in (*sheet["people"], {"notes": [*sheet["wing_notes"], *began]}):
            notes |= {one["id"]: one for one in entry["notes"] if one["attention"] != "ROUTINE"}
    return notes, entries
