"""Notes that are written but not yet at the server: one file per note, in the order they were written.

A note goes into its file before anything is sent, and leaves it only once the server has answered. The file holds the
exact text to send and its Idempotency-Key: however often it is tried, it is recorded once. What the server refuses is
set aside with the answer beside it, never discarded.
"""

import errno
import json
import uuid
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, ConfigDict, ValidationError

from handover.client import skew
from handover.client.files import Busy, locked, private_folder, read_json, remove_durably, write_durably
from handover.client.refusals import ServerRefused
from handover.client.server import Server, file_name
from handover.schemas.notes import NoteDraft

LATE_AFTER = timedelta(minutes=60)
UNKEPT = "unkept"
WAITED = "no connection when it was written"
_STAMP = "%Y%m%dT%H%M%S.%fZ"
_ORDER_WAIT_S = 5


class Kept(BaseModel):
    """A note that waits, as its file has it."""

    model_config = ConfigDict(frozen=True)

    server: str
    author: str
    written_at: datetime
    time_claimed: bool
    """Whether the officer said when it happened; otherwise it is when it was written."""
    key: str
    body: str
    attempted: bool = False
    """Whether some attempt may have reached the server: then text and key stay as they are until it answers."""
    urgent: bool = False
    """Whether somebody must act now. Where the server asks for a while, only such notes are sent, past those before."""
    faults: int = 0
    """How often the server itself failed over this note."""

    @property
    def draft(self) -> NoteDraft:
        """The note."""
        return NoteDraft.model_validate_json(self.body)

    def changed(self, **fields: object) -> "Kept":
        """The same note with some fields different, under a new key: the server has refused it as it was."""
        draft = self.draft.model_copy(update=fields)
        return self.model_copy(update={"body": _text(draft), "key": str(uuid.uuid4()), "attempted": False})


@dataclass(frozen=True, slots=True)
class Aside:
    """A note the server refused, and what it answered."""

    name: str
    kept: Kept | None
    answer: dict[str, object]


class Outbox:
    """The notes of one author for one server."""

    def __init__(self, server: Server, author: str) -> None:
        self.server = server
        self.author = author
        self.folder = server.folder / "outbox" / file_name(author)

    def made(self, draft: NoteDraft, written: datetime, *, urgent: bool = False) -> Kept:
        """A finished note as it is kept and sent, under a key of its own. It is kept nowhere yet."""
        captured = written - skew.behind(self.server)  # what this device's own clock shows
        claimed = draft.model_copy(update={"occurred_at": draft.occurred_at or written, "captured_at": captured})
        return Kept(
            server=self.server.url,
            author=self.author,
            written_at=written,
            time_claimed=draft.occurred_at is not None,
            key=str(uuid.uuid4()),
            body=_text(claimed),
            urgent=urgent,
        )

    def put(self, kept: Kept) -> str:
        """Keeps a note; once this returns it survives a power cut. Returns the name it is kept under. Raises OSError
        where the disk will not have it, or another process of the same user stands in the way."""
        try:
            with locked(self.folder / ".order.lock", _ORDER_WAIT_S):
                name = _next_name(kept.written_at, self.names())
                write_durably(self.folder / name, kept.model_dump_json(indent=1))
        except Busy:
            raise BlockingIOError(errno.EAGAIN, "another command stands in the way") from None
        return name

    def names(self) -> list[str]:
        """What waits, oldest first."""
        return sorted(path.name for path in self.folder.glob("[0-9]*.json"))

    def read(self, name: str) -> Kept | None:
        """The note kept under a name; None where it is gone or is none. Raises OSError where the disk does not give
        the file: it may be whole."""
        try:
            kept = Kept.model_validate_json((self.folder / name).read_bytes())
            NoteDraft.model_validate_json(kept.body)
        except (FileNotFoundError, ValidationError):
            return None
        return kept

    def shown(self, name: str) -> Kept | None:
        """The same, for looking at; None where the disk does not give it, too."""
        try:
            return self.read(name)
        except OSError:
            return None

    def rewrite(self, name: str, kept: Kept) -> None:
        """Puts down how far sending this note has come."""
        write_durably(self.folder / name, kept.model_dump_json(indent=1))

    def done(self, name: str) -> None:
        """The server has it: the file goes."""
        remove_durably(self.folder / name)

    def set_aside(self, name: str, answer: dict[str, object]) -> None:
        """Takes a note out of the queue that the server will not have, and keeps it with the answer."""
        refused = private_folder(self.folder / "refused")
        # The answer first: a note in there is never without its reason, whenever the power goes.
        write_durably(refused / _answer_name(name), json.dumps(answer, indent=1, ensure_ascii=False))
        (self.folder / name).replace(refused / name)
        write_durably(refused / ".synced", "")

    def refused(self) -> list[Aside]:
        """What was set aside, oldest first."""
        folder = self.folder / "refused"
        return [
            Aside(name, self.shown(f"refused/{name}"), read_json(folder / _answer_name(name)) or {})
            for name in self.refused_names()
        ]

    def refused_names(self) -> list[str]:
        """Their names alone."""
        found = (path.name for path in (self.folder / "refused").glob("[0-9]*.json"))
        return sorted(name for name in found if not name.endswith(".answer.json"))

    def drop_refused(self, name: str) -> None:
        """Deletes a refused note, because its author has dealt with it."""
        remove_durably(self.folder / "refused" / name)
        remove_durably(self.folder / "refused" / _answer_name(name))

    def sending(self, wait_s: float) -> AbstractContextManager[None]:
        """The right to send: one process at a time, so that notes leave in order. Raises Busy."""
        return locked(self.folder / ".sending.lock", wait_s)


