"""Who is where: establishments, units, people; their moves, and two numbers that turn out to be one person."""

from typing import Any

import httpx

from handover.services import accounts
from tests.support.service import PASSWORD, Caller, Prison

CELL = {"name": "Weir, J.", "unit": "A", "cell": "A1-07"}


def person(prison: Prison, **fields: Any) -> dict[str, Any]:
    return {**CELL, "establishment": prison.code, **fields}


def put(who: Caller, path: str, body: dict[str, Any], tag: str | None = None) -> httpx.Response:
    return who.http.put(path, json=body, headers={} if tag is None else {"If-Match": tag})


def hire_for_both(prison: Prison, there: Prison, name: str, role: str) -> Caller:
    """Somebody who belongs to two prisons."""
    username, service = f"{name}.{prison.code}.{there.code}".lower(), prison.service
    places = [(prison.code, ""), (there.code, "")]
    service.do(
        lambda uow: accounts.add_user(
            uow, service.hasher, username, name=name.title(), role=role, places=places, password=PASSWORD
        )
    )
    return service.login(username)


# --- Establishments and units ----------------------------------------------------------------------------------------


def test_an_establishment_is_set_up_with_its_units_and_changed(prison: Prison) -> None:
    code = f"{prison.code}-N"
    registry = prison.connect("registry", "roster:read", "roster:write", establishments=[code])
    path = f"/v1/establishments/{code}"
    registry.get(path, 404)
    first = put(registry, path, {"name": "HMP New", "timezone": "Asia/Kathmandu"})
    assert (first.status_code, first.headers["location"]) == (201, path)
    assert [(s["code"], s["starts"]) for s in first.json()["shifts"]] == [
        ("EARLY", "07:30"),
        ("LATE", "13:30"),
        ("NIGHT", "21:00"),
    ]
    unit = put(registry, f"{path}/units/A", {"name": "A wing"})
    assert (unit.status_code, unit.json()) == (201, {"establishment": code, "code": "A", "name": "A wing"})
    shifts = [{"code": "DAY", "starts": "06:00"}, {"code": "NIGHT", "starts": "18:00"}]
    registry.put(path, {"name": "HMP New", "timezone": "Asia/Kathmandu", "shifts": shifts}, 200)
    renamed = registry.put(path, {"name": "HMP Newer", "timezone": "Asia/Kathmandu"}, 200)
    assert renamed == {
        "code": code,
        "name": "HMP Newer",
        "timezone": "Asia/Kathmandu",
        "shifts": shifts,  # a new name is no reason to lose them
        "times": {"accept": 15, "escalate": 15, "page": 3, "transfer": 240},
        "screens": {"lock": None, "pin": False, "pin_hours": 10},
        "units": [unit.json()],
    }
    assert registry.get("/v1/establishments")["items"] == [renamed]
    assert registry.get(path) == renamed


def test_the_tag_of_an_establishment_covers_its_units_and_guards_a_change(prison: Prison) -> None:
    path = f"/v1/establishments/{prison.code}"
    body = {"name": "HMP Other", "timezone": "Europe/London"}
    first = prison.admin.http.get(path).headers["etag"]
    put(prison.admin, f"{path}/units/A", {"name": "Ash wing"})
    assert put(prison.admin, path, body, first).status_code == 412
    second = prison.admin.http.get(path, headers={"If-None-Match": first})
    assert (second.status_code, second.json()["units"][0]["name"]) == (200, "Ash wing")
    changed = put(prison.admin, path, body, second.headers["etag"])
    assert changed.status_code == 200
    assert prison.admin.http.get(path, headers={"If-None-Match": changed.headers["etag"]}).status_code == 304
    unit = put(prison.admin, f"{path}/units/A", {"name": "Ash wing"})
    assert put(prison.admin, f"{path}/units/A", {"name": "Alder wing"}, unit.headers["etag"]).status_code == 200
    assert put(prison.admin, f"{path}/units/A", {"name": "Elm wing"}, unit.headers["etag"]).status_code == 412


