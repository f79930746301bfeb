"""A store opened by one process: its writer, its readers, its access-log chain, its bell."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from math import inf
from operator import itemgetter
from secrets import token_hex
from time import perf_counter
from typing import Any, TypeVar

import sqlalchemy as sa
import structlog
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError

from handover.errors import Unavailable
from handover.store import accesslog, ending, eventlog, marks, roster
from handover.store.accesslog import Head, Line
from handover.store.engine import (
    Engines,
    amiss,
    commits_along,
    is_lost,
    named_writer,
    one_trip,
    others_changes,
    passes,
    reading,
    run,
    why,
)
from handover.store.eventlog import Event, Written
from handover.store.moving import Mover
from handover.store.rows import New, write
from handover.store.tables import access_lines, metadata, store_meta
from handover.store.writer import SHARE, Task, Writer

T = TypeVar("T")
R = TypeVar("R")
ORDER = {table: place for place, table in enumerate(metadata.sorted_tables)}
AHEAD = 10
"""Jobs whose rows are sent off together before all are done: of a burst's commit, two thirds."""
GLANCES = 2
"""Threads for what everybody waits for: whose a token is, what is new in a log."""
Bell = Callable[[bool, Sequence[Written] | None], None]
"""Told whether anybody's rights have changed, and what is new in the logs, if that is known, and that nothing from
before was rewritten."""
HOMES = 10_000
"""How many people's whereabouts are remembered."""
LISTEN_S = 0.5
"""How long the listener waits for a bell before it looks whether it should end."""
log = structlog.get_logger("handover.store")


