"""Going through a handover at a keyboard: one person at a time, a key for each, then roll and own words."""

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import NoReturn

import typer
from rich.text import Text

from handover.client.refusals import Trouble
from handover.client.resources import Document, create, read
from handover.schemas.handovers import QueryDraft
from handover.schemas.notes import ReceiptDraft
from handover.terminal import matters, phrases
from handover.terminal.desk import Desk
from handover.terminal.drafts import drafted
from handover.terminal.offer import asked_roll
from handover.terminal.paging import show_all
from handover.terminal.speech import INTERRUPTED, Speech, plain, tell

_KEYS = " y I have it · n next · a ask · m more · b back · q stop, accept nothing "
_BAR = 20


@dataclass(frozen=True, slots=True)
class Said:
    """What the incoming officer says about a handover."""

    roll: int | None
    read_back: str | None
    with_queries: bool
    because: str | None


class Walk:
    """One officer going through one handover."""

    def __init__(
        self,
        voice: Speech,
        here: Desk,
        handover: Document,
        known: matters.Contents,
        steps: list[matters.Matter],
    ) -> None:
        self._voice = voice
        self._here = here
        self._handover = handover
        self._known = known
        self._steps = steps
        self._had: set[int] = set()

    def take(self, said: Said) -> Said:
        """Through everything, then what the officer says about it; Ctrl-C anywhere accepts nothing."""
        try:
            self._go()
            return self._last_words(said)
        except (KeyboardInterrupt, typer.Abort):
            self._voice.say("")
            self._stop()

    def _go(self) -> None:
        """Through everything; what was not said “I have it” to is named, and may be gone back to."""
        at = 0
        while True:
            self._through(at)
            self._again()
            left = [number for number in range(len(self._steps)) if number not in self._had]
            if not left:
                break
            names = "; ".join(self._steps[number].who for number in left)
            self._voice.say(Text(plain(f"You did not say “I have it” to: {names}."), style="bold"))
            key = self._key(" b back to them · g go on all the same · q stop, accept nothing ", "bgq")
            if key == "g":
                break
            if key == "q":
                self._stop()
            at = left[0]
        self._questions()

    def _last_words(self, said: Said) -> Said:
        """Roll and read-back, asked for unless they were given."""
        if self._handover["kind"] == "SHIFT":
            roll, because = self._roll(said.roll, said.because)
            said = replace(said, roll=roll, because=because)
        if said.read_back is None:
            said = replace(said, read_back=self._asked("The handover in your own words (Enter: none)") or None)
        return replace(said, with_queries=said.with_queries or bool(matters.unanswered(self._handover)))

    def _through(self, at: int) -> None:
        every_one = False
        while at < len(self._steps):
            self._show(at, every_one=every_one)
            every_one = False
            match self._key(_KEYS, "ynambq\r\n "):
                case "y":
                    self._have(at)
                    at += 1
                case "a":
                    self._ask(self._steps[at])
                case "m":
                    every_one = True
                case "b":
                    at = max(0, at - 1)
                case "q":
                    self._stop()
                case _:
                    at += 1

    def _show(self, at: int, *, every_one: bool) -> None:
        done = round(_BAR * (at + 1) / len(self._steps))
        bar = f"[{'#' * done}{'.' * (_BAR - done)}] {at + 1} of {len(self._steps)}"
        mark = "   you have it" if at in self._had else ""
        lines = self._known.lines(self._steps[at], self._handover["queries"], every_one=every_one)
        head = [Text(), Text(bar + mark), matters.title(self._steps[at])]
        show_all(self._voice, [*head, *(Text(plain(f"    {line}")) for line in lines)])

    def _have(self, at: int) -> None:
        """Each note gets a receipt, so that its author sees that it reached somebody."""
        if at in self._had:
            return
        self._had.add(at)
        # Where a receipt does not get through, the handover still does.
        with suppress(Trouble):
            for item in self._steps[at].items:
                if item["note"] and not item["content"] and matters.id_of(item) in self._known.things:
                    path = f"/v1/notes/{item['note']}/receipts"
                    create(self._here.api, path, drafted(ReceiptDraft, {}, kind="SEEN"))

    def _ask(self, matter: matters.Matter) -> None:
        ids = matter.ids()
        if len(ids) > 1:
            self._voice.say("About which?")
            for number, id_ in enumerate(ids[:9], 1):
                self._voice.say(f"  {number}  {self._known.one_line(id_)}")
            ids = ids[int(self._key(" 1–9 ", "123456789"[: len(ids)])) - 1 :]
        item = next(one for one in matter.items if matters.id_of(one) == ids[0])
        text = self._asked("Your question (Enter: none)")
        if not text:
            return
        try:
            draft = drafted(QueryDraft, {"text": "your question"}, note=item["note"], need=item["need"], text=text)
            create(self._here.api, f"/v1/handovers/{self._handover['id']}/queries", draft)
        except Trouble as trouble:
            tell(self._voice, trouble)
            return
        self._voice.say(f"Asked. {phrases.person(self._handover['outgoing'])} is told; the answer comes in here.")
        self._again()

    def _questions(self) -> None:
        """Waits for answers as long as the officer likes."""
        while asked := matters.unanswered(self._handover):
            for query in asked:
                for line in matters.query_lines(query, self._known.reader):
                    self._voice.say(f"    {line}")
            match self._key(" w look again · o take over, question open · q stop, accept nothing ", "woq"):
                case "o":
                    return
                case "q":
                    self._stop()
            self._again()
        for query in self._handover["queries"]:
            for line in matters.query_lines(query, self._known.reader):
                self._voice.say(f"    {line}")
        show_all(self._voice, [Text(plain(f"    {line}")) for line in self._known.not_offered()])

    def _roll(self, roll: int | None, because: str | None) -> tuple[int | None, str | None]:
        expected = self._handover["roll"]["expected"]
        if roll is None:
            known = f"{expected} were offered" if expected is not None else "none was offered"
            roll = asked_roll(f"How many people did you count? {known} (Enter: not counted)")
        while None not in (roll, expected) and roll != expected and because is None:
            typed = self._asked(f"{expected} offered, {roll} counted. Count again, or say why")
            if typed.isdecimal():
                roll = int(typed)
            elif typed:
                because = typed
        return roll, because

    def _again(self) -> None:
        self._handover = read(self._here.api, f"/v1/handovers/{self._handover['id']}")
        if taken := matters.taken(self._handover, self._known.reader):
            raise taken
        self._steps, others = matters.brought_up_to_date(self._steps, self._handover, {}, self._known.reader)
        self._had -= others
        known = matters.with_sheet(self._here, self._handover, self._known.handles, self._known.reader)
        self._known = known.brought(self._handover)

    def _key(self, prompt: str, allowed: str) -> str:
        self._voice.out.print(Text(prompt, style="reverse"), end=" ")
        while (key := typer.getchar().lower()) not in allowed or not key:
            pass
        self._voice.out.print(key.strip())
        return key

    def _asked(self, question: str) -> str:
        return str(typer.prompt(question, default="", show_default=False, err=True)).strip()

    def _stop(self) -> NoReturn:
        self._voice.say("Nothing was accepted. It still waits: handover accept")
        raise typer.Exit(INTERRUPTED)
