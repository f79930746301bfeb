"""The one file that knows which database it talks to: how to open it, how to begin, how to ring its bell, which
errors pass."""

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from itertools import chain
from pathlib import Path
from select import POLLIN, poll
from shutil import disk_usage
from time import perf_counter
from typing import TYPE_CHECKING, Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect, Engine, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.pool import NullPool

from handover.errors import StoreNotReady
from handover.store.types import as_text, as_time

if TYPE_CHECKING:  # psycopg: see `_open_postgresql`
    from handover.store.servers import Servers

CHANNEL = "handover"
_DEADLOCK_OR_SERIALIZATION = ("40P01", "40001")
_LOCK_NOT_AVAILABLE = ("55P03",)
_UNIQUE = ("23505", "SQLITE_CONSTRAINT_PRIMARYKEY")
_LEFT_OTHERWISE = ("22012",)
"""A division by nought: `ending.py` has it where the store is not as this process left or knew it."""
_READ_ONLY = "25006"
_AMISS = ("42P01", "42501")
"""A table that is not there, or not ours to use. Not a column (42703): a release that is wrong about one is wrong for
good, and what meets it must not hold up what waits behind it at a terminal."""
_IDLE, _IN_TRANSACTION = 0, 2
"""What PostgreSQL's `PQtransactionStatus` calls them."""
HEARD_S = 1.0
"""How long ago a server may have answered to be taken to be there still."""
ROWS_AT_ONCE = 32
"""Rows in one statement of the embedded store, a power of two. Filling up the last one instead takes longer."""

DURABLY = """SET default_transaction_isolation = 'read committed';
    SELECT set_config('synchronous_commit', 'on', false)
    WHERE current_setting('synchronous_commit') NOT IN ('on', 'remote_apply')"""
"""`off` answers before the disk has it, `local` and `remote_write` before the disk of another machine that is to."""
WRITES = "BEGIN IMMEDIATE"
"""Without IMMEDIATE a transaction that reads before it writes can lose another's update without an error."""
READS = "BEGIN"
READS_AT_SERVER = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
"""Either sees one moment of the store."""
ROOM = 4 << 20
"""Bytes that have to be free on the embedded store's disk for notes to be taken: its log needs them."""
LONGEST_LOG = 90_000
"""Pages of the embedded store's write-ahead log from which on every commit moves them to their place, if the writer has
not between two commits (`tidy`): more than so many commits write, one of 32 notes some 230."""


@dataclass(frozen=True, slots=True)
class Engines:
    """A store opened for one process: one connection writes, a few read. `bells`: those of other processes, where
    there may be any (`Servers.bells`). `past`: reads what may be a little old. `watched`: the servers behind them.
    `file`: that of the embedded store, and which one it was when it was opened."""

    write: Engine
    read: Engine
    bells: Callable[[float], Iterator[str | None]] | None = None
    past: Engine | None = None
    watched: "Sequence[Servers]" = ()
    file: tuple[Path, int] | None = None

    def missing(self) -> str | None:
        """Why the embedded store's file will not keep what is written to it, where that can be seen."""
        if self.file is None:
            return None
        path, inode = self.file
        try:
            if path.stat().st_ino != inode:
                return f"{path} is another file than the one that was opened; start the service again."
            if disk_usage(path.parent).free < ROOM:
                return f"There is no room left on the disk of {path}."
        except OSError as error:
            return f"{path} cannot be looked at: {error.strerror}."
        return None

    @property
    def embedded(self) -> bool:
        """Whether it is this process's alone."""
        return self.bells is None

    def close(self) -> None:
        """Gives every connection back."""
        for engine in (self.write, self.read, self.past):
            if engine is not None:
                engine.dispose()
        for servers in self.watched:
            servers.close()