class Batch:
    """Gathers what one transaction adds to the logs, and writes it last."""

    def __init__(self, conn: Connection, store: "Store") -> None:
        self._conn = conn
        self._sent: ExitStack | None = None
        self._jobs = 0
        self.gathers = False
        self.events: list[Event] = []
        self.lines: list[Line] = []
        self.rights_changed = False
        self.committing = False
        self._rows: list[tuple[sa.Table, tuple[dict[str, Any], ...]]] = []
        self._ahead: list[str] = []
        self._written: list[Written] = []
        self._homes: dict[str, Mapping[str, Any] | None] = {}
        self._supposed: list[Mapping[str, Any]] = []
        self._store = store
        self._head = store.head
        self._rewrites = False
        self._heard = False

    @property
    def conn(self) -> Connection:
        """To read and to change things now: what was sent ahead has come back by then."""
        if self._sent is not None:
            sent, self._sent = self._sent, None
            sent.close()
        return self._conn

    def send_ahead(self) -> None:
        """After each job: sends off the rows of the last few, where there is a server that is at them while the next
        jobs are done here. What is wrong with them comes to light at the end, or where a job reads."""
        self._jobs += 1
        if self._jobs % AHEAD or not self._rows or not self.gathers:
            return
        if self._sent is None:
            if not self._along:
                return
            self._sent = ExitStack()
            self._sent.enter_context(one_trip(self._conn))
        self._send(self._conn)

    def add(self, table: sa.Table, *rows: dict[str, Any]) -> None:
        """Gathers new rows: those of all the batch's requests go into each table at once."""
        if rows:
            self._rows.append((table, rows))
        if not self.gathers:
            self.settle()

    def expect(self, people: Iterable[str]) -> None:
        """Whom jobs that gather will ask for: the first of them looks all of them up, in one statement."""
        self._ahead = list(people)

    def housed(self, number: str) -> Mapping[str, Any] | None:
        """`roster.housed`, of one person."""
        if not self.gathers:  # it may go on to move somebody
            return roster.housed(self.conn, [number]).get(number)
        if number not in self._homes:
            numbers, self._ahead = sorted({*self._ahead, number}), []
            self._homes |= self._remembered(numbers) or self._asked(numbers)
        return self._homes[number]

    def _remembered(self, numbers: Sequence[str]) -> Mapping[str, Mapping[str, Any]] | None:
        """Where they were when this process last asked, if it is certain that they still are, or that the store will
        refuse all of this where they are not."""
        known, others = self._store.homes, others_changes(self._conn)
        if others != self._store.others:
            self._store.others = others
            known.clear()
        if self._rewrites or not all(one in known for one in numbers) or (others is None and not self._along):
            return None
        homes = {one: known[one] for one in numbers}
        if others is None:
            self._supposed += homes.values()
        return homes

    def _asked(self, numbers: Sequence[str]) -> Mapping[str, Mapping[str, Any] | None]:
        found = roster.housed(self.conn, numbers)
        if len(self._store.homes) > HOMES:
            self._store.homes.clear()
        self._store.homes |= found
        return {**dict.fromkeys(numbers), **found}

    @property
    def _along(self) -> bool:
        return self._sent is not None or commits_along(self._conn, self._store.heard)

    def settle(self) -> None:
        """Writes the rows gathered so far. What comes next may move somebody, or rewrite events."""
        self._homes.clear()
        if self._store.others is not None:  # else the store itself refuses what is no longer so
            self._store.homes.clear()
        self._rewrites = True
        self._send(self.conn)

    def _send(self, conn: Connection) -> None:
        ending.suppose(conn, self._supposed)  # first, and in one order, lest two processes wait for each other
        self._supposed = []
        if self._rows:
            write(conn, self._gathered())

    def _gathered(self) -> list[New]:
        """The rows gathered so far, parents before children."""
        rows: dict[sa.Table, list[dict[str, Any]]] = {}
        for table, some in self._rows:
            rows.setdefault(table, []).extend(some)
        self._rows.clear()
        return [
            (table, tuple(rows[table][0]), map(itemgetter(*rows[table][0]), rows[table]))
            for table in sorted(rows, key=ORDER.__getitem__)
        ]

    def mark(self) -> tuple[int, int, int, bool]:
        """How much was gathered so far."""
        return len(self.events), len(self.lines), len(self._rows), self.rights_changed

    def back(self, mark: tuple[int, int, int, bool]) -> None:
        """Forgets what was gathered since."""
        del self.events[mark[0] :], self.lines[mark[1] :], self._rows[mark[2] :]
        self.rights_changed = mark[3]

    def flush(self) -> None:
        """Writes rows and lines, then events: the counters of the log are locked as late, and so as shortly, as can be.
        On the way to a server all of it goes in one trip, with the COMMIT."""
        if not (self.lines or self.events or self._rows or self._supposed or self._sent or self.rights_changed):
            return  # of a note that was refused for what it says; of what changed things by itself
        if (
            self.lines
            and self._head is not None
            and self._store.doubted
            and not accesslog.stands(self.conn, self._head)
        ):
            log.error("the store was set back under this process", chain=self._head.chain, line=self._head.position)
            self._head = None
        if self.lines and self._head is None:
            self._head = self._store.open_chain(self.conn, self.lines[0])
        if self.rights_changed:
            marks.change(self.conn, marks.RIGHTS)
        news = self.events or self.rights_changed
        new, chain = self._gathered(), None
        if self.lines and self._head is not None:
            was = self._head
            self._head, lines = accesslog.chained(was, self.lines)
            new.append((access_lines, accesslog.NAMES, lines))
            chain = was, self._head
        along = self._along
        conn, sent, self._sent = self._conn, self._sent, None
        with sent or one_trip(conn):
            appended = ending.end(conn, new, chain, self.events, self._store.name if news else None, self._supposed)
            if along:
                self.committing = True  # only now: what went wrong before was certainly not kept
                run(conn, "COMMIT")
        self._heard = True
        self._written = eventlog.numbered(conn, appended)

    def committed(self) -> None:
        """Moves the chain on and rings the bell of this process."""
        self._store.head = self._head
        self._store.doubted = False
        if self._heard:
            self._store.heard = perf_counter()
        if self.events or self.rights_changed:
            self._store.bell(self.rights_changed, None if self._rewrites else self._written)

    def failed(self, unsure: bool) -> None:
        """Where nobody knows what became of the transaction, the chain is left as it is and a new one begun; so it is
        if the chain turns out not to be as this process left it."""
        with suppress(DBAPIError):
            self.conn  # noqa: B018 - what was sent ahead is seen off, whatever became of it
        self._store.doubted = True
        self._store.heard = -inf
        self._store.homes.clear()
        if unsure:
            self._store.head = None
            self._store.bell(rights_changed=True)


