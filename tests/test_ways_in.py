"""Every way in, by everybody who might come that way: what one may not see does not exist there, and no answer hints
at it."""

import base64
import itertools
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Any

import httpx
import orjson
import pytest
from websockets.sync.client import connect

from handover.services import handovers
from handover.services.unit_of_work import UnitOfWork
from tests.support.rights import HANDLING, ROLES, change, closed, reads, relation_to, stranger, told
from tests.support.service import Caller, Feed, Prison, Service

NOWHERE = "00000000-0000-7000-8000-000000000000"
WORDS = {"UNIT": "kettle", "ESTABLISHMENT": "window", "HEALTH": "plaster", "SECURITY": "blanket", "COMPLAINT": "letter"}
"""A word that occurs in the note of its class alone."""
WRITERS = ("officer", "supervisor", "governor", "health", "chaplain", "assessor", "guest")
"""Who may write notes and receipts; all but guests change needs and attention."""


@dataclass
class Wing:
    """A wing with a note of each class in a week's log, and people everywhere around it."""

    here: Prison
    there: Prison
    weir: str
    keyes: Caller
    notes: dict[str, dict[str, Any]] = field(default_factory=dict)
    people: dict[str, dict[str, Caller]] = field(default_factory=dict)

    def everyone(self, role: str) -> dict[str, Caller]:
        """Somebody of this role in each relation to the wing: staff of it, of the other, of none, of another prison."""
        if role not in self.people:
            self.people[role] = {
                "U": self.here.hire(f"{role}.u", role, "A"),
                "O": self.here.hire(f"{role}.o", role, "B"),
                "E": self.here.hire(f"{role}.e", role),
                "X": self.there.hire(f"{role}.x", role, "A"),
            }
        return self.people[role]

    def write(self, by: Caller, handling: str) -> dict[str, Any]:
        """A note that every filter finds."""
        note: dict[str, Any] = by.note(
            self.weir,
            handling=handling,
            fact=f"Asked about the {WORDS[handling]}.",
            indicators=[{"code": "WITHDRAWN"}],
            needs=[{"code": "PHONE", "detail": f"about the {WORDS[handling]}"}],
            attention="WATCH",
        )
        return note


def _wing(service: Service) -> Wing:
    here, there = service.prison(), service.prison()
    wing = Wing(here, there, here.receive("A4417KD"), here.hire("keyes", "governor"))
    for handling in HANDLING:
        wing.notes[handling] = wing.write(wing.keyes, handling)
    return wing


@pytest.fixture(scope="module")
def wing(service: Service) -> Wing:
    """A wing where nothing more happens: what can be read there is known exactly."""
    return _wing(service)


@pytest.fixture(scope="module")
def busy(service: Service) -> Wing:
    """A wing where notes go on being written."""
    return _wing(service)


def ids(items: list[Any]) -> set[str]:
    return {item["id"] for item in items}


def about(events: list[Any]) -> set[str]:
    """The notes, needs and receipts that these events are about."""
    return {event["data"]["id"] for event in events if not event["type"].startswith("inmate.")}


# --- Reading --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
def test_every_way_to_read_shows_what_the_role_may_read_and_nothing_else(wing: Wing, role: str) -> None:
    for relation, reader in wing.everyone(role).items():
        seen = {handling for handling in HANDLING if reads(role, handling, relation)}
        notes = {wing.notes[handling]["id"] for handling in seen}
        needs = {wing.notes[handling]["needs"][0]["id"] for handling in seen}
        who = f"{role} {relation}"
        for handling, note in wing.notes.items():
            expected = 200 if handling in seen else 404
            for path in (f"notes/{note['id']}", f"notes/{note['id']}/receipts", f"needs/{note['needs'][0]['id']}"):
                answer = reader.http.get(f"/v1/{path}")
                assert answer.status_code == expected, f"{who} {handling} {path}"
                assert expected == 200 or WORDS[handling] not in answer.text
        assert ids(reader.all("/v1/notes")) == notes, who
        assert ids(reader.all("/v1/needs")) == needs, who
        if relation == "U":  # the one who sees some and misses some
            assert told_by_filters(wing, reader) == {}, who
        pulled, _ = reader.pull()
        assert {event["data"]["id"] for event in pulled if event["data"].get("handling")} == notes, who
        assert {event["data"]["id"] for event in pulled if event["type"].startswith("need.")} == needs, who
        lines = reader.http.get("/v1/events", params={"limit": 200}, headers={"Accept": "application/x-ndjson"})
        assert [orjson.loads(line) for line in lines.text.splitlines()] == pulled, who
        with reader.feed() as feed:
            assert [(e["id"], e["data"]) for e in feed.until_live()] == [(e["id"], e["data"]) for e in pulled], who


def told_by_filters(wing: Wing, reader: Caller) -> dict[str, set[str]]:
    """The filters that find anything beside what the unfiltered list shows, or miss something of it."""
    whole = ids(reader.all("/v1/notes"))
    wrong = {}
    for name, value in {
        "inmate": wing.weir,
        "establishment": wing.here.code,
        "unit": "A",
        "attention": "WATCH",
        "indicator": "WITHDRAWN",
        "need": "PHONE",
        "author": wing.keyes.name,
        "q": "asked about",
        "recorded_from": "2020-01-01T00:00:00Z",
    }.items():
        found = ids(reader.all("/v1/notes", limit=3, **{name: value}))
        if found != whole:
            wrong[name] = found ^ whole
    for handling, word in WORDS.items():
        found = ids(reader.all("/v1/notes", q=word))
        if found != whole & {wing.notes[handling]["id"]}:
            wrong[word] = found
    return wrong


def test_what_is_said_live_is_heard_by_those_who_may_read_it(busy: Wing) -> None:
    officer, doctor, supervisor = (busy.everyone(role) for role in ("officer", "health", "supervisor"))
    guest = busy.here.hire("visitor", "guest", "A")
    governor = {"U": busy.here.hire("gov.u", "governor", "A"), "E": busy.here.hire("gov.e", "governor")}
    readers: list[tuple[str, str, Caller]] = [("guest", "U", guest)]
    for role, people in (("officer", officer), ("health", doctor), ("supervisor", supervisor), ("governor", governor)):
        readers += [(role, relation, who) for relation, who in people.items()]
    with ExitStack() as stack:
        feeds = [(role, relation, stack.enter_context(who.feed(after="now"))) for role, relation, who in readers]
        for _, _, feed in feeds:
            feed.until_live()
        said = [busy.write(busy.keyes, handling) for handling in HANDLING]
        last = busy.keyes.note(busy.weir, handling="ESTABLISHMENT")
        everywhere = busy.there.hire("brandt", "supervisor").note(busy.there.receive(f"L{last['id'][-8:]}"))
        for role, relation, feed in feeds:
            expected = [note["id"] for note in said if reads(role, note["handling"], relation)]
            if role == "guest":
                assert feed.next("heartbeat"), "a guest hears nothing of others"
                continue
            end = everywhere["id"] if relation == "X" else last["id"]
            heard = []
            while (event := feed.event())["data"].get("id") != end:
                heard += [event["data"]["id"]] if event["type"] == "note.recorded" else []
            assert heard == expected, f"{role} {relation}"


# --- Changing -------------------------------------------------------------------------------------------------------


def attempts(reader: Caller, note: dict[str, Any]) -> Iterator[tuple[str, httpx.Response]]:
    """Every change one might try on a note. None is sound, so that nothing is changed where it is allowed."""
    path, need = f"/v1/notes/{note['id']}", f"/v1/needs/{note['needs'][0]['id']}"
    yield "receipt", reader.http.post(f"{path}/receipts", json={"kind": "NONSENSE"})
    yield "retraction", reader.http.post(f"{path}/retractions", json={"reason": "NONSENSE"})
    correction = {"reason": "To see what happens.", "note": {"basis": "NONSENSE", "fact": "Nothing."}}
    yield "correction", reader.http.post(f"{path}/corrections", json=correction)
    unsound = {"close": True, "until": "2199-01-01T00:00:00Z", "reason": "To see what happens."}
    yield "attention", reader.http.post(f"{path}/attention", json=unsound)
    yield "need", reader.http.patch(need, json={"status": "DONE", "outcome": "Rang."}, headers={"If-Match": '"77"'})


@pytest.mark.parametrize("role", ROLES)
def test_what_is_unseen_cannot_be_changed_and_is_not_there(wing: Wing, role: str) -> None:
    for relation in "UX":
        reader = wing.everyone(role)[relation]
        for handling, note in wing.notes.items():
            for what, answer in attempts(reader, note):
                who = f"{role} {relation} {handling} {what}"
                if role not in WRITERS or (role == "guest" and what in ("need", "attention")):
                    # The role may do this to nothing at all: that is said first, seen or not.
                    assert answer.status_code == 403, who
                elif not reads(role, handling, relation):
                    assert answer.status_code == 404, who
                elif what in ("retraction", "correction") and role not in ("supervisor", "governor"):
                    assert answer.status_code == 403, who
                else:
                    assert answer.status_code == (412 if what == "need" else 422), who
    assert {wing.keyes.get(f"/v1/notes/{note['id']}")["status"] for note in wing.notes.values()} == {"ACTIVE"}


