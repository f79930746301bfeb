"""Whose turn it is, among processes that share a store, to do what one of them at a time should do. A turn is taken,
held from step to step, and free again once nobody has held it for a while: also when its holder died."""

from datetime import datetime, timedelta
from secrets import token_hex

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover.store.tables import store_meta

TIDYING = "tidying"
_M = store_meta.c


def take(conn: Connection, what: str, now: datetime, idle: timedelta) -> str | None:
    """Takes the turn if nobody has held it for so long, and answers what to hold it by. One that was held in a time to
    come is free too: a clock that was wrong must not end it for good."""
    mine = f"{_text(now)} {token_hex(4)}"
    free = sa.or_(_M.value < _text(now - idle), _M.value > _text(now + idle))
    if conn.execute(sa.update(store_meta).where(_M.name == what, free).values(value=mine)).rowcount:
        return mine
    if conn.execute(sa.select(_M.value).where(_M.name == what)).scalar() is not None:
        return None
    # Where another process is quicker this fails, and is done again.
    conn.execute(sa.insert(store_meta), {"name": what, "value": mine})
    return mine


def hold(conn: Connection, what: str, mine: str, now: datetime) -> str | None:
    """Holds it on; None where somebody else has taken it meanwhile."""
    still = f"{_text(now)} {mine.partition(' ')[2]}"
    held = conn.execute(sa.update(store_meta).where(_M.name == what, _M.value == mine).values(value=still)).rowcount
    return still if held else None


def _text(moment: datetime) -> str:
    """In the order of time."""
    return moment.isoformat(timespec="microseconds")
