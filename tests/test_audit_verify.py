"""`handover audit verify` finds a changed, missing or swapped line of the access log, in the store and in an export,
and says where."""

import itertools
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as some
from typer.testing import CliRunner

from handover.cli import command
from handover.clock import now
from handover.domain.access import operator
from handover.schemas.roster import EstablishmentDraft, InmateDraft, UnitDraft
from handover.services import opening, roster
from handover.services.unit_of_work import Asker
from handover.store import accesslog
from handover.store.engine import open_engines, reading
from handover.store.tables import access_chains, access_lines
from tests.support import postgres
from tests.support.service import settings_for

WEIR = InmateDraft(name="Weir, J.", establishment="ALM", unit="A")
_copies = itertools.count()


@dataclass
class Kept:
    """A store nobody serves at the moment, with its log in three chains: three runs of the service."""

    url: str
    folder: Path
    born: list[str] = field(default_factory=list)

    @contextmanager
    def copy(self) -> Iterator["Kept"]:
        """The same again, to be tampered with."""
        if self.url.startswith("sqlite"):
            file = self.folder / f"copy{next(_copies)}.sqlite3"
            shutil.copy(self.url.removeprefix("sqlite:///"), file)
            yield Kept(f"sqlite:///{file}", self.folder, self.born)
            return
        url = postgres.create_database(self.url)
        yield Kept(url, self.folder, self.born)
        postgres.drop_database(url)

    def runs(self, *doings: Callable[[Any], Any]) -> None:
        """One run of a process that does these things, each with its line."""
        desk = opening.open_desk(settings_for(self.url), now)
        for doing in doings:
            desk.do(Asker(operator("okafor", {"ALM"}), "10.20.1.14"), doing)
        desk.store.close()

    def change(self, line: dict[str, Any], **columns: Any) -> None:
        """Changes columns of one line."""
        t = access_lines
        self.edit(sa.update(t).where(t.c.chain == line["chain"], t.c.position == line["position"]).values(columns))

    def head(self, chain: str, **columns: Any) -> None:
        """Changes the head of a chain."""
        self.edit(sa.update(access_chains).where(access_chains.c.chain == chain).values(columns))

    def remove(self, chain: str, *positions: int) -> None:
        """Removes lines of a chain; all of them, if none is named."""
        t = access_lines
        self.edit(sa.delete(t).where(t.c.chain == chain, t.c.position.in_(positions) if positions else sa.true()))

    def edit(self, statement: sa.Update | sa.Delete) -> None:
        """What somebody with all rights on the database can do: the triggers are no obstacle to them."""
        engines = open_engines(self.url)
        with engines.write.connect() as conn, conn.begin():
            for off in self._triggers_off(conn):
                conn.exec_driver_sql(off)
            done = conn.execute(statement)
            assert done.rowcount > 0
        engines.close()

    def _triggers_off(self, conn: sa.Connection) -> list[str]:
        if conn.dialect.name == "postgresql":
            return ["SET LOCAL session_replication_role = replica"]
        found = conn.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").scalars()
        return [f"DROP TRIGGER {name}" for name in found]

    def lines(self) -> list[dict[str, Any]]:
        """Every line with all columns, chain after chain."""
        engines = open_engines(self.url)
        with engines.read.connect() as conn, reading(conn, surely=True):
            query = sa.select(*accesslog.COLUMNS).order_by(access_lines.c.chain, access_lines.c.position)
            found = [dict(row._mapping) for row in conn.execute(query)]
        engines.close()
        return found

    def verify(self, *args: str) -> dict[str, Any]:
        """What the command says, in JSON; its exit code must agree."""
        done = self.run("audit", "verify", "--json", *args)
        told: dict[str, Any] = json.loads(done.stdout)
        assert done.exit_code == (0 if told["sound"] else 1)
        assert told["sound"] == (not told["faults"])
        return told

    def faults(self, *args: str) -> set[tuple[int, int]]:
        """Where something is wrong: which run's chain, the oldest being 0, and which line of it."""
        return {(self.born.index(fault["chain"]), fault["line"]) for fault in self.verify(*args)["faults"]}

    def run(self, *words: str) -> Any:
        """Types the command."""
        return CliRunner().invoke(command(words), list(words), env={"HANDOVER_DATABASE_URL": self.url})


