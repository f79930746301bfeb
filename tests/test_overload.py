"""More is asked than can be done: what must be heard at once goes first, the rest is refused out loud and in time,
nobody is served at another's expense, and nothing that was acknowledged is lost."""

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy.engine import Connection

from handover.api import middleware
from handover.errors import Conflict
from handover.services import timers
from handover.services.limits import Limits
from handover.services.unit_of_work import Desk, UnitOfWork
from handover.settings import Settings
from handover.store import timers as store_timers
from tests.support.outages import held_up
from tests.support.readers import closed, eventually, metric
from tests.support.service import Caller, Service, settings_for
from tests.support.terminals import Terminal

QUEUE_S, LONG_S = 0.4, 2.0
WAIT = "handover_writer_wait_seconds"
CUT, OPEN = 'handover_feeds_closed_total{code="4408"}', "handover_feeds_open"
DEAF = 200
PRESSING: dict[str, dict[str, Any]] = {
    "by word": {"attention": "ACT_NOW"},
    "by code": {"indicators": [{"code": "SAY_SELF_HARM", "trend": "NEW"}]},
}


@pytest.fixture(scope="module")
def brisk(database_url: str) -> Iterator[Service]:
    """A service that lets nobody wait long, with one reader."""
    running = Service(settings_for(database_url, queue_s=QUEUE_S, read_threads=1, feed_send_s=1.0))
    yield running
    running.stop()


def send(who: Caller, inmate: str, key: str | None = None, **more: Any) -> httpx.Response:
    """Posts a note, whatever comes of it."""
    body = {"inmate": inmate, "basis": "SAW", "change": "WORSE", **more}
    return who.http.post("/v1/notes", json=body, headers={"Idempotency-Key": key} if key else {})


def come(service: Service) -> int:
    """How many changes have come and are not made yet, at the door or inside."""
    stack: Any = service.app.middleware_stack
    return service.desk.store.writer.waiting + len(stack._gates._writes._waiting)


