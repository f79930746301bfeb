"""How far each log has been pruned; logins are found by when they end."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the table, empty because nothing was pruned so far, and the index."""
    op.create_table(
        "event_floors",
        sa.Column(
            "establishment", sa.String(length=16), nullable=False, comment="The establishment whose log this is."
        ),
        sa.Column(
            "sequence",
            sa.BigInteger(),
            nullable=False,
            comment="The newest event that was pruned: nobody reads on from before it.",
        ),
        sa.PrimaryKeyConstraint("establishment", name=op.f("pk_event_floors")),
    )
    op.create_index(op.f("ix_grants_expires_at"), "grants", ["expires_at"], unique=False)
