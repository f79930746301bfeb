"""A store that is set back under a running service: an older backup was restored, or a leader lost what it had said."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover.services import cursors
from handover.store import store
from handover.store.engine import open_engines
from handover.store.tables import metadata
from tests.support.outages import held_up
from tests.support.processes import handover
from tests.support.readers import closed, eventually, read_on
from tests.support.service import Caller, Prison, Service, settings_for, sound

Restore = Callable[[], None]


@pytest.fixture
def backup(database_url: str) -> Iterator[Callable[[], Restore]]:
    """Takes a backup; answers how to restore it, as from outside: all tables at once, whatever guards them."""
    engines = open_engines(database_url)
    tables = metadata.sorted_tables
    guards = sa.text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")

    def put_back(conn: Connection, kept: dict[sa.Table, list[dict[str, Any]]]) -> None:
        for table in reversed(tables):
            conn.execute(sa.delete(table))
        for table in tables:
            if kept[table]:
                conn.execute(sa.insert(table), kept[table])

    def take() -> Restore:
        with engines.read.connect() as conn:
            kept = {table: [dict(row) for row in conn.execute(sa.select(table)).mappings()] for table in tables}

        def restore() -> None:
            with engines.write.connect() as conn, conn.begin():
                if engines.embedded:
                    triggers = conn.execute(guards).all()
                    for name, _ in triggers:
                        conn.exec_driver_sql(f"DROP TRIGGER {name}")
                    put_back(conn, kept)
                    for _, told in triggers:
                        conn.exec_driver_sql(told)
                else:
                    conn.exec_driver_sql("SET LOCAL session_replication_role = replica")
                    put_back(conn, kept)

        return restore

    yield take
    engines.close()


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the store says of errors in the service's own log."""
    found: list[str] = []
    monkeypatch.setattr(store.log, "error", lambda event, **_more: found.append(event))
    return found


@pytest.mark.parametrize("many", [1, 5])
def test_what_is_written_after_it_goes_on_from_what_is_there(
    prison: Prison, hartmann: Caller, weir: str, backup: Callable[[], Restore], said: list[str], many: int
) -> None:
    first = hartmann.note(weir)
    restore = backup()
    for _ in range(3):
        hartmann.note(weir)
    restore()
    with ThreadPoolExecutor(many) as pool:
        with held_up(prison.service.desk.store.write):
            posted = [pool.submit(hartmann.note, weir, fact="After it.") for _ in range(many)]
            eventually(lambda: prison.service.desk.store.writer.waiting >= many)
        after = [note.result()["id"] for note in posted]
    assert said == ["the store was set back under this process"]
    assert sorted(note["id"] for note in hartmann.all("/v1/notes")) == sorted([first["id"], *after])
    assert sound(prison.service)
    hartmann.note(weir)
    assert len(said) == 1, "it is said once"


def test_a_chain_that_is_gone_altogether_is_missed(
    prison: Prison, hartmann: Caller, weir: str, backup: Callable[[], Restore], said: list[str]
) -> None:
    restore = backup()
    prison.service.desk.store.head = None  # as after a connection that broke in a commit: it begins another chain
    hartmann.note(weir)
    restore()
    note = hartmann.note(weir)
    assert said == ["the store was set back under this process"]
    assert hartmann.all("/v1/notes") == [note]
    assert sound(prison.service)


@contextmanager
def nobody_looking(service: Service) -> Iterator[None]:
    """What is new in the logs is looked for afterwards."""
    hub, held = service.app.state.parts.hub, Event()

    async def look() -> bool:
        await asyncio.to_thread(held.wait, 20)
        return bool(await type(hub)._take_in(hub))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hub, "_take_in", look)
        yield
        held.set()


