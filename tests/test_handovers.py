"""The handover itself: two people, one sheet, nothing left behind. Each test is a shift somebody has worked."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from handover.services import accounts
from handover.store import timers
from tests.support.outages import held_up
from tests.support.plans import watching
from tests.support.readers import eventually, hears_everything
from tests.support.service import Caller, Prison, Service


@pytest.fixture(scope="module")
def service(patient: Service) -> Service:
    return patient


def at(service: Service, moment: datetime) -> None:
    """Sets the server's clock, and waits until everything that was due by then has been done."""
    service.clock.frozen = moment
    eventually(lambda: not service.desk.store.read(lambda conn: timers.due(conn, moment, 1)).result())


def monday(hours: int, minutes: int = 0, days: int = 0) -> datetime:
    """A time on the clock of the prison, in the winter."""
    return datetime(2026, 11, 23, hours, minutes, tzinfo=UTC) + timedelta(days=days)


def offer(who: Caller, prison: Prison, unit: str = "A", **more: Any) -> Any:
    return who.post("/v1/handovers", {"establishment": prison.code, "unit": unit, **more})


def accept(who: Caller, handover: Any, status: int = 201, **more: Any) -> Any:
    return who.post(f"/v1/handovers/{handover['id']}/acceptance", more, status)


def correct(who: Caller, note: Any, **said: Any) -> Any:
    body = {"reason": "It was otherwise.", "note": {"basis": "SAW", **said}}
    return who.post(f"/v1/notes/{note['id']}/corrections", body)


def sheet(who: Caller, prison: Prison, unit: str = "A", **params: Any) -> Any:
    return who.get(f"/v1/establishments/{prison.code}/units/{unit}/sheet", **params)


def on(found: Any, number: str) -> Any:
    """One person's entry on a sheet."""
    return next(one for one in found["people"] if one["inmate"] == number)


def rules(entry: Any) -> list[str]:
    return [reason["rule"] for reason in entry["reasons"]]


def noted(handover: Any) -> list[str]:
    return [item["note"] for item in handover["items"] if item["note"]]


# --- Offer and acceptance --------------------------------------------------------------------------------------------


def test_an_ordinary_changeover(prison: Prison, service: Service) -> None:
    at(service, monday(13, 10))
    ngata, hartmann = prison.hire("ngata", "officer", "A"), prison.hire("hartmann", "officer", "A")
    weir, kane = prison.receive("A4417KD"), prison.receive("A2200AA", name="Kane, R.", cell="A2-11")
    low = ngata.note(weir, change="WORSE", attention="WATCH", if_then="If awake after 22:00: sit down and talk.")
    call = ngata.note(kane, needs=[{"code": "PHONE", "promised": True, "detail": "call to his daughter"}])
    offered = offer(ngata, prison, roll_expected=2, remarks="Boiler out on the twos.")
    assert (offered["state"], offered["outgoing"]["name"], offered["incoming"]) == ("OFFERED", "Ngata", None)
    assert (offered["from_shift"], offered["to_shift"]) == ("2026-11-23/EARLY", "2026-11-23/LATE")
    assert offered["due_at"] == "2026-11-23T13:45:00Z", "a quarter of an hour into the late shift"
    assert noted(offered) == [low["id"], call["id"]]
    assert [item["need"] for item in offered["items"] if item["need"]] == [call["needs"][0]["id"]]
    at(service, monday(13, 35))
    news = ngata.note(kane, fact="Rang the bell twice.")
    shown = sheet(hartmann, prison)
    assert (shown["handover"]["id"], shown["handover"]["state"]) == (offered["id"], "OFFERED")
    assert [one["inmate"] for one in shown["people"]] == [weir, kane], "attention first, then what is due, then names"
    accepted = accept(hartmann, offered, roll_actual=2, read_back="Weir is low; Kane has a call.")
    assert (accepted["state"], accepted["incoming"]["name"]) == ("ACCEPTED", "Hartmann")
    assert accepted["roll"] == {"expected": 2, "actual": 2, "mismatch_reason": None}
    owned = sheet(hartmann, prison)["handover"]
    assert (owned["state"], owned["last"]["incoming"]["name"]) == ("DRAFT", "Hartmann")
    at(service, monday(20, 50))
    following = offer(hartmann, prison)
    assert (following["from_shift"], following["to_shift"]) == ("2026-11-23/LATE", "2026-11-23/NIGHT")
    assert noted(following) == [news["id"]], "what came after the offer belongs to the next one"
    assert [item["note"] for item in following["attention"]] == [low["id"]], "attention that lasts is carried on"
    carried = next(item for item in following["items"] if item["need"])
    assert (carried["need"], carried["carried"]) == (call["needs"][0]["id"], 1)


def test_a_question_stands_in_the_way_until_it_is_answered_or_taken_along(prison: Prison, service: Service) -> None:
    at(service, monday(13, 20))
    ngata, hartmann = prison.hire("ngata", "officer", "A"), prison.hire("hartmann", "officer", "A")
    weir = prison.receive("A4417KD")
    note = ngata.note(weir, fact="No insulin since morning.")
    offered = offer(ngata, prison, roll_expected=58)
    asked = hartmann.post(f"/v1/handovers/{offered['id']}/queries", {"note": note["id"], "text": "Who told the nurse?"})
    refused = accept(hartmann, offered, 409, roll_actual=57)
    assert "Who told the nurse?" in refused["detail"]
    assert "58 expected, 57 counted" in refused["detail"], "all that is in the way, at once"
    assert accept(hartmann, offered, 409, roll_actual=57, with_queries=True)["detail"].startswith("The roll does not")
    taken = accept(hartmann, offered, roll_actual=57, with_queries=True, roll_mismatch_reason="One at court.")
    assert taken["state"] == "ACCEPTED_WITH_QUERIES"
    assert taken["roll"]["mismatch_reason"] == "One at court."
    path = f"/v1/handovers/{offered['id']}/queries/{asked['id']}/answers"
    ngata.post(path, {"text": "I did, at ten."})
    threaded = ngata.post(path, {"text": "And again at noon."})
    assert [answer["text"] for answer in threaded["answers"]] == ["I did, at ten.", "And again at noon."]
    assert hartmann.get(f"/v1/handovers/{offered['id']}")["queries"] == [threaded]


def test_nobody_asks_about_what_is_not_an_item(prison: Prison) -> None:
    ngata, hartmann = prison.hire("ngata", "officer", "A"), prison.hire("hartmann", "officer", "A")
    weir = prison.receive("A4417KD")
    note = ngata.note(weir)
    offered = offer(ngata, prison)
    later = ngata.note(weir)
    path = f"/v1/handovers/{offered['id']}/queries"
    assert hartmann.post(path, {"note": later["id"], "text": "?"}, 422)["errors"][0]["pointer"] == "/note"
    assert hartmann.post(path, {"text": "?"}, 422)["errors"][0]["pointer"] == ""
    assert hartmann.post(path, {"note": note["id"], "need": note["id"], "text": "?"}, 422)
    assert hartmann.post(f"{path}/{note['id']}/answers", {"text": "!"}, 404)


def test_one_offer_at_a_time_and_one_acceptance_of_each(prison: Prison) -> None:
    ngata, hartmann = prison.hire("ngata", "officer", "A"), prison.hire("hartmann", "officer", "A")
    offered = offer(ngata, prison)
    told = hartmann.post("/v1/handovers", {"establishment": prison.code, "unit": "A"}, 409)
    assert offered["id"] in told["detail"]
    accept(hartmann, offered)
    assert "accepted before" in accept(ngata, offered, 409)["detail"]
    assert "accepted before" in ngata.post(f"/v1/handovers/{offered['id']}/withdrawal", {"reason": "x"}, 409)["detail"]


def test_what_an_offer_that_was_taken_back_held_is_in_the_next_one(prison: Prison) -> None:
    ngata, hartmann = prison.hire("ngata", "officer", "A"), prison.hire("hartmann", "officer", "A")
    weir = prison.receive("A4417KD")
    first = ngata.note(weir)
    offered = offer(ngata, prison)
    stranger = prison.hire("haas", "officer", "A")
    assert stranger.post(f"/v1/handovers/{offered['id']}/withdrawal", {"reason": "Not mine."}, 403)
    assert hartmann.get(f"/v1/handovers/{offered['id']}")["state"] == "OFFERED"
    back = ngata.post(f"/v1/handovers/{offered['id']}/withdrawal", {"reason": "Mass refusal at lunch."})
    assert (back["state"], back["withdrawal"]["reason"]) == ("WITHDRAWN", "Mass refusal at lunch.")
    assert "taken back" in accept(hartmann, offered, 409)["detail"]
    second = ngata.note(weir)
    assert noted(offer(ngata, prison)) == [first["id"], second["id"]]


def test_a_question_outlives_the_offer_it_was_asked_about(prison: Prison) -> None:
    ngata, hartmann = prison.hire("ngata", "officer", "A"), prison.hire("hartmann", "officer", "A")
    weir = prison.receive("A4417KD")
    need = ngata.note(weir, needs=[{"code": "PHONE"}])["needs"][0]["id"]
    note = ngata.note(weir, fact="Quiet.")
    first = offer(ngata, prison)
    asking = f"/v1/handovers/{first['id']}/queries"
    since = hartmann.post(asking, {"note": note["id"], "text": "Since when?"})
    whom = hartmann.post(asking, {"need": need, "text": "Whom does he call?"})
    ngata.post(f"{asking}/{whom['id']}/answers", {"text": "His daughter."})
    for _ in range(2):  # also of an offer before the last
        ngata.post(f"/v1/handovers/{first['id']}/withdrawal", {"reason": "The count was wrong."})
        first = offer(ngata, prison)
    assert [query["id"] for query in first["queries"]] == [since["id"], whom["id"]]
    assert [[one["text"] for one in query["answers"]] for query in first["queries"]] == [[], ["His daughter."]]
    assert "Since when?" in accept(hartmann, first, 409)["detail"]
    ngata.post(f"/v1/handovers/{first['id']}/queries/{since['id']}/answers", {"text": "Since the visit."})
    taken = accept(hartmann, first)
    assert taken["state"] == "ACCEPTED"
    ngata.post(f"/v1/notes/{note['id']}/retractions", {"reason": "NOT_TRUE"})
    assert "Since when?" not in json.dumps(hartmann.get(f"/v1/handovers/{first['id']}")), (
        "it repeats what was taken back"
    )
    ngata.note(weir, fact="Later.")
    assert offer(hartmann, prison)["queries"] == [], "they belong to what was accepted"