def open_engines(url: str, listen: str | None = None, standby: str | None = None, *, serves: bool = False) -> Engines:
    """Opens `sqlite:///…` or `postgresql://…`; anything else is refused with what to write instead. `listen`: the same
    store past a pooler. `standby`: a server that follows it. `serves`: this process serves it; any other moves nothing
    in the embedded one, as it may run beside the one that does (`tidy`)."""
    kind = url.partition(":")[0].partition("+")[0]
    try:
        if kind == "sqlite":
            return _open_sqlite(make_url(url).set(drivername="sqlite"), serves)
        if kind == "postgresql":
            return _open_postgresql(url, listen or url, standby)
        make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        raise StoreNotReady(
            "HANDOVER_DATABASE_URL (or _LISTEN_URL, or _STANDBY_URL) cannot be read; write sqlite:///file or "
            "postgresql://user@host/name."
        ) from None
    raise StoreNotReady(
        f"HANDOVER_DATABASE_URL names {kind}; this service keeps its store in sqlite:///… or postgresql://…."
    )


def one_process_only(url: str) -> bool:
    """Whether this store is served by one process: it has one writer."""
    return url.startswith("sqlite")


def hold(url: str) -> AbstractContextManager[object]:
    """Keeps any other process from serving the embedded store meanwhile: it has one writer, and one that moves its log
    (`tidy`). A file of its own, as the store's own must not be opened and closed beside SQLite."""
    with suppress(sa.exc.ArgumentError, ValueError):
        if one_process_only(url) and (name := make_url(url).database) not in (None, ":memory:"):
            return _held(Path(name))
    return nullcontext()  # what is no address of a store is refused where it is opened


def _held(file: Path) -> AbstractContextManager[object]:
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.fdopen(os.open(file.with_name(f"{file.name}-serving"), os.O_WRONLY | os.O_CREAT, 0o600), "wb")
    except OSError as error:
        raise StoreNotReady(f"The store {file} cannot be opened: {error.strerror}.") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise StoreNotReady(
            f"Another process serves {file} already: the embedded store has one. End that first, or name another store "
            "in HANDOVER_DATABASE_URL."
        ) from None
    return lock


def not_yet(url: str) -> Path | None:
    """The embedded store's file, where opening it would make a new store of it."""
    with suppress(sa.exc.ArgumentError, ValueError, OSError):
        found = make_url(url)
        file = Path(found.database or "")
        if found.get_backend_name() == "sqlite" and found.database and not (file.exists() and file.stat().st_size):
            return file
    return None


def _open_sqlite(url: sa.URL, serves: bool) -> Engines:
    if not url.database or url.database == ":memory:":
        raise StoreNotReady(
            "The embedded store needs a file: sqlite:////folder/handover.sqlite3. Memory would forget every note."
        )
    if url.query:
        raise StoreNotReady("HANDOVER_DATABASE_URL: sqlite:/// and the file's name, with nothing behind it.")
    file = Path(url.database)
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.touch(mode=0o600)  # SQLite gives its side files the same rights
    except OSError as error:
        raise StoreNotReady(f"The store {file} cannot be opened: {error.strerror}.") from None
    sqlite3.register_adapter(datetime, as_text)
    # Hidden: an error's words reach the service's own log, and the parameters of a statement are a note's words.
    connect = {"timeout": 30, "check_same_thread": False, "cached_statements": 512}
    shared: dict[str, Any] = {"connect_args": connect, "hide_parameters": True}
    write, read = (sa.create_engine(url, poolclass=NullPool, **shared) for _ in range(2))
    for engine, begin in ((write, WRITES), (read, READS)):
        sa.event.listen(engine, "connect", partial(_sqlite_connect, longest_log=LONGEST_LOG if serves else 0))
        sa.event.listen(engine, "begin", partial(_sqlite_begin, begin=begin))
    return Engines(write, read, file=(file, file.stat().st_ino))


def _sqlite_connect(dbapi: Any, _record: Any, longest_log: int) -> None:
    dbapi.isolation_level = None  # the driver's own transactions begin too late; ours begin in "begin" above
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "busy_timeout=30000",
        "cache_size=-32000",
        "temp_store=MEMORY",  # else a statement of many rows keeps what it may have to undo in a file
        f"wal_autocheckpoint={longest_log}",
    ):
        dbapi.execute(f"PRAGMA {pragma}")


