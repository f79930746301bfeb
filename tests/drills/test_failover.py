"""The database's leader is killed under load, twice, and once a standby; with the service straight on the cluster and
behind PgBouncer. Each drill prints what it measured."""

import json
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx
import psycopg
import pytest
from websockets.exceptions import ConnectionClosed

from handover.store.servers import Servers
from tests.support.cluster import Cluster, Node
from tests.support.processes import Office, Server, handover, office, serving
from tests.support.readers import eventually, fragile, hears_everything
from tests.support.service import Caller, Prison
from tests.support.steadfast import Follower, Terminal
from tests.support.terminals import Terminal as OfficePC

WELL_AGAIN_S = 30
BLIND_S = 1 + 5 + 1.5
"""A look a second, the five more after which the hub claims nothing (services/hub.py), and a heartbeat on its way."""
SEEN_S = 0.5
"""The drill asks who leads five times a second; a server may have found out before."""
SOONER_S = 2
"""A writer that was refused asks again after a second; others may have been answered before."""
WRITERS = 6
LONGEST_S = 300
GIVEN_UP_S = 15
"""Two looks for who waits for an answer, and the time a server is given to answer a knock (store/servers.py)."""
SERVICE = {"HEARTBEAT_S": "1", "QUEUE_S": "2"}


@dataclass
class Watcher:
    """A feed that stays open whatever happens: what it was sent, and when."""

    who: Caller
    beats: list[float] = field(default_factory=list)
    events: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    end: ConnectionClosed | None = None

    def watch(self, stop: threading.Event) -> None:
        """Listens until told to stop, or until the feed ends."""
        with fragile(self.who) as feed:
            while not stop.is_set():
                try:
                    frame = json.loads(feed.socket.recv(0.5))
                except TimeoutError:
                    continue
                except ConnectionClosed as end:
                    self.end = end
                    return
                if frame["type"] == "heartbeat":
                    self.beats.append(monotonic())
                elif frame["type"] == "event":
                    self.events.append((monotonic(), frame["event"]))


@dataclass
class Shift:
    """Two servers on one cluster, and everybody who works with them."""

    cluster: Cluster
    servers: list[Server]
    office: Office
    prison: Prison
    writers: list[Terminal]
    watchers: list[Watcher]
    pc: OfficePC
    followers: list[Follower]

    def busy(self, notes: int) -> None:
        """Waits until every writer has so many notes more on record."""
        before = [len(writer.answered) for writer in self.writers]
        eventually(
            lambda: all(len(one.answered) >= then + notes for one, then in zip(self.writers, before, strict=True)),
            60,
        )

    def back(self, since: float) -> tuple[float, float]:
        """When the first and the last of the writers were answered again: after the longest that each had to wait."""
        ends = [max(_waits(writer, since))[1] for writer in self.writers]
        return min(ends), max(ends)


def _waits(writer: Terminal, since: float) -> Iterator[tuple[float, float]]:
    """How long each note took to be on record after the one before, and when it was."""
    kept = [at for at, status in writer.told if status == 201]
    before = max((at for at in kept if at <= since), default=since)
    for at in (at for at in kept if at > since):
        yield at - before, at
        before = at


@contextmanager
def shift(cluster: Cluster, folder: Path, **settings: str) -> Iterator[Shift]:
    """People at work: the log is checked against all they were told when they go home."""
    for node in cluster.nodes:
        node.start()  # whatever became of it before
    cluster.well()
    more = SERVICE | settings
    url = more.pop("URL")
    migrated = handover("migrate", database_url=url)
    assert migrated.returncode == 0, migrated.stderr
    with ExitStack() as ending:
        a = ending.enter_context(serving(url, folder / "a.log", wait=True, **more))
        b = ending.enter_context(serving(url, folder / "b.log", wait=True, **more))
        keeper = ending.enter_context(office(url, a.url))
        prison = keeper.prison()
        people = [prison.hire(f"officer{i}", "officer", "A") for i in range(WRITERS)]
        where = [person if i % 2 else keeper.at(b.url, person) for i, person in enumerate(people)]
        writers = [Terminal(who, f"t{i}", pause=0.03, patience=1) for i, who in enumerate(where)]
        records = hears_everything(prison)
        there = keeper.at(b.url, records)
        followers = [Follower(who, limit=200) for who in (records, there, records, there)]
        watchers = [Watcher(records), Watcher(there)]
        pc = OfficePC(folder / "pc", a.url)
        pc.login(prison.hire("weir", "officer", "A"))
        working = Shift(cluster, [a, b], keeper, prison, writers, watchers, pc, followers)
        stop, broken, ends = threading.Event(), threading.Event(), {"at": 0}
        pool = ending.enter_context(ThreadPoolExecutor(WRITERS + len(followers) + len(watchers)))
        ending.callback(stop.set)
        ending.callback(broken.set)

        def reading(one: Follower, read: Callable[[], None]) -> "Future[None]":
            def enough() -> bool:
                return broken.is_set() or (stop.is_set() and len(one.heard) >= ends["at"] > 0)

            return pool.submit(one.follow, read, enough, LONGEST_S)

        writing = [pool.submit(writer.work, stop) for writer in writers]
        watching = [pool.submit(watcher.watch, stop) for watcher in watchers]
        readings = [reading(one, one.listen if i < 2 else one.pull) for i, one in enumerate(followers)]
        working.busy(20)
        yield working
        working.busy(20)
        stop.set()
        for done in (*writing, *watching):
            done.result(60)
        log, _ = records.pull()
        ends["at"] = len(log)
        for done in readings:
            done.result(60)
        _right(working, log)
        for server in (a, b):
            server.stop()
    verified = handover("audit", "verify", database_url=url)
    assert verified.returncode == 0, verified.stdout + verified.stderr


