"""Handing over and taking over at the whole screen: a key for each person, questions that are answered live, and at the
end it is somebody's by name."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from handover.client.refusals import ServerRefused
from handover.client.sheets import sheet_of
from handover.terminal import matters
from tests.support.outage import Outage
from tests.support.seats import sitting
from tests.support.service import Caller, Prison


@pytest.fixture
def prison(outage: Outage) -> Prison:
    return outage.prison


def offered(outage: Outage, by: Caller, unit: str = "A", **more: object) -> str:
    made = by.post("/v1/handovers", {"establishment": outage.prison.code, "unit": unit, **more})
    return str(made["id"])


async def test_a_wing_with_twelve_items_is_taken_over_in_under_forty_keys(
    outage: Outage, ngata: Caller, hartmann: Caller, tmp_path: Path
) -> None:
    for n in range(60):
        number = outage.prison.receive(f"A{n:04}", name=f"Person, {n:02}", cell=f"A{1 + n // 20}-{n % 20:02}")
        if n < 12:
            hartmann.note(number, fact=f"Matter {n}.", attention="WATCH" if n < 3 else "ROUTINE")
    handover = offered(outage, hartmann, roll_expected=60, remarks="Servery is short of one.")
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("offered by Hartmann, NOT ACCEPTED", "everyone (60)")
        await seat.press("t")
        await seat.until("TAKE OVER A wing", "1 of 12", "Hartmann adds: Servery is short of one.", "WATCH until")
        for n in range(12):
            await seat.until(f"{n + 1} of 12")
            await seat.press("y")
        await seat.until("How many did you count? 60 were offered")
        await seat.press("6", "0", "enter")
        await seat.until("The handover in your own words")
        keys = seat.pressed
        await seat.types("Quiet wing; three to watch.")
        seat.pressed = keys
        await seat.press("enter")
        await seat.until("You own A wing since", "Ngata's · not offered")
        assert seat.pressed <= 40
    made = ngata.get(f"/v1/handovers/{handover}")
    assert (made["state"], made["roll"]["actual"]) == ("ACCEPTED", 60)
    assert made["read_back"] == "Quiet wing; three to watch."
    assert made["incoming"]["username"] == ngata.name


async def test_a_question_reaches_the_other_screen_and_the_answer_comes_into_the_item(
    outage: Outage, ngata: Caller, hartmann: Caller, weir: str, tmp_path: Path
) -> None:
    hartmann.note(weir, fact="Promised a call.")
    handover = offered(outage, hartmann, roll_expected=1)
    async with (
        sitting(tmp_path / "first", hartmann, outage.url) as outgoing,
        sitting(tmp_path / "second", ngata, outage.url) as incoming,
    ):
        await outgoing.until("up to date", "everyone (1)")
        await incoming.until("up to date", "everyone (1)")
        await incoming.press("t")
        await incoming.until("Promised a call.")
        await incoming.press("a")
        await incoming.until("Your question")
        await incoming.types("Does he know by when?", "enter")
        await incoming.until("Asked. Hartmann is told", "not answered yet")
        await outgoing.until("Weir, J. (A1-07)  Ngata asks about the handover", "Does he know by")
        await outgoing.press("a")
        await outgoing.until("QUESTIONS", "Weir, J. (A1-07): Ngata asks")
        await outgoing.press("enter")
        await outgoing.until("Your answer")
        await outgoing.types("Yes, by six.", "enter")
        await outgoing.until("Answered", "No question is open.")
        await incoming.until("An answer has come.", "Hartmann answers", "Yes, by six.")
        await incoming.press("y")
        await incoming.until("How many did you count?")
        await incoming.types("\u00b2", "enter")  # AltGr and 2 on a German keyboard: a digit to Python, but no number
        await incoming.until("A number; or nothing, if you have not counted.")
        await incoming.press("backspace", "2", "enter")
        await incoming.until("1 offered, 2 counted. Count again, or say why")
        await incoming.types("One came back from court.", "enter")
        await incoming.until("in your own words")
        await incoming.press("enter")
        await incoming.until("You own A wing since")
        await outgoing.until("Ngata's · not offered")
    made = ngata.get(f"/v1/handovers/{handover}")
    assert made["roll"]["mismatch_reason"] == "One came back from court."


async def test_what_went_before_and_what_came_since_are_shown_and_nobody_is_accepted_unread(
    outage: Outage, ngata: Caller, hartmann: Caller, weir: str, tmp_path: Path
) -> None:
    kane = outage.prison.receive("A2222BB", name="Kane, D.", cell="A2-11")
    soon = (datetime.now(UTC) + timedelta(seconds=3)).isoformat()
    hartmann.note(weir, fact="Quiet after the visit.", if_then="Awake after 22:00: sit and talk.")
    hartmann.note(weir, fact="Gave his radio away.", attention="WATCH", attention_until=soon)
    first = offered(outage, hartmann)
    ngata.post(f"/v1/handovers/{first}/acceptance", {})
    ngata.note(weir, basis="TOLD_BY_PERSON", needs=[{"code": "PHONE", "promised": True}])
    await asyncio.sleep(3)
    offered(outage, ngata)
    async with sitting(tmp_path / "office", hartmann, outage.url) as seat:
        await seat.until("everyone (2)")
        await seat.press("t")
        await seat.until("1 of 1", "attention ran out: renew or close?", "IF IT HAPPENS", "Awake after 22:00")
        await seat.meanwhile(lambda: ngata.note(weir, fact="Cries in his cell.", attention="WATCH"))
        await seat.meanwhile(lambda: ngata.note(kane, fact="Goodbyes.", attention="WATCH", if_then="Stay."))
        await seat.press("y")
        await seat.until("How many did you count?", "Asks for attention, and is not in the offer", "Stay.")
        assert "Kane, D. (A2-11)" in seat.flowing
        assert "Goodbyes." in seat.flowing
        assert "Cries in his cell." in seat.flowing
        await seat.press("escape")
        await seat.until("1 of 1", "written after the offer", "Cries in his cell.")


async def test_before_the_roll_a_correction_says_that_it_is_one_and_nobody_is_called_the_wing(
    outage: Outage, ngata: Caller, hartmann: Caller, weir: str, tmp_path: Path
) -> None:
    kane = outage.prison.receive("A2222BB", name="Kane, D.", cell="A2-11")
    wrong = hartmann.note(weir, fact="Gave his radio away.", attention="WATCH")
    hartmann.note(weir, fact="Ate well.")
    offered(outage, hartmann)
    right = {"inmate": weir, "basis": "SAW", "fact": "Gave his kettle away."}
    hartmann.post(f"/v1/notes/{wrong['id']}/corrections", {"reason": "Asked him.", "note": right})
    hartmann.note(kane, fact="Will not go behind his door.", about_incident=True)
    move = {"establishment": outage.prison.code, "unit": "B", "reason": "Away from it."}
    outage.prison.admin.post(f"/v1/inmates/{kane}/moves", move)
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("everyone (1)")
        await seat.press("escape", "t")
        await seat.until("1 of 1", "Gave his kettle away.", "This corrects an earlier note: Asked him.")
        await seat.press("a")
        text = await seat.until("(corrected since) Hartmann")
        assert "radio" not in text
        await seat.press("escape", "y")
        text = await seat.until("How many did you count?", "Will not go behind his door.", "kettle")
        assert "This corrects an earlier note: Asked him." in seat.flowing
        assert f"  {kane}" in text
        assert "The wing" not in text


async def test_where_the_sheet_is_not_to_be_had_at_once_it_is_said_and_what_came_since_comes_later(
    outage: Outage, ngata: Caller, hartmann: Caller, weir: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy, reads = True, sheet_of

    def at_shift_change(*asked: Any) -> Any:
        if busy:
            raise ServerRefused(status=503, title="Too much is asked at once")
        return reads(*asked)

    monkeypatch.setattr("handover.terminal.matters.sheet_of", at_shift_change)
    hartmann.note(weir, fact="Ate well.")
    offered(outage, hartmann)
    hartmann.note(weir, fact="Says goodbye.", attention="WATCH")
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("everyone (1)")
        await seat.press("t")
        await seat.until("Too much is asked at once")
        assert "1 of 1" not in seat.text
        busy = False
        await seat.press("t")
        await seat.until("1 of 1", "Ate well.", "written after the offer", "Says goodbye.")


async def test_what_is_taken_back_goes_from_the_item_that_is_read(
    outage: Outage, ngata: Caller, hartmann: Caller, weir: str, tmp_path: Path
) -> None:
    note = hartmann.note(weir, fact="Had it from a letter.", attention="WATCH", if_then="Ring his sister.")
    hartmann.note(weir, fact="Ate well.")
    offered(outage, hartmann)
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("everyone (1)")
        await seat.press("t")
        await seat.until("1 of 1", "Had it from a letter.", "IF IT HAPPENS: Ring his sister.", "Ate well.")
        await seat.meanwhile(lambda: retracts(hartmann, note))
        await seat.wait(lambda: "letter" not in seat.text and "sister" not in seat.text)
        await seat.until("a note that is not for you to read, or was taken back", "Ate well.")


async def test_what_is_put_right_or_taken_back_reaches_whoever_it_travelled_to(
    outage: Outage, hartmann: Caller, weir: str, tmp_path: Path
) -> None:
    brandt = outage.prison.hire("brandt", "officer", "B")
    wrong = hartmann.note(weir, fact="Hit his cellmate.", attention="WATCH", if_then="Two to the door.")
    other = hartmann.note(weir, fact="Had it from a letter.", needs=[{"code": "PHONE", "detail": "to the sister"}])
    move = {"establishment": outage.prison.code, "unit": "B", "reason": "Works there."}
    outage.prison.admin.post(f"/v1/inmates/{weir}/moves", move)
    async with sitting(tmp_path / "office", brandt, outage.url) as seat:
        await seat.until("B wing", "up to date", "ON THE WAY HERE")
        await seat.press("t")
        await seat.until("1 of 1", "Hit his cellmate.", "Two to the door.", "Had it from a letter.", "to the sister")
        await seat.press("y")
        await seat.until("in your own words")
        await seat.press("escape")
        await seat.until("1 of 1", "you have it")
        right = {"inmate": weir, "basis": "SAW", "fact": "Was hit by him."}
        await seat.meanwhile(
            lambda: hartmann.post(f"/v1/notes/{wrong['id']}/corrections", {"reason": "Mixed up.", "note": right})
        )
        text = await seat.until("Hartmann's note was corrected: the newer one stands", "Was hit by him.")
        assert "cellmate" not in text
        assert "Two to" not in text
        assert "you have it" not in text, "nobody has had the correction"
        assert "was changed or taken back" in text
        await seat.meanwhile(lambda: retracts(hartmann, other))
        await seat.wait(lambda: "letter" not in seat.text and "sister" not in seat.text)
        await seat.until("a note that is not for you to read, or was taken back", "Was hit by him.")


async def test_what_is_put_right_while_it_is_being_read_again_stands_afterwards(
    outage: Outage, hartmann: Caller, weir: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    brandt = outage.prison.hire("brandt", "officer", "B")
    wrong = hartmann.note(weir, fact="Hit his cellmate.")
    move = {"establishment": outage.prison.code, "unit": "B", "reason": "Works there."}
    outage.prison.admin.post(f"/v1/inmates/{weir}/moves", move)
    async with sitting(tmp_path / "office", brandt, outage.url) as seat:
        await seat.until("B wing", "up to date", "ON THE WAY HERE")
        await seat.press("t")
        await seat.until("1 of 1", "Hit his cellmate.")
        asked, comes, reads = threading.Event(), threading.Event(), matters.contents

        def slowly(*what: Any) -> Any:
            found = reads(*what)
            asked.set()
            assert comes.wait(20)
            return found

        monkeypatch.setattr("handover.terminal.matters.contents", slowly)
        await seat.press("y")
        await seat.wait(asked.is_set)
        right = {"inmate": weir, "basis": "SAW", "fact": "Was hit by him."}
        correction = {"reason": "Mixed up.", "note": right}
        await seat.meanwhile(lambda: hartmann.post(f"/v1/notes/{wrong['id']}/corrections", correction))
        await seat.until("was changed or taken back")
        comes.set()
        await seat.app.workers.wait_for_complete()
        await seat.press("escape")
        text = await seat.until("1 of 1", "Hartmann's note was corrected: the newer one stands", "Was hit by him.")
        assert "cellmate" not in text


def retracts(author: Caller, note: dict[str, object]) -> None:
    author.post(f"/v1/notes/{note['id']}/retractions", {"reason": "WRONG_PERSON"})


async def test_what_was_passed_over_is_named_and_nothing_is_accepted_by_stopping(
    outage: Outage, ngata: Caller, hartmann: Caller, weir: str, tmp_path: Path
) -> None:
    hartmann.note(weir, fact="Promised a call.")
    handover = offered(outage, hartmann)
    ngata.post(
        f"/v1/handovers/{handover}/queries",
        {"note": ngata.all("/v1/notes")[0]["id"], "text": "Still so?"},
    )
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("everyone (1)")
        await seat.press("t")
        await seat.until("1 of 1")
        await seat.press("n")
        await seat.until("You did not say “I have it” to:", "Weir, J. (A1-07)")
        await seat.press("b")
        await seat.until("Promised a call.")
        await seat.press("escape")
        await seat.until("Nothing was accepted. It still waits")
        assert hartmann.get(f"/v1/handovers/{handover}")["state"] == "OFFERED"
        await seat.press("t")
        await seat.until("1 of 1")
        await seat.press("y")
        await seat.until("Still so?", "o take over with the question open")
        await seat.press("o", "enter", "enter")
        await seat.until("You own A wing since")
    assert hartmann.get(f"/v1/handovers/{handover}")["state"] == "ACCEPTED_WITH_QUERIES"


async def test_at_night_one_wing_after_another(outage: Outage, hartmann: Caller, weir: str, tmp_path: Path) -> None:
    night = outage.prison.hire("oyelaran", "officer", "A", "B")
    brandt = outage.prison.hire("brandt", "officer", "B")
    offered(outage, hartmann)
    offered(outage, brandt, "B")
    async with sitting(tmp_path / "office", night, outage.url) as seat:
        await seat.until("A wing", "everyone (1)")
        await seat.press("t")
        left = {"A": "1", "B": "0"}
        while left:  # which is due first depends on the hour
            text = await seat.until("TAKE OVER", "How many did you count?")
            [wing] = [one for one in left if f"TAKE OVER {one} wing" in text]
            await seat.types(left.pop(wing), "enter", "enter")
            await seat.until(f"You own {wing} wing since")
            if left:  # and called away between two
                await seat.until(f"Now {next(iter(left))} wing.")
                await seat.press("escape")
                await seat.until(f"{next(iter(left))} wing was not accepted. It still waits: t")
                await seat.press("t")
        await seat.until("A wing", "Oyelaran's")
        await seat.press("u")
        await seat.until("B wing", "Oyelaran's")


async def test_the_next_wing_is_taken_over_as_it_is_offered_by_then(
    outage: Outage, hartmann: Caller, tmp_path: Path
) -> None:
    night = outage.prison.hire("oyelaran", "officer", "A", "B")
    by = {"A": hartmann, "B": outage.prison.hire("brandt", "officer", "B")}
    ids = {wing: offered(outage, who, wing, remarks="The first count.") for wing, who in by.items()}
    async with sitting(tmp_path / "office", night, outage.url) as seat:
        await seat.until("A wing", "everyone (0)")
        await seat.press("t")
        text = await seat.until("TAKE OVER", "How many did you count?")
        first, other = sorted(by, key=lambda wing: f"TAKE OVER {wing} wing" not in text)  # the hour says which

        def once_more() -> None:
            by[other].post(f"/v1/handovers/{ids[other]}/withdrawal", {"reason": "Miscounted."})
            offered(outage, by[other], other, remarks="Kane is back from court.")

        await seat.meanwhile(once_more)
        await seat.press("enter", "enter")
        text = await seat.until(f"TAKE OVER {other} wing", f"You own {first} wing since", "Kane is back from court.")
        assert "The first count." not in text
        await seat.press("enter", "enter")
        await seat.until(f"You own {other} wing since")


async def test_what_comes_while_a_call_stands_before_it_is_in_the_handover_afterwards(
    outage: Outage, ngata: Caller, hartmann: Caller, weir: str, tmp_path: Path
) -> None:
    hartmann.note(weir, fact="Promised a call.")
    handover = offered(outage, hartmann)
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("up to date", "everyone (1)")
        await seat.press("t")
        await seat.until("1 of 1", "Promised a call.")
        await seat.press("a", *"By when?", "enter")
        await seat.until("not answered yet")
        asked = ngata.get(f"/v1/handovers/{handover}")["queries"][0]["id"]

        def calls_and_answers() -> None:
            hartmann.note(weir, fact="Two men at his door.", attention="ACT_NOW")
            hartmann.post(f"/v1/handovers/{handover}/queries/{asked}/answers", {"text": "By six."})

        await seat.meanwhile(calls_and_answers)
        await seat.until("Two men at his door.", "Ctrl-T I take it")
        await seat.press("escape")
        await seat.until("1 of 1", "Hartmann answers", "By six.")


async def test_whoever_was_quicker_is_named_and_nothing_is_said_to_wait_that_does_not(
    outage: Outage, ngata: Caller, hartmann: Caller, weir: str, tmp_path: Path
) -> None:
    hartmann.note(weir, fact="Promised a call.")
    brandt = outage.prison.hire("brandt", "officer", "A")
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("up to date", "everyone (1)")
        for who, name, told in (
            (brandt, "Brandt", "Brandt was quicker"),
            (ngata, "Ngata", "accepted: Ngata owns unit A since"),  # at the board
        ):
            handover = offered(outage, hartmann)
            await seat.press("t")
            await seat.until("TAKE OVER A wing")
            await seat.meanwhile(partial(who.post, f"/v1/handovers/{handover}/acceptance", {}))
            await seat.until(f"{name}'s · not offered", told)
            await seat.press("escape")
            text = await seat.until("needs you (0)", f"accepted: {name} owns unit A since")
            assert "still waits" not in text


async def test_a_question_that_comes_while_the_open_ones_are_looked_at_stands_among_them(
    outage: Outage, ngata: Caller, hartmann: Caller, weir: str, tmp_path: Path
) -> None:
    note = hartmann.note(weir, fact="Promised a call.")
    handover = offered(outage, hartmann)
    async with sitting(tmp_path / "office", hartmann, outage.url) as seat:
        await seat.until("up to date", "everyone (1)")
        await seat.press("a")
        await seat.until("No question is open.")
        for text in ("By when?", "To whom?"):
            query = {"note": note["id"], "text": text}
            await seat.meanwhile(partial(ngata.post, f"/v1/handovers/{handover}/queries", query))
            await seat.until(text)
        assert "No question is open." not in seat.text


async def test_a_unit_is_offered_and_the_offer_taken_back(
    outage: Outage, hartmann: Caller, weir: str, tmp_path: Path
) -> None:
    hartmann.note(weir, attention="WATCH")
    async with sitting(tmp_path / "office", hartmann, outage.url) as seat:
        await seat.until("everyone (1)")
        await seat.press("h")
        await seat.until("HAND OVER A wing", "How many did you count?")
        await seat.types("\u00b2", "enter")
        await seat.until("A number; or nothing.")
        await seat.press("backspace", "2", "enter")
        await seat.until("You counted 2, the roster says 1. Find out which is right.")
        await seat.types("1", "enter")
        await seat.types("Servery is short of one.", "enter")
        await seat.until("Offered; to be accepted by", "offered by Hartmann, NOT ACCEPTED")
        await seat.press("h")
        await seat.until("r takes the offer back")
        await seat.press("r")
        await seat.types("Mass refusal at lunch.", "enter")
        await seat.until("Taken back. It is yours as before.")
    (made,) = hartmann.all("/v1/handovers")
    assert (made["state"], made["roll"]["expected"]) == ("WITHDRAWN", 1)
