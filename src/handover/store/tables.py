"""Every table and every column, each with a sentence. The sentences go into the database as comments where it keeps
them."""

from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from handover.store.types import Id, UtcTime, Who, apart

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
SQLModel.metadata.naming_convention = NAMING
metadata = SQLModel.metadata


def _is(sentence: str, type_: Any = None, **more: Any) -> Any:
    """A column with its sentence."""
    if type_ is not None:
        more["sa_type"] = type_
    kwargs = {"comment": sentence, **more.pop("column", {})}
    return Field(sa_column_kwargs=kwargs, **more)


def _key(sentence: str, type_: Any = None, **more: Any) -> Any:
    return _is(sentence, type_, primary_key=True, **more)


def _some(*columns: str, where: str) -> sa.Index:
    """An index of the rows in which a column is filled, where most leave it empty."""
    return sa.Index(None, *columns, info={"where": f"{where} IS NOT NULL"})


# Which rows an index holds is said as information: as an option of each engine it would load both of them.
_URGENT: dict[str, Any] = {"info": {"where": "attention = 'ACT_NOW'"}}
"""Of an index that only notes which want acting on now are in: there are few, and whoever looks for them looks far."""

SOON_H = 8
"""Within so many hours, nearly everything is on record that has happened: a shift."""
FILLED_IN_LATER = apart("recorded_at", "occurred_at", SOON_H)
"""Of the notes that are the exception (and of corrections), by engine: they have an index of their own."""
_LATE: dict[str, Any] = {"info": {"where": FILLED_IN_LATER}}

_ONCE: dict[str, Any] = {"info": {"where": "kind IN ('SEEN', 'ACCEPTED')"}}
"""Of the receipts that count once: whoever gives the second at the same moment, at another process, gets the first."""

_BY_KEY = {"sqlite_with_rowid": False}
"""Of a table whose rows are kept in the order of their key: the embedded store writes one page for a new row where it
would write two. Rows that carry a document are too long for it."""


class StoreMeta(SQLModel, table=True):
    """What this store is, in one row per fact."""

    __tablename__ = "store_meta"
    name: str = _key(
        "The fact's name, e.g. `id` (random, part of every cursor), `kind` (`real` or `practice`), `secret`.",
        sa.String(40),
    )
    value: str = _is("The fact's value.", sa.Text)


class CodeListRow(SQLModel, table=True):
    """A code list; its entries are in `codes`."""

    __tablename__ = "code_lists"
    name: str = _key("The list's name, e.g. `indicators`.", sa.String(40))
    title: str = _is("What the list is for, in words an officer would use.", sa.Text)
    version: int = _is("Goes up whenever an entry is added, changed or retired.")


class CodeRow(SQLModel, table=True):
    """One code of one list; retired, never deleted, because old notes use it."""

    __tablename__ = "codes"
    list: str = _key("The list this code belongs to.", sa.String(40))
    code: str = _key("The language-neutral code, upper snake case.", sa.String(40))
    place: int = _is("Its place in the list, counted from 0.")
    label: str = _is("The short name officers see.", sa.Text)
    anchor: str = _is("The behaviour that tells when to use it.", sa.Text)
    group: str | None = _is("The heading it stands under in a long list.", sa.Text, nullable=True)
    words: str = _is("What an officer might type for it, as a JSON array of strings.", sa.Text)
    forces: str | None = _is("The attention it forces, whatever the author chose.", sa.String(40), nullable=True)
    version: int = _is("The list's version in which this entry last changed.")
    active: bool = _is("False once it is retired: readable in old notes, refused in new ones.")