@pytest.fixture(scope="module")
def kept(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """Three runs: an establishment and its wing, two people, a third wing."""
    kept = Kept(database_url, tmp_path_factory.mktemp("audit"))
    place = EstablishmentDraft(name="HMP Aldermoor", timezone="Europe/London")
    kept.runs(
        lambda uow: roster.put_establishment(uow, "ALM", place),
        lambda uow: roster.put_unit(uow, "ALM", "A", UnitDraft(name="A wing")),
        lambda uow: roster.put_unit(uow, "ALM", "B", UnitDraft(name="B wing")),
    )
    kept.runs(
        lambda uow: roster.put_inmate(uow, "A4417KD", WEIR),
        lambda uow: roster.put_inmate(uow, "A9902XB", WEIR),
        lambda uow: roster.put_inmate(uow, "A4417KD", WEIR),
    )
    kept.runs(lambda uow: roster.put_unit(uow, "ALM", "C", UnitDraft(name="C wing")))
    kept.born = sorted({line["chain"] for line in kept.lines()})
    return kept


@pytest.fixture
def copy(kept: Kept) -> Iterator[Kept]:
    """A copy of the store for this test alone."""
    with kept.copy() as copied:
        yield copied


def rehashed(line: dict[str, Any], previous: str, **changes: Any) -> dict[str, Any]:
    """A line changed by somebody who knows how lines are hashed."""
    line = {**line, **changes}
    values = [line[name] for name in accesslog.FIELDS]
    return {**line, "hash": accesslog.digest(previous, line["chain"], line["position"], values)}


def test_a_log_as_written_is_sound_and_checking_it_changes_nothing(kept: Kept) -> None:
    told = kept.verify()
    assert (told["sound"], told["lines"], len(told["heads"])) == (True, 4 + 4 + 2, 3)
    assert kept.verify(*(f"--head={head}" for head in told["heads"])) == told
    said = kept.run("audit", "verify")
    assert said.exit_code == 0
    assert "10 lines in 3 chains, all as written" in said.stdout
    assert told["heads"][0] in said.stdout.replace("\n", "")


def test_the_command_itself_runs_beside_a_running_service(copy: Kept) -> None:
    desk = opening.open_desk(settings_for(copy.url), now)
    desk.do(Asker(operator("okafor", {"ALM"})), lambda uow: roster.put_inmate(uow, "A4417KD", WEIR))
    done = subprocess.run(
        [sys.executable, "-m", "handover", "audit", "verify"],
        env={**os.environ, "HANDOVER_DATABASE_URL": copy.url},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    desk.store.close()
    assert (done.returncode, done.stderr) == (0, "")
    assert "12 lines in 4 chains, all as written" in done.stdout


COLUMNS: dict[str, Any] = {
    "at": datetime(2026, 1, 1, tzinfo=UTC),
    "actor": "somebody.else",
    "actor_role": "auditor",
    "action": "inmates.list",
    "outcome": "DENIED",
    "establishment": "BXI",
    "unit": "Z",
    "subject": "A0000AA",
    "detail": '{"count":0}',
    "address": "192.0.2.1",
    "request": "another",
    "places": " ALM BXI ",
    "hash": "0" * 64,
}


def test_a_changed_line_is_found_whatever_was_changed_in_it(copy: Kept) -> None:
    line = next(line for line in copy.lines() if line["subject"] == "A4417KD")
    for column, value in COLUMNS.items():
        copy.change(line, **{column: value})
        # Whoever changes the hash itself breaks the next line, too.
        assert copy.faults() == ({(1, 2), (1, 3)} if column == "hash" else {(1, 2)}), column
        copy.change(line, **{column: line[column]})
    assert copy.faults() == set()


def test_a_changed_line_with_its_hash_made_right_is_found_at_the_next(copy: Kept) -> None:
    lines = [line for line in copy.lines() if line["chain"] == copy.born[1]]
    forged = rehashed(lines[1], lines[0]["hash"], actor="nobody")
    copy.change(forged, actor="nobody", hash=forged["hash"])
    assert copy.faults() == {(1, 3)}


def test_a_chain_written_anew_from_end_to_end_is_found_by_its_successor_and_by_a_noted_head(copy: Kept) -> None:
    noted = [f"--head={head}" for head in copy.verify()["heads"]]
    for chain in copy.born[1:]:
        previous = accesslog.GENESIS
        for line in [line for line in copy.lines() if line["chain"] == chain]:
            forged = rehashed(line, previous, address="10.0.0.99")
            copy.change(forged, address="10.0.0.99", hash=forged["hash"])
            previous = forged["hash"]
        copy.head(chain, hash=previous)
    assert copy.faults() == {(1, 4)}, "the third chain's opening knew the second chain's end"
    assert copy.faults(*noted) == {(1, 4), (2, 2)}, "only a head kept elsewhere knows the newest chain's end"


@pytest.mark.parametrize("position", [1, 2, 4], ids=["first", "middle", "last"])
def test_a_missing_line_is_found(copy: Kept, position: int) -> None:
    copy.remove(copy.born[1], position)
    assert copy.faults() == {(1, position)}


def test_a_missing_end_is_found_even_where_its_head_was_set_back(copy: Kept) -> None:
    chain = copy.born[1]
    third = next(line for line in copy.lines() if line["chain"] == chain and line["position"] == 3)
    copy.remove(chain, 4)
    copy.head(chain, position=3, hash=third["hash"])
    assert copy.faults() == {(1, 4)}


def test_a_missing_end_of_the_newest_chain_is_found_with_a_noted_head(copy: Kept) -> None:
    noted, chain = copy.verify()["heads"][0], copy.born[2]
    first = next(line for line in copy.lines() if line["chain"] == chain)
    copy.remove(chain, 2)
    copy.head(chain, position=1, hash=first["hash"])
    assert copy.faults() == set()
    assert copy.faults(f"--head={noted}") == {(2, 2)}


def test_two_lines_that_changed_places_are_found(copy: Kept) -> None:
    chain = copy.born[1]
    for position, new in ((2, 99), (3, 2), (99, 3)):
        copy.change({"chain": chain, "position": position}, position=new)
    assert copy.faults() == {(1, 2), (1, 3), (1, 4)}


def test_a_line_that_moved_to_another_chain_is_found(copy: Kept) -> None:
    one, other = copy.born[1:]
    copy.change({"chain": one, "position": 4}, chain=other, position=3)
    assert copy.faults() == {(1, 4), (2, 3)}


def test_a_chain_removed_whole_is_missed_with_its_head_and_without(copy: Kept) -> None:
    chain = copy.born[1]
    copy.remove(chain)
    assert {f["chain"] for f in copy.verify()["faults"]} == {chain}
    copy.edit(sa.delete(access_chains).where(access_chains.c.chain == chain))
    [fault] = copy.verify()["faults"]
    assert (fault["chain"], fault["line"]) == (chain, 1)
    assert "the chain went on to line 4" in fault["what"]


def test_a_head_removed_alone_is_missed(copy: Kept) -> None:
    copy.edit(sa.delete(access_chains).where(access_chains.c.chain == copy.born[2]))
    assert copy.faults() == {(2, 2)}


def test_a_log_that_is_gone_altogether_is_missed_by_a_noted_head(copy: Kept) -> None:
    noted = copy.verify()["heads"]
    copy.edit(sa.delete(access_lines))
    copy.edit(sa.delete(access_chains))
    assert copy.faults() == set()
    assert {f["chain"] for f in copy.verify(*(f"--head={h}" for h in noted))["faults"]} == {h[:36] for h in noted}


def test_a_head_that_was_copied_wrongly_is_a_mistake_in_the_command_not_in_the_log(kept: Kept) -> None:
    places = ("x", "", "-1", "1.0", "\u00b2", "\u0661", "9" * 5000)
    for head in ("nonsense", "a:b:c", f"{'a' * 36}:1:{'0' * 63}", *(f"a:{place}:{'0' * 64}" for place in places)):
        done = kept.run("audit", "verify", "--head", head)
        assert (done.exit_code, done.stdout) == (2, "")
        assert "CHAIN:LINE:HASH" in done.stderr


def test_a_line_far_beyond_the_end_costs_no_more_than_another_and_the_gap_is_told(copy: Kept) -> None:
    chain = copy.born[1]
    for position, far in ((4, 10**12), (10**12, 2**63 - 1)):
        copy.change({"chain": chain, "position": position}, position=far)
        told = copy.verify()["faults"]
        assert next(f["line"] for f in told if f["chain"] == chain) == 4
        assert f"lines 4 to {far - 1} are missing, {far - 4:,} in all" in {f["what"] for f in told}
    copy.remove(chain, 2)
    assert {(1, 2), (1, 4)} <= copy.faults()


@pytest.mark.parametrize("time", ["infinity", "-infinity", "9999-12-31T23:59:59.999999Z"])
def test_a_time_that_no_clock_told_is_found(copy: Kept, time: str) -> None:
    copy.change({"chain": copy.born[1], "position": 2}, at=sa.literal_column(f"'{time}'"))
    assert copy.faults() == {(1, 2)}
    assert copy.run("audit", "export").exit_code == 0


# What SQLite takes for any column whose type it does not hold to; a text may be of bytes that are none.
KEPT = some.one_of(
    some.text().map(lambda text: ("?", text)),
    some.binary().map(lambda bytes_: ("?", bytes_)),
    some.binary().map(lambda bytes_: ("CAST(? AS TEXT)", bytes_)),
    some.integers(-(2**63), 2**63 - 1).map(lambda number: ("?", number)),
    some.floats(allow_nan=False).map(lambda number: ("?", number)),
    some.sampled_from([("?", None), ("?", 10**12), ("?", "rubbish"), ("?", "\x1b[2J"), ("?", b"\xff\x00\xff")]),
)
ONCE = settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


# A server keeps what a column's type allows, and nothing else.
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def file_of(url: str) -> Path:
    """The embedded store's file."""
    return Path(url.removeprefix("sqlite:///"))


@ON_SQLITE
@ONCE
@given(number=some.integers(0, 9), column=some.sampled_from(accesslog.NAMES), to=KEPT)
def test_whatever_is_put_into_a_line_of_the_embedded_store_its_place_is_told(
    kept: Kept, number: int, column: str, to: tuple[str, Any]
) -> None:
    line = kept.lines()[number]
    place = line["chain"], line["position"]
    with kept.copy() as copy:
        assume(_put(file_of(copy.url), "access_lines", column, place, to))
        assert place in {(fault["chain"], fault["line"]) for fault in copy.verify()["faults"]}


@ON_SQLITE
@ONCE
@given(number=some.integers(0, 2), column=some.sampled_from(["chain", "position", "hash"]), to=KEPT)
def test_whatever_is_put_into_a_head_of_the_embedded_store_its_chain_is_told(
    kept: Kept, number: int, column: str, to: tuple[str, Any]
) -> None:
    with kept.copy() as copy:
        assume(_put(file_of(copy.url), "access_chains", column, (kept.born[number],), to))
        assert kept.born[number] in {fault["chain"] for fault in copy.verify()["faults"]}


def _put(file: Path, table: str, column: str, key: tuple[Any, ...], to: tuple[str, Any]) -> bool:
    """Puts a value into one column; whether that was taken, and is another than the one before."""
    expression, value = to
    where = "WHERE " + " AND ".join(f"{name} = ?" for name in ("chain", "position")[: len(key)])
    store = sqlite3.connect(file)
    store.text_factory = bytes
    try:
        for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            store.execute(f"DROP TRIGGER {name.decode()}")
        told = f"{column}, typeof({column})"
        [was] = store.execute(f"SELECT {told} FROM {table} {where}", key)
        [now] = store.execute(f"UPDATE {table} SET {column} = {expression} {where} RETURNING {told}", (value, *key))
        store.commit()
    except sqlite3.IntegrityError:  # nothing where there must be something, or a place that is taken
        return False
    finally:
        store.close()
    return bool(now != was)


# --- Away from the store ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def export(kept: Kept) -> Iterator[tuple[Kept, str]]:
    """The log as text, and the store it was taken from."""
    with kept.copy() as copied:
        done = copied.run("audit", "export")
        assert done.exit_code == 0
        yield copied, done.stdout


@pytest.fixture
def exported(export: tuple[Kept, str], tmp_path: Path) -> Path:
    """The log as a file, away from its store."""
    file = tmp_path / "log.ndjson"
    file.write_text(export[1])
    return file


def check(file: Path, *args: str) -> dict[str, Any]:
    """What the command says of a file, on a machine without a store."""
    words = ["audit", "verify", str(file), "--json", *args]
    done = CliRunner().invoke(command(words), words, env={"HANDOVER_DATABASE_URL": "sqlite:////nowhere/at/all"})
    told: dict[str, Any] = json.loads(done.stdout)
    assert done.exit_code == (1 if told["faults"] else 0)
    return told


def rewrite(file: Path, change: Callable[[list[dict[str, Any]]], Any]) -> None:
    """Changes an export."""
    lines = [orjson.loads(line) for line in file.read_text().splitlines()]
    change(lines)
    file.write_text("".join(orjson.dumps(line).decode() + "\n" for line in lines))


def test_an_export_is_sound_away_from_its_store_and_names_who_took_it(exported: Path, export: tuple[Kept, str]) -> None:
    told = check(exported)
    assert told == export[0].verify()
    assert told["lines"] == 10 + 2, "the export is a reading, and has its own line in a chain of its own"
    last = orjson.loads(exported.read_text().splitlines()[-2])
    assert (last["action"], last["actor_role"]) == ("access-log.export", "operator")


FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="only some systems have a disk that is always full")
def test_an_export_onto_a_full_disk_is_told_in_words(copy: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    with FULL.open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "handover", "audit", "export"],
            env={**os.environ, "HANDOVER_DATABASE_URL": copy.url},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=30,
            check=False,
        )
    assert (done.returncode, done.stderr.splitlines()) == (
        1,
        ["The log could not be printed to its end: No space left on device."],
    )
    made = itertools.count()
    monkeypatch.setattr("handover.services.audit.export", lambda conn: (f"{next(made):1000}" for _ in range(100_000)))
    monkeypatch.setattr("sys.stdout", FULL.open("w"))
    monkeypatch.setenv("HANDOVER_DATABASE_URL", copy.url)
    with suppress(Exception):
        command(["audit"])(["audit", "export"], standalone_mode=False)
    assert next(made) < 1000, "a log may be larger than the memory: it goes out as it is read"


