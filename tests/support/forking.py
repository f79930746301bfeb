"""Processes of the command `handover` that begin at once: copies of one that has everything loaded.

An interpreter takes more than a second to load the server's half, and the tests start it again and again. So that is
done once, by a mother, who becomes the command as often as any of the test processes asks her. What comes of it is a
process like any other, with its own signals, files and end. How an interpreter itself starts the command is tried by
tests/test_practice.py, tests/test_integrations_page.py and tests/test_audit_verify.py.
"""

import atexit
import gc
import io
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from runpy import run_module

# Not the modules that look at the environment when they are loaded: each command has its own.
LOADED = (
    "handover.app",
    "handover.practice.week",
    "handover.services.audit",
    "handover.services.importing",
    "handover.terminal.accept",
    "handover.terminal.pull",
    "handover.terminal.watch",
)
ROOT = Path(__file__).parents[2]


class Process:
    """A command that runs, as subprocess.Popen shows one."""

    def __init__(self, words: list[str], env: dict[str, str], *, stdin: int, stdout: int, stderr: int) -> None:
        self.args = words
        self.returncode: int | None = None
        self._told, told = os.pipe()
        try:
            with tempfile.TemporaryFile() as asked:
                asked.write(json.dumps({"words": words, "env": env, "folder": str(Path.cwd())}).encode())
                asked.flush()
                # One byte: what several processes ask at once cannot get mixed up.
                socket.send_fds(mother(), [b"?"], [stdin, stdout, stderr, told, asked.fileno()])
        finally:
            os.close(told)  # before anything is read: as long as it is open here, it does not show that she has gone
        self.pid = self._next()

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""
        if self.returncode is None and select.select([self._told], [], [], 0)[0]:
            self.returncode = self._next()
            os.close(self._told)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, once there is one."""
        if self.returncode is None and not select.select([self._told], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        code = self.poll()
        assert code is not None
        return code

    def send_signal(self, sig: int) -> None:
        """Sends a signal to it while it runs."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, sig)

    def kill(self) -> None:
        """Ends it as a power cut does."""
        self.send_signal(signal.SIGKILL)

    def _next(self) -> int:
        """A number from the mother: first whom she has borne, then how that ended."""
        told = b""
        while not told.endswith(b"\n"):
            more = os.read(self._told, 1)
            assert more, "whoever starts the processes has gone"
            told += more
        return int(told)


def run(words: list[str], env: dict[str, str], timeout: float) -> "subprocess.CompletedProcess[str]":
    """Runs a command to its end, with nothing to read."""
    with (
        Path(os.devnull).open("rb") as nothing,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
    ):
        process = Process(words, env, stdin=nothing.fileno(), stdout=out.fileno(), stderr=err.fileno())
        try:
            code = process.wait(timeout)
        finally:
            process.kill()
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(words, code, out.read().decode(), err.read().decode())


@cache
def mother() -> socket.socket:
    """Where she is asked. Copies of this process ask the same, and she goes with the last of them."""
    ours, hers = socket.socketpair()
    # Without .pyc files it would take seconds longer; some machines forbid them.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with hers:
        command = [sys.executable, "-m", "tests.support.forking", str(hers.fileno())]
        started = subprocess.Popen(command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, pass_fds=[hers.fileno()])

    def leave() -> None:
        ours.close()
        started.wait(10)

    atexit.register(leave)
    return ours


# --- The mother -------------------------------------------------------------------------------------------------------


def _bear(control: socket.socket) -> None:
    """Bears a child for each request, and comes back in the child alone. Ends when nobody can ask any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, lambda _sig, _frame: None)
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    children: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([control.fileno(), woken], [], [])
        if woken in ready:
            os.read(woken, 4096)
            _bury(children)
        if control.fileno() in ready:
            asked, fds, _, _ = socket.recv_fds(control, 1, 5)
            if not asked:
                os._exit(0)
            child = os.fork()
            if child == 0:
                _become(fds, [control.detach(), woken, wake, *children.values()])
                return
            for fd in (*fds[:3], fds[4]):
                os.close(fd)
            children[child] = fds[3]
            _tell(fds[3], child)


def _bury(children: dict[int, int]) -> None:
    """Says of those who have ended how they did."""
    while children:
        child, status = os.waitpid(-1, os.WNOHANG)
        if child == 0:
            return
        told = children.pop(child)
        _tell(told, os.waitstatus_to_exitcode(status))
        os.close(told)


def _tell(whom: int, number: int) -> None:
    with suppress(BrokenPipeError):  # nobody waits for it any more
        os.write(whom, b"%d\n" % number)


def _become(fds: list[int], hers: list[int]) -> None:
    """A child takes its words, its environment and its files, and gives up its mother's."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for place, fd in enumerate(fds[:3]):
        os.dup2(fd, place)
    with os.fdopen(fds.pop(), "rb") as asked:
        asked.seek(0)
        told = json.load(asked)
    for fd in (*fds, *hers):
        os.close(fd)
    gc.enable()
    os.chdir(told["folder"])
    os.environ.clear()
    os.environ.update(told["env"])
    time.tzset()
    sys.argv = ["handover", *told["words"]]
    sys.stdin, sys.stdout, sys.stderr = (_stream(fd) for fd in range(3))


def _stream(fd: int) -> io.TextIOWrapper:
    """A standard stream as an interpreter would have opened it."""
    at_once = bool(os.environ.get("PYTHONUNBUFFERED")) and fd > 0
    raw = open(fd, "wb" if fd else "rb", 0 if at_once else -1, closefd=False)  # noqa: SIM115 - it has no path, and stays open
    errors = "backslashreplace" if fd == 2 else "strict"
    return io.TextIOWrapper(raw, "utf-8", errors, line_buffering=fd == 2 or os.isatty(fd), write_through=at_once)


if __name__ == "__main__":
    gc.disable()
    for name in LOADED:
        import_module(name)
    gc.freeze()
    _bear(socket.socket(fileno=int(sys.argv[1])))
    run_module("handover", run_name="__main__", alter_sys=True)
