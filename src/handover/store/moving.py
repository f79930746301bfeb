"""The embedded store's log is moved to its place while notes go on being written.

What is committed goes into a log first (WAL), and from there into the store's own file: page by page, some 10 to 130 ms
for 192 commits. Between two commits (`tidy`, the plain way) whoever writes waits for that. Here a thread does nearly
all of it beside them, and has it brought to the disk; the writer has to move what came meanwhile, one to nine ms.

Alone that could damage the store: in SQLite before 3.51.3 a connection must not move the log while another begins it
anew (sqlite.org/wal.html, "The WAL-Reset Bug"). It is begun anew only where nobody reads from it. So somebody does,
from before the move until after it: put there by the thread that commits, right after a commit, when what was committed
last lies in the log alone. Where nothing does (it wrote nothing, or another program has moved it), whoever reads does
so from the store's own file, and that keeps the file from being written.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import structlog
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError

from handover.store.engine import reading, run, tidy, why

log = structlog.get_logger("handover.store")


def _descriptors() -> Iterator[int]:
    """What this process has open, where the system tells."""
    with suppress(OSError):
        yield from (int(one.name) for one in Path("/dev/fd").iterdir())


class Mover:
    """Moves the log of the store that this process alone writes to."""

    def __init__(self, engine: Engine, file: Path) -> None:
        self._engine = engine
        self._conn = engine.connect()
        self._kept = file.stat()
        # One of the descriptors that SQLite has of the file, all of which it keeps while one of its connections is
        # open. One of our own would, as it is closed, take away all locks that this process has on the file.
        self._file = next(filter(self._is_it, _descriptors()), None)
        self._thread: threading.Thread | None = None

    def moved(self) -> bool:
        """Whether what there was has been moved, or cannot be in this way; begins with it, if that is not so. For the
        thread that commits, after a commit."""
        if self._thread is None:
            return not self._begun()
        if self._thread.is_alive():
            return False
        self._thread = None
        return True

    def close(self) -> None:
        """Waits until it is over. For when this process has closed the store otherwise."""
        if self._thread is not None:
            self._thread.join()
        self._conn.close()

    def _is_it(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), self._kept)
        except OSError:  # closed since
            return False

    def _begun(self) -> bool:
        held = ExitStack()
        try:
            conn = held.enter_context(self._engine.connect())
            held.enter_context(reading(conn, surely=False))
            run(conn, "SELECT 1 FROM sqlite_master LIMIT 1").fetchall()  # from here on it reads
            thread = threading.Thread(target=self._move, args=(held,), name="mover", daemon=True)
            thread.start()
        except (DBAPIError, RuntimeError) as error:  # the latter: the system gives no more threads
            held.close()
            log.warning("the log is moved between commits", why=why(error))
            return False
        self._thread = thread
        return True

    def _move(self, held: ExitStack) -> None:
        try:
            with held:
                tidy(self._conn)
        except DBAPIError as error:
            log.warning("the log is moved between commits", why=why(error))
            return
        try:
            if self._file is not None and self._is_it(self._file):
                os.fsync(self._file)
        except OSError as error:
            # SQLite goes by what it has moved, not by what the disk has kept of it, and would let the log begin anew.
            # Whoever opens the store next, after a crash, moves all of the log once more.
            log.critical("the disk has not kept the store; to be read from its log, the service ends", why=str(error))
            os._exit(1)
