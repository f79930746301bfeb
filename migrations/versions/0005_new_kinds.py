"""Events that tell an author what came of a need in another prison; pages for a unit that nobody hands over."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

KINDS = {
    "events": "What `data` is: note, need, receipt, inmate, handover or page; outcome: a need, for its author.",
    "pages": "ACT_NOW, HANDOVER, TRANSFER or UNOFFERED.",
    "timers": "What: ATTENTION, PROMISE, OVERDUE, ESCALATE, UNOFFERED or PAGE.",
}


def upgrade() -> None:
    """Explains the new kinds where the database keeps explanations."""
    if not op.get_bind().dialect.supports_comments:
        return
    for table, said in KINDS.items():
        op.alter_column(table, "kind", existing_type=sa.String(16), existing_nullable=False, comment=said)
