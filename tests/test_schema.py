"""The store's schema: migrated as the tables say, explained, durable, and refused where it does not fit."""

import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from typer.testing import CliRunner, Result

from handover.cli import command
from handover.errors import StoreNotReady
from handover.services import opening
from handover.services.ids import uuid7
from handover.store import schema
from handover.store.engine import Engines, open_engines
from handover.store.eventlog import apart, sort_of
from handover.store.tables import establishments, metadata, store_meta
from handover.store.types import UtcTime
from tests.support import embedded, postgres
from tests.support.processes import handover
from tests.support.service import Service, settings_for
from tests.support.workers import ENGINES

VERSIONS = Path(__file__).parents[1] / "migrations" / "versions"


@pytest.fixture(scope="module")
def migrated(database_url: str) -> str:
    """A store at the newest revision."""
    opening.migrate(settings_for(database_url))
    return database_url


@pytest.fixture
def engines(migrated: str) -> Any:
    """Its engines."""
    opened = open_engines(migrated)
    yield opened
    opened.close()


@pytest.fixture
def empty() -> Any:
    """A PostgreSQL database with nothing in it."""
    url = postgres.create_database()
    yield url
    postgres.drop_database(url)


def run(url: str, *words: str) -> Result:
    """Types a command."""
    return CliRunner().invoke(command(words), list(words), env={"HANDOVER_DATABASE_URL": url, "COLUMNS": "200"})


def test_migrating_makes_exactly_the_tables_the_code_works_with(engines: Engines) -> None:
    with engines.read.connect() as conn:
        context = MigrationContext.configure(conn, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_every_table_and_every_column_is_explained_in_a_sentence() -> None:
    for table in metadata.sorted_tables:
        for column in table.columns:
            said = column.comment or ""
            assert said.endswith("."), f"{table.name}.{column.name}: {said!r}"
            assert said[:1].isupper() or said.startswith("`"), f"{table.name}.{column.name}: {said!r}"


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_the_sentences_are_in_the_database(engines: Engines) -> None:
    query = """
        SELECT c.table_name, c.column_name, pg_catalog.col_description(t.oid, c.ordinal_position)
        FROM information_schema.columns c JOIN pg_catalog.pg_class t ON t.relname = c.table_name
        WHERE c.table_schema = 'public' AND t.relkind = 'r' AND c.table_name <> 'alembic_version'
    """
    with engines.read.connect() as conn:
        kept = {(table, column): told for table, column, told in conn.exec_driver_sql(query)}
    assert kept == {(t.name, c.name): c.comment for t in metadata.sorted_tables for c in t.columns}


def test_migrations_are_numbered_in_one_line() -> None:
    files = sorted(file.name for file in VERSIONS.glob("*.py"))
    numbers = [name[:4] for name in files]
    assert numbers == [f"{i:04}" for i in range(1, len(files) + 1)]
    assert schema.newest() == numbers[-1]
    # The names are all that a start looks at; what is in the files decides what a migration does.
    scripts = ScriptDirectory(str(VERSIONS.parent)).walk_revisions()
    assert [script.revision for script in scripts] == numbers[::-1]


def test_migrating_again_changes_nothing(migrated: str, engines: Engines) -> None:
    facts = sa.select(store_meta).order_by(store_meta.c.name)
    with engines.read.connect() as conn:
        before = conn.execute(facts).all()
    for _ in range(2):
        done = run(migrated, "migrate")
        assert (done.exit_code, done.stdout) == (0, f"The store is at revision {schema.newest()}.\n")
    told = run(migrated, "migrate", "--json")
    assert (told.exit_code, told.stdout) == (0, f'{{"revision": "{schema.newest()}"}}\n')
    with engines.read.connect() as conn:
        assert conn.execute(facts).all() == before


def test_two_who_migrate_at_once_do_not_get_in_each_others_way(empty: str) -> None:
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(handover, "migrate", database_url=empty) for _ in range(2)]
    said = f"The store is at revision {schema.newest()}.\n"
    assert [(done.stdout, done.stderr, done.returncode) for done in (one.result() for one in both)] == [
        (said, "", 0)
    ] * 2


