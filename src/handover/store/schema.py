"""Bringing a store's schema up to date, and telling whether it is: one Alembic tree for both engines."""

from importlib.resources import files
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from handover.store.tables import store_meta

SERVES_FROM = "serves_from"


def _tree() -> Path:
    """The migrations: inside the installed package, or beside `src` in a checkout."""
    packaged = Path(str(files("handover"))) / "migrations"
    return packaged if packaged.is_dir() else Path(__file__).resolve().parents[3] / "migrations"


def _config(conn: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_tree()).replace("%", "%%"))
    config.attributes["connection"] = conn
    return config


def newest() -> str:
    """The revision this release needs."""
    head = ScriptDirectory(str(_tree())).get_current_head()
    if head is None:
        raise RuntimeError("the migration tree is empty")
    return head


def present(conn: Connection) -> str | None:
    """The revision the store has; None for an empty one."""
    return MigrationContext.configure(conn).get_current_revision()


def known(revision: str | None) -> bool:
    """Whether this release knows the revision; it does not know those of newer ones."""
    return revision is None or revision in {
        script.revision for script in ScriptDirectory(str(_tree())).walk_revisions()
    }


def serves(conn: Connection) -> bool:
    """Whether this release may serve a store whose revision it does not know: the release that wrote it has said from
    which revision on."""
    said = conn.execute(sa.select(store_meta.c.value).where(store_meta.c.name == SERVES_FROM)).scalar()
    return said is not None and known(said)


def migrate(conn: Connection) -> None:
    """Brings the store to the newest revision, in the caller's transaction, and says from which revision on releases
    may serve it: a migration that only adds names an older one than its own (`serves_from`)."""
    command.upgrade(_config(conn), "head")
    script = ScriptDirectory(str(_tree())).get_revision(newest())
    said = getattr(script.module, SERVES_FROM, newest())
    if not conn.execute(sa.update(store_meta).where(store_meta.c.name == SERVES_FROM).values(value=said)).rowcount:
        conn.execute(sa.insert(store_meta), {"name": SERVES_FROM, "value": said})
