"""Coming back to a shared terminal by PIN: only where the prison allows it, only where the password was given in this
shift, and for five wrong PINs at most (decision 15)."""

import itertools
from datetime import timedelta
from typing import Any

import httpx
import orjson
import pytest

from handover.services import accounts, tidying
from tests.support.rights import ask_for_token, change, password_grant
from tests.support.service import PASSWORD, Caller, Prison, Service, run
from tests.support.terminals import Terminal
from tests.test_logins import attempts

PIN = "508317"
GRANT = "urn:handover:grant-type:pin"
_addresses = itertools.count(1)


@pytest.fixture
def address() -> str:
    """An address nobody has failed from yet."""
    return f"10.40.{next(_addresses) % 250}.7"


def allow(prison: Prison, **screens: Any) -> None:
    """The prison's admin says what holds for its screens."""
    body = {"name": f"HMP {prison.code}", "timezone": "Europe/London", "screens": {"pin": True, **screens}}
    prison.admin.put(f"/v1/establishments/{prison.code}", body)


def choose(who: Caller, pin: str | None = PIN, password: str = PASSWORD, status: int = 200) -> Any:
    """An officer chooses a PIN; answers what the terminal keeps."""
    answer = who.http.put("/v1/me/pin", json={"password": password, "pin": pin})
    assert answer.status_code == status, answer.text
    return answer.json()


def come_back(service: Service, seat: str, pin: str, address: str) -> httpx.Response:
    """The PIN at a terminal."""
    return ask_for_token(service, {"X-Forwarded-For": address}, grant_type=GRANT, seat=seat, pin=pin)


def lines(auditor: Caller, who: Caller, action: str) -> list[tuple[str, Any]]:
    """What the access log says somebody did, the oldest first."""
    found = auditor.get("/v1/access-log", action=action, actor=who.name)["items"]
    return [(one["outcome"], one["detail"]) for one in reversed(found)]


def test_a_prison_says_when_its_screens_lock_and_whether_a_pin_opens_them(prison: Prison, hartmann: Caller) -> None:
    place = f"/v1/establishments/{prison.code}"
    assert hartmann.get(place)["screens"] == {"lock": None, "pin": False, "pin_hours": 10}
    assert hartmann.get("/v1/me")["screen"] == {"lock_s": 180, "pin_allowed": False, "pin_set": False}
    body = {"name": "HMP", "timezone": "Europe/London"}
    hartmann.put(place, {**body, "screens": {"pin": True}}, 403)
    for wrong in ({"lock": 61}, {"lock": -1}, {"pin": "yes"}, {"pin_hours": 13}, {"locks": 3}):
        prison.admin.put(place, {**body, "screens": wrong}, 422)
    prison.admin.put(place, {**body, "screens": {"lock": 1, "pin": True}})
    prison.admin.put(place, body)  # left out: as it was
    assert hartmann.get(place)["screens"] == {"lock": 1, "pin": True, "pin_hours": 10}
    assert hartmann.get("/v1/me")["screen"] == {"lock_s": 60, "pin_allowed": True, "pin_set": False}
    choose(hartmann)
    assert hartmann.get("/v1/me")["screen"]["pin_set"] is True
    # An office that is itself locked may say: never.
    prison.admin.put(place, {**body, "screens": {"lock": 0}})
    assert hartmann.get("/v1/me")["screen"] == {"lock_s": 0, "pin_allowed": False, "pin_set": True}


def test_where_it_is_not_allowed_nobody_gets_a_pin_and_the_attempt_is_logged(
    prison: Prison, hartmann: Caller, address: str
) -> None:
    auditor = prison.hire("auld", "auditor")
    choose(hartmann, status=403)
    assert lines(auditor, hartmann, "pin.set")[-1][0] == "DENIED"
    allow(prison)
    for who in (prison.admin, auditor):
        assert "may not do this" in choose(who, status=403)["detail"]
    seat = choose(hartmann)["seat"]
    allow(prison, pin=False)
    assert come_back(prison.service, seat, PIN, address).status_code == 400
    assert lines(auditor, hartmann, "login")[-1] == ("FAILED", {"how": "pin", "refused": f"No PIN is allowed in "
                                                                f"{prison.code}: give the password."})  # fmt: skip
    allow(prison)
    assert come_back(prison.service, seat, PIN, address).status_code == 400, "the terminal was forgotten"


