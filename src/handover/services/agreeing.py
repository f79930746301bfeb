"""Several processes that share a store go by its clock: one whose own is wrong would end what others have just begun,
let guesses through that others slow, and call nobody for as long as it is ahead."""

from time import monotonic

import structlog
from sqlalchemy.engine import Connection

from handover.clock import AGREES, Agreed, Clock
from handover.store.engine import time_there

SOON_S = 0.5
"""Whoever had to wait longer for the answer does not know what time it is now."""
log = structlog.get_logger("handover.clock")


def agree(conn: Connection, clock: Clock) -> None:
    """Asks what time it is there, where this process goes by it."""
    if not isinstance(clock, Agreed):
        return
    asked = monotonic()
    there = time_there(conn)
    took = monotonic() - asked
    if there is None or took > SOON_S:
        return
    mistaken, wrong = clock.tell(there, asked + took / 2), there - clock.own()
    if abs(mistaken) > AGREES:
        log.error(
            "the store's clock is another, and is gone by; put this machine's right, or the store's",
            ahead_s=round(-wrong.total_seconds(), 1),
            moved_s=round(mistaken.total_seconds(), 1),
        )
