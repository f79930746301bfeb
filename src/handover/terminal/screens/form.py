"""The form as lines: the fields and what stands in them, what is known beside them, what is quietly asked."""

from collections.abc import Collection, Mapping, Sequence
from textwrap import wrap
from typing import Any

from rich.text import Text

from handover.terminal import item_words
from handover.terminal.phrases import Reader
from handover.terminal.screens import prompts, steps
from handover.terminal.screens.beside import Beside
from handover.terminal.screens.steps import Step
from handover.terminal.speech import plain
from handover.terminal.tongue import t

HEIGHT, WIDTH = 10, 45


def fields(
    known: Sequence[Step], at: int, typed: dict[str, Any], faults: Collection[str], reader: Reader
) -> list[Text]:
    """As many as fit, the one at hand among them; `!` where something is missing."""
    lines = []
    top = max(0, min(at - HEIGHT + 3, len(known) - HEIGHT))
    for number, step in enumerate(known[top : top + HEIGHT], top):
        mark = "!" if step.name in faults else ">" if number == at else " "
        words = steps.shown(step, typed, reader)
        line = Text(plain(f"{mark} {t(step.label):<17} {words}"), style="bold" if number == at else "")
        line.truncate(WIDTH - 1, overflow="ellipsis")
        lines.append(line)
    return lines


def side(beside: Beside, reader: Reader, width: int) -> list[Text]:
    """What is known, in a narrow column: the beginning of each; the rest is on the person's own screen."""
    lines = [
        part
        for line in beside.lines(reader)
        for part in wrap(line, max(8, width - 2), subsequent_indent=" ", max_lines=3, placeholder=" …")
    ]
    return [Text(plain(f"│ {line}")) for line in lines[:HEIGHT]]


def quiet(
    step: Step,
    typed: Mapping[str, Any],
    beside: Beside,
    inmate: str | None,
    names: Mapping[str, str],
    reader: Reader,
) -> list[Text]:
    """What is asked while somebody writes; nobody has to answer."""
    lines = []
    if word := prompts.harsh(typed.get("fact"), typed.get("opinion")):
        lines.append(t("“{word}” is a hard word. What did he or she do or say?", word=word))
        helped = [item_words.tried(one, reader) for one in beside.worked[:1]]
        lines.append(t("Last time this helped: {what}", what=helped[0]) if helped else t("What helped last time?"))
    if step.name == "fact":
        for number in prompts.same_words(typed.get("fact"), inmate, beside.mine):
            who = names.get(number, number)
            lines.append(t("You have written the very same words about {who}. What is different here?", who=who))
    return [Text(plain(line)) for line in lines]