def _sqlite_begin(conn: Connection, begin: str) -> None:
    if not _driver(conn).in_transaction:
        run(conn, begin)


def _open_postgresql(url: str, listen: str, standby: str | None) -> Engines:
    # Not above: the embedded store does without psycopg, and it takes nine megabytes.
    from handover.store.servers import Servers  # noqa: PLC0415

    def opened(servers: Servers, **more: Any) -> Engine:
        engine = sa.create_engine("postgresql+psycopg://", hide_parameters=True, **more)
        sa.event.listen(engine, "do_connect", lambda _dialect, _record, _args, more: servers.connect(**more))
        sa.event.listen(engine, "connect", lambda conn, _record: _by_index(conn))
        sa.event.listen(engine, "handle_error", _left_behind)
        return engine

    leader, listening = Servers(url), Servers(listen)
    write = opened(leader, poolclass=NullPool)
    sa.event.listen(write, "connect", lambda conn, _record: _durably(conn))
    read = opened(leader, poolclass=NullPool)
    past = opened(Servers(standby, follows=True), poolclass=NullPool) if standby else None
    for engine in (write, read, past):
        if engine is not None:
            sa.event.listen(engine, "connect", lambda conn, _record: _begins_late(conn))
    sa.event.listen(write, "before_cursor_execute", lambda _conn, cursor, *_more: _begun(cursor.connection))
    return Engines(write, read, partial(listening.bells, CHANNEL), past, (leader, listening))


def _by_index(conn: Any) -> None:
    """Has the server look up by an index what has one. It keeps its plans, those of foreign keys' checks too, for as
    long as a connection lives, and one that was made of a table with next to nothing in it reads all of it each time: a
    note then costs the more the more there are. A pooler would pass this on to others, and prepares nothing anyway."""
    if not _through_pooler(conn):
        # The latter: what cannot be else is not worth compiling.
        conn.execute("SET enable_seqscan = off; SET jit = off")
        conn.commit()


def _durably(conn: Any) -> None:
    """Has a COMMIT come back once what it kept is durable, and each statement see what others have committed, whatever
    is set for the role or the database. A pooler would pass this on to others: there it is as the operator has it."""
    if not _through_pooler(conn):
        conn.execute(DURABLY)
        conn.commit()


def named_writer(engine: Engine) -> None:
    """Has a server know this engine's connections for a writer's, which is not to stand still (`Servers.bells`); a
    pooler passes the name on, and nothing else that is set. A migration is none, and may think for longer."""
    if engine.dialect.name == "postgresql":
        from handover.store.servers import WRITER  # noqa: PLC0415 - it brings psycopg along

        sa.event.listen(engine, "connect", lambda conn, _record: conn.execute(f"SET application_name = '{WRITER}'"))


def _begins_late(conn: Any) -> None:
    """Leaves it to us to begin a transaction: the driver would wait for the answer to each BEGIN."""
    conn.autocommit = True


def _begun(conn: Any) -> None:
    """Begins a transaction before its first statement, and on the same trip, where that is one."""
    if conn.autocommit and conn.pgconn.transaction_status == _IDLE:
        conn.execute("BEGIN", prepare=False)


def _left_behind(context: Any) -> None:
    """A connection to a server that takes no writes any more is worth as much as one that is gone."""
    if follows(context.original_exception):
        context.is_disconnect = True


def follows(error: BaseException | None) -> bool:
    """Whether a server has refused a statement because it takes no writes: nothing of the transaction was kept."""
    return getattr(error, "sqlstate", None) == _READ_ONLY


def writable(conn: Connection) -> None:
    """Raises unless this transaction can write."""
    question = "SELECT current_setting('transaction_read_only')::boolean"
    if conn.dialect.name == "postgresql" and conn.exec_driver_sql(question).scalar():
        raise _led(conn, question)


def _led(conn: Connection, question: str) -> DBAPIError:
    refused = conn.dialect.loaded_dbapi.errors.ReadOnlySqlTransaction
    return told(conn, question, refused("this server takes no writes any more"))


