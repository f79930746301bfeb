"""Who sits at the terminal: logging in, taking over the PC, logging out."""

import json
from pathlib import Path

import pytest

from tests.support.embedded import database_url
from tests.support.service import PASSWORD, Caller, Prison
from tests.support.terminals import Terminal

__all__ = ["database_url"]


@pytest.fixture
def terminal(prison: Prison, tmp_path: Path) -> Terminal:
    return Terminal(tmp_path / "office", prison.service.url)


def test_logging_in_says_as_whom_and_where(terminal: Terminal, prison: Prison, hartmann: Caller) -> None:
    said = terminal.login(hartmann)
    assert said.stdout == f"Logged in as Hartmann (officer), {prison.code} A.\n"


def test_for_a_program_logging_in_answers_who_i_am(terminal: Terminal, hartmann: Caller) -> None:
    said = terminal.run("login", hartmann.name, "--password-stdin", "--json", typed=PASSWORD + "\n")
    assert json.loads(said.stdout) == hartmann.get("/v1/me")


def test_a_wrong_password_is_refused(terminal: Terminal, hartmann: Caller) -> None:
    said = terminal.run("login", hartmann.name, "--password-stdin", typed="guess\n")
    assert said.exit_code == 1
    assert "do not go together" in said.stderr
    assert terminal.files("logins/*") == []


def test_guessing_is_slowed_and_says_for_how_long(terminal: Terminal, hartmann: Caller) -> None:
    for _ in range(10):
        said = terminal.run("login", hartmann.name, "--password-stdin", typed="guess\n")
        if "Try again in" in said.stderr:
            break
    assert "Try again in" in said.stderr
    assert said.exit_code == 1


def test_without_a_keyboard_there_must_be_a_pipe(terminal: Terminal, hartmann: Caller) -> None:
    said = terminal.run("login", hartmann.name)
    assert said.exit_code == 2
    assert "--password-stdin" in said.stderr


@pytest.mark.parametrize("address", ["http://10.0.0.5:8000", "http://handover.example"])
def test_a_password_never_crosses_a_network_in_the_open(tmp_path: Path, address: str) -> None:
    said = Terminal(tmp_path / "office", address).run("login", "hartmann", "--password-stdin", typed="x\n")
    assert said.exit_code == 2
    assert "--insecure" in said.stderr


def test_no_server(tmp_path: Path) -> None:
    said = Terminal(tmp_path / "office", "http://127.0.0.1:9").run("login", "hartmann", "--password-stdin", typed="x\n")
    assert said.exit_code == 3
    assert "nothing answers at that address" in said.stderr


def test_whoever_logs_in_next_takes_the_place_of_the_last(terminal: Terminal, hartmann: Caller, ngata: Caller) -> None:
    terminal.login(hartmann)
    terminal.login(ngata)
    assert len(terminal.files("logins/*.json")) == 1
    assert terminal.json("post", "--unit", "A", "--saw", "All quiet.")["author"]["username"] == ngata.name


def test_who_is_logged_in_to_another_server_is_told_which(tmp_path: Path, prison: Prison, ngata: Caller) -> None:
    """As in the practice prison on a port of its own: `login --server …`, and then a command without it."""
    Terminal(tmp_path / "office", prison.service.url).login(ngata)
    said = Terminal(tmp_path / "office", "http://127.0.0.1:9").run("sheet")
    assert said.exit_code == 1
    assert f"but to {prison.service.url}: say --server {prison.service.url}, or set HANDOVER_SERVER" in said.stderr


def test_logging_out_leaves_nothing_to_use(terminal: Terminal, hartmann: Caller) -> None:
    terminal.login(hartmann)
    said = terminal.run("logout")
    assert said.exit_code == 0
    assert said.stdout == "Hartmann is logged out.\n"
    assert terminal.files("logins/*.json") == []
    assert terminal.run("logout").exit_code == 1


def test_every_command_says_when_it_is_practice(terminal: Terminal, prison: Prison, hartmann: Caller) -> None:
    identity = prison.service.desk.store.identity
    object.__setattr__(identity, "practice", True)
    try:
        assert terminal.login(hartmann).stderr == "PRACTICE — nothing here is real\n"
        for command in (
            ["post", "--unit", "A", "--saw", "All quiet."],
            ["pull", "--limit", "1"],
            ["unsent"],
            ["logout"],
        ):
            assert terminal.run(*command).stderr.splitlines()[0] == "PRACTICE — nothing here is real"
        terminal.login(hartmann)
        assert "PRACTICE" not in terminal.run("pull", "--limit", "1", "--json").output
    finally:
        object.__setattr__(identity, "practice", False)
