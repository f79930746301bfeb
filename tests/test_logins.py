"""Logging in, staying logged in, logging out: RFC 6749 and RFC 7009 as a terminal and another system meet them."""

import asyncio
import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any
from urllib.parse import quote_plus

import httpx
import psycopg
import pytest
from psycopg import sql

from handover.errors import Conflict
from handover.services import accounts, tidying
from handover.services.passwords import Hasher
from handover.services.unit_of_work import UnitOfWork
from tests.support import embedded
from tests.support.rights import ask_for_token, basic, change, closed, password_grant, stranger, told
from tests.support.service import PASSWORD, Caller, Prison, Service, run, settings_for

Way = tuple[dict[str, str], dict[str, str]]
"""How a client says who it is: in headers, and in the form."""
_addresses = itertools.count(1)


@pytest.fixture
def address() -> str:
    """An address nobody has failed from yet."""
    return f"10.20.{next(_addresses) % 250}.7"


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """One address after another."""
    return (f"10.30.{i // 250}.{i % 250}" for i in itertools.count())


def attempts(number: int, attempt: Callable[[int], httpx.Response]) -> list[httpx.Response]:
    """So many at the same moment."""
    start = threading.Barrier(number)

    def one(i: int) -> httpx.Response:
        start.wait(10)
        return attempt(i)

    with ThreadPoolExecutor(number) as crowd:
        return list(crowd.map(one, range(number)))


