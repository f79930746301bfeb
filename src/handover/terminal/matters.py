"""What a handover holds, as it is gone through: person by person, the most urgent first, each with what is known."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from rich.text import Text

from handover.client.refusals import ServerRefused
from handover.client.resources import Document, every, read
from handover.client.sheets import sheet_of, without
from handover.terminal import item_words, people, phrases
from handover.terminal.desk import Desk
from handover.terminal.handles import handles
from handover.terminal.phrases import Reader
from handover.terminal.speech import plain
from handover.terminal.tongue import plural, t

WAITING = ("OFFERED", "OVERDUE", "ESCALATED")
_RANK = {"ACT_NOW": 0, "WATCH": 1}
_FAR = datetime.max.replace(tzinfo=UTC)
_OLDER_SHOWN = 2
Place = tuple[str, str]


@dataclass(slots=True)
class Matter:
    """One person (or the wing) in a handover: the items about him or her, and their words."""

    who: str
    inmate: str | None
    items: list[Document] = field(default_factory=list)
    attention: str = "ROUTINE"
    """What staff ask for, of notes whose time has not run out."""

    def ids(self) -> list[str]:
        """The note or need of each item."""
        return [id_of(item) for item in self.items]


@dataclass(frozen=True, slots=True)
class Contents:
    """The notes and needs that items stand for, by id. One that is missing is not for this reader, or was taken
    back. With the unit's sheet, what no item says as well: what stands from before, and what came since."""

    things: Mapping[str, Document]
    handles: Mapping[str, str]
    reader: Reader
    offer: Document
    sheet: Document | None = None

    def lines(self, matter: Matter, queries: Iterable[Document] = (), *, every_one: bool = False) -> Iterator[str]:
        """A matter in words: what, since when, by whom and how known; what to do if it happens; what is open."""
        older = [item for item in matter.items if not item["need"] and not _is_live(item, self.reader)]
        unsaid = [] if every_one else older[_OLDER_SHOWN:]
        shown = [item for item in matter.items if item not in unsaid]
        standing = _standing(self.sheet, matter.inmate)
        new = [note for note in standing["notes"] if note["id"] not in matter.ids() and self._is_new(note)]
        for note in new:
            yield from self._since(note)
        notes = [item for item in shown if not item["need"]]
        for item in notes:
            yield from self._note(item, self.things.get(id_of(item)), self.handles[id_of(item)])
        yield from self._before(standing, [*new, *(self.things.get(id_of(item)) for item in notes)])
        for item in shown:
            if item["need"]:
                yield self._need(item, self.things.get(id_of(item)), self.handles[id_of(item)])
        if unsaid:
            yield plural("({n} older note: m)", "({n} older notes: m)", len(unsaid))
        for query in queries:
            if (query["note"] or query["need"]) in matter.ids():
                yield from query_lines(query, self.reader)

    def not_offered(self) -> Iterator[str]:
        """What asks for attention now and is in none of the items: it stands before the roll."""
        sheet, told = self.sheet, {id_of(item) for item in items_of(self.offer)}
        if sheet is None:
            return
        began = [one["began"] for one in sheet.get("incidents", ())]
        names = {one["inmate"]: people.called(one) for one in sheet["people"]}
        every_note = [*(note for one in sheet["people"] for note in one["notes"]), *sheet["wing_notes"], *began]
        live = {one["id"]: one for one in every_note if one["id"] not in told and _is_live(one, self.reader)}
        if live:
            yield t("Asks for attention, and is not in the offer") + ":"
        for note in live.values():
            number = note["inmate"]
            yield names.get(number, number) if number else t("The wing")
            yield from (f"  {line}" for line in self._since(note))

    def without(self, note: str, status: str) -> "Contents":
        """The same after a note was taken back or corrected, or a need taken back."""
        corrected = status == "CORRECTED"
        gone = {note, *(id_ for id_, one in self.things.items() if one.get("note") == note and not corrected)}
        things = {id_: one for id_, one in self.things.items() if id_ not in gone}
        if corrected and note in self.things:
            things[note] = {**{name: self.things[note][name] for name in ("id", "author")}, "status": status}
        return replace(self, things=things, sheet=without(self.sheet, note, status))

    def brought(self, handover: Document) -> "Contents":
        """The same after what travelled in the handover was changed."""
        ids = [*self.handles, *(id_of(item) for item in items_of(handover))]
        return replace(self, things={**self.things, **_brought(handover)}, handles=handles(ids), offer=handover)

    def one_line(self, id_: str) -> str:
        """An item in one line, to choose it by."""
        thing = self.things.get(id_)
        if thing is None:
            return t("not for you to read, or taken back")
        if "urgency" in thing:
            return t("need: {need}", need=phrases.need(thing, self.reader))
        if thing["status"] == "CORRECTED":
            return f"{t('(corrected since)')} {phrases.person(thing['author'])}"
        return item_words.note_lines(thing, self.reader)[0]

    def _note(self, item: Document, note: Document | None, handle: str) -> Iterator[str]:
        if note is not None and note["status"] == "CORRECTED":
            yield t(
                "[{handle}] {author}'s note was corrected: the newer one stands",
                handle=handle,
                author=phrases.person(note["author"]),
            )
            return
        if note is None or note.get("basis") is None:
            yield t("[{handle}] a note that is not for you to read, or was taken back", handle=handle)
            return
        late = t("LATE ENTRY, the shift before has not been told.") + " " if item["late"] else ""
        yield from self._words(item, note, f"[{handle}] ", late)

    def _since(self, note: Document) -> Iterator[str]:
        """A note of the sheet that no item stands for."""
        written = t("written after the offer, {time}:", time=self.reader.time(note["recorded_at"])) + " "
        yield from self._words(note, note, written if self._is_new(note) else "")
        if note["supersedes"]:
            yield "  " + t("This corrects an earlier note: {reason}", reason=note["correction_reason"])

    def _words(self, asks: Document, note: Document, before: str, late: str = "") -> Iterator[str]:
        look_out = phrases.attention(asks, self.reader) if _is_live(asks, self.reader) else None
        first, *more = item_words.note_lines(note, self.reader)
        yield f"{before}{look_out + ': ' if look_out else ''}{late}{first}"
        yield from (f"  {line}" for line in more)
        if note.get("if_then"):
            yield "  " + t("IF IT HAPPENS: {if_then}", if_then=note["if_then"])

    def _before(self, standing: Document, said: Sequence[Document | None]) -> Iterator[str]:
        """What went in an earlier handover and still stands: the last that is known, and what to do if it happens."""
        if not any(said) and standing["notes"]:
            yield from item_words.note_lines(standing["notes"][0], self.reader)
        if standing["attention"] == "ROUTINE" and any(one["rule"] == "RAN_OUT" for one in standing["reasons"]):
            yield t("attention ran out: renew or close?")
        known = {one.get("if_then") for one in said if one and one["status"] != "CORRECTED"}
        for one in standing["if_then"]:
            if one["text"] not in known:
                at = self.reader.time(one["at"])
                yield t("IF IT HAPPENS ({by}, {at}): {text}", by=one["by"], at=at, text=one["text"])

    def _is_new(self, note: Document) -> bool:
        offered = self.offer["offered_at"]
        return bool(offered) and datetime.fromisoformat(note["recorded_at"]) > datetime.fromisoformat(offered)

    def _need(self, item: Document, need: Document | None, handle: str) -> str:
        if need is None:
            return t("[{handle}] a need that is not for you to read, or was taken back", handle=handle)
        times = item["carried"]
        carried = plural("; handed on {n} time before", "; handed on {n} times before", times) if times else ""
        closed = "" if need["status"] == "OPEN" else t("; closed since it was offered")
        return t("need {need}", need=item_words.need_line(need, self.reader, handle)) + carried + closed


