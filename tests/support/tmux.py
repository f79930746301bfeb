"""A terminal as officers on a server have it: tmux, 80×24, without colours. Keys go in as tmux sends them, and what
stands is what `capture-pane` says."""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from tests.support import debian

_COMMAND = "from handover.cli import main; main()"
# Its own line of state off: all 24 rows are the program's.
_SETTINGS = """
set -g default-terminal screen
set -g status off
set -s escape-time 0
"""


@cache
def binary() -> str:
    """Where tmux is."""
    return debian.needed("tmux", lambda: shutil.which("tmux"), "tmux")


class Session:
    """One session, and who sits before it."""

    def __init__(self, socket: Path, settings: Path, environment: Mapping[str, str]) -> None:
        self._base = [binary(), "-u", "-S", str(socket), "-f", str(settings)]
        self._environment = environment

    def call(self, *words: str) -> str:
        """One command to tmux, and its answer."""
        done = subprocess.run(
            [*self._base, *words], env=self._environment, capture_output=True, text=True, timeout=20, check=False
        )
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout

    @property
    def text(self) -> str:
        """What stands on the screen."""
        return self.call("capture-pane", "-p")

    @property
    def drawn(self) -> str:
        """The same, with how it is drawn."""
        return self.call("capture-pane", "-p", "-e")

    def until(self, *words: str, pressing: str = "", within: float = 40) -> str:
        """Waits until all these words stand there; until then presses this again and again."""
        deadline = time.monotonic() + within
        while not all(one in (text := self.text) for one in words):
            assert time.monotonic() < deadline, f"{words} did not come; the screen:\n{text}"
            self.types(pressing)
            time.sleep(0.2 if pressing else 0.05)
        return text

    def types(self, letters: str, *keys: str) -> None:
        """Types letters, then presses keys by their names: `Enter`, `C-s`."""
        if letters:
            self.call("send-keys", "-l", letters)
        if keys:
            self.call("send-keys", *keys)


@contextmanager
def sitting_at(environment: Mapping[str, str], *words: str) -> Iterator[Session]:
    """The command `handover` with these words, in a tmux of its own."""
    given = {**os.environ, "LANG": "C.UTF-8", "NO_COLOR": "1", **environment}
    for one in ("TMUX", "COLUMNS", "LC_ALL", "COLORTERM"):
        given.pop(one, None)
    # Not in the test's own folder: the name of a socket may not be long.
    with tempfile.TemporaryDirectory(prefix="handover-tmux-") as folder:
        settings = Path(folder, "tmux.conf")
        settings.write_text(_SETTINGS, "utf-8")
        session = Session(Path(folder, "s"), settings, given)
        program = shlex.join([sys.executable, "-c", _COMMAND, *words])
        # As under a shell: it says what the program ended with, and stays.
        session.call("new-session", "-d", "-x", "80", "-y", "24", f"{program}; echo ended with $?; exec cat")
        try:
            yield session
        finally:
            session.call("kill-server")
