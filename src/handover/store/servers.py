"""Finds the server that takes writes, among those that a store's URL names: one of them, and after a failover another.
Or one that only follows.

It is asked for at every new connection: a server knows itself which it is, also where a pooler stands between, whose
word about that may be old.
"""

import os
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from time import monotonic, sleep
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
import structlog
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus

PATIENCE = {
    "connect_timeout": "5",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}
"""Where the URL says nothing else: how soon a machine that is gone, and cannot even say so, is given up. In seconds,
and in milliseconds the last: some ten seconds, whether an answer is waited for or has to be passed on."""
REST_S = 0.2
"""Where none of several servers takes writes: before they are asked again. What is answered meanwhile would otherwise
keep those busy that are about to choose a new leader."""
LONG_REST_S = 10.0
"""Where none follows: nobody needs one."""
WATCH_S = 5.0
"""Between two looks for who waits for an answer. Who does at both may wait for a machine that stands still."""
log = structlog.get_logger("handover.store")
WRITER = "handover writer"
"""What a writer's connections are called at the server."""
STANDS_STILL_S, LOOK_S = 3, 2.0
"""Seconds in which a writer says nothing in the middle of a transaction that others wait for, after which it is taken
to stand still; and between two looks for one."""
_LET_GO = f"""SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = '{WRITER}' AND datname = current_database() AND usename = current_user
    AND xact_start IS NOT NULL AND wait_event = 'ClientRead'
    AND greatest(query_start, state_change) < clock_timestamp() - interval '{STANDS_STILL_S} seconds'
    AND pid = ANY (SELECT unnest(pg_blocking_pids(waits.pid)) FROM pg_stat_activity waits
        WHERE waits.wait_event_type = 'Lock' AND waits.datname = current_database())"""  # noqa: S608 - a name and a number of our own
_ASK = (
    "SELECT current_setting('transaction_read_only')::boolean, pg_backend_pid(), set_config('datestyle', 'ISO', false)"
)
_OURS = {"client_encoding": "utf8"}
"""Whatever is set for the role, the database or this environment: in Latin 1 a name cannot be written or read. So it is
with how dates are told, set above. A pooler passes both on to none but us."""
Place = Mapping[str, Any]


