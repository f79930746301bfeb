"""A feed under attack and in bad luck: readers that read nothing, nonsense without end, a machine that stands still."""

import asyncio
import gc
import json
import random
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from time import monotonic
from typing import Any

import orjson
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from handover.api import middleware
from handover.feed import kept
from handover.feed.kept import KeptLine
from handover.feed.resting import RestingFeed
from handover.services import accounts
from handover.services.hearing import Latest
from handover.services.sessions import Sessions
from handover.store.store import Batch
from tests.support.readers import READS, eventually, hears_everything, metric, read_on, stalled
from tests.support.service import Caller, Feed, Prison, Service
from tests.test_feed_resting import CLOSE, CONT, PING, TEXT, frame, goodbye, line

ON_A_LINE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""Of tests of what happens on a line: it is the same whatever the store is."""
LONG = [{"code": "INFORMATION", "detail": "\N{OLD KEY}" * 500} for _ in range(5)]


@pytest.fixture
def pings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has the services of this test ping every second."""
    monkeypatch.setattr(kept, "PING_S", 1.0)


@pytest.fixture
def quick(service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """A second service on the store, with less patience."""
    monkeypatch.setattr(kept, "CLOSING_S", 1.0)
    monkeypatch.setattr(kept, "DROP_AFTER_S", 1.0)
    running = Service(service.settings.model_copy(update={"heartbeat_s": 20.0}))
    yield running
    running.stop()


UPGRADE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


def told_until_closed(service: Service, asked: str) -> bytes:
    """All that comes back on a connection of its own before the server closes it."""
    host, _, port = service.url.removeprefix("http://").partition(":")
    told = b""
    with socket.create_connection((host, int(port)), 10) as line_:
        line_.sendall(asked.encode())
        while more := line_.recv(65536):
            told += more
    return told


@ON_A_LINE
def test_a_feed_asked_for_before_the_last_answer_does_not_take_its_place(
    service: Service, prison: Prison, monkeypatch: pytest.MonkeyPatch
) -> None:
    bugs: list[Any] = []
    monkeypatch.setattr(middleware.log, "error", lambda *said, **more: bugs.append((said, more)))
    ngata, weir = prison.hire("ngata", "officer", "A"), prison.receive("A4417KD")
    body = json.dumps({"inmate": weir, "basis": "SAW", "change": "WORSE"})
    head = f"Host: x\r\nAuthorization: Bearer {ngata.token}\r\nContent-Type: application/json\r\n"
    note = f"POST /v1/notes HTTP/1.1\r\n{head}Content-Length: {len(body)}\r\n\r\n{body}"
    for before, answer in (("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", b"200 OK"), (note, b"201 Created")):
        told = told_until_closed(service, f"{before}GET /v1/feed HTTP/1.1\r\nHost: x\r\n{UPGRADE}\r\n")
        assert told.startswith(b"HTTP/1.1 " + answer)
        assert told.count(b"HTTP/1.1 ") == 1, "the feed is asked for again, on a connection of its own"
    assert bugs == []
    eventually(lambda: metric(service.url, "handover_feeds_open") == 0)


@ON_A_LINE
@pytest.mark.parametrize(
    ("address", "more"),
    [
        (f"/v1/feed?after={'x' * 9000}", ""),
        ("/v1/feed", f"X-Long: {'x' * 9000}\r\n"),
        ("/v1/feed", "".join(f"X-{n}: y\r\n" for n in range(200))),
        ("/v1/feed", "Content-Length: 5\r\n"),
    ],
    ids=["long address", "long header", "many headers", "a body"],
)
def test_a_feed_that_is_asked_for_at_too_great_length_is_refused_out_loud(
    service: Service, address: str, more: str
) -> None:
    told = told_until_closed(service, f"GET {address} HTTP/1.1\r\nHost: x\r\n{UPGRADE}{more}\r\n")
    head, _, body = told.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert (json.loads(body)["status"], json.loads(body)["type"]) == (400, "/problems/malformed")


@ON_A_LINE
def test_there_is_no_feed_where_there_is_none(service: Service) -> None:
    told = told_until_closed(service, f"GET /v1/me HTTP/1.1\r\nHost: x\r\n{UPGRADE}\r\n")
    assert told.startswith(b"HTTP/1.1 404 ")
    assert json.loads(told.rpartition(b"\r\n\r\n")[2])["type"] == "/problems/not-found"


@ON_A_LINE
def test_what_is_no_request_is_refused_as_everything_else(service: Service) -> None:
    for asked in ("FOO /v1/notes HTTP/1.1\r\nHost: x\r\n\r\n", "GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n"):
        head, _, body = told_until_closed(service, asked).partition(b"\r\n\r\n")
        assert b"content-type: application/problem+json" in head
        assert json.loads(body)["status"] == 400


@pytest.mark.parametrize("doubled", ["after=now&after=now", "establishment=X&establishment=X", "unit=A&unit=A"])
def test_a_feed_that_is_told_a_thing_twice_is_refused(prison: Prison, doubled: str) -> None:
    ngata = prison.hire("ngata", "officer", "A")
    url = f"{prison.service.url.replace('http', 'ws', 1)}/v1/feed?{doubled.replace('X', prison.code)}"
    with (
        connect(url, additional_headers={"Authorization": f"Bearer {ngata.token}"}, proxy=None) as line_,
        pytest.raises(ConnectionClosed) as closed,
    ):
        line_.recv(10)
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, "twice" in closed.value.rcvd.reason) == (4400, True)