@pytest.mark.parametrize("relation", ["U", "X"])
def test_the_unseen_is_refused_in_the_words_of_the_unknown(wing: Wing, relation: str) -> None:
    """Word for word and header for header: nothing tells a note one may not see from one that is not there."""
    reader = wing.everyone("officer")[relation]
    unknown = {"id": NOWHERE, "needs": [{"id": NOWHERE}]}
    for handling in ("HEALTH", "SECURITY", "COMPLAINT"):
        note = wing.notes[handling]
        for (what, answer), (_, other) in zip(attempts(reader, note), attempts(reader, unknown), strict=True):
            assert told(answer) == told(other), what
            assert set(answer.headers) == set(other.headers), what
        for path in ("/v1/notes/{}", "/v1/notes/{}/receipts"):
            for headers in ({}, {"If-None-Match": "*"}, {"Accept": "text/html"}):
                seen, unseen = (reader.http.get(path.format(i), headers=headers) for i in (note["id"], NOWHERE))
                assert told(seen) == told(unseen)
                assert "etag" not in seen.headers
        assert reader.http.head(f"/v1/notes/{note['id']}").status_code == 404
        need = note["needs"][0]["id"]
        for headers in ({"If-Match": "*"}, {"If-Match": '"1"'}, {}):
            answers = [
                reader.http.patch(f"/v1/needs/{i}", json={"owner": "me"}, headers=headers) for i in (need, NOWHERE)
            ]
            assert told(answers[0]) == told(answers[1])


# --- Those who wrote it ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", WRITERS)
def test_whoever_wrote_it_reads_it_by_every_way_in(busy: Wing, role: str) -> None:
    author = busy.everyone(role)["O"]
    written = [busy.write(author, handling) for handling in HANDLING]
    assert [n["id"] for n in author.all("/v1/notes", author=author.name)] == [n["id"] for n in reversed(written)]
    for note in written:
        assert author.get(f"/v1/notes/{note['id']}") == note
        author.get(f"/v1/notes/{note['id']}/receipts")
        author.post(f"/v1/notes/{note['id']}/receipts", {"kind": "READ_BACK", "text": "As I said."})
        author.get(f"/v1/needs/{note['needs'][0]['id']}")
    heard = [event["data"] for event in author.pull(type="note.recorded")[0]]
    assert [note for note in heard if note["id"] in ids(written)] == written


def test_an_author_who_has_gone_to_another_prison_still_reads_what_he_wrote(busy: Wing) -> None:
    hartmann = busy.here.hire("hartmann", "officer", "A")
    note = busy.write(hartmann, "SECURITY")
    change(busy.here.service, hartmann, places=[(busy.there.code, "A")])
    assert hartmann.get(f"/v1/notes/{note['id']}") == note
    assert ids(hartmann.all("/v1/notes", q="blanket")) == {note["id"]}
    assert hartmann.http.get(f"/v1/notes/{busy.notes['ESTABLISHMENT']['id']}").status_code == 404
    answer = hartmann.http.post(f"/v1/notes/{note['id']}/retractions", json={"reason": "NOT_TRUE"})
    assert answer.status_code == 201


def test_a_guest_posts_and_reads_only_that(busy: Wing) -> None:
    visitor = busy.here.hire("agency", "guest", "A")
    note = busy.write(visitor, "UNIT")
    assert ids(visitor.all("/v1/notes")) == {note["id"]}
    assert ids(visitor.all("/v1/needs")) == ids(note["needs"])
    assert {event["type"] for event in visitor.pull()[0]} == {"note.recorded", "need.opened"}
    for path in ("inmates", f"inmates/{busy.weir}", "establishments", f"establishments/{busy.here.code}", "access-log"):
        visitor.get(f"/v1/{path}", 403)
    visitor.get("/v1/codelists")
    assert (
        visitor.http.patch(
            f"/v1/needs/{note['needs'][0]['id']}", json={"owner": "me"}, headers={"If-Match": "*"}
        ).status_code
        == 403
    )


def test_an_author_learns_that_a_supervisor_put_the_note_right(busy: Wing) -> None:
    """A note for supervisors, written by an officer: the officer reads the old one, and must hear that it no longer
    stands."""
    hartmann, ngata = busy.here.hire("hart", "officer", "A"), busy.here.hire("ngata", "supervisor")
    note = busy.write(hartmann, "SECURITY")
    with hartmann.feed(after="now") as feed:
        feed.until_live()
        again = {"basis": "SAW", "fact": "Asked about the mattress.", "handling": "SECURITY"}
        new = ngata.post(f"/v1/notes/{note['id']}/corrections", {"reason": "Misheard.", "note": again})
        assert hartmann.get(f"/v1/notes/{note['id']}")["status"] == "CORRECTED"
        hartmann.get(f"/v1/notes/{new['id']}", 404)
        event = feed.event()
        assert (event["type"], event["data"]["id"], event["data"]["status"]) == (
            "note.corrected",
            note["id"],
            "CORRECTED",
        )


def test_a_note_made_a_complaint_takes_its_needs_out_of_the_units_sight(busy: Wing) -> None:
    """The author may always read what he wrote; not what the governor wrote over it, about the author's own unit."""
    hartmann, ngata = busy.here.hire("hartm", "officer", "A"), busy.here.hire("ngat", "officer", "A")
    note = hartmann.note(busy.weir, fact="Wants to complain.", needs=[{"code": "COMPLAINT", "detail": "a form"}])
    need = note["needs"][0]["id"]
    again = {
        "basis": "TOLD_BY_PERSON",
        "fact": "Names an officer.",
        "handling": "COMPLAINT",
        "needs": [{"code": "COMPLAINT", "detail": "about officer Hartmann"}],
    }
    busy.keyes.post(f"/v1/notes/{note['id']}/corrections", {"reason": "It is one.", "note": again})
    assert busy.keyes.get(f"/v1/needs/{need}")["detail"] == "about officer Hartmann"
    for officer in (ngata, hartmann):
        answer = officer.http.get(f"/v1/needs/{need}")
        assert "about officer" not in answer.text, officer.name
        assert "about officer" not in str(officer.pull()[0]), officer.name
        assert "about officer" not in str(officer.all("/v1/needs")), officer.name


# --- What was taken back --------------------------------------------------------------------------------------------


def test_retracted_text_is_left_to_the_auditor_alone(busy: Wing) -> None:
    """Of those who see the most: the governor comes by it no more, the auditor by the note itself alone."""
    auditors, hartmann = busy.everyone("auditor"), busy.here.hire("hartma", "officer", "A")
    body = {
        "inmate": busy.weir,
        "basis": "SAW",
        "handling": "UNIT",
        "fact": "A quokka ran by.",
        "opinion": "A quokka, surely.",
        "if_then": "Quokka: call the vet.",
        "needs": [{"code": "OTHER", "detail": "a quokka trap"}],
    }
    note = hartmann.post("/v1/notes", body)
    path, need = f"/v1/notes/{note['id']}", note["needs"][0]["id"]
    busy.keyes.post(f"{path}/receipts", {"kind": "READ_BACK", "text": "A quokka."})
    busy.keyes.http.patch(f"/v1/needs/{need}", json={"status": "DONE", "outcome": "quokka"}, headers={"If-Match": "*"})
    tag = busy.keyes.http.get(path).headers["etag"]
    hartmann.post(f"{path}/retractions", {"reason": "NOT_TRUE", "detail": "No quokka."})
    for who in (busy.keyes, *auditors.values()):
        said = [
            who.http.get(f"{path}/receipts"),
            who.http.get(f"/v1/needs/{need}"),
            who.http.get("/v1/notes", params={"limit": 200}),
            who.http.get("/v1/needs", params={"limit": 200}),
            who.http.get("/v1/notes", params={"q": "quokka"}),
            who.http.get("/v1/events", params={"limit": 200, "type": ["note.recorded", "note.retracted"]}),
            who.http.get("/v1/events", params={"limit": 200, "type": ["need.opened", "need.updated"]}),
            who.http.get("/v1/events", params={"limit": 200, "type": "receipt.recorded"}),
        ]
        assert not [answer.url for answer in said if "quokka" in answer.text.casefold()], who.name
        assert who.http.get("/v1/notes", params={"q": "quokka"}).json()["items"] == []
        with who.feed() as feed:
            assert "quokka" not in str(feed.until_live()).casefold(), who.name
        answer = who.http.get(path, headers={"If-None-Match": tag})
        if who in (auditors["U"], auditors["O"], auditors["E"]):
            sealed = answer.json()
            assert {name: sealed[name] for name in ("fact", "opinion", "if_then", "status")} == {
                "fact": "A quokka ran by.",
                "opinion": "A quokka, surely.",
                "if_then": "Quokka: call the vet.",
                "status": "RETRACTED",
            }
            assert sealed["needs"][0]["detail"] == "a quokka trap"
        elif who is auditors["X"]:
            assert answer.status_code == 404
        else:
            assert answer.status_code == 200, "an old tag is not confirmed"
            assert "quokka" not in answer.text.casefold()
            assert (answer.json()["status"], answer.json()["fact"], answer.json()["needs"]) == ("RETRACTED", None, [])


def test_an_auditor_reads_a_note_once_it_is_taken_back_and_not_before(busy: Wing) -> None:
    notes = {handling: busy.write(busy.keyes, handling) for handling in HANDLING}
    auditors = {relation: who for relation, who in busy.everyone("auditor").items() if relation != "X"}
    for status in ("ACTIVE", "RETRACTED"):
        for relation, who in auditors.items():
            listed, heard = ids(who.all("/v1/notes", limit=200)), about(who.pull()[0])
            for handling, note in notes.items():
                expected = reads("auditor", handling, relation, status)
                answer = who.http.get(f"/v1/notes/{note['id']}")
                assert answer.status_code == (200 if expected else 404), (status, relation, handling)
                assert (WORDS[handling] in answer.text) is expected
                assert (note["id"] in listed) is (note["id"] in heard) is expected
        for note in notes.values():
            busy.keyes.http.post(f"/v1/notes/{note['id']}/retractions", json={"reason": "DUPLICATE"})


