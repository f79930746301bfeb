"""The servers and the load, each a process of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import pulling, reading
from benchmarks.load import Job, Result
from benchmarks.setup import Stores, settings

ROOT = Path(__file__).parent.parent
START_S, STOP_S, SPARE_S = 30.0, 10.0, 600.0
LOOK_S = 0.002
"""Between two looks whether a server is ready."""
WITHOUT = {
    "HANDOVER_CALLER_REQUESTS": "0",  # one load process is more than any caller may ask
    "HANDOVER_EVENTS_KEPT_DAYS": "36500",  # a store that is filled with years is not to be pruned meanwhile
}


@dataclass(frozen=True)
class Server:
    """A running server."""

    name: str
    port: int
    pid: int
    start_s: float
    """From the start of its process to the first answer that it is ready."""


@contextmanager
def handover(stores: Stores, workers: int = 1) -> Iterator[Server]:
    """The service itself: `handover serve`, its log into a file."""
    chosen = settings(stores.handover)
    told = ("database_url", "argon2_memory_kib", "argon2_time_cost", "access_token_s")
    env = {f"HANDOVER_{name.upper()}": str(getattr(chosen, name)) for name in told} | WITHOUT
    port = _free_port()
    command = [str(Path(sys.executable).with_name("handover")), "serve", "--port", str(port)]
    command += ["--workers", str(workers)] if workers > 1 else []
    with _running("handover", command, port, env, stores.folder) as server:
        yield server


@contextmanager
def standin(stores: Stores) -> Iterator[Server]:
    """The bare stand-in. What it reads is what the service has stored."""
    port = _free_port()
    command = [sys.executable, "-m", "benchmarks.standin", stores.standin, str(port), stores.handover]
    with _running("standin", command, port, {}, stores.folder) as server:
        yield server


def run(job: Job) -> Result:
    """Has a load process do this."""
    return Result(**_asked("benchmarks.load", asdict(job), job.seconds + SPARE_S))


def read(job: reading.Job) -> reading.Result:
    """Has a process of its own read."""
    return reading.Result(**_asked("benchmarks.reading", asdict(job)))


def pull(job: pulling.Job) -> pulling.Result:
    """Has a process of its own pull."""
    return pulling.Result(**_asked("benchmarks.pulling", asdict(job)))


def _asked(module: str, job: dict[str, Any], patience_s: float | None = None) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", module],
        input=json.dumps(job),
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
        check=True,
        timeout=patience_s,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@contextmanager
def _running(name: str, command: list[str], port: int, env: dict[str, str], folder: Path) -> Iterator[Server]:
    log = folder / f"{name}.log"
    kept = {key: value for key, value in os.environ.items() if not key.startswith("HANDOVER_")}
    with log.open("wb") as output:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=ROOT, env={**kept, **env}, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        _wait_until_ready(process, port, log)
        yield Server(name, port, process.pid, time.perf_counter() - began)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_ready(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), START_S) as line:
                line.sendall(b"GET /readyz HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
                if line.recv(64).startswith(b"HTTP/1.1 200"):
                    return
        except OSError:
            pass
        time.sleep(LOOK_S)
    raise RuntimeError(f"{' '.join(process.args)} did not start:\n{log.read_text()[-2000:]}")  # type: ignore[arg-type]  # a list of words


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
