"""A real PgBouncer in front of the tests' PostgreSQL, set up as deploy/ has it: in transaction mode."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

from tests.support import debian
from tests.support.postgres import answers
from tests.support.processes import free_port
from tests.support.readers import eventually

TEMPLATES = Path(__file__).parents[2] / "deploy" / "templates"
USER = "postgres"
"""Whom it runs as where root runs the tests: it refuses to be root."""


def _found() -> str | None:
    return shutil.which("pgbouncer", path="/usr/sbin:/usr/bin")


@contextmanager
def pooled(url: str, connections: int) -> Iterator[str]:
    """The same database through a pooler that holds so many connections to it."""
    program, port = debian.needed("PgBouncer", _found, "pgbouncer"), free_port()
    given = urlsplit(url)
    user, password = given.username or USER, given.password or "trusted"
    with tempfile.TemporaryDirectory() as made:
        here = Path(made)
        values = {"name": given.path.lstrip("/"), "postgresql": given.port or 5432, "pgbouncer": port, "here": here}
        said = Template((TEMPLATES / "pgbouncer.ini").read_text()).substitute(values, address="127.0.0.1")
        (here / "pgbouncer.ini").write_text(f"{said}\ndefault_pool_size = {connections}\n")
        (here / "userlist.txt").write_text(f'"{user}" "{password}"\n')
        for path in (here, *here.iterdir()) if os.getuid() == 0 else ():
            shutil.chown(path, USER)
        process = subprocess.Popen(
            [program, "-q", str(here / "pgbouncer.ini")],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=USER if os.getuid() == 0 else None,
        )
        through = f"postgresql://{user}:{password}@127.0.0.1:{port}/{values['name']}"
        try:
            eventually(lambda: answers(through))
            yield through
        finally:
            process.kill()
            process.wait(10)
