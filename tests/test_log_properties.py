"""The log, with everybody writing and reading at once: never a gap, a repeat or a wrong order; nobody left waiting."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from time import monotonic
from typing import Any

import httpx
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from handover.domain.access import operator
from handover.schemas.roster import MoveDraft
from handover.services import accounts, roster
from handover.services.unit_of_work import Asker
from tests.support.outages import cut
from tests.support.readers import eventually, fragile, hears_everything
from tests.support.service import PASSWORD, Caller, Prison, Service, settings_for

PATIENCE = 20
WRITES = ("note", "note", "needy", "refused", "denied", "move", "correct", "retract", "receipt", "settle")
EXPECTED = {200, 201, 403, 404, 409, 412, 422}
"""What a write may be answered when others write, too. Nobody is left without an answer, nobody sees a deadlock."""
POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
"""The embedded store has one writer at a time."""
RARELY = settings(max_examples=5, suppress_health_check=list(HealthCheck), print_blob=True, stateful_step_count=25)


@pytest.fixture(scope="module")
def second(database_url: str, service: Service) -> Iterator[Service]:
    """A second process's worth of the service, on the same store. It keeps little in memory: its readers are often
    behind that."""
    running = Service(settings_for(database_url, tail_events=5))
    yield running
    running.stop()


# --- A world in which anything may happen ----------------------------------------------------------------------------


class World:
    """Three prisons on one store, served by one process or several, and somebody who works in all of them."""

    def __init__(self, *services: Service) -> None:
        first = services[0]
        self.prisons = [first.prison() for _ in range(3)]
        self.people = [prison.receive(f"P{i}", "A") for prison in self.prisons for i in range(2)]
        places = [(prison.code, "") for prison in self.prisons]
        osei, brandt = (f"{name}.{self.prisons[0].code}".lower() for name in ("osei", "brandt"))
        for username, role, where in ((osei, "supervisor", places), (brandt, "officer", places[:1])):
            self._hire(first, username, role, where)
        self.osei = [service.login(osei) for service in services]
        self.brandt = [service.login(brandt) for service in services]
        records = hears_everything(*self.prisons)
        self.records = [records.at(service) for service in services]
        self.notes: list[dict[str, Any]] = []
        self.answered: list[tuple[float, float, str]] = []

    @staticmethod
    def _hire(service: Service, username: str, role: str, places: list[tuple[str, str]]) -> None:
        service.do(
            lambda uow: accounts.add_user(
                uow, service.hasher, username, name=username, role=role, places=places, password=PASSWORD
            )
        )

    def write(self, process: int, what: str, a: int, b: int) -> None:
        """One write through one of the processes; `a` and `b` choose whom and what it is about."""
        osei, prison = self.osei[process % len(self.osei)].http, self.prisons[a % len(self.prisons)]
        draft: dict[str, Any] = {"establishment": prison.code, "unit": "A", "basis": "SAW", "fact": f"{what} {a} {b}"}
        if what == "needy":
            draft |= {"needs": [{"code": "PHONE"}, {"code": "FOOD", "detail": f"detail {b}"}]}
            draft |= {"inmate": self.people[b % len(self.people)]}
            del draft["establishment"], draft["unit"]
        if what in ("note", "needy"):
            began = monotonic()
            answer = osei.post("/v1/notes", json=draft)
            if answer.status_code == 201:
                self.answered.append((began, monotonic(), answer.json()["id"]))
                self.notes.append(answer.json())
        elif what == "refused":
            answer = osei.post("/v1/notes", json=draft | {"needs": [{"code": "A_YACHT"}]})
        elif what == "denied":
            answer = self.brandt[process % len(self.brandt)].http.post("/v1/notes", json=draft | {"unit": "Z"})
        elif what == "move":
            number = self.people[b % len(self.people)]
            place = {"establishment": prison.code, "unit": "AB"[b % 2], "reason": "Transferred."}
            answer = osei.post(f"/v1/inmates/{number}/moves", json=place)
        else:
            answer = self._amend(osei, what, a, b)
        assert answer.status_code in EXPECTED, (what, answer.status_code, answer.text)

    def _amend(self, osei: httpx.Client, what: str, a: int, b: int) -> httpx.Response:
        if not self.notes:
            return osei.get("/v1/me")
        note = self.notes[a % len(self.notes)]
        path = f"/v1/notes/{note['id']}"
        if what == "correct":
            draft = {"basis": "SAW", "fact": f"It was {b}.", "handling": ("UNIT", "SECURITY")[b % 2]}
            return osei.post(f"{path}/corrections", json={"reason": "Misheard.", "note": draft})
        if what == "retract":
            return osei.post(f"{path}/retractions", json={"reason": "NOT_TRUE"})
        if what == "receipt" or not note["needs"]:
            return osei.post(f"{path}/receipts", json={"kind": "QUERY", "text": f"Which {b}?"})
        need = f"/v1/needs/{note['needs'][b % 2]['id']}"
        tag = osei.get(need).headers.get("etag", '"0"')
        return osei.patch(need, json={"status": "DONE", "outcome": "Seen to."}, headers={"If-Match": tag})


class Reader:
    """Somebody who hears everything, in pieces. Whatever comes must be what comes next."""

    def __init__(self, records: Caller, after: str | None, limit: int, place: str | None) -> None:
        self.records = records
        self.cursor = after
        self.limit = limit
        self.params = {"establishment": place} if place else {}
        self.at: dict[str, int] = {}
        self.heard: list[tuple[str, int, str]] = []

    def take(self, event: dict[str, Any]) -> None:
        source, sequence = event["source"], event["sequence"]
        expected = self.at.get(source)
        assert expected is None or sequence == expected + 1, f"{source}: {sequence} came after {expected}"
        self.at[source] = sequence
        self.heard.append((source, sequence, event["id"]))
        self.cursor = event["cursor"]

    def read(self, patience: float = 0) -> None:
        """Reads a piece, waiting a little if asked to."""
        raise NotImplementedError


class Puller(Reader):
    """Pulls, in JSON or as lines, waiting or not."""

    def read(self, patience: float = 0) -> None:
        params: dict[str, Any] = {**self.params, "limit": self.limit, "wait": patience}
        if self.cursor is not None:
            params["after"] = self.cursor
        lines = {"Accept": "application/x-ndjson"} if self.limit % 2 else {}
        answer = self.records.http.get("/v1/events", params=params, headers=lines)
        assert answer.status_code == 200, answer.text
        items = [json.loads(line) for line in answer.text.splitlines()] if lines else answer.json()["items"]
        assert len(items) <= self.limit
        for event in items:
            self.take(event)
        if not lines:
            self.cursor = answer.json()["cursor"]


class Listener(Reader):
    """Opens a feed, hears a few frames, loses its connection, and comes back with the last cursor it was told."""

    def read(self, patience: float = 0) -> None:
        params = {**self.params, **({"after": self.cursor} if self.cursor is not None else {})}
        with fragile(self.records, **params) as feed:
            for _ in range(self.limit):
                try:
                    frame = feed.frame(5 if patience == 0 else patience)
                except TimeoutError:
                    return
                if frame["type"] == "event":
                    self.take(frame["event"])
                else:
                    self.cursor = frame["cursor"]
                    if frame["type"] == "live" and patience == 0:
                        return


def heads(records: Caller) -> dict[str, list[str]]:
    """The ids of every event, log by log, as a fresh reader hears them."""
    told: dict[str, list[str]] = {}
    for event in records.pull()[0]:
        log = told.setdefault(event["source"], [])
        log.append(event["id"])
        assert event["sequence"] == len(log), "a log counts up by one, from one"
    return told


def heard_it_all(reader: Reader, began: dict[str, int], logs: dict[str, list[str]]) -> None:
    """Each log, from where this reader began to its end, without a gap, a repeat or a wrong order."""
    wanted = {source: ids for source, ids in logs.items() if source.endswith(reader.params.get("establishment", ""))}
    for source, ids in wanted.items():
        mine = [(sequence, id_) for log, sequence, id_ in reader.heard if log == source]
        first = began.get(source, 0)
        assert mine == [(n, id_) for n, id_ in enumerate(ids[first:], start=first + 1)]


READER = st.tuples(st.sampled_from([Puller, Listener]), st.integers(2, 25), st.sampled_from([None, None, 0, 1, 2]))
WRITE = st.tuples(st.sampled_from(WRITES), st.integers(0, 40), st.integers(0, 40))


@pytest.mark.parametrize("processes", [1, 2])
def test_whoever_writes_at_once_every_reader_hears_everything_once_and_in_order(
    service: Service, second: Service, processes: int
) -> None:
    world = World(*(service, second)[:processes])

    @RARELY
    @given(
        st.lists(st.lists(WRITE, min_size=4, max_size=14), min_size=2, max_size=5),
        st.lists(READER, min_size=2, max_size=4),
    )
    def holds(writers: list[list[tuple[str, int, int]]], readers: list[Any]) -> None:
        records = world.records
        before = heads(records[0])
        began = {source: len(ids) for source, ids in before.items()}
        _, now = records[0].pull("now")
        reading = [
            kind(records[i % len(records)], now, limit, None if place is None else world.prisons[place].code)
            for i, (kind, limit, place) in enumerate(readers)
        ]
        world.answered.clear()
        written = threading.Event()
        ends: dict[str, int] = {}

        def write(process: int, plan: list[tuple[str, int, int]]) -> None:
            for what in plan:
                world.write(process, *what)

        def read(reader: Reader) -> None:
            heard, deadline = -1, 0.0
            while not (written.is_set() and all(_reached(reader, s, n) for s, n in ends.items())):
                if len(reader.heard) > heard:  # on a busy machine it takes its time, and goes on
                    heard, deadline = len(reader.heard), monotonic() + PATIENCE
                assert monotonic() < deadline, f"it was never told what it has not heard: {reader.at} of {ends}"
                reader.read(0.2)

        with ThreadPoolExecutor(len(writers) + len(reading)) as pool:
            listening = [pool.submit(read, reader) for reader in reading]
            writing = [pool.submit(write, process, plan) for process, plan in enumerate(writers)]
            try:
                for done in writing:
                    done.result(60)
            finally:
                logs = heads(records[-1])
                ends |= {source: len(ids) for source, ids in logs.items() if len(ids) > began.get(source, 0)}
                written.set()
            for told in listening:
                told.result(60)
        for reader in reading:
            heard_it_all(reader, began, logs)
        fresh = Listener(records[0], None, 100_000, None)
        fresh.read()
        heard_it_all(fresh, {}, logs)
        _in_the_order_of_answers(world, records[0])

    holds()


def _reached(reader: Reader, source: str, end: int) -> bool:
    return reader.at.get(source) == end or not source.endswith(reader.params.get("establishment", ""))


def _in_the_order_of_answers(world: World, records: Caller) -> None:
    """A note that was answered before another was sent stands before it in their log."""
    place = {e["data"]["id"]: (e["source"], e["sequence"]) for e in records.pull(type="note.recorded")[0]}
    for _, ended, first in world.answered:
        for began, _, then in world.answered:
            if ended < began and place[first][0] == place[then][0]:
                assert place[first][1] < place[then][1]


class Life(RuleBasedStateMachine):
    """Writes and readings in any order, one after another: what a failure is boiled down to."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.readers: list[Reader] = []
        self.began: list[dict[str, int]] = []

    @initialize()
    def begin(self) -> None:
        self.world.notes.clear()

    @rule(process=st.integers(0, 1), write=WRITE)
    def write(self, process: int, write: tuple[str, int, int]) -> None:
        self.world.write(process, *write)

    @rule(reader=READER, process=st.integers(0, 1), old=st.booleans())
    def come(self, reader: Any, process: int, old: bool) -> None:
        kind, limit, place = reader
        records = self.world.records[process]
        code = None if place is None else self.world.prisons[place].code
        self.began.append({} if old else {source: len(ids) for source, ids in heads(records).items()})
        params = {"establishment": code} if code else {}
        after = None if old else records.pull("now", **params)[1]
        self.readers.append(kind(records, after, limit, code))

    @rule(which=st.integers(0, 9))
    def read(self, which: int) -> None:
        if self.readers:
            self.readers[which % len(self.readers)].read()

    def teardown(self) -> None:
        logs = heads(self.world.records[0])
        for reader, began in zip(self.readers, self.began, strict=True):
            for _ in range(1 + sum(map(len, logs.values()))):
                if all(_reached(reader, s, len(ids)) or len(ids) == began.get(s, 0) for s, ids in logs.items()):
                    break
                reader.read()
            heard_it_all(reader, began, logs)


