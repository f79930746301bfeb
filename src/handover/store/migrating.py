"""Alembic's part of bringing a store up to date: one tree of migrations for both engines."""

from pathlib import Path
from types import ModuleType

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection


def upgrade(conn: Connection, tree: Path) -> ModuleType:
    """Runs what the store has not had yet, in the caller's transaction; answers the newest migration."""
    config = Config()
    config.set_main_option("script_location", str(tree).replace("%", "%%"))
    config.attributes["connection"] = conn
    command.upgrade(config, "head")
    scripts = ScriptDirectory(str(tree))
    return scripts.get_revision("head").module
