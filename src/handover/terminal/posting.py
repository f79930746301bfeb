"""What becomes of a note that was typed: composed, kept on disk, sent after what waited before it, and told plainly."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

import typer
from rich.text import Text

from handover.client import skew
from handover.client.codelists import entry, lists_are_stale, lists_for
from handover.client.outbox import UNKEPT, Kept, Outbox, Unkept
from handover.client.refusals import CannotReach, DiskFails, NotLoggedIn, ServerRefused, Trouble
from handover.client.sending import Refused, Round, Sent, send_all
from handover.schemas.codelists import CodeList
from handover.schemas.notes import NoteDraft
from handover.terminal import phrases, waiting
from handover.terminal.compose import Typed, compose
from handover.terminal.desk import Desk, desk, name_of
from handover.terminal.phrases import Reader
from handover.terminal.speech import NOT_REACHED, REFUSED, Speech, exit_code, tell
from handover.terminal.tongue import language, t
from handover.terminal.unclear import Unclear, UnknownWord
from handover.terminal.words import Vocabulary, choices

_WAIT_FOR_OTHERS_S = 10
_CLOCK_IS_OFF = timedelta(seconds=60)
_LISTS = {
    "basis": ("basis",),
    "mood": ("mood_valence", "mood_energy", "not_observed", "mood_source"),
    "change": ("change",),
    "sign": ("indicators", "trends"),
    "sure": ("confidence",),
    "need": ("needs", "urgency"),
    "did": ("responses", "effects"),
    "place": ("place",),
    "handling": ("handling",),
}


def post(voice: Speech, address: str, typed: Typed) -> None:
    """Keeps the note, sends what waits, and says what came of it; ends with the contract's exit code."""
    with desk(voice, address) as here:
        now = here.now()
        draft, words = _composed(here, typed, now)
        outbox = Outbox(here.server, here.login.username)
        urgent = is_urgent(draft, words.lists)
        kept = outbox.made(draft, now, urgent=urgent)
        try:
            name = outbox.put(kept)
        except OSError as error:
            outbox, name = Unkept(here.server, outbox.author, kept), UNKEPT
            went = _from_memory(voice, here, outbox, error)
        else:
            went = _send(here, outbox)
        reader = here.reader(words.lists, draft.establishment)
        if words.unchecked and not voice.as_json:
            voice.warn(
                f"Taken as written, there are no code lists here to check it against: {', '.join(words.unchecked)}."
            )
        waiting.tell_round(voice, went, reader, but=name)
        _tell_own(voice, here, outbox, went, name, kept, reader, urgent=urgent)
        waiting.send_others(voice, here.server, reader)
        if lists_are_stale(here.server, language()):
            lists_for(here.api, language())


def _send(here: Desk, outbox: Outbox) -> Round:
    try:
        return send_all(outbox, here.api, wait_s=_WAIT_FOR_OTHERS_S)
    except KeyboardInterrupt:
        return Round(outbox.author, stopped=CannotReach(here.server.url, "you stopped it"))


def _from_memory(voice: Speech, here: Desk, outbox: Unkept, disk: OSError) -> Round:
    """Sends what the disk would not have; where that comes to nothing either, it says so and raises what the disk
    said."""
    went = _send(here, outbox)
    if outbox.recorded:
        voice.warn(f"This machine's disk does not keep notes ({disk.strerror or disk}): it was sent from memory.")
    elif not went.refused:
        sent = "it is not known whether it was sent" if outbox.may_be_recorded else "NOT sent"
        voice.warn(Text(f" This note is NOT kept, and {sent}: use paper and the radio. ", style="bold reverse"))
        voice.warn(str(went.stopped))
        raise disk
    return went


def show_words(voice: Speech, address: str, option: str) -> None:
    """Shows the words that an option knows."""
    names = _LISTS.get(option.lstrip("-"))
    if names is None:
        raise Unclear(f"--words {option!r}: choose one of {', '.join(_LISTS)}.")
    with desk(voice, address) as here:
        lists = lists_for(here.api, language())
        if voice.as_json:
            voice.emit([lists[name].model_dump() for name in names if name in lists])
            return
        for name in names:
            if name in lists:
                voice.say(Text(lists[name].title, style="bold"))
                voice.say(choices(one for one in lists[name].items if one.active))


def _composed(here: Desk, typed: Typed, now: datetime) -> tuple[NoteDraft, Vocabulary]:
    zone = here.zone(typed.establishment[0] if typed.establishment else None)
    words = Vocabulary(here.lists())
    try:
        return compose(typed, words, here.login.me, now, zone), words
    except UnknownWord:
        if not lists_are_stale(here.server, language()):
            raise
    # The word may be newer than the lists kept here.
    words = Vocabulary(lists_for(here.api, language()))
    return compose(typed, words, here.login.me, now, zone), words


def is_urgent(draft: NoteDraft, lists: dict[str, CodeList]) -> bool:
    """Whether somebody must act at once: by the author's word, by a need, or because a code forces it."""
    signs = (entry(lists, "indicators", one.code) for one in draft.indicators)
    forced = any(sign is not None and sign.forces == "ACT_NOW" for sign in signs)
    return forced or draft.attention == "ACT_NOW" or any(need.urgency == "NOW" for need in draft.needs)