def id_of(item: Mapping[str, Any]) -> str:
    """The id of the note or need that an item stands for."""
    return str(item["need"] or item["note"])


def waiting(here: Desk, places: Sequence[Place]) -> list[Document]:
    """Handovers that wait to be accepted in these units, those due first."""
    found = [one for one in every_waiting(here) if (one["establishment"], one["unit"]) in places]
    return sorted(found, key=lambda one: str(one["due_at"]))


def every_waiting(here: Desk) -> list[Document]:
    """All handovers that wait; what becomes overdue between two of the questions is in both answers."""
    found = (one for state in WAITING for one in every(here.api, "/v1/handovers", {"state": state}))
    return list({str(one["id"]): one for one in found}.values())


def taken(handover: Document, reader: Reader) -> ServerRefused | None:
    """Where somebody has taken it over: who, and when."""
    if handover["state"] in WAITING or not handover["accepted_at"]:
        return None
    who, when = phrases.person(handover["incoming"]), reader.time(handover["accepted_at"])
    return ServerRefused(status=409, title="Somebody was quicker", detail=f"{who} has taken it over {when}.")


def items_of(handover: Document) -> list[Document]:
    """All that was handed over: notes that still want attention from before, and what is new or open."""
    return [*handover["attention"], *handover["items"]]


def matters(here: Desk, handover: Document, reader: Reader) -> list[Matter]:
    """The handover person by person: those first for whom staff asked for attention, then by what is due."""
    return by_person(handover, people.names_on(here, handover["establishment"], handover["unit"]), reader)


def by_person(handover: Document, names: Mapping[str, str], reader: Reader) -> list[Matter]:
    """The same where it is known who is who."""
    found: dict[str | None, Matter] = {}
    for item in items_of(handover):
        number = item["inmate"]
        who = names.get(number, str(number)) if number else t("The wing")
        found.setdefault(number, Matter(who, number)).items.append(item)
    for matter in found.values():
        matter.items.sort(key=lambda item: str(item["opened_at"]), reverse=True)
        matter.items.sort(key=lambda item: (bool(item["need"]), _rank(item, reader)))
        live = [item["attention"] for item in matter.items if _is_live(item, reader)]
        matter.attention = min(live, key=lambda code: _RANK.get(code, 2), default="ROUTINE")
    return sorted(found.values(), key=lambda one: (_RANK.get(one.attention, 2), _due(one), one.inmate is None, one.who))


