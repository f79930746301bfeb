"""The bare stand-in: what this stack can do at best when all it has to do is keep a note and pass it on.

FastAPI with the same declared body as the service, uvicorn with the same options, the same group commit by one writer
thread, one durable INSERT a request, and what was stored made into frames once and written to every open WebSocket's
transport. No rights, no access log, no needs, no events; the drivers used directly. Given the service's own database,
it also passes on what is stored there (`barereads`). It is the yardstick, so it is written as fast as this stack
allows.
"""

import asyncio
import contextlib
import gc
import sqlite3
import sys
import threading
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from queue import SimpleQueue
from typing import NamedTuple

import orjson
import psycopg
import uvicorn
from fastapi import FastAPI, Request, Response, WebSocket, WebSocketDisconnect
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from benchmarks.barereads import FEED_PAGE, Past, frame
from benchmarks.notes import ESTABLISHMENT
from handover.schemas.notes import NoteDraft
from handover.services.ids import uuid7

MOST = 64
"""Most requests in one commit, as the service's default."""
SCHEMA = "CREATE TABLE IF NOT EXISTS notes (id TEXT PRIMARY KEY, recorded_at TEXT NOT NULL, document TEXT NOT NULL)"
Row = tuple[str, str, str]
Commit = Callable[[list[Row]], None]


class Asked(NamedTuple):
    """A request that waits for its commit."""

    row: Row
    done: "asyncio.Future[None]"
    place: str | None


def open_sqlite(path: str) -> Commit:
    """One connection, durable as the service's: WAL and synchronous=FULL."""
    conn = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-32000"):
        conn.execute(f"PRAGMA {pragma}")
    conn.execute(SCHEMA)

    def commit(rows: list[Row]) -> None:
        conn.execute("BEGIN IMMEDIATE")
        conn.executemany("INSERT INTO notes VALUES (?, ?, ?)", rows)
        conn.execute("COMMIT")

    return commit


def open_postgresql(url: str) -> Commit:
    """One connection; one NOTIFY a commit, as processes that share a database need it."""
    conn = psycopg.connect(url)
    conn.execute(SCHEMA)
    conn.commit()

    def commit(rows: list[Row]) -> None:
        with conn.cursor() as cursor:
            cursor.executemany("INSERT INTO notes VALUES (%s, %s, %s)", rows)
            cursor.execute("NOTIFY standin")
        conn.commit()

    return commit


class Writer:
    """Commits what has gathered, then tells the loop once for all of it."""

    def __init__(self, commit: Commit, told: Callable[[list[Asked]], None]) -> None:
        self._commit = commit
        self._told = told
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[Asked] = SimpleQueue()
        threading.Thread(target=self._run, name="writer", daemon=True).start()

    async def write(self, row: Row, place: str | None) -> None:
        """Durable when this returns."""
        done = self._loop.create_future()
        self._queue.put(Asked(row, done, place))
        await done

    def _run(self) -> None:
        while True:
            asked = [self._queue.get()]
            while len(asked) < MOST and not self._queue.empty():
                asked.append(self._queue.get())
            self._commit([one.row for one in asked])
            self._loop.call_soon_threadsafe(self._told, asked)


class Line(WebSocketsSansIOProtocol):
    """A connection that the application may write ready frames to."""

    async def run_asgi(self) -> None:
        """Shows itself to the application."""
        self.scope["extensions"]["line"] = {"itself": self}
        await super().run_asgi()


class StandIn:
    """Keeps notes and passes them on."""

    def __init__(self, database: str, past: Past | None) -> None:
        self._database = database
        self._past = past
        self._feeds: dict[str, dict[WebSocket, Line]] = defaultdict(dict)
        self._writer: Writer

    @contextlib.asynccontextmanager
    async def lifespan(self, _app: FastAPI) -> AsyncIterator[None]:
        """Opens the store; treats the garbage collector as the service does."""
        scheme, _, rest = self._database.partition("://")
        commit = open_postgresql(self._database) if scheme == "postgresql" else open_sqlite(rest.removeprefix("/"))
        self._writer = Writer(commit, self._committed)
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 50, 50)
        yield

    async def record(self, draft: NoteDraft) -> Response:
        """Keep a note."""
        now = datetime.now(UTC)
        id_ = uuid7(now)
        document = orjson.dumps({"id": id_, "recorded_at": now, **draft.model_dump()}).decode()
        await self._writer.write((id_, now.isoformat(), document), draft.establishment)
        return Response(document, 201, {"Location": f"/v1/notes/{id_}"}, "application/json")

    async def feed(self, socket: WebSocket) -> None:
        """Hear of every note from here on; or of what is stored, and then from here on."""
        await socket.accept(subprotocol="handover.v1")
        line: Line = socket.scope["extensions"]["line"]["itself"]
        after = socket.query_params["after"]
        while self._past is not None and after != "now":
            rows = await self._past.page(int(after), FEED_PAGE)
            if not rows:
                break
            await line.writable.wait()
            line.transport.write(b"".join(frame(f'{{"type":"event","event":{text}}}}}') for _, text in rows))
            after = str(rows[-1][0])
        feeds = self._feeds[socket.query_params["establishment"]]
        feeds[socket] = line
        line.transport.write(frame('{"type":"live"}'))
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                await socket.receive_text()
        del feeds[socket]

    async def pull(self, request: Request, after: int = 0, limit: int = 200) -> Response:
        """What is stored, a page of it."""
        assert self._past is not None
        rows = await self._past.page(after, limit)
        cursor = rows[-1][0] if rows else after
        items = [f"{text}}}" for _, text in rows]  # as they are kept: without sequence and cursor
        headers = {"Link": f'</v1/events?after={cursor}&limit={limit}>; rel="next"'}
        if "ndjson" in request.headers["accept"]:
            return Response("".join(item + "\n" for item in items), 200, headers, "application/x-ndjson")
        return Response(f'{{"items":[{",".join(items)}],"cursor":"{cursor}"}}', 200, headers, "application/json")

    async def ready(self) -> Response:
        """Up."""
        return Response("ready")

    def _committed(self, asked: list[Asked]) -> None:
        for one in asked:
            if not one.done.done():
                one.done.set_result(None)
        news: dict[str, list[Asked]] = defaultdict(list)
        for one in asked:
            news[one.place or ESTABLISHMENT].append(one)
        for place, some in news.items():
            if feeds := self._feeds[place]:
                ready = b"".join(frame(f'{{"type":"event","event":{one.row[2]}}}') for one in some)
                for line in feeds.values():
                    line.transport.write(ready)


def create_app(database: str, past: str | None) -> FastAPI:
    """The stand-in as an ASGI application."""
    standin = StandIn(database, Past(past) if past else None)
    app = FastAPI(lifespan=standin.lifespan, redirect_slashes=False)
    app.post("/v1/notes", status_code=201)(standin.record)
    app.get("/v1/events")(standin.pull)
    app.get("/readyz")(standin.ready)
    app.websocket("/v1/feed")(standin.feed)
    return app


def main(database: str, port: int, past: str | None = None) -> None:
    """Serves with the options of handover.app.server."""
    uvicorn.run(
        create_app(database, past),
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        ws=Line,
        ws_per_message_deflate=False,
        ws_max_size=64 * 1024,
        proxy_headers=True,
        forwarded_allow_ips="127.0.0.1",
        timeout_graceful_shutdown=1,
        access_log=False,
        server_header=False,
        log_config=None,
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
