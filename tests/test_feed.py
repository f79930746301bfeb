"""The feed and the pull: one log, read in two ways, and what ends a reading. How it ends with a right
that is taken away is in test_rights_taken_away.py."""

import asyncio
import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from threading import Event, Thread
from time import monotonic
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

from handover.errors import Unavailable
from handover.services import accounts, hub, latest, missed
from tests.support.outages import away
from tests.support.readers import audience, closed, eventually, hears_everything, metric, read_on, stalled
from tests.support.service import Caller, Feed, Prison, Service, settings_for

UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
NDJSON = {"Accept": "application/x-ndjson"}


def ids(items: list[Any]) -> list[str]:
    return [event["id"] for event in items]


def posted_to(prison: Prison, name: str, places: list[tuple[str, str]], role: str = "officer") -> Caller:
    """Somebody who works in several prisons."""
    username = f"{name}.{prison.code}".lower()
    service = prison.service
    service.do(
        lambda uow: accounts.add_user(
            uow, service.hasher, username, name=name.title(), role=role, places=places, password="a few good words"
        )
    )
    return service.login(username)


@dataclass
class Loud:
    """A prison with several MiB of events: more than a connection's buffers hold."""

    prison: Prison
    hartmann: Caller
    notes: list[Any]

    def at(self, service: Service, name: str) -> Caller:
        """Somebody new, at this service."""
        here = self.prison.hire(name, "officer", "A")
        return here.at(service)


@pytest.fixture(scope="module")
def loud(service: Service) -> Loud:
    prison = service.prison()
    hartmann = prison.hire("hartmann", "officer", "A")
    needs = [{"code": "INFORMATION", "detail": "\N{OLD KEY}" * 500} for _ in range(20)]
    notes = [hartmann.note(unit="A", fact=f"secret-{i:03d}", needs=needs) for i in range(70)]
    return Loud(prison, hartmann, notes)


# --- Frames ----------------------------------------------------------------------------------------------------------


def test_a_feed_says_hello_then_what_was_missed_then_that_it_is_live_and_goes_on_beating(prison: Prison) -> None:
    hartmann, ngata = prison.hire("hartmann", "officer", "A"), prison.hire("ngata", "officer", "A")
    weir = prison.receive("A4417KD")
    missed = hartmann.note(weir, fact="Asked twice whether his sister has called.")
    with ngata.feed(establishment=prison.code) as feed:
        assert feed.socket.subprotocol == "handover.v1"
        hello, arrived, event = feed.frame(), feed.frame(), feed.frame()
        assert set(hello) == {"type", "cursor", "heartbeat_s"}
        assert (hello["type"], hello["heartbeat_s"]) == ("hello", prison.service.settings.heartbeat_s)
        assert arrived["event"]["type"] == "inmate.updated"
        assert set(event) == {"type", "event"}
        told = event["event"]
        assert UUID7.fullmatch(told["id"])
        assert told == {
            "specversion": "1.0",
            "id": told["id"],
            "source": f"/v1/establishments/{prison.code}",
            "type": "note.recorded",
            "subject": weir,
            "time": missed["recorded_at"],
            "datacontenttype": "application/json",
            "sequence": arrived["event"]["sequence"] + 1,
            "unit": "A",
            "data": missed,
            "cursor": told["cursor"],
        }
        assert feed.frame() == {"type": "live", "cursor": told["cursor"]}
        assert feed.frame(3) == {"type": "heartbeat", "cursor": told["cursor"]}
        heard = hartmann.note(weir, fact="She has called.")
        live = feed.event()
        assert live["data"] == heard
        assert feed.next("heartbeat")["cursor"] == live["cursor"]


def test_a_feed_opens_for_a_client_that_names_no_subprotocol(prison: Prison) -> None:
    ngata = prison.hire("ngata", "officer", "A")
    url = f"{prison.service.url.replace('http', 'ws')}/v1/feed?after=now"
    with connect(url, additional_headers={"Authorization": f"Bearer {ngata.token}"}, proxy=None) as socket:
        assert socket.subprotocol is None
        assert Feed(socket).until_live() == []


def test_a_heartbeats_cursor_lies_behind_what_was_not_for_its_reader(prison: Prison) -> None:
    hartmann, brandt = prison.hire("hartmann", "officer", "A"), prison.hire("brandt", "officer", "B")
    records = hears_everything(prison)
    with brandt.feed(after="now") as feed:
        feed.until_live()
        note = hartmann.note(unit="A")
        eventually(lambda: records.pull(feed.next("heartbeat")["cursor"])[0] == [])
    assert hartmann.pull()[0][-1]["data"] == note


def test_heartbeats_come_during_a_long_replay_of_what_is_not_for_its_reader(service: Service, loud: Loud) -> None:
    quick = Service(service.settings.model_copy(update={"heartbeat_s": 0.0001}))
    try:
        here = loud.prison.hire("brandt", "officer", "B")
        with here.at(quick).feed() as feed:
            assert feed.frame()["type"] == "hello"
            before_live = [feed.frame()["type"]]
            while before_live[-1] != "live":
                before_live.append(feed.frame()["type"])
        assert before_live.count("heartbeat") >= 5
        assert set(before_live) == {"heartbeat", "live"}
    finally:
        quick.stop()


# --- Cursors ---------------------------------------------------------------------------------------------------------


