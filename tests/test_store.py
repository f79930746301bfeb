"""The store under load and in trouble: many requests in one commit, one that fails alone, a commit that fails, a
database that goes away and comes back."""

import resource
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx
import psycopg
import pytest
import sqlalchemy as sa

from handover.domain.access import operator
from handover.errors import Unavailable
from handover.services.ids import uuid7
from handover.services.unit_of_work import Asker, UnitOfWork
from handover.store import marks
from handover.store.engine import open_engines
from handover.store.tables import idempotency, store_meta
from handover.store.writer import TIDY_AFTER
from tests.support import embedded
from tests.support.outages import away, cut, cut_by_the_commit, held_up, outcome, waits, without
from tests.support.processes import office, serving
from tests.support.readers import eventually
from tests.support.service import Caller, Prison, Service, settings_for, sound

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def gathered(service: Service, many: int) -> None:
    """Waits until so many requests wait for the writer."""
    eventually(lambda: service.desk.store.writer.waiting >= many, every=0.005)


def commits(service: Service) -> float:
    """How many commits there were."""
    text = httpx.get(f"{service.url}/metrics", trust_env=False, verify=False).text
    return float(
        next(line for line in text.splitlines() if line.startswith("handover_commit_seconds_count")).split()[1]
    )


def send(who: Caller, inmate: str, **more: Any) -> httpx.Response:
    """Posts a note, whatever comes of it."""
    return who.http.post("/v1/notes", json={"inmate": inmate, "basis": "SAW", "change": "WORSE", **more})


def test_ids_of_one_moment_keep_their_order_however_many_were_made_before_them() -> None:
    began = datetime(2026, 11, 25, 22, 55, tzinfo=UTC)
    for n in range(1 << 14):
        moment = began + timedelta(microseconds=n)
        made = [uuid7(moment) for _ in range(3)]
        assert made == sorted(made), n


def test_many_requests_share_one_commit_and_keep_their_order(prison: Prison, service: Service) -> None:
    ngata, weir = prison.hire("ngata", "officer", "A"), prison.receive("A4417KD")
    with ngata.feed(after="now") as feed, ThreadPoolExecutor(40) as pool:
        feed.until_live()
        with held_up(service.desk.store.write):
            before = commits(service)
            answers = [pool.submit(send, ngata, weir) for _ in range(40)]
            gathered(service, 40)
        notes = [answer.result(20).json() for answer in answers]
        assert commits(service) - before <= 3, "the one that was held up, and one for all that gathered"
        heard = [feed.event() for _ in notes]
    first = heard[0]["sequence"]
    assert [event["sequence"] for event in heard] == list(range(first, first + 40))
    assert {event["data"]["id"] for event in heard} == {note["id"] for note in notes}
    assert sound(service)


def test_one_that_fails_fails_alone(prison: Prison, service: Service) -> None:
    ngata, weir = prison.hire("ngata", "officer", "A"), prison.receive("A4417KD")
    brandt = prison.hire("brandt", "officer", "B")
    note = ngata.note(weir)
    asker = Asker(operator("operator", ()))

    def half_done_then_a_bug(uow: UnitOfWork) -> None:
        uow.doing("test.bug")
        uow.conn.execute(sa.insert(store_meta), {"name": f"half {prison.code}", "value": "done"})
        raise ZeroDivisionError

    def not_for_this_database(uow: UnitOfWork) -> None:
        uow.doing("test.duplicate")
        uow.conn.execute(sa.insert(store_meta), [{"name": "id", "value": "another"}])

    with ThreadPoolExecutor(40) as pool, held_up(service.desk.store.write):
        good = [pool.submit(send, ngata, weir) for _ in range(10)]
        unsound = pool.submit(send, ngata, weir, change="WORSER")
        denied = pool.submit(brandt.http.post, f"/v1/notes/{note['id']}/retractions", json={"reason": "NOT_TRUE"})
        gathered(service, 12)
        bug = service.desk.submit(asker, half_done_then_a_bug)
        duplicate = service.desk.submit(asker, not_for_this_database)
        more = [pool.submit(send, ngata, weir) for _ in range(10)]
        gathered(service, 24)
    assert {answer.result().status_code for answer in (*good, *more)} == {201}
    assert (unsound.result().status_code, denied.result().status_code) == (422, 404)
    assert isinstance(bug.exception(20), ZeroDivisionError)
    assert duplicate.exception(20) is not None
    quill = prison.hire("quill", "auditor")
    lines = quill.all("/v1/access-log", limit=200)
    assert len([one for one in lines if one["action"] == "notes.record"]) == 21
    assert [one["outcome"] for one in lines if one["actor"] == brandt.name and one["action"] == "notes.retract"] == [
        "DENIED"
    ]
    assert [one for one in lines if one["action"].startswith("test")] == []
    with service.desk.store.engines.read.connect() as conn:
        left = conn.execute(sa.select(store_meta.c.name).where(store_meta.c.name.startswith("half"))).all()
    assert left == []
    assert sound(service)