def test_a_question_about_what_still_wants_attention_outlives_the_offer_too(prison: Prison) -> None:
    ngata, hartmann = prison.hire("ngata", "officer", "A"), prison.hire("hartmann", "officer", "A")
    watched = ngata.note(prison.receive("A4417KD"), attention="WATCH")
    accept(hartmann, offer(ngata, prison))
    offered = offer(hartmann, prison)
    assert [item["note"] for item in offered["attention"]] == [watched["id"]]
    query = {"note": watched["id"], "text": "Until when?"}
    asked = ngata.post(f"/v1/handovers/{offered['id']}/queries", query)
    hartmann.post(f"/v1/handovers/{offered['id']}/withdrawal", {"reason": "The count was wrong."})
    assert [one["id"] for one in offer(hartmann, prison)["queries"]] == [asked["id"]]


def test_a_double_shift_is_handed_over_to_oneself(prison: Prison) -> None:
    ngata = prison.hire("ngata", "officer", "A")
    taken = accept(ngata, offer(ngata, prison, roll_expected=58), roll_actual=58)
    assert taken["outgoing"] == taken["incoming"]


def test_one_night_officer_takes_three_wings_over_one_by_one(prison: Prison) -> None:
    prison.admin.put(f"/v1/establishments/{prison.code}/units/C", {"name": "C wing"})
    night = prison.hire("haas", "officer", "A", "B", "C")
    days = {unit: prison.hire(f"day-{unit}", "officer", unit) for unit in "ABC"}
    offers = {unit: offer(days[unit], prison, unit) for unit in "ABC"}
    accept(night, offers["A"])
    accept(night, offers["C"])
    waiting = night.get("/v1/handovers", state="OFFERED")["items"]
    assert [one["unit"] for one in waiting] == ["B"], "each is accepted on its own, and B waits"
    assert accept(days["C"], offers["A"], 404)["status"] == 404, "a wing that is not one's own does not exist"


def test_a_relief_in_the_middle_of_a_shift_is_from_that_shift_to_itself(prison: Prison, service: Service) -> None:
    at(service, monday(13, 40))
    ngata, hartmann = prison.hire("ngata", "officer", "A"), prison.hire("hartmann", "officer", "A")
    accept(hartmann, offer(ngata, prison))
    at(service, monday(15))
    draft = sheet(hartmann, prison)["handover"]
    assert (draft["from_shift"], draft["to_shift"]) == ("2026-11-23/LATE", "2026-11-23/NIGHT"), "what comes next"
    assert draft["due_at"] == "2026-11-23T21:15:00Z"
    sick = offer(hartmann, prison)
    assert (sick["from_shift"], sick["to_shift"]) == ("2026-11-23/LATE", "2026-11-23/LATE")
    assert sick["due_at"] == "2026-11-23T15:15:00Z"
    at(service, monday(20, 50))
    accept(ngata, sick)
    accept(hartmann, offer(ngata, prison, remarks="Late to night, ten minutes early."))
    at(service, monday(20, 55))
    ill = offer(hartmann, prison)
    assert (ill["from_shift"], ill["to_shift"]) == ("2026-11-23/NIGHT", "2026-11-23/NIGHT"), "it is theirs already"
    assert ill["due_at"] == "2026-11-23T21:10:00Z"


def test_who_may_hand_over_and_who_learns_of_it(prison: Prison, service: Service) -> None:
    ngata, brandt = prison.hire("ngata", "officer", "A"), prison.hire("brandt", "officer", "B")
    cole, noor = prison.hire("cole", "supervisor"), prison.hire("noor", "health")
    offered = offer(ngata, prison)
    for stranger in (brandt, noor, service.prison().hire("far", "governor")):
        assert stranger.get(f"/v1/handovers/{offered['id']}", 404)
        assert stranger.get("/v1/handovers")["items"] == []
        assert [e for e in stranger.pull()[0] if e["type"].startswith("handover.")] == []
    assert cole.get(f"/v1/handovers/{offered['id']}") == offered
    assert brandt.post("/v1/handovers", {"establishment": prison.code, "unit": "A"}, 404)
    assert noor.post("/v1/handovers", {"establishment": prison.code, "unit": "A"}, 403)
    offices = prison.connect("offices", "handovers:read", "events:read")
    assert offices.get(f"/v1/handovers/{offered['id']}") == offered
    assert offices.post("/v1/handovers", {"establishment": prison.code, "unit": "A"}, 403)


def test_the_first_answer_again_has_nothing_that_may_not_be_read_any_more(prison: Prison, service: Service) -> None:
    ngata, weir = prison.hire("ngata", "officer", "A"), prison.receive("A4417KD")
    note = ngata.note(weir, attention="WATCH")
    cole = prison.hire("cole", "supervisor")
    others = cole.note(weir, fact="Seen at the gate.", needs=[{"code": "PHONE"}])
    offer_a = {"establishment": prison.code, "unit": "A"}
    asked: dict[str, Any] = {"json": offer_a, "headers": {"Idempotency-Key": "changeover"}}
    first = ngata.http.post("/v1/handovers", **asked)
    assert {item["note"] or item["need"] for item in first.json()["items"]} > {note["id"], others["id"]}
    assert ngata.http.post("/v1/handovers", **asked).content == first.content
    service.do(lambda uow: accounts.change_user(uow, ngata.name, places=[(prison.code, "B")]))
    again = ngata.http.post("/v1/handovers", **asked)
    assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")
    assert again.json() == {**first.json(), "items": ngata.get(f"/v1/handovers/{first.json()['id']}")["items"]}
    assert [item["note"] for item in again.json()["items"]] == [note["id"]], "what he wrote himself"


def test_the_first_answer_to_a_question_is_not_given_again_to_whoever_may_not_read_what_it_is_about(
    prison: Prison, service: Service
) -> None:
    ngata, cole = prison.hire("ngata", "officer", "A"), prison.hire("cole", "supervisor")
    secret = prison.hire("mortimer", "governor").note(unit="A", fact="A blade is on the wing.", handling="SECURITY")
    offer = ngata.post("/v1/handovers", {"establishment": prison.code, "unit": "A"})
    about: dict[str, Any] = {
        "json": {"note": secret["id"], "text": "Which landing?"},
        "headers": {"Idempotency-Key": "blade"},
    }
    asked = cole.http.post(f"/v1/handovers/{offer['id']}/queries", **about)
    assert cole.http.post(f"/v1/handovers/{offer['id']}/queries", **about).content == asked.content
    service.do(lambda uow: accounts.change_user(uow, cole.name, role="officer", places=[(prison.code, "A")]))
    cole.get(f"/v1/handovers/{offer['id']}")
    again = cole.http.post(f"/v1/handovers/{offer['id']}/queries", **about)
    assert again.status_code == 404, again.text


def test_the_first_answer_again_says_all_but_what_was_taken_back(prison: Prison) -> None:
    ngata, hartmann = prison.hire("ngata", "officer", "A"), prison.hire("hartmann", "officer", "A")
    keyes, weir = prison.hire("keyes", "governor"), prison.receive("A4417KD")
    note = ngata.note(weir, attention="WATCH", needs=[{"code": "PHONE", "promised": True}])
    unseen = keyes.note(weir, handling="COMPLAINT", fact="Says that he was pushed.")
    sent: list[tuple[Caller, str, dict[str, Any]]] = []
    firsts = []

    def send(who: Caller, path: str, **body: Any) -> Any:
        sent.append((who, path, body))
        answer = who.http.post(path, json=body, headers={"Idempotency-Key": f"{len(sent)}"})
        assert answer.status_code == 201, answer.text
        firsts.append(answer.json())
        return answer.json()

    def again() -> list[Any]:
        repeated = []
        for n, (who, path, body) in enumerate(sent, start=1):
            answer = who.http.post(path, json=body, headers={"Idempotency-Key": f"{n}"})
            assert (answer.status_code, answer.headers["idempotency-replayed"]) == (201, "true")
            repeated.append(answer.json())
        return repeated

    unit = {"establishment": prison.code, "unit": "A"}
    withdrawn = send(ngata, "/v1/handovers", **unit)
    send(ngata, f"/v1/handovers/{withdrawn['id']}/withdrawal", reason="Mass refusal at lunch.")
    path = f"/v1/handovers/{send(ngata, '/v1/handovers', **unit)['id']}"
    asked = send(hartmann, f"{path}/queries", note=note["id"], text="A zebra?")
    for text in ("A zebra.", "With stripes, the zebra."):
        send(ngata, f"{path}/queries/{asked['id']}/answers", text=text)
    send(hartmann, f"{path}/acceptance")
    keyes.post(f"/v1/notes/{unseen['id']}/retractions", {"reason": "DUPLICATE"})
    assert again() == firsts, "what was taken back was not in them"
    ngata.post(f"/v1/notes/{note['id']}/retractions", {"reason": "NOT_TRUE"})
    for first, repeated in zip(firsts, again(), strict=True):
        emptied = {name for name in first if first[name] != repeated[name]}
        if "items" in first:
            assert emptied <= {"items", "queries"}
            assert [(one["attention"], one["code"], one["promised"]) for one in repeated["items"]] == [
                ("ROUTINE", None, False)
            ] * 2
            assert [one.keys() for one in repeated["items"]] == [one.keys() for one in first["items"]]
            asking = zip(first["queries"], repeated["queries"], strict=True)
        else:
            assert emptied <= {"text", "answers"}
            asking = zip([first], [repeated], strict=True)
        for before, now in asking:
            mute = [{**one, "text": None} for one in before["answers"]]
            assert now == {**before, "text": None, "answers": mute}


