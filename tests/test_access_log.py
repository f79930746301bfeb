"""The access log: who wrote, read, listed, pulled, was fed what, when, from where, with which filter; denied attempts
too. How it is verified is in test_audit_verify.py."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection
from websockets.exceptions import ConnectionClosed

from handover.services import accounts, opening
from handover.services.unit_of_work import Asker
from handover.store import accesslog
from handover.store.engine import open_engines
from tests.support import embedded
from tests.support.outages import without
from tests.support.plans import looked_at
from tests.support.service import PASSWORD, Caller, Prison, Service, settings_for

HERE = "127.0.0.1"
Line = dict[str, Any]


class Log:
    """The log through an auditor's eyes: what is new in it, oldest first, the auditor's own readings left out."""

    def __init__(self, prison: Prison) -> None:
        self.clock = prison.service.clock
        self.auditor = prison.hire("quill", "auditor")
        self._seen: set[tuple[str, int]] = set()
        self._since = datetime.min.replace(tzinfo=UTC)
        self.new()
        self._since = self.clock()

    def new(self) -> list[Line]:
        """The lines since the last look, without their places in the chain, and without their times, which must be
        from since the first."""
        found = self.auditor.get("/v1/access-log", limit=200)["items"]
        lines = [line for line in reversed(found) if (line["chain"], line["position"]) not in self._seen]
        self._seen |= {(line["chain"], line["position"]) for line in lines}
        lines = [line for line in lines if line["actor"] != self.auditor.name]
        for line in lines:
            assert self._since <= datetime.fromisoformat(line["at"]) <= self.clock()
        return [{k: v for k, v in line.items() if k not in ("chain", "position", "hash", "at")} for line in lines]

    def one(self) -> Line:
        """The one line since the last look."""
        [line] = self.new()
        return line


def line(action: str, who: Caller | str | None, role: str | None, place: str | None, /, **more: Any) -> Line:
    """A line as it should be."""
    return {
        "actor": who.name if isinstance(who, Caller) else who,
        "actor_role": role,
        "action": action,
        "outcome": "OK",
        "establishment": place,
        "unit": None,
        "subject": None,
        "detail": {},
        "address": HERE,
        **more,
    }


# --- What is written, read, fed --------------------------------------------------------------------------------------


def test_every_way_of_writing_leaves_one_line_that_says_what(prison: Prison) -> None:
    ngata, weir, here = prison.hire("ngata", "officer", "A"), prison.receive("A4417KD"), prison.code
    log = Log(prison)

    note = ngata.note(weir, fact="Quiet since the visit.", needs=[{"code": "PHONE"}, {"code": "MAIL"}])
    where, about = {"unit": "A", "subject": note["id"]}, {"person": weir}
    assert log.one() == line("notes.record", ngata, "officer", here, **where, detail=about)

    correction = {"reason": "The late visit.", "note": {"basis": "SAW", "fact": "Quiet since the late visit."}}
    newer = ngata.post(f"/v1/notes/{note['id']}/corrections", correction)
    corrected = {**about, "correction": newer["id"]}
    assert log.one() == line("notes.correct", ngata, "officer", here, **where, detail=corrected)

    where["subject"] = newer["id"]
    ngata.post(f"/v1/notes/{newer['id']}/receipts", {"kind": "READ_BACK", "text": "The late one."})
    seen = {**about, "kind": "READ_BACK"}
    assert log.one() == line("receipts.record", ngata, "officer", here, **where, detail=seen)

    need = newer["needs"][0]["id"]
    change = {"status": "DONE", "outcome": "Called."}
    assert ngata.http.patch(f"/v1/needs/{need}", json=change, headers={"If-Match": "*"}).status_code == 200
    done = {**about, "status": "DONE"}
    assert log.one() == line("needs.change", ngata, "officer", here, unit="A", subject=need, detail=done)

    ngata.post(f"/v1/notes/{newer['id']}/retractions", {"reason": "WRONG_PERSON", "detail": "The man next door."})
    why = {**about, "reason": "WRONG_PERSON"}
    assert log.one() == line("notes.retract", ngata, "officer", here, **where, detail=why)


def test_every_change_to_the_roster_leaves_one_line(prison: Prison) -> None:
    admin, here, log = prison.admin, prison.code, Log(prison)
    weir, double = f"A4417KD{here}", f"A9902XB{here}"
    admin.put(f"/v1/establishments/{here}", {"name": "HMP Test", "timezone": "Europe/London"})
    assert log.one() == line("establishments.put", admin, "admin", here)
    admin.put(f"/v1/establishments/{here}/units/C", {"name": "C wing"})
    assert log.one() == line("units.put", admin, "admin", here, unit="C")
    for number in (weir, double):
        admin.put(f"/v1/inmates/{number}", {"name": "Weir, J.", "establishment": here, "unit": "A"})
        assert log.one() == line("inmates.put", admin, "admin", here, unit="A", subject=number)
    admin.post(f"/v1/inmates/{weir}/moves", {"establishment": here, "unit": "B", "reason": "Kitchen work"})
    assert log.one() == line("inmates.move", admin, "admin", here, unit="B", subject=weir)
    admin.post(f"/v1/inmates/{weir}/merges", {"from": double})
    merged = {"previous": double, "notes": 0, "needs": 0}
    assert log.one() == line("inmates.merge", admin, "admin", here, unit="B", subject=weir, detail=merged)


def test_every_way_of_reading_leaves_one_line_with_its_filter_and_whom_it_showed(prison: Prison) -> None:
    ngata, weir, here = prison.hire("ngata", "officer", "A"), prison.receive("A4417KD"), prison.code
    lunch = "Ate nothing at lunch."
    note = ngata.note(weir, fact=lunch, indicators=[{"code": "WITHDRAWN"}], needs=[{"code": "PHONE"}])
    need = note["needs"][0]["id"]
    ngata.note(None, establishment=here, unit="A", fact="The wing is calm.")
    log, person = Log(prison), {"person": weir}
    reads: list[tuple[str, Line]] = [
        (
            f"/v1/notes/{note['id']}",
            line("notes.read", ngata, "officer", here, unit="A", subject=note["id"], detail=person),
        ),
        (
            f"/v1/notes?establishment={here}&unit=A&indicator=WITHDRAWN&q=Lunch&recorded_from=2026-01-01T00:00:00Z",
            line(
                "notes.list",
                ngata,
                "officer",
                here,
                unit="A",
                detail={
                    "count": 1,
                    "people": [weir],
                    "filter": {
                        "establishment": here,
                        "unit": "A",
                        "indicator": "WITHDRAWN",
                        "words": ["lunch"],
                        "recorded_from": "2026-01-01T00:00:00Z",
                    },
                },
            ),
        ),
        ("/v1/notes", line("notes.list", ngata, "officer", here, detail={"count": 2, "people": [weir], "filter": {}})),
        (
            f"/v1/notes/{note['id']}/receipts",
            line("receipts.list", ngata, "officer", here, unit="A", subject=note["id"], detail={**person, "count": 0}),
        ),
        (f"/v1/needs/{need}", line("needs.read", ngata, "officer", here, unit="A", subject=need, detail=person)),
        (
            "/v1/needs?code=PHONE",
            line(
                "needs.list",
                ngata,
                "officer",
                here,
                detail={"count": 1, "people": [weir], "filter": {"code": "PHONE"}},
            ),
        ),
        (f"/v1/inmates/{weir}", line("inmates.read", ngata, "officer", here, unit="A", subject=weir)),
        (
            f"/v1/inmates?establishment={here}&q=weir",
            line(
                "inmates.list",
                ngata,
                "officer",
                here,
                detail={"count": 1, "people": [weir], "filter": {"q": "weir"}},
            ),
        ),
        ("/v1/establishments", line("establishments.list", ngata, "officer", here, detail={"count": 1})),
        (f"/v1/establishments/{here}", line("establishments.read", ngata, "officer", here)),
    ]
    for path, expected in reads:
        assert ngata.http.get(path).status_code == 200
        found = log.one()
        filters = found["detail"].get("filter", {})
        found["detail"] = {**found["detail"], **({"filter": said(filters)} if "filter" in found["detail"] else {})}
        assert found == expected, path
    etag = ngata.http.get(f"/v1/notes/{note['id']}").headers["etag"]
    log.new()
    assert ngata.http.get(f"/v1/notes/{note['id']}", headers={"If-None-Match": etag}).status_code == 304
    assert log.one()["action"] == "notes.read", "to learn that a note stands as it was is to consult it"
    assert ngata.http.head(f"/v1/notes/{note['id']}").status_code == 200
    assert log.one()["action"] == "notes.read"


def said(filters: dict[str, Any]) -> dict[str, Any]:
    """A filter without what was left open."""
    return {name: value for name, value in filters.items() if value not in (None, [], "")}


def test_a_pull_says_which_sequences_and_people_it_gave(prison: Prison) -> None:
    ngata, weir, here = prison.hire("ngata", "officer", "A"), prison.receive("A4417KD"), prison.code
    offices = prison.connect("offices", "events:read", "notes:read")
    _, cursor = offices.pull()
    ngata.note(weir)
    log = Log(prison)
    first, _ = offices.pull(cursor, type="note.recorded")
    sequence = first[0]["sequence"]
    found = log.one()
    assert said(found["detail"].pop("filter")) == {"types": ["note.recorded"]}
    detail = {"after": cursor, "count": 1, "people": [weir], "sequences": {here: [sequence - 1, sequence]}}
    assert found == line("events.pull", offices, "integration", here, detail=detail)


def test_a_pull_that_waits_leaves_one_line_when_it_answers(prison: Prison, service: Service) -> None:
    ngata, weir = prison.hire("ngata", "officer", "A"), prison.receive("A4417KD")
    offices = prison.connect("offices", "events:read", "notes:read")
    log = Log(prison)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(offices.get, "/v1/events", after="now", wait=10, type="note.recorded")
        hub = service.app.state.parts.hub
        until(lambda: prison.code in hub._streams)
        note = ngata.note(weir)
        assert [e["data"]["id"] for e in waiting.result(10)["items"]] == [note["id"]]
    pulls = [one for one in log.new() if one["action"] == "events.pull"]
    assert [one["detail"]["count"] for one in pulls] == [1]


def until(holds: Callable[[], Any], seconds: float = 30) -> None:
    """Waits until it holds, for a while."""
    deadline = monotonic() + seconds
    while not holds():
        assert monotonic() < deadline, "it never came to be"
        sleep(0.005)


def test_a_feed_leaves_its_opening_and_its_end_with_the_first_and_last_sequence(prison: Prison) -> None:
    ngata, weir, here = prison.hire("ngata", "officer", "A"), prison.receive("A4417KD"), prison.code
    hartmann = prison.hire("hartmann", "officer", "A")
    head = ngata.pull()[0][-1]["sequence"]
    cursor = ngata.pull()[1]
    log = Log(prison)
    with ngata.feed(establishment=here, unit="A", after=cursor) as feed:
        assert feed.until_live() == []
        opened = {"after": cursor, "sequences": {here: head}}
        assert log.one() == line("feed.open", ngata, "officer", here, unit="A", detail=opened)
        hartmann.note(weir)
        assert feed.event()["sequence"] == head + 1
        assert log.one()["action"] == "notes.record", (
            "what is fed is between the two lines of the feed, not in lines of its own"
        )
    ended: list[Line] = []

    def seen() -> bool:
        ended.extend(log.new())
        return bool(ended)

    until(seen)
    closed = {"code": 1000, "sequences": {here: [head, head + 1]}}
    assert ended == [line("feed.close", ngata, "officer", here, unit="A", detail=closed)]


def test_a_browsers_feed_names_who_used_the_ticket(prison: Prison) -> None:
    ngata, here = prison.hire("ngata", "officer", "A"), prison.code
    log = Log(prison)
    ticket = ngata.post("/v1/feed/tickets", {})["ticket"]
    assert log.one() == line("feed.ticket", ngata, "officer", here)
    stranger = Caller(prison.service, "nobody", "")
    with stranger.feed(ticket=ticket, after="now") as feed:
        feed.until_live()
        used, opened = log.new()
        assert used == line("feed.ticket.use", ngata, None, here)
        assert (opened["action"], opened["actor"], opened["detail"]["after"]) == ("feed.open", ngata.name, "now")
    with pytest.raises(ConnectionClosed), stranger.feed(ticket=ticket) as feed:
        feed.frame()
    again = [one for one in log.new() if one["action"] != "feed.close"]
    assert again == [line("feed.ticket.use", None, None, None, outcome="FAILED")]
    assert ticket not in json.dumps(again)


# --- Coming in -------------------------------------------------------------------------------------------------------


def token(service: Service, **form: str) -> httpx.Response:
    """What the token endpoint answers."""
    return httpx.post(f"{service.url}/oauth/token", data=form, trust_env=False, verify=False)


def test_logging_in_failing_to_renewing_and_leaving_leave_their_lines(prison: Prison, service: Service) -> None:
    ngata, here = prison.hire("ngata", "officer", "A"), prison.code
    log, name = Log(prison), ngata.name
    assert token(service, grant_type="password", username=name, password=PASSWORD).status_code == 200
    assert log.one() == line("login", name, None, here, subject=name)
    assert token(service, grant_type="password", username=name, password="Sommer 2026").status_code == 400
    assert log.one() == line("login", name, None, here, subject=name, outcome="FAILED")
    assert token(service, grant_type="password", username="nobody.at.all", password="x").status_code == 400
    # Not written down: what is typed for a name may be a password.
    assert log.one() == line("login", None, None, None, outcome="FAILED", detail={"unknown": True})
    assert ngata.refresh is not None
    assert token(service, grant_type="refresh_token", refresh_token=ngata.refresh).status_code == 200
    renewed = log.one()
    grant = renewed.pop("subject")
    assert {**renewed, "subject": None} == line("login.refresh", name, None, here)
    assert token(service, grant_type="refresh_token", refresh_token=ngata.refresh).status_code == 400
    replayed = line("login.refresh", name, None, here, subject=grant, outcome="FAILED", detail={"replayed": True})
    assert log.one() == replayed, "a refresh token that comes twice was stolen"
    third = service.login(name)
    log.new()
    assert third.http.post("/oauth/revoke", data={"token": third.refresh}).status_code == 200
    left = log.one()
    assert {**left, "subject": None} == line("logout", name, None, here)


def test_another_systems_authentication_leaves_its_line(prison: Prison, service: Service) -> None:
    offices, log = prison.connect("offices", "notes:read"), Log(prison)
    form = {"grant_type": "client_credentials", "client_id": offices.name, "client_secret": "guessed"}
    assert token(service, **form).status_code == 401
    assert log.one() == line("login", offices.name, None, prison.code, subject=offices.name, outcome="FAILED")


def test_another_system_that_ends_a_token_leaves_its_line(prison: Prison, service: Service) -> None:
    ngata, log, name = prison.hire("ngata"), Log(prison), f"offices.{prison.code}".lower()
    secret = service.do(
        lambda uow: accounts.add_client(
            uow, service.hasher, name, name="Offices", scopes=["notes:read"], establishments=[prison.code]
        )
    )
    offices = service.authenticate(name, secret)
    log.new()
    proof = {"client_id": name, "client_secret": secret}
    assert revoke(service, token=offices.token, client_id=name, client_secret="guessed") == 401
    assert log.one() == line("login", name, None, prison.code, subject=name, outcome="FAILED")
    assert revoke(service, token=ngata.token, **proof) == 400
    theirs = log.one()
    assert {**theirs, "subject": None} == line("logout", name, None, prison.code, detail={"refused": "invalid_grant"})
    assert revoke(service, token=offices.token, **proof) == 200
    left = log.one()
    assert {**left, "subject": None} == line("logout", name, None, prison.code)
    assert revoke(service, token=offices.token, **proof) == 200, "once more is as good as done"


def revoke(service: Service, **form: str) -> int:
    """The status of what the revocation endpoint answers."""
    return httpx.post(f"{service.url}/oauth/revoke", data=form, trust_env=False, verify=False).status_code


def test_a_login_refused_for_its_scope_says_so(prison: Prison, service: Service) -> None:
    log = Log(prison)
    secret = service.do(
        lambda uow: accounts.add_client(
            uow, service.hasher, "greedy", name="Greedy", scopes=["notes:read"], establishments=[prison.code]
        )
    )
    assert log.one()["action"] == "clients.add"
    form = {"grant_type": "client_credentials", "client_id": "greedy", "client_secret": secret, "scope": "roster:write"}
    assert token(service, **form).status_code == 400
    found = line("login", "greedy", None, prison.code, subject="greedy", detail={"refused": "invalid_scope"})
    assert log.one() == found


def test_an_account_taken_away_still_leaves_a_line_when_its_token_is_tried(prison: Prison, service: Service) -> None:
    ngata, weir = prison.hire("ngata", "officer", "A"), prison.receive("A4417KD")
    note, elsewhere = ngata.note(weir), service.login(ngata.name)
    service.do(lambda uow: accounts.change_user(uow, ngata.name, active=False))
    log = Log(prison)
    ngata.get(f"/v1/notes/{note['id']}", 401)
    tried = log.one()
    assert (tried["actor"], tried["action"], tried["outcome"], tried["address"]) == (
        ngata.name,
        "token",
        "FAILED",
        HERE,
    )
    with pytest.raises(ConnectionClosed), elsewhere.feed() as feed:
        feed.frame()
    assert (log.one()["outcome"], log.new()) == ("FAILED", [])
    for _ in range(5):
        ngata.get(f"/v1/notes/{note['id']}", 401)
    assert log.new() == [], "one line a minute: nobody fills the log with a dead token"


def test_from_where_is_what_a_trusted_proxy_says(prison: Prison) -> None:
    ngata, log, there = prison.hire("ngata", "officer", "A"), Log(prison), {"X-Forwarded-For": "10.20.1.14"}
    assert ngata.http.get("/v1/notes", headers=there).status_code == 200
    for password in (PASSWORD, "Sommer 2026"):
        form = {"grant_type": "password", "username": ngata.name, "password": password}
        ngata.http.post("/oauth/token", data=form, headers=there)
    lines = log.new()
    assert [(line["action"], line["outcome"]) for line in lines] == [
        ("notes.list", "OK"),
        ("login", "OK"),
        ("login", "FAILED"),
    ]
    assert {line["address"] for line in lines} == {"10.20.1.14"}


def test_from_where_is_not_what_a_stranger_says(tmp_path: Path) -> None:
    running = Service(settings_for(embedded.copy(tmp_path / "store.sqlite3"), trusted_proxies="10.0.0.1"))
    try:
        prison = running.prison()
        ngata, log = prison.hire("ngata", "officer", "A"), Log(prison)
        assert ngata.http.get("/v1/notes", headers={"X-Forwarded-For": "10.20.1.14"}).status_code == 200
        assert log.one()["address"] == HERE
    finally:
        running.stop()


# --- Being refused ---------------------------------------------------------------------------------------------------


def test_a_denied_attempt_leaves_a_line_and_nothing_else(prison: Prison) -> None:
    ngata, weir, here = prison.hire("ngata", "officer", "A"), prison.receive("A4417KD"), prison.code
    brandt, visitor = prison.hire("brandt", "officer", "B"), prison.hire("visitor", "guest", "A")
    note = ngata.note(weir, needs=[{"code": "PHONE"}])
    log, subject = Log(prison), note["id"]
    denied = {"outcome": "DENIED"}
    brandt.get(f"/v1/notes/{subject}", 404)
    assert log.one() == line("notes.read", brandt, "officer", here, subject=subject, **denied)
    brandt.post(f"/v1/notes/{subject}/retractions", {"reason": "NOT_TRUE"}, 404)
    tried = {"reason": "NOT_TRUE"}
    assert log.one() == line("notes.retract", brandt, "officer", here, subject=subject, **denied, detail=tried)
    brandt.get(f"/v1/needs/{note['needs'][0]['id']}", 404)
    assert log.one() == line("needs.read", brandt, "officer", here, subject=note["needs"][0]["id"], **denied)
    visitor.get("/v1/inmates", 403)
    found = log.one()
    assert (found["action"], found["outcome"], found["actor"]) == ("inmates.list", "DENIED", visitor.name)
    brandt.put(f"/v1/inmates/{weir}", {"name": "Weir", "establishment": here, "unit": "B"}, 403)
    assert log.one() == line("inmates.put", brandt, "officer", here, unit="B", subject=weir, **denied)
    brandt.get("/v1/events", 404, establishment="ELSE")
    assert said(log.one()) == said(line("events.pull", brandt, "officer", "ELSE", **denied))
    with pytest.raises(ConnectionClosed), brandt.feed(establishment=here, unit="Z") as feed:
        feed.frame()
    assert log.one() == line("feed.open", brandt, "officer", here, unit="Z", **denied)
    assert ngata.get(f"/v1/notes/{subject}") == note


def test_what_is_refused_for_its_form_or_for_the_state_of_things_leaves_no_line(prison: Prison) -> None:
    ngata, weir = prison.hire("ngata", "officer", "A"), prison.receive("A4417KD")
    note = ngata.note(weir)
    ngata.post(f"/v1/notes/{note['id']}/retractions", {"reason": "DUPLICATE"})
    log = Log(prison)
    ngata.post("/v1/notes", {"inmate": weir, "basis": "SAW"}, 422)
    ngata.post("/v1/notes", {"inmate": weir, "basis": "SAW", "fact": "x", "change": "WORSER"}, 422)
    ngata.post("/v1/notes", {"inmate": "Z0000ZZ", "basis": "SAW", "fact": "x"}, 422)
    ngata.post(f"/v1/notes/{note['id']}/retractions", {"reason": "DUPLICATE"}, 409)
    ngata.get("/v1/notes", 422, limit=201)
    assert log.new() == []


def test_a_repeated_request_is_logged_as_one_and_names_what_was_answered_again(prison: Prison) -> None:
    ngata, weir = prison.hire("ngata", "officer", "A"), prison.receive("A4417KD")
    body, log = {"inmate": weir, "basis": "SAW", "change": "WORSE"}, Log(prison)
    for key in ("once", "k" * 255):
        first = ngata.http.post("/v1/notes", json=body, headers={"Idempotency-Key": key}).json()
        assert log.one()["action"] == "notes.record"
        again = ngata.http.post("/v1/notes", json=body, headers={"Idempotency-Key": key})
        assert (again.json(), again.headers["idempotency-replayed"]) == (first, "true")
        told = log.one()
        assert (told["action"], told["subject"], told["outcome"]) == ("answer.repeat", first["id"], "OK")


def test_a_strangers_long_or_broken_words_do_not_break_the_log(prison: Prison, service: Service) -> None:
    ngata, log = prison.hire("ngata", "officer", "A"), Log(prison)
    for username in ("n" * 5000, "nul\x00nul", "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), "ſtraße"):
        assert token(service, grant_type="password", username=username, password="x").status_code in (400, 429)
    for where in ({"unit": "x" * 5000}, {"unit": "a\x00b"}, {"establishment": "x" * 5000}, {"establishment": "a\x00"}):
        with pytest.raises(ConnectionClosed) as closed, ngata.feed(after="now", **where) as feed:
            feed.frame()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4403, where
    with pytest.raises(ConnectionClosed) as closed, ngata.feed(after="x" * 5000) as feed:
        feed.frame()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4409
    actions = [one["action"] for one in log.new()]
    assert actions.count("feed.open") == 4
    assert actions.count("login") >= 1


# --- When it is durable ----------------------------------------------------------------------------------------------


@contextmanager
def nobody_can_write(url: str) -> Iterator[None]:
    """Holds what every writer needs: of the embedded store its one lock, else the table of the lines."""
    engines = open_engines(url)
    with engines.write.connect() as conn:
        held = conn.begin()  # BEGIN IMMEDIATE on SQLite
        if not engines.embedded:
            conn.exec_driver_sql("LOCK TABLE access_lines IN SHARE MODE")
        yield
        held.rollback()
    engines.close()


def test_a_reading_is_not_answered_before_its_line_is_durable(prison: Prison, database_url: str) -> None:
    ngata, weir = prison.hire("ngata", "officer", "A"), prison.receive("A4417KD")
    note = ngata.note(weir)
    log = Log(prison)
    paths = [f"/v1/notes/{note['id']}", "/v1/notes", "/v1/events", "/v1/inmates"]
    with ThreadPoolExecutor(len(paths)) as pool:
        with nobody_can_write(database_url):
            answers = [pool.submit(ngata.get, path) for path in paths]
            assert not wait(answers, 0.5).done, "an answer left before its line could be written"
        assert all(answer.result(10) for answer in answers)
    assert sorted(one["action"] for one in log.new()) == ["events.pull", "inmates.list", "notes.list", "notes.read"]


def test_what_cannot_be_logged_is_not_shown_and_not_done(prison: Prison, database_url: str) -> None:
    ngata, weir = prison.hire("ngata", "officer", "A"), prison.receive("A4417KD")
    note = ngata.note(weir, fact="Says his brother is ill.")
    with without(database_url, "access_lines"):
        read = ngata.http.get(f"/v1/notes/{note['id']}")
        assert read.status_code in (500, 503)
        assert "brother" not in read.text
        assert ngata.http.post("/v1/notes", json={"inmate": weir, "basis": "SAW", "fact": "x"}).status_code in (
            500,
            503,
        )
    assert [n["id"] for n in ngata.all("/v1/notes")] == [note["id"]]


def test_a_change_that_is_rolled_back_leaves_no_line(prison: Prison, database_url: str) -> None:
    ngata, weir = prison.hire("ngata", "officer", "A"), prison.receive("A4417KD")
    log = Log(prison)
    with without(database_url, "events"):
        assert ngata.http.post("/v1/notes", json={"inmate": weir, "basis": "SAW", "fact": "x"}).status_code in (
            500,
            503,
        )
    assert [one["action"] for one in log.new() if one["action"] != "chain.open"] == []
    assert ngata.all("/v1/notes") == []
    ngata.note(weir)
    assert log.new()[-1]["action"] == "notes.record"


def test_the_database_itself_refuses_to_change_the_log(prison: Prison, database_url: str) -> None:
    prison.hire("ngata", "officer", "A")
    engines = open_engines(database_url)
    statements = [
        "UPDATE access_lines SET actor = 'somebody'",
        "UPDATE access_lines SET at = at",
        "DELETE FROM access_lines",
        *([] if engines.embedded else ["TRUNCATE access_lines"]),
    ]
    for statement in statements:
        with (
            engines.write.connect() as conn,
            pytest.raises(sa.exc.DBAPIError, match="access_lines is append-only"),
            conn.begin(),
        ):
            conn.exec_driver_sql(statement)
    engines.close()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_process_whose_transaction_stands_open_in_its_chain_keeps_no_other_waiting(
    prison: Prison, database_url: str
) -> None:
    ngata, weir = prison.hire("ngata", "officer", "A"), prison.receive("A4417KD")
    log = Log(prison)
    engines = open_engines(database_url)
    with engines.write.connect() as conn:
        held = conn.begin()
        opened = opening._open_chain(conn, an_opening(prison))
        accesslog.append(conn, opened, [an_opening(prison)])
        with ThreadPoolExecutor(2) as pool:
            note = pool.submit(ngata.note, weir).result(5)
            assert pool.submit(ngata.get, f"/v1/notes/{note['id']}").result(5) == note
        assert [one["action"] for one in log.new()] == ["notes.record", "notes.read"]
        held.commit()
    engines.close()
    assert sorted(one["action"] for one in log.new()) == ["chain.open", "x"]


def an_opening(prison: Prison) -> accesslog.Line:
    """A line of another process."""
    return prison.service.desk.line(Asker(None), "x")


# --- What is in it, and who sees it ----------------------------------------------------------------------------------

WORDS = [f"secretword{i}" for i in range(14)]


def test_no_line_holds_a_word_of_a_note(prison: Prison, service: Service) -> None:
    ngata, weir = prison.hire("ngata", "officer", "A"), prison.receive("A4417KD")
    w = iter(WORDS)
    need = {"code": "PHONE", "detail": next(w)}
    said_all = {"fact": next(w), "opinion": next(w), "confidence": "LOW", "if_then": next(w), "late_reason": next(w)}
    earlier = (service.clock() - timedelta(hours=3)).isoformat()
    with ngata.feed(after="now") as feed:
        feed.until_live()
        note = ngata.note(weir, occurred_at=earlier, needs=[need], **said_all)
        correction = {"reason": next(w), "note": {"basis": "SAW", "fact": next(w)}}
        newer = ngata.post(f"/v1/notes/{note['id']}/corrections", correction)
        ngata.post(f"/v1/notes/{newer['id']}/receipts", {"kind": "QUERY", "text": next(w)})
        change = {"status": "PASSED_ON", "owner": next(w), "outcome": next(w), "reason": next(w)}
        path = f"/v1/needs/{newer['needs'][0]['id']}"
        assert ngata.http.patch(path, json=change, headers={"If-Match": "*"}).status_code == 200
        moved = {"establishment": prison.code, "unit": "B", "reason": next(w)}
        prison.admin.post(f"/v1/inmates/{weir}/moves", moved)
        ngata.all("/v1/notes")
        ngata.all("/v1/needs")
        ngata.pull()
        ngata.post(f"/v1/notes/{newer['id']}/retractions", {"reason": "OTHER", "detail": next(w)})
        ngata.post("/v1/notes", {"inmate": weir, "basis": "SAW", "fact": next(w), "change": "WORSER"}, 422)
    quill = prison.hire("quill", "auditor")
    sealed = quill.get(f"/v1/notes/{newer['id']}")
    assert sealed["fact"] in WORDS
    with service.desk.store.engines.read.connect() as conn:
        rows = conn.exec_driver_sql("SELECT * FROM access_lines").all()
    assert len(rows) > 15
    assert [word for word in WORDS if word in str(rows)] == []
    assert PASSWORD not in str(rows)
    assert "hov_" not in str(rows)


def test_only_auditors_read_it_and_that_is_logged(prison: Prison) -> None:
    here, quill = prison.code, prison.hire("quill", "auditor")
    roles = ("officer", "supervisor", "governor", "health", "chaplain", "assessor", "admin", "guest")
    for role in roles:
        prison.service.login(prison.hire(f"some-{role}", role, "A").name).get("/v1/access-log", 403)
    every = ["notes:read", "notes:write", "needs:read", "events:read", "roster:read", "roster:write"]
    prison.connect("everything", *every).get("/v1/access-log", 403)
    tried = quill.get("/v1/access-log", action="access-log.list", limit=200)["items"]
    denied = {one["actor"] for one in tried if one["outcome"] == "DENIED" and one["establishment"] == here}
    assert denied == {f"some-{role}.{here}".lower() for role in roles} | {f"everything.{here}".lower()}
    quill.get("/v1/access-log", actor=f"some-guest.{here}".lower(), since="2026-01-01T00:00:00Z", limit=3)
    first = quill.get("/v1/access-log", actor=quill.name, limit=1)["items"][0]
    del first["at"], first["chain"], first["position"], first["hash"]
    filters = {"actor": f"some-guest.{here}".lower(), "since": "2026-01-01T00:00:00Z"}
    found = line("access-log.list", quill, "auditor", here, detail={"count": 2, "filter": filters})
    assert first == found


def test_an_auditor_sees_all_that_concerns_the_own_prison_and_nothing_of_others(
    prison: Prison, service: Service
) -> None:
    other = service.prison()
    ngata, weir = prison.hire("ngata", "officer", "A"), prison.receive("A4417KD")
    brandt, okoro = other.hire("brandt", "officer", "A"), other.receive("A7712TT")
    offices = prison.connect("offices", "events:read", "notes:read", establishments=[prison.code, other.code])
    note, elsewhere = ngata.note(weir), brandt.note(okoro)
    _, cursor = offices.pull(after="now")
    log = Log(prison)
    ngata.get("/v1/notes")
    brandt.get("/v1/notes")
    brandt.get(f"/v1/notes/{elsewhere['id']}")
    brandt.get(f"/v1/notes/{note['id']}", 404)
    service.login(brandt.name)
    with brandt.feed(after="now") as feed:
        feed.until_live()
    offices.get("/v1/notes")
    ngata.note(weir), brandt.note(okoro)
    offices.get("/v1/events", after=cursor)
    found = log.new()
    assert [(one["actor"], one["action"]) for one in found] == [
        (ngata.name, "notes.list"),
        (offices.name, "notes.list"),
        (ngata.name, "notes.record"),
        (offices.name, "events.pull"),
    ]
    assert found[1]["detail"]["people"] == [weir]
    assert found[3]["detail"]["people"] == [weir]
    assert list(found[3]["detail"]["sequences"]) == [prison.code]
    assert okoro not in json.dumps(found)
    assert other.code not in json.dumps([{**one, "detail": {**one["detail"], "after": None}} for one in found])
    mine = log.auditor.get("/v1/access-log", establishment=prison.code, limit=200)["items"]
    assert offices.name in {one["actor"] for one in mine}, (
        "what another system was given of this prison is this prison's"
    )
    assert log.auditor.get("/v1/access-log", establishment=other.code)["items"] == []


def test_an_auditor_finds_everybody_who_saw_something_of_one_person(prison: Prison) -> None:
    ngata, weir, okoro = prison.hire("ngata", "officer", "A"), prison.receive("A4417KD"), prison.receive("A7712TT")
    note = ngata.note(weir)
    ngata.note(okoro)
    quill = prison.hire("quill", "auditor")
    ngata.get(f"/v1/notes/{note['id']}")
    ngata.get("/v1/notes")
    ngata.get(f"/v1/inmates/{weir}")
    ngata.get(f"/v1/inmates/{okoro}")
    lines = quill.all("/v1/access-log", person=weir)
    assert [one["action"] for one in lines if one["actor"] == ngata.name] == [
        "inmates.read",
        "notes.list",
        "notes.read",
        "notes.record",
    ]


def test_the_log_is_paged_without_gaps_while_others_write(prison: Prison) -> None:
    ngata, quill = prison.hire("ngata", "officer", "A"), prison.hire("quill", "auditor")
    for _ in range(7):
        ngata.get("/v1/notes")
    pages: list[list[int]] = []
    cursor = None
    while len(pages) < 10:
        given: dict[str, Any] = {"cursor": cursor} if cursor else {}
        page = quill.get("/v1/access-log", actor=ngata.name, action="notes.list", limit=3, **given)
        pages.append([one["position"] for one in page["items"]])
        ngata.get("/v1/notes")
        cursor = page["next"]
        if cursor is None:
            break
    assert [len(page) for page in pages] == [3, 3, 1]
    positions = [position for page in pages for position in page]
    assert positions == sorted(set(positions), reverse=True)


def test_who_is_seldom_in_the_log_is_not_looked_for_in_all_of_it_at_once(
    prison: Prison, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    ngata, brandt, quill = (
        prison.hire("ngata", "officer", "A"),
        prison.hire("brandt", "officer", "A"),
        prison.hire("quill", "auditor"),
    )
    for who in (ngata, ngata, *[brandt] * 30, ngata, *[brandt] * 30):
        who.get("/v1/notes")
    wanted: dict[str, Any] = {"actor": ngata.name, "action": "notes.list"}
    whole = quill.all("/v1/access-log", **wanted)
    assert len(whole) == 3
    monkeypatch.setattr(accesslog, "AT_MOST", 10)
    page = quill.get("/v1/access-log", **wanted)
    assert (page["items"], bool(page["next"])) == ([], True)
    assert quill.all("/v1/access-log", **wanted) == whole
    assert quill.all("/v1/access-log", **wanted, limit=1) == whole
    assert quill.all("/v1/access-log", **wanted, since=whole[0]["at"]) == whole[:1]
    elsewhere = service.prison().hire("osei", "officer", "A")
    own = quill.all("/v1/access-log")
    for _ in range(30):  # another prison fills the log that both are in
        elsewhere.get("/v1/notes")
    page = quill.get("/v1/access-log", limit=5)
    assert (page["items"][1:], bool(page["next"])) == ([], True)
    assert [line for line in quill.all("/v1/access-log") if line["at"] <= own[0]["at"]] == own
    if service.desk.store.engines.embedded:  # so small a table a server reads as it is
        named = {"actor": ngata.name}

        def find(conn: Connection) -> None:
            until = accesslog.reach(conn, None, None)
            accesslog.find(conn, [prison.code], dict(named), None, None, until, 50)

        assert all(one.rows < 60 for one in looked_at(service.desk.store.engines, find))


def test_accounts_made_on_the_server_are_logged_with_the_operators_name(prison: Prison, service: Service) -> None:
    log = Log(prison)
    service.do(lambda uow: accounts.change_user(uow, prison.admin.name, name="The Admin"))
    changed = log.one()
    assert (changed["actor"], changed["actor_role"], changed["action"], changed["subject"]) == (
        "operator",
        "operator",
        "accounts.change",
        prison.admin.name,
    )
