"""The first schema: roster, notes, needs, events, access log, accounts."""

import sqlalchemy as sa
from alembic import op

from handover.store.engine import append_only
from handover.store.types import UtcTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes every table. Only the access log is closed to change by the database itself."""
    op.create_table(
        "access_chains",
        sa.Column("chain", sa.String(36), nullable=False, comment="The chain's UUIDv7."),
        sa.Column("position", sa.BigInteger(), nullable=False, comment="How many lines it has."),
        sa.Column("hash", sa.String(64), nullable=False, comment="The hash of its newest line."),
        sa.PrimaryKeyConstraint("chain", name=op.f("pk_access_chains")),
    )
    op.create_table(
        "access_lines",
        sa.Column("chain", sa.String(36), nullable=False, comment="The chain it is part of."),
        sa.Column(
            "position",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="Its place in the chain, from 1, without gaps.",
        ),
        sa.Column("at", UtcTime(), nullable=False, comment="When, by the server's clock."),
        sa.Column(
            "actor",
            sa.String(120),
            nullable=True,
            comment="Who: the account's user name or the client's id; empty where nobody is known.",
        ),
        sa.Column(
            "actor_role",
            sa.String(40),
            nullable=True,
            comment="In which role; `integration` for a client, `operator` for a command on the server.",
        ),
        sa.Column("action", sa.String(60), nullable=False, comment="What, e.g. notes.list."),
        sa.Column("outcome", sa.String(16), nullable=False, comment="OK, DENIED or FAILED."),
        sa.Column("establishment", sa.String(16), nullable=True, comment="Where, if in one establishment."),
        sa.Column("unit", sa.String(16), nullable=True, comment="Which unit, if one."),
        sa.Column(
            "subject",
            sa.String(120),
            nullable=True,
            comment="The id or number of the thing or person it was about, if one.",
        ),
        sa.Column(
            "detail",
            sa.Text(),
            nullable=False,
            comment="Filter, count, people listed, sequences: a JSON object without note text.",
        ),
        sa.Column("address", sa.String(64), nullable=True, comment="From which network address."),
        sa.Column(
            "request",
            sa.String(64),
            nullable=True,
            comment="The request's correlation id, as in the service's own log.",
        ),
        sa.Column(
            "places",
            sa.Text(),
            nullable=True,
            comment="Where it may concern several establishments: their codes, a space before and after each.",
        ),
        sa.Column(
            "hash", sa.String(64), nullable=False, comment="SHA-256 over the previous line's hash and this line."
        ),
        sa.PrimaryKeyConstraint("chain", "position", name=op.f("pk_access_lines")),
    )
    op.create_index(op.f("ix_access_lines_at"), "access_lines", ["at"], unique=False)
    op.create_index(op.f("ix_access_lines_establishment_at"), "access_lines", ["establishment", "at"], unique=False)
    op.create_table(
        "accounts",
        sa.Column("id", sa.String(36), nullable=False, comment="The account's UUIDv7."),
        sa.Column("username", sa.String(120), nullable=False, comment="The name to log in with, in lower case."),
        sa.Column("name", sa.Text(), nullable=False, comment="The name colleagues know."),
        sa.Column("role", sa.String(40), nullable=False, comment="What the person may do."),
        sa.Column("password", sa.Text(), nullable=False, comment="The password's Argon2id hash (RFC 9106)."),
        sa.Column("active", sa.Boolean(), nullable=False, comment="False once the account is disabled."),
        sa.Column("created_at", UtcTime(), nullable=False, comment="When it was made."),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("username", name=op.f("uq_accounts_username")),
    )
    op.create_table(
        "clients",
        sa.Column("id", sa.String(120), nullable=False, comment="The client id it authenticates with."),
        sa.Column("name", sa.Text(), nullable=False, comment="What it is."),
        sa.Column("secret", sa.Text(), nullable=False, comment="Its secret's Argon2id hash."),
        sa.Column("scopes", sa.Text(), nullable=False, comment="Its scopes, separated by spaces."),
        sa.Column(
            "establishments",
            sa.Text(),
            nullable=False,
            comment="The establishments it is bound to, separated by spaces.",
        ),
        sa.Column(
            "handling", sa.Text(), nullable=False, comment="The handling classes it is bound to, separated by spaces."
        ),
        sa.Column("active", sa.Boolean(), nullable=False, comment="False once it is revoked."),
        sa.Column("created_at", UtcTime(), nullable=False, comment="When it was made."),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clients")),
    )
    op.create_table(
        "code_lists",
        sa.Column("name", sa.String(40), nullable=False, comment="The list's name, e.g. `indicators`."),
        sa.Column("title", sa.Text(), nullable=False, comment="What the list is for, in words an officer would use."),
        sa.Column(
            "version", sa.Integer(), nullable=False, comment="Goes up whenever an entry is added, changed or retired."
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_code_lists")),
    )
    op.create_table(
        "codes",
        sa.Column("list", sa.String(40), nullable=False, comment="The list this code belongs to."),
        sa.Column("code", sa.String(40), nullable=False, comment="The language-neutral code, upper snake case."),
        sa.Column("place", sa.Integer(), nullable=False, comment="Its place in the list, counted from 0."),
        sa.Column("label", sa.Text(), nullable=False, comment="The short name officers see."),
        sa.Column("anchor", sa.Text(), nullable=False, comment="The behaviour that tells when to use it."),
        sa.Column("group", sa.Text(), nullable=True, comment="The heading it stands under in a long list."),
        sa.Column(
            "words", sa.Text(), nullable=False, comment="What an officer might type for it, as a JSON array of strings."
        ),
        sa.Column(
            "forces", sa.String(40), nullable=True, comment="The attention it forces, whatever the author chose."
        ),
        sa.Column(
            "version", sa.Integer(), nullable=False, comment="The list's version in which this entry last changed."
        ),
        sa.Column(
            "active",
            sa.Boolean(),
            nullable=False,
            comment="False once it is retired: readable in old notes, refused in new ones.",
        ),
        sa.PrimaryKeyConstraint("list", "code", name=op.f("pk_codes")),
    )
    op.create_table(
        "establishments",
        sa.Column("code", sa.String(16), nullable=False, comment="The establishment's code."),
        sa.Column("name", sa.Text(), nullable=False, comment="Its name."),
        sa.Column("timezone", sa.String(64), nullable=False, comment="The IANA time zone its shifts live by."),
        sa.Column(
            "shifts",
            sa.Text(),
            nullable=False,
            comment="The daily pattern: a JSON array of {code, starts} in local time.",
        ),
        sa.Column("version", sa.Integer(), nullable=False, comment="Goes up with every change; its ETag."),
        sa.Column("updated_at", UtcTime(), nullable=False, comment="When it was last changed."),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_establishments")),
    )
    op.create_table(
        "events",
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
        sa.Column("unit", sa.String(16), nullable=True, comment="The unit it happened in."),
        sa.Column(
            "also_unit",
            sa.String(16),
            nullable=True,
            comment="A second unit that must hear of it: the one a person left.",
        ),
        sa.Column("time", UtcTime(), nullable=False, comment="When it was recorded."),
        sa.Column(
            "handling", sa.String(40), nullable=False, comment="Who may hear of it; ROSTER for what all staff may know."
        ),
        sa.Column(
            "author",
            sa.String(120),
            nullable=True,
            comment="Whose note it is about, as the author always may hear of it.",
        ),
        sa.Column("kind", sa.String(16), nullable=False, comment="What `data` is: note, need, receipt or inmate."),
        sa.Column("about", sa.String(36), nullable=False, comment="The id of that resource."),
        sa.Column(
            "status",
            sa.String(40),
            nullable=False,
            comment="That resource's status after the change; all that is left of it for those who may not see more.",
        ),
        sa.Column(
            "note",
            sa.String(36),
            nullable=True,
            comment="The note behind it, so that a retraction finds every event that carries its text.",
        ),
        sa.Column(
            "data",
            sa.Text(),
            nullable=False,
            comment="The resource, JSON; `id` and `status` alone once its note was retracted.",
        ),
        sa.PrimaryKeyConstraint("establishment", "sequence", name=op.f("pk_events")),
    )
    op.create_index(op.f("ix_events_note"), "events", ["note"], unique=False)
    op.create_table(
        "grants",
        sa.Column("id", sa.String(36), nullable=False, comment="The login's UUIDv7."),
        sa.Column("account", sa.String(36), nullable=True, comment="The account that logged in."),
        sa.Column("client", sa.String(120), nullable=True, comment="The client that authenticated."),
        sa.Column("scope", sa.Text(), nullable=False, comment="The scopes granted, separated by spaces."),
        sa.Column("created_at", UtcTime(), nullable=False, comment="When the password or secret was given."),
        sa.Column("seen_at", UtcTime(), nullable=False, comment="When a token was last issued from it."),
        sa.Column("expires_at", UtcTime(), nullable=False, comment="When the password has to be given again."),
        sa.Column("revoked_at", UtcTime(), nullable=True, comment="When it ended early."),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grants")),
    )
    op.create_index(op.f("ix_grants_account_seen_at"), "grants", ["account", "seen_at"], unique=False)
    op.create_table(
        "idempotency",
        sa.Column("caller", sa.String(120), nullable=False, comment="The account or client."),
        sa.Column("key", sa.String(255), nullable=False, comment="The caller's Idempotency-Key."),
        sa.Column("fingerprint", sa.String(64), nullable=False, comment="SHA-256 over method, path and body."),
        sa.Column("status", sa.Integer(), nullable=False, comment="The answer's status."),
        sa.Column("headers", sa.Text(), nullable=False, comment="The answer's headers, as a JSON object."),
        sa.Column(
            "body",
            sa.Text(),
            nullable=False,
            comment="The answer's body; the envelope alone once its note was retracted.",
        ),
        sa.Column("note", sa.String(36), nullable=True, comment="The note in the body, so that a retraction finds it."),
        sa.Column("at", UtcTime(), nullable=False, comment="When it was answered."),
        sa.PrimaryKeyConstraint("caller", "key", name=op.f("pk_idempotency")),
    )
    op.create_index(op.f("ix_idempotency_at"), "idempotency", ["at"], unique=False)
    op.create_index(op.f("ix_idempotency_note"), "idempotency", ["note"], unique=False)
    op.create_table(
        "login_attempts",
        sa.Column("key", sa.String(160), nullable=False, comment="`account:NAME` or `address:ADDRESS`."),
        sa.Column("failures", sa.Integer(), nullable=False, comment="Failures in a row."),
        sa.Column("last_at", UtcTime(), nullable=False, comment="When the last one was."),
        sa.Column(
            "wait_until", UtcTime(), nullable=False, comment="Before this, the next attempt is not even looked at."
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_login_attempts")),
    )
    op.create_table(
        "merges",
        sa.Column("id", sa.String(36), nullable=False, comment="The merge's UUIDv7."),
        sa.Column("number", sa.String(32), nullable=False, comment="The surviving number."),
        sa.Column("previous", sa.String(32), nullable=False, comment="The number given up."),
        sa.Column(
            "moved",
            sa.Text(),
            nullable=False,
            comment="What moved, so that it can be undone: a JSON object of lists of ids.",
        ),
        sa.Column("at", UtcTime(), nullable=False, comment="When it was merged."),
        sa.Column("by", sa.Text(), nullable=False, comment="Who merged it: a JSON object {username, name, role}."),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merges")),
    )
    op.create_index(op.f("ix_merges_number"), "merges", ["number"], unique=False)
    op.create_index(op.f("ix_merges_previous"), "merges", ["previous"], unique=False)
    op.create_table(
        "moves",
        sa.Column("id", sa.String(36), nullable=False, comment="The move's UUIDv7."),
        sa.Column("inmate", sa.String(32), nullable=False, comment="The person who moved."),
        sa.Column("from_establishment", sa.String(16), nullable=False, comment="The establishment left."),
        sa.Column("from_unit", sa.String(16), nullable=False, comment="The unit left."),
        sa.Column("from_cell", sa.String(20), nullable=True, comment="The cell left."),
        sa.Column("to_establishment", sa.String(16), nullable=False, comment="The establishment reached."),
        sa.Column("to_unit", sa.String(16), nullable=False, comment="The unit reached."),
        sa.Column("to_cell", sa.String(20), nullable=True, comment="The cell reached."),
        sa.Column("reason", sa.Text(), nullable=False, comment="Why, in the mover's words."),
        sa.Column("at", UtcTime(), nullable=False, comment="When it took place, as claimed."),
        sa.Column("recorded_at", UtcTime(), nullable=False, comment="When it was recorded, by the server's clock."),
        sa.Column("by", sa.Text(), nullable=False, comment="Who recorded it: a JSON object {username, name, role}."),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_moves")),
    )
    op.create_index(op.f("ix_moves_inmate"), "moves", ["inmate"], unique=False)
    op.create_table(
        "sealed",
        sa.Column("id", sa.String(36), nullable=False, comment="The note, need or receipt that said it."),
        sa.Column("note", sa.String(36), nullable=False, comment="The retracted note it belongs to."),
        sa.Column("document", sa.Text(), nullable=False, comment="What was answered before the retraction, JSON."),
        sa.Column("sealed_at", UtcTime(), nullable=False, comment="When it was sealed."),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sealed")),
    )
    op.create_index(op.f("ix_sealed_note"), "sealed", ["note"], unique=False)
    op.create_table(
        "store_meta",
        sa.Column(
            "name",
            sa.String(40),
            nullable=False,
            comment="The fact's name: `id` (random, part of every cursor) or `kind` (`real` or `practice`).",
        ),
        sa.Column("value", sa.Text(), nullable=False, comment="The fact's value."),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_store_meta")),
    )
    op.create_table(
        "event_heads",
        sa.Column("establishment", sa.String(16), nullable=False, comment="The establishment."),
        sa.Column(
            "sequence", sa.BigInteger(), nullable=False, comment="The sequence of its newest event; 0 before the first."
        ),
        sa.ForeignKeyConstraint(["establishment"], ["establishments.code"], name=op.f("fk_event_heads_establishment")),
        sa.PrimaryKeyConstraint("establishment", name=op.f("pk_event_heads")),
    )
    op.create_table(
        "inmates",
        sa.Column("number", sa.String(32), nullable=False, comment="The person's number in the prison's own scheme."),
        sa.Column("name", sa.Text(), nullable=False, comment="The name staff use, family name first."),
        sa.Column("establishment", sa.String(16), nullable=False, comment="Where the person is now."),
        sa.Column("unit", sa.String(16), nullable=False, comment="The unit the person is in now."),
        sa.Column("cell", sa.String(20), nullable=True, comment="The cell, as painted on its door."),
        sa.Column("language", sa.String(35), nullable=True, comment="BCP 47 tag of the language best spoken."),
        sa.Column(
            "search",
            sa.Text(),
            nullable=False,
            comment="Number, name and cell in lower case, for finding by a few letters.",
        ),
        sa.Column("version", sa.Integer(), nullable=False, comment="Goes up with every change; its ETag."),
        sa.Column("updated_at", UtcTime(), nullable=False, comment="When it was last changed."),
        sa.Column(
            "merged_into", sa.String(32), nullable=True, comment="The surviving number, once this one was merged away."
        ),
        sa.ForeignKeyConstraint(["establishment"], ["establishments.code"], name=op.f("fk_inmates_establishment")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_inmates")),
    )
    op.create_index(
        op.f("ix_inmates_establishment_unit_number"), "inmates", ["establishment", "unit", "number"], unique=False
    )
    op.create_index(op.f("ix_inmates_merged_into"), "inmates", ["merged_into"], unique=False)
    op.create_table(
        "notes",
        sa.Column("id", sa.String(36), nullable=False, comment="The note's UUIDv7."),
        sa.Column("establishment", sa.String(16), nullable=False, comment="The establishment it belongs to."),
        sa.Column("unit", sa.String(16), nullable=False, comment="The unit it belongs to."),
        sa.Column("inmate", sa.String(32), nullable=True, comment="The person it is about; empty for a wing note."),
        sa.Column("author", sa.String(120), nullable=False, comment="The account or client that wrote it."),
        sa.Column(
            "author_name", sa.String(120), nullable=False, comment="That account's user name, for the author filter."
        ),
        sa.Column("handling", sa.String(40), nullable=False, comment="Who may read it."),
        sa.Column("status", sa.String(40), nullable=False, comment="ACTIVE, CORRECTED, RETRACTED or RESTRICTED."),
        sa.Column(
            "attention",
            sa.String(40),
            nullable=False,
            comment="ROUTINE, WATCH or ACT_NOW; ROUTINE again once retracted.",
        ),
        sa.Column("shift", sa.String(60), nullable=False, comment="The shift it happened in, e.g. 2026-11-22/NIGHT."),
        sa.Column("occurred_at", UtcTime(), nullable=False, comment="When it happened, as claimed."),
        sa.Column("recorded_at", UtcTime(), nullable=False, comment="When it was recorded, by the server's clock."),
        sa.Column(
            "search", sa.Text(), nullable=False, comment="Its words in lower case, for `q`; empty once retracted."
        ),
        sa.Column(
            "document",
            sa.Text(),
            nullable=False,
            comment="The note as answered, JSON; only the envelope once retracted.",
        ),
        sa.ForeignKeyConstraint(["establishment"], ["establishments.code"], name=op.f("fk_notes_establishment")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notes")),
    )
    op.create_index(op.f("ix_notes_author_recorded_at_id"), "notes", ["author", "recorded_at", "id"], unique=False)
    op.create_index(
        op.f("ix_notes_establishment_recorded_at_id"), "notes", ["establishment", "recorded_at", "id"], unique=False
    )
    op.create_index(
        op.f("ix_notes_establishment_unit_recorded_at_id"),
        "notes",
        ["establishment", "unit", "recorded_at", "id"],
        unique=False,
    )
    op.create_index(op.f("ix_notes_inmate_recorded_at_id"), "notes", ["inmate", "recorded_at", "id"], unique=False)
    op.create_table(
        "postings",
        sa.Column("account", sa.String(36), nullable=False, comment="The account."),
        sa.Column(
            "establishment", sa.String(16), nullable=False, comment="The establishment's code; it may be set up later."
        ),
        sa.Column(
            "unit",
            sa.String(16),
            nullable=False,
            comment="A unit's code there; empty for the establishment as a whole.",
        ),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=op.f("fk_postings_account")),
        sa.PrimaryKeyConstraint("account", "establishment", "unit", name=op.f("pk_postings")),
    )
    op.create_table(
        "tokens",
        sa.Column("hash", sa.String(64), nullable=False, comment="SHA-256 of the token."),
        sa.Column("grant_id", sa.String(36), nullable=False, comment="The login it came from."),
        sa.Column("kind", sa.String(16), nullable=False, comment="ACCESS, REFRESH or TICKET."),
        sa.Column("expires_at", UtcTime(), nullable=False, comment="When it stops working."),
        sa.Column(
            "used_at", UtcTime(), nullable=True, comment="When a refresh token or ticket was used; it works once."
        ),
        sa.Column("revoked_at", UtcTime(), nullable=True, comment="When it was revoked on its own."),
        sa.Column(
            "lends",
            sa.String(64),
            nullable=True,
            comment="Of a ticket: the hash of the access token whose rights it carries.",
        ),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name=op.f("fk_tokens_grant_id")),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_tokens")),
    )
    op.create_index(op.f("ix_tokens_expires_at"), "tokens", ["expires_at"], unique=False)
    op.create_index(op.f("ix_tokens_grant_id"), "tokens", ["grant_id"], unique=False)
    op.create_table(
        "units",
        sa.Column("establishment", sa.String(16), nullable=False, comment="The establishment it is part of."),
        sa.Column("code", sa.String(16), nullable=False, comment="The unit's code within its establishment."),
        sa.Column("name", sa.Text(), nullable=False, comment="Its name."),
        sa.Column("version", sa.Integer(), nullable=False, comment="Goes up with every change; its ETag."),
        sa.Column("updated_at", UtcTime(), nullable=False, comment="When it was last changed."),
        sa.ForeignKeyConstraint(["establishment"], ["establishments.code"], name=op.f("fk_units_establishment")),
        sa.PrimaryKeyConstraint("establishment", "code", name=op.f("pk_units")),
    )
    op.create_table(
        "needs",
        sa.Column("id", sa.String(36), nullable=False, comment="The need's UUIDv7."),
        sa.Column(
            "note", sa.String(36), nullable=False, comment="The note it was opened by, or the correction of that note."
        ),
        sa.Column(
            "establishment", sa.String(16), nullable=False, comment="Where it must be met now; it follows the person."
        ),
        sa.Column("unit", sa.String(16), nullable=False, comment="The unit that must meet it now."),
        sa.Column("inmate", sa.String(32), nullable=True, comment="Whose need it is; empty for a need of the wing."),
        sa.Column("author", sa.String(120), nullable=False, comment="The account or client that wrote the note."),
        sa.Column("handling", sa.String(40), nullable=False, comment="Who may read it: as its note."),
        sa.Column("code", sa.String(40), nullable=False, comment="The need's code."),
        sa.Column("urgency", sa.String(40), nullable=False, comment="NOW, THIS_SHIFT, NEXT_SHIFT or ROUTINE."),
        sa.Column("promised", sa.Boolean(), nullable=False, comment="Somebody gave his or her word."),
        sa.Column("detail", sa.Text(), nullable=True, comment="What exactly."),
        sa.Column("due_at", UtcTime(), nullable=True, comment="When it must have happened."),
        sa.Column(
            "sort_due",
            UtcTime(),
            nullable=False,
            comment="The due time it was opened with, or the end of time: what lists are ordered by.",
        ),
        sa.Column("status", sa.String(40), nullable=False, comment="OPEN, DONE, NOT_POSSIBLE or PASSED_ON."),
        sa.Column("owner", sa.String(120), nullable=True, comment="Who sees to it, or to whom it was passed on."),
        sa.Column("outcome", sa.Text(), nullable=True, comment="What came of it."),
        sa.Column("reason", sa.Text(), nullable=True, comment="Why it stands as it does."),
        sa.Column("opened_at", UtcTime(), nullable=False, comment="When it was opened."),
        sa.Column(
            "opened_by", sa.Text(), nullable=False, comment="Who opened it: a JSON object {username, name, role}."
        ),
        sa.Column("updated_at", UtcTime(), nullable=False, comment="When it last changed."),
        sa.Column("version", sa.Integer(), nullable=False, comment="Goes up with every change; its ETag."),
        sa.ForeignKeyConstraint(["note"], ["notes.id"], name=op.f("fk_needs_note")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_needs")),
    )
    op.create_index(
        op.f("ix_needs_establishment_status_sort_due_id"),
        "needs",
        ["establishment", "status", "sort_due", "id"],
        unique=False,
    )
    op.create_index(op.f("ix_needs_inmate_status"), "needs", ["inmate", "status"], unique=False)
    op.create_index(op.f("ix_needs_note"), "needs", ["note"], unique=False)
    op.create_table(
        "note_codes",
        sa.Column("note", sa.String(36), nullable=False, comment="The note."),
        sa.Column("list", sa.String(40), nullable=False, comment="`indicators` or `needs`."),
        sa.Column("code", sa.String(40), nullable=False, comment="The code."),
        sa.ForeignKeyConstraint(["note"], ["notes.id"], name=op.f("fk_note_codes_note")),
        sa.PrimaryKeyConstraint("note", "list", "code", name=op.f("pk_note_codes")),
    )
    op.create_table(
        "receipts",
        sa.Column("id", sa.String(36), nullable=False, comment="The receipt's UUIDv7."),
        sa.Column("note", sa.String(36), nullable=False, comment="The note."),
        sa.Column("author", sa.String(120), nullable=False, comment="The account or client that gave it."),
        sa.Column("kind", sa.String(40), nullable=False, comment="SEEN, ACCEPTED, QUERY or READ_BACK."),
        sa.Column("document", sa.Text(), nullable=False, comment="The receipt as answered, JSON."),
        sa.ForeignKeyConstraint(["note"], ["notes.id"], name=op.f("fk_receipts_note")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipts")),
    )
    op.create_index(op.f("ix_receipts_note"), "receipts", ["note"], unique=False)
    op.create_table(
        "need_steps",
        sa.Column("need", sa.String(36), nullable=False, comment="The need."),
        sa.Column("version", sa.Integer(), nullable=False, comment="The need's version this step made."),
        sa.Column("document", sa.Text(), nullable=False, comment="The step as answered, JSON."),
        sa.ForeignKeyConstraint(["need"], ["needs.id"], name=op.f("fk_need_steps_need")),
        sa.PrimaryKeyConstraint("need", "version", name=op.f("pk_need_steps")),
    )
    append_only(op.get_bind(), "access_lines")
