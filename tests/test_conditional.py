"""A change to what is not any more as it was read is refused, whatever way it is made."""

from tests.support.service import Caller, Prison


def test_a_change_that_names_a_version_is_made_to_that_version_alone(
    prison: Prison, ngata: Caller, hartmann: Caller, weir: str
) -> None:
    note = ngata.note(weir)
    read = ngata.http.get(f"/v1/notes/{note['id']}").headers["etag"]
    body = {"reason": "Slip", "note": {"basis": "SAW", "fact": "Ate a little."}}
    path = f"/v1/notes/{note['id']}"
    ngata.post(f"{path}/corrections", body, 412, **{"If-Match": '"another"'})
    newer = ngata.post(f"{path}/corrections", body, 201, **{"If-Match": read})
    ngata.post(f"/v1/notes/{newer['id']}/retractions", {"reason": "OTHER"}, 412, **{"If-Match": read})
    watched = ngata.note(weir, attention="WATCH")
    ngata.post(f"/v1/notes/{watched['id']}/attention", {"reason": "x"}, 412, **{"If-Match": read})
    offered = ngata.post("/v1/handovers", {"establishment": prison.code, "unit": "A"})
    seen = hartmann.http.get(f"/v1/handovers/{offered['id']}").headers["etag"]
    ngata.post(f"/v1/handovers/{offered['id']}/queries", {"note": watched["id"], "text": "Since when?"})
    taking = f"/v1/handovers/{offered['id']}/acceptance"
    hartmann.post(taking, {"with_queries": True}, 412, **{"If-Match": seen})
    seen = hartmann.http.get(f"/v1/handovers/{offered['id']}").headers["etag"]
    hartmann.post(taking, {"with_queries": True}, 201, **{"If-Match": seen})
    move = {"establishment": prison.code, "unit": "B", "reason": "Works in the kitchen."}
    prison.admin.post(f"/v1/inmates/{weir}/moves", move, 412, **{"If-Match": '"77"'})
    prison.admin.post(f"/v1/inmates/{weir}/moves", move, 201, **{"If-Match": '"1"'})


def test_a_change_may_name_several_versions_of_which_one_is_meant(prison: Prison, ngata: Caller, weir: str) -> None:
    inmate = {"name": "Weir, Daniel", "establishment": prison.code, "unit": "A"}
    need = ngata.note(weir, needs=[{"code": "PHONE"}])["needs"][0]["id"]
    asked = {
        f"/v1/inmates/{weir}": (prison.admin, "PUT", inmate),
        f"/v1/establishments/{prison.code}/units/A": (prison.admin, "PUT", {"name": "Ash wing"}),
        f"/v1/establishments/{prison.code}": (prison.admin, "PUT", {"name": "Ash", "timezone": "Europe/London"}),
        f"/v1/inmates/{weir}/moves": (prison.admin, "POST", {**inmate, "unit": "B", "reason": "Work"}),
        f"/v1/needs/{need}": (ngata, "PATCH", {"owner": "chaplain"}),
    }
    del asked[f"/v1/inmates/{weir}/moves"][2]["name"]
    for path, (who, method, body) in asked.items():
        read = path.removesuffix("/moves")
        tag = '"1"' if read.endswith("/units/A") else who.http.get(read).headers["etag"]
        number = tag.strip('"')
        for wrong in ('"x", "77"', f'"0{number}"', f'"x{number}"', number, '"0"', '"' + "9" * 5000 + '"', ""):
            told = who.http.request(method, path, json=body, headers={"If-Match": wrong})
            assert (told.status_code, told.json()["type"]) == (412, "/problems/stale"), (path, wrong[:20])
        right = who.http.request(method, path, json=body, headers={"If-Match": f'"x",W/"77" , {tag},"y"'})
        assert right.status_code in (200, 201), (path, right.text)


