"""Those who go on whatever happens to the service: one posts until it is answered, one hears all of it in order."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import httpx
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.support.readers import fragile
from tests.support.service import Caller

LONGEST_S = 60
AWAY = (httpx.TransportError, ConnectionClosed, InvalidHandshake, OSError, TimeoutError)
"""How it looks from outside that a server was killed."""


@dataclass
class Terminal:
    """Posts one note after another. One that was not answered is sent again, under its key, until it is. `pause`:
    seconds between two notes; `patience`: the most it waits where it is asked to come back later."""

    who: Caller
    name: str
    pause: float = 0
    patience: float = 0
    answered: dict[str, str] = field(default_factory=dict)
    repeated: int = 0
    told: list[tuple[float, int]] = field(default_factory=list)
    """Each answer: when, and its status."""

    def work(self, stop: threading.Event) -> None:
        """Posts until told to stop."""
        number = 0
        while not stop.wait(self.pause):
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
            self.told.append((monotonic(), answer.status_code))
            if answer.status_code == 201:
                self.answered[words] = answer.json()["id"]
                self.repeated += "idempotency-replayed" in answer.headers
            else:
                assert answer.status_code == 503, answer.text
                threading.Event().wait(min(self.patience, int(answer.headers["retry-after"])))


class Follower:
    """Hears everything, and comes back with its cursor whenever the server was killed. `limit`: of one page."""

    def __init__(self, records: Caller, limit: int = 7) -> None:
        self.records = records
        self.limit = limit
        self.heard: list[dict[str, Any]] = []
        self.cursors: list[str] = []

    def _take(self, event: dict[str, Any]) -> None:
        assert event["sequence"] == len(self.heard) + 1, "the next one, neither a gap nor a repeat"
        self.heard.append(event)
        self.cursors.append(event["cursor"])

    def _after(self) -> dict[str, Any]:
        return {"after": self.cursors[-1]} if self.cursors else {}

    def pull(self) -> None:
        """One page more."""
        answer = self.records.http.get("/v1/events", params={"wait": 1, "limit": self.limit, **self._after()})
        assert answer.status_code in (200, 503), answer.text
        for event in answer.json().get("items", []):
            self._take(event)

    def listen(self) -> None:
        """A feed, until it breaks, or there is nothing new for a while."""
        with fragile(self.records, **self._after()) as feed:
            while True:
                frame = feed.frame(2)
                if frame["type"] == "event":
                    self._take(frame["event"])
                else:
                    self.cursors.append(frame["cursor"])
                if frame["type"] == "heartbeat":
                    return

    def follow(self, read: Callable[[], None], enough: Callable[[], bool], longest_s: float = LONGEST_S) -> None:
        """Reads again and again until it is enough."""
        deadline = monotonic() + longest_s
        while not enough():
            assert monotonic() < deadline, f"{len(self.heard)} events heard"
            try:
                read()
            except AWAY:
                threading.Event().wait(0.02)
