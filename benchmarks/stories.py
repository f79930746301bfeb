"""What happens on a wing, told once through the service itself and kept as a template: the rows it wrote, with holes
where person, place, staff, ids and times stand. `filling` tells it again as often as is wanted."""

import re
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from operator import itemgetter
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from handover.domain.access import Principal, operator
from handover.schemas.handovers import AcceptanceDraft, HandoverDraft
from handover.schemas.needs import NeedChange
from handover.schemas.notes import AttentionDraft, CorrectionDraft, NoteDraft, ReceiptDraft
from handover.schemas.roster import EstablishmentDraft, InmateDraft, UnitDraft
from handover.services import handovers, needs, notes, opening, roster
from handover.services.ids import uuid7
from handover.services.unit_of_work import Asker, Desk, UnitOfWork
from handover.settings import Settings

TABLES = (
    "inmates",
    "handovers",
    "notes",
    "note_codes",
    "needs",
    "need_steps",
    "receipts",
    "pages",
    "timers",
    "events",
)
"""Where a story may leave rows, parents before children. The access log is left out: nothing measured reads it."""
FIELD, ROW, TABLE, NULL = "\x1f", "\n", "\x1d", "\x01"
MOMENT = "\x03"
"""Stands for a while before the moments of a story's own acts: other moments in it are of no act."""
DAY = date(2026, 3, 10)
"""The local day on which all stories happen at first."""
SHIFTS = ("EARLY", "LATE", "NIGHT")
FIRST_HOUR = {"EARLY": 8, "LATE": 14, "NIGHT": 21}
HOURS = {"EARLY": 5, "LATE": 4, "NIGHT": 2}
"""The local hours of a shift in which people are written about."""
JITTER_S = 480
"""Whenever a story is told again, it happens up to so much later, still within its shift."""
OFFERED = {"EARLY": time(7, 24), "LATE": time(13, 24), "NIGHT": time(20, 54)}
"""When the wing is offered to a shift; ten minutes later it is accepted."""
QUIET, SAID, ASKED, WATCHED, URGENT, WING, CHANGEOVER, ARRIVAL = range(8)
MANY = {QUIET: 40, SAID: 60, ASKED: 16, WATCHED: 40, URGENT: 4, WING: 8}
"""How many different stories of a kind there are for each shift, those still open and those that are over apart."""

PLACE, UNIT, PERSON, NAME, CELL = "ZPLACE", "ZUNIT", "ZPERSON", "Zname, Z.", "ZCELL"
STRETCH, BEGAN, ENDED, TAKEN = "ZSTRETCH", "ZBEGAN", "ZENDED", "ZTAKEN"
_COUNTED = {
    ("notes", "stretch"): STRETCH,
    ("handovers", "first"): BEGAN,
    ("handovers", "last"): ENDED,
    ("handovers", "taken"): TAKEN,
    ("events", "sequence"): "",  # comes last, once it is known
}


def _staff(n: int, role: str) -> Principal:
    id_ = f"00000000-0000-7000-8000-00000000000{n}"
    return Principal("user", id_, f"zuser{n}", f"Zuser No {n}", role, frozenset({PLACE}), frozenset({(PLACE, UNIT)}))


OFFICER, SUPERVISOR, NURSE = STAFF = (_staff(1, "officer"), _staff(2, "supervisor"), _staff(3, "health"))
SPOT = (PLACE, UNIT, PERSON, NAME, CELL, PERSON.lower(), NAME.lower(), CELL.lower(), STRETCH, BEGAN, ENDED, TAKEN)
HOLES = (*SPOT, *(told for one in STAFF for told in (one.id, one.username, one.name)))
"""What is different in each telling, beside ids, moments and days: the values of a telling begin with these."""


@dataclass(frozen=True)
class Template:
    """One story. Its rows are `text % fill(values)`, table by table; `values` are those of HOLES, then the ids, moments
    and days of this telling. Of each id is known at which moment it was given, of each event when it was recorded."""

    kind: int
    shift: str
    open: bool
    moments: tuple[int, ...]
    """Microseconds since the local midnight at which DAY began."""
    ids: tuple[int, ...]
    days: tuple[int, ...]
    tables: tuple[str, ...]
    text: str
    fill: Callable[[Sequence[str]], tuple[str, ...]]
    events: tuple[int, ...]


Book = tuple[list[Template], dict[str, tuple[str, ...]]]
"""Stories, and the columns of the tables they leave rows in."""


@dataclass(frozen=True)
class Act:
    """Somebody does something at a moment."""

    at: datetime
    who: Principal
    work: Callable[[UnitOfWork], Any]