def test_an_establishment_that_cannot_be_lived_by_is_refused(prison: Prison) -> None:
    day = {"code": "DAY", "starts": "07:30"}
    wrongs: list[tuple[dict[str, Any], str, str]] = [
        ({"timezone": "Europe/Londres"}, "/timezone", "IANA"),
        ({"timezone": "../../etc/passwd"}, "/timezone", "IANA"),
        ({"name": " "}, "/name", ""),
        ({"name": "HMP\nTwo Lines"}, "/name", "one line"),
        ({"shifts": []}, "/shifts", "1"),
        ({"shifts": [{**day, "starts": "7:30"}]}, "/shifts/0/starts", "07:30"),
        ({"shifts": [{**day, "starts": "24:00"}]}, "/shifts/0/starts", "23:59"),
        ({"shifts": [{**day, "code": "day"}]}, "/shifts/0/code", "DAY"),
        ({"shifts": [day, {**day, "starts": "19:30"}]}, "/shifts/1/code", "another"),
        ({"shifts": [day, {**day, "code": "NIGHT"}]}, "/shifts/1/starts", "taken"),
        ({"shift": []}, "/shift", "spelling"),
    ]
    path = f"/v1/establishments/{prison.code}"
    before = prison.admin.get(path)
    for wrong, pointer, words in wrongs:
        answer = put(prison.admin, path, {"name": "HMP X", "timezone": "Europe/London", **wrong})
        [error] = answer.json()["errors"]
        assert (answer.status_code, error["pointer"]) == (422, pointer), wrong
        assert words in error["detail"], (wrong, error)
    assert prison.admin.get(path) == before


def test_the_roster_is_kept_by_those_who_may(prison: Prison) -> None:
    there = prison.service.prison()
    hartmann, cole = prison.hire("hartmann", "officer", "A"), prison.hire("cole", "supervisor")
    guest = prison.hire("agency", "guest")
    reader = prison.connect("reader", "roster:read")
    weir = prison.receive("A4417KD")
    for who in (hartmann, cole, guest, reader):
        for path, body in (
            (f"/v1/establishments/{prison.code}", {"name": "X", "timezone": "UTC"}),
            (f"/v1/establishments/{prison.code}/units/C", {"name": "C"}),
            (f"/v1/inmates/{weir}", person(prison)),
        ):
            assert put(who, path, body).status_code == 403, (who.name, path)
        who.post(f"/v1/inmates/{weir}/merges", {"from": "X1"}, 403)
    for who in (hartmann, guest, reader):
        who.post(f"/v1/inmates/{weir}/moves", {"establishment": prison.code, "unit": "B", "reason": "x"}, 403)
    guest.get(f"/v1/inmates/{weir}", 403)
    reader.get(f"/v1/inmates/{weir}")
    for path in ("", "/units/A"):
        body = {"name": "X", "timezone": "UTC"} if not path else {"name": "X"}
        assert put(prison.admin, f"/v1/establishments/{there.code}{path}", body).status_code == 404
    hartmann.get(f"/v1/establishments/{there.code}", 404)


# --- People ----------------------------------------------------------------------------------------------------------


def test_a_person_is_put_on_the_roster_and_changed(prison: Prison) -> None:
    ngata = prison.hire("ngata", "officer", "B")
    number = f"A4417KD{prison.code}"
    path = f"/v1/inmates/{number}"
    first = put(prison.admin, path, person(prison, language="ro"))
    assert (first.status_code, first.headers["location"], first.headers["etag"]) == (201, path, '"1"')
    told = first.json()
    assert told == {
        **person(prison, language="ro"),
        "number": number,
        "previous_numbers": [],
        "version": 1,
        "updated_at": told["updated_at"],
    }
    cell = put(prison.admin, path, person(prison, cell="A2-11"), first.headers["etag"])
    assert (cell.status_code, cell.headers["etag"]) == (200, '"2"')
    assert cell.json()["language"] is None, "a PUT says all there is"
    assert put(prison.admin, path, person(prison), first.headers["etag"]).status_code == 412
    again = put(prison.admin, path, person(prison, cell="A2-11"))
    assert again.json() == cell.json()
    assert prison.admin.http.get(path, headers={"If-None-Match": '"2"'}).status_code == 304
    events = ngata.pull()[0]
    assert [(e["type"], e["subject"], e["data"]) for e in events] == [
        ("inmate.updated", number, told),
        ("inmate.updated", number, cell.json()),
    ], "a roster that is sent whole every night says only what is new"
    moved = put(prison.admin, path, person(prison, unit="B", cell="B1-01")).json()
    [event] = ngata.pull(type="inmate.moved")[0]
    assert {name: event["data"][name] for name in moved} == moved, "another unit is a move, whichever way it is told"


