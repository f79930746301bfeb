"""What this terminal knows: who sits at it, which unit is looked at, how it stands, and since when nothing is heard."""

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from handover.client.codelists import kept_lists
from handover.client.http import Api
from handover.client.refusals import CannotReach, NotLoggedIn, ServerRefused, Trouble
from handover.client.resources import Document, read
from handover.client.server import Server
from handover.client.session import Login, OfficerTokens
from handover.client.sheets import sheet_of
from handover.schemas.codelists import CodeList
from handover.terminal import people
from handover.terminal.desk import Desk
from handover.terminal.phrases import Reader
from handover.terminal.screens.news import News
from handover.terminal.tongue import language, t
from handover.terminal.units import Unit, own_units, unit_meant

T = TypeVar("T")


@dataclass(slots=True)
class Connection:
    """One officer's way to the server, closed when nothing is under way on it any more: a request whose connection is
    taken from under it would wait for its answer to the end."""

    api: Api
    _under_way: int = 0
    _over: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begins(self) -> None:
        """Something is about to be asked."""
        with self._lock:
            self._under_way += 1

    def carry(self, work: Callable[[], T]) -> T:
        """Asks it, in a thread: the screen that wanted to know may be gone before the answer is there."""
        try:
            return work()
        finally:
            self._settle(-1)

    def ends(self) -> None:
        """Nobody will ask anything more."""
        self._over = True
        self._settle(0)

    def _settle(self, step: int) -> None:
        with self._lock:
            self._under_way += step
            if self._over and self._under_way <= 0:
                self.api.__exit__()


@dataclass(slots=True)
class Station:
    """One terminal. Nobody sits at it while it is locked."""

    server: Server
    here: Desk | None = None
    connection: Connection | None = None
    practice: bool = False
    """Whether whoever sat here last did so in a practice prison: its password is everybody's, behind a lock too."""
    unit: Unit | None = None
    units: list[Unit] = field(default_factory=list)
    """Those that may be looked at: one's own, or all of the prison for those who have none of their own."""
    lists: Mapping[str, CodeList] = field(default_factory=dict)
    sheet: Document | None = None
    """The unit as it was last fetched; what is on the screen may be older, until the officer takes news in."""
    shifts: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    """When the shifts of each prison begin."""
    roster: dict[str, str] = field(default_factory=dict)
    """Number → name and cell, of everybody in these units: at night one of several wings calls, seldom the one that is
    on the screen."""
    pages: dict[str, Document] = field(default_factory=dict)
    """Calls nobody has taken."""
    news: News = field(default_factory=News)
    certain_at: datetime | None = None
    """When this screen was last known to be right."""
    blind_since: datetime | None = None
    missed: str | None = None

    def sits_down(self, login: Login) -> None:
        """Somebody has logged in here."""
        self.stands_up()
        tokens = OfficerTokens(self.server, login.username)
        self.connection = Connection(Api(self.server, tokens))
        self.here = Desk(self.server, login, tokens, self.connection.api)
        self.practice = login.me.practice
        self.lists = kept_lists(self.server, language())

    def stands_up(self) -> None:
        """Forgets whoever sat here, and all that only he or she may see."""
        if self.connection is not None:
            self.connection.ends()
        self.connection = None
        self.here, self.unit, self.units, self.sheet = None, None, [], None
        self.pages.clear()
        self.roster.clear()
        self.shifts.clear()
        self.news = News()
        self.certain_at = self.blind_since = self.missed = None

    @property
    def desk(self) -> Desk:
        """Whoever sits here."""
        if self.here is None:
            raise NotLoggedIn(t("Nobody is there any more."))
        return self.here

    @property
    def reader(self) -> Reader:
        """What puts things into words."""
        return self.desk.reader(dict(self.lists), self.unit.establishment if self.unit else None)

    def find_units(self, wanted: str | None, establishment: str | None) -> None:
        """Which units there are to look at, and the first of them. Asks the server; without it, goes by the login."""
        here, me = self.desk, self.desk.login.me
        mine = own_units(me, establishment)
        try:
            if wanted is not None:
                self.units = [unit_meant(here, wanted, establishment)]
            elif mine:
                self.units = [unit_meant(here, code, place) for place, code in mine]
            else:
                self.units = [one for place in me.establishments for one in self._all_of(place)]
        except CannotReach:
            self.units = [Unit(place, code, t("unit {unit}", unit=code)) for place, code in mine]
        if self.unit is None or self.unit not in self.units:
            self.unit = next(iter(self.units), None)

    def fetch_sheet(self, here: Desk, unit: Unit) -> Document:
        """The unit as it stands; and, once, when its shifts begin."""
        if unit.establishment not in self.shifts:
            with suppress(ServerRefused):
                self.shifts[unit.establishment] = read(here.api, f"/v1/establishments/{unit.establishment}")["shifts"]
        return sheet_of(here.api, unit.establishment, unit.code)

    def persons(self) -> list[Document]:
        """Everybody in the unit, by cell: number as `inmate`, name, cell, changes."""
        found = [] if self.sheet is None else [*self.sheet["people"], *self.sheet["others"]]
        return sorted(found, key=lambda one: (one["cell"] is None, str(one["cell"]), str(one["name"])))

    def person(self, number: str) -> Document | None:
        """One of them."""
        return next((one for one in self.persons() if one["inmate"] == number), None)

    def names(self) -> dict[str, str]:
        """Number → name and cell."""
        return self.roster | {str(one["inmate"]): people.called(one) for one in self.persons()}

    def unit_name(self, establishment: object, code: object) -> str:
        """What people call a unit."""
        known = (one.name for one in self.units if (one.establishment, one.code) == (establishment, code))
        return next(known, t("unit {unit}", unit=code))

    def roster_of(self, units: Sequence[Unit]) -> dict[str, str]:
        """Asks who is in these units."""
        here = self.desk
        found: dict[str, str] = {}
        for unit in units:
            found |= people.names_on(here, unit.establishment, unit.code)
        return found

    def _all_of(self, place: str) -> list[Unit]:
        try:
            found = read(self.desk.api, f"/v1/establishments/{place}")
        except CannotReach:
            raise
        except Trouble:
            return []
        return [Unit(place, str(one["code"]), str(one["name"])) for one in found["units"]]