class Teller:
    """A small store in which stories happen, one after the other."""

    def __init__(self, desk: Desk, rows: sqlite3.Connection, zone: ZoneInfo, clock: dict[str, datetime]) -> None:
        self._desk = desk
        self._rows = rows
        self._zone = zone
        self._clock = clock
        self.midnight = datetime.combine(DAY, time(0), zone).astimezone(UTC)
        self.columns = {
            table: tuple(name for _, name, *_ in rows.execute(f"PRAGMA table_info({table})")) for table in TABLES
        }
        self._set_up()

    def at(self, clock: time, days: int = 0) -> datetime:
        """A moment of local time."""
        return datetime.combine(DAY + timedelta(days=days), clock, self._zone).astimezone(UTC)

    def _do(self, at: datetime, who: Principal, work: Callable[[UnitOfWork], Any]) -> Any:
        self._clock["now"] = at
        return self._desk.do(Asker(who), work)

    def _set_up(self) -> None:
        place = EstablishmentDraft(name="Template", timezone=str(self._zone))
        keeper = operator("operator", (PLACE,))
        self._do(self.midnight, keeper, lambda uow: roster.put_establishment(uow, PLACE, place))
        self._do(self.midnight, keeper, lambda uow: roster.put_unit(uow, PLACE, UNIT, UnitDraft(name="Template")))
        self._take()

    def arrival(self) -> Template:
        """Somebody comes to the wing, and stays."""
        draft = InmateDraft(name=NAME, establishment=PLACE, unit=UNIT, cell=CELL)
        at, keeper = self.at(time(0, 0, 0, 7)), operator("operator", (PLACE,))
        story = self.tell(ARRIVAL, "EARLY", False, [Act(at, keeper, lambda uow: roster.put_inmate(uow, PERSON, draft))])
        self._do(at, keeper, lambda uow: roster.put_inmate(uow, PERSON, draft))
        self._take(but=("inmates",))
        return story

    def tell(self, kind: int, shift: str, still_open: bool, acts: Iterable[Act]) -> Template:
        """Has it happen, and keeps what was written."""
        moments = []
        for act in acts:
            moments.append(act.at)
            self._do(act.at, act.who, act.work)
        return self._template(kind, shift, still_open, moments, self._take(but=("inmates",) if kind != ARRIVAL else ()))

    def _take(self, but: Sequence[str] = ()) -> dict[str, list[tuple[Any, ...]]]:
        """The rows that came, which are then gone."""
        found = {}
        for table in reversed(TABLES):
            if table not in but:
                key = "sequence" if table == "events" else "1"
                found[table] = self._rows.execute(f"SELECT * FROM {table} ORDER BY {key}").fetchall()
                if found[table]:
                    self._rows.execute(f"DELETE FROM {table}")
        return found

    def _template(
        self, kind: int, shift: str, still_open: bool, moments: list[datetime], rows: dict[str, list[tuple[Any, ...]]]
    ) -> Template:
        tables = tuple(table for table in TABLES if rows.get(table))
        text = TABLE.join(
            ROW.join(FIELD.join(self._told(table, row)) for row in rows[table]) for table in tables
        ).replace("%", "%%")
        told = {moment.isoformat(timespec="microseconds")[:-6] + "Z": n for n, moment in enumerate(moments)}
        given = {uuid7(moment)[:18]: n for n, moment in enumerate(moments)}
        staff = {one.id for one in STAFF}
        ids = sorted(set(_ID.findall(text)) - staff)
        days: list[str] = []
        ways: list[tuple[str, str]] = []

        def hole(match: "re.Match[str]") -> str:
            way = str(match.lastgroup)
            found = match[way]
            if way == "day" and found not in days:
                days.append(found)
            ways.append((way, found))
            return "%s"

        for moment in told:
            text = text.replace(moment, f"{MOMENT}{moment}")  # so that one pattern does for all stories
        text = _HOLE.sub(hole, text)
        start = {"hole": 0, "id": len(HOLES), "moment": len(HOLES) + len(ids), "day": len(HOLES) + len(ids) + len(told)}
        place: dict[str, Callable[[str], int]] = {
            "hole": HOLES.index,
            "id": ids.index,
            "moment": told.__getitem__,
            "day": days.index,
        }
        when = self.columns["events"].index("time")
        return Template(
            kind,
            shift,
            still_open,
            tuple((moment - self.midnight) // timedelta(microseconds=1) for moment in moments),
            tuple(given[id_[:18]] for id_ in ids),
            tuple((date.fromisoformat(day) - DAY).days for day in days),
            tables,
            text,
            itemgetter(*(start[way] + place[way](found) for way, found in ways)),
            tuple(told[row[when]] for row in rows.get("events", ())),
        )

    def _told(self, table: str, row: Sequence[Any]) -> Iterator[str]:
        for name, value in zip(self.columns[table], row, strict=True):
            counted = _COUNTED.get((table, name))
            if counted != "":
                yield counted or (NULL if value is None else str(value))


_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_HOLE = re.compile(
    f"(?P<hole>{'|'.join(map(re.escape, sorted(HOLES, key=len, reverse=True)))})|(?P<id>{_ID.pattern})"
    f"|{MOMENT}(?P<moment>.{{27}})|(?P<day>2026-03-[0-9]{{2}})"
)


@contextmanager
def teller(zone: ZoneInfo) -> Iterator[Teller]:
    """A teller in a prison whose clocks go by this zone."""
    with tempfile.TemporaryDirectory(prefix="handover-stories-") as folder:
        file, clock = Path(folder) / "stories.sqlite3", {"now": datetime(2026, 3, 9, tzinfo=UTC)}
        desk = opening.open_desk(Settings(database_url=f"sqlite:///{file}"), lambda: clock["now"])
        try:
            with closing(sqlite3.connect(file, isolation_level=None)) as rows:
                yield Teller(desk, rows, zone, clock)
        finally:
            desk.store.close()


def all_of_them(told: Teller) -> list[Template]:
    """Some hundred stories, as different from each other as notes on a wing are."""
    random = Random(7)
    found = [told.arrival()]
    for shift in SHIFTS:
        offered = told.at(OFFERED[shift]) + timedelta(microseconds=11)
        found.append(told.tell(CHANGEOVER, shift, False, list(_changeover(offered))))
        for kind, many in MANY.items():
            for number in range(many):
                for still_open in (False, True) if kind in (ASKED, WATCHED) else (False,):
                    hour = FIRST_HOUR[shift] + random.randrange(HOURS[shift])
                    at = told.at(
                        time(hour, random.randrange(1, 50), random.randrange(60), random.randrange(1, 400_000))
                    )
                    found.append(told.tell(kind, shift, still_open, list(_acts(random, kind, number, still_open, at))))
    return found


def book(zone: ZoneInfo) -> Book:
    """All of them, as they are told in a zone."""
    with teller(zone) as told:
        return all_of_them(told), told.columns


# --- What happens ---------------------------------------------------------------------------------------------------

FACTS = (
    "Says the visit was cancelled and that nobody told him until he was at the gate. Has not come out for servery.",
    "Ate half of his lunch and gave the rest away. Sat with his back to the door while the landing was unlocked.",
    "Asked twice whether the post had come. Said that it is two weeks to the day his mother died.",
    "Kicked the door at 14:10 and again ten minutes later, then sat on the bed and talked to me through the hatch.",
    "Came to the office by himself and asked for somebody to talk to. Cried, and thanked me when we were done.",
    "Would not go to work: his knee. Healthcare has looked at it and says that he may stay in.",
)
SHORT = (
    "Collected his parcel.",
    "Back from court at 16:20, remanded to the 14th.",
    "Moved a chair for the cleaner and joked about it.",
    "Went to the gym for the first time since he came.",
    "Asked for a new towel; given.",
)
OF_THE_WING = (
    "Loud until two, then quiet. Nobody would say what it was about.",
    "Two phones on the landing out of order; reported.",
    "Servery short of one worker all week.",
)
OPINIONS = (
    "More than the visit, I think: his sister has stopped writing.",
    "I think he is ashamed more than angry.",
    "Looks to me as if he wants to be asked.",
)
PLANS = (
    "If he is awake after 22:00: sit down and talk.",
    "If he refuses breakfast again: tell healthcare at once, do not wait for the round.",
    "If he kicks the door: go there, talk low, do not open alone.",
)
SIGNS = ("WITHDRAWN", "NOT_EATING", "ANXIOUS", "IRRITABLE", "TEARFUL", "LOW_MOOD", "FLAT")
WANTED = ("PHONE", "MEDICATION", "VISIT", "PROPERTY", "MAIL", "LEGAL", "INFORMATION")
DONE = ("LISTENED", "PRIVATE_TALK", "TIME_OUT", "FAMILY_CALL", "HUMOUR", "CHANGE_OF_FACE", "HEALTH_CALLED")
CLASSES = (("ESTABLISHMENT", OFFICER, 4), ("HEALTH", NURSE, 5), ("SECURITY", SUPERVISOR, 2), ("COMPLAINT", OFFICER, 1))
"""Of sixty stories that say something, so many are of another class than the usual one, and who writes them."""


def _acts(random: Random, kind: int, number: int, still_open: bool, at: datetime) -> Iterator[Act]:
    """One story: the note, then what came of it."""
    who, fields = OFFICER, _said(random, kind, at)
    if kind == SAID:
        left = number
        for handling, author, many in CLASSES:
            if 0 <= left < many:
                who, fields["handling"] = author, handling
            left -= many
    made: dict[str, str] = {}
    about = {"establishment": PLACE, "unit": UNIT} if kind == WING else {"inmate": PERSON}
    draft = NoteDraft.model_validate(about | fields)

    def record(uow: UnitOfWork) -> None:
        told = notes.record(uow, draft)
        made["note"] = told.id
        made["need"] = next((need["id"] for need in orjson.loads(told.document)["needs"]), "")

    yield Act(at, who, record)
    yield from _after(random, kind, number, still_open, at, made, draft)


def _said(random: Random, kind: int, at: datetime) -> dict[str, Any]:
    if kind == WING:
        return {"basis": "SAW", "fact": random.choice(OF_THE_WING), "place": "LANDING"}
    fields: dict[str, Any] = {
        "basis": random.choice(("SAW", "SAW", "TOLD_BY_PERSON", "TOLD_BY_STAFF")),
        "mood": {"valence": random.choice((-1, 0, 0, 1)), "energy": random.choice((1, 2, 2, 3))},
        "change": "USUAL",
        "place": random.choice(("LANDING", "CELL", "SERVERY", "YARD", "WORK")),
    }
    if kind in (SAID, ASKED):
        fields["fact"] = random.choice(SHORT)
        if random.random() < 0.3:
            fields["indicators"] = [{"code": random.choice(SIGNS)}]
    if kind == ASKED or (kind == WATCHED and random.random() < 0.3):
        promised = random.random() < 0.5
        due = {"due_at": at + timedelta(hours=8)} if promised else {}
        need = {"code": random.choice(WANTED), "urgency": "NEXT_SHIFT", "promised": promised, "detail": "as he asked"}
        fields["needs"] = [need | due]
    if kind in (WATCHED, URGENT):
        code, effect = random.choice(DONE), random.choice(("HELPED", "HELPED", "NO_CHANGE", "TOO_EARLY"))
        fields |= {
            "fact": random.choice(FACTS),
            "opinion": random.choice(OPINIONS),
            "confidence": random.choice(("LOW", "MEDIUM", "HIGH")),
            "change": random.choice(("WORSE", "WORSE", "USUAL", "BETTER")),
            "indicators": [{"code": code_, "trend": "NEW"} for code_ in random.sample(SIGNS, 2)],
            "responses": [{"code": code, "effect": effect}],
            "opening": random.random() < 0.3,
            "attention": "WATCH",
            "if_then": random.choice(PLANS) if random.random() < 0.5 else None,
        }
        if random.random() < 0.15:
            fields["attention_until"] = at + timedelta(days=4)
    if kind == URGENT:
        fields["indicators"].append({"code": "SAY_SELF_HARM", "trend": "NEW"})
    return fields


def _after(
    random: Random, kind: int, number: int, still_open: bool, at: datetime, made: dict[str, str], draft: NoteDraft
) -> Iterator[Act]:
    later = at + timedelta(minutes=11, microseconds=3)
    if kind == URGENT:
        taken = ReceiptDraft(kind="ACCEPTED")
        yield Act(later, SUPERVISOR, lambda uow: notes.acknowledge(uow, made["note"], taken))
    elif kind == WATCHED:
        yield Act(later, SUPERVISOR, lambda uow: notes.acknowledge(uow, made["note"], ReceiptDraft(kind="SEEN")))
        if number % 10 == 3:
            again = CorrectionDraft(reason="It was the late visit.", note=draft.model_copy(update={"place": "VISITS"}))
            yield Act(later + timedelta(minutes=9), OFFICER, lambda uow: notes.correct(uow, made["note"], again))
        elif number % 4 == 1:
            more = AttentionDraft(reason="Still does not eat; look in at every meal.")
            yield Act(later + timedelta(hours=5), OFFICER, lambda uow: notes.attend(uow, made["note"], more))
    if draft.needs and not still_open:
        done = NeedChange(status="DONE", outcome="Seen to; he says thank you.")
        yield Act(later + timedelta(hours=6), OFFICER, lambda uow: needs.change(uow, made["need"], None, done))


def _changeover(at: datetime) -> Iterator[Act]:
    made: list[str] = []

    def offer(uow: UnitOfWork) -> None:
        made.append(handovers.offer(uow, HandoverDraft(establishment=PLACE, unit=UNIT))[0])

    yield Act(at, OFFICER, offer)
    yield Act(at + timedelta(minutes=10), SUPERVISOR, lambda uow: handovers.accept(uow, made[0], AcceptanceDraft()))
