"""The short lane for notes and the plain way through the framework give the same answers."""

import socket
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support import embedded
from tests.support.service import Caller, Service, settings_for

SOUND = b'{"inmate": "%s", "basis": "SAW", "change": "WORSE"}'
BODIES: dict[str, bytes] = {
    "sound": SOUND,
    "empty": b"",
    "not JSON": b"{",
    "not UTF-8": b'{"basis": "\xff"}',
    "a list": b"[]",
    "null": b"null",
    "a name twice": b'{"basis": "SAW", "basis": "SAW", "fact": "x"}',
    "NaN": b'{"basis": "SAW", "mood": {"valence": NaN}}',
    "an unknown field": b'{"inmate": "%s", "basis": "SAW", "fact": "x", "moood": 1}',
    "wrong types": b'{"inmate": 5, "basis": "SAW", "mood": {"valence": "low"}, "needs": {}}',
    "an unknown code": b'{"inmate": "%s", "basis": "SWA", "fact": "x"}',
    "nobody": b'{"inmate": "NOBODY", "basis": "SAW", "fact": "x"}',
    "nothing said": b'{"inmate": "%s", "basis": "SAW"}',
    "a line after it": SOUND + b"\r\n",
    "a blank before it": b" " + SOUND,
    "a word after it": SOUND + b" x",
    "two of them": SOUND + SOUND,
    "too large": b'{"fact": "' + b"x" * 70_000 + b'"}',
}
HEADERS: dict[str, dict[str, str]] = {
    "plain": {},
    "no content type": {"Content-Type": ""},
    "another content type": {"Content-Type": "text/plain"},
    "a sound key": {"Idempotency-Key": "key-%s"},
    "an unsound key": {"Idempotency-Key": "two words"},
    "no token": {"Authorization": ""},
    "a wrong token": {"Authorization": "Bearer nothing"},
}


@pytest.fixture(scope="module")
def ways(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[tuple[Caller, str]]]:
    """Two services alike, one with the lane and one without; an officer and a person in each."""
    running, callers = [], []
    for lane in (True, False):
        folder = tmp_path_factory.mktemp("lane" if lane else "plain")
        service = Service(settings_for(embedded.copy(folder / "handover.sqlite3")), lane=lane)
        prison = service.prison()
        callers.append((prison.hire("ngata", "officer", "A"), prison.receive("A4417KD")))
        running.append(service)
    yield callers
    for service in running:
        service.stop()


def ask(caller: Caller, inmate: str, body: bytes, headers: dict[str, str], query: str) -> httpx.Response:
    """One request, with this caller's person in it."""
    given = {"Content-Type": "application/json", **headers}
    given = {name: value.replace("%s", inmate) for name, value in given.items() if value}
    if "Authorization" in headers and not headers["Authorization"]:
        given["Authorization"] = "None"
    return caller.http.post(f"/v1/notes{query}", content=body.replace(b"%s", inmate.encode()), headers=given)


def shape(answer: httpx.Response, inmate: str) -> Any:
    """What the two answers must have in common: all but ids, times, and the number of each service's own prison."""
    told = answer.json()
    if answer.status_code == 201:
        told = {name: type(value).__name__ for name, value in told.items()}
    told.pop("instance", None)
    names = {"content-type", "cache-control", "accept", "www-authenticate", "idempotency-replayed", "retry-after"}
    headers = {name: value for name, value in answer.headers.items() if name in names}
    return answer.status_code, headers, str(told).replace(inmate, "A4417KD")


@pytest.mark.parametrize("headers", HEADERS)
@pytest.mark.parametrize("body", BODIES)
def test_the_lane_and_the_plain_way_answer_alike(ways: list[tuple[Caller, str]], body: str, headers: str) -> None:
    lane, plain = (shape(ask(c, inmate, BODIES[body], HEADERS[headers], ""), inmate) for c, inmate in ways)
    assert lane == plain


def test_a_body_that_comes_in_two_goes_is_one_note(ways: list[tuple[Caller, str]]) -> None:
    for caller, inmate in ways:
        address = caller.http.base_url.host, caller.http.base_url.port
        text = SOUND.replace(b"%s", inmate.encode())
        head = (
            f"POST /v1/notes HTTP/1.1\r\nHost: prison\r\nAuthorization: {caller.http.headers['Authorization']}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n"
        )
        with socket.create_connection(address, timeout=10) as line:
            line.sendall(head.encode() + text[:20])
            time.sleep(0.05)  # so that the service has begun with the first half
            line.sendall(text[20:])
            with line.makefile("rb") as answer:
                assert b" 201 " in answer.readline()
                assert b'"change":"WORSE"' in answer.read()


def test_a_parameter_that_does_not_exist_is_refused_on_both(ways: list[tuple[Caller, str]]) -> None:
    lane, plain = (shape(ask(c, inmate, SOUND, {}, "?unit=A"), inmate) for c, inmate in ways)
    assert lane == plain
    assert lane[0] == 422


def test_two_idempotency_keys_are_refused_on_both(ways: list[tuple[Caller, str]]) -> None:
    for caller, inmate in ways:
        body = {"inmate": inmate, "basis": "SAW", "change": "WORSE"}
        told = caller.http.post("/v1/notes", json=body, headers=[("Idempotency-Key", "a"), ("Idempotency-Key", "b")])
        assert told.status_code == 422
        assert told.json()["errors"] == [
            {"pointer": "/header/Idempotency-Key", "detail": "send one; only one can be kept"}
        ]
