"""What the front pages say is so: the files they name are there, the commands they show exist with these options."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from handover.cli import command

TOP = Path(__file__).parent.parent
README = (TOP / "README.md").read_text("utf-8")
COMMANDS = [
    line.partition("#")[0].strip() for line in README.splitlines() if re.match(r"(\.venv/bin/)?handover \w", line)
]


def test_the_front_page_is_short_and_its_links_lead_somewhere() -> None:
    assert len(README.splitlines()) <= 120
    links = re.findall(r"\]\(([^)]+)\)", README)
    assert len(links) > 5
    assert [link for link in links if not (TOP / link).exists()] == []


def test_the_architecture_names_files_that_are_there() -> None:
    text = (TOP / "ARCHITECTURE.md").read_text("utf-8")
    named = set(re.findall(r"`((?:\w+/)+\w+\.py|\w+\.py)", text))
    assert len(named) > 15
    missing = [n for n in named if not any((TOP / base / n).exists() for base in ("src/handover", ".", "tests"))]
    assert [n for n in missing if not list((TOP / "src").rglob(n))] == []


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_on_the_front_page_exists_with_its_options(line: str) -> None:
    words = shlex.split(line)[1:]
    path = [words[0]]
    if words[0] in ("user", "client", "import", "audit"):
        path.append(words[1])
    told = CliRunner().invoke(command(words), [*path, "--help"], env={"COLUMNS": "200", "TERM": "dumb"})
    assert told.exit_code == 0, told.output
    assert [w for w in words if w.startswith("--") and w not in told.output] == []


def test_decisions_are_short() -> None:
    records = sorted((TOP / "docs" / "decisions").glob("*.md"))
    assert len(records) >= 6
    assert [r.name for r in records if len(r.read_text("utf-8").splitlines()) > 60] == []


PAGES = sorted((TOP / "docs" / "officers").glob("*.md"))


def test_there_is_a_page_for_each_thing_an_officer_does() -> None:
    assert [page.stem for page in PAGES] == ["hand-over", "take-over", "when-the-network-is-down", "write"]
    assert [page.name for page in PAGES if f"docs/officers/{page.name}" not in README] == []


@pytest.mark.parametrize("page", [*PAGES, TOP / "docs/board.md", TOP / "docs/desk.md"], ids=lambda page: str(page.stem))
def test_a_page_for_officers_leads_somewhere_and_names_keys_there_are(page: Path) -> None:
    text = page.read_text("utf-8")
    if page in PAGES:
        assert len(text.splitlines()) <= 45
        assert re.search(r"!\[[^\]]+\]\(\.\./pictures/[\w-]+\.png\)", text), "each with a picture"
    assert [link for link in re.findall(r"\]\(([^)]+)\)", text) if not (page.parent / link).exists()] == []
    # The board's keys are written as capitals, the desk's as small letters: as each shows them.
    board = "".join(one.read_text("utf-8") for one in (TOP / "src/handover/board/static").glob("*.js"))
    desk = "".join(one.read_text("utf-8") for one in (TOP / "src/handover/terminal/screens").glob("*.py"))
    named = re.findall(r"`([A-Za-z])`", text)
    assert named
    assert [
        key for key in named if key.isupper() and not re.search(f"key: '{key.lower()}'|\\['{key.lower()}',", board)
    ] == []
    assert [key for key in named if key.islower() and f'"{key}"' not in desk] == []
