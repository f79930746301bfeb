"""Somebody must act now: in words and with the bell, over whatever is on the screen, until a named person takes it."""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, ClassVar

from rich.text import Text
from textual import events
from textual.widget import Widget

from handover.client.refusals import ServerRefused
from handover.client.resources import Document, create, read
from handover.schemas.notes import ReceiptDraft
from handover.terminal import calls, item_words, phrases
from handover.terminal.screens.frame import Frame
from handover.terminal.screens.lines import Row, Rows, row
from handover.terminal.speech import plain
from handover.terminal.tongue import later, t

TAKEN = later("You have taken it; the others are told. Afterwards, write what you did: w")


class Calling(Frame):
    """A page. The keys are such as nobody presses who was just writing a sentence."""

    KEYS = later("Ctrl-T I take it, I go now · Esc put aside, it calls again · your text is kept")
    DO: ClassVar = {"ctrl+t": "take", "escape": "aside"}

    def __init__(self, page: Document) -> None:
        super().__init__()
        self._pages = [page]
        self._notes: dict[str, Document | None] = {}
        self._told = ""

    def body(self) -> Iterable[Widget]:
        """What is known."""
        yield Rows(id="what")

    def opened(self) -> None:
        """Shows it, then fetches what it is about."""
        self._draw()
        self.work(self._fetch())

    def changed(self) -> None:
        """Who is who may be known only now: at the start a call can be here before the names are."""
        super().changed()
        self._draw()

    def on_screen_resume(self) -> None:
        """What stood before it may have stood there while somebody took it, or longer than it calls."""
        self._pages = [one for one in self._pages if str(one["id"]) in self.station.pages]
        if not self._pages and not self.does_something:
            self._closes(self._told)

    def feed(self, event: events.Key | events.Paste) -> bool:
        """A key that was pressed before it stood put nothing aside: it was meant for what is below."""
        return not self._ready or super().feed(event)

    def calls_too(self, page: Document) -> None:
        """Another page; or the same one, again."""
        self._pages = [one for one in self._pages if one["id"] != page["id"]] + [page]
        self._draw()
        self.work(self._fetch())

    def settled(self, id_: str, page: dict[str, Any]) -> None:
        """Somebody has taken it, or it calls no more: that is over, or its note was corrected or taken back."""
        if not any(one["id"] == id_ for one in self._pages):
            return
        self._pages = [one for one in self._pages if one["id"] != id_]
        by = page.get("accepted_by")
        mine = isinstance(by, dict) and by.get("username") == self.station.desk.login.username
        told, _ = calls.page("page.accepted" if by else "page.closed", page, self.station.reader)
        self._goes_on(t(TAKEN) if mine else told.plain)

    def aside(self) -> None:
        """Not by me, not now: it stays in the top line, and calls again."""
        self._closes(t("Put aside, not taken: it calls again. n shows it at the top."))

    def take(self) -> None:
        """I see to it: to the one that stood there when the key was pressed, whatever comes meanwhile."""
        if self._pages:
            self.once(self._take(self._pages[0]))

    def _closes(self, words: str) -> None:
        app, self._told = self.app, words
        if app.screen is self:
            app.pop_screen()
            below = app.screen
            if isinstance(below, Frame):
                below.say(words)
            if words == t(TAKEN) and (own := getattr(below, "own_change", None)) is not None:
                own()

    async def _take(self, page: Document) -> None:
        taken = await self.ask(lambda: take(self.station.desk.api, page))
        if taken is not None:
            self.station.pages.pop(str(page["id"]), None)
            self._pages = [one for one in self._pages if one["id"] != page["id"]]
            self._goes_on(t(TAKEN))

    def _goes_on(self, words: str) -> None:
        if self._pages:
            self._draw()
            self.say(words)
        else:
            self._closes(words)

    async def _fetch(self) -> None:
        here = self.station.desk
        for page in list(self._pages):
            note = page.get("note")
            if note and not self._notes.get(note):
                self._notes[note] = await self.ask(partial(note_of, here.api, str(note)))
        if self.stands and here is self.station.here:
            self._draw()

    def _draw(self) -> None:
        if not self.stands:
            return
        self.query_one("#what", Rows).show(list(self._rows()))

    def _rows(self) -> Iterator[Row]:
        reader, names = self.station.reader, self.station.names()
        for page in self._pages:
            kind = calls.kind_of(page)
            number = str(page.get("inmate") or "")
            who = names.get(number, number) if number else t("the whole wing")
            unit = self.station.unit_name(page.get("establishment"), page.get("unit"))
            head = " " + t("{kind}: {unit}, {who}", kind=kind, unit=unit, who=who) + " "
            yield row("")
            yield Row(Text(plain(head).upper(), style="bold reverse"))
            yield row(f"  {calls.called(page, reader)}")
            note = self._notes.get(str(page.get("note")))
            for line in note_words(note, reader) if note else [t("(what it is about is being fetched)")]:
                yield row(f"  {line}", style="bold" if note and line == _if_then(note) else "")


def take(api: Any, page: Document) -> Document:
    """A named person's word: I go."""
    return create(api, f"/v1/notes/{page['note']}/receipts", ReceiptDraft(kind="ACCEPTED"))


def note_of(api: Any, note: str) -> Document | None:
    """The note that calls; None where it is not for this reader, or was taken back."""
    try:
        found = read(api, f"/v1/notes/{note}")
    except ServerRefused:
        return None
    return found if found.get("basis") else None


def note_words(note: Document, reader: phrases.Reader) -> Iterator[str]:
    """All that a note says, its needs and its if-then with it."""
    yield from item_words.note_lines(note, reader)
    yield from (t("need: {need}", need=phrases.need(one, reader)) for one in note.get("needs") or [])
    if note.get("if_then"):
        yield _if_then(note)


def _if_then(note: Document) -> str:
    return t("IF IT HAPPENS: {if_then}", if_then=note["if_then"])
