"""Ngata's terminal shows the wing as it happens, and never leaves her believing that it is quiet when it is blind."""

import json
import signal
from pathlib import Path

import pytest

from tests.support.outage import Outage
from tests.support.service import Caller, Prison
from tests.support.terminals import Terminal


@pytest.fixture
def prison(outage: Outage) -> Prison:
    return outage.prison


@pytest.fixture
def terminal(outage: Outage, ngata: Caller, tmp_path: Path) -> Terminal:
    office = Terminal(tmp_path / "office", outage.url)
    office.login(ngata)
    return office


def test_a_note_is_on_the_screen_at_once_and_in_words(terminal: Terminal, hartmann: Caller, weir: str) -> None:
    with terminal.running("watch") as watch:
        watch.until("Up to date")
        hartmann.note(
            weir,
            fact="Quiet since the visit was cancelled.",
            mood={"valence": -1},
            opinion="He blames himself.",
            needs=[{"code": "PHONE", "promised": True}],
            attention="ACT_NOW",
        )
        head = watch.until("Weir, J.")
        assert f"A  Weir, J. (A1-07, {weir})   ACT NOW until" in head
        watch.until("Hartmann saw: Quiet since the visit was cancelled.")
        watch.until("Hartmann thinks: He blames himself.")
        watch.until("need: phone call, promised")
        watch.process.send_signal(signal.SIGINT)
        assert watch.ends() == 0
        assert len([line for line in watch.seen if "need:" in line]) == 1, "a need is told with its note, not again"


def test_a_restart_goes_on_where_it_stopped(terminal: Terminal, hartmann: Caller, weir: str) -> None:
    with terminal.running("watch") as watch:
        watch.until("Up to date")
        hartmann.note(weir, fact="First.")
        watch.until("First.")
        watch.process.send_signal(signal.SIGINT)
        assert watch.ends() == 0
    hartmann.note(weir, fact="While nobody looked.")
    with terminal.running("watch") as watch:
        watch.until("Since ")
        watch.until("While nobody looked.")
        watch.until("Up to date")
        assert not any("First." in line for line in watch.seen)


def test_a_place_that_the_disk_does_not_give_just_now_is_not_passed_over(
    terminal: Terminal, hartmann: Caller, weir: str
) -> None:
    with terminal.running("watch") as watch:
        watch.until("Up to date")
        hartmann.note(weir, fact="First.")
        watch.until("First.")
        watch.process.send_signal(signal.SIGINT)
        assert watch.ends() == 0
    hartmann.note(weir, fact="While nobody looked.")
    (file,) = terminal.files("cursors/*.json")
    away = file.rename(file.with_suffix(".away"))
    file.symlink_to(file)  # to read it is an error, and not because it were gone
    with terminal.running("watch") as watch:
        watch.until("This machine would not do it")
        assert watch.ends() == 1
    away.replace(file)
    with terminal.running("watch") as watch:
        watch.until("While nobody looked.")


def test_a_watch_that_is_killed_shows_something_twice_rather_than_never(
    terminal: Terminal, hartmann: Caller, weir: str
) -> None:
    with terminal.running("watch") as watch:
        watch.until("Up to date")
        hartmann.note(weir, fact="First.")
        watch.until("First.")
        watch.process.kill()
    hartmann.note(weir, fact="While nobody looked.")
    with terminal.running("watch") as watch:
        watch.until("While nobody looked.")


def test_blindness_is_said_with_its_time_and_what_was_missed_is_shown(
    outage: Outage, terminal: Terminal, hartmann: Caller, weir: str
) -> None:
    with terminal.running("watch") as watch:
        watch.until("Up to date")
        outage.goes_away()
        blind = watch.until("Not connected since")
        assert "Urgent? Use the radio." in blind
        outage.comes_back()
        outage.prison.service.login(hartmann.name).note(weir, fact="Said while it was blind.")
        watch.until_all("Said while it was blind.", "Up to date again")


