"""Old events are removed from their logs: a few at a time, by one process, and never behind anybody's back."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any

import pytest
from pydantic import ValidationError

from handover.errors import CursorRefused
from handover.services import latest, opening, tidying
from handover.services.unit_of_work import Desk
from handover.settings import Settings
from tests.support.readers import closed, hears_everything
from tests.support.service import Caller, Prison, Service, run

_hours = cycle((2, 5, 8))
LONG_AGO, LATELY = timedelta(days=-100), timedelta(days=-40)


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rows at a time, so that there are several steps; and no pause."""
    monkeypatch.setattr(tidying, "AT_ONCE", 2)
    monkeypatch.setattr(tidying, "PAUSE_S", 0)


def tidy(service: Service, desk: Desk | None = None) -> None:
    """Somebody's turn comes."""
    service.clock.ahead = timedelta(hours=next(_hours))
    run(tidying.tidy(desk or service.desk))
    service.clock.ahead = timedelta(0)


def written(who: Caller, ahead: timedelta, **note: Any) -> Any:
    """A note of that time."""
    who.service.clock.ahead = ahead
    note = who.note(unit="A", **note)
    who.service.clock.ahead = timedelta(0)
    return note


def told(found: list[Any]) -> list[Any]:
    """What these events carry."""
    return [event["data"] for event in found]


def kept(service: Service, table: str, where: str) -> int:
    """How many rows of a table are there."""
    query = f"SELECT count(*) FROM {table} WHERE {where}"
    found: int = service.desk.store.read(lambda conn: conn.exec_driver_sql(query).scalar_one()).result()
    return found


def test_an_old_cursor_is_refused_and_everything_else_goes_on(prison: Prison, service: Service) -> None:
    ngata, records, auditor = (
        prison.hire("ngata", "officer", "A"),
        hears_everything(prison),
        prison.hire("a", "auditor"),
    )
    old = [written(ngata, LONG_AGO, fact=f"Old {i}.") for i in range(5)]
    before = records.pull()[0]
    assert told(before) == old
    new = [written(ngata, LATELY, fact=f"New {i}.") for i in range(3)]
    tidy(service)
    kept_now, cursor = records.pull()
    assert told(kept_now) == new, "from the beginning of what is kept"
    assert [event["sequence"] for event in kept_now] == [6, 7, 8]
    for event in before[:4]:
        refused = records.get("/v1/events", 409, after=event["cursor"])
        assert refused["type"] == "/problems/cursor-not-resumable"
        assert "after=now" in refused["detail"]
    with records.feed(after=before[3]["cursor"]) as feed:
        code, reason = closed(feed)
        assert (code, "Reload" in reason) == (4409, True)
    assert records.pull(before[4]["cursor"])[0] == kept_now, "who has had all that is gone has missed nothing"
    with records.feed() as feed:
        assert told(feed.until_live()) == new
        assert feed.socket is not None
    assert len(ngata.all("/v1/notes")) == 8, "notes stay"
    assert len(auditor.all("/v1/access-log", action="notes.record")) == 8, "and so does who wrote them"
    last = ngata.note(unit="A")
    [event] = records.pull(cursor)[0]
    assert (event["sequence"], event["data"]) == (9, last)


def test_the_newest_event_stays_however_old_it_is_and_numbers_never_go_back(prison: Prison, service: Service) -> None:
    ngata, records = prison.hire("ngata", "officer", "A"), hears_everything(prison)
    for _ in range(4):
        written(ngata, LONG_AGO)
    _, cursor = records.pull()
    tidy(service)
    tidy(service)
    assert [event["sequence"] for event in records.pull()[0]] == [4]
    assert records.pull(cursor)[0] == []
    ngata.note(unit="A")
    assert [event["sequence"] for event in records.pull(cursor)[0]] == [5]


