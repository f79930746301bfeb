"""The only place that asks what time it is, so that a test can move the clock."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import monotonic

Clock = Callable[[], datetime]


def now() -> datetime:
    """The present instant, in UTC, with microseconds."""
    return datetime.now(UTC)


class Agreed:
    """The time that several machines go by: what somebody whom all of them ask has said, and how long ago that was. So
    neither one whose own clock is wrong is alone with it, nor one whose clock is put right for the moment after. Until
    it was told anything it is this machine's own."""

    def __init__(self, own: Clock = now) -> None:
        self.own = own
        self._told: tuple[datetime, float] | None = None

    def __call__(self) -> datetime:
        told = self._told
        return self.own() if told is None else told[0] + timedelta(seconds=monotonic() - told[1])

    def tell(self, time: datetime, at: float) -> timedelta:
        """Told what time it was at a moment (of `monotonic`); answers by how much it would have been mistaken. Less
        than `AGREES` is the way there and back."""
        mistaken = time - (self() - timedelta(seconds=monotonic() - at))
        if self._told is None or abs(mistaken) > AGREES:
            self._told = time, at
        return mistaken


AGREES = timedelta(seconds=1)
"""By how much clocks may differ, and are taken to say the same."""