def test_a_language_is_a_bcp_47_tag(prison: Prison) -> None:
    for tag in ("ro", "sr-Latn", "zh-Hans-CN", "es-419", "de-CH-1996", "ar-u-nu-latn", "ABC"):
        answer = put(prison.admin, f"/v1/inmates/L{prison.code}", person(prison, language=tag))
        assert answer.json()["language"] == tag


def test_an_entry_that_cannot_be_right_is_refused(prison: Prison) -> None:
    path = f"/v1/inmates/P{prison.code}"
    wrongs: list[tuple[dict[str, Any], str, str]] = [
        ({"language": "Romanian!"}, "/language", "BCP 47"),
        ({"language": "r"}, "/language", "BCP 47"),
        ({"language": "ro_RO"}, "/language", "BCP 47"),
        ({"unit": "Z"}, "/unit", "no unit Z"),
        ({"establishment": "ZZZ"}, "/establishment", "one of your"),
        ({"name": ""}, "/name", ""),
        ({"name": "x" * 121}, "/name", "120 characters"),
        ({"cell": "x" * 21}, "/cell", "20 characters"),
        ({"cell": "A1\t07"}, "/cell", "one line"),
        ({"unit": "A wing"}, "/unit", "letters, digits"),
        ({"number": "A1"}, "/number", "spelling"),
    ]
    for wrong, pointer, words in wrongs:
        answer = put(prison.admin, path, person(prison, **wrong))
        [error] = answer.json()["errors"]
        assert (answer.status_code, error["pointer"]) == (422, pointer), wrong
        assert words in error["detail"], (wrong, error)
    prison.admin.get(path, 404)


def test_people_are_found_by_a_few_letters(prison: Prison) -> None:
    ngata = prison.hire("ngata", "officer", "B")
    weir = prison.receive("A4417KD", cell="A1-07")
    obi = prison.receive("B1002", unit="B", name="Ọbi, Tọ́lá", cell="B3-01")
    ash = prison.receive("C7", name="Ash_worth, P.", cell="A1-17")

    def found(**params: str) -> list[str]:
        return [one["number"] for one in ngata.all("/v1/inmates", **params)]

    assert found() == found(establishment=prison.code) == found(limit="1") == [weir, obi, ash], "by number"
    assert found(unit="A") == [weir, ash]
    assert found(q="weir") == found(q="4417k") == found(q="a1-07 WEIR") == [weir]
    assert found(q="ọbi") == found(q="o\u0323BI") == [obi], "however its dot is written"
    assert found(q="h_w") == [ash]
    assert found(q="i_") == found(q="nobody") == found(establishment="ZZZ") == []


def test_a_person_of_another_prison_does_not_exist_here(prison: Prison) -> None:
    there = prison.service.prison()
    strange = there.receive("X900")
    ngata = prison.hire("ngata", "officer", "A")
    ngata.get(f"/v1/inmates/{strange}", 404)
    assert ngata.get("/v1/inmates", q="X900")["items"] == []
    nobody = put(prison.admin, f"/v1/inmates/{strange}", person(prison))
    assert nobody.status_code == 404
    assert there.code not in nobody.text
    prison.admin.post(f"/v1/inmates/{strange}/moves", {"establishment": prison.code, "unit": "A", "reason": "x"}, 404)
    weir = prison.receive("A4417KD")
    one = prison.admin.post(f"/v1/inmates/{weir}/merges", {"from": strange}, 422)
    other = prison.admin.post(f"/v1/inmates/{weir}/merges", {"from": "NOBODY"}, 422)
    assert one["errors"][0]["detail"].replace(strange, "N") == other["errors"][0]["detail"].replace("NOBODY", "N")


