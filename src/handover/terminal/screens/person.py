"""A person: how he or she was, what is open, what worked, and everything that was written, with its source."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import ClassVar

from rich.text import Text
from textual.widget import Widget

from handover.client.http import Api
from handover.client.resources import Document, create, every, read
from handover.schemas.common import in_utc
from handover.schemas.notes import AttentionDraft
from handover.terminal import item_words, people, phrases
from handover.terminal.drafts import drafted
from handover.terminal.phrases import Reader
from handover.terminal.screens import weeks
from handover.terminal.screens.beside import worked
from handover.terminal.screens.frame import Frame
from handover.terminal.screens.lines import Row, Rows, row
from handover.terminal.screens.question import Question
from handover.terminal.speech import plain
from handover.terminal.tongue import later, t


@dataclass(frozen=True, slots=True)
class Known:
    """What the service shows of somebody."""

    inmate: Document
    notes: list[Document]
    needs: list[Document]
    learned: Document


class PersonScreen(Frame):
    """One person. Nothing here sums a person up."""

    KEYS = later("w write · t table · r renew, c close attention · Enter need · Esc back")
    DO: ClassVar = {
        "w": "write_about",
        "t": "turn",
        "r": "renew",
        "c": "close_it",
        "escape": "away",
        "enter": "entered",
    }

    def __init__(self, number: str) -> None:
        super().__init__()
        self._number = number
        self._known: Known | None = None
        self._table = False

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
                self.work(self._attend(note["id"], partial(drafted, AttentionDraft, {}, close=close, reason=words)))

        rows = [row(f"  {line}") for line in item_words.note_lines(note, reader)]
        self.app.push_screen(Question(rows, ask), answered)

    async def _attend(self, note: str, draft: "partial[AttentionDraft]") -> None:
        here = self.station.desk
        if await self.ask(lambda: create(here.api, f"/v1/notes/{note}/attention", draft())) is not None:
            self.say(f"{t('Recorded')}.")
            await self._fetch()

    def _marked(self) -> Document | None:
        key = self.query_one(Rows).key
        if self._known is None or not isinstance(key, tuple) or key[0] != "note":
            return None
        return next((one for one in self._known.notes if one["id"] == key[1]), None)

    async def _fetch(self) -> None:
        here, reader = self.station.desk, self.station.reader
        known = await self.ask(lambda: fetch(here.api, self._number, reader))
        if known is not None and self.stands and here is self.station.here:
            self._known = known
            self._draw()

    def _draw(self) -> None:
        if self._known is not None:
            self.query_one(Rows).show(list(rows(self._known, self.station.reader, table=self._table)))


def fetch(api: Api, number: str, reader: Reader) -> Known:
    """Asks for everything that may be seen of somebody, of the last six weeks."""
    inmate = read(api, f"/v1/inmates/{number}")
    since = in_utc(reader.now() - timedelta(days=weeks.DAYS))
    notes = list(every(api, "/v1/notes", {"inmate": inmate["number"], "recorded_from": since}))
    notes.sort(key=lambda one: str(one["occurred_at"]), reverse=True)
    needs = list(every(api, "/v1/needs", {"inmate": inmate["number"], "status": "OPEN"}))
    return Known(inmate, notes, needs, worked(api, inmate["number"]))


def rows(known: Known, reader: Reader, *, table: bool) -> Iterator[Row]:
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
            )
    yield row("— " + t("six weeks"), style="bold")
    for line in (weeks.table if table else weeks.picture)(known.notes, reader):
        yield row(f"  {line}", whole=False)
    yield row("— " + t("open needs ({n})", n=len(known.needs)), style="bold")
    for need in known.needs:
        yield row(f"  {item_words.need_line(need, reader)}", ("need", need["id"]))
    yield row("— " + t("what worked, and what did not"), style="bold")
    learned = known.learned
    for name, words in (("worked", t("worked")), ("did_not", t("did not help"))):
        for tried in learned[name][:5]:
            yield row(f"  {words}: {item_words.tried(tried, reader)}")
    for told in learned["openings"][:3]:
        yield row(
            "  "
            + t("opened up ({by}, {at}): {fact}", by=told["by"], at=reader.time(told["at"]), fact=told["fact"] or "")
        )
    yield row("— " + t("written in six weeks ({n}), the newest first", n=len(known.notes)), style="bold")
    for note in known.notes:
        yield Row(Text("\n").join(_note(note, reader)), ("note", note["id"]))


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
