"""How large the type can be so that a wing fits one page."""

from collections.abc import Iterable
from math import ceil

from handover.api.paper.words import Document

_SIZES = (9.0, 8.75, 8.5, 8.25, 8.0, 7.75, 7.5, 7.25, 7.0, 6.75, 6.5)
_FLOWING = 8.0
"""For what does not fit one page anyway: then it may as well be easy to read."""
_WIDE, _HIGH, _MM = 194.0, 281.0, 0.3528
_EM, _LINE = 0.47, 1.14
"""How wide a letter is on average and how high a line, in ems: a little more than with the usual fonts."""


def fit(view: Document) -> str:
    """The class for the largest type with which it fits one page, with room to write by hand."""
    for size in _SIZES:
        if _height(view, size) <= _HIGH:
            return f"one s{size * 100:.0f}"
    return f"s{_FLOWING * 100:.0f}"


def _height(view: Document, size: float) -> float:
    """How high it will be, in mm, a little too much rather than too little."""
    em = size * _MM

    def lines(texts: Iterable[str], share: float, indent: float = 0.7) -> int:
        wide = (_WIDE * share / em - indent) / _EM - 2
        return sum(ceil(len(text) / wide) for text in texts)

    def note(one: Document) -> list[str]:
        return [" ".join((one["tag"], one["fact"], one["seen"], one["source"])), one["opinion"]]

    def need(one: Document) -> str:
        return " ".join((one["what"], one["due"], one["detail"], one["history"], "x" * (10 if one["promised"] else 0)))

    rows = 0.0
    for one in view["people"]:
        was = " ".join(
            f"{w['shift']} {w['shape']} {w['word'] if w['word'] != view['unwritten'] else ''} {w['more']}"
            for w in one["changes"]
        )
        who = [f"{one['cell']} {one['name']} {one['inmate']}", one["attention"], f"{was} {one['unseen']}"]
        why = [*one["rules"], one["unprinted"], *(text for said in one["notes"] for text in note(said))]
        then = [
            *(f"{i['text']} {i['by']}" for i in one["if_then"]),
            *(need(n) for n in one["needs"]),
            " ".join(one["tried"]),
        ]
        columns = ((who, 0.22), (why, 0.40), (then, 0.38))
        rows += max(lines(texts, share) * _LINE + len(texts) * 0.05 for texts, share in columns) + 0.4
    unit = [need(one) for one in view["wing_needs"]] + [text for one in view["wing_notes"] for text in note(one)]
    unit += [view["unprinted"]] if view["unprinted"] else []
    late = [f"{one['whom']} {' '.join(note(one['note'])) if one['note'] else one['where']}" for one in view["late"]]
    unseen = [f"{why}: {whom}" for why, whom in view["unseen"]]
    for one in view["incidents"]:
        rows += lines(["x" * 15 + " ".join((one["head"], *note(one["note"])))], 1) * _LINE + 0.6
    for told in (unit, late, unseen, *(moves for _, moves in view["movements"])):
        rows += lines(["x" * 40 + " · ".join(told)], 1) * _LINE + 0.35 if told else 0
    rest = [
        f"{one['cell']} {one['name']} {'○ ' if one['unseen'] else ''}{one['last']} {one['more']}"
        for one in view["others"]
    ]
    rows += (ceil(lines(rest, 0.2) / 4) + 2) * (_LINE + 0.06) + 0.6
    head = [f"{view['owner']} {view['standing']} {view['last']}", *view["remarks"]]
    rows += max((lines(head, 0.75) + 1) * _LINE + 1.8, 5.0) + 2 * _LINE + 1.2  # and the table's caption and heads
    rows += 4 * _LINE + 2.0  # the foot, and the heading of what is written by hand
    return rows * em + 10  # and room to write by hand
