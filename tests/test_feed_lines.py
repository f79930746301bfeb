"""How events leave: as frames made once for all who hear the same, or the plain way, and nobody can tell which."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode

from handover import app
from handover.errors import Invalid
from handover.feed import protocol
from handover.feed.socket import Feed as OpenFeed
from handover.services import accounts
from handover.services.hearing import Ear
from handover.store.eventlog import Sort
from tests.support.readers import READS, eventually, hears_everything, metric, read_on, stalled
from tests.support.service import Caller, Feed, Prison, Service, settings_for

Taken = dict[str, list[bool]]


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> Taken:
    """By reader: whether what was new was taken in the hub's pass, each time."""
    told: Taken = {}
    take = OpenFeed.take

    def spied(feed: OpenFeed, new: Any) -> bool:
        told.setdefault(feed.session.principal.username, []).append(took := take(feed, new))
        return took

    monkeypatch.setattr(OpenFeed, "take", spied)
    return told


# --- Frames ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 200_000])
def test_a_ready_frame_is_what_the_library_would_have_made(size: int) -> None:
    text = ("\N{OLD KEY}" * size).encode()[: size // 4 * 4].decode() + "x" * (size % 4)
    frame = protocol.framed(text)
    assert frame == Frame(Opcode.TEXT, text.encode()).serialize(mask=False)
    assert protocol.text_of(frame) == text


# --- The two ways ----------------------------------------------------------------------------------------------------


def _another_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "FeedProtocol", WebSocketsSansIOProtocol)


def _compressed(monkeypatch: pytest.MonkeyPatch) -> None:
    config = uvicorn.Config
    monkeypatch.setattr(uvicorn, "Config", lambda *a, **kw: config(*a, **{**kw, "ws_per_message_deflate": True}))


@pytest.fixture(params=[_another_server, _compressed])
def plain(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, service: Service) -> Iterator[Service]:
    """A second service on the same store whose frames go the plain way."""
    how: Callable[[pytest.MonkeyPatch], None] = request.param
    how(monkeypatch)
    running = Service(service.settings.model_copy(update={"heartbeat_s": 20.0}))
    yield running
    running.stop()


@pytest.fixture
def ready(service: Service) -> Iterator[Service]:
    """The same with ready frames."""
    running = Service(service.settings.model_copy(update={"heartbeat_s": 20.0}))
    yield running
    running.stop()


def test_a_reader_is_sent_the_same_the_one_way_and_the_other(
    prison: Prison, ready: Service, plain: Service, taken: Taken
) -> None:
    other = prison.service.prison()
    hartmann, keyes = prison.hire("hartmann", "officer", "A"), other.hire("keyes", "officer", "A")
    one, both = hears_everything(prison), hears_everything(other, prison)
    thin = prison.connect("thin", "events:read", "roster:read")
    weir = prison.receive("A4417KD")
    for n in range(150):  # more than one page
        hartmann.note(weir, fact=f"\N{OLD KEY} {n}", needs=[{"code": "PHONE"}] if n % 10 == 0 else [])
    keyes.note(unit="A")
    readers = (one, both, thin)
    with ExitStack() as feeds:
        pairs = [[feeds.enter_context(who.at(service).feed()).socket for service in (ready, plain)] for who in readers]
        for quick, slow in pairs:
            while True:
                frame = quick.recv(5)
                assert frame == slow.recv(5)
                if '"live"' in str(frame):
                    break
        hartmann.note(weir, needs=[{"code": "PHONE"}, {"code": "FAITH"}])
        hartmann.note(weir, fact="long " * 150)
        for quick, slow in pairs:
            for _ in range(4):
                frame = quick.recv(5)
                assert frame == slow.recv(5)
                assert '"event"' in str(frame)
    for who in readers:
        assert True in taken[who.name], "with ready frames, in the hub's pass"
        assert False in taken[who.name], "the plain way, by its own task"


# --- Who hears what --------------------------------------------------------------------------------------------------