@dataclass(frozen=True, slots=True)
class Identity:
    """What this store is."""

    id: str
    practice: bool
    secret: str
    """256 random bits that never leave the server, to make keys of."""


class Store:
    """One process's hold on the store. `close` finishes what was handed over. `tidies`: it moves the embedded one's log
    to its place now and then; two processes that do could damage it."""

    def __init__(
        self,
        engines: Engines,
        identity: Identity,
        *,
        readers: int,
        batch: int,
        open_chain: Callable[[Connection, Line], Head],
        measure: Callable[[int, float], None],
        tidies: bool,
    ) -> None:
        self.engines = engines
        self.identity = identity
        self.head: Head | None = None
        self.doubted = False
        self.heard = -inf
        """When something that had gathered was last known to be durable, of `perf_counter`."""
        self.homes: dict[str, Mapping[str, Any]] = {}
        """Where people were when this process last asked (`roster.housed`)."""
        self.others: tuple[object, int] | None = None
        """What `others_changes` was then."""
        self.open_chain = open_chain
        self.name = token_hex(8)
        """What this process is called when it rings; its own bells it need not hear from others."""
        self._bells: list[Bell] = []
        self._listener: threading.Thread | None = None
        self._closing = threading.Event()
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="reader")
        self._glances = ThreadPoolExecutor(GLANCES, thread_name_prefix="glance")
        self._threads = readers
        self._connections: dict[tuple[int, Engine], Connection] = {}
        self._asked: deque[float] = deque()
        self._pace = 0.0
        named_writer(engines.write)
        self._mover = Mover(engines.read, engines.file[0]) if tidies and engines.file else None
        self.writer = Writer(engines.write, lambda conn: Batch(conn, self), batch, measure, self._mover)

    def write(
        self,
        job: Callable[[Batch], T],
        denied: Callable[[Batch, BaseException], None] | None = None,
        gathers: bool = False,
    ) -> "Future[T]":
        """Runs a job on the writer; the future resolves once its transaction is durable. A job that `gathers` changes
        nothing by itself: it reads, and leaves rows, events and lines with the batch."""
        future: Future[T] = Future()
        # Whoever waits for it may go away, and does not call it off: the writer could not tell it what came of it.
        future.set_running_or_notify_cancel()
        self.writer.submit(Task(job, partial(_resolve, future), denied, gathers))
        return future

    def read(self, job: Callable[[Connection], T]) -> "Future[T]":
        """Runs a job on a read-only connection that sees one moment of the store."""
        self._asked.append(perf_counter())
        return self._readers.submit(self._in_turn, job, self._read)

    def glance(self, job: Callable[[Connection], T]) -> "Future[T]":
        """The same for what is short, and not to wait behind lists and sheets."""
        return self._glances.submit(self._read, job)

    def read_past(self, job: Callable[[Connection], T]) -> "Future[T | None]":
        """Runs a job on a store that may be a little behind; None where there is none now."""
        self._asked.append(perf_counter())
        return self._readers.submit(self._in_turn, job, self._read_past)

    def wait_to_read(self) -> float:
        """How long whoever asks now will wait for a reader, in seconds: as many readings as are before it, as long as
        the last ones took, and no less than somebody has waited already."""
        try:
            longest = perf_counter() - self._asked[0]
        except IndexError:
            return 0.0
        return max(longest, len(self._asked) / self._threads * self._pace)

    def _in_turn(self, job: Callable[[Connection], T], read: Callable[[Callable[[Connection], T]], R]) -> R:
        self._asked.popleft()
        began = perf_counter()
        try:
            return read(job)
        finally:
            self._pace += (perf_counter() - began - self._pace) * SHARE

    def _read(self, job: Callable[[Connection], T], again: bool = True) -> T:
        try:
            conn = self._connection(self.engines.read)
            with reading(conn, surely=True):
                return job(conn)
        except DBAPIError as error:
            # A migration beside it wanted what this one held, or the connection was to a server that has gone.
            if again and (passes(error) or error.connection_invalidated):
                return self._read(job, again=False)
            if not (is_lost(error) or amiss(error)):
                raise
            log.warning("cannot read", why=why(error))
            raise Unavailable("The store cannot be read right now; try again.") from error

    def _connection(self, engine: Engine) -> Connection:
        """This thread's own connection."""
        at = threading.get_ident(), engine
        conn = self._connections.get(at)
        if conn is not None and conn.invalidated:
            self._connections.pop(at).close()
            conn = None
        if conn is None:
            conn = self._connections[at] = engine.connect()
        return conn

    def _read_past(self, job: Callable[[Connection], T]) -> T | None:
        if self.engines.past is None:
            return None
        try:
            conn = self._connection(self.engines.past)
            with reading(conn, surely=False):
                return job(conn)
        except DBAPIError as error:
            log.info("no standby to read from", why=why(error))
            return None

    def on_commit(self, bell: Bell) -> Callable[[], None]:
        """Has a bell called after each commit worth a look, from the thread that knows of it; answers how to stop
        it."""
        self._bells.append(bell)
        return lambda: self._bells.remove(bell)

    def listen(self) -> None:
        """Has the bells of other processes ring here too, where processes share a store, and has servers left that
        stand still. A lost connection is taken up again; what was missed meanwhile, the slow look at the log finds."""
        bells = self.engines.bells
        if bells is not None and self._listener is None:
            self._listener = threading.Thread(target=self._listen, args=(bells,), name="bells", daemon=True)
            self._listener.start()
            for servers in self.engines.watched:
                servers.watch()

    def _listen(self, bells: Callable[[float], Iterable[str | None]]) -> None:
        while not self._closing.is_set():
            try:
                for rung in bells(LISTEN_S):
                    if self._closing.is_set():
                        return
                    if rung is not None and rung != self.name:
                        self.bell(rights_changed=False)
            except Exception:
                log.warning("bells lost", exc_info=True)
                self._closing.wait(LISTEN_S)

    def bell(self, rights_changed: bool, told: Sequence[Written] | None = None) -> None:
        """Rings."""
        for bell in list(self._bells):
            bell(rights_changed, told)

    def close(self) -> None:
        """Finishes what was handed over, then gives everything back."""
        self._closing.set()
        self.writer.close()
        self._readers.shutdown()
        self._glances.shutdown()
        for conn in self._connections.values():
            conn.close()
        if self._listener is not None:
            self._listener.join()
        if self._mover is not None:
            self._mover.close()
        self.engines.close()


def _resolve(future: "Future[T]", value: Any, error: BaseException | None) -> None:
    if error is None:
        future.set_result(value)
    else:
        future.set_exception(error)


def read_identity(conn: Connection) -> Identity | None:
    """What this store is, if anything has been put into it."""
    facts: dict[str, Any] = {row.name: row.value for row in conn.execute(sa.select(store_meta))}
    return Identity(facts["id"], facts["kind"] == "practice", facts["secret"]) if "id" in facts else None


def write_identity(conn: Connection, identity: Identity) -> None:
    """Says once and for all what this store is."""
    kind = "practice" if identity.practice else "real"
    facts = {"id": identity.id, "kind": kind, "secret": identity.secret}
    conn.execute(sa.insert(store_meta), [{"name": name, "value": value} for name, value in facts.items()])


def rename(conn: Connection, id_: str) -> None:
    """Makes it another store for whoever remembers this one: no cursor from before is one of its own."""
    conn.execute(sa.update(store_meta).where(store_meta.c.name == "id").values(value=id_))