def refused(answer: httpx.Response, status: int, error: str) -> dict[str, Any]:
    """A refusal in both languages: RFC 9457 and RFC 6749 §5.2."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    body: dict[str, Any] = answer.json()
    assert (body["status"], body["error"]) == (status, error)
    assert body["error_description"] == body["detail"]
    assert ("www-authenticate" in answer.headers) is (status == 401)
    return body


# --- With a password ----------------------------------------------------------------------------------------------


def test_an_officer_logs_in_and_is_told_who_he_is(prison: Prison) -> None:
    ngata = prison.hire("ngata", "officer", "A", "B")
    answer = password_grant(prison.service, ngata.name, PASSWORD)
    body = answer.json()
    assert answer.status_code == 200
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
    assert set(body) == {"access_token", "token_type", "expires_in", "scope", "refresh_token"}
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 900)
    me = Caller(prison.service, ngata.name, body["access_token"]).get("/v1/me")
    assert (me["kind"], me["username"], me["role"]) == ("user", ngata.name, "officer")
    assert (me["establishments"], me["units"]) == ([prison.code], ["A", "B"])
    assert sorted(body["scope"].split()) == me["scopes"]
    assert "roster:write" not in me["scopes"]
    assert me["handling"] == ["ESTABLISHMENT", "UNIT"]


def test_the_user_name_is_taken_as_people_type_it(prison: Prison) -> None:
    ngata = prison.hire("ngata")
    for typed in (ngata.name.upper(), f" {ngata.name.title()}  ", ngata.name):
        assert password_grant(prison.service, typed, PASSWORD).status_code == 200
    with pytest.raises(Exception, match="already"):
        prison.hire("NGATA")
    for typed in (ngata.name + "\u0300", ngata.name.replace("n", "\uff4e"), ngata.name + "%", ngata.name[:-1] + "_"):
        refused(password_grant(prison.service, typed, PASSWORD, "10.9.9.1"), 400, "invalid_grant")


def test_a_password_is_taken_exactly(prison: Prison, address: str) -> None:
    ngata = prison.hire("ngata")
    for typed in (PASSWORD.upper(), PASSWORD + " ", " " + PASSWORD, PASSWORD[:-1]):
        refused(password_grant(prison.service, ngata.name, typed, address), 400, "invalid_grant")


def test_unknown_wrong_and_disabled_are_answered_alike(prison: Prison, address: str) -> None:
    ngata, keyes = prison.hire("ngata"), prison.hire("keyes")
    change(prison.service, keyes, active=False)
    answers = [
        password_grant(prison.service, ngata.name, "not the password", address),
        password_grant(prison.service, f"nobody.{prison.code}", "not the password", address),
        password_grant(prison.service, keyes.name, PASSWORD, address),
        password_grant(prison.service, keyes.name, "not the password", address),
    ]
    refused(answers[0], 400, "invalid_grant")
    assert [told(answer) for answer in answers] == [told(answers[0])] * 4
    same = ("content-type", "content-length", "cache-control")
    assert len({tuple(answer.headers.get(name) for name in same) for answer in answers}) == 1
    assert {name for answer in answers for name in answer.headers} == set(answers[0].headers)


def test_an_unknown_name_is_slowed_as_a_known_one_is(
    prison: Prison, elsewhere: Iterator[str], at_rest: datetime
) -> None:
    ngata = prison.hire("ngata")
    told_of = []
    for name in (ngata.name, f"nobody.{prison.code}"):
        answers = [password_grant(prison.service, name, "wrong", next(elsewhere)) for _ in range(7)]
        told_of.append([told(answer) for answer in answers])
        assert [answer.status_code for answer in answers] == [400] * 5 + [429] * 2
    assert told_of[0] == told_of[1]


@pytest.fixture
def careful(tmp_path: Path) -> Iterator[Service]:
    """A service whose passwords cost what they cost in a real prison."""
    url = embedded.copy(tmp_path / "careful.sqlite3")
    running = Service(settings_for(url, argon2_memory_kib=19456, argon2_time_cost=2))
    yield running
    running.stop()


def test_an_unknown_name_takes_as_long_as_a_wrong_password(careful: Service, elsewhere: Iterator[str]) -> None:
    prison = careful.prison()
    pairs = [(prison.hire(name).name, f"nobody{name}") for name in ("ngata", "hartmann", "marsh")] * 5
    took: tuple[list[float], list[float]] = ([], [])
    for pair in pairs:
        for name, times in zip(pair, took, strict=True):
            began = perf_counter()
            refused(password_grant(careful, name, "wrong", next(elsewhere)), 400, "invalid_grant")
            times.append(perf_counter() - began)
    # Without the hash an answer takes a fifth of the time. A busy machine adds nothing to the least of many.
    assert 0.5 < min(took[1]) / min(took[0]) < 2, took


# --- What the token endpoint refuses ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "authorization_code", "code": "x"}, "unsupported_grant_type"),
        ({"grant_type": "password", "username": "l.hartmann"}, "invalid_request"),
        ({"grant_type": "password", "password": PASSWORD}, "invalid_request"),
        ({"grant_type": "password", "username": "l.hartmann", "password": ""}, "invalid_request"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "hov_refresh_nonsense"}, "invalid_grant"),
    ],
)
def test_an_incomplete_request_is_told_what_is_missing(service: Service, form: dict[str, str], error: str) -> None:
    refused(ask_for_token(service, {}, **form), 400, error)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/x-www-form-urlencoded", b"grant_type=password&grant_type=password&username=a&password=b"),
        ("application/x-www-form-urlencoded", b"\xff\xfe%zz&&=&"),
        ("application/x-www-form-urlencoded", b"&".join(b"f%d=1" % i for i in range(3000))),
        ("application/json", b'{"grant_type": "password", "username": "a", "password": "b"}'),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="grant_type"\r\n\r\npassword\r\n--x--',
        ),
        ("", b"grant_type=password&username=a&password=b"),
    ],
    ids=["twice", "garbage", "crowded", "json", "multipart", "untyped"],
)
def test_what_is_no_such_form_is_an_invalid_request(service: Service, kind: str, body: bytes) -> None:
    headers = {"Content-Type": kind} if kind else {}
    answer = stranger(service).http.post("/oauth/token", content=body, headers=headers)
    refused(answer, 400, "invalid_request")


def test_a_field_nobody_knows_is_ignored(prison: Prison) -> None:
    ngata = prison.hire("ngata")
    form = {"grant_type": "password", "username": ngata.name, "password": PASSWORD, "audience": ["a", "b"]}
    assert stranger(prison.service).http.post("/oauth/token", data=form).status_code == 200


def test_a_refusal_never_repeats_what_was_typed(prison: Prison, address: str) -> None:
    for form in (
        {"grant_type": "password", "username": "my-Secret-1", "password": "my-Secret-2"},
        {"grant_type": "my-Secret-3"},
        {"grant_type": "client_credentials", "client_id": "my-Secret-4", "client_secret": "my-Secret-5"},
        {"grant_type": "refresh_token", "refresh_token": "my-Secret-6"},
    ):
        answer = ask_for_token(prison.service, {"X-Forwarded-For": address}, **form)
        assert "my-Secret" not in answer.text
        assert answer.status_code in (400, 401)


# --- As another system --------------------------------------------------------------------------------------------


@pytest.fixture
def secret(prison: Prison) -> tuple[str, str]:
    """A client's id and secret."""
    client = f"offices.{prison.code}".lower()

    def add(uow: UnitOfWork) -> str:
        scopes, places = ["events:read", "notes:read"], [prison.code]
        return accounts.add_client(
            uow, prison.service.hasher, client, name="Offices", scopes=scopes, establishments=places
        )

    return client, prison.service.do(add)


def test_another_system_authenticates_in_the_form_or_by_http_basic(prison: Prison, secret: tuple[str, str]) -> None:
    client, text = secret
    form = {"grant_type": "client_credentials"}
    answers = [
        ask_for_token(prison.service, {}, **form, client_id=client, client_secret=text),
        ask_for_token(prison.service, basic(client, text), **form),
        # RFC 6749 §2.3.1: both halves are form-encoded before they go into the header.
        ask_for_token(prison.service, basic(quote_plus(client).replace(".", "%2E"), quote_plus(text)), **form),
    ]
    for answer in answers:
        body = answer.json()
        assert answer.status_code == 200
        assert set(body) == {"access_token", "token_type", "expires_in", "scope"}, "no refresh token (RFC 6749 §4.4.3)"
        assert body["scope"].split() == ["events:read", "notes:read"]
        me = Caller(prison.service, client, body["access_token"]).get("/v1/me")
        assert (me["kind"], me["role"], me["establishments"]) == ("client", "integration", [prison.code])
        assert me["handling"] == ["ESTABLISHMENT", "UNIT"]


