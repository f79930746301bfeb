"""The unit on a whole screen: live, calm while one reads, and never silent about what it does not know."""

import asyncio
import re
import threading
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rich.cells import cell_len

from handover.client.feed_protocol import Event
from handover.client.resources import every
from handover.terminal.login import sit_down
from handover.terminal.screens.calling import Calling
from handover.terminal.screens.station import Station
from handover.terminal.screens.unit import UnitScreen
from tests.support.outage import Outage
from tests.support.seats import pc, sitting
from tests.support.service import PASSWORD, Caller, Prison


@pytest.fixture
def prison(outage: Outage) -> Prison:
    return outage.prison


async def test_the_top_says_where_who_and_whether_it_is_so(
    outage: Outage, ngata: Caller, hartmann: Caller, tmp_path: Path
) -> None:
    # Five minutes into a shift, the one before has still to be handed over.
    began = datetime.now(ZoneInfo("Europe/London")) - timedelta(minutes=5)
    shifts = [{"code": "LATE", "starts": f"{began - timedelta(hours=8):%H:%M}"}]
    shifts.append({"code": "NIGHT", "starts": f"{began:%H:%M}"})
    place = {"name": "HMP", "timezone": "Europe/London", "shifts": shifts}
    outage.prison.admin.put(f"/v1/establishments/{outage.prison.code}", place)
    offer = hartmann.post("/v1/handovers", {"establishment": outage.prison.code, "unit": "A"})
    assert offer["from_shift"].endswith("/LATE")
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        text = await seat.until("NOT ACCEPTED, due", "you are Ngata", "up to date", "not sent: 0")
        assert text.splitlines()[0].startswith("A wing · night · offered by Hartmann")
        assert "you are Ngata" in text.splitlines()[1]
        for width in (50, 80):  # where there is little room, the time stays
            await seat._pilot.resize_terminal(width, 24)
            await seat.wait(lambda: re.search(r"NOT ACCEPTED, due (\w+ )?\d\d:\d\d$", seat.text.splitlines()[0]), width)
        await seat.meanwhile(outage.goes_away)
        blind = await seat.until("NOT CONNECTED since", "Urgent? Radio")
        assert "NOT CONNECTED" in blind.splitlines()[1]
        await seat.meanwhile(outage.comes_back)
        await seat.until("up to date")


async def test_where_there_is_little_room_the_time_by_which_a_unit_is_to_be_offered_stays(
    outage: Outage, ngata: Caller, weir: str, tmp_path: Path
) -> None:
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("nobody's yet · not offered, due")
        await seat._pilot.resize_terminal(45, 24)
        await seat.wait(lambda: re.search(r"not offered, due (\w+ )?\d\d:\d\d$", seat.text.splitlines()[0]), seat.text)


async def test_nothing_moves_while_one_reads_and_a_key_takes_the_news_in(
    outage: Outage, ngata: Caller, hartmann: Caller, weir: str, tmp_path: Path
) -> None:
    kane = outage.prison.receive("A2222BB", name="Kane, D.", cell="A2-11")
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        before = (await seat.until("everyone (2)", "up to date")).splitlines()[2:22]
        hartmann.note(
            kane, fact="Asked for his daughter.", attention="WATCH", needs=[{"code": "PHONE", "promised": True}]
        )
        await seat.until("1 NEW", "NEW:", "Kane, D. (A2-11)")
        assert seat.text.splitlines()[2:22] == before, "the list has not moved"
        await seat.press("n")
        text = await seat.until(
            "needs you (1)", "WATCH until", "due this shift, or promised (1)", "phone call, promised"
        )
        assert "since you last looked (1)" in text
        assert "NEW" not in text.splitlines()[1]


def heads(text: str) -> list[tuple[int, str]]:
    """Where a part of the list begins, and each person in it."""
    lines = enumerate(text.splitlines())
    return [(y, line) for y, line in lines if line.startswith("—") or line[2:7] in ("A1-07", "A2-11")]


