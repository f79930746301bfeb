"""The access log: append-only, hash-chained, one chain per writing process.

A line's hash covers the previous line's hash and all of its own columns, so that a changed, missing or swapped line
shows. A chain's head is kept beside it, so that a missing end shows too. Each new chain begins with the heads of the
others, so that a chain removed whole is missed by its successors. No chain is written by two processes: nobody waits
for anybody.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from operator import le
from sys import maxsize
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover.store.quick import Quick
from handover.store.rows import write
from handover.store.tables import access_chains, access_lines, inmates
from handover.store.types import whatever_is_kept
from handover.store.walks import beyond

GENESIS = "0" * 64


class Line(NamedTuple):
    """Who did what, as known when it happened; the chain adds place and hash."""

    at: datetime
    actor: str | None
    actor_role: str | None
    action: str
    outcome: str
    establishment: str | None
    unit: str | None
    subject: str | None
    detail: str
    address: str | None
    request: str | None
    places: str | None = None


FIELDS = Line._fields
NAMES = ("chain", "position", *FIELDS, "hash")
_HEAD = access_chains.c
_OWN = (_HEAD.chain == sa.bindparam("of"), _HEAD.position == sa.bindparam("was"), _HEAD.hash == sa.bindparam("before"))
_MOVE_ON = Quick(sa.update(access_chains).where(*_OWN).values(position=sa.bindparam("to"), hash=sa.bindparam("now")))
_AGAIN = sa.select(*(access_lines.c[name] for name in NAMES)).where(
    access_lines.c.chain == sa.bindparam("of"), access_lines.c.position == sa.bindparam("to")
)
_MOVED = (_HEAD.chain == sa.bindparam("of"), _HEAD.position == sa.bindparam("to"), _HEAD.hash == sa.bindparam("now"))
_UNLESS_MOVED = Quick(sa.insert(access_lines).from_select(NAMES, _AGAIN.where(~sa.exists().where(*_MOVED))))
"""Writes the newest line a second time, which no store allows, unless the chain was moved on."""
COLUMNS = [access_lines.c[name] for name in NAMES]
_AT = access_lines.c.at
_SANE = _AT.between(datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))
_KEPT = [sa.case((_SANE, sa.type_coerce(_AT, sa.types.NULLTYPE))).label("at") if c is _AT else c for c in COLUMNS]
"""The columns without our reading of a time, and without a time at which a driver would stop."""
_KEY = (_AT, access_lines.c.chain, access_lines.c.position)
Key = tuple[datetime, str, int]
"""Where a line stands in the order of a list."""
AT_MOST = 20_000
"""Lines that are looked at for one page."""
_LENGTHS = [getattr(access_lines.c[name].type, "length", None) or maxsize for name in FIELDS]
LONGEST = 32_768
"""Characters kept of one thing in a line's detail: the longest cursor there can be fits."""


def digest(previous: str, chain: str, position: int, values: Sequence[Any]) -> str:
    """SHA-256 over the previous hash and this line: chain, position and columns (`FIELDS`) as one JSON array, its time
    in UTC."""
    at, *others = values
    told = at.astimezone(UTC).isoformat(timespec="microseconds") if isinstance(at, datetime) else at
    return sha256(previous.encode() + orjson.dumps([chain, position, told, *others])).hexdigest()


def canonical(detail: dict[str, Any]) -> str:
    """A line's detail as kept and hashed: one spelling for one content."""
    cut = {name: _storable(value)[:LONGEST] if isinstance(value, str) else value for name, value in detail.items()}
    return orjson.dumps(cut, option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z).decode()


def _fitting(line: Line) -> Sequence[Any]:
    """A line's values as any store takes them. What a stranger sent (a user name of a thousand letters, a NUL) is cut
    and cleaned: a line that cannot be written would take the transaction with it, and with it other people's notes."""
    _, *texts = line
    whole = "".join(filter(None, texts))
    # In one go, as nearly every line is fit as it is; None counts as a short word.
    if whole.isascii() and "\x00" not in whole and all(map(le, map(len, map(str, texts)), _LENGTHS[1:])):
        return line
    return [
        _storable(value)[:length] if isinstance(value, str) else value
        for value, length in zip(line, _LENGTHS, strict=True)
    ]