def test_a_health_note_is_an_item_for_health_staff_alone(prison: Prison) -> None:
    ngata, noor = prison.hire("ngata", "officer", "A"), prison.hire("noor", "health", "A")
    weir = prison.receive("A4417KD")
    result = noor.note(weir, handling="HEALTH", fact="Result of the blood test.", needs=[{"code": "HEALTHCARE"}])
    plain = ngata.note(weir)
    offered = offer(ngata, prison)
    assert noted(offered) == [plain["id"]]
    assert result["id"] not in json.dumps(offered), "not even counted"
    told = next(e for e in ngata.pull()[0] if e["type"] == "handover.offered")
    assert told["data"] == offered
    health = noor.get(f"/v1/handovers/{offered['id']}")
    assert noted(health) == [result["id"], plain["id"]]
    with noor.feed() as feed:
        heard = next(e for e in feed.until_live() if e["type"] == "handover.offered")
    assert heard["data"] == health
    assert result["id"] not in json.dumps(sheet(ngata, prison))
    assert "blood" in json.dumps(sheet(noor, prison))


# --- Nobody comes ----------------------------------------------------------------------------------------------------


def test_an_offer_nobody_accepts_is_somebodys_problem_within_minutes(prison: Prison, service: Service) -> None:
    at(service, monday(13, 20))
    ngata, cole = prison.hire("ngata", "officer", "A"), prison.hire("cole", "supervisor")
    offered = offer(ngata, prison)
    at(service, monday(13, 44))
    assert ngata.get(f"/v1/handovers/{offered['id']}")["state"] == "OFFERED"
    at(service, monday(13, 46))
    assert ngata.get(f"/v1/handovers/{offered['id']}")["state"] == "OVERDUE"
    assert cole.get("/v1/pages")["items"] == []
    at(service, monday(14, 2))
    assert ngata.get(f"/v1/handovers/{offered['id']}")["state"] == "ESCALATED"
    (page,) = cole.get("/v1/pages")["items"]
    assert (page["kind"], page["state"], page["handover"]) == ("HANDOVER", "RAISED", offered["id"])
    told = [e["type"] for e in cole.pull()[0] if e["type"].split(".")[0] in ("handover", "page")]
    assert told == ["handover.offered", "handover.overdue", "handover.escalated", "page.raised"]
    accept(cole, offered)
    assert cole.get(f"/v1/pages/{page['id']}")["accepted_by"]["name"] == "Cole"


def test_a_unit_that_nobody_even_offers_is_somebodys_problem_too(prison: Prison, service: Service) -> None:
    at(service, monday(13, 20))
    ngata, cole = prison.hire("ngata", "officer", "A"), prison.hire("cole", "supervisor")
    accept(ngata, offer(ngata, prison))
    at(service, monday(21, 29))
    assert cole.get("/v1/pages")["items"] == []
    at(service, monday(21, 31))
    (page,) = cole.get("/v1/pages")["items"]
    assert (page["kind"], page["state"], page["unit"], page["note"]) == ("UNOFFERED", "RAISED", "A", None)
    at(service, monday(22))
    assert cole.get(f"/v1/pages/{page['id']}")["repeated"] == 1, "it calls again"
    accept(cole, offer(ngata, prison))
    assert cole.get(f"/v1/pages/{page['id']}")["state"] == "CLOSED"
    assert [p["state"] for p in cole.get("/v1/pages")["items"]] == ["CLOSED"]


def test_an_offer_that_is_taken_back_leaves_the_unit_with_somebody_called(prison: Prison, service: Service) -> None:
    at(service, monday(13, 20))
    ngata, cole = prison.hire("ngata", "officer", "A"), prison.hire("cole", "supervisor")
    accept(ngata, offer(ngata, prison))
    at(service, monday(21, 20))
    early = offer(ngata, prison)
    at(service, monday(21, 31))
    assert cole.get("/v1/pages")["items"] == [], "somebody has offered it"
    ngata.post(f"/v1/handovers/{early['id']}/withdrawal", {"reason": "Too early."})
    at(service, monday(21, 32))
    (page,) = cole.get("/v1/pages")["items"]
    assert (page["kind"], page["state"]) == ("UNOFFERED", "RAISED")


def test_a_prison_sets_its_own_times(prison: Prison, service: Service) -> None:
    at(service, monday(13, 20))
    place = prison.admin.get(f"/v1/establishments/{prison.code}")
    assert place["times"] == {"accept": 15, "escalate": 15, "page": 3, "transfer": 240}
    times = {"accept": 5, "escalate": 60, "page": 10, "transfer": 30}
    body = {"name": place["name"], "timezone": place["timezone"], "times": times}
    assert prison.admin.put(f"/v1/establishments/{prison.code}", body)["times"] == times
    del body["times"]
    assert prison.admin.put(f"/v1/establishments/{prison.code}", body)["times"] == times, "left out: as they are"
    assert offer(prison.hire("ngata", "officer", "A"), prison)["due_at"] == "2026-11-23T13:35:00Z"


def test_what_is_due_while_the_server_is_down_is_told_when_it_is_back(service: Service) -> None:
    prison = service.prison()
    at(service, monday(13, 20))
    ngata = prison.hire("ngata", "officer", "A")
    offered = offer(ngata, prison)
    other = Service(service.settings)
    try:
        other.clock.frozen = monday(20)
        # Both look at what is due; whoever is first tells it, once.
        at(service, monday(20))
        at(other, monday(20))
        types = [e["type"] for e in ngata.pull()[0]]
        assert types.count("handover.overdue") == 1
        assert ngata.get(f"/v1/handovers/{offered['id']}")["state"] == "OVERDUE"
    finally:
        other.stop()


def test_the_urgent_insulin_that_nobody_took_over(prison: Prison, service: Service) -> None:
    at(service, monday(13))
    ngata, hartmann = prison.hire("ngata", "officer", "A"), prison.hire("hartmann", "officer", "A")
    cole, brandt = prison.hire("cole", "supervisor"), prison.hire("brandt", "officer", "B")
    weir = prison.receive("A4417KD")
    note = ngata.note(
        weir,
        attention="ACT_NOW",
        fact="No insulin since morning.",
        needs=[{"code": "MEDICATION", "urgency": "NOW", "due_at": "2026-11-23T14:00:00Z"}],
    )
    for who in (hartmann, cole):
        types = [e["type"] for e in who.pull()[0] if e["type"] in ("page.raised", "note.recorded")]
        assert types == ["page.raised", "note.recorded"], "the page first"
    assert brandt.get("/v1/pages")["items"] == []
    (page,) = cole.get("/v1/pages")["items"]
    at(service, monday(13, 4))
    at(service, monday(13, 8))
    again = cole.get(f"/v1/pages/{page['id']}")
    assert (again["state"], again["repeated"]) == ("RAISED", 2)
    assert [one["name"] for one in again["not_seen"]] == ["Cole", "Hartmann"]
    hartmann.post(f"/v1/notes/{note['id']}/receipts", {"kind": "SEEN"})
    again = cole.get(f"/v1/pages/{page['id']}")
    assert ([one["name"] for one in again["seen"]], again["state"]) == (["Hartmann"], "RAISED"), "seen is not taken"
    offered = offer(ngata, prison)
    at(service, monday(14, 1))
    types = [e["type"] for e in cole.pull()[0]]
    assert types.count("need.overdue") == 1
    entry = on(sheet(hartmann, prison), weir)
    assert rules(entry)[:2] == ["ACT_NOW", "NEED_OVERDUE"]
    accept(hartmann, offered)
    done = cole.get(f"/v1/pages/{page['id']}")
    assert (done["state"], done["accepted_by"]["name"]) == ("ACCEPTED", "Hartmann"), "with the unit, by name"
    told = len(cole.pull()[0])
    at(service, monday(14, 30))
    assert [e["type"] for e in cole.pull()[0][told:] if e["type"] == "page.raised"] == [], "then it is quiet"


def test_a_page_is_taken_by_a_receipt(prison: Prison) -> None:
    ngata, hartmann = prison.hire("ngata", "officer", "A"), prison.hire("hartmann", "officer", "A")
    note = ngata.note(prison.receive("A4417KD"), indicators=[{"code": "SAY_SELF_HARM"}])
    with ngata.feed(after="now") as feed:
        feed.until_live()
        hartmann.post(f"/v1/notes/{note['id']}/receipts", {"kind": "ACCEPTED"})
        types = [feed.event()["type"] for _ in range(2)]
    assert types == ["receipt.recorded", "page.accepted"]
    assert [p["state"] for p in ngata.get("/v1/pages", state="RAISED")["items"]] == []


# --- Attention and carrying on ---------------------------------------------------------------------------------------


def test_two_gentle_warnings_reach_a_new_officer_two_shifts_later_without_retyping(
    prison: Prison, service: Service
) -> None:
    at(service, monday(10))
    ngata, hartmann = prison.hire("ngata", "officer", "A"), prison.hire("hartmann", "officer", "A")
    haas = prison.hire("haas", "officer", "A")
    reeve = prison.receive("A1001RE", name="Reeve, T.", cell="A2-03")
    sister = ngata.note(
        reeve,
        basis="TOLD_BY_FAMILY",
        fact="His sister rang: the anniversary is tomorrow.",
        attention="WATCH",
        attention_until="2026-11-24T21:00:00Z",
        if_then="If awake after 22:00: sit down and talk.",
        responses=[{"code": "LISTENED", "effect": "HELPED"}],
        opening=True,
    )
    quiet = hartmann.note(reeve, change="WORSE", attention="WATCH", attention_until="2026-11-24T21:00:00Z")
    for hour, out, into in ((13, ngata, hartmann), (21, hartmann, haas)):
        at(service, monday(hour, 20 if hour == 13 else 0))
        accept(into, offer(out, prison))
    entry = on(sheet(haas, prison), reeve)
    assert entry["attention"] == "WATCH"
    assert {reason["note"] for reason in entry["reasons"]} == {sister["id"], quiet["id"]}
    assert [one["text"] for one in entry["if_then"]] == ["If awake after 22:00: sit down and talk."]
    assert [(one["code"], one["by"]) for one in entry["worked"]] == [("LISTENED", "Ngata")]
    assert [one["fact"] for one in entry["openings"]] == ["His sister rang: the anniversary is tomorrow."]
    assert {note["id"] for note in entry["notes"]} == {sister["id"], quiet["id"]}


