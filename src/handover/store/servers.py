"""Finds the server that takes writes, among those that a store's URL names: one of them, and after a failover another.
Or one that only follows.

It is asked for at every new connection: a server knows itself which it is, also where a pooler stands between, whose
word about that may be old.
"""

from collections.abc import Iterator, Mapping, Sequence
from time import monotonic, sleep
from typing import Any

import psycopg
import structlog
from psycopg.conninfo import conninfo_to_dict

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
log = structlog.get_logger("handover.store")
_ASK = "SELECT current_setting('transaction_read_only')::boolean, pg_backend_pid()"
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

    def connect(self, **more: Any) -> "psycopg.Connection[Any]":
        """A connection to the one that is looked for; OperationalError where there is none now."""
        if monotonic() < self._until:
            raise psycopg.OperationalError(self._why)
        whys = []
        for place in self._places:
            try:
                conn = self._at(place, more)
            except psycopg.OperationalError as error:
                if not self._rest:
                    raise
                whys.append(str(error).strip().splitlines()[0])
            else:
                # Now the first: a machine that is off for a week is not knocked at again each time.
                self._places = [place, *(other for other in self._places if other is not place)]
                return conn
        wanted = "only follows" if self._follows else "takes writes"
        self._why = f"None of {len(whys)} servers {wanted}: {'; '.join(whys)}"
        self._until = monotonic() + self._rest
        raise psycopg.OperationalError(self._why)

    def _at(self, place: Place, more: Place) -> "psycopg.Connection[Any]":
        conn = psycopg.connect(**{**self._said, **place, **more, "autocommit": True})
        try:
            [(follows, process)] = conn.execute(_ASK)
            if follows is not self._follows:
                raise psycopg.OperationalError(f"this server takes {'no ' if follows else ''}writes now")
            if process != conn.info.backend_pid:  # a pooler answers with a number of its own making
                conn.prepare_threshold = None  # each transaction may go to another of its connections
            conn.autocommit = bool(more.get("autocommit"))
        except BaseException:
            conn.close()
            raise
        return conn

    def bells(self, channel: str, timeout: float) -> Iterator[bool]:
        """Yields True whenever a process has rung, and False at least every `timeout` seconds. Raises when the
        connection is lost. Past a pooler nothing can be heard."""
        with self.connect(autocommit=True) as conn:
            if pooled(conn):
                log.warning("no bells through a pooler: name a way past it in HANDOVER_LISTEN_URL")
                while True:
                    sleep(timeout)
                    yield False
            conn.execute(f"LISTEN {channel}".encode())
            while True:
                yield any(True for _ in conn.notifies(timeout=timeout, stop_after=1))


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