class EstablishmentRow(SQLModel, table=True):
    """A prison."""

    __tablename__ = "establishments"
    code: str = _key("The establishment's code.", sa.String(16))
    name: str = _is("Its name.", sa.Text)
    timezone: str = _is("The IANA time zone its shifts live by.", sa.String(64))
    shifts: str = _is("The daily pattern: a JSON array of {code, starts} in local time.", sa.Text)
    times: str | None = _is(
        "How long it waits before something is overdue: a JSON object of minutes; empty: the usual times.",
        sa.Text,
        nullable=True,
    )
    screens: str | None = _is(
        "When its screens lock and whether a PIN opens them: a JSON object; empty: the usual.", sa.Text, nullable=True
    )
    version: int = _is("Goes up with every change; its ETag.")
    updated_at: datetime = _is("When it was last changed.", UtcTime)


class UnitRow(SQLModel, table=True):
    """A wing, landing or other unit that hands over as one."""

    __tablename__ = "units"
    establishment: str = _key("The establishment it is part of.", sa.String(16), foreign_key="establishments.code")
    code: str = _key("The unit's code within its establishment.", sa.String(16))
    name: str = _is("Its name.", sa.Text)
    stretch: int = _is(
        "The stretch of notes being written; goes up at the offer of its handover and at its acceptance.",
        column={"server_default": "0"},
    )
    version: int = _is("Goes up with every change; its ETag.")
    updated_at: datetime = _is("When it was last changed.", UtcTime)


class InmateRow(SQLModel, table=True):
    """A person held, under one number."""

    __tablename__ = "inmates"
    __table_args__ = (sa.Index(None, "establishment", "unit", "number"),)
    number: str = _key("The person's number in the prison's own scheme.", sa.String(32))
    name: str = _is("The name staff use, family name first.", sa.Text)
    establishment: str = _is("Where the person is now.", sa.String(16), foreign_key="establishments.code")
    unit: str = _is("The unit the person is in now.", sa.String(16))
    cell: str | None = _is("The cell, as painted on its door.", sa.String(20), nullable=True)
    language: str | None = _is("BCP 47 tag of the language best spoken.", sa.String(35), nullable=True)
    search: str = _is("All numbers, name and cell in lower case, for finding by a few letters.", sa.Text)
    version: int = _is("Goes up with every change; its ETag.")
    updated_at: datetime = _is("When it was last changed.", UtcTime)
    merged_into: str | None = _is(
        "The surviving number, once this one was merged away.", sa.String(32), nullable=True, index=True
    )


class MoveRow(SQLModel, table=True):
    """One move of one person."""

    __tablename__ = "moves"
    id: str = _key("The move's UUIDv7.", Id)
    inmate: str = _is("The person who moved.", sa.String(32), index=True)
    from_establishment: str = _is("The establishment left.", sa.String(16))
    from_unit: str = _is("The unit left.", sa.String(16))
    from_cell: str | None = _is("The cell left.", sa.String(20), nullable=True)
    to_establishment: str = _is("The establishment reached.", sa.String(16))
    to_unit: str = _is("The unit reached.", sa.String(16))
    to_cell: str | None = _is("The cell reached.", sa.String(20), nullable=True)
    reason: str = _is("Why, in the mover's words.", sa.Text)
    at: datetime = _is("When it took place, as claimed.", UtcTime)
    recorded_at: datetime = _is("When it was recorded, by the server's clock.", UtcTime, index=True)
    by: str = _is("Who recorded it: a JSON object {username, name, role}.", sa.Text)


class MergeRow(SQLModel, table=True):
    """One merge of two numbers of one person."""

    __tablename__ = "merges"
    id: str = _key("The merge's UUIDv7.", Id)
    number: str = _is("The surviving number.", sa.String(32), index=True)
    previous: str = _is("The number given up.", sa.String(32), index=True)
    moved: str = _is("What moved, so that it can be undone: a JSON object of lists of ids.", sa.Text)
    at: datetime = _is("When it was merged.", UtcTime)
    by: str = _is("Who merged it: a JSON object {username, name, role}.", sa.Text)
    undone_at: datetime | None = _is("When it was undone.", UtcTime, nullable=True)


