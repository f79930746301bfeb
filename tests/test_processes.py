"""Several server processes on one PostgreSQL are one service."""

import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import count
from pathlib import Path
from statistics import median
from time import monotonic, sleep
from typing import Any

import httpx
import psycopg
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from handover.store.engine import CHANNEL
from tests.support import postgres
from tests.support.outages import waits
from tests.support.processes import Office, Server, handover, office, serving
from tests.support.readers import audience, closed, eventually, hears_everything, read_on, stalled
from tests.support.service import PASSWORD, Caller, Feed, Prison, Service, settings_for

AT_ONCE_S = 0.5
"""Far less than the poll below: only a bell can have been that quick."""
POLL_S = "30"
NARROWS_S = 5.0
"""How soon an open feed has to do without a right that was taken away."""


@dataclass
class Site:
    """Two servers on one store."""

    a: Server
    b: Server
    office: Office
    database_url: str

    def both(self, who: Caller) -> tuple[Caller, Caller]:
        """The same person with the same token at either server."""
        return who, self.office.at(self.b.url, who)


@pytest.fixture(scope="module")
def site(template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two servers that look into the log only when a bell rings."""
    logs, url = tmp_path_factory.mktemp("logs"), postgres.create_database(template)
    with (
        serving(url, logs / "a", POLL_S=POLL_S) as a,
        serving(url, logs / "b", POLL_S=POLL_S) as b,
        office(url, a.url) as keeper,
    ):
        yield Site(a, b, keeper, url)
    postgres.drop_database(url)


@pytest.fixture
def prison(site: Site) -> Prison:
    """A prison of this test's own."""
    return site.office.prison()


def test_a_note_posted_to_one_process_is_on_the_feeds_of_the_other_at_once(site: Site, prison: Prison) -> None:
    hartmann, ngata = prison.hire("hartmann", "officer", "A"), prison.hire("ngata", "officer", "A")
    took = []
    for writer, reader in ((hartmann, site.both(ngata)[1]), (site.both(hartmann)[1], ngata)):
        with reader.feed(after="now") as feed:
            feed.until_live()
            for _ in range(5):
                began = monotonic()
                note = writer.note(unit="A")
                assert feed.event()["data"] == note
                took.append(monotonic() - began)
    assert median(took) < AT_ONCE_S
    assert max(took) < 10 * AT_ONCE_S, "not one of them waited for the poll"


def test_a_bell_that_comes_together_with_ones_own_is_heard(site: Site, prison: Prison) -> None:
    here, there = site.both(prison.hire("hartmann", "officer", "A"))
    reader = prison.hire("ngata", "officer", "A")
    assert site.a.process is not None
    with psycopg.connect(site.database_url, autocommit=True) as line, reader.feed(after="now") as feed:
        feed.until_live()
        line.execute(f"LISTEN {CHANNEL}".encode())
        note = here.note(unit="A")
        assert feed.event()["data"] == note
        (own,) = [bell.payload for bell in line.notifies(timeout=10, stop_after=1)]
        # So busy for a moment that it finds both when it looks again: what rang for itself, and what did not.
        site.a.process.send_signal(signal.SIGSTOP)
        try:
            line.execute(f"NOTIFY {CHANNEL}, '{own}'".encode())
            note = there.note(unit="A")
        finally:
            site.a.process.send_signal(signal.SIGCONT)
        assert feed.next("event", 10 * AT_ONCE_S)["event"]["data"] == note


def test_the_same_request_at_both_at_once_is_made_once_and_answered_alike(site: Site, prison: Prison) -> None:
    here, there = site.both(prison.hire("hartmann", "officer", "A"))
    weir = prison.receive("A4417KD")
    ready = threading.Barrier(2)

    def post(who: Caller, path: str, body: dict[str, Any], key: str | None) -> httpx.Response:
        ready.wait(10)
        return who.http.post(path, json=body, headers={"Idempotency-Key": key} if key else {})

    with ThreadPoolExecutor(2) as pool:
        for turn in range(6):
            note = f"/v1/notes/{here.note(weir)['id']}"
            for path, body, key in (
                (
                    f"{note}/corrections",
                    {"reason": "It was he.", "note": {"basis": "SAW", "fact": "Calm."}},
                    f"c{turn}",
                ),
                ("/v1/handovers", {"establishment": prison.code, "unit": "A"}, f"o{turn}"),
            ):
                answers = [
                    answer.result(30) for answer in [pool.submit(post, w, path, body, key) for w in (here, there)]
                ]
                assert [answer.status_code for answer in answers] == [201, 201], [answer.text for answer in answers]
                one, same = (answer.json() for answer in answers)
                assert one == same
                if key:
                    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 1
            here.post(f"/v1/handovers/{one['id']}/withdrawal", {"reason": "Not ready."})


def test_a_process_is_stopped_in_time_although_the_store_stands_still(site: Site, tmp_path: Path) -> None:
    for table in ("access_chains", "accounts"):
        with serving(site.database_url, tmp_path / table) as c, psycopg.connect(site.database_url) as line:
            assert c.process is not None
            line.execute(f"LOCK TABLE {table}".encode())  # the first write waits for good, or the first reading
            with ThreadPoolExecutor(1) as pool:
                guess = {"grant_type": "password", "username": "hartmann", "password": "guessed"}
                asked = pool.submit(httpx.post, f"{c.url}/oauth/token", data=guess, trust_env=False)
                with pytest.raises(TimeoutError):
                    asked.result(0.3)
                began = monotonic()
                c.process.send_signal(signal.SIGTERM)
                assert c.process.wait(20) == 0
                took = monotonic() - began
        assert took < 5, table  # three seconds, and a busy machine


def test_a_pull_that_waits_at_one_process_is_woken_by_a_note_at_the_other(site: Site, prison: Prison) -> None:
    hartmann, ngata = prison.hire("hartmann", "officer", "A"), prison.hire("ngata", "officer", "A")
    here, there = site.both(ngata)
    _, cursor = here.pull()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(there.get, "/v1/events", after=cursor, wait=20)
        with pytest.raises(TimeoutError):
            waiting.result(0.3)
        began = monotonic()
        note = hartmann.note(unit="A")
        assert [event["data"] for event in waiting.result(5)["items"]] == [note]
    assert monotonic() - began < 10 * AT_ONCE_S


def test_both_processes_write_one_log_that_each_tells_alike(site: Site, prison: Prison) -> None:
    here, there = site.both(prison.hire("hartmann", "officer", "A"))
    records = site.both(hears_everything(prison))
    with audience([records[0], records[1]], after="now") as readers, ThreadPoolExecutor(4) as pool:
        posted = [pool.submit(who.note, unit="A") for _ in range(20) for who in (here, there)]
        ids = [note.result(10)["id"] for note in posted]
        eventually(lambda: all(readers.count(id_) == 2 for id_ in ids))
    logs = [reader.pull()[0] for reader in records]
    assert logs[0] == logs[1]
    assert [event["sequence"] for event in logs[0]] == list(range(1, 41))
    cursor = logs[0][19]["cursor"]
    assert records[1].pull(cursor)[0] == logs[0][20:], "a cursor of one process works at the other"


CORRECTION: dict[str, Any] = {"reason": "Misheard.", "note": {"basis": "SAW", "fact": "Has hidden twenty tablets."}}
UNIT = "units WHERE establishment = %(place)s AND code = 'A'"
HANDOVER, PAGE = "handovers WHERE id = %(handover)s", "pages WHERE note = %(note)s"
PERSON, NOTE, NEED = "inmates WHERE number = %(inmate)s", "notes WHERE id = %(note)s", "needs WHERE id = %(need)s"
PAGES = "pages WHERE establishment = %(place)s"
MERGE, UNMERGE = "/v1/inmates/{other}/merges", "/v1/inmates/{other}/unmerges"
ADDED = {"reason": "More.", "note": {**CORRECTION["note"], "needs": [{"code": "VISIT"}]}}
HEAD = "event_heads WHERE establishment = %(place)s"
BEGINNING = {"reason": "Misheard.", "note": {"basis": "SAW", "fact": "Has lit a fire.", "about_incident": True}}
SLIP = "notes WHERE id = %(slip)s"
IN_ONE_ORDER: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    "accept": (UNIT, HANDOVER, "/v1/handovers/{handover}/acceptance", {}),
    "withdraw": (UNIT, HANDOVER, "/v1/handovers/{handover}/withdrawal", {"reason": "Not yet."}),
    "correct": (HANDOVER, PAGE, "/v1/notes/{note}/corrections", CORRECTION),
    "close": (HANDOVER, PAGE, "/v1/notes/{note}/attention", {"close": True, "reason": "Asleep."}),
    "correct, needing more": (PERSON, UNIT, "/v1/notes/{note}/corrections", ADDED),
    "correct, needing more still": (PERSON, NEED, "/v1/notes/{note}/corrections", ADDED),
    "correct, beginning an incident": (NEED, HEAD, "/v1/notes/{note}/corrections", BEGINNING),
    "correct, beginning an incident that was offered": (HANDOVER, HEAD, "/v1/notes/{note}/corrections", BEGINNING),
    "correct, beginning an incident that called": (PAGE, HEAD, "/v1/notes/{note}/corrections", BEGINNING),
    "retract": (SLIP, HANDOVER, "/v1/notes/{note}/retractions", {"reason": "NOT_TRUE"}),
    "retract from a person": (SLIP, PERSON, "/v1/notes/{note}/retractions", {"reason": "NOT_TRUE"}),
    "reopen": (PERSON, "needs WHERE id = %(done)s", "/v1/needs/{done}", {"status": "OPEN", "reason": "Not yet."}),
    "merge": (NOTE, PERSON, MERGE, {"from": "{inmate}"}),
    "merge notes": (NOTE, SLIP, MERGE, {"from": "{inmate}"}),
    "merge needs": (NEED, PAGE, MERGE, {"from": "{inmate}"}),
    "merge handovers": (HANDOVER, PAGES, MERGE, {"from": "{inmate}"}),
    "unmerge": (NOTE, PERSON, UNMERGE, {"previous": "{inmate}", "reason": "Brothers."}),
    "unmerge notes": (NOTE, SLIP, UNMERGE, {"previous": "{inmate}", "reason": "Brothers."}),
    "unmerge needs": (NEED, PAGE, UNMERGE, {"previous": "{inmate}", "reason": "Brothers."}),
    "unmerge handovers": (HANDOVER, PAGES, UNMERGE, {"previous": "{inmate}", "reason": "Brothers."}),
}
"""What is changed together: what is held first, and what is still free while that is waited for."""


