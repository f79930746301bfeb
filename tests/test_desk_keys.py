"""Keys at the whole screen: each does what its line says, none decides what nobody meant, and no word that was typed
goes astray."""

import threading
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.keys import _character_to_key
from textual.screen import Screen

from handover.client.resources import create
from handover.client.sending import send_all
from handover.terminal.screens import answering, calling, offering, sending, taking
from handover.terminal.screens.app import HandoverApp
from handover.terminal.screens.radio import Radio
from handover.terminal.screens.unit import UnitScreen
from tests.support.outage import Outage
from tests.support.seats import Seat, sitting
from tests.support.service import PASSWORD, Caller, Prison


@pytest.fixture
def prison(outage: Outage) -> Prison:
    return outage.prison


async def ahead(seat: Seat, *keys: str) -> None:
    """Types all this before any screen has a moment to come."""
    for key in keys:
        char = key if len(key) == 1 else None
        await seat.app.on_event(events.Key(_character_to_key(key) if char else key, char))


async def begins(seat: Seat, *keys: str) -> None:
    await seat.until("everyone (1)", "up to date")
    await seat.types("wa107", "enter")
    await seat.until("WRITE about")
    await seat.press(*keys)


async def test_what_is_typed_before_screens_stand_is_for_the_screen_it_was_meant_for(
    outage: Outage, ngata: Caller, weir: str, tmp_path: Path
) -> None:
    ngata.note(weir, fact="Sat alone.", attention="WATCH")
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("everyone (1)", "up to date", "Sat alone.")
        await ahead(seat, *"wa107", "enter", "2", "2", "2", "1", *"lax quiet", "enter", "ctrl+s")
        await seat.until("Recorded: Weir, J. (A1-07); mood low, slow, worse than usual.")
        await ahead(seat, "enter", "w", "a", "2", "1", *"Sleeps.", "ctrl+s")
        await seat.until("Recorded: Weir, J. (A1-07); asleep, worse than usual.")
    assert [note["fact"] for note in ngata.all("/v1/notes")] == ["Sleeps.", "lax quiet", "Sat alone."]


async def test_with_caps_lock_on_every_key_does_what_its_line_says(
    outage: Outage, ngata: Caller, weir: str, tmp_path: Path
) -> None:
    ngata.note(weir, fact="Sat alone.", attention="WATCH")
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("everyone (1)", "up to date", "Sat alone.")
        await seat.press("enter")
        await seat.until("— six weeks", "Sat alone.")
        await seat.press("W")
        await seat.until("WRITE about Weir")
        await seat.press("escape", "S")
        await seat.until("m all notes")
        await seat.press("escape", "L")
        await seat.until("LOCKED")


async def test_tab_never_takes_the_keyboard_from_the_line_in_which_somebody_types(
    outage: Outage, ngata: Caller, weir: str, tmp_path: Path
) -> None:
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("everyone (1)", "up to date")
        await seat.press("w", "tab", *"a1", "shift+tab", *"07")
        await seat.until("about whom? a107")


async def test_what_is_marked_in_the_form_counts_and_no_letter_decides_what_nobody_meant(
    outage: Outage, ngata: Caller, weir: str, tmp_path: Path
) -> None:
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await begins(seat, "2")
        await seat.press("right", "right", "enter")  # down by its key, across by the arrows
        await seat.until("low / slow", "Compared with")
        await seat.press("enter", "1", "shift+tab", "H", "backspace")  # a letter that chose nothing, taken back
        await seat.until("saw", "How do you know?")
        await seat.press("enter", *"Quiet", "ctrl+x")
        await seat.until("Throw it away? Ctrl-X once more.")
        await seat.press(*" today", "ctrl+x")  # it is another question by now
        await seat.until("Throw it away? Ctrl-X once more.", "Quiet today")
        await seat.press(*["enter"] * 5)
        await seat.until("Who has to look out")
        await seat.press(*["enter"] * 3)
        await seat.until("Where was it?")
        await seat.press(*"he goes")  # e would be a place
        await seat.until("he goes", "This is “when” now")
        await seat.press(*["backspace"] * 7, *["shift+tab"] * 4)
        await seat.until("Who has to look out")
        await seat.press("down", "down", "ctrl+s")
        await seat.until("Recorded: Weir, J. (A1-07); mood low, slow")
    (note,) = ngata.all("/v1/notes")
    assert note["mood"] == {"valence": -1, "energy": 1, "source": "OBSERVED", "not_observed": None}
    assert (note["basis"], note["fact"], note["place"], note["attention"]) == ("SAW", "Quiet today", None, "WATCH")