def test_in_whatever_order_things_happen_no_reader_misses_repeats_or_disorders_anything(
    service: Service, second: Service
) -> None:
    Life.world = World(service, second)
    run_state_machine_as_test(Life, settings=RARELY)


# --- Writers that stand in each other's way --------------------------------------------------------------------------


@POSTGRESQL
def test_two_processes_that_lock_each_other_out_both_get_everything_written(service: Service, second: Service) -> None:
    north, south = service.prison(), service.prison()
    people = [north.receive("A1"), north.receive("A2")]
    records = hears_everything(north, south)
    boss = Asker(operator("operator", (north.code, south.code)))
    both, done = threading.Barrier(2, timeout=PATIENCE), threading.Event()
    answers: list[Future[Any]] = []

    def meet(_uow: Any) -> None:
        # Once: a transaction that was given up is done again, one piece at a time.
        if not done.is_set():
            both.wait()
            done.set()

    def move(number: str, unit: str) -> Callable[[Any], Any]:
        draft = MoveDraft(establishment=north.code, unit=unit, reason="Changed places.")
        return lambda uow: roster.move(uow, number, draft)

    for desk, order, unit in ((service.desk, people, "A"), (second.desk, people[::-1], "B")):
        begin = threading.Event()
        answers.append(desk.store.write(lambda _batch, begin=begin: begin.wait(PATIENCE)))  # type: ignore[misc]
        answers.append(desk.submit(boss, move(order[0], unit)))
        answers.append(desk.store.write(meet))
        answers.append(desk.submit(boss, move(order[1], unit)))
        begin.set()
    for answer in answers:
        answer.result(PATIENCE)
    events, _ = records.pull(type="inmate.moved")
    assert sorted(event["subject"] for event in events) == sorted(people * 2)
    log, _ = records.pull(establishment=north.code)
    assert [event["sequence"] for event in log] == list(range(1, len(log) + 1)), "no gap, no repeat"
    assert len([event for event in log if not event["type"].startswith("handover.")]) == 6, "two came, each moved twice"


