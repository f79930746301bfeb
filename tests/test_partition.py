"""By commit order, each note belongs to exactly one handover of its unit: whoever writes while it is offered, whatever
the clocks say, however often an offer is taken back, however long nobody comes."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from tests.support.service import Caller, Prison, Service


@pytest.fixture(scope="module")
def service(patient: Service) -> Service:
    return patient


@pytest.fixture(scope="module")
def second(service: Service) -> Iterator[Service]:
    """A second process's worth of the service, on the same store."""
    running = Service(service.settings)
    yield running
    running.stop()


def is_divided(who: Caller, prison: Prison, unit: str, written: set[str]) -> None:
    """Every note that was written is an item of one handover, and each handover holds what the log has between its
    predecessor's offer and its own."""
    events, _ = who.pull(establishment=prison.code)
    note_at = {e["data"]["id"]: e["sequence"] for e in events if e["type"] in ("note.recorded", "note.corrected")}
    offer_at = {e["data"]["id"]: e["sequence"] for e in events if e["type"] == "handover.offered"}
    stood = [h for h in who.all("/v1/handovers", unit=unit) if h["kind"] == "SHIFT" and h["state"] != "WITHDRAWN"]
    stood.sort(key=lambda h: offer_at[h["id"]])
    held = [[item["note"] for item in handover["items"] if item["note"]] for handover in stood]
    assert sorted(note for notes in held for note in notes) == sorted(written), "each note once, and none lost"
    began = 0
    for handover, notes in zip(stood, held, strict=True):
        assert all(began < note_at[note] < offer_at[handover["id"]] for note in notes), "by commit order"
        began = offer_at[handover["id"]]


def offer(who: Caller, prison: Prison, unit: str) -> Any:
    return who.post("/v1/handovers", {"establishment": prison.code, "unit": unit})


def test_notes_that_come_while_the_unit_is_handed_over(service: Service, second: Service) -> None:
    prison = service.prison()
    people = [prison.receive(f"A{n}", "A", name=f"{n}, A.") for n in range(4)]
    officers = [prison.hire(f"officer-{n}", "officer", "A") for n in range(4)]
    there = [one.at(second) for one in officers[2:]]
    written: set[str] = set()
    over = threading.Event()

    def write(who: Caller, inmate: str) -> None:
        while not over.is_set():
            written.add(who.note(inmate)["id"])

    cole = prison.hire("cole", "supervisor")
    elsewhere = cole.at(second)
    with ThreadPoolExecutor(4) as pool:
        writing = [pool.submit(write, who, inmate) for who, inmate in zip([*officers[:2], *there], people, strict=True)]
        for n in range(8):
            who = elsewhere if n % 2 else cole
            offered = offer(who, prison, "A")
            if n % 3 == 2:
                who.post(f"/v1/handovers/{offered['id']}/withdrawal", {"reason": "Not yet."})
            else:
                who.post(f"/v1/handovers/{offered['id']}/acceptance", {})
        over.set()
        for one in writing:
            one.result(20)
    offer(cole, prison, "A")
    assert len(written) > 20
    is_divided(cole, prison, "A", written)


class Shifts(RuleBasedStateMachine):
    """Days on two wings, with clocks that are put right and people who move between them."""

    service: Service

    def __init__(self) -> None:
        super().__init__()
        self.prison = self.service.prison()
        self.cole = self.prison.hire("cole", "supervisor", "A", "B")
        self.people = [self.prison.receive(f"P{n}", "AB"[n % 2], name=f"{n}, P.") for n in range(3)]
        self.written: dict[str, set[str]] = {"A": set(), "B": set()}

    def _keep(self, note: Any) -> None:
        self.written[note["unit"]].add(note["id"])

    @rule(whom=st.integers(0, 3), hours=st.sampled_from([0, 0, 1, 9, 30]))
    def write(self, whom: int, hours: int) -> None:
        about = {"unit": "A"} if whom == 3 else {"inmate": self.people[whom]}
        occurred = self.service.clock() - timedelta(hours=hours)
        body = {**about, "basis": "SAW", "fact": "x", "occurred_at": occurred.isoformat()}
        self._keep(self.cole.post("/v1/notes", body))

    @rule(unit=st.sampled_from("AB"), which=st.integers(0, 20))
    def correct(self, unit: str, which: int) -> None:
        known = sorted(self.written[unit])
        if known:
            body = {"reason": "Slip", "note": {"basis": "SAW", "fact": "y"}}
            made = self.cole.http.post(f"/v1/notes/{known[which % len(known)]}/corrections", json=body)
            if made.status_code == 201:
                self._keep(made.json())

    @rule(unit=st.sampled_from("AB"))
    def offer(self, unit: str) -> None:
        body = {"establishment": self.prison.code, "unit": unit}
        assert self.cole.http.post("/v1/handovers", json=body).status_code in (201, 409)

    @rule(unit=st.sampled_from("AB"), back=st.booleans())
    def end(self, unit: str, back: bool) -> None:
        for handover in self.cole.all("/v1/handovers", unit=unit):
            if handover["state"] in ("OFFERED", "OVERDUE", "ESCALATED"):
                path, body = (
                    ("withdrawal", {"reason": "x"}) if back and handover["kind"] == "SHIFT" else ("acceptance", {})
                )
                self.cole.post(f"/v1/handovers/{handover['id']}/{path}", body)

    @rule(whom=st.integers(0, 2), unit=st.sampled_from("AB"))
    def move(self, whom: int, unit: str) -> None:
        body = {"establishment": self.prison.code, "unit": unit, "reason": "Moved."}
        self.prison.admin.post(f"/v1/inmates/{self.people[whom]}/moves", body)

    @rule(minutes=st.sampled_from([-90, -60, 5, 60, 500, 3000]))
    def put_the_clock_right(self, minutes: int) -> None:
        self.service.clock.ahead += timedelta(minutes=minutes)

    def teardown(self) -> None:
        for unit in "AB":
            self.end(unit, back=False)
            self.offer(unit)
            is_divided(self.cole, self.prison, unit, self.written[unit])


def test_no_order_of_things_loses_or_doubles_a_note(service: Service) -> None:
    Shifts.service = service
    run_state_machine_as_test(
        Shifts,
        settings=settings(max_examples=10, stateful_step_count=30, suppress_health_check=list(HealthCheck)),
    )
