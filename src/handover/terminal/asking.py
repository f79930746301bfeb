"""`handover ask` and `handover answer`: questions about what is handed over go to the outgoing officer, and the answer
comes back into the item."""

from typing import Annotated

import typer

from handover.client.resources import Document, create, every
from handover.schemas.handovers import AnswerDraft, QueryDraft
from handover.terminal import matters, people, phrases
from handover.terminal.desk import Desk, desk
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

_LATELY = 50


def ask(
    item: Annotated[
        str, typer.Argument(metavar="ITEM", help="Its short name in the offer, or the person it is about.")
    ],
    text: Annotated[str | None, typer.Argument(metavar="TEXT", help="Your question.")] = None,
    unit: UnitOption = None,
    establishment: EstablishmentOption = None,
    server: ServerOption = DEFAULT_SERVER,
    as_json: JsonOption = False,
) -> None:
    """Ask about something that is being handed over. The outgoing officer is told at once."""
    with answering(as_json) as voice:
        if text is None:
            raise Unclear(f'Say what you ask: handover ask {item} "does his daughter know?"')
        with desk(voice, server) as here:
            offers = matters.waiting(here, units_meant(here, unit, establishment))
            if not offers:
                raise Unclear("Nothing is being handed over to you just now.")
            reader = here.reader(here.lists(), establishment)
            handover, found = _item(here, item, offers, reader)
            draft = drafted(QueryDraft, {"text": "TEXT"}, note=found["note"], need=found["need"], text=text)
            made = create(here.api, f"/v1/handovers/{handover['id']}/queries", draft)
            if voice.as_json:
                voice.emit(made)
                return
            voice.say(f"Asked. {phrases.person(handover['outgoing'])} is told; the answer comes to: handover watch")


def answer(
    question: Annotated[
        str | None, typer.Argument(metavar="[QUESTION]", help="Its short name; not needed where only one is open.")
    ] = None,
    text: Annotated[str | None, typer.Argument(metavar="TEXT", help="Your answer. None: show open questions.")] = None,
    server: ServerOption = DEFAULT_SERVER,
    as_json: JsonOption = False,
) -> None:
    """Answer a question about what you handed over. Without anything: show the questions that are open."""
    with answering(as_json) as voice, desk(voice, server) as here:
        reader = here.reader(here.lists())
        asked = {query["id"]: (one, query) for one in asked_about(here) for query in matters.unanswered(one)}
        if question is None:
            if voice.as_json:
                voice.emit({"items": [query for _, query in asked.values()]})
            else:
                for line in _listed(here, asked, reader) if asked else ["No question is open."]:
                    voice.say(line)
            return
        if text is None:
            question, text = None, question
        handover, query = _question(here, question, asked, reader)
        draft = drafted(AnswerDraft, {"text": "TEXT"}, text=text)
        made = create(here.api, f"/v1/handovers/{handover['id']}/queries/{query['id']}/answers", draft)
        if voice.as_json:
            voice.emit(made)
            return
        voice.say(f"Answered {phrases.person(query['by'])}: “{query['text']}” {text}")


def _item(here: Desk, typed: str, offers: list[Document], reader: Reader) -> tuple[Document, Document]:
    """The one item of one offer that is meant."""
    pairs = {matters.id_of(item): (one, item) for one in offers for item in matters.items_of(one)}
    found = meant(typed, list(pairs))
    if not found:
        person = people.person_meant(here, typed, "ITEM")
        found = [id_ for id_, (_, item) in pairs.items() if item["inmate"] == person["number"]]
        if not found:
            raise Unclear(f"Nothing about {people.called(person)} is being handed over.")
    if len(found) == 1:
        return pairs[found[0]]
    tails = handles(found)
    lines = []
    for one in offers:
        known = matters.contents(here, one, tails, reader)
        ids = [matters.id_of(item) for item in matters.items_of(one)]
        lines += [f"  {tails[id_]}  {known.one_line(id_)}" for id_ in dict.fromkeys(ids) if id_ in tails]
    raise Unclear(f"{typed!r} could be several things. Which?\n" + "\n".join(lines))


def asked_about(here: Desk) -> list[Document]:
    """Handovers that wait, and those that were accepted with questions open."""
    found = matters.every_waiting(here)
    lately = every(here.api, "/v1/handovers", {"state": "ACCEPTED_WITH_QUERIES"})
    return found + [one for _, one in zip(range(_LATELY), lately, strict=False)]


def _question(
    here: Desk, typed: str | None, asked: dict[str, tuple[Document, Document]], reader: Reader
) -> tuple[Document, Document]:
    found = list(asked) if typed is None else meant(typed, list(asked))
    if len(found) == 1:
        return asked[found[0]]
    if not asked:
        raise Unclear("No question is open.")
    why = "Several questions are open." if typed is None else f"There is no open question {typed!r}."
    lines = "\n".join(_listed(here, asked, reader))
    raise Unclear(f'{why} Say which, as in: handover answer {next(iter(handles(asked).values()))} "…"\n{lines}')


def _listed(here: Desk, asked: dict[str, tuple[Document, Document]], reader: Reader) -> list[str]:
    tails = handles(asked)
    names: dict[str, str] = {}
    for handover, _ in asked.values():
        names |= people.names_on(here, handover["establishment"], handover["unit"])
    lines = []
    for id_, (handover, query) in asked.items():
        about = {matters.id_of(item): item["inmate"] for item in matters.items_of(handover)}
        number = about.get(query["note"] or query["need"])
        who = names.get(number, number) if number else "the wing"
        by, at = phrases.person(query["by"]), reader.time(query["at"])
        lines.append(f"{tails[id_]}  {handover['unit']}  {who}: {by} asks {at}: {query['text']}")
    return lines
