"""Every word of the printed sheet, as its code and its template ask for it. `python -m tests.support.paper_wording`
writes what translators begin with (`paper.pot`) anew, and puts into each catalogue the messages that it has to
translate yet, empty."""

import re
from collections import defaultdict
from pathlib import Path

from tests.support import wording
from tests.support.wording import Messages

PAPER = Path(__file__).parents[2] / "src/handover/api/paper"
LOCALE = PAPER / "locale"
TEMPLATE = LOCALE / "paper.pot"
_TEXT = r"""(["'])((?:(?!\1).)*)\1"""
_ONE = re.compile(rf"\bt\(\s*{_TEXT}")
_MANY = re.compile(r'\bn\(\s*"([^"]*)",\s*"([^"]*)"')


def messages() -> Messages:
    """What is said, and where: in singular and plural where a number decides."""
    found: dict[tuple[str, str | None], list[str]] = defaultdict(list)
    for file in sorted([*PAPER.glob("*.py"), *PAPER.glob("*.html")]):
        text = file.read_text("utf-8")
        for one in _ONE.finditer(text):
            found[one[2], None].append(file.name)
        for one in _MANY.finditer(text):
            found[one[1], one[2]].append(file.name)
    return dict(sorted(found.items(), key=lambda item: (item[1][0], item[0][0])))


def template() -> str:
    """The template as it should be."""
    return wording.written(messages(), wording.HEAD, {}, 2)


if __name__ == "__main__":
    TEMPLATE.write_text(template(), "utf-8")
    for catalogue in LOCALE.glob("*.po"):
        catalogue.write_text(wording.merged(catalogue.read_text("utf-8"), messages()), "utf-8")
