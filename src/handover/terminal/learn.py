"""`handover learn`: the practice unit's exercises, at any terminal. No server, no login; nothing is kept or sent."""

import sys
from typing import Annotated

import typer
from rich.text import Text

from handover.schemas.exercises import Exercise, Task, Writing, exercises
from handover.terminal import tongue
from handover.terminal.speech import JsonOption, Speech, answering, plain
from handover.terminal.tongue import t
from handover.terminal.unclear import Unclear


def learn(
    number: Annotated[
        int | None,
        typer.Argument(metavar="[N]", min=1, show_default=False, help="Which one; else they are listed."),
    ] = None,
    lang: Annotated[
        str | None, typer.Option("--lang", metavar="LANGUAGE", help="en, cy, de, es, fr or nl; else this machine's.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Practise: five short exercises that answer with reasons. Needs no server; nothing is kept or sent."""
    with answering(as_json) as voice:
        language = tongue.language() if lang is None else tongue.chosen(lang)
        if not as_json:
            tongue.speak(language)
        told = exercises(language)
        if number is not None and number > len(told.items):
            raise Unclear(f"There are {len(told.items)} exercises; see them with: handover learn")
        chosen = told.items if number is None else (told.items[number - 1],)
        if as_json:
            voice.emit({"items": [one.model_dump(exclude_none=True) for one in chosen]})
            return
        voice.warn(Text(t("Practice: nothing here is kept or sent."), style="bold"))
        if number is None:
            for place, one in enumerate(chosen, 1):
                voice.say(f"{place}  {one.title}")
            voice.say(t("Do one: handover learn 1"))
        elif sys.stdin.isatty() and sys.stdout.isatty():
            _do(voice, chosen[0])
        else:
            _all_of(voice, chosen[0])


def _do(voice: Speech, one: Exercise) -> None:
    """Task by task; Ctrl-C or Ctrl-D ends it."""
    _title(voice, one)
    try:
        for task in one.tasks:
            _question(voice, task)
            while typed := typer.prompt(t("A number: its reason. Enter: on"), default="", show_default=False).strip():
                if typed.isdecimal() and 1 <= int(typed) <= len(task.answers):
                    voice.say(f"    {task.answers[int(typed) - 1].because}")
        if one.note:
            _note(voice, one.note)
    except typer.Abort:
        voice.say("")


def _all_of(voice: Speech, one: Exercise) -> None:
    """As one reads it on paper: every answer with its reason."""
    _title(voice, one)
    for task in one.tasks:
        _question(voice, task, reasons=True)
    if one.note:
        _note(voice, one.note)
        for look in one.note.looks:
            voice.say(f"  - {look.because}")


def _title(voice: Speech, one: Exercise) -> None:
    voice.say(Text(plain(one.title), style="bold"))
    voice.say(one.about)


def _question(voice: Speech, task: Task, *, reasons: bool = False) -> None:
    voice.say("")
    voice.say(task.says)
    voice.say(Text(plain(task.asks), style="bold"))
    for number, answer in enumerate(task.answers, 1):
        voice.say(f"  {number}  {answer.says}" + (f": {answer.because}" if reasons else ""))


def _note(voice: Speech, note: Writing) -> None:
    voice.say("")
    voice.say(note.tells)
    for line in note.beside:
        voice.say(f"    {line}")
    voice.say(t("It is written on the form: in handover desk, x; at the board, X."))
