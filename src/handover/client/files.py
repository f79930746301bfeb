"""Files that outlive a power cut, and locks between the processes of one user.

What is kept here are logins and unsent notes: losing one is losing somebody's word. So every write goes to a new file,
synced, renamed over the old one, and made to stay by syncing its folder. Nobody but the user may read them.
"""

import json
import os
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from handover.client.refusals import Trouble

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

M = TypeVar("M", bound=BaseModel)
_POLL_S = 0.05


class Busy(Trouble):
    """Another process held the lock for longer than we wanted to wait."""


def private_folder(path: Path) -> Path:
    """The folder, made if need be, with everything above it that had to be made closed to other users."""
    if not path.is_dir():
        private_folder(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)
        _sync_folder(path.parent)
    return path


def write_durably(path: Path, text: str) -> None:
    """Puts the text there whole or not at all, and returns once it would survive a power cut."""
    private_folder(path.parent)
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def remove_durably(path: Path) -> None:
    """Takes the file away so that a power cut does not bring it back."""
    path.unlink(missing_ok=True)
    _sync_folder(path.parent)


def read_json(path: Path) -> dict[str, Any] | None:
    """The JSON object in a file of ours; None where there is no such file, or nothing that can be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def read_as(model: type[M], path: Path) -> M | None:
    """The same, of a file that keeps one of these."""
    try:
        return model.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


@contextmanager
def locked(path: Path, wait_s: float) -> Iterator[None]:
    """Holds the lock among this user's processes; raises Busy after `wait_s` seconds. It is freed when we die."""
    private_folder(path.parent)
    deadline = time.monotonic() + wait_s
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        while not _try_lock(handle):
            if time.monotonic() >= deadline:
                raise Busy("Another command of yours is still at it. Try again in a moment.")
            time.sleep(_POLL_S)
        yield
    finally:
        os.close(handle)


def _try_lock(handle: int) -> bool:
    try:
        if sys.platform == "win32":
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _sync_folder(path: Path) -> None:
    if sys.platform == "win32":  # NTFS journals the rename; a folder cannot be opened there
        return
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
