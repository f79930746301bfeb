"""Every word of the pages, as the script asks for it; and the template (`board.pot`) that translators begin with, which
`python -m tests.support.wording` writes anew."""

import json
import re
from collections import defaultdict
from pathlib import Path

BOARD = Path(__file__).parents[2] / "src/handover/board"
TEMPLATE = BOARD / "locale" / "board.pot"
_TEXT = r"'((?:[^'\\]|\\.)*)'"
_ONE = re.compile(rf"(?<![\w.])t\(\s*{_TEXT}")
_MANY = re.compile(rf"(?<![\w.])n\(\s*{_TEXT},\s*{_TEXT}")
_BUILT = re.compile(r"(?<![\w.])[tn]\(\s*(?!')")


def messages() -> dict[tuple[str, str | None], list[str]]:
    """What is said, and where: in singular and plural where a number decides."""
    found: dict[tuple[str, str | None], list[str]] = defaultdict(list)
    for file in sorted((BOARD / "static").glob("*.js")):
        text = file.read_text("utf-8")
        for one in _ONE.finditer(text):
            found[one[1].replace("\\'", "'"), None].append(file.name)
        for one in _MANY.finditer(text):
            found[one[1], one[2]].append(file.name)
    return dict(found)


def built() -> list[str]:
    """Places where the words are not there to be found: they could not be translated."""
    return [
        f"{file.name}: {line.strip()[:80]}"
        for file in sorted((BOARD / "static").glob("*.js"))
        if file.name != "words.js"
        for line in file.read_text("utf-8").splitlines()
        if _BUILT.search(line)
    ]


def template() -> str:
    """The template as it should be."""
    head = ['msgid ""', 'msgstr ""', '"Content-Type: text/plain; charset=UTF-8\\n"']
    blocks = ["\n".join([*head, '"Plural-Forms: nplurals=2; plural=n != 1;\\n"'])]
    for (one, many), files in sorted(messages().items(), key=lambda item: (item[1][0], item[0][0])):
        lines = [f"#: {' '.join(sorted(set(files)))}", f"msgid {json.dumps(one, ensure_ascii=False)}"]
        if many is None:
            lines.append('msgstr ""')
        else:
            lines += [f"msgid_plural {json.dumps(many, ensure_ascii=False)}", 'msgstr[0] ""', 'msgstr[1] ""']
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


if __name__ == "__main__":
    TEMPLATE.write_text(template(), "utf-8")