# --- Other systems --------------------------------------------------------------------------------------------------

CLIENTS = {
    "default": (("notes:read", "needs:read", "events:read"), (), ("UNIT", "ESTABLISHMENT")),
    "healthcare": (("notes:read", "needs:read", "events:read"), ("HEALTH",), ("HEALTH",)),
    "intelligence": (("notes:read", "needs:read", "events:read"), ("SECURITY", "COMPLAINT"), ("SECURITY", "COMPLAINT")),
}


@pytest.mark.parametrize("name", CLIENTS)
def test_another_system_reads_its_classes_in_its_prisons(wing: Wing, name: str) -> None:
    scopes, bound, classes = CLIENTS[name]
    client = wing.here.connect(name, *scopes, handling=bound)
    elsewhere = wing.there.connect(name, *scopes, handling=bound)
    expected = {note["id"] for note in wing.keyes.all("/v1/notes", limit=200) if note["handling"] in classes}
    assert ids(client.all("/v1/notes", limit=200)) == expected
    pulled, _ = client.pull()
    assert {event["data"]["id"] for event in pulled if event["data"].get("handling")} == expected
    assert not [event for event in pulled if event["type"].startswith("inmate.")], "no roster without its scope"
    for handling, note in wing.notes.items():
        allowed = handling in classes
        for path in (f"notes/{note['id']}", f"notes/{note['id']}/receipts", f"needs/{note['needs'][0]['id']}"):
            assert client.http.get(f"/v1/{path}").status_code == (200 if allowed else 404)
            assert elsewhere.http.get(f"/v1/{path}").status_code == 404
    assert elsewhere.all("/v1/notes", limit=200) == []
    elsewhere.get("/v1/events", 404, establishment=wing.here.code)
    assert client.get("/v1/me")["handling"] == sorted(classes)


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [
        ("notes:read", {"notes", "note", "receipts", "worked", "pages", "page"}),
        ("notes:write", {"record", "receipt", "attention"}),
        ("needs:read", {"needs", "need"}),
        ("needs:write", {"change"}),
        ("events:read", {"events", "ticket"}),
        ("roster:read", {"inmates", "inmate", "establishments"}),
        ("roster:write", {"put"}),
        ("handovers:read", {"handovers", "handover", "sheet", "given"}),
    ],
)
def test_each_scope_opens_its_own_doors_and_no_other(busy: Wing, scope: str, allowed: set[str]) -> None:
    client = busy.here.connect(f"only.{scope.replace(':', '.')}", scope)
    note, http = busy.keyes.note(busy.weir, needs=[{"code": "PHONE"}], attention="ACT_NOW"), client.http
    page = busy.keyes.get("/v1/pages", limit=1)["items"][0]["id"]
    unit = f"/v1/establishments/{busy.here.code}/units/A"
    sheet = busy.keyes.get(f"{unit}/sheet")
    handover = sheet["handover"]["id"]
    if handover is None:
        handover = busy.keyes.post("/v1/handovers", {"establishment": busy.here.code, "unit": "A"})["id"]
    path, need = f"/v1/notes/{note['id']}", f"/v1/needs/{note['needs'][0]['id']}"
    answers = {
        "notes": http.get("/v1/notes"),
        "note": http.get(path),
        "receipts": http.get(f"{path}/receipts"),
        "record": http.post(
            "/v1/notes", json={"inmate": busy.weir, "basis": "FROM_RECORD", "fact": "Court on Friday."}
        ),
        "receipt": http.post(f"{path}/receipts", json={"kind": "SEEN"}),
        "needs": http.get("/v1/needs"),
        "need": http.get(need),
        "change": http.patch(need, json={"owner": "the office"}, headers={"If-Match": "*"}),
        "events": http.get("/v1/events"),
        "ticket": http.post("/v1/feed/tickets"),
        "inmates": http.get("/v1/inmates"),
        "inmate": http.get(f"/v1/inmates/{busy.weir}"),
        "establishments": http.get("/v1/establishments"),
        "put": http.put(f"/v1/establishments/{busy.here.code}/units/A", json={"name": "A wing"}),
        "log": http.get("/v1/access-log"),
        "worked": http.get(f"/v1/inmates/{busy.weir}/worked"),
        "attention": http.post(f"{path}/attention", json={"reason": "Still so."}),
        "pages": http.get("/v1/pages"),
        "page": http.get(f"/v1/pages/{page}"),
        "handovers": http.get("/v1/handovers"),
        "handover": http.get(f"/v1/handovers/{handover}"),
        "sheet": http.get(f"{unit}/sheet"),
        "given": http.get(f"{unit}/sheets/{sheet['hash']}", params={"given_at": sheet["given_at"]}),
        "offer": http.post("/v1/handovers", json={"establishment": busy.here.code, "unit": "A"}),
        **dict(holding(client, handover)),
    }
    assert {name for name, answer in answers.items() if answer.status_code in (200, 201)} == allowed
    refused = {name: answer for name, answer in answers.items() if name not in allowed}
    assert {answer.status_code for answer in refused.values()} == {403}
    for answer in refused.values():
        assert not any(word in answer.text for word in WORDS.values())


def test_a_system_that_may_only_hear_gets_thin_events(wing: Wing) -> None:
    thin = wing.here.connect("bell", "events:read")
    roster = wing.here.connect("doors", "events:read", "roster:read")
    whole = wing.here.connect("whole", "events:read", "notes:read", "needs:read", "roster:read")
    events = {event["id"]: event for event in whole.pull()[0]}
    pulled, _ = thin.pull()
    with thin.feed() as feed:
        assert [event["data"] for event in feed.until_live()] == [event["data"] for event in pulled]
    assert {event["id"] for event in pulled} == {i for i, e in events.items() if not e["type"].startswith("inmate.")}
    for event in pulled:
        assert set(event["data"]) == {"id", "status"}
        assert event["data"]["id"] == events[event["id"]]["data"]["id"], "enough to ask for it where one may"
    assert not any(word in str(pulled) for word in WORDS.values())
    for event in roster.pull()[0]:
        assert (set(event["data"]) == {"id", "status"}) is not event["type"].startswith("inmate.")


# --- Handovers, sheets, pages ---------------------------------------------------------------------------------------

MANAGERS = ("supervisor", "governor")
HOLDERS = ("officer", *MANAGERS)
"""Who may offer, accept, ask and answer."""


@dataclass
class Passed:
    """A wing with a note of each class that somebody must act on, offered to the next shift; and two people who were
    sent on from there, one to the other wing, one to the other prison. Somebody has asked about every item."""

    wing: Wing
    handovers: dict[str, dict[str, Any]]
    places: dict[str, tuple[tuple[str, str], ...]]
    classes: dict[str, str]
    pages: dict[str, dict[str, Any]]

    def postings(self, relation: str) -> list[tuple[str, str]]:
        """Where a reader in this relation to the wing is posted."""
        here, there = self.wing.here.code, self.wing.there.code
        return {"U": [(here, "A")], "O": [(here, "B")], "E": [(here, "")], "X": [(there, "A")]}[relation]

    def sees(self, role: str, relation: str, kind: str, handling: str = "UNIT") -> bool:
        """Whether a reader sees what is of this class in this handover: who may in one of its units may; but a
        complaint is for the staff of none of them."""
        postings = self.postings(relation)
        if handling == "COMPLAINT" and any(place in postings for place in self.places[kind]):
            return False
        return any(reads(role, handling, relation_to(unit, place, postings)) for place, unit in self.places[kind])

    def shown(self, role: str, relation: str, kind: str) -> dict[str, Any] | None:
        """A handover as this reader must see it; None where it does not exist for him or her."""
        if not self.sees(role, relation, kind):
            return None
        whole = self.handovers[kind]
        seen = {
            name: [
                one for one in whole[name] if self.sees(role, relation, kind, self.classes[one["note"] or one["need"]])
            ]
            for name in ("items", "attention", "queries")
        }
        return {**whole, **seen}


@pytest.fixture(scope="module")
def passed(service: Service) -> Passed:
    """A wing whose handover waits, and where nothing more happens."""
    return _passed(service)


@pytest.fixture(scope="module")
def late(service: Service) -> Passed:
    """A wing where nobody has accepted anything in time."""
    late = _passed(service)
    for whole in late.handovers.values():
        for act in (handovers.ran_out, handovers.escalate):

            def fire(uow: UnitOfWork, act: Any = act, id_: str = whole["id"]) -> None:
                uow.doing("timers.fire", subject=id_)
                act(uow, id_)

            service.do(fire)
    return late


