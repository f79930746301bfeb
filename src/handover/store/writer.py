"""The one writer of the process: many requests, one commit.

Each request hands over a function. The writer thread takes what has gathered, runs each function in a savepoint of one
transaction, and commits once. A function that raises is rolled back alone and gets its own error; the others are
durable when
their futures resolve. A commit costs the same for one request as for sixty: that is where the throughput comes from.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from queue import SimpleQueue
from time import perf_counter
from typing import Any, Protocol

from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError

from handover.errors import Unavailable
from handover.store.engine import is_lost, passes


class Batch(Protocol):
    """What gathers beside the statements while jobs run: events and access-log lines, written together before the
    commit."""

    conn: Connection

    def mark(self) -> Any:
        """A point to come back to."""

    def back(self, mark: Any) -> None:
        """Forgets what was gathered since the mark."""

    def flush(self) -> None:
        """Writes what was gathered."""

    def committed(self) -> None:
        """The transaction is durable."""

    def failed(self, unsure: bool) -> None:
        """The transaction is gone; or, if `unsure`, the connection broke and nobody knows."""


Job = Callable[[Any], Any]


@dataclass(slots=True)
class _Task:
    job: Job
    denied: Callable[[Any, BaseException], None] | None
    future: "Future[Any]"


class Writer:
    """Runs jobs one after another on one connection, several in one commit."""

    def __init__(
        self,
        engine: Engine,
        begin: Callable[[Connection], Batch],
        most: int,
        measure: Callable[[int, float], None],
    ) -> None:
        self._engine = engine
        self._begin = begin
        self._most = most
        self._measure = measure
        self._queue: SimpleQueue[_Task | None] = SimpleQueue()
        self._conn: Connection | None = None
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def submit(self, job: Job, denied: Callable[[Any, BaseException], None] | None = None) -> "Future[Any]":
        """Hands over a job. `denied` may leave a trace (an access-log line) of a job that raised: its own changes
        are gone by then."""
        future: Future[Any] = Future()
        self._queue.put(_Task(job, denied, future))
        return future

    def close(self) -> None:
        """Finishes what was handed over, then stops."""
        self._queue.put(None)
        self._thread.join()

    @property
    def waiting(self) -> int:
        """How many jobs have not been started."""
        return self._queue.qsize()

    def _run(self) -> None:
        stopping = False
        while not stopping:
            tasks: list[_Task] = []
            task = self._queue.get()
            while True:
                if task is None:
                    stopping = True
                    break
                if task.future.set_running_or_notify_cancel():
                    tasks.append(task)
                if len(tasks) >= self._most or self._queue.empty():
                    break
                task = self._queue.get()
            if tasks:
                self._commit(tasks)
        self._drop()

    def _commit(self, tasks: Sequence[_Task]) -> None:
        started = perf_counter()
        try:
            results = self._attempt(tasks)
        except Exception as error:  # noqa: BLE001 - whatever it is, somebody waits for an answer
            if len(tasks) > 1 and not is_lost(error):
                # A deadlock, a raced key or a bug spoils the whole transaction: one by one, each gets its own answer.
                for task in tasks:
                    self._commit([task])
                return
            if passes(error):
                self._again(tasks[0])
                return
            told = Unavailable("The store cannot be written to right now; try again.") if is_lost(error) else error
            for task in tasks:
                task.future.set_exception(told)
            return
        self._measure(len(tasks), perf_counter() - started)
        for task, (value, raised) in zip(tasks, results, strict=True):
            if raised is None:
                task.future.set_result(value)
            else:
                task.future.set_exception(raised)

    def _again(self, task: _Task) -> None:
        try:
            [(value, raised)] = self._attempt([task])
        except Exception as error:  # noqa: BLE001 - whatever it is, somebody waits for an answer
            told = Unavailable("Another change was in the way; try again.") if isinstance(error, DBAPIError) else error
            task.future.set_exception(told)
            return
        if raised is None:
            task.future.set_result(value)
        else:
            task.future.set_exception(raised)

    def _attempt(self, tasks: Sequence[_Task]) -> list[tuple[Any, BaseException | None]]:
        batch: Batch | None = None
        try:
            conn = self._connection()
            with conn.begin():
                batch = self._begin(conn)
                results = [self._one(batch, task) for task in tasks]
                batch.flush()
        except BaseException as error:
            unsure = not isinstance(error, DBAPIError) or is_lost(error)
            if batch is not None:
                batch.failed(unsure)
            if unsure:
                self._drop()
            raise
        batch.committed()
        return results

    def _one(self, batch: Batch, task: _Task) -> tuple[Any, BaseException | None]:
        mark = batch.mark()
        savepoint = batch.conn.begin_nested()
        try:
            value = task.job(batch)
        except DBAPIError:
            raise
        except Exception as error:  # noqa: BLE001 - goes to whoever asked
            savepoint.rollback()
            batch.back(mark)
            if task.denied is not None:
                task.denied(batch, error)
            return None, error
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
