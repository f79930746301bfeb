"""The OpenAPI document is true: what it promises is answered, what is answered it has told, and its examples work."""

import copy
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it comes without types
from openapi_spec_validator import OpenAPIV31SpecValidator

from handover.api.describing import methods, query_names
from handover.api.examples import HANDOVER_ID, NEED_ID, NOTE_ID, PAGE_ID, SHEET_HASH
from tests.support.service import PASSWORD, Caller, Prison, Service

Document = dict[str, Any]
CONFIG = Path(__file__).parent / "support" / "schemathesis.toml"
BEFORE_LOGIN = {"/oauth/token", "/oauth/revoke", "/v1/calls", "/healthz", "/readyz", "/metrics"}


@pytest.fixture(scope="module")
def aldermoor(service: Service) -> Prison:
    """The prison the document's examples speak of."""
    service.clock.ahead = type(service.clock.ahead)(0)
    prison = Prison(service, "ALM", None)  # type: ignore[arg-type]  # the admin is hired by it
    prison.admin = prison.hire("okafor", "admin")
    prison.admin.put("/v1/establishments/ALM", {"name": "HMP Aldermoor", "timezone": "Europe/London"})
    for unit in ("A", "B"):
        prison.admin.put(f"/v1/establishments/ALM/units/{unit}", {"name": f"{unit} wing"})
    for number, name in (("A4417KD", "Weir, J."), ("A9902XB", "Weir, John")):
        prison.admin.put(f"/v1/inmates/{number}", {"name": name, "establishment": "ALM", "unit": "A"})
    return prison


@pytest.fixture(scope="module")
def document(service: Service) -> Document:
    """The document as anybody gets it."""
    answer = httpx.get(f"{service.url}/openapi.json", trust_env=False, verify=False, timeout=40)
    assert answer.status_code == 200
    found: Document = answer.json()
    return found


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    """Path, method and description of each operation."""
    for path, verbs in document["paths"].items():
        for method, told in verbs.items():
            yield path, method, told


def bodies(document: Document) -> Iterator[tuple[str, Document]]:
    """Every body in the document that is JSON, of requests and answers, with its name for a failure's words."""
    for path, method, told in operations(document):
        for where, part in (("request", told.get("requestBody", {})), *told["responses"].items()):
            for kind, media in part.get("content", {}).items():
                if kind.endswith(("/json", "+json", "x-www-form-urlencoded")):
                    yield f"{method} {path} {where}", media


def closed(document: Document) -> Document:
    """The document with every object closed: what it does not name is then an error."""
    shut = copy.deepcopy(document)

    def close(part: Any) -> None:
        if isinstance(part, dict):
            if "properties" in part and part.get("type") == "object":
                part.setdefault("additionalProperties", False)
            for value in part.values():
                close(value)
        elif isinstance(part, list):
            for value in part:
                close(value)

    close(shut["components"]["schemas"])
    return shut


def complaints(document: Document, schema: Document, value: Any) -> list[str]:
    """What is wrong with a value, formats included."""
    whole = {**schema, "components": document["components"]}
    checker = Draft202012Validator.FORMAT_CHECKER
    return [
        f"{e.json_path}: {e.message}" for e in Draft202012Validator(whole, format_checker=checker).iter_errors(value)
    ]