class NoteRow(SQLModel, table=True):
    """A note as it may be shown: `document` is the answer, the other columns are there to find and judge it by."""

    __tablename__ = "notes"
    __table_args__ = (
        sa.Index(None, "establishment", "recorded_at", "id"),
        sa.Index(None, "establishment", "unit", "recorded_at", "id"),
        sa.Index(None, "inmate", "recorded_at", "id", "told_at"),
        sa.Index(None, "author", "establishment", "recorded_at", "id"),
        sa.Index(None, "establishment", "unit", "stretch"),
        _some("establishment", "watch_until", where="watch_until"),
        _some("incident", "recorded_at", "id", where="incident"),
        sa.Index("ix_notes_urgent", "establishment", "recorded_at", "id", **_URGENT),
        sa.Index("ix_notes_late", "establishment", "occurred_at", "recorded_at", **_LATE),
    )
    id: str = _key("The note's UUIDv7.", Id)
    establishment: str = _is("The establishment it belongs to.", sa.String(16), foreign_key="establishments.code")
    unit: str = _is("The unit it belongs to.", sa.String(16))
    inmate: str | None = _is("The person it is about; empty for a wing note.", sa.String(32), nullable=True)
    author: str = _is("The account or client that wrote it.", Who)
    author_name: str = _is("That account's user name, for the author filter.", sa.String(120))
    handling: str = _is("Who may read it.", sa.String(40))
    status: str = _is("ACTIVE, CORRECTED, RETRACTED or RESTRICTED.", sa.String(40))
    attention: str = _is("ROUTINE, WATCH or ACT_NOW; ROUTINE again once retracted.", sa.String(40))
    shift: str = _is("The shift it happened in, e.g. 2026-11-22/NIGHT.", sa.String(60))
    occurred_at: datetime = _is("When it happened, as claimed.", UtcTime)
    recorded_at: datetime = _is("When it was recorded, by the server's clock.", UtcTime)
    stretch: int = _is(
        "Its unit's stretch when it was recorded: decides, in commit order, which handover it belongs to.",
        column={"server_default": "0"},
    )
    watch_until: datetime | None = _is(
        "When its attention ends; empty where it asks for none, or was corrected or retracted.", UtcTime, nullable=True
    )
    told_at: datetime | None = _is(
        "When it was recorded, where it tells what staff did or that the person opened up.",
        UtcTime,
        nullable=True,
    )
    incident: str | None = _is(
        "The note with which the incident began that it is about; empty where it is about none, or was retracted.",
        Id,
        nullable=True,
    )
    search: str = _is("Its words in lower case, for `q`; empty once retracted.", sa.Text)
    document: str = _is("The note as answered, JSON; only the envelope once retracted.", sa.Text)


class NoteCodeRow(SQLModel, table=True):
    """The indicator and need codes of a note, to filter by: in the order in which a filter reads them."""

    __tablename__ = "note_codes"
    __table_args__ = (_BY_KEY,)
    establishment: str = _key("The establishment the note belongs to.", sa.String(16))
    list: str = _key("`indicators` or `needs`.", sa.String(40))
    code: str = _key("The code.", sa.String(40))
    note: str = _key("The note.", Id, foreign_key="notes.id")
    unit: str = _is(
        "The unit the note belongs to: whoever reads a unit's need not look at the other notes.", sa.String(16)
    )


class SealedRow(SQLModel, table=True):
    """What a retracted note and everything hanging on it said. Read for the auditor alone."""

    __tablename__ = "sealed"
    id: str = _key("The note, need or receipt that said it.", Id)
    note: str = _is("The retracted note it belongs to.", Id, index=True)
    document: str = _is("What was answered before the retraction, JSON.", sa.Text)
    sealed_at: datetime = _is("When it was sealed.", UtcTime)


