"""Of several database servers one takes writes, and after a failover another: a connection to one that does not is as
good as none. And a pooler may stand between. What a cluster does when its leader dies, `make drill` shows."""

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from math import inf
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from handover.services import opening
from handover.services.missed import PAGE
from handover.settings import Settings
from handover.store import servers
from handover.store.servers import PATIENCE, Servers, pooled
from tests.support import postgres
from tests.support.outages import cut, outcome
from tests.support.pooler import pooled as through_pooler
from tests.support.processes import free_port, handover, office, serving
from tests.support.readers import audience, eventually
from tests.support.service import Caller, Prison, Service, settings_for, sound


@pytest.fixture(scope="module")
def database_url(template: str) -> Iterator[str]:
    """A store ready to be served. The embedded one is a file: nothing stands between, and it leads by itself."""
    url = postgres.create_database(template)
    yield url
    postgres.drop_database(url)


def in_front_of(url: str, *ports: int) -> str:
    """The URL with other ports of this machine named before its own."""
    before, _, rest = url.partition("@")
    own, _, name = rest.partition("/")
    return f"{before}@{''.join(f'127.0.0.1:{port},' for port in ports)}{own}/{name}"


@contextmanager
def has(url: str, setting: str, value: str) -> Iterator[None]:
    """Whoever connects meanwhile has this setting, as for a role or a database it was set long ago."""
    names = sql.Identifier(urlsplit(url).path.lstrip("/")), sql.Identifier(setting)
    with psycopg.connect(postgres.admin_url(), autocommit=True) as admin:
        admin.execute(sql.SQL("ALTER DATABASE {} SET {} = {}").format(*names, sql.Literal(value)))
        try:
            yield
        finally:
            admin.execute(sql.SQL("ALTER DATABASE {} RESET {}").format(*names))


def takes_no_writes(url: str) -> AbstractContextManager[None]:
    """Whoever connects meanwhile finds a server that does not lead."""
    return has(url, "default_transaction_read_only", "on")


def left_behind(service: Service) -> None:
    """The writer's connection leads to a server that has been succeeded: a pooler has changed it underneath."""

    def demote(batch: Any) -> None:
        batch.conn.exec_driver_sql("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")

    service.desk.store.write(demote).result(10)


# --- A connection to a server that has been succeeded ----------------------------------------------------------------


def test_a_writer_left_behind_with_the_old_leader_goes_to_the_new_one_unseen(
    service: Service, hartmann: Caller
) -> None:
    with hartmann.feed(after="now") as feed:
        feed.until_live()
        for _ in range(3):
            left_behind(service)
            head = service.desk.store.head
            note = hartmann.note(unit="A")
            assert feed.event()["data"] == note
            assert head is not None
            assert service.desk.store.head is not None
            assert service.desk.store.head.chain == head.chain, "it is known that nothing was kept: no new chain"
    assert sound(service)


def test_while_nobody_leads_writers_are_told_to_come_back_and_nothing_is_lost(
    service: Service, hartmann: Caller, database_url: str
) -> None:
    draft, key = {"basis": "SAW", "unit": "A", "fact": "Once."}, "once"
    with hartmann.feed(after="now") as feed:
        feed.until_live()
        with takes_no_writes(database_url):
            left_behind(service)
            assert outcome(hartmann.http.get("/readyz")) == (503, True), "it cannot be written to"
            assert outcome(hartmann.http.post("/v1/notes", json=draft, headers={"Idempotency-Key": key})) == (503, True)
            cut(database_url)
            for path in ("/v1/notes", "/v1/events", "/readyz"):
                assert outcome(hartmann.http.get(path)) == (503, True), "what a follower knows may be old"
        note = hartmann.post("/v1/notes", draft, 201, **{"Idempotency-Key": key})
        assert feed.event()["data"] == note
    assert [one["id"] for one in hartmann.all("/v1/notes")] == [note["id"]]
    assert hartmann.http.get("/readyz").status_code == 200
    assert sound(service)


