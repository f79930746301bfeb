"""How failed logins slow the next one, per account and per address (after NIST SP 800-63B, throttling)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

FORGET_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Pace:
    """So many attempts cost nothing; then the wait doubles from one second, up to a longest one."""

    free: int
    longest: timedelta


ACCOUNT = Pace(free=5, longest=timedelta(seconds=60))
"""A minute at most: somebody who types a colleague's name wrongly on purpose must not keep that colleague out for a
shift."""
ADDRESS = Pace(free=30, longest=timedelta(minutes=5))
"""A whole wing may stand behind one address at changeover."""


def wait_after(failures: int, pace: Pace) -> timedelta:
    """How long the next attempt has to wait after so many failures in a row."""
    over = failures - pace.free
    if over < 0:
        return timedelta(0)
    return min(pace.longest, timedelta(seconds=2 ** min(over, 20)))


def still_counts(last: datetime, now: datetime) -> bool:
    """Whether failures are still held against the next attempt."""
    return now - last < FORGET_AFTER
