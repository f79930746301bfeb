"""Every word of the terminal, as its code asks for it. `python -m tests.support.desk_wording` writes what translators
begin with (`terminal.pot`) anew, and puts into each catalogue the messages that it has to translate yet, empty."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.support import wording
from tests.support.wording import Messages

TERMINAL = Path(__file__).parents[2] / "src/handover/terminal"
LOCALE = TERMINAL / "locale"
TEMPLATE = LOCALE / "terminal.pot"


def messages() -> Messages:
    """What is said, and where: in singular and plural where a number decides."""
    found: dict[tuple[str, str | None], list[str]] = defaultdict(list)
    for file, call in _calls():
        texts = [one.value for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        if texts:
            found[texts[0], texts[1] if _name(call) == "plural" else None].append(file)
    return dict(sorted(found.items(), key=lambda item: (item[1][0], item[0][0])))


def built() -> list[str]:
    """Places where the words are not there to be found: they could not be translated."""
    wanted = {"t": (ast.JoinedStr, ast.BinOp), "later": (ast.JoinedStr, ast.BinOp, ast.Name, ast.Call)}
    return [
        f"{file}: {ast.unparse(call)}"
        for file, call in _calls()
        if any(isinstance(one, wanted.get(_name(call), wanted["later"])) for one in call.args[: _texts(call)])
    ]


def template() -> str:
    """The template as it should be."""
    return wording.written(messages(), wording.HEAD, {}, 2)


def _calls() -> Iterator[tuple[str, ast.Call]]:
    for file in sorted(TERMINAL.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and _name(node) in ("t", "later", "plural") and file.name != "tongue.py":
                yield file.relative_to(TERMINAL).as_posix(), node


def _name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _texts(call: ast.Call) -> int:
    return 2 if _name(call) == "plural" else 1


if __name__ == "__main__":
    TEMPLATE.write_text(template(), "utf-8")
    for catalogue in LOCALE.glob("*.po"):
        catalogue.write_text(wording.merged(catalogue.read_text("utf-8"), messages()), "utf-8")
