"""Ngata's terminal hears the feed while networks break, servers restart and logins are renewed."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from websockets.asyncio.server import ServerConnection, serve

from handover import clock
from handover.client import feed as feed_module
from handover.client import skew
from handover.client.feed import Feed, Heard
from handover.client.feed_protocol import (
    Event,
    Heartbeat,
    Hello,
    Live,
    Next,
    State,
    StateChange,
    Unknown,
    after_close,
    pause_before,
    read_frame,
)
from handover.client.http import Access
from handover.client.refusals import NotLoggedIn, ServerRefused
from handover.client.server import server_at

Script = Callable[[ServerConnection], Awaitable[None]]


class Tokens:
    """Hands out t1, t2, …; a new one whenever the last was refused or `lasts_s` are over."""

    def __init__(self, lasts_s: float = 900) -> None:
        self.lasts_s = lasts_s
        self.number = 0
        self.ended = False
        self._held: Access | None = None

    def access(self, *, unlike: str | None = None) -> Access:
        if self.ended:
            raise NotLoggedIn("ended")
        if self._held is None or self._held.token == unlike or clock.now() >= self._held.renew_at:
            self.number += 1
            self._held = Access(f"t{self.number}", clock.now() + timedelta(seconds=self.lasts_s))
        return self._held


class StandIn:
    """A feed that does, connection by connection, what the test says."""

    def __init__(self, *scripts: Script) -> None:
        self.scripts = list(scripts)
        self.asked: list[tuple[str, dict[str, list[str]]]] = []
        self.said: list[Any] = []

    async def handle(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        query = parse_qs(urlsplit(socket.request.path).query)
        self.asked.append((socket.request.headers["Authorization"], query))
        script = self.scripts.pop(0) if self.scripts else quiet
        await script(socket)

    @asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator[str]:
        async with serve(self.handle, "127.0.0.1", port, subprotocols=["handover.v1"]) as server:  # type: ignore[list-item]
            yield f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"


async def quiet(socket: ServerConnection) -> None:
    await hello(socket)
    await live(socket)
    await socket.wait_closed()


async def hello(socket: ServerConnection, cursor: str = "c0", heartbeat_s: float = 1) -> None:
    await say(socket, {"type": "hello", "cursor": cursor, "heartbeat_s": heartbeat_s})


async def live(socket: ServerConnection, cursor: str = "c0") -> None:
    await say(socket, {"type": "live", "cursor": cursor})


async def event(socket: ServerConnection, number: int, source: str = "/v1/establishments/ALM") -> None:
    told = {"type": "note.recorded", "source": source, "sequence": number, "cursor": f"c{number}", "data": {}}
    await say(socket, {"type": "event", "event": told})


async def say(socket: ServerConnection, frame: dict[str, Any]) -> None:
    await socket.send(json.dumps(frame))


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    paused: list[int] = []

    def pause(attempt: int) -> float:
        paused.append(attempt)
        return 0.01

    monkeypatch.setattr(feed_module, "pause_before", pause)
    return paused


def told(heard: Heard) -> str:
    match heard:
        case Event():
            return f"event {heard.place_in_log[1]}"
        case StateChange():
            return heard.state.value
        case Heartbeat():
            return "heartbeat"


def hear(
    stand_in: StandIn, until: str, *, tokens: Tokens | None = None, after: str | None = None, times: int = 1
) -> tuple[list[str], Feed, list[Heard]]:
    """Listens until something has been heard so many times."""

    async def listen() -> tuple[list[str], Feed, list[Heard]]:
        async with stand_in.running() as url:
            feed = Feed(server_at(url), tokens or Tokens(), cursor=after)
            whole: list[Heard] = []
            async with asyncio.timeout(10), aclosing(feed.listen()) as listening:
                async for heard in listening:
                    whole.append(heard)
                    if [told(one) for one in whole].count(until) == times:
                        break
            return [told(one) for one in whole], feed, whole

    return asyncio.run(listen())


def test_what_was_missed_comes_first_and_then_what_happens() -> None:
    async def replay(socket: ServerConnection) -> None:
        await hello(socket, "c9")
        await event(socket, 1)
        await event(socket, 2)
        await live(socket, "c2")
        await event(socket, 3)
        await socket.wait_closed()

    heard, feed, _ = hear(StandIn(replay), "event 3")
    assert heard == ["replaying", "event 1", "event 2", "live", "event 3"]
    assert feed.cursor == "c3"


def test_a_broken_line_goes_on_after_the_last_event_and_says_since_when_it_was_blind() -> None:
    async def breaks(socket: ServerConnection) -> None:
        await hello(socket, "c9")
        await event(socket, 1)
        socket.transport.abort()

    async def goes_on(socket: ServerConnection) -> None:
        await hello(socket)
        await event(socket, 1)
        await event(socket, 2)
        await live(socket, "c2")
        await socket.wait_closed()

    stand_in = StandIn(breaks, goes_on)
    before = clock.now()
    heard, _, whole = hear(stand_in, "live")
    assert heard == ["replaying", "event 1", "blind", "replaying", "event 2", "live"]
    assert [query.get("after") for _, query in stand_in.asked] == [None, ["c1"]]
    blind, live_again = whole[2], whole[-1]
    assert isinstance(blind, StateChange)
    assert isinstance(live_again, StateChange)
    assert blind.since is not None
    assert before <= blind.since <= blind.at
    assert live_again.since == blind.since


def test_since_when_nothing_is_heard_is_told_on_the_services_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    server = server_at("http://127.0.0.1:9")
    skew.heard(server, clock.now() - timedelta(hours=1), clock.now())

    async def first() -> Heard:
        async with aclosing(Feed(server, Tokens()).listen()) as listening:
            return await anext(listening)

    blind = asyncio.run(first())
    assert isinstance(blind, StateChange)
    assert blind.since is not None
    assert blind.since <= blind.at < clock.now() - timedelta(minutes=59)


def test_a_cursor_of_the_replays_far_end_is_never_taken_for_our_own_place() -> None:
    async def breaks_early(socket: ServerConnection) -> None:
        await hello(socket, "c99")
        await say(socket, {"type": "heartbeat", "cursor": "c99"})
        socket.transport.abort()

    stand_in = StandIn(breaks_early)
    hear(stand_in, "live", after="c5")
    assert [query["after"] for _, query in stand_in.asked] == [["c5"], ["c5"]]


def test_from_now_on_the_first_cursor_is_the_servers() -> None:
    async def breaks(socket: ServerConnection) -> None:
        await hello(socket, "c7")
        socket.transport.abort()

    stand_in = StandIn(breaks)
    hear(stand_in, "live", after="now")
    assert [query["after"] for _, query in stand_in.asked] == [["now"], ["c7"]]


def test_silence_is_blindness_though_the_socket_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "SILENCE", 0.2)

    async def falls_silent(socket: ServerConnection) -> None:
        await hello(socket, heartbeat_s=1)
        await live(socket)
        await socket.wait_closed()

    heard, _, whole = hear(StandIn(falls_silent), "blind")
    assert heard == ["replaying", "live", "blind"]
    assert isinstance(whole[-1], StateChange)
    assert "nothing was heard" in whole[-1].why


def test_heartbeats_keep_it_sighted_and_move_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "SILENCE", 0.4)

    async def beats(socket: ServerConnection) -> None:
        await hello(socket, heartbeat_s=1)
        await live(socket)
        for number in range(1, 8):
            await asyncio.sleep(0.1)
            await say(socket, {"type": "heartbeat", "cursor": f"h{number}"})
        await socket.wait_closed()

    heard, feed, _ = hear(StandIn(beats), "heartbeat", times=7)
    assert "blind" not in heard
    assert feed.cursor == "h7"


def test_a_token_is_renewed_on_the_open_socket() -> None:
    frames: list[Any] = []

    async def listens(socket: ServerConnection) -> None:
        await hello(socket, heartbeat_s=20)
        await live(socket)
        frames.append(json.loads(await socket.recv()))
        await event(socket, 1)
        await socket.wait_closed()

    stand_in = StandIn(listens)
    heard, _, _ = hear(stand_in, "event 1", tokens=Tokens(lasts_s=0.2))
    assert heard == ["replaying", "live", "event 1"]
    assert frames == [{"type": "auth", "token": "t2"}]
    assert len(stand_in.asked) == 1


def closes(code: int) -> Script:
    async def script(socket: ServerConnection) -> None:
        await hello(socket)
        await socket.close(code, "as the test says")

    return script


def test_a_refused_token_is_renewed_once() -> None:
    stand_in = StandIn(closes(4401))
    heard, _, _ = hear(stand_in, "live")
    assert heard == ["replaying", "replaying", "live"]
    assert [token for token, _ in stand_in.asked] == ["Bearer t1", "Bearer t2"]


def test_a_login_that_has_ended_ends_the_listening() -> None:
    with pytest.raises(ServerRefused, match="as the test says"):
        hear(StandIn(closes(4401), closes(4401)), "live")
    tokens = Tokens()
    tokens.ended = True
    with pytest.raises(NotLoggedIn):
        hear(StandIn(), "live", tokens=tokens)


@pytest.mark.parametrize("code", [4400, 4403])
def test_what_coming_back_cannot_mend_ends_the_listening(code: int) -> None:
    with pytest.raises(ServerRefused):
        hear(StandIn(closes(code)), "live")


@pytest.mark.parametrize("code", [1001, 1011, 1013, 4408, 4999])
def test_anything_else_is_come_back_to_with_the_cursor(code: int) -> None:
    async def then_closes(socket: ServerConnection) -> None:
        await hello(socket)
        await event(socket, 1)
        await socket.close(code)

    stand_in = StandIn(then_closes)
    heard, _, _ = hear(stand_in, "live")
    assert heard == ["replaying", "event 1", "blind", "replaying", "live"]
    assert stand_in.asked[1][1] == {"after": ["c1"]}


def test_a_cursor_that_cannot_be_resumed_is_said_aloud_and_it_goes_on_from_now() -> None:
    stand_in = StandIn(closes(4409))
    heard, _, _ = hear(stand_in, "live", after="c5")
    assert heard == ["replaying", "missed", "live"]
    assert [query["after"] for _, query in stand_in.asked] == [["c5"], ["now"]]


def test_from_now_on_without_a_server_admits_what_it_never_had_a_place_for() -> None:
    async def listen() -> list[str]:
        async with StandIn().running() as url:
            port = int(url.rsplit(":", 1)[1])
        stand_in = StandIn()
        heard: list[str] = []
        feed = Feed(server_at(url), Tokens(), cursor="now")
        async with asyncio.timeout(10), aclosing(feed.listen()) as listening:
            async for one in listening:
                heard.append(told(one))
                if heard == ["blind"]:
                    running = stand_in.running(port)
                    await running.__aenter__()
                if heard[-1] == "live":
                    await running.__aexit__(None, None, None)
                    return heard
        return heard

    assert asyncio.run(listen()) == ["blind", "missed", "live"]


def test_an_event_that_comes_twice_is_heard_once_but_each_prison_counts_for_itself() -> None:
    async def repeats(socket: ServerConnection) -> None:
        await hello(socket)
        for number in (1, 2, 2, 1):
            await event(socket, number)
        await event(socket, 1, "/v1/establishments/BRX")
        await live(socket, "c2")
        await socket.wait_closed()

    heard, _, _ = hear(StandIn(repeats), "live")
    assert heard == ["replaying", "event 1", "event 2", "event 1", "live"]


def test_what_it_wants_to_hear_goes_with_every_connection() -> None:
    async def listen(stand_in: StandIn) -> None:
        async with stand_in.running() as url:
            feed = Feed(server_at(url), Tokens(), establishment="ALM", unit="A", cursor="now")
            async with asyncio.timeout(10), aclosing(feed.listen()) as listening:
                async for heard in listening:
                    if told(heard) == "live":
                        return

    stand_in = StandIn()
    asyncio.run(listen(stand_in))
    assert stand_in.asked == [("Bearer t1", {"establishment": ["ALM"], "unit": ["A"], "after": ["now"]})]


def test_frames_of_a_newer_server_are_passed_over() -> None:
    assert read_frame('{"type": "weather", "cursor": "x"}') == Unknown()
    assert read_frame("not json") == Unknown()
    assert read_frame('["hello"]') == Unknown()
    assert read_frame('{"type": "hello", "cursor": "c", "heartbeat_s": 15}') == Hello("c", 15.0)
    assert read_frame('{"type": "live", "cursor": "c"}') == Live("c")


def test_pauses_grow_are_spread_and_never_long() -> None:
    assert [pause_before(attempt, luck=1) for attempt in (1, 2, 3)] == [0.5, 1.0, 2.0]
    assert pause_before(1000, luck=1) == 10
    assert pause_before(3, luck=0) == 1.0
    assert after_close(4408) is Next.COME_BACK
    assert after_close(None) is Next.COME_BACK


def test_a_state_is_one_line_for_a_program() -> None:
    at = datetime(2026, 11, 23, 13, 12, 4, tzinfo=UTC)
    assert StateChange(State.BLIND, at, since=at, why="it broke").as_frame() == {
        "type": "state",
        "state": "blind",
        "at": "2026-11-23T13:12:04Z",
        "since": "2026-11-23T13:12:04Z",
        "why": "it broke",
    }
