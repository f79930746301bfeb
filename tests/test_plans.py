"""What is read often costs the same whatever lies behind it: it goes along indexes, and no further than is wanted."""

import fcntl
import os
import pickle
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from benchmarks import stories
from benchmarks.filling import NOTES_A_DAY, PEOPLE, Wing, fill
from handover.clock import now
from handover.domain.access import CLIENT_HANDLING, HANDLING, SCOPES, Facts, Principal, may_read, operator
from handover.domain.codelists import by_code
from handover.errors import Forbidden
from handover.schemas.notes import CorrectionDraft, NoteDraft
from handover.schemas.roster import EstablishmentDraft, UnitDraft
from handover.services import handovers, latest, needs, notes, opening, pages, pulling, roster, sheets, tidying, views
from handover.services.cursors import cursor_of
from handover.services.hearing import Filter
from handover.services.paging import cursor
from handover.services.unit_of_work import Asker, Desk, UnitOfWork, given
from handover.store import accounts, eventlog, idempotency, seats, tables
from tests.support import postgres
from tests.support.plans import looked_at
from tests.support.readers import eventually
from tests.support.service import Service, settings_for

ZONE = ZoneInfo("Etc/GMT")
PLACES, UNITS, DAYS = ("ALM", "BEN"), ("A", "B", "C"), 40
OFFICER = ("01900000-0000-7000-8000-000000000001", "ngata", "Officer Ngata")
OTHERS = tuple((f"01900000-0000-7000-8000-0000000000{n}", f"other{n}", f"Officer {n}") for n in range(10, 20))
RARE = {
    ("notes to watch", "health"),
    ("notes to watch", "auditor"),
    ("notes to watch", "guest"),
    ("notes with a sign", "guest"),
}
"""What a reader seldom may read of what is seldom written is looked for further back; these are not held to `MOST`."""
MOST = 4_500
"""Of some forty thousand notes, with as many index entries each way: what a page of fifty may look at, at most."""
NOW = now()
"""Once for all of it: at midnight the store would be of another day than what is asked of it."""
SHIFT = f"{NOW:%Y-%m-%d}/EARLY"
LONG_AGO = NOW.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=15)
PAST_SHIFT = f"{LONG_AGO:%Y-%m-%d}/NIGHT"
PAST_DAY = {"occurred_from": LONG_AGO, "occurred_to": LONG_AGO + timedelta(days=1)}
Read = Callable[[UnitOfWork], Any]


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> stories.Book:
    """The stories that both engines' stores are filled with, made once for the processes of a run."""
    ours = tmp_path_factory.getbasetemp()
    shared = (ours.parent if "PYTEST_XDIST_WORKER" in os.environ else ours) / "stories.pickle"
    with shared.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not shared.exists():
            shared.write_bytes(pickle.dumps(stories.book(ZONE)))
    found: stories.Book = pickle.loads(shared.read_bytes())
    return found


@pytest.fixture(scope="module")
def desk(database_url: str, book: stories.Book) -> Iterator[Desk]:
    """A store with forty days of two prisons in it."""
    settings, at = settings_for(database_url), datetime.combine(NOW.date() - timedelta(days=1), time(19), ZONE)
    opening.migrate(settings)
    each = DAYS * PEOPLE * NOTES_A_DAY // 2
    wings = [Wing(place, unit, each, (officers(place, unit), OTHERS, OTHERS)) for place in PLACES for unit in UNITS]

    def found(uow: UnitOfWork) -> None:
        for place in PLACES:
            roster.put_establishment(uow, place, EstablishmentDraft(name=place, timezone=str(ZONE)))
        for wing in wings:
            roster.put_unit(uow, wing.place, wing.unit, UnitDraft(name=wing.unit))
        known = zip(("id", "username", "name"), OFFICER, strict=True)
        more = {"role": "officer", "password": "none", "active": True, "created_at": at}
        uow.conn.execute(sa.insert(tables.accounts), {**dict(known), **more})

    first = opening.open_desk(settings, lambda: at - timedelta(days=DAYS))
    first.do(Asker(operator("operator", PLACES)), found)
    first.store.close()
    fill(database_url, ZONE, at, wings, book=book)
    opened = opening.open_desk(settings, lambda: at)
    for n in range(60):
        filled_in_later(opened, n)
    yield opened
    opened.store.close()


