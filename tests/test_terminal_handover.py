"""The changeover on A wing: Ngata goes home, Hartmann takes over, and nothing is left behind in between."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from handover.client.http import Api
from handover.client.resources import every
from handover.terminal.offer import asked_roll
from tests.support.embedded import database_url
from tests.support.outage import Outage
from tests.support.readers import eventually
from tests.support.service import Caller, Prison
from tests.support.terminals import Terminal

__all__ = ["database_url"]


@pytest.fixture
def outgoing(prison: Prison, ngata: Caller, tmp_path: Path) -> Terminal:
    """Ngata's terminal."""
    office = Terminal(tmp_path / "outgoing", prison.service.url)
    office.login(ngata)
    return office


@pytest.fixture
def incoming(prison: Prison, hartmann: Caller, tmp_path: Path) -> Terminal:
    """Hartmann's terminal."""
    office = Terminal(tmp_path / "incoming", prison.service.url)
    office.login(hartmann)
    return office


def state_of(who: Caller) -> tuple[str, dict[str, Any]]:
    handover = who.get("/v1/handovers")["items"][0]
    return handover["state"], handover


def test_offered_and_accepted_and_everybody_knows_whose_it_is(
    outgoing: Terminal, incoming: Terminal, ngata: Caller, hartmann: Caller, weir: str
) -> None:
    ngata.note(weir, fact="Quiet.", attention="WATCH", needs=[{"code": "PHONE", "promised": True}])
    said = outgoing.run("offer", "--roll", "1", "--remarks", "Servery is short.")
    assert said.exit_code == 0, said.output
    assert "0 ACT NOW, 1 WATCH, 0 others" in said.stdout
    assert "1 open, 0 of them OVERDUE, 1 promised" in said.stdout
    assert "1 by the roster" in said.stdout
    assert "must accept by " in said.stdout
    said = incoming.run("accept", "--yes", "--roll", "1", "--read-back", "Weir is quiet, he gets his call.")
    assert said.exit_code == 0, said.output
    assert "Ngata adds: Servery is short." in said.stdout
    assert "~ Weir, J. (A1-07)" in said.stdout
    assert "Ngata saw: Quiet." in said.stdout
    assert "phone call, promised; with nobody" in said.stdout
    assert "You own A wing since " in said.stdout
    state, handover = state_of(hartmann)
    assert (state, handover["incoming"]["name"]) == ("ACCEPTED", "Hartmann")
    assert handover["read_back"] == "Weir is quiet, he gets his call."
    assert handover["roll"] == {"expected": 1, "actual": 1, "mismatch_reason": None}


def test_what_went_before_and_what_came_since_are_said_before_it_is_accepted(
    prison: Prison, outgoing: Terminal, incoming: Terminal, ngata: Caller, hartmann: Caller, weir: str
) -> None:
    kane = prison.receive("A2222BB", name="Kane, D.", cell="A2-11")
    hartmann.note(weir, fact="Quiet after the visit.", if_then="Awake after 22:00: sit and talk.")
    first = hartmann.post("/v1/handovers", {"establishment": prison.code, "unit": "A"})
    ngata.post(f"/v1/handovers/{first['id']}/acceptance", {})
    ngata.note(weir, basis="TOLD_BY_PERSON", needs=[{"code": "PHONE"}])
    outgoing.run("offer")
    ngata.note(kane, fact="Found on the floor, grey.", attention="ACT_NOW", if_then="Code blue.")
    said = incoming.run("accept").stdout
    assert "Hartmann saw: Quiet after the visit." not in said  # its newest note is the need's
    assert "IF IT HAPPENS (Hartmann, " in said
    assert "Awake after 22:00: sit and talk." in said
    since = said.partition("Asks for attention, and is not in the offer:\n")[2]
    assert "Kane, D. (A2-11)" in since
    assert "written after the offer, " in since
    assert "ACT NOW until " in since
    assert "Ngata saw: Found on the floor, grey." in since
    assert "IF IT HAPPENS: Code blue." in since


