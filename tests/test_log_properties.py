"""The log, with everybody writing and reading at once: never a gap, a repeat or a wrong order, and nobody left waiting."""

import json
import random
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import httpx
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed

from handover.domain.access import HANDLING, operator
from handover.schemas.roster import MoveDraft
from handover.services import accounts, opening, roster
from handover.services.unit_of_work import Asker, Desk
from tests.support.readers import READS, eventually, hears_everything
from tests.support.service import Caller, Prison, Service, settings_for

PATIENCE = 20


@pytest.fixture(scope="module")
def second(database_url: str, service: Service) -> Iterator[Service]:
    """A second process's worth of the service, on the same store."""
    running = Service(settings_for(database_url))
    yield running
    running.stop()


def postgresql_only(service: Service) -> None:
    if service.desk.store.engines.embedded:
        pytest.skip("the embedded store has one writer at a time")


# --- Writers that stand in each other's way --------------------------------------------------------------------------


def test_two_processes_that_lock_each_other_out_both_get_everything_written(service: Service, second: Service) -> None:
    postgresql_only(service)
    north, south = service.prison(), service.prison()
    people = [north.receive("A1"), north.receive("A2")]
    records = hears_everything(north, south)
    boss = Asker(operator("operator", (north.code, south.code)))
    both, done = threading.Barrier(2, timeout=PATIENCE), threading.Event()
    answers: list[Future[Any]] = []

    def meet(_uow: Any) -> None:
        # Once: a transaction that was given up is done again, one piece at a time.
        if not done.is_set():
            both.wait()
            done.set()

    def move(number: str, unit: str) -> Callable[[Any], Any]:
        draft = MoveDraft(establishment=north.code, unit=unit, reason="Changed places.")
        return lambda uow: roster.move(uow, number, draft)

    for desk, order, unit in ((service.desk, people, "A"), (second.desk, people[::-1], "B")):
        begin = threading.Event()
        answers.append(desk.store.write(lambda _batch, begin=begin: begin.wait(PATIENCE)))  # type: ignore[misc]
        answers.append(desk.submit(boss, move(order[0], unit)))
        answers.append(desk.store.write(meet))
        answers.append(desk.submit(boss, move(order[1], unit)))
        begin.set()
    for answer in answers:
        answer.result(PATIENCE)
    events, _ = records.pull(type="inmate.moved")
    assert sorted(event["subject"] for event in events) == sorted(people * 2)
    assert [event["sequence"] for event in records.pull(establishment=north.code)[0]] == list(range(1, 7))


def _backends(service: Service) -> list[int]:
    with psycopg.connect(service.settings.database_url, autocommit=True) as conn:
        rows = conn.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return [row[0] for row in rows]


def _cut(service: Service) -> None:
    with psycopg.connect(service.settings.database_url, autocommit=True) as conn:
        for pid in _backends(service):
            conn.execute("SELECT pg_terminate_backend(%s)", (pid,))


def test_after_the_database_restarted_overnight_the_first_note_goes_through(prison: Prison) -> None:
    postgresql_only(prison.service)
    ngata = prison.hire("ngata", "officer", "A")
    with ngata.feed(after="now") as feed:
        feed.until_live()
        _cut(prison.service)
        note = ngata.note(unit="A")
        assert feed.event()["data"] == note
    assert ngata.get(f"/v1/notes/{note['id']}") == note


def test_connections_cut_under_load_lose_no_answered_note_and_double_none(prison: Prison) -> None:
    postgresql_only(prison.service)
    ngata, records = prison.hire("ngata", "officer", "A"), hears_everything(prison)
    stop, written, unsure = threading.Event(), {}, []  # type: ignore[var-annotated]

    def write(name: str) -> None:
        number = 0
        while not stop.is_set():
            key, number = f"{name}-{number}", number + 1
            draft = {"basis": "SAW", "unit": "A", "fact": key}
            answer = ngata.http.post("/v1/notes", json=draft, headers={"Idempotency-Key": key})
            if answer.status_code == 201:
                written[key] = answer.json()["id"]
            else:
                assert answer.status_code == 503, answer.text
                unsure.append(key)

    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(write, f"w{i}") for i in range(4)]
        try:
            for _ in range(8):
                threading.Event().wait(0.1)
                _cut(prison.service)
        finally:
            stop.set()
        for writer in writers:
            writer.result(PATIENCE)
    for key in unsure:
        draft = {"basis": "SAW", "unit": "A", "fact": key}
        written[key] = ngata.post("/v1/notes", draft, **{"Idempotency-Key": key})["id"]
    events, _ = records.pull()
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    assert sorted(event["data"]["id"] for event in events) == sorted(written.values())
    assert {event["data"]["fact"]: event["data"]["id"] for event in events} == written
