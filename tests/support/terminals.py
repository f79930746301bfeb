"""Terminals: an officer's PC with its own data folder, at which commands are typed."""

import json
import os
import pty
import queue
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import typer
from typer.testing import CliRunner, Result

from handover.cli import command
from handover.domain.codelists import shipped
from handover.schemas.codelists import CodeEntry, CodeList
from handover.terminal import register
from tests.support import forking
from tests.support.service import PASSWORD, Caller

_ENGLISH = {"HANDOVER_LANG": "en"}
"""Whatever language the machine speaks on which this runs."""


@dataclass
class Terminal:
    """One PC, talking to one server."""

    home: Path
    url: str
    more: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        return {"XDG_DATA_HOME": str(self.home), "HANDOVER_SERVER": self.url, "COLUMNS": "120", **_ENGLISH, **self.more}

    def run(self, *args: str, typed: str | None = None) -> Result:
        """Types a command and waits for its end."""
        return CliRunner().invoke(command(args), list(args), input=typed, env=self.environment)

    def login(self, who: Caller) -> Result:
        """Logs a member of staff in; it must succeed."""
        result = self.run("login", who.name, "--password-stdin", typed=PASSWORD + "\n")
        assert result.exit_code == 0, result.output
        return result

    def json(self, *args: str) -> Any:
        """Types a command for its JSON; it must succeed."""
        result = self.run(*args, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def offered(self, line: str) -> str:
        """What the shell is offered at the Tab key behind this line."""
        app = typer.Typer()
        register(app)
        asked = {"_HANDOVER_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}
        return CliRunner().invoke(app, [], env=self.environment | asked, prog_name="handover").stdout

    def files(self, pattern: str) -> list[Path]:
        """Files that are kept here for any server."""
        return sorted(self.home.glob(f"handover/terminal/*/{pattern}"))

    @contextmanager
    def running(self, *args: str, on_screen: bool = False) -> Iterator["Running"]:
        """A command that goes on, in a process of its own; `on_screen`: at a real terminal of 80×24."""
        ours, theirs = pty.openpty() if on_screen else os.pipe()
        if on_screen:
            termios.tcsetwinsize(ours, (24, 80))
        env = {**os.environ, **self.environment, "PYTHONUNBUFFERED": "1", "TERM": "xterm", "COLUMNS": "80"}
        with Path(os.devnull).open("rb") as nothing:
            typing = theirs if on_screen else nothing.fileno()
            process = forking.Process(list(args), env, stdin=typing, stdout=theirs, stderr=theirs)
        os.close(theirs)
        running = Running(process, ours)
        try:
            yield running
        finally:
            process.kill()
            process.wait(10)
            running.close()
            os.close(ours)


class Running:
    """What a running command prints, line by line."""

    def __init__(self, process: forking.Process, output: int) -> None:
        self.process = process
        self.seen: list[str] = []
        self._begun = ""  # of the line that has no end yet: a question
        self._output = output
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def until(self, words: str, timeout: float = 15) -> str:
        """The next line that holds these words."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                line = self._lines.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"{words!r} was not said; what was said: {self.seen}") from None
            self.seen.append(line)
            if words in line:
                return line

    def until_all(self, *words: str) -> None:
        """Until each of these has been said, in whatever order."""
        missing = list(words)
        while missing:
            line = self.until("", 20)
            missing = [word for word in missing if word not in line]

    def presses(self, key: str) -> None:
        """Presses one key, once the command waits for one: what is pressed before is thrown away."""
        self._wait(lambda: not self._reads_lines())
        os.write(self._output, key.encode())

    def answers(self, question: str, line: str) -> None:
        """Types a line and Enter, once this is asked."""
        self._wait(lambda: question in self._begun and self._reads_lines())
        os.write(self._output, f"{line}\r".encode())

    def _reads_lines(self) -> bool:
        return bool(termios.tcgetattr(self._output)[3] & termios.ICANON)

    def _wait(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 15
        while not holds():
            assert time.monotonic() < deadline, f"nothing was asked; what was said: {self.seen} {self._begun}"
            time.sleep(0.02)

    def ends(self, timeout: float = 10) -> int:
        """The exit code, and all remaining lines in `seen`."""
        code = self.process.wait(timeout)
        self._reader.join(5)
        while not self._lines.empty():
            self.seen.append(self._lines.get())
        return code

    def close(self) -> None:
        """Waits for the last of it."""
        self._reader.join(5)

    def _read(self) -> None:
        rest = b""
        while True:
            try:
                got = os.read(self._output, 65536)
            except OSError:  # how the end of a terminal shows itself
                got = b""
            if not got:
                break
            # The line at the foot is drawn over and over, without ends of lines; so are questions.
            *lines, rest = (rest + got).replace(b"\r", b"\n").split(b"\n")
            for line in lines:
                if line:
                    self._lines.put(line.decode())
            self._begun = rest.decode(errors="replace")
        if rest:
            self._lines.put(rest.decode())


def served_lists() -> dict[str, CodeList]:
    """The shipped code lists in the form they are served in."""
    lists = {}
    for one in shipped():
        items = [
            CodeEntry(
                code=entry.code,
                label=entry.label,
                anchor=entry.anchor,
                group=entry.group,
                words=list(entry.words),
                forces=entry.forces,
                version=entry.version,
                active=entry.active,
            )
            for entry in one.entries
        ]
        lists[one.name] = CodeList(name=one.name, title=one.title, version=one.version, items=items)
    return lists
