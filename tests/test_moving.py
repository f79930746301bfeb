"""The embedded store's log is moved to its place beside the notes, and holds all that is not on the disk elsewhere."""

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.engine import Connection
from sqlalchemy.exc import OperationalError

from handover.store import moving, writer
from handover.store.engine import tidy
from tests.support.processes import Office, Server, environment
from tests.support.readers import eventually
from tests.support.service import Caller, Service, settings_for

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def file(database_url: str) -> Path:
    return Path(database_url.removeprefix("sqlite:///"))


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is moved after a few commits."""
    monkeypatch.setattr(writer, "TIDY_AFTER", 8)


def beginning(file: Path) -> bytes:
    """What is another each time the log begins anew: its salts (the WAL's file format)."""
    return file.with_name(f"{file.name}-wal").read_bytes()[16:24]


def begins_anew(file: Path, hartmann: Caller, weir: str) -> Callable[[], bool]:
    """Writes a note; answers whether the log has begun anew since."""
    before = beginning(file)

    def looks() -> bool:
        hartmann.note(weir)
        return beginning(file) != before

    return looks


def copied(file: Path, folder: Path) -> None:
    """By another program: this one would let go of the locks it has on it."""
    subprocess.run(["cp", str(file), str(folder)], check=True)


def test_notes_are_written_while_it_goes_on_and_none_is_lost_with_what_was_moved_and_is_not_on_the_disk(
    file: Path, hartmann: Caller, weir: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved, goes_on = threading.Event(), threading.Event()

    def moves(conn: Connection) -> None:
        tidy(conn)
        moved.set()
        goes_on.wait(30)

    eventually(begins_anew(file, hartmann, weir))
    copied(file, tmp_path)  # as the disk has it
    monkeypatch.setattr(moving, "tidy", moves)
    while not moved.wait(0.1):
        hartmann.note(weir)
    anew = begins_anew(file, hartmann, weir)
    assert not any(anew() for _ in range(20)), "what was moved has only the log as yet"

    copied(file.with_name(f"{file.name}-wal"), tmp_path)  # and the power fails
    there = sqlite3.connect(tmp_path / file.name).execute("SELECT count(*) FROM notes WHERE inmate = ?", [weir])
    assert there.fetchone() == (len(hartmann.all("/v1/notes", inmate=weir)),)

    goes_on.set()
    eventually(anew)


@pytest.mark.parametrize("step", ["run", "tidy"])
def test_where_it_cannot_go_on_beside_them_it_is_done_between_two(
    file: Path, hartmann: Caller, weir: str, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: list[Any] = []

    def fails(*asked: Any) -> None:
        refused.append(asked)
        raise OperationalError("PRAGMA wal_checkpoint", None, sqlite3.OperationalError("disk I/O error"))

    monkeypatch.setattr(moving, step, fails)
    eventually(begins_anew(file, hartmann, weir))
    assert refused


def test_where_no_thread_can_be_started_it_is_done_between_two(
    file: Path, hartmann: Caller, weir: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: list[threading.Thread] = []
    start = threading.Thread.start

    def starts(thread: threading.Thread) -> None:
        if thread.name == "mover":
            refused.append(thread)
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", starts)
    eventually(begins_anew(file, hartmann, weir))
    assert refused


def test_no_other_program_takes_itself_for_the_last_one_though_a_second_service_had_it_open(
    database_url: str, file: Path, hartmann: Caller, weir: str
) -> None:
    Service(settings_for(database_url)).stop()
    subprocess.run([sys.executable, "-c", _LOOKS, str(file)], check=True)
    assert file.with_name(f"{file.name}-wal").exists()
    before = hartmann.note(weir)["id"]
    with closing(sqlite3.connect(file)) as there:
        assert there.execute("SELECT count(*) FROM notes WHERE id = ?", [before]).fetchone() == (1,)


_LOOKS = """
import sqlite3, sys
there = sqlite3.connect(sys.argv[1])
there.execute("SELECT count(*) FROM notes").fetchone()
there.close()
"""


_ON_A_FAILING_DISK = """
import os, sys
from handover.cli import main
from handover.store import writer

def fails(file):
    raise OSError(5, "Input/output error")

os.fsync, writer.TIDY_AFTER = fails, 30
main()
"""


def test_what_the_disk_has_not_kept_is_moved_once_more_from_the_log(url: str, tmp_path: Path) -> None:
    server, file, told = Server(url, tmp_path / "log"), Path(url.removeprefix("sqlite:///")), tmp_path / "told"
    command = [sys.executable, "-c", _ON_A_FAILING_DISK, "serve", "--port", str(server.port)]
    with told.open("wb") as log:
        process = subprocess.Popen(command, env=environment(url), stderr=log)
    server.process = process  # type: ignore[assignment]  # it is told of bytes here, which nobody reads from it
    try:
        server.ready()
        copied(file, tmp_path / "kept")
        keeper = Office(url, server.url)
        hartmann = keeper.prison().hire("hartmann", "officer", "A")
        keeper.desk.store.close()
        answered: list[str] = []

        def ended() -> bool:
            with suppress(httpx.TransportError):
                answered.append(hartmann.note(unit="A")["id"])
            return process.poll() is not None

        eventually(ended)
        keeper.close()
    finally:
        process.kill()
        process.wait(10)
    assert process.returncode == 1
    assert "the disk has not kept the store" in told.read_text()

    (tmp_path / "kept").replace(file)
    with closing(sqlite3.connect(file)) as there:
        assert there.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert answered
        assert {id_ for (id_,) in there.execute("SELECT id FROM notes")} >= set(answered)
