"""What becomes of what is typed on a form: it is kept as it is typed, sent by way of the disk, or from memory where the
disk will not have it; put aside, or thrown away."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from handover.client.drafts import Drafts
from handover.client.outbox import Kept, Unkept
from handover.client.sending import Round
from handover.schemas.notes import NoteDraft
from handover.terminal.desk import Desk
from handover.terminal.screens import sending
from handover.terminal.screens.frame import Frame
from handover.terminal.screens.hand import Hand
from handover.terminal.tongue import later, t

SAVE_AFTER_S = 0.2
NOTE = "_note"
"""In a draft: the note that was made of it and is perhaps recorded. It goes as it is, or it would be two."""
_PERHAPS = later("NOT kept, and perhaps NOT sent: use the radio. Ctrl-S tries it again.")


class Noting(Frame):
    """A form, and the note in hand."""

    def __init__(self, hand: Hand) -> None:
        super().__init__()
        self._hand = hand
        self._dirty = self._binning = self._over = self._under_way = False
        self._note: Unkept | None = None
        self._made_of: dict[str, Any] = {}
        """What was typed when the note was made: sent once more as it is, it is the same note."""
        self._came_of: Callable[[], None] | None = None
        """Tells what came of a note that went from memory, until that is told."""

    @property
    def _typed(self) -> dict[str, Any]:
        return self._hand.typed

    def comes(self) -> None:
        """The form is there to be typed on again."""
        raise NotImplementedError  # what a form looks like is its own matter: `Write`

    def finds_fault(self, by_field: dict[str, str]) -> None:
        """What is typed is no note yet, or none that the server takes."""
        raise NotImplementedError  # the same

    def _alters(self) -> None:
        if not self._dirty:
            self._dirty = True
            self.set_timer(SAVE_AFTER_S, self.keep)

    def keep(self) -> None:
        """Puts it onto the disk as it stands."""
        if self._dirty and not self._over and self.station.here is not None:
            self._dirty = False
            try:
                self.base.drafts.keep(self._hand.as_kept())
            except OSError as error:
                self.say(
                    t(
                        "This machine cannot keep what you type: {why}. Send it, or use paper.",
                        why=error.strerror,
                    ),
                    loud=True,
                )

    # --- sent --------------------------------------------------------------------------------------------------------

    @property
    def perhaps(self) -> bool:
        """Whether the note is perhaps recorded as it stands: nothing is changed then."""
        return self._note is not None and self._note.may_be_recorded

    def remembers(self) -> bool:
        """Whether a note was made of this before, and is perhaps recorded."""
        kept = self._typed.get(NOTE)
        if kept is not None:
            outbox = self.base.outbox
            self._note, self._made_of = Unkept(outbox.server, outbox.author, Kept.model_validate(kept)), self._said()
            self.say(t(_PERHAPS), loud=True)
        return kept is not None

    def finish(self, draft: NoteDraft) -> None:
        """Keeps the note for sending; from here on it goes by itself."""
        if self._note is None or self._made_of != self._said():
            self._note, self._made_of = sending.made(self.base, draft), self._said()
        self.goes(self._note)

    def goes(self, note: Unkept) -> None:
        """By way of the disk; where that will not have it, from memory."""
        try:
            sending.finish(self.base, self._hand, note.kept)
        except OSError as error:
            self._goes_from_memory(note, error)
        else:
            self._typed.pop(NOTE, None)  # the outbox knows of it now; where it is refused, its words can be changed
            self._over = True
            self.dismiss("sent")

    def _goes_from_memory(self, note: Unkept, disk: OSError) -> None:
        perhaps = self.perhaps
        self._stands_for(note.kept.model_copy(update={"attempted": True}))
        # At once: whoever leaves before it is known what comes of it must not believe that it went.
        self.say(t(_PERHAPS) if perhaps else _neither(disk), loud=True)
        asked = sending.from_memory(self.base, note)
        self._under_way = True
        self.set_focus(None)  # what is pasted now would be gone with the form
        # Not for whoever is here: it may be locked before this is begun.
        self.base.run_worker(self._comes_of(asked, note, disk, self.station.desk, self.base.drafts), group="sending")

    async def _comes_of(
        self, asked: "asyncio.Future[Round]", note: Unkept, disk: OSError, here: Desk, drafts: Drafts
    ) -> None:
        went = await asyncio.shield(asked)
        self._under_way, self._over = False, note.recorded
        if not note.recorded:
            self._came_of = partial(self._tells, went, note, disk)
            self.changed()
            return
        self._goes_from_disk(drafts)
        there = here is self.station.here  # else who is coming back still has the lock before him
        self.ends(None if there else "recorded")
        if there:
            sending.say_recorded(self.base, note.kept, next(iter(went.sent), None))
            self.base.changed()

    def changed(self) -> None:
        """What came of a note while it was locked is told its author, as soon as he or she is there."""
        super().changed()
        here, tells = self.station.here, self._came_of
        if tells is not None and self.stands and here is not None and here.login.username == self._hand.kept.author:
            self._came_of = None
            tells()

    def _tells(self, went: Round, note: Unkept, disk: OSError) -> None:
        self._stands_for(note.kept if note.may_be_recorded else None)
        if went.refused:
            self.finds_fault(sending.by_field(went.refused[0]))
        elif note.may_be_recorded:
            self.say(t(_PERHAPS), loud=True)
        else:
            self.comes()
            self.say(_neither(disk), loud=True)

    def _said(self) -> dict[str, Any]:
        return {name: value for name, value in self._typed.items() if name != NOTE}

    def _stands_for(self, kept: Kept | None) -> None:
        """Puts down with the draft which note it is perhaps recorded as."""
        self._typed.pop(NOTE, None)
        if kept is not None:
            self._typed[NOTE] = kept.model_dump(mode="json")
        self._dirty = True
        self.keep()

    # --- put aside ---------------------------------------------------------------------------------------------------

    def aside(self) -> None:
        """Leaves it for later."""
        self.keep()
        if not self._hand.begun:
            self._goes_from_disk(self.base.drafts)
        self._over = True
        self.dismiss("aside" if self._hand.begun else None)

    def bin(self) -> None:
        """Throws it away, on the second time of asking."""
        if self._hand.begun and not self._binning:
            self._binning = True
            self.say(t("Throw it away? Ctrl-X once more."), loud=True)
            return
        self._over = True
        self._goes_from_disk(self.base.drafts)
        self.dismiss(None)

    def _goes_from_disk(self, drafts: Drafts) -> None:
        with suppress(OSError):  # a draft too many is no harm: it is counted, and knows which note it is
            drafts.drop(self._hand.kept.id)


def _neither(disk: OSError) -> str:
    return t("NOT kept and NOT sent: {why}. Use paper and the radio.", why=disk.strerror)