@contextmanager
def held_open(service: Service, *requests: Callable[[], httpx.Response]) -> Iterator[list[Future[httpx.Response]]]:
    """Has these requests done by this process, in this order, in one transaction that is committed at the end only."""
    writer, held, begin, commit = service.desk.store.writer, *(threading.Event() for _ in range(3))
    answers: list[Future[httpx.Response]] = []

    def begins(_batch: Any) -> bool:
        held.set()
        return begin.wait(PATIENCE)

    with ThreadPoolExecutor(len(requests)) as pool:
        try:
            service.desk.store.write(begins)
            assert held.wait(PATIENCE)
            for request in requests:
                before = writer.waiting  # a timer of another test's may wait there, too
                answers.append(pool.submit(request))
                eventually(lambda before=before: writer.waiting > before)  # type: ignore[misc]
            reached = threading.Event()

            def hold(_batch: Any) -> bool:
                reached.set()
                return commit.wait(PATIENCE)

            service.desk.store.write(hold)
            begin.set()
            assert reached.wait(PATIENCE)
            yield answers
        finally:
            begin.set()
            commit.set()
        for answer in answers:
            answer.result(PATIENCE)


def held_up_or(service: Service, answer: Future[Any]) -> bool:
    """Whether a request waits for another process's transaction, or is answered."""
    with psycopg.connect(service.settings.database_url, autocommit=True) as conn:
        row = conn.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ).fetchone()
    return answer.done() or bool(row and row[0])


