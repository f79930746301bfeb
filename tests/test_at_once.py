"""Two people at two server processes change the same thing at the same moment: both changes count, or one is told no.

The first request is carried out by one process and held just before its commit; the second comes to the other process;
then the first is committed.
"""

import contextlib
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from math import inf
from typing import Any

import httpx
import pytest
from sqlalchemy.exc import OperationalError

from handover.store import roster, writer
from handover.store.store import Batch
from tests.support.service import Caller, Prison, Service, settings_for

SECRET = "He owes Marlow two phone cards."
Answer = httpx.Response


@pytest.fixture(scope="module")
def second(service: Service) -> Iterator[Service]:
    """Another process on the same store."""
    running = Service(settings_for(service.settings.database_url))
    yield running
    running.stop()


@contextmanager
def uncommitted(service: Service, request: Callable[[], Answer], pool: ThreadPoolExecutor) -> Iterator[Future[Answer]]:
    """Has the request carried out, and its commit held until the block ends."""
    begun, go_on, reached, commit = (threading.Event() for _ in range(4))

    def before(_: Batch) -> None:
        begun.set()
        go_on.wait(10)

    def after(_: Batch) -> None:
        reached.set()
        commit.wait(10)

    writer, idle = service.desk.store.writer, threading.Event()
    service.desk.store.write(before)
    assert begun.wait(5)
    answer = pool.submit(request)
    for _ in range(500):
        if writer.waiting:
            break
        idle.wait(0.01)
    service.desk.store.write(after)  # in one transaction with the request, after it
    go_on.set()
    assert reached.wait(5)
    try:
        yield answer
    finally:
        commit.set()


def at_once(first: Service, one: Callable[[], Answer], other: Callable[[], Answer]) -> tuple[Answer, Answer]:
    """Both answers; `one` is carried out by `first` and committed after `other` came to its own process."""
    with ThreadPoolExecutor(2) as pool:
        with uncommitted(first, one, pool) as held:
            late = pool.submit(other)
            wait([late], timeout=0.4)  # as it should be, it waits for the one that is held; else it is done by now
        return held.result(10), late.result(10)


def either(
    service: Service, a: Callable[[Service], Answer], b: Callable[[Service], Answer], second: Service, a_first: bool
) -> tuple[Answer, Answer]:
    """The answers to `a` and `b`, whichever of them is carried out first."""
    if a_first:
        return at_once(service, lambda: a(service), lambda: b(second))
    late, held = at_once(service, lambda: b(service), lambda: a(second))
    return held, late


class Desk:
    """Somebody who can turn to either process."""

    def __init__(self, who: Caller, second: Service) -> None:
        self.who = who
        self.at = {id(who.service): who, id(second): who.at(second)}

    def send(self, service: Service, method: str, path: str, body: dict[str, Any], tag: str | None = None) -> Answer:
        headers = {} if tag is None else {"If-Match": tag}
        return self.at[id(service)].http.request(method, path, json=body, headers=headers, follow_redirects=True)


both_ways = pytest.mark.parametrize("a_first", [True, False], ids=["first", "second"])


def test_a_note_is_corrected_once(prison: Prison, second: Service) -> None:
    hartmann, cole = (
        Desk(who, second) for who in (prison.hire("hartmann", "officer", "A"), prison.hire("cole", "supervisor"))
    )
    note = hartmann.who.note(prison.receive("A4417KD"), needs=[{"code": "PHONE"}])
    path, body = f"/v1/notes/{note['id']}/corrections", {"reason": "x", "note": {"basis": "SAW", "fact": "Put right."}}
    one, other = at_once(
        prison.service,
        lambda: hartmann.send(prison.service, "POST", path, body),
        lambda: cole.send(second, "POST", path, body),
    )
    assert (one.status_code, other.status_code) == (201, 409)
    assert one.json()["id"] in other.json()["detail"]
    assert len(cole.who.all("/v1/notes")) == 2


