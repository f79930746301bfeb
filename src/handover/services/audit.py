"""The access log: read by the auditor, exported, and verified line by line, from the store or from an export."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy.engine import Connection

from handover.services.paging import Page, page, read_cursor
from handover.services.unit_of_work import UnitOfWork, as_json
from handover.store import accesslog
from handover.store.accesslog import GENESIS, Head


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


def find(
    uow: UnitOfWork,
    establishment: str | None,
    actor: str | None,
    action: str | None,
    subject: str | None,
    since: datetime | None,
    cursor: str | None,
    limit: int,
) -> Page:
    """Lines about the auditor's establishments, newest first. Reading them leaves a line itself."""
    wanted = {
        k: v
        for k, v in {"establishment": establishment, "actor": actor, "action": action, "subject": subject}.items()
        if v
    }
    uow.doing("access-log.list", establishment=establishment, filter=wanted)
    who = uow.allow("access-log.read")
    before = read_cursor(cursor, datetime, str, int)
    rows = accesslog.find(uow.conn, who.establishments, wanted, since, before, limit)
    found = page(rows, limit, _shown, lambda row: (row.at, row.chain, row.position))
    uow.about(count=len(found.items))
    return found


def _shown(row: Any) -> str:
    fields = dict(row._mapping)
    del fields["request"]
    return as_json({**fields, "detail": orjson.Fragment(row.detail)})


def export(conn: Connection) -> Iterator[str]:
    """The whole log as lines of JSON, then a line with the heads: all that a check away from here needs."""
    for chain in accesslog.chains_with_lines(conn):
        for row in accesslog.lines_of(conn, chain):
            yield as_json(dict(row._mapping))
    yield as_json({"heads": [[h.chain, h.position, h.hash] for h in accesslog.heads(conn)]})


def verify_store(conn: Connection, noted: Sequence[Head] = ()) -> Verified:
    """Checks the log of a store. `noted` are heads written down after an earlier check."""
    heads = accesslog.heads(conn)
    chains = sorted({*accesslog.chains_with_lines(conn), *(h.chain for h in heads)})
    return _verify(
        ((chain, (dict(r._mapping) for r in accesslog.lines_of(conn, chain))) for chain in chains), heads, noted
    )


def verify_export(text: Iterable[str], noted: Sequence[Head] = ()) -> Verified:
    """Checks an exported log, line by line, without a store."""
    lines: dict[str, list[dict[str, Any]]] = {}
    heads: list[Head] = []
    unread: list[Fault] = []
    for number, raw in enumerate(text, start=1):
        try:
            value = orjson.loads(raw)
            if "heads" in value:
                heads = [Head(*h) for h in value["heads"]]
            else:
                value["at"] = datetime.fromisoformat(value["at"])
                lines.setdefault(value["chain"], []).append(value)
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            unread.append(Fault("", number, "this line of the export cannot be read"))
    if not heads:
        unread.append(Fault("", 0, "the export's last line, which names the heads, is missing"))
    chains = sorted({*lines, *(h.chain for h in heads)})
    found = _verify(((chain, iter(lines.get(chain, ()))) for chain in chains), heads, noted)
    return Verified(found.lines, (*unread, *found.faults), found.heads)


def _verify(
    chains: Iterable[tuple[str, Iterator[dict[str, Any]]]], heads: Sequence[Head], noted: Sequence[Head]
) -> Verified:
    faults: list[Fault] = []
    named: list[tuple[str, int, list[Any]]] = []
    hashes: dict[str, list[str]] = {}
    count = 0
    ends = {h.chain: h for h in heads}
    for chain, rows in chains:
        previous, expected = GENESIS, 1
        seen = hashes.setdefault(chain, [])
        for row in rows:
            count += 1
            found = row["position"]
            if found != expected:
                what = (
                    f"lines {expected} to {found - 1} are missing"
                    if found > expected
                    else "this line is out of its place"
                )
                faults.append(Fault(chain, expected, what))
            values = [row[name] for name in accesslog.FIELDS]
            # After a gap the chain is taken up again at the line's own word, so that one fault is reported once.
            if found == expected and accesslog.digest(previous, chain, found, values) != row["hash"]:
                faults.append(Fault(chain, found, "this line was changed, or is not the one that was written here"))
            if row["action"] == "chain.open":
                named += [(chain, found, head) for head in orjson.loads(row["detail"])["heads"]]
            seen += [""] * (found - 1 - len(seen)) + [row["hash"]]
            previous, expected = row["hash"], found + 1
        end = ends.get(chain)
        if end is None:
            faults.append(Fault(chain, expected - 1, "the chain has lines but its head is gone"))
        elif end.position != expected - 1:
            faults.append(
                Fault(chain, expected, f"the chain ends at line {expected - 1}; its head says {end.position}")
            )
        elif end.hash != previous:
            faults.append(Fault(chain, end.position, "the last line is not the one its head names"))
    for chain, position, (other, length, digest) in named:
        faults += _missing(hashes, Head(other, length, digest), f"line {position} of {chain}")
    for head in noted:
        faults += _missing(hashes, head, "the head you noted")
    return Verified(count, tuple(dict.fromkeys(faults)), tuple(heads))


def _missing(hashes: dict[str, list[str]], head: Head, witness: str) -> list[Fault]:
    kept = hashes.get(head.chain, [])
    if len(kept) < head.position:
        return [Fault(head.chain, len(kept) + 1, f"lines up to {head.position} are missing; {witness} knew them")]
    if head.position and kept[head.position - 1] != head.hash:
        return [Fault(head.chain, head.position, f"this line is not the one that {witness} knew")]
    return []


def told(fault: Fault) -> str:
    """A fault in words."""
    return f"chain {fault.chain or '-'}, line {fault.position}: {fault.what}"


def exported(uow: UnitOfWork) -> None:
    """Somebody exports the log: that is a reading, too."""
    uow.doing("access-log.export")
