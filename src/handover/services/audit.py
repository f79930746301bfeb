"""The access log: read by the auditor, exported, and verified line by line, from the store or from an export."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover.services.paging import Page, page, read_cursor
from handover.services.unit_of_work import UnitOfWork, as_json
from handover.store import accesslog
from handover.store.accesslog import FIELDS, GENESIS, Head

HASH = 64
"""Characters of a hash."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with the log, and where."""

    chain: str
    position: int
    what: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What a check found: faults in the order of the log, and the heads to note down and hold the next check
    against."""

    lines: int
    faults: tuple[Fault, ...]
    heads: tuple[Head, ...]


# --- Reading ---------------------------------------------------------------------------------------------------------


def find(uow: UnitOfWork, wanted: Mapping[str, str], since: datetime | None, cursor: str | None, limit: int) -> Page:
    """Lines about the auditor's establishments, newest first. Reading them leaves a line itself."""
    uow.doing(
        "access-log.list",
        establishment=wanted.get("establishment"),
        filter={**wanted, "since": since} if since else wanted,
    )
    who = uow.allow("access-log.read")
    before = read_cursor(cursor, datetime, str, int)
    rows = accesslog.find(uow.conn, who.establishments, dict(wanted), since, before, limit)
    details = [orjson.loads(row.detail) for row in rows]
    told = {
        number for row, detail in zip(rows, details, strict=True) if row.places for number in detail.get("people", ())
    }
    own = accesslog.held_in(uow.conn, told, who.establishments) if told else set()
    shown = [_shown(row, detail, own, who.establishments) for row, detail in zip(rows, details, strict=True)]
    keys = [(row.at, row.chain, row.position) for row in rows]
    found = page(list(zip(shown, keys, strict=True)), limit, lambda pair: pair[0], lambda pair: pair[1])
    uow.about(count=len(found.items))
    return found


def _shown(row: sa.Row[Any], detail: dict[str, Any], own: set[str], establishments: frozenset[str]) -> str:
    """A line as the auditor sees it: of what concerns several establishments, his or her own part."""
    fields = dict(row._mapping)
    places = (fields.pop("places") or "").split()
    del fields["request"]
    if places:
        if "people" in detail:
            detail["people"] = [number for number in detail["people"] if number in own]
        if isinstance(detail.get("sequences"), dict):
            detail["sequences"] = {k: v for k, v in detail["sequences"].items() if k in establishments}
    return as_json({**fields, "detail": detail})


def export(conn: Connection) -> Iterator[str]:
    """The whole log as lines of JSON, then a line with the heads: all that a check away from here needs."""
    for row in _rows(conn, accesslog.chains_with_lines(conn)):
        yield as_json(row)
    yield as_json({"heads": [[h.chain, h.position, h.hash] for h in accesslog.heads(conn)]})


def exported(uow: UnitOfWork) -> None:
    """Somebody exports the log: that is a reading, too."""
    uow.doing("access-log.export")


# --- Verifying -------------------------------------------------------------------------------------------------------


def verify_store(conn: Connection, noted: Sequence[Head] = ()) -> Verified:
    """Checks the log of a store. `noted` are heads written down after an earlier check."""
    return _verify(_rows(conn, accesslog.chains_with_lines(conn)), accesslog.heads(conn), noted)


def verify_export(text: Iterable[str], noted: Sequence[Head] = ()) -> Verified:
    """Checks an exported log, line by line, without a store."""
    heads: list[Head] = []
    unread: list[Fault] = []

    def rows() -> Iterator[dict[str, Any]]:
        for number, raw in enumerate(text, start=1):
            try:
                value = orjson.loads(raw)
                if "heads" in value:
                    heads[:] = [_head(h) for h in value["heads"]]
                else:
                    yield _read(value)
            except (KeyError, TypeError, ValueError):  # what orjson raises is a ValueError
                unread.append(Fault("", number, "this line of the export cannot be read"))

    found = _verify(rows(), heads, noted)
    if not heads:
        unread.append(Fault("", 0, "the export's last line, which names the heads, is missing"))
    return Verified(found.lines, (*unread, *found.faults), tuple(heads))


def told(fault: Fault) -> str:
    """A fault in words."""
    return f"chain {fault.chain or '-'}, line {fault.position}: {fault.what}"


def _rows(conn: Connection, chains: Iterable[str]) -> Iterator[dict[str, Any]]:
    return (dict(row._mapping) for chain in chains for row in accesslog.lines_of(conn, chain))


