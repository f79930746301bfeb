"""The one writer of the process: many requests, one commit.

Each request hands over a function. The writer thread takes what is waiting, runs each function in one transaction, and
commits once. A function that raises is undone alone and gets its own error; the others are durable when they are told:
what it gathered is forgotten, and one that does more than gather has a savepoint to go back to. A commit costs the same
for one request as for sixty: that is where the throughput comes from.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from queue import SimpleQueue
from time import perf_counter
from typing import Any, NamedTuple, Protocol

import structlog
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError

from handover.errors import Unavailable
from handover.store.engine import amiss, follows, is_lost, passes, tidy, why, writing
from handover.store.moving import Mover

log = structlog.get_logger("handover.store")


class Batch(Protocol):
    """What gathers beside the statements while jobs run: events and access-log lines, written together before the
    commit."""

    gathers: bool
    committing: bool

    @property
    def conn(self) -> Connection:
        """The transaction's connection."""

    def expect(self, people: Iterable[str]) -> None:
        """Whom the jobs will ask for."""

    def settle(self) -> None:
        """Writes the rows gathered so far: what comes next must see them, and must not see later rows."""

    def mark(self) -> Any:
        """A point to come back to."""

    def back(self, mark: Any) -> None:
        """Forgets what was gathered since the mark."""

    def send_ahead(self) -> None:
        """Sends off what was gathered so far, if it is worth it."""

    def flush(self) -> None:
        """Writes what was gathered. Where the commit goes along with it, `committing` is set before."""

    def committed(self) -> None:
        """The transaction is durable."""

    def failed(self, unsure: bool) -> None:
        """The transaction is gone; or, if `unsure`, the connection broke and nobody knows."""


Job = Callable[[Any], Any]
TIDY_AFTER = 192
"""Commits after which the store is tidied up: each page is written once more, however many of them wrote it."""
SHARE = 0.2
"""How much the last commit counts in what a commit is thought to take."""
ATTEMPTS = 4
"""How often one task is tried where other processes' changes are in its way."""


class Task(NamedTuple):
    """A job that was handed over. `told(value, error)` is called once, from the writer's thread, when its transaction
    is durable or has failed. `denied` may leave a trace (an access-log line) of a job that raised: its own changes are
    gone by then. `person` is whom it will ask for, if it is known beforehand. What is `first` has its turn before all
    that is not."""

    job: Job
    told: Callable[[Any, BaseException | None], None]
    denied: Callable[[Any, BaseException], None] | None = None
    gathers: bool = False
    person: str | None = None
    first: bool = False


class _Unsure(Exception):  # noqa: N818 - a state of knowledge
    """The connection broke while it committed: whether the transaction is durable, nobody knows."""


def _is_away(error: Exception) -> bool:
    """Whether the store cannot be reached or written to now, through no fault of a task."""
    return isinstance(error, _Unsure) or (is_lost(error) and not passes(error))


def _is_cut(error: Exception) -> bool:
    """Whether the connection was gone, or led to a server that takes no writes, before anything could be committed on
    it."""
    return isinstance(error, DBAPIError) and error.connection_invalidated