@pytest.mark.parametrize("act", IN_ONE_ORDER)
def test_what_is_changed_together_is_held_in_one_order(site: Site, prison: Prison, act: str) -> None:
    hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
    other = prison.receive("A2200AA")
    done, slip = (
        hartmann.note(weir, fact="Has taken ten tablets.", attention="ACT_NOW", needs=[{"code": "PHONE"}])
        for _ in range(2)
    )
    said = {"basis": "SAW", "fact": "Has taken twenty tablets."}
    note = hartmann.post(f"/v1/notes/{slip['id']}/corrections", {"reason": "Misheard.", "note": said})
    [[need], [met]] = note["needs"], done["needs"]
    offer = hartmann.post("/v1/handovers", {"establishment": prison.code, "unit": "A"})
    named = {"place": prison.code, "note": note["id"], "handover": offer["id"], "slip": slip["id"]}
    named |= {"inmate": weir, "other": other, "need": need["id"], "done": met["id"]}
    first, then, path, told = IN_ONE_ORDER[act]
    body = {name: value.format(**named) if isinstance(value, str) else value for name, value in told.items()}
    who, method = prison.admin if "/inmates/" in path else hartmann, "PATCH" if "/needs/" in path else "POST"
    any_ = {"If-Match": "*"}
    hartmann.http.patch(f"/v1/needs/{met['id']}", json={"status": "DONE", "outcome": "Called."}, headers=any_)
    if path == UNMERGE:
        prison.admin.post(MERGE.format(**named), {"from": weir})
    with psycopg.connect(site.database_url) as line, ThreadPoolExecutor(1) as pool:
        line.execute(f"SELECT 1 FROM {first} FOR UPDATE".encode(), named)
        answer = pool.submit(who.http.request, method, path.format(**named), json=body, headers=any_)
        eventually(lambda: waits(line))
        # Else two processes, each with the one, wait for the other for a second, and with them all who write there.
        line.execute(f"SELECT 1 FROM {then} FOR UPDATE NOWAIT".encode(), named)
        line.rollback()
        assert answer.result(20).is_success


