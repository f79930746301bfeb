"""Which schema a store has, and which this release needs; bringing it up to date is `migrating.py`.

Told without Alembic, from the migrations' file names: it takes as long to load as the rest of the store, and almost no
start has anything to migrate.
"""

from importlib.resources import files
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover.store.tables import store_meta

SERVES_FROM = "serves_from"


def _tree() -> Path:
    """The migrations: inside the installed package, or beside `src` in a checkout."""
    packaged = Path(str(files("handover"))) / "migrations"
    return packaged if packaged.is_dir() else Path(__file__).resolve().parents[3] / "migrations"


def _revisions() -> list[str]:
    """All revisions there are, oldest first: migrations are named `0007_words.py` after theirs."""
    found = sorted(one.name.partition("_")[0] for one in (_tree() / "versions").glob("[0-9]*_*.py"))
    if not found:
        raise RuntimeError("the migration tree is empty")
    return found


def newest() -> str:
    """The revision this release needs."""
    return _revisions()[-1]


def present(conn: Connection) -> str | None:
    """The revision the store has; None for an empty one."""
    if not sa.inspect(conn).has_table("alembic_version"):
        return None
    found: str | None = conn.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return found


def known(revision: str | None) -> bool:
    """Whether this release knows the revision; it does not know those of newer ones."""
    return revision is None or revision in _revisions()


def serves(conn: Connection) -> bool:
    """Whether this release may serve a store whose revision it does not know: the release that wrote it has said from
    which revision on."""
    said = conn.execute(sa.select(store_meta.c.value).where(store_meta.c.name == SERVES_FROM)).scalar()
    return said is not None and known(said)


def migrate(conn: Connection) -> None:
    """Brings the store to the newest revision, in the caller's transaction, and says from which revision on releases
    may serve it: a migration that only adds names an older one than its own (`serves_from`)."""
    if present(conn) == newest():
        return
    from handover.store.migrating import upgrade  # noqa: PLC0415 - see above

    said = getattr(upgrade(conn, _tree()), SERVES_FROM, newest())
    if not conn.execute(sa.update(store_meta).where(store_meta.c.name == SERVES_FROM).values(value=said)).rowcount:
        conn.execute(sa.insert(store_meta), {"name": SERVES_FROM, "value": said})
