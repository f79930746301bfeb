"""The life of a need: opened by a note, seen to by somebody, closed with an outcome that is told back."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.support.service import Caller, Prison


def patch(who: Caller, need: Any, tag: str | None, **fields: Any) -> httpx.Response:
    headers = {} if tag is None else {"If-Match": tag}
    return who.http.patch(f"/v1/needs/{need['id']}", json=fields, headers=headers)


def change(who: Caller, need: Any, **fields: Any) -> Any:
    """Changes a need as it is now; it must succeed."""
    tag = who.http.get(f"/v1/needs/{need['id']}").headers["etag"]
    answer = patch(who, need, tag, **fields)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(who: Caller, need: Any, **fields: Any) -> dict[str, str]:
    answer = patch(who, need, "*", **fields)
    assert answer.status_code == 422, answer.text
    return {error["pointer"]: error["detail"] for error in answer.json()["errors"]}


@pytest.fixture
def phone(prison: Prison, hartmann: Caller) -> Any:
    """Weir was promised a call to his daughter."""
    asked = {"code": "PHONE", "urgency": "THIS_SHIFT", "promised": True, "detail": "his daughter"}
    return hartmann.note(prison.receive("A4417KD"), needs=[asked])["needs"][0]


def test_a_need_is_opened_by_its_note(prison: Prison, hartmann: Caller) -> None:
    weir = prison.receive("A4417KD")
    due = "2030-01-01T12:00:00+02:00"
    note = hartmann.note(weir, needs=[{"code": "PHONE", "promised": True, "detail": "daughter", "due_at": due}])
    answer = hartmann.http.get(f"/v1/needs/{note['needs'][0]['id']}")
    need = answer.json()
    assert answer.headers["etag"] == '"1"'
    [born] = need.pop("history")
    assert need == {
        "id": note["needs"][0]["id"],
        "note": note["id"],
        "establishment": prison.code,
        "unit": "A",
        "from_unit": None,
        "inmate": weir,
        "code": "PHONE",
        "urgency": "ROUTINE",
        "promised": True,
        "detail": "daughter",
        "due_at": "2030-01-01T10:00:00Z",
        "status": "OPEN",
        "owner": None,
        "outcome": None,
        "reason": None,
        "opened_at": note["recorded_at"],
        "opened_by": note["author"],
        "updated_at": note["recorded_at"],
        "version": 1,
    }
    state = ("status", "owner", "due_at", "outcome", "reason")
    assert born == {"at": note["recorded_at"], "by": note["author"], **{name: need[name] for name in state}}
    assert hartmann.get("/v1/needs")["items"] == [need]
    assert [e["data"] for e in hartmann.pull(type="need.opened")[0]] == [need]


def test_due_is_understood_as_due_at_and_the_two_together_are_not(prison: Prison, hartmann: Caller) -> None:
    weir, due = prison.receive("A4417KD"), "2030-01-01T10:00:00Z"
    assert hartmann.note(weir, needs=[{"code": "PHONE", "due": due}])["needs"][0]["due_at"] == due
    body = {"inmate": weir, "basis": "SAW", "needs": [{"code": "PHONE", "due": due, "due_at": due}]}
    assert hartmann.post("/v1/notes", body, 422)["errors"][0]["pointer"] == "/needs/0/due"


def test_what_became_of_a_need_is_told_back_step_by_step(prison: Prison, hartmann: Caller, phone: Any) -> None:
    ngata = prison.hire("ngata", "officer", "A")
    _, here = hartmann.pull()
    change(ngata, phone, owner="P. Ngata", due_at="2030-01-01T12:00:00Z")
    change(ngata, phone, due_at=None, reason="The phone is out of order.")
    done = change(ngata, phone, status="DONE", outcome="Spoke to her for ten minutes.")
    assert (done["status"], done["owner"], done["due_at"], done["version"]) == ("DONE", "P. Ngata", None, 4)
    assert hartmann.get(f"/v1/needs/{phone['id']}") == done
    told = [(s["by"]["name"], s["status"], s["owner"], s["due_at"], s["reason"]) for s in done["history"]]
    assert told == [
        ("Hartmann", "OPEN", None, None, None),
        ("Ngata", "OPEN", "P. Ngata", "2030-01-01T12:00:00Z", None),
        ("Ngata", "OPEN", "P. Ngata", None, "The phone is out of order."),
        ("Ngata", "DONE", "P. Ngata", None, None),
    ]
    heard = hartmann.pull(here)[0]
    assert [(e["type"], e["data"]["status"]) for e in heard] == [
        ("need.updated", "OPEN"),
        ("need.updated", "OPEN"),
        ("need.updated", "DONE"),
    ]
    assert heard[-1]["data"] == {name: value for name, value in done.items() if name != "history"}


def test_a_need_is_closed_with_what_its_end_wants(hartmann: Caller, phone: Any) -> None:
    assert "what came of it" in refused(hartmann, phone, status="DONE")["/outcome"]
    assert "why" in refused(hartmann, phone, status="NOT_POSSIBLE")["/reason"]
    assert "to whom" in refused(hartmann, phone, status="PASSED_ON")["/owner"]
    assert "DONE" in refused(hartmann, phone, status="DUNE")["/status"]
    assert "DONE" in refused(hartmann, phone, status="done")["/status"]
    assert "always has" in refused(hartmann, phone, status=None)["/status"]
    assert "spelling" in refused(hartmann, phone, outcom="Called.")["/outcom"]
    assert "what changes" in refused(hartmann, phone)[""]
    assert "500 characters" in refused(hartmann, phone, outcome="x" * 501)["/outcome"]
    assert "offset" in refused(hartmann, phone, due_at="2030-01-01T12:00:00")["/due_at"]
    assert "one line" in refused(hartmann, phone, owner="P. Ngata\nand all")["/owner"]
    untouched = hartmann.get(f"/v1/needs/{phone['id']}")
    assert (untouched["version"], len(untouched["history"])) == (1, 1)
    passed = change(hartmann, phone, status="PASSED_ON", owner="Chaplaincy")
    assert (passed["status"], passed["owner"]) == ("PASSED_ON", "Chaplaincy")
    no = change(hartmann, phone, status="NOT_POSSIBLE", reason="The number is barred.")
    assert (no["status"], no["owner"], no["reason"]) == ("NOT_POSSIBLE", "Chaplaincy", "The number is barred.")
    assert "what came of it" in refused(hartmann, phone, status="DONE", outcome=None)["/outcome"]


def test_a_closed_need_is_opened_again_only_with_a_reason(hartmann: Caller, phone: Any) -> None:
    change(hartmann, phone, status="DONE", outcome="Left a message.")
    assert "opened again" in refused(hartmann, phone, status="OPEN")["/reason"]
    again = change(hartmann, phone, status="OPEN", reason="She rang back; he was in the workshop.")
    assert (again["status"], again["outcome"]) == ("OPEN", None)
    assert again["history"][1]["outcome"] == "Left a message.", "what was said stays in the history"


def test_a_need_opened_again_is_where_the_person_is_now(prison: Prison, hartmann: Caller, phone: Any) -> None:
    cole, brandt = prison.hire("cole", "supervisor"), prison.hire("brandt", "officer", "B")
    weir = hartmann.get(f"/v1/needs/{phone['id']}")["inmate"]
    change(hartmann, phone, status="DONE", outcome="Left a message.")
    cole.post(f"/v1/inmates/{weir}/moves", {"establishment": prison.code, "unit": "B", "reason": "Work"})
    assert hartmann.get(f"/v1/needs/{phone['id']}")["unit"] == "A", "what is closed stays where it was closed"
    change(hartmann, phone, status="OPEN", reason="She rang back.")
    assert [(need["id"], need["status"]) for need in brandt.get("/v1/needs")["items"]] == [(phone["id"], "OPEN")]


def test_nobody_overwrites_what_they_have_not_read(prison: Prison, hartmann: Caller, phone: Any) -> None:
    ngata = prison.hire("ngata", "officer", "A")
    first = hartmann.http.get(f"/v1/needs/{phone['id']}").headers["etag"]
    answer = patch(hartmann, phone, None, owner="L. Hartmann")
    assert (answer.status_code, answer.json()["type"]) == (428, "/problems/if-match-required")
    answer = patch(ngata, phone, first, owner="P. Ngata")
    assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
    for stale in (first, '"0"', "2", '"x"', f'{first}, "0"'):
        late = patch(hartmann, phone, stale, owner="L. Hartmann")
        assert (late.status_code, late.json()["type"]) == (412, "/problems/stale"), stale
    current = hartmann.http.get(f"/v1/needs/{phone['id']}", headers={"If-None-Match": first})
    assert (current.status_code, current.headers["etag"], current.json()["owner"]) == (200, '"2"', "P. Ngata")
    same = hartmann.http.get(f"/v1/needs/{phone['id']}", headers={"If-None-Match": current.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    assert patch(hartmann, phone, current.headers["etag"], owner="L. Hartmann").json()["version"] == 3


def test_those_who_do_not_see_a_need_cannot_change_it(prison: Prison, hartmann: Caller, phone: Any) -> None:
    brandt, quill = prison.hire("brandt", "officer", "B"), prison.hire("quill", "auditor")
    reader = prison.connect("reader", "needs:read")
    writer = prison.connect("writer", "needs:read", "needs:write")
    assert patch(brandt, phone, "*", owner="Brandt").status_code == 404
    assert patch(quill, phone, "*", owner="Quill").status_code == 403
    assert patch(reader, phone, "*", owner="Reader").status_code == 403
    assert brandt.get("/v1/needs")["items"] == []
    changed = patch(writer, phone, "*", owner="Booking system").json()
    assert changed["history"][-1]["by"]["role"] == "integration"


def test_a_list_of_needs_is_narrowed_by_each_of_its_filters(prison: Prison, hartmann: Caller) -> None:
    there = prison.service.prison()
    cole, brandt = prison.hire("cole", "supervisor"), prison.hire("brandt", "officer", "B")
    weir, obi = prison.receive("A4417KD"), prison.receive("B1002", unit="B", name="Obi, T.")
    noon = datetime(2030, 1, 1, 12, tzinfo=UTC)
    due = {name: (noon + timedelta(hours=h)).isoformat() for name, h in (("early", 0), ("late", 2))}
    [undated] = hartmann.note(weir, needs=[{"code": "FAITH"}])["needs"]
    [late] = hartmann.note(weir, needs=[{"code": "PHONE", "due_at": due["late"]}])["needs"]
    [early] = brandt.note(obi, needs=[{"code": "PHONE", "due_at": due["early"]}])["needs"]
    [wing] = brandt.note(unit="B", needs=[{"code": "CELL"}])["needs"]
    names = {early["id"]: "early", late["id"]: "late", undated["id"]: "undated", wing["id"]: "wing"}

    def found(**filters: str) -> list[str]:
        items, more = [], dict(filters)
        while True:
            answer = cole.http.get("/v1/needs", params=more)
            assert answer.status_code == 200, answer.text
            items += [names[need["id"]] for need in answer.json()["items"]]
            if answer.json()["next"] is None:
                return items
            more["cursor"] = answer.json()["next"]

    assert found() == ["early", "late", "undated", "wing"], "what is due first, then the oldest"
    assert found(establishment=prison.code) == found(limit="1") == found()
    assert found(establishment=there.code) == []
    assert found(unit="B") == ["early", "wing"]
    assert found(inmate=weir) == ["late", "undated"]
    assert found(code="PHONE") == ["early", "late"]
    assert found(due_before=due["late"]) == ["early"], "before, not at"
    assert found(due_before="2030-01-01T14:00:01Z") == ["early", "late"]
    change(cole, late, status="DONE", outcome="Called.")
    assert found(status="DONE") == ["late"]
    assert found(status="OPEN") == ["early", "undated", "wing"]
    assert found(unit="A", status="OPEN", code="FAITH") == ["undated"]
    for params, words in (({"status": "OPPEN"}, "OPEN"), ({"code": "PHONES"}, "PHONE"), ({"due": "x"}, "spelling")):
        answer = cole.http.get("/v1/needs", params=params)
        [error] = answer.json()["errors"]
        assert error["pointer"] == f"/query/{next(iter(params))}"
        assert words in error["detail"]


def test_paging_neither_skips_nor_repeats_a_need_whose_due_time_is_changed(prison: Prison, hartmann: Caller) -> None:
    weir = prison.receive("A4417KD")
    noon = datetime(2030, 1, 1, 12, tzinfo=UTC)
    there = [
        hartmann.note(weir, needs=[{"code": "PHONE", "due_at": (noon + timedelta(hours=h)).isoformat()}])["needs"][0]
        for h in range(6)
    ]
    seen: list[str] = []
    path = "/v1/needs?limit=2"
    for turn in range(3):
        page = hartmann.http.get(path)
        seen += [need["id"] for need in page.json()["items"]]
        # The one just read goes to the end of the list, and the last of the list to its beginning.
        change(hartmann, there[2 * turn], due_at="2031-01-01T00:00:00Z")
        change(hartmann, there[5], due_at="2029-01-01T00:00:00Z")
        hartmann.note(weir, needs=[{"code": "FAITH", "due_at": "2028-01-01T00:00:00Z"}])
        path = page.links["next"]["url"] if turn < 2 else ""
    assert seen == [need["id"] for need in there]
    assert page.json()["next"] is None


def test_needs_are_read_with_the_scope_for_needs_alone(prison: Prison, hartmann: Caller, phone: Any) -> None:
    notes_only, needs_only = prison.connect("notes", "notes:read"), prison.connect("needs", "needs:read")
    notes_only.get("/v1/needs", 403)
    assert [need["id"] for need in needs_only.get("/v1/needs")["items"]] == [phone["id"]]
    needs_only.get("/v1/notes", 403)
    hartmann.get("/v1/needs/019ab3f0-6a52-7c11-9f4e-2d1b8a3c5e77", 404)
    assert "id" in hartmann.get("/v1/needs/x", 404)["detail"]


def moves(prison: Prison, number: str, unit: str, place: str | None = None) -> None:
    prison.admin.post(
        f"/v1/inmates/{number}/moves", {"establishment": place or prison.code, "unit": unit, "reason": "Asked."}
    )


def accepted(who: Caller) -> None:
    """Accepts whoever is on the way to this officer's unit."""
    [waiting] = who.get("/v1/handovers", state="OFFERED")["items"]
    who.post(f"/v1/handovers/{waiting['id']}/acceptance", {})


