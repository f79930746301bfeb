"""Which Python `make` builds with."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FITS = "import sys, venv, ensurepip; print(sys.version_info >= (3, 11))"


def taken(*told: str) -> str:
    """The Python that would be taken."""
    ask = ["make", "--no-print-directory", "--eval", "asked: ; @echo $(PYTHON)", "asked", *told]
    return subprocess.run(ask, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def test_it_is_one_that_will_do() -> None:
    done = subprocess.run([taken(), "-c", FITS], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


def test_it_is_the_systems_own_whatever_comes_first_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = taken()
    other = tmp_path / "python3"
    other.write_text("#!/bin/sh\nexit 1\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert shutil.which("python3") == str(other)
    assert taken() == before
    assert taken("PYTHON=python3.12") == "python3.12"
