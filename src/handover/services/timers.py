"""What happens because its time has come. The times are in the store and the clock is the server's, so a restart
changes nothing; each is fired once, by whichever process is first, and looks first whether it still holds."""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime
from functools import partial
from time import monotonic

import structlog
from sqlalchemy.engine import Connection

from handover.errors import Conflict, Unavailable
from handover.services import handovers, needs, notes, pages
from handover.services.agreeing import agree
from handover.services.unit_of_work import Asker, Desk, UnitOfWork
from handover.store import timers

AT_ONCE = 100
TOGETHER = 8
"""Of these, so many are fired at a time. Promises fall due at six o'clock by the hundred: whoever writes a note then is
to wait for these few, and for their feeds, but not for all."""
AGAIN_S, BACK_S = 60.0, 1.0
"""Seconds until a timer that could not be fired is tried again; and one that could not because the store was away, or
others were in its way. Somebody is to be called by it, and the store may be back at once."""
log = structlog.get_logger("handover.timers")
FIRES: dict[str, Callable[[UnitOfWork, str], str | None]] = {
    timers.ATTENTION: notes.attention_ran_out,
    timers.PROMISE: needs.came_due,
    timers.OVERDUE: handovers.ran_out,
    timers.ESCALATE: handovers.escalate,
    timers.PAGE: pages.repeat,
    timers.UNOFFERED: handovers.unoffered,
}
"""What each kind of timer does; it answers the establishment where it did something, or None where nothing was left to
do."""


class _Taken(Conflict):
    """Another process fired it. Whatever else refuses to be done is a failure."""


def fire(uow: UnitOfWork, at: datetime, kind: str, about: str) -> None:
    """Fires one timer, unless another process has."""
    uow.doing("timers.fire", actor="handover", subject=about, kind=kind)
    if not timers.take(uow.conn, at, kind, about):
        raise _Taken("Another process was quicker.")
    place = FIRES[kind](uow, about)
    uow.about(establishment=place, held=place is not None)


async def keep(desk: Desk) -> None:
    """Fires what is due, for as long as the process serves."""
    failed: dict[tuple[datetime, str, str], float] = {}
    while True:
        try:
            due = await desk.peek(partial(_due, desk, AT_ONCE + len(failed)))
            for timer in failed.keys() - set(due):
                del failed[timer]  # it was fired elsewhere
            ready = [timer for timer in due if failed.get(timer, 0.0) <= monotonic()]
            answers: list[BaseException | None] = []
            for start in range(0, len(ready), TOGETHER):
                some = (_fire(desk, timer) for timer in ready[start : start + TOGETHER])
                answers += await asyncio.gather(*some, return_exceptions=True)
        except Exception:
            log.exception("timers could not be looked at")  # the store may be away for a moment
            ready, answers = [], []
        for timer, answer in zip(ready, answers, strict=True):
            if isinstance(answer, BaseException):
                # One that cannot be fired must not hold up the others; it is tried again.
                away = isinstance(answer, Unavailable)  # of which the store says why itself
                if not away:
                    log.error("a timer failed", kind=timer[1], exc_info=answer)
                failed[timer] = monotonic() + (BACK_S if away else AGAIN_S)
        if len(ready) < AT_ONCE:
            await asyncio.sleep(desk.settings.timers_s)


def _due(desk: Desk, most: int, conn: Connection) -> list[tuple[datetime, str, str]]:
    agree(conn, desk.clock)  # at each look: what is fired too early is not called back
    return timers.due(conn, desk.clock(), most)


async def _fire(desk: Desk, timer: tuple[datetime, str, str]) -> None:
    with contextlib.suppress(_Taken):
        await desk.write(Asker(None), lambda uow: fire(uow, *timer), first=True)
