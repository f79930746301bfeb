"""Handing over: what goes along, one's count, a word about what belongs to nobody; or taking that back."""

from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input

from handover.client.resources import Document, create
from handover.client.sheets import sheet_of
from handover.schemas.handovers import HandoverDraft, WithdrawalDraft
from handover.terminal import matters, phrases, standing
from handover.terminal.drafts import drafted
from handover.terminal.offer import summary
from handover.terminal.screens.frame import Frame
from handover.terminal.screens.lines import Lines, Row, Rows, row
from handover.terminal.tongue import later, t
from handover.terminal.units import Unit

_ASKS = {
    "roll": later("How many did you count? (Enter: not counted)"),
    "differs": later("Counted again: (Enter: it stays as it was)"),
    "remarks": later("What belongs to nobody in particular (Enter: nothing)"),
    "why": later("Why do you take the offer back?"),
}


class HandOver(Frame):
    """Offers the unit. Answers what is to be said, or None."""

    KEYS = later("Enter on · Esc never mind")
    DO: ClassVar = {"escape": "away", "enter": "entered"}

    def __init__(self, unit: Unit) -> None:
        super().__init__()
        self._unit = unit
        self._sheet: Document | None = None
        self._stage = "look"
        self._roll: int | None = None

    def body(self) -> Iterable[Widget]:
        """What goes along; a line."""
        yield Lines(id="bar")
        yield Rows(id="summary")
        yield Lines(id="ask")
        with Horizontal(classes="asked"):
            yield Input(id="answer", select_on_focus=False)

    def opened(self) -> None:
        """Looks how things stand."""
        for id_ in ("#bar", "#ask"):
            self.query_one(id_).styles.height = 1
        self.query_one("#bar", Lines).put([Text(" " + t("HAND OVER {name}", name=self._unit.name), style="bold")])
        self._goes_to("look")
        self.work(self._fetch())

    def takes(self, event: events.Key) -> bool:
        """Where an offer waits, one key takes it back."""
        if self._stage == "waits" and event.character in ("r", "R"):
            self._goes_to("why")
            return True
        return super().takes(event)

    def entered(self) -> None:
        """On."""
        words = self.query_one(Input).value.strip()
        match self._stage:
            case "roll" | "differs":
                self._counted(words)
            case "remarks":
                self.once(self._offer(words or None))
            case "why" if words:
                self.once(self._take_back(words))

    def away(self) -> None:
        """Never mind."""
        self.dismiss(None)

    def _counted(self, words: str) -> None:
        if words and not words.isdecimal():
            self.say(t("A number; or nothing."), loud=True)
            return
        if words:
            self._roll = int(words)
        expected = self._sheet["roll"]["expected"] if self._sheet else None
        if self._stage == "roll" and self._roll is not None and self._roll != expected:
            self.say(
                t(
                    "You counted {roll}, the roster says {expected}. Find out which is right.",
                    roll=self._roll,
                    expected=expected,
                ),
                loud=True,
            )
            self._goes_to("differs")
        else:
            self._goes_to("remarks")

    async def _fetch(self) -> None:
        here, unit = self.station.desk, self._unit
        sheet = await self.ask(partial(sheet_of, here.api, unit.establishment, unit.code))
        if sheet is None or not self.stands:
            return
        self._sheet = sheet
        waits = sheet["handover"]["id"] is not None
        self.query_one(Rows).show(list(self._rows(sheet)))
        self._goes_to("waits" if waits else "roll")

    def _rows(self, sheet: Document) -> Iterable[Row]:
        reader = self.station.reader
        yield row("")
        if sheet["handover"]["id"] is not None:
            yield row(f"  {standing.where(sheet['handover'], reader)}.", style="bold")
            yield row("  " + t("Until somebody accepts, it is still whose it was. r takes the offer back."))
            return
        yield from (row(f"  {line}") for line in summary(self._unit, sheet, reader))
        yield row("")
        yield row("  " + t("It stays yours until somebody accepts it by name, wherever you are."))

    async def _offer(self, remarks: str | None) -> None:
        here, unit, roll, reader = self.station.desk, self._unit, self._roll, self.station.reader
        made = await self.ask(
            lambda: create(
                here.api,
                "/v1/handovers",
                drafted(
                    HandoverDraft,
                    {},
                    establishment=unit.establishment,
                    unit=unit.code,
                    roll_expected=roll,
                    remarks=remarks,
                ),
            )
        )
        if made is not None:
            due = reader.time(made["due_at"])
            self.ends(
                t("Offered; to be accepted by {due}. Until then it is yours. Questions come here: a answers.", due=due)
            )

    async def _take_back(self, why: str) -> None:
        here, sheet = self.station.desk, self._sheet
        if sheet is None:
            return
        path = f"/v1/handovers/{sheet['handover']['id']}/withdrawal"
        if await self.ask(lambda: create(here.api, path, drafted(WithdrawalDraft, {}, reason=why))) is not None:
            self.ends(t("Taken back. It is yours as before."))

    def _goes_to(self, stage: str) -> None:
        self._stage = stage
        line = self.query_one(Input)
        line.value, line.display = "", stage in _ASKS
        self.set_focus(line if line.display else self.query_one(Rows))
        self.query_one("#ask", Lines).put([Text(f" {t(_ASKS[stage])}", style="bold")] if line.display else [])
        self.keys(later("r take the offer back · Esc never mind") if stage == "waits" else self.KEYS)


def question_rows(found: list[tuple[Document, Document]], names: dict[str, str], reader: phrases.Reader) -> list[Row]:
    """Questions that wait for an answer, each to be chosen."""
    rows = [row(" " + t("QUESTIONS about what you handed over"), style="bold"), row("")]
    for handover, query in found:
        about = {matters.id_of(item): item["inmate"] for item in matters.items_of(handover)}
        number = about.get(query["note"] or query["need"])
        who = names.get(str(number), str(number)) if number else t("the wing")
        told = "  " + t(
            "{who}: {by} asks {at}: {text}",
            who=who,
            by=phrases.person(query["by"]),
            at=reader.time(query["at"]),
            text=query["text"],
        )
        rows.append(row(told, ("query", f"{handover['id']} {query['id']}")))
    if not found:
        rows.append(row("  " + t("No question is open.")))
    return rows