def _passed(service: Service) -> Passed:
    here, there = service.prison(), service.prison()
    keyes = here.hire("keyes", "governor")
    change(service, keyes, places=[(here.code, ""), (there.code, "")])
    wing = Wing(here, there, here.receive("A4417KD"), keyes)
    people = {"within": here.receive("W1"), "across": here.receive("X1"), "shift": wing.weir}
    notes = []
    for kind, person in people.items():
        for handling in HANDLING:
            note = keyes.note(
                person,
                handling=handling,
                fact=f"Asked about the {WORDS[handling]}.",
                needs=[{"code": "PHONE", "detail": f"about the {WORDS[handling]}"}],
                responses=[{"code": "LISTENED", "effect": "HELPED"}],
                attention="ACT_NOW",
            )
            notes.append(note)
            if kind == "shift":
                wing.notes[handling] = note
        if kind != "shift":
            to = here.code if kind == "within" else there.code
            move = {"establishment": to, "unit": "B" if kind == "within" else "A", "reason": "Works elsewhere"}
            keyes.post(f"/v1/inmates/{person}/moves", move)
    keyes.post("/v1/handovers", {"establishment": here.code, "unit": "A", "roll_expected": 1})
    classes = {id_: note["handling"] for note in notes for id_ in (note["id"], note["needs"][0]["id"])}
    found = {}
    for one in keyes.all("/v1/handovers"):
        for item in one["items"]:
            about = {"note": item["note"]} if item["note"] else {"need": item["need"]}
            text = f"More of the {WORDS[classes[item['note'] or item['need']]]}?"
            keyes.post(f"/v1/handovers/{one['id']}/queries", {**about, "text": text})
        moved = one["transfer"] and one["transfer"]["inmate"]
        found[next(k for k, p in people.items() if p == moved) if moved else "shift"] = one["id"]
    wing_a = (here.code, "A")
    return Passed(
        wing,
        {kind: keyes.get(f"/v1/handovers/{id_}") for kind, id_ in found.items()},
        {"shift": (wing_a,), "within": (wing_a, (here.code, "B")), "across": (wing_a, (there.code, "A"))},
        classes,
        {classes[page["note"]]: page for page in keyes.all("/v1/pages") if page["inmate"] == wing.weir},
    )


@pytest.mark.parametrize("role", ROLES)
def test_every_way_to_a_handover_shows_what_the_role_may_see_of_it(passed: Passed, role: str) -> None:
    assert [len(one["items"]) for one in passed.handovers.values()] == [
        len(o["queries"]) for o in passed.handovers.values()
    ]
    for relation, reader in passed.wing.everyone(role).items():
        who = f"{role} {relation}"
        pulled = [event for event in reader.pull()[0] if event["type"].startswith("handover.")]
        with reader.feed() as feed:
            fed = [event for event in feed.until_live() if event["type"].startswith("handover.")]
        assert [(e["id"], e["data"]) for e in fed] == [(e["id"], e["data"]) for e in pulled], who
        expected = {kind: passed.shown(role, relation, kind) for kind in passed.handovers}
        if role == "guest":
            for path in ("", *(f"/{one['id']}" for one in passed.handovers.values())):
                reader.get(f"/v1/handovers{path}", 403)
            assert pulled == [], who
            continue
        visible = {one["id"]: one for one in expected.values() if one}
        assert {one["id"]: one for one in reader.all("/v1/handovers", limit=1)} == visible, who
        assert {event["data"]["id"] for event in pulled} == set(visible), who
        newest = {event["data"]["id"]: event["data"] for event in pulled}
        assert newest == visible, who
        for kind, whole in passed.handovers.items():
            answer = reader.http.get(f"/v1/handovers/{whole['id']}")
            assert answer.status_code == (200 if expected[kind] else 404), f"{who} {kind}"
            if expected[kind]:
                assert answer.json() == expected[kind], f"{who} {kind}"
            for handling, word in WORDS.items():
                heard = str([event for event in pulled if event["data"]["id"] == whole["id"]])
                if not (expected[kind] and passed.sees(role, relation, kind, handling)):
                    assert word not in answer.text, f"{who} {kind} {handling}"
                    assert word not in heard, f"{who} {kind} {handling}"


def test_what_a_transfer_carries_is_no_complaint(passed: Passed) -> None:
    """A complaint is for the governor of the prison it is about: it does not travel, nor does what it asks for."""
    for kind in ("within", "across"):
        carried = {passed.classes[item["note"] or item["need"]] for item in passed.handovers[kind]["items"]}
        assert carried == set(HANDLING) - {"COMPLAINT"}, kind
        assert WORDS["COMPLAINT"] not in str(passed.handovers[kind])


@pytest.mark.parametrize("role", ROLES)
def test_every_sheet_shows_what_the_role_may_see_of_the_wing(passed: Passed, role: str) -> None:
    here = passed.wing.here.code
    path = f"/v1/establishments/{here}/units/A"
    for relation, reader in passed.wing.everyone(role).items():
        who = f"{role} {relation}"
        answers = [
            reader.http.get(f"{path}/sheet", headers={"Accept": kind}) for kind in ("application/json", "text/html")
        ]
        past = reader.http.get(f"{path}/sheet", params={"at": "2026-01-14T12:00:00Z"})
        if role == "guest" or relation == "X":
            elsewhere = reader.http.get(f"/v1/establishments/{here}/units/Q/sheet")
            assert {answer.status_code for answer in (*answers, past)} == {403 if role == "guest" else 404}, who
            assert told(answers[0]) == told(answers[1]) == told(past), who
            nowhere = reader.http.get("/v1/establishments/ZZ9/units/A/sheet")
            assert told(nowhere) == told(answers[0]), who
            assert elsewhere.status_code == answers[0].status_code
            continue
        sheet = answers[0].json()
        seen = {handling for handling in HANDLING if reads(role, handling, relation)}
        [weir] = [one for one in sheet["people"] if one["inmate"] == passed.wing.weir] or [None]
        assert (weir is not None) is bool(seen), who
        for name in ("notes", "needs", "reasons", "worked"):
            found = {passed.classes[one["id"] if "id" in one else one["note"]] for one in (weir[name] if weir else ())}
            assert found == seen, f"{who} {name}"
        screen, paper = (
            {handling for handling, word in WORDS.items() if f"about the {word}" in answer.text} for answer in answers
        )
        assert screen == seen, who
        assert paper <= seen, who  # what does not fit on a page is left out
        standing, shift = sheet["handover"], passed.shown(role, relation, "shift")
        assert standing["id"] == (shift and shift["id"]), who
        assert standing["open_queries"] == (len(shift["queries"]) if shift else 0), who
        moving = {one["handover"] for one in sheet["in_transit"]}
        expected = (passed.shown(role, relation, kind) for kind in ("within", "across"))
        assert moving == {one["id"] for one in expected if one}, who
        assert WORDS["UNIT"] not in past.text
        assert past.json()["people"] == [], who


@pytest.mark.parametrize("role", ROLES)
def test_a_sheet_is_checked_by_staff_of_its_prison(passed: Passed, role: str) -> None:
    here, keyes = passed.wing.here.code, passed.wing.keyes
    given = keyes.get(f"/v1/establishments/{here}/units/A/sheet")
    at = {"given_at": given["given_at"]}
    for relation, reader in passed.wing.everyone(role).items():
        answer, other, nowhere = (
            reader.http.get(f"/v1/establishments/{place}/units/A/sheets/{hash_}", params=at)
            for place, hash_ in ((here, given["hash"]), (here, "0" * 64), ("ZZ9", given["hash"]))
        )
        expected = 403 if role == "guest" else 404 if relation == "X" else 200
        assert answer.status_code == expected, f"{role} {relation}"
        if expected == 200:
            assert (answer.json()["given_to"], other.status_code) == (keyes.name, 404)
        else:
            assert told(answer) == told(other) == told(nowhere), f"{role} {relation}"


@pytest.mark.parametrize("role", ROLES)
def test_what_worked_is_told_from_the_notes_one_may_read(passed: Passed, role: str) -> None:
    for relation, reader in passed.wing.everyone(role).items():
        answer = reader.http.get(f"/v1/inmates/{passed.wing.weir}/worked")
        if relation == "X":
            assert told(answer) == told(reader.http.get("/v1/inmates/NOBODY1/worked"))
            assert answer.status_code == 404
            continue
        told_of = {passed.classes[one["note"]] for one in answer.json()["worked"]}
        assert told_of == {handling for handling in HANDLING if reads(role, handling, relation)}, f"{role} {relation}"


@pytest.mark.parametrize("role", ROLES)
def test_every_way_to_a_page_shows_what_the_role_may_read(passed: Passed, role: str) -> None:
    for relation, reader in passed.wing.everyone(role).items():
        who = f"{role} {relation}"
        seen = {handling for handling in HANDLING if reads(role, handling, relation)}
        mine = {passed.pages[handling]["id"] for handling in seen}
        every = ids(list(passed.pages.values()))
        assert ids(reader.all("/v1/pages", limit=2)) & every == mine, who
        assert (
            ids(reader.all("/v1/pages", establishment=passed.wing.here.code, unit="A", state="RAISED")) & every == mine
        )
        pulled = [event for event in reader.pull()[0] if event["type"].startswith("page.")]
        assert {event["data"]["id"] for event in pulled} & every == mine, who
        with reader.feed() as feed:
            fed = [event for event in feed.until_live() if event["type"].startswith("page.")]
        assert [(e["id"], e["data"]) for e in fed] == [(e["id"], e["data"]) for e in pulled], who
        nowhere = told(reader.http.get(f"/v1/pages/{NOWHERE}"))
        for handling, page in passed.pages.items():
            answer = reader.http.get(f"/v1/pages/{page['id']}")
            assert answer.status_code == (200 if handling in seen else 404), f"{who} {handling}"
            if handling not in seen:
                assert told(answer) == nowhere, who