def test_a_client_proves_itself_in_one_way_at_a_time(prison: Prison, secret: tuple[str, str]) -> None:
    client, text = secret
    for more in (
        {"client_id": client, "client_secret": text},
        {"client_secret": text},
        {"client_id": "another"},
        {"client_id": "another", "client_secret": "guessed"},
    ):
        answer = ask_for_token(prison.service, basic(client, text), grant_type="client_credentials", **more)
        refused(answer, 400, "invalid_request")
    for name in (client, ""):
        once = {"grant_type": "client_credentials", "client_id": name, "client_secret": ""}
        assert ask_for_token(prison.service, basic(client, text), **once).status_code == 200, "that is no second proof"


def test_another_system_may_ask_for_less_and_never_for_more(prison: Prison, secret: tuple[str, str]) -> None:
    client, text = secret
    form = {"grant_type": "client_credentials", "client_id": client, "client_secret": text}
    less = ask_for_token(prison.service, {}, **form, scope="events:read")
    assert less.json()["scope"] == "events:read"
    caller = Caller(prison.service, client, less.json()["access_token"])
    assert caller.get("/v1/me")["scopes"] == ["events:read"]
    caller.get("/v1/events")
    caller.get("/v1/notes", 403)
    for wanted in ("notes:write", "events:read roster:write", "everything", "notes:read,events:read"):
        refused(ask_for_token(prison.service, {}, **form, scope=wanted), 400, "invalid_scope")


def test_a_client_that_cannot_prove_itself_is_told_nothing(prison: Prison, secret: tuple[str, str]) -> None:
    client, text = secret
    form = {"grant_type": "client_credentials"}
    gone = prison.connect("gone", "events:read")
    prison.service.do(lambda uow: accounts.revoke_client(uow, gone.name))
    answers = [
        ask_for_token(prison.service, {}, **form, client_id=client, client_secret="wrong"),
        ask_for_token(prison.service, {}, **form, client_id="nobody", client_secret=text),
        ask_for_token(prison.service, {}, **form, client_id=gone.name, client_secret=text),
        ask_for_token(prison.service, basic(client, "wrong"), **form),
        ask_for_token(prison.service, basic(client.upper(), text), **form),
    ]
    for answer in answers:
        refused(answer, 401, "invalid_client")
        assert answer.headers["www-authenticate"].startswith("Basic ")
        assert told(answer) == told(answers[0])


@pytest.mark.parametrize(
    "form", [{}, {"client_id": "offices"}, {"client_id": "offices", "client_secret": ""}, {"client_secret": "x"}]
)
def test_a_client_that_does_not_say_who_it_is_is_asked_to(service: Service, form: dict[str, str]) -> None:
    answer = ask_for_token(service, {}, grant_type="client_credentials", **form)
    refused(answer, 401, "invalid_client")
    assert answer.headers["www-authenticate"].startswith("Basic ")


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic !!!",
        "Basic é",
        "Basic b2ZmaWNlcw==",
        "Basic /////w==",
        "Basic AAAAOng=",
        "Basic YSUwMGI6eA==",
        "basic  YTpi",
    ],
    ids=["empty", "not base64", "not ascii", "no colon", "not utf-8", "nul", "encoded nul", "two spaces"],
)
def test_a_broken_basic_header_is_an_invalid_client(service: Service, header: str) -> None:
    answer = ask_for_token(service, httpx.Headers({"Authorization": header}, "utf-8"), grant_type="client_credentials")
    refused(answer, 401, "invalid_client")


def test_an_officers_password_makes_no_client_and_a_clients_secret_no_officer(
    prison: Prison, secret: tuple[str, str], address: str
) -> None:
    ngata, (client, text) = prison.hire("ngata"), secret
    refused(password_grant(prison.service, client, text, address), 400, "invalid_grant")
    form = {"grant_type": "client_credentials", "client_id": ngata.name, "client_secret": PASSWORD}
    refused(ask_for_token(prison.service, {"X-Forwarded-For": address}, **form), 401, "invalid_client")


# --- Failed logins slow the next one ------------------------------------------------------------------------------


@pytest.fixture
def at_rest(prison: Prison) -> datetime:
    """A clock that stands still: on a busy machine the wait would pass while the guesses are still being made."""
    prison.service.clock.frozen = datetime.now(UTC)
    return prison.service.clock.frozen


def test_an_account_is_slowed_after_five_failures_and_let_in_after_the_wait(
    prison: Prison, address: str, at_rest: datetime
) -> None:
    ngata, keyes = prison.hire("ngata"), prison.hire("keyes")
    service = prison.service
    for _ in range(5):
        refused(password_grant(service, ngata.name, "wrong", address), 400, "invalid_grant")
    slowed = password_grant(service, ngata.name, PASSWORD, address)
    assert slowed.status_code == 429, "not even the right password is looked at"
    wait = int(slowed.headers["retry-after"])
    assert 1 <= wait <= 2
    assert slowed.json()["type"] == "/problems/too-many"
    assert password_grant(service, ngata.name.upper(), PASSWORD, "10.9.9.2").status_code == 429, "from anywhere"
    assert password_grant(service, keyes.name, PASSWORD, address).status_code == 200, "a colleague at the same PC"
    service.clock.frozen = at_rest + timedelta(seconds=wait)
    assert password_grant(service, ngata.name, PASSWORD, address).status_code == 200
    refused(password_grant(service, ngata.name, "wrong", address), 400, "invalid_grant")
    assert password_grant(service, ngata.name, PASSWORD, address).status_code == 200, (
        "a right password clears the account"
    )


