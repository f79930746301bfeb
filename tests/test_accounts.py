"""Accounts and clients as whoever runs the service types them: what is mistyped is told in words, and not kept."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from handover.cli import command
from tests.support.processes import environment

PASSWORD = "a few good words"


def typed(url: str, *words: str, given: str | bytes = PASSWORD) -> Result:
    """Types a command on the server."""
    return CliRunner().invoke(command(words), list(words), input=given, env=environment(url))


def added(url: str, username: str, *more: str) -> Result:
    """Types `handover user add …`."""
    return typed(url, "user", "add", username, "--password-stdin", *more)


def kept(url: str, kind: str) -> list[dict[str, Any]]:
    """All accounts, or clients."""
    return [json.loads(line) for line in typed(url, kind, "list", "--json").stdout.splitlines()]


def client(url: str, name: str, *more: str) -> Result:
    """Types `handover client add …`."""
    return typed(url, "client", "add", name, "--scope", "events:read", *more)


PLACES = ("alm", "ALM'; drop", "X" * 500, "A/B", "ALM\x1b", "\udcff", "Ä")
NAMES = ("L" * 5000, "Leila\nHartmann", "Leila\x1b[2J", "a\udcff", "\u200b")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # refused before any engine has it
def test_places_that_there_cannot_be_are_refused_for_accounts_and_for_clients(url: str) -> None:
    assert added(url, "cole", "--establishment", "ALM", "--unit", "A").exit_code == 0
    before = kept(url, "user")
    for place in PLACES:
        for done in (
            added(url, "keyes", "--establishment", place),
            typed(url, "user", "change", "cole", "--establishment", place),
            client(url, "records", "--establishment", place),
        ):
            assert (done.exit_code, done.stdout) == (2, ""), (place, done.output, done.exception)
            assert "an establishment's code is" in done.stderr
    for unit in ("A wing!", "X" * 17, "\udcff"):
        done = added(url, "keyes", "--establishment", "ALM", "--unit", unit)
        assert (done.exit_code, "unit's code is" in done.stderr) == (2, True), (unit, done.output, done.exception)
    assert (kept(url, "user"), kept(url, "client")) == (before, [])


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # refused before any engine has it
def test_names_are_held_to_the_rosters_rule(url: str) -> None:
    assert added(url, "cole", "--establishment", "ALM", "--name", " M. Cole ").exit_code == 0
    before = kept(url, "user")
    assert before[0]["name"] == "M. Cole"
    for name in NAMES:
        for done in (
            added(url, "keyes", "--establishment", "ALM", "--name", name),
            client(url, "records", "--establishment", "ALM", "--name", name),
        ):
            assert (done.exit_code, done.stdout, "name: " in done.stderr) == (2, "", True), (name, done.exception)
    for name in (*NAMES, "", "  "):
        done = typed(url, "user", "change", "cole", "--name", name)
        assert (done.exit_code, done.stdout, "name: " in done.stderr) == (2, "", True), (name, done.exception)
    assert (kept(url, "user"), kept(url, "client")) == (before, [])
    assert added(url, "marsh", "--establishment", "ALM").exit_code == 0, "without a name: the one to log in with"
    assert typed(url, "user", "change", "marsh", "--name", "Á. Marsh").exit_code == 0
    assert [one["name"] for one in kept(url, "user")] == ["M. Cole", "Á. Marsh"]


def test_a_place_that_is_not_there_yet_is_taken_and_said(url: str, tmp_path: Path) -> None:
    (prisons := tmp_path / "prisons.csv").write_text("code,name,timezone\nALM,HMP Aldermoor,Europe/London\n")
    (people := tmp_path / "people.csv").write_text("number,name,establishment,unit\nA4417KD,Weir,ALM,A\n")
    first = added(url, "cole", "--establishment", "ALM", "--unit", "A", "--json")
    assert (first.exit_code, json.loads(first.stdout)["username"]) == (0, "cole")
    assert "ALM is not set up" in first.stderr
    assert typed(url, "import", "establishments", str(prisons)).exit_code == 0
    second = added(url, "keyes", "--establishment", "ALM", "--unit", "A,B")
    assert [line.split()[0] for line in second.stderr.splitlines()] == ["ALM/A", "ALM/B"]
    assert typed(url, "import", "inmates", str(people), "--create-units").exit_code == 0
    third = added(url, "marsh", "--establishment", "ALM", "--unit", "A")
    assert (third.exit_code, third.stderr) == (0, "")
    assert "BXI is not set up" in typed(url, "user", "change", "marsh", "--establishment", "ALM,BXI").stderr
    for place, warned in (("ALM", False), ("BXI", True)):
        assert ("is not set up" in client(url, f"records-{place}", "--establishment", place).stderr) is warned


def test_what_are_no_letters_is_told_in_words(url: str) -> None:
    done = typed(url, "user", "add", "cole", "--establishment", "ALM", "--password-stdin", given=b"caf\xe9 au lait\n")
    assert (done.exit_code, done.stderr) == (2, "The password is not UTF-8.\n")
    unknown: list[tuple[str, ...]] = [
        ("user", "disable", "\udcff"),
        ("user", "password", "\udcff", "--password-stdin"),
        ("user", "change", "\udcff", "--role", "officer"),
        ("client", "revoke", "\udcff"),
    ]
    for words in unknown:
        assert typed(url, *words).exit_code == 1, words
    wrong: list[tuple[str, ...]] = [
        ("user", "add", "\udcff", "--establishment", "ALM", "--password-stdin"),
        ("user", "add", "cole", "--establishment", "ALM", "--role", "\udcff", "--password-stdin"),
        ("client", "add", "records", "--establishment", "ALM", "--scope", "\udcff"),
        ("client", "add", "records", "--establishment", "ALM", "--scope", "events:read", "--handling", "\udcff"),
    ]
    for words in wrong:
        done = typed(url, *words)
        assert (done.exit_code, done.stdout) == (2, ""), (words, done.exception)
    # As a shell hands it over, and not only as this test does.
    named: list[str | bytes] = ["--establishment", "ALM", "--password-stdin", "--name", b"a\xff"]
    shell: list[str | bytes] = [sys.executable, "-m", "handover", "user", "add", "cole", *named]
    typed_so = subprocess.run(shell, input=b"a few good words", env=environment(url), capture_output=True, check=False)
    assert (typed_so.returncode, b"Traceback" in typed_so.stderr) == (2, False), typed_so.stderr
    assert kept(url, "user") == []
