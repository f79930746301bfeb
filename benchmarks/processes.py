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

import httpx

from benchmarks import reading
from benchmarks.load import Job, Result
from benchmarks.setup import Stores, settings

ROOT = Path(__file__).parent.parent
START_S, STOP_S, SPARE_S = 30.0, 10.0, 60.0


@dataclass(frozen=True)
class Server:
    """A running server."""

    name: str
    port: int
    pid: int


@contextmanager
def handover(stores: Stores) -> Iterator[Server]:
    """The service itself: `handover serve`, its log into a file."""
    chosen = settings(stores.handover)
    told = ("database_url", "argon2_memory_kib", "argon2_time_cost", "access_token_s")
    env = {f"HANDOVER_{name.upper()}": str(getattr(chosen, name)) for name in told}
    port = _free_port()
    command = [str(Path(sys.executable).with_name("handover")), "serve", "--port", str(port)]
    with _running("handover", command, port, env, stores.folder) as server:
        yield server


@contextmanager
def standin(stores: Stores) -> Iterator[Server]:
    """The bare stand-in."""
    port = _free_port()
    command = [sys.executable, "-m", "benchmarks.standin", stores.standin, str(port)]
    with _running("standin", command, port, {}, stores.folder) as server:
        yield server


def run(job: Job) -> Result:
    """Has a load process do this."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"],
        input=json.dumps(asdict(job)),
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
        check=True,
        timeout=job.seconds + SPARE_S,
    )
    return Result(**json.loads(done.stdout))


def read(job: reading.Job) -> reading.Result:
    """Has a process of its own read."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.reading"],
        input=json.dumps(asdict(job)),
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
        check=True,
    )
    return reading.Result(**json.loads(done.stdout))


@contextmanager
def _running(name: str, command: list[str], port: int, env: dict[str, str], folder: Path) -> Iterator[Server]:
    log = folder / f"{name}.log"
    kept = {key: value for key, value in os.environ.items() if not key.startswith("HANDOVER_")}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**kept, **env}, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        _wait_until_ready(process, port, log)
        yield Server(name, port, process.pid)
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
            if httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise RuntimeError(f"{' '.join(process.args)} did not start:\n{log.read_text()[-2000:]}")  # type: ignore[arg-type]  # a list of words


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
