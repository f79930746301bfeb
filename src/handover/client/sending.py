"""Sending what waits: in order, once, and stopping at the first note that the network or the server will not carry.
Where the server has too much to do and asks for a while, notes that call somebody are still sent: the server takes them
before all others, and each says itself when it happened."""

import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from handover import clock
from handover.client import skew
from handover.client.files import Busy, read_json
from handover.client.http import Api
from handover.client.outbox import Kept, Outbox, mended, ready
from handover.client.refusals import CannotReach, DiskFails, NotLoggedIn, ServerRefused, Trouble
from handover.client.server import Server
from handover.client.session import OfficerTokens, all_logins, current_login, end

_PATIENCE_S = 5.0
_FAULTS = 3


@dataclass(frozen=True, slots=True)
class Sent:
    """A note the server has recorded, and the note as it answered."""

    name: str
    kept: Kept
    note: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Refused:
    """A note the server will not have; it was set aside with the answer."""

    name: str
    kept: Kept | None
    refusal: ServerRefused


@dataclass(slots=True)
class Round:
    """What one go at somebody's queue has come to."""

    author: str
    sent: list[Sent] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    stopped: Trouble | None = None
    """Why notes still wait; None where all were dealt with."""

    @property
    def paused(self) -> bool:
        """Whether the server has asked for a while."""
        return isinstance(self.stopped, ServerRefused) and self.stopped.undone


def send_all(outbox: Outbox, api: Api, *, wait_s: float) -> Round:
    """Sends everything one author has waiting. `wait_s`: how long to wait for another process that is sending."""
    went = Round(outbox.author)
    try:
        with outbox.sending(wait_s):
            names = outbox.names()
            urgent = {name for name in names if _urgent(outbox, name)}
            for at, name in enumerate(names):
                if went.paused and name not in urgent:
                    continue
                # Whoever waits for a turn does not keep somebody waiting who has it at once.
                patience = _PATIENCE_S if urgent.isdisjoint(names[at + 1 :]) else 0.0
                try:
                    _deal_with(outbox, name, api, went, patience)
                except OSError as error:
                    went.stopped = DiskFails(outbox.server.url, error)  # it stays, and those behind it are sent
    except Busy:
        went.stopped = CannotReach(outbox.server.url, "another command is sending just now", never_sent=True)
    except OSError as error:
        went.stopped = DiskFails(outbox.server.url, error)
    except Trouble as trouble:
        went.stopped = trouble
    return went


def send_everyones(server: Server) -> list[Round]:
    """Sends what waits for each login kept here, and ends the logins that were kept only for that."""
    rounds = []
    in_use = _name_in_use(server)
    for login in all_logins(server):
        outbox = Outbox(server, login.username)
        if outbox.names():
            with Api(server, OfficerTokens(server, login.username)) as api:
                rounds.append(send_all(outbox, api, wait_s=0))
        if login.username != in_use and not outbox.names():
            with suppress(OSError):  # the next who sends tries again
                end(server, login.username)
    return rounds


def waiting_by_author(server: Server) -> dict[str, int]:
    """How many notes wait here, by author, whether or not the author is logged in."""
    counts: dict[str, int] = {}
    for path in sorted((server.folder / "outbox").glob("*/[0-9]*.json")):
        author = str((read_json(path) or {}).get("author", "?"))
        counts[author] = counts.get(author, 0) + 1
    return counts


def _urgent(outbox: Outbox, name: str) -> bool:
    kept = outbox.shown(name)
    return kept is not None and kept.urgent


def _deal_with(outbox: Outbox, name: str, api: Api, went: Round, patience_s: float) -> None:
    kept = outbox.read(name)
    if kept is None:
        unreadable = ServerRefused(status=0, title="This file cannot be read as a note", detail="It was never sent.")
        outbox.set_aside(name, unreadable.as_document())
        went.refused.append(Refused(name, None, unreadable))
        return
    try:
        note = _send(outbox, name, kept, api, patience_s)
    except ServerRefused as refusal:
        if refusal.status == 409 or refusal.temporary:
            went.stopped = refusal
            if not refusal.undone and not _to_be_passed_over(outbox, name, refusal):
                raise
            return
        outbox.set_aside(name, refusal.as_document())
        went.refused.append(Refused(name, kept, refusal))
    else:
        went.sent.append(Sent(name, kept, note))
        outbox.done(name)  # where the disk fails it goes once more, and the server knows it by its key


def _send(outbox: Outbox, name: str, kept: Kept, api: Api, patience_s: float) -> dict[str, Any]:
    """Sends one note until it is answered for good, or patience runs out."""
    as_kept = kept
    kept = ready(kept, skew.now(outbox.server))
    first_key = kept.key
    give_up = time.monotonic() + patience_s
    while True:
        try:
            return _attempt(outbox, name, kept, api)
        except ServerRefused as refusal:
            if refusal.status == 409 or refusal.temporary:
                pause = 0.5 if refusal.retry_after is None else max(refusal.retry_after, 0.05)
                if time.monotonic() + pause > give_up:
                    raise
                time.sleep(pause)
                kept = kept.model_copy(update={"attempted": kept.attempted or not refusal.undone})
                continue
            if _is_known(refusal) and kept.body != as_kept.body and kept.key == first_key:
                kept = as_kept  # it had come there as it was, and neither the answer nor a mark of it was to be had
                continue
            repaired = mended(kept, refusal, skew.now(outbox.server), clock.now()) if kept.key == first_key else None
            if repaired is None:
                raise
            kept = repaired


def _is_known(refusal: ServerRefused) -> bool:
    """Whether the server has had another text under this key."""
    return any(error.pointer == "/header/Idempotency-Key" for error in refusal.errors)


def _attempt(outbox: Outbox, name: str, kept: Kept, api: Api) -> dict[str, Any]:
    marked = not kept.attempted
    if marked:
        # Before the first byte leaves: whatever happens next, text and key must be the same at the next try.
        try:
            outbox.rewrite(name, kept.model_copy(update={"attempted": True}))
        except OSError:
            if not kept.urgent:
                raise  # it is kept, and goes once there is room
            marked = False
    try:
        key = {"Idempotency-Key": kept.key}
        answer = api.call("POST", "/v1/notes", body=kept.body, headers=key, patience_s=0)  # `_send` has its own
    except (CannotReach, NotLoggedIn) as trouble:
        if marked and (isinstance(trouble, NotLoggedIn) or trouble.never_sent):
            outbox.rewrite(name, kept)
        raise
    except ServerRefused as refusal:
        if marked and refusal.undone:
            with suppress(OSError):  # then it is kept as one that may have come there
                outbox.rewrite(name, kept)
        raise
    with suppress(ValueError):
        note = answer.json()
        # Not checked against the schema: a newer server's answer must not make us send a recorded note again.
        if isinstance(note, dict) and "id" in note:
            return note
    raise CannotReach(api.server.url, "something answers there, but not as a handover server")


def _to_be_passed_over(outbox: Outbox, name: str, refusal: ServerRefused) -> bool:
    """A note over which the server fails time and again must not hold up all those behind it; it stays in the queue."""
    kept = outbox.read(name)
    if kept is None or refusal.status != 500:
        return False
    outbox.rewrite(name, kept.model_copy(update={"faults": kept.faults + 1}))
    return kept.faults + 1 >= _FAULTS


def _name_in_use(server: Server) -> str | None:
    try:
        return current_login(server).username
    except NotLoggedIn:
        return None