@pytest.mark.parametrize("role", ROLES)
def test_a_page_about_a_handover_is_for_the_unit_where_somebody_must_act(late: Passed, role: str) -> None:
    raised = late.wing.keyes.all("/v1/pages")
    expected_of = {"within": 2, "across": 2, "shift": 1}
    for kind, whole in late.handovers.items():
        mine = [page for page in raised if page["handover"] == whole["id"]]
        assert {(page["establishment"], page["unit"]) for page in mine} == set(late.places[kind])
        assert len(mine) == expected_of[kind]
    every = [page for page in raised if page["handover"]]
    for relation, reader in late.wing.everyone(role).items():
        postings = late.postings(relation)
        seen = {
            page["id"]
            for page in every
            if reads(role, "UNIT", relation_to(page["unit"], page["establishment"], postings))
        }
        assert ids(reader.all("/v1/pages")) & ids(every) == seen, f"{role} {relation}"
        for page in every:
            reader.get(f"/v1/pages/{page['id']}", 200 if page["id"] in seen else 404)
        heard = {e["data"]["id"] for e in reader.pull()[0] if e["type"].startswith("page.")}
        assert heard & ids(every) == seen, f"{role} {relation}"


@pytest.mark.parametrize("handling", HANDLING)
def test_a_page_names_those_who_have_not_seen_it_and_may(passed: Passed, handling: str) -> None:
    """Nobody is named who may not read what the page calls for; whoever may, and is on duty in the wing or manages the
    prison, is."""
    people = {
        who.name: reads(role, handling, relation) and relation in ("UOE" if role in MANAGERS else "U")
        for role in ROLES
        for relation, who in passed.wing.everyone(role).items()
    }
    page = passed.wing.keyes.get(f"/v1/pages/{passed.pages[handling]['id']}")
    named = {person["username"] for person in page["not_seen"]}
    assert named == {name for name, expected in people.items() if expected}


def holding(reader: Caller, handover: str) -> Iterator[tuple[str, httpx.Response]]:
    """Every change one might try on a handover. None is sound, so that nothing is changed where it is allowed; only a
    withdrawal always is, and managers, who may, do not try it."""
    path = f"/v1/handovers/{handover}"
    yield "query", reader.http.post(f"{path}/queries", json={"text": "What of it?"})
    yield "answer", reader.http.post(f"{path}/queries/{NOWHERE}/answers", json={"text": "Nothing."})
    yield "acceptance", reader.http.post(f"{path}/acceptance", json={"roll_actual": 2})
    if not reader.name.startswith(MANAGERS):
        yield "withdrawal", reader.http.post(f"{path}/withdrawal", json={"reason": "To see what happens."})


@pytest.mark.parametrize("role", ROLES)
def test_a_handover_is_changed_by_those_who_may_hold_the_wing(passed: Passed, role: str) -> None:
    for relation, reader in passed.wing.everyone(role).items():
        for kind, whole in passed.handovers.items():
            seen = passed.sees(role, relation, kind)
            to_place, to_unit = whole["establishment"], whole["unit"]
            manages = role in MANAGERS and to_place in {p for p, _ in passed.postings(relation)}
            holds = (to_place, to_unit) in passed.postings(relation) or manages
            for what, answer in holding(reader, whole["id"]):
                who = f"{role} {relation} {kind} {what}: {answer.text}"
                if role not in HOLDERS:
                    expected = 403
                elif not seen:
                    expected = 404
                elif what == "acceptance":
                    expected = 409 if holds else 403
                else:
                    expected = {"query": 422, "answer": 404, "withdrawal": 422 if kind != "shift" else 403}[what]
                assert answer.status_code == expected, who
            offer = {"establishment": passed.wing.here.code, "unit": "A"}
            answer = reader.http.post("/v1/handovers", json=offer)
            mine = relation == "U" or (relation in "OE" and role in MANAGERS)
            assert answer.status_code == (403 if role not in HOLDERS else 409 if mine else 404), f"{role} {relation}"
    now = {kind: passed.wing.keyes.get(f"/v1/handovers/{one['id']}") for kind, one in passed.handovers.items()}
    assert now == passed.handovers, "nothing was changed"


@pytest.mark.parametrize("role", HOLDERS)
def test_a_refused_acceptance_names_the_open_queries_one_may_see(passed: Passed, role: str) -> None:
    for relation, reader in passed.wing.everyone(role).items():
        for kind, whole in passed.handovers.items():
            answer = reader.http.post(f"/v1/handovers/{whole['id']}/acceptance", json={"roll_actual": 2})
            shown = passed.shown(role, relation, kind)
            named = {query["id"] for query in whole["queries"] if query["id"] in answer.text}
            assert named == (ids(shown["queries"]) if shown and answer.status_code == 409 else set()), (relation, kind)
            told_of = {handling for handling, word in WORDS.items() if word in answer.text}
            assert told_of <= {passed.classes[q["note"] or q["need"]] for q in (shown or {"queries": []})["queries"]}


def test_an_unseen_handover_is_refused_in_the_words_of_an_unknown_one(passed: Passed) -> None:
    reader = passed.wing.everyone("officer")["O"]
    pairs = zip(holding(reader, passed.handovers["shift"]["id"]), holding(reader, NOWHERE), strict=True)
    for (what, answer), (_, other) in pairs:
        assert answer.status_code == 404, what
        assert told(answer) == told(other), what
        assert set(answer.headers) == set(other.headers), what
    for headers in ({}, {"If-None-Match": "*"}):
        seen, unseen = (
            reader.http.get(f"/v1/handovers/{i}", headers=headers) for i in (passed.handovers["shift"]["id"], NOWHERE)
        )
        assert told(seen) == told(unseen)
    elsewhere = passed.wing.everyone("supervisor")["X"]
    told_of = [
        elsewhere.post("/v1/handovers", {"establishment": place, "unit": "A"}, 404)["detail"].replace(place, "…")
        for place in (passed.wing.here.code, "ZZ9")
    ]
    assert told_of[0] == told_of[1]


def test_a_list_of_handovers_is_narrowed_to_one_end_of_a_transfer(passed: Passed) -> None:
    here, there, keyes = passed.wing.here.code, passed.wing.there.code, passed.wing.keyes
    names = {whole["id"]: kind for kind, whole in passed.handovers.items()}
    for params, expected in (
        ({"establishment": here, "unit": "A"}, {"shift", "within", "across"}),
        ({"establishment": here, "unit": "B"}, {"within"}),
        ({"establishment": there, "unit": "A"}, {"across"}),
        ({"establishment": there, "unit": "B"}, set()),
        ({"establishment": there}, {"across"}),
        ({"unit": "B"}, {"within"}),
    ):
        found = {names[one["id"]] for one in keyes.all("/v1/handovers", **params)}
        assert found == expected, params


def test_an_item_that_is_unseen_cannot_be_asked_about_nor_its_query_answered(passed: Passed) -> None:
    reader, whole = passed.wing.everyone("officer")["U"], passed.handovers["shift"]
    path = f"/v1/handovers/{whole['id']}"
    for item in whole["items"]:
        name = "note" if item["note"] else "need"
        if passed.classes[item[name]] in ("UNIT", "ESTABLISHMENT"):
            continue
        tried, unknown = (
            reader.http.post(f"{path}/queries", json={name: id_, "text": "What is it?"})
            for id_ in (item[name], NOWHERE)
        )
        assert told(tried) == told(unknown)
        assert tried.status_code == 422
    for query in whole["queries"]:
        if passed.classes[query["note"] or query["need"]] not in ("UNIT", "ESTABLISHMENT"):
            answers = [
                reader.http.post(f"{path}/queries/{id_}/answers", json={"text": "It is nothing."})
                for id_ in (query["id"], NOWHERE)
            ]
            assert told(answers[0]) == told(answers[1])
            assert answers[0].status_code == 404


BOUND = {"default": (), "health": ("HEALTH",), "unit": ("UNIT",), "all": HANDLING}


