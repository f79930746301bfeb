"""The practice unit on the whole screen: five exercises, a reason for every answer, nothing kept or sent."""

from collections.abc import Hashable, Iterable, Iterator
from typing import ClassVar

from textual import events
from textual.widget import Widget

from handover.schemas.exercises import Exercise, exercises
from handover.schemas.notes import NoteDraft
from handover.terminal import tongue
from handover.terminal.screens import steps, trial
from handover.terminal.screens.frame import Frame
from handover.terminal.screens.hand import Hand
from handover.terminal.screens.lines import Lines, Row, Rows, row
from handover.terminal.tongue import later, t

LIST_KEYS = later("1-5 or Enter opens · Esc back to the unit")
TASK_KEYS = later("number or Enter: its reason · n next · b the one before · Esc all exercises")
NOTE_KEYS = later("w write it · b the one before · Esc all exercises")


class Learn(Frame):
    """The list of exercises; one of them, task by task; at the end of some a note to write."""

    KEYS = LIST_KEYS
    DO: ClassVar = {"escape": "away", "n": "onward", "b": "back", "w": "write"}

    def __init__(self) -> None:
        super().__init__()
        self._items = exercises(tongue.language()).items
        self._one: Exercise | None = None
        self._at = 0
        self._looked: list[int] = []
        """Answers whose reasons stand on the screen."""
        self._hand: Hand | None = None
        self._draft: NoteDraft | None = None

    def body(self) -> Iterable[Widget]:
        """That nothing counts, and the exercise."""
        yield Lines(id="practice")
        yield Rows(id="lesson")

    def opened(self) -> None:
        """The list."""
        self.query_one("#practice").styles.height = 1
        self.query_one("#practice").styles.text_style = "reverse"
        self.query_one("#practice", Lines).put([" " + t("PRACTICE UNIT: nothing here is kept or sent")])
        self._draw()

    def takes(self, event: events.Key) -> bool:
        """A number chooses."""
        if event.character and event.character in "123456789":
            self._choose(int(event.character) - 1)
            return True
        return super().takes(event)

    def chosen(self, key: Hashable) -> None:
        """So does Enter."""
        if isinstance(key, int):
            self._choose(key)

    def _choose(self, number: int) -> None:
        if self._one is None:
            if number < len(self._items):
                self._one, self._at, self._looked, self._hand, self._draft = self._items[number], 0, [], None, None
                self._draw(anew=True)
        elif self._at < len(self._one.tasks) and number < len(self._one.tasks[self._at].answers):
            if number not in self._looked:
                self._looked.append(number)
            self._draw(mark=number)

    def onward(self) -> None:
        """The next task, then the note, then the list."""
        self._go(1)

    def back(self) -> None:
        """The one before."""
        self._go(-1)

    def _go(self, step: int) -> None:
        if self._one is None:
            return
        self._at, self._looked = max(0, self._at + step), []
        if self._at >= len(self._one.tasks) + (self._one.note is not None):
            self._one = None
        self._draw(anew=True)

    def away(self) -> None:
        """To the list, and from there to the unit."""
        if self._one is None:
            self.dismiss(None)
        else:
            self._one = None
            self._draw(anew=True)

    def write(self) -> None:
        """The form."""
        if self._one is None or self._one.note is None or self._at < len(self._one.tasks):
            return
        self._hand = self._hand or trial.hand(self._one.note)
        self.over(trial.Trial(self._hand, self._one.note.beside), self._written)

    def _written(self, draft: NoteDraft | None) -> None:
        self._draft = draft or self._draft
        self._draw(anew=True)

    # --- what is shown -----------------------------------------------------------------------------------------------

    def _draw(self, *, anew: bool = False, mark: int | None = None) -> None:
        lesson = self.query_one(Rows)
        if anew:
            lesson.show([])  # from the top
        one = self._one
        if one is None:
            lesson.show(list(self._list()))
            self.keys(LIST_KEYS)
        elif self._at < len(one.tasks):
            lesson.show(list(self._question(one)), mark=mark)
            self.keys(TASK_KEYS)
        else:
            lesson.show(list(self._note(one)))
            self.keys(NOTE_KEYS)

    def _list(self) -> Iterator[Row]:
        yield row(t("Five short exercises. Every answer has its reason; look at several."))
        yield row("")
        for number, one in enumerate(self._items):
            yield row(f"  {number + 1}  {one.title}", number)

    def _question(self, one: Exercise) -> Iterator[Row]:
        task = one.tasks[self._at]
        yield row(f"{one.title} · {self._at + 1}/{len(one.tasks)}", style="bold")
        if self._at == 0:
            yield row(one.about)
        yield row("")
        yield row(f"  {task.says}")
        yield row("")
        yield row(task.asks, style="bold")
        for number, answer in enumerate(task.answers):
            yield row(f"  {number + 1}  {answer.says}", number)
            if number in self._looked:
                yield row(f"     {answer.because}")

    def _note(self, one: Exercise) -> Iterator[Row]:
        assert one.note is not None  # noqa: S101 - for the type checker: only come to with a note
        yield row(one.title, style="bold")
        yield row("")
        yield row(f"  {one.note.tells}")
        yield row("")
        if self._draft is None:
            yield row(t("w opens the form of every day. What you write on it goes nowhere."))
            return
        labels = {step.name: step.label for step in steps.STEPS} | {"responses": "what I did"}
        yield row(t("What can be said about it; w changes it, nothing was sent"), style="bold")
        for look in trial.looks(one.note, self._draft):
            yield row(f"  {t(labels[look.field])}: {look.because}")
