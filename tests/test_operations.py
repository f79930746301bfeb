"""What whoever runs the service relies on: alive and ready, metrics, a log that gives nobody away, an orderly stop, and
a page that tells all of it."""

import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from select import PIPE_BUF
from time import monotonic
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
from typer.testing import CliRunner, Result
from websockets.exceptions import ConnectionClosed

from handover.api import middleware
from handover.cli import command
from handover.clock import now
from handover.domain.access import operator
from handover.logs import configure_logging, tell
from handover.schemas.roster import EstablishmentDraft
from handover.services import notes, opening, roster
from handover.services.metrics import Metrics
from handover.services.unit_of_work import Asker, UnitOfWork
from handover.settings import Settings
from handover.store import engine
from handover.store.roster import all_codes
from tests.support import debian, postgres
from tests.support.outages import at_it, away, no_room_for_new, outcome, without
from tests.support.processes import handover, office, serving
from tests.support.readers import eventually
from tests.support.service import PASSWORD, Feed, Prison, Service, settings_for

PAGE = Path(__file__).parents[1] / "docs" / "operations.md"
REQUEST_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.fixture
def web(service: Service) -> Iterator[httpx.Client]:
    """Anybody's client."""
    with httpx.Client(base_url=service.url, trust_env=False, verify=False, timeout=40) as client:
        yield client


