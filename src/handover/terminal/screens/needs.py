"""One need: what it is, what became of it so far, and the keys that close it or take it on."""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import ClassVar

from textual.widget import Widget

from handover.client.refusals import ServerRefused
from handover.client.resources import Document, change, read
from handover.schemas.needs import NeedChange
from handover.terminal import item_words, phrases
from handover.terminal.drafts import drafted
from handover.terminal.needing import quicker
from handover.terminal.phrases import Reader
from handover.terminal.screens.lines import Row, Rows, row
from handover.terminal.screens.question import Asking
from handover.terminal.tongue import later, t
from handover.terminal.units import Unit


class NeedScreen(Asking):
    """A need."""

    KEYS = later("d done · x not possible · m I see to it · p passed on · Enter person · Esc back")
    DO: ClassVar = {"d": "done", "x": "not_possible", "m": "mine", "p": "pass_on", "escape": "away", "enter": "person"}

    def __init__(self, need: str) -> None:
        super().__init__()
        self._id = need
        self._need: Document | None = None

    def body(self) -> Iterable[Widget]:
        """The need and its history."""
        yield Rows(id="need")

    def opened(self) -> None:
        """Asks for it."""
        self.work(self._fetch())

    def done(self) -> None:
        """It has been met."""
        self._asks(t("What came of it? Whoever wrote it down is told"), "outcome", "DONE")

    def not_possible(self) -> None:
        """It cannot be met."""
        self._asks(t("Why is it not possible? Tell the person as well"), "reason", "NOT_POSSIBLE")

    def pass_on(self) -> None:
        """Somebody else sees to it."""
        self._asks(t("To whom is it passed on?"), "owner", "PASSED_ON")

    def mine(self) -> None:
        """I see to it."""
        self.once(self._change(drafted(NeedChange, {}, owner=self.station.desk.login.me.name), t("It is yours")))

    def person(self) -> None:
        """Whose it is."""
        if self._need is not None and self._need["inmate"]:
            self.dismiss(("person", self._need["inmate"]))

    def away(self) -> None:
        """Back."""
        self.dismiss(None)

    def _asks(self, ask: str, field: str, status: str) -> None:
        need = self._need
        if need is None:
            return

        def answered(words: str | None) -> None:
            if words:
                draft = partial(drafted, NeedChange, {}, status=status, **{field: words})
                self.once(self._try(draft))

        self.asks(need["id"], list(_rows(need, self.station.reader)), ask, answered)

    async def _try(self, draft: "partial[NeedChange]") -> None:
        made = await self.ask(draft)
        if made is not None:
            await self._change(made, t("Recorded"))

    async def _change(self, draft: NeedChange, words: str) -> None:
        need, here, reader = self._need, self.station.desk, self.station.reader
        if need is None:
            return

        def asked() -> Document:
            try:
                return change(here.api, f"/v1/needs/{need['id']}", int(need["version"]), draft)
            except ServerRefused as refused:
                if refused.status != 412:
                    raise
                raise quicker(here, need["id"], reader) from None

        changed = await self.ask(asked)
        if changed is None:
            await self._fetch()
        else:
            self.ends(("said", f"{words}: {phrases.need(changed, reader)}"))

    async def _fetch(self) -> None:
        here = self.station.desk
        found = await self.ask(partial(read, here.api, f"/v1/needs/{self._id}"))
        if found is not None and self.stands and here is self.station.here:
            self._need = found
            self.query_one(Rows).show(list(_rows(found, self.station.reader, self.station.names(), self.station.unit)))


def _rows(
    need: Document, reader: Reader, names: dict[str, str] | None = None, unit: Unit | None = None
) -> Iterator[Row]:
    who = unit.name if unit else t("the wing")
    if need["inmate"]:
        who = (names or {}).get(str(need["inmate"]), str(need["inmate"]))
    yield row(" " + t("NEED: {who}", who=who), style="bold")
    yield row("")
    yield row(f"  {item_words.need_line(need, reader)}", note=need["note"], need=need["id"])
    yield row("")
    for step in need.get("history") or []:
        said = step["outcome"] or step["reason"]
        status = reader.label("need_status", step["status"])
        owner = t(", with {owner}", owner=step["owner"]) if step["owner"] else ""
        yield row(
            f"  {reader.time(step['at'])}  {phrases.person(step['by'])}: {status}{owner}"
            + (f": {said}" if said else ""),
            note=need["note"],
            need=need["id"],
        )