@contextmanager
def commits_fail(url: str) -> Iterator[None]:
    """Whatever inserts a note is refused by the database at its very commit: a check that is put off until then."""
    engines = open_engines(url)
    hangs = "CREATE TABLE hangs (x VARCHAR(40) REFERENCES store_meta (name) DEFERRABLE INITIALLY DEFERRED)"
    insert = "INSERT INTO hangs VALUES ('in the air')"
    if engines.embedded:
        begin = [hangs, f"CREATE TRIGGER unsound AFTER INSERT ON notes BEGIN {insert}; END"]
        end = ["DROP TRIGGER unsound", "DROP TABLE hangs"]
    else:
        body = f"BEGIN {insert}; RETURN NULL; END"
        begin = [
            hangs,
            f"CREATE FUNCTION unsound() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$",
            "CREATE TRIGGER unsound AFTER INSERT ON notes FOR EACH ROW EXECUTE FUNCTION unsound()",
        ]
        end = ["DROP TRIGGER unsound ON notes", "DROP FUNCTION unsound", "DROP TABLE hangs"]

    def run(statements: list[str]) -> None:
        with engines.write.connect() as conn, conn.begin():
            for statement in statements:
                conn.exec_driver_sql(statement)

    run(begin)
    try:
        yield
    finally:
        run(end)
        engines.close()


def test_when_a_commit_fails_nobody_is_told_that_it_succeeded(
    prison: Prison, service: Service, database_url: str
) -> None:
    ngata, weir = prison.hire("ngata", "officer", "A"), prison.receive("A4417KD")
    other = prison.receive("A7712TT")
    moved = {"establishment": prison.code, "unit": "B", "reason": "Kitchen work"}
    with ngata.feed(after="now") as feed:
        feed.until_live()
        with commits_fail(database_url), ThreadPoolExecutor(10) as pool:
            with held_up(service.desk.store.write):
                notes = [pool.submit(send, ngata, weir) for _ in range(5)]
                move = pool.submit(prison.admin.http.post, f"/v1/inmates/{other}/moves", json=moved)
                gathered(service, 6)
            assert {answer.result(20).status_code for answer in notes} <= {500, 503}
            assert move.result(20).status_code == 201, "it was in the same batch, and had nothing to do with it"
        assert [feed.event()["type"] for _ in range(2)] == ["inmate.moved", "handover.offered"]
        assert ngata.all("/v1/notes") == []
        kept = send(ngata, weir)
        assert kept.status_code == 201
        event = feed.event()
        assert event["data"] == kept.json()
    items, _ = ngata.pull()
    assert [e["sequence"] for e in items] == list(range(items[0]["sequence"], items[-1]["sequence"] + 1)), "no gap"
    assert sound(service)


@POSTGRESQL
def test_a_database_that_went_away_is_told_as_such_and_found_again(
    prison: Prison, service: Service, database_url: str
) -> None:
    ngata, weir = prison.hire("ngata", "officer", "A"), prison.receive("A4417KD")
    before = ngata.note(weir)
    key = {"Idempotency-Key": "once"}
    body = {"inmate": weir, "basis": "SAW", "fact": "Slept well."}
    with ngata.feed(after="now") as feed:
        feed.until_live()
        with away(database_url):
            assert outcome(ngata.http.post("/v1/notes", json=body, headers=key)) == (503, True)
            for path in ("/v1/notes", f"/v1/notes/{before['id']}", "/v1/events", "/v1/inmates", "/readyz"):
                assert outcome(ngata.http.get(path)) == (503, True), path
            form = {"grant_type": "password", "username": ngata.name, "password": "x"}
            assert outcome(ngata.http.post("/oauth/token", data=form)) == (503, True)
            assert ngata.http.get("/healthz").status_code == 200
        answer = ngata.http.post("/v1/notes", json=body, headers=key)
        assert answer.status_code == 201
        assert feed.event(10)["data"] == answer.json()
    assert [note["id"] for note in ngata.all("/v1/notes")] == [answer.json()["id"], before["id"]]
    assert ngata.get(f"/v1/notes/{before['id']}") == before
    assert sound(service)