@pytest.mark.parametrize("name", BOUND)
def test_another_system_reads_handovers_by_its_scope_and_classes(passed: Passed, name: str) -> None:
    here = passed.wing.here.code
    scopes, bound = ("notes:read", "needs:read", "events:read"), BOUND[name]
    reading = passed.wing.here.connect(f"duty.{name}", *scopes, "handovers:read", handling=bound)
    hearing = passed.wing.here.connect(f"bell.{name}", *scopes, handling=bound)
    elsewhere = passed.wing.there.connect(f"far.{name}", *scopes, "handovers:read", handling=bound)
    classes = set(bound or ("UNIT", "ESTABLISHMENT"))
    for client, kinds in ((reading, {"shift", "within", "across"}), (elsewhere, {"across"})):
        visible = {kind for kind in kinds if "UNIT" in classes}
        found = {one["id"]: one for one in client.all("/v1/handovers")}
        assert set(found) == {passed.handovers[kind]["id"] for kind in visible}
        heard = {e["data"]["id"]: e["data"] for e in client.pull()[0] if e["type"].startswith("handover.")}
        assert heard == found
        for kind, whole in passed.handovers.items():
            client.get(f"/v1/handovers/{whole['id']}", 200 if kind in visible else 404)
            if kind in visible:
                for part in ("items", "queries"):
                    told_of = {passed.classes[one["note"] or one["need"]] for one in found[whole["id"]][part]}
                    assert told_of == classes & {passed.classes[o["note"] or o["need"]] for o in whole[part]}
    sheet = reading.http.get(f"/v1/establishments/{here}/units/A/sheet")
    assert {handling for handling, word in WORDS.items() if word in sheet.text} == classes
    told_of = {passed.classes[one["note"]] for one in reading.get(f"/v1/inmates/{passed.wing.weir}/worked")["worked"]}
    assert told_of == classes
    assert {passed.classes[page["note"]] for page in reading.all("/v1/pages")} == classes
    elsewhere.get(f"/v1/establishments/{here}/units/A/sheet", 404)
    elsewhere.get(f"/v1/inmates/{passed.wing.weir}/worked", 404)
    for path in ("", f"/{passed.handovers['shift']['id']}"):
        hearing.get(f"/v1/handovers{path}", 403)
    hearing.get(f"/v1/establishments/{here}/units/A/sheet", 403)
    hearing.get(f"/v1/establishments/{here}/units/A/sheets/{'0' * 64}", 403, given_at="2026-01-14T12:00:00Z")
    thin = [event["data"] for event in hearing.pull()[0] if event["type"].startswith("handover.")]
    assert {one["id"] for one in thin} == ({h["id"] for h in passed.handovers.values()} if "UNIT" in classes else set())
    assert all(set(one) == {"id", "status"} for one in thin)
    # Whatever scopes it has: nobody is handed a wing by a machine.
    for what, answer in holding(reading, passed.handovers["shift"]["id"]):
        assert answer.status_code == 403, what
    reading.post("/v1/handovers", {"establishment": here, "unit": "A"}, 403)


def test_whoever_wrote_a_health_note_sees_its_item_and_the_wing_does_not(service: Service) -> None:
    here = service.prison()
    hartmann, ngata, doctor = (
        here.hire("hart", "officer", "A"),
        here.hire("ngata", "officer", "A"),
        here.hire("doc", "health"),
    )
    person = here.receive("H1")
    note = hartmann.note(person, handling="HEALTH", fact="Asked for a plaster.", needs=[{"code": "PAIN"}])
    offered = ngata.post("/v1/handovers", {"establishment": here.code, "unit": "A"})
    assert offered["items"] == []
    path = f"/v1/handovers/{offered['id']}"
    mine = hartmann.get(path)["items"]
    assert {item["note"] or item["need"] for item in mine} == {note["id"], note["needs"][0]["id"]}
    assert ngata.get(path)["items"] == []
    doctor.get(path, 404)  # of no unit: no staff of the wing, so the handover is not the doctor's to see
    with hartmann.feed(after="now") as his, ngata.feed(after="now") as hers:
        assert his.until_live() == hers.until_live() == []
        asked = hartmann.post(f"{path}/queries", {"note": note["id"], "text": "A plaster for what?"})
        heard = his.event()["data"]
        assert (heard["queries"], len(heard["items"])) == ([asked], 2)
        accepted = ngata.http.post(f"{path}/acceptance", json={})
        assert hers.event()["type"] == "handover.accepted", "and of the question not even that there is one"
    assert (hartmann.get(path)["queries"], ngata.get(path)["queries"]) == ([asked], [])
    events = ngata.pull()[0]
    assert [event["type"] for event in events if event["type"].startswith("handover.")] == [
        "handover.offered",
        "handover.accepted",
    ]
    assert "plaster" not in str(events)
    assert (accepted.status_code, accepted.json()["state"]) == (201, "ACCEPTED"), "what is unseen is in nobody's way"


def test_a_page_that_one_may_not_see_is_not_taken_by_accepting_the_wing(service: Service) -> None:
    here = service.prison()
    keyes, ngata = here.hire("keyes", "governor"), here.hire("ngata", "officer", "A")
    person = here.receive("P1")
    for handling in ("UNIT", "SECURITY", "COMPLAINT", "HEALTH"):
        keyes.note(person, handling=handling, attention="ACT_NOW")
    offered = ngata.post("/v1/handovers", {"establishment": here.code, "unit": "A"})
    ngata.post(f"/v1/handovers/{offered['id']}/acceptance", {})
    raised = [keyes.get(f"/v1/notes/{page['note']}")["handling"] for page in keyes.all("/v1/pages", state="RAISED")]
    assert sorted(raised) == ["COMPLAINT", "HEALTH", "SECURITY"]


def test_the_tag_of_a_handover_is_of_what_its_reader_may_see(service: Service) -> None:
    here = service.prison()
    keyes, osei = here.hire("keyes", "governor"), here.hire("osei", "supervisor", "A")
    secret = keyes.note(here.receive("T1"), handling="SECURITY", fact="A blanket is missing.")
    path = f"/v1/handovers/{keyes.post('/v1/handovers', {'establishment': here.code, 'unit': 'A'})['id']}"
    first = osei.http.get(path)
    tag = {"If-None-Match": first.headers["etag"]}
    assert [item["note"] for item in first.json()["items"]] == [secret["id"]]
    assert osei.http.get(path, headers=tag).status_code == 304
    change(service, osei, role="officer")
    deadline = monotonic() + 5
    while (again := osei.http.get(path, headers=tag)).status_code == 304 and monotonic() < deadline:
        sleep(0.1)
    assert (again.status_code, again.json()["items"]) == (200, [])


def test_what_is_done_about_an_item_exists_only_for_those_who_may_read_it(service: Service) -> None:
    here = service.prison()
    lowe = here.hire("lowe", "officer", "B")  # writes it all, and is not of the wing that hands over
    scopes = ("handovers:read", "notes:read", "events:read")
    readers = {
        "keyes": here.hire("keyes", "governor"),
        "osei": here.hire("osei", "supervisor", "A"),
        "ngata": here.hire("ngata", "officer", "A"),
        "noor": here.hire("noor", "health", "A"),
        "a doctor of no wing": here.hire("doc", "health"),
        "lowe": lowe,
        "offices": here.connect("offices", *scopes, handling=("UNIT",)),
        "vault": here.connect("vault", *scopes, handling=("SECURITY",)),
    }
    told = {
        "UNIT": {"keyes", "osei", "ngata", "noor", "offices"},
        "ESTABLISHMENT": {"keyes", "osei", "ngata", "noor"},
        "HEALTH": {"noor"},
        "SECURITY": {"keyes", "osei"},
        "COMPLAINT": {"keyes"},
    }
    keyes, ngata = readers["keyes"], readers["ngata"]
    notes = {handling: lowe.note(here.receive("S1"), handling=handling, needs=[{"code": "PAIN"}]) for handling in told}
    path = f"/v1/handovers/{ngata.post('/v1/handovers', {'establishment': here.code, 'unit': 'A'})['id']}"

    def ask_and_answer(note: dict[str, Any]) -> None:
        query = keyes.post(f"{path}/queries", {"note": note["id"], "text": "Who says so?"})
        keyes.post(f"{path}/queries/{query['id']}/answers", {"text": "He did."})

    def take_back(note: dict[str, Any]) -> None:
        lowe.post(f"/v1/notes/{note['id']}/retractions", {"reason": "DUPLICATE"})

    for handling, note in notes.items():
        for act, types in ((ask_and_answer, ["queried", "answered"]), (take_back, ["updated"])):
            if act is ask_and_answer and "keyes" not in told[handling]:
                continue
            since = {name: who.pull()[1] for name, who in readers.items()}
            before = {name: who.http.get(path) for name, who in readers.items()}
            act(note)
            for name, who in readers.items():
                events = [one for one in who.pull(since[name])[0] if one["type"].startswith("handover.")]
                expected = [f"handover.{one}" for one in types] if name in told[handling] else []
                assert [one["type"] for one in events] == expected, (name, handling)
                now = who.http.get(path)
                same = (now.headers.get("etag"), now.text) == (before[name].headers.get("etag"), before[name].text)
                assert same != (name in told[handling]) or now.status_code == 404, (name, handling)
                assert not events or events[-1]["data"] == now.json(), (name, handling)


def test_a_need_made_a_secret_of_others_is_gone_without_a_word_to_the_wing(service: Service) -> None:
    here = service.prison()
    ngata, noor, keyes = (
        here.hire("ngata", "officer", "A"),
        here.hire("noor", "health", "A"),
        here.hire("k", "governor"),
    )
    doctor = here.hire("doc", "health")
    note = doctor.note(here.receive("S2"), handling="HEALTH", needs=[{"code": "PAIN"}])
    path = f"/v1/handovers/{ngata.post('/v1/handovers', {'establishment': here.code, 'unit': 'A'})['id']}"
    since = {who.name: who.pull()[1] for who in (ngata, noor, keyes)}
    tag = ngata.http.get(path).headers["etag"]
    complaint = {"reason": "Not medical.", "note": {"basis": "SAW", "fact": "x", "handling": "COMPLAINT"}}
    doctor.post(f"/v1/notes/{note['id']}/corrections", complaint)
    heard = {
        who.name: [one["data"] for one in who.pull(since[who.name])[0] if one["type"] == "handover.updated"]
        for who in (ngata, noor, keyes)
    }
    assert (heard[ngata.name], ngata.http.get(path).headers["etag"]) == ([], tag)
    assert [[item["need"] for item in one["items"]] for one in heard[noor.name]] == [[None]], "the note alone"
    assert [[item["need"] for item in one["items"]] for one in heard[keyes.name]] == [[note["needs"][0]["id"]]]


