"""The board's own addresses: the page and its files, and a login whose keys no script can read."""

import gzip
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from handover.board import statics, words
from handover.languages import ENGLISH
from tests.support.service import PASSWORD, Caller, Prison, Service

SAME = {"Sec-Fetch-Site": "same-origin"}
SESSION = "/board/session"
SOURCE = Path(__file__).parent.parent / "src/handover/board"


@pytest.fixture
def web(service: Service) -> Iterator[httpx.Client]:
    """A browser that nobody has logged in at."""
    with httpx.Client(base_url=service.url, trust_env=False, headers=SAME) as client:
        yield client


def log_in(web: httpx.Client, who: Caller) -> dict[str, str]:
    """Logs in; answers what the page's script gets."""
    answer = web.post(SESSION, json={"username": who.name, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    told: dict[str, str] = answer.json()
    return told


def test_the_servers_name_leads_to_the_board(web: httpx.Client) -> None:
    assert web.get("/").headers["location"] == "/board"
    page = web.get("/board")
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    assert web.get("/docs").status_code == 200


def test_its_addresses_say_what_one_can_do_there(web: httpx.Client) -> None:
    assert web.get(SESSION).headers["allow"] == "POST"
    assert web.get(SESSION).status_code == 405
    assert web.post("/board").headers["allow"] == "GET, HEAD"
    assert web.head("/board").content == b""


def test_nothing_but_its_own_files_may_run_or_be_asked(web: httpx.Client) -> None:
    page = web.get("/board")
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert not re.search(r"<style|style=|<script(?![^>]*src=)|\son\w+=", page.text)
    assert not re.search(r"(src|href)=\"(?!/board/)", page.text)
    sly = web.get("/board", headers={"Host": "x; script-src *"})
    assert "script-src *" not in sly.headers.get("content-security-policy", "")


def test_files_are_kept_for_good_and_packed(web: httpx.Client) -> None:
    at = re.findall(r'src="(/board/static/[0-9a-f]{16}/app\.js)"', web.get("/board").text)[0]
    got = web.get(at)
    assert got.headers["content-encoding"] == "gzip"
    assert "immutable" in got.headers["cache-control"]
    assert web.get(at, headers={"If-None-Match": got.headers["etag"]}).status_code == 304
    assert web.get(at, headers={"Accept-Encoding": "identity"}).content == statics.shipped()["app.js"].plain
    plain = web.get(at, headers={"Accept-Encoding": "gzip;q=0"})
    assert "content-encoding" not in plain.headers
    assert plain.headers["etag"] != got.headers["etag"]
    assert gzip.decompress(statics.shipped()["app.js"].packed) == statics.shipped()["app.js"].plain
    for wrong in (at.replace("app.js", "none.js"), at.replace("app.js", "..%2Fsession.py"), "/board/static/0/app.js"):
        assert web.get(wrong).status_code == 404


@pytest.mark.parametrize("language", [ENGLISH, *words.offered()])
def test_the_first_load_is_small(language: str) -> None:
    for_others = {f"words.{one}.json" for one in words.offered() if one != language}
    first = [
        file.packed
        for name, file in statics.shipped().items()
        if name not in for_others and not name.startswith("exercises.")
    ]
    assert sum(map(len, first)) < 100_000


def test_no_module_of_the_page_is_long_or_newer_than_old_browsers() -> None:
    for file in (SOURCE / "static").glob("*.js"):
        text = file.read_text("utf-8")
        assert len(text.splitlines()) <= 400, file.name
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|https?://(?!www\.w3)", text
        ), file
        assert not re.search(r"\?\?=|\|\|=|&&=|\.at\(|\.replaceAll\(|structuredClone|Object\.hasOwn|#\w+\(", text), (
            file.name
        )


def test_a_login_gives_the_script_an_access_token_and_the_browser_a_cookie_it_cannot_read(
    web: httpx.Client, hartmann: Caller
) -> None:
    answer = web.post(SESSION, json={"username": hartmann.name, "password": PASSWORD})
    assert set(answer.json()) == {"username", "access_token", "expires_in", "drafts_key"}
    assert answer.headers["cache-control"] == "no-store"
    cookie = answer.headers["set-cookie"]
    for part in ("HttpOnly", "SameSite=strict", f"Path={SESSION}", "Max-Age=900"):
        assert part in cookie
    assert "Secure" not in cookie  # over plain http on this machine; behind a proxy with TLS it is
    secure = web.post(
        SESSION, json={"username": hartmann.name, "password": PASSWORD}, headers={"X-Forwarded-Proto": "https"}
    )
    assert "Secure" in secure.headers["set-cookie"]


def test_a_wrong_password_is_refused_in_words(web: httpx.Client, hartmann: Caller) -> None:
    answer = web.post(SESSION, json={"username": hartmann.name, "password": "a guess"})
    assert answer.status_code == 400
    assert "do not go together" in answer.json()["detail"]
    assert "set-cookie" not in answer.headers
    assert web.post(SESSION, json={"username": hartmann.name}).status_code == 422


def test_renewing_rotates_the_cookie_and_needs_no_script_to_have_it(web: httpx.Client, hartmann: Caller) -> None:
    assert web.post(f"{SESSION}/renewal").status_code == 204  # nobody is logged in
    first = log_in(web, hartmann)
    kept = web.cookies["handover_board"]
    second = web.post(f"{SESSION}/renewal").json()
    assert second["access_token"] != first["access_token"]
    assert second["drafts_key"] == first["drafts_key"]
    assert web.cookies["handover_board"] != kept


def test_a_copied_cookie_that_comes_again_ends_the_login(web: httpx.Client, hartmann: Caller) -> None:
    log_in(web, hartmann)
    stolen = web.cookies["handover_board"]
    token = web.post(f"{SESSION}/renewal").json()["access_token"]
    thief = httpx.post(
        f"{web.base_url}{SESSION}/renewal", headers=SAME, cookies={"handover_board": stolen}, trust_env=False
    )
    assert thief.status_code == 401
    assert web.get("/v1/me", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    assert web.post(f"{SESSION}/renewal").status_code == 401


def test_a_lock_ends_the_whole_login(web: httpx.Client, hartmann: Caller) -> None:
    token = log_in(web, hartmann)["access_token"]
    kept = web.cookies["handover_board"]
    gone = web.post(f"{SESSION}/end", json={})
    assert gone.status_code == 204
    assert 'handover_board=""' in gone.headers["set-cookie"]
    assert web.get("/v1/me", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    again = httpx.post(
        f"{web.base_url}{SESSION}/renewal", headers=SAME, cookies={"handover_board": kept}, trust_env=False
    )
    assert again.status_code == 401
    assert web.post(f"{SESSION}/end", json={}).status_code == 204  # twice does no harm


def test_whoever_logs_in_next_ends_the_login_before(web: httpx.Client, hartmann: Caller, ngata: Caller) -> None:
    before = log_in(web, hartmann)["access_token"]
    after = log_in(web, ngata)["access_token"]
    assert web.get("/v1/me", headers={"Authorization": f"Bearer {before}"}).status_code == 401
    assert web.get("/v1/me", headers={"Authorization": f"Bearer {after}"}).json()["username"] == ngata.name


def test_a_window_goes_on_and_ends_as_its_own_officer_alone(web: httpx.Client, hartmann: Caller, ngata: Caller) -> None:
    log_in(web, hartmann)
    assert log_in(web, ngata)["username"] == ngata.name
    kept = web.cookies["handover_board"]
    hers = {"username": hartmann.name}
    refused = web.post(f"{SESSION}/renewal", json=hers)
    assert refused.status_code == 409
    assert "Somebody else has logged in" in refused.json()["detail"]
    gone = web.post(f"{SESSION}/end", json=hers)
    assert (gone.status_code, gone.headers.get("set-cookie"), web.cookies["handover_board"]) == (204, None, kept)
    his = web.post(f"{SESSION}/renewal", json={"username": ngata.name})  # neither has used it up
    assert (his.status_code, his.json()["username"]) == (200, ngata.name)
    assert web.post(f"{SESSION}/end", json={"username": ngata.name}).status_code == 204
    assert web.post(f"{SESSION}/renewal", json={"username": ngata.name}).status_code == 204


def test_another_sites_page_gets_nothing(web: httpx.Client, hartmann: Caller) -> None:
    own = str(web.base_url)
    log_in(web, hartmann)
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "same-site", "Origin": own},
        {"Sec-Fetch-Site": "", "Origin": "http://elsewhere.example"},
    ):
        for address in (SESSION, f"{SESSION}/renewal", f"{SESSION}/end", "/board/calls"):
            answer = web.post(address, json={"username": hartmann.name, "password": PASSWORD}, headers=headers)
            assert answer.status_code == 403, (address, headers)
    assert web.post(f"{SESSION}/renewal").status_code == 200  # and nothing has ended


def test_a_browser_too_old_to_say_where_a_page_is_from_is_known_by_its_origin(
    service: Service, hartmann: Caller
) -> None:
    form = {"username": hartmann.name, "password": PASSWORD}
    with httpx.Client(base_url=service.url, trust_env=False) as old:
        assert old.post(SESSION, json=form, headers={"Origin": service.url}).status_code == 200
        assert old.post(SESSION, json=form, headers={"Origin": "null"}).status_code == 403
        assert old.post(SESSION, json=form).status_code == 403
        for told in ({"Origin": "http://["}, {"Host": "["}, {"Host": "board:no"}, {"Host": "board:99999"}):
            answer = old.post(SESSION, json=form, headers={"Origin": "http://board", **told})
            assert answer.status_code == 403, told


def test_each_author_has_a_key_of_his_own_for_drafts(web: httpx.Client, hartmann: Caller, ngata: Caller) -> None:
    hers, his = log_in(web, hartmann)["drafts_key"], log_in(web, ngata)["drafts_key"]
    assert hers != his
    assert len(hers) == 43  # 256 bits


def test_logins_at_the_board_are_in_the_access_log(web: httpx.Client, prison: Prison, hartmann: Caller) -> None:
    auditor = prison.hire("auditor", "auditor")
    log_in(web, hartmann)
    web.post(f"{SESSION}/end", json={})
    lines = auditor.all("/v1/access-log", actor=hartmann.name)
    assert {"login", "logout"} <= {line["action"] for line in lines}


@pytest.mark.parametrize("name", ["hart\0mann", "hart\nmann", "\x7f", ""])
def test_a_name_that_is_none_is_told_so_and_reaches_no_store(web: httpx.Client, name: str) -> None:
    for ask, address, more in (
        (web.post, SESSION, {"password": PASSWORD}),
        (web.put, f"{SESSION}/pin", {"password": PASSWORD, "pin": "493817"}),
        (web.post, f"{SESSION}/pin", {"pin": "493817"}),
        (web.post, f"{SESSION}/renewal", {}),
        (web.post, f"{SESSION}/end", {}),
    ):
        answer = ask(address, json={"username": name, **more})
        assert answer.status_code == 422, (address, answer.text)
        assert [one["pointer"] for one in answer.json()["errors"]] == ["/username"]


def test_a_locked_screen_hears_that_something_calls_and_nothing_else(
    web: httpx.Client, prison: Prison, hartmann: Caller, weir: str
) -> None:
    boss = prison.hire("ashdown", "governor")
    assert web.post("/board/calls").json() == {"units": None}  # nobody has locked it
    log_in(web, hartmann)
    gone = web.post(f"{SESSION}/end", json={"establishment": prison.code})
    assert "HttpOnly" in gone.headers["set-cookie"].split("handover_calls")[1]
    assert web.post("/board/calls").json() == {"units": []}
    boss.note(weir, fact="Of no concern to her.", attention="ACT_NOW", handling="SECURITY")
    boss.note(weir, fact="Watch him.", attention="WATCH")
    assert web.post("/board/calls").json() == {"units": []}
    boss.note(weir, fact="Says goodbye to everybody.", attention="ACT_NOW")
    assert web.post("/board/calls").json() == {"units": ["A"]}
    # The pass opens nothing else, cannot be made up, and ends with the rights it was given for, or in half a day.
    kept = web.cookies["handover_calls"]
    assert web.get("/v1/me", headers={"Authorization": f"Bearer {kept}"}).status_code == 401
    forged = urlsafe_b64encode(f"{hartmann.name}|{prison.code}|{10**17}".encode()).decode() + ".00"
    nul = urlsafe_b64encode(f"{hartmann.name}\0|{prison.code}|{10**17}".encode()).decode() + ".00"
    assert hartmann.post("/v1/calls", {"pass": nul}, 200) == {"units": None}
    for wrong in (
        forged,
        nul,
        kept[:-1],
        kept[:-1] + ("0" if kept[-1] != "0" else "1"),
        "nonsense",
        "bm9wZQ==.00",
        "é.é",
    ):
        sent = {b"Sec-Fetch-Site": b"same-origin", b"Cookie": f"handover_calls={wrong}".encode()}
        told = httpx.post(f"{web.base_url}/board/calls", headers=sent, trust_env=False)
        assert told.json() == {"units": None}, wrong
    prison.service.clock.ahead = timedelta(hours=13)
    assert web.post("/board/calls").json() == {"units": None}


def test_nobody_gets_a_pass_for_another_prison(web: httpx.Client, service: Service, hartmann: Caller) -> None:
    other = service.prison()
    log_in(web, hartmann)
    web.post(f"{SESSION}/end", json={"establishment": other.code})
    assert web.post("/board/calls").json() == {"units": None}