def shown(who: Caller, need: Any) -> tuple[bool, ...]:
    """Whether somebody is given a need by itself, in the list of all, and in the list of its person's."""
    found = who.http.get(f"/v1/needs/{need['id']}")
    assert found.status_code in (200, 404)
    lists = (who.all("/v1/needs"), who.all("/v1/needs", inmate=found.json().get("inmate", "A4417KD")))
    return found.status_code == 200, *(need["id"] in [one["id"] for one in some] for some in lists)


NOWHERE, EVERYWHERE = (False, False, False), (True, True, True)


def test_until_the_person_is_accepted_the_unit_that_sent_answers_for_the_need(
    prison: Prison, hartmann: Caller, ngata: Caller
) -> None:
    weir = prison.receive("A4417KD")
    note = hartmann.note(weir, needs=[{"code": "PHONE", "promised": True}, {"code": "MAIL"}])
    phone, mail = note["needs"]
    brandt, cole = prison.hire("brandt", "officer", "B"), prison.hire("cole", "officer", "C")
    _, start = ngata.pull()
    moves(prison, weir, "B")
    assert [shown(who, phone) for who in (ngata, brandt, cole)] == [EVERYWHERE, EVERYWHERE, NOWHERE]
    told = ngata.get(f"/v1/needs/{phone['id']}")
    assert (told["unit"], told["from_unit"]) == ("B", "A")
    # Where it must be met is B: a list of A's does not have it.
    assert [one["id"] for one in brandt.all("/v1/needs", unit="B")] == [phone["id"], mail["id"]]
    assert ngata.all("/v1/needs", unit="A") == []
    assert [one["id"] for one in ngata.all("/v1/needs", unit="B")] == [phone["id"], mail["id"]]

    change(ngata, phone, status="DONE", outcome="Spoke to his daughter.")
    change(brandt, mail, owner="Brandt")
    events, cursor = ngata.pull(start)
    needed = [event["data"] for event in events if event["type"] == "need.updated"]
    assert [(one["id"], one["owner"]) for one in needed if one.get("owner")] == [(mail["id"], "Brandt")]
    assert [one["outcome"] for one in needed if one.get("outcome")] == ["Spoke to his daughter."]

    accepted(brandt)
    assert [shown(who, mail) for who in (ngata, brandt)] == [NOWHERE, EVERYWHERE]
    assert brandt.get(f"/v1/needs/{mail['id']}")["from_unit"] is None
    assert patch(ngata, mail, "*", owner="Ngata").status_code == 404
    assert shown(ngata, phone) == NOWHERE
    gone = [event["data"] for event in ngata.pull(cursor)[0] if event["type"] == "need.updated"]
    assert gone == [{"id": phone["id"], "status": "DONE"}, {"id": mail["id"], "status": "OPEN"}]