@pytest.mark.parametrize("kind", ["SEEN", "ACCEPTED"])
def test_a_receipt_that_counts_once_is_given_once(prison: Prison, second: Service, kind: str) -> None:
    hartmann, ngata = prison.hire("hartmann", "officer", "A"), Desk(prison.hire("ngata", "officer", "A"), second)
    path = f"/v1/notes/{hartmann.note(prison.receive('A4417KD'))['id']}/receipts"
    one, other = at_once(
        prison.service,
        lambda: ngata.send(prison.service, "POST", path, {"kind": kind}),
        lambda: ngata.send(second, "POST", path, {"kind": kind}),
    )
    assert one.status_code == other.status_code == 201
    assert one.json() == other.json()
    assert [given["id"] for given in hartmann.all(path)] == [one.json()["id"]]
    assert [event["data"]["id"] for event in hartmann.pull()[0] if event["type"] == "receipt.recorded"] == [
        one.json()["id"]
    ]


@both_ways
def test_what_is_said_of_a_note_while_it_is_taken_back_goes_with_it(
    prison: Prison, second: Service, a_first: bool
) -> None:
    hartmann, ngata = (Desk(prison.hire(name, "officer", "A"), second) for name in ("hartmann", "ngata"))
    note = hartmann.who.note(prison.receive("A4417KD"), needs=[{"code": "PHONE"}])
    path, need = f"/v1/notes/{note['id']}", f"/v1/needs/{note['needs'][0]['id']}"
    back, asked = either(
        prison.service,
        lambda s: hartmann.send(s, "POST", f"{path}/retractions", {"reason": "WRONG_PERSON"}),
        lambda s: ngata.send(s, "POST", f"{path}/receipts", {"kind": "QUERY", "text": SECRET}),
        second,
        a_first,
    )
    assert (back.status_code, asked.status_code) == (201, 409 if a_first else 201)
    told = [ngata.who.get(f"{path}/receipts"), ngata.who.pull()[0]]
    again = hartmann.who.note(note["inmate"], needs=[{"code": "PHONE"}])
    path, need = f"/v1/notes/{again['id']}", f"/v1/needs/{again['needs'][0]['id']}"
    back, done = either(
        prison.service,
        lambda s: hartmann.send(s, "POST", f"{path}/retractions", {"reason": "WRONG_PERSON"}),
        lambda s: ngata.send(s, "PATCH", need, {"status": "DONE", "outcome": SECRET}, '"1"'),
        second,
        a_first,
    )
    assert (back.status_code, done.status_code) == (201, 412 if a_first else 200)
    told += [ngata.who.get(need), ngata.who.pull()[0]]
    assert SECRET not in json.dumps(told)


@both_ways
def test_a_note_written_during_a_merge_is_on_the_one_timeline(prison: Prison, second: Service, a_first: bool) -> None:
    admin, hartmann = Desk(prison.admin, second), Desk(prison.hire("hartmann", "officer", "A"), second)
    weir, twin = prison.receive("A4417KD"), prison.receive("Z0001")
    merged, written = either(
        prison.service,
        lambda s: admin.send(s, "POST", f"/v1/inmates/{weir}/merges", {"from": twin}),
        lambda s: hartmann.send(s, "POST", "/v1/notes", {"inmate": twin, "basis": "SAW", "needs": [{"code": "PHONE"}]}),
        second,
        a_first,
    )
    assert (merged.status_code, written.status_code) == (201, 201)
    assert [note["inmate"] for note in hartmann.who.all("/v1/notes")] == [weir]
    assert [need["inmate"] for need in hartmann.who.all("/v1/needs")] == [weir]


