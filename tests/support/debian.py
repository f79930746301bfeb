"""Debian's packages for the tests, where root runs them on a machine that lacks them."""

import fcntl
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest


@contextmanager
def alone() -> Iterator[None]:
    """One of the test processes at a time: of two who install at once, one is refused. Whoever comes in looks again
    whether it is still missing."""
    with (Path(tempfile.gettempdir()) / f"handover-debian-{os.getuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def install(*packages: str) -> None:
    """Installs them, while `alone`; CalledProcessError where that cannot be done."""
    apt = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["update", "-q"], ["install", "-qy", "--no-install-recommends", *packages]):
        # Whoever else installs something just now is waited for.
        subprocess.run(
            ["apt-get", "-o", "DPkg::Lock::Timeout=300", *step],
            env=apt,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            check=True,
        )


def needed(what: str, found: Callable[[], str | None], *packages: str) -> str:
    """Where this program is; installed where root runs the tests and it is missing. Without it a run in CI fails, and
    any other says that it has skipped what wants it."""
    if not (where := found()) and os.getuid() == 0:
        with alone():
            if not found():
                with suppress(subprocess.CalledProcessError):
                    install(*packages)
        where = found()
    if where:
        return where
    missing = f"No {what} for the tests: apt install {' '.join(packages)}"
    if os.environ.get("CI"):
        raise RuntimeError(missing)
    pytest.skip(missing)
