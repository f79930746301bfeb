"""A finished note: on this machine's disk first, then sent; what came of it is said wherever one is by then."""

import asyncio
from contextlib import suppress
from functools import partial

from handover.client.drafts import Drafts
from handover.client.outbox import Kept, Outbox, Unkept
from handover.client.refusals import CannotReach, Trouble
from handover.client.resources import Document
from handover.client.sending import Refused, Round, Sent, send_all
from handover.schemas.notes import NoteDraft
from handover.terminal import phrases
from handover.terminal.compose import option_for
from handover.terminal.posting import is_urgent
from handover.terminal.screens.base import Base
from handover.terminal.screens.frame import Frame
from handover.terminal.screens.hand import FIELD_OF, Hand
from handover.terminal.screens.radio import Radio
from handover.terminal.tongue import plural, t
from handover.terminal.troubles import in_words

_WAIT_FOR_OTHERS_S = 10


def made(base: Base, draft: NoteDraft) -> Unkept:
    """A finished note, kept nowhere yet."""
    outbox = base.outbox
    kept = outbox.made(draft, base.station.desk.now(), urgent=is_urgent(draft, dict(base.station.lists)))
    return Unkept(outbox.server, outbox.author, kept)


def finish(base: Base, hand: Hand, kept: Kept) -> None:
    """Keeps the note; from here on it goes by itself. Raises OSError where the disk will not have it."""
    name = base.outbox.put(kept)
    with suppress(OSError):  # the note is kept; a draft too many is no harm
        base.drafts.drop(hand.kept.id)
    base.beside(_send(base, hand, kept, name), "sending")


def from_memory(base: Base, unkept: Unkept) -> "asyncio.Future[Round]":
    """Sends what the disk will not have, from now on; the program stays until it is known what came of it."""
    asked = base.asks(partial(send_all, unkept, base.station.desk.api, wait_s=0))
    base.going.add(asked)
    asked.add_done_callback(base.going.discard)
    return asked


async def _send(base: Base, hand: Hand, kept: Kept, name: str) -> None:
    here, outbox, drafts = base.station.desk, base.outbox, base.drafts
    try:
        went = await base.reach(partial(send_all, outbox, here.api, wait_s=_WAIT_FOR_OTHERS_S))
    except Trouble as trouble:
        went = Round(outbox.author, stopped=trouble)
    if here is not base.station.here:
        return  # whoever wrote it has gone; it is kept, and goes
    refused = next((one for one in went.refused if one.name == name), None)
    sent = next((one for one in went.sent if one.name == name), None)
    if refused is not None:
        _say(base, _comes_back(hand, refused, drafts, outbox), loud=True)
    elif sent is not None or name not in outbox.names():
        say_recorded(base, kept, sent)
    else:
        why = went.stopped or CannotReach(outbox.server.url, "it was not its turn yet")
        _say_kept(base, kept, why)
    base.changed()


def _comes_back(hand: Hand, refused: Refused, drafts: Drafts, outbox: Outbox) -> str:
    """A refused note is a draft again; where the disk has no room for that, it stays where it was set aside."""
    hand.typed["_faults"] = by_field(refused)
    try:
        drafts.keep(hand.as_kept())
    except OSError:
        return told_refused(1, refused)
    with suppress(OSError):  # it is there twice, and counted twice
        outbox.drop_refused(refused.name)
    return t("REFUSED, and back among your drafts (w): {title}", title=t(refused.refusal.title))


def told_refused(many: int, first: Refused) -> str:
    """Notes that were set aside: where they are, and why the first is."""
    return plural(
        "{n} note that waited was refused. handover unsent says why: {why}",
        "{n} notes that waited were refused. handover unsent says why: {why}",
        many,
        why=in_words(first.refusal),
    )


def say_recorded(base: Base, kept: Kept, sent: Sent | None) -> None:
    """Says that a note is recorded, and as the server has it."""
    aloud = " " + t("Tell somebody aloud as well.") if kept.urgent else ""
    _say(base, (_told(base, sent) if sent else f"{t('Recorded')}.") + aloud)


def _say_kept(base: Base, kept: Kept, why: Trouble) -> None:
    many = base.not_sent()
    if kept.urgent:
        base.push_screen(Radio(many, in_words(why)))
    else:
        _say(
            base,
            t(
                "Kept here, not sent: {n}. It goes by itself when the network is back; do not write it again.",
                n=many,
            ),
        )


def _told(base: Base, sent: Sent) -> str:
    note: Document = sent.note
    number = note.get("inmate")
    who = base.station.names().get(str(number), str(number)) if number else t("the wing")
    reader = base.station.reader
    parts = [", ".join(phrases.state(note, reader)), phrases.attention(note, reader) or ""]
    parts += [t("need: {need}", need=phrases.need(one, reader)) for one in note.get("needs") or []]
    late = " " + t("LATE ENTRY.") if note.get("late") else ""
    return "; ".join([t("Recorded: {who}", who=who), *(part for part in parts if part)]).rstrip(".") + "." + late


def by_field(refused: Refused) -> dict[str, str]:
    """What the server says against a note, by the field of the form it is about."""
    errors = refused.refusal.errors
    if not errors:
        return {"fact": in_words(refused.refusal)}
    found = {}
    for error in errors:
        name = error.pointer.strip("/").split("/")[0]
        found[FIELD_OF.get(name, name) or "fact"] = f"{option_for(error.pointer)}: {error.detail}"
    return found


def _say(base: Base, words: str, *, loud: bool = False) -> None:
    screen = base.screen
    if isinstance(screen, Frame):
        screen.say(words, loud=loud)