def _storable(text: str) -> str:
    if text.isascii() and "\x00" not in text:
        return text
    return text.encode(errors="replace").decode().replace("\x00", "\ufffd")


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain."""

    chain: str
    position: int
    hash: str


def open_chain(conn: Connection, chain: str, first: Line) -> Head:
    """Begins a chain with a line that names the heads of the others, newest chains first."""
    conn.execute(sa.insert(access_chains), {"chain": chain, "position": 0, "hash": GENESIS})
    return append(conn, Head(chain, 0, GENESIS), [first])


def heads(conn: Connection, most: int | None = None) -> list[Head]:
    """The end of every chain (of the newest `most`), newest chain first."""
    query = sa.select(access_chains.c.chain, access_chains.c.position, access_chains.c.hash)
    return [Head(*row) for row in conn.execute(query.order_by(access_chains.c.chain.desc()).limit(most))]


Row = tuple[Any, ...]


def chained(head: Head, lines: Iterable[Line]) -> tuple[Head, list[Row]]:
    """Lines as rows (their columns: `NAMES`) at the end of a chain, and its new end."""
    rows: list[Row] = []
    position, previous = head.position, head.hash
    for line in lines:
        position += 1
        values = _fitting(line)
        previous = digest(previous, head.chain, position, values)
        rows.append((head.chain, position, *values, previous))
    return Head(head.chain, position, previous), rows


def move_on(conn: Connection, was: Head, head: Head) -> None:
    """Notes where a chain ends now that its new lines are written. Where it did not end where it `was`, the store was
    set back under this process: the database refuses, as it does where a key was taken by somebody else, so that
    nothing is committed that does not go on from what is there. On the way to a server nobody waits for what a
    statement did, and the COMMIT goes along."""
    now = {"of": head.chain, "to": head.position, "now": head.hash}
    moved = _MOVE_ON(conn, {**now, "was": was.position, "before": was.hash})
    if moved.rowcount != 1:
        _UNLESS_MOVED(conn, now)


def stands(conn: Connection, head: Head) -> bool:
    """Whether a chain still ends where this process left it."""
    query = sa.select(_HEAD.position, _HEAD.hash).where(_HEAD.chain == head.chain)
    return [tuple(row) for row in conn.execute(query)] == [(head.position, head.hash)]


def append(conn: Connection, head: Head, lines: Iterable[Line]) -> Head:
    """Adds lines to the end of a chain and answers the new end."""
    end, rows = chained(head, lines)
    write(conn, [(access_lines, NAMES, rows)])
    move_on(conn, head, end)
    return end


def lines_as_kept(conn: Connection) -> Iterator[dict[str, Any]]:
    """Every line, chain after chain, each in its order. Where somebody tampered with the store, anything may be in any
    column."""
    query = sa.select(*_KEPT).order_by(access_lines.c.chain, access_lines.c.position)
    with whatever_is_kept(conn):
        for row in conn.execute(query.execution_options(yield_per=1000)):
            yield dict(row._mapping)


def heads_as_kept(conn: Connection) -> list[tuple[Any, ...]]:
    """The end of every chain, newest chain first; anything may be in it, too."""
    with whatever_is_kept(conn):
        return [(head.chain, head.position, head.hash) for head in heads(conn)]


def reach(conn: Connection, since: datetime | None, before: Key | None) -> Key | None:
    """The line up to which one page looks; None where it looks to the end. The log is never pruned and picked from as
    it is passed, for an index of each thing it is picked by would be paid for by every line: a name that is seldom in
    it would be looked for through all the years at once."""
    walk = _between(sa.select(*_KEY), since, before)
    found = conn.execute(_newest(walk).offset(AT_MOST - 1).limit(1)).first()
    return None if found is None else tuple(found)


def find(
    conn: Connection,
    establishments: Iterable[str],
    wanted: dict[str, str],
    since: datetime | None,
    before: Key | None,
    until: Key | None,
    limit: int,
) -> list[sa.Row[Any]]:
    """Lines that concern these establishments, newest first, one more than asked to tell whether there are more;
    `until`: no further than to this one. `wanted` may name columns, and `person`: somebody the line was about, or who
    was on the list that was read."""
    a = access_lines.c
    wanted = dict(wanted)
    establishment, person = wanted.pop("establishment", None), wanted.pop("person", None)
    own = sorted(establishments) if establishment is None else sorted({establishment} & set(establishments))
    # What is nobody's in particular (a start of the server, a wrong password) is for every auditor.
    concerns = [a.establishment.in_(own), *(a.places.contains(f" {place} ", autoescape=True) for place in own)]
    if establishment is None:
        concerns.append(a.establishment.is_(None) & a.places.is_(None))
    query = sa.select(*COLUMNS).where(sa.or_(*concerns))
    for name, value in wanted.items():
        query = query.where(a[name] == value)
    if person is not None:
        query = query.where(sa.or_(a.subject == person, a.detail.contains(f'"{person}"', autoescape=True)))
    if until is not None:
        query = query.where(a.at >= until[0], ~beyond(_KEY, until))
    return list(conn.execute(_newest(_between(query, since, before)).limit(limit + 1)))


def _between(query: sa.Select[Any], since: datetime | None, before: Key | None) -> sa.Select[Any]:
    at = access_lines.c.at
    if since is not None:
        query = query.where(at >= since)
    return query if before is None else query.where(at <= before[0], beyond(_KEY, before))


def _newest(query: sa.Select[Any]) -> sa.Select[Any]:
    return query.order_by(*(column.desc() for column in _KEY))


def held_in(conn: Connection, numbers: Iterable[str], establishments: Iterable[str]) -> set[str]:
    """Which of these people are in these establishments now."""
    c = inmates.c
    query = sa.select(c.number).where(c.number.in_(sorted(numbers)), c.establishment.in_(sorted(establishments)))
    return set(conn.execute(query).scalars())


def giving(conn: Connection, place: str, unit: str, at: datetime, hash_: str) -> sa.Row[Any] | None:
    """The line that tells that a sheet with this hash was given out at that moment."""
    a = access_lines.c
    query = sa.select(*COLUMNS).where(
        a.establishment == place, a.at == at, a.unit == unit, a.detail.contains(f'"hash":"{hash_}"', autoescape=True)
    )
    return conn.execute(query.order_by(a.chain, a.position).limit(1)).first()
