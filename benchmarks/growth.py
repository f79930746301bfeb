"""Reading with little and with much behind it: the sheet of a wing of 120 people with 90 days of notes, and the other
things officers and systems read, asked of two stores in turns. Both hold the same wing; one holds some thousand notes
besides, the other as many as were asked for, of other wings and other prisons."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from benchmarks import processes, setup
from benchmarks.figures import percentile
from benchmarks.filling import NOTES_A_DAY, PEOPLE, Staff, Wing, fill
from benchmarks.reading import Job, Reader, Result
from benchmarks.setup import PASSWORD, Stores
from benchmarks.stories import OFFERED
from handover.clock import now as the_time
from handover.domain.access import Principal, operator
from handover.schemas.handovers import AcceptanceDraft, HandoverDraft
from handover.schemas.roster import EstablishmentDraft, UnitDraft
from handover.services import accounts, handovers, opening, roster
from handover.services.cursors import cursor_of
from handover.services.paging import cursor
from handover.services.passwords import Hasher
from handover.services.unit_of_work import Asker, Desk, UnitOfWork
from handover.store import eventlog
from tests.support import postgres

PLACE, UNIT = "BEN", "A"
UNITS = ("A", "B", "C", "D", "E", "F", "G", "H", "J", "K")
DAYS = 90
FEW, MANY = 5_000, 200_000
"""Notes beside the wing's own."""
PRISONS, NOTES_A_PRISON = 15, 20_000
LOCAL_HOUR = 19
"""What the prison's clocks show when it is measured: the last three shifts have their notes."""
BEHIND = 2_000
"""So many events before the newest one a pull begins."""
SHEET_MS, MOST_RATIO, SPARE_MS = 50.0, 1.2, 2.0
"""The ratio that reading must keep; where it takes next to nothing, it may take so much more."""
SHEET = "sheet of 120 people"


@dataclass(frozen=True)
class Figure:
    """Milliseconds with little behind it and with much: each answer's."""

    few: list[float]
    many: list[float]
    size: int

    @property
    def ratio(self) -> float:
        """The median over the rounds of much over little: both were asked within milliseconds."""
        return median(b / a for a, b in zip(self.few, self.many, strict=True))

    @property
    def kept(self) -> bool:
        """Whether it costs the same."""
        return self.ratio <= MOST_RATIO or median(self.many) - median(self.few) < SPARE_MS


@dataclass
class Growth:
    """One engine's figures, and how many notes there were in the two stores."""

    engine: str
    notes: tuple[int, int]
    figures: dict[str, Figure]

    def missed(self) -> list[str]:
        """The aims it misses, in words."""
        out = [
            f"{self.engine}: {name} costs {figure.ratio:.2f} times as much with {self.notes[1]:,} notes as "
            f"with {self.notes[0]:,}; it must be ≤ {MOST_RATIO}."
            for name, figure in self.figures.items()
            if not figure.kept
        ]
        took = max(median(self.figures[SHEET].few), median(self.figures[SHEET].many))
        if took >= SHEET_MS:
            out.append(f"{self.engine}: the sheet takes {took:.0f} ms (median); it must be < {SHEET_MS:.0f}.")
        return out

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "notes": self.notes,
            "figures": {
                name: {
                    "few": {"median": median(f.few), "p95": percentile(f.few, 0.95)},
                    "many": {"median": median(f.many), "p95": percentile(f.many, 0.95)},
                    "ratio": f.ratio,
                    "bytes": f.size,
                }
                for name, f in self.figures.items()
            },
        }


def measure(engine: str, notes: int, rounds: int, told: Callable[[str], None]) -> Growth:
    """Fills both stores, serves both, reads from both."""
    at = the_time()
    with ExitStack() as stack:
        readers, counts = [], []
        for name, background in (("few", FEW), ("many", max(notes, FEW))):
            stores = stack.enter_context(_store(engine))
            count, paths = _found(stores.handover, at, background, lambda n, name=name: told(f"{name}: {n:,} notes"))  # type: ignore[misc]  # the default binds it
            server = stack.enter_context(processes.handover(stores))
            [token] = setup.log_in(server.port, 1)
            readers.append(Reader(server.port, token, paths))
            counts.append(count)
        told("reading")
        result: Result = processes.read(Job(readers, rounds))
    figures = {name: Figure(few, many, result.sizes[name][1]) for name, (few, many) in result.latencies.items()}
    return Growth(engine, (counts[0], counts[1]), figures)


@contextmanager
def _store(engine: str) -> Iterator[Stores]:
    with tempfile.TemporaryDirectory(prefix="handover-bench-") as name:
        folder = Path(name)
        if engine == "sqlite":
            yield Stores(engine, folder, f"sqlite:///{folder / 'handover.sqlite3'}", "")
            return
        url = postgres.create_database()
        try:
            yield Stores(engine, folder, url, "")
        finally:
            postgres.drop_database(url)


