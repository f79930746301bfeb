"""Questions about what one handed over, and one's answers: they go into the item on the other's screen at once."""

from collections.abc import Hashable, Iterable
from functools import partial
from typing import ClassVar

from textual.widget import Widget

from handover.client.feed_protocol import Event
from handover.client.resources import Document, create
from handover.schemas.handovers import AnswerDraft
from handover.terminal import matters
from handover.terminal.asking import asked_about
from handover.terminal.desk import Desk
from handover.terminal.drafts import drafted
from handover.terminal.screens.lines import Rows, row
from handover.terminal.screens.offering import question_rows
from handover.terminal.screens.question import Asking
from handover.terminal.tongue import later, t


class Answers(Asking):
    """The questions that are open."""

    KEYS = later("Enter answer · Esc back")
    DO: ClassVar = {"escape": "away"}

    def __init__(self) -> None:
        super().__init__()
        self._found: list[tuple[Document, Document]] = []

    def body(self) -> Iterable[Widget]:
        """One list."""
        yield Rows(id="questions")

    def opened(self) -> None:
        """Asks for them."""
        self.query_one(Rows).show([row("  " + t("Being fetched …"))])
        self.work(self._fetch())

    def hears(self, event: Event) -> None:
        """A question may have come, or be answered, or its handover over."""
        if event.type.startswith("handover."):
            self.work(self._fetch())

    def away(self) -> None:
        """Back."""
        self.dismiss(None)

    async def _fetch(self) -> None:
        here = self.station.desk
        found = await self.ask(partial(_open, here))
        if found is not None and self.stands and here is self.station.here:
            self._found = found
            self.query_one(Rows).show(question_rows(found, self.station.names(), self.station.reader))

    def chosen(self, key: Hashable) -> None:
        """A question: asks for the answer."""
        _, ids = key if isinstance(key, tuple) else ("", "")
        chosen = next(((one, query) for one, query in self._found if f"{one['id']} {query['id']}" == ids), None)
        if chosen is None:
            return
        handover, query = chosen

        def answered(words: str | None) -> None:
            if words:
                self.once(self._answer(handover, query, words))
            else:
                self.work(self._fetch())

        rows = question_rows([chosen], self.station.names(), self.station.reader)
        self.asks(query["id"], rows, t("Your answer"), answered)

    async def _answer(self, handover: Document, query: Document, words: str) -> None:
        here = self.station.desk
        path = f"/v1/handovers/{handover['id']}/queries/{query['id']}/answers"
        made = await self.ask(
            lambda: create(here.api, path, drafted(AnswerDraft, {"text": t("your answer")}, text=words))
        )
        if made is not None:
            self.taken()
            self.say(t("Answered; it stands in the item now."))
            await self._fetch()


def _open(here: Desk) -> list[tuple[Document, Document]]:
    return [(one, query) for one in asked_about(here) for query in matters.unanswered(one)]