def _tell_own(
    voice: Speech,
    here: Desk,
    outbox: Outbox,
    went: Round,
    name: str,
    kept: Kept,
    reader: Reader,
    *,
    urgent: bool,
) -> None:
    """Says what came of the note that was just typed."""
    for sent in went.sent:
        if sent.name == name:
            with _recorded_all_the_same(voice):
                _tell_sent(voice, here, sent, reader, urgent=urgent)
            return None
    for refused in went.refused:
        if refused.name == name:
            return _tell_refused(voice, outbox, refused)
    if name in outbox.names():
        why = went.stopped or CannotReach(here.server.url, "it was not its turn yet")
        return _tell_kept(voice, outbox, kept, why, urgent=urgent)
    # Another command of the same officer had the right to send, and took this one along.
    if any(aside.name == name for aside in outbox.refused()):
        voice.warn("Refused, when another command sent it. See why: handover unsent")
        raise typer.Exit(REFUSED)
    if voice.as_json:
        voice.emit({"sent": True, "note": None})
    else:
        voice.say("Recorded; another command that was sending took it along.")
    return None


@contextmanager
def _recorded_all_the_same(voice: Speech) -> Iterator[None]:
    """Where what came of a note cannot be written, it is not to be taken for refused, and written again."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or it would be tried again at the end
        voice.warn(f"The note is recorded. What came of it could not be written here: {error.strerror or error}.")


def _tell_sent(voice: Speech, here: Desk, sent: Sent, reader: Reader, *, urgent: bool) -> None:
    note = sent.note
    if voice.as_json:
        voice.emit(note)
        return
    who = note["inmate"] if note.get("inmate") else "the wing"
    # It is recorded: whoever is tired of waiting for the name must still be told so, or it would be written twice.
    with suppress(KeyboardInterrupt):
        who = name_of(here.api, note["inmate"]) if note.get("inmate") else who
    when = [f"happened {reader.time(note.get('occurred_at'))}"] if sent.kept.time_claimed else []
    parts = [f"Recorded: {who}, unit {note.get('unit')}", *when, *_what_follows(note, reader)]
    voice.say("; ".join(parts).rstrip(".") + f". Note {note.get('id')}")
    if phrases.opens_incident(note):
        until = reader.time(note.get("attention_until"))
        over = 'handover attention incident --close "why"'
        voice.say(f"The incident goes on until {until}, or until somebody says that it is over: {over}")
    if note.get("late") and not note.get("late_reason"):
        voice.warn("It is a late entry, over an hour after it happened. Next time say why: --late-reason TEXT")
    off = -skew.behind(here.server)
    if off > _CLOCK_IS_OFF:
        voice.warn(
            f"This machine's clock is {off.total_seconds() / 60:.0f} min ahead of the server's. Have it set right."
        )
    if urgent:
        voice.warn(Text("Tell somebody aloud as well: a note alone is not enough.", style="bold"))


def _what_follows(note: dict[str, Any], reader: Reader) -> list[str]:
    state = ", ".join(phrases.state(note, reader))
    look_out = phrases.attention(note, reader)
    needs = [t("need: {need}", need=phrases.need(one, reader)) for one in note.get("needs") or []]
    did = phrases.responses(note, reader)
    done = t("did: {did}", did=", ".join(did)) if did else None
    return [part for part in (state, look_out, *needs, done, phrases.handling(note, reader)) if part]


def _tell_refused(voice: Speech, outbox: Outbox, refused: Refused) -> None:
    if voice.as_json:
        tell(voice, refused.refusal)
    else:
        waiting.tell_refusal(voice, refused.refusal)
        kept = " What you wrote is kept: handover unsent" if refused.name in outbox.refused_names() else ""
        voice.warn(f"Nothing was recorded. Correct it and post it again.{kept}")
    raise typer.Exit(REFUSED)


def _tell_kept(voice: Speech, outbox: Outbox, kept: Kept, why: Trouble, *, urgent: bool) -> None:
    many = len(outbox.names())
    if voice.as_json:
        note = kept.draft.model_dump(mode="json", exclude_defaults=True)
        voice.emit({"kept": {"note": note, "key": kept.key}, "waiting": many, "why": str(why)})
    else:
        voice.warn(f"Kept here, not sent. {why}")
        then = "when the server has time again" if isinstance(why, ServerRefused) else "when the network is back"
        if isinstance(why, DiskFails):
            then = "when this machine's disk is well again"
        if isinstance(why, NotLoggedIn):
            then = f"once you have logged in (handover login {outbox.author})"
        voice.warn(
            f"It goes by itself {then}: with the next post, or while `handover watch` runs. "
            f"Do not write it again. {waiting.count(many)} here."
        )
    if urgent:
        voice.err.bell()
        voice.warn(Text(" ACT NOW — THIS HAS NOT REACHED ANYBODY. USE THE RADIO. ", style="bold reverse"))
    raise typer.Exit(NOT_REACHED if isinstance(why, ServerRefused) else exit_code(why))
