"""The whole prison, for those who answer for it: units and their changeovers, what nobody has taken, what is past due,
who is on the way. Units and items are counted, officers never are."""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
from typing import ClassVar

from textual.widget import Widget

from handover.client.feed_protocol import Event
from handover.client.http import Api
from handover.client.refusals import ServerRefused
from handover.client.resources import Document, every, read
from handover.schemas.common import in_utc
from handover.terminal import calls, phrases
from handover.terminal.phrases import Reader
from handover.terminal.screens.frame import Frame
from handover.terminal.screens.lines import Row, Rows, row
from handover.terminal.shifts import shift_words
from handover.terminal.tongue import later, plural, t

ANSWERABLE = ("supervisor", "governor")
_OPEN = ("OFFERED", "OVERDUE", "ESCALATED")
_BACK = timedelta(hours=36)
_CHANGEOVERS = 3
_AGAIN_S = 2.0
_LISTEN_S = 30.0
"""Nothing tells of a screen that went dark: it is asked for."""


@dataclass(frozen=True, slots=True)
class House:
    """An establishment as it stands."""

    name: str
    units: list[Document]
    handovers: list[Document]
    pages: list[Document]
    needs: list[Document]
    """Open, and past their time."""
    deaf: list[Document] | None
    """Units where nobody hears what is told; None where the server is too old to know."""
    names: dict[str, str]


class HouseScreen(Frame):
    """Units down, their changeovers in a line; under it what waits."""

    KEYS = later("Enter: to the unit · Tab: next part · Esc: back")
    DO: ClassVar = {"escape": "away"}

    def __init__(self, establishment: str) -> None:
        super().__init__()
        self._place = establishment
        self._waiting = self._shown = False
        self._house: House | None = None

    def body(self) -> Iterable[Widget]:
        """One list."""
        yield Rows(id="house")

    def opened(self) -> None:
        """Asks for it."""
        self.query_one(Rows).show([row("  " + t("Being fetched …"))])
        self.work(self._fetch())
        self.set_interval(_LISTEN_S, lambda: self.work(self._listen()))

    def on_screen_resume(self) -> None:
        """A page stood before it: what came meanwhile it has not heard."""
        if self._shown:
            self.hears()

    def hears(self, _event: Event | None = None) -> None:
        """Something has changed: it is asked for again, soon and not too often."""
        if not self._waiting:
            self._waiting = True
            self.set_timer(_AGAIN_S, self._again)

    def _again(self) -> None:
        self._waiting = False
        self.work(self._fetch())

    def chosen(self, key: Hashable) -> None:
        """To the unit."""
        if isinstance(key, tuple):
            self.dismiss(key[:2])

    def away(self) -> None:
        """Back."""
        self.dismiss(None)

    async def _fetch(self) -> None:
        here, reader, names = self.station.here, self.station.reader, self.station.names()
        if here is None:
            return  # behind a lock nothing is asked
        found = await self.ask(partial(fetch, here.api, self._place, reader, names))
        if found is not None and self.stands and here is self.station.here:
            self._shown, self._house = True, found
            self.query_one(Rows).show(list(rows(found, reader)))

    async def _listen(self) -> None:
        """Asks for nothing but who listens."""
        here, before = self.station.here, self._house
        if here is None or before is None:
            return
        deaf = await self.ask(partial(_deaf, here.api, self._place))
        if deaf is not None and before is self._house and self.stands and here is self.station.here:
            self._house = now = replace(before, deaf=deaf)
            self.query_one(Rows).show(list(rows(now, self.station.reader)))


def fetch(api: Api, place: str, reader: Reader, names: dict[str, str]) -> House:
    """Asks for what this reader may see of it."""
    told = read(api, f"/v1/establishments/{place}")
    where = {"establishment": place}
    handovers = []
    for one in every(api, "/v1/handovers", where):
        if one["state"] not in _OPEN and _at(one) < reader.now() - _BACK:
            break  # the newest come first; what is still open long after belongs to a page
        handovers.append(one)
    pages = list(every(api, "/v1/pages", {**where, "state": "RAISED"}))
    late = {**where, "status": "OPEN", "due_before": in_utc(reader.now())}
    needs = list(every(api, "/v1/needs", late))
    return House(told["name"], told["units"], handovers, pages, needs, _deaf(api, place), names)


def _deaf(api: Api, place: str) -> list[Document] | None:
    try:
        return [one for one in read(api, f"/v1/establishments/{place}/listening")["items"] if one["hears"] == "NOTHING"]
    except ServerRefused as refused:
        if refused.status == HTTPStatus.NOT_FOUND:
            return None
        raise