@pytest.mark.parametrize("more", [0, 1, 2, 3, 7], ids=lambda more: f"{more} more since")
def test_who_was_told_what_is_not_there_any_more_is_sent_away_and_refused(
    prison: Prison, hartmann: Caller, weir: str, backup: Callable[[], Restore], more: int
) -> None:
    """Also where the log has gone on beyond where the reader stood, by the time anybody looks."""
    hartmann.note(weir)
    there = prison.service.prison()
    ngata, weyland = there.hire("ngata", "officer", "A"), there.receive("B1111BB")
    with hartmann.feed(after="now") as feed, ngata.feed(after="now") as other:
        feed.until_live()
        other.until_live()
        restore = backup()
        told = [hartmann.note(weir)["id"] for _ in range(3)]
        cursor = ""
        for id_ in told:
            event = feed.event()
            assert event["data"]["id"] == id_
            cursor = event["cursor"]
        with nobody_looking(prison.service):
            restore()
            since = [hartmann.note(weir)["id"] for _ in range(more)]
        if more == len(told):  # the end of the log is at the same place again: only what comes next tells
            since.append(hartmann.note(weir)["id"])
        assert read_on(feed)[1:] == (4409, cursors.SET_BACK)
        if more < 3:
            refused = hartmann.http.get("/v1/events", params={"after": cursor})
            assert (refused.status_code, refused.json()["type"]) == (409, "/problems/cursor-not-resumable")
            with hartmann.feed(after=cursor) as again:
                assert closed(again)[0] == 4409
        with hartmann.feed(after="now") as anew:
            anew.until_live()
            since.append(hartmann.note(weir)["id"])
            assert anew.event()["data"]["id"] == since[-1]
        assert [note["id"] for note in hartmann.all("/v1/notes")][: len(since)] == since[::-1]
        heard = ngata.note(weyland)
        assert other.event()["data"] == heard, "whose log is as it was stays"


def test_it_is_noticed_with_the_next_commit(database_url: str, backup: Callable[[], Restore]) -> None:
    """A number that is behind what was told is no old news where another event has it."""
    quiet = Service(settings_for(database_url, poll_s=60))
    try:
        prison = quiet.prison()
        hartmann = prison.hire("hartmann", "officer", "A")
        hartmann.note(unit="A")
        with hartmann.feed(after="now") as feed:
            feed.until_live()
            restore = backup()
            for _ in range(3):
                hartmann.note(unit="A")
                feed.event()
            restore()
            hartmann.note(unit="A")
            assert read_on(feed)[1:] == (4409, cursors.SET_BACK)
    finally:
        quiet.stop()


def test_a_pull_that_waits_is_told_so(
    prison: Prison, hartmann: Caller, weir: str, backup: Callable[[], Restore]
) -> None:
    restore = backup()
    hartmann.note(weir)
    cursor = hartmann.get("/v1/events", after="now")["cursor"]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(hartmann.http.get, "/v1/events", params={"after": cursor, "wait": 20})
        eventually(lambda: prison.service.app.state.parts.hub._streams.get(prison.code))
        restore()
        assert waiting.result(10).status_code == 409


def test_after_a_restore_that_is_said_nobody_goes_on_from_a_cursor(prison: Prison, hartmann: Caller, weir: str) -> None:
    """Whose events from then may not be there any more, while others have their numbers."""
    hartmann.note(weir)
    _, cursor = hartmann.pull()
    told = handover("restored", database_url=prison.service.settings.database_url)
    assert (told.returncode, "told to reload" in told.stdout) == (0, True), told.stderr
    since = hartmann.note(weir)
    restarted = Service(settings_for(prison.service.settings.database_url))
    try:
        again = hartmann.at(restarted)
        assert again.get("/v1/events", 409, after=cursor)["type"] == "/problems/cursor-not-resumable"
        with again.feed(after=cursor) as feed:
            assert closed(feed)[0] == 4409
        assert since["id"] in {note["id"] for note in again.all("/v1/notes")}, "what they reload has all of it"
        with again.feed(after="now") as anew:
            anew.until_live()
            note = again.note(weir)
            assert anew.event()["data"] == note
        assert sound(restarted)
    finally:
        restarted.stop()
    exported = handover("audit", "export", database_url=prison.service.settings.database_url).stdout
    assert exported.count('"store.restored"') == 1


def test_an_empty_store_was_not_restored(tmp_path: Path) -> None:
    """Whoever mistypes its address must not believe that readers reload."""
    told = handover("restored", database_url=f"sqlite:///{tmp_path / 'mistyped.sqlite3'}")
    assert (told.returncode, told.stdout) == (1, "")
    assert "HANDOVER_DATABASE_URL" in told.stderr
