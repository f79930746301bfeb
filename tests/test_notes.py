"""A note: what an officer may write, what the service adds, what it refuses and in which words, and how it is found."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from handover.schemas.notes import Note, NoteDraft
from handover.services import accounts
from handover.services.tidying import tidy
from handover.services.views import UNSAID
from handover.store.store import Batch
from tests.support.service import PASSWORD, Caller, Prison, run

ADDED = {"id", "author", "recorded_at", "late", "shift", "status", "previous_inmate"} | {
    "supersedes", "superseded_by", "correction_reason", "retraction", "incident", "renewals"
}  # fmt: skip


def refused(who: Caller, body: dict[str, Any], path: str = "/v1/notes") -> dict[str, str]:
    """Posts what must be refused; answers what is wrong by JSON pointer."""
    answer = who.http.post(path, json=body)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert (told["status"], told["type"]) == (422, "/problems/invalid")
    return {error["pointer"]: error["detail"] for error in told["errors"]}


def noon(prison: Prison) -> datetime:
    """Stops the clock at noon on a winter day in London: the early shift runs until 13:30, the late one until 21:00."""
    prison.service.clock.frozen = datetime(2026, 1, 14, 12, 0, tzinfo=UTC)
    return prison.service.clock.frozen


def z(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


# --- What is recorded ------------------------------------------------------------------------------------------------


def test_the_smallest_useful_note_gets_everything_it_needs_from_the_service(prison: Prison) -> None:
    hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
    now = noon(prison)
    body = {"inmate": weir, "basis": "SAW", "mood": {"valence": -1, "energy": 1}, "change": "WORSE"}
    answer = hartmann.http.post("/v1/notes", json=body)
    note = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/v1/notes/{note['id']}"
    assert note["id"][14] == "7", "a UUIDv7"
    assert note == {
        **dict.fromkeys(Note.model_fields),
        "id": note["id"],
        "establishment": prison.code,
        "unit": "A",
        "inmate": weir,
        "author": {"username": hartmann.name, "name": "Hartmann", "role": "officer"},
        "occurred_at": z(now),
        "recorded_at": z(now),
        "late": False,
        "shift": "2026-01-14/EARLY",
        "basis": "SAW",
        "mood": {"valence": -1, "energy": 1, "source": "OBSERVED", "not_observed": None},
        "change": "WORSE",
        "indicators": [],
        "needs": [],
        "responses": [],
        "renewals": [],
        "opening": False,
        "attention": "ROUTINE",
        "attention_until": "2026-01-14T21:00:00Z",
        "handling": "UNIT",
        "status": "ACTIVE",
    }
    assert hartmann.get(answer.headers["location"]) == note


def test_every_field_an_officer_fills_is_kept_and_given_back(prison: Prison) -> None:
    hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
    now = noon(prison)
    body: dict[str, Any] = {
        "inmate": weir,
        "establishment": prison.code,
        "unit": "B",
        "occurred_at": z(now - timedelta(hours=2)),
        "captured_at": z(now - timedelta(minutes=1)),
        "late_reason": "Alarm on C wing",
        "basis": "TOLD_BY_PERSON",
        "fact": "Says the visit was cancelled.\nNobody told him – «niemand», 没有人.",
        "opinion": "He will not say it, but he is frightened.",
        "confidence": "MEDIUM",
        "mood": {"valence": -2, "energy": 0, "source": "SELF_REPORTED", "not_observed": None},
        "change": "MUCH_WORSE",
        "indicators": [{"code": "WITHDRAWN", "trend": "NEW"}, {"code": "NOT_EATING", "trend": None}],
        "needs": [
            {"code": "PHONE", "urgency": "THIS_SHIFT", "promised": True, "detail": "daughter", "due_at": z(now)},
            {"code": "PHONE", "urgency": "ROUTINE", "promised": False, "detail": "solicitor", "due_at": None},
        ],
        "responses": [{"code": "LISTENED", "effect": "HELPED"}, {"code": "TIME_OUT", "effect": None}],
        "opening": True,
        "attention": "WATCH",
        "attention_until": z(now + timedelta(days=2)),
        "if_then": "If he is awake after 22:00: sit down and talk.",
        "place": "VISITS",
        "handling": "ESTABLISHMENT",
        "about_incident": True,
    }
    assert set(body) == set(NoteDraft.model_fields), "every field there is"
    note = hartmann.post("/v1/notes", body)
    assert body.pop("about_incident") == (note["incident"] == note["id"]), "told by which one it is"
    for need in note["needs"]:
        assert hartmann.get(f"/v1/needs/{need.pop('id')}")["note"] == note["id"]
    assert {name: note[name] for name in body} == body
    assert set(note) == set(body) | ADDED


def test_what_is_left_out_is_never_made_up(prison: Prison) -> None:
    hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
    note = hartmann.note(weir, mood={"not_observed": "ASLEEP"})
    assert note["mood"] == {"valence": None, "energy": None, "source": None, "not_observed": "ASLEEP"}
    only = hartmann.note(weir, mood={"energy": 3})
    assert only["mood"] == {"valence": None, "energy": 3, "source": "OBSERVED", "not_observed": None}


@pytest.mark.parametrize(
    "said",
    [
        {"mood": {"not_observed": "NOT_SEEN"}},
        {"change": "USUAL"},
        {"indicators": [{"code": "FLAT"}]},
        {"needs": [{"code": "FAITH"}]},
        {"responses": [{"code": "LISTENED"}]},
        {"fact": "."},
    ],
    ids=lambda said: next(iter(said)),
)
def test_one_thing_said_is_enough(prison: Prison, said: dict[str, Any]) -> None:
    hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
    hartmann.post("/v1/notes", {"inmate": weir, "basis": "SAW", **said})


def test_null_says_as_much_as_what_is_left_out(prison: Prison) -> None:
    hartmann = prison.hire("hartmann", "officer", "A")
    nothing = dict.fromkeys(("fact", "mood", "change", "indicators", "needs", "responses"))
    note = hartmann.note(unit="A", **{**nothing, "fact": "Ate nothing at lunch."})
    assert (note["indicators"], note["needs"], note["responses"]) == ([], [], [])
    newer = {"reason": "Slip", "note": {"basis": "SAW", **nothing, "fact": "Ate a little."}}
    assert hartmann.post(f"/v1/notes/{note['id']}/corrections", newer)["needs"] == []
    assert refused(hartmann, {"unit": "A", "basis": "SAW", **nothing}) == refused(
        hartmann, {"unit": "A", "basis": "SAW"}
    )


def test_a_note_that_says_nothing_is_refused(prison: Prison) -> None:
    hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
    beside = {"opinion": "Hm.", "attention": "WATCH", "if_then": "Look twice.", "opening": True, "place": "CELL"}
    errors = refused(hartmann, {"inmate": weir, "basis": "SAW", **beside})
    assert list(errors) == [""]
    assert all(word in errors[""] for word in ("mood", "change", "indicators", "needs", "responses", "fact"))


def test_a_wing_note_belongs_to_the_wing_and_to_nobody(prison: Prison) -> None:
    hartmann, ngata = prison.hire("hartmann", "officer", "A"), prison.hire("ngata", "officer", "A")
    note = hartmann.note(unit="A", fact="Roll correct. Showers cold on the twos.", needs=[{"code": "CELL"}])
    assert (note["inmate"], note["unit"], note["establishment"]) == (None, "A", prison.code)
    assert ngata.get("/v1/notes", unit="A")["items"] == [note]
    assert ngata.get(f"/v1/needs/{note['needs'][0]['id']}")["inmate"] is None
    wing = {"basis": "SAW", "fact": "Quiet."}
    assert "inmate" in refused(hartmann, wing)["/unit"], "it says that naming the person would do"
    assert set(refused(hartmann, {**wing, "unit": "A", "mood": {"valence": 0}, "change": "USUAL"})) == {
        "/mood",
        "/change",
    }


def test_somebody_of_several_prisons_says_which_one(prison: Prison) -> None:
    other = prison.service.prison()
    escort = prison.connect("escort", "notes:write", "notes:read", establishments=[prison.code, other.code])
    weir = prison.receive("A4417KD")
    assert "several" in refused(escort, {"basis": "SAW", "fact": "Late.", "unit": "A"})["/establishment"]
    assert escort.note(establishment=other.code, unit="B")["establishment"] == other.code
    assert escort.note(weir)["establishment"] == prison.code, "the person says where"


def test_somebody_who_has_left_can_still_be_written_about_and_the_needs_follow(prison: Prison) -> None:
    there = prison.service.prison()
    hartmann, cole = prison.hire("hartmann", "officer", "A"), prison.hire("cole", "supervisor")
    brandt = there.hire("brandt", "officer", "B")
    weir = prison.receive("A4417KD")
    move = {"establishment": there.code, "unit": "B", "reason": "Court"}
    cole.post(f"/v1/inmates/{weir}/moves", move)
    note = hartmann.note(weir, fact="I had promised him the call.", needs=[{"code": "PHONE", "promised": True}])
    assert (note["establishment"], note["unit"]) == (prison.code, "A")
    assert [need["id"] for need in brandt.get("/v1/needs", inmate=weir)["items"]] == [note["needs"][0]["id"]]
    brandt.get(f"/v1/notes/{note['id']}", 404)


# --- What the service derives ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ago", "late"),
    [
        (timedelta(minutes=60), False),
        (timedelta(minutes=60, microseconds=1), True),
        (timedelta(minutes=59), False),
        (timedelta(days=3), True),
    ],
    ids=str,
)
def test_late_is_more_than_an_hour(prison: Prison, ago: timedelta, late: bool) -> None:
    hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
    now = noon(prison)
    note = hartmann.note(weir, occurred_at=z(now - ago))
    assert (note["late"], note["occurred_at"], note["recorded_at"]) == (late, z(now - ago), z(now))


def test_a_claim_just_ahead_of_the_server_is_taken_as_now_and_any_other_future_is_refused(prison: Prison) -> None:
    hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
    now = noon(prison)
    note = hartmann.note(weir, occurred_at=z(now + timedelta(seconds=60)), captured_at=z(now + timedelta(hours=3)))
    assert note["occurred_at"] == z(now)
    assert note["captured_at"] == z(now + timedelta(hours=3)), "what the device believed is kept as it was"
    errors = refused(
        hartmann, {"inmate": weir, "basis": "SAW", "fact": "x", "occurred_at": z(now + timedelta(seconds=61))}
    )
    assert "future" in errors["/occurred_at"]
    errors = refused(hartmann, {"inmate": weir, "basis": "SAW", "fact": "x", "attention_until": z(now)})
    assert "past" in errors["/attention_until"]


@pytest.mark.parametrize(
    ("local", "ends"),
    [
        ("07:29:59", "13:30"),  # the night shift's end is at 07:30; the next, the early one's, at 13:30
        ("07:30:00", "21:00"),
        ("13:29:59", "21:00"),
        ("21:00:00", "13:30"),
    ],
)
def test_attention_lasts_until_the_end_of_the_next_shift(prison: Prison, local: str, ends: str) -> None:
    hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
    prison.service.clock.frozen = datetime.fromisoformat(f"2026-01-14T{local}+00:00")
    until = datetime.fromisoformat(hartmann.note(weir, attention="WATCH")["attention_until"])
    assert until.strftime("%H:%M") == ends
    assert timedelta(0) < until - prison.service.clock.frozen < timedelta(hours=24)


def test_words_of_self_harm_are_always_act_now(prison: Prison) -> None:
    hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
    note = hartmann.note(weir, indicators=[{"code": "TEARFUL"}, {"code": "SAY_SELF_HARM"}], attention="ROUTINE")
    assert note["attention"] == "ACT_NOW"
    assert [n["id"] for n in hartmann.get("/v1/notes", attention="ACT_NOW")["items"]] == [note["id"]]
    assert hartmann.note(weir, indicators=[{"code": "SAY_HARM_OTHERS"}])["attention"] == "ROUTINE", "staff decide"


def test_any_offset_is_understood_and_utc_is_sent(prison: Prison) -> None:
    hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
    noon(prison)
    finest = f"2026-01-14T11:30:00.{'0' * 40}Z"  # RFC 3339 sets no limit to the digits
    for claimed in ("2026-01-14T17:15:00+05:45", "2026-01-14T08:00:00-03:30", "2026-01-14t11:30:00.000000z", finest):
        assert hartmann.note(weir, occurred_at=claimed)["occurred_at"] == "2026-01-14T11:30:00Z"


# --- What is refused, and in which words -----------------------------------------------------------------------------

BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    "no basis": ({"basis": None}, "/basis", ""),
    "unknown basis": ({"basis": "SEEN"}, "/basis", "SAW"),
    "code in small letters": ({"needs": [{"code": "phone"}]}, "/needs/0/code", "PHONE"),
    "mistyped need": ({"needs": [{"code": "FAITH"}, {"code": "MEDICATON"}]}, "/needs/1/code", "MEDICATION"),
    "mistyped indicator": ({"indicators": [{"code": "WITHDRAWL_SIGNS"}]}, "/indicators/0/code", "WITHDRAWAL_SIGNS"),
    "mistyped trend": ({"indicators": [{"code": "FLAT", "trend": "STOPED"}]}, "/indicators/0/trend", "STOPPED"),
    "indicator twice": ({"indicators": [{"code": "FLAT"}, {"code": "FLAT"}]}, "/indicators/1/code", "once"),
    "mistyped response": ({"responses": [{"code": "LISTEND"}]}, "/responses/0/code", "LISTENED"),
    "mistyped effect": ({"responses": [{"code": "LISTENED", "effect": "HELPD"}]}, "/responses/0/effect", "HELPED"),
    "mistyped urgency": ({"needs": [{"code": "FAITH", "urgency": "NEXTSHIFT"}]}, "/needs/0/urgency", "NEXT_SHIFT"),
    "mistyped change": ({"change": "WORST"}, "/change", "WORSE"),
    "mistyped attention": ({"attention": "ACTNOW"}, "/attention", "ACT_NOW"),
    "mistyped place": ({"place": "SERVERRY"}, "/place", "SERVERY"),
    "mistyped handling": ({"handling": "SECURTY"}, "/handling", "SECURITY"),
    "mistyped confidence": ({"opinion": "x", "confidence": "MEDUM"}, "/confidence", "MEDIUM"),
    "a code like no other": ({"place": "QQQQ"}, "/place", "/v1/codelists/place"),
    "confidence in nothing": ({"confidence": "HIGH"}, "/confidence", "opinion"),
    "empty mood": ({"mood": {}}, "/mood", "not_observed"),
    "mood too low": ({"mood": {"valence": -3}}, "/mood/valence", "-2"),
    "energy too high": ({"mood": {"energy": 5}}, "/mood/energy", "4"),
    "energy as text": ({"mood": {"energy": "2"}}, "/mood/energy", "integer"),
    "energy as truth": ({"mood": {"energy": True}}, "/mood/energy", "integer"),
    "energy in halves": ({"mood": {"energy": 1.5}}, "/mood/energy", "integer"),
    "unseen yet low": ({"mood": {"not_observed": "AWAY", "valence": -1}}, "/mood/not_observed", "no valence"),
    "unseen yet sourced": ({"mood": {"not_observed": "AWAY", "source": "OBSERVED"}}, "/mood/not_observed", "source"),
    "mistyped mood source": ({"mood": {"valence": 0, "source": "OBSERVD"}}, "/mood/source", "OBSERVED"),
    "mistyped not_observed": ({"mood": {"not_observed": "ASLEP"}}, "/mood/not_observed", "ASLEEP"),
    "promised as text": ({"needs": [{"code": "FAITH", "promised": "yes"}]}, "/needs/0/promised", "boolean"),
    "a time without an offset": ({"occurred_at": "2026-01-14T06:40:00"}, "/occurred_at", "offset"),
    "a day alone": ({"occurred_at": "2026-01-14"}, "/occurred_at", "offset"),
    "seconds since 1970": ({"occurred_at": 1768372800}, "/occurred_at", "RFC 3339"),
    "a day that is not": ({"occurred_at": "2026-02-30T06:40:00Z"}, "/occurred_at", ""),
    "a second that clocks do not show": ({"occurred_at": "2026-01-14T06:39:60Z"}, "/occurred_at", "seconds to 59"),
    "a due time without an offset": (
        {"needs": [{"code": "FAITH", "due_at": "2026-01-14T06:40"}]},
        "/needs/0/due_at",
        "offset",
    ),
    "an unknown field": ({"attension": "WATCH"}, "/attension", "spelling"),
    "an unknown field in a need": ({"needs": [{"code": "FAITH", "promise": True}]}, "/needs/0/promise", "spelling"),
    "a field of the service": ({"late": False}, "/late", "no such field"),
    "a name to escape": ({"a/b~c": 1}, "/a~1b~0c", "no such field"),
    "fact too long": ({"fact": "x" * 1001}, "/fact", "at most 1000 characters, not 1001"),
    "opinion too long": ({"opinion": "x" * 501}, "/opinion", "500 characters"),
    "if_then too long": ({"if_then": "x" * 201}, "/if_then", "200 characters"),
    "detail too long": ({"needs": [{"code": "FAITH", "detail": "x" * 501}]}, "/needs/0/detail", "500 characters"),
    "fact of blanks": ({"fact": " \n\t "}, "/fact", ""),
    "fact as a number": ({"fact": 7}, "/fact", "string"),
    "too many needs": ({"needs": [{"code": "FAITH"}] * 21}, "/needs", "20"),
    "needs as an object": ({"needs": {"code": "FAITH"}}, "/needs", "list"),
    "NUL": ({"fact": "a\x00b"}, "/fact", "control"),
    "escape": ({"fact": "\x1b[2Jgone"}, "/fact", "control"),
    "the one-byte escape": ({"fact": "\x9b2Jgone"}, "/fact", "control"),
    "nothing to be seen": ({"fact": "\u200b \u2060"}, "/fact", "can be seen"),
    "nobody": ({"inmate": "Z9999ZZ"}, "/inmate", "Z9999ZZ"),
    "no number": ({"inmate": "Weir, J."}, "/inmate", "number"),
    "another prison": ({"establishment": "ZZZ"}, "/establishment", "ZZZ"),
    "no such unit": ({"unit": "Z"}, "/unit", "no unit Z"),
}


def test_each_mistake_is_told_where_it_is_and_what_to_do_about_it(prison: Prison) -> None:
    hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
    for name, (wrong, pointer, words) in BAD.items():
        body: dict[str, Any] = {"inmate": weir, "basis": "SAW", "fact": "Ate nothing.", **wrong}
        if body["basis"] is None:
            del body["basis"]
        errors = refused(hartmann, body)
        assert set(errors) == {pointer}, name
        assert words in errors[pointer], f"{name}: {errors}"
        assert "^" not in errors[pointer], f"{name}: no officer reads {errors}"
    assert hartmann.get("/v1/notes")["items"] == [], "nothing of all that was recorded"


def test_all_mistakes_of_a_note_are_told_at_once(prison: Prison) -> None:
    hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
    body = {"inmate": weir, "basis": "SAU", "change": "WORS", "needs": [{"code": "FOOOD"}], "opinion": "x"}
    assert set(refused(hartmann, body)) == {"/basis", "/change", "/needs/0/code"}
    assert set(refused(hartmann, {"basis": 1, "mood": {"valence": 9}, "x": 1})) == {"/basis", "/mood/valence", "/x"}


def test_the_longest_note_fits(prison: Prison) -> None:
    hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
    wide = "𝌆"  # four bytes, one character
    long = {"code": "FAITH", "urgency": "ROUTINE", "promised": True, "detail": wide * 500}
    note = hartmann.note(
        weir, fact=wide * 1000, opinion=wide * 500, if_then=wide * 200, late_reason=wide * 500, needs=[long] * 20
    )
    assert (len(note["fact"]), len(note["needs"])) == (1000, 20)
    assert hartmann.get(f"/v1/notes/{note['id']}") == note


# --- Bodies that are no note -----------------------------------------------------------------------------------------


def send(who: Caller, content: bytes | Iterator[bytes], kind: str | None = "application/json") -> httpx.Response:
    headers = {} if kind is None else {"content-type": kind}
    return who.http.post("/v1/notes", content=content, headers=headers)


def test_what_is_not_json_is_refused_with_what_is_wrong(prison: Prison) -> None:
    hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
    start = b'{"inmate": "%s", "basis": "SAW", "fact": "x"' % weir.encode()
    odd = {
        b"{": "JSON",
        b"\xff\xfe{\x00}\x00": "UTF-8",
        start.replace(b"x", b"\xff") + b"}": "UTF-8",
        start + b', "mood": {"valence": NaN}}': "JSON",
        start + b', "mood": {"valence": -Infinity}}': "JSON",
        start + b', "needs": [{"code": "FAITH"}], "needs": []}': "needs",
        start + b', "mood": {"energy": 1, "energy": 2}}': "energy",
        b"[" * 20_000 + b"]" * 20_000: "",
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000: "",
        b'{"mood": {"valence": ' + b"9" * 5000 + b"}}": "",
    }
    for content, words in odd.items():
        answer = send(hartmann, content)
        assert answer.status_code == 400, (content[:80], answer.text)
        assert answer.json()["type"] == "/problems/malformed"
        assert words in answer.json()["detail"], (content[:80], answer.text)
    assert hartmann.get("/v1/notes")["items"] == []


def test_json_that_is_no_note_is_refused(prison: Prison) -> None:
    hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
    for content in (b"", b"null", b"[]", b"7", b'"SAW"'):
        answer = send(hartmann, content)
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["pointer"] == ""
    lone = b'{"inmate": "%s", "basis": "SAW", "fact": "\\ud800"}' % weir.encode()
    answer = send(hartmann, lone)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/fact")


def test_a_note_that_does_not_say_that_it_is_json_is_told_so(prison: Prison) -> None:
    hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
    content = json.dumps({"inmate": weir, "basis": "SAW", "fact": "x"}).encode()
    for kind in ("text/plain", "application/xml", "application/x-www-form-urlencoded", None):
        answer = send(hartmann, content, kind)
        assert (answer.status_code, answer.json()["type"]) == (415, "/problems/unsupported-media-type"), answer.text
        assert answer.headers["accept"] == "application/json"
        assert "Content-Type: application/json" in answer.json()["detail"]
    assert send(hartmann, content, "application/json; charset=utf-8").status_code == 201
    assert send(hartmann, content, "application/vnd.roster+json").status_code == 201


def test_a_body_over_64_kib_is_refused_however_it_is_sent(prison: Prison) -> None:
    hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
    content = json.dumps({"inmate": weir, "basis": "SAW", "fact": "x"}).encode()
    whole = content + b" " * (64 * 1024 - len(content))
    for body in (whole, iter((whole[:9000], whole[9000:]))):
        assert send(hartmann, body).status_code == 201, "64 KiB is not over 64 KiB"

    note = f"/v1/notes/{'0' * 8}-0000-7000-8000-{'0' * 12}/corrections"
    for method, path in (
        ("POST", "/v1/notes"),
        ("POST", note),
        ("PUT", f"/v1/inmates/{weir}"),
        ("POST", "/oauth/token"),
    ):
        kind = "x-www-form-urlencoded" if "oauth" in path else "json"
        for body in (whole + b" ", iter((whole, b" "))):
            answer = hartmann.http.request(method, path, content=body, headers={"content-type": f"application/{kind}"})
            assert answer.status_code == 413, (path, answer.text)
            assert answer.json()["type"] == "/problems/too-large"


# --- Posting twice ---------------------------------------------------------------------------------------------------


def keyed(who: Caller, key: str, body: dict[str, Any], path: str = "/v1/notes") -> httpx.Response:
    return who.http.post(path, json=body, headers={"Idempotency-Key": key})


def test_a_repeated_post_gets_the_first_answer_and_records_nothing_new(prison: Prison) -> None:
    hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
    body = {"inmate": weir, "basis": "SAW", "fact": "Quiet."}
    first, again = keyed(hartmann, "k-1", body), keyed(hartmann, "k-1", body)
    assert (first.status_code, again.status_code) == (201, 201)
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert (again.text, again.headers["location"]) == (first.text, first.headers["location"])
    assert len(hartmann.get("/v1/notes")["items"]) == 1
    prison.service.clock.ahead = timedelta(days=7)
    run(tidy(prison.service.desk))
    prison.service.clock.ahead = timedelta(0)
    late = keyed(prison.service.login(hartmann.name), "k-1", body)
    assert late.text == first.text, "a key is kept for seven days at least"


def test_a_key_is_for_one_request(prison: Prison) -> None:
    hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
    body = {"inmate": weir, "basis": "SAW", "fact": "Quiet."}
    note = keyed(hartmann, "k", body).json()
    for path, other in (
        ("/v1/notes", {**body, "fact": "Loud."}),
        (f"/v1/notes/{note['id']}/receipts", {"kind": "SEEN"}),
    ):
        told = keyed(hartmann, "k", other, path)
        assert (told.status_code, told.json()["errors"][0]["pointer"]) == (422, "/header/Idempotency-Key")
    assert len(hartmann.get("/v1/notes")["items"]) == 1
    for odd in ("", "k k", "x" * 256):
        told = keyed(hartmann, odd, body)
        assert (told.status_code, told.json()["errors"][0]["pointer"]) == (422, "/header/Idempotency-Key")


def test_a_refused_post_does_not_use_up_its_key(prison: Prison) -> None:
    hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
    assert keyed(hartmann, "k", {"inmate": weir, "basis": "SAW"}).status_code == 422
    assert keyed(hartmann, "k", {"inmate": weir, "basis": "SAW", "fact": "x"}).status_code == 201


def test_the_same_key_while_the_first_is_in_progress_is_told_to_wait(prison: Prison) -> None:
    hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
    twin = prison.service.login(hartmann.name)
    body = {"inmate": weir, "basis": "SAW", "fact": "Quiet."}
    stopped, go_on = threading.Event(), threading.Event()

    def hold(_: Batch) -> None:
        stopped.set()
        go_on.wait(10)

    prison.service.desk.store.write(hold)  # nothing is written until we say so
    assert stopped.wait(5)
    with ThreadPoolExecutor(2) as pool:
        try:
            posts: list[Future[httpx.Response]] = [pool.submit(keyed, who, "k", body) for who in (hartmann, twin)]
            answered, waiting = wait(posts, 10, FIRST_COMPLETED)
            assert (len(answered), len(waiting)) == (1, 1)
            first = answered.pop().result()
            assert first.status_code == 409, first.text
            assert first.json()["type"] == "/problems/in-progress"
            assert "in a moment" in first.json()["detail"]
        finally:
            go_on.set()
        assert sorted(p.result(10).status_code for p in posts) == [201, 409]
    assert keyed(hartmann, "k", body).headers["idempotency-replayed"] == "true"
    assert len(hartmann.get("/v1/notes")["items"]) == 1


# --- Reading ---------------------------------------------------------------------------------------------------------


def test_a_note_has_a_tag_and_is_not_sent_twice(prison: Prison) -> None:
    hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
    path = f"/v1/notes/{hartmann.note(weir)['id']}"
    first = hartmann.http.get(path)
    tag = first.headers["etag"]
    for sent in (tag, f'"x", {tag}', f"W/{tag}", "*"):
        again = hartmann.http.get(path, headers={"If-None-Match": sent})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag), sent
    hartmann.post(f"{path}/retractions", {"reason": "NOT_TRUE"})
    changed = hartmann.http.get(path, headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag
    assert hartmann.http.head(path).content == b""


def test_an_unknown_note_is_a_404_that_says_nothing(prison: Prison) -> None:
    hartmann = prison.hire("hartmann", "officer", "A")
    told = hartmann.get("/v1/notes/019ab3f0-6a52-7c11-9f4e-2d1b8a3c5e77", 404)
    assert (told["type"], told["status"]) == ("/problems/not-found", 404)
    assert hartmann.get("/v1/notes/7", 404)["type"] == told["type"]


def test_a_list_is_narrowed_by_each_of_its_filters(prison: Prison) -> None:
    there = prison.service.prison()
    cole = prison.service.login(_of_both(prison, there))
    hartmann, brandt = prison.hire("hartmann", "officer", "A"), prison.hire("brandt", "officer", "B")
    weir, obi = prison.receive("A4417KD"), prison.receive("B1002", unit="B", name="Obi, T.")
    now = noon(prison)
    ids = {
        "a": hartmann.note(weir, occurred_at=z(now - timedelta(days=1)), fact="Straße gesperrt, 100% sicher_x"),
        "b": brandt.note(obi, attention="WATCH", indicators=[{"code": "FLAT"}], needs=[{"code": "FAITH"}]),
        "c": hartmann.note(unit="A", fact="ALARM on the yard", occurred_at=z(now - timedelta(hours=10))),
        "d": cole.note(establishment=there.code, unit="A", fact="The other prison"),
    }
    names = {note["id"]: name for name, note in ids.items()}
    prison.service.clock.frozen = now + timedelta(hours=3)
    names[hartmann.note(weir, fact="After lunch")["id"]] = "e"

    def found(**filters: str) -> str:
        return "".join(names[note["id"]] for note in cole.all("/v1/notes", **filters))

    assert found() == "edcba", "newest first"
    assert found(establishment=there.code) == "d"
    assert found(unit="B") == "b"
    assert found(establishment=prison.code, unit="A") == "eca"
    assert found(inmate=weir) == "ea"
    assert found(attention="WATCH") == "b"
    assert found(indicator="FLAT") == found(need="FAITH") == "b"
    assert found(author=brandt.name) == "b"
    assert found(occurred_from=z(now - timedelta(hours=10))) == "edcb", "from its very instant on"
    assert found(occurred_to=z(now - timedelta(hours=10))) == "a", "up to, but not with, its instant"
    assert found(recorded_from=z(now + timedelta(seconds=1))) == "e"
    assert found(recorded_from="2026-01-14T13:00:00 01:00") == "edcba", "a + that came as a space"
    assert found(q="alarm YARD") == "c"
    assert found(q="strasse") == "a", "letters are folded"
    assert found(q="100%") == found(q="sicher_x") == "a"
    assert found(q="0%s") == found(q="sicher-x") == "", "% and _ are themselves"
    assert found(shift="EARLY") == "dba"
    assert found(shift="2026-01-13/EARLY") == "a"
    assert found(shift="current", establishment=prison.code) == "e"
    assert found(shift="previous", establishment=prison.code) == "b"
    assert found(shift="2026-01-14/NIGHT") == ""
    assert found(unit="A", q="lunch", inmate=weir) == "e"


def _of_both(prison: Prison, there: Prison) -> str:
    """A supervisor of two prisons."""
    name = f"cole.{prison.code}.{there.code}".lower()
    places = [(prison.code, ""), (there.code, "")]
    service = prison.service
    service.do(
        lambda uow: accounts.add_user(
            uow, service.hasher, name, name="Cole", role="supervisor", places=places, password=PASSWORD
        )
    )
    return name


def test_a_filter_that_cannot_be_meant_is_refused_rather_than_finding_nothing(prison: Prison) -> None:
    hartmann = prison.hire("hartmann", "officer", "A")
    for params, pointer, words in (
        ({"attention": "ACTNOW"}, "/query/attention", "ACT_NOW"),
        ({"indicator": "FLATT"}, "/query/indicator", "FLAT"),
        ({"need": "PHONES"}, "/query/need", "PHONE"),
        ({"shift": "tonight"}, "/query/shift", "current"),
        ({"occurred_from": "yesterday"}, "/query/occurred_from", "RFC 3339"),
        ({"atention": "WATCH"}, "/query/atention", "spelling"),
        ({"limit": "0"}, "/query/limit", "1"),
        ({"limit": "201"}, "/query/limit", "200"),
        ({"limit": "many"}, "/query/limit", "integer"),
        ({"cursor": "bm90IG91cnM"}, "/query/cursor", "without one"),
        ({"q": " ".join("abcdefghijk")}, "/query/q", "10 words"),
        ({"q": "a\x00b"}, "/query/q", "control"),
    ):
        [error] = hartmann.get("/v1/notes", 422, **params)["errors"]
        assert error["pointer"] == pointer
        assert words in error["detail"], error
    assert len(hartmann.get("/v1/notes", limit=200)["items"]) == 0


def test_a_word_is_found_however_its_accents_are_written(prison: Prison) -> None:
    hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
    whole, apart = "\u00e9cole", "E\u0301cole"
    said = [hartmann.note(weir, fact=f"Asked about the {word}.") for word in (whole, apart)]
    assert said[1]["fact"] == f"Asked about the {apart}.", "it stays as it was written"
    for sought in (whole, apart, whole.upper(), apart.lower()):
        assert hartmann.get("/v1/notes", q=sought)["items"] == said[::-1], ascii(sought)
    assert hartmann.get("/v1/notes", q="ecole")["items"] == []


def test_paging_neither_skips_nor_repeats_while_others_write(prison: Prison) -> None:
    hartmann, brandt = prison.hire("hartmann", "officer", "A"), prison.hire("brandt", "officer", "B")
    cole, weir = prison.hire("cole", "supervisor"), prison.receive("A4417KD")
    noon(prison)  # all in one instant: only the id tells them apart
    there = [hartmann.note(weir, fact=f"Note {i}")["id"] for i in range(7)]
    seen: list[str] = []
    path = f"/v1/notes?limit=2&establishment={prison.code}"
    while path:
        answer = cole.http.get(path)
        page = answer.json()
        seen += [note["id"] for note in page["items"]]
        brandt.note(unit="B")
        if there[0] not in seen:
            hartmann.post(f"/v1/notes/{there[0]}/receipts", {"kind": "READ_BACK", "text": "Yes."})
        link = answer.links.get("next")
        assert (link is None) == (page["next"] is None)
        assert link is None or link["url"].endswith(f"cursor={page['next']}")
        path = link["url"] if link else ""
    assert seen == there[::-1]


def test_a_page_that_is_just_full_has_no_next(prison: Prison) -> None:
    hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
    hartmann.note(weir)
    hartmann.note(weir)
    answer = hartmann.http.get("/v1/notes", params={"limit": 2})
    assert (len(answer.json()["items"]), answer.json()["next"], "link" in answer.headers) == (2, None, False)


def test_a_cursor_is_only_good_for_its_own_list(prison: Prison) -> None:
    cole, weir = prison.hire("cole", "supervisor"), prison.receive("A4417KD")
    for code in ("FAITH", "PHONE", "FOOD"):
        cole.note(weir, needs=[{"code": code}])
    notes, needs = (cole.get(f"/v1/{kind}", limit=1)["next"] for kind in ("notes", "needs"))
    for path, cursor in (("/v1/notes", needs), ("/v1/needs", notes), ("/v1/inmates", notes)):
        assert cole.get(path, 422, cursor=cursor)["errors"][0]["pointer"] == "/query/cursor"


# --- Held against the schema -----------------------------------------------------------------------------------------


def test_everything_an_author_can_say_is_taken_out_of_a_retracted_note() -> None:
    kept = {"inmate", "establishment", "unit", "occurred_at", "captured_at", "attention_until", "handling"}
    said = {"incident" if name == "about_incident" else name for name in NoteDraft.model_fields}
    assert set(UNSAID) == said - kept | {"correction_reason", "renewals"}