def nowhere(word: str, records: Caller, note: str) -> None:
    """No event, no replay, no note and no receipt says this word."""
    with fragile(records) as feed:
        replay = json.dumps(feed.until_live())
    told = [records.http.get(path).text for path in (f"/v1/notes/{note}", f"/v1/notes/{note}/receipts", "/v1/needs")]
    assert [text for text in (replay, json.dumps(records.pull()[0]), *told) if word in text] == []


def test_what_was_said_about_a_note_in_the_commit_that_takes_it_back_is_not_told(prison: Prison) -> None:
    hartmann, ngata = prison.hire("hartmann", "officer", "A"), prison.hire("ngata", "officer", "A")
    records = hears_everything(prison)
    note = hartmann.note(unit="A", fact="A zebra in the yard.", needs=[{"code": "FOOD"}])
    path, need = f"/v1/notes/{note['id']}", f"/v1/needs/{note['needs'][0]['id']}"
    query, done = {"kind": "QUERY", "text": "Which zebra?"}, {"status": "DONE", "outcome": "The zebra was fed."}
    tag = {"If-Match": ngata.http.get(need).headers["etag"]}
    with held_open(
        prison.service,
        lambda: ngata.http.post(f"{path}/receipts", json=query),
        lambda: ngata.http.patch(need, json=done, headers=tag),
        lambda: hartmann.http.post(f"{path}/retractions", json={"reason": "NOT_TRUE"}),
    ) as answers:
        pass
    assert [answer.result().status_code for answer in answers] == [201, 200, 201]
    nowhere("zebra", records, note["id"])


