"""Events that tell an author what came of a need in another prison."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Explains the new kind where the database keeps explanations."""
    if op.get_bind().dialect.supports_comments:
        op.alter_column(
            "events",
            "kind",
            existing_type=sa.String(16),
            existing_nullable=False,
            comment="What `data` is: note, need, receipt, inmate, handover or page; outcome: a need, for its author.",
        )