def filled_in_later(desk: Desk, n: int) -> None:
    """A note of a night a fortnight ago: written yesterday, or as a correction of one."""
    writer = Asker(replace(who("officer", "A"), establishments=frozenset(PLACES)))
    told: dict[str, Any] = {"inmate": f"{PLACES[n % 2]}{UNITS[n % 3]}{n:04}", "basis": "SAW", "fact": f"Late, {n}."}
    told |= {"occurred_at": LONG_AGO + timedelta(hours=22, minutes=n), "indicators": [{"code": "ANXIOUS"}]}
    told |= {"handling": ("UNIT", "ESTABLISHMENT", "HEALTH")[n % 5 % 3], "needs": [{"code": "PHONE"}] * (n % 4 == 0)}
    note = desk.do(writer, given(notes.record, NoteDraft.model_validate(told)))
    if n % 6 == 0:
        better = {"reason": "x", "note": {**told, "inmate": None, "fact": "Better so.", "needs": []}}
        desk.do(writer, lambda uow: notes.correct(uow, note.id, CorrectionDraft.model_validate(better)))


def officers(place: str, unit: str) -> tuple[tuple[str, str, str], ...]:
    """Who writes on a wing; Ngata on all of the first prison's, and on one of the other's."""
    return (OFFICER, *OTHERS) if place == PLACES[0] or unit == "C" else OTHERS


def who(role: str, unit: str = "") -> Principal:
    """Somebody in this role in the first prison."""
    return Principal("user", *OFFICER, role, frozenset(PLACES[:1]), frozenset({(PLACES[0], unit)}))


def system(*handling: str) -> Principal:
    """Another system, in both prisons."""
    return Principal(
        "client",
        "records",
        "records",
        "records",
        "integration",
        frozenset(PLACES),
        scopes=frozenset(SCOPES),
        handling=frozenset(handling),
    )


READERS = {
    "officer": who("officer", "A"),
    "governor": who("governor"),
    "health": who("health"),
    "auditor": who("auditor"),
    "guest": who("guest"),
    "system": system(*CLIENT_HANDLING),
    "system that sees all": system(*HANDLING),
}


def listed(**narrowed: Any) -> Read:
    """A page of notes."""
    shift, before, limit = narrowed.pop("shift", None), narrowed.pop("before", None), narrowed.pop("limit", 50)
    return lambda uow: notes.find(uow, notes.Filter(**narrowed), shift, before, limit)


def needed(**narrowed: Any) -> Read:
    """A page of needs."""
    return lambda uow: needs.find(uow, needs.Filter(**narrowed), None, 50)


