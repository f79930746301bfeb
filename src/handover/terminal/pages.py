"""`handover take`: a call that is repeated until somebody takes it. Taking it is a named person's word."""

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.text import Text

from handover.client.refusals import ServerRefused
from handover.client.resources import Document, create, every, read
from handover.schemas.notes import ReceiptDraft
from handover.terminal import calls, item_words, people
from handover.terminal.desk import Desk, desk, name_of
from handover.terminal.drafts import drafted
from handover.terminal.handles import handles, meant
from handover.terminal.phrases import Reader
from handover.terminal.speech import DEFAULT_SERVER, JsonOption, ServerOption, Speech, answering, plain
from handover.terminal.unclear import Unclear


def take(
    what: Annotated[
        str | None,
        typer.Argument(metavar="PERSON", help="Number, name or cell; or the note's short name. None: show the pages."),
    ] = None,
    server: ServerOption = DEFAULT_SERVER,
    as_json: JsonOption = False,
) -> None:
    """Take a page: I see to it, now. It stops calling the others, and they are told that it is you."""
    with answering(as_json) as voice, desk(voice, server) as here:
        raised = list(every(here.api, "/v1/pages", {"state": "RAISED"}))
        reader = here.reader(here.lists())
        if what is None:
            if voice.as_json:
                voice.emit({"items": raised})
            else:
                _show(voice, here, raised, reader)
            return
        notes = _meant(here, what, raised)
        taken = [
            create(here.api, f"/v1/notes/{note}/receipts", drafted(ReceiptDraft, {}, kind="ACCEPTED")) for note in notes
        ]
        if voice.as_json:
            voice.emit({"items": taken})
            return
        for note in notes:
            found = read(here.api, f"/v1/notes/{note}")
            who = name_of(here.api, found["inmate"]) if found["inmate"] else f"unit {found['unit']}"
            voice.say(Text(f"You have taken it: {plain(who)}.", style="bold"))
            for line in item_words.note_lines(found, reader):
                voice.say(f"    {line}")
            if found["if_then"]:
                voice.say(f"    if it happens: {found['if_then']}")
        voice.say("The others are told. When it is dealt with, write what you did: handover post")


def _meant(here: Desk, typed: str, raised: list[Document]) -> list[str]:
    """The notes that call and are meant; all about one person, where the person was named."""
    calling = {one["note"]: one for one in raised if one["note"]}
    by_handle = {**{one["id"]: one for one in raised}, **calling}
    found = [by_handle[id_] for id_ in meant(typed, list(by_handle))]
    if not found and raised:
        person = _person(here, typed, {one["inmate"] for one in raised})
        found = [one for one in raised if one["inmate"] == person["number"]] if person else []
    if not found:
        raise Unclear(f"No page calls for {typed!r}. " + ("See them: handover take" if raised else "None is open."))
    if {one["inmate"] for one in found} != {found[0]["inmate"]}:
        raise Unclear(f"{typed!r} could be several pages. See them: handover take")
    notes = [one["note"] for one in found if one["note"]]
    if not notes:
        raise Unclear(f"It is a handover that waits for somebody. {calls.answer(found[0])}")
    return list(dict.fromkeys(notes))


def _person(here: Desk, typed: str, called: set[str | None]) -> Document | None:
    try:
        return people.person_meant(here, typed, "PERSON", called)
    except ServerRefused:  # not everybody may read the roster
        return None


def _show(voice: Speech, here: Desk, raised: list[Document], reader: Reader) -> None:
    if not raised:
        voice.say("No page is open.")
        return
    tails = handles(str(one["note"] or one["id"]) for one in raised)
    for one in raised:
        who = name_of(here.api, one["inmate"]) if one["inmate"] else f"unit {one['unit']}"
        called = f"called {one['repeated'] + 1} times" if one["repeated"] else "called once"
        head = Text.assemble(
            (tails[str(one["note"] or one["id"])], "bold"), "  ", (f" {calls.kind_of(one)} ", "bold reverse")
        )
        voice.say(head + Text(plain(f" {one['unit']}  {who}, since {reader.time(one['raised_at'])}, {called}")))
        for line in about(here, one, reader):
            voice.say(f"      {line}")


def about(here: Desk, page: Document, reader: Reader) -> Iterator[str]:
    """What a page calls for, and how to take it."""
    if not page.get("note"):
        yield calls.answer(page)
        return
    try:
        note = read(here.api, f"/v1/notes/{page['note']}")
    except ServerRefused:
        note = None
    if note is not None and note.get("basis"):
        yield from item_words.note_lines(note, reader)
        if note.get("if_then"):
            yield f"if it happens: {note['if_then']}"
    yield f"take it: handover take {page['inmate'] or str(page['note'])[-4:]}"