async def test_a_word_that_was_begun_is_there_still_and_is_not_left_out_unsaid(
    outage: Outage, ngata: Caller, weir: str, tmp_path: Path
) -> None:
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await begins(seat, "enter", "enter", "1", *"Quiet", "enter", "enter")
        await seat.until("A need:")
        await seat.press(*"pho!:call hom", "shift+tab", "escape")
        await seat.until("Put aside")
        await seat.press("w", "enter")
        await seat.until("WRITE about")
        await seat.press(*["enter"] * 4, *"Tired.", "enter", "enter")
        await seat.until("pho!:call hom")
        await seat.press("e", *["shift+tab"] * 3, "ctrl+s")
        await seat.until("Recorded: Weir, J. (A1-07); need: phone call, promised")
        await begins(seat, "enter", "enter", "1", *"Quiet", "enter", "enter", *"xyzzy", "shift+tab", "ctrl+s")
        await seat.until("Not sent yet. what is needed: 'xyzzy' is not in the list")
    (note,) = ngata.all("/v1/notes")
    assert note["needs"][0]["detail"] == "call home"


async def test_all_that_is_pasted_arrives(outage: Outage, ngata: Caller, weir: str, tmp_path: Path) -> None:
    def pastes(words: str) -> None:
        seat.app.post_message(events.Paste(words))

    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await begins(seat)
        pastes("Sat alone\nall day.")  # where something is chosen
        await seat.until("Sat alone all day.", "What happened")
        await seat.press("shift+tab", "1", *["enter"] * 5)
        await seat.until("Who has to look out")
        await seat.press("2")
        await seat.until("What to do if it happens")
        pastes("Sit down\r\nwith him.\n")  # where there is one line
        await seat.until("Sit down with him.")
        await seat.press("ctrl+s")
        await seat.until("Recorded: Weir")
    (note,) = ngata.all("/v1/notes")
    assert (note["fact"], note["if_then"]) == ("Sat alone all day.", "Sit down with him.")