def test_attention_runs_out_and_asks_renew_or_close(prison: Prison, service: Service) -> None:
    at(service, monday(10))
    ngata = prison.hire("ngata", "officer", "A")
    weir = prison.receive("A4417KD")
    note = ngata.note(weir, attention="WATCH", attention_until="2026-11-23T12:00:00Z")
    path = f"/v1/notes/{note['id']}/attention"
    assert ngata.post(path, {"reason": "x", "until": "2026-11-23T09:00:00Z"}, 422)["errors"][0]["pointer"] == "/until"
    renewed = ngata.post(path, {"reason": "Still does not eat.", "until": "2026-11-23T12:30:00Z"})
    assert (renewed["attention_until"], renewed["renewals"][0]["reason"]) == (
        "2026-11-23T12:30:00Z",
        "Still does not eat.",
    )
    at(service, monday(12, 10))
    assert "note.attention_ended" not in [e["type"] for e in ngata.pull()[0]], "the old time was overtaken"
    assert on(sheet(ngata, prison), weir)["attention"] == "WATCH"
    at(service, monday(12, 31))
    assert [e["type"] for e in ngata.pull()[0]].count("note.attention_ended") == 1
    entry = on(sheet(ngata, prison), weir)
    assert (entry["attention"], rules(entry)[0]) == ("ROUTINE", "RAN_OUT")
    ngata.post(path, {"close": True, "reason": "Ate at noon."})
    assert "RAN_OUT" not in rules(on(sheet(ngata, prison), weir))
    assert ngata.post(path, {"close": True, "until": "2026-11-24T00:00:00Z", "reason": "x"}, 422)
    assert ngata.post(f"/v1/notes/{ngata.note(weir)['id']}/attention", {"reason": "x"}, 409)


def test_the_author_learns_what_the_note_led_to(prison: Prison) -> None:
    ngata, hartmann = prison.hire("ngata", "officer", "A"), prison.hire("hartmann", "officer", "A", "B")
    weir = prison.receive("A4417KD")
    need = ngata.note(weir, needs=[{"code": "PHONE", "promised": True}])["needs"][0]
    prison.admin.post(
        f"/v1/inmates/{weir}/moves", {"establishment": prison.code, "unit": "B", "reason": "Works in the kitchen."}
    )
    done = {"status": "DONE", "outcome": "Spoke ten minutes with his daughter."}
    answer = hartmann.http.patch(f"/v1/needs/{need['id']}", json=done, headers={"If-Match": "*"})
    assert answer.status_code == 200
    told = [e for e in ngata.pull()[0] if e["type"] == "need.updated" and e["data"].get("status") == "DONE"]
    assert [(e["data"]["outcome"], e["data"]["opened_by"]["name"]) for e in told] == [
        ("Spoke ten minutes with his daughter.", "Ngata")
    ]


def test_the_author_learns_of_it_from_another_prison_and_nobody_else_does(prison: Prison, service: Service) -> None:
    bel = service.prison()
    ngata, hartmann = prison.hire("ngata", "officer", "A"), prison.hire("hartmann", "officer", "A")
    cole, there = prison.hire("cole", "governor"), bel.hire("meyer", "officer", "B")
    records = hears_everything(prison)
    weir = prison.receive("A4417KD")
    note = ngata.note(weir, needs=[{"code": "PHONE", "promised": True}])
    need = note["needs"][0]["id"]
    cole.post(f"/v1/inmates/{weir}/moves", {"establishment": bel.code, "unit": "B", "reason": "Nearer to his family."})
    before, of_others = len(ngata.pull()[0]), [len(who.pull()[0]) for who in (hartmann, cole)]
    claimed = there.http.patch(f"/v1/needs/{need}", json={"owner": "Meyer"}, headers={"If-Match": "*"})
    assert claimed.status_code == 200
    assert len(ngata.pull()[0]) == before, "who sees to it there is theirs to know"
    done = {"status": "DONE", "outcome": "Spoke ten minutes with his daughter."}
    assert there.http.patch(f"/v1/needs/{need}", json=done, headers={"If-Match": "*"}).status_code == 200
    (told,) = ngata.pull()[0][before:]
    assert (told["type"], told["unit"], told["data"]["outcome"]) == ("need.updated", "A", done["outcome"])
    assert records.pull()[0][-1]["data"] == {"id": need, "status": "DONE"}, "another system: that it ended, not how"
    with ngata.feed() as feed:
        assert done["outcome"] in json.dumps(feed.until_live())
    assert [len(who.pull()[0]) for who in (hartmann, cole)] == of_others, (
        "the view of the prison that sent him has ended"
    )
    again = {"status": "OPEN", "reason": "He wants to call again."}
    assert there.http.patch(f"/v1/needs/{need}", json=again, headers={"If-Match": "*"}).status_code == 200
    assert ngata.pull()[0][-1]["data"]["status"] == "OPEN", "the last word the author has is the last there is"
    few = prison.connect("few", "notes:read", "events:read")
    assert few.pull()[0][-1]["data"] == {"id": need, "status": "OPEN"}
    ngata.post(f"/v1/notes/{note['id']}/retractions", {"reason": "WRONG_PERSON"})
    assert done["outcome"] not in json.dumps(ngata.pull()[0]), "what was taken back is not replayed here either"


def test_what_an_author_saw_coming_is_on_the_sheet_where_both_have_gone(prison: Prison, service: Service) -> None:
    at(service, monday(9))
    bel = service.prison()
    cole, weir = prison.hire("cole", "supervisor"), prison.receive("A4417KD")
    cole.note(weir, attention="WATCH", attention_until="2026-12-10T12:00:00Z", fact="Two weeks to the anniversary.")
    move = {"establishment": bel.code, "unit": "A", "reason": "Nearer to his family."}
    cole.post(f"/v1/inmates/{weir}/moves", move)
    places = [(bel.code, "")]
    service.do(lambda uow: accounts.change_user(uow, cole.name, places=places), prison.code, bel.code)
    at(service, monday(9, days=4))
    assert on(sheet(service.login(cole.name), bel), weir)["attention"] == "WATCH"


def test_who_may_not_read_needs_is_not_told_what_came_of_one(prison: Prison, service: Service) -> None:
    bel = service.prison()
    there = bel.hire("meyer", "officer", "B")
    kiosk = prison.connect("kiosk", "notes:write", "events:read")
    weir = prison.receive("A4417KD")
    note = kiosk.note(weir, needs=[{"code": "PHONE", "detail": "his daughter"}])
    move = {"establishment": bel.code, "unit": "B", "reason": "Nearer to his family."}
    prison.hire("cole", "governor").post(f"/v1/inmates/{weir}/moves", move)
    done = {"status": "DONE", "outcome": "Spoke ten minutes."}
    path = f"/v1/needs/{note['needs'][0]['id']}"
    assert there.http.patch(path, json=done, headers={"If-Match": "*"}).status_code == 200
    assert kiosk.pull()[0][-1]["data"] == {"id": note["needs"][0]["id"], "status": "DONE"}


def test_a_record_filled_in_at_ten_past_three_shows_as_what_it_is(prison: Prison, service: Service) -> None:
    at(service, monday(21, 10))
    ngata, haas = prison.hire("ngata", "officer", "A"), prison.hire("haas", "officer", "A")
    weir = prison.receive("A4417KD")
    accept(haas, offer(ngata, prison))
    at(service, monday(3, 10, days=1))
    filled = [haas.note(weir, occurred_at=f"2026-11-24T0{hour}:00:00Z") for hour in (1, 2, 3)]
    assert [note["late"] for note in filled] == [True, True, False]
    behind = ngata.note(weir, occurred_at="2026-11-23T20:30:00Z", fact="Cried after the call.")
    shown = sheet(haas, prison)
    assert [note["id"] for note in shown["late"]] == [behind["id"]], "the shift that took over was not told"
    at(service, monday(7, 20, days=1))
    following = offer(haas, prison)
    late = {item["note"]: item["late"] for item in following["items"] if item["note"]}
    assert late == {**dict.fromkeys((note["id"] for note in filled), False), behind["id"]: True}


def test_what_is_written_while_the_unit_is_taken_over_is_late_too(prison: Prison, service: Service) -> None:
    at(service, monday(21, 10))
    ngata, haas = prison.hire("ngata", "officer", "A"), prison.hire("haas", "officer", "A")
    weir = prison.receive("A4417KD")
    told = ngata.note(weir, occurred_at="2026-11-23T19:00:00Z", fact="Filled in, and offered.")
    offered = offer(ngata, prison)
    at(service, monday(21, 20))
    remembered = ngata.note(weir, occurred_at="2026-11-23T20:30:00Z", fact="Cried after the call.")
    now = ngata.note(weir, fact="Asked for a doctor.")
    at(service, monday(21, 30))
    taken = accept(haas, offered)
    assert noted(taken) == [told["id"]], "what was accepted has not the other two"
    at(service, monday(21, 40))
    between = haas.note(weir, occurred_at="2026-11-23T21:15:00Z", fact="Would not come to the door.")
    shown = sheet(haas, prison)
    assert {note["id"] for note in shown["late"]} == {remembered["id"], between["id"]}
    at(service, monday(7, 20, days=1))
    following = offer(haas, prison)
    late = {item["note"]: item["late"] for item in following["items"] if item["note"]}
    assert late == {remembered["id"]: True, now["id"]: False, between["id"]: True}


def test_who_was_not_observed_this_shift(prison: Prison, service: Service) -> None:
    at(service, monday(14))
    ngata = prison.hire("ngata", "officer", "A")
    seen, asleep, unseen = (prison.receive(f"A{n}", name=f"{n}, A.", cell=f"A1-0{n}") for n in (1, 2, 3))
    ngata.note(seen, change="USUAL", mood={"valence": 0, "energy": 2})
    ngata.note(asleep, mood={"not_observed": "ASLEEP"})
    ngata.note(unseen, basis="TOLD_BY_STAFF", fact="Said to be in good spirits.")
    shown = sheet(ngata, prison)
    assert [(one["inmate"], one["why"]) for one in shown["not_observed"]] == [(asleep, "ASLEEP"), (unseen, None)]
    at(service, monday(22))
    assert {one["inmate"]: one["last"] for one in sheet(ngata, prison)["not_observed"]}[seen] == "2026-11-23T14:00:00Z"