def brought_up_to_date(
    steps: Sequence[Matter], handover: Document, names: Mapping[str, str], reader: Reader
) -> tuple[list[Matter], set[int]]:
    """What travelled is handed over as it is now: the same steps in the same order, what is new behind them; and which
    of them are others now. A correction comes as an item more, which nobody has had yet."""
    known = {**names, **{str(one.inmate): one.who for one in steps if one.inmate}}
    now = {one.inmate: one for one in by_person(handover, known, reader)}
    others = {n for n, one in enumerate(steps) if set(now.get(one.inmate, one).ids()) != set(one.ids())}
    return [*(now.pop(one.inmate, one) for one in steps), *now.values()], others


def contents(here: Desk, handover: Document, handles: Mapping[str, str], reader: Reader) -> Contents:
    """The words of a handover's items: those that came along, then all the unit's in one go, then one by one."""
    items = items_of(handover)
    things = _brought(handover)
    place = {"establishment": handover["establishment"], "unit": handover["unit"]}
    notes = [item for item in items if item["note"] and id_of(item) not in things]
    if notes:
        since = min(str(item["opened_at"]) for item in notes)
        things |= {one["id"]: one for one in every(here.api, "/v1/notes", {**place, "recorded_from": since})}
    if any(item["need"] for item in items):
        things |= {one["id"]: one for one in every(here.api, "/v1/needs", {**place, "status": "OPEN"})}
    for item in items:
        if id_of(item) not in things and (found := _alone(here, item)) is not None:
            things[id_of(item)] = found
    return Contents(things, handles, reader, handover)


def _brought(handover: Document) -> dict[str, Document]:
    """The words that came along."""
    return {id_of(item): item["content"] for item in items_of(handover) if item["content"]}


def with_sheet(here: Desk, handover: Document, handles: Mapping[str, str], reader: Reader) -> Contents:
    """The same, with the unit as it stands now. Who moves comes with what belongs to him or her, and has no sheet."""
    known = contents(here, handover, handles, reader)
    if handover["kind"] == "TRANSFER":
        return known
    try:
        return replace(known, sheet=sheet_of(here.api, handover["establishment"], handover["unit"]))
    except ServerRefused as refused:
        if refused.status not in (403, 404):
            raise
        return known  # may accept, and not read it


def query_lines(query: Mapping[str, Any], reader: Reader) -> Iterator[str]:
    """A question and its answers."""
    yield t(
        "? {by} asks {at}: {text}",
        by=phrases.person(query["by"]),
        at=reader.time(query["at"]),
        text=query["text"] or t("(taken back)"),
    )
    for one in query["answers"]:
        yield "  " + t(
            "{by} answers {at}: {text}",
            by=phrases.person(one["by"]),
            at=reader.time(one["at"]),
            text=one["text"] or t("(taken back)"),
        )
    if not query["answers"]:
        yield "  " + t("not answered yet")


def unanswered(handover: Mapping[str, Any]) -> list[Document]:
    """Questions nobody has answered."""
    return [query for query in handover["queries"] if not query["answers"]]


def _standing(sheet: Document | None, inmate: str | None) -> Document:
    """What a sheet says of somebody, or of the wing: `notes`, `if_then`, `reasons` and `attention`."""
    notes = [] if sheet is None or inmate else sheet["wing_notes"]
    then = [
        {"text": one["if_then"], "by": phrases.person(one["author"]), "at": one["recorded_at"]}
        for one in notes
        if one["if_then"]
    ]
    about = [] if sheet is None or not inmate else [one for one in sheet["people"] if one["inmate"] == inmate]
    return next(iter(about), {"notes": notes, "if_then": then, "reasons": [], "attention": "ROUTINE"})


def _is_live(item: Mapping[str, Any], reader: Reader) -> bool:
    return item["attention"] in _RANK and reader.is_ahead(item["attention_until"])


def _rank(item: Mapping[str, Any], reader: Reader) -> int:
    return _RANK[item["attention"]] if _is_live(item, reader) else len(_RANK)


def _due(matter: Matter) -> datetime:
    return min((datetime.fromisoformat(item["due_at"]) for item in matter.items if item["due_at"]), default=_FAR)


def _alone(here: Desk, item: Mapping[str, Any]) -> Document | None:
    try:
        return read(here.api, f"/v1/{'needs' if item['need'] else 'notes'}/{id_of(item)}")
    except ServerRefused as refused:
        if refused.status != 404:
            raise
        return None


def title(matter: Matter) -> Text:
    """`! Weir, J. (A1-07)  A4417KD  ACT NOW`."""
    mark, words = phrases.mark(matter.attention)
    head = Text.assemble(f"{mark} ", (plain(matter.who), "bold"), f"  {matter.inmate or ''}  ")
    return head.append(words, "bold reverse" if matter.attention == "ACT_NOW" else "bold")