def test_the_document_is_openapi_3_1(document: Document) -> None:
    assert document["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(document).validate()
    names = [told["operationId"] for _, _, told in operations(document)]
    assert len(set(names)) == len(names)


def test_every_operation_says_what_it_does_who_may_and_what_may_go_wrong(document: Document) -> None:
    scopes = set(document["components"]["securitySchemes"]["oauth2"]["flows"]["clientCredentials"]["scopes"])
    for path, method, told in operations(document):
        name, codes = f"{method} {path}", set(told["responses"])
        assert told["description"].strip().endswith((".", "seconds.")), name
        assert codes & {"200", "201"}, name
        if path in ("/healthz", "/metrics"):
            assert codes == {"200"}, name
            continue
        assert "503" in codes, name
        assert path in BEFORE_LOGIN or {"401", "422"} <= codes, name
        [security] = told["security"] or [None]
        assert (security is None) == (path in BEFORE_LOGIN), name
        if security is not None:
            [needed] = security.values()
            assert set(needed) <= scopes, name
            assert not needed or "403" in codes, name
        if "requestBody" in told:
            assert {"400", "413"} <= codes, name
        assert ("415" in codes) == ("application/json" in told.get("requestBody", {}).get("content", {})), name
        for parameter in told.get("parameters", ()):
            assert parameter["in"] != "path" or "404" in codes, name
            assert parameter["name"] != "Idempotency-Key" or "409" in codes, name
            assert parameter["name"] != "If-Match" or "412" in codes, name
            assert parameter["name"] != "If-None-Match" or "304" in codes, name


def test_a_unit_in_a_pull_is_said_to_be_more_than_the_unit_of_the_events(document: Document) -> None:
    told = {p["name"]: p for p in document["paths"]["/v1/events"]["get"]["parameters"]}
    assert "names another as its `unit`" in told["unit"]["description"]


def test_every_body_has_an_example_that_fits_its_schema(document: Document) -> None:
    shut, seen = closed(document), 0
    for name, media in bodies(document):
        assert media.get("example") is not None, f"{name} has no example"
        assert complaints(shut, media["schema"], media["example"]) == [], name
        seen += 1
    assert seen > 100
    for name, schema in document["components"]["schemas"].items():
        for example in schema.get("examples", ()):
            assert complaints(document, schema, example) == [], name


def test_the_parameters_and_methods_that_are_let_in_are_those_of_the_document(
    document: Document, service: Service
) -> None:
    asked = {
        (path, method): {
            p["name"]: "array" in json.dumps(p["schema"]) for p in told.get("parameters", ()) if p["in"] == "query"
        }
        for path, method, told in operations(document)
    }
    assert {(path, method): query_names(service.app, path, method.upper()) for path, method in asked} == asked
    for path, verbs in document["paths"].items():
        assert set(methods(service.app, path)) - {"HEAD"} == {verb.upper() for verb in verbs}, path


def filled(told: Document, path: str, method: str, **known: str) -> dict[str, Any]:
    """A request as the document exemplifies it; `known` are ids that this store has."""
    headers, params = {}, {}
    for parameter in told.get("parameters", ()):
        if parameter["in"] == "path":
            [example] = parameter["schema"]["examples"]
            path = path.replace("{" + parameter["name"] + "}", known.get(parameter["name"], example))
        elif parameter["name"] == "If-Match":
            headers["If-Match"] = parameter["example"]
        elif parameter["in"] == "query" and parameter["required"]:
            [params[parameter["name"]]] = parameter["schema"]["examples"]
    [media] = told.get("requestBody", {}).get("content", {}).values() or [None]
    body = {"json": media["example"]} if media else {}
    return {"method": method.upper(), "url": path, "headers": headers, "params": params, **body}


class Telling:
    """Sends requests, and holds every answer against the closed document."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.shut = closed(document)
        self.told: set[tuple[str, str]] = set()

    def __call__(self, caller: Caller, method: str, path: str, status: int, /, **more: Any) -> httpx.Response:
        """One request; its answer must have this status and be as the document says."""
        answer = caller.http.request(method, path, **more)
        assert answer.status_code == status, answer.text
        template = self._template(path)
        self.told.add((template, method.lower()))
        promised = self.document["paths"][template][method.lower()]["responses"][str(status)]
        kind = answer.headers.get("content-type", "").partition(";")[0]
        assert kind in promised.get("content", {"": None}), f"{method} {path} answers {kind}"
        now_and_then = {"Link", "Idempotency-Replayed", *(("Content-Language",) if template.endswith("/sheet") else ())}
        for name in promised.get("headers", {}):
            assert name in now_and_then or name in answer.headers, f"{method} {path}: no {name}"
        for name in ("Location", "ETag", "Link", "Idempotency-Replayed", "Content-Language", "WWW-Authenticate"):
            assert name not in answer.headers or name in promised["headers"], f"{method} {path}: {name} is not told"
        if kind.endswith(("/json", "+json")):
            schema = promised["content"][kind]["schema"]
            assert complaints(self.shut, schema, answer.json()) == [], f"{method} {path}"
        return answer

    def _template(self, path: str) -> str:
        paths = self.document["paths"]
        path = path.partition("?")[0]
        return path if path in paths else next(p for p in paths if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", p), path))


def test_every_answer_is_as_told_and_every_example_request_works(
    document: Document, aldermoor: Prison, service: Service
) -> None:
    tell = Telling(document)
    admin, weir = aldermoor.admin, "A4417KD"
    ngata, auditor = aldermoor.hire("ngata", "officer", "A"), aldermoor.hire("quill", "auditor")
    hartmann, keyes = aldermoor.hire("hartmann", "officer", "A"), aldermoor.hire("keyes", "governor")

    def example(method: str, path: str) -> Any:
        return document["paths"][path][method]["requestBody"]["content"]["application/json"]["example"]

    for path, created in (("/establishments/ALM", 200), ("/establishments/ALM/units/E", 201)):
        template = "/v1/establishments/{code}" + ("/units/{unit}" if "units" in path else "")
        tell(admin, "PUT", f"/v1{path}", created, json=example("put", template))
    tell(admin, "PUT", f"/v1/inmates/{weir}", 200, json=example("put", "/v1/inmates/{number}"))
    tell(admin, "PUT", "/v1/inmates/A5555NW", 201, json=example("put", "/v1/inmates/{number}"))
    for path in (
        "/v1/me",
        "/v1/establishments",
        "/v1/establishments/ALM",
        "/v1/inmates?limit=1",
        f"/v1/inmates/{weir}",
    ):
        tell(ngata, "GET", path, 200)
    tell(keyes, "GET", "/v1/establishments/ALM/listening", 200)
    tell(ngata, "GET", "/v1/establishments/ALM/listening", 403)
    for path in ("/v1/codelists", "/v1/codelists/change"):
        etag = tell(ngata, "GET", path, 200).headers["etag"]
        tell(ngata, "GET", path, 304, headers={"If-None-Match": etag})

    for key in ("one", "one"):
        written = tell(
            ngata, "POST", "/v1/notes", 201, json=example("post", "/v1/notes"), headers={"Idempotency-Key": key}
        )
    assert written.headers["idempotency-replayed"] == "true"
    note = written.json()
    tell(ngata, "GET", written.headers["location"], 200)
    tell(ngata, "GET", "/v1/notes?limit=1", 200)
    corrected = example("post", "/v1/notes/{id}/corrections")
    note = tell(ngata, "POST", f"/v1/notes/{note['id']}/corrections", 201, json=corrected).json()
    receipt = example("post", "/v1/notes/{id}/receipts")
    tell(ngata, "POST", f"/v1/notes/{note['id']}/receipts", 201, json=receipt)
    tell(ngata, "GET", f"/v1/notes/{note['id']}/receipts", 200)
    attention = example("post", "/v1/notes/{id}/attention")
    note = tell(ngata, "POST", f"/v1/notes/{note['id']}/attention", 201, json=attention).json()
    [need] = note["needs"]

    offer = example("post", "/v1/handovers")
    answer = tell(ngata, "POST", "/v1/handovers", 201, json=offer)
    offered = answer.headers["location"]
    tell(ngata, "POST", "/v1/handovers", 409, json=offer)
    etag = tell(hartmann, "GET", offered, 200).headers["etag"]
    assert etag == answer.headers["etag"]
    tell(hartmann, "GET", offered, 304, headers={"If-None-Match": etag})
    query = {**example("post", "/v1/handovers/{id}/queries"), "need": need["id"]}
    asked = tell(hartmann, "POST", f"{offered}/queries", 201, json=query).json()
    acceptance = example("post", "/v1/handovers/{id}/acceptance")
    tell(hartmann, "POST", f"{offered}/acceptance", 409, json=acceptance)
    answers = f"{offered}/queries/{asked['id']}/answers"
    tell(ngata, "POST", answers, 201, json=example("post", "/v1/handovers/{id}/queries/{query}/answers"))
    accepted = tell(hartmann, "POST", f"{offered}/acceptance", 201, json=acceptance).json()
    assert (accepted["state"], accepted["incoming"]["username"]) == ("ACCEPTED", hartmann.name)
    second = tell(ngata, "POST", "/v1/handovers", 201, json=offer).headers["location"]
    withdrawal = example("post", "/v1/handovers/{id}/withdrawal")
    tell(ngata, "POST", f"{second}/withdrawal", 201, json=withdrawal)
    tell(ngata, "POST", f"{second}/withdrawal", 409, json=withdrawal)
    tell(hartmann, "GET", "/v1/handovers?state=ACCEPTED&limit=1", 200)
    tell(hartmann, "GET", "/v1/handovers?state=GONE", 422)
    wing = "/v1/establishments/ALM/units/A"
    given = tell(hartmann, "GET", f"{wing}/sheet", 200).json()
    paper = tell(hartmann, "GET", f"{wing}/sheet", 200, headers={"Accept": "text/html"})
    assert paper.headers["content-type"] == "text/html; charset=utf-8"
    at = {"given_at": given["given_at"]}
    checked = tell(ngata, "GET", f"{wing}/sheets/{given['hash']}", 200, params=at).json()
    assert (checked["given_to"], checked["sequence"]) == (hartmann.name, given["sequence"])
    tell(ngata, "GET", f"{wing}/sheets/{SHEET_HASH}", 404, params=at)
    missing = tell(ngata, "GET", f"{wing}/sheets/{given['hash']}", 422).json()
    assert missing["errors"] == [{"pointer": "/query/given_at", "detail": "this is needed"}]
    tell(ngata, "GET", f"/v1/inmates/{weir}/worked", 200)
    ngata.note(weir, attention="ACT_NOW")
    [raised] = tell(hartmann, "GET", "/v1/pages?state=RAISED", 200).json()["items"]
    etag = tell(hartmann, "GET", f"/v1/pages/{raised['id']}", 200).headers["etag"]
    tell(hartmann, "GET", f"/v1/pages/{raised['id']}", 304, headers={"If-None-Match": etag})
    tell(hartmann, "GET", "/v1/pages?state=GONE", 422)
    locked = tell(hartmann, "POST", "/v1/calls/passes", 200, json=example("post", "/v1/calls/passes")).json()
    assert tell(hartmann, "POST", "/v1/calls", 200, json={"pass": locked["pass"]}).json() == {"units": ["A"]}
    tell(hartmann, "POST", "/v1/calls", 200, json=example("post", "/v1/calls"))

    etag = tell(ngata, "GET", f"/v1/needs/{need['id']}", 200).headers["etag"]
    change = example("patch", "/v1/needs/{id}")
    tell(ngata, "PATCH", f"/v1/needs/{need['id']}", 200, json=change, headers={"If-Match": etag})
    tell(ngata, "PATCH", f"/v1/needs/{need['id']}", 412, json=change, headers={"If-Match": etag})
    tell(ngata, "PATCH", f"/v1/needs/{need['id']}", 428, json=change)
    tell(ngata, "GET", "/v1/needs", 200)
    retraction = example("post", "/v1/notes/{id}/retractions")
    tell(ngata, "POST", f"/v1/notes/{note['id']}/retractions", 201, json=retraction)
    tell(ngata, "POST", f"/v1/notes/{note['id']}/retractions", 409, json=retraction)
    tell(ngata, "GET", f"/v1/notes/{note['id']}", 200)
    tell(auditor, "GET", f"/v1/notes/{note['id']}", 200)

    tell(admin, "POST", f"/v1/inmates/{weir}/moves", 201, json=example("post", "/v1/inmates/{number}/moves"))
    tell(admin, "POST", f"/v1/inmates/{weir}/merges", 201, json=example("post", "/v1/inmates/{number}/merges"))
    tell(ngata, "GET", "/v1/inmates/A9902XB", 308, follow_redirects=False)
    tell(ngata, "GET", "/v1/inmates/A9902XB/worked", 308, follow_redirects=False)
    tell(admin, "POST", f"/v1/inmates/{weir}/unmerges", 201, json=example("post", "/v1/inmates/{number}/unmerges"))
    tell(ngata, "GET", "/v1/events?limit=200", 200)
    tell(ngata, "GET", "/v1/events?limit=2", 200, headers={"Accept": "application/x-ndjson"})
    tell(ngata, "GET", "/v1/events?after=bm9uZQ", 409)
    tell(ngata, "POST", "/v1/feed/tickets", 201)
    tell(auditor, "GET", "/v1/access-log?limit=1", 200)
    for path in ("/healthz", "/readyz", "/metrics"):
        tell(ngata, "GET", path, 200)

    tell(ngata, "POST", "/v1/notes", 400, content=b"{", headers={"Content-Type": "application/json"})
    tell(ngata, "POST", "/v1/notes", 415, content=b"{}", headers={"Content-Type": "text/plain"})
    tell(ngata, "POST", "/v1/notes", 413, content=b" " * 70_000, headers={"Content-Type": "application/json"})
    tell(ngata, "POST", "/v1/notes", 422, json={"basis": "SAW", "moood": 1})
    tell(ngata, "GET", f"/v1/notes/{NOTE_ID}", 404)
    tell(ngata, "GET", f"/v1/needs/{NEED_ID}", 404)
    tell(ngata, "GET", f"/v1/handovers/{HANDOVER_ID}", 404)
    tell(ngata, "GET", f"/v1/pages/{PAGE_ID}", 404)
    tell(ngata, "GET", "/v1/access-log", 403)
    chosen = {**example("put", "/v1/me/pin"), "password": PASSWORD}
    seat = tell(hartmann, "PUT", "/v1/me/pin", 200, json=chosen).json()["seat"]
    back = {"grant_type": "urn:handover:grant-type:pin", "seat": seat, "pin": chosen["pin"]}
    tell(hartmann, "POST", "/oauth/token", 200, data=back)
    tell(hartmann, "POST", "/oauth/token", 400, data=back | {"pin": "000000"})
    tell(hartmann, "PUT", "/v1/me/pin", 422, json=chosen | {"pin": "000000"})
    tell(auditor, "PUT", "/v1/me/pin", 403, json=chosen)
    wrong = {"grant_type": "password", "username": ngata.name, "password": "not the word"}
    tell(ngata, "POST", "/oauth/token", 400, data=wrong)
    nobody = {"grant_type": "client_credentials", "client_id": "nobody", "client_secret": "nothing"}
    tell(ngata, "POST", "/oauth/token", 401, data=nobody)
    again = tell(
        ngata, "POST", "/oauth/token", 200, data={"grant_type": "refresh_token", "refresh_token": ngata.refresh}
    )
    tell(ngata, "POST", "/oauth/revoke", 200, data={"token": again.json()["refresh_token"]})
    tell(ngata, "GET", "/v1/me", 401)
    every = {(path, method) for path, method, _ in operations(document)}
    assert tell.told == every, "operations this test has not tried"


def test_the_scopes_it_names_are_the_scopes_that_are_needed(document: Document, aldermoor: Prison) -> None:
    scopes = document["components"]["securitySchemes"]["oauth2"]["flows"]["clientCredentials"]["scopes"]
    holders = {scope: aldermoor.connect(f"only-{scope.replace(':', '-')}", scope) for scope in scopes}
    every = aldermoor.connect("every-scope", *scopes)
    stranger = httpx.Client(base_url=aldermoor.service.url, trust_env=False, verify=False)
    for path, method, told in operations(document):
        if path in BEFORE_LOGIN:
            continue
        request = filled(told, path, method)
        anonymous = stranger.request(**request)
        assert (anonymous.status_code, anonymous.headers["www-authenticate"][:7]) == (401, "Bearer "), path
        [needed] = told["security"][0].values()
        if not needed:
            # No scope opens what is for staff; what is for everybody who is known needs none.
            for_staff = every.http.request(**request).status_code == 403
            assert for_staff is ("403" in told["responses"]), f"{method} {path}"
            continue
        other = next(scope for scope in scopes if scope not in needed)
        assert holders[other].http.request(**request).status_code == 403, f"{method} {path} with {other} alone"
        assert holders[needed[0]].http.request(**request).status_code not in (401, 403), f"{method} {path}"
    stranger.close()


def test_schemathesis_finds_no_answer_that_the_document_has_not_told(
    document: Document, aldermoor: Prison, database_url: str, tmp_path: Path
) -> None:
    ngata, auditor = aldermoor.hire("fuzzer", "officer", "A"), aldermoor.hire("reader", "auditor")
    note = ngata.note("A9902XB", needs=[{"code": "PHONE"}], attention="ACT_NOW")
    offered = ngata.post("/v1/handovers", {"establishment": "ALM", "unit": "A"})
    query = ngata.post(f"/v1/handovers/{offered['id']}/queries", {"note": note["id"], "text": "Since when?"})
    [page, *_] = ngata.get("/v1/pages")["items"]
    known = {
        "admin": aldermoor.admin.token,
        "officer": ngata.token,
        "auditor": auditor.token,
        "note": note["id"],
        "need": note["needs"][0]["id"],
        "handover": offered["id"],
        "query": query["id"],
        "page": page["id"],
    }
    told = tmp_path / "openapi.json"
    told.write_text(json.dumps(closed(document)))
    # What one engine refuses and the other does not (lengths, NUL; numbers over 64 bits, halves of letters) shows at
    # the boundaries of what the document allows; what it forbids is refused before any engine has it.
    embedded = database_url.startswith("sqlite")
    phases, mode = ("coverage,fuzzing,stateful", "all") if embedded else ("coverage", "positive")
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run", str(told)]
    asked = ["--checks", "all", "--phases", phases, "--mode", mode, "--seed", "1"]
    done = subprocess.run(
        [*command, "--url", aldermoor.service.url, *asked],
        env={**os.environ, "HANDOVER_FUZZED": json.dumps(known), "SCHEMATHESIS_HOOKS": "", "NO_PROXY": "127.0.0.1"},
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=360,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    tried = re.search(r"(\d+) generated, (\d+) passed", done.stdout)
    assert tried is not None, done.stdout
    assert int(tried[2]) > (1000 if embedded else 700), done.stdout
