"""Whether anybody in a unit hears what is told. A screen that has lost its network says so to whoever sits before it,
and to nobody else; a wing where no screen is on says nothing at all."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

ALL, CALLS, NOTHING = "ALL", "CALLS", "NOTHING"
_ORDER = (NOTHING, CALLS, ALL)


class Said(NamedTuple):
    """What one process said of a unit, since when, and when it last said that it was there."""

    hears: str
    since: datetime
    seen_at: datetime


class Heard(NamedTuple):
    """What is heard in a unit: ALL (a feed of somebody who answers for it is open), CALLS (such a screen is locked, and
    asks whether something calls) or NOTHING; and since when, None where nobody has listened, as far as is known."""

    hears: str
    since: datetime | None


def heard(said: Iterable[Said], now: datetime, lost_after: timedelta) -> Heard:
    """Of what all processes said, what holds. One that has not been seen for so long is gone, and so is who listened to
    it, from the moment it was last seen; so is one that was seen in a time to come, by a clock that was wrong."""
    known = [
        Said(NOTHING, min(one.seen_at, now), one.seen_at)
        if one.hears != NOTHING and abs(now - one.seen_at) > lost_after
        else one
        for one in said
    ]
    if not known:
        return Heard(NOTHING, None)
    hears = max((one.hears for one in known), key=_ORDER.index)
    times = [one.since for one in known if one.hears == hears]
    return Heard(hears, max(times) if hears == NOTHING else min(times))