# --- Moving on -------------------------------------------------------------------------------------------------------


def test_a_transfer_with_the_van_four_hours_late(prison: Prison, service: Service) -> None:
    at(service, monday(9))
    bel = service.prison()
    ngata, cole = prison.hire("ngata", "officer", "A"), prison.hire("cole", "supervisor")
    there, vane = bel.hire("meyer", "officer", "B"), bel.hire("vane", "governor")
    weir = prison.receive("A4417KD")
    low = ngata.note(weir, change="MUCH_WORSE", attention="WATCH", attention_until="2026-11-25T12:00:00Z")
    need = ngata.note(weir, needs=[{"code": "MEDICATION", "promised": True}])["needs"][0]
    secret = cole.note(weir, handling="COMPLAINT", fact="Complains about the wing.")
    at(service, monday(10))
    move = {"establishment": bel.code, "unit": "B", "reason": "Nearer to his family."}
    cole.post(f"/v1/inmates/{weir}/moves", move)
    (sent,) = there.get("/v1/handovers")["items"]
    assert (sent["kind"], sent["state"], sent["outgoing"]["name"]) == ("TRANSFER", "OFFERED", "Cole")
    assert ngata.get(f"/v1/handovers/{sent['id']}")["id"] == sent["id"], "the unit that sent him sees it wait"
    brought = {item["note"]: item["content"] for item in sent["items"] if item["note"]}
    assert brought[low["id"]]["change"] == "MUCH_WORSE", "what was written in the last 72 hours comes along"
    assert secret["id"] not in json.dumps(vane.get(f"/v1/handovers/{sent['id']}")), "a complaint stays"
    assert sheet(ngata, prison)["people"] == [], "the live view of the unit that sent him has ended"
    for who, place, unit in ((ngata, prison, "A"), (there, bel, "B")):
        (moving,) = sheet(who, place, unit)["in_transit"]
        assert (moving["inmate"], moving["late_by_min"]) == (weir, 0)
    arriving = sheet(there, bel, "B")
    assert arriving["roll"] == {"expected": 0, "in_transit": 1}
    assert on(arriving, weir)["attention"] == "WATCH"
    assert [one["id"] for one in on(arriving, weir)["needs"]] == [need["id"]]
    at(service, monday(14, 1))
    assert there.get(f"/v1/handovers/{sent['id']}")["state"] == "OVERDUE"
    for who in (cole, vane):
        assert {(p["kind"], p["state"]) for p in who.get("/v1/pages")["items"]} == {("TRANSFER", "RAISED")}
    ngata.post(f"/v1/notes/{low['id']}/corrections", {"reason": "Slip", "note": {"basis": "SAW", "change": "WORSE"}})
    told = there.get(f"/v1/handovers/{sent['id']}")
    contents = {item["note"]: item["content"] for item in told["items"] if item["note"]}
    assert contents[low["id"]]["status"] == "CORRECTED", "whoever was sent it is told that it was wrong"
    at(service, monday(18))
    accept(there, sent, read_back="Tired, wants his tablets.")
    shown = sheet(there, bel, "B")
    assert (shown["in_transit"], shown["roll"]) == ([], {"expected": 1, "in_transit": 0})
    assert [one["by"]["name"] for one in on(shown, weir)["needs"][0]["carried"]] == ["Meyer"]
    assert [p["state"] for p in vane.get("/v1/pages")["items"]] == ["ACCEPTED"]


def test_a_note_that_is_taken_back_is_gone_from_the_handover_it_travelled_in(prison: Prison, service: Service) -> None:
    bel = service.prison()
    ngata, there = prison.hire("ngata", "officer", "A"), bel.hire("meyer", "officer", "A")
    weir = prison.receive("A4417KD")
    note = ngata.note(weir, fact="A zebra in the yard.")
    prison.hire("cole", "supervisor").post(
        f"/v1/inmates/{weir}/moves", {"establishment": bel.code, "unit": "A", "reason": "Transferred."}
    )
    (sent,) = there.get("/v1/handovers")["items"]
    there.post(f"/v1/handovers/{sent['id']}/queries", {"note": note["id"], "text": "A real zebra?"})
    accept(there, sent, with_queries=True)
    key = {"Idempotency-Key": "zebra"}
    there.post(f"/v1/handovers/{sent['id']}/queries", {"note": note["id"], "text": "x"}, 409, **key)
    ngata.post(f"/v1/notes/{note['id']}/retractions", {"reason": "WRONG_PERSON"})
    told = [json.dumps(there.get(f"/v1/handovers/{sent['id']}")), json.dumps(there.pull()[0])]
    told.append(json.dumps(sheet(there, bel)))
    with there.feed() as feed:
        told.append(json.dumps(feed.until_live()))
    assert [text for text in told if "zebra" in text] == []


def test_whoever_was_handed_the_wrong_words_is_handed_the_right_ones(prison: Prison, service: Service) -> None:
    bel = service.prison()
    ngata, brandt = prison.hire("ngata", "officer", "A"), prison.hire("brandt", "officer", "B")
    there, key = bel.hire("meyer", "officer", "A"), {"Idempotency-Key": "arrived"}
    for number, receiver, place, unit in (("A4417KD", brandt, prison, "B"), ("A2200AA", there, bel, "A")):
        person = prison.receive(number, name=number)
        wrong = ngata.note(person, fact="Hit the zebra.")
        move = {"establishment": place.code, "unit": unit, "reason": "Moved."}
        prison.admin.post(f"/v1/inmates/{person}/moves", move)
        (sent,) = receiver.get("/v1/handovers")["items"]
        path = f"/v1/handovers/{sent['id']}"
        _, here = receiver.pull()
        right = correct(ngata, wrong, fact="Was hit by the zebra.")
        heard = [event["data"] for event in receiver.pull(here)[0] if event["type"] == "handover.updated"]
        assert heard == [receiver.get(path)], "told without delay"
        old, new = (item["content"] for item in heard[0]["items"])
        assert (old["fact"], old["status"], old["superseded_by"]) == ("Hit the zebra.", "CORRECTED", right["id"])
        assert new == right
        assert [note["fact"] for note in on(sheet(receiver, place, unit), person)["notes"]] == ["Was hit by the zebra."]
        taken = receiver.http.post(f"{path}/acceptance", json={}, headers=key).json()
        last = correct(ngata, right, fact="Was bitten by the zebra.")
        assert [item["content"]["status"] for item in receiver.get(path)["items"]] == [
            "CORRECTED",
            "CORRECTED",
            "ACTIVE",
        ]
        assert receiver.http.post(f"{path}/acceptance", json={}, headers=key).json() == taken
        ngata.post(f"/v1/notes/{last['id']}/retractions", {"reason": "WRONG_PERSON"})
        told = [receiver.get(path), sheet(receiver, place, unit), receiver.pull()[0]]
        told.append(receiver.http.post(f"{path}/acceptance", json={}, headers=key).json())
        with receiver.feed() as feed:
            told.append(feed.until_live())
        assert [one for one in told if "zebra" in json.dumps(one)] == []
        assert len(told[0]["items"]) == 3


def test_what_a_correction_says_to_fewer_readers_is_handed_to_them_alone(prison: Prison) -> None:
    ngata, cole = prison.hire("ngata", "officer", "A"), prison.hire("cole", "supervisor")
    keyes, brandt = prison.hire("keyes", "governor"), prison.hire("brandt", "officer", "B")
    weir = prison.receive("A4417KD")
    gate, bruise = ngata.note(weir, fact="At the gate."), ngata.note(weir, fact="Has a bruise.")
    move = {"establishment": prison.code, "unit": "B", "reason": "Moved."}
    prison.admin.post(f"/v1/inmates/{weir}/moves", move)
    (sent,) = brandt.get("/v1/handovers")["items"]
    hidden = correct(ngata, gate, fact="Watched how the gate opens.", handling="SECURITY")
    correct(ngata, bruise, fact="Says who did it.", handling="COMPLAINT")
    old = [(item["note"], item["content"]["status"]) for item in brandt.get(f"/v1/handovers/{sent['id']}")["items"]]
    assert old == [(gate["id"], "CORRECTED"), (bruise["id"], "CORRECTED")]
    for manager in (cole, keyes):
        items = manager.get(f"/v1/handovers/{sent['id']}")["items"]
        assert [(item["note"], item["content"]["status"]) for item in items] == [*old, (hidden["id"], "ACTIVE")]


def test_what_was_asked_about_a_need_is_taken_back_with_the_last_wording_of_its_note(prison: Prison) -> None:
    ngata, hartmann = prison.hire("ngata", "officer", "A"), prison.hire("hartmann", "officer", "A")
    note = ngata.note(prison.receive("A4417KD"), needs=[{"code": "PHONE", "promised": True}])
    path = f"/v1/handovers/{offer(ngata, prison)['id']}"
    hartmann.post(f"{path}/queries", {"need": note["needs"][0]["id"], "text": "About the zebra?"})
    last = correct(ngata, note, fact="Wants to call.")
    ngata.post(f"/v1/notes/{last['id']}/retractions", {"reason": "NOT_TRUE"})
    now = hartmann.get(path)
    assert [(item["code"], item["promised"]) for item in now["items"]] == [(None, False)] * 2
    assert [query["text"] for query in now["queries"]] == [None]
    assert "zebra" not in json.dumps(hartmann.pull()[0])


