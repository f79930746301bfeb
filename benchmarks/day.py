"""The day of a whole country at compressed time: 262,000 notes of 120 prisons on 12,000 open feeds, as fast as this
machine takes them; a stretch of its night and its worst minute by the clock on the wall. What of this machine a country
needs, and what a note leaves on the disk."""

import json
import math
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import datetime, time, timedelta
from time import sleep
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import psycopg
from rich.table import Table

from benchmarks import filling, growth, processes, setup
from benchmarks.figures import SPARE, cores
from benchmarks.plan import FEEDS_A_PRISON, Plan, Told
from benchmarks.playing import PEOPLE, POSTERS, UNITS, Job, Phase, Result
from benchmarks.processes import Server
from benchmarks.setup import Stores
from benchmarks.timetable import DAY, clock, timetable, worst
from handover.clock import now
from handover.domain.access import operator
from handover.services import accounts, opening
from handover.services.passwords import Hasher
from handover.services.unit_of_work import Asker, UnitOfWork

SERVICE, STANDIN, WORKERS = "handover", "stand-in", "handover, 2 workers"
PHASES = ("quiet", "worst", "fast", "sheets")
LESS = 10
"""What is measured beside the service writes only one in so many notes where the day goes by fast."""
ZONE = ZoneInfo("Europe/London")
SETTLE_S = 2.0
"""For the second worker to be there, too."""
HEARD_MS, KIB_A_FEED = 50.0, 40.0
"""Aims, those of 2,000 feeds (`feeds`): in the worst minute, and of the server's memory."""
DISK = {
    "notes and needs": ("notes", "note_codes", "needs", "need_steps", "timers"),
    "events": ("events",),
    "access log": ("access_lines",),
}


@dataclass
class Day:
    """One engine's day. `played`: what came of it, by who played it; `disk`: bytes a note, by what they are."""

    engine: str
    prisons: int
    cores: int
    played: dict[str, Result] = field(default_factory=dict)
    disk: dict[str, float] = field(default_factory=dict)

    def share(self, name: str) -> float:
        """Of all processors, what a whole day takes: what the feeds take by themselves all day long, and what each note
        takes besides."""
        one = self.played[name]
        idle = _cpu(one.quiet) / one.quiet.seconds
        each = (_cpu(one.fast) - idle * one.fast.seconds) / one.fast.done
        return (idle + each * self.notes / (DAY * 60)) / self.cores

    @property
    def notes(self) -> int:
        """Of the whole day."""
        return sum(minute.notes for minute in timetable(self.prisons))

    def missed(self) -> list[str]:
        """The aims it misses, in words."""
        out, spare, one = [], SPARE.get(self.engine, 1.0), self.played[SERVICE]
        if one.worst.heard[1] > HEARD_MS * spare:
            out.append(
                f"{self.engine}: in the worst minute a note takes {one.worst.heard[1]:.0f} ms (p99) to its feeds; "
                f"it must be ≤ {HEARD_MS * spare:g}."
            )
        if _kib(one) > KIB_A_FEED * spare:
            out.append(f"{self.engine}: a feed takes {_kib(one):.0f} KiB; it must be ≤ {KIB_A_FEED * spare:g}.")
        return out

    def told(self) -> dict[str, Any]:
        """As JSON."""
        played = {name: asdict(one) | {"share": self.share(name)} for name, one in self.played.items()}
        return {"prisons": self.prisons, "notes": self.notes, "played": played, "disk": self.disk}


def connections(plan: Plan) -> int:
    """As many does it open at a time."""
    return FEEDS_A_PRISON * plan.prisons + POSTERS


def measure(engine: str, plan: Plan, told: Told) -> Day:
    """A day, with the one before it behind it."""
    with setup.stores(engine) as stores:
        wings = wings_of(plan.prisons)
        found(stores.handover, wings)
        midnight = datetime.combine(now().astimezone(ZONE).date(), time(0), ZONE)
        filling.fill(
            stores.handover,
            ZONE,
            midnight - timedelta(minutes=1),
            wings,
            lambda notes: told(f"the day before, {notes:,} notes"),
        )
        return played(stores, plan, told)