def _right(shift: Shift, log: list[dict[str, Any]]) -> None:
    """No acknowledged note lost, none twice, none out of its order, to nobody."""
    assert [event["sequence"] for event in log] == list(range(1, len(log) + 1))
    notes = [event["data"] for event in log if event["type"] == "note.recorded"]
    answered = {words: id_ for writer in shift.writers for words, id_ in writer.answered.items()}
    written = {note["fact"]: note["id"] for note in notes if note["fact"][0] == "t"}
    assert written == answered, "every one that was acknowledged, under the id that was told, and no other"
    assert len({note["id"] for note in notes}) == len({note["fact"] for note in notes}) == len(notes), "each once"
    for writer in shift.writers:
        order = [note["fact"] for note in notes if note["fact"].startswith(f"{writer.name}-")]
        assert order == list(writer.answered), "as it was written"
    needs = {event["data"]["note"] for event in log if event["type"] == "need.opened"}
    assert needs >= set(answered.values()), "a note and what hangs on it are written together or not at all"
    for follower in shift.followers:
        assert follower.heard == log
    for watcher in shift.watchers:
        heard = [event for _, event in watcher.events]
        assert watcher.end is None, "a feed outlives the leader"
        assert heard == log[: len(heard)]
    repeated = sum(writer.repeated for writer in shift.writers)
    told(f"{len(notes)} notes, each once and in order; {repeated} were on record when they were sent again")


def told(words: str) -> None:
    """Says it to whoever runs the drill."""
    print(f"    {words}", file=sys.stderr, flush=True)


def fails_over(shift: Shift, kill: Callable[[Node], None], what: str) -> Node:
    """Kills the leader, and looks at all that has to happen then; answers what was killed."""
    leader = shift.cluster.well()
    began = monotonic()
    kill(leader)
    with ThreadPoolExecutor(1) as pool:
        led = pool.submit(_leads, shift.cluster)
        words = _meanwhile(shift, leader, began)
    shift.busy(5)
    again, back = shift.back(began)
    for server in shift.servers:
        server.ready()
    sent = shift.pc.run("unsent", "--send")
    assert sent.exit_code == 0, sent.output
    _sees_again(shift.watchers, began, led.result(), again, words)
    well = monotonic()
    told(f"{what}, {leader.name}, killed: another leads after {led.result() - began:.1f} s,")
    told(f"{_after(began, again, back)}, all well after {well - began:.1f} s")
    assert well - began < WELL_AGAIN_S
    assert shift.cluster.leader() not in (None, leader)
    return leader


def _leads(cluster: Cluster) -> float:
    """When somebody takes writes again."""
    servers = Servers(cluster.url())
    while True:
        try:
            servers.connect().close()
        except psycopg.OperationalError:
            sleep(0.1)
        else:
            return monotonic()


def _meanwhile(shift: Shift, leader: Node, began: float) -> str:
    """While nobody leads everybody is told so, and what an officer writes is kept; answers the words."""
    # An officer writes in the middle of it.
    eventually(lambda: any(at > began and status == 503 for writer in shift.writers for at, status in writer.told), 20)
    words = f"While {leader.name} was dying, {began:.3f}."
    kept = shift.pc.run("post", "--unit", "A", "--saw", words)
    assert kept.exit_code == 3, kept.output
    assert "Kept here, not sent." in kept.stderr
    _refuses(shift.servers)
    return words


def _after(began: float, again: float, back: float) -> str:
    return f"a note on record again after {again - began:.1f} s, from every writer after {back - began:.1f} s"


def _refuses(servers: list[Server]) -> None:
    """Each says clearly that it cannot write now, and when to come back."""
    for server in servers:
        answer = httpx.get(f"{server.url}/readyz", trust_env=False, timeout=10)
        assert answer.status_code == 503
        assert answer.json()["type"] == "/problems/unavailable"
        assert int(answer.headers["retry-after"]) >= 1
        assert httpx.get(f"{server.url}/healthz", trust_env=False, timeout=10).status_code == 200