def test_what_few_asked_about_a_need_is_not_opened_to_the_wing_with_it(prison: Prison) -> None:
    ngata = prison.hire("ngata", "officer", "A")
    keyes, vane = prison.hire("keyes", "governor"), prison.hire("vane", "governor")
    hit = [{"code": "LEGAL", "detail": "Wants to tell his lawyer who hit him."}]
    note = keyes.note(prison.receive("A4417KD"), handling="COMPLAINT", needs=hit)
    path, about = f"/v1/handovers/{offer(ngata, prison)['id']}", note["needs"][0]["id"]
    asked = vane.post(f"{path}/queries", {"need": about, "text": "Was it the zebra?"})
    keyes.post(f"{path}/queries/{asked['id']}/answers", {"text": "The zebra."})
    correct(keyes, note, handling="UNIT", needs=[{"code": "LEGAL", "detail": "Wants to call his lawyer."}])
    now = ngata.get(path)
    assert ([item["need"] for item in now["items"] if item["need"]], now["queries"]) == ([about], [])
    assert "zebra" not in json.dumps(ngata.pull()[0])
    assert [query["text"] for query in vane.get(path)["queries"]] == ["Was it the zebra?"]
    accept(ngata, now)
    assert ngata.get(path)["state"] == "ACCEPTED", "and it stands in nobody's way"


def test_whoever_sent_a_person_answers_until_somebody_takes_him_over(prison: Prison, service: Service) -> None:
    bel = service.prison()
    ngata, hartmann = prison.hire("ngata", "officer", "A"), prison.hire("hartmann", "officer", "A")
    brandt, there = prison.hire("brandt", "officer", "B"), bel.hire("meyer", "officer", "A")
    weir = prison.receive("A4417KD")
    note = ngata.note(weir, fact="Packed his things himself.")
    accept(hartmann, offer(ngata, prison))

    def move(place: Prison, unit: str) -> Any:
        body = {"establishment": place.code, "unit": unit, "reason": "Moved."}
        prison.admin.post(f"/v1/inmates/{weir}/moves", body)
        return [(one["unit"], one["state"]) for one in hartmann.get("/v1/handovers")["items"] if one["transfer"]]

    assert move(prison, "B") == [("B", "OFFERED")]
    (sent,) = (one for one in hartmann.get("/v1/handovers")["items"] if one["transfer"])
    assert (sent["outgoing"]["name"], sent["transfer"]["by"]["name"]) == ("Hartmann", "Admin"), "whose the unit is"
    assert move(prison, "A") == [("B", "WITHDRAWN")], "back before anybody had him: there is nothing to take over"
    assert move(prison, "B") == [("B", "OFFERED"), ("B", "WITHDRAWN")]
    assert move(bel, "A") == [("A", "OFFERED"), ("B", "WITHDRAWN"), ("B", "WITHDRAWN")]
    (going,) = there.get("/v1/handovers")["items"]
    assert going["transfer"]["from"]["unit"] == "A", "not the wing he was only on his way through"
    assert sheet(hartmann, prison)["in_transit"][0]["handover"] == going["id"]
    assert sheet(brandt, prison, "B")["in_transit"] == []
    passed = [one for one in brandt.get("/v1/handovers")["items"] if one["transfer"]]
    assert {item["content"] for one in passed for item in one["items"]} == {None}, "what was written is not left there"
    assert note["fact"] in json.dumps(going)


def test_a_number_that_was_given_up_is_on_its_way_nowhere(prison: Prison, service: Service) -> None:
    bel = service.prison()
    ngata, there = prison.hire("ngata", "officer", "A"), bel.hire("meyer", "officer", "A")
    other, weir = prison.receive("B0001BB"), prison.receive("A4417KD")
    ngata.note(other, fact="Packed his things himself.")
    body = {"establishment": bel.code, "unit": "A", "reason": "Moved."}
    prison.admin.post(f"/v1/inmates/{other}/moves", body)
    both = prison.connect("roster", "roster:read", "roster:write", establishments=[prison.code, bel.code])
    both.post(f"/v1/inmates/{weir}/merges", {"from": other})
    (sent,) = there.get("/v1/handovers")["items"]
    assert sent["state"] == "WITHDRAWN"
    assert sheet(there, bel)["in_transit"] == sheet(there, bel)["arrived"] == []
    here = sheet(ngata, prison)
    assert (here["in_transit"], here["left"]) == ([], [])
    assert [note["fact"] for note in on(here, weir)["notes"]] == ["Packed his things himself."]


def test_two_numbers_become_one_and_two_again_with_all_that_was_under_way(prison: Prison) -> None:
    ngata, clerk = prison.hire("ngata", "officer", "A", "B"), prison.admin
    weir, other = prison.receive("A4417KD"), prison.receive("B0001BB", unit="B", name="Weir, James")
    urgent = ngata.note(other, attention="ACT_NOW", needs=[{"code": "PHONE"}])
    fixed = ngata.post(
        f"/v1/notes/{ngata.note(other)['id']}/corrections",
        {"reason": "Slip", "note": {"basis": "SAW", "fact": "Ate at lunch."}},
    )
    clerk.post(f"/v1/inmates/{weir}/merges", {"from": other})
    entry = on(sheet(ngata, prison), weir)
    assert (entry["attention"], [one["id"] for one in entry["needs"]]) == ("ACT_NOW", [urgent["needs"][0]["id"]])
    since = ngata.note(weir, fact="Written while the two were one.")
    undone = clerk.post(f"/v1/inmates/{weir}/unmerges", {"previous": other, "reason": "Brothers."})
    assert (undone["number"], undone["previous"]) == (weir, other)
    assert clerk.get(f"/v1/inmates/{other}")["unit"] == "B", "the old number is a person again"
    back = on(sheet(ngata, prison, "B"), other)
    assert (back["attention"], [one["id"] for one in back["needs"]]) == ("ACT_NOW", [urgent["needs"][0]["id"]])
    assert {note["id"] for note in ngata.get("/v1/notes", inmate=other)["items"]} >= {urgent["id"], fixed["id"]}
    assert [note["id"] for note in ngata.get("/v1/notes", inmate=weir)["items"]] == [since["id"]]
    told = [e for e in ngata.pull()[0] if e["type"] == "inmate.unmerged"]
    assert {e["data"]["note"] for e in told} >= {urgent["id"], fixed["id"]}
    assert {p["inmate"] for p in ngata.get("/v1/pages")["items"]} == {other}
    assert clerk.post(f"/v1/inmates/{weir}/unmerges", {"previous": other, "reason": "Again."}, 422)


def test_what_was_open_under_a_number_that_is_given_up_is_handed_to_the_wing_that_holds_the_person(
    prison: Prison,
) -> None:
    """One man, booked in twice: new on A, known on B, where he said goodbye this morning."""
    ngata, lowe = prison.hire("ngata", "officer", "A"), prison.hire("lowe", "officer", "B")
    weir, other = prison.receive("A4417KD"), prison.receive("B0001BB", unit="B")
    prison.receive("C0001CC")
    ngata.note(weir, fact="New here, quiet.")
    lowe.note(other, fact="Asked about a complaint.", handling="COMPLAINT", needs=[{"code": "COMPLAINT"}])
    urgent = lowe.note(other, indicators=[{"code": "SAY_SELF_HARM"}], needs=[{"code": "PHONE", "promised": True}])
    prison.admin.post(f"/v1/inmates/{weir}/merges", {"from": other})

    here, there = sheet(ngata, prison), sheet(lowe, prison, "B")
    [waiting] = [one for one in ngata.get("/v1/handovers", state="OFFERED")["items"] if one["transfer"]]
    assert waiting["transfer"]["from"]["unit"] == "B"
    assert [item["note"] for item in waiting["items"] if item["content"]] == [urgent["id"]], (
        "and what is A's own is not"
    )
    assert [item["need"] for item in waiting["items"] if item["need"]] == [urgent["needs"][0]["id"]]
    entry = on(here, weir)
    assert (entry["attention"], [one["id"] for one in entry["needs"]]) == ("ACT_NOW", [urgent["needs"][0]["id"]])
    assert weir not in {one["inmate"] for one in here["not_observed"]}
    assert [one["inmate"] for one in there["in_transit"]] == [weir], "B still answers for what it knew"
    assert here["roll"]["expected"] == 2, "he is not on his way: he is here"

    ngata.post(f"/v1/handovers/{waiting['id']}/acceptance", {})
    assert on(sheet(ngata, prison), weir)["attention"] == "ACT_NOW"
    assert sheet(lowe, prison, "B")["in_transit"] == []


def test_where_a_merge_is_undone_nobody_is_asked_to_accept_what_came_by_it(prison: Prison) -> None:
    ngata, lowe = prison.hire("ngata", "officer", "A"), prison.hire("lowe", "officer", "B")
    weir, other = prison.receive("A4417KD"), prison.receive("B0001BB", unit="B")
    lowe.note(other, attention="WATCH")
    prison.admin.post(f"/v1/inmates/{weir}/merges", {"from": other})
    prison.admin.post(f"/v1/inmates/{weir}/unmerges", {"previous": other, "reason": "Brothers."})
    assert [one["state"] for one in ngata.get("/v1/handovers")["items"]] == ["WITHDRAWN"]
    assert on(sheet(lowe, prison, "B"), other)["attention"] == "WATCH"
    assert sheet(lowe, prison, "B")["in_transit"] == []
    prison.admin.post(f"/v1/inmates/{weir}/merges", {"from": prison.receive("D0001DD", unit="B")})
    assert len(ngata.get("/v1/handovers")["items"]) == 1, "where nothing is open, nothing is handed over"


def test_what_a_correction_opened_while_two_numbers_were_one_goes_back_with_its_note(prison: Prison) -> None:
    lowe, other = prison.hire("lowe", "officer", "B"), prison.receive("B0001BB", unit="B")
    weir, note = prison.receive("A4417KD"), lowe.note(other, fact="Has not heard from home.")
    prison.admin.post(f"/v1/inmates/{weir}/merges", {"from": other})
    fixed = correct(lowe, note, fact="Has not heard from his mother.", needs=[{"code": "PHONE"}])
    prison.admin.post(f"/v1/inmates/{weir}/unmerges", {"previous": other, "reason": "Brothers."})
    (need,) = lowe.get("/v1/needs")["items"]
    assert (need["note"], need["inmate"], need["unit"]) == (fixed["id"], other, "B")
    assert [one["id"] for one in on(sheet(lowe, prison, "B"), other)["needs"]] == [need["id"]]
    assert prison.hire("cole", "supervisor").get("/v1/needs", inmate=weir)["items"] == []