def _read(value: dict[str, Any]) -> dict[str, Any]:
    """A line of an export, sound enough to be checked."""
    row = {name: value[name] for name in ("chain", "position", *FIELDS, "hash")}
    row["at"] = datetime.fromisoformat(row["at"])
    texts = (row[name] for name in row if name not in ("position", "at"))
    if type(row["position"]) is not int or row["position"] < 1 or not all(isinstance(t, str | None) for t in texts):
        raise ValueError
    return row


def _head(value: Sequence[Any]) -> Head:
    chain, position, digest = value
    if not (isinstance(chain, str) and type(position) is int and isinstance(digest, str)):
        raise ValueError
    return Head(chain, position, digest)


@dataclass(slots=True)
class _Walk:
    """How far a chain has been followed. Of each line only its hash is kept, in 32 bytes: logs grow for years."""

    previous: str = GENESIS
    expected: int = 1
    hashes: bytearray = field(default_factory=bytearray)

    def hash_of(self, position: int) -> str:
        """The hash of a line passed; zeros where it was missing."""
        return self.hashes[(position - 1) * 32 : position * 32].hex()


def _verify(rows: Iterable[dict[str, Any]], heads: Sequence[Head], noted: Sequence[Head]) -> Verified:
    """Follows every chain line by line, then looks whether the ends are where the heads, later chains and the noted
    heads say. `heads` may fill while `rows` are read."""
    faults: list[Fault] = []
    witnessed: list[tuple[Head, str]] = []
    walks: dict[str, _Walk] = {}
    count = 0
    for row in rows:
        count += 1
        walk = walks.setdefault(row["chain"], _Walk())
        faults += _step(walk, row)
        if row["action"] == "chain.open":
            # A detail that cannot be read was changed, and has been reported above.
            with suppress(orjson.JSONDecodeError, KeyError, TypeError, ValueError):
                named = orjson.loads(row["detail"])["heads"]
                witnessed += [(_head(h), f"line {row['position']} of chain {row['chain']}") for h in named]
    known = {head.chain for head in heads}
    for chain in sorted(walks.keys() - known):
        faults.append(Fault(chain, walks[chain].expected - 1, "the chain has lines but its head is gone"))
    for head in heads:
        faults += _end(walks.get(head.chain) or _Walk(), head)
    for head, witness in (*witnessed, *((head, "the head you noted") for head in noted)):
        faults += _missing(walks.get(head.chain) or _Walk(), head, witness)
    ordered = sorted(dict.fromkeys(faults), key=lambda fault: (fault.chain, fault.position))
    return Verified(count, tuple(ordered), tuple(heads))


def _step(walk: _Walk, row: dict[str, Any]) -> list[Fault]:
    chain, found, wrong = row["chain"], row["position"], []
    if found < walk.expected:
        return [Fault(chain, found, "a second line in this place")]
    if found > walk.expected:
        last = found - 1
        lost = f"lines {walk.expected} to {last} are" if last > walk.expected else f"line {last} is"
        wrong.append(Fault(chain, walk.expected, f"{lost} missing"))
        walk.hashes += bytes((last - walk.expected + 1) * 32)
    # After a gap the chain is taken up again at the line's own word, so that one fault is reported once.
    elif accesslog.digest(walk.previous, chain, found, [row[name] for name in FIELDS]) != row["hash"]:
        wrong.append(Fault(chain, found, "this line was changed, or is not the one that was written here"))
    try:
        walk.hashes += bytes.fromhex(row["hash"]) if len(row["hash"]) == HASH else bytes(32)
    except ValueError:
        walk.hashes += bytes(32)
    walk.previous, walk.expected = row["hash"], found + 1
    return wrong


def _end(walk: _Walk, head: Head) -> list[Fault]:
    last = walk.expected - 1
    if head.position != last:
        return [
            Fault(
                head.chain,
                min(last, head.position) + 1,
                f"the chain ends at line {last}; its head says {head.position}",
            )
        ]
    if head.hash != walk.previous:
        return [Fault(head.chain, last, "the last line is not the one its head names")]
    return []


def _missing(walk: _Walk, head: Head, witness: str) -> list[Fault]:
    last = walk.expected - 1
    if last < head.position:
        return [Fault(head.chain, last + 1, f"the chain went on to line {head.position}; {witness} knew it")]
    if head.position and walk.hash_of(head.position) != head.hash:
        return [Fault(head.chain, head.position, f"this line is not the one that {witness} knew")]
    return []