def test_whoever_belongs_to_two_prisons_needs_both_to_allow_it(service: Service, prison: Prison) -> None:
    other = service.prison()
    night = prison.hire("oyelaran", "officer", "A")
    change(service, night, places=[(prison.code, "A"), (other.code, "A")])
    allow(prison, lock=5)
    choose(night, status=403)
    allow(other, lock=2)
    assert night.get("/v1/me")["screen"] == {"lock_s": 120, "pin_allowed": True, "pin_set": False}
    assert choose(night)["seat"]


def test_a_pin_everybody_would_try_is_refused_in_words(prison: Prison, hartmann: Caller) -> None:
    allow(prison)
    told = {
        "12345": "6 to 12 digits",
        "abcdef": "6 to 12 digits",
        "٥٠٨٣١٧": "6 to 12 digits",
        "111111": "tries one like this first",
        "121212": "tries one like this first",
        "123456": "tries one like this first",
        "876543": "tries one like this first",
        "890123": "tries one like this first",
        "147258": "line on the keypad",
        "147852": "line on the keypad",
        "240781": "a date",
        "19840517": "a date",
    }
    for pin, words in told.items():
        [error] = choose(hartmann, pin, status=422)["errors"]
        assert (error["pointer"], words in error["detail"]) == ("/pin", True), pin
    assert hartmann.get("/v1/me")["screen"]["pin_set"] is False


def test_the_pin_opens_what_the_password_opened_where_that_was_given_and_nowhere_else(
    prison: Prison, hartmann: Caller, ngata: Caller, weir: str, address: str
) -> None:
    service, auditor = prison.service, prison.hire("auld", "auditor")
    allow(prison)
    [error] = choose(hartmann, password="not hers", status=422)["errors"]
    assert error["pointer"] == "/password"
    given = choose(hartmann)
    assert 35_990 <= given["seat_expires_in"] <= 36_000
    assert given["seat"].startswith("hov_seat_")
    back = come_back(service, given["seat"], PIN, address)
    assert back.status_code == 200, back.text
    told = back.json()
    assert set(told) == {"access_token", "token_type", "expires_in", "scope", "refresh_token"}
    her = Caller(service, hartmann.name, told["access_token"])
    assert her.get("/v1/me")["username"] == hartmann.name
    her.note(weir, fact="Written after the switch.")
    assert lines(auditor, hartmann, "login")[-1] == ("OK", {"how": "pin"})
    # The seat is no token, the PIN no password, and neither is worth anything alone or with another's.
    assert her.http.get("/v1/me", headers={"Authorization": f"Bearer {given['seat']}"}).status_code == 401
    assert password_grant(service, hartmann.name, PIN, address).status_code == 400
    his = choose(ngata, "294016")["seat"]
    for seat in ("hov_seat_nonsense", his):
        assert come_back(service, seat, PIN, address).json()["error"] == "invalid_grant"
    # A terminal gets a seat where the password is given and it asks for one; not from the PIN, not unasked.
    assert "seat" not in password_grant(service, hartmann.name, PASSWORD, address).json()
    form = {"grant_type": "password", "username": hartmann.name, "password": PASSWORD, "seat": "new"}
    elsewhere = ask_for_token(service, {}, **form).json()
    assert come_back(service, elsewhere["seat"], PIN, address).status_code == 200
    brandt = prison.hire("brandt", "officer", "A")
    assert "seat" not in ask_for_token(service, {}, **form | {"username": brandt.name}).json(), "she has no PIN"
    # It is ended like a token, and by taking the PIN away everywhere.
    assert stranger_ends(service, elsewhere["seat"]) == 200
    assert come_back(service, elsewhere["seat"], PIN, address).status_code == 400
    assert choose(hartmann, None) == {"seat": None, "seat_expires_in": None}
    assert come_back(service, given["seat"], PIN, address).status_code == 400


def stranger_ends(service: Service, seat: str) -> int:
    """Somebody who holds a seat gives it back."""
    return httpx.post(f"{service.url}/oauth/revoke", data={"token": seat}, trust_env=False).status_code