CROSSING: dict[str, tuple[str, dict[str, Any]]] = {
    "taken back": ("retractions", {"reason": "WRONG_PERSON"}),
    "corrected": ("corrections", CORRECTION),
    "over": ("attention", {"close": True, "reason": "Asleep."}),
}


@pytest.mark.parametrize("act", CROSSING)
@pytest.mark.parametrize("going", ["moved", "offered"])
def test_what_is_handed_over_right_now_is_brought_up_to_date(site: Site, prison: Prison, act: str, going: str) -> None:
    hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
    cole, boss = prison.hire("cole", "supervisor"), prison.hire("ashdown", "governor")
    first = {"fact": "Has taken twenty tablets.", "attention": "WATCH"}
    note = hartmann.note(weir, **first, **({"needs": [{"code": "PHONE"}]} if going == "offered" else {}))
    there = site.both(hartmann)[1]
    paths = {
        "moved": (cole, f"/v1/inmates/{weir}/moves", {"establishment": prison.code, "unit": "B", "reason": "Work"}),
        "offered": (hartmann, "/v1/handovers", {"establishment": prison.code, "unit": "A"}),
    }
    with psycopg.connect(site.database_url) as line, ThreadPoolExecutor(2) as pool:
        line.execute(b"SELECT 1 FROM event_heads WHERE establishment = %s FOR UPDATE", [prison.code])
        who, path, body = paths[going]
        hands_over = pool.submit(who.http.post, path, json=body)
        eventually(lambda: waits(line))  # all but the log is written, and nobody else sees it
        name, said = CROSSING[act]
        changes = pool.submit(there.http.post, f"/v1/notes/{note['id']}/{name}", json=said)
        eventually(lambda: waits(line, 2))
        line.rollback()
        assert [hands_over.result(20).status_code, changes.result(20).status_code] == [201, 201]
    (handed,) = boss.all("/v1/handovers")
    (item,) = [one for one in handed["items"] if one["note"] == note["id"]]
    told = str([handed, *boss.pull()[0]])
    if act == "taken back":
        assert "twenty tablets" not in told
        assert (item["attention"], item["code"]) == ("ROUTINE", None)
        assert not any(one["code"] for one in handed["items"])
    if going == "moved":
        now = boss.get(f"/v1/notes/{note['id']}")
        assert item["content"] == now, "as it stands"