def wings_of(prisons: int) -> list[filling.Wing]:
    """All of a country's wings, with the notes of a day."""
    many = PEOPLE * filling.NOTES_A_DAY
    places = _places(prisons)
    return [filling.Wing(place, unit, many, growth.staff_of(place, unit)) for place in places for unit in UNITS]


def found(url: str, wings: Sequence[filling.Wing]) -> None:
    """A country without notes: these wings, and officers who hear everything in their prison."""
    places = sorted({wing.place for wing in wings})
    if url.startswith("postgresql"):
        opening.migrate(setup.settings(url))
    with growth.desk_of(url, {"now": now() - timedelta(days=2)}) as desk:
        hasher, keeper = Hasher(desk.settings), Asker(operator("operator", places))
        try:
            desk.do(keeper, lambda uow: growth.build(uow, ZONE, wings))
            for place in places:
                desk.do(keeper, lambda uow, place=place: _hire(uow, hasher, place))  # type: ignore[misc]  # the default binds it
        finally:
            hasher.close()


def played(stores: Stores, plan: Plan, told: Told) -> Day:
    """The service plays the whole day. The stand-in, and on PostgreSQL the service with two workers, play the same
    night and worst minute, and of the rest some notes."""
    done = Day(stores.engine, plan.prisons, cores())
    places, every = _places(plan.prisons), math.ceil(done.notes / plan.played)

    def play(name: str, server: Server, url: str, every: int) -> Result:
        sheets_s = plan.sheets_s if url == stores.handover else 0.0
        job = Job(server.port, server.pid, url, places, tokens, plan.quiet_s, plan.worst_s, every, sheets_s)
        done.played[name] = _play(job, lambda said: told(f"{name}, {said}"))
        return done.played[name]

    with processes.handover(stores) as server:
        told(f"{FEEDS_A_PRISON * plan.prisons:,} logins")
        tokens = log_in(server.port, places)
        before = _disk(stores.handover)
        day = play(SERVICE, server, stores.handover, every)
    after, notes = _disk(stores.handover), day.quiet.done + day.worst.done + day.fast.done
    done.disk = {what: (size - before[what]) / notes for what, size in after.items()}
    if stores.engine == "postgresql":
        with processes.handover(stores, 2) as server:
            sleep(SETTLE_S)
            play(WORKERS, server, stores.handover, every * LESS)
    with processes.standin(stores) as server:
        play(STANDIN, server, stores.standin, every * LESS)
    return done


def _places(prisons: int) -> list[str]:
    return [f"P{n:03d}" for n in range(prisons)]


def _hire(uow: UnitOfWork, hasher: Hasher, place: str) -> None:
    everywhere = [(place, unit) for unit in UNITS]
    for officer in range(setup.OFFICERS):
        name = _username(place, officer)
        accounts.add_user(uow, hasher, name, name=name, role="officer", places=everywhere, password=setup.PASSWORD)


def _username(place: str, officer: int) -> str:
    return f"{place.lower()}.officer{officer:02d}"


def log_in(port: int, places: list[str]) -> list[str]:
    """Access tokens: one for each terminal of each prison, one prison after another."""
    names = [_username(place, terminal % setup.OFFICERS) for place in places for terminal in range(FEEDS_A_PRISON)]
    return setup.log_in_as(port, names)


