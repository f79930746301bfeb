"""Notes that were filled in long after what they tell are found by when it happened."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None
serves_from = "0008"  # an index and no more: the database keeps it whichever release writes


def upgrade() -> None:
    """Makes the index. Few notes are in it."""
    op.create_index(
        "ix_notes_late",
        "notes",
        ["establishment", "occurred_at", "recorded_at"],
        sqlite_where=sa.text("julianday(recorded_at) - julianday(occurred_at) > 8 / 24.0"),
        postgresql_where=sa.text("recorded_at - occurred_at > interval '8 hours'"),
    )