@both_ways
def test_a_need_opened_during_a_move_is_where_the_person_is(prison: Prison, second: Service, a_first: bool) -> None:
    cole, hartmann = (
        Desk(who, second) for who in (prison.hire("cole", "supervisor"), prison.hire("hartmann", "officer", "A"))
    )
    weir = prison.receive("A4417KD")
    moved, written = either(
        prison.service,
        lambda s: cole.send(
            s, "POST", f"/v1/inmates/{weir}/moves", {"establishment": prison.code, "unit": "B", "reason": "Work"}
        ),
        lambda s: hartmann.send(s, "POST", "/v1/notes", {"inmate": weir, "basis": "SAW", "needs": [{"code": "PHONE"}]}),
        second,
        a_first,
    )
    assert (moved.status_code, written.status_code) == (201, 201)
    assert [need["unit"] for need in cole.who.all("/v1/needs")] == ["B"]


@both_ways
def test_a_note_during_a_move_of_somebody_this_process_knows_is_where_the_log_says(
    prison: Prison, second: Service, a_first: bool
) -> None:
    cole, hartmann = (
        Desk(who, second) for who in (prison.hire("cole", "supervisor"), prison.hire("hartmann", "officer", "A"))
    )
    weir = prison.receive("A4417KD")
    note = {"inmate": weir, "basis": "SAW", "fact": "Ate nothing at lunch."}
    for service in (prison.service, second):
        hartmann.send(service, "POST", "/v1/notes", note)
    to_b = {"establishment": prison.code, "unit": "B", "reason": "Work"}
    moved, written = either(
        prison.service,
        lambda s: cole.send(s, "POST", f"/v1/inmates/{weir}/moves", to_b),
        lambda s: hartmann.send(s, "POST", "/v1/notes", note),
        second,
        a_first,
    )
    assert (moved.status_code, written.status_code) == (201, 201)
    assert written.json()["unit"] == ("B" if a_first else "A")


def test_whatever_a_process_remembers_a_note_is_written_where_the_store_says(prison: Prison, second: Service) -> None:
    cole, hartmann = (
        Desk(who, second) for who in (prison.hire("cole", "supervisor"), prison.hire("hartmann", "officer", "A", "B"))
    )
    admin, weir, twin = Desk(prison.admin, second), prison.receive("A4417KD"), prison.receive("Z0001")

    def changed(by: Desk, path: str, body: dict[str, Any], method: str = "POST") -> None:
        assert by.send(second, method, path, body).is_success

    def written(number: str) -> Any:
        return hartmann.who.note(number)

    remembered = [written(number) for number in (weir, twin, weir, twin)]
    assert {note["unit"] for note in remembered} == {"A"}
    changed(cole, f"/v1/inmates/{weir}/moves", {"establishment": prison.code, "unit": "B", "reason": "Work"})
    assert written(weir)["unit"] == "B"
    rota = {"name": "HMP", "timezone": "Pacific/Auckland", "shifts": [{"code": "WHOLE_DAY", "starts": "00:00"}]}
    changed(admin, f"/v1/establishments/{prison.code}", rota, "PUT")
    assert "WHOLE_DAY" in written(weir)["shift"]
    offered = hartmann.send(second, "POST", "/v1/handovers", {"establishment": prison.code, "unit": "A"}).json()
    asked = {"note": written(twin)["id"], "text": "Who told the nurse?"}
    told = cole.who.post(f"/v1/handovers/{offered['id']}/queries", asked, 422)
    assert told["errors"][0]["pointer"] == "/note", "it came after the offer, and is the next shift's"
    changed(admin, f"/v1/inmates/{weir}/merges", {"from": twin})
    merged = written(twin)
    assert (merged["inmate"], merged["unit"]) == (weir, "B")


def test_of_somebody_this_process_knows_nothing_is_asked(prison: Prison, monkeypatch: pytest.MonkeyPatch) -> None:
    hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
    hartmann.note(weir)
    monkeypatch.setattr(prison.service.desk.store, "heard", inf)  # however long ago that is on a busy machine
    asked: list[Any] = []
    monkeypatch.setattr(roster, "housed", lambda _conn, numbers: asked.extend(numbers))
    assert hartmann.note(weir)["unit"] == "A"
    assert asked == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("lost", ["by a lock that lasted", "by an error between commits"])
