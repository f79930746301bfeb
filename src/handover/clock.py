"""The only place that asks what time it is, so that a test can move the clock."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def now() -> datetime:
    """The present instant, in UTC, with microseconds."""
    return datetime.now(UTC)