@pytest.mark.parametrize("words", [("serve", "--port", "0"), ("user", "list"), ("audit", "verify")], ids=" ".join)
def test_a_postgresql_that_was_not_migrated_is_not_served_and_the_words_say_what_to_type(
    empty: str, words: tuple[str, ...]
) -> None:
    done = run(empty, *words)
    assert done.exit_code == 1
    assert "Run `handover migrate`, then start again." in done.stderr
    engines = open_engines(empty)
    with engines.read.connect() as conn:
        assert sa.inspect(conn).get_table_names() == []
    engines.close()


def test_a_store_of_a_newer_release_is_left_alone(migrated: str, engines: Engines) -> None:
    _written_by(engines, "9999")
    try:
        for words in (("serve", "--port", "0"), ("migrate",), ("user", "list")):
            done = run(migrated, *words)
            assert (done.exit_code, done.stdout) == (1, "")
            assert "newer release" in done.stderr, words
    finally:
        _written_by(engines, schema.newest())


def _written_by(engines: Engines, revision: str) -> None:
    """Has the store say that the release with this revision wrote it, and that no older one can serve it."""
    with engines.write.connect() as conn, conn.begin():
        conn.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{revision}'")
        conn.exec_driver_sql(f"UPDATE store_meta SET value = '{revision}' WHERE name = 'serves_from'")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite://", "needs a file"),
        ("mysql://root@127.0.0.1/handover", "names mysql"),
        ("nonsense", "cannot be read"),
        ("postgresql://nobody@127.0.0.1:1/handover", "The store cannot be opened"),
        ("sqlite:////proc/nowhere/handover.sqlite3", "cannot be opened"),
    ],
)
def test_an_address_that_is_no_store_is_told_in_words(url: str, said: str) -> None:
    done = run(url, "serve", "--port", "0")
    assert done.exit_code == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_is_no_database_is_told_in_words(tmp_path: Path) -> None:
    file = tmp_path / "holiday.jpg"
    file.write_bytes(b"\xff\xd8\xff\xe0 not a database, but long enough to be looked at" * 40)
    done = run(f"sqlite:///{file}", "serve", "--port", "0")
    assert (done.exit_code, "The store cannot be opened" in done.stderr) == (1, True)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_embedded_store_is_durable_strict_and_its_owners_alone(migrated: str, engines: Engines) -> None:
    for engine in (engines.write, engines.read):
        with engine.connect() as conn:
            told = {
                name: conn.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "synchronous", "foreign_keys")
            }
            assert told == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    file = Path(migrated.removeprefix("sqlite:///"))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_row_that_hangs_in_the_air_is_refused(engines: Engines) -> None:
    values = {"establishment": "NONE", "code": "A", "name": "A", "version": 1, "updated_at": datetime.now(UTC)}
    with engines.write.connect() as conn, pytest.raises(sa.exc.IntegrityError), conn.begin():
        conn.execute(sa.insert(metadata.tables["units"]), values)


def test_times_are_kept_to_the_microsecond_in_utc_and_in_order_and_never_without_an_offset(engines: Engines) -> None:
    summer = timezone(timedelta(hours=1))
    times = [
        datetime(2026, 10, 25, 1, 59, 59, 999_999, summer),  # the hour that comes twice
        datetime(2026, 10, 25, 1, 0, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 0, 0, 1, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 0, 1, tzinfo=UTC),
        datetime(2199, 12, 31, 23, 59, 59, tzinfo=UTC),
    ]
    rows = [
        {"code": f"X{i}", "name": "", "timezone": "UTC", "shifts": "[]", "version": 1, "updated_at": at}
        for i, at in enumerate(times)
    ]
    at = establishments.c.updated_at
    with engines.write.connect() as conn, conn.begin() as transaction:
        conn.execute(sa.insert(establishments), rows[::-1])
        kept = conn.execute(sa.select(at).order_by(at)).scalars().all()
        assert kept == times
        assert {one.tzinfo for one in kept} == {UTC}
        assert conn.execute(sa.select(establishments.c.code).where(at == times[1])).scalars().all() == ["X1"]
        transaction.rollback()
    naive = {**rows[0], "updated_at": datetime(2026, 10, 25, 1, 0)}  # noqa: DTZ001 - that is the point
    with (
        engines.write.connect() as conn,
        pytest.raises((sa.exc.StatementError, ValueError), match="must be aware"),
        conn.begin(),
    ):
        conn.execute(sa.insert(establishments), naive)