def test_the_wait_doubles_to_a_minute_and_no_further(
    prison: Prison, elsewhere: Iterator[str], at_rest: datetime
) -> None:
    ngata, service, now = prison.hire("ngata"), prison.service, at_rest
    for _ in range(5):
        password_grant(service, ngata.name, "wrong", next(elsewhere))
    waits = []
    for _ in range(9):
        slowed = password_grant(service, ngata.name, "wrong", next(elsewhere))
        waits.append(int(slowed.headers["retry-after"]))
        service.clock.frozen = now = now + timedelta(seconds=waits[-1])
        refused(password_grant(service, ngata.name, "wrong", next(elsewhere)), 400, "invalid_grant")
    assert waits == sorted(waits)
    assert waits[0] <= 2
    assert waits[3] >= 8
    assert 59 <= waits[-1] <= 61
    service.clock.frozen = now + timedelta(seconds=61)
    assert password_grant(service, ngata.name, PASSWORD).status_code == 200, "nobody is kept out for a shift"


def test_an_address_is_slowed_whatever_names_it_tries(prison: Prison, address: str, at_rest: datetime) -> None:
    ngata, service = prison.hire("ngata"), prison.service
    for i in range(30):
        refused(password_grant(service, f"guess{i}", "wrong", address), 400, "invalid_grant")
    slowed = password_grant(service, ngata.name, PASSWORD, address)
    assert slowed.status_code == 429
    assert int(slowed.headers["retry-after"]) >= 1
    assert password_grant(service, ngata.name, PASSWORD, "10.9.9.3").status_code == 200, "elsewhere nobody waits"
    # A proxy adds the address it saw behind whatever the caller claimed.
    for claimed in ("1.2.3.4", "127.0.0.1", "::1", "unknown"):
        assert password_grant(service, ngata.name, PASSWORD, f"{claimed}, {address}").status_code == 429


def test_a_known_password_buys_no_guesses_at_others(prison: Prison, address: str) -> None:
    ngata, service = prison.hire("ngata"), prison.service
    guessed = 0
    for i in range(60):
        if i % 2:
            guessed += password_grant(service, f"guess{i}", "wrong", address).status_code == 400
        elif password_grant(service, ngata.name, PASSWORD, address).status_code == 429:
            break
    assert guessed <= 30


def test_neighbours_in_one_ipv6_network_count_as_one_address(prison: Prison, at_rest: datetime) -> None:
    service = prison.service
    for i in range(30):
        password_grant(service, f"guess{i}", "wrong", f"2001:db8:0:{prison.code[1:]}::{i:x}")
    assert password_grant(service, "one.more", "wrong", f"2001:db8:0:{prison.code[1:]}:ffff::1").status_code == 429
    assert password_grant(service, "one.more", "wrong", f"2001:db8:1:{prison.code[1:]}::1").status_code == 400


def test_guesses_at_the_same_moment_get_no_more_looks_than_guesses_in_turn(
    prison: Prison, address: str, at_rest: datetime
) -> None:
    ngata = prison.hire("ngata")
    answers = attempts(24, lambda _: password_grant(prison.service, ngata.name, "wrong", address))
    looked_at = [answer for answer in answers if answer.status_code == 400]
    assert len(looked_at) == 5
    assert all(a.status_code == 429 and a.headers["retry-after"] for a in answers if a not in looked_at)


def test_guesses_spread_over_the_processes_of_one_store_get_no_more_looks(
    prison: Prison, address: str, at_rest: datetime
) -> None:
    names = [prison.hire(name).name for name in ("ngata", "keyes", "brandt")]
    second = Service(prison.service.settings)
    second.clock.frozen = at_rest
    try:
        doors = [prison.service, second]
        for name in names:
            answers = attempts(14, lambda i, name=name: password_grant(doors[i % 2], name, "wrong", address))  # type: ignore[misc]
            assert sorted(answer.status_code for answer in answers) == [400] * 5 + [429] * 9
    finally:
        second.stop()


def test_guesses_at_a_client_are_slowed_too(
    prison: Prison, secret: tuple[str, str], address: str, at_rest: datetime
) -> None:
    client, text = secret
    form = {"grant_type": "client_credentials", "client_id": client}
    from_there = {"X-Forwarded-For": address}
    answers = attempts(12, lambda _: ask_for_token(prison.service, from_there, **form, client_secret="wrong"))
    assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 7
    assert ask_for_token(prison.service, {}, **form, client_secret=text).status_code == 429
    prison.service.clock.frozen = at_rest + timedelta(seconds=2)
    assert ask_for_token(prison.service, {}, **form, client_secret=text).status_code == 200