class NeedRow(SQLModel, table=True):
    """A need and where it stands."""

    __tablename__ = "needs"
    __table_args__ = (
        sa.Index(None, "establishment", "status", "sort_due", "id"),
        sa.Index(None, "author", "establishment", "status", "sort_due", "id"),
        sa.Index(None, "inmate", "status"),
    )
    id: str = _key("The need's UUIDv7.", Id)
    note: str = _is(
        "The note it was opened by, or the correction of that note.", Id, foreign_key="notes.id", index=True
    )
    establishment: str = _is("Where it must be met now; it follows the person.", sa.String(16))
    unit: str = _is("The unit that must meet it now.", sa.String(16))
    from_unit: str | None = _is(
        "The unit of this establishment that answers for it until the one it came to has accepted its person.",
        sa.String(16),
        nullable=True,
    )
    inmate: str | None = _is("Whose need it is; empty for a need of the wing.", sa.String(32), nullable=True)
    author: str = _is("The account or client that wrote the note.", Who)
    handling: str = _is("Who may read it: as its note.", sa.String(40))
    code: str = _is("The need's code.", sa.String(40))
    urgency: str = _is("NOW, THIS_SHIFT, NEXT_SHIFT or ROUTINE.", sa.String(40))
    promised: bool = _is("Somebody gave his or her word.")
    detail: str | None = _is("What exactly.", sa.Text, nullable=True)
    due_at: datetime | None = _is("When it must have happened.", UtcTime, nullable=True)
    sort_due: datetime = _is("The due time it was opened with, or the end of time: what lists are ordered by.", UtcTime)
    status: str = _is("OPEN, DONE, NOT_POSSIBLE or PASSED_ON.", sa.String(40))
    owner: str | None = _is("Who sees to it, or to whom it was passed on.", sa.String(120), nullable=True)
    outcome: str | None = _is("What came of it.", sa.Text, nullable=True)
    reason: str | None = _is("Why it stands as it does.", sa.Text, nullable=True)
    opened_at: datetime = _is("When it was opened.", UtcTime)
    opened_by: str = _is("Who opened it: a JSON object {username, name, role}.", sa.Text)
    updated_at: datetime = _is("When it last changed.", UtcTime)
    version: int = _is("Goes up with every change; its ETag.")


class NeedStepRow(SQLModel, table=True):
    """One step in a need's life."""

    __tablename__ = "need_steps"
    __table_args__ = (_BY_KEY,)
    need: str = _key("The need.", Id, foreign_key="needs.id")
    version: int = _key("The need's version this step made.")
    document: str = _is("The step as answered, JSON.", sa.Text)


class ReceiptRow(SQLModel, table=True):
    """One person's receipt for one note."""

    __tablename__ = "receipts"
    __table_args__ = (sa.Index("ix_receipts_once", "note", "author", "kind", unique=True, **_ONCE),)
    id: str = _key("The receipt's UUIDv7.", Id)
    note: str = _is("The note.", Id, foreign_key="notes.id", index=True)
    author: str = _is("The account or client that gave it.", Who)
    kind: str = _is("SEEN, ACCEPTED, QUERY or READ_BACK.", sa.String(40))
    document: str = _is("The receipt as answered, JSON.", sa.Text)


