"""The stand-in's other half: what the service has stored, read and passed on as it stands.

The same rows of the same database, the same number of reading threads, the drivers used directly; the stored text is
put between brackets or line ends, or into ready frames, and sent. No rights, no access log, no cursors that know
their store, nobody who must not see a thing.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg

from benchmarks import notes

THREADS = 4
"""As many as the service has for reading."""
FEED_PAGE = 1000
QUERY = "SELECT sequence, told FROM events WHERE establishment = {0} AND sequence > {0} ORDER BY sequence LIMIT {0}"
Rows = list[tuple[int, str]]
Read = Callable[[int, int], Rows]


def _sqlite(path: str) -> Read:
    conn = sqlite3.connect(f"file:{path}?mode=ro", uri=True, check_same_thread=False)
    conn.execute("PRAGMA cache_size=-32000")
    query = QUERY.format("?")
    return lambda after, limit: conn.execute(query, (notes.ESTABLISHMENT, after, limit)).fetchall()


def _postgresql(url: str) -> Read:
    conn = psycopg.connect(url, autocommit=True)
    query = QUERY.format("%s").encode()
    return lambda after, limit: conn.execute(query, (notes.ESTABLISHMENT, after, limit)).fetchall()


class Past:
    """The events of the service's store, by their sequence."""

    def __init__(self, database: str) -> None:
        self._database = database
        self._pool = ThreadPoolExecutor(THREADS)
        self._mine = threading.local()

    async def page(self, after: int, limit: int) -> Rows:
        """The next so many after this one."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._page, after, limit)

    def _page(self, after: int, limit: int) -> Rows:
        read: Read | None = getattr(self._mine, "read", None)
        if read is None:
            scheme, _, rest = self._database.partition("://")
            read = _postgresql(self._database) if scheme == "postgresql" else _sqlite(rest.removeprefix("/"))
            self._mine.read = read
        return read(after, limit)


def frame(text: str) -> bytes:
    """A text as a server's frame on the wire (RFC 6455 §5.2)."""
    payload = text.encode()
    if len(payload) < 126:
        return bytes((0x81, len(payload))) + payload
    if len(payload) < 1 << 16:
        return b"\x81\x7e" + len(payload).to_bytes(2, "big") + payload
    return b"\x81\x7f" + len(payload).to_bytes(8, "big") + payload