def test_without_a_keyboard_nothing_is_accepted_unasked(
    outgoing: Terminal, incoming: Terminal, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    ngata.note(weir, fact="Quiet.")
    outgoing.run("offer")
    said = incoming.run("accept")
    assert said.exit_code == 2
    assert "Ngata saw: Quiet." in said.stdout
    assert "handover accept --yes" in said.stderr
    assert state_of(hartmann)[0] == "OFFERED"


def test_a_roll_that_does_not_match_wants_a_word(outgoing: Terminal, incoming: Terminal, hartmann: Caller) -> None:
    said = outgoing.run("offer", "--roll", "58")
    assert "You counted 58, the roster says 0." in said.stderr
    said = incoming.run("accept", "--yes", "--roll", "57")
    assert said.exit_code == 1
    assert 'The roll does not match. 58 offered, 57 counted. Count again, or say why: --because "…"' in said.stderr
    assert incoming.run("accept", "--yes", "--roll", "57", "--because", "One at court.").exit_code == 0
    assert state_of(hartmann)[1]["roll"]["mismatch_reason"] == "One at court."


def test_a_roll_is_a_number_and_what_is_none_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = iter(["some", "\u00b2", "60"])  # AltGr and 2 on a German keyboard: a digit to Python, but no number
    monkeypatch.setattr("typer.prompt", lambda *_, **__: next(typed))
    assert asked_roll("How many?") == 60
    assert capsys.readouterr().err == "A number, please.\n" * 2


def test_a_question_goes_to_the_outgoing_officer_and_the_answer_comes_back(
    outgoing: Terminal, incoming: Terminal, ngata: Caller, weir: str
) -> None:
    ngata.note(weir, fact="Quiet.")
    outgoing.run("offer")
    said = incoming.run("ask", "weir", "Since when?")
    assert said.exit_code == 0, said.output
    assert "Ngata is told" in said.stdout
    said = incoming.run("accept", "--yes")
    assert said.exit_code == 1
    assert "“Since when?”. Wait for the answer, or take it over with the question open: --with-queries" in said.stderr
    said = outgoing.run("answer")
    assert "Weir, J. (A1-07): Hartmann asks " in said.stdout
    assert outgoing.run("answer", "Since the visit was cancelled.").exit_code == 0
    assert outgoing.run("answer").stdout == "No question is open.\n"
    said = incoming.run("accept", "--yes")
    assert said.exit_code == 0
    assert "Ngata answers " in said.stdout
    assert "Since the visit was cancelled." in said.stdout


def test_taken_over_with_a_question_open_it_can_still_be_answered(
    outgoing: Terminal, incoming: Terminal, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    ngata.note(weir, fact="Quiet.", needs=[{"code": "PHONE"}])
    outgoing.run("offer")
    said = incoming.run("ask", "weir", "Does she know?")
    assert said.exit_code == 2
    assert "could be several things. Which?" in said.stderr
    need = next(line.split()[0] for line in said.stderr.splitlines() if "need: phone" in line)
    assert incoming.run("ask", need, "Does she know?").exit_code == 0
    said = incoming.run("accept", "--yes", "--with-queries")
    assert "1 question open" in said.stdout
    assert state_of(hartmann)[0] == "ACCEPTED_WITH_QUERIES"
    assert outgoing.run("answer", "Yes, after six.").exit_code == 0


def test_several_questions_are_told_apart(outgoing: Terminal, incoming: Terminal, ngata: Caller, weir: str) -> None:
    ngata.note(weir, fact="Quiet.")
    outgoing.run("offer")
    for question in ("Since when?", "Why?"):
        incoming.run("ask", "A1-07", question)
    said = outgoing.run("answer", "No idea.")
    assert said.exit_code == 2
    assert "Several questions are open" in said.stderr
    which = next(line.split()[0] for line in said.stderr.splitlines() if line.endswith("Why?"))
    answered = outgoing.json("answer", which, "His visit was cancelled.")
    assert (answered["text"], answered["answers"][0]["text"]) == ("Why?", "His visit was cancelled.")


def test_taken_back_with_a_reason_and_offered_again(outgoing: Terminal, incoming: Terminal, hartmann: Caller) -> None:
    outgoing.run("offer")
    said = outgoing.run("offer")
    assert said.exit_code == 1
    assert "Ngata has offered it" in said.stderr
    assert outgoing.run("offer", "--take-back", "Mass refusal at lunch.").exit_code == 0
    assert state_of(hartmann)[1]["withdrawal"]["reason"] == "Mass refusal at lunch."
    said = incoming.run("accept", "--yes")
    assert said.exit_code == 1
    assert "Nothing waits for you. Nobody has offered A wing." in said.stderr
    assert outgoing.run("offer", "--take-back", "Again.").exit_code == 1
    assert outgoing.run("offer", "--json").exit_code == 0


def test_somebody_who_was_quicker_is_named(outgoing: Terminal, incoming: Terminal, ngata: Caller) -> None:
    offered = outgoing.json("offer")
    said = incoming.run("accept", "--json", "--yes")
    assert json.loads(said.stdout)["items"][0]["id"] == offered["id"]
    answer = outgoing.run("accept", "--yes")
    assert answer.exit_code == 1
    assert "Nothing waits for you" in answer.stderr


def test_a_night_officer_takes_several_units_one_after_another(
    prison: Prison, outgoing: Terminal, tmp_path: Path
) -> None:
    other = Terminal(tmp_path / "b", prison.service.url)
    other.login(prison.hire("sandhu", "officer", "B"))
    outgoing.run("offer", "--roll", "0")
    other.run("offer", "--roll", "0")
    night = Terminal(tmp_path / "night", prison.service.url)
    night.login(prison.hire("oyelaran", "officer", "A", "B"))
    said = night.run("accept", "--yes", "--roll", "0")
    assert said.exit_code == 2
    assert "Say which: --unit" in said.stderr
    said = night.run("accept", "--yes")
    assert said.exit_code == 0
    assert "You own A wing since " in said.stdout
    assert "You own B wing since " in said.stdout


def test_a_person_who_moves_is_accepted_by_name_and_brings_along_what_is_known(
    prison: Prison, ngata: Caller, weir: str, tmp_path: Path
) -> None:
    ngata.note(weir, fact="Quiet.", needs=[{"code": "PHONE"}])
    boss = prison.hire("mortimer", "supervisor")
    boss.post(f"/v1/inmates/{weir}/moves", {"establishment": prison.code, "unit": "B", "reason": "Works there now"})
    receiving = Terminal(tmp_path / "b", prison.service.url)
    receiving.login(prison.hire("sandhu", "officer", "B"))
    said = receiving.run("accept", "--yes")
    assert said.exit_code == 0, said.output
    assert f"From {prison.code} A A1-07 to {prison.code} B" in said.stdout
    assert "Ngata saw: Quiet." in said.stdout
    assert "sent by Mortimer, NOT ACCEPTED, due " in said.stdout
    assert f"You answer for Weir, J. ({weir}) since " in said.stdout


def test_what_is_overdue_says_so_and_can_still_be_accepted(
    prison: Prison, outgoing: Terminal, incoming: Terminal, hartmann: Caller
) -> None:
    outgoing.run("offer")
    due = datetime.fromisoformat(state_of(hartmann)[1]["due_at"])
    prison.service.clock.ahead = due - datetime.now(UTC) + timedelta(minutes=1)
    try:
        later = prison.service.login(hartmann.name)
        eventually(lambda: state_of(later)[0] == "OVERDUE")
        said = incoming.run("accept", "--yes")
    finally:
        prison.service.clock.ahead = timedelta(0)
    assert "OVERDUE since " in said.stdout
    assert "You own A wing since " in said.stdout


def test_what_gets_overdue_while_it_is_looked_for_is_accepted_once(
    prison: Prison, outgoing: Terminal, incoming: Terminal, hartmann: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    outgoing.run("offer")
    due = datetime.fromisoformat(state_of(hartmann)[1]["due_at"])

    def slowly(api: Api, path: str, wanted: dict[str, Any]) -> Iterator[Any]:
        if wanted.get("state") == "OVERDUE":
            prison.service.clock.ahead = due - datetime.now(UTC) + timedelta(minutes=1)
            later = prison.service.login(hartmann.name)
            eventually(lambda: state_of(later)[0] == "OVERDUE")
        return every(api, path, wanted)

    monkeypatch.setattr("handover.terminal.matters.every", slowly)
    try:
        said = incoming.run("accept", "--yes")
    finally:
        prison.service.clock.ahead = timedelta(0)
    assert said.exit_code == 0, said.output
    assert said.stdout.count("You own A wing since ") == 1


@pytest.mark.parametrize(
    ("typed", "code", "told"),
    [
        (["offer", "--unit", "X"], 2, "there is no such unit"),
        (["offer", "--unit", "B"], 1, "No unit B"),
        (["offer", "--roll", "-3"], 2, "--roll: "),
        (["offer", "--roll", "many"], 2, "--roll"),
        (["offer", "--take-back", "x", "--roll", "3"], 2, "--take-back goes alone"),
        (["offer", "--remarks", "x" * 1001], 2, "--remarks: "),
        (["ask", "weir"], 2, "Say what you ask"),
        (["ask", "weir", "why?"], 2, "Nothing is being handed over"),
        (["answer", "Yes."], 2, "No question is open."),
        (["accept", "--unit", "wingA"], 2, "Did you mean"),
    ],
)
def test_what_was_typed_wrong_is_said(incoming: Terminal, typed: list[str], code: int, told: str) -> None:
    said = incoming.run(*typed)
    assert said.exit_code == code, said.output
    assert told in said.stderr


def test_for_a_nurse_it_is_not_to_hand_over(prison: Prison, tmp_path: Path) -> None:
    office = Terminal(tmp_path / "nurse", prison.service.url)
    office.login(prison.hire("okafor", "health", "A"))
    said = office.run("offer", "--json")
    assert said.exit_code == 1
    assert json.loads(said.stderr)["status"] == 403


# --- At a keyboard, item by item ------------------------------------------------------------------------------------


def test_going_through_it_at_a_keyboard_most_urgent_first(outage: Outage, tmp_path: Path) -> None:
    prison = outage.prison
    weir, kane = prison.receive("A4417KD"), prison.receive("A2222BB", name="Kane, D.", cell="A2-11")
    ngata, hartmann = prison.hire("ngata", "officer", "A"), prison.hire("hartmann", "officer", "A")
    ngata.note(kane, fact="Won at cards.")
    urgent = ngata.note(weir, fact="No insulin since morning.", attention="ACT_NOW")
    ngata.post("/v1/handovers", {"establishment": prison.code, "unit": "A", "roll_expected": 2})
    office = Terminal(tmp_path / "office", outage.url)
    office.login(hartmann)
    with office.running("accept", on_screen=True) as walk:
        walk.until("1 of 2")
        walk.until("Weir, J.")
        walk.until("Ngata saw: No insulin")
        walk.presses("a")
        walk.answers("Your question", "Who called the nurse?")
        walk.until("Ngata is told")
        walk.until("Hartmann asks")
        walk.presses("y")
        walk.until("2 of 2")
        walk.until("Kane, D.")
        walk.presses("n")
        walk.until("did not say “I have it” to: Kane, D.")
        walk.presses("b")
        walk.until("2 of 2")
        walk.presses("n")
        walk.until("did not say “I have it” to: Kane, D.")
        walk.presses("g")
        walk.until("not answered yet")
        query = ngata.get("/v1/handovers")["items"][0]
        ngata.post(f"/v1/handovers/{query['id']}/queries/{query['queries'][0]['id']}/answers", {"text": "I did."})
        walk.presses("w")
        walk.until("Ngata answers")
        walk.answers("How many people did you count?", "1")
        walk.answers("2 offered, 1 counted.", "Kane is at court")
        walk.answers("own words", "Weir: insulin. Kane at court.")
        walk.until("You own A wing since")
        assert walk.ends() == 0
    handover = hartmann.get("/v1/handovers")["items"][0]
    assert (handover["state"], handover["read_back"]) == ("ACCEPTED", "Weir: insulin. Kane at court.")
    assert handover["roll"] == {"expected": 2, "actual": 1, "mismatch_reason": "Kane is at court"}
    kinds = [one["kind"] for one in ngata.get(f"/v1/notes/{urgent['id']}/receipts")["items"]]
    assert "SEEN" in kinds


def test_the_next_one_is_gone_through_as_it_is_offered_by_then(outage: Outage, tmp_path: Path) -> None:
    prison = outage.prison
    by = {wing: prison.hire(name, "officer", wing) for wing, name in (("A", "ngata"), ("B", "sandhu"), ("C", "brandt"))}
    prison.admin.put(f"/v1/establishments/{prison.code}/units/C", {"name": "C wing"}, 201)
    ids = {}
    for wing, who in by.items():
        offer = {"establishment": prison.code, "unit": wing, "remarks": "The first count."}
        ids[wing] = who.post("/v1/handovers", offer)["id"]
    office = Terminal(tmp_path / "office", outage.url)
    office.login(prison.hire("oyelaran", "officer", "A", "B", "C"))
    with office.running("accept", on_screen=True) as walk:
        seen = walk.until("wing: Handover")
        first, again, gone = sorted(by, key=lambda wing: f"{wing} wing: Handover" not in seen)  # the hour says which
        for wing in (again, gone):
            by[wing].post(f"/v1/handovers/{ids[wing]}/withdrawal", {"reason": "Miscounted."})
        offer = {"establishment": prison.code, "unit": again, "remarks": "Kane is back from court."}
        by[again].post("/v1/handovers", offer)
        walk.answers("count?", "")
        walk.answers("own words", "")
        walk.until(f"You own {first} wing since")
        walk.until("Kane is back from court.")
        walk.answers("count?", "")
        walk.answers("own words", "")
        walk.until(f"You own {again} wing since")
        over = f"{gone} wing does not wait any more."  # before that one or after it: the hour says which
        assert any(over in line for line in walk.seen) or walk.until(over)
        assert walk.ends() == 0


def test_a_correction_of_what_travelled_is_gone_through_too(outage: Outage, tmp_path: Path) -> None:
    prison = outage.prison
    weir, ngata = prison.receive("A4417KD"), prison.hire("ngata", "officer", "A")
    wrong = ngata.note(weir, fact="Hit his cellmate.", attention="WATCH")
    move = {"establishment": prison.code, "unit": "B", "reason": "Works there."}
    prison.admin.post(f"/v1/inmates/{weir}/moves", move)
    office = Terminal(tmp_path / "office", outage.url)
    office.login(prison.hire("sandhu", "officer", "B"))
    with office.running("accept", on_screen=True) as walk:
        walk.until("1 of 1")
        walk.until("Hit his cellmate.")
        right = {"inmate": weir, "basis": "SAW", "fact": "Was hit by him."}
        ngata.post(f"/v1/notes/{wrong['id']}/corrections", {"reason": "Mixed up.", "note": right})
        walk.presses("y")
        walk.until("did not say “I have it” to: Weir, J.")
        walk.presses("b")
        walk.until("Was hit by him.")
        walk.presses("y")
        walk.answers("own words", "")
        walk.until(f"You answer for Weir, J. ({weir}) since")
        assert walk.ends() == 0


def test_whoever_was_quicker_is_named_before_roll_and_own_words_are_asked_for(outage: Outage, tmp_path: Path) -> None:
    prison = outage.prison
    ngata, brandt = prison.hire("ngata", "officer", "A"), prison.hire("brandt", "officer", "A")
    ngata.note(prison.receive("A4417KD"), fact="Quiet.")
    offered = ngata.post("/v1/handovers", {"establishment": prison.code, "unit": "A"})
    office = Terminal(tmp_path / "office", outage.url)
    office.login(prison.hire("hartmann", "officer", "A"))
    with office.running("accept", on_screen=True) as walk:
        walk.until("1 of 1")
        brandt.post(f"/v1/handovers/{offered['id']}/acceptance", {})
        walk.presses("y")
        walk.until("Somebody was quicker. Brandt has taken it over")
        assert walk.ends() == 1


def test_stopping_accepts_nothing(outage: Outage, tmp_path: Path) -> None:
    prison = outage.prison
    ngata = prison.hire("ngata", "officer", "A")
    ngata.note(prison.receive("A4417KD"), fact="Quiet.")
    ngata.post("/v1/handovers", {"establishment": prison.code, "unit": "A"})
    office = Terminal(tmp_path / "office", outage.url)
    office.login(prison.hire("hartmann", "officer", "A"))
    with office.running("accept", on_screen=True) as walk:
        walk.until("1 of 1")
        walk.presses("q")
        walk.until("Nothing was accepted.")
        assert walk.ends() == 130
    assert ngata.get("/v1/handovers")["items"][0]["state"] == "OFFERED"


@pytest.mark.parametrize(
    "typed",
    [
        ["sheet"],
        ["needs"],
        ["needs", "done", "3f9c", "x"],
        ["offer", "--roll", "58"],
        ["accept", "--yes"],
        ["ask", "weir", "why?"],
        ["answer", "Yes."],
        ["take", "weir"],
        ["attention", "weir", "--close", "over"],
        ["sheet", "verify", "--hash", "0" * 64, "--given-at", "2026-11-25T14:00:00Z"],
    ],
    ids=lambda typed: " ".join(typed[:2]),
)
def test_without_a_network_each_says_so_and_does_nothing(outage: Outage, tmp_path: Path, typed: list[str]) -> None:
    office = Terminal(tmp_path / "office", outage.url)
    office.login(outage.prison.hire("hartmann", "officer", "A"))
    outage.goes_away()
    said = office.run(*typed)
    assert said.exit_code == 3, said.output
    assert "nothing answers at that address" in said.stderr
    said = office.run(*typed, "--json")
    assert json.loads(said.stderr)["error"] == "cannot-reach"
