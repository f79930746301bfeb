"""The benchmark's day of a country, for one prison and a few of its notes: all of them reach all of its feeds."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks import day, playing, setup
from benchmarks.barereads import frame
from benchmarks.day import SERVICE, STANDIN, WORKERS
from benchmarks.plan import FEEDS_A_PRISON, Plan
from benchmarks.playing import PEOPLE
from benchmarks.setup import Stores
from benchmarks.timetable import CHANGEOVERS, INCIDENT_AT, INCIDENT_MINUTES, QUIET, timetable, worst
from handover.clock import now
from handover.domain.access import operator
from handover.schemas.roster import InmateDraft
from handover.services import opening, roster
from handover.services.unit_of_work import Asker, UnitOfWork
from tests.support import postgres

PLAN = Plan({}, prisons=1, quiet_s=0.2, worst_s=0.5, sheets_s=0.5, played=300)


def test_a_day_has_its_notes_most_of_them_around_three_changeovers() -> None:
    minutes = timetable()
    assert len(minutes) == 1440
    assert sum(minute.notes for minute in minutes) == 262_000
    around = [minutes[at] for change in CHANGEOVERS for at in range(change - 10, change + 10)]
    assert sum(minute.everywhere for minute in around) == pytest.approx(0.8 * 256_000, rel=0.01)
    assert 55 < max(minute.everywhere for minute in minutes) / 60 < 60, "what a country has at its peak"
    assert INCIDENT_AT <= worst(minutes) < INCIDENT_AT + INCIDENT_MINUTES
    assert 0 < minutes[QUIET].notes < minutes[10 * 60].notes / 3
    assert min(minute.notes for minute in minutes) > 0


@pytest.fixture
def stores(database_url: str, tmp_path: Path) -> Iterator[Stores]:
    """A country of one prison, with the people of six wings, and the database of the stand-in beside it."""
    wings = day.wings_of(PLAN.prisons)
    day.found(database_url, wings)

    def fill(uow: UnitOfWork) -> None:
        for wing in wings:
            for person in range(PEOPLE):
                draft = InmateDraft(name=f"Weir, {person}", establishment=wing.place, unit=wing.unit, cell="A1-07")
                roster.put_inmate(uow, wing.number_of(person), draft)

    desk = opening.open_desk(setup.settings(database_url), now)
    desk.do(Asker(operator("operator", {wing.place for wing in wings})), fill)
    desk.store.close()
    if database_url.startswith("sqlite"):
        yield Stores("sqlite", tmp_path, database_url, f"sqlite:///{tmp_path / 'standin.sqlite3'}")
        return
    beside = postgres.create_database()
    yield Stores("postgresql", tmp_path, database_url, beside)
    postgres.drop_database(beside)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # with several workers, too
def test_a_day_is_played_to_its_end(stores: Stores) -> None:
    said: list[str] = []
    done = day.played(stores, PLAN, said.append)
    assert [*done.played] == [SERVICE, WORKERS, STANDIN]
    for one in done.played.values():
        for phase in (one.quiet, one.worst, one.fast):
            assert phase.done > 0
            assert phase.delivered == phase.done * FEEDS_A_PRISON
            assert 0 < phase.posts[0] <= phase.posts[1]
            assert 0 < phase.heard[0] <= phase.heard[1]
    service = done.played[SERVICE]
    assert service.worst.done == 6, "of the incident: five in half a second, and one from elsewhere"
    assert PLAN.played / 2 < service.fast.done < PLAN.played * 2
    assert service.fast.server_cpu > 0
    assert service.sheets.done > 0
    assert service.fast.store_cpu > 0
    assert all(size > 100 for what, size in done.disk.items() if what != "all else")
    assert 0 < done.share(SERVICE) < 1
    assert said[0] == "100 logins"
    shown = StringIO()
    Console(width=200, file=shown).print(day.table(done))
    assert "disk a note, events, bytes" in shown.getvalue()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_is_on_the_disk_is_told_of_the_embedded_store_too(stores: Stores) -> None:
    sizes = day._disk(stores.handover)
    assert [*sizes] == [*day.DISK, "all else"]
    assert min(sizes.values()) > 1000


class Server:
    """Refuses the first note for a while; tells of each other one, as often as it is to."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.asked = 0
        self.handling: list[asyncio.Task[None] | None] = []
        self.feed: asyncio.StreamWriter

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.handling.append(asyncio.current_task())
        with suppress(ConnectionError):
            while head := await reader.read(65536):
                self._answer(head, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    def _answer(self, head: bytes, writer: asyncio.StreamWriter) -> None:
        if head.startswith(b"GET"):
            self.feed = writer
            writer.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + frame('{"type":"live"}'))
            return
        self.asked += 1
        status = b"503 Service Unavailable" if self.asked == 1 else b"201 Created"
        writer.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\n\r\n")
        if self.asked > 1:
            self.feed.write(frame('{"fact":"N0000000 Quiet."}') * self.times)


@pytest.mark.parametrize("times", [1, 2])
async def test_a_note_comes_again_where_it_was_refused_and_may_be_heard_once(
    monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    monkeypatch.setattr(playing, "AGAIN_S", 0.01)
    server = Server(times)
    async with await asyncio.start_server(server, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        failed = asyncio.get_running_loop().create_future()
        player = playing.Player(playing.Job(port, os.getpid(), "", ["P000"], ["a token"], 0.1, 0.1), failed)
        await player.open()
        part = playing.Part()
        with player.measured(part), nullcontext() if times == 1 else pytest.raises(RuntimeError, match="heard twice"):
            await player.live(player.plan(1, 0), 0.1)
        player.end()
        await asyncio.gather(*filter(None, server.handling))
    phase = part.phase()
    assert (phase.done, phase.refused, phase.delivered, server.asked) == (1, 1, times, 2)
    assert phase.posts[0] >= 10, "what was refused waits as an officer does"