@POSTGRESQL
def test_what_came_due_as_the_database_went_away_is_told_as_soon_as_it_is_back(
    prison: Prison, service: Service, database_url: str
) -> None:
    ngata, weir = prison.hire("ngata", "officer", "A"), prison.receive("A4417KD")
    due = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    with ngata.feed(after="now") as feed, suppress(psycopg.OperationalError), psycopg.connect(database_url) as line:
        feed.until_live()
        ngata.note(weir, needs=[{"code": "PHONE", "promised": True, "due_at": due}])
        assert [feed.event()["type"] for _ in range(2)] == ["note.recorded", "need.opened"]
        line.execute("SELECT 1 FROM timers FOR UPDATE")
        eventually(lambda: waits(line))  # it is looked at, and cannot be told yet
        with away(database_url):
            pass
        began = monotonic()
        assert feed.event()["type"] == "need.overdue"
        assert monotonic() - began < 20
        eventually(lambda: ngata.http.get("/readyz").status_code == 200)
    assert sound(service)


@pytest.mark.parametrize("table", ["access_lines", "needs"])
def test_what_somebody_takes_away_for_a_while_is_waited_for_and_what_comes_due_meanwhile_is_told(
    prison: Prison, service: Service, database_url: str, table: str
) -> None:
    ngata, weir = prison.hire("ngata", "officer", "A"), prison.receive("A4417KD")
    due = (service.clock() + timedelta(minutes=5)).isoformat()
    with ngata.feed(after="now") as feed:
        feed.until_live()
        ngata.note(weir, needs=[{"code": "PHONE", "promised": True, "due_at": due}])
        assert [feed.event()["type"] for _ in range(2)] == ["note.recorded", "need.opened"]
        with without(database_url, table):
            service.clock.ahead += timedelta(minutes=6)
            # No fault of ours: a terminal puts aside what meets one again and again.
            assert outcome(send(ngata, weir, needs=[{"code": "PHONE"}])) == (503, True)
            assert outcome(ngata.http.get("/v1/needs")) == (503, True)
            sleep(0.3)  # it is looked for
        began = monotonic()
        assert feed.event()["type"] == "need.overdue"
        assert monotonic() - began < 20
    assert send(ngata, weir).status_code == 201
    assert len(ngata.all("/v1/notes")) == 2
    assert sound(service)


@POSTGRESQL
def test_a_connection_that_is_cut_in_the_middle_of_a_batch_loses_nothing_and_doubles_nothing(
    prison: Prison, service: Service, database_url: str
) -> None:
    ngata, weir = prison.hire("ngata", "officer", "A"), prison.receive("A4417KD")
    with ThreadPoolExecutor(24) as pool:
        with held_up(service.desk.store.write):
            answers = [pool.submit(send, ngata, weir) for _ in range(24)]
            gathered(service, 24)
            assert cut(database_url) >= 1
        told = [answer.result(20) for answer in answers]
    assert {answer.status_code for answer in told} <= {201, 503}
    kept = {answer.json()["id"] for answer in told if answer.status_code == 201}
    assert {note["id"] for note in ngata.all("/v1/notes")} == kept
    assert send(ngata, weir).status_code == 201
    assert sound(service)


def test_what_cannot_be_written_fails_alone_and_the_others_are_kept(service: Service) -> None:
    def keep(text: str) -> Callable[[Any], str]:
        def job(batch: Any) -> str:
            batch.conn.exec_driver_sql("SELECT 1")
            answer = {"caller": "c", "key": text, "fingerprint": "", "status": 201, "headers": "{}", "body": ""}
            batch.add(idempotency, {**answer, "note": None, "at": service.clock()})
            return text

        return job

    with held_up(service.desk.store.write):
        told = [service.desk.store.write(keep(text), gathers=True) for text in ("one", "\ud800", "two")]
        gathered(service, 3)
    assert (told[0].result(10), told[2].result(10)) == ("one", "two")
    with pytest.raises((TypeError, UnicodeError)):
        told[1].result(10)