def test_a_whole_wing_behind_one_address_logs_in_at_changeover(prison: Prison, address: str) -> None:
    staff = [prison.hire(f"officer{i}").name for i in range(4)]
    answers = attempts(40, lambda i: password_grant(prison.service, staff[i % 4], PASSWORD, address))
    assert [answer.status_code for answer in answers] == [200] * 40, "right passwords are never slowed"


def test_the_workers_of_another_system_authenticate_at_the_same_moment(prison: Prison, secret: tuple[str, str]) -> None:
    client, text = secret
    form = {"grant_type": "client_credentials", "client_id": client, "client_secret": text}
    answers = attempts(12, lambda _: ask_for_token(prison.service, {}, **form))
    assert [answer.status_code for answer in answers] == [200] * 12


def test_slips_of_the_finger_over_days_do_not_add_up(prison: Prison, address: str) -> None:
    staff = [prison.hire(f"officer{i}").name for i in range(3)]
    service = prison.service
    for i in range(40):
        refused(password_grant(service, staff[i % 3], "a slip", address), 400, "invalid_grant")
        assert password_grant(service, staff[i % 3], PASSWORD, address).status_code == 200, f"slip {i}"
        service.clock.ahead += timedelta(minutes=40)


def test_a_clock_set_back_keeps_nobody_out(prison: Prison, address: str, at_rest: datetime) -> None:
    ngata, service = prison.hire("ngata"), prison.service
    service.clock.frozen = at_rest + timedelta(days=1)
    for _ in range(5):
        password_grant(service, ngata.name, "wrong", address)
    assert password_grant(service, ngata.name, PASSWORD, address).status_code == 429
    service.clock.frozen = at_rest
    assert password_grant(service, ngata.name, PASSWORD, address).status_code == 200


def test_what_is_counted_is_forgotten_again(prison: Prison, address: str) -> None:
    service = prison.service
    for i in range(3):
        password_grant(service, f"{prison.code}.guess{i}", "wrong", address)
    assert address in everything_kept(service, "login_attempts")
    service.clock.ahead += timedelta(days=3)
    run(tidying.tidy(service.desk))
    assert address not in everything_kept(service, "login_attempts")


# --- Refresh tokens -----------------------------------------------------------------------------------------------


def refresh(service: Service, token: str | None) -> httpx.Response:
    return ask_for_token(service, {}, grant_type="refresh_token", refresh_token=token or "")


def works(service: Service, access_token: str) -> bool:
    headers = {"Authorization": f"Bearer {access_token}"}
    answer = stranger(service).http.get("/v1/me", headers=headers)
    assert answer.status_code in (200, 401)
    if answer.status_code == 401:
        assert answer.headers["www-authenticate"].startswith("Bearer ")
    return answer.status_code == 200


def test_a_refresh_token_gives_new_ones_and_works_once(prison: Prison) -> None:
    ngata, service = prison.hire("ngata"), prison.service
    first = refresh(service, ngata.refresh)
    assert first.status_code == 200
    assert first.headers["cache-control"] == "no-store"
    new = first.json()
    assert set(new) == {"access_token", "token_type", "expires_in", "scope", "refresh_token"}
    assert new["refresh_token"] != ngata.refresh
    assert works(service, new["access_token"])
    assert works(service, ngata.token), "the old access token has its own end"
    assert refresh(service, new["refresh_token"]).status_code == 200


def test_a_replayed_refresh_token_ends_its_login_and_no_other(prison: Prison) -> None:
    ngata, service = prison.hire("ngata"), prison.service
    auditor = prison.hire("auld", "auditor")
    other = service.login(ngata.name)
    new = refresh(service, ngata.refresh).json()
    renewed = Caller(service, ngata.name, new["access_token"])
    with ngata.feed() as old_feed, renewed.feed() as new_feed, other.feed() as other_feed:
        for feed in (old_feed, new_feed, other_feed):
            feed.until_live()
        refused(refresh(service, ngata.refresh), 400, "invalid_grant")
        assert not works(service, ngata.token)
        assert not works(service, new["access_token"])
        refused(refresh(service, new["refresh_token"]), 400, "invalid_grant")
        assert closed(old_feed)[0] == 4401
        assert closed(new_feed)[0] == 4401
        assert works(service, other.token)
        other_feed.next("heartbeat")
    lines = auditor.get("/v1/access-log", action="login.refresh", actor=ngata.name)["items"]
    assert [line["detail"].get("replayed") for line in lines if line["outcome"] == "FAILED"] == [None, True]


def test_of_two_that_refresh_with_the_same_token_at_once_nobody_stays_in(prison: Prison) -> None:
    ngata, service = prison.hire("ngata"), prison.service
    answers = attempts(6, lambda _: refresh(service, ngata.refresh))
    given = [answer.json() for answer in answers if answer.status_code == 200]
    assert len(given) == 1
    assert not works(service, given[0]["access_token"])
    refused(refresh(service, given[0]["refresh_token"]), 400, "invalid_grant")


def test_refreshing_does_not_outlast_the_login(prison: Prison) -> None:
    ngata, service = prison.hire("ngata"), prison.service
    token, hours = ngata.refresh, 0
    while (answer := refresh(service, token)).status_code == 200:
        token, hours = answer.json()["refresh_token"], hours + 1
        service.clock.ahead += timedelta(hours=1)
    assert hours == 12, "then the password has to be given again"
    refused(answer, 400, "invalid_grant")


