"""Embedded stores for the tests: copies of one that is migrated already."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

import pytest

from tests.support import stores


@pytest.fixture(scope="module")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One engine, for what sees the service over the wire alone: it is the same whatever is behind that."""
    return copy(tmp_path_factory.mktemp("store") / "handover.sqlite3")


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
