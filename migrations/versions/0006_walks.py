"""Indexes along which lists are read in their order, whatever lies behind what is read: one of them for another."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SAID = {
    "establishment": "The establishment the note belongs to.",
    "list": "`indicators` or `needs`.",
    "code": "The code.",
    "note": "The note.",
    "unit": "The unit the note belongs to: whoever reads a unit's need not look at the other notes.",
}


def upgrade() -> None:
    """Lays the codes of notes anew, in the order in which filters read them, and changes the indexes."""
    _codes()
    op.drop_index("ix_notes_author_recorded_at_id", "notes")
    _index("notes", "author", "establishment", "recorded_at", "id")
    _index("notes", "establishment", "recorded_at", "id", where="attention = 'ACT_NOW'", name="ix_notes_urgent")
    _index("needs", "author", "establishment", "status", "sort_due", "id")
    _index("handovers", "establishment", "state", "offered_at", "id")
    _index("handovers", "author", "establishment", "offered_at", "id")
    _index("handovers", "from_establishment", "offered_at", "id", where="inmate IS NOT NULL")
    _index("pages", "author", "establishment", "state", "raised_at", "id")


def _index(table: str, *columns: str, where: str | None = None, name: str | None = None) -> None:
    told = sa.text(where) if where else None
    op.create_index(
        name or op.f(f"ix_{table}_{'_'.join(columns)}"),
        table,
        list(columns),
        sqlite_where=told,
        postgresql_where=told,
    )


def _codes() -> None:
    op.create_table(
        "codes_of_notes",
        sa.Column("establishment", sa.String(16), nullable=False, comment=SAID["establishment"]),
        sa.Column("list", sa.String(40), nullable=False, comment=SAID["list"]),
        sa.Column("code", sa.String(40), nullable=False, comment=SAID["code"]),
        sa.Column("note", sa.String(36), nullable=False, comment=SAID["note"]),
        sa.Column("unit", sa.String(16), nullable=False, comment=SAID["unit"]),
        sa.ForeignKeyConstraint(["note"], ["notes.id"], name=op.f("fk_note_codes_note")),
        sa.PrimaryKeyConstraint("establishment", "list", "code", "note", name=op.f("pk_codes_of_notes")),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO codes_of_notes "
        "SELECT notes.establishment, note_codes.list, note_codes.code, note_codes.note, notes.unit "
        "FROM note_codes JOIN notes ON notes.id = note_codes.note"
    )
    op.drop_table("note_codes")
    op.rename_table("codes_of_notes", "note_codes")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER INDEX pk_codes_of_notes RENAME TO pk_note_codes")