def test_an_access_token_never_outlives_its_login(prison: Prison, at_rest: datetime) -> None:
    ngata, service = prison.hire("ngata"), prison.service
    service.clock.frozen = at_rest + timedelta(hours=11, minutes=55)
    last = refresh(service, ngata.refresh).json()
    assert 290 <= last["expires_in"] <= 300
    assert works(service, last["access_token"])
    service.clock.frozen = at_rest + timedelta(hours=12)
    assert not works(service, last["access_token"])


def test_an_access_token_works_for_a_quarter_of_an_hour(prison: Prison, at_rest: datetime) -> None:
    ngata, service = prison.hire("ngata"), prison.service
    service.clock.frozen = at_rest + timedelta(seconds=890)
    assert works(service, ngata.token)
    service.clock.frozen = at_rest + timedelta(seconds=900)
    assert not works(service, ngata.token)
    assert works(service, refresh(service, ngata.refresh).json()["access_token"])


def test_a_token_is_good_for_its_own_purpose_alone(prison: Prison) -> None:
    ngata, service = prison.hire("ngata"), prison.service
    ticket = ngata.post("/v1/feed/tickets", {})["ticket"]
    assert ngata.refresh is not None
    for other in (ngata.refresh, ticket):
        assert not works(service, other)
    for other in (ngata.token, ticket):
        refused(refresh(service, other), 400, "invalid_grant")
    assert works(service, ngata.token), "asking with the wrong kind ends nothing"
    assert refresh(service, ngata.refresh).status_code == 200


def test_a_refresh_tells_the_scopes_of_the_role_one_has_now(prison: Prison) -> None:
    ngata = prison.hire("ngata", "supervisor")
    change(prison.service, ngata, role="chaplain")
    new = refresh(prison.service, ngata.refresh).json()
    me = Caller(prison.service, ngata.name, new["access_token"]).get("/v1/me")
    assert (me["role"], sorted(new["scope"].split())) == ("chaplain", me["scopes"])


# --- Logging out --------------------------------------------------------------------------------------------------


def revoke(service: Service, **form: str) -> httpx.Response:
    return stranger(service).http.post("/oauth/revoke", data=form)


def test_revoking_a_refresh_token_ends_the_login(prison: Prison) -> None:
    ngata, service = prison.hire("ngata"), prison.service
    other = service.login(ngata.name)
    assert revoke(service, token=ngata.refresh or "", token_type_hint="refresh_token").status_code == 200
    assert not works(service, ngata.token)
    refused(refresh(service, ngata.refresh), 400, "invalid_grant")
    assert works(service, other.token)


def test_revoking_an_access_token_ends_that_token_alone(prison: Prison) -> None:
    ngata, service = prison.hire("ngata"), prison.service
    client = prison.connect("offices", "events:read")
    # A wrong hint is a hint (RFC 7009 §2.1).
    assert revoke(service, token=ngata.token, token_type_hint="refresh_token").status_code == 200
    assert not works(service, ngata.token)
    assert refresh(service, ngata.refresh).status_code == 200
    assert revoke(service, token=client.token).status_code == 200
    assert not works(service, client.token)


def test_revoking_what_nobody_knows_is_as_good_as_done(prison: Prison) -> None:
    ngata, service = prison.hire("ngata"), prison.service
    answers = [revoke(service, token=token) for token in ("hov_access_nonsense", "x" * 3000, ngata.token, ngata.token)]
    assert [answer.status_code for answer in answers] == [200] * 4
    assert len({answer.content for answer in answers}) == 1
    refused(revoke(service), 400, "invalid_request")


def revoke_as(service: Service, token: str | None, how: Way) -> httpx.Response:
    """A client that says who it is ends a token."""
    headers, form = how
    return stranger(service).http.post("/oauth/revoke", data={"token": token or "", **form}, headers=headers)


def test_a_client_that_says_who_it_is_must_prove_it_to_revoke(prison: Prison, secret: tuple[str, str]) -> None:
    (client, text), service = secret, prison.service
    own, proof = service.authenticate(client, text), {"client_id": client, "client_secret": text}
    wrong: list[Way] = [(basic(client, "guessed"), {}), ({}, {**proof, "client_secret": "guessed"})]
    for how in (*wrong, ({"Authorization": "Basic !"}, {})):
        answer = revoke_as(service, own.token, how)
        refused(answer, 401, "invalid_client")
        assert answer.headers["www-authenticate"].startswith("Basic ")
    refused(revoke_as(service, own.token, (basic(client, text), proof)), 400, "invalid_request")
    assert works(service, own.token)
    rights: list[Way] = [(basic(client, text), {}), ({}, proof)]
    for right in rights:
        own = service.authenticate(client, text)
        assert (revoke_as(service, own.token, right).status_code, works(service, own.token)) == (200, False)
        assert revoke_as(service, own.token, right).status_code == 200, "as good as done"