# --- Moves -----------------------------------------------------------------------------------------------------------


def test_a_move_within_the_prison_is_told_to_both_wings_and_open_needs_go_along(prison: Prison) -> None:
    hartmann, brandt = prison.hire("hartmann", "officer", "A"), prison.hire("brandt", "officer", "B")
    cole, weir = prison.hire("cole", "supervisor"), prison.receive("A4417KD")
    needs = hartmann.note(weir, needs=[{"code": "PHONE", "promised": True}, {"code": "FAITH"}])["needs"]
    done = {"status": "DONE", "outcome": "Seen the imam."}
    hartmann.http.patch(f"/v1/needs/{needs[1]['id']}", json=done, headers={"If-Match": "*"})
    _, a_here = hartmann.pull()
    _, b_here = brandt.pull()
    move = {"establishment": prison.code, "unit": "B", "cell": "B2-03", "reason": "Works in the kitchen from Monday"}
    answer = cole.http.post(f"/v1/inmates/{weir}/moves", json=move)
    assert (answer.status_code, answer.headers["location"]) == (201, f"/v1/inmates/{weir}")
    made = answer.json()
    assert made["from"] == {"establishment": prison.code, "unit": "A", "cell": "A1-07"}
    assert made["to"] == {"establishment": prison.code, "unit": "B", "cell": "B2-03"}
    assert (made["inmate"], made["reason"], made["by"]["name"]) == (weir, move["reason"], "Cole")
    now = brandt.get(f"/v1/inmates/{weir}")
    assert (now["unit"], now["cell"], now["version"]) == ("B", "B2-03", 2)
    moved, gone, kept, offered = hartmann.pull(a_here, unit="A")[0]
    assert (moved["type"], moved["data"]) == ("inmate.moved", {**now, "move": made})
    assert (gone["type"], gone["data"]) == ("need.updated", {"id": needs[0]["id"], "status": "OPEN"})
    assert (kept["data"]["id"], kept["data"]["from_unit"]) == (needs[0]["id"], "A"), "until somebody has accepted"
    told, arrived, waiting = brandt.pull(b_here, unit="B")[0]
    assert told["data"] == moved["data"]
    assert waiting == offered, "the wing that is left and the one that takes over hear of one and the same transfer"
    transfer = waiting["data"]
    assert (waiting["type"], waiting["subject"]) == ("handover.offered", weir)
    assert (transfer["kind"], transfer["state"], transfer["unit"]) == ("TRANSFER", "OFFERED", "B")
    way = {name: made[name] for name in ("from", "to", "by")}
    assert transfer["transfer"] == {"inmate": weir, "name": "Weir, J.", **way, "merged": False}
    assert [item["need"] for item in transfer["items"] if item["need"]] == [needs[0]["id"]]
    assert (arrived["data"]["id"], arrived["data"]["unit"]) == (needs[0]["id"], "B")
    assert [need["id"] for need in brandt.get("/v1/needs")["items"]] == [needs[0]["id"]]
    assert hartmann.get(f"/v1/needs/{needs[1]['id']}")["unit"] == "A", "what is closed stays where it was closed"
    brandt.get(f"/v1/notes/{arrived['data']['note']}", 404)


