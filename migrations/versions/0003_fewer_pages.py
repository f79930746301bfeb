"""What a note is found by, in fewer pages of the store: every page that a commit touches is written to the disk."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BY_KEY = ("note_codes", "need_steps", "access_lines")


def upgrade() -> None:
    """Changes the indexes, and has the embedded store keep some tables in the order of their keys."""
    op.drop_index("ix_notes_inmate_told_at", "notes")
    op.drop_index("ix_notes_inmate_watch_until", "notes")
    op.drop_index("ix_notes_inmate_recorded_at_id", "notes")
    op.create_index(op.f("ix_notes_inmate_recorded_at_id_told_at"), "notes", ["inmate", "recorded_at", "id", "told_at"])
    filled = sa.text("watch_until IS NOT NULL")
    op.create_index(
        op.f("ix_notes_establishment_watch_until"),
        "notes",
        ["establishment", "watch_until"],
        sqlite_where=filled,
        postgresql_where=filled,
    )
    conn = op.get_bind()
    if conn.dialect.name == "sqlite":
        for table in BY_KEY:
            _order_by_key(conn, table)


def _order_by_key(conn: sa.Connection, table: str) -> None:
    """Lays a table anew, with its indexes and triggers as they were."""
    kept = "SELECT type, sql FROM sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL"
    told = [(kind, sql) for kind, sql in conn.exec_driver_sql(kept, (table,))]
    [made] = [sql for kind, sql in told if kind == "table"]
    columns = made[made.index("(") :]
    conn.exec_driver_sql(f"CREATE TABLE laid_anew {columns} WITHOUT ROWID")
    conn.exec_driver_sql(f"INSERT INTO laid_anew SELECT * FROM {table}")  # noqa: S608 - one of BY_KEY
    conn.exec_driver_sql(f"DROP TABLE {table}")
    conn.exec_driver_sql(f"ALTER TABLE laid_anew RENAME TO {table}")
    for kind, sql in told:
        if kind != "table":
            conn.exec_driver_sql(sql)