class Servers:
    """Those that a URL names: one, or several as libpq has it, `postgresql://a:5432,b:5433/name`. ValueError where it
    cannot be read. `follows`: one is looked for that takes no writes."""

    def __init__(self, url: str, follows: bool = False) -> None:
        kind, _, rest = url.partition(":")
        try:
            told = conninfo_to_dict(f"{kind.partition('+')[0]}:{rest}")
        except psycopg.ProgrammingError:
            raise ValueError("not a URL of PostgreSQL") from None  # what it says is the password
        said = {name: str(value) for name, value in told.items() if value}
        said.pop("target_session_attrs", None)  # what it is there for is asked here
        self._places = _places(said)
        self._said: Place = {**PATIENCE, **said}
        self._follows = follows
        self._rest = LONG_REST_S if follows else REST_S if len(self._places) > 1 else 0.0
        self._why = ""
        self._until = float("-inf")
        self._open: WeakKeyDictionary[psycopg.Connection[Any], Place] = WeakKeyDictionary()
        self._opening = threading.Lock()
        self._closed = threading.Event()

    def connect(self, **more: Any) -> "psycopg.Connection[Any]":
        """A connection to the one that is looked for; OperationalError where there is none now."""
        if monotonic() < self._until:
            raise psycopg.OperationalError(self._why)
        whys, places = [], self._places
        for place in places:
            try:
                conn = self._at(place, more)
            except psycopg.OperationalError as error:
                if not self._rest:
                    raise
                whys.append(str(error).strip().splitlines()[0])
            else:
                if self._places is not places:  # another was found while this one took its time to answer
                    conn.close()
                    return self.connect(**more)
                if place is not places[0]:
                    self._moves_to(place)
                return conn
        wanted = "only follows" if self._follows else "takes writes"
        self._why = f"None of {len(whys)} servers {wanted}: {'; '.join(whys)}"
        self._until = monotonic() + self._rest
        raise psycopg.OperationalError(self._why)

    def _moves_to(self, found: Place) -> None:
        """Asks this one first from now on: a machine that is off for a week is not knocked at again each time. And
        leaves the others: one that stood still would answer for a moment, when it comes to itself, as if it led, out of
        what it had."""
        self._places = [found, *(place for place in self._places if place is not found)]
        with self._opening:
            left = [conn for conn, place in self._open.items() if place is not found]
        if left:
            log.warning("another server is found and asked from now on", left=len(left))
        for conn in left:
            # Whoever waits on it, or uses it next, finds that it has ended.
            with suppress(psycopg.Error, OSError), socket.socket(fileno=os.dup(conn.fileno())) as line:
                line.shutdown(socket.SHUT_RDWR)

    def _at(self, place: Place, more: Place) -> "psycopg.Connection[Any]":
        conn = psycopg.connect(**{**self._said, **place, **more, **_OURS, "autocommit": True})
        with self._opening:
            self._open[conn] = place
        try:
            [(follows, process, _)] = conn.execute(_ASK)
            if follows is not self._follows:
                raise psycopg.OperationalError(f"this server takes {'no ' if follows else ''}writes now")
            if process != conn.info.backend_pid:  # a pooler answers with a number of its own making
                conn.prepare_threshold = None  # each transaction may go to another of its connections
            conn.autocommit = bool(more.get("autocommit"))
        except BaseException:
            conn.close()
            raise
        return conn

    # --- Machines that stand still ------------------------------------------------------------------------------------

    def watch(self) -> None:
        """Has who waits on a connection not wait for ever for a machine that stands still (its disk hangs, it is being
        moved) while another leads: it says nothing, and nothing is wrong with the line to it."""
        if len(self._places) > 1:
            threading.Thread(target=self._look_on, name="servers", daemon=True).start()

    def close(self) -> None:
        """Ends the watch."""
        self._closed.set()

    def _look_on(self) -> None:
        before: list[psycopg.Connection[Any]] = []
        while not self._closed.wait(WATCH_S):
            with self._opening:
                waiting = [conn for conn in self._open if _waits(conn)]
            stuck, before = any(conn in before for conn in waiting), waiting
            if stuck:
                # Where another is found, what waits is ended. What takes its time at the one that leads is left alone,
                # and so is everybody while nobody does.
                with suppress(psycopg.OperationalError):
                    self.connect().close()

    def bells(self, channel: str, timeout: float) -> Iterator[str | None]:
        """Yields who has rung whenever a process has, and None at least every `timeout` seconds. Raises when the
        connection is lost. Past a pooler nothing can be heard. A process whose machine stands still in the middle of
        a transaction (it is being moved; its line lives on) is made to let go of what it holds: all others would wait
        for it. It has not committed, and does its work again."""
        with self.connect(autocommit=True) as conn:
            if pooled(conn):
                log.warning("no bells through a pooler: name a way past it in HANDOVER_LISTEN_URL")
                while True:
                    sleep(timeout)
                    yield None
            conn.execute(f"LISTEN {channel}".encode())
            looked = monotonic()
            while True:
                # To its end: several come together, and what is left of them with a generator that is given up is lost.
                for bell in conn.notifies(timeout=timeout):
                    yield bell.payload
                if monotonic() - looked > LOOK_S:  # whoever only listens would not notice that nobody is there, either
                    if conn.execute(_LET_GO.encode()).fetchall():
                        log.warning("a process stood still in the middle of writing; it was made to let go")
                    looked = monotonic()
                yield None


def _waits(conn: "psycopg.Connection[Any]") -> bool:
    """Whether a statement is on its way whose answer has not come."""
    return not conn.closed and conn.pgconn.transaction_status == TransactionStatus.ACTIVE


def pooled(conn: "psycopg.Connection[Any]") -> bool:
    """Whether a pooler stands between: it keeps nothing for us from one transaction to the next."""
    return conn.prepare_threshold is None


def _places(said: dict[str, str]) -> Sequence[Place]:
    """Each of several hosts, with its port; out of what is said for all."""
    hosts, ports = (said.get(name, "").split(",") for name in ("host", "port"))
    if len(hosts) == 1 or "hostaddr" in said:
        return [{}]
    for name in ("host", "port"):
        said.pop(name, None)
    if len(ports) == 1:
        ports *= len(hosts)
    return [{"host": host, **({"port": port} if port else {})} for host, port in zip(hosts, ports, strict=True) if host]
