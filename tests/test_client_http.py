"""Every answer, and every lack of one, becomes something a command can tell apart."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx
import pytest

from handover import clock
from handover.client import skew
from handover.client.http import Access, Api, in_words
from handover.client.refusals import CannotReach, NotLoggedIn, ServerRefused
from handover.client.server import server_at
from handover.schemas.accounts import Token

PROBLEM = {"content-type": "application/problem+json"}


class Tokens:
    """t1, then t2 when t1 was refused."""

    def __init__(self) -> None:
        self.refused: list[str] = []

    def access(self, *, unlike: str | None = None) -> Access:
        if unlike is not None:
            self.refused.append(unlike)
        return Access(f"t{len(self.refused) + 1}", datetime.max.replace(tzinfo=UTC))


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))


def ask(*answers: httpx.Response | Exception, tokens: Tokens | None = None) -> httpx.Response:
    script = list(answers)

    def answer(_: httpx.Request) -> httpx.Response:
        said = script.pop(0)
        if isinstance(said, Exception):
            raise said
        return said

    with Api(server_at("http://127.0.0.1:8000"), tokens, transport=httpx.MockTransport(answer)) as api:
        return api.call("GET", "/v1/me")


def test_a_refusal_keeps_all_that_the_server_said() -> None:
    document = {
        "type": "/problems/invalid",
        "title": "Something needs correcting",
        "status": 422,
        "detail": "two things",
        "instance": "urn:uuid:1",
        "errors": [{"pointer": "/mood", "detail": "say it"}, {"pointer": "/needs/0/code", "detail": "not one"}],
    }
    with pytest.raises(ServerRefused) as refused:
        ask(httpx.Response(422, json=document, headers=PROBLEM | {"retry-after": "7"}))
    assert refused.value.as_document() == document
    assert refused.value.retry_after == 7
    assert not refused.value.temporary


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500, text="Internal Server Error"),
        httpx.Response(404, text="<html>", headers={"content-type": "text/html"}),
        httpx.Response(400, text="not json", headers=PROBLEM),
        httpx.Response(400, text="[1]", headers=PROBLEM),
        httpx.Response(307, headers={"location": "/elsewhere"}),
    ],
)
def test_what_no_handover_server_would_answer_is_none(answer: httpx.Response) -> None:
    with pytest.raises(CannotReach, match="not as a handover server") as trouble:
        ask(answer)
    assert not trouble.value.never_sent


def test_a_problem_of_another_shape_is_still_a_refusal() -> None:
    odd = {"title": None, "errors": ["x", {"pointer": 3}], "detail": None}
    with pytest.raises(ServerRefused, match="Refused"):
        ask(httpx.Response(400, json=odd, headers=PROBLEM | {"retry-after": "soon", "date": "whenever"}))


def test_a_token_that_ran_out_is_renewed_once() -> None:
    tokens = Tokens()
    assert ask(httpx.Response(401, json={}), httpx.Response(200, json={}), tokens=tokens).status_code == 200
    assert tokens.refused == ["t1"]
    with pytest.raises(NotLoggedIn):
        ask(httpx.Response(401, json={}), httpx.Response(401, json={}), tokens=Tokens())


@pytest.mark.parametrize(("status", "code"), [(503, "overloaded"), (429, "quota-exceeded")])
def test_what_was_not_done_is_asked_again_when_the_server_says(
    monkeypatch: pytest.MonkeyPatch, status: int, code: str
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("handover.client.http.time.sleep", slept.append)
    document = {"type": f"/problems/{code}", "title": "Not now", "status": status, "detail": "Too much."}

    def later(seconds: int) -> httpx.Response:
        return httpx.Response(status, json=document, headers=PROBLEM | {"retry-after": str(seconds)})

    assert ask(later(2), later(3), httpx.Response(204), tokens=Tokens()).status_code == 204
    assert slept == [2.0, 3.0]
    with pytest.raises(ServerRefused):
        ask(later(60), tokens=Tokens())
    document["type"] = "/problems/too-many"
    with pytest.raises(ServerRefused):  # a wrong password is not tried again by itself
        ask(later(1), tokens=Tokens())
    assert slept == [2.0, 3.0]


def test_only_an_answer_of_ours_says_what_time_it_is_there() -> None:
    later = {"date": format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)}
    server = server_at("http://127.0.0.1:8000")
    for page in (
        httpx.Response(200, text="Log in to the guest network", headers=later),
        httpx.Response(502, headers=later),
    ):
        with suppress(CannotReach):
            ask(page)
        assert skew.behind(server) == timedelta(0)
    with pytest.raises(ServerRefused):
        ask(httpx.Response(403, json={"title": "No"}, headers=PROBLEM | later))
    assert timedelta(minutes=59) < skew.behind(server) < timedelta(minutes=61)


def test_not_modified_is_an_answer() -> None:
    assert ask(httpx.Response(304)).status_code == 304


@pytest.mark.parametrize(
    ("error", "never_sent", "words"),
    [
        (httpx.ConnectError("[Errno 111] Connection refused"), True, "nothing answers at that address"),
        (httpx.ConnectError("[Errno -2] Name or service not known"), True, "no machine of that name"),
        (httpx.ConnectError("[Errno 101] Network is unreachable"), True, "no network"),
        (httpx.ConnectError("CERTIFICATE_VERIFY_FAILED certificate verify failed"), True, "certificate"),
        (httpx.ConnectTimeout("timed out"), True, "no answer in time"),
        (httpx.ReadTimeout("timed out"), False, "no answer in time"),
        (httpx.ReadError("reset"), False, "the connection broke"),
        (httpx.RemoteProtocolError("Server disconnected"), False, "the connection broke"),
    ],
)
def test_why_there_was_no_answer_is_said_in_words(error: httpx.HTTPError, never_sent: bool, words: str) -> None:
    with pytest.raises(CannotReach, match=words) as trouble:
        ask(error)
    assert trouble.value.never_sent is never_sent


def test_a_body_of_the_wrong_shape_is_no_answer() -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={"hello": "world"}))
    with Api(server_at("http://127.0.0.1:8000"), transport=transport) as api, pytest.raises(CannotReach):
        api.get("/oauth/token", Token)


def test_an_error_of_the_system_is_said_too() -> None:
    assert in_words(OSError(113, "No route to host")).startswith("the connection broke")
    assert in_words(TimeoutError()) == "no answer in time"


@pytest.mark.parametrize(
    ("known_s", "said_s", "behind_s"), [(0, 0, 0), (0, 4, 0), (0, 10, 0), (0, -60, -60), (0, 70, 60), (65, 70, 65)]
)
def test_an_answer_that_is_long_on_its_way_does_not_make_a_clock_wrong(
    known_s: int, said_s: int, behind_s: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = datetime(2026, 11, 28, 5, 0, tzinfo=UTC)
    shows = [asked]
    monkeypatch.setattr(clock, "now", lambda: shows[-1])

    def ten_seconds_later(_: httpx.Request) -> httpx.Response:
        shows.append(asked + timedelta(seconds=10))
        return httpx.Response(200, json={}, headers={"date": format_datetime(asked + timedelta(seconds=said_s), True)})

    server = server_at("http://127.0.0.1:8000")
    skew.heard(server, asked + timedelta(seconds=known_s), asked)
    with Api(server, transport=httpx.MockTransport(ten_seconds_later)) as api:
        api.call("GET", "/v1/me")
    assert skew.behind(server) == timedelta(seconds=behind_s)
