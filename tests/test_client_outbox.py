"""Hartmann writes while the network comes and goes: every note is recorded once, in order, or kept with the reason."""

import json
import multiprocessing
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from handover import clock
from handover.client import skew
from handover.client.files import locked
from handover.client.http import Access, Api
from handover.client.outbox import UNKEPT, WAITED, Outbox, Unkept
from handover.client.refusals import CannotReach, DiskFails, NotLoggedIn, ServerRefused
from handover.client.sending import Round, send_all
from handover.client.server import server_at
from handover.schemas.notes import NeedDraft, NoteDraft
from tests.support.outages import no_room

Answer = httpx.Response | Exception


class Tokens:
    """Hartmann's login; `ended` once the server no longer knows it."""

    def __init__(self) -> None:
        self.ended = False

    def access(self, *, unlike: str | None = None) -> Access:
        if self.ended or unlike:
            raise NotLoggedIn("The login of L. Hartmann has ended.")
        return Access("token", datetime.max.replace(tzinfo=UTC))


class Service:
    """Keeps the contract for POST /v1/notes, and has bad days."""

    def __init__(self) -> None:
        self.recorded: list[dict[str, Any]] = []
        self.seen: list[tuple[str, str]] = []
        self.bad_day: list[Callable[[httpx.Request], Answer | None]] = []
        self._answers: dict[str, tuple[bytes, dict[str, Any]]] = {}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append((request.headers["idempotency-key"], request.content.decode()))
        if self.bad_day:
            answer = self.bad_day.pop(0)(request)
            if isinstance(answer, Exception):
                raise answer
            if answer is not None:
                return answer
        return self.record(request)

    def record(self, request: httpx.Request) -> httpx.Response:
        key = request.headers["idempotency-key"]
        if key in self._answers:
            body, note = self._answers[key]
            assert body == request.content, "the same key must come with the same body"
            return httpx.Response(201, json=note, headers={"Idempotency-Replayed": "true"})
        note = {"id": f"note-{len(self.recorded) + 1}", **json.loads(request.content)}
        self.recorded.append(note)
        self._answers[key] = (request.content, note)
        return httpx.Response(201, json=note)

    def record_and_lose_the_answer(self, request: httpx.Request) -> Answer:
        self.record(request)
        return httpx.ReadTimeout("no answer")


def refusal(status: int, pointer: str | None = None, **headers: str) -> httpx.Response:
    errors = [{"pointer": pointer, "detail": "put it right"}] if pointer else None
    document = {"type": "/problems/x", "title": "No", "status": status, "detail": "because", "errors": errors}
    return httpx.Response(status, json=document, headers={"content-type": "application/problem+json", **headers})


def gone(_: httpx.Request) -> Answer:
    return httpx.ConnectError("Connection refused")


def lost(_: httpx.Request) -> Answer:
    return httpx.ReadError("reset")


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    slept: list[float] = []
    monkeypatch.setattr("handover.client.sending.time.sleep", slept.append)
    return slept


@pytest.fixture
def outbox() -> Outbox:
    return Outbox(server_at("http://127.0.0.1:8000"), "l.hartmann")


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def tokens() -> Tokens:
    return Tokens()