def test_a_person_who_is_accepted_is_held_after_what_he_or_she_needs(site: Site, prison: Prison) -> None:
    hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
    brandt, cole = prison.hire("brandt", "officer", "B"), prison.hire("cole", "supervisor")
    (need,) = hartmann.note(weir, needs=[{"code": "PHONE", "promised": True}])["needs"]
    cole.post(f"/v1/inmates/{weir}/moves", {"establishment": prison.code, "unit": "B", "reason": "Work"})
    (offer,) = brandt.all("/v1/handovers", unit="B")
    with psycopg.connect(site.database_url) as line, ThreadPoolExecutor(1) as pool:
        line.execute("SELECT 1 FROM needs WHERE id = %s FOR UPDATE", [need["id"]])
        done = pool.submit(brandt.post, f"/v1/handovers/{offer['id']}/acceptance", {})
        eventually(lambda: waits(line))
        line.execute("SELECT 1 FROM handovers WHERE id = %s FOR UPDATE NOWAIT", [offer["id"]])
        line.rollback()
        assert done.result(20)["state"] == "ACCEPTED"


def test_a_process_that_stands_still_in_the_middle_of_a_note_holds_up_nobody_for_long(
    site: Site, prison: Prison
) -> None:
    here, there = site.both(prison.hire("hartmann", "officer", "A"))
    assert site.b.process is not None

    def written() -> httpx.Response | None:
        answer = there.http.post("/v1/notes", json=body, headers={"Idempotency-Key": "one"})
        return answer if answer.status_code != 503 else None  # it cannot know what became of it: it is asked again

    body = {"basis": "SAW", "unit": "A", "fact": "Quiet."}
    with psycopg.connect(site.database_url) as line, ThreadPoolExecutor(1) as pool:
        line.execute(f"SELECT 1 FROM {UNIT} FOR UPDATE".encode(), {"place": prison.code})
        note = pool.submit(eventually, written)
        eventually(lambda: waits(line))
        site.b.process.send_signal(signal.SIGSTOP)  # its machine is being moved, say
        try:
            line.rollback()  # now it has the unit, and goes no further
            began = monotonic()
            here.post("/v1/handovers", {"establishment": prison.code, "unit": "A"})
            assert monotonic() - began < 10
        finally:
            site.b.process.send_signal(signal.SIGCONT)
        assert note.result(40).status_code == 201
    assert [one["id"] for one in here.all("/v1/notes")] == [note.result().json()["id"]]