def refused(answer: httpx.Response, status: int, code: str) -> bool:
    """Whether it is this refusal, as a problem document, with when to come again."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    assert answer.json()["type"] == f"/problems/{code}"
    return 1 <= int(answer.headers["retry-after"]) <= 10


# --- The service as a whole -----------------------------------------------------------------------------------------


def test_past_capacity_notes_are_refused_what_calls_goes_first_and_nothing_acknowledged_is_lost(brisk: Service) -> None:
    prison = brisk.prison()
    hartmann, ngata, okafor = (prison.hire(name, "officer", "A") for name in ("hartmann", "ngata", "okafor"))
    weir = prison.receive("A4417KD")
    calling = ngata.note(weir, attention="ACT_NOW")
    offered = ngata.post("/v1/handovers", {"establishment": prison.code, "unit": "A"})
    _, before = okafor.pull()
    with ThreadPoolExecutor(16) as pool:
        with held_up(brisk.desk.store.write):
            waiting = [pool.submit(send, ngata, weir, f"waits-{n}", fact=f"It is {n}.") for n in range(6)]
            eventually(lambda: brisk.desk.store.writer.waiting >= 6)
            eventually(lambda: metric(brisk.url, WAIT) > QUEUE_S)
            began = monotonic()
            assert refused(send(hartmann, weir, "again"), 503, "overloaded")
            assert refused(hartmann.http.get("/v1/notes"), 503, "overloaded"), "its line would have to wait as long"
            with okafor.feed(after="now") as feed:
                assert closed(feed)[0] == 1013, "come back with your cursor"
            assert monotonic() - began < QUEUE_S, "who is refused is told at once"
            first = [pool.submit(send, hartmann, weir, **said) for said in PRESSING.values()]
            first += [
                pool.submit(hartmann.http.post, path, json=body)
                for path, body in (
                    (f"/v1/notes/{calling['id']}/receipts", {"kind": "ACCEPTED"}),
                    (f"/v1/handovers/{offered['id']}/acceptance", {}),
                )
            ]
            eventually(lambda: brisk.desk.store.writer.waiting >= 6 + len(first))
            sleep(5 * QUEUE_S)
            assert refused(send(okafor, weir, attention="ACT_NOW"), 503, "overloaded"), "the last to be refused"
        told = [answer.result(20) for answer in waiting]
        assert [answer.status_code for answer in [*told, *(answer.result(20) for answer in first)]] == [201] * 10
    assert send(hartmann, weir, "again").status_code == 201
    events, _ = okafor.pull(before)
    made = [event["data"]["id"] for event in events if event["type"] == "note.recorded"]
    assert set(made[:2]) == {answer.result().json()["id"] for answer in first[:2]}, "before all that had waited longer"
    assert set(made[2:8]) == {answer.json()["id"] for answer in told}
    assert len(made) == 9, "each once; of what was refused nothing was kept"
    place = {event["type"]: event["sequence"] for event in events}
    ordinary = min(event["sequence"] for event in events if event["data"].get("id") == made[2])
    assert max(place["page.accepted"], place["handover.accepted"]) < ordinary
    assert metric(brisk.url, WAIT) < QUEUE_S, "as before"


def test_where_many_wait_at_the_door_what_calls_somebody_does_not_and_the_others_come_in_their_order(
    database_url: str,
) -> None:
    service = Service(settings_for(database_url, queue_s=LONG_S, batch=1))
    try:
        prison = service.prison()
        hartmann, ngata = (prison.hire(name, "officer", "A") for name in ("hartmann", "ngata"))
        weir = prison.receive("A4417KD")
        with ThreadPoolExecutor(16) as pool:
            with held_up(service.desk.store.write):
                notes = []
                for number in range(4):
                    notes.append(pool.submit(send, ngata, weir, fact=f"It is {number}."))
                    eventually(lambda: come(service) == len(notes))
                calling = [pool.submit(send, hartmann, weir, **said) for said in PRESSING.values()]
                eventually(lambda: service.desk.store.writer.waiting >= 2 + len(calling))
                assert hartmann.get("/v1/me")["username"] == hartmann.name, "readings have a gate of their own"
                sleep(LONG_S)
                assert refused(send(hartmann, weir, fact="Nobody hears this."), 503, "overloaded")
            assert [answer.result(20).status_code for answer in notes + calling] == [201] * 6
        told = [note["fact"] for note in ngata.all("/v1/notes", attention="ROUTINE")]
        assert told == [f"It is {number}." for number in (3, 2, 1, 0)], "the newest first"
        assert send(hartmann, weir).status_code == 201
    finally:
        service.stop()


def test_a_queue_of_readings_refuses_readings_and_holds_up_no_note_and_no_feed(brisk: Service) -> None:
    prison = brisk.prison()
    hartmann, ngata = (prison.hire(name, "officer", "A") for name in ("hartmann", "ngata"))
    weir = prison.receive("A4417KD")
    with ThreadPoolExecutor(2) as pool, ngata.feed(after="now") as feed:
        feed.until_live()
        with held_up(brisk.desk.store.read):
            waiting = pool.submit(hartmann.http.get, "/v1/notes")
            eventually(lambda: brisk.desk.store.wait_to_read() > QUEUE_S)
            assert refused(ngata.http.get("/v1/notes"), 503, "overloaded")
            note = send(hartmann, weir)
            assert note.status_code == 201
            assert feed.event()["data"]["id"] == note.json()["id"]
        assert waiting.result(20).status_code == 200
    assert ngata.get("/v1/notes")["items"][0]["id"] == note.json()["id"]


def test_a_note_posted_meanwhile_is_kept_and_goes_later_once(
    brisk: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handover.client.sending._PATIENCE_S", 0.0)
    hartmann = brisk.prison().hire("hartmann", "officer", "A")
    office = Terminal(tmp_path / "office", brisk.url)
    office.login(hartmann)
    with held_up(brisk.desk.store.write):
        eventually(lambda: metric(brisk.url, WAIT) > QUEUE_S)
        said = office.run("post", "--unit", "A", "--saw", "First.")
    assert (said.exit_code, "Kept here, not sent." in said.stderr) == (3, True), said.output
    assert "It goes by itself when the server has time again" in said.stderr
    said = office.run("post", "--unit", "A", "--saw", "Second.")
    assert (said.exit_code, "Sent 1 note that waited here" in said.stderr) == (0, True), said.output
    assert [note["fact"] for note in hartmann.all("/v1/notes")] == ["Second.", "First."]


# --- One caller ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lane", [True, False])
def test_who_asks_more_than_a_share_is_told_when_to_go_on_and_others_are_served(database_url: str, lane: bool) -> None:
    service = Service(settings_for(database_url, caller_requests=8, caller_window_s=8), lane=lane)
    try:
        prison = service.prison()
        hartmann, ngata = (prison.hire(name, "officer", "A") for name in ("hartmann", "ngata"))
        weir = prison.receive("A4417KD")
        calling = ngata.note(weir, attention="ACT_NOW")
        answer = send(hartmann, weir)
        assert answer.headers["ratelimit-policy"] == '"caller";q=8;w=8'
        assert answer.headers["ratelimit"] == '"caller";r=7;t=1'
        assert "ratelimit" not in httpx.get(f"{service.url}/healthz", trust_env=False).headers
        answers: list[httpx.Response] = []
        while not answers or answers[-1].status_code == 200:
            assert len(answers) < 100
            answers.append(hartmann.http.get("/v1/me"))
        assert len(answers) >= 8
        assert refused(answers[-1], 429, "quota-exceeded")
        assert answers[-1].headers["ratelimit"].startswith('"caller";r=0;t=')
        while (pulled := hartmann.http.get("/v1/events", params={"limit": 1})).status_code == 200:
            assert "ratelimit" in pulled.headers
        assert refused(pulled, 429, "quota-exceeded")
        assert "ratelimit" not in hartmann.http.get("/v1/events?untl=1").headers, "a slip of the pen costs nothing"
        for key, more in (("kept", {}), ("watched", {"attention": "WATCH"})):
            answer = send(hartmann, weir, key, **more)
            assert answer.status_code == 201 or refused(answer, 429, "quota-exceeded")
        for said in PRESSING.values():
            assert send(hartmann, weir, **said).status_code == 201, "nobody who calls is told to wait"
        hartmann.post(f"/v1/notes/{calling['id']}/receipts", {"kind": "ACCEPTED"})
        assert ngata.get("/v1/me")["username"] == ngata.name
        assert ngata.note(weir)["id"]
        sleep(int(answers[-1].headers["retry-after"]) + 1)
        assert send(hartmann, weir, "kept").status_code == 201, "after as long as was said"
    finally:
        service.stop()


def test_a_million_notes_are_pulled_by_pages_without_a_wait() -> None:
    limits = Limits(Settings(), clock=lambda: 1000.0)
    assert not any(limits.take("records").wait_s for _ in range(1_000_000 // 200))
    assert limits.take("records").left > 0


# --- Readers that stop reading ---------------------------------------------------------------------------------------


@contextmanager
def deaf(caller: Caller, many: int) -> Iterator[None]:
    """So many open feeds that were live, and then take nothing off the line any more."""
    address = urlsplit(caller.service.url)
    hello = (
        f"GET /v1/feed?after=now HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {caller.token}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: handover.v1\r\n\r\n"
    ).encode()
    with ExitStack() as open_lines:
        for _ in range(many):
            line = open_lines.enter_context(socket.socket())
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            line.settimeout(20)
            line.connect((address.hostname, address.port))
            line.sendall(hello)
            heard = b""
            while b'"type":"live"' not in heard and b'"type": "live"' not in heard:
                heard += line.recv(4096)
        yield


def resident() -> int:
    """Bytes of memory this process has, the service in it."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def test_two_hundred_feeds_that_stop_reading_are_cut_off_and_cost_a_bounded_memory(brisk: Service) -> None:
    prison = brisk.prison()
    hartmann, ngata = (prison.hire(name, "officer", "A") for name in ("hartmann", "ngata"))
    weir = prison.receive("A4417KD")
    before, memory = metric(brisk.url, CUT), resident()
    held = largest = sent = 0
    needs = [{"code": "INFORMATION", "detail": "\N{OLD KEY}" * 500} for _ in range(5)]
    with hartmann.feed(after="now") as current:
        current.until_live()
        with deaf(ngata, DEAF):
            began = monotonic()
            while metric(brisk.url, CUT) < before + DEAF:
                assert monotonic() - began < 60, "they were not cut off"
                note = hartmann.note(weir, needs=needs)
                heard = [current.event() for _ in range(1 + len(needs))]
                assert heard[0]["data"]["id"] == note["id"], "nobody waits for them"
                sent += sum(len(str(event).encode()) for event in heard)
                lines = list(brisk.server.server_state.connections)
                held = max(held, sum(line.transport.get_write_buffer_size() for line in lines))
                largest = max(largest, resident() - memory)
            eventually(lambda: metric(brisk.url, OPEN) == 1)
        note = hartmann.note(weir)
        assert current.event()["data"]["id"] == note["id"]
    assert DEAF * 64 * 1024 < held < DEAF * (2 * 64 * 1024 + 60_000), "what each of them keeps in memory is bounded"
    assert largest < DEAF * min(400 * 1024, sent / 2), f"{largest // 1024} KiB of {DEAF * sent // 1024}"