@POSTGRESQL
def test_no_process_brings_back_what_another_is_taking_back(service: Service, second: Service) -> None:
    prison = service.prison()
    hartmann, ngata = prison.hire("hartmann", "officer", "A"), prison.hire("ngata", "officer", "A")
    records = hears_everything(prison)
    there = hartmann.at(second)
    correction = {"reason": "Misheard.", "note": {"basis": "SAW", "fact": "A horse in the yard."}}

    def at_once(path: str, what: str, who: Caller, body: dict[str, Any]) -> int:
        with ThreadPoolExecutor(1) as pool:
            with held_open(second, lambda: there.http.post(f"{path}/retractions", json={"reason": "NOT_TRUE"})):
                answer = pool.submit(who.http.post, f"{path}/{what}", json=body)
                eventually(lambda: held_up_or(service, answer))
            return answer.result(PATIENCE).status_code

    for what, who, body in (
        ("corrections", hartmann, correction),
        ("receipts", ngata, {"kind": "QUERY", "text": "Which zebra?"}),
    ):
        note = hartmann.note(unit="A", fact="A zebra in the yard.")
        assert at_once(f"/v1/notes/{note['id']}", what, who, body) in (409, 412), what
        nowhere("zebra", records, note["id"])
        assert records.get(f"/v1/notes/{note['id']}")["status"] == "RETRACTED"


@POSTGRESQL
def test_a_person_moved_by_two_processes_at_once_is_in_one_place_in_every_log(
    service: Service, second: Service
) -> None:
    north, south, east = (service.prison() for _ in range(3))
    username = f"osei.{north.code}".lower()
    World._hire(service, username, "supervisor", [(place.code, "") for place in (north, south, east)])
    osei = service.login(username)
    there, records = osei.at(second), hears_everything(north, south, east)
    number = north.receive("A1")

    def move(who: Caller, to: Prison) -> httpx.Response:
        place = {"establishment": to.code, "unit": "A", "reason": "Transferred."}
        return who.http.post(f"/v1/inmates/{number}/moves", json=place)

    with ThreadPoolExecutor(1) as pool:
        with held_open(second, lambda: move(there, south)):
            answer = pool.submit(move, osei, east)
            eventually(lambda: held_up_or(service, answer))
        assert answer.result(PATIENCE).status_code in (201, 409, 412)
    now = records.get(f"/v1/inmates/{number}")["establishment"]
    for place in (north, south, east):
        last = [
            e
            for e in records.pull(establishment=place.code)[0]
            if e["subject"] == number and e["type"].startswith("inmate.")
        ][-1:]
        here = [event for event in last if event["data"].get("status") != "LEFT"]
        assert bool(here) == (now == place.code), f"what {place.code} was told last"


@POSTGRESQL
def test_after_the_database_restarted_overnight_the_first_note_goes_through(prison: Prison) -> None:
    ngata = prison.hire("ngata", "officer", "A")
    with ngata.feed(after="now") as feed:
        feed.until_live()
        cut(prison.service.settings.database_url)
        note = ngata.note(unit="A")
        assert feed.event()["data"] == note
    assert ngata.get(f"/v1/notes/{note['id']}") == note


@POSTGRESQL
def test_connections_cut_under_load_lose_no_answered_note_and_double_none(prison: Prison) -> None:
    ngata, records = prison.hire("ngata", "officer", "A"), hears_everything(prison)
    stop, written, unsure = threading.Event(), dict[str, str](), list[str]()

    def write(name: str) -> None:
        number = 0
        while not stop.is_set():
            key, number = f"{name}-{number}", number + 1
            draft = {"basis": "SAW", "unit": "A", "fact": key}
            answer = ngata.http.post("/v1/notes", json=draft, headers={"Idempotency-Key": key})
            if answer.status_code == 201:
                written[key] = answer.json()["id"]
            else:
                assert answer.status_code == 503, answer.text
                unsure.append(key)

    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(write, f"w{i}") for i in range(4)]
        try:
            for _ in range(8):
                threading.Event().wait(0.1)
                cut(prison.service.settings.database_url)
        finally:
            stop.set()
        for writer in writers:
            writer.result(PATIENCE)
    for key in unsure:
        draft = {"basis": "SAW", "unit": "A", "fact": key}
        written[key] = ngata.post("/v1/notes", draft, 201, **{"Idempotency-Key": key})["id"]
    events, _ = records.pull()
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    assert sorted(event["data"]["id"] for event in events) == sorted(written.values())
    assert {event["data"]["fact"]: event["data"]["id"] for event in events} == written