def test_a_client_that_says_who_it_is_revokes_its_own_alone(prison: Prison, secret: tuple[str, str]) -> None:
    service, ngata, other = prison.service, prison.hire("ngata"), prison.connect("other", "events:read")
    place = {"name": "HMP Test", "timezone": "Europe/London", "screens": {"pin": True}}
    prison.admin.put(f"/v1/establishments/{prison.code}", place)
    seat = ngata.put("/v1/me/pin", {"password": PASSWORD, "pin": "508317"})["seat"]
    for theirs in (other.token, ngata.token, ngata.refresh):
        refused(revoke_as(service, theirs, (basic(*secret), {})), 400, "invalid_grant")
    assert revoke_as(service, seat, (basic(*secret), {})).status_code == 200, "no token of its own, as far as it knows"
    pin = {"grant_type": "urn:handover:grant-type:pin", "seat": seat, "pin": "508317"}
    assert ask_for_token(service, {}, **pin).status_code == 200
    assert works(service, other.token)
    assert works(service, ngata.token)
    # A name alone is no proof, and a terminal may have one (RFC 6749 §2.1: a public client).
    assert revoke(service, token=ngata.token, client_id="terminal").status_code == 200
    assert not works(service, ngata.token)


def test_guesses_at_a_client_are_slowed_wherever_they_are_made(
    prison: Prison, secret: tuple[str, str], at_rest: datetime
) -> None:
    client, text = secret
    guess = {"token": "hov_access_nonsense", "client_id": client, "client_secret": "wrong"}
    answers = [revoke(prison.service, **guess).status_code for _ in range(7)]
    assert answers == [401] * 5 + [429] * 2
    form = {"grant_type": "client_credentials", "client_id": client, "client_secret": text}
    assert ask_for_token(prison.service, {}, **form).status_code == 429


def test_a_revoked_ticket_opens_nothing(prison: Prison) -> None:
    ngata = prison.hire("ngata")
    ticket = ngata.post("/v1/feed/tickets", {})["ticket"]
    revoke(prison.service, token=ticket)
    with stranger(prison.service).feed(ticket=ticket) as feed:
        assert closed(feed)[0] == 4401
    assert works(prison.service, ngata.token)


# --- While a password is being checked ----------------------------------------------------------------------------


@pytest.fixture
def held(prison: Prison, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[threading.Event, threading.Event]]:
    """A hash that has been compared and whose result waits: (it has come so far, it may go on)."""
    hasher: Hasher = prison.service.app.state.parts.hasher
    arrived, go_on = threading.Event(), threading.Event()
    matches = hasher.matches

    async def slowly(kept: str | None, secret: str) -> bool:
        right = await matches(kept, secret)
        arrived.set()
        await asyncio.to_thread(go_on.wait, 10)
        return right

    monkeypatch.setattr(hasher, "matches", slowly)
    yield arrived, go_on
    go_on.set()


def during(
    held: tuple[threading.Event, threading.Event], login: Callable[[], httpx.Response], change: Callable[[], None]
) -> httpx.Response:
    arrived, go_on = held
    with ThreadPoolExecutor(1) as officer:
        answer = officer.submit(login)
        assert arrived.wait(10)
        change()
        go_on.set()
        return answer.result(10)


def test_a_password_changed_while_the_old_one_is_checked_lets_nobody_in(
    prison: Prison, held: tuple[threading.Event, threading.Event]
) -> None:
    service = prison.service
    ngata = f"ngata.{prison.code}".lower()
    places = [(prison.code, "")]
    service.do(
        lambda uow: accounts.add_user(
            uow, service.hasher, ngata, name="Ngata", role="officer", places=places, password=PASSWORD
        )
    )

    def changed() -> None:
        service.do(lambda uow: accounts.set_password(uow, service.hasher, ngata, "quite another one"))

    refused(during(held, lambda: password_grant(service, ngata, PASSWORD), changed), 400, "invalid_grant")
    assert password_grant(service, ngata, "quite another one").status_code == 200


def test_an_account_disabled_while_its_password_is_checked_gets_no_token(
    prison: Prison, held: tuple[threading.Event, threading.Event]
) -> None:
    service = prison.service
    ngata = f"ngata.{prison.code}".lower()
    places = [(prison.code, "")]
    service.do(
        lambda uow: accounts.add_user(
            uow, service.hasher, ngata, name="Ngata", role="officer", places=places, password=PASSWORD
        )
    )

    def disabled() -> None:
        service.do(lambda uow: accounts.change_user(uow, ngata, active=False))

    refused(during(held, lambda: password_grant(service, ngata, PASSWORD), disabled), 400, "invalid_grant")


def test_a_client_revoked_while_its_secret_is_checked_gets_no_token(
    prison: Prison, secret: tuple[str, str], held: tuple[threading.Event, threading.Event]
) -> None:
    service, (client, text) = prison.service, secret

    def login() -> httpx.Response:
        return ask_for_token(service, {}, grant_type="client_credentials", client_id=client, client_secret=text)

    def revoked() -> None:
        service.do(lambda uow: accounts.revoke_client(uow, client))

    refused(during(held, login, revoked), 401, "invalid_client")


# --- What is kept -------------------------------------------------------------------------------------------------


