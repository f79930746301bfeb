"""Two halves that know nothing of each other put the same seal on the same sheet; and what was asked twice is done
once."""

import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as some

from handover.client.http import Api
from handover.client.refusals import CannotReach
from handover.client.resources import create, every, read
from handover.client.seen import keep_seen, versions_seen
from handover.client.server import Server, server_at
from handover.client.sheets import seal
from handover.domain import sheets
from handover.schemas.handovers import AnswerDraft

TEXT = some.text(some.characters(exclude_categories=["Cs"]), max_size=20)
THING = some.recursive(
    some.none() | some.booleans() | some.integers(-(2**53), 2**53) | TEXT,
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(TEXT, inner, max_size=3),
    max_leaves=12,
)


@given(some.dictionaries(TEXT, THING, max_size=6), TEXT, TEXT)
def test_the_client_seals_as_the_service_does(sheet: dict[str, Any], hash_: str, given_at: str) -> None:
    whole = {**sheet, "hash": hash_, "given_at": given_at}
    assert seal(whole) == sheets.seal(whole) == sheets.seal({**sheet, "given_at": "another time"})
    assert seal(json.loads(json.dumps(whole, indent=3))) == seal(whole)


def api(answers: list[Any], asked: list[httpx.Request]) -> Api:
    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(200, json=answer)

    return Api(server_at("http://127.0.0.1:9"), transport=httpx.MockTransport(handle))


def test_a_lost_answer_is_asked_for_once_more_under_the_same_key() -> None:
    asked: list[httpx.Request] = []
    with api([httpx.ReadTimeout("slow"), {"id": "x"}], asked) as there:
        assert create(there, "/v1/x", AnswerDraft(text="Yes.")) == {"id": "x"}
    assert asked[0].headers["idempotency-key"] == asked[1].headers["idempotency-key"]
    assert asked[0].content == asked[1].content == b'{"text":"Yes."}'


def test_where_nothing_answers_nothing_is_repeated() -> None:
    asked: list[httpx.Request] = []
    with api([httpx.ConnectError("refused")], asked) as there, pytest.raises(CannotReach):
        create(there, "/v1/x", AnswerDraft(text="Yes."))
    assert len(asked) == 1


def test_a_list_is_read_to_its_end() -> None:
    asked: list[httpx.Request] = []
    answers = [{"items": [{"n": 1}], "next": "abc"}, {"items": [{"n": 2}], "next": None}]
    with api(answers, asked) as there:
        assert [one["n"] for one in every(there, "/v1/x", {"unit": "A", "state": None})] == [1, 2]
    assert dict(asked[1].url.params) == {"unit": "A", "limit": "200", "cursor": "abc"}


@pytest.mark.parametrize("answer", [[], "x", None])
def test_an_answer_that_is_none_of_ours_is_said_to_be_none(answer: object) -> None:
    with api([answer], []) as there, pytest.raises(CannotReach, match="not as a handover server"):
        read(there, "/v1/x")


def test_what_was_seen_last_is_kept_and_the_oldest_forgotten(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    server: Server = server_at("http://127.0.0.1:9")
    keep_seen(server, "hartmann", {f"n{number}": 1 for number in range(1000)})
    keep_seen(server, "hartmann", {"n0": 2, "new": 7})
    seen = versions_seen(server, "hartmann")
    assert (seen["n0"], seen["new"], len(seen)) == (2, 7, 1000)
    assert "n1" not in seen
    assert versions_seen(server, "ngata") == {}