def test_what_the_database_refuses_of_a_burst_fails_alone_wherever_it_comes_to_light(
    prison: Prison, service: Service
) -> None:
    def keep(key: str, reads: bool) -> Callable[[Any], int]:
        def job(batch: Any) -> int:
            answer = {
                "caller": prison.code,
                "fingerprint": "",
                "status": 201,
                "headers": "{}",
                "body": "",
                "note": None,
            }
            batch.add(idempotency, {**answer, "key": key, "at": service.clock()})
            kept = sa.select(sa.func.count()).where(idempotency.c.caller == prison.code)
            return int(batch.conn.execute(kept).scalar()) if reads else -1

        return job

    def burst(keys: list[str], reads_at: int) -> list[Any]:
        with held_up(service.desk.store.write):
            told = [
                service.desk.store.write(keep(key, reads=n in (0, reads_at)), gathers=True)
                for n, key in enumerate(keys)
            ]
            gathered(service, len(keys))
        return [one.exception(20) or one.result() for one in told]

    twice = [f"a{n}" for n in range(35)]
    twice[24] = twice[3]
    for reads_at in (-1, 27):
        told = burst([key + str(reads_at) for key in twice], reads_at)
        assert [n for n, one in enumerate(told) if isinstance(one, Exception)] == [24]
        assert isinstance(told[24], Unavailable)
    with service.desk.store.engines.read.connect() as conn:
        kept = conn.execute(sa.select(idempotency.c.key).where(idempotency.c.caller == prison.code)).scalars()
        assert sorted(kept) == sorted({key + end for key in twice for end in ("-1", "27")})
    assert sound(service)


@POSTGRESQL
def test_a_connection_that_was_cut_before_is_replaced_unseen(
    prison: Prison, service: Service, database_url: str
) -> None:
    ngata, weir = prison.hire("ngata", "officer", "A"), prison.receive("A4417KD")
    for _ in range(3):
        assert cut(database_url) >= 1
        assert send(ngata, weir).status_code == 201, "nothing was on its way: it is known that nothing was kept"
        assert cut(database_url) >= 1
        assert ngata.http.get("/v1/notes").status_code == 200, "the line of what was read is kept on a new connection"
    assert sound(service)


@POSTGRESQL
def test_nothing_is_acknowledged_where_nobody_knows_what_became_of_it(
    prison: Prison, service: Service, database_url: str
) -> None:
    ngata, weir = prison.hire("ngata", "officer", "A"), prison.receive("A4417KD")
    ngata.note(weir)
    before = service.desk.store.head
    line = service.desk.line(Asker(operator("operator", (prison.code,))), "store.tried")

    def tries(batch: Any) -> None:
        batch.conn.exec_driver_sql("SELECT 1")  # it is alive: the COMMIT goes along with what comes last
        batch.lines.append(line)

    rung: list[Any] = []
    ends = service.desk.store.on_commit(lambda *told: rung.append(told))
    with cut_by_the_commit(database_url, "access_lines"), pytest.raises(Unavailable):
        service.desk.store.write(tries, gathers=True).result(20)
    ends()
    assert (True, None) in rung, "its own bell it does not hear from the server"
    assert send(ngata, weir).status_code == 201
    after = service.desk.store.head
    assert before is not None
    assert after is not None
    assert before.chain != after.chain, "the log goes on in a new chain"
    assert sound(service)


@SQLITE
def test_the_log_that_is_written_ahead_does_not_grow_with_what_was_written(service: Service, database_url: str) -> None:
    ahead = Path(database_url.removeprefix("sqlite:///") + "-wal")
    sizes = []
    for _ in range(3):
        for _ in range(2 * TIDY_AFTER):
            service.desk.store.write(lambda batch: marks.change(batch.conn, "tried")).result(20)
        sizes.append(ahead.stat().st_size)
    assert sizes[2] < 1.5 * sizes[0], "it is moved to its place again and again, and begun anew"


@SQLITE
def test_another_program_that_locks_the_embedded_store_is_waited_for(prison: Prison, database_url: str) -> None:
    ngata, weir = prison.hire("ngata", "officer", "A"), prison.receive("A4417KD")
    with ThreadPoolExecutor(4) as pool:
        with away(database_url):
            answers: list[Future[Any]] = [pool.submit(send, ngata, weir) for _ in range(3)]
            assert not wait(answers, 0.4).done, "nothing is acknowledged that is not on the disk"
        assert {answer.result(20).status_code for answer in answers} == {201}
    assert len(ngata.all("/v1/notes")) == 3


