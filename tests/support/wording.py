"""Every word of the pages, as the script and the one template ask for it. `python -m tests.support.wording` writes what
translators begin with (`board.pot`) anew, and puts into each catalogue (`*.po`) the messages that it has to translate
yet, empty, and takes out those that are said no more."""

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from handover import languages

BOARD = Path(__file__).parents[2] / "src/handover/board"
LOCALE = BOARD / "locale"
TEMPLATE = LOCALE / "board.pot"
HEAD = """msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"
"Plural-Forms: nplurals=2; plural=n != 1;\\n\""""
_TEXT = r"'((?:[^'\\]|\\.)*)'"
_ONE = re.compile(rf"(?<![\w.])t\(\s*{_TEXT}")
_MANY = re.compile(rf"(?<![\w.])n\(\s*{_TEXT},\s*{_TEXT}")
_BUILT = re.compile(r"(?<![\w.])[tn]\(\s*(?!')")

Messages = Mapping[tuple[str, str | None], list[str]]


def messages() -> Messages:
    """What is said, and where: in singular and plural where a number decides."""
    found: dict[tuple[str, str | None], list[str]] = defaultdict(list)
    for file in _sources():
        text = file.read_text("utf-8")
        for one in _ONE.finditer(text):
            found[_plain(one[1]), None].append(file.name)
        for one in _MANY.finditer(text):
            found[_plain(one[1]), _plain(one[2])].append(file.name)
    return dict(sorted(found.items(), key=lambda item: (item[1][0], item[0][0])))


def _sources() -> list[Path]:
    return [*sorted((BOARD / "static").glob("*.js")), *sorted((BOARD / "templates").glob("*.html"))]


def _plain(text: str) -> str:
    return text.replace("\\'", "'")


def built() -> list[str]:
    """Places where the words are not there to be found: they could not be translated."""
    return [
        f"{file.name}: {line.strip()[:80]}"
        for file in _sources()
        if file.name != "words.js"
        for line in file.read_text("utf-8").splitlines()
        if _BUILT.search(line)
    ]


def template() -> str:
    """The template as it should be."""
    return written(messages(), HEAD, {}, 2)


def merged(po: str, wanted: Messages) -> str:
    """A catalogue with the messages of today: what it says of them already, and the others empty."""
    known = languages.parse(po)
    return written(wanted, po.split("\n\n", 1)[0].rstrip(), known.messages, known.forms)


def written(wanted: Messages, head: str, said: Mapping[str, tuple[str, ...]], forms: int) -> str:
    """A catalogue that says this of these messages."""
    blocks = [head]
    for (one, many), files in wanted.items():
        lines = [f"#: {' '.join(sorted(set(files)))}", f"msgid {_quoted(one)}"]
        if many is None:
            lines.append(f"msgstr {_quoted(said.get(one, ('',))[0])}")
        else:
            known = said.get(one, ("",) * forms)
            lines.append(f"msgid_plural {_quoted(many)}")
            lines += [f"msgstr[{form}] {_quoted(text)}" for form, text in enumerate(known)]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


if __name__ == "__main__":
    TEMPLATE.write_text(template(), "utf-8")
    for catalogue in LOCALE.glob("*.po"):
        catalogue.write_text(merged(catalogue.read_text("utf-8"), messages()), "utf-8")