def test_others_write_and_hear_while_a_log_is_pruned(
    prison: Prison, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    ngata = prison.hire("ngata", "officer", "A")
    for _ in range(12):
        written(ngata, LONG_AGO)
    monkeypatch.setattr(tidying, "PAUSE_S", 0.02)
    with ngata.feed(after="now") as feed, ThreadPoolExecutor(1) as pool:
        feed.until_live()
        later = timedelta(hours=next(_hours))
        desk = opening.open_desk(service.settings, lambda: datetime.now(UTC) + later)
        pruned = pool.submit(run, tidying.tidy(desk))
        notes = [ngata.note(unit="A") for _ in range(5)]
        assert told([feed.event() for _ in notes]) == notes
        pruned.result(10)
        desk.store.close()
    assert told(ngata.pull()[0]) == notes


def test_a_reader_that_is_overtaken_on_its_way_is_told_so(prison: Prison, service: Service) -> None:
    ngata = prison.hire("ngata", "officer", "A")
    for ahead in (LONG_AGO, LONG_AGO, LATELY):
        written(ngata, ahead)
    tidy(service)
    after = lambda position: service.desk.store.read(  # noqa: E731
        lambda conn: latest.news(conn, "store", {prison.code: (position, None)})
    ).result()
    assert [entry.event.sequence for entry in after(2).entries[prison.code]] == [3]
    with pytest.raises(CursorRefused):
        after(1)


def test_nor_does_what_is_kept_for_sheets_of_the_past_hide_what_was_pruned_behind_it(
    prison: Prison, service: Service
) -> None:
    ngata = prison.hire("ngata", "officer", "A")
    written(ngata, LONG_AGO)
    written(ngata, LONG_AGO, needs=[{"code": "LEGAL"}])  # open still: what was said of it stays
    for ahead in (LONG_AGO, LATELY, LATELY):
        written(ngata, ahead)
    tidy(service)
    assert [event["sequence"] for event in ngata.pull()[0]] == [5, 6]
    with pytest.raises(CursorRefused):
        service.desk.store.read(lambda conn: latest.news(conn, "store", {prison.code: (2, None)})).result()


def test_what_was_known_at_a_time_that_is_kept_is_told_as_ever(prison: Prison, service: Service) -> None:
    ngata, records = prison.hire("ngata", "officer", "A"), hears_everything(prison)
    service.clock.ahead = LONG_AGO
    weir = prison.receive("A4417KD")
    sheet, soon = f"/v1/establishments/{prison.code}/units/A/sheet", timedelta(days=14)
    asked = written(ngata, LONG_AGO, inmate=weir, needs=[{"code": "LEGAL", "detail": "the letter"}])
    until = datetime.now(UTC) + LONG_AGO + soon
    written(ngata, LONG_AGO, inmate=weir, attention="WATCH", attention_until=until.isoformat(), fact="Low.")
    written(ngata, LONG_AGO, fact="Nothing else.")
    written(ngata, timedelta(days=-88.5), fact="Since.")
    at = (datetime.now(UTC) - timedelta(days=87)).isoformat()
    service.clock.ahead = LATELY
    done = {"status": "DONE", "outcome": "Posted."}
    need = asked["needs"][0]["id"]
    assert ngata.http.patch(f"/v1/needs/{need}", json=done, headers={"If-Match": "*"}).status_code == 200
    written(ngata, timedelta(0), fact="Now.")  # the newest of a log always stays
    then = ngata.get(sheet, at=at)
    [person] = then["people"]
    assert [one["id"] for one in person["needs"]] == [need]
    tidy(service)
    assert {event["sequence"] for event in records.pull()[0]}.isdisjoint(range(1, 6)), "none of the old ones is heard"
    assert ngata.get(sheet, at=at)["hash"] == then["hash"]
    refused = ngata.get(sheet, 422, at=(datetime.now(UTC) - timedelta(days=95)).isoformat())
    assert "kept from" in refused["errors"][0]["detail"]
    after = kept(service, "events", f"about = '{need}'")
    service.clock.ahead = timedelta(days=60)
    run(tidying.tidy(service.desk))
    service.clock.ahead = timedelta(0)
    assert (after, kept(service, "events", f"about = '{need}'")) == (2, 0), "gone once nobody can ask for that time"


def test_one_process_at_a_time_has_the_turn(prison: Prison, service: Service) -> None:
    ngata, records = prison.hire("ngata", "officer", "A"), hears_everything(prison)
    tidy(service)
    service.clock.ahead += timedelta(hours=next(_hours))
    for desk in desks(service):
        run(tidying.tidy(desk))
        written_at = service.clock.ahead
        for _ in range(3):
            written(ngata, LONG_AGO)
        service.clock.ahead = written_at
    run(tidying.tidy(service.desk))
    service.clock.ahead = timedelta(0)
    assert len(records.pull()[0]) == 6, "within the hour it is nobody's turn"
    tidy(service)
    assert len(records.pull()[0]) == 1


def desks(service: Service) -> Iterator[Desk]:
    """This process's hold on the store, then another one's."""
    yield service.desk
    other = opening.open_desk(service.settings, service.clock)
    yield other
    other.store.close()


def test_answers_tokens_and_logins_that_are_over_go_too(prison: Prison, service: Service) -> None:
    ngata = prison.hire("ngata", "officer", "A")
    body = {"basis": "SAW", "unit": "A", "fact": "Quiet."}
    for i in range(3):
        ngata.post("/v1/notes", body, 201, **{"Idempotency-Key": f"key-{i}"})
        service.login(ngata.name)
    account = f"(SELECT id FROM accounts WHERE username = '{ngata.name}')"
    tables = {
        "idempotency": f"caller = {account}",
        "grants": f"account = {account}",
        "tokens": f"grant_id IN (SELECT id FROM grants WHERE account = {account})",
    }
    assert [kept(service, *table) for table in tables.items()] == [3, 4, 8]
    tidy(service)
    assert [kept(service, *table) for table in tables.items()] == [3, 4, 8]
    service.clock.ahead = timedelta(days=9)
    run(tidying.tidy(service.desk))
    assert [kept(service, *table) for table in tables.items()] == [0, 0, 0]
    assert service.login(ngata.name).all("/v1/notes"), "and nothing else"


@pytest.mark.parametrize("days", ["6", "0", "ninety"])
def test_less_than_the_contract_promises_cannot_be_set(monkeypatch: pytest.MonkeyPatch, days: str) -> None:
    monkeypatch.setenv("HANDOVER_EVENTS_KEPT_DAYS", days)
    with pytest.raises(ValidationError, match="events_kept_days"):
        Settings()