def test_what_another_connection_knew_is_not_taken_for_what_this_one_does(
    prison: Prison, database_url: str, lost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hartmann, weir = prison.hire("hartmann", "officer", "A", "B"), prison.receive("A4417KD")
    note = {"inmate": weir, "basis": "SAW", "fact": "Ate nothing at lunch."}
    store = prison.service.desk.store
    import_ = sqlite3.connect(database_url.removeprefix("sqlite:///"), isolation_level=None)

    def in_the_way(batch: Batch) -> None:
        batch.conn.exec_driver_sql("PRAGMA busy_timeout = 50")  # half a minute, else

    failed: list[Any] = []

    def fails(*conn: Any) -> None:
        failed.append(conn)
        raise OperationalError("PRAGMA wal_checkpoint", None, sqlite3.OperationalError("disk I/O error"))

    with contextlib.closing(import_):
        store.write(in_the_way).result(10)
        assert hartmann.note(weir)["unit"] == "A"
        if lost == "by a lock that lasted":
            import_.execute("BEGIN IMMEDIATE")
            assert hartmann.http.post("/v1/notes", json=note).status_code == 503
        else:
            monkeypatch.setattr(writer, "tidy", fails)
            monkeypatch.setattr(writer, "TIDY_AFTER", 1)
            while not failed:
                assert hartmann.note(weir)["unit"] == "A"
            store.write(lambda _: None, gathers=True).result(10)  # after that
            monkeypatch.undo()
            import_.execute("BEGIN IMMEDIATE")
        import_.execute("UPDATE inmates SET unit = 'B' WHERE number = ?", [weir])
        import_.execute("COMMIT")
    assert hartmann.note(weir)["unit"] == "B"


@both_ways
def test_a_need_changed_during_a_move_keeps_both_changes(prison: Prison, second: Service, a_first: bool) -> None:
    cole, hartmann = (
        Desk(who, second) for who in (prison.hire("cole", "supervisor"), prison.hire("hartmann", "officer", "A"))
    )
    weir = prison.receive("A4417KD")
    need = hartmann.who.note(weir, needs=[{"code": "PHONE"}])["needs"][0]["id"]
    moved, changed = either(
        prison.service,
        lambda s: cole.send(
            s, "POST", f"/v1/inmates/{weir}/moves", {"establishment": prison.code, "unit": "B", "reason": "Work"}
        ),
        lambda s: hartmann.send(s, "PATCH", f"/v1/needs/{need}", {"owner": "Ngata"}, '"1"'),
        second,
        a_first,
    )
    now = cole.who.get(f"/v1/needs/{need}")
    assert (moved.status_code, now["unit"]) == (201, "B")
    # After the move she has to read it again; before it, what she changed goes along.
    assert (changed.status_code, now["owner"]) == ((412, None) if a_first else (200, "Ngata"))


def test_an_entry_is_changed_from_one_version_once(prison: Prison, second: Service) -> None:
    admin = Desk(prison.admin, second)
    weir = prison.receive("A4417KD")
    entry = {"name": "Weir, J.", "establishment": prison.code, "unit": "A"}
    for path, body in (
        (f"/v1/inmates/{weir}", entry),
        (f"/v1/establishments/{prison.code}/units/A", {"name": "A"}),
        (f"/v1/establishments/{prison.code}", {"name": "HMP", "timezone": "Europe/London"}),
    ):
        tag = prison.admin.http.put(path, json=body).headers["etag"]
        one, other = at_once(
            prison.service,
            lambda: admin.send(prison.service, "PUT", path, {**body, "name": "One"}, tag),  # noqa: B023
            lambda: admin.send(second, "PUT", path, {**body, "name": "Other"}, tag),  # noqa: B023
        )
        assert (one.status_code, other.status_code) == (200, 412), path
