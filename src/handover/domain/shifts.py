"""Which shift an instant falls in, on the clock the prison lives by.

A shift begins at a local time and lasts until the next one begins. Where the clocks go back, the hour that comes twice
belongs to one running shift; where they go forward, a beginning inside the missing hour is the instant the clock
would have shown it had it not been moved (PEP 495, fold 0). So every instant belongs to exactly one shift.
"""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo


class ShiftStart(NamedTuple):
    """A shift of the establishment's daily pattern: its code and the local time it begins."""

    code: str
    starts: time


class Shift(NamedTuple):
    """One shift on one day; `day` is the local date it began on. Half-open: `starts` ≤ instant < `ends`, both in
    UTC."""

    code: str
    day: date
    starts: datetime
    ends: datetime

    @property
    def key(self) -> str:
        """The shift's name in notes and filters, e.g. `2026-11-22/NIGHT`."""
        return f"{self.day.isoformat()}/{self.code}"


@lru_cache(maxsize=4096)
def _run(
    pattern: tuple[ShiftStart, ...], zone: ZoneInfo, first: date, days: int
) -> tuple[tuple[datetime, ...], tuple[tuple[date, str], ...]]:
    """When the shifts of some days begin, in order; and which day's shift each is. Where the missing hour makes two
    begin at one instant, the later of them is the one that is worked: no shift is without any time."""
    begins = sorted(
        (datetime.combine(day, shift.starts, zone).astimezone(UTC), day, shift.starts, shift.code)
        for day in (first + timedelta(days=n) for n in range(days))
        for shift in pattern
    )
    worked = {start: (day, code) for start, day, _, code in begins}
    return tuple(worked), tuple(worked.values())


def shift_at(pattern: Sequence[ShiftStart], zone: ZoneInfo, instant: datetime, ahead: int = 0) -> Shift:
    """The shift that holds `instant` (an aware time), or the one `ahead` shifts after (before, if negative)."""
    span = 2 + abs(ahead)
    begins, shifts = _run(tuple(pattern), zone, instant.astimezone(zone).date() - timedelta(days=span), 2 * span + 1)
    index = bisect_right(begins, instant) - 1 + ahead
    day, code = shifts[index]
    return Shift(code, day, begins[index], begins[index + 1])
