"""The line to the server: what is heard, since when nothing is, and what waits here to be sent."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing, suppress

from handover.client import skew
from handover.client.cursors import cursor_file, read_cursor, write_cursor
from handover.client.feed import Feed, Heard
from handover.client.feed_protocol import Event, Heartbeat, State, StateChange
from handover.client.refusals import NotLoggedIn, ServerRefused
from handover.terminal.screens.station import Station
from handover.terminal.tongue import t
from handover.terminal.troubles import in_words

PAGES = ("page.raised", "page.accepted", "page.closed")


class Line:
    """One officer's ear, for as long as he or she sits here."""

    def __init__(self, station: Station, heard: Callable[[Heard], None], ended: Callable[[str], None]) -> None:
        here, unit = station.desk, station.unit
        self._station = station
        self._heard = heard
        self._ended = ended
        # The whole prison, as far as it is hers: at night one officer has several wings, and each may call.
        place = unit.establishment if unit is not None else None
        self._path = cursor_file(here.server, here.login.username, "desk", place)
        kept = None
        with suppress(OSError):  # a disk that fails must not blind anyone: how the unit stands is fetched anyway
            kept = read_cursor(self._path)
        self._first = kept is None
        cursor, since = kept or ("now", None)
        self.feed = Feed(here.server, here.tokens, place, None, cursor)
        self.feed.heard_at = since or here.now()

    async def listen(self) -> None:
        """Hears, until whoever sits here goes away."""
        try:
            async with aclosing(self.feed.listen()) as feed:
                async for item in feed:
                    self._take(item)
        except NotLoggedIn as ended:
            self._ended(in_words(ended))
        except ServerRefused as refused:
            self._ended(t("{detail}. Log in again.", detail=refused.detail or refused.title))

    def seen(self) -> None:
        """The officer has taken in what was heard: the next start shows only what comes from here on."""
        cursor = self.feed.cursor
        if cursor not in (None, "now"):
            # A disk that is full must not blind anyone: then the next start shows some of it again.
            with suppress(OSError):
                write_cursor(self._path, str(cursor), skew.now(self.feed.server))

    def _take(self, item: Heard) -> None:
        station, here = self._station, self._station.desk
        if isinstance(item, Event):
            if item.type not in PAGES or item.raw.get("data", {}).get("kind") != "ACT_NOW":
                units = {(one.establishment, one.code) for one in station.units}
                station.news.hears(item, here.login.username, units)
            if not station.blind_since:
                station.certain_at = self.feed.heard_at
        elif isinstance(item, Heartbeat):
            station.certain_at = self.feed.heard_at
        elif isinstance(item, StateChange):
            self._sight(item)
        self._heard(item)

    def _sight(self, change: StateChange) -> None:
        station = self._station
        match change.state:
            case State.LIVE:
                station.certain_at, station.blind_since = self.feed.heard_at, None
                if self._first:
                    # Where somebody looks for the first time, what comes from here on is news, also after a lock.
                    self._first = False
                    self.seen()
            case State.BLIND:
                station.blind_since = change.since
            case State.MISSED:
                since, at = (station.reader.time(one, seconds=True) for one in (change.since, change.at))
                station.missed = t(
                    "What happened between {since} and {at} may be missing here. Ask your colleagues.",
                    since=since,
                    at=at,
                )


async def forget(task: "asyncio.Task[None]") -> None:
    """Waits until an ear that was told to stop has stopped."""
    with suppress(asyncio.CancelledError):
        await task