def test_notes_about_somebody_who_goes_to_and_fro_are_where_the_log_says(site: Site, prison: Prison) -> None:
    cole = site.both(prison.hire("cole", "supervisor"))
    hartmann, weir = prison.hire("hartmann", "officer", "A", "B"), prison.receive("A4417KD")

    made: list[str] = []

    def moves() -> None:
        for n in count():
            if n >= 16 and len(made) > 16:  # however slow this machine is
                return
            to = {"establishment": prison.code, "unit": "BA"[n % 2], "reason": "Work"}
            cole[1].post(f"/v1/inmates/{weir}/moves", to)

    with ThreadPoolExecutor(3) as pool:
        moving = pool.submit(moves)

        def writes() -> None:
            while not moving.done():
                made.append(hartmann.note(weir)["id"])

        for one in (pool.submit(writes), pool.submit(writes), moving):
            one.result(60)
    stands, units = "A", []
    for event in cole[0].pull()[0]:
        if event["type"] == "inmate.moved":
            stands = event["data"]["move"]["to"]["unit"]
        elif event["type"] == "note.recorded":
            units.append((event["data"]["unit"], stands))
    assert len(units) > 16
    assert all(written == stood for written, stood in units)


def test_a_login_a_ticket_and_a_key_hold_at_either_process(site: Site, prison: Prison) -> None:
    here, there = site.both(prison.hire("ngata", "officer", "A"))
    assert there.get("/v1/me") == here.get("/v1/me")
    form = {"grant_type": "refresh_token", "refresh_token": here.refresh}
    assert httpx.post(f"{site.b.url}/oauth/token", data=form, trust_env=False, verify=False).status_code == 200
    ticket = here.post("/v1/feed/tickets", {})["ticket"]
    with ThreadPoolExecutor(2) as pool:
        ends = [pool.submit(_opens, server, ticket) for server in (site.a, site.b)]
        assert sorted(end.result(10) for end in ends) == [0, 4401], "one use, wherever"
    draft = {"basis": "SAW", "unit": "A", "fact": "Sent to both at once."}
    with ThreadPoolExecutor(2) as pool:
        key = {"Idempotency-Key": "at-both"}
        sent = [pool.submit(who.http.post, "/v1/notes", json=draft, headers=key) for who in (here, there)]
        answers = [one.result(10) for one in sent]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert len(here.all("/v1/notes")) == 1


def _opens(server: Server, ticket: str) -> int:
    """0 where the ticket opens a feed there, else the code it is closed with."""
    with connect(f"ws://127.0.0.1:{server.port}/v1/feed?after=now&ticket={ticket}", proxy=None) as socket:
        try:
            assert Feed(socket).frame()["type"] == "hello"
        except ConnectionClosed as end:
            return end.rcvd.code if end.rcvd else 1006
    return 0


