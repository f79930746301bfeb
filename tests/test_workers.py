"""`handover serve --workers N`: processes on one PostgreSQL that are one service at one address."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import monotonic, sleep
from typing import Any

import httpx
import pytest

from tests.support import postgres
from tests.support.processes import Office, Server, environment, handover, office, serving
from tests.support.readers import closed, eventually, hears_everything
from tests.support.service import Caller, Prison

POLL_S = "30"
AT_ONCE_S = 0.5
"""Far less than the poll: only a bell can have been that quick."""
COUNT = 2
SETTINGS: dict[str, Any] = {"WORKERS": str(COUNT), "POLL_S": POLL_S, "TIMERS_S": "0.1", "LOG_LEVEL": "INFO"}


@dataclass
class Site:
    """One service of several processes."""

    server: Server
    office: Office

    def said(self, event: str) -> list[dict[str, Any]]:
        """What the log says of this."""
        return said(self.server, event)

    def urls(self) -> list[str]:
        """Where each worker answers alone."""
        return urls(self.server)

    def pid(self, url: str) -> int:
        """The process that answers there now."""
        [*_, newest] = [line["pid"] for line in self.said("a worker begins") if url.endswith(line["address"])]
        return int(newest)


def said(server: Server, event: str) -> list[dict[str, Any]]:
    """What a server's log says of this."""
    lines = [json.loads(line) for line in server.log.read_text().splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == event]


def urls(server: Server) -> list[str]:
    """Where each worker of a server answers alone, by number."""
    newest = {line["worker"]: f"http://{line['address']}" for line in said(server, "a worker begins")}
    return [newest[number] for number in sorted(newest)]


def answers(url: str) -> bool:
    """Whether somebody is ready there."""
    with suppress(httpx.TransportError):
        return httpx.get(f"{url}/readyz", trust_env=False, verify=False).status_code == 200
    return False