def test_what_is_wrong_at_opening_is_told_as_such_not_as_a_traceback(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    folder.mkdir()
    with pytest.raises(StoreNotReady):
        opening.open_desk(settings_for(f"sqlite:///{folder}"), lambda: datetime.now(UTC))


BEFORE_0010 = sa.Table(
    "events",
    sa.MetaData(),
    sa.Column("establishment", sa.String(16), nullable=False),
    sa.Column("sequence", sa.BigInteger, autoincrement=False, nullable=False),
    *(sa.Column(name, sa.Text) for name in ("id", "type", "subject", "unit", "also_unit")),
    sa.Column("time", UtcTime, nullable=False),
    *(sa.Column(name, sa.Text) for name in ("handling", "author", "kind", "about", "status")),
    sa.Column("note", sa.Text, index=True),
    sa.Column("data", sa.Text),
    sa.PrimaryKeyConstraint("establishment", "sequence", name="pk_events"),
)
"""Where events were kept by columns, and their resources alone as JSON."""


@pytest.mark.parametrize("engine", ENGINES)
def test_what_an_older_release_kept_of_events_is_told_as_it_was(engine: str, tmp_path: Path) -> None:
    sqlite = engine == "sqlite"
    url = embedded.copy(tmp_path / "handover.sqlite3") if sqlite else postgres.create_database()
    if not sqlite:
        opening.migrate(settings_for(url))
    service = Service(settings_for(url))
    prison = service.prison()
    hartmann, nurse = prison.hire("hartmann", "officer", "A"), prison.hire("osei", "health", "A")
    other = prison.connect("thin", "events:read", "roster:read")
    weir = prison.receive("A4417KD", name='Weir, "J", ","data":{')
    note = hartmann.note(weir, needs=[{"code": "PHONE", "detail": "Für Zoë ☎"}], attention="ACT_NOW")
    hartmann.post(f"/v1/notes/{note['id']}/receipts", {"kind": "SEEN"})
    gone = nurse.note(weir, handling="HEALTH", fact="Says he is ill.")
    nurse.post(f"/v1/notes/{gone['id']}/retractions", {"reason": "WRONG_PERSON"})
    hartmann.post("/v1/handovers", {"establishment": prison.code, "unit": "A"})
    prison.admin.post(f"/v1/inmates/{weir}/moves", {"establishment": prison.code, "unit": "B", "reason": "Asked."})
    told = [who.pull() for who in (hartmann, nurse, other)]
    assert {event["type"].partition(".")[0] for event in told[0][0]} == {
        *("note", "need", "receipt", "page", "handover", "inmate")
    }
    service.stop()

    engines = open_engines(url)
    with engines.write.connect() as conn, conn.begin():
        rows = conn.execute(sa.select(metadata.tables["events"])).mappings().all()
        needs = conn.execute(sa.select(metadata.tables["needs"])).mappings().all()
        assert [need["from_unit"] for need in needs] == ["A"]
        [seen] = receipts = conn.execute(sa.select(metadata.tables["receipts"])).mappings().all()
        conn.exec_driver_sql("DROP INDEX ix_receipts_once")  # without it, two processes could give the same one
        conn.execute(sa.insert(metadata.tables["receipts"]), {**seen, "id": uuid7(datetime.now(UTC))})
        conn.exec_driver_sql("ALTER TABLE needs DROP COLUMN from_unit")
        for table in ("listening", "processes", "events"):
            conn.exec_driver_sql(f"DROP TABLE {table}")
        BEFORE_0010.create(conn)
        for row in rows:
            sort, data = sort_of(row["sort"]), apart(row["told"])[1]
            kept = {name: row[name] for name in row if name in BEFORE_0010.c}
            conn.execute(sa.insert(BEFORE_0010), {**kept, **sort._asdict(), "data": data})
        conn.exec_driver_sql("UPDATE alembic_version SET version_num = '0009'")
    opening.migrate(settings_for(url))
    with engines.read.connect() as conn:
        assert conn.execute(sa.select(metadata.tables["events"])).mappings().all() == rows
        assert conn.execute(sa.select(metadata.tables["needs"])).mappings().all() == needs
        assert conn.execute(sa.select(metadata.tables["receipts"])).mappings().all() == receipts
        assert compare_metadata(MigrationContext.configure(conn, opts={"compare_type": True}), metadata) == []
    engines.close()

    again = Service(settings_for(url))
    assert [who.pull() for who in (again.login(hartmann.name), again.login(nurse.name))] == told[:2]
    again.stop()
    if not sqlite:
        postgres.drop_database(url)
