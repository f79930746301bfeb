"""Where somebody listens to this process: on open feeds, or behind a lock for calls alone."""

import asyncio
from collections.abc import Collection, Iterable
from time import monotonic
from typing import Protocol

from handover.domain.access import Principal, answers_for
from handover.domain.listening import ALL, CALLS

CALLED_S = 75.0
"""Seconds after it last asked for which a locked screen counts as listening for calls. It asks every five, but out of
sight a browser lets a page do something once a minute."""
IN_A_ROW = 100
"""Feeds that are looked at in one turn of the loop."""
Unit = tuple[str, str]
"""An establishment and a unit of it."""


class Listener(Protocol):
    """What is asked of an open feed."""

    @property
    def stands_in(self) -> Iterable[Unit]:
        """The units of its reader where it counts as listening."""


class Present:
    """Who is there. `readers`: the open feeds, as they come and go."""

    def __init__(self, readers: Collection[Listener]) -> None:
        self._readers = readers
        self._called: dict[Unit, float] = {}
        self._feeds: set[Unit] = set()
        self._stirred = False

    def stirred(self) -> None:
        """Somebody has come or gone, or has other rights: who is there is looked at again."""
        self._stirred = True

    def called(self, who: Principal, place: str) -> None:
        """A locked screen of this person has asked whether something calls."""
        now = monotonic()
        self._called |= {where: now for where in answers_for(who) if where[0] == place}

    async def heard(self) -> dict[Unit, str]:
        """In which units anybody hears what this process tells: everything, or calls alone."""
        since = monotonic() - CALLED_S
        self._called = {where: at for where, at in self._called.items() if at >= since}
        if self._stirred:
            self._stirred = False
            found: set[Unit] = set()
            readers = list(self._readers)
            for at in range(0, len(readers), IN_A_ROW):
                found.update(where for reader in readers[at : at + IN_A_ROW] for where in reader.stands_in)
                await asyncio.sleep(0)
            self._feeds = found
        return dict.fromkeys(self._called, CALLS) | dict.fromkeys(self._feeds, ALL)
