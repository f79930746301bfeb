"""The network goes in the middle of a shift, and comes back."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from handover import clock
from handover.client import skew
from handover.client.outbox import Outbox
from tests.support.outage import Outage
from tests.support.outages import no_room
from tests.support.service import Caller, Prison
from tests.support.terminals import Terminal


@pytest.fixture
def prison(outage: Outage) -> Prison:
    return outage.prison


def recorded(outage: Outage, who: Caller) -> list[str]:
    return [note["fact"] for note in outage.prison.service.login(who.name).all("/v1/notes")][::-1]


def test_what_is_written_meanwhile_goes_with_the_next_note_in_order_and_once(
    outage: Outage, hartmann: Caller, terminal: Terminal
) -> None:
    outage.goes_away()
    said = terminal.run("post", "--unit", "A", "--saw", "First.")
    assert said.exit_code == 3
    assert "Kept here, not sent." in said.stderr
    assert "Do not write it again. 1 note waits here." in said.stderr
    assert "2 notes wait here." in terminal.run("post", "--unit", "A", "--saw", "Second.").stderr
    outage.comes_back()
    said = terminal.run("post", "--unit", "A", "--saw", "Third.")
    assert said.exit_code == 0
    assert "Sent 2 notes that waited here" in said.stderr
    assert said.stdout.startswith("Recorded:")
    assert recorded(outage, hartmann) == ["First.", "Second.", "Third."]


def test_for_a_program_a_kept_note_is_a_result(outage: Outage, terminal: Terminal) -> None:
    outage.goes_away()
    said = terminal.run("post", "--unit", "A", "--saw", "First.", "--json")
    assert said.exit_code == 3
    assert '"waiting":1' in said.stdout
    assert '"fact":"First."' in said.stdout
    assert said.stderr == ""


@pytest.mark.parametrize(
    "urgent", [["--act-now"], ["--sign", "self-harm"], ["--need", "safety,now"]], ids=lambda typed: typed[0]
)
def test_what_cannot_wait_is_sent_to_the_radio(outage: Outage, terminal: Terminal, urgent: list[str]) -> None:
    outage.goes_away()
    said = terminal.run("post", "--unit", "A", "--saw", "Two men with tools.", *urgent)
    assert said.exit_code == 3
    assert "USE THE RADIO" in said.stderr


def test_words_are_still_checked_without_a_network(outage: Outage, terminal: Terminal) -> None:
    outage.goes_away()
    said = terminal.run("post", "A4417KD", "--saw", "", "--change", "wrose")
    assert said.exit_code == 2
    assert "worse" in said.stderr
    assert terminal.files("outbox/*/[0-9]*.json") == []


def test_without_any_code_lists_a_note_is_taken_as_written(
    outage: Outage, hartmann: Caller, terminal: Terminal
) -> None:
    outage.goes_away()
    terminal.files("codelists.json")[0].unlink()
    said = terminal.run("post", "--unit", "A", "--saw", "First.", "--need", "cell!now")
    assert said.exit_code == 3
    assert "Taken as written" in said.stderr
    outage.comes_back()
    assert terminal.run("unsent", "--send").exit_code == 0
    assert recorded(outage, hartmann) == ["First."]


def test_hartmann_goes_home_and_ngata_takes_the_pc_and_nothing_is_lost(
    outage: Outage, hartmann: Caller, terminal: Terminal
) -> None:
    ngata = outage.prison.hire("ngata", "officer", "A")
    outage.goes_away()
    terminal.run("post", "--unit", "A", "--saw", "Hartmann's last words.")
    outage.comes_back()
    said = terminal.login(ngata)
    assert "Sent 1 note by hartmann" in said.stderr
    note = outage.prison.service.login(ngata.name).all("/v1/notes")[0]
    assert note["author"]["username"] == hartmann.name
    assert terminal.files("logins/*.json") == [path for path in terminal.files("logins/*.json") if "ngata" in path.name]


def test_logging_out_with_notes_unsent_says_so_and_keeps_them(
    outage: Outage, hartmann: Caller, terminal: Terminal
) -> None:
    outage.goes_away()
    terminal.run("post", "--unit", "A", "--saw", "First.")
    said = terminal.run("logout")
    assert said.exit_code == 0
    assert "1 note waits here, not sent." in said.stderr
    outage.comes_back()
    assert recorded(outage, hartmann) == []
    assert "Sent 1 note" in terminal.login(hartmann).stderr
    assert recorded(outage, hartmann) == ["First."]


def test_a_login_that_has_ended_keeps_the_note_until_the_next(
    outage: Outage, hartmann: Caller, terminal: Terminal
) -> None:
    login = terminal.files("logins/*.json")[0]
    login.write_text(login.read_text().replace("hov_access_", "hov_access_x").replace("hov_refresh_", "hov_refresh_x"))
    said = terminal.run("post", "--unit", "A", "--saw", "First.")
    assert said.exit_code == 1
    assert "Kept here, not sent." in said.stderr
    assert f"It goes by itself once you have logged in (handover login {hartmann.name})" in said.stderr
    terminal.login(hartmann)
    assert recorded(outage, hartmann) == ["First."]


def test_what_was_refused_after_waiting_is_told_and_kept(outage: Outage, terminal: Terminal) -> None:
    outage.goes_away()
    terminal.run("post", "A9999ZZ", "--saw", "Somebody else's number.")
    outage.comes_back()
    said = terminal.run("post", "--unit", "A", "--saw", "Second.")
    assert said.exit_code == 0
    assert "about A9999ZZ that waited here was refused" in said.stderr
    assert "INMATE: nobody with the number" in said.stderr
    assert len(terminal.json("unsent")["refused"]) == 1


@pytest.mark.parametrize("off", [timedelta(hours=1), timedelta(hours=-1)], ids=["an hour fast", "an hour slow"])
def test_times_are_the_prisons_whatever_this_machines_clock_says(
    outage: Outage, hartmann: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, off: timedelta
) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime.now(UTC) + off)
    office = Terminal(tmp_path / "wrong clock", outage.url)
    office.login(hartmann)
    outage.goes_away()
    skew._known.clear()  # each command is a process of its own
    assert office.run("post", "--unit", "A", "--saw", "Quiet.", "--need", "phone@in 20min").exit_code == 3
    outage.comes_back()
    assert office.run("unsent", "--send").exit_code == 0
    (note,) = outage.prison.service.login(hartmann.name).all("/v1/notes")
    now = datetime.now(UTC)
    assert abs(now - datetime.fromisoformat(note["occurred_at"])) < timedelta(minutes=1)
    assert abs(now + off - datetime.fromisoformat(note["captured_at"])) < timedelta(minutes=1)
    assert not note["late"]
    due = datetime.fromisoformat(note["needs"][0]["due_at"])
    assert abs(now + timedelta(minutes=20) - due) < timedelta(minutes=2)


def test_watching_and_pulling_without_a_network(outage: Outage, terminal: Terminal) -> None:
    outage.goes_away()
    said = terminal.run("pull", "--json")
    assert said.exit_code == 3
    assert '"cannot-reach"' in said.stderr


def test_a_note_for_which_the_disk_has_no_room_goes_from_memory_and_is_called_out_where_it_cannot(
    outage: Outage, hartmann: Caller, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as disk:
        disk.setattr(Outbox, "put", no_room)
        said = terminal.run("post", "--unit", "A", "--saw", "Two men with tools.", "--act-now")
        assert (said.exit_code, "Recorded: " in said.stdout) == (0, True), said.output
        assert "disk does not keep notes (No space left on device): it was sent from memory." in said.stderr
        refused = terminal.run("post", "A9999ZZ", "--saw", "Nobody of that number.")
        assert (refused.exit_code, "is kept" in refused.stderr, "was sent" in refused.stderr) == (1, False, False)
        outage.goes_away()
        said = terminal.run("post", "--unit", "A", "--saw", "Two more.", "--act-now")
    assert said.exit_code == 1
    assert "This note is NOT kept, and NOT sent: use paper and the radio." in said.stderr
    assert "This machine would not do it: No space left on device." in said.stderr
    assert terminal.files("outbox/*/[0-9]*.json") == []
    outage.comes_back()
    assert recorded(outage, hartmann) == ["Two men with tools."]