def time_there(conn: Connection) -> datetime | None:
    """What time it is at the server, which all who share a store can ask; None of the embedded one, which nobody
    shares."""
    if conn.dialect.name != "postgresql":
        return None
    [[time]] = found(conn, run(conn, "SELECT clock_timestamp()"))
    return as_time(time)


def one_trip(conn: Connection) -> AbstractContextManager[None]:
    """What is `run` within goes to the database together, where it is a way off: a trip costs more than a statement.
    What was `found` is asked for afterwards; what went wrong is raised at the end."""
    return _pipelined(conn) if conn.dialect.name == "postgresql" else nullcontext()


@contextmanager
def _pipelined(conn: Connection) -> Iterator[None]:
    try:
        with _driver(conn).pipeline():
            yield
    except conn.dialect.loaded_dbapi.Error as error:
        raise told(conn, None, error) from error


def writing(conn: Connection) -> AbstractContextManager[None]:
    """A transaction of the writer's."""
    return _transaction(conn, _begin_writing, _commit)


def reading(conn: Connection, surely: bool) -> AbstractContextManager[None]:
    """A transaction that sees one moment of the store. `surely`: raises where the server does not lead (any more), as
    what it knows may be old. What was read holds however it ends: an end that fails is no error."""
    return _transaction(conn, partial(_begin_reading, surely=surely), _end_reading)


@contextmanager
def _transaction(
    conn: Connection, begin: Callable[[Connection], None], end: Callable[[Connection], None]
) -> Iterator[None]:
    """Begun and ended in the driver's own words: the toolkit's takes as long as writing ten rows. Where a statement
    goes by the toolkit, that holds the transaction for its own, and ends it."""
    try:
        begin(conn)
        yield
    except BaseException:
        _roll_back(conn)
        raise
    try:
        end(conn)
    except BaseException as error:
        _give_up(conn, error)
        raise


def _end_reading(conn: Connection) -> None:
    try:
        _commit(conn)
    except DBAPIError as error:
        _give_up(conn, error)


def _give_up(conn: Connection, error: BaseException) -> None:
    """Leaves a connection on which a transaction could not be ended: in what state it is, nobody knows."""
    if not conn.invalidated:
        conn.invalidate(error)


def _begin_writing(conn: Connection) -> None:
    if conn.dialect.name == "sqlite":
        run(conn, WRITES)  # a server's is begun with the first statement


def _begin_reading(conn: Connection, surely: bool) -> None:
    if conn.dialect.name == "sqlite":
        run(conn, READS)
        return
    # Asked in each transaction, on the same trip: a pooler may have changed servers under a connection.
    text = f"{READS_AT_SERVER}; SELECT pg_is_in_recovery()"
    try:
        cursor = _driver(conn).execute(text, prepare=False)
        cursor.nextset()
        [(follows,)] = cursor
    except conn.dialect.loaded_dbapi.Error as error:
        raise told(conn, text, error) from error
    if surely and follows:
        raise _led(conn, text)


def _commit(conn: Connection) -> None:
    if conn.in_transaction():
        conn.commit()
        return
    try:
        _driver(conn).commit()
    except conn.dialect.loaded_dbapi.Error as error:
        raise told(conn, "COMMIT", error) from error


def _roll_back(conn: Connection) -> None:
    try:
        if conn.get_transaction() is not None:
            conn.rollback()
        elif not conn.invalidated:
            _driver(conn).rollback()
    except (DBAPIError, conn.dialect.loaded_dbapi.Error) as error:  # why it came to this is worth more
        _give_up(conn, error)


def _driver(conn: Connection) -> Any:
    return conn.connection.dbapi_connection  # a property more, for the driver's own, would say the same


def run(conn: Connection, text: str, values: Any = ()) -> Any:
    """Runs a statement in the connection's transaction; answers the driver's cursor."""
    try:
        driver = _driver(conn)
        if conn.dialect.name == "postgresql":
            _begun(driver)
        return driver.execute(text, values)
    except conn.dialect.loaded_dbapi.Error as error:
        raise told(conn, text, error) from error