def _play(job: Job, told: Told) -> Result:
    """Has a process of its own play it, and passes on how far it has come."""
    command = [sys.executable, "-m", "benchmarks.playing"]
    with subprocess.Popen(
        command, cwd=processes.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        with process.stdin as ask:
            json.dump(asdict(job), ask)
        for line in process.stdout:
            said = json.loads(line)
            if "result" in said:
                done: dict[str, Any] = said["result"]
                return Result(**done | {name: Phase(**done[name]) for name in PHASES})
            told(f"{said['at']}, {said['done']:,} notes")
    raise RuntimeError("the day was not played to its end")


def _disk(url: str) -> dict[str, int]:
    """Bytes on the disk, with indexes: what is a note's own, its events, the access log, and all else."""
    if url.startswith("sqlite"):
        query = (
            "SELECT tbl_name, sum(pgsize) FROM dbstat('main', 1) AS pages JOIN sqlite_schema USING (name) GROUP BY 1"
        )
        with closing(sqlite3.connect(urlsplit(url).path)) as conn:
            sizes = dict(conn.execute(query).fetchall())
    else:
        query = "SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relkind = 'r'"
        with psycopg.connect(url) as conn:
            sizes = dict(conn.execute(query).fetchall())
    told = {what: sum(sizes.get(table, 0) for table in tables) for what, tables in DISK.items()}
    return told | {"all else": sum(sizes.values()) - sum(told.values())}


# --- How it is shown --------------------------------------------------------------------------------------------------


def _cpu(phase: Phase) -> float:
    return phase.server_cpu + phase.store_cpu


def _kib(one: Result) -> float:
    return (one.rss[1] - one.rss[0]) / one.feeds


def _of_a_core(phase: Phase) -> str:
    store = f" + {phase.store_cpu / phase.seconds:.0%}" if phase.store_cpu else ""
    return f"{phase.server_cpu / phase.seconds:.0%}{store}"


def _ms(latencies: tuple[float, float]) -> str:
    return " / ".join(f"{one:,.1f}" for one in latencies)


def _rates(phase: Phase) -> str:
    return f"{phase.done / phase.seconds:,.0f} / {phase.delivered / phase.seconds:,.0f}"


ROWS: dict[str, Callable[[Day, str, Result], str]] = {
    "worst minute: notes/s / deliveries/s": lambda day, name, one: _rates(one.worst),
    "worst minute: POST p50 / p99, ms": lambda day, name, one: _ms(one.worst.posts),
    "worst minute: POST to received p50 / p99, ms": lambda day, name, one: _ms(one.worst.heard),
    "worst minute: CPU of server + database, of a core": lambda day, name, one: _of_a_core(one.worst),
    "night: CPU of server + database, of a core": lambda day, name, one: _of_a_core(one.quiet),
    "fast: notes played": lambda day, name, one: f"{one.fast.done:,}",
    "fast: notes/s / deliveries/s": lambda day, name, one: _rates(one.fast),
    "fast: the notes of the whole day take, s": lambda day, name, one: f"{day.notes * _each_s(one):,.0f}",
    "fast: POST p50 / p99, ms": lambda day, name, one: _ms(one.fast.posts),
    "fast: POST to received p50 / p99, ms": lambda day, name, one: _ms(one.fast.heard),
    "notes refused for a while: worst minute / fast": lambda day, name, one: (
        f"{one.worst.refused} / {one.fast.refused}"
    ),
    "fast: CPU of server + database, of a core": lambda day, name, one: _of_a_core(one.fast),
    "fast: CPU of the load, of a core": lambda day, name, one: f"{one.fast.load_cpu / one.fast.seconds:.0%}",
    "a whole day's share of all processors, reckoned": lambda day, name, one: f"{day.share(name):.1%}",
    "sheets/s": lambda day, name, one: _sheets(one, lambda read: f"{read.done / read.seconds:,.0f}"),
    "a sheet: CPU of server + database, ms": lambda day, name, one: _sheets(
        one, lambda read: f"{_cpu(read) / read.done * 1000:,.0f}"
    ),
    "all feeds open after, s": lambda day, name, one: f"{one.open_s:,.0f}",
    "memory a feed, KiB": lambda day, name, one: f"{_kib(one):,.0f}",
    "MB before the feeds / with them / in the evening": lambda day, name, one: " / ".join(
        f"{kib * 1024 / 1e6:,.0f}" for kib in one.rss
    ),
}


def _sheets(one: Result, told: Callable[[Phase], str]) -> str:
    return told(one.sheets) if one.sheets.done else ""


def _each_s(one: Result) -> float:
    return one.fast.seconds / one.fast.done


def table(found: Day) -> Table:
    """What was measured, in rows."""
    minutes = timetable(found.prisons)
    title = (
        f"{found.engine}: the day of {found.prisons} prisons, {found.notes:,} notes, "
        f"{found.played[SERVICE].feeds:,} feeds; its worst minute ({clock(worst(minutes))}) and a part of its night "
        "as they are, the rest as fast as it goes"
    )
    shown = Table(title=title, title_justify="left")
    shown.add_column("")
    for name in found.played:
        shown.add_column(name, justify="right")
    for row, told in ROWS.items():
        shown.add_row(row, *(told(found, name, one) for name, one in found.played.items()))
    for what, size in found.disk.items():
        shown.add_row(f"disk a note, {what}, bytes", f"{size:,.0f}")
    return shown