def everything_kept(service: Service, *tables: str) -> str:
    """All that the store holds: of the embedded one every byte of its files, else every row as text."""
    url = service.settings.database_url
    if not url.startswith("sqlite"):
        with psycopg.connect(url) as conn:
            found = tables or [
                name for (name,) in conn.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            ]
            rows = [conn.execute(sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(name))) for name in found]
            return "\n".join(row for table in rows for (row,) in table)
    file = Path(url.removeprefix("sqlite:///"))
    if tables:
        with service.desk.store.engines.read.connect() as conn:
            return str([conn.exec_driver_sql(f"SELECT * FROM {name}").all() for name in tables])
    return "".join(part.read_bytes().decode("latin-1") for part in sorted(file.parent.glob(file.name + "*")))


def test_no_secret_is_kept_in_clear(prison: Prison, secret: tuple[str, str], address: str) -> None:
    ngata, service, (client, text) = prison.hire("ngata"), prison.service, secret
    new = refresh(service, ngata.refresh).json()
    ticket = Caller(service, ngata.name, new["access_token"]).post("/v1/feed/tickets", {})["ticket"]
    form = {"grant_type": "client_credentials", "client_id": client, "client_secret": text}
    other = ask_for_token(service, {}, **form).json()["access_token"]
    service.do(lambda uow: accounts.set_password(uow, service.hasher, ngata.name, "a better one by far"))
    # It happens at every changeover: the password goes into the field above.
    password_grant(service, "a better one by far", "a better one by far", address)
    ask_for_token(service, {"X-Forwarded-For": address}, **{**form, "client_id": text})
    kept = everything_kept(service)
    assert "$argon2id$v=19$" in kept, "what is searched is what is kept"
    assert ngata.name in kept
    tokens = [text, ngata.token, ngata.refresh, new["access_token"], new["refresh_token"], ticket, other]
    for token in tokens:
        assert token is not None
        _, kind, random = token.split("_", 2)
        assert random not in kept, kind
    for password in (PASSWORD, "a better one by far"):
        assert password not in kept


def test_a_ticket_asked_for_with_an_idempotency_key_is_not_kept_in_clear(prison: Prison) -> None:
    ngata = prison.hire("ngata")
    answer = ngata.http.post("/v1/feed/tickets", headers={"Idempotency-Key": "a1"})
    assert answer.status_code == 201
    assert answer.json()["ticket"] not in everything_kept(prison.service)
    again = ngata.http.post("/v1/feed/tickets", headers={"Idempotency-Key": "a1"})
    assert (again.json(), again.headers["idempotency-replayed"]) == (answer.json(), "true"), "the first answer again"
    other = ngata.http.post("/v1/feed/tickets", headers={"Idempotency-Key": "a2"})
    assert other.json()["ticket"] != answer.json()["ticket"]
    renewed = prison.service.login(ngata.name)
    told = renewed.http.post("/v1/feed/tickets", headers={"Idempotency-Key": "a1"})
    assert (told.status_code, "new key" in told.json()["detail"]) == (409, True), "another token cannot make it again"


def test_nobody_bears_the_name_of_another(prison: Prison) -> None:
    """Notes, receipts and the access log name people by it: a system must not pass for an officer."""
    prison.hire("ngata")
    prison.connect("offices", "events:read")
    with pytest.raises(Conflict):
        prison.connect("ngata", "events:read")
    with pytest.raises(Conflict):
        prison.hire("offices")
    for client in (f"OFFICES.{prison.code}", f"Ngata.{prison.code}", "operator"):
        with pytest.raises(Conflict):
            prison.service.do(
                lambda uow, client=client: accounts.add_client(
                    uow,
                    prison.service.hasher,
                    client,
                    name="Offices",
                    scopes=["events:read"],
                    establishments=[prison.code],
                )
            )


def test_a_password_too_easy_to_guess_is_refused(prison: Prison) -> None:
    service, places = prison.service, [(prison.code, "")]
    for password in ("short", f"ngata.{prison.code}".lower(), f"NGATA.{prison.code}", "practice", "x" * 1025):
        with pytest.raises(Exception, match="/password"):
            service.do(
                lambda uow, password=password: accounts.add_user(
                    uow,
                    service.hasher,
                    f"ngata.{prison.code}",
                    name="Ngata",
                    role="officer",
                    places=places,
                    password=password,
                )
            )
    ngata = prison.hire("ngata")
    with pytest.raises(Exception, match="/password"):
        service.do(lambda uow: accounts.set_password(uow, service.hasher, ngata.name, ngata.name.upper()))


def test_a_new_password_ends_the_logins_and_the_waiting(prison: Prison, elsewhere: Iterator[str]) -> None:
    ngata, service = prison.hire("ngata"), prison.service
    for _ in range(6):
        password_grant(service, ngata.name, "wrong", next(elsewhere))
    typed = f" {ngata.name.title()} "
    service.do(lambda uow: accounts.set_password(uow, service.hasher, typed, "quite another one"))
    assert not works(service, ngata.token)
    refused(refresh(service, ngata.refresh), 400, "invalid_grant")
    assert password_grant(service, ngata.name, "quite another one").status_code == 200
    refused(password_grant(service, ngata.name, PASSWORD, next(elsewhere)), 400, "invalid_grant")