def _swap(lines: list[dict[str, Any]]) -> None:
    lines[5].update(position=3)
    lines[6].update(position=2)
    lines.insert(5, lines.pop(6))


CHANGES: dict[str, tuple[Callable[[list[dict[str, Any]]], Any], list[int]]] = {
    "changed": (lambda lines: lines[5].update(actor="somebody.else"), [2]),
    "changed in its time": (lambda lines: lines[5].update(at="2026-01-01T00:00:00Z"), [2]),
    "changed to nonsense": (lambda lines: lines[5].update(hash="zz", detail="{"), [2, 3]),
    "taken out": (lambda lines: lines.pop(5), [2]),
    "taken out at the beginning": (lambda lines: lines.pop(0), [1]),
    "doubled": (lambda lines: lines.insert(6, lines[5]), [2]),
    "put elsewhere in the file": (lambda lines: lines.insert(6, lines.pop(5)), [2, 2]),
    "swapped": (
        _swap,
        [2, 3, 4],
    ),
    "without a field": (lambda lines: lines[5].pop("actor"), [2, 6]),
    "with a field of the wrong kind": (lambda lines: lines[5].update(position="2"), [2, 6]),
    "without a whole chain": (lambda lines: lines.__delitem__(slice(4, 8)), [1, 1, 1]),
    "without its last line": (lambda lines: lines.pop(), [0, 2, 2, 4, 4]),
}


