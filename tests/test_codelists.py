"""Code lists: the words of the house, served as data, added to and retired, never lost."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from handover.clock import now
from handover.domain.codelists import CodeList, Entry, shipped, translations, typed
from handover.services import opening
from tests.support.service import Caller, Prison, Service, settings_for

DOMAIN = {
    "basis": """SAW HEARD TOLD_BY_PERSON TOLD_BY_PRISONER TOLD_BY_STAFF TOLD_BY_FAMILY TOLD_BY_OUTSIDE FROM_RECORD
        INFERRED""",
    "mood_valence": "-2 -1 0 1 2",
    "mood_energy": "0 1 2 3 4",
    "mood_source": "OBSERVED SELF_REPORTED",
    "not_observed": "ASLEEP AWAY NOT_SEEN",
    "change": "MUCH_WORSE WORSE USUAL BETTER MUCH_BETTER DONT_KNOW_PERSON",
    "confidence": "LOW MEDIUM HIGH",
    "indicators": """LOW_MOOD TEARFUL HOPELESS_TALK FLAT ANXIOUS ELATED MOOD_SWING
        IRRITABLE SHOUTING PACING CONFUSED THREAT_VERBAL THREAT_PHYSICAL DAMAGE REFUSES_DIRECTION
        SAY_SELF_HARM SAY_HARM_OTHERS SAY_ESCAPE SAYS_GOODBYE
        WITHDRAWN NEW_GROUP AVOIDED_BY_OTHERS PRESSURE_ON_OTHERS UNDER_PRESSURE DEBT_SIGN CONFLICT
        NOT_EATING FOOD_REFUSAL NOT_SLEEPING POOR_HYGIENE UNEXPLAINED_INJURY UNWELL
        SUSPECTED_UNDER_INFLUENCE WITHDRAWAL_SIGNS MEDICATION_MISSED
        BAD_NEWS VISIT_MISSED NO_CONTACT ANNIVERSARY
        STOPPED_ACTIVITY NEW_EFFORT HELPED_OTHERS KEPT_AGREEMENT DIFFERS_BY_SETTING WORDS_AND_ACTIONS_DIFFER""",
    "trends": "NEW MORE LESS STOPPED",
    "needs": """MEDICATION HEALTHCARE MENTAL_HEALTH PAIN FOOD CELL PROPERTY CLOTHING PHONE VISIT MAIL MONEY LEGAL
        INTERPRETER FAITH BEREAVEMENT SAFETY DEBT_HELP WORK_EDUCATION FAMILY_WELFARE DISABILITY_AID KEY_WORKER COMPLAINT
        INFORMATION OTHER""",
    "urgency": "NOW THIS_SHIFT NEXT_SHIFT ROUTINE",
    "need_status": "OPEN DONE NOT_POSSIBLE PASSED_ON",
    "responses": """LISTENED PRIVATE_TALK TIME_OUT CHANGE_OF_FACE HUMOUR EXPLAINED_DECISION KEPT_PROMISE PEER_SUPPORT
        FAMILY_CALL CHAPLAIN HEALTH_CALLED MOVED SEPARATED WARNING REPORT ALARM FORCE""",
    "effects": "HELPED NO_CHANGE WORSE TOO_EARLY",
    "attention": "ROUTINE WATCH ACT_NOW",
    "place": """CELL LANDING SERVERY YARD WORK EDUCATION GYM HEALTHCARE FAITH VISITS RECEPTION ESCORT PHONE OTHER""",
    "handling": "UNIT ESTABLISHMENT HEALTH SECURITY COMPLAINT",
    "note_status": "ACTIVE CORRECTED RETRACTED RESTRICTED",
    "receipt_kind": "DELIVERED SEEN ACCEPTED QUERY READ_BACK",
    "retraction_reason": "WRONG_PERSON NOT_TRUE DUPLICATE OTHER",
    "handover_state": "DRAFT OFFERED OVERDUE ESCALATED ACCEPTED ACCEPTED_WITH_QUERIES WITHDRAWN",
    "roles": "officer supervisor governor health chaplain assessor auditor admin guest",
}


def test_every_code_of_the_domain_is_served_with_its_words(prison: Prison) -> None:
    hartmann = prison.hire("hartmann", "officer", "A")
    served = {one["name"]: one for one in hartmann.get("/v1/codelists")["items"]}
    assert {name: {item["code"] for item in one["items"]} for name, one in served.items()} == {
        name: set(codes.split()) for name, codes in DOMAIN.items()
    }
    for name, one in served.items():
        assert hartmann.get(f"/v1/codelists/{name}") == one
        assert one["title"]
        for item in one["items"]:
            where = f"{name} {item['code']}"
            assert item["label"], where
            assert len(item["anchor"].split()) >= 3, f"{where}: a behaviour, not a synonym"
            assert item["words"], f"{where}: what an officer would type"
            assert item["active"], where
            assert 1 <= item["version"] <= one["version"], where
        words = [word for item in one["items"] for word in item["words"]]
        assert len(words) == len(set(words)), f"{name}: a word means one code"
    assert [item["code"] for item in served["urgency"]["items"]] == DOMAIN["urgency"].split(), "in the order of use"
    forcing = [i["code"] for one in served.values() for i in one["items"] if i["forces"]]
    assert forcing == ["SAY_SELF_HARM"]


def test_a_list_that_has_not_changed_is_not_sent_again(prison: Prison) -> None:
    guest = prison.hire("agency", "guest")
    for path in ("/v1/codelists", "/v1/codelists/needs"):
        first = guest.http.get(path)
        again = guest.http.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
    assert guest.http.get("/v1/codelists/basis").headers["etag"] != first.headers["etag"]
    guest.get("/v1/codelists/nothing", 404)
    guest.get("/v1/codelists/..%2Fneeds", 404)


@pytest.mark.parametrize("language", ["cy", "de", "es", "fr", "nl"])
def test_every_code_is_called_something_in_every_language(prison: Prison, language: str) -> None:
    hartmann = prison.hire("hartmann", "officer", "A")
    english = {one["name"]: one for one in hartmann.get("/v1/codelists")["items"]}
    answer = hartmann.http.get("/v1/codelists", headers={"Accept-Language": f"{language}, en;q=0.5"})
    assert answer.headers["content-language"] == language
    assert answer.headers["vary"] == "Accept-Language, Accept-Encoding"
    for one in answer.json()["items"]:
        was, translation = english[one["name"]], translations()[language][one["name"]]
        for part in ("code", "version", "active", "forces"):
            assert [item[part] for item in one["items"]] == [item[part] for item in was["items"]], "data stays as it is"
        assert set(translation["codes"]) == {item["code"] for item in was["items"]}
        assert set(translation.get("groups", {})) == {item["group"] for item in was["items"] if item["group"]}
        for item, old in zip(one["items"], was["items"], strict=True):
            assert (item["label"], item["anchor"]) != (old["label"], old["anchor"])
            assert item["anchor"] != old["anchor"]
            assert item["group"] is None or item["group"] == translation["groups"][old["group"]]
            assert len(item["anchor"].split()) >= 3
        meant: dict[str, str] = {}
        for item in one["items"]:
            for word in (item["label"], *item["words"]):
                assert meant.setdefault(typed(word), item["code"]) == item["code"], f"{word}: a word means one code"


def test_a_list_is_told_in_the_language_that_is_asked_for_and_kept_apart_from_the_others(prison: Prison) -> None:
    hartmann = prison.hire("hartmann", "officer", "A")
    path = "/v1/codelists/needs"
    plain, german = hartmann.http.get(path), hartmann.http.get(path, headers={"Accept-Language": "de-CH"})
    assert (plain.json()["title"], plain.headers["content-language"]) == ("What is needed", "en")
    assert (german.json()["title"], german.headers["content-language"]) == ("Was gebraucht wird", "de")
    [phone] = [item for item in german.json()["items"] if item["code"] == "PHONE"]
    assert phone["label"] == "Telefon"
    assert {"anruf", "phone call"} <= set(phone["words"]), "whoever types English is understood, too"
    tag = {"If-None-Match": plain.headers["etag"]}
    assert hartmann.http.get(path, headers=tag).status_code == 304
    assert hartmann.http.get(path, headers={**tag, "Accept-Language": "de"}).status_code == 200
    same = hartmann.http.get(path, headers={"If-None-Match": german.headers["etag"], "Accept-Language": "de"})
    assert (same.status_code, same.headers["content-language"], same.headers["vary"]) == (304, "de", "Accept-Language")
    for accept, language in (("pl, *;q=0.1", "en"), ("de;q=0, fr; q=0.4", "fr"), ("cy;q=0.8, en", "en")):
        assert hartmann.http.get(path, headers={"Accept-Language": accept}).headers["content-language"] == language


def newer(lists: tuple[CodeList, ...]) -> tuple[CodeList, ...]:
    """The next release: Flat is retired, Homesick is new, Pacing has another anchor."""
    [old] = [one for one in lists if one.name == "indicators"]
    entries = [
        replace(e, anchor="Up and down the cell for minutes on end.", version=2) if e.code == "PACING" else e
        for e in old.entries
        if e.code != "FLAT"
    ]
    new = Entry("HOMESICK", "Homesick", "Speaks of home and little else.", "Mood", ("homesick",), version=2)
    changed = replace(old, version=2, entries=(new, *entries))
    return tuple(changed if one.name == "indicators" else one for one in lists)


@contextmanager
def release(url: str, lists: tuple[CodeList, ...], monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """The service of a release that comes with these lists."""
    monkeypatch.setattr(opening, "shipped", lambda: lists)
    running = Service(settings_for(url))
    try:
        yield running
    finally:
        running.stop()


def test_a_newer_list_comes_in_and_what_it_leaves_out_is_retired_not_lost(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with release(url, shipped(), monkeypatch) as service:
        prison = service.prison()
        hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
        note = hartmann.note(weir, indicators=[{"code": "FLAT"}])
        tag = hartmann.http.get("/v1/codelists/indicators").headers["etag"]
        needs = hartmann.http.get("/v1/codelists/needs").headers["etag"]
    with release(url, newer(shipped()), monkeypatch) as service:
        hartmann = service.login(hartmann.name)
        answer = hartmann.http.get("/v1/codelists/indicators", headers={"If-None-Match": tag})
        assert (answer.status_code, answer.json()["version"]) == (200, 2)
        items = {item["code"]: item for item in answer.json()["items"]}
        german = hartmann.http.get("/v1/codelists/indicators", headers={"Accept-Language": "de"}).json()["items"]
        told = {item["code"]: item["label"] for item in german}
        assert (told["HOMESICK"], told["FLAT"]) == ("Homesick", "ohne Regung"), "what has no translation says its own"
        assert next(iter(items)) == "HOMESICK"
        assert (items["FLAT"]["active"], items["FLAT"]["label"], items["FLAT"]["version"]) == (False, "Flat", 2)
        assert items["PACING"]["anchor"].startswith("Up and down")
        assert (items["TEARFUL"]["active"], items["TEARFUL"]["version"]) == (True, 1)
        assert hartmann.http.get("/v1/codelists/needs", headers={"If-None-Match": needs}).status_code == 304
        assert hartmann.get(f"/v1/notes/{note['id']}")["indicators"] == [{"code": "FLAT", "trend": None}]
        assert hartmann.get("/v1/notes", indicator="FLAT")["items"] == [note], "what was written stays to be found"
        body = {"inmate": weir, "basis": "SAW", "indicators": [{"code": "FLAT"}]}
        [error] = hartmann.post("/v1/notes", body, 422)["errors"]
        assert (error["pointer"], "no longer used" in error["detail"]) == ("/indicators/0/code", True)
        [error] = hartmann.post("/v1/notes", {**body, "indicators": [{"code": "FLATT"}]}, 422)["errors"]
        assert "FLAT?" not in error["detail"], "nobody is sent to a retired code"
        hartmann.note(weir, indicators=[{"code": "HOMESICK"}])
    older = _opened(url, shipped(), monkeypatch)
    assert (older.version, len(older.entries)) == (2, len(items)), "an older release leaves a newer list alone"
    third = {entry.code: entry for entry in _opened(url, _third(shipped()), monkeypatch).entries}
    assert (third["FLAT"].active, third["FLAT"].version) == (True, 3), "what was retired can come back"
    assert (third["HOMESICK"].active, third["HOMESICK"].version) == (False, 3)


def _opened(url: str, lists: tuple[CodeList, ...], monkeypatch: pytest.MonkeyPatch) -> CodeList:
    """The indicators as a process of that release has them."""
    monkeypatch.setattr(opening, "shipped", lambda: lists)
    desk = opening.open_desk(settings_for(url), now)
    desk.store.close()
    return next(one for one in desk.code_lists if one.name == "indicators")


def _third(lists: tuple[CodeList, ...]) -> tuple[CodeList, ...]:
    """A release that has thought better of it: the first list again, as version 3."""
    return tuple(
        replace(
            one,
            version=3,
            entries=tuple(replace(e, version=3) if e.code == "FLAT" else e for e in one.entries),
        )
        if one.name == "indicators"
        else one
        for one in lists
    )


def test_the_lists_come_packed_to_whoever_can_unpack_them(hartmann: Caller) -> None:
    plain = hartmann.http.get("/v1/codelists", headers={"Accept-Encoding": "identity"})
    packed = hartmann.http.get("/v1/codelists", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) * 3 < int(plain.headers["content-length"])
    assert packed.json() == plain.json()
    for nothing_packed in ("gzip;q=0", "gzip;q=0.2, identity;q=0.8", "br"):
        told = hartmann.http.get("/v1/codelists", headers={"Accept-Encoding": nothing_packed})
        assert "content-encoding" not in told.headers, nothing_packed
    assert packed.headers["etag"] != plain.headers["etag"], "they are not the same byte for byte"
    for one in (plain, packed):
        tag = {"If-None-Match": one.headers["etag"], "Accept-Encoding": one.request.headers["accept-encoding"]}
        assert hartmann.http.get("/v1/codelists", headers=tag).status_code == 304
    # What people wrote is never packed: how long it gets would tell something of what is in it.
    assert "content-encoding" not in hartmann.http.get("/v1/notes", headers={"Accept-Encoding": "gzip"}).headers
