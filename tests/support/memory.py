"""Where the files of tests lie: in memory where there is room, as nothing of them has to survive a power cut."""

import os
import shutil
from functools import cache
from pathlib import Path

THERE = Path("/dev/shm")
ROOM = 2 << 30
"""Bytes that have to be free there."""


@cache
def folder() -> Path | None:
    """A folder in memory; None where there is none, or little room."""
    return THERE if THERE.is_dir() and os.access(THERE, os.W_OK) and shutil.disk_usage(THERE).free > ROOM else None