def _sees_again(watchers: list[Watcher], began: float, led: float, back: float, words: str) -> None:
    """The open feeds claimed nothing while nobody could know, and now tell what was written."""
    for watcher in watchers:
        claimed = [beat - began for beat in watcher.beats if began + BLIND_S < beat < led - SEEN_S]
        assert claimed == [], "a heartbeat says that nothing is missing"
        eventually(lambda: any(event["data"].get("fact") == words for _, event in watcher.events), 10)  # noqa: B023 - called in this very turn
        eventually(lambda: watcher.beats and watcher.beats[-1] > back, 10)  # noqa: B023 - called in this very turn
    silent = [max(beat for beat in watcher.beats if beat < began + BLIND_S) - began for watcher in watchers]
    resumed = [min(at for at, _ in watcher.events if at > back - SOONER_S) - began for watcher in watchers]
    told(f"feeds: last heartbeat {max(silent):.1f} s after the kill, events again after {max(resumed):.1f} s")


def comes_back(shift: Shift, node: Node) -> None:
    """What was killed is started again, follows the new leader, and has what it has."""
    began = monotonic()
    node.start()
    leader = shift.cluster.well()
    assert leader is not node
    with psycopg.connect(leader.url()) as here, psycopg.connect(node.url()) as there:
        for conn in (here, there):
            conn.autocommit = True

        def count(conn: "psycopg.Connection[Any]") -> Any:
            return conn.execute("SELECT count(*), max(recorded_at) FROM notes").fetchone()

        assert there.execute("SELECT pg_is_in_recovery()").fetchone() == (True,)
        at_least = count(here)[0]
        eventually(lambda: count(there)[0] >= at_least)
    told(f"{node.name} follows again, {monotonic() - began:.1f} s after it was started")


WAYS = {
    # A short memory: what a feed has missed is then read, and where it can be of a standby.
    "straight": lambda cluster: {"URL": cluster.url(), "STANDBY_URL": cluster.url(), "TAIL_EVENTS": "20"},
    "pooled": lambda cluster: {"URL": cluster.url("pgbouncer"), "LISTEN_URL": cluster.url()},
}


@pytest.mark.parametrize("way", WAYS)
def test_the_leader_is_killed_comes_back_as_a_standby_and_the_next_one_is_killed(
    three: Cluster, way: str, tmp_path: Path
) -> None:
    told(f"\n    {way}")
    with shift(three, tmp_path, **WAYS[way](three)) as working:
        first = fails_over(working, lambda node: node.die("patroni"), "PostgreSQL and Patroni")
        working.busy(20)
        comes_back(working, first)
        second = fails_over(working, lambda node: node.die(), "the whole machine")
        working.busy(20)
        second.loses_its_disk()
        comes_back(working, second)


def test_a_leader_that_stands_still_is_left_for_the_next_one_and_follows_when_it_goes_on(
    three: Cluster, tmp_path: Path
) -> None:
    told("\n    a leader that stands still")
    with shift(three, tmp_path, URL=three.url()) as working:
        leader = three.well()
        began = monotonic()
        leader.stand_still(True)
        try:
            working.busy(5)
            again, back = working.back(began)
            told(f"{leader.name} stands still: {_after(began, again, back)}")
            assert back - began < WELL_AGAIN_S + GIVEN_UP_S
            for server in working.servers:
                server.ready()
        finally:
            leader.stand_still(False)
        working.busy(20)
        assert three.well() is not leader
        assert leader.role() in ("replica", "sync_standby")


def test_a_leader_gives_over_for_maintenance_within_seconds(three: Cluster, tmp_path: Path) -> None:
    told("\n    a switchover")
    with shift(three, tmp_path, URL=three.url()) as working:
        leader = three.well()
        began = monotonic()
        leader.gives_over()
        working.busy(20)
        again, back = working.back(began)
        told(f"{leader.name} gives over: {_after(began, again, back)}")
        assert back - began < WELL_AGAIN_S / 2
        assert three.well() is not leader


def test_a_standby_that_dies_stops_writers_for_seconds_and_nobody_else_leads(three: Cluster, tmp_path: Path) -> None:
    told("\n    a standby")
    with shift(three, tmp_path, URL=three.url()) as working:
        leader = three.well()
        standby = next(node for node in three.nodes if node.role() == "sync_standby")
        began = monotonic()
        standby.die()
        sleep(1)
        working.busy(20)
        back = working.back(began)[1]
        told(f"the synchronous standby killed; on record again after {back - began:.1f} s")
        assert back - began < WELL_AGAIN_S / 2
        assert three.leader() is leader
        standby.start()
        three.well()