def test_a_move_to_another_prison_is_made_by_the_sender_and_takes_the_needs_there(prison: Prison) -> None:
    there = prison.service.prison()
    hartmann, cole = prison.hire("hartmann", "officer", "A"), prison.hire("cole", "supervisor")
    brandt, stone = there.hire("brandt", "officer", "B"), there.hire("stone", "supervisor")
    weir = prison.receive("A4417KD")
    [need] = hartmann.note(weir, needs=[{"code": "PHONE", "promised": True}])["needs"]
    _, here = hartmann.pull()
    move = {"establishment": there.code, "unit": "B", "reason": "Closer to his family", "at": "2026-01-14T09:00:00Z"}
    path = f"/v1/inmates/{weir}"
    stone.post(f"{path}/moves", move, 404)
    told = cole.post(f"{path}/moves", {**move, "unit": "Z"}, 422)
    assert told["errors"][0]["pointer"] == "/unit"
    told = cole.post(f"{path}/moves", {**move, "establishment": "ZZ9"}, 422)
    assert told["errors"] == [{"pointer": "/establishment", "detail": "there is no establishment ZZ9"}]
    told = cole.post(f"{path}/moves", {**move, "at": "2036-01-14T09:00:00Z"}, 422)
    assert "future" in told["errors"][0]["detail"]
    made = cole.post(f"{path}/moves", move)
    assert made["at"] == move["at"]
    cole.get(path, 404)
    cole.post(f"{path}/moves", move, 404)
    assert cole.get("/v1/inmates")["items"] == []
    now = brandt.get(path)
    assert (now["establishment"], now["unit"], now["cell"]) == (there.code, "B", None)
    left, gone, sent = hartmann.pull(here)[0]
    assert (left["type"], left["subject"], left["data"]) == ("inmate.moved", weir, {"id": weir, "status": "LEFT"})
    assert gone["data"] == {"id": need["id"], "status": "OPEN"}
    came, opened, offered = brandt.pull()[0]
    assert (sent["type"], sent["source"]) == ("handover.offered", f"/v1/establishments/{prison.code}")
    assert (offered["type"], offered["source"]) == ("handover.offered", f"/v1/establishments/{there.code}")
    assert sent["data"] == offered["data"]
    way = {name: made[name] for name in ("from", "to", "by")}
    assert offered["data"]["transfer"] == {"inmate": weir, "name": "Weir, J.", **way, "merged": False}
    assert (came["type"], came["data"]["move"]) == ("inmate.moved", made)
    assert (opened["type"], opened["data"]["establishment"]) == ("need.updated", there.code)
    assert brandt.get("/v1/needs", establishment=there.code, inmate=weir)["items"] == [opened["data"]]
    assert hartmann.get("/v1/needs", establishment=prison.code)["items"] == []
    back = {"establishment": prison.code, "unit": "A", "cell": "A1-07", "reason": "Court is over"}
    stone.post(f"{path}/moves", back)
    assert hartmann.get(path)["unit"] == "A"
    assert [n["id"] for n in hartmann.get("/v1/needs")["items"]] == [need["id"]]


def test_a_move_is_made_once_however_often_it_is_sent(prison: Prison) -> None:
    cole, weir = prison.hire("cole", "supervisor"), prison.receive("A4417KD")
    move = {"establishment": prison.code, "unit": "B", "reason": "Work"}
    answers = [
        cole.http.post(f"/v1/inmates/{weir}/moves", json=move, headers={"Idempotency-Key": "m"}) for _ in range(2)
    ]
    assert answers[0].text == answers[1].text
    assert len(cole.pull(type="inmate.moved")[0]) == 1


# --- Merges ----------------------------------------------------------------------------------------------------------