def pulled(uow: UnitOfWork) -> Any:
    """A page of events in the middle of a log."""
    uow.doing("events.pull")
    [(place, ends)] = latest.ends(uow.conn, PLACES[:1]).items()
    return pulling.pull(uow, "store", Filter((place,)), cursor_of("store", {place: ends.head // 2}), 100)


READS: dict[str, Read] = {
    "a sheet": lambda uow: sheets.get(uow, "ALM", "A", None),
    "what worked": lambda uow: sheets.worked(uow, "ALMA0003"),
    "all notes": listed(),
    "all notes, further on": listed(before=cursor("notes", NOW - timedelta(days=30), "f")),
    "a unit's notes": listed(unit="A"),
    "a unit's notes, further on": listed(unit="A", before=cursor("notes", NOW - timedelta(days=30), "f")),
    "an establishment's notes": listed(establishment="ALM"),
    "a person's notes": listed(inmate="ALMA0003"),
    "a person's notes with a sign": listed(inmate="ALMA0003", indicator="ANXIOUS"),
    "notes that want acting on": listed(attention="ACT_NOW"),
    "a unit's that want acting on": listed(unit="A", attention="ACT_NOW"),
    "notes to watch": listed(unit="A", attention="WATCH"),
    "notes with a sign": listed(indicator="WITHDRAWN"),
    "a unit's with a rare sign": listed(unit="A", indicator="SAY_SELF_HARM"),
    "notes with a sign nobody had": listed(indicator="SAY_ESCAPE"),
    "notes with a need": listed(need="PHONE"),
    "notes of a shift": listed(establishment="ALM", shift="current"),
    "notes of a shift by name": listed(unit="A", shift=SHIFT),
    "notes since": listed(recorded_from=NOW - timedelta(days=2)),
    "what happened since": listed(unit="A", occurred_from=NOW - timedelta(days=1, hours=7)),
    "notes of a past shift": listed(shift=PAST_SHIFT),
    "notes of a past shift, further on": listed(shift=PAST_SHIFT, before=cursor("notes", LONG_AGO + timedelta(1), "f")),
    "an establishment's notes of a past shift": listed(establishment="ALM", shift=PAST_SHIFT),
    "a unit's notes of a past shift": listed(unit="A", shift=PAST_SHIFT),
    "somebody's notes of a past shift": listed(author="ngata", shift=PAST_SHIFT),
    "notes with a sign of a past shift": listed(indicator="ANXIOUS", shift=PAST_SHIFT),
    "notes with a sign nobody had then": listed(indicator="SAY_ESCAPE", shift=PAST_SHIFT),
    "notes of a past shift that want acting on": listed(attention="ACT_NOW", shift=PAST_SHIFT),
    "what happened on a day": listed(**PAST_DAY),
    "what happened on a day, further on": listed(**PAST_DAY, before=cursor("notes", LONG_AGO + timedelta(1), "f")),
    "what happened on a day in a unit": listed(unit="A", **PAST_DAY),
    "what happened before a day": listed(occurred_to=LONG_AGO),
    "what happened before a day in a unit": listed(unit="A", occurred_to=LONG_AGO),
    "notes with a sign of a day": listed(indicator="ANXIOUS", **PAST_DAY),
    "a unit's notes with a need of a day": listed(unit="A", need="PHONE", **PAST_DAY),
    "notes by somebody": listed(author="ngata"),
    "notes by nobody": listed(author="nobody"),
    "notes about an incident": listed(incident="01900000-0000-7000-8000-000000000000"),
    "all needs": needed(),
    "open needs": needed(unit="A", status="OPEN"),
    "a person's needs": needed(inmate="ALMA0003"),
    "all pages": lambda uow: pages.find(uow, None, None, None, None, 50),
    "pages nobody has taken": lambda uow: pages.find(uow, None, "A", "RAISED", None, 50),
    "all handovers": lambda uow: handovers.find(uow, handovers.Filter(), None, 50),
    "a unit's handovers": lambda uow: handovers.find(uow, handovers.Filter(unit="A"), None, 50),
    "handovers that wait": lambda uow: handovers.find(uow, handovers.Filter(state="OFFERED"), None, 50),
    "events": pulled,
}


@pytest.mark.parametrize(
    ("what", "reader"), [(what, reader) for what in READS for reader in READERS if (what, reader) not in RARE]
)
def test_no_more_is_looked_at_than_is_wanted(desk: Desk, what: str, reader: str) -> None:
    def read(conn: Connection) -> None:
        with suppress(Forbidden):
            READS[what](unit_of_work(desk, conn, reader))

    for one in looked_at(desk.store.engines, read):
        assert one.rows < MOST, f"{one.rows} rows: {one.plan}\n{one.text}"
        assert not one.scans, f"{one.scans}: {one.plan}\n{one.text}"


def test_what_was_known_yesterday_is_found_by_the_notes_and_not_along_the_log(desk: Desk) -> None:
    at = desk.clock() - timedelta(days=1)
    engines, told = desk.store.engines, []
    for one in looked_at(engines, lambda conn: sheets.get(unit_of_work(desk, conn, "governor"), "ALM", "A", at)):
        assert one.rows < MOST, f"{one.rows} rows: {one.plan}\n{one.text}"
        if "events.note IN" in one.text:
            told.append(one)
    assert told
    for one in told:
        assert "ix_events_note" in one.plan, f"{one.plan}\n{one.text}"
        assert one.rows < 100, f"{one.rows} rows: {one.plan}\n{one.text}"


def test_pruning_looks_at_what_is_old_and_no_further(desk: Desk) -> None:
    before = desk.clock() - timedelta(days=7)
    for one in looked_at(desk.store.engines, lambda conn: tidying.page(conn, "ALM", 0, before)):
        assert one.rows < 5 * tidying.AT_ONCE, f"{one.rows} rows: {one.plan}\n{one.text}"
        assert not one.scans, f"{one.scans}: {one.plan}\n{one.text}"


@pytest.mark.parametrize(
    "prune",
    [idempotency.prune, accounts.prune_tokens, accounts.prune_grants, seats.prune],
    ids=["answers", "tokens", "logins", "seats"],
)
def test_what_is_removed_is_found_along_an_index(desk: Desk, prune: Callable[[Connection, datetime, int], int]) -> None:
    for plan in plans(desk, lambda conn: prune(conn, desk.clock(), 200)):
        assert re.search(
            r"INDEX ix_\w+_(at|until|expires_at)|Index (Only )?Scan using ix_\w+_(at|until|expires_at)", plan
        )
        assert not re.search(r"\bSCAN (?!\w+ USING)|Seq Scan", plan), plan


def test_events_are_removed_by_their_key(desk: Desk) -> None:
    [plan, *_] = plans(desk, lambda conn: eventlog.prune(conn, "ALM", range(1, 200), 200))
    assert re.search(r"SEARCH events USING INDEX|Index Scan (using|on) pk_events", plan), plan


def plans(desk: Desk, change: Callable[[Connection], object]) -> list[str]:
    """How what it removes is found, by the engine's own account; nothing is removed."""
    engines, found = desk.store.engines, []
    told = "EXPLAIN QUERY PLAN" if engines.embedded else "EXPLAIN"

    def tell(conn: Connection, _cursor: Any, text: str, values: Any, *_more: Any) -> None:
        if text.startswith("DELETE"):
            found.append("\n".join(str(row[-1]) for row in conn.exec_driver_sql(f"{told} {text}", values)))

    with engines.write.connect() as conn, conn.begin() as all_of_it:
        if not engines.embedded:
            conn.exec_driver_sql("SET LOCAL enable_seqscan = off")  # these tables are too small here to need an index
        sa.event.listen(engines.write, "before_cursor_execute", tell)
        try:
            change(conn)
        finally:
            sa.event.remove(engines.write, "before_cursor_execute", tell)
            all_of_it.rollback()
    return found


def test_a_plan_that_was_made_while_a_table_was_empty_does_not_read_all_of_it_for_ever(template: str) -> None:
    url, big = postgres.create_database(template), ("notes", "needs", "idempotency", "tokens", "grants")
    with psycopg.connect(url, autocommit=True) as server:
        for table in big:
            server.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = false)")  # it comes by once a minute
        server.execute("ANALYZE")  # as whoever looks after a new server has done
        # One connection that reads: after the tenth time each has the plan that it keeps.
        service = Service(settings_for(url, read_threads=1))
        prison = service.prison()
        hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
        for n in range(20):
            body = {"inmate": weir, "basis": "SAW", "fact": "Slept.", "needs": [{"code": "PHONE"}]}
            hartmann.post("/v1/notes", body, 201, **{"Idempotency-Key": f"k-{n}"})
            hartmann.get("/v1/notes", unit="A")
            service.login(hartmann.name).get("/v1/needs", unit="A")
        service.stop()
        counted = "SELECT relname, idx_scan + seq_scan, seq_tup_read FROM pg_stat_user_tables WHERE relname = ANY(%s)"

        def counts() -> list[Any]:
            found = server.execute(counted, [list(big)]).fetchall()
            return found if all(scans >= 20 for _, scans, _ in found) else []

        read = {table: rows for table, _, rows in eventually(counts)}
    postgres.drop_database(url)
    assert read == dict.fromkeys(big, 0)


def test_where_a_person_is_is_looked_up_by_the_key_however_many_there_are(template: str) -> None:
    url = postgres.create_database(template)
    with psycopg.connect(url, autocommit=True) as server:
        server.execute("ALTER TABLE inmates SET (autovacuum_enabled = false)")
        service = Service(settings_for(url))
        prison = service.prison()
        hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
        for _ in range(20):
            hartmann.note(weir)  # the server has its plan by then
        server.execute(
            "INSERT INTO inmates SELECT (jsonb_populate_record(one, jsonb_build_object('number', 'X' || n))).* "
            "FROM inmates one, generate_series(1, 500) n"
        )
        for _ in range(60):
            hartmann.note(weir)
        service.stop()
        counted = "SELECT n_tup_ins, idx_tup_fetch + seq_tup_read FROM pg_stat_user_tables WHERE relname = %s"

        def looked_at() -> int:
            notes = server.execute(counted, ["notes"]).fetchone()
            people = server.execute(counted, ["inmates"]).fetchone()
            return int(people[1]) if notes and people and notes[0] == 80 else 0

        found = eventually(looked_at)
    postgres.drop_database(url)
    assert 80 <= found < 2_000


def unit_of_work(desk: Desk, conn: Connection, reader: str) -> UnitOfWork:
    """A reading one."""
    lists = by_code(desk.code_lists)
    return UnitOfWork(Asker(READERS[reader]), desk.clock(), lists, desk.settings, conn)


# --- And they still say what they must --------------------------------------------------------------------------------

NARROWED: tuple[dict[str, Any], ...] = (
    {},
    {"unit": "B"},
    {"establishment": "BEN"},
    {"inmate": "ALMA0003"},
    {"attention": "ACT_NOW"},
    {"unit": "A", "attention": "ACT_NOW"},
    {"attention": "WATCH", "unit": "A"},
    {"indicator": "ANXIOUS"},
    {"indicator": "ANXIOUS", "need": "PHONE"},
    {"need": "VISIT", "unit": "C"},
    {"inmate": "ALMA0005", "indicator": "FLAT"},
    {"author": "ngata"},
    {"author": "ngata", "unit": "A", "attention": "ACT_NOW"},
    {"author": "nobody"},
    {"unit": "A", "occurred_from": NOW - timedelta(days=3)},
    {"shift": PAST_SHIFT},
    {"shift": PAST_SHIFT, "unit": "A"},
    {"shift": PAST_SHIFT, "author": "ngata"},
    {"shift": PAST_SHIFT, "indicator": "ANXIOUS"},
    {"shift": PAST_SHIFT, "need": "PHONE", "unit": "A"},
    {"shift": PAST_SHIFT, "inmate": "ALMA0000"},
    {"shift": SHIFT, "unit": "A"},
    PAST_DAY,
    {"unit": "A", **PAST_DAY},
    {"indicator": "ANXIOUS", **PAST_DAY},
    {"occurred_to": LONG_AGO + timedelta(hours=23)},
)
ALL = "SELECT id, establishment, unit, inmate, author, author_name, handling, status, recorded_at, document FROM notes"


@dataclass(frozen=True)
class Written:
    """Every note of the store, the newest first, read once for all who ask. `kinds`: what decisions rest on, each once;
    `narrowed`: for each of NARROWED, the id and the kind of what is in it, whoever asks."""

    kinds: tuple[Facts, ...]
    narrowed: tuple[list[tuple[str, int]], ...]


@pytest.fixture(scope="module")
def written(desk: Desk) -> Written:
    """What is there, by one plain statement."""
    with desk.store.engines.read.connect() as conn, conn.begin():
        found = conn.execute(sa.text(ALL).columns(*(tables.notes.c[name] for name in ALL[7:-11].split(", "))))
        rows = sorted(found.mappings(), key=lambda row: (row["recorded_at"], row["id"]), reverse=True)
    kinds: dict[Facts, int] = {}
    notes = [(row["id"], kinds.setdefault(views.facts(row), len(kinds)), in_short(row)) for row in rows]
    narrowed = ([(id_, kind) for id_, kind, note in notes if fits(note, wanted)] for wanted in NARROWED)
    return Written(tuple(kinds), tuple(narrowed))


@pytest.mark.parametrize("reader", READERS)
def test_a_list_holds_what_may_be_read_in_its_order(desk: Desk, written: Written, reader: str) -> None:
    who = READERS[reader]
    verdicts = [bool(may_read(who, about)) for about in written.kinds]
    with desk.store.engines.read.connect() as conn, conn.begin():
        for narrowed, fitting in zip(NARROWED, written.narrowed, strict=True):
            wanted = list(islice((id_ for id_, kind in fitting if verdicts[kind]), 60))
            told: list[str] = []
            after: str | None = None
            while len(told) < 60 and (after or not told):
                page = listed(before=after, limit=25, **narrowed)(unit_of_work(desk, conn, reader))
                told, after = [*told, *(orjson.loads(item)["id"] for item in page.items)], page.next
                if not after:
                    break
            assert told[:60] == wanted, narrowed


def in_short(row: Any) -> dict[str, Any]:
    """What lists are narrowed by, ready to be compared."""
    note = orjson.loads(row["document"])
    told: dict[str, Any] = {name: note[name] for name in ("establishment", "unit", "inmate", "attention", "shift")}
    for name in ("indicator", "need"):
        told[name] = [one["code"] for one in note[f"{name}s"]]
    return told | {"author": row["author_name"], "occurred_at": datetime.fromisoformat(note["occurred_at"])}


def fits(note: dict[str, Any], narrowed: dict[str, Any]) -> bool:
    """Whether a note is in a list that is narrowed so."""
    for name, value in narrowed.items():
        if name in ("indicator", "need"):
            held = value in note[name]
        elif name == "occurred_from":
            held = note["occurred_at"] >= value
        elif name == "occurred_to":
            held = note["occurred_at"] < value
        else:
            held = note[name] == value
        if not held:
            return False
    return True