def sample(web: httpx.Client, name: str, **labels: str) -> float:
    """One value out of the metrics; 0 where it was never counted."""
    text = web.get("/metrics").text
    wanted = name + ("{" + ",".join(f'{k}="{v}"' for k, v in labels.items()) + "}" if labels else "")
    found = re.search(rf"^{re.escape(wanted)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


# --- Alive, ready, measured ------------------------------------------------------------------------------------------


def test_it_says_that_it_is_alive_and_ready(web: httpx.Client) -> None:
    assert (web.get("/healthz").status_code, web.get("/healthz").text) == (200, "alive\n")
    assert (web.get("/readyz").status_code, web.get("/readyz").text) == (200, "ready\n")


def test_without_its_store_it_is_alive_and_not_ready_and_says_so_soon(web: httpx.Client, database_url: str) -> None:
    with away(database_url):
        began = monotonic()
        answer = web.get("/readyz")
        assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")
        assert int(answer.headers["retry-after"]) > 0
        assert monotonic() - began < 5, "a probe gives up before that"
        assert web.get("/healthz").status_code == 200
    assert web.get("/readyz").status_code == 200


def test_the_metrics_tell_of_commits_feeds_and_lag_and_of_nobody(prison: Prison, web: httpx.Client) -> None:
    ngata, weir = prison.hire("ngata", "officer", "A"), prison.receive("A4417KD")
    commits = sample(web, "handover_commit_seconds_count")
    lags = sample(web, "handover_feed_lag_seconds_count")
    recorded = sample(web, "handover_requests_total", method="POST", route="/v1/notes", status="201")
    with ngata.feed(after="now") as feed:
        feed.until_live()
        assert sample(web, "handover_feeds_open") == 1
        ngata.note(weir)
        feed.event()
        assert sample(web, "handover_feed_lag_seconds_count") == lags + 1
        assert sample(web, "handover_feed_behind_events") == 0, "this feed has had everything"
    assert sample(web, "handover_commit_seconds_count") > commits
    assert sample(web, "handover_requests_total", method="POST", route="/v1/notes", status="201") == recorded + 1
    ngata.get(f"/v1/inmates/{weir}")
    web.get("/nothing/here")
    text = web.get("/metrics").text
    assert 'route="/v1/inmates/{number}"' in text
    assert 'route="none"' in text
    for name in (weir, "ngata", prison.code, "nothing"):
        assert name not in text


def test_a_client_that_hangs_up_in_the_middle_is_no_bug_of_ours(
    service: Service, web: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    bugs: list[Any] = []
    monkeypatch.setattr(middleware.log, "error", lambda *said, **more: bugs.append((said, more)))
    host, _, port = service.url.removeprefix("http://").partition(":")
    kinds = {"/v1/notes": "application/json", "/oauth/token": "application/x-www-form-urlencoded"}
    told = {"method": "POST", "route": "none", "status": "499"}  # nobody looked yet at what it asks
    for path, kind in kinds.items():
        before = sample(web, "handover_requests_total", **told)
        with socket.create_connection((host, int(port)), 10) as line:
            line.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\n".encode())
            line.sendall(b"Content-Length: 50\r\n\r\n{")
        eventually(lambda: sample(web, "handover_requests_total", **told) == before + 1)  # noqa: B023 - waited for here
    assert bugs == []


def test_what_was_asked_is_logged_by_those_who_want_it_in_whole_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [{"id": f"{n:032x}", "method": "GET", "route": "/v1/notes", "status": 200, "ms": 1.5} for n in range(200)]
    for level, expected in (("WARNING", []), ("INFO", asked)):
        writes: list[bytes] = []
        error = SimpleNamespace(write=writes.append, flush=lambda: None)
        try:
            configure_logging(level)
            with monkeypatch.context() as patched:
                patched.setattr(sys, "stderr", SimpleNamespace(buffer=error))
                tell("request", asked)
        finally:
            configure_logging("ERROR")
        told = [json.loads(line) for line in b"".join(writes).splitlines()]
        assert [{name: line[name] for name in asked[0]} for line in told] == expected
        assert all(len(write) <= PIPE_BUF and write.endswith(b"\n") for write in writes if write), (
            "workers share a pipe"
        )


def test_a_closed_feed_is_no_longer_counted_and_its_end_is(prison: Prison, web: httpx.Client) -> None:
    ngata = prison.hire("ngata", "officer", "A")
    closed = sample(web, "handover_feeds_closed_total", code="1000")
    with ngata.feed(after="now") as feed:
        feed.until_live()
    eventually(lambda: sample(web, "handover_feeds_closed_total", code="1000") != closed)
    eventually(lambda: sample(web, "handover_feeds_open") == 0)
    with pytest.raises(ConnectionClosed), ngata.feed(establishment="ELSE") as feed:
        feed.frame()
    assert sample(web, "handover_feeds_closed_total", code="4403") >= 1


# --- What every answer has in common ---------------------------------------------------------------------------------


def test_every_answer_carries_its_request_id_and_a_refusal_is_quoted_by_it(prison: Prison, web: httpx.Client) -> None:
    ngata = prison.hire("ngata", "officer", "A")
    answers = [
        web.get("/healthz"),
        web.get("/docs"),
        web.get("/docs/assets/swagger-ui.css"),
        web.get("/nothing"),
        web.delete("/v1/notes"),
        web.get("/v1/notes"),
        web.post("/oauth/token", content=b"x"),
        ngata.http.get("/v1/notes"),
        ngata.http.post("/v1/notes", json={}),
        ngata.http.post("/v1/notes", content=b"x" * 70_000),
        ngata.http.post("/v1/notes", json={"basis": "SAW", "change": "WORSE", "inmate": "A0000AA"}),
    ]
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert all(REQUEST_ID.fullmatch(one) for one in ids)
    assert len(set(ids)) == len(ids)
    for answer, one in zip(answers, ids, strict=True):
        assert "server" not in answer.headers
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["instance"] == f"urn:uuid:{one}"


def test_a_bug_is_answered_like_everything_else_and_the_connection_goes_on(
    prison: Prison, monkeypatch: pytest.MonkeyPatch
) -> None:
    ngata, weir = prison.hire("ngata", "officer", "A"), prison.receive("A4417KD")
    note = ngata.note(weir, fact="Says his brother is ill.")

    def bug(uow: UnitOfWork, _what: Any) -> Any:
        uow.conn.exec_driver_sql("SELECT FROM notes, WHERE fact = 'brother'")

    for name, ask in (
        ("get", lambda: ngata.http.get(f"/v1/notes/{note['id']}")),
        ("record", lambda: ngata.http.post("/v1/notes", json={"inmate": weir, "basis": "SAW", "fact": "His brother."})),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(notes, name, bug)
            answer = ask()
        assert answer.status_code in (500, 503)  # the embedded store has but one name for all that it cannot do
        told = answer.json()
        assert told["instance"] == f"urn:uuid:{answer.headers['x-request-id']}"
        assert not re.search("brother|SELECT|INSERT|notes|Traceback", json.dumps(told)), told
    ngata.get(f"/v1/notes/{note['id']}")


def test_head_is_get_without_a_body(prison: Prison, web: httpx.Client) -> None:
    ngata, weir = prison.hire("ngata", "officer", "A"), prison.receive("A4417KD")
    note = ngata.note(weir)
    paths = ["/healthz", "/readyz", "/docs", "/openapi.json", "/docs/assets/swagger-ui.css", "/v1/notes", "/nothing"]
    paths.append("/v1/events?limit=1")
    for path in [*paths, f"/v1/notes/{note['id']}", f"/v1/inmates/{weir}", "/v1/codelists/basis"]:
        full, head = ngata.http.get(path), ngata.http.head(path)
        assert (head.status_code, head.content) == (full.status_code, b""), path
        for name in ("content-type", "content-length", "etag"):
            assert head.headers.get(name) == full.headers.get(name), (path, name)


def test_a_method_that_is_not_there_is_told_which_are(prison: Prison, web: httpx.Client) -> None:
    ngata = prison.hire("ngata", "officer", "A")
    allowed = {
        "/v1/notes": "GET, HEAD, POST",
        f"/v1/notes/{'0' * 8}-0000-7000-8000-{'0' * 12}": "GET, HEAD",
        "/v1/inmates/A4417KD": "GET, HEAD, PUT",
        f"/v1/needs/{'0' * 8}-0000-7000-8000-{'0' * 12}": "GET, HEAD, PATCH",
        "/oauth/token": "POST",
        "/healthz": "GET, HEAD",
        "/metrics": "GET, HEAD",
        "/docs": "GET, HEAD",
        "/openapi.json": "GET, HEAD",
    }
    for path, methods in allowed.items():
        for client in (web, ngata.http):
            for method in ("DELETE", "OPTIONS", "TRACE"):
                answer = client.request(method, path)
                assert (answer.status_code, answer.headers.get("allow")) == (405, methods), (method, path)
                assert answer.json()["type"] == "/problems/method"


def test_an_address_with_a_slash_too_many_is_another_address(prison: Prison, web: httpx.Client) -> None:
    ngata = prison.hire("ngata", "officer", "A")
    for path in ("/v1/notes/", "/v1/me/", "/healthz/", "/docs/", "//v1/notes", "/V1/notes"):
        assert ngata.http.get(path).status_code == 404, path
    assert ngata.http.post("/v1/notes/", json={"basis": "SAW", "fact": "x"}).status_code == 404


# --- The documentation's page ----------------------------------------------------------------------------------------


class Addresses(HTMLParser):
    """What a page makes a browser load."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, _tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collects them."""
        self.found += [value for name, value in attrs if name in ("src", "href") and value]


def test_the_documentation_needs_nothing_from_outside(web: httpx.Client) -> None:
    page = web.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    addresses = Addresses()
    addresses.feed(page.text)
    assert len(addresses.found) >= 3
    scripted = re.findall(r"""["'](https?:)?//[^"']+["']""", page.text)
    assert scripted == []
    assert "validator.swagger.io" not in page.text
    for address in [*addresses.found, "/openapi.json"]:
        assert urlsplit(address).netloc == "", address
        answer = web.get(address)
        assert (answer.status_code, len(answer.content) > 500) == (200, True), address
    css = web.get("/docs/assets/swagger-ui.css").text
    assert not re.search(r"(@import|url\(\s*[\"']?(https?:)?//)", css)
    assert web.get("/docs/assets/../../../settings.py").status_code == 404


# --- A server of its own ---------------------------------------------------------------------------------------------


def test_a_servers_life_its_log_and_its_end(database_url: str, tmp_path: Path) -> None:
    """One server, from its start to SIGTERM with open feeds: what it printed on the way gives nobody's words away."""
    words = [f"secretword{i}" for i in range(8)]
    w = iter(words)
    with (
        ExitStack() as stack,
        serving(database_url, tmp_path / "log", LOG_LEVEL="DEBUG", POLL_S="0.3") as server,
        office(database_url, server.url) as keeper,
    ):
        prison = keeper.prison()
        ngata, weir = prison.hire("ngata", "officer", "A"), prison.receive("A4417KD")
        feeds = [stack.enter_context(ngata.feed(after="now")) for _ in range(5)]
        for feed in feeds:
            feed.until_live()
        note = ngata.note(weir, fact=next(w), opinion=next(w), needs=[{"code": "PHONE", "detail": next(w)}])
        for feed in feeds:
            assert feed.event()["data"]["id"] == note["id"]
        ngata.get("/v1/notes", q=next(w))
        ngata.post("/v1/notes", {"inmate": weir, "basis": "SAW", "fact": next(w), "change": "WORSER"}, 422)
        ngata.http.post("/v1/notes", content=next(w).encode())
        httpx.get(
            f"{server.url}/v1/notes",
            headers={"Authorization": "Bearer hov_access_stolen"},
            trust_env=False,
            verify=False,
        )
        with socket.create_connection(("127.0.0.1", server.port)) as garbage:
            garbage.sendall(b"\x16\x03\x01\x00 not HTTP at all\r\n\r\n")
            garbage.recv(1000)
        for table in ("notes", "access_lines"):
            with without(database_url, table):
                last = next(w)
                answer = ngata.http.post("/v1/notes", json={"inmate": weir, "basis": "SAW", "fact": last})
                assert answer.status_code in (500, 503)
        bug = answer.headers["x-request-id"]
        waiting = stack.enter_context(
            httpx.Client(base_url=server.url, trust_env=False, verify=False, headers=ngata.http.headers)
        )
        slow = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
        slow.sendall(b"GET /v1/events?after=now&wait=30 HTTP/1.1\r\nHost: x\r\n")
        slow.sendall(f"Authorization: Bearer {ngata.token}\r\n\r\n".encode())
        assert waiting.get("/v1/me").status_code == 200
        took = server.stop()
        assert took < 2, f"the stop took {took:.1f} s"
        for feed in feeds:
            assert {frame["type"] for frame in rest(feed)} <= {"event", "heartbeat"}
            assert feed.socket.close_code == 1001
        assert b"200 OK" in slow.recv(10_000), "whoever waits is answered, not cut off"
        lines = keeper.desk.store.read(
            lambda conn: conn.exec_driver_sql("SELECT actor, action, detail FROM access_lines ORDER BY at").all()
        ).result()

    ended = [
        json.loads(detail)["code"] for actor, action, detail in lines if (actor, action) == (ngata.name, "feed.close")
    ]
    assert ended == [1001] * 5
    assert [action for _, action, _ in lines][-1] == "server.stop"

    text = (tmp_path / "log").read_text()
    printed = [json.loads(line) for line in text.splitlines()]
    for one in printed:
        assert datetime.fromisoformat(one["timestamp"]).utcoffset() is not None
        assert {"event", "level"} <= set(one), one
    assert (printed[0]["event"], printed[0]["address"]) == ("serving", f"127.0.0.1:{server.port}")
    assert {one["status"] for one in printed if one["event"] == "request"} >= {200, 201, 401, 422}
    assert any(one.get("id") == bug and one["event"] != "request" for one in printed) or "cannot write" in text
    assert [word for word in words if word in text] == []
    assert "hov_" not in text
    assert PASSWORD not in text
    assert weir not in text


def rest(feed: Feed) -> list[dict[str, str]]:
    """What a feed still says until it ends."""
    frames = []
    with suppress(ConnectionClosed):
        while True:
            frames.append(feed.frame())
    return frames


def test_a_note_that_a_stop_does_not_wait_for_is_refused_in_words_and_kept_once(
    database_url: str, tmp_path: Path
) -> None:
    """Another program is at the store when the operator stops the service: officer Ngata's note waits for it."""
    with (
        ThreadPoolExecutor(2) as pool,
        serving(database_url, tmp_path / "log", STOP_S="0.3") as server,
        office(database_url, server.url) as keeper,
    ):
        prison = keeper.prison()
        ngata, weir = prison.hire("ngata", "officer", "A"), prison.receive("A4417KD")

        def post() -> httpx.Response:
            body = {"inmate": weir, "basis": "SAW", "fact": "Sat apart at breakfast."}
            return ngata.http.post("/v1/notes", json=body, headers={"Idempotency-Key": "breakfast"})

        with at_it(database_url):
            posted = pool.submit(post)
            assert eventually(lambda: sample(ngata.http, "handover_writer_wait_seconds")), "it is with the writer"
            stopped = pool.submit(server.stop)
            answer = posted.result(10)
        stopped.result(10)
        assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")
        assert int(answer.headers["retry-after"]) > 0
        assert "Traceback" not in (tmp_path / "log").read_text()
        server.start()
        assert post().status_code == 201
        assert [note["fact"] for note in ngata.all("/v1/notes")] == ["Sat apart at breakfast."]


def test_the_stop_is_orderly_also_by_control_c(tmp_path: Path) -> None:
    with serving(f"sqlite:///{tmp_path}/store.sqlite3", tmp_path / "log") as server:
        assert server.process is not None
        server.process.send_signal(2)
        assert server.process.wait(5) in (0, 130)
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_a_port_that_is_taken_is_told_in_words(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = handover("serve", "--port", port, database_url=f"sqlite:///{tmp_path}/store.sqlite3")
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert f"Cannot listen on 127.0.0.1:{port}" in done.stderr


def test_an_address_that_is_not_this_machines_is_told_apart_from_a_port_that_is_taken(tmp_path: Path) -> None:
    done = handover("serve", "--host", "192.0.2.1", database_url=f"sqlite:///{tmp_path}/store.sqlite3")
    assert (done.returncode, done.stderr.count("another address: --host or HANDOVER_HOST")) == (2, 1)


# --- The embedded store's file ---------------------------------------------------------------------------------------


def test_the_embedded_store_is_served_by_one_process(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.sqlite3"
    with serving(url, tmp_path / "log") as server:
        done = handover("serve", "--port", "0", database_url=url)
        assert (done.returncode, "Another process serves" in done.stderr) == (1, True), done.stderr
        assert handover("user", "list", database_url=url).returncode == 0, "commands run beside it"
        server.kill()
        server.start()  # what a process held went with it


@pytest.mark.parametrize("url", ["sqlite:///:memory:", "sqlite://", "sqlite:x"])
def test_an_address_that_names_no_file_is_refused_in_words_and_leaves_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = typed("serve", DATABASE_URL=url, PORT="0")
    assert (done.exit_code, "sqlite:///" in done.stderr) == (1, True), (done.stderr, done.exception)
    assert list(tmp_path.iterdir()) == []


def test_a_command_that_finds_no_store_says_that_it_makes_one(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/mistyped.sqlite3"
    first, second = (handover("user", "list", database_url=url) for _ in range(2))
    assert (
        first.stderr == f"There was no store at {tmp_path}/mistyped.sqlite3: a new one, with nothing in it, is made.\n"
    )
    assert (second.returncode, second.stderr) == (0, "")


def test_a_store_whose_file_was_taken_away_is_not_ready(tmp_path: Path) -> None:
    file = tmp_path / "store.sqlite3"
    with serving(f"sqlite:///{file}", tmp_path / "log") as server:
        ready = f"{server.url}/readyz"
        assert httpx.get(ready, trust_env=False, verify=False).status_code == 200
        file.rename(tmp_path / "elsewhere.sqlite3")
        gone = httpx.get(ready, trust_env=False, verify=False)
        (tmp_path / "elsewhere.sqlite3").rename(file)
        assert (gone.status_code, str(file) in gone.json()["detail"]) == (503, True)
        assert httpx.get(ready, trust_env=False, verify=False).status_code == 200


def test_a_store_on_a_full_disk_is_not_ready(
    service: Service, web: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    if service.desk.store.engines.file is None:
        return  # a server knows of its own disk
    monkeypatch.setattr(engine, "disk_usage", lambda _path: SimpleNamespace(free=engine.ROOM - 1))
    assert "no room left" in web.get("/readyz").json()["detail"]
    monkeypatch.undo()
    assert web.get("/readyz").status_code == 200


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_server_whose_disk_has_no_room_for_what_is_new_is_not_ready(
    prison: Prison, web: httpx.Client, database_url: str
) -> None:
    ngata = prison.hire("ngata", "officer", "A")
    note = {"basis": "SAW", "unit": "A", "fact": "x"}
    with no_room_for_new(database_url, "access_lines"):
        assert outcome(ngata.http.post("/v1/notes", json=note)) == (503, True)
        for _ in range(3):
            assert outcome(web.get("/readyz")) == (503, True)
    assert web.get("/readyz").status_code == 200
    assert ngata.http.post("/v1/notes", json=note).status_code == 201


def test_a_store_that_cannot_be_written_stops_the_start_in_words(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.sqlite3"
    assert handover("migrate", database_url=url).returncode == 0
    with closing(sqlite3.connect(tmp_path / "store.sqlite3")) as conn:
        conn.execute("CREATE TRIGGER full BEFORE INSERT ON access_lines BEGIN SELECT RAISE(ABORT, 'full'); END")
    done = handover("serve", "--port", "0", database_url=url)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False), done.stderr


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"not a database, but long enough to be looked at" * 40, "names the right file"), (None, "nothing behind it")],
)
def test_a_store_that_cannot_be_opened_is_told_with_its_file_and_what_to_do(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    file = tmp_path / "store.sqlite3"
    if content is not None:
        file.write_bytes(content)
    done = typed("serve", DATABASE_URL=f"sqlite:///{file}" + ("" if content else "?mode=ro&uri=true"))
    assert (done.exit_code, said in done.stderr) == (1, True), done.stderr
    assert content is None or str(file) in done.stderr


def test_what_a_command_logs_does_not_spoil_what_it_answers() -> None:
    url = postgres.create_database()
    assert handover("migrate", database_url=url).returncode == 0
    with psycopg.connect(url) as conn:
        conn.execute("UPDATE alembic_version SET version_num = '9999'")
    done = handover("user", "list", "--json", database_url=url, LOG_LEVEL="INFO")
    postgres.drop_database(url)
    assert (done.stdout, done.returncode) == ("", 0)
    assert json.loads(done.stderr)["event"].startswith("the store is of a newer release")


# --- The page's own commands -----------------------------------------------------------------------------------------


def written(before: str) -> str:
    """The first commands on the page after these words."""
    found = re.search(re.escape(before) + ".*?^```sh\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


AGE = """\
#!/bin/sh
while getopts r:i:o:d option; do [ $option = o ] && out=$OPTARG; done
shift $((OPTIND - 1))
[ "${BACKUP_KEY-}" != wrong ] || { echo begun > "$out"; exit 1; }
cp "$1" "$out"
"""


def test_the_page_backs_up_and_restores_a_store(tmp_path: Path) -> None:
    debian.needed("sqlite3", lambda: shutil.which("sqlite3"), "sqlite3")
    home, programs, settings = tmp_path / "home", tmp_path / "bin", tmp_path / "handover.env"
    home.mkdir()
    programs.mkdir()
    (programs / "age").write_text(AGE)
    (programs / "age").chmod(0o755)
    url = f"sqlite:///{home / 'handover.sqlite3'}"
    settings.write_text(f'HANDOVER_DATABASE_URL="{url}"\n')

    def run(text: str, **more: str) -> subprocess.CompletedProcess[str]:
        for there, here in (("/var/lib/handover", home), ("/etc/handover.env", settings)):
            text = text.replace(there, str(here))
        path = f"{programs}:{os.environ['PATH']}"
        return subprocess.run(
            ["bash", "-c", text], env={"PATH": path, **more}, capture_output=True, text=True, check=False
        )

    desk = opening.open_desk(settings_for(url), now)  # the service runs meanwhile
    desk.do(Asker(operator("operator", {"ALM", "BXI"})), lambda uow: found(uow, "ALM"))
    failed = run(written("**Backup**"), BACKUP_KEY="wrong")
    assert failed.returncode != 0
    assert [one.name for one in home.iterdir() if not one.name.startswith("handover.sqlite3")] == []
    done = run(written("**Backup**"), BACKUP_KEY="age1")
    assert (done.returncode, done.stderr) == (0, "")
    [backup] = [one for one in home.iterdir() if not one.name.startswith("handover.sqlite3")]
    assert backup.stat().st_mode & 0o777 == 0o600
    desk.do(Asker(operator("operator", {"ALM", "BXI"})), lambda uow: found(uow, "BXI"))
    desk.store.close()
    (home / "handover.sqlite3-wal").touch()
    done = run(written("**Restore**"), KEY_FILE="key.txt", BACKUP=str(backup))
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(one.name for one in home.iterdir()) == sorted([backup.name, "before", "handover.sqlite3"])
    assert (home / "handover.sqlite3").stat().st_mode & 0o777 == 0o600
    assert typed("audit", "verify", DATABASE_URL=url).exit_code == 0
    assert json.loads(typed("restored", "--json", DATABASE_URL=url).stdout) == {"restored": True}
    desk = opening.open_desk(settings_for(url), now)
    assert desk.store.read(all_codes).result() == ["ALM"]
    desk.store.close()


def found(uow: UnitOfWork, code: str) -> None:
    """Sets up an establishment."""
    roster.put_establishment(uow, code, EstablishmentDraft(name=f"HMP {code}", timezone="Europe/London"))


# --- The database's machines -----------------------------------------------------------------------------------------


def test_a_machines_files_are_written_or_it_is_told_in_words_why_not(tmp_path: Path) -> None:
    top = PAGE.parents[1]
    cluster = tmp_path / "cluster.toml"
    whole = (top / "deploy/cluster.toml").read_text()

    def rendered(node: str, here: Path) -> subprocess.CompletedProcess[str]:
        words: list[str | Path] = [sys.executable, top / "deploy/render.py", cluster, node, here]
        return subprocess.run(words, capture_output=True, text=True, check=False)

    blocked = tmp_path / "a file"
    blocked.touch()
    for text, node, here, words in (
        (None, "a", tmp_path / "a", "cluster.toml: No such file"),
        ("[ports", "a", tmp_path / "a", "cannot be read"),
        ("x = 1", "a", tmp_path / "a", "does not say 'nodes'"),
        (whole, "z", tmp_path / "z", "names no node z; there are a, b, c."),
        (whole, "a", blocked / "a", "Not a directory"),
    ):
        if text is not None:
            cluster.write_text(text)
        done = rendered(node, here)
        assert (done.returncode, words in done.stderr) == (1, True), done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert list(tmp_path.glob("*/*")) == []
    done = rendered("a", tmp_path / "a")
    assert (done.returncode, done.stderr) == (0, "")
    assert list((tmp_path / "a").iterdir())


# --- Settings --------------------------------------------------------------------------------------------------------


def typed(*words: str, **settings: str) -> Result:
    """Types a command of the server's."""
    return CliRunner().invoke(command(words), list(words), env={f"HANDOVER_{k}": v for k, v in settings.items()})


def test_a_program_is_refused_in_json(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store'}"
    assert handover("client", "list", "--json", database_url=url).returncode == 0
    adding = ("client", "add", "x", "--scope", "events:read", "--establishment")
    for words, code, kind, about in (
        (("client", "revoke", "nobody"), 1, "refused", "nobody"),
        ((*adding, "A/B"), 2, "usage", "establishment"),
        (("client", "add", "x"), 2, "usage", "--scope"),
    ):
        told = handover(*words, "--json", database_url=url)
        assert (told.returncode, told.stdout) == (code, "")
        said = json.loads(told.stderr)
        assert (set(said), said["error"], about in said["detail"]) == ({"error", "detail"}, kind, True)
        assert not handover(*words, database_url=url).stderr.startswith("{")


def test_a_setting_that_cannot_be_used_is_told_with_its_name(tmp_path: Path) -> None:
    wrong = {"PORT": "http", "HEARTBEAT_S": "60", "LOG_LEVEL": "LOUD", "BATCH": "0", "STOP_S": "nan", "HOST": ""}
    endless = {"TIMERS_S": "inf", "POLL_S": "inf", "QUEUE_S": "1e9", "FEED_SEND_S": "inf", "STOP_S ": "inf"}
    large = {
        "REFRESH_TOKEN_S": "9999999999999",
        "ACCESS_TOKEN_S": "100000000000000000000",
        "ARGON2_MEMORY_KIB": "9" * 9,
    }
    proxies = {"TRUSTED_PROXIES": "10.0.0.0/8,garbage", "TRUSTED_PROXIES ": "1.2.3.400/99"}
    for name, value in {**wrong, **endless, **large, **proxies, "PORT ": "70000", "ARGON2_TIME_COST": "9" * 12}.items():
        done = typed("serve", DATABASE_URL=f"sqlite:///{tmp_path}/x.sqlite3", **{name.strip(): value})
        assert (done.exit_code, f"HANDOVER_{name.strip()}" in done.stderr) == (2, True), (name, done.stderr)
    assert list(tmp_path.iterdir()) == []


def test_proxies_may_be_addresses_networks_or_none() -> None:
    for told in ("", "*", "127.0.0.1, 10.1.2.3/8", "::1,fd00::/8"):
        assert Settings(trusted_proxies=told).trusted_proxies == told


def test_the_page_for_operators_lists_every_setting_as_it_is() -> None:
    rows = re.findall(r"^\| `(HANDOVER_\w+)` \| (.*?) \| (.*) \|$", PAGE.read_text(), re.MULTILINE)
    listed = {name: (default, told) for name, default, told in rows}
    assert len(listed) == len(rows)
    fields = {f"HANDOVER_{name.upper()}": field for name, field in Settings.model_fields.items()}
    assert list(listed) == list(fields)
    for name, field in fields.items():
        default, told = listed[name]
        assert told == field.description, name
        if field.default_factory is None:
            assert default == f"`{field.default}`", name


def test_no_setting_is_without_effect() -> None:
    source = "\n".join(
        file.read_text() for file in (PAGE.parents[1] / "src").rglob("*.py") if file.name != "settings.py"
    )
    dead = [name for name in Settings.model_fields if not re.search(rf"settings\.{name}\b", source)]
    assert dead == []


def test_the_page_for_operators_names_every_metric_and_only_commands_there_are() -> None:
    page = PAGE.read_text()
    metrics = re.findall(r"^# TYPE (\w+)", Metrics().text().decode(), re.MULTILINE)
    assert set(re.findall(r"`(handover_\w+)`", page)) == {name for name in metrics if not name.endswith("_created")}
    commands = {words.strip() for words in re.findall(r"^handover ((?:[a-z]+ ?)+)", page, re.MULTILINE)}
    assert {"migrate", "audit verify", "audit export"} <= commands
    for words in commands | set(re.findall(r"`handover ([a-z]+) --help`", page)):
        assert typed(*words.split(), "--help").exit_code == 0, words
    assert len(page.splitlines()) <= 280
