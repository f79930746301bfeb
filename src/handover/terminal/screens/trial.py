"""A note that is written to practise: the form of every day, its rules, and what can be said about each field. It is on
no disk and goes nowhere; when the exercise is left it is gone."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text

from handover import clock
from handover.client.drafts import NoteInHand
from handover.schemas.exercises import GIVEN, LEFT, Look, Writing
from handover.schemas.notes import NoteDraft
from handover.terminal.phrases import Reader
from handover.terminal.screens.beside import Beside
from handover.terminal.screens.hand import Hand
from handover.terminal.screens.lines import Lines
from handover.terminal.screens.writing import Write
from handover.terminal.speech import plain
from handover.terminal.tongue import later, t


@dataclass(slots=True)
class _Told(Beside):
    """What is known about somebody who does not exist."""

    told: tuple[str, ...] = ()

    def lines(self, reader: Reader) -> Iterator[str]:
        """As the exercise has it."""
        del reader
        yield from self.told


class Trial(Write):
    """The form; answers the note, or None."""

    KEYS = later("Enter next · Shift-Tab back · Del clear · Ctrl-S what can be said · Esc back")
    DO: ClassVar = {**Write.DO, "ctrl+x": "aside"}

    def __init__(self, hand: Hand, beside: tuple[str, ...]) -> None:
        super().__init__(hand)
        self._beside = _Told(fetched=True, told=beside)

    def opened(self) -> None:
        """The form; above it stands all the time that it does not count."""
        super().opened()
        title = t("PRACTICE: nothing here is kept or sent · {who}", who=self._hand.kept.about)
        self.query_one("#title", Lines).put([Text(plain(f" {title}"), style="bold reverse")])
        self.say("")

    def keep(self) -> None:
        """Nothing of it is kept."""
        self._dirty = False

    def finish(self, draft: NoteDraft) -> None:
        """It goes no further than the exercise."""
        self.dismiss(draft)

    def aside(self) -> None:
        """Back to what is to be written; what stands on the form stays there as long as the exercise does."""
        self.dismiss(None)

    async def _fetch(self) -> None:
        """What is known about somebody who does not exist came with the exercise."""


def hand(note: Writing) -> Hand:
    """The form, empty, about the person of the exercise."""
    kept = NoteInHand(author="", begun_at=clock.now(), about=f"{note.name} ({note.cell})")
    return Hand(kept, {"inmate": note.inmate})


def looks(note: Writing, draft: NoteDraft) -> list[Look]:
    """What there is to say about a note, in the order of the form."""
    there = {name: {*codes, GIVEN} if codes else {LEFT} for name, codes in _standing(draft).items()}
    return [one for one in note.looks if there[one.field] & set(one.when)]


def _standing(draft: NoteDraft) -> dict[str, list[str]]:
    """What stands in each field, as codes."""
    mood, needs = draft.mood, draft.needs
    step = None if mood is None else mood.not_observed or str(mood.valence)
    of_needs = [
        "PROMISED" if any(one.promised for one in needs) else "NOT_PROMISED",
        "DUE" if any(one.due_at for one in needs) else "NOT_DUE",
    ]
    return {
        "mood": [step] if step else [],
        "needs": [one.code for one in needs] + of_needs if needs else [],
        "responses": [one.code for one in draft.responses],
        **{
            name: [str(value)] if (value := getattr(draft, name)) else []
            for name in ("change", "basis", "fact", "opinion", "attention", "if_then")
        },
    }
