"""Establishments say when screens lock and whether a PIN opens them; PINs, and the terminals at which they do."""

import sqlalchemy as sa
from alembic import op

from handover.store.types import UtcTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes two columns, empty for what there is, and the table of terminals."""
    op.add_column(
        "establishments",
        sa.Column(
            "screens",
            sa.Text(),
            nullable=True,
            comment="When its screens lock and whether a PIN opens them: a JSON object; empty: the usual.",
        ),
    )
    op.add_column(
        "accounts",
        sa.Column("pin", sa.Text(), nullable=True, comment="The PIN's Argon2id hash; empty where none was chosen."),
    )
    op.create_table(
        "seats",
        sa.Column(
            "hash", sa.String(length=64), nullable=False, comment="SHA-256 of the token that the terminal keeps."
        ),
        sa.Column("account", sa.String(length=36), nullable=False, comment="Whose it is."),
        sa.Column("until", UtcTime(), nullable=False, comment="When the password has to be given again."),
        sa.Column(
            "failures",
            sa.Integer(),
            nullable=False,
            comment="Wrong PINs so far; a right one takes back only what it counted itself.",
        ),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_seats_account")),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_seats")),
    )
    op.create_index(op.f("ix_seats_account"), "seats", ["account"], unique=False)
    op.create_index(op.f("ix_seats_until"), "seats", ["until"], unique=False)
