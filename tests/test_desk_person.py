"""A person and a need at the whole screen: what was written, by whom, and what no longer stands."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from handover import clock
from handover.terminal.screens.beside import fetch
from tests.support.outage import Outage
from tests.support.seats import sitting
from tests.support.service import Caller, Prison


@pytest.fixture
def prison(outage: Outage) -> Prison:
    return outage.prison


async def test_a_person_from_facts_to_opinions(
    outage: Outage, ngata: Caller, hartmann: Caller, weir: str, tmp_path: Path
) -> None:
    hartmann.note(
        weir,
        fact="Quiet since the visit.",
        mood={"valence": -1},
        change="WORSE",
        opinion="He blames himself.",
        confidence="LOW",
        responses=[{"code": "LISTENED", "effect": "HELPED"}],
        needs=[{"code": "PHONE", "promised": True}],
        attention="WATCH",
        if_then="Sit down with him.",
    )
    wrong = hartmann.note(weir, fact="Words of another man.")
    hartmann.post(f"/v1/notes/{wrong['id']}/retractions", {"reason": "WRONG_PERSON"})
    early = hartmann.note(weir, fact="It was the early visit.")
    fixed = {"inmate": weir, "basis": "SAW", "fact": "It was the late visit."}
    hartmann.post(f"/v1/notes/{early['id']}/corrections", {"reason": "Mixed up.", "note": fixed})
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("everyone (1)")
        await seat.types("/weir", "enter")
        text = await seat.until(
            "— six weeks", "mood, staff saw", "against usual", "— open needs (1)", "worked: listened"
        )
        assert "IF IT HAPPENS (Hartmann): Sit down with him." in text
        await seat.press("t")
        await seat.until("mood low, worse than usual (Hartmann saw it)")
        await seat.press("end")
        text = await seat.until(
            "Hartmann saw: Quiet since the visit.", "Hartmann thinks (not sure): He blames himself."
        )
        assert text.index("Hartmann saw: Quiet") < text.index("Hartmann thinks"), "facts before opinions"
        await seat.until("TAKEN BACK by Hartmann", "CORRECTED, no longer stands", "corrects an earlier note: Mixed up.")
        assert "Words of another man" not in seat.text
        await seat.press("c")
        await seat.until("Attention is over: why?")
        await seat.types("Spoke for an hour.", "enter")
        await seat.until("Recorded.", "attention closed by Ngata: Spoke for an hour.")
        await seat.press("w")
        await seat.until("WRITE about Weir, J. (A1-07)")


async def test_what_is_taken_back_while_one_reads_it_is_gone_from_the_page(
    outage: Outage, ngata: Caller, hartmann: Caller, weir: str, tmp_path: Path
) -> None:
    wrong = hartmann.note(weir, fact="Found a letter.", attention="WATCH", if_then="Ring the sister.")
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("everyone (1)")
        await seat.types("/weir", "enter")
        await seat.until("IF IT HAPPENS (Hartmann): Ring the sister.", "Found a letter.")
        await seat.meanwhile(lambda: hartmann.post(f"/v1/notes/{wrong['id']}/retractions", {"reason": "WRONG_PERSON"}))
        text = await seat.until("TAKEN BACK by Hartmann")
        assert "letter" not in text
        assert "sister" not in text


async def test_what_is_taken_back_goes_from_an_open_question_and_from_beside_the_form(
    outage: Outage, ngata: Caller, hartmann: Caller, weir: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = hartmann.note(weir, fact="Found a letter.", attention="WATCH")
    other = hartmann.note(weir, fact="Had it from his sister.")
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("everyone (1)")
        await seat.types("/weir", "enter")
        await seat.until("Found a letter.")
        await seat.press("end", "r")
        await seat.until("Go on looking out", "Found a letter.")
        await seat.meanwhile(lambda: hartmann.post(f"/v1/notes/{wrong['id']}/retractions", {"reason": "WRONG_PERSON"}))
        await seat.until("Go on looking out", "(taken back)")
        assert "letter" not in seat.text
        await seat.press("escape", "w")
        await seat.until("WRITE about Weir", "sister.")
        comes = threading.Event()
        monkeypatch.setattr(
            "handover.terminal.screens.writing.fetch", lambda *asked: fetch(*asked) if comes.wait(20) else None
        )
        await seat.meanwhile(lambda: hartmann.post(f"/v1/notes/{other['id']}/retractions", {"reason": "WRONG_PERSON"}))
        await seat.wait(lambda: "sister" not in seat.text, within=15)
        comes.set()


async def test_a_need_is_closed_with_what_came_of_it_and_who_was_quicker_is_said(
    outage: Outage, ngata: Caller, hartmann: Caller, weir: str, tmp_path: Path
) -> None:
    note = hartmann.note(weir, needs=[{"code": "PHONE", "promised": True, "detail": "call to his daughter"}])
    need = note["needs"][0]["id"]
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("due this shift, or promised (1)")
        await seat.press("enter")
        await seat.until("NEED: Weir, J. (A1-07)", "call to his daughter")
        version = hartmann.get(f"/v1/needs/{need}")["version"]
        answer = hartmann.http.patch(
            f"/v1/needs/{need}", json={"owner": "Hartmann"}, headers={"If-Match": f'"{version}"'}
        )
        assert answer.status_code == 200
        await seat.press("d")
        await seat.until("What came of it?")
        await seat.types("Spoke for ten minutes.", "enter")
        await seat.until("Somebody was quicker", "with Hartmann")
        await seat.press("d")
        await seat.until("What came of it?")
        await seat.types("Spoke for ten minutes.", "enter")
        await seat.until("Recorded: phone call, promised", "everyone (1)")
        assert "due this shift" not in seat.text
    assert hartmann.get(f"/v1/needs/{need}")["outcome"] == "Spoke for ten minutes."


async def test_a_promise_keeps_its_time_through_a_correction_whatever_this_machines_clock_says(
    outage: Outage, ngata: Caller, weir: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    due = (datetime.now(UTC) + timedelta(minutes=30)).replace(microsecond=0)
    need = {"code": "PHONE", "promised": True, "due_at": due.isoformat()}
    ngata.note(weir, fact="Asked twoce.", needs=[need])
    monkeypatch.setattr(clock, "now", lambda: datetime.now(UTC) + timedelta(hours=1))
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("everyone (1)")
        await seat.types("/weir", "enter")
        await seat.until("— open needs (1)")
        await seat.press("end", "k")
        await seat.until("what was wrong with it?")
        await seat.types("Misspelt.", "enter")
        await seat.until("CORRECT about Weir")
        await seat.press("ctrl+s")
        await seat.until("Corrected. Whoever read the old note is told.")
    note = ngata.all("/v1/notes", inmate=weir)[0]
    assert [datetime.fromisoformat(one["due_at"]) for one in note["needs"]] == [due]


async def test_what_one_wrote_and_was_not_so_is_put_right_taken_back_and_found(
    outage: Outage, ngata: Caller, hartmann: Caller, weir: str, tmp_path: Path
) -> None:
    hartmann.note(weir, basis="TOLD_BY_PERSON", fact="Says he slept.", place="CELL")
    wrong = ngata.note(weir, fact="Words of another man.", place="YARD")
    first = ngata.note(
        weir,
        fact="Visit at two was cancelled.",
        mood={"valence": -1, "energy": 1},
        change="WORSE",
        opinion="He blames himself.",
        confidence="LOW",
        responses=[{"code": "LISTENED", "effect": "HELPED"}],
        indicators=[{"code": "WITHDRAWN", "trend": "NEW"}],
        needs=[{"code": "PHONE", "promised": True, "urgency": "THIS_SHIFT", "detail": "call to his daughter"}],
        attention="WATCH",
        if_then="Sit down with him.",
    )
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("everyone (1)")
        await seat.types("/weir", "enter")
        await seat.until("— open needs (1)")
        await seat.press("k")
        await seat.until("Mark a note that stands")
        await seat.press("down")
        await seat.until("Ngata saw: Visit at two was cancelled.")
        await seat.press("k")
        await seat.until("Correct this note: what was wrong with it?")
        await seat.types("It was the late visit.", "enter")
        await seat.until(
            "CORRECT about Weir, J. (A1-07)", "As it was written", "low / slow", "Visit at two was cancel…"
        )
        # To what happened, one word of it, and off.
        await seat.press("enter", "enter", "enter", "ctrl+e")
        await seat.press(*["backspace"] * len("two was cancelled."))
        await seat.types("four was cancelled.", "ctrl+s")
        await seat.until(
            "Corrected. Whoever read the old note is told.", "corrects an earlier note: It was the late visit."
        )
        # What was never meant for him.
        await seat.press("p")
        await seat.until("1 of 4 notes: yard", "Words of another man.")
        await seat.press("end", "x")
        await seat.until("Take this note back", "1 wrong person", "gone, for everybody but the auditor")
        await seat.types("9", "enter")
        await seat.until("Nothing was taken back")
        await seat.press("x")
        await seat.until("Take this note back")
        await seat.types("1 It was his cellmate.", "enter")
        await seat.until("Taken back. Whoever has read it is told.")
        await seat.wait(lambda: "Words of another man" not in seat.text)
        # By whom, how known.
        await seat.press("y", "y")
        await seat.until("1 of 4 notes: by Hartmann", "Says he slept.")
        await seat.press("y")
        await seat.until("All.", "written in six weeks (4)")
        await seat.press("b")
        await seat.until("Only: ")
        # Somebody else's is not hers to correct: the server says who may.
        await seat.press("b")
        await seat.until("Says he slept.")
        await seat.press("end", "x")
        await seat.until("Take this note back")
        await seat.types("2", "enter")
        await seat.until("Only the author, a supervisor or the governor")
    made = hartmann.get(f"/v1/notes/{first['id']}")
    newer = hartmann.get(f"/v1/notes/{made['superseded_by']}")
    assert newer["fact"] == "Visit at four was cancelled."
    same = ("basis", "mood", "change", "opinion", "confidence", "responses", "indicators", "attention", "if_then")
    assert {name: newer[name] for name in same} == {name: first[name] for name in same}
    said = ("code", "promised", "urgency", "detail")
    assert [[one[name] for name in said] for one in newer["needs"]] == [
        ["PHONE", True, "THIS_SHIFT", "call to his daughter"]
    ]
    assert hartmann.get(f"/v1/notes/{wrong['id']}")["status"] == "RETRACTED"