def test_who_moves_on_before_anybody_accepted_is_answered_for_by_those_who_sent_first(
    prison: Prison, hartmann: Caller, ngata: Caller, phone: Any
) -> None:
    weir = hartmann.get(f"/v1/needs/{phone['id']}")["inmate"]
    prison.admin.put(f"/v1/establishments/{prison.code}/units/C", {"name": "C wing"})
    brandt, cole = prison.hire("brandt", "officer", "B"), prison.hire("cole", "officer", "C")
    moves(prison, weir, "B")
    moves(prison, weir, "B")  # another cell: nothing is different
    assert brandt.get(f"/v1/needs/{phone['id']}")["version"] == 2
    moves(prison, weir, "C")
    assert [shown(who, phone) for who in (ngata, brandt, cole)] == [EVERYWHERE, NOWHERE, EVERYWHERE]
    moves(prison, weir, "A")
    assert [shown(who, phone) for who in (ngata, brandt, cole)] == [EVERYWHERE, NOWHERE, NOWHERE]
    assert ngata.get(f"/v1/needs/{phone['id']}")["from_unit"] is None
    # From another prison nothing can be done: whoever wrote it is told what comes of it.
    moves(prison, weir, "B")
    bel = prison.service.prison()
    moves(prison, weir, "A", bel.code)
    assert shown(ngata, phone) == NOWHERE
    assert hartmann.get(f"/v1/needs/{phone['id']}")["from_unit"] is None


def test_a_need_of_a_narrow_class_is_no_wider_on_the_way(prison: Prison, hartmann: Caller, ngata: Caller) -> None:
    weir = prison.receive("A4417KD")
    nurse = prison.hire("osei", "health", "A")
    health = nurse.note(weir, handling="HEALTH", needs=[{"code": "MEDICATION"}])["needs"][0]
    complaint = ngata.note(weir, handling="COMPLAINT", needs=[{"code": "INFORMATION"}])["needs"][0]
    governor = prison.hire("ash", "governor", "A")
    moves(prison, weir, "B")
    assert [shown(who, health) for who in (hartmann, nurse)] == [NOWHERE, EVERYWHERE]
    assert [shown(who, complaint) for who in (hartmann, governor, ngata)] == [NOWHERE, NOWHERE, EVERYWHERE]
    assert ngata.get(f"/v1/needs/{complaint['id']}")["from_unit"] is None, "it stays where it was"
