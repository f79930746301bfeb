"""Taking over: one person at a time, the most urgent first, a key for each; then the roll, one's own words, and it is
one's own. Until the very end nothing has been accepted."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input

from handover.client.feed_protocol import Event
from handover.client.refusals import Trouble
from handover.client.resources import Document, create, read
from handover.schemas.handovers import AcceptanceDraft, QueryDraft
from handover.schemas.notes import ReceiptDraft
from handover.terminal import calls, matters, phrases, standing
from handover.terminal.desk import Desk
from handover.terminal.drafts import drafted
from handover.terminal.handles import handles
from handover.terminal.matters import Contents, Matter
from handover.terminal.phrases import Reader
from handover.terminal.screens.frame import Frame
from handover.terminal.screens.lines import Lines, Row, Rows, row
from handover.terminal.tongue import later, t
from handover.terminal.units import name_of_unit

_WALK = later("y I have it · n next · a ask · b back · m more · Esc stop, nothing is accepted")
_TEXT = later("Enter: on · Esc: back to the items")
_BAR = 20
_ITEMS = ("walk", "ask", "which")
"""The stages in which one item is on the screen."""


@dataclass(slots=True)
class Offer:
    """A handover that waits, and what is known of what it holds."""

    handover: Document
    name: str
    steps: list[Matter]
    known: Contents
    gone: str = ""
    """What became of it, once it does not wait any more."""


class TakeOver(Frame):
    """One handover. Answers the accepted document, or None."""

    KEYS = _WALK
    DO: ClassVar = {"escape": "stop", "enter": "entered"}

    def __init__(self, offer: Offer, said: str) -> None:
        super().__init__()
        self._first_words = said
        self._offer = offer
        self._at = 0
        self._had: set[int] = set()
        self._stage = "walk"
        self._every = False
        self._about: Document | None = None
        self._roll: int | None = None
        self._because: str | None = None
        self._changed = self._reading = False

    def body(self) -> Iterable[Widget]:
        """How far; the item; a line for what is typed."""
        yield Lines(id="bar")
        yield Rows(id="matter")
        yield Lines(id="ask")
        with Horizontal(classes="asked"):
            yield Input(id="answer", select_on_focus=False)

    def opened(self) -> None:
        """The first item; where there is none, the roll."""
        for id_ in ("#bar", "#ask"):
            self.query_one(id_).styles.height = 1
        self._goes_to("walk" if self._offer.steps else "roll")
        self.say(self._first_words)

    # --- keys --------------------------------------------------------------------------------------------------------

    def takes(self, event: events.Key) -> bool:
        """In the walk each key is a word; elsewhere letters are letters."""
        key = (event.character or event.key).lower()
        if event.key == "escape" and self._stage == "ask":  # the question goes, whatever one does meanwhile
            self._goes_to("walk")
            return True
        if event.key in self.DO or self._stage in ("ask", "roll", "why", "words"):
            return super().takes(event)
        if self._stage == "which":
            self._which(key)
        elif self._stage == "left" and key in "bg":
            self._goes_to("walk" if key == "b" else "questions")
        elif self._stage == "questions" and key in "wo":
            self.work(self._look_again()) if key == "w" else self._goes_to("roll")
        elif self._stage == "walk" and key in "ynabm":
            {"y": self._have, "n": self._next, "a": self._asks, "b": self._back, "m": self._more}[key]()
        else:
            return super().takes(event)
        return True

    def entered(self) -> None:
        """Enter: on, whatever that means here."""
        words = self.query_one(Input).value.strip()
        match self._stage:
            case "walk":
                self._next()
            case "ask" if words:
                self.once(self._ask(words))
            case "ask":
                self._goes_to("walk")
            case "roll":
                self._counted(words)
            case "why":
                self._explained(words)
            case "words":
                self.once(self._accept(words or None))

    def stop(self) -> None:
        """Back from a line to the items; from the items, away."""
        if self._stage in ("walk", "left", "questions") or not self._offer.steps:
            self.dismiss(None)
        else:
            self._goes_to("walk")

    def hears(self, event: Event) -> None:
        """An answer comes into its item; an offer that is gone says so."""
        data = event.raw.get("data") or {}
        if event.type.startswith("note.") and event.raw.get("unit") == self._offer.handover["unit"]:
            self._stale()
        if not event.type.startswith("handover.") or data.get("id") != self._offer.handover["id"]:
            return
        if "queries" in data:
            self._offer.handover = {**self._offer.handover, **data}
            if event.type == "handover.updated":
                self._brought_up_to_date()
            self._draw()
        if event.type == "handover.answered":
            self.say(t("An answer has come."))
        elif event.type == "handover.updated":
            self.say(calls.handover(event.type, data, self.station.reader)[0], loud=True)
        elif event.type in ("handover.withdrawn", "handover.accepted"):
            by = (data.get("withdrawal") or {}).get("by") or data.get("incoming") or {}
            gone = self._offer.gone = calls.handover(event.type, data, self.station.reader)[0].plain
            mine = event.type == "handover.accepted" and by.get("username") == self.station.desk.login.username
            quicker = t("{by} was quicker: it was taken back, or over. Esc.", by=phrases.person(by))
            self.say(gone if mine else quicker, loud=True)

    # --- the walk ----------------------------------------------------------------------------------------------------

    def _have(self) -> None:
        """I have it: the authors see that their notes reached somebody."""
        if self._at not in self._had:
            self._had.add(self._at)
            self.work(self._receipts(self._offer.steps[self._at]))
        self._next()

    def _next(self) -> None:
        if self._at + 1 < len(self._offer.steps):
            self._at += 1
            self._every = False
            self._draw(first=True)
        else:
            self._goes_to("questions" if len(self._had) == len(self._offer.steps) else "left")

    def _back(self) -> None:
        self._at = max(0, self._at - 1)
        self._draw(first=True)

    def _more(self) -> None:
        self._every = True
        self._draw()

    def _asks(self) -> None:
        """A question: about which note or need, if there are several."""
        matter = self._offer.steps[self._at]
        if len(matter.ids()) > 1:
            self._goes_to("which")
        else:
            self._about = matter.items[0]
            self._goes_to("ask")

    def _which(self, key: str) -> None:
        ids = self._offer.steps[self._at].ids()[:9]
        if key in "123456789" and int(key) <= len(ids):
            self._about = self._offer.steps[self._at].items[int(key) - 1]
            self._goes_to("ask")

    async def _ask(self, words: str) -> None:
        about, handover, here = self._about, self._offer.handover, self.station.desk
        if about is None:
            return
        made = await self.ask(
            lambda: create(
                here.api,
                f"/v1/handovers/{handover['id']}/queries",
                drafted(QueryDraft, {"text": t("your question")}, note=about["note"], need=about["need"], text=words),
            )
        )
        if made is not None and self.stands:
            await self._look_again()
            if self._stage == "ask" and self._about is about:  # who went on meanwhile is left where he or she is
                self._goes_to("walk")
            self.say(
                t("Asked. {outgoing} is told; the answer comes in here.", outgoing=phrases.person(handover["outgoing"]))
            )

    async def _look_again(self) -> None:
        here, id_ = self.station.desk, self._offer.handover["id"]
        found = await self.ask(partial(read, here.api, f"/v1/handovers/{id_}"))
        if found is not None and self.stands:
            self._offer.handover = found
            self._draw()

    def forgets(self, note: str, status: str) -> None:
        """Its words go from the item at once."""
        super().forgets(note, status)
        self._offer.known = self._offer.known.without(note, status)
        self._draw()

    def _brought_up_to_date(self) -> None:
        offer, names, reader = self._offer, self.station.names(), self.station.reader
        offer.steps, others = matters.brought_up_to_date(offer.steps, offer.handover, names, reader)
        self._had -= others
        offer.known = offer.known.brought(offer.handover)

    def _stale(self) -> None:
        """What is handed over, or stands beside it, may be different now: it is read again, once at a time."""
        self._changed = True
        if not self._reading:
            self.work(self._read_again())

    async def _read_again(self) -> None:
        here, reader, offer = self.station.desk, self.station.reader, self._offer
        self._reading = True
        while self._changed:
            self._changed = False
            found = await self.ask(partial(matters.with_sheet, here, offer.handover, offer.known.handles, reader))
            if found is not None:
                offer.known = found.brought(offer.handover)  # which may be another by now
        self._reading = False
        if self._stage not in _ITEMS:  # what came stays out of the item that is being read; the roll comes after it
            self._draw()

    async def _receipts(self, matter: Matter) -> None:
        # Where a receipt does not get through, the handover still does.
        here, known = self.station.desk, self._offer.known
        for item in matter.items:
            if item["note"] and not item["content"] and matters.id_of(item) in known.things:
                seen = partial(create, here.api, f"/v1/notes/{item['note']}/receipts", ReceiptDraft(kind="SEEN"))
                with suppress(Trouble):
                    await self.base.reach(seen)

    # --- the last words ----------------------------------------------------------------------------------------------

    def _counted(self, words: str) -> None:
        expected = self._offer.handover["roll"]["expected"]
        if words and not words.isdecimal():
            self.say(t("A number; or nothing, if you have not counted."), loud=True)
            return
        self._roll, self._because = int(words) if words else None, None
        differ = None not in (self._roll, expected) and self._roll != expected
        self._goes_to("why" if differ else "words")

    def _explained(self, words: str) -> None:
        if words.isdecimal():
            self._counted(words)
        elif words:
            self._because = words
            self._goes_to("words")

    async def _accept(self, read_back: str | None) -> None:
        handover, here = self._offer.handover, self.station.desk
        made = await self.ask(
            lambda: create(
                here.api,
                f"/v1/handovers/{handover['id']}/acceptance",
                drafted(
                    AcceptanceDraft,
                    {},
                    roll_actual=self._roll,
                    roll_mismatch_reason=self._because,
                    read_back=read_back,
                    with_queries=True if matters.unanswered(handover) else None,
                ),
            )
        )
        if made is not None:
            self.ends(made)

    # --- what is shown -----------------------------------------------------------------------------------------------

    def _goes_to(self, stage: str) -> None:
        if not self.stands:
            return
        handover = self._offer.handover
        if stage == "questions" and not matters.unanswered(handover):
            stage = "roll"
        if stage == "roll" and handover["kind"] == "TRANSFER":
            stage = "words"
        if stage == "walk" and self._stage == "left":
            self._at = next(n for n in range(len(self._offer.steps)) if n not in self._had)
        if stage not in _ITEMS and self._stage in _ITEMS:
            self._stale()
        self._stage = stage
        asks = stage in ("ask", "roll", "why", "words")
        line = self.query_one(Input)
        line.value = ""
        line.display = asks
        self.set_focus(line if asks else self.query_one(Rows))
        self.query_one("#ask", Lines).put([Text(f" {self._question()}", style="bold")] if asks else [])
        self.keys(
            {"walk": _WALK, "left": _LEFT, "questions": _OPEN, "which": later("1–9 which · Esc back")}.get(stage, _TEXT)
        )
        self._draw(first=True)

    def _question(self) -> str:
        expected = self._offer.handover["roll"]["expected"]
        return {
            "ask": t("Your question"),
            "roll": t("How many did you count? {expected} were offered", expected=expected)
            if expected is not None
            else t("How many did you count?"),
            "why": t("{expected} offered, {roll} counted. Count again, or say why", expected=expected, roll=self._roll),
            "words": t("The handover in your own words, then Enter: it is yours"),
        }[self._stage]

    def _draw(self, *, first: bool = False) -> None:
        if not self.stands or self.station.here is None:
            return
        steps, reader = self._offer.steps, self.station.reader
        done = round(_BAR * len(self._had) / max(1, len(steps)))
        where = t("{n} of {many}", n=self._at + 1, many=len(steps)) if self._stage in _ITEMS else t("the last words")
        mark = "   " + t("you have it") if self._stage == "walk" and self._at in self._had else ""
        filled = "#" * done + "." * (_BAR - done)
        bar = f" {t('TAKE OVER {name}', name=self._offer.name)}  [{filled}] {where}{mark}"
        self.query_one("#bar", Lines).put([Text(bar, style="bold")])
        rows = self.query_one(Rows)
        if first:
            rows.show([])
        rows.show(self._rows(reader))

    def _rows(self, reader: Reader) -> list[Row]:
        offer = self._offer
        if self._stage in _ITEMS and offer.steps:
            matter = offer.steps[self._at]
            head = head_of(offer, reader) if self._at == 0 and self._stage == "walk" else []
            found = [*head, Row(matters.title(matter))]
            if self._stage == "which":
                numbered = enumerate(matter.ids()[:9], 1)
                return [*found, *(row(f"  {number}  {offer.known.one_line(id_)}") for number, id_ in numbered)]
            lines = offer.known.lines(matter, offer.handover["queries"], every_one=self._every)
            return [*found, *(row(f"    {line}") for line in lines)]
        if self._stage == "left":
            left = [matter.who for number, matter in enumerate(offer.steps) if number not in self._had]
            return [
                row("  " + t("You did not say “I have it” to:"), style="bold"),
                *(row(f"    {who}") for who in left),
            ]
        new = [row(f"  {line}", style="bold") for line in offer.known.not_offered()]
        asked = [line for one in offer.handover["queries"] for line in matters.query_lines(one, reader)]
        return [*head_of(offer, reader), *new, *(row(f"    {line}") for line in asked)]


_LEFT = later("b back to them · g go on all the same · Esc stop, nothing is accepted")
_OPEN = later("w look again · o take over with the question open · Esc stop, nothing accepted")


def head_of(offer: Offer, reader: Reader) -> list[Row]:
    """Who offers what, and with which words."""
    handover = offer.handover
    if moving := handover["transfer"]:
        lines = [
            f"{standing.on_the_way(handover, reader)}",
            t("From {start} to {end}", start=standing.spot(moving["from"]), end=standing.spot(moving["to"])),
        ]
    else:
        lines = [standing.where(handover, reader)]
    if handover["roll"]["expected"] is not None:
        lines.append(
            t(
                "Roll {expected}, says {outgoing}",
                expected=handover["roll"]["expected"],
                outgoing=phrases.person(handover["outgoing"]),
            )
        )
    if handover["remarks"]:
        lines.append(t("{by} adds: {remarks}", by=phrases.person(handover["outgoing"]), remarks=handover["remarks"]))
    return [row(f"  {line}.") for line in lines]


def offers(here: Desk, places: list[matters.Place], reader: Reader) -> list[Offer]:
    """What waits to be taken over in these units, with all that it holds; those due first."""
    found = []
    for handover in matters.waiting(here, places):
        moving = handover["transfer"]
        name = moving["name"] if moving else name_of_unit(here, handover["establishment"], handover["unit"])
        tails = handles(matters.id_of(item) for item in matters.items_of(handover))
        known = matters.with_sheet(here, handover, tails, reader)
        found.append(Offer(handover, name, matters.matters(here, handover, reader), known))
    return found
