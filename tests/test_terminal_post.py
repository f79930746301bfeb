"""Hartmann writes notes in one line; the service has them, and she is told what became of each."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from handover.client.http import Api
from handover.client.outbox import Outbox
from tests.support import forking
from tests.support.embedded import database_url
from tests.support.outages import no_room
from tests.support.service import PASSWORD, Caller, Prison
from tests.support.terminals import Terminal

__all__ = ["database_url"]


def test_the_line_everybody_learns_first(terminal: Terminal, hartmann: Caller, weir: str) -> None:
    line = ("post", weir, "--mood", "low", "--change", "worse", "--saw", "quiet since the visit was cancelled")
    said = terminal.run(*line, "--need", "phone!promised")
    assert said.exit_code == 0, said.output
    note = hartmann.get("/v1/notes", inmate=weir)["items"][0]
    assert said.stdout.startswith(f"Recorded: Weir, J. (A1-07, {weir}), unit A; mood low, worse than usual; ")
    assert "need: phone call, promised" in said.stdout
    assert f"Note {note['id']}" in said.stdout
    assert said.stderr == ""
    assert (note["mood"]["valence"], note["change"], note["basis"]) == (-1, "WORSE", "SAW")
    assert note["fact"] == "quiet since the visit was cancelled"
    assert [(need["code"], need["promised"]) for need in note["needs"]] == [("PHONE", True)]
    assert note["captured_at"] == note["occurred_at"]
    assert terminal.files("outbox/*/[0-9]*.json") == []


def test_what_was_done_and_who_may_read_it_are_said_back(terminal: Terminal, weir: str) -> None:
    said = terminal.run("post", weir, "--saw", "Angry.", "--did", "listened=helped", "--handling", "security")
    assert "; did: listened (it helped); who may read it: security. Note " in said.stdout, said.stdout


def test_a_sentence_that_is_said_back_ends_once(terminal: Terminal, weir: str) -> None:
    said = terminal.run("post", weir, "--saw", "Quiet.", "--need", "phone:Ring his wife.")
    assert "; need: phone call: Ring his wife. Note " in said.stdout, said.stdout


def test_for_a_program_the_note_is_json(terminal: Terminal, hartmann: Caller, weir: str) -> None:
    note = terminal.json("post", weir, "--saw", "", "--sign", "gone quiet:new")
    assert hartmann.get(f"/v1/notes/{note['id']}") == note


def test_a_number_typed_in_small_letters_is_the_same_person(terminal: Terminal, weir: str) -> None:
    assert terminal.json("post", weir.lower(), "--saw", "Ate well.")["inmate"] == weir


def test_a_wing_note_needs_the_unit_only(terminal: Terminal, prison: Prison) -> None:
    note = terminal.json("post", "--unit", "a", "--heard", "Grumbling at the servery.", "--place", "meal queue")
    assert (note["inmate"], note["establishment"], note["unit"], note["place"]) == (None, prison.code, "A", "SERVERY")


def test_a_note_about_what_goes_on_opens_an_incident_or_joins_it(
    terminal: Terminal, hartmann: Caller, weir: str
) -> None:
    said = terminal.run("post", "--unit", "A", "--saw", "Six refuse to go behind the doors.", "--incident")
    assert said.exit_code == 0, said.output
    assert "opens an incident; WATCH until" in said.stdout
    assert 'until somebody says that it is over: handover attention incident --close "why"' in said.stdout
    joined = terminal.run("post", weir, "--saw", "Sits at the gate.", "--incident")
    assert "about the incident" in joined.stdout
    assert "says that it is over" not in joined.stdout
    assert len({note["incident"] for note in hartmann.all("/v1/notes")}) == 1
    hidden = terminal.run("post", "--unit", "B", "--heard", "Knives.", "--incident", "--handling", "security")
    assert hidden.exit_code == 1
    assert "--incident: no incident goes on in this unit" in hidden.stderr


def test_act_now_asks_to_be_said_aloud_too(terminal: Terminal, weir: str) -> None:
    said = terminal.run("post", weir, "--heard", "Says he wants to die.", "--sign", "wants to die")
    assert said.exit_code == 0
    assert "ACT NOW until" in said.stdout
    assert "aloud" in said.stderr


def test_a_late_entry_without_a_reason_is_pointed_out(terminal: Terminal, weir: str) -> None:
    said = terminal.run("post", weir, "--saw", "Hardly ate.", "--at", "3h ago")
    assert said.exit_code == 0
    assert "--late-reason" in said.stderr
    note = terminal.json("post", weir, "--saw", "Hardly ate.", "--at", "3h ago", "--late-reason", "on escort")
    assert (note["late"], note["late_reason"]) == (True, "on escort")


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (["--saw", "x", "--change", "wrose"], "worse"),
        (["--change", "worse"], "Say how you know"),
        (["--saw", "x", "--at", "yesterday"], "write 06:40"),
        (["--saw", "x", "--chnge", "worse"], "--change"),
        (["--saw"], "requires an argument"),
    ],
)
def test_what_was_typed_wrong_is_said_and_nothing_is_sent(
    terminal: Terminal, hartmann: Caller, weir: str, typed: list[str], told: str
) -> None:
    said = terminal.run("post", weir, *typed)
    assert said.exit_code == 2
    assert told in said.stderr
    assert hartmann.get("/v1/notes", inmate=weir)["items"] == []
    assert terminal.files("outbox/*/*.json") == []


def test_what_the_server_refuses_is_said_in_the_options_names_and_kept(terminal: Terminal) -> None:
    said = terminal.run("post", "A9999ZZ", "--saw", "Somebody else's number.")
    assert said.exit_code == 1
    assert "INMATE: nobody with the number A9999ZZ" in said.stderr
    listed = terminal.run("unsent")
    assert "Somebody else's number." in listed.stdout
    assert "nobody with the number" in listed.stderr
    assert terminal.run("unsent", "--drop", "2").exit_code == 2
    assert terminal.run("unsent", "--drop", "1").exit_code == 0
    assert terminal.run("unsent").stdout == "Everything of yours was sent.\n"


def test_what_was_refused_can_be_read_whole_and_typed_again(terminal: Terminal) -> None:
    wrong = ("--saw", "Somebody else's number. " + "Quiet. " * 20 + "The end.", "--think", "More than the visit.")
    terminal.run("post", "A9999ZZ", *wrong, "--if-then", "Talk to him.", "--need", "phone:his sister in Leeds")
    listed = terminal.run("unsent").stdout
    for words in ("what: Somebody", "The end.", "--think: More than the visit.", "--if-then: Talk to him."):
        assert words in listed
    assert "--need: phone:his sister in Leeds" in listed


def test_what_was_promised_and_by_when_can_be_typed_again(terminal: Terminal, hartmann: Caller, weir: str) -> None:
    promised = ("--need", "phone,promised,now@18:00:call to his daughter", "--need", "mail,promised")
    more = ("--mood", "low/slow", "--change", "much-worse", "--did", "listened=helped", "--sign", "withdrawn:new")
    terminal.run("post", "A9999ZZ", "--heard", "Cries.", *promised, *more, "--watch", "--place", "servery")
    lines = [line.strip().partition(": ") for line in terminal.run("unsent").stdout.splitlines()]
    given = [(option, words) for option, _, words in lines if option.startswith("--")]
    assert ("--need", "mail,promised") in given
    assert ("--watch", "yes") in given
    (needed,) = [words for _, words in given if words.startswith("phone")]
    assert re.fullmatch(r"phone,promised,now@\d{4}-\d\d-\d\d 18:00:call to his daughter", needed)
    again = [part for option, words in given for part in ((option,) if words == "yes" else (option, words))]
    assert terminal.run("post", weir, "--fact", "Cries.", *again).exit_code == 0
    (note,) = hartmann.all("/v1/notes")
    assert (note["basis"], note["fact"], note["attention"]) == ("HEARD", "Cries.", "WATCH")
    assert (note["mood"]["valence"], note["mood"]["energy"], note["change"]) == (-1, 1, "MUCH_WORSE")
    assert [(one["code"], one["promised"], one["urgency"]) for one in note["needs"]] == [
        ("PHONE", True, "NOW"),
        ("MAIL", True, "ROUTINE"),
    ]
    assert (note["responses"], note["indicators"], note["place"]) == (
        [{"code": "LISTENED", "effect": "HELPED"}],
        [{"code": "WITHDRAWN", "trend": "NEW"}],
        "SERVERY",
    )


def real(
    terminal: Terminal, *words: str, out: Any = subprocess.PIPE, **more: str
) -> "subprocess.CompletedProcess[str]":
    """The command in a process of its own, as a shell starts it."""
    env = {**os.environ, **terminal.environment, **more}
    command = [sys.executable, "-m", "handover", *words]
    return subprocess.run(
        command, env=env, stdout=out, stderr=subprocess.PIPE, encoding="latin-1", timeout=60, check=False
    )


def test_a_screen_that_has_not_every_letter_shows_what_it_can(terminal: Terminal, hartmann: Caller, weir: str) -> None:
    few = {"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    said = real(terminal, "post", weir, "--saw", "Caf\u00e9 \u6f22", "--need", "phone:\u0141ukasz \u2192 home", **few)
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.startswith("Recorded:")
    assert hartmann.all("/v1/notes")[0]["fact"] == "Caf\u00e9 \u6f22"
    shown = real(terminal, "sheet", "--all", **few)
    assert (shown.returncode, "phone call: ?ukasz ? home" in shown.stdout) == (0, True)
    told = real(terminal, "needs", "--json", **few)
    assert json.loads(told.stdout)["items"][0]["detail"] == "\u0141ukasz \u2192 home", "a program gets every letter"


def test_a_note_is_recorded_also_where_nothing_can_be_said_of_it(
    terminal: Terminal, hartmann: Caller, weir: str
) -> None:
    with Path("/dev/full").open("w") as full:
        for more in ((), ("--json",)):
            said = real(terminal, "post", weir, "--saw", "Quiet.", *more, out=full)
            assert (said.returncode, "The note is recorded." in said.stderr) == (0, True)
    assert len(hartmann.all("/v1/notes")) == 2


def test_a_note_for_which_the_disk_has_no_room_to_go_on_is_kept_until_it_is_well_again(
    terminal: Terminal, hartmann: Caller, weir: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as disk:
        disk.setattr(Outbox, "rewrite", no_room)
        urgent = terminal.run("post", weir, "--saw", "Two men with tools.", "--act-now")
        assert (urgent.exit_code, "Recorded: " in urgent.stdout) == (0, True), urgent.output
        said = terminal.run("post", weir, "--saw", "They have gone.")
    assert said.exit_code == 3
    assert "Kept here, not sent. This machine would not do it: No space left on device." in said.stderr
    assert "It goes by itself when this machine's disk is well again" in said.stderr
    assert terminal.run("unsent", "--send").exit_code == 0
    assert [note["fact"] for note in hartmann.all("/v1/notes")] == ["They have gone.", "Two men with tools."]


@pytest.mark.parametrize(
    "typed",
    [("post", "A4417KD", "--saw"), ("pst",), ("post", "--sawn", "x"), ("needs", "done"), ("offer", "--roll", "x")],
)
def test_a_program_that_misspells_an_option_is_told_in_json(terminal: Terminal, typed: tuple[str, ...]) -> None:
    environment = {**os.environ, **terminal.environment}
    said = forking.run([*typed[:1], "--json", *typed[1:]], environment, timeout=60)
    assert (said.returncode, said.stdout) == (2, "")
    assert json.loads(said.stderr)["error"] == "usage"


def test_a_refusal_for_a_program_is_the_problem_document(terminal: Terminal) -> None:
    said = terminal.run("post", "A9999ZZ", "--saw", "x", "--json")
    assert said.exit_code == 1
    assert said.stdout == ""
    problem = json.loads(said.stderr)
    assert (problem["status"], problem["errors"][0]["pointer"]) == (422, "/inmate")


def test_one_that_is_both_watched_and_bounded(terminal: Terminal, weir: str) -> None:
    note = terminal.json("post", weir, "--saw", "", "--change", "worse", "--watch", "--until", "in 2h")
    assert note["attention"] == "WATCH"


def test_the_words_can_be_looked_up(terminal: Terminal) -> None:
    said = terminal.run("post", "--words", "need")
    assert said.exit_code == 0
    assert "phone" in said.stdout
    assert "A call to make" in said.stdout
    assert [one["name"] for one in terminal.json("post", "--words", "mood")] == [
        "mood_valence",
        "mood_energy",
        "not_observed",
        "mood_source",
    ]
    assert terminal.run("post", "--words", "weather").exit_code == 2


def test_nobody_logged_in(prison: Prison, tmp_path: Path) -> None:
    said = Terminal(tmp_path / "another", prison.service.url).run("post", "A1", "--saw", "x")
    assert said.exit_code == 1
    assert "handover login" in said.stderr


def test_a_fault_of_ours_is_one_sentence_without_the_note(
    terminal: Terminal, weir: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise KeyError("secret words")

    monkeypatch.setattr(Api, "call", broken)
    said = terminal.run("post", weir, "--saw", "secret words")
    assert said.exit_code == 1
    assert "KeyError" in said.stderr
    assert "secret words" not in said.stderr
    assert "Traceback" not in said.stderr


def test_completion_offers_the_words_of_the_lists(terminal: Terminal) -> None:
    assert "withdrawn" in terminal.offered("handover post A1 --sign withd")
    assert "withdrawn:new" in terminal.offered("handover post A1 --sign withdrawn:n")
    assert "phone!promised" in terminal.offered("handover post A1 --need phone!pro")
    assert "low" in terminal.offered("handover post A1 --mood lo")


def test_the_password_is_nowhere_on_the_disk(terminal: Terminal) -> None:
    for path in terminal.home.rglob("*"):
        assert not path.is_file() or PASSWORD not in path.read_text()


def test_a_note_waits_for_nothing_that_other_commands_need() -> None:
    asked = "import sys; from handover.cli import command; command(['post']); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout.split()
    assert "handover.terminal.posting" in loaded
    for heavy in (
        "handover.terminal.walk",
        "handover.terminal.watch",
        "handover.schemas.handovers",
        "websockets",
        "textual",
    ):
        assert heavy not in loaded
    assert not [name for name in loaded if name.startswith(("handover.services", "handover.store", "fastapi"))]