class HandoverRow(SQLModel, table=True):
    """A handover: offered by one officer, waiting for another."""

    __tablename__ = "handovers"
    __table_args__ = (
        sa.Index(None, "establishment", "unit", "offered_at", "id"),
        sa.Index(None, "establishment", "state", "offered_at", "id"),
        sa.Index(None, "establishment", "unit", "kind", "state", "last"),
        sa.Index(None, "author", "establishment", "offered_at", "id"),
        _some("from_establishment", "offered_at", "id", where="inmate"),
        sa.Index(None, "from_establishment", "from_unit", "kind", "state"),
        sa.Index(None, "inmate"),
    )
    id: str = _key("The handover's UUIDv7.", Id)
    kind: str = _is("SHIFT: a unit to its next shift; TRANSFER: a person to another unit.", sa.String(16))
    establishment: str = _is("The establishment that takes over.", sa.String(16), foreign_key="establishments.code")
    unit: str = _is("The unit that is taken over, or that a person comes to.", sa.String(16))
    from_establishment: str = _is("The establishment that hands over; the same for a shift.", sa.String(16))
    from_unit: str = _is("The unit that hands over; the same for a shift.", sa.String(16))
    inmate: str | None = _is("Who moves; empty for a shift.", sa.String(32), nullable=True)
    author: str = _is("The account that offered it.", Who)
    state: str = _is("OFFERED, OVERDUE, ESCALATED, ACCEPTED, ACCEPTED_WITH_QUERIES or WITHDRAWN.", sa.String(40))
    first: int = _is("The first stretch of notes that belongs to it.")
    last: int = _is("The last stretch of notes that belongs to it.")
    offered_at: datetime = _is("When it was offered.", UtcTime)
    accepted_at: datetime | None = _is("When it was accepted.", UtcTime, nullable=True)
    taker: str | None = _is("The account that accepted it.", Who, nullable=True)
    incoming: str | None = _is("Who accepted it: a JSON object {username, name, role}.", sa.Text, nullable=True)
    taken: int | None = _is("The stretch that its acceptance closed; what comes after is late.", nullable=True)
    version: int = _is("Goes up with every change.")
    document: str = _is(
        "The handover, JSON: as answered, each item and query with what its reader must be entitled to.", sa.Text
    )


class HandoverItemRow(SQLModel, table=True):
    """One item of a handover, to be found by its note or need."""

    __tablename__ = "handover_items"
    __table_args__ = (sa.Index(None, "thing"), sa.Index(None, "note"))
    handover: str = _key("The handover.", Id, foreign_key="handovers.id")
    place: int = _key("Its place in the list, counted from 0.")
    kind: str = _is("A note, a need, or attention: a note of an earlier handover.", sa.String(16))
    thing: str = _is("The note or need.", Id)
    note: str = _is("The note behind it, so that a retraction finds it.", Id)


class PageRow(SQLModel, table=True):
    """A call that is repeated until a named person takes it."""

    __tablename__ = "pages"
    __table_args__ = (
        sa.Index(None, "establishment", "state", "raised_at", "id"),
        sa.Index(None, "author", "establishment", "state", "raised_at", "id"),
        sa.Index(None, "about"),
    )
    id: str = _key("The page's UUIDv7.", Id)
    establishment: str = _is("Where somebody must act.", sa.String(16))
    unit: str = _is("The unit where somebody must act.", sa.String(16))
    inmate: str | None = _is("Whom it is about, if one person.", sa.String(32), nullable=True)
    author: str = _is("Who wrote the note or offered the handover.", Who)
    handling: str = _is("Who may see it: as its note; UNIT for a handover.", sa.String(40))
    kind: str = _is("ACT_NOW, HANDOVER, TRANSFER or UNOFFERED.", sa.String(16))
    about: str = _is("The note or the handover.", Id)
    note: str | None = _is("The note, where it is about one.", Id, nullable=True)
    state: str = _is("RAISED, ACCEPTED or CLOSED.", sa.String(16))
    raised_at: datetime = _is("When it was raised.", UtcTime)
    version: int = _is("Goes up with every change.")
    document: str = _is("The page as answered, JSON.", sa.Text)


class TimerRow(SQLModel, table=True):
    """Something to be looked at when its time comes. Whoever fires it looks first whether it still holds, so a timer
    that was overtaken by events does no harm and need not be found and removed."""

    __tablename__ = "timers"
    __table_args__ = (_BY_KEY,)
    due_at: datetime = _key("When.", UtcTime)
    kind: str = _key("What: ATTENTION, PROMISE, OVERDUE, ESCALATE, UNOFFERED or PAGE.", sa.String(16))
    about: str = _key("The note, need, handover or page.", Id)