def test_what_a_server_knows_that_only_follows_is_told_to_nobody(hartmann: Caller, database_url: str) -> None:
    name = sql.Identifier(urlsplit(database_url).path.lstrip("/"))
    note = hartmann.note(unit="A")
    with psycopg.connect(database_url, autocommit=True) as admin:
        # Found before the server's own function of that name, by connections that begin from now on.
        admin.execute("CREATE TABLE recovery AS SELECT true AS going_on")
        admin.execute(
            "CREATE FUNCTION pg_is_in_recovery() RETURNS boolean LANGUAGE sql AS 'SELECT going_on FROM public.recovery'"
        )
        admin.execute(sql.SQL("ALTER DATABASE {} SET search_path = public, pg_catalog").format(name))
    cut(database_url)
    try:
        assert outcome(hartmann.http.get(f"/v1/notes/{note['id']}")) == (503, True)
        with psycopg.connect(database_url, autocommit=True) as admin:
            admin.execute("UPDATE recovery SET going_on = false")
        assert hartmann.get(f"/v1/notes/{note['id']}") == note
    finally:
        with psycopg.connect(database_url, autocommit=True) as admin:
            admin.execute(sql.SQL("ALTER DATABASE {} RESET search_path").format(name))
            admin.execute("DROP FUNCTION public.pg_is_in_recovery; DROP TABLE recovery")
        cut(database_url)


