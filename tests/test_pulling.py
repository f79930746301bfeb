"""A page of a pull is put together in its own way, and an ordinary query goes its own way: neither may show."""

import json
from datetime import UTC, datetime
from itertools import accumulate
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handover.services.cursors import cursor_of, cursors_of
from tests.support.readers import READS, hears_everything
from tests.support.service import Caller, Prison, Service

NDJSON = {"Accept": "application/x-ndjson"}
EACH_TIME = ("date", "x-request-id", "ratelimit", "link")
"""What differs from answer to answer; `link` names the query."""


@pytest.fixture
def eventful(prison: Prison) -> Prison:
    """A prison of this test's own in which something happened."""
    return where_something_happened(prison)


@pytest.fixture(scope="module")
def quiet(service: Service) -> tuple[str, Caller]:
    """Another, in which nothing more happens, and who hears everything there: for tests that only ask."""
    prison = where_something_happened(service.prison())
    return prison.code, hears_everything(prison)


def where_something_happened(prison: Prison) -> Prison:
    """A prison after something of each kind, on the second."""
    hartmann, ngata = prison.hire("hartmann", "officer", "A"), prison.hire("ngata", "officer", "A")
    weir, kelly = prison.receive("A4417KD"), prison.receive("B1001KD", name='O"Brien, \N{OLD KEY}')
    noted = hartmann.note(weir, fact='Said "no" \\ twice. \N{OLD KEY}', needs=[{"code": "PHONE"}])
    need = noted["needs"][0]["id"]
    prison.service.clock.frozen = datetime.now(UTC).replace(microsecond=0)
    try:
        gone = hartmann.note(kelly, fact="zebra")
        hartmann.note(unit="A", fact="The kettle is broken.")
    finally:
        prison.service.clock.frozen = None
    ngata.post(f"/v1/notes/{noted['id']}/receipts", {"kind": "QUERY", "text": "Which twice?"})
    changed = {"status": "DONE", "outcome": "Called."}
    assert ngata.http.patch(f"/v1/needs/{need}", json=changed, headers={"If-Match": '"1"'}).status_code == 200
    better = {"inmate": weir, "basis": "SAW", "fact": "Said it once."}
    hartmann.post(f"/v1/notes/{noted['id']}/corrections", {"reason": "Misheard", "note": better})
    hartmann.post(f"/v1/notes/{gone['id']}/retractions", {"reason": "WRONG_PERSON"})
    handover = hartmann.post("/v1/handovers", {"establishment": prison.code, "unit": "A"})
    ngata.post(f"/v1/handovers/{handover['id']}/acceptance", {})
    return prison


def readers(prison: Prison) -> list[Caller]:
    """Who may read everything, only some of it, and only that there was something."""
    return [
        hears_everything(prison),
        prison.hire("osei", "officer", "A"),
        prison.hire("brandt", "officer", "B"),
        prison.connect("roster", "events:read", "roster:read"),
        prison.connect("no-notes", *(scope for scope in READS if scope != "notes:read")),
    ]


def test_a_pull_tells_every_event_in_the_words_of_the_feed(eventful: Prison) -> None:
    here, seen = eventful.code, set()
    for reader in readers(eventful):
        lines = reader.http.get("/v1/events", params={"establishment": here, "limit": 200}, headers=NDJSON).text
        page = reader.http.get("/v1/events", params={"establishment": here, "limit": 200}).text
        frames = []
        with reader.feed(establishment=here) as feed:
            while '"live"' not in (frame := str(feed.socket.recv(5))):
                frames.append(frame)
        told = [frame.removeprefix('{"type":"event","event":').removesuffix("}") for frame in frames[1:]]
        assert told
        assert lines == "".join(event + "\n" for event in told)
        assert page.startswith('{"items":[' + ",".join(told) + '],"cursor":"')
        assert "zebra" not in page
        seen |= {event["type"] for event in map(json.loads, told)}
        whole = [
            event for event in map(json.loads, told) if event["type"] == "note.recorded" and len(event["data"]) > 2
        ]
        assert [event["time"] for event in whole] == [event["data"]["recorded_at"] for event in whole]
    assert {"note.recorded", "note.retracted", "need.updated", "handover.accepted", "inmate.updated"} <= seen


def test_a_pull_by_hand_ends_where_the_page_before_it_said(eventful: Prison) -> None:
    for reader in readers(eventful):
        whole = reader.get("/v1/events", limit=200)
        assert not whole["more"]
        for limit in (1, 3):
            items: list[Any] = []
            cursor, more = None, True
            while more:
                page = reader.get("/v1/events", limit=limit, **({"after": cursor} if cursor else {}))
                assert len(page["items"]) <= limit
                items, cursor, more = items + page["items"], page["cursor"], page["more"]
            assert (items, cursor) == (whole["items"], whole["cursor"])
        assert [reader.pull(event["cursor"])[0] for event in items] == [items[i + 1 :] for i in range(len(items))]