class EventHeadRow(SQLModel, table=True):
    """The counter of each establishment's log. Bumping it in the writing transaction is what makes sequence commit
    order."""

    __tablename__ = "event_heads"
    establishment: str = _key("The establishment.", sa.String(16), foreign_key="establishments.code")
    sequence: int = _is("The sequence of its newest event; 0 before the first.", sa.BigInteger)


class EventFloorRow(SQLModel, table=True):
    """How far a log has been pruned. Beside its counter, which would be locked for all who write meanwhile."""

    __tablename__ = "event_floors"
    establishment: str = _key("The establishment whose log this is.", sa.String(16))
    sequence: int = _is("The newest event that was pruned: nobody reads on from before it.", sa.BigInteger)


class EventRow(SQLModel, table=True):
    """One committed change."""

    __tablename__ = "events"
    establishment: str = _key("The establishment whose log this is.", sa.String(16))
    sequence: int = _key(
        "Its place in that log, without gaps, in commit order.", sa.BigInteger, column={"autoincrement": False}
    )
    id: str = _is("The event's UUIDv7.", Id)
    type: str = _is("What happened, e.g. note.recorded.", sa.String(40))
    subject: str | None = _is("The person's number, where it is about a person.", sa.String(32), nullable=True)
    time: datetime = _is("When it was recorded.", UtcTime)
    kind: str = _is(
        "What it carries: note, need, receipt, inmate, handover or page; outcome: a need, for its author.",
        sa.String(16),
    )
    about: str = _is("The id of that resource.", Id)
    note: str | None = _is(
        "The note behind it, so that a retraction finds every event that carries its text.",
        Id,
        nullable=True,
        index=True,
    )
    sort: str = _is(
        "All that decides who hears it, parted by `|`: kind, type, its unit, a second unit that must hear of it, "
        "class (ROSTER for what all staff may know), status of the resource, and whose note it is about.",
        sa.String(320),
    )
    told: str = _is(
        "The event as JSON, up to its sequence and a reader's cursor; its data is id and status alone once its note "
        "was retracted.",
        sa.Text,
    )


class ProcessRow(SQLModel, table=True):
    """A process that has told somebody something: while it lives, what it says of who listens holds."""

    __tablename__ = "processes"
    name: str = _key("What the process is called.", sa.String(16))
    seen_at: datetime = _is("When it last said that it was there.", UtcTime)


class ListeningRow(SQLModel, table=True):
    """Whether anybody hears, in a unit, what a process tells."""

    __tablename__ = "listening"
    establishment: str = _key("The establishment of the unit.", sa.String(16))
    unit: str = _key("The unit.", sa.String(16))
    process: str = _key("The process that tells its screens.", sa.String(16))
    hears: str = _is("ALL: a feed is open; CALLS: a locked screen asks for calls alone; NOTHING.", sa.String(16))
    since: datetime = _is("Since when it is so, to within a minute.", UtcTime)


class AccessChainRow(SQLModel, table=True):
    """A chain of access-log lines. Every writing process has its own, so that none waits for another."""

    __tablename__ = "access_chains"
    chain: str = _key("The chain's UUIDv7.", Id)
    position: int = _is("How many lines it has.", sa.BigInteger)
    hash: str = _is("The hash of its newest line.", sa.String(64))