@pytest.fixture
def loud(prison: Prison) -> Caller:
    """Somebody who has missed more than a connection holds for a reader that does not read."""
    hartmann = prison.hire("hartmann", "officer", "A")
    for _ in range(50):
        hartmann.note(unit="A", needs=LONG)
    return hartmann


def lines_of(service: Service) -> list[KeptLine]:
    """The feeds that are open, on their connections."""
    return [one for one in list(service.server.server_state.connections) if isinstance(one, KeptLine)]


def full(service: Service) -> bool:
    """Whether there is a feed whose reader has stopped reading."""
    return any(one._full for one in lines_of(service))


def gone(service: Service) -> bool:
    """Whether no feed is left, and nothing of one."""
    return not lines_of(service)


# --- Readers that read nothing ---------------------------------------------------------------------------------------


def _says_goodbye(slow: Feed) -> None:
    slow.socket.socket.sendall(goodbye())


def _sends_nonsense(slow: Feed) -> None:
    slow.socket.socket.sendall(frame(11))


def _hangs_up_on_one_side(slow: Feed) -> None:
    slow.socket.socket.shutdown(socket.SHUT_WR)


def _says_nothing(slow: Feed) -> None:
    """And does not answer pings either."""


@ON_A_LINE
@pytest.mark.usefixtures("pings")
@pytest.mark.parametrize("act", [_says_goodbye, _sends_nonsense, _hangs_up_on_one_side, _says_nothing])
def test_whoever_reads_nothing_and_ends_it_is_dropped_all_the_same(loud: Caller, quick: Service, act: Any) -> None:
    with stalled(loud.at(quick)) as slow:
        assert slow.frame()["type"] == "hello"
        eventually(lambda: full(quick))
        act(slow)
        eventually(lambda: gone(quick), 8)


@ON_A_LINE
@pytest.mark.parametrize("act", [_says_goodbye, _sends_nonsense, _hangs_up_on_one_side, _says_nothing])
def test_whoever_reads_nothing_and_ends_it_does_not_hold_up_a_stop(
    loud: Caller, service: Service, prison: Prison, act: Any
) -> None:
    auditor, stopping = prison.hire("auditor", "auditor"), Service(service.settings)
    with stalled(loud.at(stopping)) as slow:
        assert slow.frame()["type"] == "hello"
        eventually(lambda: full(stopping))
        act(slow)
        threading.Event().wait(0.3)
        began = monotonic()
        stopping.stop()  # an error in the server's thread fails the test, too
        took = monotonic() - began
    assert took < 2
    told = eventually(lambda: auditor.all("/v1/access-log", action="feed.close", actor=loud.name))
    assert len(told) == 1


@ON_A_LINE
def test_whoever_pings_and_reads_nothing_is_not_answered_without_end(prison: Prison, quick: Service) -> None:
    ngata = prison.hire("ngata", "officer", "A")
    with line(quick, ngata) as flood:
        flood.socket.settimeout(0.5)
        pings, sent, largest = frame(PING, b"x" * 125) * 500, 0, 0
        with suppress(OSError):
            for _ in range(400):
                flood.socket.sendall(pings)
                sent += len(pings)
                largest = max(largest, *(one.transport.get_write_buffer_size() for one in lines_of(quick)), 0)
        assert largest < 1 << 20, (sent, largest)


@ON_A_LINE
@pytest.mark.parametrize("together", [False, True])
def test_of_the_pings_of_whoever_reads_late_the_last_is_answered(
    loud: Caller, service: Service, together: bool
) -> None:
    with stalled(loud) as slow:
        assert slow.frame()["type"] == "hello"
        eventually(lambda: full(service))
        slow.socket.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, together)
        answers = [slow.socket.ping(str(n)) for n in range(4)]
        slow.socket.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, False)
        while not answers[-1].is_set():
            slow.frame(5)