def test_of_several_prisons_a_pull_tells_each_event_as_that_prison_does(service: Service) -> None:
    north, south = service.prison(), service.prison()
    here, there = north.hire("hartmann", "officer", "A"), south.hire("ngata", "officer", "A")
    for _ in range(2):
        here.note(unit="A"), there.note(unit="A")
    both = hears_everything(north, south)

    def told(**where: Any) -> list[Any]:
        return [{**event, "cursor": None} for event in both.get("/v1/events", limit=200, **where)["items"]]

    alone = told(establishment=north.code) + told(establishment=south.code)
    assert sorted(told(), key=lambda event: str(event["id"])) == sorted(alone, key=lambda event: str(event["id"]))


def test_of_several_prisons_each_event_says_where_to_go_on_among_much_that_is_not_asked_for(service: Service) -> None:
    prisons = service.prison(), service.prison(), service.prison()
    officers = [prison.hire("hartmann", "supervisor", "") for prison in prisons]
    for n in range(24):
        officers[n % 3].note(unit="A" if n % 5 == 0 else "B")
    reader = hears_everything(*prisons)
    whole = reader.get("/v1/events", limit=200, unit="A")["items"]
    assert len(whole) == 5
    for i, event in enumerate(whole):
        following, cursor = [], event["cursor"]
        while page := reader.get("/v1/events", limit=1, unit="A", after=cursor)["items"]:
            following += page
            cursor = page[-1]["cursor"]
        assert following == whole[i + 1 :]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "limit=1",
        "limit=200",
        "limit=200&establishment={here}",
        "limit=3&unit=A&establishment={here}",
        "after={cursor}&limit=2",
        "after=now",
        "establishment=NOWHERE",
        "unit=Z",
        "after=nonsense",
        "after={cursor}x",
        "limit=0",
        "limit=201",
        "limit=007",
        "limit=1%0A",
        "limit=x",
        "limit=",
        "limit=1&limit=1",
        "after=",
        "after=" + "A" * 32_769,
        "establishment=north",
        "unit=%00",
        "unit=a%20b",
        "type=note.recorded",
        "type=note.read",
        "untl=1",
        "limit=2;after=now",
    ],
)
def test_an_ordinary_query_is_answered_as_any_other(quiet: tuple[str, Caller], query: str) -> None:
    here, reader = quiet
    asked = query.format(here=here, cursor=reader.get("/v1/events", limit=2)["cursor"])
    for headers in ({}, NDJSON, {"Authorization": "Bearer nothing"}, {"Authorization": ""}):
        # A wait of none at all means nothing, and is out of the ordinary.
        straight, plain = (
            reader.http.get(f"/v1/events?{asked}{more}", headers=headers)
            for more in ("", "&wait=0" if asked else "wait=0")
        )
        assert straight.status_code == plain.status_code
        said = [
            {name: value for name, value in answer.headers.items() if name not in EACH_TIME}
            for answer in (straight, plain)
        ]
        assert said[0] == said[1]
        texts = [answer.text.replace(answer.headers["x-request-id"], "") for answer in (straight, plain)]
        assert texts[0] == texts[1]
        assert straight.headers.get("link", "").replace("wait=0&", "") == plain.headers.get("link", "").replace(
            "wait=0&", ""
        )


@pytest.mark.parametrize(
    "query",
    [
        "",
        "limit=2",
        "limit=2&type=note.recorded&type=note.corrected",
        "type=note%2Erecorded&limit=2&after={cursor}",
        "after={cursor}&establishment={here}&wait=0",
        "after=now&limit=1",
    ],
)
def test_the_link_asks_the_same_again_after_what_was_told(quiet: tuple[str, Caller], query: str) -> None:
    here, reader = quiet
    asked = query.format(here=here, cursor=reader.get("/v1/events", limit=2)["cursor"])
    answer = reader.http.get(f"/v1/events?{asked}")
    path, _, following = answer.links["next"]["url"].partition("?")
    assert path == "/v1/events"
    same = [pair for pair in parse_qsl(asked) if pair[0] != "after"]
    assert parse_qsl(following) == [*same, ("after", answer.json()["cursor"])]


@given(
    store=st.text("0123456789abcdef-", min_size=1, max_size=40),
    place=st.text("ABCDEF0123456789_-", min_size=1, max_size=16),
    first=st.one_of(st.integers(1, 2_000), st.sampled_from([9, 99, 9_990, 99_999, 10**9])),
    steps=st.lists(st.integers(1, 12), max_size=30),
)
def test_cursors_made_in_one_go_are_those_made_one_by_one(store: str, place: str, first: int, steps: list[int]) -> None:
    sequences = list(accumulate(steps, initial=first))
    assert cursors_of(store, place, sequences) == [cursor_of(store, {place: one}) for one in sequences]
    assert cursors_of(store, place, []) == []
