"""Another prison system pulls what happened, line by line, and never loses its place."""

import json
import os
import signal
from pathlib import Path

import pytest

from handover.services import accounts
from handover.services.unit_of_work import UnitOfWork
from tests.support import forking
from tests.support.embedded import database_url
from tests.support.service import Caller, Prison
from tests.support.terminals import Terminal

__all__ = ["database_url"]


@pytest.fixture
def oms(prison: Prison, tmp_path: Path) -> Terminal:
    """A machine of the offender management system, with its credentials in the environment."""
    client = f"oms.{prison.code}".lower()

    def add(uow: UnitOfWork) -> str:
        scopes, places = ["events:read", "notes:read", "needs:read", "roster:read"], [prison.code]
        return accounts.add_client(
            uow, prison.service.hasher, client, name="OMS", scopes=scopes, establishments=places, handling=()
        )

    secret = prison.service.do(add)
    known = {"HANDOVER_CLIENT_ID": client, "HANDOVER_CLIENT_SECRET": secret}
    return Terminal(tmp_path / "oms", prison.service.url, known)


def write(hartmann: Caller, *facts: str) -> None:
    for fact in facts:
        hartmann.note(unit="A", fact=fact)


def facts(lines: str) -> list[str]:
    events = [json.loads(line) for line in lines.splitlines()]
    return [event["data"]["fact"] for event in events if event["type"] == "note.recorded"]


def test_everything_from_the_beginning_a_line_each(oms: Terminal, hartmann: Caller) -> None:
    write(hartmann, "First.", "Zweite, größer.")
    said = oms.run("pull")
    assert said.exit_code == 0
    assert facts(said.stdout) == ["First.", "Zweite, größer."]
    assert [json.loads(line)["specversion"] for line in said.stdout.splitlines()] == ["1.0", "1.0"]


def test_an_officer_who_is_logged_in_pulls_what_she_may_read(prison: Prison, hartmann: Caller, tmp_path: Path) -> None:
    write(hartmann, "First.")
    office = Terminal(tmp_path / "office", prison.service.url)
    office.login(prison.hire("brandt", "officer", "B"))
    assert facts(office.run("pull").stdout) == []
    office.login(hartmann)
    assert facts(office.run("pull").stdout) == ["First."]


def test_more_than_a_page_comes_whole_and_in_order(oms: Terminal, hartmann: Caller) -> None:
    written = [f"Note {number}." for number in range(203)]
    write(hartmann, *written)
    assert facts(oms.run("pull").stdout) == written
    assert facts(oms.run("pull", "--limit", "201").stdout) == written[:201]


def test_the_place_is_kept_and_continued_from(oms: Terminal, hartmann: Caller, tmp_path: Path) -> None:
    place = tmp_path / "place"
    write(hartmann, "First.", "Second.")
    assert facts(oms.run("pull", "--limit", "1", "--save-cursor", str(place)).stdout) == ["First."]
    assert facts(oms.run("pull", "--save-cursor", str(place)).stdout) == ["Second."]
    assert oms.run("pull", "--save-cursor", str(place)).stdout == ""
    write(hartmann, "Third.")
    assert facts(oms.run("pull", "--after", place.read_text().strip()).stdout) == ["Third."]


def test_only_some_kinds(oms: Terminal, hartmann: Caller) -> None:
    hartmann.note(unit="A", fact="First.", needs=[{"code": "CELL"}])
    kinds = [json.loads(line)["type"] for line in oms.run("pull", "--type", "need.opened").stdout.splitlines()]
    assert kinds == ["need.opened"]


def test_following_brings_what_happens(oms: Terminal, hartmann: Caller, tmp_path: Path) -> None:
    write(hartmann, "First.")
    place = tmp_path / "place"
    with oms.running("pull", "--follow", "--save-cursor", str(place)) as pull:
        assert facts(pull.until("First.")) == ["First."]
        write(hartmann, "Second.")
        pull.until("Second.")
        pull.process.send_signal(signal.SIGINT)
        assert pull.ends() == 0
    assert oms.run("pull", "--save-cursor", str(place)).stdout in ("", pull.seen[-1] + "\n")


def test_a_cursor_that_cannot_be_honoured_is_refused_and_the_kept_one_stays(oms: Terminal, tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.write_text("of-another-store\n")
    said = oms.run("pull", "--save-cursor", str(place), "--json")
    assert said.exit_code == 1
    assert json.loads(said.stderr)["type"] == "/problems/cursor-not-resumable"
    assert place.read_text() == "of-another-store\n"


def test_a_reader_that_leaves_early_is_no_failure(oms: Terminal, hartmann: Caller, tmp_path: Path) -> None:
    write(hartmann, *(f"Note {number}. {'x' * 900}" for number in range(200)))
    read, written = os.pipe()
    with (tmp_path / "err").open("wb") as err, Path(os.devnull).open("rb") as nothing:
        env = {**os.environ, **oms.environment, "PYTHONUNBUFFERED": "1"}
        words = ["pull", "--follow"]
        pull = forking.Process(words, env, stdin=nothing.fileno(), stdout=written, stderr=err.fileno())
        os.close(written)
        assert "Note 0." in os.read(read, 4096).decode()
        os.close(read)
        assert pull.wait(10) == 0
    assert (tmp_path / "err").read_text() == ""


@pytest.mark.parametrize("secret", ["", "wrong"])
def test_credentials_that_do_not_fit(oms: Terminal, secret: str) -> None:
    said = Terminal(oms.home, oms.url, oms.more | {"HANDOVER_CLIENT_SECRET": secret}).run("pull")
    assert said.exit_code == (2 if secret == "" else 1)
    assert said.stdout == ""


def test_a_secret_never_crosses_a_network_in_the_open(oms: Terminal) -> None:
    said = Terminal(oms.home, "http://10.0.0.5:8000", oms.more).run("pull")
    assert said.exit_code == 2
    assert "--insecure" in said.stderr


def test_nobody_at_all(prison: Prison, tmp_path: Path) -> None:
    said = Terminal(tmp_path / "empty", prison.service.url).run("pull")
    assert said.exit_code == 1
    assert "handover login" in said.stderr