def test_at_a_real_screen_the_foot_always_says_how_things_stand(
    outage: Outage, terminal: Terminal, hartmann: Caller, weir: str
) -> None:
    with terminal.running("watch", on_screen=True) as watch:
        watch.until(" up to date ")
        hartmann.note(weir, fact="Two men with a tool at his door. " * 5, attention="ACT_NOW")
        watch.until("ACT NOW")
        watch.until("\a")
        outage.goes_away()
        watch.until("NOT CONNECTED since")
        terminal.run("post", "--unit", "A", "--saw", "Written in the dark.")
        watch.until("1 not sent")
        watch.process.send_signal(signal.SIGINT)
        assert watch.ends() == 0


def test_a_lost_store_is_said_to_be_one(outage: Outage, terminal: Terminal, ngata: Caller) -> None:
    with terminal.running("watch") as watch:
        watch.until("Up to date")
        watch.process.send_signal(signal.SIGINT)
        assert watch.ends() == 0
    outage.goes_away()
    elsewhere = outage.comes_back_with_another_store()
    there = elsewhere.hire("ngata", "officer", "A")
    terminal.login(there)
    kept = terminal.files("cursors/*.json")[0]
    for name in (path.name for path in terminal.files("logins/*.json")):
        assert "ngata" in name
    with terminal.running("watch", "--after", json.loads(kept.read_text())["cursor"]) as watch:
        watch.until("may be missing above")
        watch.until("Up to date")


def test_notes_that_waited_go_as_soon_as_it_sees_again(outage: Outage, terminal: Terminal, ngata: Caller) -> None:
    outage.goes_away()
    terminal.run("post", "--unit", "A", "--saw", "Written in the dark.")
    with terminal.running("watch") as watch:
        watch.until("1 note kept here, not sent.")
        outage.comes_back()
        watch.until_all("Sent 1 note", "Written in the dark.")
    assert [note["fact"] for note in outage.prison.service.login(ngata.name).all("/v1/notes")] == [
        "Written in the dark."
    ]


def test_a_login_taken_away_ends_it_with_words(outage: Outage, terminal: Terminal) -> None:
    with terminal.running("watch") as watch:
        watch.until("Up to date")
        assert terminal.run("logout").exit_code == 0
        assert watch.ends() == 1
        assert any("handover login" in line for line in watch.seen)


def test_for_a_program_events_and_states_are_lines(
    outage: Outage, terminal: Terminal, hartmann: Caller, weir: str
) -> None:
    with terminal.running("watch", "--unit", "A", "--json") as watch:
        assert json.loads(watch.until('"live"'))["type"] == "state"
        note = hartmann.note(weir, fact="First.")
        assert json.loads(watch.until("note.recorded"))["data"] == note
        outage.goes_away()
        blind = json.loads(watch.until('"blind"'))
        assert blind["since"] <= blind["at"]
        watch.process.send_signal(signal.SIGINT)
        assert watch.ends() == 0


def test_somewhere_that_is_not_hers(terminal: Terminal) -> None:
    for elsewhere in (["--establishment", "NOWHERE"], ["--unit", "ZZ"]):
        with terminal.running("watch", *elsewhere) as watch:
            assert watch.ends() == 1
            assert any("refused" in line for line in watch.seen)


def test_from_the_start_on_request(terminal: Terminal, hartmann: Caller, weir: str) -> None:
    hartmann.note(weir, fact="Long ago.")
    with terminal.running("watch", "--after", "start") as watch:
        watch.until("on the roster: Weir, J.")
        watch.until("Long ago.")
        watch.until("Up to date")


# --- While an incident goes on ---------------------------------------------------------------------------------------


