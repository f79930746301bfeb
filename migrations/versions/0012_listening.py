"""Where somebody listens: what each process knows of the screens it tells."""

import sqlalchemy as sa
from alembic import op

from handover.store.types import UtcTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None
serves_from = "0010"  # two tables of their own: an older release does without


def upgrade() -> None:
    """Makes the tables, empty: who listens says so within a heartbeat."""
    op.create_table(
        "processes",
        sa.Column("name", sa.String(length=16), nullable=False, comment="What the process is called."),
        sa.Column("seen_at", UtcTime(), nullable=False, comment="When it last said that it was there."),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_processes")),
    )
    op.create_table(
        "listening",
        sa.Column("establishment", sa.String(length=16), nullable=False, comment="The establishment of the unit."),
        sa.Column("unit", sa.String(length=16), nullable=False, comment="The unit."),
        sa.Column("process", sa.String(length=16), nullable=False, comment="The process that tells its screens."),
        sa.Column(
            "hears",
            sa.String(length=16),
            nullable=False,
            comment="ALL: a feed is open; CALLS: a locked screen asks for calls alone; NOTHING.",
        ),
        sa.Column("since", UtcTime(), nullable=False, comment="Since when it is so, to within a minute."),
        sa.PrimaryKeyConstraint("establishment", "unit", "process", name=op.f("pk_listening")),
    )
