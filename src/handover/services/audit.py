"""The access log: read by the auditor, exported, and verified line by line, from the store or from an export."""

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from operator import itemgetter
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover.services.paging import Page, page, read_cursor
from handover.services.paging import cursor as cursor_at
from handover.services.unit_of_work import UnitOfWork, as_json
from handover.store import accesslog
from handover.store.accesslog import FIELDS, GENESIS, Head

_NAMES = ("chain", "action", "outcome", "detail", "hash")
"""What no line is without."""
_HASH = re.compile("[0-9a-f]{64}")
_BYTES = 32
"""Of a hash."""


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
    """Lines about the auditor's establishments, newest first. Reading them leaves a line itself. One page looks at so
    many lines and no more: it may have few items, or none, and a cursor to look on from."""
    uow.doing(
        "access-log.list",
        establishment=wanted.get("establishment"),
        filter={**wanted, "since": since} if since else wanted,
    )
    who = uow.allow("access-log.read")
    before = read_cursor(cursor, datetime, str, int)
    until = accesslog.reach(uow.conn, since, before)
    rows = accesslog.find(uow.conn, who.establishments, dict(wanted), since, before, until, limit)
    details = [orjson.loads(row.detail) for row in rows]
    told = {
        number for row, detail in zip(rows, details, strict=True) if row.places for number in detail.get("people", ())
    }
    own = accesslog.held_in(uow.conn, told, who.establishments) if told else set()
    shown = [_shown(row, detail, own, who.establishments) for row, detail in zip(rows, details, strict=True)]
    keys = [(row.at, row.chain, row.position) for row in rows]
    found = page(list(zip(shown, keys, strict=True)), limit, lambda pair: pair[0], lambda pair: pair[1])
    uow.about(count=len(found.items))
    return replace(found, next=cursor_at(*until)) if found.next is None and until is not None else found


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
    for row in accesslog.lines_as_kept(conn):
        yield _as_line(row)
    yield _as_line({"heads": accesslog.heads_as_kept(conn)})


def _as_line(row: dict[str, Any]) -> str:
    try:
        return as_json(row)
    except TypeError:  # somebody put there what was never written: a check will say so
        return json.dumps(row, default=str).encode(errors="replace").decode()


def exported(uow: UnitOfWork) -> None:
    """Somebody exports the log: that is a reading, too."""
    uow.doing("access-log.export")


# --- Verifying -------------------------------------------------------------------------------------------------------


def verify_store(conn: Connection, noted: Sequence[Head] = ()) -> Verified:
    """Checks the log of a store. `noted` are heads written down after an earlier check."""
    heads: list[Head] = []
    unread: list[Fault] = []
    for chain, position, digest in accesslog.heads_as_kept(conn):
        try:
            heads.append(_head((chain, position, digest)))
        except ValueError:
            unread.append(Fault(_shown_chain(chain), 0, "the head of this chain cannot be read"))
    found = _verify(accesslog.lines_as_kept(conn), heads, noted)
    return Verified(found.lines, (*unread, *found.faults), found.heads)


def verify_export(text: Iterable[str], noted: Sequence[Head]) -> Verified:
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


def _read(value: dict[str, Any]) -> dict[str, Any]:
    """A line of an export, sound enough to be checked."""
    row = {name: value[name] for name in accesslog.NAMES}
    row["at"] = datetime.fromisoformat(row["at"])
    if not _placed(row):
        raise ValueError
    return row


def _head(value: Sequence[Any]) -> Head:
    chain, position, digest = value
    if not (chain == _shown_chain(chain) and type(position) is int and position >= 0 and isinstance(digest, str)):
        raise ValueError
    return Head(chain, position, digest)


def _placed(row: dict[str, Any]) -> bool:
    """Whether a line is in a place that there can be."""
    return row["chain"] == _shown_chain(row["chain"]) and type(row["position"]) is int and row["position"] > 0


def _shown_chain(chain: Any) -> str:
    """A chain's name, to be shown; nothing where it is none."""
    return chain if isinstance(chain, str) and chain.isprintable() else ""


def _told_hash(row: dict[str, Any], previous: str) -> str | None:
    """The hash this line must have; None where there is something in it that was never written."""
    if not all(isinstance(row[name], str) for name in _NAMES):
        return None
    at, *others = (row[name] for name in FIELDS)
    if isinstance(at, str):  # as the embedded store keeps a time; the hash is over its other spelling
        at = f"{at.removesuffix('Z')}+00:00"
    try:
        return accesslog.digest(previous, row["chain"], row["position"], [at, *others])
    except (TypeError, ValueError, OverflowError):
        return None


@dataclass(slots=True)
class _Walk:
    """How far a chain has been followed. Of each line only its hash is kept, in 32 bytes: logs grow for years. `runs`
    says where lines follow each other without a gap: from which place, and how many lines there were before."""

    previous: str = GENESIS
    expected: int = 1
    hashes: bytearray = field(default_factory=bytearray)
    runs: list[tuple[int, int]] = field(default_factory=lambda: [(1, 0)])

    @property
    def passed(self) -> int:
        """How many lines were there."""
        return len(self.hashes) // _BYTES

    def hash_of(self, position: int) -> str:
        """The hash of a line passed; nothing where it was missing."""
        run = bisect_right(self.runs, position, key=itemgetter(0))
        first, before = self.runs[run - 1]
        line = before + position - first
        ends = self.runs[run][1] if run < len(self.runs) else self.passed
        return self.hashes[line * _BYTES : (line + 1) * _BYTES].hex() if line < ends else ""


def _verify(rows: Iterable[dict[str, Any]], heads: Sequence[Head], noted: Sequence[Head]) -> Verified:
    """Follows every chain line by line, then looks whether the ends are where the heads, later chains and the noted
    heads say. `heads` may fill while `rows` are read."""
    faults: list[Fault] = []
    witnessed: list[tuple[Head, str]] = []
    walks: dict[str, _Walk] = {}
    count = 0
    for row in rows:
        count += 1
        if not _placed(row):
            faults.append(
                Fault(
                    _shown_chain(row["chain"]),
                    0,
                    f"a line is in the place {row['position']!r:.80}, which there cannot be",
                )
            )
            continue
        walk = walks.setdefault(row["chain"], _Walk())
        faults += _step(walk, row)
        if row["action"] == "chain.open":
            # A detail that cannot be read was changed, and has been reported above.
            with suppress(KeyError, TypeError, ValueError):  # what orjson raises is a ValueError
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
    follows, last = found == walk.expected, found - 1
    if not follows:
        lost = f"lines {walk.expected} to {last} are missing, {found - walk.expected:,} in all"
        wrong.append(Fault(chain, walk.expected, lost if last > walk.expected else f"line {last} is missing"))
        walk.runs.append((found, walk.passed))
    due = _told_hash(row, walk.previous)
    # After a gap the chain is taken up again at the line's own word, so that one fault is reported once.
    if due is None or (follows and due != row["hash"]):
        wrong.append(Fault(chain, found, "this line was changed, or is not the one that was written here"))
    sound = isinstance(row["hash"], str) and _HASH.fullmatch(row["hash"])
    walk.hashes += bytes.fromhex(row["hash"]) if sound else bytes(_BYTES)
    walk.previous, walk.expected = row["hash"] if sound else "", found + 1
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
