"""Going through a handover at a keyboard: one person at a time, a key for each, then roll and own words."""

from collections.abc import Callable
from typing import TypeVar

import typer
from rich.text import Text

from handover.client.resources import Document, create, read
from handover.schemas.handovers import QueryDraft
from handover.schemas.notes import ReceiptDraft
from handover.terminal import matters, phrases
from handover.terminal.desk import Desk
from handover.terminal.drafts import drafted
from handover.terminal.offer import asked_roll
from handover.terminal.paging import show_all
from handover.terminal.speech import INTERRUPTED, Speech, plain
from handover.terminal.unclear import Unclear

_KEYS = " y I have it · n next · a ask · m more · b back · q stop, accept nothing "
_BAR = 20
S = TypeVar("S")


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

    def go(self) -> None:
        """Through everything once; what was not said “I have it” to is named at the end."""
        at, every_one = 0, False
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
        left = [one.who for number, one in enumerate(self._steps) if number not in self._had]
        if left:
            self._voice.say(Text(plain(f"You did not say “I have it” to: {'; '.join(left)}."), style="bold"))
        self._questions()

    def last_words(
        self,
        roll: int | None,
        read_back: str | None,
        because: str | None,
        with_queries: bool,
        said: Callable[[int | None, str | None, bool, str | None], S],
    ) -> S:
        """Roll and read-back, asked for unless they were given."""
        if self._handover["kind"] == "SHIFT":
            roll, because = self._roll(roll, because)
        if read_back is None:
            read_back = self._asked("The handover in your own words (Enter: none)") or None
        return said(roll, read_back, with_queries or bool(matters.unanswered(self._handover)), because)

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
        except Unclear as unclear:
            self._voice.warn(str(unclear))
            return
        create(self._here.api, f"/v1/handovers/{self._handover['id']}/queries", draft)
        self._voice.say(f"Asked. {phrases.person(self._handover['outgoing'])} is told; the answer comes in here.")
        self._again()

    def _questions(self) -> None:
        """Waits for answers as long as the officer likes."""
        self._again()
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

    def _roll(self, roll: int | None, because: str | None) -> tuple[int | None, str | None]:
        expected = self._handover["roll"]["expected"]
        if roll is None:
            known = f"{expected} were offered" if expected is not None else "none was offered"
            roll = asked_roll(f"How many people did you count? {known} (Enter: not counted)")
        while None not in (roll, expected) and roll != expected and because is None:
            typed = self._asked(f"{expected} offered, {roll} counted. Count again, or say why")
            if typed.isdigit():
                roll = int(typed)
            elif typed:
                because = typed
        return roll, because

    def _again(self) -> None:
        self._handover = read(self._here.api, f"/v1/handovers/{self._handover['id']}")

    def _key(self, prompt: str, allowed: str) -> str:
        self._voice.out.print(Text(prompt, style="reverse"), end=" ")
        while (key := typer.getchar().lower()) not in allowed or not key:
            pass
        self._voice.out.print(key.strip())
        return key

    def _asked(self, question: str) -> str:
        return str(typer.prompt(question, default="", show_default=False, err=True)).strip()

    def _stop(self) -> None:
        self._voice.say("Nothing was accepted. It still waits: handover accept")
        raise typer.Exit(INTERRUPTED)
