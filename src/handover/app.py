"""Puts the parts together."""

import asyncio
import contextlib
import gc
import os
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator
from email.utils import formatdate
from types import FrameType

import structlog
import uvicorn
from fastapi import FastAPI

from handover import __version__
from handover.api import (
    accesslog,
    codelists,
    describing,
    docs,
    events,
    handovers,
    listening,
    needs,
    notes,
    oauth,
    operations,
    problems,
    roster,
)
from handover.api.lane import lane as shortest
from handover.api.middleware import Outermost
from handover.api.transport import AnswerProtocol, Forwarded
from handover.board import pages as board
from handover.board import session as board_session
from handover.clock import Agreed, Clock
from handover.errors import Refusal
from handover.feed import kept, route
from handover.feed.transport import FeedProtocol
from handover.logs import configure_logging
from handover.services import listening as listening_service
from handover.services import opening, tidying, timers
from handover.services.hub import Hub
from handover.services.limits import Limits
from handover.services.metrics import Metrics
from handover.services.parts import Parts
from handover.services.passwords import Hasher
from handover.services.sessions import Sessions
from handover.services.unit_of_work import Asker, Desk
from handover.settings import Settings

LEAVE_S = 0.5
CLOSE_S = 0.7
"""How long a stop waits for the store, to write it down and then to give it back."""
log = structlog.get_logger("handover")
SWITCH_S = 0.001
ROUTERS = (
    oauth.router,
    roster.router,
    codelists.router,
    notes.router,
    needs.router,
    handovers.router,
    listening.router,
    events.router,
    accesslog.router,
    operations.router,
    board.router,
    board_session.router,
)


def create_app(
    settings: Settings,
    *,
    clock: Clock | None = None,
    practice: bool = False,
    lane: bool = True,
    process: str | None = None,
) -> FastAPI:
    """The service as an ASGI application. The store is opened here, so that a store that cannot be served stops the
    start. `process`: what its metrics call it, among several."""
    metrics = Metrics(process)
    desk = opening.open_desk(settings, clock or Agreed(), practice=practice, measure=metrics.committed, serves=True)
    sessions = Sessions(desk)
    hasher = Hasher(settings)
    hub = Hub(desk, sessions, metrics)
    limits = Limits(settings)

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        hub.start()
        keeping = tidying.keep(desk), timers.keep(desk), listening_service.keep(desk, hub.present)
        tasks = [asyncio.create_task(work) for work in keeping]
        yield
        for task in tasks:
            task.cancel()
        await hub.close()
        hasher.close()
        await _close(app, desk)

    title = "handover (PRACTICE: nothing here is real)" if practice else "handover"
    app = FastAPI(
        title=title,
        description="Shift handover messaging for prisons.",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
        # It would send what exceptions say, which may be a note's words, to wherever the environment tells it to.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    parts = app.state.parts = Parts(desk, sessions, hasher, hub, metrics, limits)
    for router in ROUTERS:
        # As they are: included, each route would be made anew while the first request waits.
        app.router.routes.extend(router.routes)
    docs.install(app)
    problems.install(app)
    describing.install(app)
    # Outside everything the framework puts around an application, so that it has the last word on every answer.
    inner = app.build_middleware_stack()
    app.middleware_stack = Outermost(
        app, inner, route.door(parts, problems.nowhere), desk, metrics, limits, practice, shortest if lane else None
    )
    return app


async def _close(app: FastAPI, desk: Desk) -> None:
    """Writes the stop down and gives the store back. One that stands still is left: what was acknowledged is durable,
    and of what was not nothing is kept."""
    try:
        async with asyncio.timeout(CLOSE_S):
            await desk.write(Asker(None), opening.stopped)
    except (Refusal, TimeoutError) as error:
        log.error("the stop could not be written down", why=str(error) or "the store does not answer")
    finally:
        closing = threading.Thread(target=desk.store.close, name="closing", daemon=True)
        closing.start()
        await asyncio.to_thread(closing.join, CLOSE_S)
        app.state.left = closing.is_alive()


class _Server(uvicorn.Server):
    """Tells the feeds at once that the server is stopping, so that they leave with their cursors and the stop takes
    no time."""

    def __init__(self, config: uvicorn.Config, hub: Hub, clock: Clock) -> None:
        super().__init__(config)
        self._hub = hub
        self._clock = clock

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Says where it listens: whoever starts it by hand sees that it does, and with port 0 there is no other way."""
        await super().startup(sockets)
        for door in (one for server in self.servers for one in server.sockets):
            log.info("serving", address="{}:{}".format(*door.getsockname()[:2]))

    async def on_tick(self, counter: int) -> bool:
        """Once a second the `Date` of answers is made: by it terminals know what time it is here."""
        ends = await super().on_tick(counter)
        if counter % 10 == 0 and isinstance(self._clock, Agreed):
            date = formatdate(self._clock().timestamp(), usegmt=True)
            self.server_state.default_headers = [(b"date", date.encode())]
        return ends

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Feeds leave first, with their own close code: the server would close them with another."""
        await self._hub.emptied(LEAVE_S)
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal to stop."""
        self._hub.stop_soon()
        super().handle_exit(sig, frame)


def server(app: FastAPI, settings: Settings) -> uvicorn.Server:
    """The server that serves it, not yet running."""
    config = uvicorn.Config(
        Forwarded(app.middleware_stack, settings.trusted_proxies),  # type: ignore[arg-type]  # it is made by now
        interface="asgi3",
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=AnswerProtocol,
        ws=FeedProtocol,
        ws_per_message_deflate=False,
        ws_max_size=64 * 1024,
        ws_ping_interval=kept.PING_S,
        ws_ping_timeout=kept.PING_S,
        proxy_headers=False,  # `Forwarded`
        timeout_graceful_shutdown=settings.stop_s,  # type: ignore[arg-type]  # it takes parts of a second, too
        access_log=False,
        server_header=False,
        log_config=None,
    )
    return _Server(config, app.state.parts.hub, app.state.parts.desk.clock)


def serve(app: FastAPI, settings: Settings, sockets: list[socket.socket] | None = None) -> None:
    """Serves until told to stop, on these sockets or where the settings say."""
    configure_logging(settings.log_level)
    # The writer lets go of the interpreter at every statement, and gets it back only when the event loop lets go: by
    # default after 5 ms if the loop is busy, for every statement of a batch. Turns much shorter than this cost more
    # than they spare.
    sys.setswitchinterval(SWITCH_S)
    # What was made so far stays for good: the collector need not look at it again (it halves the longest pauses).
    gc.collect()
    gc.freeze()
    # Statements are rings, which nothing but the collector takes apart: what waits for it is memory, and a pause.
    gc.set_threshold(5_000, 50, 50)
    # The server raises the signal again once it has stopped in order; then this is an ordinary end, and what holds
    # files tidies up.
    signal.signal(signal.SIGTERM, _ended)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            server(app, settings).run(sockets)
    finally:
        if getattr(app.state, "left", False):  # an ordinary end would wait for the threads that wait for the store
            log.error("the store does not answer, and is left")
            os._exit(0)


def _ended(_sig: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)