@pytest.fixture
def send(outbox: Outbox, service: Service, tokens: Tokens) -> Iterator[Callable[[], Round]]:
    with Api(outbox.server, tokens, transport=httpx.MockTransport(service)) as api:
        yield lambda: send_all(outbox, api, wait_s=0)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Time passes."""

    def pass_by(**span: float) -> None:
        monkeypatch.setattr(clock, "now", lambda: datetime.now(UTC) + timedelta(**span))

    return pass_by


def note(fact: str = "Quiet.", **fields: Any) -> NoteDraft:
    return NoteDraft(inmate="A4417KD", basis="SAW", fact=fact, **fields)


def write(outbox: Outbox, fact: str = "Quiet.", **fields: Any) -> str:
    return outbox.put(outbox.made(note(fact, **fields), clock.now()))


def facts(service: Service) -> list[str]:
    return [note["fact"] for note in service.recorded]


def test_a_note_is_sent_and_leaves_the_disk(outbox: Outbox, service: Service, send: Callable[[], Round]) -> None:
    write(outbox, needs=[NeedDraft(code="PHONE", promised=True)])
    went = send()
    assert [one.note["id"] for one in went.sent] == ["note-1"]
    assert went.stopped is None
    assert outbox.names() == []
    sent = service.recorded[0]
    assert sent["occurred_at"] == sent["captured_at"]
    assert sent["needs"] == [{"code": "PHONE", "promised": True}]
    assert "late_reason" not in sent


def test_nobody_else_may_read_what_waits(outbox: Outbox) -> None:
    path = outbox.folder / write(outbox)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in path.parents[:4]} == {0o700}


def test_without_a_network_notes_wait_and_go_later_in_order(
    outbox: Outbox, service: Service, send: Callable[[], Round]
) -> None:
    service.bad_day = [gone]
    for fact in ("first", "second", "third"):
        write(outbox, fact)
    went = send()
    assert isinstance(went.stopped, CannotReach)
    assert len(outbox.names()) == 3
    assert [one.note["fact"] for one in send().sent] == ["first", "second", "third"]
    assert facts(service) == ["first", "second", "third"]


def test_a_clock_that_was_set_back_does_not_let_a_later_note_overtake(outbox: Outbox) -> None:
    now = clock.now()
    outbox.put(outbox.made(note("first"), now))
    outbox.put(outbox.made(note("second"), now - timedelta(minutes=5)))
    outbox.put(outbox.made(note("third"), now - timedelta(minutes=4)))
    assert [outbox.read(name).draft.fact for name in outbox.names()] == [  # type: ignore[union-attr]
        "first",
        "second",
        "third",
    ]


@pytest.mark.parametrize("trouble", ["answer lost", "line broken before it arrived"])
def test_an_attempt_that_may_have_arrived_is_repeated_word_for_word(
    outbox: Outbox,
    service: Service,
    send: Callable[[], Round],
    later: Callable[..., None],
    trouble: str,
) -> None:
    service.bad_day = [service.record_and_lose_the_answer if trouble == "answer lost" else lost]
    write(outbox)
    assert isinstance(send().stopped, CannotReach)
    later(hours=3)
    assert len(send().sent) == 1
    assert len(service.recorded) == 1
    assert service.seen[0] == service.seen[1]


def test_what_waits_is_read_from_the_disk_as_often_however_much_it_is(
    outbox: Outbox, service: Service, send: Callable[[], Round], monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: Counter[str] = Counter()
    as_kept = Outbox.read
    monkeypatch.setattr(Outbox, "read", lambda self, name: reads.update([name]) or as_kept(self, name))
    for n in range(12):
        write(outbox, f"Note {n}.")
    send()
    assert len(service.recorded) == 12
    assert max(reads.values()) <= 2


def test_a_note_sent_hours_later_keeps_its_time_and_says_why_it_is_late(
    outbox: Outbox, service: Service, send: Callable[[], Round], later: Callable[..., None]
) -> None:
    service.bad_day = [gone]
    written = clock.now()
    outbox.put(outbox.made(note(), written))
    send()
    later(hours=2)
    send()
    sent = service.recorded[0]
    assert sent["late_reason"] == WAITED
    assert datetime.fromisoformat(sent["occurred_at"]) == written
    assert datetime.fromisoformat(sent["captured_at"]) == written


def test_a_reason_that_was_given_stands_and_none_is_made_up_for_what_was_late_already(
    outbox: Outbox, service: Service, send: Callable[[], Round], later: Callable[..., None]
) -> None:
    service.bad_day = [gone]
    now = clock.now()
    write(outbox, "own reason", occurred_at=now - timedelta(minutes=10), late_reason="I was on escort.")
    write(outbox, "late when written", occurred_at=now - timedelta(hours=2))
    send()
    later(minutes=55)
    send()
    assert [note.get("late_reason") for note in service.recorded] == ["I was on escort.", None]


def test_attention_that_ran_out_while_waiting_gets_the_usual_end(
    outbox: Outbox, service: Service, send: Callable[[], Round], later: Callable[..., None]
) -> None:
    service.bad_day = [gone]
    write(outbox, attention="WATCH", attention_until=clock.now() + timedelta(minutes=30))
    send()
    later(hours=1)
    send()
    assert service.recorded[0]["attention"] == "WATCH"
    assert "attention_until" not in service.recorded[0]


def test_what_the_server_refuses_is_set_aside_with_the_answer_and_holds_up_nobody(
    outbox: Outbox, service: Service, send: Callable[[], Round]
) -> None:
    service.bad_day = [lambda _: refusal(422, "/inmate")]
    write(outbox, "about nobody")
    write(outbox, "the next one")
    went = send()
    assert [one.kept.draft.fact for one in went.refused if one.kept] == ["about nobody"]
    assert facts(service) == ["the next one"]
    aside = outbox.refused()[0]
    assert aside.kept is not None
    assert aside.kept.draft.fact == "about nobody"
    assert aside.answer["errors"] == [{"pointer": "/inmate", "detail": "put it right"}]
    outbox.drop_refused(aside.name)
    assert outbox.refused() == []


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_server_that_cannot_just_now_keeps_the_note_waiting(
    outbox: Outbox, service: Service, send: Callable[[], Round], status: int
) -> None:
    service.bad_day = [lambda _: refusal(status, **{"retry-after": "60"})]
    write(outbox)
    went = send()
    assert isinstance(went.stopped, ServerRefused)
    assert len(outbox.names()) == 1
    assert len(send().sent) == 1


def test_a_short_while_is_waited_out(
    outbox: Outbox, service: Service, send: Callable[[], Round], no_waiting: list[float]
) -> None:
    service.bad_day = [lambda _: refusal(503, **{"retry-after": "1"}), lambda _: refusal(409)]
    write(outbox)
    assert len(send().sent) == 1
    assert no_waiting == [1.0, 0.5]
    assert len(set(service.seen)) == 1


def overloaded(_: httpx.Request) -> Answer:
    document = {"type": "/problems/overloaded", "title": "Not now", "status": 503, "detail": "Too much."}
    return httpx.Response(503, json=document, headers={"content-type": "application/problem+json", "retry-after": "3"})


def test_where_the_server_asks_for_a_while_only_what_calls_somebody_is_sent_and_the_rest_keeps_its_order(
    outbox: Outbox, service: Service, send: Callable[[], Round], no_waiting: list[float]
) -> None:
    for fact in ("First.", "Second."):
        write(outbox, fact)
    outbox.put(outbox.made(note("Cut himself.", attention="ACT_NOW"), clock.now(), urgent=True))
    service.bad_day = [overloaded]
    went = send()
    assert isinstance(went.stopped, ServerRefused)
    assert went.stopped.retry_after == 3
    assert (facts(service), no_waiting) == (["Cut himself."], []), "at once, and nothing else is asked"
    assert len(service.seen) == 2
    assert send().stopped is None
    assert facts(service) == ["Cut himself.", "First.", "Second."]
    assert service.seen[2] == service.seen[0], "the same words under the same key"


def test_with_nobody_to_call_a_while_is_waited_for(
    outbox: Outbox, service: Service, send: Callable[[], Round], no_waiting: list[float]
) -> None:
    service.bad_day = [overloaded]
    write(outbox)
    assert len(send().sent) == 1
    assert no_waiting == [3.0]


@pytest.mark.parametrize(
    "page",
    [
        httpx.Response(404, text="<html>Not here", headers={"content-type": "text/html"}),
        httpx.Response(403, text="<html>The proxy says no", headers={"content-type": "text/html"}),
        httpx.Response(200, text="<html>Please log in to the network", headers={"content-type": "text/html"}),
        httpx.Response(302, headers={"location": "http://elsewhere/"}),
    ],
    ids=lambda page: page.status_code,
)
def test_a_proxys_page_is_no_answer_and_costs_no_note(
    outbox: Outbox, service: Service, send: Callable[[], Round], page: httpx.Response
) -> None:
    service.bad_day = [lambda _: page]
    write(outbox)
    assert isinstance(send().stopped, CannotReach)
    assert len(outbox.names()) == 1
    assert len(send().sent) == 1


def test_a_login_that_has_ended_keeps_everything(
    outbox: Outbox, service: Service, tokens: Tokens, send: Callable[[], Round]
) -> None:
    write(outbox)
    tokens.ended = True
    assert isinstance(send().stopped, NotLoggedIn)
    tokens.ended = False
    service.bad_day = [lambda _: refusal(401)]
    assert isinstance(send().stopped, NotLoggedIn)
    assert len(send().sent) == 1
    assert len(service.recorded) == 1


def test_a_clock_that_runs_ahead_costs_no_note(outbox: Outbox, service: Service, send: Callable[[], Round]) -> None:
    server_time = clock.now() - timedelta(minutes=7)
    date = server_time.strftime("%a, %d %b %Y %H:%M:%S GMT")
    service.bad_day = [lambda _: refusal(422, "/occurred_at", date=date)]
    write(outbox)
    assert len(send().sent) == 1
    sent = service.recorded[0]
    assert abs(datetime.fromisoformat(sent["occurred_at"]) - server_time) < timedelta(seconds=3)
    assert datetime.fromisoformat(sent["captured_at"]) > server_time + timedelta(minutes=6)
    assert service.seen[0][0] != service.seen[1][0], "another body goes under another key"


def test_a_clock_that_was_set_right_since_the_service_was_last_heard_costs_no_note(
    outbox: Outbox, service: Service, send: Callable[[], Round]
) -> None:
    skew.heard(outbox.server, clock.now() + timedelta(hours=1), clock.now())  # it was an hour slow, and is no more
    outbox.put(outbox.made(note(), skew.now(outbox.server)))
    there = clock.now() + timedelta(seconds=2)
    service.bad_day = [lambda _: refusal(422, "/occurred_at", date=format_datetime(there, usegmt=True))]
    assert len(send().sent) == 1
    assert abs(datetime.fromisoformat(service.recorded[0]["occurred_at"]) - there) < timedelta(seconds=5)


def test_a_time_somebody_claimed_is_never_changed(outbox: Outbox, service: Service, send: Callable[[], Round]) -> None:
    service.bad_day = [lambda _: refusal(422, "/occurred_at", date="Mon, 01 Jan 2024 00:00:00 GMT")]
    write(outbox, occurred_at=clock.now() - timedelta(minutes=5))
    assert len(send().refused) == 1
    assert service.recorded == []


def test_one_note_the_server_always_fails_on_does_not_hold_up_the_rest_for_ever(
    outbox: Outbox, service: Service, send: Callable[[], Round], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handover.client.sending._PATIENCE_S", 0)
    broken = service.record

    def record(request: httpx.Request) -> httpx.Response:
        return refusal(500) if b"poison" in request.content else broken(request)

    monkeypatch.setattr(service, "record", record)
    write(outbox, "poison")
    write(outbox, "fine")
    assert [len(send().sent) for _ in range(3)] == [0, 0, 1]
    assert facts(service) == ["fine"]
    assert len(outbox.names()) == 1


def test_a_file_that_is_no_note_is_set_aside(outbox: Outbox, service: Service, send: Callable[[], Round]) -> None:
    name = write(outbox, "damaged")
    (outbox.folder / name).write_text('{"half": ')
    write(outbox, "whole")
    assert facts(service) == []
    went = send()
    assert [one.kept for one in went.refused] == [None]
    assert facts(service) == ["whole"]


def test_a_note_that_the_disk_does_not_give_just_now_stays_and_holds_up_nobody(
    outbox: Outbox, service: Service, send: Callable[[], Round]
) -> None:
    name = write(outbox, "Tearful at unlock.")
    write(outbox, "Quiet.")
    file = outbox.folder / name
    away = file.rename(file.with_suffix(".away"))
    file.symlink_to(file)  # to read it is an error, and not because it were gone
    went = send()
    assert went.refused == []
    assert isinstance(went.stopped, DiskFails)
    assert facts(service) == ["Quiet."]
    assert outbox.names() == [name]

    away.replace(file)
    assert send().stopped is None
    assert facts(service) == ["Quiet.", "Tearful at unlock."]


@pytest.mark.parametrize(("step", "reached"), [("rewrite", False), ("done", True)])
def test_a_full_disk_stops_the_sending_and_what_was_recorded_is_not_taken_for_refused(
    outbox: Outbox,
    service: Service,
    send: Callable[[], Round],
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    reached: bool,
) -> None:
    name = write(outbox)
    with monkeypatch.context() as full:
        full.setattr(Outbox, step, no_room)
        went = send()
    assert isinstance(went.stopped, DiskFails)
    assert str(went.stopped) == "This machine would not do it: No space left on device."
    assert [one.name for one in went.sent] == ([name] if reached else [])
    assert len(service.recorded) == reached

    assert [one.name for one in send().sent] == [name]
    assert len(service.recorded) == 1


def test_a_file_that_cannot_be_removed_holds_up_none_behind_it(
    outbox: Outbox, service: Service, send: Callable[[], Round], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = write(outbox, "Tearful at unlock."), write(outbox, "Quiet.")
    done = Outbox.done
    with monkeypatch.context() as disk:
        disk.setattr(Outbox, "done", lambda box, name: no_room() if name == first else done(box, name))
        went = send()
    assert facts(service) == ["Tearful at unlock.", "Quiet."]
    assert [one.name for one in went.sent] == [first, second]
    assert isinstance(went.stopped, DiskFails)
    assert outbox.names() == [first]


def test_where_the_disk_is_full_what_calls_somebody_goes_all_the_same_and_is_one_note_however_late_it_goes_again(
    outbox: Outbox,
    service: Service,
    send: Callable[[], Round],
    monkeypatch: pytest.MonkeyPatch,
    later: Callable[..., None],
) -> None:
    before = write(outbox, "Quiet, and before it.")
    outbox.put(outbox.made(note("Cut himself.", attention="ACT_NOW"), clock.now(), urgent=True))
    service.bad_day = [service.record_and_lose_the_answer]
    with monkeypatch.context() as full:
        full.setattr(Outbox, "rewrite", no_room)
        assert isinstance(send().stopped, CannotReach)
    assert facts(service) == ["Cut himself."]
    outbox.done(before)
    # That it may have come there could not be marked, so an hour later it is sent as what has waited.
    later(hours=2)
    service.bad_day = [lambda _: refusal(422, "/header/Idempotency-Key")]
    went = send()
    assert ([one.note["fact"] for one in went.sent], went.refused) == (["Cut himself."], [])
    assert facts(service) == ["Cut himself."]
    assert [WAITED in body for _, body in service.seen] == [False, True, False]


def test_a_note_that_the_disk_does_not_take_is_one_note_however_often_it_is_sent_from_memory(
    outbox: Outbox, service: Service, tokens: Tokens
) -> None:
    unkept = Unkept(outbox.server, outbox.author, outbox.made(note(), clock.now()))
    with Api(outbox.server, tokens, transport=httpx.MockTransport(service)) as api:

        def perhaps_recorded() -> bool:
            assert isinstance(send_all(unkept, api, wait_s=0).stopped, CannotReach)
            return unkept.may_be_recorded

        service.bad_day = [gone]
        assert not perhaps_recorded()
        # Refused for its time, which is our doing, and mended: then the answer is lost, and it goes once more.
        date = format_datetime(clock.now() - timedelta(minutes=4), usegmt=True)
        service.bad_day = [lambda _: refusal(422, "/occurred_at", date=date), service.record_and_lose_the_answer]
        assert perhaps_recorded()
        assert [one.name for one in send_all(unkept, api, wait_s=0).sent] == [UNKEPT]
        assert not unkept.may_be_recorded
    assert facts(service) == ["Quiet."]
    assert not outbox.folder.exists()


def test_what_the_server_had_no_time_for_is_not_recorded_unless_it_is_lost_on_another_try(
    outbox: Outbox, service: Service, tokens: Tokens, no_waiting: list[float]
) -> None:
    unkept = Unkept(outbox.server, outbox.author, outbox.made(note(), clock.now()))
    with Api(outbox.server, tokens, transport=httpx.MockTransport(service)) as api:
        perhaps_recorded = []
        for then in (gone, lost, gone):
            service.bad_day = [overloaded, then]
            assert isinstance(send_all(unkept, api, wait_s=0).stopped, CannotReach)
            perhaps_recorded.append(unkept.may_be_recorded)
    assert perhaps_recorded == [False, True, True], "what was lost may have come there"
    assert no_waiting == [3.0] * 3


def test_what_is_refused_from_memory_is_not_recorded_and_a_login_that_has_ended_stops_it(
    outbox: Outbox, service: Service, tokens: Tokens
) -> None:
    unkept = Unkept(outbox.server, outbox.author, outbox.made(note(), clock.now()))
    with Api(outbox.server, tokens, transport=httpx.MockTransport(service)) as api:
        service.bad_day = [lambda _: refusal(422, "/fact")]
        assert [one.refusal.status for one in send_all(unkept, api, wait_s=0).refused] == [422]
        assert not unkept.may_be_recorded
        tokens.ended = True
        assert isinstance(send_all(unkept, api, wait_s=0).stopped, NotLoggedIn)
    assert not outbox.folder.exists()


def test_another_process_that_stands_in_the_way_is_a_disk_that_does_not_take_it(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handover.client.outbox._ORDER_WAIT_S", 0)
    with locked(outbox.folder / ".order.lock", 0), pytest.raises(OSError, match="stands in the way"):
        write(outbox)


def test_two_commands_never_send_at_once(outbox: Outbox, service: Service, send: Callable[[], Round]) -> None:
    write(outbox)
    with outbox.sending(0):
        assert isinstance(send().stopped, CannotReach)
    assert service.seen == []
    assert len(send().sent) == 1


def _write_many(folder: str, which: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", folder)
        outbox = Outbox(server_at("http://127.0.0.1:8000"), "l.hartmann")
        for number in range(20):
            write(outbox, f"{which}-{number}")


def test_several_commands_writing_at_once_lose_nothing_and_keep_each_ones_order(outbox: Outbox, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_many, args=(str(tmp_path), which)) for which in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    kept = [outbox.read(name) for name in outbox.names()]
    found = [one.draft.fact or "" for one in kept if one]
    assert len(found) == 60
    for which in range(3):
        mine = [fact for fact in found if fact.startswith(f"{which}-")]
        assert mine == [f"{which}-{number}" for number in range(20)]
