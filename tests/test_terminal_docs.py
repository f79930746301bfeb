"""What docs/terminal.md tells people to type works when they type it."""

import re
import shlex
from pathlib import Path

import pytest

from handover.terminal import COMMANDS
from tests.support.embedded import database_url
from tests.support.service import Prison
from tests.support.terminals import Terminal

__all__ = ["database_url"]

PAGE = Path(__file__).parent.parent / "docs" / "terminal.md"
LINES = [
    line.removeprefix("$ ")
    for block in re.findall(r"```console\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    for line in block.splitlines()
    if line.startswith("$ ")
]


def test_every_line_of_the_page(prison: Prison, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    person = prison.receive("A4417KD")
    terminal = Terminal(tmp_path / "office", prison.service.url)
    terminal.login(prison.hire("hartmann", "officer", "A"))
    assert len(LINES) > 8
    for line in LINES:
        command, _, comment = line.partition("    # exit ")
        words = shlex.split(command.replace("A4417KD", person))
        assert words[0] == "handover"
        said = terminal.run(*words[1:])
        assert said.exit_code == int(comment or 0), (line, said.output)


ACTING = ("sheet", "sheet verify", "needs", "needs done", "needs pass-on", "offer", "accept", "ask", "answer", "take")


@pytest.mark.parametrize("command", ["post", *ACTING, "attention", "unsent", "pull", "watch", "desk", "learn"])
def test_every_option_is_on_the_page(tmp_path: Path, command: str) -> None:
    terminal = Terminal(tmp_path, "http://127.0.0.1:9")
    shown = set(re.findall(r"--[a-z-]+", terminal.run(*command.split(), "--help").stdout)) - {"--help"}
    assert shown - set(re.findall(r"--[a-z-]+", PAGE.read_text("utf-8"))) == set()


def test_every_command_is_on_the_page() -> None:
    assert {name for name in COMMANDS if f"`handover {name}" not in PAGE.read_text("utf-8")} == set()


def test_the_release_is_said_to_programs_too(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, "http://127.0.0.1:9")
    assert terminal.json("version") == {"version": terminal.run("version").stdout.strip()}