# From here on a file is looked at, away from its store: that it says the same as that is tested on both engines above.
@ON_SQLITE
@pytest.mark.parametrize("how", CHANGES)
def test_an_export_that_was_tampered_with_is_found_out(exported: Path, how: str) -> None:
    change, where = CHANGES[how]
    rewrite(exported, change)
    assert sorted(fault["line"] for fault in check(exported)["faults"]) == where


FINITE = some.floats(allow_nan=False, allow_infinity=False)
JSON = some.recursive(
    some.none() | some.booleans() | some.integers(-(2**63), 2**64 - 1) | FINITE | some.text(),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(), inner, max_size=3),
    max_leaves=5,
)


@ON_SQLITE
@ONCE
@given(number=some.integers(0, 11), name=some.sampled_from(accesslog.NAMES), value=JSON)
def test_whatever_is_put_into_a_line_of_an_export_its_place_is_told(
    exported: Path, export: tuple[Kept, str], number: int, name: str, value: Any
) -> None:
    exported.write_text(export[1])
    lines = [orjson.loads(line) for line in export[1].splitlines()]
    line = lines[number]
    places = {(line["chain"], line["position"]), ("", number + 1)}
    same = (type(line[name]), line[name]) == (type(value), value)
    rewrite(exported, lambda lines: lines[number].update({name: value}))
    assert bool(places & {(fault["chain"], fault["line"]) for fault in check(exported)["faults"]}) is not same