def rows(house: House, reader: Reader) -> Iterator[Row]:
    """The units first, then what waits, each with the unit it leads to."""
    yield row(f" {house.name}", style="bold")
    yield row("— " + t("units and changeovers"), style="bold")
    pages = Counter(one["unit"] for one in house.pages)
    promised = [one for one in house.needs if one["promised"]]
    broken, late = Counter(one["unit"] for one in promised), Counter(one["unit"] for one in house.needs)
    shifts = [one for one in house.handovers if one["kind"] == "SHIFT" and one["state"] != "WITHDRAWN"]
    newest = sorted({(one["due_at"], one["to_shift"]) for one in shifts}, reverse=True)
    columns = list(dict.fromkeys(shift for _, shift in newest))[:_CHANGEOVERS]
    for unit in house.units:
        code = unit["code"]
        counts = [
            plural("{n} page", "{n} pages", pages[code]) if pages[code] else "",
            plural("{n} need past due", "{n} needs past due", late[code]) if late[code] else "",
            plural("{n} of them promised", "{n} of them promised", broken[code]) if broken[code] else "",
        ]
        waits = " · ".join(one for one in counts if one) or t("nothing waits")
        words = f" {unit['name']:<16} {waits}"
        stood = [_changeover(shifts, code, shift, reader) for shift in columns]
        yield row("\n".join([words, *(f"     {one}" for one in stood)]), ("unit", code))
    names = {unit["code"]: unit["name"] for unit in house.units}
    moving = [one for one in house.handovers if one["kind"] == "TRANSFER" and one["state"] in _OPEN]
    yield row("— " + plural("{n} page nobody has taken", "{n} pages nobody has taken", len(house.pages)), style="bold")
    for n, one in enumerate(house.pages):
        kind, since = t(calls.KINDS.get(str(one["kind"]), str(one["kind"]))), reader.time(one["raised_at"])
        words = t("{who}: {kind} since {since}", who=_who(one, house, names), kind=kind, since=since)
        yield row(f"  {words}", ("unit", one["unit"], "page", n))
    heading = plural("{n} promise past its time", "{n} promises past their time", len(promised))
    yield row(f"— {heading}", style="bold")
    for n, one in enumerate(promised):
        yield row(f"  {_who(one, house, names)}: {phrases.need(one, reader)}", ("unit", one["unit"], "need", n))
    yield row("— " + plural("{n} person on the way", "{n} people on the way", len(moving)), style="bold")
    for n, one in enumerate(moving):
        transfer, since = one["transfer"], reader.time(one["offered_at"])
        start, end = (names.get(transfer[side]["unit"], transfer[side]["unit"]) for side in ("from", "to"))
        words = t("{name}: {start} → {end} since {since}", name=transfer["name"], start=start, end=end, since=since)
        yield row(f"  {words}", ("unit", one["unit"], "move", n))
    if house.deaf is not None:
        heading = plural("{n} unit where no screen listens", "{n} units where no screen listens", len(house.deaf))
        yield row(f"— {heading}", style="bold")
        for one in house.deaf:
            name = names.get(one["unit"], one["unit"])
            if one["since"]:
                words = t("{unit}: since {since}", unit=name, since=reader.time(one["since"]))
            else:
                words = t("{unit}: never, as far as is known", unit=name)
            yield row(f"  {words}", ("unit", one["unit"], "deaf"))


def _changeover(shifts: list[Document], unit: str, shift: str, reader: Reader) -> str:
    """`Mon night: offered 20:51, due 21:15`. Nobody is named: it is the unit that waits."""
    found = next((one for one in shifts if one["unit"] == unit and one["to_shift"] == shift), None)
    return f"{shift_words(shift, reader)}: {_state(found, reader)}"


def _state(one: Document | None, reader: Reader) -> str:
    if one is None:
        return t("nobody has offered it")
    due = reader.time(one["due_at"])
    match one["state"]:
        case "OFFERED":
            return t("offered {at}, due {due}", at=reader.time(one["offered_at"]), due=due)
        case "OVERDUE":
            return t("OVERDUE since {due}", due=due)
        case "ESCALATED":
            return t("WITH THE DUTY MANAGER, due {due}", due=due)
        case "ACCEPTED_WITH_QUERIES":
            return t("accepted {at}, with questions open", at=reader.time(one["accepted_at"]))
    return t("accepted {at}", at=reader.time(one["accepted_at"]))


def _who(one: Document, house: House, names: dict[str, str]) -> str:
    unit, number = names.get(one["unit"], one["unit"]), one["inmate"]
    return f"{unit}, {house.names.get(number, number)}" if number else str(unit)


def _at(one: Document) -> datetime:
    return datetime.fromisoformat(str(one["offered_at"]))