def found(conn: Connection, cursor: Any) -> list[Any]:
    """All that a statement found."""
    try:
        rows: list[Any] = cursor.fetchall()
    except conn.dialect.loaded_dbapi.Error as error:
        raise told(conn, None, error) from error
    return rows


def told(conn: Connection, text: str | None, error: Any) -> DBAPIError:
    """The error as the toolkit tells it. A connection that is gone is given up, as the toolkit would."""
    dialect, kind = conn.dialect, conn.dialect.loaded_dbapi.Error
    lost = not conn.invalidated and (
        follows(error) or dialect.is_disconnect(error, conn.connection.dbapi_connection, None)
    )
    if lost:
        conn.invalidate(error)
    wrapped: Any = DBAPIError.instance(
        text, None, error, kind, hide_parameters=True, connection_invalidated=lost, dialect=dialect
    )
    return wrapped  # type: ignore[no-any-return]  # always a DBAPIError: the error is the driver's


Writing = tuple[str, tuple[str, ...], Sequence[Sequence[Any]]]
"""New rows of one table: its name, the columns' names, the values in their order."""


def inserts(dialect: Dialect, writings: Sequence[Writing], heads: str | None) -> Iterator[tuple[str, Sequence[Any]]]:
    """Statements for the driver, with their values, that write these rows: few of them, and few different ones, so
    that each is prepared once. Parents come before children. `heads`: the rows' last column counts on from the column
    of that name in this table, where their first column is the same."""
    if dialect.name == "postgresql":
        # All in one statement, and one value for all rows of a table; the server makes columns of it, with the same
        # checks as of any other value.
        text = _unfold(tuple((table, columns) for table, columns, _ in writings), heads)
        yield text, [as_json(columns, rows) for _, columns, rows in writings]
        return
    for table, columns, rows in writings:
        if len(rows) == 1:  # as of a note that comes alone
            yield _values(table, columns, 1, heads), rows[0]
            continue
        start = 0
        while start < len(rows):
            count = min(ROWS_AT_ONCE, 1 << (len(rows) - start).bit_length() - 1)
            text = _values(table, columns, count, heads)
            yield text, list(chain.from_iterable(rows[start : start + count]))
            start += count


