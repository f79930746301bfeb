"""Events that tell an author what came of a need in another prison; pages for a unit that nobody hands over; a secret
to make keys of."""

from secrets import token_hex

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
FACTS = "The fact's name, e.g. `id` (random, part of every cursor), `kind` (`real` or `practice`), `secret`."


def upgrade() -> None:
    """Gives a store that is there its secret, and explains what is new where the database keeps explanations."""
    conn = op.get_bind()
    meta = sa.table("store_meta", sa.column("name", sa.String), sa.column("value", sa.Text))
    if conn.execute(sa.select(meta.c.name).where(meta.c.name == "id")).first() is not None:
        conn.execute(sa.insert(meta), {"name": "secret", "value": token_hex(32)})
    if not conn.dialect.supports_comments:
        return
    op.alter_column("store_meta", "name", existing_type=sa.String(40), existing_nullable=False, comment=FACTS)
    for table, said in KINDS.items():
        op.alter_column(table, "kind", existing_type=sa.String(16), existing_nullable=False, comment=said)
