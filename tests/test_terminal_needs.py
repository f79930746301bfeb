"""Small needs do not get lost: Ngata writes them down, Hartmann closes them, and hears who was quicker."""

import json
from typing import Any

import pytest

from tests.support.embedded import database_url
from tests.support.service import Caller
from tests.support.terminals import Terminal

__all__ = ["database_url"]


@pytest.fixture
def call(ngata: Caller, weir: str) -> dict[str, Any]:
    need = {"code": "PHONE", "promised": True, "detail": "call to his daughter", "due_at": "2030-01-01T18:00:00Z"}
    noted: dict[str, Any] = ngata.note(weir, needs=[need])["needs"][0]
    return noted


def test_the_list_begins_with_a_short_name_and_says_with_whom_it_is(
    terminal: Terminal, call: dict[str, Any], weir: str
) -> None:
    first, second = terminal.run("needs").stdout.splitlines()
    assert first == f"{call['id'][-4:]}  Weir, J. (A1-07)"
    assert "phone call, promised, due 1 Jan 2030 18:00" in second or "phone call, promised, due 2030-01-01" in second
    assert "with nobody; open 0 min, from Ngata" in second
    assert terminal.json("needs", "--inmate", "weir")["items"][0]["id"] == call["id"]
    assert terminal.json("needs", "--inmate", "A1-07")["items"][0]["inmate"] == weir


def test_done_says_what_came_of_it_and_that_the_author_hears(
    terminal: Terminal, hartmann: Caller, call: dict[str, Any]
) -> None:
    said = terminal.run("needs", "done", call["id"][-4:], "Spoke to her for ten minutes.")
    assert said.exit_code == 0, said.output
    assert "“Spoke to her for ten minutes.”" in said.stdout
    assert "Ngata, who wrote it down, is told." in said.stdout
    assert hartmann.get(f"/v1/needs/{call['id']}")["status"] == "DONE"
    assert terminal.run("needs").stdout == "Nothing is open.\n"
    assert "done " in terminal.run("needs", "--all").stdout


def test_a_person_with_one_need_is_name_enough(terminal: Terminal, ngata: Caller, call: dict[str, Any]) -> None:
    assert terminal.json("needs", "take", "weir")["owner"] == "Hartmann"
    ngata.note(call_of(ngata, call), needs=[{"code": "CELL"}])
    said = terminal.run("needs", "take", "weir")
    assert said.exit_code == 2
    assert "Several things are open for Weir, J. (A1-07). Which?" in said.stderr
    assert f"  {call['id'][-4:]}  phone call" in said.stderr


def call_of(who: Caller, need: dict[str, Any]) -> str:
    return str(who.get(f"/v1/needs/{need['id']}")["inmate"])


def test_not_possible_and_passed_on(terminal: Terminal, ngata: Caller, weir: str, call: dict[str, Any]) -> None:
    other = ngata.note(weir, needs=[{"code": "CELL"}])["needs"][0]
    closed = terminal.json("needs", "not-possible", call["id"], "The line is down until Monday.")
    assert (closed["status"], closed["reason"]) == ("NOT_POSSIBLE", "The line is down until Monday.")
    passed = terminal.json("needs", "pass-on", other["id"][:30], "--to", "Works department")
    assert (passed["status"], passed["owner"]) == ("PASSED_ON", "Works department")


def test_somebody_was_quicker_and_it_is_said_who(
    terminal: Terminal, ngata: Caller, hartmann: Caller, call: dict[str, Any]
) -> None:
    terminal.run("needs")
    ngata.http.patch(f"/v1/needs/{call['id']}", json={"owner": "Brandt"}, headers={"If-Match": '"1"'})
    said = terminal.run("needs", "done", call["id"][-4:], "Spoke to her.")
    assert said.exit_code == 1
    assert "Somebody was quicker. Ngata changed this need" in said.stderr
    assert "with Brandt" in said.stderr
    assert hartmann.get(f"/v1/needs/{call['id']}")["status"] == "OPEN"
    # Now it has been seen; the same words again are meant.
    assert terminal.run("needs", "done", call["id"][-4:], "Spoke to her.").exit_code == 0


def test_one_that_was_closed_since_the_list_was_read(terminal: Terminal, ngata: Caller, call: dict[str, Any]) -> None:
    terminal.run("needs")
    done = {"status": "DONE", "outcome": "She rang herself."}
    ngata.http.patch(f"/v1/needs/{call['id']}", json=done, headers={"If-Match": '"1"'})
    said = terminal.run("needs", "take", call["id"][-4:], "--json")
    assert said.exit_code == 1
    told = json.loads(said.stderr)
    assert told["status"] == 412
    assert "“She rang herself.”" in told["detail"]


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (["done", "zzzz", "x"], "See them: handover needs"),
        (["done", "weir"], "Say what came of it"),
        (["not-possible", "weir"], "Say why not"),
        (["pass-on", "weir"], "--to NAME"),
        (["done", "weir", "x" * 501], "what came of it: at most 500 characters, not 501"),
        (["--json", "done", "weir", "x"], "Put options behind the word 'done'"),
        (["--inmate", "nobody"], "nobody on your roster"),
        (["--unit", "Q"], "there is no such unit"),
    ],
)
def test_what_was_typed_wrong_changes_nothing(
    terminal: Terminal, hartmann: Caller, call: dict[str, Any], typed: list[str], told: str
) -> None:
    said = terminal.run("needs", *typed)
    assert said.exit_code == 2, said.output
    assert told in said.stderr
    assert hartmann.get(f"/v1/needs/{call['id']}")["version"] == 1
