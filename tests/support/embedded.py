"""Embedded stores for the tests: copies of one that is migrated already."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from tests.support import stores


def copy(file: Path) -> str:
    """An empty store in this file, ready to be served; all of them have the identity of the one they are copied
    from."""
    shutil.copy(_template(), file)
    return f"sqlite:///{file}"


@cache
def _template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="handover-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    file = folder / "template.sqlite3"
    stores.prepare(f"sqlite:///{file}")
    assert [one.name for one in folder.iterdir()] == [file.name], "all of it is in the file itself"
    return file
