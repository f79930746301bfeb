"""Which Python `make` builds with."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FITS = "import sys, venv, ensurepip; assert sys.version_info >= (3, 11)"


def make(*words: str) -> "subprocess.CompletedProcess[str]":
    """`make`, whatever the one was told that this run may come from."""
    env = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "PYTHON")}
    return subprocess.run(["make", *words], cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def taken(*told: str) -> str:
    """The Python that would be taken."""
    return make("--no-print-directory", "--eval", "asked: ; @echo $(PYTHON)", "asked", *told).stdout.strip()


def systems_own() -> str | None:
    """The system's Python, if it will do."""
    own = subprocess.run(["bash", "-c", "command -pv python3"], capture_output=True, text=True, check=False)
    found = own.stdout.strip()
    return found if found and subprocess.run([found, "-c", FITS], check=False).returncode == 0 else None


def test_it_is_the_systems_own_where_that_will_do_whatever_comes_first_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "python3"
    other.write_text("#!/bin/sh\nexit 1\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert taken() == (systems_own() or "python3")


def test_it_is_the_one_that_was_named() -> None:
    assert taken("PYTHON=python3.12") == "python3.12"


def test_one_that_is_not_there_or_too_old_is_told_with_what_to_do(tmp_path: Path) -> None:
    old = tmp_path / "python3.10"
    old.write_text('#!/bin/sh\n[ "$1" = -V ] && echo Python 3.10.13\n[ "${2#*venv}" != "$2" ]\n')
    old.chmod(0o755)
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "build.lock").touch()
    for named, said in (("nowhere", "There is no nowhere, or"), (str(old), "or newer; ")):
        # In a folder where nothing was built yet, and nothing is.
        done = make("-f", str(ROOT / "Makefile"), "-C", str(tmp_path), ".boot/.made", f"PYTHON={named}")
        assert done.returncode == 2
        assert said in done.stderr
        assert "make PYTHON=python3.12" in done.stderr
    assert not (tmp_path / ".boot").exists()