async def test_words_that_are_taken_back_are_gone_at_once_and_nothing_moves(
    outage: Outage, ngata: Caller, hartmann: Caller, weir: str, tmp_path: Path
) -> None:
    kane = outage.prison.receive("A2222BB", name="Kane, D.", cell="A2-11")
    need = {"code": "PHONE", "promised": True, "detail": "to a solicitor"}
    wrong = hartmann.note(kane, fact="Found a letter.", attention="WATCH", if_then="Ring the sister.", needs=[need])
    hartmann.note(weir, fact="Asked for a book.", attention="WATCH")
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        before = await seat.until("Found a letter.", "IF IT HAPPENS: Ring the sister.", "to a solicitor", "up to date")
        await seat.meanwhile(lambda: hartmann.post(f"/v1/notes/{wrong['id']}/retractions", {"reason": "WRONG_PERSON"}))
        after = await seat.until("(taken back)", " NEW")
        assert not {"letter", "sister", "solicitor"} & set(after.replace(".", " ").split())
        assert heads(after) == heads(before)
        await seat.press("s")
        await seat.until("as it stood")
        assert "letter" not in seat.text
        await seat.press("escape", "n")
        await seat.until("since you last looked", "Hartmann's note of", "was taken back by Hartmann:", "wrong person.")


async def test_the_newest_piece_of_news_is_not_said_on_once_its_words_are_taken_back(
    outage: Outage, ngata: Caller, hartmann: Caller, weir: str, tmp_path: Path
) -> None:
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("up to date", "everyone (1)")
        wrong = await seat.meanwhile(lambda: hartmann.note(weir, fact="Found a letter."))
        await seat.until("NEW: ", "Found a letter.")
        await seat.press("s")
        await seat.until("as it stood")
        await seat.meanwhile(lambda: hartmann.post(f"/v1/notes/{wrong['id']}/retractions", {"reason": "WRONG_PERSON"}))
        await seat.wait(lambda: [one.type for one in seat.app.station.news.waiting] == ["note.retracted"])
        await seat.press("escape")
        text = await seat.until("needs you (0)")
        assert "letter" not in text


async def test_a_correction_that_few_may_read_takes_the_old_words_from_all(
    outage: Outage, ngata: Caller, hartmann: Caller, weir: str, tmp_path: Path
) -> None:
    wrong = hartmann.note(weir, fact="Found a letter.", attention="WATCH", if_then="Ring the sister.")
    right = {"inmate": weir, "basis": "SAW", "fact": "Of another kind.", "handling": "SECURITY"}
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("Found a letter.", "IF IT HAPPENS: Ring the sister.", "up to date")
        path, why = f"/v1/notes/{wrong['id']}/corrections", {"reason": "Not for the wing.", "note": right}
        await seat.meanwhile(lambda: hartmann.post(path, why))
        text = await seat.until("(corrected since)", " NEW")
        assert "letter" not in text
        assert "sister" not in text


