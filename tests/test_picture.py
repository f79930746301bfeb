"""Old picture + events = the picture fetched afresh: for every reader, after whatever was done.

This is what other systems build on (docs/integrations.md). Staff do what staff do, in any order; several readers each
keep a picture from a snapshot taken at some moment, and the events since; and one is made from events alone. In the end
each must be what that reader is shown when asking anew.
"""

import json
from collections.abc import Iterable
from datetime import datetime, time, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from handover.domain.handovers import OPEN, Times, next_changeover, shifts_until
from handover.domain.sheets import Known, compose
from handover.domain.shifts import ShiftStart
from handover.schemas.roster import DEFAULT_SHIFTS
from handover.services import accounts
from handover.services.unit_of_work import as_json
from handover.store import timers
from tests.support.readers import eventually
from tests.support.service import PASSWORD, Caller, Prison, Service

KINDS = ("notes", "needs", "receipts", "people", "handovers", "pages")
EVERYTHING = ("notes:read", "needs:read", "roster:read", "events:read", "handovers:read")
LONDON = ZoneInfo("Europe/London")
PATTERN = tuple(ShiftStart(one.code, time.fromisoformat(one.starts)) for one in DEFAULT_SHIFTS)
UNTOLD = ("hash", "given_at", "arrived", "left")
"""What a picture does not say of a sheet: its stamp, and moves, which are told once."""


class Picture:
    """What one reader holds. `apply` is the whole of the rule that docs/integrations.md gives."""

    def __init__(self) -> None:
        self.notes: dict[str, Any] = {}
        self.needs: dict[str, Any] = {}
        self.receipts: dict[str, Any] = {}
        self.people: dict[str, Any] = {}
        self.handovers: dict[str, Any] = {}
        self.pages: dict[str, Any] = {}

    def apply(self, event: dict[str, Any]) -> None:
        """Takes in one event."""
        data, place = event["data"], event["source"].rpartition("/")[2]
        if data.keys() == {"id", "status"}:
            self._drop(data["id"], place)
        elif event["type"] == "inmate.merged":
            self._merge(data, place)
        elif event["type"] == "inmate.unmerged":
            if data["note"] in self.notes:
                self.notes[data["note"]] |= {"inmate": data["number"], "previous_inmate": data["previous_inmate"]}
        elif event["type"].startswith("handover."):
            self._put(self.handovers, data["id"], data)
        elif event["type"].startswith("page."):
            self._put(self.pages, data["id"], data)
        elif event["type"].startswith("note."):
            self.notes[data["id"]] = data
            if self.notes.get(data["supersedes"], {}).get("status") == "ACTIVE":
                self.notes[data["supersedes"]] |= {"status": "CORRECTED", "superseded_by": data["id"]}
        elif event["type"].startswith("receipt."):
            self.receipts[data["id"]] = data
        elif event["type"].startswith("need."):
            if data["establishment"] == place:  # else what came of it elsewhere, told to who wrote the note
                self._put(self.needs, data["id"], data)
        else:
            self._put(self.people, data["number"], {k: v for k, v in data.items() if k != "move"})

    def _drop(self, id_: str, place: str) -> None:
        for held in (getattr(self, kind) for kind in KINDS):
            if held.get(id_, {}).get("establishment", place) == place:
                held.pop(id_, None)

    def _merge(self, data: dict[str, Any], place: str) -> None:
        if "note" in data:
            if data["note"] in self.notes:
                self.notes[data["note"]] |= {"inmate": data["number"], "previous_inmate": data["previous"]}
            return
        self._drop(data["previous"], place)
        if "inmate" in data:
            self._put(self.people, data["number"], data["inmate"])

    def besides(self, other: "Picture") -> list[tuple[str, str, Any, Any]]:
        """What differs from another picture: kind, id, and the fields in which the two are not the same."""
        found = []
        for kind in KINDS:
            mine, theirs = getattr(self, kind), getattr(other, kind)
            for id_ in mine.keys() | theirs.keys():
                a, b = mine.get(id_, {}), theirs.get(id_, {})
                names = [name for name in a.keys() | b.keys() if a.get(name) != b.get(name)]
                if names or (id_ in mine) != (id_ in theirs):
                    found.append((kind, id_, {n: a.get(n) for n in names}, {n: b.get(n) for n in names}))
        return found

    def sheet(self, shown: dict[str, Any]) -> dict[str, Any]:
        """The sheet of the unit and the moment of the one that is shown, from what is held here."""
        place, unit, at = shown["establishment"], shown["unit"], datetime.fromisoformat(shown["at"])
        here = [h for h in self.handovers.values() if h["kind"] == "SHIFT"]
        here = [h for h in here if (h["establishment"], h["unit"]) == (place, unit)]
        taken = sorted((h for h in here if h["accepted_at"]), key=lambda h: datetime.fromisoformat(h["accepted_at"]))
        last = taken[-1] if taken else None
        change = next_changeover(PATTERN, LONDON, at, Times(), last["to_shift"] if last else None)
        carries: dict[str, list[Any]] = {}
        everyone = sorted(
            (h for h in self.handovers.values() if h["accepted_at"]),
            key=lambda h: (datetime.fromisoformat(h["accepted_at"]), h["id"]),
        )
        for handover in everyone:
            for item in (one for one in handover["items"] if one["need"]):
                carries.setdefault(item["need"], []).append({"by": handover["incoming"], "at": handover["accepted_at"]})
        known = Known(
            establishment=place,
            unit=unit,
            at=at,
            sequence=shown["sequence"],
            shifts=shifts_until(PATTERN, LONDON, at, 3),
            people=[p for p in self.people.values() if (p["establishment"], p["unit"]) == (place, unit)],
            notes=list(self.notes.values()),
            needs=[n for n in self.needs.values() if (n["establishment"], n["unit"]) == (place, unit)],
            waiting=next((h for h in here if h["state"] in OPEN), None),
            last=last,
            draft={
                "id": None,
                "state": "DRAFT",
                "from_shift": change.from_shift,
                "to_shift": change.to_shift,
                "due_at": change.due_at,
            },
            transfers=[
                h
                for h in sorted(
                    self.handovers.values(), key=lambda h: (datetime.fromisoformat(h["offered_at"]), h["id"])
                )
                if h["kind"] == "TRANSFER" and self._touches(h, place, unit)
            ],
            carries=carries,
        )
        told: dict[str, Any] = json.loads(as_json(compose(known)))
        return {name: value for name, value in told.items() if name not in UNTOLD}

    @staticmethod
    def _touches(transfer: dict[str, Any], place: str, unit: str) -> bool:
        ends = (transfer, transfer["transfer"]["from"])
        return any((end["establishment"], end["unit"]) == (place, unit) for end in ends)

    @staticmethod
    def _put(held: dict[str, Any], key: str, new: dict[str, Any]) -> None:
        if key not in held or held[key]["version"] <= new["version"]:
            held[key] = new


