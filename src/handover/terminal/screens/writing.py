"""Writing a note: one step after another, each a key or a few letters; whatever is typed is kept as it is typed."""

import time
from collections.abc import Iterable
from datetime import datetime, tzinfo
from functools import partial
from textwrap import wrap
from typing import Any, ClassVar

from rich.text import Text
from textual import events, on
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Input, TextArea

from handover.client.resources import Document
from handover.terminal import people
from handover.terminal.screens import form, options, steps, straying
from handover.terminal.screens.beside import Beside, fetch
from handover.terminal.screens.hand import Faults, Hand, entry, without_option
from handover.terminal.screens.lines import Lines
from handover.terminal.screens.noting import Noting
from handover.terminal.screens.steps import KEYS, LINE, MOOD, PICK, TEXT, WORDS, YES, Step
from handover.terminal.speech import plain
from handover.terminal.tongue import later, t
from handover.terminal.unclear import Unclear
from handover.terminal.words import Vocabulary

SENTENCE_S = 1.0
"""How fast letters follow each other in a sentence."""


class Write(Noting):
    """One note."""

    KEYS = later("Enter next · Shift-Tab back · Del clear · Ctrl-S SEND · Esc aside · Ctrl-X bin")
    DO: ClassVar = {
        "ctrl+s": "send",
        "f2": "send",
        "ctrl+x": "bin",
        "escape": "aside",
        "enter": "onward",
        "tab": "onward",
        "shift+tab": "back",
    }
    CHOOSING: ClassVar = {
        "up": "up",
        "down": "down",
        "left": "left",
        "right": "right",
        "delete": "clear",
        "backspace": "take_back",
    }
    """Keys where something is chosen; where something is typed they belong to the text."""

    def __init__(self, hand: Hand) -> None:
        super().__init__(hand)
        self._steps = steps.steps_for(hand.inmate)
        self._at = 0
        self._mark: int | None = None
        self._grid = (2, -1)
        self._beside = Beside()
        self._faults: dict[str, str] = dict(hand.typed.pop("_faults", None) or {})
        self._stray, self._strayed_at = "", 0.0
        self._unread = ("", "")

    def body(self) -> Iterable[Widget]:
        """Above the fields and what is known, below what can be chosen or typed."""
        yield Lines(id="title")
        with Horizontal(id="upper"):
            yield Lines(id="fields")
            yield Lines(id="beside")
        yield Lines(id="question")
        with Vertical(id="lower"):
            yield TextArea(id="text", soft_wrap=True, highlight_cursor_line=False, compact=True)
            yield Input(id="line", select_on_focus=False)
            yield Lines(id="options")

    def opened(self) -> None:
        """The first step; what is known is fetched beside it."""
        for id_, size in (("#title", 1), ("#question", 1), ("#upper", form.HEIGHT), ("#lower", options.HEIGHT)):
            self.query_one(id_).styles.height = size
        self.query_one("#fields").styles.width = form.WIDTH
        self.query_one("#fields").styles.height = self.query_one("#beside").styles.height = form.HEIGHT
        self.query_one("#text").styles.height = 4
        self.query_one("#text", TextArea).cursor_blink = self.query_one("#line", Input).cursor_blink = False
        number = self._hand.inmate
        about = self._hand.kept.about + (f"  {number}" if number else "")
        self.query_one("#title", Lines).put([Text(plain(" " + t("WRITE about {whom}", whom=about)), style="bold")])
        if self._faults:
            self._at = self._number_of(next(iter(self._faults)))
            self.say(f"{self._label(self._at)}: {next(iter(self._faults.values()))}", loud=True)
        elif self._hand.begun:
            begun = self.station.reader.time(self._hand.kept.begun_at)
            self.say(t("Begun {begun}. If it happened then, say so under “when”.", begun=begun))
        self.comes()
        if self.remembers():
            self.set_focus(None)

    def on_screen_resume(self) -> None:
        """What is known beside the form; a lock may have stood before it as it was asked for."""
        if self.station.here is not None and not self._beside.fetched:  # nobody: a lock has taken a call off the form
            self.work(self._fetch())

    @property
    def _step(self) -> Step:
        return self._steps[self._at]

    @property
    def _words(self) -> Vocabulary:
        return Vocabulary(dict(self.station.lists))

    # --- going from step to step -------------------------------------------------------------------------------------

    def onward(self) -> None:
        """To the next field."""
        self.go(1)

    def back(self) -> None:
        """To the one before."""
        self.go(-1)

    def go(self, step: int) -> None:
        """On, or back. What is marked or has been typed counts."""
        if not self._leaves(step):
            return
        at = self._at + step
        if 0 <= at < len(self._steps) and self._steps[at].name == "sure" and not self._typed.get("opinion"):
            at += step
        if at >= len(self._steps):
            self.say(t("That was the last field. Ctrl-S sends it."))
            at = len(self._steps) - 1
        self._at = max(0, at)
        self.comes()

    def _leaves(self, step: int) -> bool:
        """Takes what stands in the step; False where it stays, as after a need that was added."""
        kind = self._step.kind
        if kind == WORDS and step > 0:
            line = self.query_one("#line", Input)
            if line.value.strip():
                self._adds(line)
                return False
        elif kind == PICK and step > 0 and self._mark is not None:
            found = steps.entries(self._step, self._words)
            self._set(found[self._mark].code)
        elif kind == MOOD and step > 0 and self._grid[1] >= 0:
            own = (self._typed.get("mood") or {}).get("source")
            self._set({"valence": self._grid[0] - 2, "energy": self._grid[1], **({"source": own} if own else {})})
        return True

    def _adds(self, line: Input) -> None:
        """A word of a list; the letters may be the beginning of one."""
        typed, found = line.value.strip(), steps.fitting(self._step, self._words, line.value)
        if found and not any(typed.casefold() == word for word, _ in found) and not typed.endswith(("!", "=", ":")):
            typed = found[0][0]
        typed = steps.whole(self._step, self._words, typed)
        try:
            entry(self._step.name, typed, self._words, self._now(), self._zone())
        except Unclear as unclear:
            self._unread = (line.value, without_option(str(unclear)))
            self._draw()
            self._say_fault(self._unread[1])
            return
        line.value = ""
        self._typed.pop(_half(self._step.name), None)
        self._set([*(self._typed.get(self._step.name) or []), typed])
        self.say(t("{typed}. Another one, or Enter to go on.", typed=typed))

    def _takes_out(self) -> None:
        """The last that was added."""
        *before, last = self._typed.get(self._step.name) or [None]
        if last is not None:
            self._set(before)
            self.say(t("Taken out: {typed}", typed=last))

    def comes(self) -> None:
        """Shows the step, to be typed on."""
        self._mark, self._binning, self._stray = None, False, ""
        if self._step.kind == MOOD:
            self._grid = (2 + ((self._typed.get("mood") or {}).get("valence") or 0), -1)
        text, line = self.query_one("#text", TextArea), self.query_one("#line", Input)
        kind = self._step.kind
        text.display, line.display = kind == TEXT, kind in (LINE, WORDS)
        self.query_one("#options").styles.height = options.HEIGHT - (4 if kind == TEXT else 1 if line.display else 0)
        if kind == TEXT:
            text.text = str(self._typed.get(self._step.name) or "")
            text.move_cursor(text.document.end)
            self.set_focus(text)
        elif line.display:
            name = _half(self._step.name) if kind == WORDS else self._step.name
            line.value = str(self._typed.get(name) or "")
            self.set_focus(line)
        else:
            self.set_focus(None)
        self._draw()

    # --- keys in a step that is chosen from --------------------------------------------------------------------------

    def takes(self, event: events.Key) -> bool:
        """Where something is chosen, a digit or letter chooses it."""
        if self._on_its_way(event.key):
            return True
        if self.DO.get(event.key) != "bin":
            self._binning = False  # whoever goes on with it is asked again
        empty = self._step.kind == WORDS and not self.query_one("#line", Input).value
        if empty and event.key == "delete":  # not Backspace: held to clear the line, it would go on into what was added
            self._takes_out()
            return True
        if super().takes(event):
            return True
        if self._step.kind in straying.TYPED:
            if self._step.kind == LINE and event.key in ("up", "down"):
                self.go(-1 if event.key == "up" else 1)
                return True
            return False
        if way := self.CHOOSING.get(event.key):
            getattr(self, way)() if way in ("clear", "take_back") else self.move(way)
        elif event.character is not None and event.is_printable:
            letter = event.character
            sentence = bool(self._stray) and letter.isalpha() and time.monotonic() - self._strayed_at < SENTENCE_S
            self._stray = "" if not sentence and self._chooses(letter.lower()) else self._strays(letter)
        return True

    def pasted(self, text: str) -> None:
        """Where something is chosen, it is a sentence."""
        if self._on_its_way(""):
            return
        self._binning = False
        if self._step.kind in straying.TYPED:
            super().pasted(text)
        elif words := " ".join(text.split()):
            self._stray = self._strays(words)

    def _on_its_way(self, key: str) -> bool:
        """Whether the note is, or is perhaps recorded as it stands: then nothing is changed, or it would be two."""
        return self._under_way or (self.perhaps and self.DO.get(key) not in ("send", "bin"))

    def _chooses(self, key: str) -> bool:
        """Whether the key chooses something here."""
        kind, before = self._step.kind, self._typed.get("mood") or {}
        if kind == PICK:
            found = steps.entries(self._step, self._words)
            if key not in KEYS[: len(found)]:
                return False
            self._set(found[KEYS.index(key)].code)
            self._mark = None
        elif kind == YES:
            if key not in "yn":
                return False
            self._set(True if key == "y" else None)
        else:
            mood, whole = straying.mood(before, key)
            if mood is None:
                return False
            if key.isdigit() and not whole:
                self._grid = (int(key) - 1, -1)
            self._set(mood)
            if not whole:
                return True
        self.go(1)
        return True

    def _strays(self, letter: str) -> str:
        """What chooses nothing here: one letter waits, and that is said; a second makes it a sentence, which goes on
        below. Answers what waits."""
        words, self._strayed_at = self._stray + letter, time.monotonic()
        onward = straying.typed_next(self._steps, self._at)
        if onward is None or len(words) < 2:
            self.say(straying.told(self._step, None if onward is None else self._steps[onward], self._words), loud=True)
            return words
        self._at = onward
        if self._step.kind != WORDS:
            self._set(straying.joined(self._typed.get(self._step.name), words))
        self.comes()
        if self._step.kind == WORDS:
            self.query_one("#line", Input).insert_text_at_cursor(words)
            self.edited()
        here = t("This is “{field}” now. Shift-Tab goes back to what is chosen.", field=self._label(onward))
        self.say(here, loud=True)
        return ""

    def move(self, way: str) -> None:
        """Moves the mark by the arrow keys."""
        step = -1 if way in ("up", "left") else 1
        if self._step.kind == MOOD:
            y, x = self._grid
            self._grid = (min(4, max(0, y + step)), x) if way in ("up", "down") else (y, min(4, max(0, x + step)))
        elif self._step.kind == PICK:
            many = len(steps.entries(self._step, self._words))
            self._mark = (0 if step > 0 else many - 1) if self._mark is None else (self._mark + step) % many
        elif way in ("up", "down"):
            self.go(step)
            return
        self._draw()

    def clear(self) -> None:
        """Takes out what stands in the field."""
        self._set(None)

    def take_back(self) -> None:
        """Takes out the letter that chose nothing, else what stands in the field."""
        if self._stray:
            self._stray = ""
            self.say("")
        else:
            self.clear()

    def edited(self) -> None:
        """What stands in the field now."""
        kind, name = self._step.kind, self._step.name
        text = self.query_one("#text", TextArea).text if kind == TEXT else self.query_one("#line", Input).value
        name = _half(name) if kind == WORDS else name
        if (text or None) != (self._typed.get(name) or None):
            self._set(text or None, name)

    @on(TextArea.Changed)
    @on(Input.Changed)
    def _altered(self) -> None:
        if self._step.kind in straying.TYPED:
            self.edited()

    def _set(self, value: Any, name: str = "") -> None:
        self._typed[name or self._step.name] = value
        self._faults.pop(self._step.name, None)
        self._alters()
        self._draw()

    # --- what becomes of it ------------------------------------------------------------------------------------------

    def send(self) -> None:
        """Sends it, if it is a note."""
        if self._note is not None and self.perhaps:
            self.goes(self._note)  # what it says is not read anew: it may be late for that by now
            return
        begun = [n for n, one in enumerate(self._steps) if n != self._at and self._typed.get(_half(one.name))]
        for number in (self._at, *begun):
            if number != self._at:
                self._at = number
                self.comes()
            self._leaves(1)
            if self._step.kind == WORDS and self.query_one("#line", Input).value.strip():
                return  # it means nothing yet, and that was said
        try:
            draft = self._hand.note(self._words, self.station.unit, self._now(), self._zone())
        except Faults as faults:
            self.finds_fault(faults.by_field)
            return
        self.finish(draft)

    def finds_fault(self, by_field: dict[str, str]) -> None:
        """Shows the first step something is wrong with, and what."""
        self._faults = by_field
        self._at = min(self._number_of(name) for name in by_field)
        self.comes()
        self._say_fault(by_field.get(self._step.name) or next(iter(by_field.values())))

    def _say_fault(self, fault: str | None) -> None:
        self.say(t("Not sent yet. {label}: {fault}", label=self._label(self._at), fault=fault), loud=True)

    def _now(self) -> datetime:
        return self.station.desk.now()

    def _zone(self) -> tzinfo | None:
        unit = self.station.unit
        return self.station.desk.zone(unit.establishment if unit else None)

    # --- what is shown -----------------------------------------------------------------------------------------------

    def forgets(self, note: str, status: str) -> None:
        """What stands beside the form may have said it."""
        super().forgets(note, status)
        self._beside = self._beside.without(note, status)
        self._draw()
        self.work(self._fetch())

    async def _fetch(self) -> None:
        here, unit = self.station.desk, self.station.unit
        if unit is None:
            return
        place, reader = (unit.establishment, unit.code), self.station.reader
        known = partial(fetch, here.api, self._hand.inmate, place, here.login.username, reader)
        found = await self.ask(known, quietly=True)
        if found is not None and self.stands and here is self.station.here:
            self._beside = found
            self._draw()

    def _draw(self) -> None:
        if not self.stands or self.station.here is None:
            return
        reader, width = self.station.reader, max(20, self.size.width)
        self.query_one("#fields", Lines).put(form.fields(self._steps, self._at, self._typed, self._faults, reader))
        self.query_one("#beside", Lines).put(form.side(self._beside, reader, width - form.WIDTH))
        ask = t(self._step.ask) + (
            "  " + t("(Enter: skip)") if self._step.kind in (PICK, YES) and self._step.name != "basis" else ""
        )
        if self._step.kind == MOOD:
            ask += " · " + t("a asleep, w away, n not seen")
        self.query_one("#question", Lines).put([Text(plain(f"─ {ask} "), style="bold")])
        self.query_one("#options", Lines).put(list(self._options(width)))

    def _options(self, width: int) -> list[Text]:
        step, words = self._step, self._words
        if step.kind == MOOD:
            return list(options.mood(words, self._typed.get("mood") or {}, self._grid, width))
        if step.kind == PICK:
            found = list(options.pick(step, words, self._typed.get(step.name), self._mark, width))
            return [*found, Text(plain(options.who_reads(words, self._typed.get("handling"), width)))]
        if step.kind == WORDS:
            line = self.query_one("#line", Input).value
            fault = self._unread[1] if line and line == self._unread[0] else self._faults.get(step.name, "")
            told = [Text(plain(f" {one}"), style="bold") for one in wrap(fault, width - 2)]
            return [*told, *options.words_of(step, words, line, width)]
        if step.kind == YES:
            return [Text(f" y {t('yes')}    n {t('no')}")]
        names, reader = self.station.names(), self.station.reader
        return form.quiet(step, self._typed, self._beside, self._hand.inmate, names, reader)

    def _number_of(self, name: str) -> int:
        return next((n for n, step in enumerate(self._steps) if step.name == name), 0)

    def _label(self, number: int) -> str:
        return t(self._steps[number].label)


def _half(name: str) -> str:
    """Where a word of a list is kept that has been begun."""
    return f"_{name}"


def called(person: Document | None, number: str) -> str:
    """Whom a note is about, as it is shown."""
    return people.called(person) if person else number