def _zone(at: datetime) -> ZoneInfo:
    """A zone without summer time in which it is LOCAL_HOUR now."""
    ahead = (LOCAL_HOUR - at.hour) % 24
    ahead -= 24 if ahead > 14 else 0
    return ZoneInfo(f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT")


def wings(background: int, own: Wing) -> list[Wing]:
    """The wing, and the others that these notes are spread over: those of its own prison as long as they are few, so
    that it is as busy of late as in a store of years."""
    places = [PLACE, *(f"P{n:02d}" for n in range(1, min(PRISONS, background // NOTES_A_PRISON)))]
    others = [(place, unit) for place in places for unit in UNITS if (place, unit) != (PLACE, UNIT)]
    each = -(-background // len(others))
    return [own, *(Wing(place, unit, each, staff_of(place, unit)) for place, unit in others)]


def staff_of(place: str, unit: str) -> tuple[list[Staff], list[Staff], list[Staff]]:
    """Who writes there. Strangers: nobody measures what they read."""

    def some(role: str, many: int, n: int) -> list[Staff]:
        word = f"{role}.{place}.{unit}".lower()
        return [(_account(place, unit, n + i), f"{word}{i}", f"{role} {i} of {place} {unit}") for i in range(many)]

    return some("Officer", 12, 0), some("Supervisor", 2, 20), some("Nurse", 2, 30)


def _account(place: str, unit: str, n: int) -> str:
    return f"01900000-{sum(map(ord, place)):04x}-7{ord(unit):03x}-8000-{n:012x}"


def _found(url: str, at: datetime, background: int, told: Callable[[int], None]) -> tuple[int, dict[str, str]]:
    """Prisons, staff, people and notes. Answers how many notes, and the paths that are read."""
    zone, clock = _zone(at), {"now": at - timedelta(days=DAYS + 1)}
    if url.startswith("postgresql"):
        opening.migrate(setup.settings(url))
    with desk_of(url, clock) as desk:
        staff = [_hire(desk, role, many) for role, many in (("officer", 20), ("supervisor", 3), ("health", 2))]
        own = Wing(PLACE, UNIT, DAYS * PEOPLE * NOTES_A_DAY, (staff[0], staff[1], staff[2]), waits=True)
        spread = wings(background, own)
        desk.do(Asker(operator("operator", {wing.place for wing in spread})), lambda uow: build(uow, zone, spread))
    filled = fill(url, zone, at, spread, told)  # alone
    with desk_of(url, clock) as desk:
        _hand_over(desk, clock, datetime.combine(at.astimezone(zone).date(), OFFERED["LATE"], zone), staff[0])
        head = desk.store.read(lambda conn: eventlog.heads(conn, [PLACE])).result()[PLACE]
        return filled.notes, _paths(at, own, cursor_of(desk.store.identity.id, {PLACE: head - BEHIND}))


@contextmanager
def desk_of(url: str, clock: dict[str, datetime]) -> Iterator[Desk]:
    """The services on this store, at what the clock says."""
    desk = opening.open_desk(setup.settings(url), lambda: clock["now"])
    try:
        yield desk
    finally:
        desk.store.close()


def build(uow: UnitOfWork, zone: ZoneInfo, spread: Sequence[Wing]) -> None:
    """The prisons of these wings, and the wings, empty."""
    for place in dict.fromkeys(wing.place for wing in spread):
        roster.put_establishment(uow, place, EstablishmentDraft(name=f"HMP {place}", timezone=str(zone)))
    for wing in spread:
        roster.put_unit(uow, wing.place, wing.unit, UnitDraft(name=f"{wing.unit} wing"))


def _hire(desk: Desk, role: str, many: int) -> list[Staff]:
    """The wing's own staff, who can log in."""
    hasher, places = Hasher(desk.settings), [(PLACE, UNIT)]

    def hire(uow: UnitOfWork) -> list[Staff]:
        names = [(f"{role}{n:02d}", f"{role.title()} {n}") for n in range(many)]
        return [
            (accounts.add_user(uow, hasher, user, name=name, role=role, places=places, password=PASSWORD), user, name)
            for user, name in names
        ]

    try:
        return desk.do(Asker(operator("operator", (PLACE,))), hire)
    finally:
        hasher.close()


def _hand_over(desk: Desk, clock: dict[str, datetime], at: datetime, officers: list[Staff]) -> None:
    """The wing's last changeover, with all that it holds."""
    out, into = (
        Asker(Principal("user", *one, "officer", frozenset({PLACE}), frozenset({(PLACE, UNIT)})))
        for one in officers[:2]
    )
    clock["now"] = at
    offer = HandoverDraft(establishment=PLACE, unit=UNIT, roll_expected=PEOPLE)
    id_, _ = desk.do(out, lambda uow: handovers.offer(uow, offer))
    clock["now"] += timedelta(minutes=10)
    desk.do(into, lambda uow: handovers.accept(uow, id_, AcceptanceDraft(roll_actual=PEOPLE)))


def _paths(at: datetime, wing: Wing, behind: str) -> dict[str, str]:
    """What an officer of the wing, and the programs he or she uses, read."""
    far = cursor("notes", at - timedelta(days=DAYS * 2 // 3), "f" * 36)
    person, mine = wing.number_of(3), f"unit={UNIT}"
    return {
        SHEET: f"/v1/establishments/{PLACE}/units/{UNIT}/sheet",
        "a wing's notes": f"/v1/notes?{mine}",
        "a wing's notes, 60 days ago": f"/v1/notes?{mine}&cursor={far}",
        "all notes": "/v1/notes",
        "a person's timeline": f"/v1/notes?inmate={person}",
        "notes at WATCH": f"/v1/notes?{mine}&attention=WATCH",
        "notes at ACT_NOW (rare)": f"/v1/notes?{mine}&attention=ACT_NOW",
        "all notes at ACT_NOW (rare)": "/v1/notes?attention=ACT_NOW",
        "notes with an indicator": f"/v1/notes?{mine}&indicator=WITHDRAWN",
        "all notes with a rare indicator": "/v1/notes?indicator=SAY_SELF_HARM",
        "notes of this shift": f"/v1/notes?{mine}&shift=current&establishment={PLACE}",
        "notes by one officer": "/v1/notes?author=officer03",
        "a wing's open needs": f"/v1/needs?{mine}&status=OPEN",
        "all needs": "/v1/needs",
        "a wing's handovers": f"/v1/handovers?{mine}&limit=20",
        "all pages": "/v1/pages",
        "a pull of events": f"/v1/events?establishment={PLACE}&after={behind}&limit=200",
    }
