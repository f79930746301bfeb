"""What an establishment asks of the screens its staff work at: when they lock, and whether a PIN opens them again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Screens:
    """One establishment's rule: minutes until the lock (0: never; None: the server's), the PIN, and its hours."""

    lock: int | None = None
    pin: bool = False
    pin_hours: int = 10

    @staticmethod
    def of(kept: Mapping[str, Any] | None) -> "Screens":
        """What an establishment has set; the usual where it has set nothing."""
        return Screens(**(kept or {}))

    def lock_s(self, usual: int) -> int:
        """Seconds until the lock; 0: never."""
        return usual if self.lock is None else self.lock * 60


def soonest_lock(rules: Sequence[Screens], usual: int) -> int:
    """When the screen of somebody locks who belongs to all of these: what it shows is of them all."""
    found = [rule.lock_s(usual) for rule in rules] or [usual]
    return min((seconds for seconds in found if seconds), default=0)