class Reader:
    """Somebody who keeps a picture. Follows each establishment by a cursor of its own, or all of them by one."""

    def __init__(self, who: Caller, places: Iterable[str], *, scopes: Iterable[str] = EVERYTHING, apart: bool = False):
        self.who = who
        self.places = tuple(places)
        self.scopes = frozenset(scopes)
        self.follows: list[dict[str, Any]] = [{"establishment": place} for place in self.places] if apart else [{}]
        self.cursors: list[str] = []
        self.picture: Picture | None = None

    def note_cursor(self) -> None:
        """From here on, events will be asked for."""
        if not self.cursors:
            self.cursors = [self.who.get("/v1/events", after="now", **follow)["cursor"] for follow in self.follows]

    def look(self) -> None:
        """Takes the snapshot: any time after the cursor was noted."""
        self.note_cursor()
        self.picture = self.picture or self.fresh()

    def catch_up(self, which: int, limit: int) -> None:
        """Takes in the next few events of one of the feeds followed."""
        if self.picture is None:
            return
        n = which % len(self.follows)
        page = self.who.get("/v1/events", after=self.cursors[n], limit=limit, **self.follows[n])
        for event in page["items"]:
            self.picture.apply(event)
        self.cursors[n] = page["cursor"]

    def finish(self) -> None:
        """Takes in all that is left, by pull or by the feed."""
        self.look()
        assert self.picture is not None
        for n, follow in enumerate(self.follows):
            if n % 2:
                events, _ = self.who.pull(self.cursors[n], **follow)
            else:
                with self.who.feed(after=self.cursors[n], **follow) as feed:
                    events = feed.until_live()
            for event in events:
                self.picture.apply(event)

    def fresh(self) -> Picture:
        """What is there now, by asking for it."""
        picture = Picture()
        for place in self.places:
            if "notes:read" in self.scopes:
                found = self.who.all("/v1/notes", establishment=place, limit=200)
                picture.notes |= {note["id"]: note for note in found}
            if "needs:read" in self.scopes:
                found = self.who.all("/v1/needs", establishment=place, limit=200)
                picture.needs |= {need["id"]: need for need in found}
            if "roster:read" in self.scopes:
                found = self.who.all("/v1/inmates", establishment=place, limit=200)
                picture.people |= {person["number"]: person for person in found}
            if "handovers:read" in self.scopes:
                found = self.who.all("/v1/handovers", establishment=place, limit=200)
                picture.handovers |= {handover["id"]: handover for handover in found}
            if "notes:read" in self.scopes:
                found = self.who.all("/v1/pages", establishment=place, limit=200)
                picture.pages |= {page["id"]: page for page in found}
        for note in picture.notes:
            given = self.who.get(f"/v1/notes/{note}/receipts")["items"]
            picture.receipts |= {receipt["id"]: receipt for receipt in given}
        return picture

    def sheets(self) -> Iterable[dict[str, Any]]:
        """The sheets of the units there are."""
        for place in self.places if "handovers:read" in self.scopes else ():
            for unit in "AB":
                yield self.who.get(f"/v1/establishments/{place}/units/{unit}/sheet")

    def retold(self) -> Picture:
        """What the events alone amount to, from the first of them on."""
        picture = Picture()
        for event in self.who.pull()[0]:
            picture.apply(event)
        return picture


