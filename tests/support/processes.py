"""Real processes: `handover serve` as its operator starts it, and killed as a power cut does."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep

import httpx

from handover.clock import now
from handover.services import opening
from handover.services.passwords import Hasher
from tests.support import forking
from tests.support.service import Caller, Service, settings_for

_held: list[socket.socket] = []


def free_port() -> int:
    """A port that nobody listens on. It is held for this process's tests: nobody else is given it before a server
    listens there, or between two."""
    free = socket.socket()
    free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as whoever is to listen there does
    free.bind(("127.0.0.1", 0))
    port = int(free.getsockname()[1])
    if sys.platform == "linux":
        _held.append(free)
    else:  # there, what is held cannot be listened on
        free.close()
    return port


def environment(database_url: str, **more: str) -> dict[str, str]:
    """The settings of a test's server: cheap passwords, and nothing of this machine's own."""
    # Without .pyc files every start would take seconds longer; some machines forbid them.
    kept = {k: v for k, v in os.environ.items() if not k.startswith("HANDOVER_") and k != "PYTHONDONTWRITEBYTECODE"}
    ours = {"DATABASE_URL": database_url, "ARGON2_MEMORY_KIB": "64", "ARGON2_TIME_COST": "1", "LOG_LEVEL": "ERROR"}
    ours["QUEUE_S"] = "60"  # a machine that is busy with other tests is no overload
    return kept | {f"HANDOVER_{name}": value for name, value in (ours | more).items()}


def handover(*arguments: str, database_url: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Runs the command to its end."""
    return forking.run(list(arguments), environment(database_url, **more), timeout=60)


@dataclass
class Server:
    """One `handover serve`. It keeps its port over restarts."""

    database_url: str
    log: Path
    settings: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: forking.Process | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def start(self, wait: bool = True) -> None:
        """Starts it, and waits until it is ready."""
        with self.log.open("ab") as log, Path(os.devnull).open("rb") as nothing:
            self.process = forking.Process(
                ["serve", "--port", str(self.port)],
                environment(self.database_url, **self.settings),
                stdin=nothing.fileno(),
                stdout=log.fileno(),
                stderr=log.fileno(),
            )
        if wait:
            self.ready()

    def ready(self) -> None:
        """Waits until it answers that it is ready."""
        deadline = monotonic() + 20
        while True:
            assert self.process is not None
            assert self.process.poll() is None, self.log.read_text()
            try:
                if httpx.get(f"{self.url}/readyz", trust_env=False, verify=False).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            assert monotonic() < deadline, self.log.read_text()
            sleep(0.02)

    def kill(self) -> None:
        """As a power cut does: it gets to do nothing more."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> float:
        """As an operator does; answers how many seconds it took."""
        assert self.process is not None
        began = monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(10) == 0, self.log.read_text()
        return monotonic() - began


@contextmanager
def serving(database_url: str, log: Path, *, wait: bool = True, **settings: str) -> Iterator[Server]:
    """A running server, gone at the end whatever happened to it."""
    server = Server(database_url, log, settings)
    try:
        server.start(wait)
        yield server
    finally:
        if server.process is not None and server.process.poll() is None:
            server.process.kill()
            server.process.wait(10)


class Office(Service):
    """What sets a store up for servers that run elsewhere: prisons, people and accounts, without a server of its own.
    Who is hired logs in at `url`."""

    def __init__(self, database_url: str, url: str) -> None:
        self.settings = settings_for(database_url)
        self.url = url
        self.callers = []
        self.hasher = Hasher(self.settings)
        self.desk = opening.open_desk(self.settings, now)

    def close(self) -> None:
        """Gives everything back."""
        for caller in self.callers:
            caller.http.close()
        self.desk.store.close()
        self.hasher.close()

    def at(self, url: str, caller: Caller) -> Caller:
        """The same person with the same token at another server."""
        return _Elsewhere(url, caller).caller


class _Elsewhere(Service):
    def __init__(self, url: str, caller: Caller) -> None:
        self.url = url
        self.callers = caller.service.callers
        self.caller = Caller(self, caller.name, caller.token, caller.refresh)


@contextmanager
def office(database_url: str, url: str) -> Iterator[Office]:
    """Whoever keeps accounts and roster, while servers run."""
    keeper = Office(database_url, url)
    try:
        yield keeper
    finally:
        keeper.close()
