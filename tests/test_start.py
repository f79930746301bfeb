"""What a start does without. A service comes back after a power cut, and a command is typed hundreds of times a day:
everybody waits for what they load and do not need, and it stays in memory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from handover.services import opening
from tests.support.service import settings_for

LISTED = "import sys; from handover.cli import command; command([sys.argv[1]]); print(*sys.modules)"
SERVED = """
import sys
from handover.cli import command
command(["serve"])
from handover.app import create_app
from handover.board import statics
from handover.settings import Settings
parts = create_app(Settings()).state.parts
parts.desk.store.close()
parts.hasher.close()
print(*(name for name, module in sys.modules.items() if module), "packed" * statics.shipped.cache_info().currsize)
"""


def loaded(program: str, *words: str, **env: str) -> set[str]:
    """What an interpreter has loaded after this program."""
    done = subprocess.run(
        [sys.executable, "-c", program, *words], env=os.environ | env, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def under(found: set[str], *parts: str) -> list[str]:
    """Those of the modules that are these, or within them."""
    return sorted(name for name in found if any(f"{name}.".startswith(f"{part}.") for part in parts))


def test_a_server_whose_store_is_up_to_date_loads_no_migrations_no_other_database_and_no_terminal(
    tmp_path: Path,
) -> None:
    url = f"sqlite:///{tmp_path / 'handover.sqlite3'}"
    opening.migrate(settings_for(url))
    found = loaded(SERVED, HANDOVER_DATABASE_URL=url)
    assert "handover.feed.socket" in found
    assert under(found, "alembic", "mako", "psycopg", "textual", "httpx", "jinja2", "rich", "pydantic.v1") == []
    assert under(found, "sqlalchemy.dialects.postgresql", "handover.client", "handover.practice") == []
    assert under(found, "handover.terminal") == ["handover.terminal"], "the names of its commands, and no more"
    assert "packed" not in found, "the board's files are packed when somebody asks for them"


@pytest.mark.parametrize("command", ["migrate", "user", "client", "import", "audit"])
def test_a_command_on_the_server_loads_no_server(command: str) -> None:
    found = loaded(LISTED, command)
    assert "handover.services.opening" in found
    assert under(found, "fastapi", "starlette", "uvicorn", "jinja2", "handover.api", "handover.feed") == []


def test_to_say_which_release_this_is_takes_neither_half() -> None:
    found = loaded(LISTED, "version")
    assert under(found, "sqlalchemy", "fastapi", "httpx", "handover.services", "handover.client") == []
