"""An incident on A wing: whoever writes about it says so, and a hundred notes are one thing."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from handover.store import notes
from handover.store.store import Batch
from tests.support.processes import office, serving
from tests.support.service import Caller, Prison, Service


@pytest.fixture(scope="module")
def service(patient: Service) -> Service:
    return patient


def at(service: Service, hours: int, minutes: int = 0) -> None:
    """Sets the server's clock, on a Monday in the winter."""
    service.clock.frozen = datetime(2026, 11, 23, hours, minutes, tzinfo=UTC)


def about(who: Caller, inmate: str | None = None, **more: Any) -> Any:
    """A note about the incident, on the wing where it is about nobody."""
    return who.note(inmate, about_incident=True, **({} if inmate else {"unit": "A"}), **more)


def close(who: Caller, note: Any, reason: str = "All behind their doors.") -> Any:
    return who.post(f"/v1/notes/{note['id']}/attention", {"close": True, "reason": reason})


def incidents(who: Caller, prison: Prison, unit: str = "A", **params: Any) -> Any:
    return who.get(f"/v1/establishments/{prison.code}/units/{unit}/sheet", **params)["incidents"]


def grouped(who: Caller, incident: Any) -> list[str]:
    return [note["id"] for note in who.all("/v1/notes", incident=incident["id"], limit=3)]


# --- Opening, joining, ending ----------------------------------------------------------------------------------------


