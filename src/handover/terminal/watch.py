"""`handover watch`: hears the feed for as long as anyone looks, keeps the place, and sends what waited."""

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing, suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from handover.client.codelists import lists_for
from handover.client.cursors import cursor_file, read_cursor, write_cursor
from handover.client.feed import Feed
from handover.client.feed_protocol import Event
from handover.terminal.carrying import Carrier
from handover.terminal.desk import Desk, desk
from handover.terminal.screen import JsonScreen, Screen
from handover.terminal.speech import DEFAULT_SERVER, DONE, JsonOption, ServerOption, Speech, answering

_SAVE_EVERY_S = 1.0


def watch(
    establishment: Annotated[
        str | None, typer.Option("--establishment", metavar="CODE", help="One prison only.")
    ] = None,
    unit: Annotated[str | None, typer.Option("--unit", metavar="UNIT", help="One unit only.")] = None,
    after: Annotated[
        str | None,
        typer.Option(
            "--after",
            metavar="CURSOR",
            help="Begin after this cursor, from 'now' on, or at the 'start' of what is kept. "
            "Left out: go on where you stopped last time.",
        ),
    ] = None,
    server: ServerOption = DEFAULT_SERVER,
    as_json: JsonOption = False,
) -> None:
    """Show what happens as it happens, until Ctrl-C. Says so when it cannot see, and goes on where it stopped."""
    with answering(as_json) as voice, desk(voice, server) as here:
        try:
            asyncio.run(_run(voice, here, establishment, unit, after))
        except KeyboardInterrupt:
            raise typer.Exit(DONE) from None


async def _run(voice: Speech, here: Desk, establishment: str | None, unit: str | None, after: str | None) -> None:
    place = _Place(cursor_file(here.server, here.login.username, establishment, unit), here.now)
    cursor, since = (None if after == "start" else after), None
    if after is None:
        cursor, since = read_cursor(place.path) or ("now", None)
    feed = Feed(here.server, here.tokens, establishment, unit, cursor)
    if since is not None:
        feed.heard_at = since
    lists = await asyncio.to_thread(lists_for, here.api)
    screen = JsonScreen(voice) if voice.as_json else Screen(voice, here, here.reader(lists, establishment), feed)
    post = Carrier(here.server, screen.sent)
    with screen:
        try:
            async with aclosing(feed.listen()) as heard:
                async for item in heard:
                    await screen.take(item)
                    place.reached(feed.cursor, urgent=not isinstance(item, Event))
                    post.when_live(item)
        finally:
            place.keep()


class _Place:
    """How far this watch has come, kept on disk: after what was shown, and not for every line of a long replay."""

    def __init__(self, path: Path, now: Callable[[], datetime]) -> None:
        self.path = path
        self._now = now
        self._cursor: str | None = None
        self._kept: str | None = None
        self._kept_at = 0.0

    def reached(self, cursor: str | None, *, urgent: bool) -> None:
        """Everything up to this cursor has been shown."""
        self._cursor = None if cursor == "now" else cursor
        if urgent or time.monotonic() - self._kept_at > _SAVE_EVERY_S:
            self.keep()

    def keep(self) -> None:
        """Puts it down."""
        self._kept_at = time.monotonic()
        if self._cursor is not None and self._cursor != self._kept:
            # A disk that is full must not blind anyone: then the next start shows some of it again.
            with suppress(OSError):
                write_cursor(self.path, self._cursor, self._now())
                self._kept = self._cursor