def test_a_retracted_note_is_gone_from_every_handover_query_and_repeated_answer(service: Service) -> None:
    here, there = service.prison(), service.prison()
    keyes = here.hire("keyes", "governor")
    change(service, keyes, places=[(here.code, ""), (there.code, "")])
    hartmann, ngata = here.hire("hart", "officer", "A"), here.hire("ngata", "officer", "A")
    brandt = there.hire("brandt", "officer", "A")
    person = here.receive("Q1")
    note = hartmann.note(
        person,
        fact="A quokka ran by.",
        needs=[{"code": "PAIN", "detail": "a quokka trap", "promised": True}],
        responses=[{"code": "LISTENED", "effect": "HELPED"}],
        attention="ACT_NOW",
    )
    offered = hartmann.post("/v1/handovers", {"establishment": here.code, "unit": "A"})
    path = f"/v1/handovers/{offered['id']}"
    query = {"note": note["id"], "text": "Which quokka?"}
    key = {"Idempotency-Key": "quokka"}
    asked = ngata.http.post(f"{path}/queries", json=query, headers=key).json()
    reply = {"text": "The quokka from the yard."}
    hartmann.http.post(f"{path}/queries/{asked['id']}/answers", json=reply, headers=key)
    keyes.post(f"/v1/inmates/{person}/moves", {"establishment": there.code, "unit": "A", "reason": "Court"})
    assert "quokka" in str(brandt.all("/v1/handovers"))
    before = hartmann.get(f"/v1/establishments/{here.code}/units/A/sheet")["at"]
    hartmann.post(f"/v1/notes/{note['id']}/retractions", {"reason": "WRONG_PERSON"})
    offices = here.connect("archive", "handovers:read", "notes:read", "events:read", handling=HANDLING)
    for who in (hartmann, ngata, keyes, brandt, offices):
        paths = ["/v1/handovers", "/v1/pages", "/v1/events?limit=200", f"/v1/inmates/{person}/worked"]
        paths += [f"/v1/handovers/{one['id']}" for one in who.all("/v1/handovers")]
        for place in (here.code, there.code):
            paths += [f"/v1/establishments/{place}/units/A/sheet{then}" for then in ("", f"?at={before}")]
        said = [who.http.get(path) for path in paths]
        assert not [answer.url for answer in said if "quokka" in answer.text], who.name
        with who.feed() as feed:
            assert "quokka" not in str(feed.until_live()), who.name
    for who, where, body in (
        (ngata, f"{path}/queries", query),
        (hartmann, f"{path}/queries/{asked['id']}/answers", reply),
    ):
        repeated = who.http.post(where, json=body, headers=key)
        assert (repeated.status_code, "quokka" in repeated.text) == (201, False)
    assert ngata.all("/v1/pages", state="RAISED") == []
    accepted = ngata.post(path + "/acceptance", {})
    assert accepted["state"] == "ACCEPTED", "there is nothing left to answer"


# --- The same request again -----------------------------------------------------------------------------------------


def test_an_idempotency_key_is_its_callers_own(busy: Wing) -> None:
    ngata, brandt = busy.here.hire("ngat1", "supervisor"), busy.here.hire("brandt1", "officer", "B")
    offices = busy.here.connect("keys", "notes:write")
    body = {"inmate": busy.weir, "basis": "SAW", "fact": "Slept.", "handling": "SECURITY"}
    key = {"Idempotency-Key": "same"}
    answers = [who.http.post("/v1/notes", json=body, headers=key) for who in (ngata, brandt, offices)]
    assert [answer.status_code for answer in answers] == [201] * 3
    assert len({answer.json()["id"] for answer in answers}) == 3
    assert not any("idempotency-replayed" in answer.headers for answer in answers)
    again = ngata.http.post("/v1/notes", json=body, headers=key)
    assert (again.content, again.headers["idempotency-replayed"]) == (answers[0].content, "true")
    # Somebody else's key tells nothing, whatever is sent with it.
    secret = {"inmate": busy.weir, "basis": "SAW", "fact": "Only mine."}
    assert ngata.http.post("/v1/notes", json=secret, headers={"Idempotency-Key": "hers"}).status_code == 201
    tried = brandt.http.post("/v1/notes", json=secret | {"fact": "Guess."}, headers={"Idempotency-Key": "hers"})
    assert tried.status_code == 201
    changed = ngata.http.post("/v1/notes", json=secret | {"fact": "Other."}, headers={"Idempotency-Key": "hers"})
    assert changed.status_code == 422
    assert "Only mine" not in changed.text