class Unkept(Outbox):
    """A queue in memory, of the one note the disk would not have: what is known of its sending lasts as long as this
    does, so that it is one note however often it is tried."""

    def __init__(self, server: Server, author: str, kept: Kept) -> None:
        super().__init__(server, author)
        self.kept = kept
        self.recorded = False

    @property
    def may_be_recorded(self) -> bool:
        """Whether that is not known: an attempt has left, and no answer came."""
        return self.kept.attempted and not self.recorded

    def names(self) -> list[str]:
        """Its one name, until it is recorded."""
        return [] if self.recorded else [UNKEPT]

    def read(self, _name: str) -> Kept:
        """The note."""
        return self.kept

    def rewrite(self, _name: str, kept: Kept) -> None:
        """Remembers how far sending it has come."""
        self.kept = kept

    def done(self, _name: str) -> None:
        """The server has it."""
        self.recorded = True

    def set_aside(self, _name: str, _answer: dict[str, object]) -> None:
        """It is refused, so it is not recorded; whoever holds it has the answer."""
        self.kept = self.kept.model_copy(update={"attempted": False})

    def sending(self, _wait_s: float) -> AbstractContextManager[None]:
        """Nobody else can have it."""
        return nullcontext()


def ready(kept: Kept, now: datetime) -> Kept:
    """The note as it should be sent now; untouched where an attempt may have carried it to the server already."""
    if kept.attempted:
        return kept
    draft = kept.draft
    changes: dict[str, object] = {}
    if draft.late_reason is None and _late_by_waiting(kept.written_at, draft.occurred_at or kept.written_at, now):
        changes["late_reason"] = WAITED
    if draft.attention_until is not None and draft.attention_until <= now:
        # It ran out while the note waited. Whoever reads it now has not had the chance to act: the usual end applies.
        changes["attention_until"] = None
    return kept.model_copy(update={"body": _text(draft.model_copy(update=changes))}) if changes else kept


def mended(kept: Kept, refused: ServerRefused, now: datetime, here: datetime) -> Kept | None:
    """The note with what was refused put right, where that is our doing and not the author's; None otherwise. `here` is
    what this device's own clock shows now."""
    pointers = {error.pointer for error in refused.errors}
    draft = kept.draft
    if (
        pointers == {"/attention_until"}
        and draft.attention_until is not None
        and kept.written_at < draft.attention_until <= now
    ):
        return kept.changed(attention_until=None)
    if pointers == {"/occurred_at"} and not kept.time_claimed and draft.occurred_at is not None and refused.answered_at:
        # Only the claimed time is set right; captured_at goes on saying what this device's clock showed.
        captured = draft.captured_at or draft.occurred_at
        occurred = captured - (here - refused.answered_at)
        return kept.changed(occurred_at=occurred) if occurred < draft.occurred_at else None
    return None


def _late_by_waiting(written: datetime, occurred: datetime, now: datetime) -> bool:
    # What was late already when it was written has another reason, and only its author knows it.
    return now - occurred > LATE_AFTER and (written - occurred <= LATE_AFTER or now - written > LATE_AFTER)


def _text(draft: NoteDraft) -> str:
    return draft.model_dump_json(exclude_defaults=True)


def _next_name(written: datetime, waiting: list[str]) -> str:
    """Time and counter. A clock that was set back must not let a later note overtake an earlier one."""
    stamp, counter = written.astimezone(UTC).strftime(_STAMP), 0
    if waiting:
        last_stamp, _, last_counter = waiting[-1].removesuffix(".json").rpartition("-")
        if stamp <= last_stamp:
            stamp, counter = last_stamp, int(last_counter) + 1
    return f"{stamp}-{counter:06d}.json"


def _answer_name(name: str) -> str:
    return name.removesuffix(".json") + ".answer.json"
