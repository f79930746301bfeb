"""What happens to stores and disks: held up by somebody else, gone, broken, full."""

import errno
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
from psycopg import sql

from handover.store.engine import open_engines
from tests.support import postgres


def no_room(*_: object) -> None:
    """What a disk says that is full."""
    raise OSError(errno.ENOSPC, "No space left on device")


def outcome(answer: httpx.Response) -> tuple[int, bool]:
    """The status, and whether it says when to try again."""
    return answer.status_code, answer.headers.get("retry-after", "").isdigit()


@contextmanager
def away(url: str) -> Iterator[None]:
    """The store cannot be written to: the embedded one is locked by another program, PostgreSQL is gone."""
    if url.startswith("sqlite"):
        with at_it(url):
            yield
        return
    name = sql.Identifier(urlsplit(url).path.lstrip("/"))
    with psycopg.connect(postgres.admin_url(), autocommit=True) as admin:
        admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name))
        try:
            cut(url)
            yield
        finally:
            admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(name))


@contextmanager
def at_it(url: str) -> Iterator[None]:
    """Whoever writes a note has to wait: another program is at it."""
    engines = open_engines(url)
    with engines.write.connect() as conn:
        held = conn.begin()  # of the embedded store, it takes the one lock there is
        if conn.dialect.name == "postgresql":
            conn.exec_driver_sql("LOCK TABLE notes")
        yield
        held.rollback()
    engines.close()


def cut(url: str) -> int:
    """Cuts every connection to a PostgreSQL database, and waits for it; answers how many there were."""
    query = "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity WHERE datname = %s"
    with psycopg.connect(postgres.admin_url(), autocommit=True) as admin:
        row = admin.execute(query, [urlsplit(url).path.lstrip("/")]).fetchone()
    assert row is not None
    return int(row[0])


@contextmanager
def cut_by_the_commit(url: str, table: str) -> Iterator[None]:
    """A PostgreSQL server drops whoever has written to this table, while it commits: the COMMIT was sent, and no answer
    comes."""
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(
            "CREATE FUNCTION drops() RETURNS trigger LANGUAGE plpgsql AS "
            "'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'"
        )
        admin.execute(
            sql.SQL(
                "CREATE CONSTRAINT TRIGGER drops AFTER INSERT ON {} DEFERRABLE INITIALLY DEFERRED "
                "FOR EACH ROW EXECUTE FUNCTION drops()"
            ).format(sql.Identifier(table))
        )
        try:
            yield
        finally:
            admin.execute("DROP FUNCTION drops CASCADE")


@contextmanager
def no_room_for_new(url: str, table: str) -> Iterator[None]:
    """The disk of a PostgreSQL server is full: what is there can be changed, and this table cannot grow."""
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(
            "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS "
            "'BEGIN RAISE ''could not extend file'' USING ERRCODE = ''disk_full''; END'"
        )
        admin.execute(
            sql.SQL("CREATE TRIGGER no_room BEFORE INSERT ON {} EXECUTE FUNCTION no_room()").format(
                sql.Identifier(table)
            )
        )
        try:
            yield
        finally:
            admin.execute("DROP FUNCTION no_room CASCADE")


@contextmanager
def without(url: str, table: str) -> Iterator[None]:
    """A table is away for a while: what needs it fails inside the store."""
    engines = open_engines(url)
    with engines.write.connect() as conn, conn.begin():
        conn.exec_driver_sql(f"ALTER TABLE {table} RENAME TO {table}_away")
    try:
        yield
    finally:
        with engines.write.connect() as conn, conn.begin():
            conn.exec_driver_sql(f"ALTER TABLE {table}_away RENAME TO {table}")
        engines.close()


@contextmanager
def held_up(hand_over: Callable[[Callable[[Any], None]], "Future[None]"]) -> Iterator[None]:
    """The writer (`desk.store.write`) is in the middle of a batch, or a reader (`desk.store.read`) of a reading: what
    comes meanwhile gathers."""
    begun, go_on = threading.Event(), threading.Event()

    def hold(_store: Any) -> None:
        begun.set()
        assert go_on.wait(20)

    held = hand_over(hold)
    assert begun.wait(10)
    try:
        yield
    finally:
        go_on.set()
        held.result(20)


def waits(line: "psycopg.Connection[Any]", several: int = 1) -> bool:
    """Whether so many wait for what another holds in this database."""
    query = """SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
        WHERE NOT granted AND datname = current_database()"""
    return line.execute(query).fetchall()[0][0] >= several