def test_two_numbers_of_one_person_become_one_timeline(prison: Prison) -> None:
    hartmann, brandt = prison.hire("hartmann", "officer", "A"), prison.hire("brandt", "officer", "B")
    cole, obi = prison.hire("cole", "supervisor"), prison.receive("B1002", unit="B", name="Obi, T.")
    weir, twin = prison.receive("A4417KD"), prison.receive("Z0001", unit="B", name="Wier, J.", cell="B1-01")
    mine = hartmann.note(weir, fact="Quiet.")
    first, second = brandt.note(twin, fact="Loud.", needs=[{"code": "PHONE"}]), brandt.note(twin, fact="Louder.")
    other = brandt.note(obi)
    secret = cole.note(twin, handling="SECURITY", unit="B")
    _, here = brandt.pull()
    made = prison.admin.post(f"/v1/inmates/{weir}/merges", {"from": twin})
    assert (made["number"], made["previous"]) == (weir, twin)
    assert (made["notes"], made["needs"]) == (0, 0), "how much there is that the admin may not read is not told either"
    assert [n["id"] for n in cole.all("/v1/notes", inmate=weir)] == [n["id"] for n in (secret, second, first, mine)]
    assert cole.all("/v1/notes", inmate=twin) == cole.all("/v1/notes", inmate=weir), "the old number still finds it all"
    assert brandt.get(f"/v1/notes/{first['id']}") == {**first, "inmate": weir, "previous_inmate": twin}
    assert brandt.get(f"/v1/notes/{other['id']}") == other
    events = brandt.pull(here)[0]
    merged = [e for e in events if e["type"] == "inmate.merged"]
    assert [(e["subject"], e["data"]) for e in merged[:2]] == [
        (weir, {"number": weir, "previous": twin, "note": first["id"]}),
        (weir, {"number": weir, "previous": twin, "note": second["id"]}),
    ], "one event for each note that moved and that this reader may see"
    person_now = brandt.get(f"/v1/inmates/{weir}")
    assert [e["data"] for e in merged[2:]] == [{"number": weir, "previous": twin, "inmate": person_now}]
    assert (person_now["previous_numbers"], person_now["version"]) == ([twin], 2)
    assert brandt.http.get(f"/v1/inmates/{weir}", headers={"If-None-Match": '"1"'}).status_code == 200
    assert [one["number"] for one in brandt.all("/v1/inmates", q="z0001")] == [weir], "found by the number it had"
    assert [one["number"] for one in brandt.all("/v1/inmates")] == [weir, obi]
    [need] = hartmann.all("/v1/needs", inmate=twin)
    assert (need["inmate"], need["unit"]) == (weir, "A"), "the need is where the person is"
    assert hartmann.note(twin, fact="Under the old number.")["inmate"] == weir
    assert cole.post(f"/v1/notes/{mine['id']}/retractions", {"reason": "OTHER"})["inmate"] == weir


def test_the_old_number_leads_to_the_new_one_with_query_and_method(prison: Prison) -> None:
    cole, weir = prison.hire("cole", "supervisor"), prison.receive("A4417KD")
    twin = prison.receive("Z0001")
    prison.admin.post(f"/v1/inmates/{weir}/merges", {"from": twin})
    answer = cole.http.get(f"/v1/inmates/{twin}")
    assert (answer.status_code, answer.headers["location"]) == (308, f"/v1/inmates/{weir}")
    move = {"establishment": prison.code, "unit": "B", "reason": "Work"}
    answer = cole.http.post(f"/v1/inmates/{twin}/moves", json=move)
    assert (answer.status_code, answer.headers["location"]) == (308, f"/v1/inmates/{weir}/moves")
    followed = cole.http.post(f"/v1/inmates/{twin}/moves", json=move, follow_redirects=True)
    assert (followed.status_code, followed.json()["inmate"]) == (201, weir)
    written = prison.admin.http.put(f"/v1/inmates/{twin}", json=person(prison, unit="B"), follow_redirects=True)
    assert (written.status_code, written.json()["number"]) == (200, weir)
    assert prison.admin.http.post(f"/v1/inmates/{twin}/merges", json={"from": weir}).status_code == 308
    assert cole.http.head(f"/v1/inmates/{twin}").status_code == 308
    prison.service.prison().hire("stone", "supervisor").get(f"/v1/inmates/{twin}", 404)


def test_the_old_number_leads_on_whatever_it_is_and_no_cache_keeps_that(prison: Prison) -> None:
    weir = prison.receive("A4417KD")
    for twin in ("1", "v1", "inmates", "es", "moves"):
        prison.admin.put(f"/v1/inmates/{twin}", person(prison))
        prison.admin.post(f"/v1/inmates/{weir}/merges", {"from": twin})
        answer = prison.admin.http.get(f"/v1/inmates/{twin}")
        assert (answer.status_code, answer.headers["location"]) == (308, f"/v1/inmates/{weir}")
        assert answer.headers["cache-control"] == "no-store", "the merge may be undone"
        move = {"establishment": prison.code, "unit": "B", "reason": "Work"}
        answer = prison.admin.http.post(f"/v1/inmates/%{ord(twin[0]):02X}{twin[1:]}/moves", json=move)
        assert (answer.status_code, answer.headers["location"]) == (308, f"/v1/inmates/{weir}/moves")