handling = st.sampled_from(["UNIT", "UNIT", "UNIT", "ESTABLISHMENT", "HEALTH", "SECURITY", "COMPLAINT"])
needed = st.lists(
    st.fixed_dictionaries(
        {"code": st.sampled_from(["PHONE", "FAITH"]), "detail": st.sampled_from([None, "one", "two"])},
    ),
    max_size=2,
)
said = st.fixed_dictionaries(
    {
        "handling": handling,
        "needs": needed,
        "attention": st.sampled_from(["ROUTINE", "ROUTINE", "WATCH", "ACT_NOW"]),
        "responses": st.sampled_from([[], [{"code": "LISTENED", "effect": "HELPED"}]]),
        "basis": st.sampled_from(["SAW", "TOLD_BY_STAFF"]),
        "about_incident": st.sampled_from([False, False, True]),
    },
)
some = st.integers(0, 1000)


class Days(RuleBasedStateMachine):
    """Two prisons, and what is done in them."""

    def __init__(self, service: Service) -> None:
        super().__init__()
        self.words = count(1)
        self.notes: list[str] = []
        self.here, self.there = service.prison(), service.prison()
        here, there = self.here, self.there
        self.hartmann, self.brandt = here.hire("hartmann", "officer", "A"), here.hire("brandt", "officer", "B")
        self.cole, self.noor = here.hire("cole", "supervisor", "A"), here.hire("noor", "health")
        self.vane, self.stone = here.hire("vane", "governor"), there.hire("stone", "supervisor")
        self.clerk = _of_both(here, there)
        both = [here.code, there.code]
        offices = here.connect("offices", *EVERYTHING, establishments=both)
        escort = here.connect("escort", *EVERYTHING, establishments=both, handling=("UNIT", "SECURITY"))
        reports = here.connect("reports", "notes:read", "events:read", establishments=both)
        self.readers = [
            *(Reader(who, [here.code]) for who in (self.hartmann, self.brandt, self.cole, self.noor, self.vane)),
            Reader(self.stone, [there.code]),
            Reader(offices, both),
            Reader(escort, both, apart=True),
            Reader(reports, both, scopes=("notes:read",)),
        ]
        self.authors = (self.hartmann, self.brandt, self.cole, self.noor, self.vane, self.stone)
        self.people = [here.receive("W", "A"), here.receive("O", "B"), there.receive("X", "A")]

    # --- What staff do ------------------------------------------------------------------------------------------------

    def _do(self, who: Caller, method: str, path: str, body: dict[str, Any], **headers: str) -> Any:
        """Does something; being refused in order is an answer too."""
        answer = who.http.request(method, path, json=body, headers=headers, follow_redirects=True)
        assert answer.status_code in (200, 201, 403, 404, 409, 422), answer.text
        return answer.json() if answer.status_code < 300 else None

    @initialize(fields=said)
    def there_is_a_note(self, fields: dict[str, Any]) -> None:
        self.write(0, 0, True, {**fields, "about_incident": False})  # which may be refused, and the others want one

    @rule(who=some, about=some, person=st.booleans(), fields=said)
    def write(self, who: int, about: int, person: bool, fields: dict[str, Any]) -> None:
        author = self.authors[who % len(self.authors)]
        whom = {"inmate": self.people[about % len(self.people)]} if person else {"unit": "AB"[about % 2]}
        body = {**whom, "fact": f"Fact {next(self.words)}.", **fields}
        note = self._do(author, "POST", "/v1/notes", body)
        if note:
            self.notes.append(note["id"])

    @rule(which=some, by_author=st.booleans(), fields=said)
    def correct(self, which: int, by_author: bool, fields: dict[str, Any]) -> None:
        note = self.notes[which % len(self.notes)]
        body = {"reason": "Put right", "note": {"fact": f"Fact {next(self.words)}.", **fields}}
        for who in self.authors if by_author else (self.vane, self.cole, self.stone):
            made = self._do(who, "POST", f"/v1/notes/{note}/corrections", body)
            if made:
                self.notes.append(made["id"])
                return

    @rule(which=some)
    def take_back(self, which: int) -> None:
        note = self.notes[which % len(self.notes)]
        for who in self.authors:
            if self._do(who, "POST", f"/v1/notes/{note}/retractions", {"reason": "OTHER", "detail": "x"}):
                return

    @rule(which=some, who=some, kind=st.sampled_from(["SEEN", "ACCEPTED", "QUERY", "READ_BACK"]))
    def give_receipt(self, which: int, who: int, kind: str) -> None:
        note = self.notes[which % len(self.notes)]
        text = None if kind == "ACCEPTED" else f"Word {next(self.words)}."
        self._do(
            self.authors[who % len(self.authors)], "POST", f"/v1/notes/{note}/receipts", {"kind": kind, "text": text}
        )

    @rule(
        which=some,
        who=some,
        wanted=st.sampled_from(
            [
                {"status": "DONE", "outcome": "Done."},
                {"status": "NOT_POSSIBLE", "reason": "No."},
                {"status": "PASSED_ON", "owner": "Chaplaincy"},
                {"status": "OPEN", "reason": "Not yet."},
                {"due_at": "2030-01-01T00:00:00Z", "owner": "Ngata"},
            ]
        ),
    )
    def see_to_a_need(self, which: int, who: int, wanted: dict[str, str]) -> None:
        author = self.authors[who % len(self.authors)]
        needs = author.all("/v1/needs")
        if needs:
            path = f"/v1/needs/{needs[which % len(needs)]['id']}"
            self._do(author, "PATCH", path, wanted, **{"If-Match": "*"})

    @rule(whom=some, across=st.booleans(), unit=st.sampled_from("AB"))
    def move(self, whom: int, across: bool, unit: str) -> None:
        number = self.people[whom % len(self.people)]
        now = self._do(self.clerk, "GET", f"/v1/inmates/{number}", {})
        places = {self.here.code: self.there.code, self.there.code: self.here.code}
        place = places[now["establishment"]] if across else now["establishment"]
        body = {"establishment": place, "unit": unit, "reason": "Moved"}
        assert self._do(self.clerk, "POST", f"/v1/inmates/{number}/moves", body)

    @rule(whom=some, unit=st.sampled_from("AB"), same=st.booleans())
    def keep_the_roster(self, whom: int, unit: str, same: bool) -> None:
        number = self.people[whom % len(self.people)]
        now = self._do(self.clerk, "GET", f"/v1/inmates/{number}", {})
        entry = {name: now[name] for name in ("name", "establishment", "unit", "cell")}
        new = {} if same else {"unit": unit, "cell": f"{unit}-{next(self.words)}"}
        assert self._do(self.clerk, "PUT", f"/v1/inmates/{number}", {**entry, **new})

    @rule(unit=st.sampled_from("AB"), across=st.booleans())
    def receive(self, unit: str, across: bool) -> None:
        if len(self.people) < 8:
            prison = self.there if across else self.here
            self.people.append(prison.receive(f"N{next(self.words)}", unit))

    @rule(one=some, other=some)
    def find_that_two_are_one(self, one: int, other: int) -> None:
        number, given_up = self.people[one % len(self.people)], self.people[other % len(self.people)]
        self._do(self.clerk, "POST", f"/v1/inmates/{number}/merges", {"from": given_up})

    @rule(one=some, other=some)
    def find_that_one_are_two(self, one: int, other: int) -> None:
        number, previous = self.people[one % len(self.people)], self.people[other % len(self.people)]
        self._do(self.clerk, "POST", f"/v1/inmates/{number}/unmerges", {"previous": previous, "reason": "Brothers"})

    @rule(which=some, close=st.booleans())
    def say_a_word_about_attention(self, which: int, close: bool) -> None:
        note = self.notes[which % len(self.notes)]
        for who in (self.hartmann, self.vane, self.stone):
            self._do(who, "POST", f"/v1/notes/{note}/attention", {"close": close, "reason": "Looked in."})

    @rule(unit=st.sampled_from("AB"), across=st.booleans())
    def offer(self, unit: str, across: bool) -> None:
        who, place = (self.stone, self.there) if across else (self.cole, self.here)
        self._do(who, "POST", "/v1/handovers", {"establishment": place.code, "unit": unit, "roll_expected": 3})

    def _waiting(self, who: Caller, which: int) -> Any:
        found = [h for h in who.all("/v1/handovers") if h["state"] in OPEN]
        return found[which % len(found)] if found else None

    @rule(across=st.booleans(), which=some, counted=st.sampled_from([3, 3, 4]), anyway=st.booleans())
    def accept(self, across: bool, which: int, counted: int, anyway: bool) -> None:
        who = self.stone if across else self.hartmann
        waiting = self._waiting(who, which)
        if waiting:
            body = {"roll_actual": counted, "with_queries": anyway, "read_back": "Understood."}
            self._do(who, "POST", f"/v1/handovers/{waiting['id']}/acceptance", body)

    @rule(across=st.booleans(), which=some)
    def take_an_offer_back(self, across: bool, which: int) -> None:
        who = self.stone if across else self.cole
        waiting = self._waiting(who, which)
        if waiting:
            self._do(who, "POST", f"/v1/handovers/{waiting['id']}/withdrawal", {"reason": "Not yet."})

    @rule(across=st.booleans(), which=some, item=some)
    def ask_and_answer(self, across: bool, which: int, item: int) -> None:
        who = self.stone if across else self.hartmann
        waiting = self._waiting(who, which)
        if waiting and waiting["items"]:
            wanted = waiting["items"][item % len(waiting["items"])]
            about = {"need": wanted["need"]} if wanted["need"] else {"note": wanted["note"]}
            path = f"/v1/handovers/{waiting['id']}/queries"
            asked = self._do(who, "POST", path, {**about, "text": f"Question {next(self.words)}?"})
            if asked and item % 2:
                self._do(who, "POST", f"{path}/{asked['id']}/answers", {"text": f"Answer {next(self.words)}."})

    @rule(hours=st.sampled_from([0.3, 3, 9]))
    def time_goes_by(self, hours: float) -> None:
        service = self.here.service
        service.clock.ahead += timedelta(hours=hours)
        eventually(lambda: not service.desk.store.read(lambda conn: timers.due(conn, service.clock(), 1)).result())

    # --- What readers do ----------------------------------------------------------------------------------------------

    @rule(which=some)
    def note_a_cursor(self, which: int) -> None:
        self.readers[which % len(self.readers)].note_cursor()

    @rule(which=some)
    def take_a_snapshot(self, which: int) -> None:
        self.readers[which % len(self.readers)].look()

    @rule(which=some, feed=some, limit=st.integers(1, 9))
    def catch_up(self, which: int, feed: int, limit: int) -> None:
        self.readers[which % len(self.readers)].catch_up(feed, limit)

    def teardown(self) -> None:
        for reader in self.readers:
            reader.finish()
            assert reader.picture is not None
            now, retold = reader.fresh(), reader.retold()
            assert reader.picture.besides(now) == [], f"{reader.who.name}, who kept a picture"
            assert retold.besides(now) == [], f"{reader.who.name}, from the events alone"
            for shown in reader.sheets():
                told = {name: value for name, value in shown.items() if name not in UNTOLD}
                assert reader.picture.sheet(shown) == told, f"{reader.who.name}, the sheet"


def _of_both(here: Prison, there: Prison) -> Caller:
    """An admin of both prisons."""
    name, service = f"clerk.{here.code}".lower(), here.service
    places = [(here.code, ""), (there.code, "")]
    service.do(
        lambda uow: accounts.add_user(
            uow, service.hasher, name, name="Clerk", role="admin", places=places, password=PASSWORD
        )
    )
    return service.login(name)


def test_what_a_reader_holds_is_what_a_reader_is_shown(patient: Service) -> None:
    class Here(Days):
        def __init__(self) -> None:
            super().__init__(patient)

    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=4,
            stateful_step_count=40,
            # No shrinking: each attempt founds two prisons, and the steps that are printed are few enough to read.
            phases=[Phase.explicit, Phase.reuse, Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