def test_a_merge_and_a_question_are_changes_too(prison: Prison, ngata: Caller, hartmann: Caller, weir: str) -> None:
    inmate = {"name": "Weir, D.", "establishment": prison.code, "unit": "A"}
    other = f"{weir}X"
    assert prison.admin.http.put(f"/v1/inmates/{other}", json=inmate).status_code == 201
    for name, body in {
        "merges": {"from": other},
        "unmerges": {"previous": other, "reason": "Two people after all."},
    }.items():
        read = prison.admin.http.get(f"/v1/inmates/{weir}").headers["etag"]
        prison.admin.post(f"/v1/inmates/{weir}/{name}", body, 412, **{"If-Match": '"77"'})
        told = prison.admin.http.post(f"/v1/inmates/{weir}/{name}", json=body, headers={"If-Match": read})
        assert told.status_code == 201, (name, told.text)
        assert told.headers["etag"] == prison.admin.http.get(told.headers["location"]).headers["etag"]
    note = ngata.note(weir, attention="WATCH")["id"]
    path = f"/v1/handovers/{ngata.post('/v1/handovers', {'establishment': prison.code, 'unit': 'A'})['id']}"
    queries, body = f"{path}/queries", {"note": note, "text": "Since when?"}
    for _ in ("a question", "an answer"):
        read = hartmann.http.get(path).headers["etag"]
        hartmann.post(queries, body, 412, **{"If-Match": '"another"'})
        assert hartmann.http.get(path).headers["etag"] == read, "it has not changed"
        told = hartmann.http.post(queries, json=body, headers={"If-Match": read})
        assert told.status_code == 201, told.text
        assert told.headers["etag"] == hartmann.http.get(path).headers["etag"] != read
        queries, body = f"{queries}/{told.json()['id']}/answers", {"text": "Since noon."}


def test_tags_may_come_in_several_lines(prison: Prison, weir: str) -> None:
    path = f"/v1/inmates/{weir}"
    inmate = {"name": "Weir, Dan", "establishment": prison.code, "unit": "A"}
    tag = prison.admin.http.get(path).headers["etag"]
    held = prison.admin.http.get(path, headers=[("If-None-Match", '"77"'), ("If-None-Match", tag)])
    assert held.status_code == 304
    meant = prison.admin.http.put(path, json=inmate, headers=[("If-Match", '"77"'), ("If-Match", tag)])
    assert meant.status_code == 200


def test_what_is_to_be_new_is_refused_where_it_is_there_already(prison: Prison, weir: str) -> None:
    here = f"/v1/establishments/{prison.code}"
    inmate = {"name": "Weir, Daniel", "establishment": prison.code, "unit": "A"}
    known = {f"/v1/inmates/{weir}": inmate, f"{here}/units/A": {"name": "A wing"}}
    for path, body in known.items():
        before = prison.admin.get(path) if "inmates" in path else None
        told = prison.admin.http.put(path, json=body, headers={"If-None-Match": "*"})
        assert (told.status_code, told.json()["type"]) == (412, "/problems/stale")
        assert before is None or prison.admin.get(path) == before
    for none in ('"0"', '"77", "0"'):
        named = prison.admin.http.put(f"{here}/units/Z", json={"name": "Z wing"}, headers={"If-Match": none})
        assert named.status_code == 412, "a version is named, and there is none"
    new = prison.admin.http.put(f"{here}/units/Z", json={"name": "Z wing"}, headers={"If-None-Match": "*"})
    assert new.status_code == 201


def test_no_cache_keeps_what_one_caller_may_see(ngata: Caller, weir: str) -> None:
    note = ngata.note(weir)["id"]
    lists = ("notes", "needs", "inmates", "handovers", "pages", "establishments", f"notes/{note}/receipts", "events")
    for path in (*lists, f"inmates/{weir}/worked"):
        assert ngata.http.get(f"/v1/{path}").headers["cache-control"] == "no-store", path
    assert ngata.http.post("/oauth/revoke", data={"token": ngata.token}).headers["cache-control"] == "no-store"


def test_a_filter_that_is_there_twice_is_refused_unless_it_may_be(ngata: Caller) -> None:
    told = ngata.http.get("/v1/notes?unit=A&unit=B")
    assert (told.status_code, told.json()["errors"][0]["pointer"]) == (422, "/query/unit")
    assert ngata.http.get("/v1/events?type=note.recorded&type=note.corrected").status_code == 200