class Standing:
    """The way to a server, which can stand still as a machine does whose disk hangs: whoever knocks is let in by its
    kernel, and nobody gets an answer. Or it breaks: where something is said, before the server hears it or before its
    answer is heard."""

    def __init__(self, url: str) -> None:
        given = urlsplit(url)
        self._there = (given.hostname or "127.0.0.1", given.port or 5432)
        self.still = threading.Event()
        self.said = 0
        """How often something came this way."""
        self.breaks_at: bytes | None = None
        self.unheard = False
        """Whether it breaks before the server has heard that."""
        self._unanswered: socket.socket | None = None
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = self._door.getsockname()[1]
        self._lines: list[socket.socket] = [self._door]
        self._porter = threading.Thread(target=self._let_in, daemon=True)
        self._porter.start()

    def _let_in(self) -> None:
        with suppress(OSError):
            while True:
                self._lines.append(here := self._door.accept()[0])
                self._lines.append(there := socket.create_connection(self._there))
                for ends in ((here, there), (there, here)):
                    threading.Thread(target=self._pass_on, args=ends, daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while said := source.recv(65536):
                self.said += 1
                while self.still.is_set():
                    threading.Event().wait(0.02)
                if self.breaks_at is not None and self.breaks_at in said:
                    self.breaks_at, self._unanswered = None, target
                if source is self._unanswered or (target is self._unanswered and self.unheard):
                    source.shutdown(socket.SHUT_RDWR)
                    target.shutdown(socket.SHUT_RDWR)
                    break
                target.sendall(said)
            target.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Ends all of it."""
        self.still.clear()
        self._door.shutdown(socket.SHUT_RDWR)
        self._porter.join()  # nobody is let in any more
        for line in self._lines:
            line.close()


def test_a_machine_that_stands_still_is_left_for_the_one_that_leads(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "WATCH_S", 0.5)
    way = Standing(database_url)
    running = Service(settings_for(f"{in_front_of(database_url, way.port)}?connect_timeout=2", poll_s=30))
    try:
        ngata = running.prison().hire("ngata", "officer", "A")
        with ngata.feed(after="now") as feed:
            feed.until_live()
            note = ngata.note(unit="A")
            assert feed.event()["data"] == note
            way.still.set()
            began = monotonic()
            sent = {"basis": "SAW", "unit": "A", "fact": "Once."}
            eventually(lambda: ngata.http.post("/v1/notes", json=sent, headers={"Idempotency-Key": "a"}).is_success)
            assert monotonic() - began < 20
            assert feed.event()["data"]["fact"] == "Once."
        way.still.clear()  # it comes to itself: for a moment it would answer as if it led, out of what it had then
        sleep(0.3)
        said = way.said
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: ngata.pull(), range(40)))
        assert way.said == said, "nobody asks it any more"
        assert [one["fact"] for one in ngata.all("/v1/notes")] == ["Once.", note["fact"]]
        assert sound(running)
    finally:
        running.stop()
        way.close()


@pytest.fixture
def breaking(database_url: str) -> Iterator[tuple[Standing, Service]]:
    """A service whose way to its server can break."""
    way = Standing(database_url)
    running = Service(settings_for(in_front_of(database_url, way.port)))
    yield way, running
    running.stop()
    way.close()


@pytest.mark.parametrize("unheard", [True, False], ids=["unheard", "unanswered"])
@pytest.mark.parametrize("keyed", [True, False], ids=["with a key", "without"])
def test_a_note_at_which_the_connection_breaks_is_there_once_when_it_is_sent_again(
    breaking: tuple[Standing, Service], unheard: bool, keyed: bool
) -> None:
    way, running = breaking
    way.unheard = unheard
    prison = running.prison()
    ngata, weir = prison.hire("ngata", "officer", "A"), prison.receive("A4417KD")

    def kept(fact: str) -> list[Any]:
        return [note for note in ngata.all("/v1/notes") if note["fact"] == fact]

    for n in range(3):
        for _ in range(2):
            ngata.note(weir)  # so that the writer has just heard of the server, and knows where he is
        fact = f"Said in turn {n}."
        way.breaks_at = fact.encode()
        sent = {"inmate": weir, "basis": "SAW", "fact": fact}
        headers = {"Idempotency-Key": f"{n}"} if keyed else {}
        told = outcome(ngata.http.post("/v1/notes", json=sent, headers=headers))
        # Where it comes to light before the COMMIT is sent, it is known that nothing was kept, and done again.
        assert told == (503, True) or (unheard and told == (201, False))
        assert len(kept(fact)) == (0 if unheard and told[0] == 503 else 1)
        if keyed:
            again = ngata.http.post("/v1/notes", json=sent, headers=headers)
            assert again.status_code == 201
            assert kept(fact) == [again.json()]
    assert sound(running)


def test_a_connection_that_broke_without_a_word_is_replaced_unseen_whatever_was_refused_meanwhile(
    breaking: tuple[Standing, Service],
) -> None:
    way, running = breaking
    way.unheard = True
    prison = running.prison()
    ngata, weir = prison.hire("ngata", "officer", "A"), prison.receive("A4417KD")
    ngata.note(weir)
    running.desk.store.heard = -inf  # as after a second in which nobody wrote
    sent = {"inmate": weir, "basis": "SAW", "fact": "Slept well."}
    assert ngata.http.post("/v1/notes", json={**sent, "occurred_at": "2099-01-01T00:00:00Z"}).status_code == 422
    way.breaks_at = weir.encode()
    assert ngata.http.post("/v1/notes", json=sent).status_code == 201
    assert sound(running)


def test_what_takes_its_time_at_the_server_that_leads_is_left_alone(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "WATCH_S", 0.1)
    named = Servers(in_front_of(database_url, free_port()))
    named.watch()
    with named.connect() as conn:
        assert conn.execute("SELECT pg_sleep(1.5)").fetchone() == ("",)
    named.close()


# --- A standby for what may be a little old --------------------------------------------------------------------------

FOLLOWS = "?options=-c%20default_transaction_read_only%3Don"
"""What makes a server look to us as one that only follows."""
ITS = "as the standby has it"


@pytest.fixture
def stood_still(template: str) -> Iterator[tuple[Service, Prison, Any, str]]:
    """A service with a standby that has long ago stopped to follow, and knows everything in words of its own; a prison
    with two pages of events and some more; a note of the first page; the standby."""
    url, copies = postgres.create_database(template), []
    try:
        before = Service(settings_for(url))
        prison = before.prison()
        hartmann = prison.hire("hartmann", "officer", "A")
        needs = [{"code": "PHONE", "promised": True}] * 9
        first = hartmann.note(unit="A", fact="Ate nothing at lunch.")
        for _ in range(2 * PAGE // 10 + 1):
            hartmann.note(unit="A", fact="Ate nothing at lunch.", needs=needs)
        before.stop()
        copies.append(postgres.create_database(url))
        with psycopg.connect(copies[0], autocommit=True) as admin:
            admin.execute("UPDATE events SET told = replace(told, 'Ate nothing at lunch.', %s)", [ITS])
        running = Service(settings_for(url, standby_url=copies[0] + FOLLOWS, tail_events=1))
        prison.service = running
        yield running, prison, first, copies[0]
        running.stop()
    finally:
        for made in (url, *copies):
            postgres.drop_database(made)


def missed(who: Caller) -> list[Any]:
    """What a feed is told of that begins at the beginning."""
    with who.feed() as feed:
        return feed.until_live()


def from_the_standby(log: list[Any]) -> list[int]:
    """The sequences of what the standby told."""
    return [event["sequence"] for event in log if event["data"].get("fact") == ITS]


def test_what_was_missed_long_ago_is_read_from_a_standby_and_nothing_that_it_does_not_have(
    stood_still: tuple[Service, Prison, Any, str],
) -> None:
    service, prison, first, _ = stood_still
    hartmann = service.login(f"hartmann.{prison.code}".lower())
    newest = hartmann.note(unit="A")
    log = missed(hartmann)
    assert [event["sequence"] for event in log] == list(range(1, len(log) + 1))
    assert len(log) > 2 * PAGE
    assert log[-1]["data"] == newest
    told = from_the_standby(log)
    assert told[0] == 1
    assert PAGE < told[-1] <= 2 * PAGE, "full pages; the last one it does not have to its end"
    # Words that were taken back are nobody's any more, whoever still has them.
    hartmann.post(f"/v1/notes/{first['id']}/retractions", {"reason": "NOT_TRUE"})
    after = missed(hartmann)
    assert from_the_standby(after) == []
    assert after[0]["data"]["status"] == "RETRACTED"
    assert [event["sequence"] for event in after] == list(range(1, len(log) + 2))


def test_a_standby_that_is_gone_or_leads_itself_is_done_without(
    stood_still: tuple[Service, Prison, Any, str],
) -> None:
    service, prison, _, standby = stood_still
    hartmann = service.login(f"hartmann.{prison.code}".lower())
    log = missed(hartmann)
    assert from_the_standby(log)
    with psycopg.connect(postgres.admin_url(), autocommit=True) as admin:
        name = sql.Identifier(urlsplit(standby).path.lstrip("/"))
        admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name))
    cut(standby)
    # What was read of it is kept for a moment, for others who ask for it.
    eventually(lambda: from_the_standby(missed(hartmann)) == [], every=3)
    assert len(missed(hartmann)) == len(log)
    with pytest.raises(psycopg.OperationalError, match="this server takes writes now"):
        Servers(service.settings.database_url, follows=True).connect()


# --- What is set for a role or a database ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "setting", [("client_encoding", "LATIN1"), ("client_encoding", "SQL_ASCII"), ("datestyle", "German")]
)
@pytest.mark.parametrize("way", ["straight", "through a pooler"])
def test_whatever_is_set_for_the_database_every_word_and_time_comes_through(
    setting: tuple[str, str], way: str, database_url: str
) -> None:
    said = "Wałęsa hasn’t eaten. 不吃"
    with has(database_url, *setting), ExitStack() as stack:
        url = database_url if way == "straight" else stack.enter_context(through_pooler(database_url, connections=3))
        service = Service(settings_for(url, listen_url=database_url))
        stack.callback(service.stop)
        ngata = service.prison().hire("ngata", "officer", "A")
        with ngata.feed(after="now") as feed:
            feed.until_live()
            note = ngata.note(unit="A", fact=said)
            assert (note["fact"], feed.event()["data"]) == (said, note)
        assert ngata.get(f"/v1/notes/{note['id']}") == note


@pytest.mark.parametrize(
    ("told", "found"), [("off", "on"), ("local", "on"), ("remote_write", "on"), ("on", "on"), ("remote_apply",) * 2]
)
def test_whatever_is_set_for_the_database_nothing_is_acknowledged_that_is_not_durable(
    told: str, found: str, database_url: str
) -> None:
    asked = "SELECT current_setting('synchronous_commit'), current_setting('transaction_isolation')"
    with (
        has(database_url, "synchronous_commit", told),
        has(database_url, "default_transaction_isolation", "serializable"),
    ):
        service = Service(settings_for(database_url))
        try:
            row = service.desk.store.write(lambda batch: batch.conn.exec_driver_sql(asked).one()).result(10)
        finally:
            service.stop()
    assert tuple(row) == (found, "read committed")


# --- Several servers in one URL --------------------------------------------------------------------------------------


def test_the_one_that_takes_writes_is_found_and_asked_first_from_then_on(database_url: str) -> None:
    knocked = 0

    class Counting(Servers):
        def _at(self, place: Any, more: Any) -> Any:
            nonlocal knocked
            knocked += 1
            return super()._at(place, more)

    named = Counting(in_front_of(database_url, free_port(), free_port()) + "?target_session_attrs=read-write")
    for so_far in (3, 4, 5):
        with named.connect() as conn:
            assert conn.info.dbname == urlsplit(database_url).path.lstrip("/")
            assert not pooled(conn)
        assert knocked == so_far


def test_where_none_takes_writes_each_says_why_and_they_are_left_in_peace_for_a_moment(database_url: str) -> None:
    named = Servers(in_front_of(database_url, free_port()))
    why = r"None of 2 .*refused.*; this server takes no writes now"
    with takes_no_writes(database_url), pytest.raises(psycopg.OperationalError, match=why):
        named.connect()
    with pytest.raises(psycopg.OperationalError, match="None of 2"):
        named.connect()
    eventually(lambda: _connects(named), 5)


def _connects(named: Servers) -> bool:
    try:
        named.connect().close()
    except psycopg.OperationalError:
        return False
    return True


def test_a_machine_that_is_gone_without_a_word_is_given_up_in_seconds_unless_the_url_says_otherwise(
    database_url: str,
) -> None:
    with Servers(database_url).connect() as conn:
        assert {name: conn.info.get_parameters()[name] for name in PATIENCE} == PATIENCE
    with Servers(f"{database_url}?keepalives_idle=60").connect() as conn:
        assert conn.info.get_parameters()["keepalives_idle"] == "60"


def test_a_service_with_several_servers_works_and_hears_bells(database_url: str, tmp_path: Path) -> None:
    several = in_front_of(database_url, free_port())
    assert handover("migrate", database_url=several).returncode == 0
    with (
        serving(several, tmp_path / "a", POLL_S="30") as a,
        serving(database_url, tmp_path / "b", POLL_S="30") as b,
        office(several, a.url) as keeper,
    ):
        ngata = keeper.prison().hire("ngata", "officer", "A")
        _is_heard_at_once(ngata, keeper.at(b.url, ngata))
        _is_heard_at_once(keeper.at(b.url, ngata), ngata)


def _is_heard_at_once(writer: Caller, reader: Caller) -> None:
    with reader.feed(after="now") as feed:
        feed.until_live()
        note = writer.note(unit="A")
        assert feed.event(10)["data"] == note


@pytest.mark.parametrize(
    "url", ["postgresql://a:nonsense/x?%zz", "postgresql://a/x?colour=blue", "mysql://a/x", "nothing"]
)
def test_a_url_that_cannot_be_used_is_refused_with_a_sentence_that_does_not_repeat_it(url: str) -> None:
    refused = handover("migrate", database_url=url)
    assert refused.returncode == 1
    assert "HANDOVER_DATABASE_URL" in refused.stderr
    assert url not in refused.stderr
    assert "Traceback" not in refused.stderr


# --- A pooler in transaction mode ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pool(database_url: str) -> Iterator[str]:
    """The same store through PgBouncer with fewer connections than the service has: they change all the time."""
    with through_pooler(database_url, connections=3) as url:
        yield url


@pytest.fixture(scope="module")
def pooling(pool: str, database_url: str) -> Iterator[Service]:
    """A service that goes through it, and hears bells past it."""
    running = Service(settings_for(pool, listen_url=database_url))
    yield running
    running.stop()


def test_through_a_pooler_everything_is_as_without(pooling: Service) -> None:
    prison = pooling.prison()
    people = [prison.hire(f"officer{i}", "officer", "A") for i in range(6)]
    weir = prison.receive("A4417KD")

    def shift(who: Caller) -> list[str]:
        ids = []
        for _ in range(12):  # a statement would be prepared from its sixth time on
            ids.append(who.note(weir)["id"])
            assert who.get(f"/v1/notes/{ids[-1]}")["id"] == ids[-1]
            who.get("/v1/notes", limit=5)
            who.get(f"/v1/inmates/{weir}")
            who.get(f"/v1/establishments/{prison.code}/units/A/sheet")
        return ids

    with audience(people * 3, after="now") as feeds:
        with ThreadPoolExecutor(6) as pool:
            posted = [id_ for ids in pool.map(shift, people) for id_ in ids]
        eventually(lambda: all(feeds.count(id_) == 18 for id_ in posted))
    log, _ = people[0].pull()
    told = [event["data"]["id"] for event in log if event["type"] == "note.recorded"]
    assert sorted(told) == sorted(posted)
    assert [event["sequence"] for event in log] == list(range(log[0]["sequence"], log[-1]["sequence"] + 1))
    assert sound(pooling)


def test_a_store_is_migrated_through_a_pooler() -> None:
    url = postgres.create_database()
    try:
        with through_pooler(url, connections=2) as pool:
            assert opening.migrate(Settings(database_url=pool)) == opening.migrate(Settings(database_url=url))
    finally:
        postgres.drop_database(url)


@pytest.mark.parametrize(("past", "poll"), [(True, "30"), (False, "0.3")])
def test_bells_are_heard_past_the_pooler_and_without_that_the_log_is_looked_at(
    past: bool, poll: str, pool: str, database_url: str, tmp_path: Path
) -> None:
    log, way = tmp_path / "a", {"LISTEN_URL": database_url} if past else {}
    with (
        serving(pool, log, wait=True, POLL_S=poll, LOG_LEVEL="WARNING", **way) as a,
        serving(database_url, tmp_path / "b", POLL_S="30") as b,
        office(database_url, a.url) as keeper,
    ):
        here = keeper.prison().hire("ngata", "officer", "A")
        there = keeper.at(b.url, here)
        _is_heard_at_once(there, here)
        if past:
            _is_heard_at_once(here, there)
    assert ("no bells through a pooler" in log.read_text()) is not past


def test_a_connection_the_pooler_has_led_elsewhere_is_given_up(pooling: Service, database_url: str) -> None:
    ngata = pooling.prison().hire("ngata", "officer", "A")
    ngata.note(unit="A")
    for spoil in (cut, lambda _: left_behind(pooling)):
        act: Callable[[str], Any] = spoil
        act(database_url)
        assert ngata.http.post("/v1/notes", json={"basis": "SAW", "unit": "A", "fact": "x"}).status_code in (201, 503)
        assert ngata.note(unit="A")
        assert len(ngata.all("/v1/notes")) >= 2
    assert sound(pooling)