def test_who_moved_while_two_numbers_were_one_brings_nothing_of_the_other_when_the_merge_is_undone(
    prison: Prison,
) -> None:
    ngata, brandt = prison.hire("ngata", "officer", "A"), prison.hire("brandt", "officer", "B")
    weir, other = prison.receive("A4417KD"), prison.receive("B0001BB", name="Weir, James")
    own = ngata.note(weir, fact="Asked for the chaplain.", needs=[{"code": "FAITH"}])
    ngata.note(other, fact="A zebra in the yard.", needs=[{"code": "PHONE"}])
    prison.admin.post(f"/v1/inmates/{weir}/merges", {"from": other})
    move = {"establishment": prison.code, "unit": "B", "reason": "Work"}
    prison.admin.post(f"/v1/inmates/{weir}/moves", move)
    (sent,) = brandt.get("/v1/handovers")["items"]
    assert len(sent["items"]) == 4
    prison.admin.post(f"/v1/inmates/{weir}/unmerges", {"previous": other, "reason": "Brothers."})
    sent, ended = brandt.get("/v1/handovers")["items"]
    assert (sent["state"], ended["state"]) == ("OFFERED", "WITHDRAWN")
    assert [item["note"] or item["need"] for item in sent["items"]] == [own["id"], own["needs"][0]["id"]]
    assert sent["transfer"]["from"]["unit"] == "A"
    assert "zebra" not in json.dumps([ended, brandt.pull()[0]]), "B never had him"
    accept(brandt, sent)
    assert [one["inmate"] for one in sheet(ngata, prison)["people"]] == [other]
    assert sheet(ngata, prison)["in_transit"] == []
    places = {need["inmate"]: (need["unit"], need["from_unit"]) for need in ngata.get("/v1/needs")["items"]}
    assert places == {weir: ("B", None), other: ("A", None)}


# --- The sheet, now and then -----------------------------------------------------------------------------------------


def test_what_did_nights_know_at_a_quarter_past_nine(prison: Prison, service: Service) -> None:
    at(service, monday(20))
    ngata, haas = prison.hire("ngata", "officer", "A"), prison.hire("haas", "officer", "A")
    weir, kane = prison.receive("A4417KD"), prison.receive("A2200AA", name="Kane, R.", cell="A2-11")
    low = ngata.note(weir, change="WORSE", attention="WATCH", needs=[{"code": "PHONE", "promised": True}])
    slip = ngata.note(kane, attention="WATCH", fact="Gave the tea away.")
    put_right = {"reason": "x", "note": {"basis": "SAW", "attention": "WATCH", "fact": "Gave his tobacco away."}}
    right = ngata.post(f"/v1/notes/{slip['id']}/corrections", put_right)
    at(service, monday(20, 50))
    offered = offer(ngata, prison)
    at(service, monday(21, 15))
    then = sheet(haas, prison)
    at(service, monday(21, 40))
    accept(haas, offered)
    haas.post(f"/v1/notes/{right['id']}/attention", {"close": True, "reason": "Sat with him."})
    ngata.post(f"/v1/notes/{low['id']}/corrections", {"reason": "x", "note": {"basis": "SAW", "change": "USUAL"}})
    need = low["needs"][0]["id"]
    done = {"status": "DONE", "outcome": "Called."}
    assert haas.http.patch(f"/v1/needs/{need}", json=done, headers={"If-Match": "*"}).status_code == 200
    prison.admin.post(f"/v1/inmates/{kane}/moves", {"establishment": prison.code, "unit": "B", "reason": "x"})
    prison.receive("A9999NN", name="New, N.")
    ngata.note(weir, attention="ACT_NOW", occurred_at="2026-11-23T21:10:00Z")
    at(service, monday(23))
    told = sheet(haas, prison, at="2026-11-23T21:15:00Z")
    differ = {name for name in told if told[name] != then[name]} - {"hash", "given_at"}
    assert differ == set(), {name: (told[name], then[name]) for name in differ}
    assert told["hash"] == then["hash"], "the same words, to the letter"
    assert haas.get(f"/v1/establishments/{prison.code}/units/A/sheet", 422, at="2026-11-24T09:00:00Z")


def test_who_was_on_the_way_then_is_told_in_the_order_of_then(prison: Prison, service: Service) -> None:
    brandt = prison.hire("brandt", "officer", "B")
    for hour, number in ((9, "A4417KD"), (10, "A2200AA")):
        at(service, monday(hour))
        to_b = {"establishment": prison.code, "unit": "B", "reason": "Work"}
        prison.admin.post(f"/v1/inmates/{prison.receive(number)}/moves", to_b)
    at(service, monday(11))
    then = sheet(brandt, prison, "B")
    at(service, monday(12))
    accept(brandt, brandt.get("/v1/handovers")["items"][-1])
    told = sheet(brandt, prison, "B", at="2026-11-23T11:00:00Z")
    assert told["in_transit"] == then["in_transit"]
    assert told["hash"] == then["hash"]


def test_what_was_taken_back_since_changes_nothing_of_whose_the_unit_was_then(prison: Prison, service: Service) -> None:
    at(service, monday(20))
    ngata, haas = prison.hire("ngata", "officer", "A"), prison.hire("haas", "officer", "A")
    kane, weir = prison.receive("A2200AA", name="Kane, R."), prison.receive("A4417KD")
    notes = [ngata.note(number, fact="A zebra in the yard.") for number in (kane, weir)]
    prison.admin.post(f"/v1/inmates/{kane}/moves", {"establishment": prison.code, "unit": "B", "reason": "Work"})
    at(service, monday(20, 50))
    offered = offer(ngata, prison, roll_expected=1)
    at(service, monday(21))
    then, heard = sheet(haas, prison), [event["data"]["state"] for event in haas.pull(type="handover.offered")[0]]
    assert (then["handover"]["id"], [one["inmate"] for one in then["in_transit"]]) == (offered["id"], [kane])
    at(service, monday(21, 10))
    accept(haas, offered)
    accept(prison.hire("brandt", "officer", "B"), haas.get("/v1/handovers", unit="B")["items"][0])
    at(service, monday(21, 30))
    for note in notes:
        ngata.post(f"/v1/notes/{note['id']}/retractions", {"reason": "DUPLICATE"})
    told = sheet(haas, prison, at="2026-11-23T21:00:00Z")
    assert {name: told[name] for name in ("handover", "in_transit")} == {
        name: then[name] for name in ("handover", "in_transit")
    }
    replayed = haas.pull(type="handover.offered")[0]
    assert [event["data"]["state"] for event in replayed] == heard == ["OFFERED", "OFFERED"]
    assert "zebra" not in json.dumps([told, replayed])


def test_what_was_known_then_of_somebody_with_two_numbers_is_under_the_one_of_then(
    service: Service, prison: Prison
) -> None:
    hartmann, weir, dorn = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD"), prison.receive("A2200AA")
    admin, thens = prison.admin, []
    note = hartmann.note(dorn, fact="Will not eat.", attention="WATCH")

    def people(**at: str) -> list[tuple[str, Any]]:
        thens.append(service.clock().isoformat())
        return [(one["inmate"], one["notes"]) for one in sheet(hartmann, prison, **at)["people"]]

    (before,) = people()
    admin.post(f"/v1/inmates/{weir}/merges", {"from": dorn})
    (merged,) = people()
    admin.post(f"/v1/inmates/{weir}/unmerges", {"previous": dorn, "reason": "Brothers."})
    (undone,) = people()
    hartmann.post(f"/v1/notes/{note['id']}/attention", {"close": True, "reason": "Eats."})
    assert [who for who, _ in (before, merged, undone)] == [dorn, weir, dorn]
    assert [people(at=then) for then in thens[:3]] == [[before], [merged], [undone]]
    hartmann.post(f"/v1/notes/{note['id']}/retractions", {"reason": "NOT_TRUE"})
    assert "eat" not in str([people(at=then) for then in thens[:3]])


def test_who_was_given_up_since_is_where_he_was_then(prison: Prison, service: Service) -> None:
    """One man, booked in twice: on B, and under another number on A, where they look out for what was seen on B."""
    cole = prison.hire("cole", "supervisor")
    weir, other = prison.receive("A4417KD", unit="B"), prison.receive("B0001BB", unit="B")
    admin, thens = prison.admin, []

    def sheets(**at: str) -> list[Any]:
        thens.append(service.clock().isoformat())
        names = ("people", "others", "not_observed", "roll")
        return [{name: found[name] for name in names} for found in (sheet(cole, prison, unit, **at) for unit in "AB")]

    knew = [sheets()]
    cole.note(other, attention="WATCH", needs=[{"code": "PHONE"}])
    admin.post(f"/v1/inmates/{other}/moves", {"establishment": prison.code, "unit": "A", "reason": "Work"})
    cole.note(other, fact="Settles in.")
    knew.append(sheets())
    admin.post(f"/v1/inmates/{weir}/merges", {"from": other})
    knew.append(sheets())
    assert [[one["inmate"] for one in found[0]["people"]] for found in knew] == [[], [other], []]
    assert [sheets(at=then) for then in thens[:3]] == knew
    admin.post(f"/v1/inmates/{weir}/unmerges", {"previous": other, "reason": "Brothers."})
    assert [sheets(at=then) for then in thens[:3]] == knew


