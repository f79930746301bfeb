"""How much one caller, an account or a client, may ask: a bucket that holds so many requests and fills again little by
little. Every process counts for itself."""

from collections.abc import Callable
from math import ceil
from time import monotonic
from typing import NamedTuple

from handover.settings import Settings

MOST = 10_000
"""Callers remembered before those are forgotten whose bucket is full."""


class Share(NamedTuple):
    """What is left for a caller: requests, seconds until there are as many as can be, and, where this one is too many,
    until there is one."""

    left: int
    whole_s: int
    wait_s: int


class Limits:
    """The buckets of this process. Of each it keeps one number: when it will be full again."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = monotonic) -> None:
        self.requests = settings.caller_requests
        self.window_s = settings.caller_window_s
        self._each = self.window_s / self.requests if self.requests else 0.0
        self._clock = clock
        self._full: dict[str, float] = {}

    def take(self, caller: str) -> Share:
        """Takes one request out of the caller's bucket, if there is one."""
        now = self._clock()
        lacks = max(self._full.get(caller, now) - now, 0.0) + self._each
        if lacks > self.window_s:
            return Share(0, self.window_s, ceil(lacks - self.window_s))
        if len(self._full) > MOST:
            self._full = {one: full for one, full in self._full.items() if full > now}
        self._full[caller] = now + lacks
        return Share(int((self.window_s - lacks) / self._each) if self._each else 0, ceil(lacks), 0)