@ON_SQLITE
@ONCE
@given(number=some.integers(0, 3), part=some.integers(0, 2), value=JSON)
def test_whatever_is_put_into_a_head_of_an_export_is_told(
    exported: Path, export: tuple[Kept, str], number: int, part: int, value: Any
) -> None:
    exported.write_text(export[1])
    rewrite(exported, lambda lines: lines[-1]["heads"][number].__setitem__(part, value))
    changed = exported.read_text() != export[1]
    assert bool(check(exported)["faults"]) is changed


@ON_SQLITE
def test_an_export_of_a_store_that_was_tampered_with_is_made_and_found_out(copy: Kept, tmp_path: Path) -> None:
    file = file_of(copy.url)
    place = copy.born[1], 2
    for column, to in (("at", ("?", "rubbish")), ("detail", ("?", b"\xff")), ("actor", ("CAST(? AS TEXT)", b"\xff"))):
        assert _put(file, "access_lines", column, place, to)
        done = copy.run("audit", "export")
        assert done.exit_code == 0, done.exception
        (log := tmp_path / "log.ndjson").write_text(done.stdout)
        faults = {(fault["chain"], fault["line"]) for fault in check(log)["faults"]}
        assert faults & {place, ("", 6)}


@ON_SQLITE
def test_an_export_cut_off_in_the_middle_or_not_one_at_all_is_found_out(exported: Path, tmp_path: Path) -> None:
    text = exported.read_text()
    exported.write_text(text[: len(text) // 2])
    assert check(exported)["faults"]
    for number, nonsense in enumerate(
        ("", "\n\n", "[]\n", "5\n", '"x"\n', '{"heads": 3}\n', '{"heads": [[1]]}\n', "\x00\n")
    ):
        other = tmp_path / f"{number}.ndjson"
        other.write_text(nonsense)
        assert check(other)["faults"], nonsense
    words = ["audit", "verify", str(tmp_path / "missing")]
    done = CliRunner().invoke(command(words), words)
    assert (done.exit_code, "There is no file" in done.stderr) == (2, True)


def test_an_older_export_is_missed_against_a_noted_head(exported: Path, export: tuple[Kept, str]) -> None:
    with export[0].copy() as copy:
        copy.runs(lambda uow: roster.put_inmate(uow, "A4417KD", WEIR))
        newest = copy.verify()["heads"][0]
    told = check(exported, f"--head={newest}")
    assert [fault["chain"] for fault in told["faults"]] == [newest[:36]]
