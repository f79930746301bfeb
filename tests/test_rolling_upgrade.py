"""A release goes on serving while the store is brought to the next one's schema, where that only adds."""

import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from handover.errors import StoreNotReady
from handover.services import opening
from handover.store import schema
from handover.store.engine import open_engines
from tests.support import postgres
from tests.support.processes import handover, office, serving
from tests.support.readers import eventually, hears_everything
from tests.support.service import Caller, settings_for

ADDS = """
import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "9001", {now!r}, None, None
serves_from = {now!r}


def upgrade() -> None:
    for table in ("notes", "needs", "events", "handovers", "idempotency", "access_lines", "event_heads"):
        op.add_column(table, sa.Column("made_up", sa.Text(), nullable=True))
    op.create_table("made_up", sa.Column("name", sa.Text(), primary_key=True))
    op.execute("UPDATE code_lists SET version = version + 1")
"""
CHANGES = """
from alembic import op

revision, down_revision, branch_labels, depends_on = "9002", "9001", None, None


def upgrade() -> None:
    op.drop_table("made_up")
"""


@pytest.fixture
def url(template: str) -> Iterator[str]:
    """A PostgreSQL of this release's schema."""
    url = postgres.create_database(template)
    yield url
    postgres.drop_database(url)


@pytest.fixture
def next_release(url: str, tmp_path: Path) -> Callable[..., str]:
    """`handover migrate` of the next release, which has these migrations more."""

    def migrate(*more: str) -> str:
        tree = tmp_path / "migrations"
        shutil.copytree(Path(__file__).parents[1] / "migrations", tree, ignore=shutil.ignore_patterns("__pycache__"))
        for number, text in enumerate(more, start=9001):
            (tree / "versions" / f"{number}_made_up.py").write_text(text.format(now=schema.newest()))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(schema, "_tree", lambda: tree)
            return opening.migrate(settings_for(url))

    return migrate


def everyday(who: Caller, code: str) -> Any:
    """What an officer does: writes, corrects, closes a need, looks."""
    note = who.note(unit="A", needs=[{"code": "PHONE"}])
    done = {"status": "DONE", "outcome": "Called."}
    need = who.http.patch(f"/v1/needs/{note['needs'][0]['id']}", json=done, headers={"If-Match": "*"})
    assert need.status_code == 200
    who.post(f"/v1/notes/{note['id']}/corrections", {"reason": "x", "note": {"basis": "SAW", "fact": "Better so."}})
    who.get("/v1/notes", establishment=code)
    who.get(f"/v1/establishments/{code}/units/A/sheet")
    return note


def test_a_release_goes_on_while_a_migration_adds(url: str, next_release: Callable[..., str], tmp_path: Path) -> None:
    with serving(url, tmp_path / "log") as running, office(url, running.url) as keeper:
        prison = keeper.prison()
        ngata, records = prison.hire("ngata", "officer", "A"), hears_everything(prison)
        for _ in range(7):
            everyday(ngata, prison.code)  # often enough that the server has its statements prepared
        stop = threading.Event()
        made: list[str] = []

        def work() -> None:
            while not stop.is_set():
                made.append(everyday(ngata, prison.code)["id"])

        with records.feed(after="now") as feed, ThreadPoolExecutor(1) as pool:
            feed.until_live()
            officer = pool.submit(work)
            try:
                eventually(lambda: len(made) > 1 or officer.done(), 30)
                assert next_release(ADDS) == "9001"
                since = len(made)
                eventually(lambda: len(made) > since + 2 or officer.done(), 30)
            finally:
                stop.set()
            officer.result(20)
            heard = [feed.event()]
            while sum(event["type"] == "note.recorded" for event in heard) < len(made):
                heard.append(feed.event())
        assert [event["data"]["id"] for event in heard if event["type"] == "note.recorded"] == made
        with serving(url, tmp_path / "again", LOG_LEVEL="WARNING") as again:  # it may also have to be started again
            everyday(keeper.at(again.url, ngata), prison.code)
            assert "a newer release, which this one can still serve" in again.log.read_text()
        versions = "SELECT count(*) FROM code_lists WHERE version < 2"
        kept = keeper.desk.store.read(lambda conn: conn.exec_driver_sql(versions).scalar()).result()
        assert kept == 0, "the next release's code lists are left as they are"


def test_a_migration_waits_for_no_table_in_an_officer_s_way(
    url: str, next_release: Callable[..., str], tmp_path: Path
) -> None:
    with serving(url, tmp_path / "log") as running, office(url, running.url) as keeper, ThreadPoolExecutor(1) as pool:
        prison = keeper.prison()
        ngata = prison.hire("ngata", "officer", "A")
        with keeper.desk.store.engines.write.connect() as report, report.begin():
            report.exec_driver_sql("SELECT count(*) FROM notes")  # a long one: what it has read is held until it ends
            migrating = pool.submit(next_release, ADDS)
            for _ in range(3):
                everyday(ngata, prison.code)
            assert not migrating.done()
        assert migrating.result(60) == "9001"
        everyday(ngata, prison.code)


def test_a_migration_that_is_never_let_in_says_so(
    url: str, next_release: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "PATIENCE_S", 1.0)
    engines = open_engines(url)
    with closing(engines), engines.write.connect() as report, report.begin():
        report.exec_driver_sql("SELECT count(*) FROM notes")
        with pytest.raises(StoreNotReady, match=r"Nothing was changed.* Run `handover migrate` again"):
            next_release(ADDS)
        assert report.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == schema.newest()


def test_a_migration_that_changes_what_is_there_is_not_served_by_the_release_before(
    url: str, next_release: Callable[..., str]
) -> None:
    assert next_release(ADDS, CHANGES) == "9002"
    for words in (("serve", "--port", "0"), ("serve", "--port", "0", "--workers", "2"), ("migrate",)):
        refused = handover(*words, database_url=url)
        assert (refused.returncode, "newer release" in refused.stderr) == (1, True), words


def test_a_release_does_not_migrate_what_it_may_only_serve(url: str, next_release: Callable[..., str]) -> None:
    assert next_release(ADDS) == "9001"
    refused = handover("migrate", database_url=url)
    assert (refused.returncode, "newer release" in refused.stderr) == (1, True)
