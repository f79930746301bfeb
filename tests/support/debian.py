"""Debian's packages for the tests, where root runs them on a machine that lacks them."""

import fcntl
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
        subprocess.run(["apt-get", *step], env=apt, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=True)
