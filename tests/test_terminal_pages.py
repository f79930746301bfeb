"""What must not wait: a page is taken by a named person, and attention ends or goes on by somebody's word."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.embedded import database_url
from tests.support.outage import Outage
from tests.support.service import Caller, Prison
from tests.support.terminals import Terminal

__all__ = ["database_url"]


def test_a_page_is_taken_and_the_note_is_read_in_taking_it(
    terminal: Terminal, ngata: Caller, hartmann: Caller, weir: str
) -> None:
    note = ngata.note(weir, fact="No insulin since morning.", attention="ACT_NOW", if_then="Drowsy: emergency call.")
    listed = terminal.run("take").stdout
    assert listed.startswith(f"{note['id'][-4:]}   ACT NOW  A  Weir, J. (A1-07, {weir}), since ")
    assert f"take it: handover take {weir}" in listed
    said = terminal.run("take", "weir")
    assert said.exit_code == 0, said.output
    assert said.stdout.startswith("You have taken it: Weir, J.")
    assert "No insulin since morning." in said.stdout
    assert "if it happens: Drowsy: emergency call." in said.stdout
    assert ngata.get(f"/v1/notes/{note['id']}/receipts")["items"][-1]["kind"] == "ACCEPTED"
    assert hartmann.get("/v1/pages", state="RAISED")["items"] == []
    assert terminal.run("take").stdout == "No page is open.\n"


def test_by_the_notes_short_name_or_the_cell(terminal: Terminal, ngata: Caller, weir: str) -> None:
    for what in ("A1-07", None, weir.lower()):
        note = ngata.note(weir, attention="ACT_NOW")
        assert terminal.json("take", what or note["id"][-4:])["items"][0]["note"] == note["id"]


def test_somebody_for_whom_no_page_calls(terminal: Terminal, prison: Prison, ngata: Caller, weir: str) -> None:
    said = terminal.run("take", "weir")
    assert said.exit_code == 2
    assert "None is open." in said.stderr
    ngata.note(weir, attention="ACT_NOW")
    prison.receive("A2222BB", name="Kane, D.", cell="A2-11")
    said = terminal.run("take", "kane")
    assert said.exit_code == 2
    assert "See them: handover take" in said.stderr
    assert terminal.run("take", "kaan").exit_code == 2


def test_attention_is_renewed_until_a_time_or_closed_each_with_a_reason(
    terminal: Terminal, ngata: Caller, hartmann: Caller, weir: str
) -> None:
    note = ngata.note(weir, fact="Does not eat.", attention="WATCH")
    said = terminal.run("attention", note["id"][-4:], "--renew", "Still does not eat.", "--until", "in 10h")
    assert said.exit_code == 0, said.output
    assert "WATCH until " in said.stdout
    said = terminal.run("attention", "weir", "--close", "Ate twice.")
    assert said.exit_code == 0, said.output
    assert "Closed: Weir, J." in said.stdout
    last = hartmann.get(f"/v1/notes/{note['id']}")["renewals"][-1]
    assert (last["closed"], last["reason"], last["by"]["name"]) == (True, "Ate twice.", "Hartmann")


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (["weir"], "--renew"),
        (["weir", "--renew", "x", "--close", "y"], "Say one of the two"),
        (["weir", "--close", "y", "--until", "18:00"], "--until goes with --renew"),
        (["weir", "--renew", "x", "--until", "noonish"], "--until 'noonish'"),
        (["weir", "--renew", "x" * 501], "the reason: "),
        (["zzzz", "--renew", "x"], "See: handover sheet"),
    ],
)
def test_what_was_typed_wrong_is_said(
    terminal: Terminal, ngata: Caller, weir: str, typed: list[str], told: str
) -> None:
    ngata.note(weir, attention="WATCH")
    said = terminal.run("attention", *typed)
    assert said.exit_code == 2, said.output
    assert told in said.stderr


# --- On the screen of a watch ---------------------------------------------------------------------------------------


def test_a_page_cannot_be_overlooked_calls_again_and_says_who_took_it(outage: Outage, tmp_path: Path) -> None:
    prison = outage.prison
    ngata, hartmann = prison.hire("ngata", "officer", "A"), prison.hire("hartmann", "officer", "A")
    weir = prison.receive("A4417KD")
    office = Terminal(tmp_path / "office", outage.url)
    office.login(hartmann)
    with office.running("watch", on_screen=True) as watch:
        watch.until(" up to date ")
        ngata.note(weir, fact="No insulin since morning.", attention="ACT_NOW")
        watch.until("\a")
        watch.until("PAGE: ACT NOW, UNIT A: WEIR, J.")
        watch.until(f"take it: handover take {weir}")
        watch.until("1 PAGE NOT TAKEN")
        prison.service.clock.ahead = timedelta(minutes=4)
        watch.until("CALLED 2 TIMES")
        prison.service.clock.ahead = timedelta(0)
        assert office.run("take", "weir").exit_code == 0
        watch.until("PAGE TAKEN by Hartmann")


def test_of_two_of_one_name_the_one_who_calls_is_meant(outage: Outage, tmp_path: Path) -> None:
    prison = outage.prison
    ngata, hartmann = prison.hire("ngata", "officer", "A"), prison.hire("hartmann", "officer", "A")
    weir, other = prison.receive("A4417KD"), prison.receive("A5555XX", name="Weir, P.", cell="A2-09")
    office = Terminal(tmp_path / "office", outage.url)
    office.login(hartmann)
    first = ngata.note(weir, fact="No insulin since morning.", attention="ACT_NOW")
    said = office.run("take", "weir")
    assert (said.exit_code, "You have taken it: Weir, J." in said.stdout) == (0, True), said.output
    assert ngata.get(f"/v1/notes/{first['id']}/receipts")["items"][0]["kind"] == "ACCEPTED"
    for number in (weir, other):
        ngata.note(number, attention="ACT_NOW")
    said = office.run("take", "weir")
    assert said.exit_code == 2
    assert "could be several people" in said.stderr, "where both call, it has to be said whom"


def test_a_page_that_was_raised_before_calls_as_soon_as_somebody_watches(outage: Outage, tmp_path: Path) -> None:
    prison = outage.prison
    ngata, hartmann = prison.hire("ngata", "officer", "A"), prison.hire("hartmann", "officer", "A")
    ngata.note(prison.receive("A4417KD"), fact="No insulin since morning.", attention="ACT_NOW")
    office = Terminal(tmp_path / "office", outage.url)
    office.login(hartmann)
    with office.running("watch") as watch:
        watch.until("PAGE: ACT NOW, UNIT A: WEIR, J.")
        watch.until("No insulin since morning.")


def test_a_handover_that_nobody_accepts_calls_and_stops_once_somebody_has(outage: Outage, tmp_path: Path) -> None:
    prison = outage.prison
    ngata, hartmann = prison.hire("ngata", "officer", "A"), prison.hire("hartmann", "officer", "A")
    offered = ngata.post("/v1/handovers", {"establishment": prison.code, "unit": "A"})
    office = Terminal(tmp_path / "office", outage.url)
    office.login(hartmann)
    due = datetime.fromisoformat(offered["due_at"])
    prison.service.clock.ahead = due - datetime.now(UTC) + timedelta(minutes=1)
    with office.running("watch", "--after", "start") as watch:
        watch.until_all("OVERDUE since", "Up to date")
        prison.service.clock.ahead += timedelta(minutes=16)
        watch.until("WITH THE DUTY MANAGER: nobody has accepted the handover")
        watch.until("PAGE: HANDOVER NOT ACCEPTED, UNIT A: THE UNIT ITSELF.")
        watch.until("take it over: handover accept --unit A")
        said = office.run("take", offered["id"][-4:])
        assert said.exit_code == 2
        assert "HANDOVER NOT ACCEPTED" in office.run("take").stdout
        assert office.run("accept", "--yes").exit_code == 0
        watch.until("PAGE TAKEN by Hartmann")
    assert office.run("take").stdout == "No page is open.\n"


def test_the_changeover_and_what_came_of_my_note_are_told_in_words(outage: Outage, tmp_path: Path) -> None:
    prison = outage.prison
    ngata, hartmann = prison.hire("ngata", "officer", "A"), prison.hire("hartmann", "officer", "A")
    note = ngata.note(prison.receive("A4417KD"), needs=[{"code": "PHONE"}])
    office = Terminal(tmp_path / "office", outage.url)
    office.login(ngata)
    with office.running("watch") as watch:
        watch.until("Up to date")
        offered = ngata.post("/v1/handovers", {"establishment": prison.code, "unit": "A"})
        watch.until("offered by Ngata: to be accepted by")
        asked = hartmann.post(f"/v1/handovers/{offered['id']}/queries", {"note": note["id"], "text": "Since when?"})
        watch.until(f"{note['inmate']}  Hartmann asks about the handover: Since when?")
        watch.until(f'answer: handover answer {asked["id"][-4:]} "…"')
        ngata.post(f"/v1/handovers/{offered['id']}/queries/{asked['id']}/answers", {"text": "Since noon."})
        watch.until("Ngata answers “Since when?”: Since noon.")
        hartmann.post(f"/v1/handovers/{offered['id']}/acceptance", {})
        watch.until("handover accepted: Hartmann owns unit A since")
        done = {"status": "DONE", "outcome": "Spoke to her."}
        hartmann.http.patch(f"/v1/needs/{note['needs'][0]['id']}", json=done, headers={"If-Match": '"1"'})
        watch.until("your note led to: done, Spoke to her.")
