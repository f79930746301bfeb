"""How much of everything."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")
FEEDS_A_PRISON = 100
Told = Callable[[str], None]
"""Where a part says what it does just now."""


@dataclass(frozen=True)
class Plan:
    """Rounds of each part, and the sizes of what it does."""

    rounds: Mapping[str, int]
    post_s: float = 1.5
    """rates: seconds of posting for each number of clients."""
    feeds: tuple[int, ...] = (50, 200, 1000, 2000)
    feed_s: float = 5.0
    """feeds: seconds of notes for each number of feeds."""
    missed: int = 10_000
    terminals: int = 200
    notes: int = 200_000
    """growth: in the larger store."""
    pulled: int = 1_000_000
    stored: int = 50_000
    """start: notes in the store."""
    prisons: int = 120
    """day: a country, with the notes of as many and FEEDS_A_PRISON feeds in each."""
    quiet_s: float = 30.0
    worst_s: float = 60.0
    sheets_s: float = 15.0
    """day: seconds of the night, of the worst minute, and of reading sheets in the evening."""
    played: int = 262_000
    """day: most notes, besides those of the night and the worst minute; what is beside the service plays a tenth."""


FULL = Plan(
    {"rates": 7, "feeds": 3, "replay": 3, "pull": 1, "start": 7, "burst": 3, "growth": 40, "screen": 3, "across": 3},
)
QUICK = Plan(
    {"rates": 2, "feeds": 1, "replay": 1, "pull": 1, "start": 2, "burst": 1, "growth": 15, "screen": 1, "across": 1},
    post_s=0.7,
    feed_s=1.5,
    missed=5_000,
    terminals=50,
    notes=50_000,
    pulled=20_000,
    stored=5_000,
    prisons=12,
    quiet_s=15.0,
    worst_s=10.0,
    sheets_s=3.0,
)
