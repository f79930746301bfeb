"""The practice unit: five exercises with a reason behind every answer, and not a trace of anybody who did them."""

from pathlib import Path
from typing import Any

import pytest

from handover.domain.codelists import shipped, translated
from handover.schemas import exercises
from handover.schemas.exercises import Exercises
from tests.support.boards import database_url
from tests.support.browser import Browser
from tests.support.seats import sitting
from tests.support.service import PASSWORD, Caller, Prison, Service
from tests.support.terminals import Terminal, served_lists
from tests.test_board_looking import faults

__all__ = ["database_url"]
ENGLISH = exercises.exercises("en")
LISTS = {
    "mood": ("mood_valence", "not_observed"),
    "change": ("change",),
    "basis": ("basis",),
    "needs": ("needs",),
    "responses": ("responses",),
    "attention": ("attention",),
}
OF_NEEDS = {"PROMISED", "NOT_PROMISED", "DUE", "NOT_DUE"}


def shape(told: Exercises) -> list[Any]:
    """All that has to be alike in every language."""
    return [
        (
            one.code,
            [len(task.answers) for task in one.tasks],
            one.note and (one.note.inmate, one.note.cell, len(one.note.beside)),
            one.note and [(look.field, look.when) for look in one.note.looks],
        )
        for one in told.items
    ]


def words(told: Exercises) -> list[str]:
    """Everything one reads in it."""
    found: list[str] = []
    for one in told.items:
        found += [one.title, one.about]
        for task in one.tasks:
            found += [task.says, task.asks]
            found += [said for answer in task.answers for said in (answer.says, answer.because)]
        if one.note:
            found += [one.note.tells, *one.note.beside, *(look.because for look in one.note.looks)]
    return found


def test_there_are_five_and_every_answer_has_its_own_reason() -> None:
    assert len(ENGLISH.items) == 5
    for one in ENGLISH.items:
        assert 3 <= len(one.tasks) <= 6
        for task in one.tasks:
            assert len(task.answers) >= 2
            reasons = [answer.because for answer in task.answers]
            assert len(set(reasons)) == len(reasons)
            assert all(len(reason) > 30 for reason in reasons), reasons
    # No field says which answer is right: nobody could count what is not there.
    assert set(exercises.Answer.model_fields) == {"says", "because"}


def test_what_is_said_about_a_note_is_said_about_codes_there_are() -> None:
    lists = served_lists()
    for one in ENGLISH.items:
        for look in one.note.looks if one.note else ():
            known = {entry.code for name in LISTS.get(look.field, ()) for entry in lists[name].items}
            assert set(look.when) <= known | OF_NEEDS | {exercises.LEFT, exercises.GIVEN}, look


@pytest.mark.parametrize("language", exercises.offered())
def test_a_language_has_all_of_it_in_its_own_words(language: str) -> None:
    told = exercises.exercises(language)
    assert shape(told) == shape(ENGLISH)
    assert all(said.strip() == said != "" for said in words(told))
    if language != "en":
        same = {said for said in set(words(told)) & set(words(ENGLISH)) if len(said) > 3}
        assert same == set()


@pytest.mark.parametrize("language", exercises.offered())
def test_steps_are_called_what_they_are_called_on_the_form(language: str) -> None:
    told = {one.code: one for one in exercises.exercises(language).items}["HOW_IS_HE"]
    lists = {one.name: translated(one, language) for one in shipped()}
    for task, name, codes in (
        (told.tasks[0], "change", ("WORSE", "USUAL", "DONT_KNOW_PERSON")),
        (told.tasks[1], "mood_valence", ("0", "-1", "-2")),
    ):
        labels = {entry.code: entry.label.casefold() for entry in lists[name].entries}
        assert [answer.says.casefold() for answer in task.answers] == [labels[code] for code in codes]


ALL_THERE = """['picture', 'walk', 'paper', 'pin'].every((name) =>
  performance.getEntriesByType('resource').some((one) => one.name.endsWith(`/${name}.js`)))"""
"""The screens that come after the first have come, too."""


