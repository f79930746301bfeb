"""A need that went along with its person says which unit still answers for it."""

import orjson
import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None
serves_from = "0010"  # a column that may be empty: an older release leaves it so

WAITING = ("OFFERED", "OVERDUE", "ESCALATED")


def upgrade() -> None:
    """Adds the column, and fills it for those who are on their way."""
    with op.batch_alter_table("needs") as needs:
        needs.add_column(
            sa.Column(
                "from_unit",
                sa.String(16),
                nullable=True,
                comment="The unit of this establishment that answers for it until the one it came to has accepted its "
                "person.",
            )
        )
    conn = op.get_bind()
    h = sa.table("handovers", *map(sa.column, ("kind", "state", "establishment", "from_establishment", "document")))
    n = sa.table("needs", *map(sa.column, ("id", "establishment", "unit", "status", "from_unit")))
    moving = sa.select(h.c.document).where(
        h.c.kind == "TRANSFER", h.c.state.in_(WAITING), h.c.establishment == h.c.from_establishment
    )
    for document in list(conn.execute(moving).scalars()):
        told = orjson.loads(document)
        to, left = told["transfer"]["to"], told["transfer"]["from"]
        conn.execute(
            sa.update(n)
            .where(
                n.c.id.in_([item["need"] for item in told["items"] if item["need"]]),
                n.c.status == "OPEN",
                n.c.establishment == to["establishment"],
                n.c.unit == to["unit"],
            )
            .values(from_unit=left["unit"])
        )
