"""A store with years behind it in minutes: the stories of `stories`, told again for other people on other days, written
straight into the tables with the very columns the service fills."""

import itertools
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from random import Random
from typing import Protocol
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import psycopg

from benchmarks import stories
from benchmarks.stories import FIELD, NULL, ROW, SHIFTS, TABLE, TABLES, Template

PEOPLE, NOTES_A_DAY = 120, 3
WORTH_WORDS = 12
"""So many of a wing's people are troubled; of the others there is little to say."""
DAY_US = 86_400_000_000
PIECE = 16 << 20
"""Characters of one table that are gathered before they are written."""
MANY = 50_000
"""From so many notes on, indexes are put aside and built anew afterwards: that takes a fraction of the time."""
Staff = tuple[str, str, str]
"""Of somebody who writes: id, user name, name."""


@dataclass
class Wing:
    """A wing, and how many notes are to be behind it. `staff`: officers, supervisors and nurses who write here.
    `waits`: its last changeover is left to be done by others."""

    place: str
    unit: str
    notes: int
    staff: tuple[Sequence[Staff], Sequence[Staff], Sequence[Staff]]
    waits: bool = False

    @property
    def days(self) -> int:
        """How far back they reach."""
        return -(-self.notes // (PEOPLE * NOTES_A_DAY))

    def number_of(self, person: int) -> str:
        """The number of one of its people."""
        return f"{self.place}{self.unit}{person:04d}"


class Sink(Protocol):
    """Where rows go."""

    def put(self, table: str, columns: Sequence[str], rows: str) -> None:
        """Writes rows: fields and rows as `stories` parts them."""

    def run(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """Runs a statement (its values as `%s`), answers what it finds."""


@dataclass
class Filled:
    """What was written."""

    notes: int = 0
    rows: dict[str, int] = field(default_factory=lambda: defaultdict(int))


def fill(
    url: str,
    zone: ZoneInfo,
    now: datetime,
    wings: Sequence[Wing],
    told: Callable[[int], None] = lambda notes: None,
    book: stories.Book | None = None,
) -> Filled:
    """Fills the wings, up to now. Establishments and units must be there; people come with it. `book`: the stories of
    this zone, where somebody has them already."""
    templates, columns = book or stories.book(zone)
    many = sum(wing.notes for wing in wings) > MANY
    with _sink(url) as sink, _without_indexes(sink, many):
        filling = _Filling(sink, columns, templates, zone, now)
        filling.people(wings)
        for back in range(max(wing.days for wing in wings) - 1, -1, -1):
            filling.day(back, [wing for wing in wings if wing.days > back])
            told(filling.filled.notes)
        filling.end(wings)
    return filling.filled


class _Filling:
    def __init__(
        self,
        sink: Sink,
        columns: dict[str, tuple[str, ...]],
        templates: Sequence[Template],
        zone: ZoneInfo,
        now: datetime,
    ) -> None:
        self.filled = Filled()
        self._sink = sink
        self._columns = columns
        self._zone = zone
        self._now = now
        self._now_text = now.isoformat(timespec="microseconds")[:-6] + "Z"
        self._today = now.astimezone(zone).date()
        self._kinds: dict[tuple[int, str, bool], list[Template]] = defaultdict(list)
        for template in templates:
            self._kinds[template.kind, template.shift, template.open].append(template)
        self._text: dict[str, list[str]] = defaultdict(list)
        self._size: dict[str, int] = defaultdict(int)
        self._events: dict[tuple[str, int], list[tuple[int, str]]] = defaultdict(list)
        self._heads: dict[str, int] = {}
        self._order = itertools.count()
        self._random: dict[tuple[str, str], Random] = {}

    # --- One story ------------------------------------------------------------------------------------------------

    def people(self, wings: Iterable[Wing]) -> None:
        """Everybody arrives on the first day."""
        [arrival] = self._kinds[stories.ARRIVAL, "EARLY", False]
        for wing in wings:
            # A wing tells the same whatever else is in the store.
            self._random[wing.place, wing.unit] = Random(f"{wing.place}/{wing.unit}")
            for person in range(PEOPLE):
                self._tell(arrival, wing, person, wing.days, ("0", "0", "0", "0"))
        self._flush()

    def day(self, back: int, wings: Iterable[Wing]) -> None:
        """One day of these wings."""
        for wing in wings:
            random = self._random[wing.place, wing.unit]
            left = wing.notes - back * PEOPLE * NOTES_A_DAY
            for n, shift in enumerate(SHIFTS):
                stretch = 2 * (NOTES_A_DAY * (wing.days - 1 - back) + n) + 2
                counted = (str(stretch), str(stretch - 3), str(stretch - 2), str(stretch - 1))
                [change] = self._kinds[stories.CHANGEOVER, shift, False]
                if self._over(change, back) and not (wing.waits and n + 1 == self._changes(back)):
                    self._tell(change, wing, 0, back, counted)
                self._of_the_wing(random, wing, shift, back, counted)
                for person in range(min(PEOPLE, left // NOTES_A_DAY)):
                    template = self._choose(random, shift, person, back)
                    if template is not None:
                        self._tell(template, wing, person, back, counted)
                        self.filled.notes += 1
        self._flush_events(back)

    def _of_the_wing(self, random: Random, wing: Wing, shift: str, back: int, counted: Sequence[str]) -> None:
        template = random.choice(self._kinds[stories.WING, shift, False])
        if self._over(template, back):
            self._tell(template, wing, 0, back, counted)
            self.filled.notes += 1

    def _choose(self, random: Random, shift: str, person: int, back: int) -> Template | None:
        kind, chance = stories.QUIET, random.random()
        if person < WORTH_WORDS:
            kind = stories.URGENT if chance < 0.004 else stories.WATCHED if chance < 0.6 else stories.SAID
        elif chance < 0.1:
            kind = stories.ASKED if chance < 0.03 else stories.SAID
        still_open = kind in (stories.ASKED, stories.WATCHED) and back < 2 and random.random() < 0.5
        template = random.choice(self._kinds[kind, shift, still_open])
        if not self._over(template, back):  # it would go on to this evening: something short instead
            template = random.choice(self._kinds[kind, shift, kind in (stories.ASKED, stories.WATCHED)])
        return template if self._over(template, back) else None

    def _over(self, template: Template, back: int) -> bool:
        last = template.moments[-1] + stories.JITTER_S * 1_000_000
        return self._midnight(-back) + last <= _micros(self._now)

    def _changes(self, back: int) -> int:
        """How many of today's changeovers are over; none is the last on a day before."""
        today = [self._over(self._kinds[stories.CHANGEOVER, shift, False][0], 0) for shift in SHIFTS]
        return 0 if back else sum(today)

    def _midnight(self, days: int) -> int:
        return _micros(datetime.combine(self._today, time(0), self._zone)) + days * DAY_US

    def _tell(self, template: Template, wing: Wing, person: int, back: int, counted: Sequence[str]) -> None:
        random = self._random[wing.place, wing.unit]
        number, cell = wing.number_of(person), f"{wing.unit}{person // 40 + 1}-{person % 40 + 1:02d}"
        name = f"{_SURNAMES[person % len(_SURNAMES)]}, {chr(65 + person // 5 % 26)}."
        start = self._midnight(-back) + random.randrange(stories.JITTER_S * 1_000_000)
        moments = [start + moment for moment in template.moments]
        begins = [_beginning(moment) for moment in moments]
        ids = [
            f"{begins[at]}-{0x8000 | next(self._order) & 0x3FFF:04x}-{random.getrandbits(48):012x}"
            for at in template.ids
        ]
        staff = itertools.chain.from_iterable(random.choice(some) for some in wing.staff)
        days = [_day(self._today, day - back) for day in template.days]
        spot = (wing.place, wing.unit, number, name, cell, number.lower(), name.lower(), cell.lower())
        values = [*spot, *counted, *staff, *ids, *map(_text, moments), *days]
        parts = (template.text % template.fill(values)).split(TABLE)
        for table, part in zip(template.tables, parts, strict=True):
            if table == "events":
                for at, row in zip(template.events, part.split(ROW), strict=True):
                    moment = moments[at]
                    day = (moment - self._midnight(0)) // DAY_US
                    self._events[wing.place, day].append((moment, row))
            else:
                self._put(table, part)

    # --- Into the store -------------------------------------------------------------------------------------------

    def _put(self, table: str, part: str) -> None:
        if table == "timers":  # what was due has been fired
            due = self._columns["timers"].index("due_at")
            part = ROW.join(row for row in part.split(ROW) if row.split(FIELD)[due] > self._now_text)
        if part:
            self._text[table].append(part)
            self._size[table] += len(part)
            if self._size[table] > PIECE:
                self._flush()

    def _flush(self) -> None:
        for table in TABLES:
            if self._text[table]:
                text = ROW.join(self._text[table])
                self._text[table].clear()
                self._size[table] = 0
                self.filled.rows[table] += text.count(ROW) + 1
                names = [name for name in self._columns[table] if (table, name) != ("events", "sequence")]
                self._sink.put(table, [*names, "sequence"] if table == "events" else names, text)

    def _flush_events(self, back: int) -> None:
        """Numbers the events of all that is over by the end of a day, in the order of their times."""
        for place, day in sorted(self._events):
            if day <= -back:
                events = self._events.pop((place, day))
                events.sort()
                head = self._heads.get(place, 0) or self._head(place)
                for n, (_, row) in enumerate(events, start=head + 1):
                    self._put("events", f"{row}{FIELD}{n}")
                self._heads[place] = head + len(events)

    def _head(self, place: str) -> int:
        [(head,)] = self._sink.run("SELECT sequence FROM event_heads WHERE establishment = %s", place)
        return int(str(head))

    def end(self, wings: Iterable[Wing]) -> None:
        """All that is left; and where the counters stand."""
        self._flush_events(-10)
        self._flush()
        for place, head in self._heads.items():
            self._sink.run("UPDATE event_heads SET sequence = %s WHERE establishment = %s", head, place)
        for wing in wings:
            stretch = 2 * (NOTES_A_DAY * (wing.days - 1) + self._changes(0) - wing.waits)
            self._sink.run(
                "UPDATE units SET stretch = %s WHERE establishment = %s AND code = %s", stretch, wing.place, wing.unit
            )


_SURNAMES = (
    "Weir", "Hugh", "Okafor", "Malik", "Novak", "Reid", "Barlow", "Costa", "Dunne", "Ellis", "Farrow", "Grant", "Hale",
    "Ivanov", "Jarvis", "Kane", "Lowe", "Mbeki", "Nash", "Oduya", "Price", "Quinn", "Rossi", "Shah", "Tait",
)  # fmt: skip
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _text(moment: int) -> str:
    seconds, micros = divmod(moment, 1_000_000)
    days, seconds = divmod(seconds, 86_400)
    minutes, seconds = divmod(seconds, 60)
    return f"{_day(_EPOCH.date(), days)}T{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}.{micros:06d}Z"


@lru_cache(maxsize=1024)
def _day(day: date, ahead: int) -> str:
    return (day + timedelta(days=ahead)).isoformat()


def _beginning(moment: int) -> str:
    """What ids of a moment begin with, as `services.ids` makes them."""
    millis, rest = divmod(moment, 1000)
    digits = f"{millis:012x}7{rest * 4096 // 1000:03x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:]}"


# --- The two engines --------------------------------------------------------------------------------------------------


@contextmanager
def _sink(url: str) -> Iterator[Sink]:
    """Whatever is quickest: a store half full is thrown away."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(urlsplit(url).path, isolation_level=None)) as conn:
            for pragma in ("journal_mode=OFF", "synchronous=OFF", "foreign_keys=OFF", "cache_size=-1000000"):
                conn.execute(f"PRAGMA {pragma}")
            conn.execute("BEGIN")
            yield _Sqlite(conn)
            conn.execute("COMMIT")
            conn.execute("PRAGMA journal_mode=WAL")
        return
    with psycopg.connect(url) as server:
        for setting in (
            "session_replication_role = replica",
            "synchronous_commit = off",
            "maintenance_work_mem = '512MB'",
        ):
            server.execute(f"SET {setting}")
        yield _Postgresql(server)
        server.commit()
        server.autocommit = True
        server.execute("VACUUM (ANALYZE)")  # as the server would have by itself while years went by


class _Sqlite:
    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn

    def put(self, table: str, columns: Sequence[str], rows: str) -> None:
        marks = ", ".join("?" * len(columns))
        names = ", ".join(f'"{name}"' for name in columns)
        split = ([None if v == NULL else v for v in row.split(FIELD)] for row in rows.split(ROW))
        self._conn.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", split)

    def run(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        return self._conn.execute(statement.replace("%s", "?"), values).fetchall()

    def indexes(self) -> list[tuple[str, str]]:
        query = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        return [(str(name), str(sql)) for name, sql in self.run(query)]


class _Postgresql:
    def __init__(self, conn: "psycopg.Connection[tuple[object, ...]]") -> None:
        self._conn = conn

    def put(self, table: str, columns: Sequence[str], rows: str) -> None:
        names = ", ".join(f'"{name}"' for name in columns)
        form = "FORMAT csv, DELIMITER E'\\x1f', NULL E'\\x01', QUOTE E'\\x02'"
        with self._conn.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN ({form})") as copy:
            copy.write(rows)

    def run(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        cursor = self._conn.execute(statement, values or None)
        return cursor.fetchall() if cursor.description else []

    def indexes(self) -> list[tuple[str, str]]:
        query = (
            "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index "
            "JOIN pg_class ON pg_class.oid = indrelid WHERE relnamespace = 'public'::regnamespace AND NOT indisunique"
        )
        return [(str(name), str(sql)) for name, sql in self.run(query)]


@contextmanager
def _without_indexes(sink: Sink, aside: bool) -> Iterator[None]:
    assert isinstance(sink, _Sqlite | _Postgresql)
    kept = sink.indexes() if aside else []
    for name, _ in kept:
        sink.run(f"DROP INDEX {name}")
    yield
    for _, sql in kept:
        sink.run(sql)