class Writer:
    """Runs jobs one after another on one connection, several in one commit."""

    def __init__(
        self,
        engine: Engine,
        begin: Callable[[Connection], Batch],
        most: int,
        measure: Callable[[int, float], None],
        mover: Mover | None,
    ) -> None:
        self._engine = engine
        self._begin = begin
        self._most = most
        self._measure = measure
        self._first: deque[Task] = deque()
        self._tasks: deque[Task] = deque()
        self._began: float | None = None
        self._pace = 0.0
        self._calls: SimpleQueue[bool] = SimpleQueue()
        self._conn: Connection | None = None
        self._untidy = 0
        self._full = False  # whether the embedded store's disk may be
        self._mover = mover
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def submit(self, task: Task, begin: bool = True) -> None:
        """Hands over a job, to be begun with at once, or once somebody says `begin`."""
        (self._first if task.first else self._tasks).append(task)
        if begin:
            self.begin()

    def begin(self) -> None:
        """Has begun with whatever was handed over by now."""
        self._calls.put(True)

    def close(self) -> None:
        """Finishes what was handed over, then stops."""
        self._calls.put(False)
        self._thread.join()

    @property
    def waiting(self) -> int:
        """How many jobs have not been started."""
        return len(self._first) + len(self._tasks)

    def wait(self, first: bool = False) -> float:
        """How long whoever hands something over now will wait for it to be begun with, in seconds: as many commits as
        are before it, as long as the last ones took, and no less than the present one has taken already."""
        began, before = self._began, len(self._first) if first else self.waiting
        return -(-before // self._most) * self._pace + (perf_counter() - began if began is not None else 0.0)

    def _run(self) -> None:
        going_on = True
        while going_on:
            going_on = self._calls.get()
            due = self.waiting
            while due > 0:
                tasks = self._next()
                due -= len(tasks)
                self._began = perf_counter()
                if self._full:
                    self._tidy()  # what room there is goes to the store first; then its log is begun anew
                self._commit(tasks)
                self._pace += (perf_counter() - self._began - self._pace) * SHARE
                self._began = None
            if self._mover is not None and self._untidy >= TIDY_AFTER and self._mover.moved():
                self._tidy()  # while those who were answered are on their way back
        self._drop()

    def _next(self) -> list[Task]:
        """As many as go into one commit: those that are to be first, then the others, each in their order."""
        tasks = [self._first.popleft() for _ in range(min(len(self._first), self._most))]
        return tasks + [self._tasks.popleft() for _ in range(min(len(self._tasks), self._most - len(tasks)))]

    def _tidy(self) -> None:
        self._untidy = 0
        try:
            tidy(self._connection())
            self._full = False
        except DBAPIError as error:
            log.warning("could not tidy up the store", why=why(error))
            self._drop()

    def _commit(self, tasks: Sequence[Task], attempt: int = 1) -> None:
        started = perf_counter()
        try:
            results = self._attempt(tasks)
        except Exception as error:  # noqa: BLE001 - whatever it is, somebody waits for an answer
            self._failed(tasks, error, attempt)
            return
        took = perf_counter() - started
        for task, (value, raised) in zip(tasks, results, strict=True):
            task.told(value, raised)
        self._measure(len(tasks), took)

    def _failed(self, tasks: Sequence[Task], error: Exception, attempt: int) -> None:
        """Nothing of these tasks was kept (or, if the error is `_Unsure`, nobody knows). Each gets another go, or an
        answer: what stands in the way of one must not be the end of all, and nobody may be left waiting."""
        others = passes(error)
        if _is_cut(error) and attempt == 1:
            # The connection was dead (the database was restarted since the last commit), or to a server that has been
            # succeeded by another: a new one may do.
            self._commit(tasks, attempt + 1)
        elif len(tasks) > 1 and (others or not _is_away(error)):
            # A deadlock, a raced key or a bug spoils the whole transaction: one by one, each gets its own answer.
            for task in tasks:
                self._commit([task])
        elif others and attempt < ATTEMPTS:
            self._commit(tasks, attempt + 1)
        else:
            told: Exception = error
            if others:
                told = Unavailable("Another change was in the way; try again.")
            elif _is_away(error) or amiss(error):
                cause = error.__cause__ if isinstance(error, _Unsure) else error
                log.warning("cannot write", why=why(cause))
                self._full = self._mover is not None
                told = Unavailable("The store cannot be written to right now; try again.")
            for task in tasks:
                task.told(None, told)

    def _attempt(self, tasks: Sequence[Task]) -> list[tuple[Any, BaseException | None]]:
        batch: Batch | None = None
        try:
            conn = self._connection()
            with writing(conn):
                batch = self._begin(conn)
                batch.expect(task.person for task in tasks if task.person is not None)
                results = []
                for task in tasks:
                    results.append(self._one(batch, task))
                    batch.send_ahead()
                batch.flush()
                batch.committing = True
        except BaseException as error:
            committing = batch is not None and batch.committing
            refused = isinstance(error, DBAPIError) and (passes(error) or follows(error.orig) or not is_lost(error))
            unsure = committing and not refused
            if batch is not None:
                batch.failed(unsure)
            # The embedded store keeps a transaction open, and everybody else out, when its very commit was refused.
            if committing or not isinstance(error, DBAPIError) or is_lost(error):
                self._drop()
            if unsure:
                raise _Unsure from error
            raise
        self._untidy += 1
        batch.committed()
        return results

    def _one(self, batch: Batch, task: Task) -> tuple[Any, BaseException | None]:
        batch.gathers = task.gathers
        if not task.gathers:
            batch.settle()
        mark = batch.mark()
        # What a job only gathered is forgotten without the database's help; that spares two statements a request.
        savepoint = None if task.gathers else batch.conn.begin_nested()
        try:
            value = task.job(batch)
        except DBAPIError:
            raise
        except Exception as error:  # noqa: BLE001 - goes to whoever asked
            if savepoint is not None:
                savepoint.rollback()
            batch.back(mark)
            if task.denied is not None:
                task.denied(batch, error)
            return None, error
        if savepoint is not None:
            savepoint.commit()
        return value, None

    def _connection(self) -> Connection:
        if self._conn is None or self._conn.closed or self._conn.invalidated:
            self._drop()
            self._conn = self._engine.connect()
        return self._conn

    def _drop(self) -> None:
        if self._conn is not None:
            conn, self._conn = self._conn, None
            try:
                conn.close()
            except DBAPIError:
                conn.invalidate()
