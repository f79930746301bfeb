"""Several processes that serve as one on one PostgreSQL. This one only starts them, and another where one has died.

Each has a socket of its own on the common port (SO_REUSEPORT), so that the system deals connections out among them as
they come: of a shared socket, whoever wakes first takes all that wait, and keeps a whole storm of feeds for good. The
socket of a process that dies goes with it, and nobody is sent there.
"""

import contextlib
import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic
from typing import NoReturn

import structlog

from handover.app import create_app
from handover.app import serve as serve_app
from handover.errors import StoreNotReady
from handover.logs import configure_logging
from handover.settings import Settings

PAUSE_S, LONGEST_S = 0.1, 15.0
"""Before a worker that died, or could not be started, is started again; twice as long each time, if it dies again at
once, up to the second."""
STEADY_S = 30.0
"""A worker that has served as long has not died at once."""
MERCY_S = 0.9
"""Beyond what a worker may take to stop (`stop_s`); then it is killed."""
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)
Address = tuple[str, int]
log = structlog.get_logger("handover.workers")


@dataclass(slots=True)
class Worker:
    """One of the processes, or the place of one that died."""

    number: int
    own: Address
    pid: int | None = None
    started: float = 0.0
    falls: int = 0
    due: float = 0.0

    def died(self, status: int) -> None:
        """It has ended, with this status."""
        code = os.waitstatus_to_exitcode(status)
        ended = signal.Signals(-code).name if code < 0 else code
        log.error("a worker died", worker=self.number, pid=self.pid, ended=ended, again_in_s=self.again())

    def again(self) -> float:
        """Sets when it is to be started again; answers in how many seconds."""
        now = monotonic()
        self.falls = 1 if now - self.started > STEADY_S else self.falls + 1
        pause: float = min(PAUSE_S * 2 ** (self.falls - 1), LONGEST_S)
        self.pid, self.due = None, now + pause
        return pause


def supervise(settings: Settings) -> None:
    """Serves with several processes until told to stop."""
    configure_logging(settings.log_level)
    common = bound((settings.host, settings.port))
    port = settings.worker_port
    held = [bound(("127.0.0.1", port + i if port else 0)) for i in range(settings.workers)]
    workers = [Worker(i, one.getsockname()[:2]) for i, one in enumerate(held, start=1)]
    address: Address = common.getsockname()[:2]
    # Bound and not listening: nobody connects to these, but they keep the ports while a worker is away.
    ours, theirs = os.pipe()[::-1], [common, *held]
    with _woken() as wake:
        _keep(settings, address, workers, wake, ours, theirs)
        _end(settings, workers, wake)


def _keep(
    settings: Settings,
    address: Address,
    workers: list[Worker],
    wake: "_Wake",
    ours: tuple[int, ...],
    theirs: list[socket.socket],
) -> None:
    """Has every worker run, until told to stop."""
    while not wake.stop:
        now = monotonic()
        for worker in workers:
            if worker.pid is None and worker.due <= now:
                _start(settings, address, worker, ours, theirs)
        wake.wait(min((worker.due - monotonic() for worker in workers if worker.pid is None), default=None))
        for worker, status in _reaped(workers):
            worker.died(status)


def _end(settings: Settings, workers: list[Worker], wake: "_Wake") -> None:
    """Passes the signal on, and waits for a while."""
    deadline = monotonic() + settings.stop_s + MERCY_S
    _tell(workers, signal.SIGTERM)
    while any(worker.pid for worker in workers):
        if monotonic() > deadline:
            log.error("workers had to be killed", workers=[worker.number for worker in workers if worker.pid])
            _tell(workers, signal.SIGKILL)
        wake.wait(max(0.05, deadline - monotonic()))
        for worker, _ in _reaped(workers):
            worker.pid = None


def _tell(workers: list[Worker], sig: signal.Signals) -> None:
    for worker in workers:
        if worker.pid is not None:
            os.kill(worker.pid, sig)  # it is not reaped yet, so the number is still its own


def _reaped(workers: list[Worker]) -> Iterator[tuple[Worker, int]]:
    """The workers that have ended, each with how."""
    for worker in workers:
        if worker.pid is not None:
            pid, status = os.waitpid(worker.pid, os.WNOHANG)
            if pid:
                yield worker, status


def _start(
    settings: Settings, address: Address, worker: Worker, ours: tuple[int, ...], theirs: list[socket.socket]
) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # one that comes in between would be taken for the parent's
    worker.started = monotonic()
    try:
        worker.pid = os.fork()
    except OSError as error:  # no memory, or too many processes: the others go on serving
        log.error("a worker cannot be started", worker=worker.number, why=str(error), again_in_s=worker.again())
    if worker.pid == 0:
        _work(settings, address, worker, ours, theirs)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    if worker.pid is not None:
        log.info("a worker begins", worker=worker.number, pid=worker.pid, address="{}:{}".format(*worker.own))


# --- In the worker ----------------------------------------------------------------------------------------------------


def _work(
    settings: Settings, address: Address, worker: Worker, ours: tuple[int, ...], theirs: list[socket.socket]
) -> NoReturn:
    """The whole life of a worker."""
    code: object = 1
    try:
        signal.set_wakeup_fd(-1)
        for sig in SIGNALS:
            signal.signal(sig, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        for one in theirs:
            one.close()
        writing, reading = ours
        os.close(writing)
        threading.Thread(target=_orphaned, args=(reading,), daemon=True).start()
        structlog.contextvars.bind_contextvars(worker=worker.number)
        app = create_app(settings, process=str(worker.number))
        # Only now: whoever connects is answered.
        serve_app(app, settings, [bound(address), bound(worker.own)])
        code = 0
    except SystemExit as end:
        code = end.code or 0
    except StoreNotReady as error:
        log.error("a worker cannot start", worker=worker.number, why=str(error))
    except BaseException:
        log.exception("a worker failed", worker=worker.number)
    finally:
        with contextlib.suppress(Exception):
            sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)


def _orphaned(reading: int) -> None:
    """Ends this worker in order if its parent has died: its end of the pipe is then closed."""
    os.read(reading, 1)
    os.kill(os.getpid(), signal.SIGTERM)


def bound(address: Address) -> socket.socket:
    """A socket at this address, beside others of this service there."""
    one = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    one.bind(address)
    return one


# --- Signals ----------------------------------------------------------------------------------------------------------


class _Wake:
    """Waits for signals without missing one."""

    def __init__(self, reading: int) -> None:
        self.stop = False
        self._reading = reading

    def told(self, sig: int, _frame: object) -> None:
        """A signal came."""
        self.stop |= sig != signal.SIGCHLD

    def wait(self, seconds: float | None) -> None:
        """Waits for the next, for a while."""
        if select.select([self._reading], [], [], None if seconds is None else max(0.0, seconds))[0]:
            os.read(self._reading, 4096)


@contextlib.contextmanager
def _woken() -> Iterator[_Wake]:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    wake = _Wake(reading)
    before = {sig: signal.signal(sig, wake.told) for sig in SIGNALS}
    kept = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        yield wake
    finally:
        signal.set_wakeup_fd(kept)
        for sig, handler in before.items():
            signal.signal(sig, handler)
        os.close(reading)
        os.close(writing)