def test_rights_taken_away_anywhere_close_feeds_everywhere_within_5_s(site: Site, prison: Prison) -> None:
    ngata, brandt = prison.hire("ngata", "officer", "A"), prison.hire("brandt", "officer", "A")
    offices = prison.connect("offices", "events:read")
    readers = [site.both(who)[1] for who in (ngata, brandt, offices)]
    with readers[0].feed() as disabled, readers[1].feed() as left, readers[2].feed() as revoked:
        for feed in (disabled, left, revoked):
            feed.until_live()
        commands = [
            threading.Thread(target=handover, args=words, kwargs={"database_url": site.database_url})
            for words in (("user", "disable", ngata.name), ("client", "revoke", offices.name))
        ]
        for command in commands:
            command.start()
        httpx.post(f"{site.a.url}/oauth/revoke", data={"token": brandt.refresh}, trust_env=False, verify=False)
        assert closed(left)[0] == 4401
        for command in commands:
            command.join(20)
        began = monotonic()
        assert (closed(disabled)[0], closed(revoked)[0]) == (4401, 4401)
        assert monotonic() - began < 5
    for reader in readers:
        eventually(lambda reader=reader: reader.http.get("/v1/events").status_code == 401, 1)  # type: ignore[misc]


def test_a_process_that_stood_still_tells_nothing_to_whoever_may_not_hear_it_since(site: Site, prison: Prison) -> None:
    hartmann = prison.hire("hartmann", "officer", "A")
    readers = [site.both(prison.hire(f"ngata{n}", "officer", "A"))[1] for n in range(3)]
    assert site.b.process is not None
    with ExitStack() as stack:
        feeds = [stack.enter_context(reader.feed(after="now")) for reader in readers]
        for feed in feeds:
            feed.until_live()
        site.b.process.send_signal(signal.SIGSTOP)  # its machine is being moved, say
        try:
            for reader in readers:
                handover("user", "disable", reader.name, database_url=site.database_url)
            sleep(NARROWS_S)
            hartmann.note(unit="A")
        finally:
            site.b.process.send_signal(signal.SIGCONT)
        assert [read_on(feed)[:2] for feed in feeds] == [([], 4401)] * len(feeds)


def test_a_process_that_stood_still_does_not_tell_what_was_taken_back_since(site: Site, prison: Prison) -> None:
    hartmann, ngata = prison.hire("hartmann", "officer", "A"), prison.hire("ngata", "officer", "A")
    for _ in range(180):  # far more than waits on the line for a reader that does not read
        hartmann.note(unit="A", fact="ä" * 900)
    slip = hartmann.note(unit="A", fact="Has hidden twenty tablets.")
    assert site.b.process is not None
    with stalled(site.both(ngata)[1]) as feed, ThreadPoolExecutor(1) as pool:
        sleep(2 * AT_ONCE_S)  # it has read all of it by then, and waits for the reader
        site.b.process.send_signal(signal.SIGSTOP)
        try:
            hartmann.post(f"/v1/notes/{slip['id']}/retractions", {"reason": "NOT_TRUE"})
            sleep(NARROWS_S)
            reads = pool.submit(feed.until_live)
            sleep(AT_ONCE_S)
        finally:
            site.b.process.send_signal(signal.SIGCONT)
        events = reads.result(20)
    first = next(event["data"] for event in events if event["data"]["id"] == slip["id"])
    assert first.keys() == {"id", "status"}


@pytest.mark.parametrize("wrong", [timedelta(hours=1), timedelta(hours=-1)])
@pytest.mark.parametrize("at_start", [True, False])
def test_a_machine_whose_clock_is_wrong_does_nothing_too_early_and_opens_no_way_in(
    site: Site, prison: Prison, wrong: timedelta, at_start: bool
) -> None:
    hartmann, records = prison.hire("hartmann", "officer", "A"), hears_everything(prison)
    until = (datetime.now(UTC) + timedelta(minutes=30)).isoformat()
    hartmann.note(unit="A", attention="WATCH", attention_until=until)
    hartmann.note(unit="A", attention="ACT_NOW")
    _, cursor = records.pull()
    with skewed(site, wrong if at_start else timedelta(0)) as service:
        service.clock.ahead = wrong
        there = site.office.at(service.url, hartmann)
        sleep(1)  # it has looked for what is due, five times
        note = there.note(unit="A", occurred_at=datetime.now(UTC).isoformat())
        assert abs(datetime.fromisoformat(note["recorded_at"]) - datetime.now(UTC)) < timedelta(seconds=10)
        assert not note["late"]
        told, _ = records.pull(after=cursor)
        assert [event["data"]["id"] for event in told] == [note["id"]], "nothing ended, nobody called again"
        asked = {"grant_type": "password", "username": hartmann.name}
        given = there.http.post("/oauth/token", data={**asked, "password": PASSWORD}, auth=nobody)
        said = parsedate_to_datetime(given.headers["date"])
        assert abs(said - datetime.now(UTC)) < timedelta(seconds=10), "terminals go by it"
        token = {"Authorization": f"Bearer {given.json()['access_token']}"}
        assert hartmann.http.get("/v1/me", headers=token).status_code == 200
        doors = [hartmann, there] * 6
        guesses = [who.http.post("/oauth/token", data={**asked, "password": "guessed"}, auth=nobody) for who in doors]
        assert 429 in {answer.status_code for answer in guesses}, "slowed whichever is asked"