@ON_A_LINE
@pytest.mark.parametrize(
    "before", [b"", frame(PING, b"x"), frame(PING, b"x") * 2], ids=["alone", "after a ping", "after two pings"]
)
def test_whoever_says_goodbye_and_reads_late_is_answered(loud: Caller, service: Service, before: bytes) -> None:
    with stalled(loud) as slow:
        assert slow.frame()["type"] == "hello"
        eventually(lambda: full(service))
        slow.socket.socket.sendall(before + goodbye(4999))
        threading.Event().wait(0.2)
        assert read_on(slow)[1] == 4999


@ON_A_LINE
def test_text_that_is_none_and_a_goodbye_at_once_are_answered(prison: Prison, quick: Service) -> None:
    with line(quick, prison.hire("ngata", "officer", "A")) as hasty:
        hasty.send(frame(TEXT, b"\xff") + goodbye(1001))
        assert hasty.to_the_end() == [(CLOSE, struct.pack("!H", 1001))]


@ON_A_LINE
def test_a_message_in_parts_without_end_holds_up_nobody(prison: Prison, quick: Service) -> None:
    ngata, other = prison.hire("ngata", "officer", "A"), prison.hire("other", "officer", "A")
    with line(quick, ngata) as endless, line(quick, other) as listens:
        parts = frame(CONT, fin=False) * 1000
        began = monotonic()
        endless.send(frame(TEXT, b"{", fin=False))
        for _ in range(200):
            endless.send(parts)
        note = ngata.note(unit="A")
        assert listens.until("event")["event"]["data"] == note
        endless.send(frame(CONT, b"}"))
        assert endless.to_the_end()[0][1][:2] == struct.pack("!H", 4400)
        assert monotonic() - began < 15, "a part more costs as much as the first"


@ON_A_LINE
@pytest.mark.usefixtures("pings")
def test_a_machine_that_stood_still_for_a_while_does_not_end_its_feeds(prison: Prison, quick: Service) -> None:
    ngata = prison.hire("ngata", "officer", "A")
    loop = quick.server.servers[0].get_loop()
    with line(quick, ngata) as stays:
        listening = threading.Thread(target=stays.to_the_end)
        listening.start()
        loop.call_soon_threadsafe(time.sleep, 3.5)
        threading.Event().wait(5)
        assert len(lines_of(quick)) == 1, stays.told
        stays.send(goodbye())
        listening.join(5)


# --- Who hears what, in one pass -------------------------------------------------------------------------------------


@contextmanager
def in_one_commit(service: Service) -> Iterator[Callable[..., None]]:
    """What is done here, by other threads, is committed together, so the hub meets it in one pass."""
    begun, together, doing = threading.Event(), threading.Event(), list[Future[Any]]()

    def holds(_batch: Batch) -> None:
        begun.set()
        together.wait(30)

    with ThreadPoolExecutor(16) as others:
        service.desk.store.write(holds)
        try:
            assert begun.wait(30), "what comes before that would be taken along"
            yield lambda *call, **told: doing.append(others.submit(*call, **told))
            eventually(lambda: service.desk.store.writer.waiting >= len(doing), every=0.005)
        finally:
            together.set()


