"""The life of a handover: who may take it one step further, which changeover it is for, and when it is overdue.

DRAFT is what nobody has offered yet: the unit as it is being written. An offer freezes it; from then on it is OFFERED,
OVERDUE and ESCALATED as time goes by, until a named officer accepts it or whoever offered it takes it back. Time never
ends a handover: only a person does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from handover.domain.shifts import Shift, ShiftStart, shift_at
from handover.errors import Conflict

DRAFT, OFFERED, OVERDUE, ESCALATED = "DRAFT", "OFFERED", "OVERDUE", "ESCALATED"
ACCEPTED, WITH_QUERIES, WITHDRAWN = "ACCEPTED", "ACCEPTED_WITH_QUERIES", "WITHDRAWN"
OPEN = (OFFERED, OVERDUE, ESCALATED)
"""States of an offer that waits for somebody."""
TAKEN = (ACCEPTED, WITH_QUERIES)

_STEPS: dict[str, dict[str, str]] = {
    # act: {state before: state after}
    "offer": {DRAFT: OFFERED},
    "accept": dict.fromkeys(OPEN, ACCEPTED),
    "accept with queries": dict.fromkeys(OPEN, WITH_QUERIES),
    "withdraw": dict.fromkeys(OPEN, WITHDRAWN),
    "ask": dict.fromkeys(OPEN, ""),
    "answer": dict.fromkeys((*OPEN, *TAKEN), ""),
    "run out": {OFFERED: OVERDUE},
    "escalate": {OVERDUE: ESCALATED},
}
"""The state machine, whole: an act that is not possible in a state has no row there; an empty word leaves the state."""


@dataclass(frozen=True, slots=True)
class Times:
    """How long an establishment waits, in minutes."""

    accept: int = 15
    escalate: int = 15
    page: int = 3
    transfer: int = 240

    @staticmethod
    def of(kept: Mapping[str, int] | None) -> "Times":
        """The times an establishment has set; the usual ones where it has set none."""
        return Times(**(kept or {}))


@dataclass(frozen=True, slots=True)
class Changeover:
    """From which shift to which, and when the offer must have been accepted (UTC)."""

    from_shift: str
    to_shift: str
    due_at: datetime


def step(state: str, act: str) -> str:
    """The state after an act; refused with what is in the way."""
    steps = _STEPS[act]
    if state not in steps:
        raise Conflict(_NOT_POSSIBLE.get(state, f"This handover is {state}."))
    return steps[state] or state


_NOT_POSSIBLE = {
    ACCEPTED: "This handover was accepted before; what comes now belongs to the next one.",
    WITH_QUERIES: "This handover was accepted before; what comes now belongs to the next one.",
    WITHDRAWN: "This offer was taken back; wait for the next one, or offer the unit yourself.",
}


def can(state: str, act: str) -> bool:
    """Whether an act is possible in a state."""
    return state in _STEPS[act]


def changeover(
    pattern: Sequence[ShiftStart], zone: ZoneInfo, now: datetime, times: Times, last_to: str | None
) -> Changeover:
    """Which changeover an offer made now is for: the beginning of a shift that is nearest. Where the unit was already
    handed over to the shift that is on, or early to the one that follows, an officer is relieved within it: from that
    shift to itself.

    `last_to` is the shift the unit was last handed over to, e.g. `2026-11-22/NIGHT`.
    """
    current = shift_at(pattern, zone, now)
    upcoming = shift_at(pattern, zone, now, ahead=1)
    wait = timedelta(minutes=times.accept)
    nearer = upcoming.starts - now <= now - current.starts
    if last_to == upcoming.key or (last_to == current.key and not nearer):
        return Changeover(last_to, last_to, now + wait)
    if nearer:
        return Changeover(current.key, upcoming.key, upcoming.starts + wait)
    before = shift_at(pattern, zone, now, ahead=-1)
    return Changeover(before.key, current.key, max(current.starts, now) + wait)


def next_changeover(
    pattern: Sequence[ShiftStart], zone: ZoneInfo, now: datetime, times: Times, last_to: str | None
) -> Changeover:
    """Which changeover comes next where nobody has offered the unit: the one at the end of the shift it was last handed
    over to (`last_to`); the one that was missed, with its time gone by, where that shift is over."""
    before, current, *after = (shift_at(pattern, zone, now, ahead=n) for n in (-1, 0, 1, 2))
    wait = timedelta(minutes=times.accept)
    if last_to == after[0].key:  # taken over early
        return Changeover(after[0].key, after[1].key, after[1].starts + wait)
    if last_to is None or last_to == current.key:
        return Changeover(current.key, after[0].key, after[0].starts + wait)
    return Changeover(before.key, current.key, current.starts + wait)


def shifts_until(pattern: Sequence[ShiftStart], zone: ZoneInfo, now: datetime, count: int) -> list[Shift]:
    """The shift that is on and the ones before it, the latest first: `count` in all."""
    return [shift_at(pattern, zone, now, ahead=-n) for n in range(count)]


def open_queries(queries: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The queries nobody has answered; where what was asked about was taken back, nothing is left to answer."""
    return [query for query in queries if not query["answers"] and query["text"] is not None]


def accept(
    state: str,
    queries: Sequence[Mapping[str, Any]],
    expected: int | None,
    actual: int | None,
    *,
    with_queries: bool,
    mismatch_reason: str | None,
) -> str:
    """The state after an acceptance. Open queries and a roll that does not match do not stand in the way of whoever
    says a word about them; without it, the refusal says which they are."""
    unanswered = open_queries(queries)
    after = step(state, "accept with queries" if unanswered else "accept")
    in_the_way: list[str] = []
    if unanswered and not with_queries:
        told = "; ".join(f"“{query['text']}” ({query['id']})" for query in unanswered)
        in_the_way.append(
            f"{len(unanswered)} open: {told}. Wait for the answer, or accept with `with_queries`: true; "
            "they stay open then."
        )
    if expected is not None and actual is not None and expected != actual and mismatch_reason is None:
        in_the_way.append(
            f"The roll does not match: {expected} expected, {actual} counted. Count again, or say why in "
            "`roll_mismatch_reason`."
        )
    if in_the_way:
        raise Conflict(" ".join(in_the_way))
    return after
