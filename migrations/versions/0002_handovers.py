"""Handovers, pages and timers; and what notes are found by for a unit's sheet."""

import orjson
import sqlalchemy as sa
from alembic import op

from handover.store.types import UtcTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

AT_ONCE = 500


def upgrade() -> None:
    """Makes the tables and columns, then fills the columns for the notes that are there."""
    op.create_table(
        "pages",
        sa.Column("id", sa.String(36), nullable=False, comment="The page's UUIDv7."),
        sa.Column("establishment", sa.String(16), nullable=False, comment="Where somebody must act."),
        sa.Column("unit", sa.String(16), nullable=False, comment="The unit where somebody must act."),
        sa.Column("inmate", sa.String(32), nullable=True, comment="Whom it is about, if one person."),
        sa.Column("author", sa.String(120), nullable=False, comment="Who wrote the note or offered the handover."),
        sa.Column(
            "handling", sa.String(40), nullable=False, comment="Who may see it: as its note; UNIT for a handover."
        ),
        sa.Column("kind", sa.String(16), nullable=False, comment="ACT_NOW, HANDOVER or TRANSFER."),
        sa.Column("about", sa.String(36), nullable=False, comment="The note or the handover."),
        sa.Column("note", sa.String(36), nullable=True, comment="The note, where it is about one."),
        sa.Column("state", sa.String(16), nullable=False, comment="RAISED, ACCEPTED or CLOSED."),
        sa.Column("raised_at", UtcTime(), nullable=False, comment="When it was raised."),
        sa.Column("version", sa.Integer(), nullable=False, comment="Goes up with every change."),
        sa.Column("document", sa.Text(), nullable=False, comment="The page as answered, JSON."),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pages")),
    )
    op.create_index(op.f("ix_pages_about"), "pages", ["about"], unique=False)
    op.create_index(
        op.f("ix_pages_establishment_state_raised_at_id"),
        "pages",
        ["establishment", "state", "raised_at", "id"],
        unique=False,
    )
    op.create_table(
        "timers",
        sa.Column("due_at", UtcTime(), nullable=False, comment="When."),
        sa.Column(
            "kind", sa.String(16), nullable=False, comment="What: ATTENTION, PROMISE, OVERDUE, ESCALATE or PAGE."
        ),
        sa.Column("about", sa.String(36), nullable=False, comment="The note, need, handover or page."),
        sa.PrimaryKeyConstraint("due_at", "kind", "about", name=op.f("pk_timers")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "handovers",
        sa.Column("id", sa.String(36), nullable=False, comment="The handover's UUIDv7."),
        sa.Column(
            "kind",
            sa.String(16),
            nullable=False,
            comment="SHIFT: a unit to its next shift; TRANSFER: a person to another unit.",
        ),
        sa.Column("establishment", sa.String(16), nullable=False, comment="The establishment that takes over."),
        sa.Column(
            "unit", sa.String(16), nullable=False, comment="The unit that is taken over, or that a person comes to."
        ),
        sa.Column(
            "from_establishment",
            sa.String(16),
            nullable=False,
            comment="The establishment that hands over; the same for a shift.",
        ),
        sa.Column(
            "from_unit", sa.String(16), nullable=False, comment="The unit that hands over; the same for a shift."
        ),
        sa.Column("inmate", sa.String(32), nullable=True, comment="Who moves; empty for a shift."),
        sa.Column("author", sa.String(120), nullable=False, comment="The account that offered it."),
        sa.Column(
            "state",
            sa.String(40),
            nullable=False,
            comment="OFFERED, OVERDUE, ESCALATED, ACCEPTED, ACCEPTED_WITH_QUERIES or WITHDRAWN.",
        ),
        sa.Column("first", sa.Integer(), nullable=False, comment="The first stretch of notes that belongs to it."),
        sa.Column("last", sa.Integer(), nullable=False, comment="The last stretch of notes that belongs to it."),
        sa.Column("offered_at", UtcTime(), nullable=False, comment="When it was offered."),
        sa.Column("accepted_at", UtcTime(), nullable=True, comment="When it was accepted."),
        sa.Column("taker", sa.String(120), nullable=True, comment="The account that accepted it."),
        sa.Column(
            "incoming", sa.Text(), nullable=True, comment="Who accepted it: a JSON object {username, name, role}."
        ),
        sa.Column(
            "taken",
            sa.Integer(),
            nullable=True,
            comment="The stretch that its acceptance closed; what comes after is late.",
        ),
        sa.Column("version", sa.Integer(), nullable=False, comment="Goes up with every change; its ETag."),
        sa.Column(
            "document",
            sa.Text(),
            nullable=False,
            comment="The handover, JSON: as answered, each item and query with what its reader must be entitled to.",
        ),
        sa.ForeignKeyConstraint(["establishment"], ["establishments.code"], name=op.f("fk_handovers_establishment")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handovers")),
    )
    op.create_index(
        op.f("ix_handovers_establishment_unit_offered_at_id"),
        "handovers",
        ["establishment", "unit", "offered_at", "id"],
        unique=False,
    )
    op.create_index(op.f("ix_handovers_inmate"), "handovers", ["inmate"], unique=False)
    op.create_index(
        op.f("ix_handovers_establishment_unit_kind_state_last"),
        "handovers",
        ["establishment", "unit", "kind", "state", "last"],
        unique=False,
    )
    op.create_index(
        op.f("ix_handovers_from_establishment_from_unit_kind_state"),
        "handovers",
        ["from_establishment", "from_unit", "kind", "state"],
        unique=False,
    )
    op.create_index(op.f("ix_moves_recorded_at"), "moves", ["recorded_at"], unique=False)
    op.create_table(
        "handover_items",
        sa.Column("handover", sa.String(36), nullable=False, comment="The handover."),
        sa.Column("place", sa.Integer(), nullable=False, comment="Its place in the list, counted from 0."),
        sa.Column(
            "kind",
            sa.String(16),
            nullable=False,
            comment="A note, a need, or attention: a note of an earlier handover.",
        ),
        sa.Column("thing", sa.String(36), nullable=False, comment="The note or need."),
        sa.Column("note", sa.String(36), nullable=False, comment="The note behind it, so that a retraction finds it."),
        sa.ForeignKeyConstraint(["handover"], ["handovers.id"], name=op.f("fk_handover_items_handover")),
        sa.PrimaryKeyConstraint("handover", "place", name=op.f("pk_handover_items")),
    )
    op.create_index(op.f("ix_handover_items_note"), "handover_items", ["note"], unique=False)
    op.create_index(op.f("ix_handover_items_thing"), "handover_items", ["thing"], unique=False)
    op.add_column(
        "establishments",
        sa.Column(
            "times",
            sa.Text(),
            nullable=True,
            comment="How long it waits before something is overdue: a JSON object of minutes; empty: the usual times.",
        ),
    )
    op.add_column(
        "notes",
        sa.Column(
            "stretch",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="Its unit's stretch when it was recorded: decides, in commit order, which handover it belongs to.",
        ),
    )
    op.add_column(
        "notes",
        sa.Column(
            "watch_until",
            UtcTime(),
            nullable=True,
            comment="When its attention ends; empty where it asks for none, or was corrected or retracted.",
        ),
    )
    op.add_column(
        "notes",
        sa.Column(
            "told_at",
            UtcTime(),
            nullable=True,
            comment="When it was recorded, where it tells what staff did or that the person opened up.",
        ),
    )
    op.create_index(
        op.f("ix_notes_establishment_unit_stretch"), "notes", ["establishment", "unit", "stretch"], unique=False
    )
    op.create_index(
        op.f("ix_notes_inmate_told_at"),
        "notes",
        ["inmate", "told_at"],
        unique=False,
        sqlite_where=sa.text("told_at IS NOT NULL"),
        postgresql_where=sa.text("told_at IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_notes_inmate_watch_until"),
        "notes",
        ["inmate", "watch_until"],
        unique=False,
        sqlite_where=sa.text("watch_until IS NOT NULL"),
        postgresql_where=sa.text("watch_until IS NOT NULL"),
    )
    op.add_column(
        "units",
        sa.Column(
            "stretch",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="The stretch of notes being written; goes up at the offer of its handover and at its acceptance.",
        ),
    )
    # ### end Alembic commands ###
    op.add_column("merges", sa.Column("undone_at", UtcTime(), nullable=True, comment="When it was undone."))
    # Every note and every reading writes a line: what the index by time alone finds as well is not worth another.
    op.drop_index(op.f("ix_access_lines_establishment_at"), "access_lines")
    if op.get_bind().dialect.supports_comments:
        op.alter_column(
            "events",
            "kind",
            existing_type=sa.String(16),
            existing_nullable=False,
            comment="What `data` is: note, need, receipt, inmate, handover or page.",
        )
    _fill(op.get_bind())


def _fill(conn: sa.Connection) -> None:
    """What the service writes with every note from now on, for those written before."""
    notes = sa.table(
        "notes",
        sa.column("id", sa.String),
        sa.column("status", sa.String),
        sa.column("attention", sa.String),
        sa.column("recorded_at", UtcTime()),
        sa.column("document", sa.Text),
        sa.column("watch_until", UtcTime()),
        sa.column("told_at", UtcTime()),
    )
    timers = sa.table(
        "timers", sa.column("due_at", UtcTime()), sa.column("kind", sa.String), sa.column("about", sa.String)
    )
    change = (
        sa.update(notes)
        .where(notes.c.id == sa.bindparam("note"))
        .values(watch_until=sa.bindparam("until"), told_at=sa.bindparam("told"))
    )
    after = ""
    while True:
        query = sa.select(notes).where(notes.c.id > after, notes.c.status == "ACTIVE").order_by(notes.c.id)
        found = conn.execute(query.limit(AT_ONCE)).mappings().all()
        if not found:
            return
        after = found[-1]["id"]
        changes, watches = [], []
        for row in found:
            said = orjson.loads(row["document"])
            until = UtcTime().process_result_value(said["attention_until"], conn.dialect)
            watched = until if row["attention"] != "ROUTINE" else None
            told = row["recorded_at"] if said["opening"] or said["responses"] else None
            if watched or told:
                changes.append({"note": row["id"], "until": watched, "told": told})
            if watched:
                watches.append({"due_at": watched, "kind": "ATTENTION", "about": row["id"]})
        if changes:
            conn.execute(change, changes)
        if watches:
            conn.execute(sa.insert(timers), watches)
