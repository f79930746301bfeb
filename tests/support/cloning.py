"""Test processes that begin at once: copies of the one that hands out the tests, made when it has loaded them all. Each
for itself would take seconds to load the same; and from nothing, several at a time would each compile it, too."""

import atexit
import gc
import os
import signal
import sys
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from execnet import gateway_io
from execnet.gateway_base import Popen2IO
from hypothesis import strategies

from tests.support import forking

TESTS = Path(__file__).parents[1]


def prepare(names: list[str]) -> None:
    """Has the test processes of these names be copies. One that has to be replaced later begins as usual."""
    for file in sorted(TESTS.glob("test_*.py")):
        with suppress(Exception, pytest.skip.Exception):  # each copy finds it out again, and says so
            import_module(f"{TESTS.name}.{file.stem}")
    strategies.text().validate()  # which letters there are, it looks up once
    forking.mother()
    gc.collect()
    gc.freeze()
    ours: list[int] = []
    ready = {name: _copy(ours) for name in names}
    usual = gateway_io.create_io

    def create(spec: Any, execmodel: Any) -> Any:
        copied = ready.pop(spec.id, None)
        return copied(execmodel) if copied else usual(spec, execmodel)

    gateway_io.create_io = create


class _Copy(Popen2IO):
    """A copy, as execnet shows a process that it has started."""

    def __init__(self, pid: int, words: int, answers: int, execmodel: Any) -> None:
        self._pid = pid
        super().__init__(os.fdopen(words, "wb"), os.fdopen(answers, "rb"), execmodel)

    def wait(self) -> int | None:
        """How it ended."""
        try:
            return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        except ChildProcessError:
            return None

    def kill(self) -> None:
        """Ends it."""
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)


def _copy(ours: list[int]) -> Any:
    its_words, words = os.pipe()
    answers, its_answers = os.pipe()
    ours += words, answers
    pid = os.fork()
    if pid:
        os.close(its_words)
        os.close(its_answers)
        return partial(_Copy, pid, words, answers)
    code = 1
    try:
        os.dup2(its_words, 0)
        os.dup2(its_answers, 1)
        for fd in (its_words, its_answers, *ours):
            os.close(fd)
        _serve()
        code = 0
    finally:
        os._exit(code)  # whatever came: it must not go on as what it is a copy of


def _serve() -> None:
    """What execnet has an interpreter do: it reads a line, and that says all the rest."""
    atexit._clear()
    sys.stdin, sys.stdout = os.fdopen(0, "r", closefd=False), os.fdopen(1, "w", closefd=False)
    try:
        if said := sys.stdin.readline():
            exec(eval(said), {"__name__": "__main__"})
    finally:
        atexit._run_exitfuncs()
        sys.stderr.flush()
