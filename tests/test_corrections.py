"""What becomes of a note after it was written: corrected, taken back, seen; and of the needs that hang on it."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.support.service import Caller, Prison

SECRET = "He owes Marlow two phone cards."


def correct(who: Caller, note: Any, status: int = 201, **fields: Any) -> Any:
    """Corrects a note: as it was, but for these fields."""
    said = ("basis", "fact", "opinion", "confidence", "mood", "change", "indicators", "responses", "opening")
    kept = {name: note[name] for name in (*said, "attention", "if_then", "place", "handling")}
    needs = [{name: need[name] for name in need if name != "id"} for need in note["needs"]]
    body = {"reason": "Put right", "note": {**kept, "needs": needs, **fields}}
    return who.post(f"/v1/notes/{note['id']}/corrections", body, status)


def need_of(who: Caller, note: Any, n: int = 0) -> Any:
    return who.get(f"/v1/needs/{note['needs'][n]['id']}")


def change(who: Caller, need: str, **fields: Any) -> Any:
    answer = who.http.patch(f"/v1/needs/{need}", json=fields, headers={"If-Match": "*"})
    assert answer.status_code == 200, answer.text
    return answer.json()


def everything(who: Caller, *notes: str) -> str:
    """All that the service tells this reader about these notes, every way it can be asked, as one text."""
    heard: list[Any] = [who.pull()[0], who.all("/v1/notes"), who.all("/v1/needs")]
    for note in notes:
        heard += [who.http.get(f"/v1/notes/{note}{part}").json() for part in ("", "/receipts")]
    heard += [who.http.get(f"/v1/needs/{need['id']}").json() for need in who.all("/v1/needs")]
    return json.dumps(heard, ensure_ascii=False)


# --- Corrections -----------------------------------------------------------------------------------------------------


def test_a_correction_supersedes_the_note_and_both_say_so(prison: Prison) -> None:
    hartmann, ngata = prison.hire("hartmann", "officer", "A"), prison.hire("ngata", "officer", "A")
    weir = prison.receive("A4417KD")
    first = hartmann.note(weir, fact="The early visit was cancelled.", attention="WATCH", if_then="Talk.")
    _, here = ngata.pull()
    prison.service.clock.ahead = timedelta(minutes=5)
    second = correct(hartmann, first, fact="The late visit was cancelled.")
    assert second == {
        **first,
        "id": second["id"],
        "fact": "The late visit was cancelled.",
        "recorded_at": second["recorded_at"],
        "supersedes": first["id"],
        "correction_reason": "Put right",
    }
    assert second["recorded_at"] > first["recorded_at"]
    old = ngata.get(f"/v1/notes/{first['id']}")
    assert old == {**first, "status": "CORRECTED", "superseded_by": second["id"]}, "the first wording stays"
    assert [n["id"] for n in ngata.get("/v1/notes")["items"]] == [second["id"], first["id"]]
    [event] = ngata.pull(here)[0]
    assert (event["type"], event["subject"], event["data"]) == ("note.corrected", weir, second)


def test_only_the_newest_wording_can_be_corrected(prison: Prison) -> None:
    hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
    first = hartmann.note(weir, fact="One.")
    second = correct(hartmann, first, fact="Two.")
    assert second["id"] in correct(hartmann, first, 409, fact="Too late.")["detail"]
    third = correct(hartmann, second, fact="Three.")
    hartmann.post(f"/v1/notes/{third['id']}/retractions", {"reason": "NOT_TRUE"})
    assert "RETRACTED" in correct(hartmann, third, 409, fact="Gone.")["detail"]


def test_the_author_and_managers_amend_and_nobody_else(prison: Prison) -> None:
    hartmann, ngata = prison.hire("hartmann", "officer", "A"), prison.hire("ngata", "officer", "A")
    brandt, cole = prison.hire("brandt", "officer", "B"), prison.hire("cole", "supervisor")
    weir = prison.receive("A4417KD")
    note = hartmann.note(weir)
    correct(ngata, note, 403, fact="x")
    ngata.post(f"/v1/notes/{note['id']}/retractions", {"reason": "NOT_TRUE"}, 403)
    correct(brandt, note, 404, fact="x")
    brandt.post(f"/v1/notes/{note['id']}/retractions", {"reason": "NOT_TRUE"}, 404)
    by_cole = correct(cole, note, fact="As the CCTV shows.")
    assert by_cole["author"]["username"] == cole.name
    correct(hartmann, by_cole, 403, fact="No.")


def test_a_correction_stays_with_its_person_and_place(prison: Prison) -> None:
    hartmann, cole = prison.hire("hartmann", "officer", "A"), prison.hire("cole", "supervisor")
    weir, obi = prison.receive("A4417KD"), prison.receive("B1002", name="Obi, T.")
    note = hartmann.note(weir)
    for field, other in (("inmate", obi), ("unit", "B"), ("establishment", "ZZZ")):
        told = correct(hartmann, note, 422, **{field: other})
        assert [e["pointer"] for e in told["errors"]] == [f"/note/{field}"]
        assert "WRONG_PERSON" in told["errors"][0]["detail"]
    told = correct(hartmann, note, 422, change="WORS", fact=None)
    assert {e["pointer"] for e in told["errors"]} == {"/note/change"}
    assert hartmann.post(f"/v1/notes/{note['id']}/corrections", {"note": {"basis": "SAW", "fact": "x"}}, 422)
    cole.post(f"/v1/inmates/{weir}/moves", {"establishment": prison.code, "unit": "B", "reason": "Cell sharing"})
    moved = correct(hartmann, note, inmate=weir, unit="A", establishment=prison.code, fact="He has moved since.")
    assert (moved["unit"], moved["inmate"]) == ("A", weir)


def test_a_correction_days_later_is_not_a_late_note_and_keeps_its_times(prison: Prison) -> None:
    hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
    clock = prison.service.clock
    clock.frozen = now = datetime(2026, 1, 14, 12, 0, tzinfo=UTC)
    note = hartmann.note(weir, attention="WATCH")
    written = note
    for minutes in (5, 10, 14):  # an access token lasts a quarter of an hour
        clock.frozen = now + timedelta(minutes=minutes)
        note = correct(hartmann, note, fact=f"After {minutes} minutes.", occurred_at="2026-01-14T11:00:00Z")
    assert not note["late"], "eleven was an hour before the note was first written, not before it was put right"
    assert note["attention_until"] == written["attention_until"]
    note = correct(hartmann, note, occurred_at="2026-01-14T10:59:59Z")
    assert note["late"], "but a claim that was always late stays late"
    assert note["shift"] == "2026-01-14/EARLY"


def test_attention_that_is_over_may_be_sent_again_as_it_was(prison: Prison) -> None:
    hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
    clock = prison.service.clock
    clock.frozen = now = datetime(2026, 1, 14, 12, 0, tzinfo=UTC)
    until = "2026-01-14T12:05:00Z"
    note = hartmann.note(weir, attention="WATCH", attention_until=until)
    clock.frozen = now + timedelta(minutes=10)
    assert correct(hartmann, note, fact="As it was.", attention_until=until)["attention_until"] == until
    with pytest.raises(AssertionError, match="already past"):
        hartmann.note(weir, attention="WATCH", attention_until=until)


def test_words_of_self_harm_force_attention_in_a_correction_too(prison: Prison) -> None:
    hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
    note = correct(hartmann, hartmann.note(weir), indicators=[{"code": "SAY_SELF_HARM"}])
    assert note["attention"] == "ACT_NOW"


def test_a_correction_to_another_class_shows_each_reader_what_is_theirs(prison: Prison) -> None:
    hartmann, ngata = prison.hire("hartmann", "officer", "A"), prison.hire("ngata", "officer", "A")
    cole, weir = prison.hire("cole", "supervisor"), prison.receive("A4417KD")
    note = hartmann.note(weir, fact="Talks a lot on the phone.", needs=[{"code": "SAFETY", "detail": "cell search"}])
    need = note["needs"][0]["id"]
    _, ngata_here = ngata.pull()
    _, cole_here = cole.pull()
    secret = correct(cole, note, fact=SECRET, handling="SECURITY", needs=[{"code": "SAFETY", "detail": SECRET}])
    for officer in (ngata, hartmann):
        officer.get(f"/v1/notes/{secret['id']}", 404)
        officer.get(f"/v1/needs/{need}", 404)
        assert officer.get(f"/v1/notes/{note['id']}")["superseded_by"] == secret["id"]
        assert SECRET not in everything(officer, note["id"], secret["id"])
    [corrected, dropped] = ngata.pull(ngata_here)[0]
    assert (corrected["type"], corrected["data"]["id"]) == ("note.corrected", note["id"])
    assert corrected["data"]["status"] == "CORRECTED"
    assert (dropped["type"], dropped["data"]) == ("need.updated", {"id": need, "status": "OPEN"})
    assert [e["data"]["id"] for e in cole.pull(cole_here)[0]] == [secret["id"], note["id"], need, need]
    assert cole.get(f"/v1/needs/{need}")["detail"] == SECRET
    shared = correct(cole, secret, fact="Nothing in it.", handling="UNIT", needs=[{"code": "SAFETY", "detail": "done"}])
    assert ngata.get(f"/v1/notes/{shared['id']}")["fact"] == "Nothing in it."
    assert ngata.get(f"/v1/needs/{need}")["detail"] == "done"


@pytest.mark.parametrize("handling", ["COMPLAINT", "HEALTH", "SECURITY"])
def test_a_spelling_put_right_opens_to_nobody_what_few_may_read(prison: Prison, handling: str) -> None:
    hartmann, ngata = prison.hire("hartmann", "officer", "A"), prison.hire("ngata", "officer", "A")
    weir = prison.receive("A4417KD")
    note = hartmann.note(weir, fact="Owse cards.", handling=handling, needs=[{"code": "SAFETY", "detail": SECRET}])
    _, here = ngata.pull()
    path, right = f"/v1/notes/{note['id']}/corrections", {"basis": "SAW", "fact": "Owes cards."}
    newer = hartmann.post(path, {"reason": "Spelling", "note": right})
    assert (newer["handling"], newer["fact"]) == (handling, "Owes cards.")
    ngata.get(f"/v1/notes/{newer['id']}", 404)
    ngata.get(f"/v1/needs/{note['needs'][0]['id']}", 404)
    assert ngata.pull(here)[0] == []
    open_ = hartmann.post(
        f"/v1/notes/{newer['id']}/corrections", {"reason": "For all", "note": {**right, "handling": "UNIT"}}
    )
    assert ngata.get(f"/v1/notes/{open_['id']}")["handling"] == "UNIT", "where it is said, it is opened"


def test_a_spelling_put_right_calms_nobody_and_a_word_does(prison: Prison) -> None:
    hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
    note = hartmann.note(weir, fact="A threta.", attention="ACT_NOW")
    path, right = "/v1/notes/{}/corrections", {"basis": "SAW", "fact": "A threat."}
    newer = hartmann.post(path.format(note["id"]), {"reason": "Spelling", "note": right})
    assert (newer["attention"], newer["attention_until"]) == ("ACT_NOW", note["attention_until"])
    assert [page["state"] for page in hartmann.all("/v1/pages")] == ["RAISED"]
    calm = hartmann.post(path.format(newer["id"]), {"reason": "A joke", "note": {**right, "attention": "ROUTINE"}})
    assert calm["attention"] == "ROUTINE"
    assert [page["state"] for page in hartmann.all("/v1/pages")] == ["CLOSED"]


def test_a_spelling_put_right_does_not_begin_attention_again_that_was_closed(prison: Prison) -> None:
    hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
    note = hartmann.note(weir, fact="A threta.", attention="WATCH")
    hartmann.post(f"/v1/notes/{note['id']}/attention", {"close": True, "reason": "He was joking."})
    _, here = hartmann.pull()
    right = {"reason": "Spelling", "note": {"basis": "SAW", "fact": "A threat."}}
    newer = hartmann.post(f"/v1/notes/{note['id']}/corrections", right)
    assert newer["attention"] == "ROUTINE"
    time.sleep(3 * prison.service.settings.timers_s)
    assert [event["type"] for event in hartmann.pull(here)[0]] == ["note.corrected"]


def test_what_another_says_is_needed_is_not_read_by_who_wrote_the_note(prison: Prison) -> None:
    hartmann, governor = prison.hire("hartmann", "officer", "A"), prison.hire("price", "governor")
    weir = prison.receive("A4417KD")
    first = {"code": "SAFETY", "detail": "Somebody should look."}
    note = hartmann.note(weir, fact="Says he was hit.", handling="COMPLAINT", needs=[first])
    need = note["needs"][0]["id"]
    correct(governor, note, fact="Says he was hit.", needs=[{**first, "urgency": "NOW"}])
    assert hartmann.get(f"/v1/needs/{need}")["urgency"] == "NOW", "the words are still his own"
    newest = governor.all("/v1/notes")[0]
    correct(governor, newest, needs=[{**first, "detail": SECRET}])
    hartmann.get(f"/v1/needs/{need}", 404)
    assert SECRET not in everything(hartmann, note["id"])
    assert governor.get(f"/v1/needs/{need}")["detail"] == SECRET


def test_an_author_who_left_the_wing_hears_that_a_note_no_longer_stands(prison: Prison) -> None:
    okafor = prison.hire("okafor", "chaplain")
    cole, weir = prison.hire("cole", "supervisor"), prison.receive("A4417KD")
    note = okafor.note(weir, fact="He asked for a Bible.")
    _, here = okafor.pull()
    newer = correct(cole, note, fact=SECRET)
    okafor.get(f"/v1/notes/{newer['id']}", 404)
    assert okafor.get(f"/v1/notes/{note['id']}")["status"] == "CORRECTED"
    [event] = okafor.pull(here)[0]
    assert (event["data"]["id"], event["data"]["superseded_by"]) == (note["id"], newer["id"])


# --- Needs through a correction --------------------------------------------------------------------------------------


def test_a_correction_that_forgets_a_promise_does_not_lose_it(prison: Prison) -> None:
    hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
    note = hartmann.note(weir, needs=[{"code": "PHONE", "promised": True, "detail": "daughter"}])
    newer = correct(hartmann, note, needs=[{"code": "FAITH"}])
    assert [n["code"] for n in newer["needs"]] == ["FAITH", "PHONE"]
    assert newer["needs"][1] == note["needs"][0], "as it was stated, under the same id"
    phone = need_of(hartmann, note)
    assert (phone["status"], phone["promised"], phone["note"]) == ("OPEN", True, newer["id"])
    assert [n["code"] for n in hartmann.get("/v1/needs")["items"]] == ["PHONE", "FAITH"]


def test_a_correction_changes_what_it_says_differently_and_leaves_what_was_done_since(prison: Prison) -> None:
    hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
    due, later = "2030-01-01T12:00:00Z", "2030-01-02T12:00:00Z"
    note = hartmann.note(weir, needs=[{"code": "PHONE", "detail": "dauhgter", "due_at": due, "urgency": "THIS_SHIFT"}])
    change(hartmann, note["needs"][0]["id"], due_at=later, owner="P. Ngata")
    newer = correct(hartmann, note, needs=[{"code": "PHONE", "detail": "daughter", "due_at": due, "urgency": "NOW"}])
    assert newer["needs"] == [{**note["needs"][0], "detail": "daughter", "urgency": "NOW"}]
    need = need_of(hartmann, note)
    assert (need["detail"], need["urgency"]) == ("daughter", "NOW")
    assert (need["due_at"], need["owner"]) == (later, "P. Ngata"), "what was done about it since is not undone"


def test_a_correction_does_not_open_again_what_was_done(prison: Prison) -> None:
    hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
    note = hartmann.note(
        weir, needs=[{"code": "PHONE", "detail": "daughter"}, {"code": "PHONE", "detail": "solicitor"}]
    )
    change(hartmann, note["needs"][0]["id"], status="DONE", outcome="Ten minutes.")
    newer = correct(hartmann, note, fact="A typo less.")
    assert newer["needs"] == note["needs"]
    assert [n["status"] for n in hartmann.get("/v1/needs", inmate=weir)["items"]] == ["DONE", "OPEN"]
    only = correct(hartmann, newer, needs=[{"code": "PHONE", "detail": "solicitor, Ms Adeyemi"}])
    assert {n["id"]: n["detail"] for n in only["needs"]} == {
        note["needs"][0]["id"]: "daughter",
        note["needs"][1]["id"]: "solicitor, Ms Adeyemi",
    }, "of two alike, the one still open is meant"


def test_a_need_that_a_correction_adds_is_where_the_person_is_now(prison: Prison) -> None:
    hartmann, brandt = prison.hire("hartmann", "officer", "A"), prison.hire("brandt", "officer", "B")
    cole, weir = prison.hire("cole", "supervisor"), prison.receive("A4417KD")
    note = hartmann.note(weir)
    cole.post(f"/v1/inmates/{weir}/moves", {"establishment": prison.code, "unit": "B", "reason": "Work"})
    newer = correct(hartmann, note, needs=[{"code": "PHONE", "promised": True}])
    assert need_of(brandt, newer)["unit"] == "B"


# --- Retractions -----------------------------------------------------------------------------------------------------


def test_what_was_taken_back_is_gone_from_every_answer_but_the_auditors(prison: Prison) -> None:
    hartmann, ngata = prison.hire("hartmann", "officer", "A"), prison.hire("ngata", "officer", "A")
    cole, quill = prison.hire("cole", "supervisor"), prison.hire("quill", "auditor")
    offices = prison.connect("offices", "notes:read", "needs:read", "events:read")
    weir = prison.receive("A4417KD")
    body = {
        "inmate": weir,
        "basis": "TOLD_BY_PRISONER",
        "fact": SECRET,
        "opinion": SECRET,
        "if_then": SECRET,
        "late_reason": SECRET,
        "needs": [{"code": "DEBT_HELP", "detail": SECRET}, {"code": "SAFETY", "detail": SECRET}],
        "indicators": [{"code": "DEBT_SIGN"}],
        "attention": "ACT_NOW",
    }
    key = {"Idempotency-Key": "n"}
    note = hartmann.http.post("/v1/notes", json=body, headers=key).json()
    path = f"/v1/notes/{note['id']}"
    ask = {"kind": "QUERY", "text": SECRET}
    receipt = ngata.http.post(f"{path}/receipts", json=ask, headers=key).json()
    ngata.post(f"{path}/receipts", {"kind": "SEEN"})
    change(cole, note["needs"][0]["id"], status="DONE", outcome=SECRET, owner=SECRET)
    change(cole, note["needs"][1]["id"], reason=SECRET)
    newer = correct(hartmann, note, opinion=SECRET + "!")
    readers = (hartmann, ngata, cole, offices)
    assert all(SECRET in everything(reader, note["id"]) for reader in readers)
    _, here = ngata.pull()

    shown = hartmann.post(
        f"/v1/notes/{newer['id']}/retractions", {"reason": "WRONG_PERSON", "detail": f"Not him. {SECRET}"}
    )
    assert shown["status"] == "RETRACTED"
    assert shown["retraction"]["reason"] == "WRONG_PERSON"
    assert shown["retraction"]["detail"] is None
    assert (shown["inmate"], shown["needs"], shown["indicators"], shown["attention"]) == (weir, [], [], "ROUTINE")
    for reader in readers:
        assert SECRET not in everything(reader, note["id"], newer["id"]), reader.name
        assert [n["status"] for n in reader.all("/v1/notes")] == ["RETRACTED", "RETRACTED"]
    for filters in ({"q": "marlow"}, {"attention": "ACT_NOW"}, {"indicator": "DEBT_SIGN"}, {"need": "SAFETY"}):
        assert cole.all("/v1/notes", **filters) == [], filters
    heard = ngata.pull(here)[0]
    assert [(e["type"], e["data"]["id"]) for e in heard if e["type"] == "note.retracted"] == [
        ("note.retracted", newer["id"]),
        ("note.retracted", note["id"]),
    ]
    again = ngata.http.post(f"{path}/receipts", json=ask, headers=key)
    assert again.json() == {**receipt, "text": None}, "the repeated answer is the receipt, without its words"
    again = hartmann.http.post("/v1/notes", json=body, headers=key)
    assert (again.headers["idempotency-replayed"], again.json()["status"]) == ("true", "RETRACTED")
    assert [(r["kind"], r["text"]) for r in ngata.get(f"{path}/receipts")["items"]] == [("QUERY", None), ("SEEN", None)]

    sealed = quill.get(f"/v1/notes/{newer['id']}")
    assert (sealed["fact"], sealed["opinion"], sealed["status"]) == (SECRET, SECRET + "!", "RETRACTED")
    assert sealed["retraction"]["detail"] == f"Not him. {SECRET}"
    assert quill.get(path)["needs"] == note["needs"]


def test_the_needs_of_a_retracted_note_are_closed_for_good(prison: Prison) -> None:
    hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
    note = hartmann.note(weir, needs=[{"code": "PHONE"}, {"code": "FAITH"}])
    change(hartmann, note["needs"][1]["id"], status="DONE", outcome="Seen the imam.")
    hartmann.post(f"/v1/notes/{note['id']}/retractions", {"reason": "DUPLICATE"})
    phone, faith = need_of(hartmann, note), need_of(hartmann, note, 1)
    assert (phone["status"], faith["status"], faith["outcome"]) == ("NOT_POSSIBLE", "DONE", None)
    assert "retracted" in phone["reason"]
    answer = hartmann.http.patch(f"/v1/needs/{phone['id']}", json={"status": "OPEN"}, headers={"If-Match": "*"})
    assert (answer.status_code, "new note" in answer.json()["detail"]) == (409, True)


def test_an_early_wording_can_be_taken_back_alone_and_its_needs_live_on(prison: Prison) -> None:
    hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
    note = hartmann.note(weir, fact=SECRET, needs=[{"code": "PHONE", "detail": SECRET}])
    newer = correct(hartmann, note, fact="Asks for a call.", needs=[{"code": "PHONE", "detail": "to his mother"}])
    hartmann.post(f"/v1/notes/{note['id']}/retractions", {"reason": "OTHER"})
    assert hartmann.get(f"/v1/notes/{newer['id']}")["status"] == "ACTIVE"
    assert need_of(hartmann, newer)["detail"] == "to his mother"
    replayed = hartmann.pull()[0]
    assert SECRET not in json.dumps(replayed)
    opened = next(e for e in replayed if e["type"] == "need.opened")
    assert opened["data"] == {"id": newer["needs"][0]["id"], "status": "OPEN"}


def test_a_note_is_taken_back_once_and_with_a_reason_from_the_list(prison: Prison) -> None:
    hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
    path = f"/v1/notes/{hartmann.note(weir)['id']}"
    for reason, words in (("WRONG_PRISONER", "WRONG_PERSON"), ("mistake", "capitals")):
        told = hartmann.post(f"{path}/retractions", {"reason": reason}, 422)
        assert (told["errors"][0]["pointer"], words in told["errors"][0]["detail"]) == ("/reason", True)
    hartmann.post(f"{path}/retractions", {"reason": "DUPLICATE"})
    hartmann.post(f"{path}/retractions", {"reason": "DUPLICATE"}, 409)
    hartmann.post(f"{path}/receipts", {"kind": "SEEN"}, 409)
    [listed] = hartmann.get("/v1/notes")["items"]
    assert listed == hartmann.get(path)


# --- Receipts --------------------------------------------------------------------------------------------------------


@pytest.fixture
def noon(prison: Prison) -> None:
    """Noon, and it stays noon: with the shift, who is on duty would change under a test."""
    prison.service.clock.frozen = datetime(2026, 1, 14, 12, 0, tzinfo=UTC)


def test_receipts_say_who_did_what_and_who_on_duty_has_not_seen_it(prison: Prison, noon: None) -> None:
    hartmann, ngata = prison.hire("hartmann", "officer", "A"), prison.hire("ngata", "officer", "A")
    prison.hire("brandt", "officer", "B")
    prison.hire("okafor", "chaplain")
    cole, weir = prison.hire("cole", "supervisor"), prison.receive("A4417KD")
    path = f"/v1/notes/{hartmann.note(weir)['id']}/receipts"
    assert [one["name"] for one in cole.get(path)["not_seen"]] == ["Ngata"], "not the author, nor who is elsewhere"
    seen = ngata.post(path, {"kind": "SEEN"})
    assert seen["by"] == {"username": ngata.name, "name": "Ngata", "role": "officer"}
    assert ngata.post(path, {"kind": "SEEN"}) == seen, "seen is seen once"
    ngata.post(path, {"kind": "READ_BACK", "text": "Talk to him if he is awake."})
    ngata.post(path, {"kind": "READ_BACK", "text": "And write it down."})
    cole.post(path, {"kind": "ACCEPTED"})
    given = cole.get(path)
    assert [(r["kind"], r["by"]["name"]) for r in given["items"]] == [
        ("SEEN", "Ngata"),
        ("READ_BACK", "Ngata"),
        ("READ_BACK", "Ngata"),
        ("ACCEPTED", "Cole"),
    ]
    assert given["not_seen"] == []
    assert given["items"][0] == seen
    assert cole.all(path, limit=1) == given["items"], "page by page the same"
    first = cole.http.get(path, params={"limit": 3})
    assert len(first.json()["items"]) == 3
    assert first.links["next"]["url"].startswith(path)
    cole.get(path, 422, cursor="elsewhere")


def test_on_duty_is_who_has_used_the_service_in_this_shift(prison: Prison) -> None:
    prison.hire("fisher", "officer", "A")
    ngata, cole = prison.hire("ngata", "officer", "A"), prison.hire("cole", "supervisor")
    weir = prison.receive("A4417KD")
    path = f"/v1/notes/{cole.note(weir)['id']}/receipts"
    clock = prison.service.clock
    in_two_minutes = clock().astimezone(UTC) + timedelta(minutes=2)
    shifts = [
        {"code": "OLD", "starts": f"{in_two_minutes + timedelta(hours=12):%H:%M}"},
        {"code": "NEW", "starts": f"{in_two_minutes:%H:%M}"},
    ]
    place = {"name": "HMP", "timezone": "UTC", "shifts": shifts}
    prison.admin.put(f"/v1/establishments/{prison.code}", place)
    assert [one["name"] for one in cole.get(path)["not_seen"]] == ["Fisher", "Ngata"]
    clock.ahead = timedelta(minutes=3)
    assert cole.get(path)["not_seen"] == [], "the shift has changed"
    form = {"grant_type": "refresh_token", "refresh_token": ngata.refresh}
    assert httpx.post(f"{ngata.service.url}/oauth/token", data=form, trust_env=False, verify=False).status_code == 200
    assert [one["name"] for one in cole.get(path)["not_seen"]] == ["Ngata"], "she is here; Fisher has gone home"


def test_a_receipt_must_mean_something(prison: Prison) -> None:
    hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
    brandt = prison.hire("brandt", "officer", "B")
    path = f"/v1/notes/{hartmann.note(weir)['id']}/receipts"
    for body, pointer, words in (
        ({"kind": "QUERY"}, "/text", "words"),
        ({"kind": "READ_BACK"}, "/text", "words"),
        ({"kind": "DELIVERED"}, "/kind", "only the service"),
        ({"kind": "SEE"}, "/kind", "SEEN"),
        ({"text": "Yes."}, "/kind", "needed"),
    ):
        told = hartmann.post(path, body, 422)
        assert [e["pointer"] for e in told["errors"]] == [pointer]
        assert words in told["errors"][0]["detail"]
    brandt.post(path, {"kind": "SEEN"}, 404)
    brandt.get(path, 404)


def test_a_correction_has_to_be_seen_anew(prison: Prison, noon: None) -> None:
    hartmann, ngata = prison.hire("hartmann", "officer", "A"), prison.hire("ngata", "officer", "A")
    weir = prison.receive("A4417KD")
    note = hartmann.note(weir)
    ngata.post(f"/v1/notes/{note['id']}/receipts", {"kind": "SEEN"})
    newer = correct(hartmann, note, fact="It was the other way round.")
    told = hartmann.get(f"/v1/notes/{newer['id']}/receipts")
    assert (told["items"], [one["name"] for one in told["not_seen"]]) == ([], ["Ngata"])


def test_who_has_not_seen_it_does_not_name_those_it_is_kept_from(prison: Prison, noon: None) -> None:
    prison.hire("ngata", "officer", "A")
    cole, weir = prison.hire("cole", "supervisor", "A"), prison.receive("A4417KD")
    governor = prison.hire("vane", "governor")
    note = governor.note(weir, handling="SECURITY")
    told = governor.get(f"/v1/notes/{note['id']}/receipts")
    assert [one["name"] for one in told["not_seen"]] == ["Cole"]
    cole.post(f"/v1/notes/{note['id']}/receipts", {"kind": "SEEN"})
    assert governor.get(f"/v1/notes/{note['id']}/receipts")["not_seen"] == []