def test_every_cursor_works_on_both_ways_of_reading(prison: Prison) -> None:
    hartmann = prison.hire("hartmann", "officer", "A")
    records = hears_everything(prison)
    weir = prison.receive("A4417KD")
    hartmann.note(weir, needs=[{"code": "PHONE", "promised": True}])
    hartmann.note(weir)
    events, end = records.pull()
    assert [event["type"] for event in events] == ["inmate.updated", "note.recorded", "need.opened", "note.recorded"]
    with records.feed() as feed:
        hello = feed.frame()
        replayed = [feed.frame()["event"] for _ in events]
        live, beat = feed.frame(), feed.frame(3)
    assert replayed == events, "both ways tell the same"
    assert live["cursor"] == beat["cursor"] == end
    for position, cursor in [(0, hello["cursor"]), *enumerate([e["cursor"] for e in events], start=1), (4, end)]:
        assert records.pull(cursor)[0] == events[position:]
        with records.feed(after=cursor) as feed:
            assert feed.until_live() == events[position:]


def test_now_means_from_here_on_and_nothing_means_from_the_beginning(prison: Prison) -> None:
    hartmann, ngata = prison.hire("hartmann", "officer", "A"), prison.hire("ngata", "officer", "A")
    before = hartmann.note(unit="A")
    nothing, here = ngata.pull("now")
    with ngata.feed(after="now") as from_now, ngata.feed() as from_the_beginning:
        assert (nothing, from_now.until_live()) == ([], [])
        assert [event["data"] for event in from_the_beginning.until_live()] == [before]
        after = hartmann.note(unit="A")
        assert from_now.event()["data"] == from_the_beginning.event()["data"] == after
    assert [event["data"] for event in ngata.pull(here)[0]] == [after]


def test_a_reader_of_two_prisons_resumes_both_with_any_of_its_cursors(service: Service) -> None:
    north, south = service.prison(), service.prison()
    people = {p.code: p.hire("hartmann", "officer", "A") for p in (north, south)}
    records = hears_everything(north, south)
    for place in (north, south, south, north, south, north, north):
        people[place.code].note(unit="A")
    pulled, _ = records.pull()
    assert [e["source"][-4:] for e in pulled] == [p.code for p in (north, south, south, north, south, north, north)], (
        "a pull tells them in the order of time"
    )
    with records.feed() as feed:
        fed = feed.until_live()
    everything = set(ids(pulled))
    assert set(ids(fed)) == everything
    for told in (pulled, fed):
        for position, event in enumerate(told, start=1):
            rest = everything - set(ids(told[:position]))
            assert set(ids(records.pull(event["cursor"])[0])) == rest
            with records.feed(after=event["cursor"]) as feed:
                missed = feed.until_live()
            assert set(ids(missed)) == rest
            for place in (north, south):
                one = [e["sequence"] for e in missed if e["source"].endswith(place.code)]
                assert one == sorted(one)


def test_a_reader_of_two_prisons_goes_on_with_its_cursor_in_one_of_them(service: Service) -> None:
    north, south = service.prison(), service.prison()
    records = hears_everything(north, south)
    north.hire("hartmann", "officer", "A").note(unit="A")
    south.hire("brandt", "officer", "A").note(unit="A")
    _, cursor = records.pull()
    south.hire("ngata", "officer", "A").note(unit="A")
    later, _ = records.pull(cursor)
    assert len(later) == 1
    for place, rest in ((north, []), (south, later)):
        assert ids(records.pull(cursor, establishment=place.code)[0]) == ids(rest)
        with records.feed(after=cursor, establishment=place.code) as feed:
            assert ids(feed.until_live()) == ids(rest)


def test_a_cursor_of_one_prison_alone_is_refused_for_another(service: Service) -> None:
    north, south = service.prison(), service.prison()
    records = hears_everything(north, south)
    north.hire("hartmann", "officer", "A").note(unit="A")
    south.hire("brandt", "officer", "A").note(unit="A")
    _, cursor = records.pull(establishment=north.code)
    records.get("/v1/events", 409, after=cursor, establishment=south.code)
    with records.feed(after=cursor, establishment=south.code) as feed:
        assert closed(feed)[0] == 4409


