"""The practice prison's changeovers: two days of wings handed over and taken over, and what is under way just now: an
offer that waits, with a question; one that nobody took; somebody on his way from one wing to another."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from handover.domain.shifts import ShiftStart, shift_at
from handover.schemas.handovers import AcceptanceDraft, HandoverDraft, QueryDraft
from handover.schemas.roster import MoveDraft
from handover.services import handovers, roster
from handover.services.unit_of_work import UnitOfWork

SHIFTS_BACK = 6
OFFERED_BEFORE, ACCEPTED_AFTER = timedelta(minutes=9), timedelta(minutes=6)
FORGOTTEN, WAITING = "D", "A"
"""The wings whose last handover nobody took, and whose handover is waiting now."""


@dataclass(frozen=True, slots=True)
class Act:
    """Something somebody does at a time."""

    at: datetime
    by: str
    do: Callable[[UnitOfWork], None]


def acts(
    code: str, pattern: tuple[ShiftStart, ...], zone: ZoneInfo, now: datetime, officers: Mapping[str, list[str]]
) -> Iterable[Act]:
    """All of it, relative to now. `officers`: the user names of each wing's."""
    waiting: dict[str, str] = {}
    # The last changeover is one that every wing had the time to finish, before what waits now is offered.
    settled = now - ACCEPTED_AFTER - timedelta(minutes=len(officers)) - OFFERED_BEFORE
    changes = [shift_at(pattern, zone, settled, ahead=-n).starts for n in range(SHIFTS_BACK)]
    for starts in reversed(changes):
        for n, (unit, names) in enumerate(officers.items()):
            turn = (changes.index(starts) + n) % len(names)
            yield Act(starts - OFFERED_BEFORE, names[turn], _offer(code, unit, waiting))
            if unit == FORGOTTEN and starts == changes[0]:
                continue
            at = starts + ACCEPTED_AFTER + timedelta(minutes=n)
            yield Act(at, names[(turn + 1) % len(names)], _accept(unit, waiting))
    names = officers[WAITING]
    mine = (list(officers).index(WAITING) + 1) % len(names)  # whoever took it over last
    out, into = names[mine], names[(mine + 1) % len(names)]
    yield Act(now - timedelta(minutes=4), out, _offer(code, WAITING, waiting, roll=True))
    yield Act(now - timedelta(minutes=2), into, _ask(WAITING, waiting))


def move(code: str, number: str, unit: str, cell: str, now: datetime, by: str, reason: str) -> Act:
    """Somebody who left for another wing a while ago, and whom nobody there has accepted."""
    draft = MoveDraft(establishment=code, unit=unit, cell=cell, reason=reason)

    def do(uow: UnitOfWork) -> None:
        roster.move(uow, number, draft)

    return Act(now - timedelta(minutes=25), by, do)


def _offer(code: str, unit: str, waiting: dict[str, str], roll: bool = False) -> Callable[[UnitOfWork], None]:
    def do(uow: UnitOfWork) -> None:
        if unit in waiting:
            return  # nobody has taken the last one
        expected = len(roster.in_unit(uow, code, unit)) if roll else None
        waiting[unit], _ = handovers.offer(uow, HandoverDraft(establishment=code, unit=unit, roll_expected=expected))

    return do


def _accept(unit: str, waiting: dict[str, str]) -> Callable[[UnitOfWork], None]:
    def do(uow: UnitOfWork) -> None:
        handovers.accept(uow, waiting.pop(unit), AcceptanceDraft(with_queries=True))

    return do


def _ask(unit: str, waiting: dict[str, str]) -> Callable[[UnitOfWork], None]:
    def do(uow: UnitOfWork) -> None:
        document: dict[str, Any] = orjson.loads(handovers.get(uow, waiting[unit]))
        about = [item for item in document["items"] if item["need"] and item["promised"]]
        about += [item for item in document["items"] if item["need"]] + document["items"]
        if about:
            item = about[0]
            text = "Who promised it, and does he know by when?" if item["need"] else "Is this still so?"
            wanted = {"need": item["need"]} if item["need"] else {"note": item["note"]}
            handovers.ask(uow, waiting[unit], QueryDraft(text=text, **wanted))

    return do