def as_json(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Rows as one value, for a server to make columns of (`unfolded`)."""
    return orjson.dumps([dict(zip(columns, row, strict=True)) for row in rows]).decode()


def unfolded(table: str, columns: Sequence[str]) -> tuple[str, list[str], str]:
    """How a server makes columns of it: their names, their values, and what to select those from."""
    names = [f'"{name}"' for name in columns]
    source = f'json_populate_recordset(NULL::"{table}", %s::json) new'
    return ", ".join(names), [f"new.{name}" for name in names], source


@lru_cache(maxsize=256)
def _unfold(shapes: tuple[tuple[str, tuple[str, ...]], ...], heads: str | None) -> str:
    parts = []
    for table, columns in shapes:
        names, told, come = unfolded(table, columns)
        if heads is not None:
            told[-1] = f'head."{columns[-1]}" + {told[-1]}'
            come += f' JOIN "{heads}" head USING ("{columns[0]}")'
        parts.append(f'INSERT INTO "{table}" ({names}) SELECT {", ".join(told)} FROM {come}')  # noqa: S608 - names of our own tables
    before = ", ".join(f"part{i} AS ({part})" for i, part in enumerate(parts[:-1]))
    return f"WITH {before} {parts[-1]}" if before else parts[-1]


@lru_cache(maxsize=512)
def _values(table: str, columns: tuple[str, ...], count: int, heads: str | None) -> str:
    many, rows = len(columns), []
    for row in range(count):
        marks = ["?"] * many
        if heads is not None:
            first = f"?{row * many + 1}"
            marks[-1] = f'(SELECT "{columns[-1]}" FROM "{heads}" WHERE "{columns[0]}" = {first}) + ?'  # noqa: S608 - the same
        rows.append(f"({', '.join(marks)})")
    names = ", ".join(f'"{name}"' for name in columns)
    return f'INSERT INTO "{table}" ({names}) VALUES {", ".join(rows)}'  # noqa: S608 - the same


def tidy(conn: Connection) -> None:
    """Outside a transaction: has the embedded store move what it has written ahead to its place. Left to itself it does
    that in the middle of a commit, and moves a page that many commits have written many times. Only the writer does it,
    or what it has begun (`moving`): SQLite before 3.51.3 can damage a store where one connection does it while another
    begins to write."""
    run(conn, "PRAGMA wal_checkpoint(PASSIVE)").fetchall()


def commits_along(conn: Connection, heard: float) -> bool:
    """Whether the COMMIT goes to the server with the last statements before it, because a trip there is dear. Only
    where one has come back in this transaction, or the last transaction did a moment ago (`heard`, of `perf_counter`)
    and nothing says since that the connection has ended (a pooler would not): of one that broke before, it is known
    that nothing was committed."""
    if conn.dialect.name != "postgresql":
        return False
    driver = _driver(conn)
    if driver.pgconn.transaction_status != _IDLE:
        return bool(driver.pgconn.transaction_status == _IN_TRANSACTION)
    return perf_counter() - heard < HEARD_S and not _through_pooler(driver) and not _has_spoken(driver)


def others_changes(conn: Connection) -> tuple[object, int] | None:
    """In a writing transaction: what is another once anybody else has changed the embedded store. It counts for each
    connection anew, so that is part of it. Of a server it is not known."""
    if conn.dialect.name != "sqlite":
        return None
    [[number]] = run(conn, "PRAGMA data_version").fetchall()
    return _driver(conn), number


def _through_pooler(driver: Any) -> bool:
    """A pooler keeps its connection to us when the one behind it breaks."""
    return driver.prepare_threshold is None


def _has_spoken(driver: Any) -> bool:
    """Whether there is something to read on a connection where nothing was asked: its end, as a rule."""
    waiting = poll()
    waiting.register(driver.fileno(), POLLIN)
    return bool(waiting.poll(0))


def ringing(dialect: Dialect, who: str) -> str | None:
    """The statement that tells every process, once its transaction commits, to look again; None where there is only
    one. The message says no more than who rings: the log is the truth."""
    return f"NOTIFY {CHANNEL}, '{who}'" if dialect.name == "postgresql" else None


def passes(error: BaseException) -> bool:
    """Whether trying the same transaction again, alone, can succeed: a deadlock, a lock that was not to be had in
    time, a key somebody else has just taken, a chain that is not as it was left, or a person who is elsewhere."""
    if not isinstance(error, DBAPIError):
        return False
    told = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "sqlite_errorname", None)
    return told in (*_DEADLOCK_OR_SERIALIZATION, *_LOCK_NOT_AVAILABLE, *_UNIQUE, *_LEFT_OTHERWISE)


def is_lost(error: BaseException) -> bool:
    """Whether the database cannot be reached or cannot write now (gone, full, locked): not the caller's fault."""
    if not isinstance(error, DBAPIError):
        return False
    return bool(error.connection_invalidated) or isinstance(error, OperationalError | InterfaceError)


def amiss(error: BaseException) -> bool:
    """Whether a server does not have a table now, or does not let us at it: somebody works on the store. Of the
    transaction nothing was kept. The embedded store calls that an error of its own (`is_lost`)."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in _AMISS


def why(error: BaseException | None) -> str:
    """The database's own words for the operator: what it was asked with is not in them."""
    told = error.orig if isinstance(error, DBAPIError) else error
    return (str(told).strip().splitlines() or [type(told).__name__])[0]


def append_only(conn: Connection, table: str) -> None:
    """Makes the database itself refuse to change or delete a row of this table."""
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql(
            f"CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$"
        )
        conn.exec_driver_sql(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION {table}_append_only()"
        )
        conn.exec_driver_sql(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        conn.exec_driver_sql(
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )
