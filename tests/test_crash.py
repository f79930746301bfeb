"""A server that is killed in the middle of it all loses nothing it has answered for."""

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.support.processes import handover, office, serving
from tests.support.readers import eventually, fragile, hears_everything
from tests.support.service import Caller

KILLS = 4
AT_LEAST = 25
"""Notes answered between two kills."""
LONGEST_S = 60
AWAY = (httpx.TransportError, ConnectionClosed, InvalidHandshake, OSError, TimeoutError)
"""How it looks from outside that a server was killed."""


class Terminal:
    """Posts one note after another. One that was not answered is sent again, under its key, until it is."""

    def __init__(self, who: Caller, name: str) -> None:
        self.who = who
        self.name = name
        self.answered: dict[str, str] = {}
        self.repeated = 0

    def work(self, stop: threading.Event) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            self._post(f"{self.name}-{number}")

    def _post(self, words: str) -> None:
        draft = {"basis": "SAW", "unit": "A", "fact": words, "needs": [{"code": "PHONE", "promised": True}]}
        deadline = monotonic() + LONGEST_S
        while words not in self.answered:
            assert monotonic() < deadline
            try:
                answer = self.who.http.post("/v1/notes", json=draft, headers={"Idempotency-Key": words})
            except AWAY:
                threading.Event().wait(0.02)
                continue
            assert answer.status_code in (201, 503), answer.text
            if answer.status_code == 201:
                self.answered[words] = answer.json()["id"]
                self.repeated += "idempotency-replayed" in answer.headers


class Follower:
    """Hears everything, and comes back with its cursor whenever the server was killed."""

    def __init__(self, records: Caller) -> None:
        self.records = records
        self.heard: list[dict[str, Any]] = []
        self.cursors: list[str] = []

    def _take(self, event: dict[str, Any]) -> None:
        assert event["sequence"] == len(self.heard) + 1, "the next one, neither a gap nor a repeat"
        self.heard.append(event)
        self.cursors.append(event["cursor"])

    def _after(self) -> dict[str, Any]:
        return {"after": self.cursors[-1]} if self.cursors else {}

    def pull(self) -> None:
        answer = self.records.http.get("/v1/events", params={"wait": 1, "limit": 7, **self._after()})
        assert answer.status_code in (200, 503), answer.text
        for event in answer.json().get("items", []):
            self._take(event)

    def listen(self) -> None:
        with fragile(self.records, **self._after()) as feed:
            while True:
                frame = feed.frame(2)
                if frame["type"] == "event":
                    self._take(frame["event"])
                else:
                    self.cursors.append(frame["cursor"])

    def follow(self, read: Callable[[], None], enough: Callable[[], bool]) -> None:
        deadline = monotonic() + LONGEST_S
        while not enough():
            assert monotonic() < deadline, f"{len(self.heard)} events heard"
            try:
                read()
            except AWAY:
                threading.Event().wait(0.02)


def test_kill_minus_9_under_load_loses_no_answered_note_and_doubles_none(database_url: str, tmp_path: Path) -> None:
    dice = random.Random()
    with serving(database_url, tmp_path / "log") as server, office(database_url, server.url) as keeper:
        prison = keeper.prison()
        terminals = [Terminal(prison.hire(f"officer{i}", "officer", "A"), f"t{i}") for i in range(4)]
        records = hears_everything(prison)
        puller, listener = Follower(records), Follower(keeper.at(server.url, records))
        stop, ends = threading.Event(), {"at": 0}
        readings = ((puller, puller.pull), (listener, listener.listen))
        with ThreadPoolExecutor(6) as pool:
            reading = [
                pool.submit(one.follow, read, lambda one=one: stop.is_set() and len(one.heard) >= ends["at"] > 0)  # type: ignore[misc]
                for one, read in readings
            ]
            writing = [pool.submit(terminal.work, stop) for terminal in terminals]
            try:
                for _ in range(KILLS):
                    # However slow the machine is: killed in the middle of load, not before there is any.
                    loaded = sum(len(terminal.answered) for terminal in terminals) + AT_LEAST
                    eventually(lambda: sum(len(one.answered) for one in terminals) >= loaded, LONGEST_S)  # noqa: B023
                    threading.Event().wait(dice.uniform(0, 0.2))
                    server.kill()
                    server.start()
                threading.Event().wait(0.2)
            finally:
                stop.set()
            for done in writing:
                done.result(LONGEST_S)
            log, _ = records.pull()
            ends["at"] = len(log)
            for told in reading:
                told.result(LONGEST_S)

        answered = {words: id_ for terminal in terminals for words, id_ in terminal.answered.items()}
        assert len(answered) >= AT_LEAST * KILLS, "there was load"
        assert [event["sequence"] for event in log] == list(range(1, len(log) + 1))
        notes = [event["data"] for event in log if event["type"] == "note.recorded"]
        assert len(notes) == len(answered), "each once, whether its first answer arrived or not"
        assert {note["fact"]: note["id"] for note in notes} == answered
        needs = {event["data"]["note"] for event in log if event["type"] == "need.opened"}
        assert needs == set(answered.values()), "a note and what hangs on it are written together or not at all"
        assert [note["id"] for note in terminals[0].who.all("/v1/notes")] == [note["id"] for note in reversed(notes)]
        assert puller.heard == log
        assert listener.heard == log
        for cursor in dice.sample(listener.cursors, 8):
            rest, _ = records.pull(cursor)
            assert rest == log[len(log) - len(rest) :]
        server.stop()
    verified = handover("audit", "verify", database_url=database_url)
    assert verified.returncode == 0, verified.stdout + verified.stderr