# --- Whoever falls silent -------------------------------------------------------------------------------------------


@contextmanager
def silent(service: Service, many: int, said: bytes) -> Iterator[list[socket.socket]]:
    """So many connections that say this, and then nothing; nor do they read."""
    address = urlsplit(service.url)
    with ExitStack() as held:
        lines = [held.enter_context(socket.socket()) for _ in range(many)]
        for line in lines:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            line.settimeout(20)
            line.connect((address.hostname, address.port))
            line.sendall(said)
        yield lines


def test_a_stranger_who_begins_requests_and_falls_silent_keeps_nobody_out_and_is_told_to_send_it_whole(
    brisk: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    prison = brisk.prison()
    hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
    begun = b'POST /v1/notes HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"basis"'
    with silent(brisk, 2 * brisk.desk.settings.batch + 1, begun):
        sleep(QUEUE_S)
        for _ in range(3):
            hartmann.note(weir)
    monkeypatch.setattr(middleware, "BODY_S", 0.2)
    with silent(brisk, 1, begun) as [line]:
        answer = b""
        while heard := line.recv(4096):
            answer += heard
    head, _, told = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 "), head
    assert b"connection: close" in head.lower()
    assert json.loads(told)["type"] == "/problems/too-slow"


def test_whoever_asks_much_and_reads_nothing_keeps_nobody_from_reading(brisk: Service) -> None:
    prison = brisk.prison()
    hartmann, ngata = (prison.hire(name, "officer", "A") for name in ("hartmann", "ngata"))
    weir = prison.receive("A4417KD")
    for number in range(60):
        ngata.note(weir, fact=f"{number}: " + "Says little. " * 70)
    asks = f"GET /v1/notes?limit=200 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ngata.token}\r\n\r\n".encode()
    with silent(brisk, 2 * brisk.desk.settings.batch + 1, asks * 8):
        sleep(QUEUE_S)
        for _ in range(3):  # what they could still be sent is worked on before
            eventually(lambda: hartmann.http.get("/v1/notes", params={"limit": 1}).status_code == 200, 20)


# --- What falls due together ----------------------------------------------------------------------------------------


def test_promises_that_fall_due_together_are_told_a_few_at_a_time(
    service: Service, hartmann: Caller, weir: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At six o'clock in all prisons at once: whoever writes a note then waits for a few of them, not for all."""
    under_way, fire = [0, 0], timers._fire

    async def counted(desk: Desk, timer: Any) -> None:
        under_way[0] += 1
        under_way[1] = max(under_way)
        await fire(desk, timer)
        under_way[0] -= 1

    monkeypatch.setattr(timers, "_fire", counted)
    due = (service.clock() + timedelta(minutes=5)).isoformat()
    promised = [{"code": "PHONE", "promised": True, "due_at": due, "detail": str(i)} for i in range(5)]
    needs = {need["id"] for _ in range(6) for need in hartmann.note(weir, needs=promised)["needs"]}
    _, cursor = hartmann.pull()
    service.clock.ahead += timedelta(minutes=6)

    def told() -> list[str]:
        return [event["data"]["id"] for event in hartmann.pull(cursor)[0] if event["type"] == "need.overdue"]

    eventually(lambda: len(told()) >= len(needs), 10)
    assert sorted(told()) == sorted(needs)
    assert 1 < under_way[1] <= timers.TOGETHER


def test_what_refuses_to_be_done_when_it_falls_due_is_tried_again_later_and_forgotten_once_it_is_gone(
    service: Service, hartmann: Caller, weir: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []
    looked, due = [0], store_timers.due

    def refuses(_uow: UnitOfWork, need: str) -> None:
        tried.append(need)
        raise Conflict("Not as things stand.")

    def counted(conn: Connection, now: datetime, most: int) -> list[tuple[datetime, str, str]]:
        looked.append(most)
        return due(conn, now, most)

    monkeypatch.setitem(timers.FIRES, store_timers.PROMISE, refuses)
    monkeypatch.setattr(store_timers, "due", counted)
    at = service.clock() + timedelta(minutes=5)
    (need,) = hartmann.note(weir, needs=[{"code": "PHONE", "promised": True, "due_at": at.isoformat()}])["needs"]
    service.clock.ahead += timedelta(minutes=6)
    eventually(lambda: need["id"] in tried and looked[-1] > timers.AT_ONCE)
    seen = len(looked)
    eventually(lambda: len(looked) > seen + 3)
    assert tried.count(need["id"]) == 1

    def fired(uow: UnitOfWork) -> None:
        uow.doing("timers.fire")
        for timer in due(uow.conn, service.clock(), 100):
            store_timers.take(uow.conn, *timer)

    service.do(fired)  # as by another process
    eventually(lambda: looked[-1] == timers.AT_ONCE)
