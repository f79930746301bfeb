"""A receipt that counts once is there once, also where two processes are asked at the same moment."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None
# But for receipts that are there twice it only adds: the release before tries a second one again, and finds the first.
serves_from = "0010"

ONCE = "kind IN ('SEEN', 'ACCEPTED')"
SENTENCES = {
    ("inmates", "search"): "All numbers, name and cell in lower case, for finding by a few letters.",
    ("handovers", "version"): "Goes up with every change.",
    ("login_attempts", "key"): "`account:` or `client:` and the SHA-256 of the name, or `address:` and the address.",
    ("login_attempts", "failures"): "Failures that still count; they fade one by one.",
    ("login_attempts", "last_at"): "From when on they fade.",
}


def upgrade() -> None:
    """Keeps the first where there are two, makes the index, and puts right what is said of some columns."""
    conn = op.get_bind()
    receipts = sa.table("receipts", *map(sa.column, ("id", "note", "author", "kind")))
    first = receipts.alias("first")
    earlier = sa.exists().where(
        first.c.note == receipts.c.note,
        first.c.author == receipts.c.author,
        first.c.kind == receipts.c.kind,
        first.c.id < receipts.c.id,
    )
    conn.execute(sa.delete(receipts).where(sa.text(f"receipts.{ONCE}"), earlier))
    once = sa.text(ONCE)
    op.create_index(
        "ix_receipts_once",
        "receipts",
        ["note", "author", "kind"],
        unique=True,
        sqlite_where=once,
        postgresql_where=once,
    )
    if conn.dialect.name == "postgresql":
        for (table, column), sentence in SENTENCES.items():
            op.execute(f"COMMENT ON COLUMN {table}.{column} IS '{sentence}'")