async def test_enter_pressed_again_on_a_slow_line_asks_no_second_time_and_whoever_goes_on_is_left_where_he_is(
    outage: Outage, ngata: Caller, hartmann: Caller, weir: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hartmann.note(weir, fact="Shakes.", attention="WATCH")
    hartmann.post("/v1/handovers", {"establishment": outage.prison.code, "unit": "A", "roll_expected": 1})
    goes = threading.Event()

    def slowly(*asked: Any) -> Any:
        goes.wait(20)
        return create(*asked)

    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("offered by Hartmann")
        await seat.press("t")
        await seat.until("1 of 1")
        monkeypatch.setattr(taking, "create", slowly)
        await seat.press("a", *"Since when?", "enter", "enter")
        await seat.until("One moment …")
        await seat.press("escape")
        await seat.until("1 of 1")
        await seat.press("n", "g", *"12")
        await seat.until("How many did you count?", "12")
        goes.set()
        await seat.until("Asked. Hartmann is told")
        await seat.until("How many did you count?", "12")
    (handover,) = ngata.all("/v1/handovers")
    assert [one["text"] for one in handover["queries"]] == ["Since when?"]


async def test_nobody_leaves_what_is_being_accepted_offered_or_taken_and_hears_that_it_is_not(
    outage: Outage, ngata: Caller, hartmann: Caller, weir: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hartmann.post("/v1/handovers", {"establishment": outage.prison.code, "unit": "A"})
    goes = threading.Event()

    def slowly(*asked: Any) -> Any:
        goes.wait(20)
        return create(*asked)

    for part in (taking, offering, calling):
        monkeypatch.setattr(part, "create", slowly)
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("offered by Hartmann")
        await seat.press("t")
        await seat.until("How many did you count?")
        await seat.press("enter", *"All quiet.", "enter", "escape", "escape")
        await seat.until("The handover in your own words", "One moment …")
        goes.set()
        await seat.until("You own A wing since")
        goes.clear()
        await seat.press("h")
        await seat.until("How many did you count?")
        await seat.press("enter", "enter", "escape")
        await seat.until("HAND OVER A wing", "One moment …")
        goes.set()
        await seat.until("Offered; to be accepted by", "everyone (1)")
        goes.clear()
        hartmann.note(weir, fact="Two men at his door.", attention="ACT_NOW")
        await seat.until("ACT NOW: A WING, WEIR, J. (A1-07)")
        await seat.press("ctrl+t", "escape")
        await seat.until("ACT NOW: A WING, WEIR, J. (A1-07)", "One moment …")
        goes.set()
        await seat.until("You have taken it", "everyone (1)")


async def test_a_question_is_answered_once_however_slow_the_line(
    outage: Outage, ngata: Caller, hartmann: Caller, weir: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = hartmann.note(weir, fact="Promised a call.", attention="WATCH")
    wing = {"establishment": outage.prison.code, "unit": "A"}
    handover = hartmann.post("/v1/handovers", wing)["id"]
    ngata.post(f"/v1/handovers/{handover}/queries", {"note": note["id"], "text": "Does he know by when?"})
    goes, answers = threading.Event(), []

    def slowly(api: Any, path: str, draft: Any) -> Any:
        answers.append(path)
        assert goes.wait(20)
        return create(api, path, draft)

    monkeypatch.setattr(answering, "create", slowly)
    async with sitting(tmp_path / "office", hartmann, outage.url) as seat:
        await seat.until("everyone (1)", "up to date")
        await seat.press("a")
        await seat.until("QUESTIONS", "Weir, J. (A1-07): Ngata asks")
        await seat.press("enter", *"Yes, by six.", "enter")
        await seat.wait(lambda: answers, "the answer")
        await seat.press("enter", "enter")
        await seat.until("One moment …")
        goes.set()
        await seat.until("Answered", "No question is open.")
    assert len(answers) == 1


async def test_what_waits_is_not_opened_over_what_was_begun_meanwhile(
    outage: Outage, ngata: Caller, hartmann: Caller, weir: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hartmann.note(weir, fact="Shakes.", attention="WATCH")
    hartmann.post("/v1/handovers", {"establishment": outage.prison.code, "unit": "A"})
    goes, found, asked = threading.Event(), taking.offers, []

    def slowly(*where: Any) -> Any:
        asked.append(goes.wait(20))
        return found(*where)

    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("offered by Hartmann")
        monkeypatch.setattr(taking, "offers", slowly)
        await seat.press("t", "w", *"a107", "enter", "enter", "enter", "1", *"any")
        await seat.until("WRITE about", "any")
        goes.set()
        await seat.wait(lambda: asked)
        await seat.press(*" way")
        await seat.until("WRITE about", "any way")
        await seat.press("escape")
        await seat.until("everyone (1)", "1 draft")
        monkeypatch.setattr(taking, "offers", found)
        await seat.press("t", "t")
        await seat.until("1 of 1")
        await seat.press("escape")
        await seat.until("Nothing was accepted. It still waits: t", "everyone (1)")


async def test_words_that_do_not_get_through_stand_there_when_it_is_asked_again(
    outage: Outage, ngata: Caller, weir: str, tmp_path: Path
) -> None:
    ngata.note(weir, needs=[{"code": "PHONE", "promised": True}])
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("due this shift, or promised (1)")
        await seat.press("enter")
        await seat.until("NEED: Weir, J. (A1-07)")
        await seat.meanwhile(outage.goes_away)
        await seat.press("d", *"Spoke for ten minutes.", "enter")
        await seat.until("NEED:", "Cannot reach")
        await seat.meanwhile(outage.comes_back)
        await seat.press("d")
        await seat.until("What came of it?", "Spoke for ten minutes.")
        await seat.press("enter")
        await seat.until("Recorded: phone call")
    (need,) = outage.prison.service.login(ngata.name).all("/v1/needs", inmate=weir)
    assert need["outcome"] == "Spoke for ten minutes."


async def test_nothing_of_the_last_officer_is_drawn_for_a_moment_when_another_sits_down(
    outage: Outage, ngata: Caller, hartmann: Caller, weir: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[str] = []
    shows = HandoverApp._display

    def display(app: HandoverApp, screen: Screen[Any], renderable: Any) -> None:
        if not app._batch_count:
            drawn.append(type(screen).__name__)
        shows(app, screen, renderable)

    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await begins(seat, "enter", "enter", "1", *"Between us.", "ctrl+l")
        await seat.until("LOCKED")
        monkeypatch.setattr(HandoverApp, "_display", display)
        await seat.press("up", *hartmann.name, "enter", *PASSWORD, "enter")
        await seat.until("you are Hartmann", "everyone (1)")
    assert "UnitScreen" in drawn
    assert "Write" not in drawn


async def test_what_says_to_use_the_radio_is_not_taken_away_by_a_letter_of_a_sentence(
    outage: Outage, ngata: Caller, weir: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes = threading.Event()

    def slowly(*asked: Any, **more: Any) -> Any:
        goes.wait(20)
        return send_all(*asked, **more)

    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await begins(seat, "enter", "enter", "1", *"Two men at his door.", *["enter"] * 5, "3")
        await seat.meanwhile(outage.goes_away)
        monkeypatch.setattr(sending, "send_all", slowly)
        await seat.press("ctrl+s")
        await seat.until("Sending")
        await seat.press("w", *"a107", "enter", "enter", "enter", "1", *"He hea")
        await seat.until("He hea")
        goes.set()
        await seat.until("USE THE RADIO. NOW.")
        await seat.press(*"rd it ", "enter", "escape")
        await seat.until("USE THE RADIO. NOW.", "Ctrl-G")
        await seat.press("ctrl+g", *"rd it.")
        await seat.until("He heard it.")


async def test_what_is_taken_while_the_radio_stands_before_it_calls_no_more(
    outage: Outage, ngata: Caller, hartmann: Caller, weir: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes = threading.Event()

    def slowly(*asked: Any) -> Any:
        goes.wait(20)
        return create(*asked)

    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("everyone (1)", "up to date")
        for by_whom in ("another", "oneself"):
            note = hartmann.note(weir, fact=f"Two men at his door, seen by {by_whom}.", attention="ACT_NOW")
            await seat.until("ACT NOW: A WING, WEIR, J. (A1-07)", f"seen by {by_whom}.")
            if by_whom == "oneself":
                monkeypatch.setattr(calling, "create", slowly)
                await seat.press("ctrl+t")
            await seat.app.push_screen(Radio(1, "The connection broke."))
            await seat.until("USE THE RADIO. NOW.")
            if by_whom == "another":
                hartmann.post(f"/v1/notes/{note['id']}/receipts", {"kind": "ACCEPTED"})
            goes.set()
            await seat.wait(lambda: not seat.app.station.pages, "what settles it")
            goes.clear()
            await seat.press("ctrl+g")
            await seat.wait(lambda: isinstance(seat.app.screen, UnitScreen), "the unit")
        await seat.until("You have taken it")


async def test_tab_goes_from_part_to_part_also_where_one_has_nothing_to_mark(
    outage: Outage, ngata: Caller, weir: str, tmp_path: Path
) -> None:
    for n in range(30):
        outage.prison.receive(f"A{n:04}", name=f"Person, {n:02}", cell=f"A2-{n:02}")
    ngata.note(weir, fact="Shakes.", attention="WATCH")
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("everyone (31)", "up to date", "Shakes.")
        for first in ("— since", "— everyone", "— needs", "— since"):
            await seat.press("tab")
            assert seat.text.splitlines()[2].startswith(first), seat.text
        for first in ("— needs", "— everyone", "— since", "— needs"):
            await seat.press("shift+tab")
            assert seat.text.splitlines()[2].startswith(first), seat.text


async def test_the_form_stays_where_the_screen_becomes_narrow(
    outage: Outage, ngata: Caller, weir: str, tmp_path: Path
) -> None:
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await begins(seat)
        await seat.until("Nothing was written in the last")
        await seat.resized(40, 24)
        await seat.press("enter", "enter", "1", *"Quiet.")
        await seat.until("WRITE about Weir", "Quiet.")
        await seat.resized(80, 24)
        await seat.press("ctrl+s")
        await seat.until("Recorded: Weir")