async def test_what_an_incident_began_with_is_gone_from_the_sheet_as_soon_as_it_is_taken_back(
    outage: Outage, ngata: Caller, hartmann: Caller, weir: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = hartmann.note(unit="A", fact="Six on the landing.", about_incident=True)
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("INCIDENT since", "Six on the landing.", "up to date")
        monkeypatch.setattr("handover.terminal.screens.base.FETCH_AFTER_S", 60)  # the next sheet is long in coming
        await seat.press("s")
        await seat.until("as it stood", "Six on the landing.")
        await seat.meanwhile(lambda: hartmann.post(f"/v1/notes/{wrong['id']}/retractions", {"reason": "NOT_TRUE"}))
        await seat.wait(lambda: "Six on" not in seat.text)
        await seat.until("as it stood")


async def test_what_was_promised_stands_on_while_its_note_is_corrected(
    outage: Outage, ngata: Caller, hartmann: Caller, weir: str, tmp_path: Path
) -> None:
    need = {"code": "PHONE", "promised": True, "detail": "to a solicitor"}
    wrong = hartmann.note(weir, fact="Found a letter.", attention="WATCH", needs=[need])
    right = {"inmate": weir, "basis": "SAW", "fact": "Found a card.", "needs": [need]}
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("Found a letter.", "to a solicitor", "up to date")
        path, why = f"/v1/notes/{wrong['id']}/corrections", {"reason": "Looked again.", "note": right}
        made = await seat.meanwhile(lambda: hartmann.post(path, why))
        text = await seat.until("(corrected since)", " NEW")
        assert "letter" not in text
        assert "A1-07 Weir, J.: phone call, promised: to a solic" in text
        await seat.press("enter")
        await seat.until("— open needs (1)", "to a solicitor")
        await seat.press("down", "up", "enter")
        await seat.until("NEED: Weir, J.", "to a solicitor")
        await seat.meanwhile(lambda: hartmann.post(f"/v1/notes/{made['id']}/retractions", {"reason": "NOT_TRUE"}))
        await seat.wait(lambda: "solicitor" not in seat.text)


async def test_names_in_wide_letters_leave_the_columns_where_they_are(
    outage: Outage, ngata: Caller, weir: str, tmp_path: Path
) -> None:
    wang = outage.prison.receive("A2222BB", name="王小明", cell="A2-11")
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        for keys in ((), ("w",)):
            await seat.press(*keys)
            text = await seat.until(weir, wang, *(["about whom?"] if keys else ["everyone (2)"]))
            before = {line.partition(one)[0] for one in (weir, wang) for line in text.splitlines() if one in line}
            assert len({cell_len(words) for words in before}) == 1


async def test_news_that_comes_while_the_sheet_is_fetched_is_on_it_or_still_new(
    outage: Outage, ngata: Caller, hartmann: Caller, weir: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, arrives, fetches = threading.Event(), threading.Event(), Station.fetch_sheet

    def slowly(*what: Any) -> Any:
        found = fetches(*what)
        if not asked.is_set():
            asked.set()
            assert arrives.wait(20)
        return found

    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("everyone (1)", "up to date")
        monkeypatch.setattr("handover.terminal.screens.base.FETCH_AFTER_S", 60)  # nobody else fetches it
        monkeypatch.setattr(Station, "fetch_sheet", slowly)
        hartmann.note(weir, fact="Ate nothing.")
        await seat.until("1 NEW")
        await seat.press("n")
        await seat.wait(asked.is_set)
        hartmann.note(weir, fact="Says goodbye.", attention="WATCH")
        await seat.until("2 NEW")
        arrives.set()
        await seat.until("As it stands now.", "since you last looked (2)", "needs you (1)", "Says goodbye.")
        assert "NEW" not in seat.text.splitlines()[1]


async def test_what_is_the_matter_is_said_also_where_nobody_wrote_a_sentence(
    outage: Outage, ngata: Caller, hartmann: Caller, weir: str, tmp_path: Path
) -> None:
    kane = outage.prison.receive("A2222BB", name="Kane, D.", cell="A2-11")
    hartmann.note(weir, change="WORSE", indicators=[{"code": "SAY_SELF_HARM"}])
    hartmann.note(kane, needs=[{"code": "PHONE", "promised": True}], attention="WATCH")
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("ACT NOW: A WING", "worse than usual; speaks of self-harm")
        await seat.press("escape", "n")
        await seat.until(
            "needs you (3)",
            "Hartmann saw it: worse than usual; speaks of self-harm",
            "Hartmann saw it: phone call, promised",
        )


async def test_what_came_while_nobody_looked_is_news_in_the_morning(
    outage: Outage, ngata: Caller, hartmann: Caller, weir: str, tmp_path: Path
) -> None:
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("up to date")
    hartmann.note(weir, fact="Slept badly.")
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("1 NEW")
        await seat.press("n")
        await seat.until("since you last looked (1)", "Hartmann saw: Slept badly.")


async def test_an_incident_is_counted_as_one(
    outage: Outage, ngata: Caller, hartmann: Caller, weir: str, tmp_path: Path
) -> None:
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("up to date")
        hartmann.note(unit="A", fact="Six refuse to go behind the doors.", about_incident=True)
        for n in range(9):
            hartmann.note(weir, fact=f"Refusal {n}.", about_incident=True)
        await seat.until("10 NEW")
        await seat.press("n")
        text = await seat.until("INCIDENT since", "10 notes", "INCIDENT: 9 notes, the latest: Hartmann saw: Refusal 8.")
        assert "Refusal 7" not in text


async def test_a_page_interrupts_until_somebody_takes_it(
    outage: Outage, ngata: Caller, hartmann: Caller, weir: str, tmp_path: Path
) -> None:
    brandt = outage.prison.hire("brandt", "officer", "A")
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("everyone (1)")
        note = hartmann.note(weir, fact="No insulin since morning.", attention="ACT_NOW", if_then="Call the nurse.")
        await seat.until(
            "ACT NOW: A WING, WEIR, J. (A1-07)", "No insulin since morning.", "IF IT HAPPENS: Call the nurse."
        )
        assert "1 PAGE NOT TAKEN" in seat.text
        await seat.press("escape")
        await seat.until("1 PAGE NOT TAKEN", "needs you", "it calls again")
        brandt.post(f"/v1/notes/{note['id']}/receipts", {"kind": "ACCEPTED"})
        text = await seat.until("PAGE TAKEN by Brandt")
        assert "NOT TAKEN" not in text
        assert "it calls again" not in text
        again = hartmann.note(weir, fact="Shakes.", attention="ACT_NOW")
        await seat.until("Shakes.")
        await seat.press("x", "enter", "space")
        await seat.until("Shakes.")
        await seat.press("ctrl+t")
        await seat.until("You have taken it")
        wrong = hartmann.note(weir, fact="Of another man.", attention="ACT_NOW")
        await seat.until("Of another man.")
        hartmann.post(f"/v1/notes/{wrong['id']}/retractions", {"reason": "WRONG_PERSON"})
        await seat.until("page closed, what it called for is over, corrected or taken back: ACT NOW")
    receipts = hartmann.get(f"/v1/notes/{again['id']}/receipts")["items"]
    assert [(one["kind"], one["by"]["username"]) for one in receipts] == [("ACCEPTED", ngata.name)]


async def test_a_page_that_is_settled_wipes_no_alarm_and_one_of_which_nothing_is_told_is_not_told_of(
    outage: Outage, ngata: Caller, hartmann: Caller, weir: str, tmp_path: Path
) -> None:
    brandt = outage.prison.hire("brandt", "officer", "A")
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("everyone (1)")
        for fact in ("Shakes.", "Sweats."):
            note = hartmann.note(weir, fact=fact, attention="ACT_NOW")
            await seat.until("ACT NOW: A WING", fact)
            await seat.press("escape")
            await seat.until("it calls again")
        unit, page = seat.app.screen, next(iter(seat.app.station.pages))
        assert isinstance(unit, UnitScreen)
        unit.say("NOT kept and NOT sent: the disk is full. Use paper and the radio.", loud=True)
        brandt.post(f"/v1/notes/{note['id']}/receipts", {"kind": "ACCEPTED"})
        await seat.until("1 PAGE NOT TAKEN", "NOT kept and NOT sent")
        unit.say("As it stands now.")
        seat.app._heard(Event({"type": "page.accepted", "data": {"id": page, "status": "CLOSED"}}))
        await seat.wait(lambda: "NOT TAKEN" not in seat.text)
        await seat.until("As it stands now.")


async def test_who_was_called_about_stands_at_the_top_with_his_words_under_his_name(
    outage: Outage, ngata: Caller, hartmann: Caller, weir: str, tmp_path: Path
) -> None:
    for n in range(12):
        number = outage.prison.receive(f"A{n:04}", name=f"Person, {n:02}", cell=f"A2-{n:02}")
        hartmann.note(number, fact=f"Matter {n}.", attention="WATCH", if_then=f"Sit with {n}.")
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("needs you (12)", "~ A2-00")
        hartmann.note(weir, fact="Found on the floor.", attention="ACT_NOW")
        await seat.until("ACT NOW: A WING", "Found on the floor.")
        await seat.press("ctrl+t")
        await seat.until("You have taken it", "needs you (13)")
        lines = seat.text.splitlines()
        assert lines[2].startswith("— needs you (13)")
        assert lines[3].startswith("! A1-07 Weir, J.")
        await seat.press(*["down"] * 10)
        await seat.until("~ A2-09")
        assert not seat.text.splitlines()[2].startswith("— needs you")
        await seat.press("enter")
        await seat.until("six weeks")
        await seat.press("escape")
        await seat.until("~ A2-09")
        assert seat.text.splitlines()[2][:2] in ("— ", "! ", "~ ")


async def test_a_call_that_comes_while_the_calls_are_being_read_is_not_lost_by_it(
    outage: Outage, ngata: Caller, hartmann: Caller, weir: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, arrives = threading.Event(), threading.Event()

    def slowly(*what: Any) -> list[Any]:
        found = list(every(*what))
        asked.set()
        assert arrives.wait(20)
        return found

    monkeypatch.setattr("handover.terminal.screens.app.every", slowly)
    taken = hartmann.note(weir, fact="Shakes.", attention="ACT_NOW")
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("everyone (1)")
        await seat.wait(asked.is_set)
        hartmann.post(f"/v1/notes/{taken['id']}/receipts", {"kind": "ACCEPTED"})
        hartmann.note(weir, fact="No insulin since morning.", attention="ACT_NOW")
        await seat.until("No insulin since morning.", "1 PAGE NOT TAKEN")
        arrives.set()
        await seat.wait(lambda: not [one for one in seat.app.workers if one.group == "pages"], "the calls")
        await seat.until("1 PAGE NOT TAKEN")
        await seat.press("ctrl+t")
        await seat.until("You have taken it", "everyone (1)")  # the other was taken, and calls nobody
        assert "NOT TAKEN" not in seat.text


async def test_who_takes_a_page_at_the_moment_somebody_else_does_takes_no_other(
    outage: Outage, ngata: Caller, hartmann: Caller, weir: str, tmp_path: Path
) -> None:
    kane = outage.prison.receive("A2222BB", name="Kane, D.", cell="A2-11")
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("everyone (2)")
        notes = [hartmann.note(who, fact=f"Shakes, {who}.", attention="ACT_NOW") for who in (weir, kane)]
        await seat.until(f"Shakes, {weir}.", f"Shakes, {kane}.", "2 PAGES NOT TAKEN")
        calling, first = seat.app.screen, next(iter(seat.app.station.pages))
        assert isinstance(calling, Calling)
        calling.take()
        calling.settled(first, {})  # the news of it is here before the answer to the key
        await seat.until("You have taken it", f"Shakes, {kane}.")
        assert f"Shakes, {weir}." not in seat.text
        calling.settled(next(iter(seat.app.station.pages)), {})
        calling.take()  # the last has gone, and the key comes too late
        await seat.until("everyone (2)")
    taken = [[one["kind"] for one in hartmann.get(f"/v1/notes/{note['id']}/receipts")["items"]] for note in notes]
    assert taken == [["ACCEPTED"], []]


async def test_a_call_is_here_before_the_names_are_and_says_who_as_soon_as_they_come(
    outage: Outage, hartmann: Caller, weir: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    night, brandt = (outage.prison.hire(name, "officer", "A", "B") for name in ("oyelaran", "brandt"))
    kane = outage.prison.receive("B2222BB", unit="B", name="Kane, D.", cell="B2-11")
    brandt.note(kane, fact="Two men at his door.", attention="ACT_NOW")
    names, asks = threading.Event(), Station.roster_of
    monkeypatch.setattr(Station, "roster_of", lambda *asked: asks(*asked) if names.wait(8) else {})
    async with sitting(tmp_path / "office", night, outage.url) as seat:
        await seat.until("ACT NOW: B WING", "Two men at his door.", "up to date")
        assert "KANE" not in seat.text
        names.set()
        await seat.until("ACT NOW: B WING, KANE, D. (B2-11)")
        await seat.press("escape", "n")
        await seat.until("needs you (1)", "B wing, Kane, D. (B2-11): called since")


async def test_it_locks_and_forgets_and_the_same_officer_finds_everything(
    outage: Outage, ngata: Caller, hartmann: Caller, weir: str, tmp_path: Path
) -> None:
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("you are Ngata", "up to date")
        seat.app.lock_s = 0.5
        await seat.until("LOCKED", "nobody has pressed a key")
        assert "Weir" not in seat.text
        logins = list((tmp_path / "office").glob("handover/terminal/*/logins/*.json"))
        await seat.wait(lambda: not any(path.exists() for path in logins))
        seat.app.lock_s = 0
        hartmann.note(weir, fact="While it was locked.")
        await seat.types("wrong", "enter")
        await seat.until("LOCKED", "do not go together")
        await seat.types(PASSWORD, "enter")
        await seat.until("you are Ngata", "1 NEW")


async def test_who_leaves_before_the_server_has_answered_has_left(
    outage: Outage, ngata: Caller, weir: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answers, finds = threading.Event(), threading.Event(), Station.find_units

    def slowly(*what: Any) -> None:
        finds(*what)
        asked.set()
        assert answers.wait(20)

    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("you are Ngata", "up to date")
        await seat.press("l")
        await seat.until("LOCKED")
        monkeypatch.setattr(Station, "find_units", slowly)
        await seat.types(PASSWORD, "enter")
        await seat.wait(asked.is_set)
        await seat.app.action_leave()
        answers.set()


async def test_the_next_officer_switches_in_a_few_keys_and_finds_nothing_of_the_last(
    outage: Outage, ngata: Caller, hartmann: Caller, weir: str, tmp_path: Path
) -> None:
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("you are Ngata")
        await seat.press("l")
        await seat.until("LOCKED")
        await seat.press("up")
        await seat.types(hartmann.name, "enter")
        await seat.types(PASSWORD, "enter")
        await seat.until("you are Hartmann", "everyone (1)")


async def test_a_governor_who_sits_down_in_the_dark_sees_the_wings_once_there_is_light(
    outage: Outage, weir: str, tmp_path: Path
) -> None:
    ashdown = outage.prison.hire("ashdown", "governor")
    await asyncio.to_thread(sit_down, pc(tmp_path / "office", outage.url), ashdown.name, PASSWORD)
    outage.goes_away()
    async with sitting(tmp_path / "office", None, outage.url) as seat:
        await seat.until("NOT CONNECTED")
        await seat.meanwhile(outage.comes_back)
        await seat.until("A wing", "everyone (1)", "Weir, J.")