class AccessLineRow(SQLModel, table=True):
    """Who did, read, listed, pulled or was fed what; denied attempts too (Directive (EU) 2016/680, Art 25)."""

    __tablename__ = "access_lines"
    __table_args__ = (sa.Index(None, "at"), _BY_KEY)
    chain: str = _key("The chain it is part of.", Id)
    position: int = _key(
        "Its place in the chain, from 1, without gaps.", sa.BigInteger, column={"autoincrement": False}
    )
    at: datetime = _is("When, by the server's clock.", UtcTime)
    actor: str | None = _is(
        "Who: the account's user name or the client's id; empty where nobody is known.", sa.String(120), nullable=True
    )
    actor_role: str | None = _is(
        "In which role; `integration` for a client, `operator` for a command on the server.",
        sa.String(40),
        nullable=True,
    )
    action: str = _is("What, e.g. notes.list.", sa.String(60))
    outcome: str = _is("OK, DENIED or FAILED.", sa.String(16))
    establishment: str | None = _is("Where, if in one establishment.", sa.String(16), nullable=True)
    unit: str | None = _is("Which unit, if one.", sa.String(16), nullable=True)
    subject: str | None = _is(
        "The id or number of the thing or person it was about, if one.", sa.String(120), nullable=True
    )
    detail: str = _is("Filter, count, people listed, sequences: a JSON object without note text.", sa.Text)
    address: str | None = _is("From which network address.", sa.String(64), nullable=True)
    request: str | None = _is(
        "The request's correlation id, as in the service's own log.", sa.String(64), nullable=True
    )
    places: str | None = _is(
        "Where it may concern several establishments: their codes, a space before and after each.",
        sa.Text,
        nullable=True,
    )
    hash: str = _is("SHA-256 over the previous line's hash and this line.", sa.String(64))


class AccountRow(SQLModel, table=True):
    """A member of staff who may log in."""

    __tablename__ = "accounts"
    id: str = _key("The account's UUIDv7.", Id)
    username: str = _is("The name to log in with, in lower case.", sa.String(120), unique=True)
    name: str = _is("The name colleagues know.", sa.Text)
    role: str = _is("What the person may do.", sa.String(40))
    password: str = _is("The password's Argon2id hash (RFC 9106).", sa.Text)
    pin: str | None = _is("The PIN's Argon2id hash; empty where none was chosen.", sa.Text, nullable=True)
    active: bool = _is("False once the account is disabled.")
    created_at: datetime = _is("When it was made.", UtcTime)


class PostingRow(SQLModel, table=True):
    """Where a member of staff belongs."""

    __tablename__ = "postings"
    account: str = _key("The account.", Id, foreign_key="accounts.id")
    establishment: str = _key("The establishment's code; it may be set up later.", sa.String(16))
    unit: str = _key("A unit's code there; empty for the establishment as a whole.", sa.String(16))


class ClientRow(SQLModel, table=True):
    """Another system that may call."""

    __tablename__ = "clients"
    id: str = _key("The client id it authenticates with.", sa.String(120))
    name: str = _is("What it is.", sa.Text)
    secret: str = _is("Its secret's Argon2id hash.", sa.Text)
    scopes: str = _is("Its scopes, separated by spaces.", sa.Text)
    establishments: str = _is("The establishments it is bound to, separated by spaces.", sa.Text)
    handling: str = _is("The handling classes it is bound to, separated by spaces.", sa.Text)
    active: bool = _is("False once it is revoked.")
    created_at: datetime = _is("When it was made.", UtcTime)


class GrantRow(SQLModel, table=True):
    """A login and everything issued from it."""

    __tablename__ = "grants"
    __table_args__ = (sa.Index(None, "account", "seen_at"),)
    id: str = _key("The login's UUIDv7.", Id)
    account: str | None = _is("The account that logged in.", Id, nullable=True)
    client: str | None = _is("The client that authenticated.", sa.String(120), nullable=True)
    scope: str = _is("The scopes granted, separated by spaces.", sa.Text)
    created_at: datetime = _is("When the password or secret was given.", UtcTime)
    seen_at: datetime = _is("When a token was last issued from it.", UtcTime)
    expires_at: datetime = _is("When the password has to be given again.", UtcTime, index=True)
    revoked_at: datetime | None = _is("When it ended early.", UtcTime, nullable=True)