@pytest.fixture(scope="module")
def site(template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A service of two workers that look into the log only when a bell rings."""
    url = postgres.create_database(template)
    with (
        serving(url, tmp_path_factory.mktemp("logs") / "log", **SETTINGS) as server,
        office(url, server.url) as keeper,
    ):
        found = Site(server, keeper)
        assert len(found.urls()) == COUNT
        for one in found.urls():
            eventually(lambda one=one: answers(one))  # type: ignore[misc]
        yield found
        server.stop()
    postgres.drop_database(url)


@pytest.fixture
def prison(site: Site) -> Prison:
    """A prison of this test's own."""
    return site.office.prison()


def test_a_note_posted_to_one_worker_is_on_the_feeds_of_all_at_once(site: Site, prison: Prison) -> None:
    hartmann, ngata = prison.hire("hartmann", "officer", "A"), prison.hire("ngata", "officer", "A")
    one, two = (site.office.at(url, ngata) for url in site.urls())
    took = []
    with one.feed(after="now") as here, two.feed(after="now") as there, ngata.feed(after="now") as somewhere:
        feeds = (here, there, somewhere)
        for feed in feeds:
            feed.until_live()
        for writer in (hartmann, *(site.office.at(url, hartmann) for url in site.urls())) * 3:
            note, began = writer.note(unit="A"), monotonic()
            assert [feed.event()["data"] for feed in feeds] == [note] * 3
            took.append(monotonic() - began)
    assert median(took) < AT_ONCE_S


def test_connections_are_dealt_out_among_the_workers_and_each_tells_its_own_figures(site: Site) -> None:
    def process(url: str) -> str:
        text = httpx.get(f"{url}/metrics", trust_env=False, verify=False).text
        names = set(re.findall(r'^handover_\w+\{(?:[^}]*,)?process="(\d)"', text, re.MULTILINE))
        assert not re.search(r"^handover_\w+ ", text, re.MULTILINE), "nothing is told without saying of which"
        assert len(names) == 1
        return names.pop()

    assert {process(site.server.url) for _ in range(30)} == {"1", "2"}
    assert {process(url) for url in site.urls()} == {"1", "2"}


def test_the_log_says_which_worker_answered(site: Site) -> None:
    for url in site.urls():
        httpx.get(f"{url}/healthz", trust_env=False, verify=False)
    workers = {line["worker"] for line in site.said("a worker begins")}
    eventually(lambda: {line.get("worker") for line in site.said("request")} == workers)


def test_what_comes_due_is_told_once(site: Site, prison: Prison) -> None:
    ngata, records = prison.hire("ngata", "officer", "A"), hears_everything(prison)
    until = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    notes = [ngata.note(unit="A", attention="WATCH", attention_until=until)["id"] for _ in range(6)]

    def ended() -> list[str]:
        return sorted(event["data"]["id"] for event in records.pull(type="note.attention_ended")[0])

    eventually(lambda: len(ended()) >= len(notes))
    sleep(0.5)
    assert ended() == sorted(notes)


def test_a_worker_that_is_killed_loses_nothing_and_is_started_again(site: Site, prison: Prison) -> None:
    hartmann, ngata = prison.hire("hartmann", "officer", "A"), prison.hire("ngata", "officer", "A")
    victim, other = site.urls()
    answered: list[str] = []
    stop = threading.Event()
    with site.office.at(victim, ngata).feed(after="now") as feed:
        feed.until_live()
        posting = [threading.Thread(target=post, args=(hartmann, i, answered, stop)) for i in range(3)]
        for thread in posting:
            thread.start()
        heard = [feed.event() for _ in range(10)]
        os.kill(site.pid(victim), signal.SIGKILL)
        heard += rest(feed)
    with site.office.at(other, ngata).feed(after=heard[-1]["cursor"]) as again:
        heard += again.until_live()
        before = len(answered)
        eventually(lambda: len(answered) > before + 10)
        stop.set()
        for thread in posting:
            thread.join(20)
        ids = {event["data"]["id"] for event in heard}
        while not set(answered) <= ids:
            event = again.event()
            heard.append(event)
            ids.add(event["data"]["id"])
    sequences = [event["sequence"] for event in heard]
    assert sequences == list(range(sequences[0], sequences[0] + len(sequences))), "none twice, none left out"
    assert len(ngata.all("/v1/notes")) == len(answered), "and none recorded twice"
    eventually(lambda: answers(victim))
    os.kill(site.pid(victim), signal.SIGKILL)
    eventually(lambda: len(site.said("a worker died")) == 2)
    eventually(lambda: answers(victim))
    died = [(line["ended"], line["again_in_s"]) for line in site.said("a worker died")]
    assert died[0][0] == died[1][0] == "SIGKILL"
    assert died[1][1] == 2 * died[0][1], "longer each time, if it dies again at once"


def post(who: Caller, name: int, answered: list[str], stop: threading.Event) -> None:
    """Posts one note after another; one that was not answered again under its key."""
    number = 0
    while not stop.is_set():
        number += 1
        draft, key = {"basis": "SAW", "unit": "A", "fact": f"{name}-{number}"}, {"Idempotency-Key": f"{name}-{number}"}
        for _ in range(100):
            with suppress(httpx.TransportError):
                answer = who.http.post("/v1/notes", json=draft, headers=key)
                if answer.status_code == 201:
                    answered.append(answer.json()["id"])
                    break
            sleep(0.05)


def rest(feed: Any) -> list[Any]:
    """What still comes before the line breaks."""
    found = []
    with suppress(Exception):
        while True:
            found.append(feed.event())
    return found


def test_a_stop_ends_all_of_them_in_order_and_none_outlives_the_parent(
    site: Site, prison: Prison, tmp_path: Path
) -> None:
    ngata = prison.hire("ngata", "officer", "A")
    with serving(site.server.database_url, tmp_path / "log", **SETTINGS) as second:
        places = [second.url, *urls(second)]
        for url in places:
            eventually(lambda url=url: answers(url))  # type: ignore[misc]
        with site.office.at(places[1], ngata).feed() as here, site.office.at(places[2], ngata).feed() as there:
            here.until_live()
            there.until_live()
            assert second.stop() < 2
            assert {closed(here)[0], closed(there)[0]} <= {1001, 1012}
        assert not any(answers(url) for url in places)
        second.start()
        places = [second.url, *urls(second)]
        second.kill()
        eventually(lambda: not any(answers(url) for url in places))


FEW_PROCESSES = """
import errno, os
from handover.cli import main
fork, tries = os.fork, iter(range(1000))
def scarce():
    if 0 < next(tries) < 4:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
    return fork()
os.fork = scarce
main()
"""


def test_a_worker_that_cannot_be_started_is_tried_again_while_the_others_serve(site: Site, tmp_path: Path) -> None:
    second = Server(site.server.database_url, tmp_path / "log", SETTINGS)
    with second.log.open("ab") as log:
        running = subprocess.Popen(
            [sys.executable, "-c", FEW_PROCESSES, "serve", "--port", str(second.port)],
            env=environment(second.database_url, **SETTINGS),
            stdout=log,
            stderr=log,
        )
    try:
        eventually(lambda: len(said(second, "a worker begins")) == COUNT)
        assert [(line["worker"], line["again_in_s"]) for line in said(second, "a worker cannot be started")] == [
            (2, 0.1),
            (2, 0.2),
            (2, 0.4),
        ]
        eventually(lambda: all(answers(url) for url in [second.url, *urls(second)]))
        running.terminate()
        assert running.wait(5) == 0
    finally:
        running.kill()
        running.wait(5)


def test_the_embedded_store_is_served_by_one_process_and_the_words_say_so(tmp_path: Path) -> None:
    file = tmp_path / "handover.sqlite3"
    for words, settings in ((("--workers", "2"), {}), ((), {"WORKERS": "3"})):
        refused = handover("serve", "--port", "0", *words, database_url=f"sqlite:///{file}", **settings)
        assert refused.returncode == 1
        assert "one writer and so one process" in refused.stderr
        assert "Traceback" not in refused.stderr
    assert not file.exists()


def test_workers_want_a_store_that_was_migrated(tmp_path: Path) -> None:
    url = postgres.create_database()
    try:
        refused = handover("serve", "--port", "0", "--workers", "2", database_url=url)
        assert (refused.returncode, "handover migrate" in refused.stderr) == (1, True)
    finally:
        postgres.drop_database(url)
    assert handover("serve", "--workers", "0", database_url=url).returncode == 2