def test_feeds_of_different_rights_in_one_pass_hear_what_each_would_pull(prison: Prison, taken: Taken) -> None:
    hartmann, ngata = prison.hire("hartmann", "officer", "A"), prison.hire("ngata", "officer", "A")
    brandt, osei = prison.hire("brandt", "officer", "B"), prison.hire("osei", "supervisor")
    noor, keyes = prison.hire("noor", "health"), prison.hire("keyes", "governor", "A")
    offices, thin = prison.connect("offices", *READS), prison.connect("thin", "events:read")
    everyone = [hartmann, ngata, brandt, osei, noor, keyes, offices, thin, hears_everything(prison)]
    with ExitStack() as opened:
        feeds: list[tuple[Caller, dict[str, str], Feed]] = [
            (who, {}, opened.enter_context(who.feed(after="now"))) for who in everyone
        ]
        feeds += [(who, {"unit": "A"}, opened.enter_context(who.feed(after="now", unit="A"))) for who in everyone]
        cursors = [feed.frame()["cursor"] for _, _, feed in feeds]
        assert {feed.frame()["type"] for _, _, feed in feeds} == {"live"}
        for handling in ("UNIT", "ESTABLISHMENT", "HEALTH", "SECURITY", "COMPLAINT"):
            for author, unit in ((hartmann, "A"), (brandt, "B"), (osei, "A")):
                author.note(unit=unit, handling=handling, needs=[{"code": "PHONE", "detail": handling}])
        prison.receive("A4417KD", "B")
        counts = set()
        for (who, wanted, feed), cursor in zip(feeds, cursors, strict=True):
            pulled, _ = who.pull(cursor, **wanted)
            assert [feed.event() for _ in pulled] == pulled, who.name
            counts.add(len(pulled))
            assert feed.next("heartbeat", 3), "and nothing more"
    assert len(counts) > 5, "they do hear different things"
    assert all(True in taken[who.name] for who in everyone)


@pytest.mark.parametrize("name", ["a|b", "a b", "a\n", ""])
def test_no_name_ends_like_another_in_what_decides_who_hears(prison: Prison, name: str) -> None:
    with pytest.raises(Invalid, match="letters, digits"):
        prison.service.do(
            lambda uow: accounts.add_client(
                uow, prison.service.hasher, name, name="", scopes=("events:read",), establishments=(prison.code,)
            )
        )


def test_an_event_is_judged_once_for_all_who_are_equal_and_anew_for_whoever_wrote_it(
    prison: Prison, monkeypatch: pytest.MonkeyPatch
) -> None:
    crew = [prison.hire(f"officer{n}", "officer", "A") for n in range(6)]
    judged: list[str] = []
    hears = Ear.hears

    def spied(ear: Ear, place: str, sort: Sort) -> bool:
        judged.append(ear.who.username)
        return hears(ear, place, sort)

    with ExitStack() as opened:
        feeds = [opened.enter_context(who.feed(after="now")) for who in crew]
        for feed in feeds:
            feed.until_live()
        monkeypatch.setattr(Ear, "hears", spied)
        note = crew[0].note(unit="A", handling="HEALTH")
        assert feeds[0].event()["data"] == note, "the author can always read it"
        shared = crew[0].note(unit="A")
        assert [feed.event()["data"] for feed in feeds] == [shared] * 6, "the others cannot"
    assert len(judged) == 4, "twice each: for the author, and for everybody else"


# --- Slow readers ----------------------------------------------------------------------------------------------------


def test_a_live_reader_that_stops_reading_leaves_the_pass_and_is_cut_off_with_4408(
    database_url: str, prison: Prison, taken: Taken
) -> None:
    impatient = Service(settings_for(database_url, feed_send_s=1.0))
    try:
        hartmann, ngata = (prison.hire(name, "officer", "A").at(impatient) for name in ("hartmann", "ngata"))
        needs = [{"code": "INFORMATION", "detail": "\N{OLD KEY}" * 500} for _ in range(5)]
        cut, largest = 'handover_feeds_closed_total{code="4408"}', 0
        told: list[Any] = []
        with hartmann.feed(after="now") as current, stalled(ngata, after="now") as slow:
            current.until_live()
            slow.until_live()
            while metric(impatient.url, cut) == 0:
                assert len(told) < 2000, "the slow reader was not cut off"
                note = hartmann.note(unit="A", needs=needs)
                heard = [current.event() for _ in range(6)]
                assert heard[0]["data"]["id"] == note["id"], "nobody waits for it"
                told += heard
                largest = max(
                    largest, *(c.transport.get_write_buffer_size() for c in impatient.server.server_state.connections)
                )
            got, code, _ = read_on(slow, 20)
        assert code == 4408
        assert 64 * 1024 < largest < 2 * 64 * 1024 + 60_000, "what a slow reader keeps in memory is bounded"
        assert got == told[: len(got)]
        rest, _ = ngata.pull(got[-1]["cursor"])
        assert got + rest == told, "nothing is lost"
        assert taken[ngata.name][0], "it began in the pass"
        assert not taken[ngata.name][-1]
        assert taken[hartmann.name].count(True) > 10
        auditor = prison.hire("auditor", "auditor")
        line = eventually(lambda: auditor.all("/v1/access-log", action="feed.close", actor=ngata.name))[0]
        assert line["detail"]["sequences"][prison.code][1] >= got[-1]["sequence"]
    finally:
        impatient.stop()