def test_authors_among_readers_of_equal_rights_hear_their_own_in_the_pass_that_brings_it(
    service: Service, prison: Prison, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, passes = service.prison(), list[tuple[int, bool]]()
    extend = Latest.__init__

    def spied(latest: Latest, new: Any) -> None:
        extend(latest, new)
        passes.append((len(latest), latest.alike))

    monkeypatch.setattr(Latest, "__init__", spied)
    crew = [prison.hire(f"officer{n}", "officer", "A") for n in range(4)]
    osei, noor, brandt = (
        prison.hire("osei", "supervisor"),
        prison.hire("noor", "health"),
        prison.hire("b", "officer", "B"),
    )
    both, offices = hears_everything(prison, other), prison.connect("offices", *READS)
    readers = [*crew, crew[0], osei, noor, brandt, both, offices]
    wanted: list[dict[str, str]] = [{}, {"unit": "A"}]
    chance = random.Random(1)
    with ExitStack() as opened:
        feeds = [(who, want, opened.enter_context(who.feed(after="now", **want))) for who in readers for want in wanted]
        cursors = [feed.frame()["cursor"] for _, _, feed in feeds]
        assert {feed.frame()["type"] for _, _, feed in feeds} == {"live"}
        for with_handover in (False, True, False):
            with in_one_commit(service) as others_do:
                for author in chance.sample([*crew, osei, noor, brandt], 7):
                    for handling in chance.sample(["UNIT", "ESTABLISHMENT", "HEALTH", "SECURITY"], 2):
                        unit = "B" if author is brandt else "A"
                        others_do(author.note, unit=unit, handling=handling, fact=f"{author.name} {handling}")
                if with_handover:
                    others_do(crew[1].post, "/v1/handovers", {"establishment": prison.code, "unit": "A"})
        heard = []
        for (who, want, feed), cursor in zip(feeds, cursors, strict=True):
            pulled, _ = who.pull(cursor, **want)
            assert [feed.event() for _ in pulled] == pulled, who.name
            assert feed.next("heartbeat", 3), "and nothing more"
            heard.append({event["id"] for event in pulled})
    assert any(alike and count > 5 for count, alike in passes)
    assert any(not alike and count > 5 for count, alike in passes)
    own = heard[0] - heard[2]
    assert own, "what the first wrote and the second may not read"
    assert heard[8] == heard[0], "two feeds of one officer"


def test_one_who_is_met_by_a_fault_in_the_pass_gets_it_all_the_same_and_the_others_too(
    prison: Prison, monkeypatch: pytest.MonkeyPatch
) -> None:
    crew, faults = [prison.hire(f"officer{n}", "officer", "A") for n in range(3)], []
    take = RestingFeed._take

    def at_fault(feed: RestingFeed, place: str, new: Latest) -> None:
        if feed.session.principal.username == crew[1].name:
            faults.append(place)
            raise RuntimeError("at fault")
        take(feed, place, new)

    monkeypatch.setattr(RestingFeed, "_take", at_fault)
    with ExitStack() as opened:
        feeds = [opened.enter_context(who.feed(after="now")) for who in crew]
        for feed in feeds:
            feed.until_live()
        for _ in range(3):
            note = crew[0].note(unit="A")
            assert [feed.event()["data"] for feed in feeds] == [note] * 3
    assert len(faults) == 3


# --- Readers of every speed ------------------------------------------------------------------------------------------


def test_nobody_misses_or_repeats_anything_between_replay_and_live_whatever_the_speed(prison: Prison) -> None:
    hartmann, osei = prison.hire("hartmann", "officer", "A"), prison.hire("osei", "supervisor")
    records = hears_everything(prison)
    for n in range(60):
        hartmann.note(unit="A", fact=f"missed {n}", needs=LONG[:2])
    done, chance = threading.Event(), random.Random(2)

    def writes() -> int:
        taken_back = 0
        for n in range(150):
            note = hartmann.note(unit="A", fact=f"new {n}", needs=LONG[: n % 3])
            if n % 9 == 0:
                osei.post(f"/v1/notes/{note['id']}/retractions", {"reason": "NOT_TRUE"})
                taken_back += 1
        done.set()
        return taken_back

    def reads(pauses: list[float], opened: int) -> tuple[list[int], str]:
        sequences, cursor = list[int](), ""
        for _ in range(opened):  # and then comes back with the cursor
            params = {"after": cursor} if cursor else {}
            with stalled(records, **params) as feed:
                for pause in pauses:
                    threading.Event().wait(pause)
                    for _ in range(25):
                        frame = feed.frame()
                        cursor = frame.get("cursor") or frame["event"]["cursor"]
                        sequences += [frame["event"]["sequence"]] if frame["type"] == "event" else []
        done.wait(60)
        rest, cursor = records.pull(cursor)
        return sequences + [event["sequence"] for event in rest], cursor

    with ThreadPoolExecutor(10) as others:
        writing = others.submit(writes)
        reading = [others.submit(reads, [chance.choice([0, 0, 0.01, 0.3, 1.0]) for _ in range(4)], 3) for _ in range(8)]
        assert writing.result(120) == 17
        ends = [reader.result(120) for reader in reading]
    whole = list(range(1, len(ends[0][0]) + 1))
    for sequences, _ in ends:
        assert sequences[0] == 1
        assert sequences == whole


# --- Rights and words ------------------------------------------------------------------------------------------------


def test_a_right_taken_away_ends_a_feed_whose_reader_does_not_read(
    loud: Caller, prison: Prison, quick: Service
) -> None:
    auditor = prison.hire("auditor", "auditor")
    with stalled(loud.at(quick)) as slow:
        assert slow.frame()["type"] == "hello"
        eventually(lambda: full(quick))
        prison.service.do(lambda uow: accounts.change_user(uow, loud.name, active=False))
        told = eventually(lambda: auditor.all("/v1/access-log", action="feed.close", actor=loud.name), 5)
        assert [line["detail"]["code"] for line in told] == [4401]
        heard, code, _ = read_on(slow)
    assert code == 4401
    assert told[0]["detail"]["sequences"][prison.code][1] == heard[-1]["sequence"]


def test_new_tokens_at_once_during_a_replay_and_at_a_stop(loud: Caller, prison: Prison, service: Service) -> None:
    auditor, stopping = prison.hire("auditor", "auditor"), Service(service.settings)
    token = frame(TEXT, orjson.dumps({"type": "auth", "token": loud.token}))
    with stalled(loud.at(stopping)) as replaying, line(stopping, loud) as resting:
        replaying.socket.socket.sendall(token * 20)
        resting.send(token * 200)
        resting.send(*[token] * 50)
        note = loud.note(unit="A")
        assert resting.until("event")["event"]["data"] == note
        eventually(lambda: full(stopping))
        replaying.socket.socket.sendall(token * 5)
        resting.send(token * 5)
        began = monotonic()
        stopping.stop()
        assert monotonic() - began < 2
        assert resting.to_the_end()[-1][1][:2] in (struct.pack("!H", 1001), struct.pack("!H", 1012))
    told = auditor.all("/v1/access-log", action="feed.close", actor=loud.name)
    assert {one["detail"]["code"] for one in told} <= {1001, 1012}
    assert len(told) == 2


@ON_A_LINE
@pytest.mark.usefixtures("pings")
def test_while_a_new_token_is_looked_up_pings_are_answered_and_a_goodbye_is_heard(
    prison: Prison, quick: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    ngata, of = prison.hire("ngata", "officer", "A"), Sessions.of

    async def at_leisure(sessions: Sessions, token: str) -> Any:
        await asyncio.sleep(3.0)
        return await of(sessions, token)

    token = frame(TEXT, orjson.dumps({"type": "auth", "token": ngata.token}))
    with line(quick, ngata) as stays, line(quick, ngata) as leaves, ThreadPoolExecutor(1) as other:
        with monkeypatch.context() as slow:
            slow.setattr(Sessions, "of", at_leisure)
            began = monotonic()
            stays.send(token)
            leaves.send(token)
            listening = other.submit(stays.until, "event")
            threading.Event().wait(0.2)
            leaves.send(goodbye())
            assert leaves.to_the_end() == [(CLOSE, struct.pack("!H", 1000))]
            assert monotonic() - began < 1.5
            threading.Event().wait(3.5)
        note = prison.hire("other", "officer", "A").note(unit="A")
        assert listening.result(5)["event"]["data"] == note


# --- Nothing is left -------------------------------------------------------------------------------------------------


@ON_A_LINE
def test_of_feeds_that_came_and_went_in_every_way_nothing_is_left(
    loud: Caller, prison: Prison, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "PING_S", 1.0)
    monkeypatch.setattr(kept, "CLOSING_S", 0.5)
    monkeypatch.setattr(kept, "DROP_AFTER_S", 0.5)
    auditor, busy = prison.hire("auditor", "auditor"), Service(service.settings.model_copy(update={"feed_send_s": 0.5}))
    here, ways = loud.at(busy), 6
    try:
        for n in range(10 * ways):
            if n % ways == 5:
                with stalled(here) as slow:
                    slow.frame()
                continue
            with line(busy, here) as feed:
                match n % ways:
                    case 0:
                        feed.send(goodbye())
                        feed.to_the_end()
                    case 1:
                        feed.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    case 2:
                        feed.send(frame(TEXT, b"nonsense"))
                        feed.to_the_end()
                    case 3:
                        feed.send(frame(TEXT, b"half", fin=False), frame(PING)[:1])
                    case 4:
                        feed.send(frame(3))
                        feed.to_the_end()
        eventually(lambda: metric(busy.url, "handover_feeds_open") == 0)
        for action in ("feed.open", "feed.close"):
            told = auditor.all("/v1/access-log", action=action, actor=loud.name)
            assert len(told) == 10 * ways, action
            assert all(one["detail"]["sequences"][prison.code] is not None for one in told)

        def left() -> list[object]:
            gc.collect()
            return [
                one
                for one in gc.get_objects()
                if isinstance(one, KeptLine) or (isinstance(one, RestingFeed) and one._hub is busy.app.state.parts.hub)
            ]

        eventually(lambda: not left(), 10, 0.5)
    finally:
        busy.stop()