def _packed(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def test_a_cursor_that_cannot_be_honoured_is_refused_out_loud(prison: Prison) -> None:
    ngata, store = prison.hire("ngata", "officer", "A"), prison.service.desk.store.identity.id
    ngata.note(unit="A")
    damaged = ["", "garbage", "NOW", "%00", "ünser", "0", "-1", "=" * 5, _packed("."), _packed(store)]
    ahead = [_packed(f"{store}.{prison.code}:{end}!") for end in ("2", "1" + "0" * 30)]
    bad = ("", ":", ":x", ":-1", ":1:", ":1,", ":1", ":01!", ": 1!", ":1\x0c!", ":1!!", ":1,A:1!", ":1!x")
    wrong = [_packed(f"{store}.{prison.code}{end}") for end in bad]
    _, sound = ngata.pull()
    short = [sound[:-letters] for letters in range(1, 8)]  # a column too narrow for it
    for cursor in (*damaged, *ahead, *wrong, *short, f"{sound}x", _packed(f"deadbeef.{prison.code}:1!")):
        told = ngata.get("/v1/events", 409, after=cursor)
        assert told["type"].endswith("cursor-not-resumable"), cursor
        assert "after=now" in told["detail"]
        with ngata.feed(after=cursor) as feed:
            code, reason = closed(feed)
        assert code == 4409, cursor
        assert "after=now" in reason


# --- What is heard ---------------------------------------------------------------------------------------------------


def test_a_unit_filter_hears_who_comes_and_who_leaves(prison: Prison) -> None:
    prison.admin.put(f"/v1/establishments/{prison.code}/units/C", {"name": "C wing"})
    osei = prison.hire("osei", "supervisor")
    weir, king = prison.receive("A1", "A"), prison.receive("B1", "B")
    with (
        osei.feed(unit="A", after="now") as a,
        osei.feed(unit="B", after="now") as b,
        osei.feed(unit="C", after="now") as c,
    ):
        for feed in (a, b, c):
            assert feed.until_live() == []
        spot = {"establishment": prison.code, "reason": "Works in the kitchen from Monday"}
        osei.post(f"/v1/inmates/{weir}/moves", {**spot, "unit": "B"})
        osei.post(f"/v1/inmates/{king}/moves", {**spot, "unit": "C"})
        left, gone, come = [a.event(), a.event()], [b.event() for _ in range(4)], [c.event(), c.event()]
        assert left[0]["data"]["move"]["to"]["unit"] == "B"
        told = [[(event["type"], event["subject"], event["unit"]) for event in heard] for heard in (left, gone, come)]
        # Each move is told with the transfer that it offers to the unit where the person comes.
        to_b, to_c = (
            [(type_, who, unit) for type_ in ("inmate.moved", "handover.offered")]
            for who, unit in ((weir, "B"), (king, "C"))
        )
        assert told == [to_b, [*to_b, *to_c], to_c]
        for feed in (a, c):
            feed.next("heartbeat")


def test_a_person_who_leaves_for_another_prison_is_told_to_both(service: Service) -> None:
    north, south = service.prison(), service.prison()
    osei = posted_to(north, "osei", [(north.code, ""), (south.code, "")], "supervisor")
    ngata, brandt = north.hire("ngata", "officer", "A"), south.hire("brandt", "officer", "B")
    weir = north.receive("A1", "A")
    need = ngata.note(weir, needs=[{"code": "PHONE", "detail": "his sister, before noon"}])["needs"][0]["id"]
    with ngata.feed(after="now") as here, brandt.feed(after="now", unit="B") as there:
        assert here.until_live() == there.until_live() == []
        osei.post(
            f"/v1/inmates/{weir}/moves", {"establishment": south.code, "unit": "B", "reason": "Transferred to be near"}
        )
        moved, dropped = here.event(), here.event()
        assert (moved["type"], moved["data"]) == ("inmate.moved", {"id": weir, "status": "LEFT"})
        assert (dropped["type"], dropped["data"]) == ("need.updated", {"id": need, "status": "OPEN"})
        arrived, taken_up = there.event(), there.event()
        assert (arrived["type"], arrived["data"]["unit"]) == ("inmate.moved", "B")
        assert (taken_up["type"], taken_up["data"]["detail"]) == ("need.updated", "his sister, before noon")


def test_several_feeds_share_a_token_each_with_its_own_filter_and_position(prison: Prison) -> None:
    osei = prison.hire("osei", "supervisor")
    osei.note(unit="A")
    with osei.feed() as whole, osei.feed(unit="B") as wing, osei.feed(after="now") as fresh:
        assert [len(feed.until_live()) for feed in (whole, wing, fresh)] == [1, 0, 0]
        b = osei.note(unit="B")
        assert [feed.event()["data"] for feed in (whole, wing, fresh)] == [b, b, b]
        a = osei.note(unit="A")
        assert [feed.event()["data"] for feed in (whole, fresh)] == [a, a]
        wing.next("heartbeat")


# --- Pull ------------------------------------------------------------------------------------------------------------


def test_a_pull_goes_page_by_page_in_json_and_line_by_line_and_says_where_to_go_on(prison: Prison) -> None:
    hartmann, records = prison.hire("hartmann", "officer", "A"), hears_everything(prison)
    notes = [hartmann.note(unit="A") for _ in range(7)]
    first = records.get("/v1/events", limit=3)
    assert set(first) == {"items", "cursor", "more"}
    assert (ids(first["items"]), first["more"], first["cursor"]) == (
        ids(records.pull()[0][:3]),
        True,
        first["items"][-1]["cursor"],
    )
    answer, heard = records.http.get("/v1/events", params={"limit": 3}, headers=NDJSON), []
    while answer.text:
        assert answer.headers["content-type"].startswith("application/x-ndjson")
        lines = [json.loads(line) for line in answer.text.splitlines()]
        assert len(lines) <= 3
        heard += lines
        path = re.fullmatch(r'<([^>]+)>; rel="next"', answer.headers["link"])
        assert path
        answer = records.http.get(path[1], headers=NDJSON)
    assert [event["data"]["id"] for event in heard] == [note["id"] for note in notes]
    assert heard == records.pull()[0]


def test_a_pull_is_narrowed_by_type_and_unit_and_refuses_what_it_does_not_know(prison: Prison) -> None:
    hartmann, records = prison.hire("hartmann", "officer", "A"), hears_everything(prison)
    need = hartmann.note(unit="A", needs=[{"code": "PHONE"}])["needs"][0]["id"]
    prison.hire("brandt", "officer", "B").note(unit="B")
    assert [e["data"]["id"] for e in records.pull(type="need.opened")[0]] == [need]
    both = records.get("/v1/events", type=["need.opened", "note.recorded"], unit="A")
    assert [e["type"] for e in both["items"]] == ["note.recorded", "need.opened"]
    for wrong in ({"type": "note.read"}, {"limit": 0}, {"limit": 201}, {"wait": 31}, {"untl": "x"}, {"wait": -1}):
        told = records.get("/v1/events", 422, **wrong)
        assert told["errors"][0]["pointer"].startswith(f"/query/{next(iter(wrong))}")
    records.get("/v1/events", 404, unit="Z")
    records.get("/v1/events", 404, establishment="NOWHERE")


def test_a_waiting_pull_answers_as_soon_as_there_is_something_for_its_reader(database_url: str) -> None:
    quiet = Service(settings_for(database_url, poll_s=60))
    try:
        prison = quiet.prison()
        hartmann, ngata = prison.hire("hartmann", "officer", "A"), prison.hire("ngata", "officer", "A")
        brandt = prison.hire("brandt", "officer", "B")
        answers: list[tuple[float, Any]] = []

        def wait(after: str) -> None:
            answers.append((0, ngata.get("/v1/events", after=after, wait=30)))
            answers[-1] = (monotonic(), answers[-1][1])

        took = []
        for after in ("now", None):
            waiting = Thread(target=wait, args=(after or ngata.pull()[1],))
            waiting.start()
            eventually(lambda: _waits(quiet, prison.code, 1))
            for _ in range(3):
                brandt.note(unit="B")
            assert waiting.is_alive(), "what is not for this reader does not wake it"
            before = monotonic()
            note = hartmann.note(unit="A")
            waiting.join(20)
            assert not waiting.is_alive(), "it waits neither for its own end nor for the next look"
            when, page = answers[-1]
            assert [event["data"] for event in page["items"]] == [note]
            took.append(when - before)
        assert min(took) < 2, "on a busy machine one of them is soon"
    finally:
        quiet.stop()


def _waits(service: Service, code: str, how_many: int) -> bool:
    streams = service.app.state.parts.hub._streams
    return code in streams and len(streams[code].wakes) == how_many


def test_a_waiting_pull_gives_up_in_time_with_a_cursor_behind_what_was_not_for_it(prison: Prison) -> None:
    ngata, brandt = prison.hire("ngata", "officer", "A"), prison.hire("brandt", "officer", "B")
    began = monotonic()
    posting = Thread(target=lambda: [brandt.note(unit="B") for _ in range(5)])
    posting.start()
    page = ngata.get("/v1/events", after="now", wait=1)
    posting.join()
    assert page["items"] == []
    assert 0.9 < monotonic() - began < 3
    note = ngata.note(unit="A")
    assert [event["data"] for event in ngata.pull(page["cursor"])[0]] == [note]


def test_a_clock_that_was_set_back_neither_stops_nor_disorders_a_pull(service: Service, prison: Prison) -> None:
    other = service.prison()
    people = [p.hire("hartmann", "officer", "A") for p in (prison, other)]
    readers = hears_everything(prison), hears_everything(other, prison)
    for ahead in (20, 0):
        service.clock.ahead = timedelta(seconds=ahead)
        for _ in range(40):
            for who in people:
                who.note(unit="A")
    for reader in readers:
        answer = reader.http.get("/v1/events", params={"limit": 50}, timeout=10)
        events, _ = reader.pull(answer.json()["cursor"])
        heard = answer.json()["items"] + events
        for code in {event["source"] for event in heard}:
            numbers = [event["sequence"] for event in heard if event["source"] == code]
            assert numbers == list(range(1, 81))


# --- How a feed ends -------------------------------------------------------------------------------------------------


def test_a_frame_that_cannot_be_read_ends_the_feed_with_4400(prison: Prison) -> None:
    ngata = prison.hire("ngata", "officer", "A")
    half: list[str | bytes] = [
        '{"type": "auth"}',
        '{"type": "auth", "token": 5}',
        '{"type": "auth", "token": ""}',
        '{"type": "hello"}',
    ]
    more = '{"type": "auth", "token": "x", "scope": "all"}'
    for frame in ("no json", "", "[]", "{}", *half, more, b"\x00\xff"):
        with ngata.feed(after="now") as feed:
            feed.until_live()
            feed.socket.send(frame)
            code, reason = closed(feed)
        assert code == 4400, frame
        assert '{"type": "auth", "token": "..."}' in reason


def _knock(prison: Prison, headers: dict[str, str], **params: str) -> tuple[int, str]:
    url = f"{prison.service.url.replace('http', 'ws')}/v1/feed?{httpx.QueryParams(params)}"
    with connect(url, additional_headers=headers, subprotocols=["handover.v1"], proxy=None) as socket:  # type: ignore[list-item]
        return closed(Feed(socket))


def test_whoever_is_not_known_is_told_4401(prison: Prison) -> None:
    ngata = prison.hire("ngata", "officer", "A")
    for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": f"Basic {ngata.token}"}):
        assert _knock(prison, headers)[0] == 4401
    assert _knock(prison, {"Authorization": f"Bearer {ngata.refresh}"})[0] == 4401
    assert _knock(prison, {}, token=ngata.token)[0] == 4401, "a token does not belong into an address"


def test_what_is_not_the_readers_is_told_4403(service: Service, prison: Prison) -> None:
    ngata, other = prison.hire("ngata", "officer", "A"), service.prison()
    other.hire("brandt", "officer", "B").note(unit="B")
    roster = prison.connect("roster", "roster:read")
    for reader, params in (
        (ngata, {"establishment": other.code}),
        (ngata, {"establishment": "NOWHERE"}),
        (ngata, {"unit": "Z"}),
        (ngata, {"unit": "A", "establishment": other.code}),
        (roster, {}),
    ):
        with reader.feed(**params) as feed:
            code, reason = closed(feed)
        assert code == 4403, params
        assert other.code not in reason
    with ngata.feed(wing="A") as feed:
        assert closed(feed)[0] == 4400, "a word of its own: nobody has to be asked for rights"
    roster.get("/v1/events", 403)


# --- Slow readers ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def impatient(database_url: str, service: Service) -> Iterator[Service]:
    """A second service on the same store that waits a second and a half for a reader."""
    running = Service(settings_for(database_url, feed_send_s=1.5))
    running.clock = service.clock
    yield running
    running.stop()


def test_a_reader_that_stops_reading_is_cut_off_with_4408_while_20_others_hear_everything_at_once(
    impatient: Service, loud: Loud
) -> None:
    hartmann, ngata = (loud.at(impatient, name) for name in ("poster", "reader"))
    everything, _ = ngata.pull()
    cut = 'handover_feeds_closed_total{code="4408"}'
    latencies: list[float] = []
    before, largest = metric(impatient.url, cut), 0
    with audience([ngata] * 20, after="now") as others, stalled(ngata) as slow:
        assert slow.frame()["type"] == "hello"
        cut_at, deadline = 0.0, monotonic() + 15
        while not cut_at or monotonic() < cut_at + 1.5:  # then it has had no ear for its close frame for a while
            assert monotonic() < deadline, "the slow reader was not cut off"
            cut_at = cut_at or (monotonic() if metric(impatient.url, cut) > before else 0)
            began = monotonic()
            note = hartmann.note(unit="A")
            eventually(lambda note=note: others.count(note["id"]) == 20, 5, 0.002)  # type: ignore[misc]
            latencies += [when - began for when in others.heard[note["id"]]]
            everything += [{"id": None, "data": note}]
            largest = max(
                largest, *(c.transport.get_write_buffer_size() for c in impatient.server.server_state.connections)
            )
        heard, *end = read_on(slow, 20)
    assert end == [4408, "Too slow; come back with your cursor."]
    assert sorted(latencies)[int(len(latencies) * 0.99)] < 0.5, "far less than the slow one is waited for"
    assert others.ends == []
    assert 64 * 1024 < largest < 64 * 1024 + 2 * 60_000, "what a slow reader keeps in memory is bounded"
    rest, _ = ngata.pull(heard[-1]["cursor"])
    assert [e["data"]["id"] for e in heard + rest] == [e["data"]["id"] for e in everything], "nothing is lost"


# --- What was taken back ---------------------------------------------------------------------------------------------


def test_text_that_was_taken_back_is_in_no_replay_no_pull_no_tail_and_no_repeated_answer(prison: Prison) -> None:
    hartmann, ngata = prison.hire("hartmann", "officer", "A"), prison.hire("ngata", "officer", "A")
    records = hears_everything(prison)
    weir = prison.receive("A4417KD")
    draft = {
        "inmate": weir,
        "basis": "SAW",
        "fact": "zebra in the yard",
        "opinion": "zebra by heart",
        "confidence": "LOW",
        "if_then": "zebra at night: call",
        "needs": [
            {"code": "PHONE", "promised": True, "detail": "zebra call"},
            {"code": "FOOD", "detail": "zebra food"},
        ],
    }
    start = records.pull("now")[1]
    seen: list[str] = []
    with records.feed(after="now") as tail:
        assert tail.until_live() == []
        note = hartmann.post("/v1/notes", draft, 201, **{"Idempotency-Key": "first"})
        path = f"/v1/notes/{note['id']}"
        receipt = {"kind": "QUERY", "text": "Which zebra?"}
        ngata.post(f"{path}/receipts", receipt, 201, **{"Idempotency-Key": "second"})
        need = f"/v1/needs/{note['needs'][1]['id']}"
        done = {"status": "DONE", "outcome": "zebra was given bread"}
        tag = ngata.http.get(need).headers["etag"]
        assert ngata.http.patch(need, json=done, headers={"If-Match": tag}).status_code == 200
        live = [tail.event() for _ in range(5)]
        assert all("zebra" in json.dumps(event["data"]) for event in live), "until then it is told"
        hartmann.post(f"{path}/retractions", {"reason": "WRONG_PERSON", "detail": "zebra was another"})
        eventually(lambda: tail.event()["type"] == "note.retracted")
        # From here on, whoever asks for whatever: every byte that comes is kept and looked through.
        for reader in (records, ngata, hartmann):
            for cursor in (None, start, *(event["cursor"] for event in live)):
                params = {"after": cursor} if cursor else {}
                seen.append(reader.http.get("/v1/events", params=params).text)
                seen.append(reader.http.get("/v1/events", params=params, headers=NDJSON).text)
                with reader.feed(**params) as feed:
                    while '"live"' not in (frame := str(feed.socket.recv(5))):
                        seen.append(frame)
            seen += [reader.http.get(p).text for p in (path, f"{path}/receipts", need, "/v1/notes", "/v1/needs")]
        seen.append(hartmann.http.post("/v1/notes", json=draft, headers={"Idempotency-Key": "first"}).text)
        seen.append(ngata.http.post(f"{path}/receipts", json=receipt, headers={"Idempotency-Key": "second"}).text)
    assert note["id"] in "".join(seen)
    assert [text for text in seen if "zebra" in text] == []
    blanked = [event for event in records.pull(start)[0] if event["id"] in ids(live)]
    assert [set(event["data"]) for event in blanked] == [{"id", "status"}] * 5


def test_text_that_was_taken_back_is_gone_from_the_other_prison_that_a_need_went_to(service: Service) -> None:
    north, south, east = service.prison(), service.prison(), service.prison()
    osei = posted_to(north, "osei", [(p.code, "") for p in (north, south, east)], "supervisor")
    hartmann = north.hire("hartmann", "officer", "A")
    weir = north.receive("A1", "A")
    readers = [place.hire("ngata", "officer", "B") for place in (south, east)]
    with readers[0].feed(after="now") as kept_warm, readers[1].feed(after="now") as here:
        assert kept_warm.until_live() == here.until_live() == []
        note = hartmann.note(weir, needs=[{"code": "FAMILY_WELFARE", "detail": "zebra"}])
        for place, feed in ((south, kept_warm), (east, here)):
            osei.post(f"/v1/inmates/{weir}/moves", {"establishment": place.code, "unit": "B", "reason": "Transferred"})
            came = [feed.event() for _ in range(3)]
            assert [event["type"] for event in came] == ["inmate.moved", "need.updated", "handover.offered"]
            assert ["zebra" in json.dumps(event) for event in came] == [False, True, True], "the note comes along"
        hartmann.post(f"/v1/notes/{note['id']}/retractions", {"reason": "NOT_TRUE"})
        assert here.event()["data"]["detail"] is None
        updated = here.event()
        assert (updated["type"], "zebra" in json.dumps(updated)) == ("handover.updated", False)
        [taken_back] = [item["content"] for item in updated["data"]["items"] if item["note"] == note["id"]]
        assert (taken_back["status"], taken_back["needs"]) == ("RETRACTED", [])
        for reader in readers:
            with reader.feed() as again:
                assert "zebra" not in json.dumps(again.until_live())


@pytest.fixture
def patient(service: Service) -> Iterator[Service]:
    """A second service on the same store that waits a minute for a reader."""
    running = Service(service.settings.model_copy(update={"feed_send_s": 60.0}))
    yield running
    running.stop()


def test_a_replay_that_is_under_way_leaves_out_what_is_taken_back_meanwhile(patient: Service, loud: Loud) -> None:
    ngata = loud.at(patient, "ngata")
    sequences = {e["data"]["id"]: e["sequence"] for e in ngata.pull(type="note.recorded")[0]}
    with ngata.feed(after="now") as current, stalled(ngata) as slow:
        current.until_live()
        assert slow.frame()["type"] == "hello"

        def sent() -> int:
            """How far the replay has come: the service looks, and measures, with every note it tells."""
            note = loud.hartmann.note(unit="A")
            while (event := current.event())["data"]["id"] != note["id"]:
                pass
            return int(event["sequence"] - metric(patient.url, "handover_feed_behind_events"))

        def stands_still() -> int:
            before = sent()
            Event().wait(0.3)
            return before if before == sent() > 5 else 0

        position = eventually(stands_still, 20)
        taken_back = [note for note in loud.notes if sequences[note["id"]] > position + 1][:5]
        assert len(taken_back) == 5
        for note in taken_back:
            loud.hartmann.post(f"/v1/notes/{note['id']}/retractions", {"reason": "NOT_TRUE"})
            eventually(lambda: current.event()["type"] == "note.retracted")
        frames = []
        while '"live"' not in (frame := str(slow.socket.recv(20))):
            frames.append(frame)
    text = "".join(frames)
    assert loud.notes[0]["fact"] in text
    assert [note["fact"] for note in taken_back if note["fact"] in text] == []


def test_who_catches_up_gives_way_to_what_is_being_written_but_not_for_ever(
    patient: Service, loud: Loud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "GIVE_WAY_S", 2.0)
    written = Event()
    with stalled(loud.at(patient, "okafor")) as slow:
        assert slow.frame()["type"] == "hello"
        began, told = monotonic(), 0
        patient.desk.store.write(lambda _batch: written.wait(30))
        try:
            while '"live"' not in (frame := str(slow.socket.recv(20))):
                told += "secret-" in frame
            took = monotonic() - began
        finally:
            written.set()
    assert took > 1.5, "it waited while something was being written"
    assert told, "and then went on all the same"


def test_what_is_kept_of_many_prisons_is_bounded_and_nobody_misses_anything(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "TAILS", 9)
    monkeypatch.setattr(hub, "SHORTEST", 2)
    prisons = [service.prison() for _ in range(3)]
    officers = [prison.hire("hartmann", "officer", "A") for prison in prisons]
    with ExitStack() as feeds:
        opened = [feeds.enter_context(officer.feed(after="now")) for officer in officers]
        for feed in opened:
            feed.until_live()
        written = [[officer.note(unit="A", fact=f"Note {n}.")["id"] for n in range(8)] for officer in officers]
        assert [[feed.event()["data"]["id"] for _ in range(8)] for feed in opened] == written
        streams = service.app.state.parts.hub._streams
        assert [len(streams[prison.code].tail) for prison in prisons] == [3, 3, 3]


@pytest.fixture
def forgetful(database_url: str) -> Iterator[Service]:
    """Another service on the same store that keeps next to nothing in memory, so that whoever comes back reads from the
    store."""
    running = Service(settings_for(database_url, tail_events=2, queue_s=60))
    yield running
    running.stop()


def test_what_many_missed_is_read_once_for_all_and_never_tells_what_was_taken_back_since(
    prison: Prison, forgetful: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(missed, "PAGE", 20)
    read: list[int] = []
    past = missed.past

    def spied(conn: Any, store_id: str, place: str, position: int) -> Any:
        read.append(position)
        return past(conn, store_id, place, position)

    hartmann, records = prison.hire("hartmann", "officer", "A"), hears_everything(prison)
    ngata, brandt = (prison.hire(name, "officer", unit) for name, unit in (("ngata", "A"), ("brandt", "B")))
    notes = [hartmann.note(unit="A", fact=f"zebra {n}.") for n in range(110)]
    here = [who.at(forgetful) for who in (records, ngata, brandt)]
    with here[0].feed(after="now") as first, ExitStack() as feeds:
        first.until_live()  # the stream has begun: what it reads itself is behind it
        monkeypatch.setattr(missed, "past", spied)
        opened = [feeds.enter_context(who.feed()) for who in here for _ in range(4)]
        heard = [[event["data"]["id"] for event in feed.until_live() if "fact" in event["data"]] for feed in opened]
        assert heard == [[note["id"] for note in notes]] * 8 + [[]] * 4, "each what is his or hers to hear"
        assert sorted(read) == list(range(0, len(notes), 20)), "each page once, whoever wants it"
        for note in notes[::40]:
            hartmann.post(f"/v1/notes/{note['id']}/retractions", {"reason": "NOT_TRUE"})
        with here[1].feed() as again:
            told = json.dumps([event["data"] for event in again.until_live()])
        assert [note["fact"] for note in notes if note["fact"] not in told] == [note["fact"] for note in notes[::40]]


def test_of_many_who_missed_the_same_handover_each_hears_his_or_her_part(prison: Prison, forgetful: Service) -> None:
    hartmann, osei = prison.hire("hartmann", "officer", "A"), prison.hire("osei", "supervisor", "A")
    records = hears_everything(prison)
    weir = prison.receive("A4417KD")
    for n in range(3):
        hartmann.note(weir, fact=f"zebra {n}.", needs=[{"code": "PHONE"}])
        osei.note(weir, fact=f"horse {n}.", handling="SECURITY")
    offer = {"establishment": prison.code, "unit": "A"}
    hartmann.post("/v1/handovers", offer, 201)
    hartmann.note(weir, fact="zebra after it.")
    here = [who.at(forgetful) for who in (hartmann, osei, records)]
    told: dict[str, list[Any]] = {}
    with here[0].feed(after="now") as first:
        first.until_live()  # the stream has begun, and what was missed is behind it
        for who in here * 3:
            with who.feed() as feed:
                heard = feed.until_live()
            assert heard == who.pull()[0], f"{who.name} hears what the other door says"
            assert told.setdefault(who.name, heard) == heard
    parts = [json.dumps([e["data"] for e in heard if e["type"] == "handover.offered"]) for heard in told.values()]
    assert len(set(parts)) == len(parts), "to each another part of it"


def test_many_who_come_at_once_are_opened_a_few_at_a_time(
    prison: Prison, forgetful: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    listen, now, most = hub.Hub.listen, 0, 0

    async def slowly(self: hub.Hub, *args: Any) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.2)
        await listen(self, *args)
        now -= 1

    monkeypatch.setattr(hub.Hub, "listen", slowly)
    ngata = prison.hire("ngata", "officer", "A")
    here = ngata.at(forgetful)
    with ExitStack() as feeds:
        opened = [feeds.enter_context(here.feed(after="now")) for _ in range(3 * hub.OPENING)]
        for feed in opened:
            feed.until_live()
    assert 0 < most <= hub.OPENING


# --- What the server knows -------------------------------------------------------------------------------------------


def test_what_the_service_has_written_itself_is_told_as_it_stands_there_without_being_read(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet, looked, news = Service(settings_for(database_url, poll_s=60)), Event(), latest.news

    def spied(*asked: Any) -> latest.News:
        looked.set()
        return news(*asked)

    try:
        prison, other = quiet.prison(), quiet.prison()
        officers = [prison.hire("hartmann", "officer", "A"), prison.hire("osei", "supervisor", "A")]
        records, weir = hears_everything(prison), prison.receive("A4417KD")
        with records.feed(after="now") as feed, other.hire("brandt", "officer", "A").feed(after="now") as another:
            feed.until_live()
            another.until_live()
            first = officers[0].note(weir)
            heard = [feed.event()]  # from here on the end of the log is known by name
            monkeypatch.setattr(latest, "news", spied)
            quiet.clock.frozen = quiet.clock().replace(microsecond=0)  # a whole second is told without a fraction
            officers[0].note(weir, fact='Käse, 日本, "so".', needs=[{"code": "PHONE"}, {"code": "LEGAL"}])
            quiet.clock.frozen = None
            with ThreadPoolExecutor(6) as pool:
                list(pool.map(lambda n: officers[n % 2].note(weir, fact=f"zebra {n}."), range(18)))
            heard += [feed.event() for _ in range(21)]
            assert not looked.is_set()
            assert heard == records.pull()[0][-22:]
            officers[0].post(f"/v1/notes/{first['id']}/retractions", {"reason": "NOT_TRUE"})
            assert feed.event()["type"] == "note.retracted"
            assert looked.is_set(), "what may have been rewritten is not told from memory"
    finally:
        quiet.stop()


def test_a_look_that_fails_does_not_take_the_news_with_it(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody comes in just after a bell, and that one reading of the store fails."""
    quiet, news, newcomers = Service(settings_for(database_url, poll_s=60)), latest.news, []
    try:
        prison = quiet.prison()
        hartmann, ngata = prison.hire("hartmann", "officer", "A"), prison.hire("ngata", "officer", "A")
        here = quiet.app.state.parts.hub
        with ngata.feed(after="now") as feed:
            feed.until_live()
            hartmann.note(unit="A")
            feed.event()  # the end of the log is known by name
            ring, refused = here._ring, Event()

            def fails(*_asked: Any) -> latest.News:
                raise Unavailable("The store cannot be read right now; try again.")

            async def comes_in() -> None:
                with pytest.raises(Unavailable):
                    await here._look()
                monkeypatch.setattr(latest, "news", news)
                refused.set()

            def rings(told: Any) -> None:
                monkeypatch.setattr(here, "_ring", ring)
                monkeypatch.setattr(latest, "news", fails)
                ring(told)
                newcomers.append(asyncio.ensure_future(comes_in()))

            monkeypatch.setattr(here, "_ring", rings)
            began = monotonic()
            note = hartmann.note(unit="A")
            assert refused.wait(10)
            assert feed.event()["data"] == note
            assert monotonic() - began < 20, "without waiting for the next look, which is in a minute"
    finally:
        quiet.stop()


def test_one_change_that_makes_more_events_than_a_look_takes_in_is_told_whole_at_once(
    service: Service, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(latest, "PAGE", 7)
    quiet = Service(settings_for(database_url, poll_s=60))
    try:
        prison = quiet.prison()
        hartmann, records = prison.hire("hartmann", "officer", "A"), hears_everything(prison)
        weir, doubled = prison.receive("A1"), prison.receive("A2")
        for _ in range(40):
            hartmann.note(doubled)
        with records.feed(after="now") as feed:
            feed.until_live()
            began = monotonic()
            prison.admin.post(f"/v1/inmates/{weir}/merges", {"from": doubled})
            told = [feed.event() for _ in range(41)]
            assert monotonic() - began < 30, "without waiting for the next look, which is in a minute"
        assert {event["type"] for event in told} == {"inmate.merged"}
        first = told[0]["sequence"]
        assert [event["sequence"] for event in told] == list(range(first, first + 41))
    finally:
        quiet.stop()


def _beats_within(feed: Feed, seconds: float) -> int:
    deadline, beats = monotonic() + seconds, 0
    while (left := deadline - monotonic()) > 0:
        try:
            assert feed.frame(left)["type"] == "heartbeat"
        except TimeoutError:
            break
        beats += 1
    return beats


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # the embedded store is a file: never away
def test_a_feed_does_not_say_that_all_is_quiet_while_the_store_is_away_and_then_misses_nothing(
    prison: Prison, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "BLIND_AFTER_S", 0.3)
    hartmann, ngata = prison.hire("hartmann", "officer", "A"), prison.hire("ngata", "officer", "A")
    with ngata.feed(after="now") as feed:
        feed.until_live()
        with away(prison.service.settings.database_url):
            with ngata.feed(after="now") as hopeful:
                assert closed(hopeful)[0] == 1013
            beats = _beats_within(feed, 2.5)
            assert beats <= 1, "what was on its way when the store went"
        note = hartmann.note(unit="A")
        assert feed.event()["data"] == note
        assert feed.next("heartbeat")


# --- The server's end ------------------------------------------------------------------------------------------------


def test_a_stop_takes_under_2_s_with_50_feeds_a_stalled_one_and_a_waiting_pull(service: Service, loud: Loud) -> None:
    stopping, auditor = Service(service.settings), loud.prison.hire("auditor", "auditor")
    ngata, waiter = (loud.at(stopping, name) for name in ("nightly", "waiter"))
    answers: list[httpx.Response] = []

    def wait() -> None:
        bearer = {"Authorization": f"Bearer {waiter.token}"}
        url = f"{stopping.url}/v1/events?after=now&wait=30"
        answers.append(httpx.get(url, headers=bearer, timeout=40, trust_env=False, verify=False))

    waiting = Thread(target=wait)
    with audience([ngata] * 50, after="now") as feeds, stalled(ngata) as slow:
        assert slow.frame()["type"] == "hello"
        waiting.start()
        eventually(lambda: _waits(stopping, loud.prison.code, 52))
        began = monotonic()
        stopping.stop()
        took = monotonic() - began
        waiting.join(3)
        eventually(lambda: len(feeds.ends) == 50)
    assert took < 2
    assert set(feeds.ends) <= {1001, 1012}, "going away, or service restart: come back with your cursor"
    assert (answers[0].status_code, answers[0].json()["items"]) == (200, [])
    opened, ended = (
        auditor.all("/v1/access-log", action=action, actor=ngata.name) for action in ("feed.open", "feed.close")
    )
    assert len(ended) == 51, "every feed that was opened has a line that says how far it came"
    assert len(opened) == 51
    assert all(line["detail"]["sequences"][loud.prison.code] for line in ended)


def test_a_feed_leaves_its_last_line_even_where_the_stop_had_to_cancel_it(service: Service) -> None:
    stopping = Service(service.settings)
    prison = stopping.prison()
    ngata, auditor = prison.hire("ngata", "officer", "A"), prison.hire("auditor", "auditor")
    with ngata.feed(after="now") as feed:
        feed.until_live()
        busy = Event()
        stopping.desk.store.write(lambda _batch: busy.wait(1.5))
        stopping.stop()
    reader = service.login(auditor.name)
    assert len(reader.all("/v1/access-log", establishment=prison.code, action="feed.close", actor=ngata.name)) == 1