def test_the_longest_key_is_answered_again_too(busy: Wing) -> None:
    ngata = busy.here.hire("ngat2", "officer", "A")
    body = {"inmate": busy.weir, "basis": "SAW", "fact": "Slept."}
    answers = [ngata.http.post("/v1/notes", json=body, headers={"Idempotency-Key": "k" * 255}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].content == answers[1].content


# --- Somebody pries -------------------------------------------------------------------------------------------------


def test_what_is_elsewhere_is_refused_in_the_words_of_what_is_nowhere(wing: Wing) -> None:
    """People, prisons, wings: whether they exist outside one's own prison is not to be found out."""
    admin, brandt = wing.there.admin, wing.there.hire("brandt2", "supervisor")
    there = f"/v1/establishments/{wing.here.code}"
    unit = {"establishment": wing.there.code, "unit": "A"}
    offered = {"name": "Weir, J.", **unit}
    pairs = [
        (brandt.http.get(f"/v1/inmates/{n}") for n in (wing.weir, "NOBODY1")),
        (brandt.http.get(f"/v1/establishments/{c}") for c in (wing.here.code, "ZZ9")),
        (brandt.http.get("/v1/events", params={"establishment": c}) for c in (wing.here.code, "ZZ9")),
        (brandt.http.get("/v1/notes", params={"establishment": c}) for c in (wing.here.code, "ZZ9")),
        (brandt.http.get("/v1/notes", params={"inmate": n}) for n in (wing.weir, "NOBODY1")),
        (brandt.http.get("/v1/notes", params={"author": n}) for n in (wing.keyes.name, "nobody")),
        (brandt.http.get("/v1/inmates", params={"establishment": c}) for c in (wing.here.code, "ZZ9")),
        (brandt.http.get("/v1/inmates", params={"q": q}) for q in (wing.weir, "NOBODY1")),
        (brandt.http.post(f"/v1/inmates/{n}/moves", json={**unit, "reason": "x"}) for n in (wing.weir, "NOBODY1")),
        (admin.http.post(f"/v1/inmates/{n}/merges", json={"from": "NOBODY2"}) for n in (wing.weir, "NOBODY1")),
        (
            brandt.http.get("/v1/notes", params={"shift": "current", "establishment": c})
            for c in (wing.here.code, "ZZ9")
        ),
        (
            admin.http.put(p, json={"name": "Ours now", "timezone": "Europe/London"})
            for p in (there, "/v1/establishments/ZZ9")
        ),
        (admin.http.put(f"{p}/units/A", json={"name": "Ours"}) for p in (there, "/v1/establishments/ZZ9")),
        (brandt.http.get("/v1/needs", params={"inmate": n}) for n in (wing.weir, "NOBODY1")),
        (brandt.http.get("/v1/handovers", params={"establishment": c}) for c in (wing.here.code, "ZZ9")),
        (brandt.http.get("/v1/pages", params={"establishment": c}) for c in (wing.here.code, "ZZ9")),
        (brandt.http.get(f"/v1/inmates/{n}/worked") for n in (wing.weir, "NOBODY1")),
        (brandt.http.get(f"/v1/establishments/{c}/units/A/sheet") for c in (wing.here.code, "ZZ9")),
    ]
    for seen, unseen in pairs:
        assert told(seen) == told(unseen), seen.url
        assert seen.status_code in (200, 404, 422)
    told_of = [
        orjson.dumps(told(brandt.http.post("/v1/notes", json={"inmate": n, "basis": "SAW", "fact": "x"})))
        .decode()
        .replace(n, "…")
        for n in (wing.weir, "NOBODY1")
    ]
    assert told_of[0] == told_of[1]
    own = wing.there.receive("OWN1")
    elsewhere = [
        orjson.dumps(
            told(brandt.http.post("/v1/notes", json={"inmate": n, "establishment": c, "basis": "SAW", "fact": "x"}))
        )
        .decode()
        .replace(n, "…")
        .replace(c, "…")
        for n, c in itertools.product((own, wing.weir, "NOBODY1"), (wing.here.code, "ZZ9"))
    ]
    assert elsewhere[0] == elsewhere[1]
    assert '"pointer":"/establishment"' in elsewhere[0], "it is known where he is"
    assert len(set(elsewhere[2:])) == 1
    assert '"pointer":"/inmate"' in elsewhere[2]
    survivor = wing.there.receive("S1")
    merges = [
        orjson.dumps(told(admin.http.post(f"/v1/inmates/{survivor}/merges", json={"from": n}))).decode().replace(n, "…")
        for n in (wing.weir, "NOBODY1")
    ]
    assert merges[0] == merges[1]
    # The one thing a PUT cannot hide is that a number is taken; it says no more than that one may not have it.
    taken = admin.http.put(f"/v1/inmates/{wing.weir}", json=offered)
    assert taken.status_code in (404, 409, 422)
    assert wing.here.code not in taken.text


def test_an_address_nothing_can_have_is_one_where_there_is_nothing(wing: Wing) -> None:
    reader, code = wing.here.hire("reader", "supervisor"), wing.here.code
    places = (
        "establishments/nope",
        f"establishments/{code}/units/a.b/sheet",
        f"establishments/{code.lower()}/listening",
    )
    for path in ("notes/7", "needs/nope", "handovers/nope", "pages/nope", "codelists/NEEDS", "inmates/a.b", *places):
        told = reader.get(f"/v1/{path}", 404)
        assert (told["type"], "errors" in told) == ("/problems/not-found", False), path
    for path in ("notes/7/receipts", "handovers/nope/acceptance", f"handovers/{NOWHERE}/queries/7/answers"):
        reader.post(f"/v1/{path}", {"what": "ever"}, 404)
    assert reader.http.patch("/v1/needs/7", json={}, headers={"If-Match": "*"}).status_code == 404
    assert stranger(wing.here.service).http.get("/v1/notes/7").status_code == 401
    admin = wing.here.admin
    for path in ("establishments/nope", f"establishments/{code}/units/a.b", "inmates/a.b"):
        [error] = admin.put(f"/v1/{path}", {}, 422)["errors"][:1]
        assert error["pointer"].startswith("/path/"), "what is to be made there has to be called otherwise"


def test_an_id_is_found_in_large_letters_too(service: Service) -> None:
    prison = service.prison()
    ngata = prison.hire("ngata", "officer", "A")
    note = ngata.note(prison.receive("A4417KD"), needs=[{"code": "PHONE"}])
    for path, id_ in (
        ("notes/{}", note["id"]),
        ("notes/{}/receipts", note["id"]),
        ("needs/{}", note["needs"][0]["id"]),
    ):
        assert ngata.get(f"/v1/{path.format(id_.upper())}") == ngata.get(f"/v1/{path.format(id_)}"), path
    seen = ngata.http.post(f"/v1/notes/{note['id'].upper()}/receipts", json={"kind": "SEEN"})
    assert (seen.json()["note"], seen.headers["location"]) == (note["id"], f"/v1/notes/{note['id']}/receipts")
    offered = ngata.post("/v1/handovers", {"establishment": prison.code, "unit": "A"})
    asked = ngata.post(
        f"/v1/handovers/{offered['id'].upper()}/queries", {"note": note["id"].upper(), "text": "Since when?"}
    )
    assert asked["note"] == note["id"]


def test_feeds_are_refused_alike_whatever_is_there(wing: Wing) -> None:
    brandt = wing.there.hire("brandt3", "officer", "A")
    ends = []
    wrong = (
        {"establishment": wing.here.code},
        {"establishment": "ZZ9"},
        {"establishment": "A" * 40},
        {"unit": "B" * 60},
        {"unit": "Q"},
    )
    for params in wrong:
        with brandt.feed(**params) as feed:
            ends.append(closed(feed))
    assert [code for code, _ in ends] == [4403] * 5, ends
    assert len({reason for _, reason in ends[:3]}) == 1


def forged(*key: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(key)).decode().rstrip("=")


@pytest.mark.parametrize(
    "path", ["/v1/notes", "/v1/needs", "/v1/inmates", "/v1/handovers", "/v1/pages", "/v1/access-log"]
)
@pytest.mark.parametrize(
    "cursor",
    [
        forged("0001-01-01T00:00:00+23:59", "x"),
        forged("9999-12-31T23:59:59-23:59", "x"),
        forged("2026-11-23T07:00:00Z", "' OR 1=1 --"),
        forged("2026-11-23T07:00:00", "x"),
        forged("2026-11-23T07:00:00Z", None),
        forged("\u0000"),
        forged({"a": 1}),
        "AAAA",
        "x" * 512,
    ],
)
def test_a_forged_cursor_is_refused_or_shows_ones_own(wing: Wing, path: str, cursor: str) -> None:
    reader = pryer(wing)
    answer = reader.http.get(path, params={"cursor": cursor})
    assert answer.status_code in (200, 422), answer.text
    if path != "/v1/access-log":
        assert not any(WORDS[handling] in answer.text for handling in ("HEALTH", "SECURITY", "COMPLAINT"))


def pryer(wing: Wing) -> Caller:
    """An auditor of the wing, the same for every attempt."""
    for caller in wing.here.service.callers:
        if caller.name.startswith("pryer.") and caller.name.endswith(wing.here.code.lower()):
            return caller
    return wing.here.hire("pryer", "auditor", "A")


def test_a_cursor_in_other_hands_shows_what_those_hands_may_have(wing: Wing) -> None:
    brandt, ngata = wing.here.hire("brandt4", "officer", "B"), wing.here.hire("ngat4", "officer", "A")
    page = wing.keyes.get("/v1/notes", limit=1)
    mine = ids(brandt.all("/v1/notes"))
    assert ids(brandt.get("/v1/notes", cursor=page["next"])["items"]) <= mine
    _, end = wing.keyes.pull()
    start = wing.keyes.get("/v1/events", limit=1)["cursor"]
    assert ids(brandt.pull(start)[0]) <= ids(brandt.pull()[0])
    assert brandt.pull(end)[0] == []
    elsewhere = wing.there.hire("brandt5", "governor", "A")
    answer = elsewhere.http.get("/v1/events", params={"after": end})
    assert answer.status_code == 409, "a cursor of another prison is refused out loud"
    assert ngata.pull(start)[0] != []


def test_headers_do_not_make_one_somebody_else(wing: Wing) -> None:
    brandt = wing.here.hire("brandt6", "officer", "B")
    secret = wing.notes["SECURITY"]["id"]
    keyes = {"Authorization": f"Bearer {wing.keyes.token}"}
    for headers in (
        {"X-Forwarded-User": wing.keyes.name, "X-Remote-User": wing.keyes.name, "X-User": wing.keyes.name},
        {"X-HTTP-Method-Override": "DELETE", "X-Method-Override": "PUT"},
        {"X-Original-URL": "/v1/me", "X-Rewrite-URL": "/v1/me"},
        {"X-Forwarded-For": "127.0.0.1", "Forwarded": "for=127.0.0.1;by=127.0.0.1"},
        {"Cookie": f"access_token={wing.keyes.token}", "X-Access-Token": wing.keyes.token},
        {"Range": "bytes=0-10"},
    ):
        assert brandt.http.get(f"/v1/notes/{secret}", headers=headers).status_code == 404
    for query in ("access_token", "token", "ticket"):
        answer = httpx.get(
            f"{wing.here.service.url}/v1/me", params={query: wing.keyes.token}, trust_env=False, verify=False
        )
        assert answer.status_code == 401
    for scheme in ("Token", "Basic", "bearer bearer", "Bearer,"):
        header = {"Authorization": f"{scheme} {wing.keyes.token}"}
        assert (
            httpx.get(f"{wing.here.service.url}/v1/me", headers=header, trust_env=False, verify=False).status_code
            == 401
        )
    twice = [("Authorization", f"Bearer {brandt.token}"), ("Authorization", keyes["Authorization"])]
    answer = httpx.get(f"{wing.here.service.url}/v1/me", headers=twice, trust_env=False, verify=False)
    assert answer.status_code in (200, 400, 401)
    assert answer.status_code != 200 or answer.json()["username"] == brandt.name
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        answer = httpx.request(
            method, f"{wing.here.service.url}/v1/notes//{secret}", headers=keyes, trust_env=False, verify=False
        )
        assert answer.status_code in (404, 405)


def test_whoever_is_nobody_is_told_nothing(wing: Wing) -> None:
    url = wing.here.service.url
    note = wing.notes["UNIT"]["id"]
    for method, path in itertools.product(
        ("GET", "POST", "PUT", "PATCH", "DELETE"),
        (
            "/v1/me",
            "/v1/notes",
            f"/v1/notes/{note}",
            f"/v1/notes/{NOWHERE}",
            f"/v1/notes/{note}/receipts",
            "/v1/needs",
            f"/v1/inmates/{wing.weir}",
            f"/v1/establishments/{wing.here.code}",
            "/v1/events",
            "/v1/feed/tickets",
            "/v1/codelists",
            "/v1/access-log",
            f"/v1/notes/{note}/attention",
            f"/v1/inmates/{wing.weir}/worked",
            f"/v1/establishments/{wing.here.code}/units/A/sheet",
            f"/v1/establishments/{wing.here.code}/units/A/sheets/{'0' * 64}",
            "/v1/handovers",
            *(f"/v1/handovers/{NOWHERE}{part}" for part in ("", "/queries", "/acceptance", "/withdrawal")),
            f"/v1/handovers/{NOWHERE}/queries/{NOWHERE}/answers",
            "/v1/pages",
            f"/v1/pages/{NOWHERE}",
        ),
    ):
        answer = stranger(wing.here.service).http.request(method, path, json={})
        assert answer.status_code in (401, 405), (method, path, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        assert ("www-authenticate" in answer.headers) is (answer.status_code == 401)
    with connect(f"{url.replace('http', 'ws')}/v1/feed", subprotocols=["handover.v1"], proxy=None) as socket:  # type: ignore[list-item]
        assert closed(Feed(socket))[0] == 4401


def test_the_board_of_who_stands_where_is_taken_from_the_contract() -> None:
    assert relation_to("A", "ALM", [("ALM", "A"), ("ALM", "")]) == "U"
    assert relation_to("A", "ALM", [("ALM", "B"), ("ALM", "")]) == "O"
    assert relation_to("A", "ALM", [("ALM", "")]) == "E"
    assert relation_to("A", "ALM", [("BEL", "A")]) == "X"
