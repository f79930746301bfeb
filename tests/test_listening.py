"""Where nobody hears what is told, those who answer for the prison see it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from handover.domain.listening import ALL, CALLS, NOTHING, Heard, Said, heard
from handover.errors import Unavailable
from tests.support import embedded, postgres
from tests.support.processes import office, serving
from tests.support.readers import eventually
from tests.support.service import Caller, Prison, Service, settings_for

AT = datetime(2026, 11, 22, 21, 0, tzinfo=UTC)


@pytest.fixture
def keyes(prison: Prison) -> Caller:
    """The governor."""
    return prison.hire("keyes", "governor")


def units(who: Caller, place: str) -> dict[str, tuple[str, Any]]:
    """What is heard in each unit, and since when."""
    answer = who.get(f"/v1/establishments/{place}/listening")
    assert answer["next"] is None
    return {item["unit"]: (item["hears"], item["since"]) for item in answer["items"]}


def hears(who: Caller, place: str, **wanted: str) -> dict[str, tuple[str, Any]]:
    """Waits until that is so, and answers all of it."""

    def so() -> Any:
        found = units(who, place)
        return found if all(found[unit][0] == what for unit, what in wanted.items()) else None

    found: dict[str, tuple[str, Any]] = eventually(so)
    return found


def test_a_wing_where_the_last_screen_went_dark_is_told_and_since_when(
    prison: Prison, hartmann: Caller, keyes: Caller
) -> None:
    assert units(keyes, prison.code) == {"A": (NOTHING, None), "B": (NOTHING, None)}, "nobody has listened there yet"
    began = datetime.now(UTC)
    with hartmann.feed() as feed:
        feed.until_live()
        found = hears(keyes, prison.code, A=ALL)
        assert began <= datetime.fromisoformat(found["A"][1]) <= datetime.now(UTC)
        assert found["B"] == (NOTHING, None), "her feed is that of her own wing"
        went = datetime.now(UTC)
    since = hears(keyes, prison.code, A=NOTHING)["A"][1]
    assert went <= datetime.fromisoformat(since) <= datetime.now(UTC)
    assert units(keyes, prison.code)["A"] == (NOTHING, since), "it does not move on"


def test_who_counts_is_who_can_answer_for_the_wing(prison: Prison, keyes: Caller) -> None:
    both = prison.hire("brandt", "officer", "A", "B")
    doctor, system = prison.hire("okafor", "health", "A"), prison.connect("watch", "events:read", "roster:read")
    with keyes.feed() as hers, doctor.feed() as his, system.feed() as its, both.feed(unit="B") as theirs:
        for feed in (hers, his, its, theirs):
            feed.until_live()
        found = hears(keyes, prison.code, B=ALL)
        assert found["A"] == (NOTHING, None), "a governor's, a doctor's, a system's, and one of the other wing"
    assert units(system, prison.code).keys() == {"A", "B"}, "a system that watches over it may ask"


def test_a_locked_screen_hears_calls_and_counts_for_as_long_as_it_asks(
    prison: Prison, hartmann: Caller, keyes: Caller
) -> None:
    locked = hartmann.post("/v1/calls/passes", {"establishment": prison.code}, 200)["pass"]
    with prison.hire("brandt", "officer", "B").feed() as feed:
        feed.until_live()
        assert hears(keyes, prison.code, B=ALL)["A"] == (NOTHING, None), "to be given a pass is not to listen"
    hartmann.post("/v1/calls", {"pass": locked}, 200)
    hears(keyes, prison.code, A=CALLS, B=NOTHING)
    with hartmann.feed() as feed:
        feed.until_live()
        hears(keyes, prison.code, A=ALL)
        hartmann.post("/v1/calls", {"pass": locked}, 200)
    hears(keyes, prison.code, A=CALLS)


def test_it_is_for_those_who_answer_for_the_prison(prison: Prison, hartmann: Caller, keyes: Caller) -> None:
    elsewhere = prison.service.prison().hire("marsh", "supervisor")
    path = f"/v1/establishments/{prison.code}/listening"
    hartmann.get(path, 403)
    prison.hire("quill", "auditor").get(path, 403)
    prison.connect("notes", "notes:read").get(path, 403)
    elsewhere.get(path, 404)
    keyes.get("/v1/establishments/NOWHERE/listening", 404)
    prison.hire("marsh", "supervisor").get(path)
    [line, *_] = prison.hire("quinn", "auditor").get("/v1/access-log", action="listening.read")["items"]
    assert (line["establishment"], line["outcome"]) == (prison.code, "OK")


def test_after_an_outage_nobody_is_long_taken_for_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service, failed = Service(settings_for(embedded.copy(tmp_path / "handover.sqlite3"), heartbeat_s=5.0)), Event()

    async def away(_work: Any) -> None:
        failed.set()
        raise Unavailable("The store is away.")

    try:
        prison = service.prison()
        hartmann, keyes = prison.hire("hartmann", "officer", "A"), prison.hire("keyes", "governor")
        with hartmann.feed() as feed:
            feed.until_live()
            hears(keyes, prison.code, A=ALL)
            with monkeypatch.context() as store:
                store.setattr(service.desk, "quietly", away)
                assert failed.wait(10)
            service.clock.ahead = timedelta(minutes=1)
            eventually(lambda: units(keyes, prison.code)["A"][0] == ALL, timeout=3)
    finally:
        service.stop()


def test_whoever_listened_to_a_server_that_died_listens_no_more(database_url: str, tmp_path: Path) -> None:
    with (
        serving(database_url, tmp_path / "log", HEARTBEAT_S="0.2") as server,
        office(database_url, server.url) as keeper,
    ):
        prison = keeper.prison()
        hartmann, keyes = prison.hire("hartmann", "officer", "A"), prison.hire("keyes", "governor")
        with hartmann.feed() as feed:
            feed.until_live()
            hears(keyes, prison.code, A=ALL)
            server.kill()
            died = datetime.now(UTC)
        server.start()
        since = hears(keyes, prison.code, A=NOTHING)["A"][1]
        assert died - timedelta(seconds=5) <= datetime.fromisoformat(since) <= died, "when it was last there"


def test_who_listens_to_one_of_several_processes_is_known_at_all(template: str, tmp_path: Path) -> None:
    url = postgres.create_database(template)
    with (
        serving(url, tmp_path / "a", HEARTBEAT_S="0.2") as a,
        serving(url, tmp_path / "b", HEARTBEAT_S="0.2") as b,
        office(url, a.url) as keeper,
    ):
        prison = keeper.prison()
        hartmann, keyes = prison.hire("hartmann", "officer", "A"), prison.hire("keyes", "governor")
        with keeper.at(b.url, hartmann).feed() as feed:
            feed.until_live()
            hears(keyes, prison.code, A=ALL)
            b.kill()
            hears(keyes, prison.code, A=NOTHING)
    postgres.drop_database(url)


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ([], Heard(NOTHING, None)),
        ([Said(ALL, AT, AT)], Heard(ALL, AT)),
        ([Said(CALLS, AT, AT), Said(ALL, AT + timedelta(minutes=1), AT)], Heard(ALL, AT + timedelta(minutes=1))),
        (
            [Said(NOTHING, AT, AT), Said(NOTHING, AT + timedelta(minutes=1), AT)],
            Heard(NOTHING, AT + timedelta(minutes=1)),
        ),
        # A process that is gone: whoever listened to it does not, from when it was last seen.
        ([Said(ALL, AT - timedelta(hours=1), AT - timedelta(minutes=9))], Heard(NOTHING, AT - timedelta(minutes=9))),
        # One by a clock that was an hour ahead is gone, too.
        ([Said(ALL, AT + timedelta(hours=1), AT + timedelta(hours=1))], Heard(NOTHING, AT)),
        # It had said itself that nobody does, long before it went.
        ([Said(NOTHING, AT - timedelta(hours=1), AT - timedelta(minutes=9))], Heard(NOTHING, AT - timedelta(hours=1))),
        ([Said(ALL, AT - timedelta(hours=1), AT - timedelta(minutes=9)), Said(CALLS, AT, AT)], Heard(CALLS, AT)),
    ],
)
def test_of_what_all_processes_said_what_holds(said: list[Said], found: Heard) -> None:
    assert heard(said, AT, timedelta(minutes=2)) == found