def test_practising_by_keyboard_sends_nothing_and_leaves_no_trace(
    service: Service, browser: Browser, prison: Prison, hartmann: Caller, weir: str
) -> None:
    quill = prison.hire("quill", "auditor")

    def lines() -> int:
        return sum(line["actor"] != quill.name for line in quill.get("/v1/access-log", limit=200)["items"])

    with browser.open(service.url) as screen:
        # Before anybody has logged in; what calls is still heard.
        screen.until("!!document.querySelector('#user')")
        assert not any("exercises" in url for url in screen.asked), "not part of the first load"
        screen.press("Tab", "Tab", "Tab", "Enter")
        screen.sees("Practice unit", "Nothing here is kept or sent", "Fact or opinion?")
        assert faults(screen) == []
        screen.press("1", "2")
        screen.sees("In which field does this belong?", "Look for a judgement in it")
        screen.press("1")
        screen.sees("Anybody at the next table")
        screen.press("Escape", "Escape")
        screen.sees("Log in")
        screen.login(hartmann.name, PASSWORD)
        screen.sees("everyone (1)")
        screen.until(ALL_THERE)
        before, asked = lines(), len(screen.asked)
        _, cursor = hartmann.pull("now")
        seen = lines()
        screen.press("x")
        screen.until("(document.activeElement.innerText || '').includes('Fact or opinion?')")
        screen.press("ArrowDown", "ArrowDown", "Enter")
        screen.sees("“Doyle in a mood all day.", "1 of 3")
        screen.press("3")
        screen.sees("It is the one field that cannot be left out.")
        assert faults(screen) == []
        screen.press("n", "1", "n", "n")
        screen.sees("Now write it yourself.", "P-03 Doyle, R.", "joked about the soup", "Nothing here is kept or sent")
        # The rules of every day, at their fields.
        screen.press("ctrl+Enter")
        screen.until("document.querySelector('#wrong-basis').textContent.startsWith('How do you know?')")
        screen.press("1")
        screen.insert("Came out neither for breakfast nor for dinner.")
        screen.press("ctrl+Enter")
        screen.sees("What can be said about it", "Only the letter was told to you", "Inside a sentence that gets lost.")
        screen.sees("Nothing of it was sent.")
        assert faults(screen) == []
        screen.focus("#in-needs")
        screen.insert("phone! 18:00 his sister")
        screen.run("document.activeElement.dispatchEvent(new Event('input')), 0")
        screen.press("Enter", "ctrl+Enter")
        screen.sees("As a need it does not end with your shift")
        screen.misses("Inside a sentence that gets lost.", "The ! makes it a promise")
        screen.press("Escape")
        screen.sees("How is he, compared with his usual?")
        screen.press("Escape")
        screen.sees("everyone (1)")
        # What it is made of was fetched (or was there already); nothing went out, and nothing stands anywhere.
        assert [url for url in screen.asked[asked:] if "/exercises." not in url and "/practice." not in url] == []
        assert before <= seen == lines()
        assert hartmann.all("/v1/notes") == []
        assert hartmann.pull(cursor)[0] == []
        screen.press("w")
        screen.until("document.activeElement.id === 'in-who'")
        screen.misses("go on with")
        # At a locked screen somebody may practise; that somebody must come is said there all the same.
        screen.press("Escape")
        screen.sees("everyone (1)")
        screen.press("l")
        screen.sees("You locked it.")
        screen.run("[...document.querySelectorAll('button')].find((one) => one.innerText === 'Practise').focus()")
        screen.press("Enter")
        screen.sees("How is he, compared with his usual?")
        screen.press("4")
        screen.sees("How is he, compared with his usual?", "1 of 4")
        hartmann.note(weir, fact="Says goodbye to everybody.", attention="ACT_NOW")
        screen.sees("ACT NOW in unit A: somebody must go.", "1 of 4")


async def test_practising_at_the_whole_screen_keeps_nothing_and_sends_nothing(
    service: Service, hartmann: Caller, weir: str, tmp_path: Path
) -> None:
    _, cursor = hartmann.pull("now")
    async with sitting(tmp_path / "office", hartmann, service.url) as seat:
        await seat.until("everyone (1)")
        await seat.press("x")
        await seat.until("PRACTICE UNIT: nothing here is kept or sent", "1  Fact or opinion?", "5  A promise")
        await seat.press("1", "2")
        text = await seat.until("In which field does this belong?", "Look for a judgement in it")
        assert "Anybody at the next table" not in text
        await seat.press("1")
        await seat.until("Anybody at the next table", "Look for a judgement in it")
        await seat.press("escape", "5", *"nnnn")
        await seat.until("Now write the promise down.", "w opens the form", "nothing here is kept or sent")
        await seat.press("w")
        await seat.until("PRACTICE: nothing here is kept or sent · Hughes, B. (P-05)", "Last week: rang his daughter")
        await seat.press("ctrl+s")
        await seat.until("Not sent yet. how I know: say how you know")
        await seat.press("3")
        await seat.types("Asked to ring his daughter.", "enter", "enter")
        await seat.types("phone!@in 2h", "enter", "ctrl+s")
        text = await seat.until("What can be said about it", "With the ! everybody knows")
        assert "Without the !" not in text
        await seat.press("w")
        await seat.until("Asked to ring", "phone!@in 2h")
        await seat.press("escape", "escape", "escape")
        await seat.until("everyone (1)", "needs you (0)")
        await seat.press("w")
        await seat.until("about whom?")
        assert "DRAFT" not in seat.text
    assert hartmann.pull(cursor)[0] == []
    assert list((tmp_path / "office").rglob("drafts/**/*.json")) == list(
        (tmp_path / "office").rglob("outbox/**/*.json")
    )


def test_a_command_tells_them_without_a_server(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, "http://127.0.0.1:9")
    listed = terminal.run("learn")
    assert listed.exit_code == 0
    assert "3  What is missing here?" in listed.output
    # In a pipe, for a course or for paper: every answer with its reason.
    told = terminal.run("learn", "2").output
    for task in ENGLISH.items[1].tasks:
        for answer in task.answers:
            assert answer.because in told.replace("\n", " ")
    assert terminal.run("learn", "6").exit_code == 2
    assert terminal.run("learn", "--lang", "xx").exit_code == 2
    assert [one["code"] for one in terminal.json("learn")["items"]] == [one.code for one in ENGLISH.items]
    with terminal.running("learn", "1", on_screen=True) as running:
        running.until("In which field does this belong?")
        running.answers("A number: its reason. Enter: on", "1")
        running.until("Anybody at the next table")
        running.answers("A number: its reason. Enter: on", "")
        running.until("He is attention-seeking.")
    assert list(tmp_path.rglob("*.json")) == []
