"""Sending what waits on this machine whenever the line is good, beside the feed and never in its way."""

import asyncio
from collections.abc import Callable

from handover.client.feed import Heard
from handover.client.feed_protocol import Event, State, StateChange
from handover.client.sending import Round, send_everyones, waiting_by_author
from handover.client.server import Server


class Carrier:
    """Sends what waits here, whoever wrote it."""

    def __init__(self, server: Server, told: Callable[[list[Round]], None]) -> None:
        self._server = server
        self._told = told
        self._sending: asyncio.Task[list[Round]] | None = None

    def when_live(self, item: Heard) -> None:
        """Called with everything that is heard; acts on what shows a good line."""
        if isinstance(item, Event) or (isinstance(item, StateChange) and item.state is not State.LIVE):
            return
        self.go()

    def go(self) -> None:
        """Sends, unless that is going on already or nothing waits."""
        if self._sending is None and waiting_by_author(self._server):
            self._sending = asyncio.create_task(asyncio.to_thread(send_everyones, self._server))
            self._sending.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[list[Round]]) -> None:
        self._sending = None
        if not task.cancelled() and task.exception() is None:
            self._told(task.result())