def test_who_was_merged_twice_since_was_where_he_was(prison: Prison, service: Service) -> None:
    at(service, monday(9))
    far, keyes = service.prison(), prison.hire("keyes", "governor")
    gone, known = prison.receive("A0001AA"), prison.receive("B0001BB", unit="B")
    last, left = prison.receive("C0001CC", unit="B"), prison.receive("A0002AA")
    there = [far.receive(number, unit="B") for number in ("F0001FF", "F0002FF")]
    at(service, monday(9, 30))
    thens = [sheet(keyes, prison, unit) for unit in "AB"]
    at(service, monday(9, 40))
    places = [(prison.code, ""), (far.code, "")]
    service.do(lambda uow: accounts.change_user(uow, prison.admin.name, places=places))
    admin = service.login(prison.admin.name)
    for number, to, merges in (
        (gone, prison.code, ((known, gone), (last, known))),
        (left, far.code, ((there[0], left), (there[1], there[0]))),
    ):
        admin.post(f"/v1/inmates/{number}/moves", {"establishment": to, "unit": "B", "reason": "Work"})
        for survivor, previous in merges:
            admin.post(f"/v1/inmates/{survivor}/merges", {"from": previous})
    for unit, then in zip("AB", thens, strict=True):
        now = sheet(keyes, prison, unit, at="2026-11-23T09:30:00Z")
        assert [one["inmate"] for one in now["not_observed"]] == [one["inmate"] for one in then["not_observed"]]
        assert now["roll"] == then["roll"]


def test_what_was_known_then_is_told_to_those_it_was_for_then(prison: Prison, service: Service) -> None:
    at(service, monday(9))
    ngata, keyes = prison.hire("ngata", "officer", "A"), prison.hire("keyes", "governor")
    weir = prison.receive("A4417KD")
    hit = [{"code": "LEGAL", "detail": "Wants to tell his lawyer who hit him."}]
    few = keyes.note(weir, handling="COMPLAINT", needs=hit)
    many = keyes.note(weir, needs=[{"code": "PHONE", "detail": "Wants to call his brother."}])
    at(service, monday(10))
    thens = [sheet(who, prison)["people"] for who in (ngata, keyes)]
    assert ["who hit him" in json.dumps(then) for then in thens] == [False, True]
    at(service, monday(11))
    correct(keyes, few, handling="UNIT", needs=[{"code": "LEGAL", "detail": "Wants to call his lawyer."}])
    correct(keyes, many, handling="SECURITY", needs=[{"code": "PHONE", "detail": "His brother is to bring a blade."}])
    for who, then in zip((ngata, keyes), thens, strict=True):
        assert sheet(who, prison, at="2026-11-23T10:00:00Z")["people"] == then


def test_what_came_and_went_in_one_commit_is_told_as_what_is_left_of_it(service: Service, prison: Prison) -> None:
    hartmann, brandt = prison.hire("hartmann", "officer", "A"), prison.hire("brandt", "officer", "B")
    cole, weir = prison.hire("cole", "supervisor"), prison.receive("A4417KD")
    hartmann.note(weir, fact="Has not slept for two nights.")
    with ThreadPoolExecutor(2) as pool:
        with held_up(service.desk.store.write):
            moves: list[Any] = []
            for unit in "BA":
                to, key = {"establishment": prison.code, "unit": unit, "reason": "Work"}, {"Idempotency-Key": unit}
                moves.append(pool.submit(cole.post, f"/v1/inmates/{weir}/moves", to, 201, **key))
                eventually(lambda: len(service.desk.in_progress) == len(moves))
        for move in moves:
            move.result(20)
    told = [event for event in brandt.pull()[0] if event["type"].startswith("handover.")]
    assert [event["data"]["state"] for event in told] == ["WITHDRAWN", "WITHDRAWN"]
    assert "slept" not in str(told)


def test_what_was_known_then_does_not_cost_more_for_what_other_wings_wrote_since(
    prison: Prison, service: Service
) -> None:
    at(service, monday(9))
    ngata, brandt, cole = (
        prison.hire(name, role, unit)
        for name, role, unit in (("ngata", "officer", "A"), ("brandt", "officer", "B"), ("cole", "supervisor", "A"))
    )
    weir, kane, novak = prison.receive("A4417KD"), prison.receive("A2200AA"), prison.receive("B0001BB", unit="B")
    ngata.note(weir, attention="WATCH", needs=[{"code": "PHONE"}])
    other = prison.receive("B0002BB", unit="B")
    there = [brandt.note(other, attention="WATCH", needs=[{"code": "PHONE"}]) for _ in range(20)]
    came = brandt.note(novak, fact="Has not eaten.", attention="WATCH")
    cole.post(f"/v1/inmates/{novak}/moves", {"establishment": prison.code, "unit": "A", "reason": "x"})
    accept(ngata, ngata.get("/v1/handovers")["items"][0])
    at(service, monday(9, 30))
    then = sheet(cole, prison)
    at(service, monday(9, 40))
    cole.post(f"/v1/inmates/{novak}/moves", {"establishment": prison.code, "unit": "B", "reason": "x"})
    brandt.post(f"/v1/notes/{came['id']}/attention", {"close": True, "reason": "Has eaten."})
    cole.post(f"/v1/inmates/{kane}/moves", {"establishment": prison.code, "unit": "B", "reason": "x"})

    def asked() -> int:
        with watching(service.desk.store.engines) as told:
            found = sheet(cole, prison, at="2026-11-23T09:30:00Z")
        assert {name for name in found if found[name] != then[name]} - {"given_at"} == set()
        return len(told)

    before = asked()
    for note in there:
        brandt.note(other, needs=[{"code": "PHONE"}])
        brandt.post(f"/v1/notes/{note['id']}/attention", {"close": True, "reason": "Sat with him."})
    since = asked()
    assert since < before + 10, "the log is halved a few times more, to find the place"
    one = prison.receive("B0003BB", unit="B")
    prison.admin.post(f"/v1/inmates/{one}/merges", {"from": other})
    assert asked() < since + 10, "nor for each note of somebody elsewhere who got another number"
    since = asked()
    far = service.prison()
    for n in range(3):
        number, previous = far.receive(f"C000{n}CC"), far.receive(f"D000{n}DD")
        far.admin.post(f"/v1/inmates/{number}/merges", {"from": previous})
    assert asked() < since + 3, "what other prisons merged is not looked at: each would be two statements more"


def test_a_sheet_that_was_given_out_can_be_told_from_one_that_was_not(prison: Prison, service: Service) -> None:
    ngata, brandt = prison.hire("ngata", "officer", "A"), prison.hire("brandt", "officer", "B")
    ngata.note(prison.receive("A4417KD"))
    given = sheet(ngata, prison)
    path = f"/v1/establishments/{prison.code}/units/A/sheets"
    found = brandt.get(f"{path}/{given['hash']}", given_at=given["given_at"])
    assert (found["given_to"], found["sequence"]) == (ngata.name, given["sequence"])
    assert ngata.get(f"{path}/{'0' * 64}", 404, given_at=given["given_at"])
    assert ngata.get(f"{path}/{given['hash']}", 404, given_at="2026-11-23T09:00:00Z")
    far = service.prison().hire("far", "officer", "A")
    assert far.get(f"{path}/{given['hash']}", 404, given_at=given["given_at"])


def test_what_worked_with_a_person_has_its_sources_and_no_score(prison: Prison) -> None:
    ngata, hartmann = prison.hire("ngata", "officer", "A"), prison.hire("hartmann", "officer", "A")
    brandt = prison.hire("brandt", "officer", "B")
    weir = prison.receive("A4417KD")
    ngata.note(weir, responses=[{"code": "TIME_OUT", "effect": "HELPED"}, {"code": "WARNING", "effect": "WORSE"}])
    taken = hartmann.note(weir, responses=[{"code": "HUMOUR", "effect": "HELPED"}], opening=True)
    told = ngata.get(f"/v1/inmates/{weir}/worked")
    assert [(one["code"], one["by"]) for one in told["worked"]] == [("HUMOUR", "Hartmann"), ("TIME_OUT", "Ngata")]
    assert [one["code"] for one in told["did_not"]] == ["WARNING"]
    assert [one["note"] for one in told["openings"]] == [taken["id"]]
    assert brandt.get(f"/v1/inmates/{weir}/worked") == {"worked": [], "did_not": [], "openings": []}
    hartmann.post(f"/v1/notes/{taken['id']}/retractions", {"reason": "NOT_TRUE"})
    assert [one["code"] for one in ngata.get(f"/v1/inmates/{weir}/worked")["worked"]] == ["TIME_OUT"]


def test_a_mass_refusal_with_190_notes_in_11_minutes_and_one_self_harm_page_in_the_middle(
    prison: Prison, service: Service
) -> None:
    at(service, monday(12))
    ngata, hartmann = prison.hire("ngata", "officer", "A"), prison.hire("hartmann", "officer", "A")
    people = [prison.receive(f"A{n:03d}", name=f"Person {n:03d}", cell=f"A{n // 20}-{n % 20:02d}") for n in range(38)]
    refusal = "All of A wing refuses to go behind the doors."
    began = ngata.note(unit="A", fact=refusal, attention="ACT_NOW", about_incident=True)
    with hartmann.feed(after="now") as feed:
        feed.until_live()
        for n in range(190):
            service.clock.frozen = monday(12) + timedelta(seconds=3.4 * n)
            sign = "SAY_SELF_HARM" if n == 95 else "REFUSES_DIRECTION"
            ngata.note(people[7 if n == 95 else n % 38], indicators=[{"code": sign}], about_incident=True)
        told: list[Any] = []
        while sum(event["type"] == "note.recorded" for event in told) < 190:  # and a page calls again meanwhile
            told.append(feed.event())
    page = next(n for n, e in enumerate(told) if (e["type"], e["subject"]) == ("page.raised", people[7]))
    assert told[page + 1]["type"] == "note.recorded"
    assert told[page + 1]["subject"] == people[7], "the page first, then the note, in its place in the log"
    about = [event["data"]["incident"] for event in told if event["type"] == "note.recorded"]
    assert about == [began["id"]] * 190, "each says what it is about"
    shown = sheet(hartmann, prison)
    first, [incident] = shown["people"][0], shown["incidents"]
    assert (first["inmate"], first["attention"]) == (people[7], "ACT_NOW")
    assert (incident["since"], incident["count"], incident["began"]["fact"]) == ("2026-11-23T12:00:00Z", 191, refusal)
    assert incident["latest"] == "2026-11-23T12:10:42.600000Z"
    assert len(hartmann.all("/v1/notes", incident=began["id"], limit=200)) == 191
    offered = offer(ngata, prison)
    assert len(noted(offered)) == len(set(noted(offered))) == 191
    assert noted(offered)[0] == began["id"]