def test_five_wrong_pins_end_it_however_they_come_and_the_password_is_wanted(
    prison: Prison, hartmann: Caller, address: str
) -> None:
    service, auditor = prison.service, prison.hire("auld", "auditor")
    allow(prison)
    seat = choose(hartmann)["seat"]
    told = [come_back(service, seat, f"50831{i}", address).json()["detail"] for i in (0, 1)]
    assert told == ["That is not your PIN. Wrong ones left: 4.", "That is not your PIN. Wrong ones left: 3."]
    # A right one between them takes none of the wrong ones back: somebody else may be guessing.
    assert come_back(service, seat, PIN, address).status_code == 200
    crowd = attempts(8, lambda i: come_back(service, seat, f"90831{i}", f"10.41.{next(_addresses) % 250}.{i}"))
    looked = [one for one in crowd if one.status_code == 400]
    assert sum("not your PIN" in one.json()["detail"] for one in looked) == 2
    service.clock.ahead += timedelta(minutes=2)
    over = come_back(service, seat, PIN, f"10.42.{next(_addresses) % 250}.1")
    assert over.json()["detail"] == "No PIN does here now; give your password."
    kept = lines(auditor, hartmann, "login")
    assert sum(1 for outcome, detail in kept if outcome == "FAILED" and detail.get("ended")) == 1
    service.clock.ahead += timedelta(minutes=2)
    assert password_grant(service, hartmann.name, PASSWORD, address).status_code == 200


def test_wrong_pins_slow_the_next_login_as_wrong_passwords_do(prison: Prison, hartmann: Caller, address: str) -> None:
    service = prison.service
    allow(prison)
    form = {"grant_type": "password", "username": hartmann.name, "password": PASSWORD, "seat": "new"}
    first, second = choose(hartmann)["seat"], ask_for_token(service, {}, **form).json()["seat"]
    service.clock.frozen = service.clock()  # else, on a busy machine, the wait is over before it is seen
    for seat, pin in ((first, "508310"), (second, "508311"), (first, "508312"), (second, "508313"), (first, "508314")):
        assert come_back(service, seat, pin, address).status_code == 400
    slowed = come_back(service, second, PIN, "10.43.0.1")
    assert (slowed.status_code, "retry-after" in slowed.headers) == (429, True)
    assert password_grant(service, hartmann.name, PASSWORD, "10.43.0.2").status_code == 429


def test_it_ends_with_the_hours_the_password_the_role_the_postings_and_the_account(
    prison: Prison, hartmann: Caller, address: str
) -> None:
    service = prison.service
    allow(prison, pin_hours=2)

    def seat() -> str:
        form = {"grant_type": "password", "username": hartmann.name, "password": PASSWORD, "seat": "new"}
        return str(ask_for_token(service, {}, **form).json()["seat"])

    def works(one: str) -> bool:
        return come_back(service, one, PIN, address).status_code == 200

    choose(hartmann)
    aging = seat()
    service.clock.ahead += timedelta(minutes=110)
    late = come_back(service, aging, PIN, address).json()
    assert late["expires_in"] <= 600, "a login by PIN does not outlast the seat"
    service.clock.ahead += timedelta(minutes=11)
    assert not works(aging)
    renewed = ask_for_token(service, {}, grant_type="refresh_token", refresh_token=late["refresh_token"])
    assert renewed.status_code == 400
    for taken in ({"role": "supervisor"}, {"places": [(prison.code, "B")]}, {"active": False}):
        one = seat()
        assert works(one)
        change(service, hartmann, **taken)
        assert not works(one), taken
    change(service, hartmann, active=True)
    one = seat()
    service.do(lambda uow: accounts.set_password(uow, service.hasher, hartmann.name, PASSWORD))
    assert not works(one)
    assert service.login(hartmann.name).get("/v1/me")["screen"]["pin_set"] is False, "the PIN lived of that password"


def test_seats_that_are_over_are_forgotten(prison: Prison, hartmann: Caller) -> None:
    allow(prison)
    choose(hartmann)
    prison.service.clock.ahead += timedelta(hours=11)
    run(tidying.tidy(prison.service.desk))
    table = prison.service.desk.store.read(lambda conn: conn.exec_driver_sql("SELECT count(*) FROM seats").scalar())
    assert table.result() == 0