@contextmanager
def skewed(site: Site, ahead: timedelta) -> Iterator[Service]:
    """One more process, on a machine with a clock of its own."""
    service = Service(settings_for(site.database_url), agrees=True, ahead=ahead)
    try:
        yield service
    finally:
        service.stop()


def nobody(request: httpx.Request) -> httpx.Request:
    """Without a token."""
    request.headers.pop("Authorization", None)
    return request


def test_a_process_that_is_killed_leaves_the_other_and_its_feeds_in_peace(
    site: Site, prison: Prison, tmp_path: Path
) -> None:
    hartmann, ngata = prison.hire("hartmann", "officer", "A"), prison.hire("ngata", "officer", "A")
    with serving(site.database_url, tmp_path / "log", POLL_S=POLL_S) as third, ngata.feed(after="now") as feed:
        feed.until_live()
        elsewhere = site.office.at(third.url, hartmann)
        notes = [elsewhere.note(unit="A"), hartmann.note(unit="A")]
        third.kill()
        notes.append(hartmann.note(unit="A"))
        assert [feed.event()["data"] for _ in notes] == notes


def test_a_server_told_to_stop_is_gone_in_under_2_s_and_another_takes_its_readers(
    site: Site, prison: Prison, tmp_path: Path
) -> None:
    hartmann, ngata = prison.hire("hartmann", "officer", "A"), prison.hire("ngata", "officer", "A")
    with serving(site.database_url, tmp_path / "log", POLL_S=POLL_S) as third:
        there = site.office.at(third.url, ngata)
        with audience([there] * 20, after="now") as feeds, there.feed(after="now") as feed:
            feed.until_live()
            _, cursor = ngata.pull("now")
            missed = hartmann.note(unit="A")
            eventually(lambda: feeds.count(missed["id"]) == 20)
            assert third.stop() < 2
            assert closed(feed)[0] in (1001, 1012)
            eventually(lambda: len(feeds.ends) == 20)
    assert set(feeds.ends) <= {1001, 1012}
    with ngata.feed(after=cursor) as again:
        assert [event["data"] for event in again.until_live()] == [missed]


def test_serve_refuses_a_store_that_was_not_migrated_and_says_what_to_do(tmp_path: Path) -> None:
    url = postgres.create_database()
    try:
        refused = handover("serve", "--port", "0", database_url=url)
        assert refused.returncode == 1
        assert "handover migrate" in refused.stderr
        assert "Traceback" not in refused.stderr
        migrated = handover("migrate", database_url=url)
        assert migrated.returncode == 0, migrated.stderr
        with serving(url, tmp_path / "log"):
            pass
    finally:
        postgres.drop_database(url)


def test_two_servers_started_at_the_same_moment_on_a_new_store_agree_on_what_it_is_or_one_of_them_ends(
    database_url: str, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with serving(database_url, log, wait=False) as a, serving(database_url, log, wait=False) as b:
        if database_url.startswith("sqlite"):
            codes = eventually(lambda: [s.process.poll() for s in (a, b) if s.process and s.process.poll() is not None])
            assert codes == [1]
            assert "Another process serves" in log.read_text()
            left = next(s for s in (a, b) if s.process and s.process.poll() is None)
            left.ready()
            return
        a.ready()
        b.ready()
        with office(database_url, a.url) as keeper:
            here = keeper.prison().hire("ngata", "officer", "A")
            note = here.note(unit="A")
            events, cursor = here.pull()
            there = keeper.at(b.url, here)
            assert [event["data"] for event in events] == [note]
            assert there.pull(cursor)[0] == []
