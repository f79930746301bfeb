"""Correcting and taking back a note. A correction begins with the words that were written: there they are no copy, but
what is put right."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

from rich.text import Text

from handover.client.drafts import NoteInHand
from handover.client.resources import Document, create
from handover.schemas.notes import CorrectionDraft, NoteDraft
from handover.terminal.desk import Desk
from handover.terminal.screens.hand import Hand
from handover.terminal.screens.lines import Lines
from handover.terminal.screens.writing import Write
from handover.terminal.speech import plain
from handover.terminal.tongue import t
from handover.terminal.words import Vocabulary, handy

CORRECTS = "_corrects"
"""In a draft: the note it corrects, and why."""
_AS_IT_WAS = ("inmate", "basis", "fact", "opinion", "change", "if_then", "place")
_USUAL = {"handling": "UNIT", "attention": "ROUTINE"}
RETRACTIONS = ("WRONG_PERSON", "NOT_TRUE", "DUPLICATE", "OTHER")


def writing(hand: Hand) -> Write:
    """The form for what was begun: a new note, or a correction."""
    return (Correct if hand.typed.get(CORRECTS) else Write)(hand)


def begun(note: Document, reason: str, here: Desk, about: str, words: Vocabulary) -> Hand:
    """A correction in hand."""
    typed = {name: value for name, value in as_typed(note, words, here.now()).items() if value}
    typed[CORRECTS] = {"note": note["id"], "reason": reason}
    kept = NoteInHand(author=here.login.username, begun_at=here.now(), about=about, typed=typed)
    return Hand(kept, dict(typed))


def as_typed(note: Document, words: Vocabulary, now: datetime) -> dict[str, Any]:
    """What its author would have to type to write it again."""
    typed = {name: note[name] for name in _AS_IT_WAS}
    typed |= {name: note[name] for name, usual in _USUAL.items() if note[name] != usual}
    mood = {name: value for name, value in (note["mood"] or {}).items() if value is not None}
    if mood.get("source") == "OBSERVED":
        del mood["source"]
    return {
        **typed,
        "mood": mood,
        "sure": note["confidence"],
        "opening": note["opening"] or None,
        "needs": [_need(one, words, now) for one in note["needs"]],
        "did": [_pair(words, "responses", one["code"], "=", "effects", one["effect"]) for one in note["responses"]],
        "signs": [_pair(words, "indicators", one["code"], ":", "trends", one["trend"]) for one in note["indicators"]],
    }


def _need(one: Document, words: Vocabulary, now: datetime) -> str:
    return "".join(_need_parts(one, words, now))


def _need_parts(one: Document, words: Vocabulary, now: datetime) -> Iterator[str]:
    yield _word(words, "needs", one["code"])
    if one["promised"]:
        yield "!"
    if one["urgency"] != "ROUTINE":
        yield f"!{_word(words, 'urgency', one['urgency'])}"
    if one["due_at"] and (due := datetime.fromisoformat(one["due_at"])) > now:
        yield f"@{due.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    if one["detail"]:
        yield f":{one['detail']}"


def _pair(words: Vocabulary, name: str, code: str, sign: str, then: str, second: str | None) -> str:
    return _word(words, name, code) + (f"{sign}{_word(words, then, second)}" if second else "")


def _word(words: Vocabulary, name: str, code: str) -> str:
    return next((handy(one) for one in words.entries(name) if one.code == code), code.lower())


class Correct(Write):
    """The form, about a note that stands already. It goes at once or not at all: it waits here among the drafts until
    the server has it, for somebody may have corrected the same note meanwhile."""

    def opened(self) -> None:
        """As for a note, and why it is corrected."""
        super().opened()
        about, number = self._hand.kept.about, self._hand.inmate
        title = t("CORRECT about {whom}", whom=about + (f"  {number}" if number else ""))
        self.query_one("#title", Lines).put([Text(plain(f" {title}"), style="bold")])
        if not self._faults:
            self.say(
                t("As it was written: change what is wrong. Why: {reason}", reason=self._typed[CORRECTS]["reason"])
            )

    def finish(self, draft: NoteDraft) -> None:
        """Sends it."""
        what = self._typed[CORRECTS]
        # Said, also where nothing was chosen: left out, either would stay as it was.
        draft = draft.model_copy(update={"attention": draft.attention, "handling": draft.handling})
        self._dirty = True
        self.keep()
        self.say(t("One moment …"))
        self.once(self._correct(what["note"], CorrectionDraft(reason=what["reason"], note=draft)))

    def _on_its_way(self, key: str) -> bool:
        """What is changed while it goes would not go with it."""
        return super()._on_its_way(key) or self.does_something

    async def _correct(self, note: str, draft: CorrectionDraft) -> None:
        api, drafts = self.station.desk.api, self.base.drafts
        if await self.ask(partial(create, api, f"/v1/notes/{note}/corrections", draft)) is not None:
            self._over = True
            with suppress(OSError):
                drafts.drop(self._hand.kept.id)
            self.ends("corrected")