def test_at_the_board_the_seat_is_in_a_cookie_for_one_address_that_no_script_can_read(
    prison: Prison, hartmann: Caller, ngata: Caller
) -> None:
    allow(prison)
    session, mine = "/board/session", {"username": hartmann.name, "password": PASSWORD}
    with httpx.Client(base_url=prison.service.url, trust_env=False, headers={"Sec-Fetch-Site": "same-origin"}) as web:
        told = web.put(f"{session}/pin", json={**mine, "pin": PIN})
        assert set(told.json()) == {"pin_until"}
        cookie = told.headers["set-cookie"]
        assert all(part in cookie for part in ("HttpOnly", "SameSite=strict", f"Path={session}/pin", "hov_seat_"))
        assert "max-age" not in cookie.lower(), "it ends with the browser"
        back = web.post(f"{session}/pin", json={"username": hartmann.name, "pin": PIN})
        assert set(back.json()) == {"access_token", "expires_in", "drafts_key", "username"}
        assert "Max-Age=900" in back.headers["set-cookie"]
        # Under her name only her PIN does; his name has nothing here yet; and another site's page gets nothing.
        wrong = web.post(f"{session}/pin", json={"username": hartmann.name, "pin": "294016"})
        assert (wrong.status_code, "Wrong ones left: 4" in wrong.json()["detail"]) == (400, True)
        assert web.post(f"{session}/pin", json={"username": ngata.name, "pin": PIN}).status_code == 401
        auditor = prison.hire("auld", "auditor")
        failed = prison.service.desk.store.read(
            lambda conn: (
                conn.exec_driver_sql("SELECT detail FROM access_lines WHERE outcome = 'FAILED'").scalars().all()
            )
        )
        assert any('"how":"pin"' in one and '"unknown":true' in one for one in failed.result()), "nobody's is one, too"
        assert lines(auditor, hartmann, "login")[-1] == ("FAILED", {"how": "pin"})
        away = web.post(
            f"{session}/pin", json={"username": hartmann.name, "pin": PIN}, headers={"Sec-Fetch-Site": "none"}
        )
        assert away.status_code == 403
        # A login with the password renews it, and says until when; the next one is the one who is named.
        assert set(web.post(session, json=mine).json()) == {
            *("access_token", "expires_in", "drafts_key", "username", "pin_until")
        }
        web.post(session, json={"username": ngata.name, "password": PASSWORD})
        token = web.post(f"{session}/pin", json={"username": hartmann.name, "pin": PIN}).json()["access_token"]
        me = web.get("/v1/me", headers={"Authorization": f"Bearer {token}"}).json()
        assert me["username"] == hartmann.name
        assert web.put(f"{session}/pin", json={**mine, "pin": None}).json() == {"pin_until": None}
        assert web.post(f"{session}/pin", json={"username": hartmann.name, "pin": PIN}).status_code == 401


def test_at_a_terminal_the_seat_is_its_users_alone_and_logging_out_gives_it_back(
    prison: Prison, hartmann: Caller, terminal: Terminal
) -> None:
    allow(prison)
    choose(hartmann)
    assert terminal.files("seats/*.json") == [], "she logged in here before she had a PIN"
    terminal.login(hartmann)
    [kept] = terminal.files("seats/*.json")
    assert kept.stat().st_mode & 0o077 == 0
    seat = orjson.loads(kept.read_bytes())["seat"]
    assert come_back(prison.service, seat, PIN, "10.44.0.1").status_code == 200
    assert terminal.run("logout").exit_code == 0
    assert terminal.files("seats/*.json") == []
    assert come_back(prison.service, seat, PIN, "10.44.0.1").status_code == 400


def test_a_locked_terminal_has_a_pass_for_one_question(prison: Prison, hartmann: Caller, weir: str) -> None:
    other, boss = prison.service.prison(), prison.hire("ashdown", "governor")
    hartmann.post("/v1/calls/passes", {"establishment": other.code}, 404)
    system = prison.connect("escort", "events:read")
    system.post("/v1/calls/passes", {"establishment": prison.code}, 403)
    given = hartmann.post("/v1/calls/passes", {"establishment": prison.code}, 200)

    def calling(one: str) -> Any:
        answer = httpx.post(f"{prison.service.url}/v1/calls", json={"pass": one}, trust_env=False)
        assert answer.status_code == 200, answer.text
        return answer.json()["units"]

    assert calling(given["pass"]) == []
    boss.note(weir, fact="Of no concern to her.", attention="ACT_NOW", handling="SECURITY")
    assert calling(given["pass"]) == []
    boss.note(weir, fact="Says goodbye to everybody.", attention="ACT_NOW")
    assert calling(given["pass"]) == ["A"]
    assert calling(given["pass"][:-1]) is None
    assert hartmann.http.get("/v1/me", headers={"Authorization": f"Bearer {given['pass']}"}).status_code == 401
    change(prison.service, hartmann, active=False)
    assert calling(given["pass"]) is None