def test_the_first_note_about_it_opens_it_and_the_others_join(
    prison: Prison, service: Service, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    at(service, 14, 2)
    before = ngata.note(weir, fact="Quiet.")
    began = about(ngata, fact="Six on the landing refuse to go behind the doors.", occurred_at="2026-11-23T14:00:00Z")
    assert (began["incident"], began["attention"]) == (began["id"], "WATCH"), "somebody must say when it is over"
    assert began["attention_until"] == "2026-11-24T07:30:00Z", "the end of the next shift"
    at(service, 14, 13)
    joined = [about(hartmann, weir, indicators=[{"code": "REFUSES_DIRECTION"}]), about(hartmann, fact="Ten now.")]
    beside = hartmann.note(weir, fact="Asks for his insulin.")
    assert [note["incident"] for note in (before, *joined, beside)] == [None, began["id"], began["id"], None]
    assert joined[0]["attention"] == "ROUTINE", "joining asks for nothing more"
    assert hartmann.get(f"/v1/notes/{joined[0]['id']}") == joined[0]
    assert grouped(ngata, began) == [joined[1]["id"], joined[0]["id"], began["id"]]
    [told] = incidents(hartmann, prison)
    assert told == {
        "incident": began["id"],
        "since": "2026-11-23T14:00:00Z",
        "until": began["attention_until"],
        "count": 3,
        "latest": "2026-11-23T14:13:00Z",
        "began": began,
    }
    assert incidents(prison.hire("brandt", "officer", "B"), prison, "B") == [], "each unit has its own"


def test_it_is_over_when_somebody_says_so_and_the_next_note_opens_another(
    prison: Prison, service: Service, hartmann: Caller, ngata: Caller
) -> None:
    at(service, 14)
    first = about(ngata, fact="A fight at the pool table.")
    joined = about(hartmann, fact="Both in their cells.")
    at(service, 15)
    close(hartmann, first)
    [told] = incidents(ngata, prison)
    assert (told["until"], told["count"], told["began"]["renewals"][-1]["closed"]) == (None, 2, True)
    at(service, 16)
    second = about(ngata, fact="Smoke on the threes.", attention="ACT_NOW")
    assert (second["incident"], second["attention"]) == (second["id"], "ACT_NOW")
    assert [(one["incident"], one["until"] is not None) for one in incidents(ngata, prison)] == [
        (second["id"], True),
        (first["id"], False),
    ]
    assert grouped(ngata, first) == [joined["id"], first["id"]]
    assert [one["incident"] for one in incidents(ngata, prison, at="2026-11-23T14:30:00Z")] == [first["id"]]
    assert incidents(ngata, prison, at="2026-11-23T14:30:00Z")[0]["until"] is not None, "it went on, then"


def test_it_is_over_when_its_time_is_and_goes_on_when_somebody_says_so(
    prison: Prison, service: Service, hartmann: Caller, ngata: Caller
) -> None:
    at(service, 14)
    first = about(ngata, fact="Power cut.", attention_until="2026-11-23T15:00:00Z")
    at(service, 15)
    assert [one["until"] for one in incidents(hartmann, prison)] == [None]
    assert about(hartmann, fact="Power cut, again.", attention_until="2026-11-23T15:30:00Z")["incident"] != first["id"]
    at(service, 16)
    hartmann.post(f"/v1/notes/{first['id']}/attention", {"reason": "Still dark on the twos."})
    assert about(ngata, fact="Torches given out.")["incident"] == first["id"]


def test_what_is_written_when_all_is_over_belongs_to_what_it_tells_of(
    prison: Prison, service: Service, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    at(service, 14)
    fight = about(ngata, fact="A fight at the pool table.")
    at(service, 14, 40)
    close(ngata, fight)
    at(service, 16)
    smoke = about(ngata, fact="Smoke on the threes.")
    at(service, 16, 30)
    late = {"late_reason": "Was with the nurse.", "fact": "Hit in the face, says he fell."}
    assert about(hartmann, weir, occurred_at="2026-11-23T14:10:00Z", **late)["incident"] == fight["id"]
    assert about(hartmann, occurred_at="2026-11-23T16:05:00Z", fact="Found the toaster.")["incident"] == smoke["id"]
    assert about(hartmann, occurred_at="2026-11-23T15:10:00Z", fact="Smelt of it before.")["incident"] == smoke["id"]
    led_to_it = {"fact": "Two men staring at each other.", "late_reason": "Thought nothing of it."}
    assert about(hartmann, occurred_at="2026-11-23T13:50:00Z", **led_to_it)["incident"] == fight["id"]
    close(hartmann, smoke)
    at(service, 17)
    assert about(hartmann, weir, occurred_at="2026-11-23T14:20:00Z", **late)["incident"] == fight["id"]
    assert [one["count"] for one in incidents(ngata, prison)] == [3, 4]


# --- Corrections and retractions -------------------------------------------------------------------------------------


def correct(who: Caller, note: Any, status: int = 201, **fields: Any) -> Any:
    body = {"reason": "Put right.", "note": {"basis": "SAW", **fields}}
    return who.post(f"/v1/notes/{note['id']}/corrections", body, status)


def test_a_correction_is_about_what_the_note_was_about(
    prison: Prison, service: Service, hartmann: Caller, ngata: Caller
) -> None:
    at(service, 14)
    began = about(ngata, fact="Six refuse.")
    joined = about(hartmann, fact="Ten now.")
    once = correct(ngata, began, fact="Seven refuse.")
    twice = correct(ngata, once, fact="Eight refuse.", attention="ACT_NOW")
    again = correct(hartmann, joined, fact="Twelve now.")
    assert {note["incident"] for note in (once, twice, again)} == {began["id"]}
    assert (once["attention"], twice["attention"], again["attention"]) == ("WATCH", "ACT_NOW", "ROUTINE")
    [told] = incidents(hartmann, prison)
    assert (told["incident"], told["began"]["fact"], told["count"]) == (began["id"], "Eight refuse.", 2)
    assert about(hartmann, fact="Still.")["incident"] == began["id"], "a correction carries it on"
    close(ngata, twice)
    at(service, 14, 1)
    assert about(hartmann, fact="A pipe burst.")["incident"] != began["id"]
    assert correct(hartmann, again, fact="Thirteen.")["incident"] == began["id"]


def test_what_was_forgotten_is_said_in_a_correction(service: Service, hartmann: Caller, ngata: Caller) -> None:
    at(service, 14)
    plain, other = ngata.note(unit="A", fact="Six refuse."), hartmann.note(unit="A", fact="Ten now.")
    began = correct(ngata, plain, fact="Six refuse.", about_incident=True)
    assert (began["incident"], began["attention"]) == (began["id"], "WATCH")
    assert correct(hartmann, other, fact="Ten now.", about_incident=True)["incident"] == began["id"]


def test_a_note_that_is_taken_back_is_about_nothing(
    prison: Prison, service: Service, hartmann: Caller, ngata: Caller
) -> None:
    at(service, 14)
    began = about(ngata, fact="Six refuse.")
    joined, slip = about(hartmann, fact="Ten now."), about(hartmann, fact="Eleven.")
    gone = hartmann.post(f"/v1/notes/{slip['id']}/retractions", {"reason": "NOT_TRUE"})
    assert gone["incident"] is None
    assert grouped(ngata, began) == [joined["id"], began["id"]]
    assert incidents(ngata, prison)[0]["count"] == 2
    auditor = prison.hire("auditor", "auditor")
    assert auditor.get(f"/v1/notes/{slip['id']}")["incident"] == began["id"]
    ngata.post(f"/v1/notes/{began['id']}/retractions", {"reason": "NOT_TRUE"})
    assert incidents(ngata, prison) == [], "what it began with was not so"
    assert grouped(ngata, began) == [joined["id"]], "what others wrote stays together"
    another = about(hartmann, fact="Ten at the gate.")
    assert another["incident"] == another["id"]
    told = [event["data"] for event in ngata.pull()[0] if event["data"].get("id") == began["id"]]
    assert [event.get("incident") for event in told] == [None, None], "nor does a replay say it again"


# --- Who may know of it ----------------------------------------------------------------------------------------------


def test_an_incident_begins_with_what_the_whole_unit_may_read_and_any_class_may_join(
    prison: Prison, service: Service, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    at(service, 14)
    nurse, vane = prison.hire("noor", "health"), prison.hire("vane", "governor")
    for handling in ("HEALTH", "SECURITY", "COMPLAINT"):
        body = {"inmate": weir, "basis": "SAW", "fact": "Cut over the eye.", "handling": handling}
        refused = nurse.post("/v1/notes", {**body, "about_incident": True}, 422)
        assert [error["pointer"] for error in refused["errors"]] == ["/about_incident"]
    began = about(ngata, fact="A fight at the pool table.")
    cut = about(nurse, weir, fact="Cut over the eye, two stitches.", handling="HEALTH")
    struck = about(ngata, weir, fact="An officer struck him.", handling="COMPLAINT")
    assert {cut["incident"], struck["incident"]} == {began["id"]}
    for who, seen in ((hartmann, [began]), (nurse, [cut]), (vane, [struck, began])):
        assert grouped(who, began) == [note["id"] for note in seen], who.name
    assert [one["count"] for one in incidents(hartmann, prison)] == [1], "what is counted is what he may read"
    assert [one["count"] for one in incidents(vane, prison)] == [2]
    far = service.prison().hire("far", "officer", "A")
    assert grouped(far, began) == []
    nurse.get(f"/v1/notes/{began['id']}", 404)


def test_once_it_is_for_fewer_to_read_how_it_began_it_is_over(
    prison: Prison, service: Service, hartmann: Caller, ngata: Caller
) -> None:
    at(service, 14)
    began = about(ngata, fact="The tip came from the servery.")
    narrowed = correct(ngata, began, fact="The tip came from the servery.", handling="SECURITY")
    assert narrowed["incident"] == began["id"]
    assert incidents(hartmann, prison) == []
    assert [one["until"] for one in incidents(prison.hire("cole", "supervisor"), prison)] == [None]
    assert about(hartmann, fact="Shouting.")["incident"] != began["id"]


# --- Many at once ----------------------------------------------------------------------------------------------------


def test_those_who_write_at_once_write_about_one_incident(hartmann: Caller, ngata: Caller) -> None:
    with ThreadPoolExecutor(8) as pool:
        sent = [pool.submit(about, (hartmann, ngata)[n % 2], fact=f"Note {n}.") for n in range(24)]
        beside = [pool.submit(ngata.note, unit="A", fact=f"Beside {n}.") for n in range(24)]
        assert len({note.result(20)["incident"] for note in sent}) == 1
        assert {note.result(20)["incident"] for note in beside} == {None}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # the embedded store is served by one
def test_two_servers_that_open_at_once_open_one(database_url: str, tmp_path: Path) -> None:
    with ExitStack() as stack:
        servers = [stack.enter_context(serving(database_url, tmp_path / name)) for name in "ab"]
        keeper = stack.enter_context(office(database_url, servers[0].url))
        hartmann = keeper.prison().hire("hartmann", "officer", "A")
        ends = [hartmann, keeper.at(servers[1].url, hartmann)]
        with ThreadPoolExecutor(12) as pool:
            for turn in range(6):
                sent = [pool.submit(about, ends[n % 2], fact=f"Note {n}, turn {turn}.") for n in range(12)]
                beside = [pool.submit(ends[n % 2].note, unit="A", fact=f"Beside {n}, {turn}.") for n in range(12)]
                incident = {note.result(30)["incident"] for note in sent}
                assert len(incident) == 1
                assert [note.result(30)["incident"] for note in beside] == [None] * 12
                close(hartmann, {"id": incident.pop()})


def test_a_note_about_something_else_asks_and_writes_nothing_more(
    hartmann: Caller, weir: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[tuple[str, dict[str, Any]]] = []
    add = Batch.add

    def spy(batch: Batch, table: Any, *rows: dict[str, Any]) -> None:
        written.extend((table.name, row) for row in rows)
        add(batch, table, *rows)

    about(hartmann, fact="Six refuse.")
    monkeypatch.setattr(Batch, "add", spy)
    monkeypatch.delattr(notes, "incidents")
    hartmann.note(weir, fact="Asks for his insulin.")
    [row] = [row for table, row in written if table == "notes"]
    assert "incident" not in row


def test_a_key_sent_again_opens_nothing_more(hartmann: Caller) -> None:
    body = {"unit": "A", "basis": "SAW", "fact": "Smoke.", "about_incident": True}
    first, again = (hartmann.http.post("/v1/notes", json=body, headers={"Idempotency-Key": "once"}) for _ in range(2))
    assert first.json() == again.json()
    assert len(grouped(hartmann, first.json())) == 1
