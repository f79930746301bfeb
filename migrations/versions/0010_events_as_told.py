"""Events are kept as they are told, with all that decides who hears them in one column."""

import orjson
import sqlalchemy as sa
from alembic import op

from handover.store.types import UtcTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

AT_ONCE = 2000
SAME = (
    sa.Column("establishment", sa.String(16), nullable=False, comment="The establishment whose log this is."),
    sa.Column(
        "sequence",
        sa.BigInteger(),
        autoincrement=False,
        nullable=False,
        comment="Its place in that log, without gaps, in commit order.",
    ),
    sa.Column("id", sa.String(36), nullable=False, comment="The event's UUIDv7."),
    sa.Column("type", sa.String(40), nullable=False, comment="What happened, e.g. note.recorded."),
    sa.Column("subject", sa.String(32), nullable=True, comment="The person's number, where it is about a person."),
    sa.Column("time", UtcTime(), nullable=False, comment="When it was recorded."),
    sa.Column(
        "kind",
        sa.String(16),
        nullable=False,
        comment="What it carries: note, need, receipt, inmate, handover or page; outcome: a need, for its author.",
    ),
    sa.Column("about", sa.String(36), nullable=False, comment="The id of that resource."),
    sa.Column(
        "note",
        sa.String(36),
        nullable=True,
        comment="The note behind it, so that a retraction finds every event that carries its text.",
    ),
)
NEW = (
    sa.Column(
        "sort",
        sa.String(320),
        nullable=False,
        comment="All that decides who hears it, parted by `|`: kind, type, its unit, a second unit that must hear "
        "of it, class (ROSTER for what all staff may know), status of the resource, and whose note it is about.",
    ),
    sa.Column(
        "told",
        sa.Text(),
        nullable=False,
        comment="The event as JSON, up to its sequence and a reader's cursor; its data is id and status alone once its "
        "note was retracted.",
    ),
)
DECIDE = ("kind", "type", "unit", "also_unit", "handling", "status", "author")


def upgrade() -> None:
    """Makes the table anew, and tells every event once."""
    conn = op.get_bind()
    op.drop_index(op.f("ix_events_note"), "events")
    op.rename_table("events", "events_before")
    if conn.dialect.name == "postgresql":
        op.execute("ALTER INDEX pk_events RENAME TO pk_events_before")
    made = op.create_table(
        "events", *SAME, *NEW, sa.PrimaryKeyConstraint("establishment", "sequence", name=op.f("pk_events"))
    )
    before = sa.table(
        "events_before",
        *(sa.column(one.name, one.type) for one in SAME),
        *(sa.column(name, sa.Text) for name in (*DECIDE[2:], "data")),
    )
    for place in conn.execute(sa.select(before.c.establishment).distinct()).scalars().all():
        last = 0
        while True:
            some = sa.select(before).where(before.c.establishment == place, before.c.sequence > last)
            rows = conn.execute(some.order_by(before.c.sequence).limit(AT_ONCE)).mappings().all()
            if not rows:
                break
            last = rows[-1]["sequence"]
            conn.execute(sa.insert(made), [_told(row) for row in rows])
    op.drop_table("events_before")
    op.create_index(op.f("ix_events_note"), "events", ["note"], unique=False)


def _told(row: sa.RowMapping) -> dict[str, object]:
    envelope = {
        "specversion": "1.0",
        "id": row["id"],
        "source": f"/v1/establishments/{row['establishment']}",
        "type": row["type"],
        "subject": row["subject"],
        "time": row["time"],
        "datacontenttype": "application/json",
        "unit": row["unit"],
    }
    before = orjson.dumps(envelope, option=orjson.OPT_UTC_Z).decode()[:-1]
    return {
        **{one.name: row[one.name] for one in SAME},
        "sort": "|".join(row[name] or "" for name in DECIDE),
        "told": f'{before},"data":{row["data"]}',
    }