@SQLITE
def test_a_full_disk_is_told_as_such_and_what_was_acknowledged_stays(prison: Prison, service: Service) -> None:
    ngata, weir = prison.hire("ngata", "officer", "A"), prison.receive("A4417KD")
    kept = [ngata.note(weir)["id"]]

    def pages(most: int | None) -> None:
        def limit(batch: Any) -> None:
            used = batch.conn.exec_driver_sql("PRAGMA page_count").scalar()
            batch.conn.exec_driver_sql(f"PRAGMA max_page_count = {most or used}")

        service.desk.store.write(limit).result(10)

    pages(None)
    while True:
        answer = send(ngata, weir, fact="x" * 1000)
        if answer.status_code != 201:
            break
        kept.append(answer.json()["id"])
        assert len(kept) < 200
    assert outcome(answer) == (503, True)
    pages(1_000_000_000)
    assert {note["id"] for note in ngata.all("/v1/notes")} == set(kept)
    assert send(ngata, weir).status_code == 201
    assert sound(service)


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux limits another process")
def test_where_the_embedded_log_cannot_grow_it_is_moved_and_begun_anew(tmp_path: Path) -> None:
    store, ahead = tmp_path / "store.sqlite3", tmp_path / "store.sqlite3-wal"
    with serving(embedded.copy(store), tmp_path / "log") as server, office(f"sqlite:///{store}", server.url) as keeper:
        ngata, wrote = keeper.prison().hire("ngata", "officer", "A"), 0
        while ahead.stat().st_size < store.stat().st_size + (1 << 20):
            ngata.note(unit="A")
            wrote += 1
        most = ahead.stat().st_size + (100 << 10)  # of any file of the server's
        assert server.process is not None
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (most, most))
        draft = {"basis": "SAW", "unit": "A", "fact": "x"}
        told = [ngata.http.post("/v1/notes", json=draft).status_code for _ in range(30)]
        assert set(told) == {201, 503}
        assert told.count(201) > 20
        assert wrote + len(told) < TIDY_AFTER, "it was not moved anyway"
        assert len(ngata.get("/v1/notes", limit=200)["items"]) == wrote + told.count(201)


def test_what_was_handed_over_before_the_end_is_finished(tmp_path: Path) -> None:
    running = Service(settings_for(embedded.copy(tmp_path / "store.sqlite3")))
    prison = running.prison()
    ngata, weir = prison.hire("ngata", "officer", "A"), prison.receive("A4417KD")
    with ThreadPoolExecutor(8) as pool:
        with held_up(running.desk.store.write):
            answers = [pool.submit(send, ngata, weir) for _ in range(8)]
            gathered(running, 8)
            running.app.state.parts.hub.stop_soon()
            running.server.should_exit = True
        told = [answer.result(20).status_code for answer in answers]
    assert told == [201] * 8
    running.stop()


def test_whoever_does_not_wait_any_more_holds_up_nobody(service: Service) -> None:
    write = service.desk.store.write
    with held_up(write):
        given_up, waited_for = write(lambda _: "one", gathers=True), write(lambda _: "two", gathers=True)
        given_up.cancel()  # as where the server stops, and ends who waits for a login
    assert waited_for.result(10) == "two"
    assert write(lambda _: "three").result(10) == "three"


def test_a_reading_that_could_not_be_ended_does_not_spoil_those_that_follow(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody cancels the very last statement of a reading's transaction."""
    store, refuse = service.desk.store, threading.local()
    dialect = store.engines.read.dialect
    commit = dialect.do_commit

    def commits(conn: Any) -> None:
        if getattr(refuse, "next", False):
            refuse.next = False
            raise dialect.loaded_dbapi.OperationalError("canceling statement due to user request")
        commit(conn)

    monkeypatch.setattr(dialect, "do_commit", commits)

    def reads(conn: Any) -> Any:
        return conn.execute(sa.text("SELECT 1")).scalar()

    def refused(conn: Any) -> None:
        reads(conn)
        refuse.next = True

    store.glance(refused).result(10)
    assert [store.glance(reads).result(10) for _ in range(8)] == [1] * 8
