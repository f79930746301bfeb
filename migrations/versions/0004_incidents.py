"""Notes that are about an incident, and how they are found."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the column, empty for the notes there are, and the index of those that fill it."""
    op.add_column(
        "notes",
        sa.Column(
            "incident",
            sa.String(36),
            nullable=True,
            comment="The note with which the incident began that it is about; empty where it is about none, or was "
            "retracted.",
        ),
    )
    filled = sa.text("incident IS NOT NULL")
    op.create_index(
        op.f("ix_notes_incident_recorded_at_id"),
        "notes",
        ["incident", "recorded_at", "id"],
        unique=False,
        sqlite_where=filled,
        postgresql_where=filled,
    )