class TokenRow(SQLModel, table=True):
    """An access token, refresh token or feed ticket, as the SHA-256 of 256 random bits."""

    __tablename__ = "tokens"
    hash: str = _key("SHA-256 of the token.", sa.String(64))
    grant_id: str = _is("The login it came from.", Id, foreign_key="grants.id", index=True)
    kind: str = _is("ACCESS, REFRESH or TICKET.", sa.String(16))
    expires_at: datetime = _is("When it stops working.", UtcTime, index=True)
    used_at: datetime | None = _is("When a refresh token or ticket was used; it works once.", UtcTime, nullable=True)
    revoked_at: datetime | None = _is("When it was revoked on its own.", UtcTime, nullable=True)
    lends: str | None = _is(
        "Of a ticket: the hash of the access token whose rights it carries.", sa.String(64), nullable=True
    )


class SeatRow(SQLModel, table=True):
    """A terminal at which somebody gave the password and may come back by PIN. One that has ended is deleted."""

    __tablename__ = "seats"
    hash: str = _key("SHA-256 of the token that the terminal keeps.", sa.String(64))
    account: str = _is("Whose it is.", Id, foreign_key="accounts.id", index=True)
    until: datetime = _is("When the password has to be given again.", UtcTime, index=True)
    failures: int = _is("Wrong PINs so far; a right one takes back only what it counted itself.")


class AttemptRow(SQLModel, table=True):
    """Failed logins, counted per account and per address, to slow the next one."""

    __tablename__ = "login_attempts"
    key: str = _key(
        "`account:` or `client:` and the SHA-256 of the name, or `address:` and the address.", sa.String(160)
    )
    failures: int = _is("Failures that still count; they fade one by one.")
    last_at: datetime = _is("From when on they fade.", UtcTime)
    wait_until: datetime = _is("Before this, the next attempt is not even looked at.", UtcTime)


class IdempotencyRow(SQLModel, table=True):
    """The first answer to a creating request, kept at least seven days."""

    __tablename__ = "idempotency"
    caller: str = _key("The account or client.", sa.String(120))
    key: str = _key("The caller's Idempotency-Key.", sa.String(255))
    fingerprint: str = _is("SHA-256 over method, path and body.", sa.String(64))
    status: int = _is("The answer's status.")
    headers: str = _is("The answer's headers, as a JSON object.", sa.Text)
    body: str = _is("The answer's body; the envelope alone once its note was retracted.", sa.Text)
    note: str | None = _is("The note in the body, so that a retraction finds it.", Id, nullable=True, index=True)
    at: datetime = _is("When it was answered.", UtcTime, index=True)


def _table(model: type[SQLModel]) -> sa.Table:
    return cast("sa.Table", model.__table__)  # type: ignore[attr-defined]  # SQLModel sets it on table models


store_meta = _table(StoreMeta)
code_lists = _table(CodeListRow)
codes = _table(CodeRow)
establishments = _table(EstablishmentRow)
units = _table(UnitRow)
inmates = _table(InmateRow)
moves = _table(MoveRow)
merges = _table(MergeRow)
notes = _table(NoteRow)
note_codes = _table(NoteCodeRow)
sealed = _table(SealedRow)
needs = _table(NeedRow)
need_steps = _table(NeedStepRow)
receipts = _table(ReceiptRow)
handovers = _table(HandoverRow)
handover_items = _table(HandoverItemRow)
pages = _table(PageRow)
timers = _table(TimerRow)
event_heads = _table(EventHeadRow)
event_floors = _table(EventFloorRow)
events = _table(EventRow)
processes = _table(ProcessRow)
listening = _table(ListeningRow)
access_chains = _table(AccessChainRow)
access_lines = _table(AccessLineRow)
accounts = _table(AccountRow)
postings = _table(PostingRow)
clients = _table(ClientRow)
grants = _table(GrantRow)
tokens = _table(TokenRow)
seats = _table(SeatRow)
login_attempts = _table(AttemptRow)
idempotency = _table(IdempotencyRow)