def test_notes_about_an_incident_are_one_heading_and_push_no_page_off_the_screen(
    outage: Outage, terminal: Terminal, hartmann: Caller, weir: str
) -> None:
    kane = outage.prison.receive("A2222BB", name="Kane, D.", cell="A2-11")
    with terminal.running("watch", on_screen=True) as watch:
        watch.until(" up to date ")
        began = hartmann.note(unit="A", fact="Six refuse to go\nbehind the doors.", about_incident=True)
        head = watch.until("the wing")
        assert "INCIDENT, WATCH until" in head
        for n in range(30):
            hartmann.note(weir, fact=f"Refusal {n}.", about_incident=True)
        watch.until("31 notes, latest")
        hartmann.note(kane, fact="Says he will cut.", indicators=[{"code": "SAY_SELF_HARM"}], about_incident=True)
        watch.until("PAGE: ACT NOW, UNIT A: KANE, D.")
        watch.until("Says he will cut.")
        hartmann.note(weir, fact="Wants his phone.", needs=[{"code": "PHONE"}], about_incident=True)
        watch.until("need: phone call")  # work for somebody is told, whoever asked for it and however many
        called = len(watch.seen)
        for n in range(30, 60):
            hartmann.note(weir, fact=f"Refusal {n}.", about_incident=True)
        watch.until("INCIDENT on A since ")
        watch.until("63 notes, latest")
        watch.until("Refusal 59.")
        watch.until("Refusal 57.")
        watch.until("1 PAGE NOT TAKEN")
        beside = hartmann.note(weir, fact="Asks for his insulin.")
        watch.until("Asks for his insulin.")
        hartmann.post(f"/v1/notes/{began['id']}/attention", {"close": True, "reason": "All in."})
        watch.until("WATCH is over, says Hartmann: All in.")
        watch.until("The incident is over: 63 notes.")
        watch.process.send_signal(signal.SIGINT)
        assert watch.ends() == 0
    told_in_full = [line for line in watch.seen if f"A  \x1b[1mWeir, J. (A1-07, {weir})" in line]
    assert len(told_in_full) == 2, "the need, and the note beside: the incident's notes have no lines of their own"
    assert beside["incident"] is None
    assert all(len(line) < 300 for line in watch.seen[called:]), "a line each"


def test_somebody_who_comes_in_the_middle_of_an_incident_is_told_how_much_there_is(
    outage: Outage, terminal: Terminal, hartmann: Caller, weir: str
) -> None:
    first = hartmann.note(unit="A", fact="A row.", about_incident=True)
    correction = {"basis": "SAW", "unit": "A", "fact": "A fight at the pool table."}
    body = {"reason": "Where.", "note": correction}
    began = hartmann.post(f"/v1/notes/{first['id']}/corrections", body)
    slip = hartmann.note(weir, fact="Held a cue.", about_incident=True)
    with terminal.running("watch", "--after", "now", on_screen=True) as watch:
        watch.until(" up to date ")
        hartmann.note(weir, fact="Both apart.", about_incident=True)
        assert "Began: Hartmann saw: A fight" in watch.until("3 notes, latest")
        hartmann.post(f"/v1/notes/{slip['id']}/retractions", {"reason": "NOT_TRUE"})
        watch.until("taken back by Hartmann")
        gone = len(watch.seen)
        watch.until("2 notes, latest")
        watch.process.send_signal(signal.SIGINT)
        assert watch.ends() == 0
        assert not any("Held a cue." in line for line in watch.seen[gone:])
        assert "2 notes" in "".join(watch.seen[-4:]), "what was counted is left on the screen"
    hartmann.post(f"/v1/notes/{began['id']}/retractions", {"reason": "NOT_TRUE"})
    with terminal.running("watch", on_screen=True) as watch:
        watch.until("taken back by Hartmann")
        hartmann.note(weir, fact="Bruised.", about_incident=True)
        assert "INCIDENT, WATCH until" in watch.until("Weir, J."), "what it began with is gone, so this opens another"


def test_in_a_file_each_note_about_an_incident_has_its_own_lines(
    terminal: Terminal, hartmann: Caller, weir: str
) -> None:
    with terminal.running("watch") as watch:
        watch.until("Up to date")
        hartmann.note(unit="A", fact="Six refuse.", about_incident=True)
        for n in range(3):
            hartmann.note(weir, fact=f"Refusal {n}.", about_incident=True)
            watch.until("about the incident")
            watch.until(f"Refusal {n}.")
    with terminal.running("watch", "--after", "start", "--json") as watch:
        kept = [json.loads(watch.until("note.recorded"))["data"]["incident"] for _ in range(4)]
        assert len(set(kept)) == 1, "and a program gets every event"
