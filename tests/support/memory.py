"""Where the files of tests lie: in memory where there is room, as nothing of them has to survive a power cut."""

import os
import shutil
from functools import cache
from pathlib import Path

ROOM = 2 << 30
"""Bytes that have to be free there."""


@cache
def folder() -> Path | None:
    """A folder in memory; None where there is none, or little room."""
    there = Path("/dev/shm")
    return there if there.is_dir() and os.access(there, os.W_OK) and shutil.disk_usage(there).free > ROOM else None
