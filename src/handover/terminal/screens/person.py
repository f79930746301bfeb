"""A person: how he or she was, what is open, what worked, and everything that was written, with its source."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import ClassVar

from rich.text import Text
from textual.widget import Widget

from handover.client.http import Api
from handover.client.resources import Document, create, every, read
from handover.schemas.common import in_utc
from handover.schemas.notes import AttentionDraft, RetractionDraft
from handover.terminal import item_words, people, phrases
from handover.terminal.drafts import drafted
from handover.terminal.phrases import Reader
from handover.terminal.screens import weeks
from handover.terminal.screens.beside import worked
from handover.terminal.screens.correcting import RETRACTIONS, begun, writing
from handover.terminal.screens.lines import Row, Rows, row
from handover.terminal.screens.question import Asking
from handover.terminal.speech import plain
from handover.terminal.tongue import later, t
from handover.terminal.words import Vocabulary


@dataclass(frozen=True, slots=True)
class Known:
    """What the service shows of somebody."""

    inmate: Document
    notes: list[Document]
    needs: list[Document]
    learned: Document


class PersonScreen(Asking):
    """One person. Nothing here sums a person up."""

    KEYS = later("w write · t table · r renew · c close · k correct · x take back · b p y filter")
    DO: ClassVar = {
        "w": "write_about",
        "t": "turn",
        "r": "renew",
        "c": "close_it",
        "k": "correct",
        "x": "take_back",
        "b": "by_basis",
        "p": "by_place",
        "y": "by_author",
        "escape": "away",
        "enter": "entered",
    }

    def __init__(self, number: str) -> None:
        super().__init__()
        self._number = number
        self._known: Known | None = None
        self._table = False
        self._only: dict[str, str] = {}

    def body(self) -> Iterable[Widget]:
        """One list."""
        yield Rows(id="person")

    def opened(self) -> None:
        """Asks for it: the reading is logged."""
        self.query_one(Rows).show([row("  " + t("Being fetched …"))])
        self.work(self._fetch())

    def write_about(self) -> None:
        """Writes about this person."""
        self.dismiss(("write", self._number))

    def turn(self) -> None:
        """The picture, or the table behind it."""
        self._table = not self._table
        self.query_one(Rows).show([])  # from the top: it stands there
        self._draw()

    def entered(self) -> None:
        """A need."""
        key = self.query_one(Rows).key
        if isinstance(key, tuple) and key[0] == "need":
            self.dismiss(key)

    def away(self) -> None:
        """Back."""
        self.dismiss(None)

    def renew(self) -> None:
        """It goes on, and why."""
        self._attention(t("Go on looking out to the end of the next shift: why?"), close=None)

    def close_it(self) -> None:
        """It is over, and why."""
        self._attention(t("Attention is over: why?"), close=True)

    # --- what was written wrongly ------------------------------------------------------------------------------------

    def correct(self) -> None:
        """What one wrote and was not so is put right: the old words stay, struck through, for those entitled."""
        note = self._standing()
        if note is not None:
            rows = _asked_about(note, self.station.reader)
            ask = t("Correct this note: what was wrong with it? It is told with the correction.")
            self.asks(note["id"], rows, ask, partial(self._corrects, note))

    def _corrects(self, note: Document, reason: str | None) -> None:
        if reason and self._known is not None:
            self.taken()
            about, words = people.called(self._known.inmate), Vocabulary(dict(self.station.lists))
            hand = begun(note, reason, self.station.desk, about, words)
            self.over(writing(hand), self._corrected)

    def _corrected(self, what: str | None) -> None:
        if what == "corrected":
            self.say(t("Corrected. Whoever read the old note is told."))
        elif what == "aside":
            self.say(t("Put aside. It is among your drafts: w"))
        self.work(self._fetch())

    def take_back(self) -> None:
        """What should never have been written here is taken back: its words are gone for everybody but the auditor."""
        note = self._standing()
        if note is None:
            return
        reader = self.station.reader
        reasons = " · ".join(
            f"{n} {reader.label('retraction_reason', code)}" for n, code in enumerate(RETRACTIONS, start=1)
        )
        rows = _asked_about(note, reader)
        rows += [row(""), row("  " + t("Its words will be gone, for everybody but the auditor."), style="bold")]
        rows.append(row(f"  {reasons}"))
        ask = t("Take this note back: a number, then in your own words if you like")
        self.asks(note["id"], rows, ask, partial(self._takes_back, note))

    def _takes_back(self, note: Document, typed: str | None) -> None:
        if typed is None:
            return
        number, detail = typed[:1], typed[1:].strip()
        if number not in "1234":
            self.say(t("Nothing was taken back: begin with a number from 1 to 4."), loud=True)
            return
        draft = partial(drafted, RetractionDraft, {}, reason=RETRACTIONS[int(number) - 1], detail=detail or None)
        self.once(self._retract(note["id"], draft))

    async def _retract(self, note: str, draft: "partial[RetractionDraft]") -> None:
        api = self.station.desk.api
        if await self.ask(lambda: create(api, f"/v1/notes/{note}/retractions", draft())) is not None:
            self.taken()
            self.say(t("Taken back. Whoever has read it is told."))
            await self._fetch()

    def _standing(self) -> Document | None:
        note = self._marked()
        if note is None or note["status"] not in ("ACTIVE", "RESTRICTED"):
            self.say(t("Mark a note that stands, then k or x."))
            return None
        return note

    # --- a part of what was written ----------------------------------------------------------------------------------

    def by_basis(self) -> None:
        """Only what is known in one way; the next way with the same key."""
        self._filter("basis")

    def by_place(self) -> None:
        """Only what was seen in one place."""
        self._filter("place")

    def by_author(self) -> None:
        """Only what one author wrote."""
        self._filter("author")

    def _filter(self, name: str) -> None:
        if self._known is None:
            return
        choices = [None, *_values(self._known.notes, name)]
        chosen = choices[(choices.index(self._only.get(name)) + 1) % len(choices)]
        if chosen is None:
            self._only.pop(name, None)
        else:
            self._only[name] = chosen
        self._draw()
        words = filter_words(self._only, self._known.notes, self.station.reader)
        self.say(
            t("Only: {filters}. The same key: the next; at the end all again.", filters=words) if words else t("All.")
        )

    def _attention(self, ask: str, *, close: bool | None) -> None:
        note = self._marked()
        if note is None or note["attention"] == "ROUTINE":
            self.say(
                t("Mark a note that asks for attention, then r or c. Attention belongs to a note, not to a person.")
            )
            return
        reader = self.station.reader

        def answered(words: str | None) -> None:
            if words:
                self.once(self._attend(note["id"], partial(drafted, AttentionDraft, {}, close=close, reason=words)))

        rows = _asked_about(note, reader)
        self.asks(note["id"], rows, ask, answered)

    async def _attend(self, note: str, draft: "partial[AttentionDraft]") -> None:
        here = self.station.desk
        if await self.ask(lambda: create(here.api, f"/v1/notes/{note}/attention", draft())) is not None:
            self.taken()
            self.say(f"{t('Recorded')}.")
            await self._fetch()

    def _marked(self) -> Document | None:
        key = self.query_one(Rows).key
        if self._known is None or not isinstance(key, tuple) or key[0] != "note":
            return None
        return next((one for one in self._known.notes if one["id"] == key[1]), None)

    def forgets(self, note: str, status: str) -> None:
        """The picture goes by it as well: everything is read again."""
        super().forgets(note, status)
        if self._known is not None and any(one["id"] == note for one in self._known.notes):
            self.work(self._fetch())

    async def _fetch(self) -> None:
        here, reader = self.station.desk, self.station.reader
        known = await self.ask(lambda: fetch(here.api, self._number, reader))
        if known is not None and self.stands and here is self.station.here:
            self._known = known
            # What a filter looked for may be gone with a note that was taken back.
            self._only = {name: one for name, one in self._only.items() if one in _values(known.notes, name)}
            self._draw()

    def _draw(self) -> None:
        if self._known is not None:
            found = rows(self._known, self.station.reader, table=self._table, only=self._only)
            self.query_one(Rows).show(list(found))


def fetch(api: Api, number: str, reader: Reader) -> Known:
    """Asks for everything that may be seen of somebody, of the last six weeks."""
    inmate = read(api, f"/v1/inmates/{number}")
    since = in_utc(reader.now() - timedelta(days=weeks.DAYS))
    notes = list(every(api, "/v1/notes", {"inmate": inmate["number"], "recorded_from": since}))
    notes.sort(key=lambda one: str(one["occurred_at"]), reverse=True)
    needs = list(every(api, "/v1/needs", {"inmate": inmate["number"], "status": "OPEN"}))
    return Known(inmate, notes, needs, worked(api, inmate["number"]))


def _said(note: Document, name: str) -> str | None:
    """What a note says of how it is known, where it was, or who wrote it."""
    value = note["author"]["username"] if name == "author" else note.get(name)
    return str(value) if value else None


def _values(notes: Sequence[Document], name: str) -> list[str]:
    """What there is to choose from."""
    return list(dict.fromkeys(said for one in notes if (said := _said(one, name))))


def filter_words(only: Mapping[str, str], notes: Sequence[Document], reader: Reader) -> str:
    """`saw it myself, by P. Ngata`."""
    names = {one["author"]["username"]: phrases.person(one["author"]) for one in notes}
    said = {
        name: t("by {author}", author=names.get(value, value)) if name == "author" else reader.label(name, value)
        for name, value in only.items()
    }
    return ", ".join(said[name] for name in ("basis", "place", "author") if name in said)


def rows(known: Known, reader: Reader, *, table: bool, only: Mapping[str, str]) -> Iterator[Row]:
    """The person from the top: what to do if it happens, the picture, what is open, what worked, what was written."""
    one = known.inmate
    language = " · " + t("speaks {language}", language=one["language"]) if one["language"] else ""
    yield row(f" {people.called(one)}  {one['number']}  {one['unit']}{language}", style="bold")
    for note in known.notes:
        if note["if_then"] and note["status"] == "ACTIVE" and reader.is_ahead(note["attention_until"]):
            yield row(
                "  "
                + t(
                    "IF IT HAPPENS ({author}): {if_then}",
                    author=phrases.person(note["author"]),
                    if_then=note["if_then"],
                ),
                style="bold",
                note=note["id"],
            )
    yield row("— " + t("six weeks"), style="bold")
    for line in (weeks.table if table else weeks.picture)(known.notes, reader):
        yield row(f"  {line}", whole=table)
    yield row("— " + t("open needs ({n})", n=len(known.needs)), style="bold")
    for need in known.needs:
        yield row(f"  {item_words.need_line(need, reader)}", ("need", need["id"]), note=need["note"], need=need["id"])
    yield row("— " + t("what worked, and what did not"), style="bold")
    learned = known.learned
    for name, words in (("worked", t("worked")), ("did_not", t("did not help"))):
        for tried in learned[name][:5]:
            yield row(f"  {words}: {item_words.tried(tried, reader)}", note=tried["note"])
    for told in learned["openings"][:3]:
        yield row(
            "  "
            + t("opened up ({by}, {at}): {fact}", by=told["by"], at=reader.time(told["at"]), fact=told["fact"] or ""),
            note=told["note"],
        )
    shown = [one for one in known.notes if all(_said(one, name) == value for name, value in only.items())]
    heading = t("written in six weeks ({n}), the newest first", n=len(known.notes))
    if only:
        words = filter_words(only, known.notes, reader)
        heading = t("{n} of {many} notes: {filters}", n=len(shown), many=len(known.notes), filters=words)
    yield row(f"— {heading}", style="bold")
    for note in shown:
        stands = note["id"] if note["status"] == "ACTIVE" else None
        yield Row(Text("\n").join(_note(note, reader)), ("note", note["id"]), note=stands)


def _asked_about(note: Document, reader: Reader) -> list[Row]:
    return [row(f"  {line}", note=note["id"]) for line in item_words.note_lines(note, reader)]


def _note(note: Document, reader: Reader) -> Iterator[Text]:
    """A note: the fact and its source, then the opinion under its author's name. What no longer stands says so."""
    if note["status"] == "RETRACTED":
        why = note.get("retraction") or {}
        reason = reader.label("retraction_reason", why.get("reason"))
        by = phrases.person(why.get("by"))
        yield Text(
            plain(
                "  "
                + t(
                    "{time} TAKEN BACK by {by}: {reason}. Disregard it.",
                    time=reader.time(note["occurred_at"]),
                    by=by,
                    reason=reason,
                )
            )
        )
        return
    gone = note["status"] == "CORRECTED"
    if gone:
        yield Text("  " + t("CORRECTED, no longer stands; the newer note says why:"), style="bold")
    elif note.get("supersedes"):
        yield Text(
            plain(
                "  "
                + t(
                    "This corrects an earlier note: {reason}",
                    reason=note.get("correction_reason"),
                )
            ),
            style="bold",
        )
    lines = [*item_words.note_lines(note, reader)]
    if (look_out := phrases.attention(note, reader)) and not gone:
        ran_out = "" if reader.is_ahead(note["attention_until"]) else " " + t("(that time is over)")
        lines.append(f"{look_out}{ran_out}")
    lines += [t("need: {need}", need=phrases.need(one, reader)) for one in note.get("needs") or []]
    for number, line in enumerate(lines):
        yield Text(plain(f"  {'  ' if number else ''}{line}"), style="strike" if gone else "")
