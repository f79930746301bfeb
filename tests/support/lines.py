"""A terminal on a line: a real process behind a pty of 80×24, at the speed of a serial line if one likes, and
what would stand on its screen."""

import os
import pty
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pyte

from tests.support.terminals import Terminal

_COMMAND = "from handover.cli import main; main()"


class RealScreen:
    """What stands on the screen, and the keyboard before it."""

    def __init__(self, process: "subprocess.Popen[bytes]", line: int, bytes_a_second: int | None) -> None:
        self.process = process
        self.came = 0
        """How many bytes have come over the line."""
        self.bells = 0
        self._line = line
        self._pause = 64 / bytes_a_second if bytes_a_second else 0.0
        self._screen = pyte.Screen(80, 24)
        self._stream = pyte.ByteStream(self._screen)
        self._lock = threading.Lock()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def text(self) -> str:
        """What stands there."""
        with self._lock:
            return "\n".join(line.rstrip() for line in self._screen.display)

    def until(self, *words: str, within: float = 20) -> str:
        """Waits until all these words stand there."""
        deadline = time.monotonic() + within
        while not all(one in self.text for one in words):
            assert time.monotonic() < deadline, f"{words} did not come; the screen:\n{self.text}"
            time.sleep(0.02)
        return self.text

    def types(self, keys: str) -> None:
        """Presses keys; control characters as they are."""
        os.write(self._line, keys.encode())

    def quiet(self, for_s: float = 0.4) -> int:
        """Waits until nothing comes any more; answers how many bytes have come until then."""
        while True:
            before = self.came
            time.sleep(for_s)
            if self.came == before:
                return before

    def kill(self) -> None:
        """As a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def _read(self) -> None:
        while True:
            try:
                got = os.read(self._line, 64 if self._pause else 65536)
            except OSError:  # how the end of a terminal shows itself
                return
            if not got:
                return
            with self._lock:
                self._stream.feed(got)
            self.came += len(got)
            self.bells += got.count(b"\a")
            time.sleep(self._pause)


@contextmanager
def on_a_line(terminal: Terminal, *words: str, bytes_a_second: int | None = None) -> Iterator[RealScreen]:
    """The command, at the end of a line."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(ours, (24, 80))
    environment = {**os.environ, **terminal.environment, "TERM": "vt220", "COLUMNS": "80"}
    process = subprocess.Popen(
        [sys.executable, "-c", _COMMAND, *words],
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    screen = RealScreen(process, ours, bytes_a_second)
    try:
        yield screen
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(10)
        os.close(ours)