def test_merges_of_merges_all_lead_to_the_last(prison: Prison) -> None:
    hartmann = prison.hire("hartmann", "officer", "A")
    a, b, c = prison.receive("A1"), prison.receive("B1"), prison.receive("C1")
    note = hartmann.note(a)
    prison.admin.post(f"/v1/inmates/{b}/merges", {"from": a})
    prison.admin.post(f"/v1/inmates/{c}/merges", {"from": b})
    for number in (a, b):
        assert hartmann.http.get(f"/v1/inmates/{number}").headers["location"] == f"/v1/inmates/{c}"
        assert [n["id"] for n in hartmann.all("/v1/notes", inmate=number)] == [note["id"]]
    assert hartmann.get(f"/v1/inmates/{c}")["previous_numbers"] == [a, b]
    told = hartmann.get(f"/v1/notes/{note['id']}")
    assert (told["inmate"], told["previous_inmate"]) == (c, b)
    assert c in prison.admin.post(f"/v1/inmates/{c}/merges", {"from": a}, 409)["detail"]
    again = prison.admin.post(f"/v1/inmates/{c}/merges", {"from": c}, 422)
    assert again["errors"][0]["pointer"] == "/from"


def test_a_merge_over_two_prisons_tells_each_what_it_needs(prison: Prison) -> None:
    there = prison.service.prison()
    hartmann, brandt = prison.hire("hartmann", "officer", "A"), there.hire("brandt", "officer", "B")
    weir, twin = prison.receive("A4417KD"), there.receive("Z0001", unit="B")
    note = brandt.note(twin, needs=[{"code": "PHONE"}])
    clerk = hire_for_both(prison, there, "clerk", "admin")
    _, here = hartmann.pull()
    _, over_there = brandt.pull()
    clerk.post(f"/v1/inmates/{weir}/merges", {"from": twin})
    arrived, offered, came = hartmann.pull(here)[0]
    assert came["data"]["inmate"] == hartmann.get(f"/v1/inmates/{weir}")
    assert arrived["data"]["id"] == note["needs"][0]["id"]
    heard = brandt.pull(over_there)[0]
    told = ["inmate.merged", "need.updated", "need.updated", "handover.offered", "inmate.merged"]
    assert [e["type"] for e in heard] == told
    assert heard[2]["data"] == {"id": note["needs"][0]["id"], "status": "OPEN"}
    assert heard[3]["data"] == offered["data"], "what was open there is handed over"
    assert (offered["data"]["transfer"]["merged"], offered["data"]["transfer"]["to"]["unit"]) == (True, "A")
    assert heard[4]["data"] == {"number": weir, "previous": twin}
    brandt.get(f"/v1/inmates/{twin}", 404)
    brandt.get(f"/v1/inmates/{twin}/worked", 404)
    brandt.get(f"/v1/inmates/{weir}", 404)
    assert [n["id"] for n in brandt.all("/v1/notes", inmate=twin)] == [note["id"]], "but what they wrote is found"


def test_any_version_will_do_where_there_is_one_and_none_where_there_is_none(prison: Prison) -> None:
    entry = {"name": "Kane, D.", "establishment": prison.code, "unit": "A"}
    path = f"/v1/inmates/A9{prison.code}"
    nobody = prison.admin.http.put(path, json=entry, headers={"If-Match": "*"})
    assert nobody.status_code == 412, nobody.text
    prison.admin.put(path, entry, 201)
    assert prison.admin.http.put(path, json={**entry, "cell": "A1-02"}, headers={"If-Match": "*"}).status_code == 200
