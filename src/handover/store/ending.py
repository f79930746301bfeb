"""The end of the writer's transaction: what gathered goes into its tables, the access log's chain is moved on, events
are numbered, other processes are rung. A server gets all of it as one statement, where it is about one establishment:
each costs there and here as much as writing ten rows. The plain way, a statement for each, comes to the same; the
embedded store, and what is about several establishments, go by it."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy.engine import Connection

from handover.store import accesslog, eventlog
from handover.store.accesslog import Head
from handover.store.engine import CHANNEL, as_json, ringing, run, unfolded
from handover.store.eventlog import Appended, Event
from handover.store.roster import STILL, as_values
from handover.store.rows import New, bound, write
from handover.store.tables import access_chains, event_heads, events

Chain = tuple[Head, Head]
"""Where a chain ended, and where it ends now."""
Homes = Sequence[Mapping[str, Any]]
"""Where people are taken to be, as `roster.housed` found them."""
AS_SUPPOSED = f"1 / ((SELECT count(*) FROM ({STILL}) still) = %s)::int > 0"  # noqa: S608 - no values in it
"""Refused, as is a chain that is not as it was left, where somebody is not as supposed. Asked with `_supposing`."""


def end(
    conn: Connection,
    new: Sequence[New],
    chain: Chain | None,
    told: Sequence[Event],
    bell: str | None,
    homes: Homes = (),
) -> Appended:
    """Writes it all; answers what the events are to be `numbered` of. `bell`: who rings, if there is news. `homes`:
    what was decided on from memory; where it is not so, all is refused."""
    logs = eventlog.by_place(told)
    rings = None if bell is None else ringing(conn.dialect, bell)
    if bell is not None and rings is not None and chain is not None and len(logs) == 1:
        return _at_once(conn, new, chain, logs, bell, homes)
    suppose(conn, homes)
    if new:
        write(conn, new)
    if chain is not None:
        accesslog.move_on(conn, *chain)
    appended = eventlog.append(conn, logs)
    if rings is not None:
        run(conn, rings)
    return appended


def suppose(conn: Connection, homes: Homes) -> None:
    """Has everything refused where somebody is not where he or she is taken to be."""
    if homes:
        run(conn, f"SELECT {AS_SUPPOSED}", _supposing(homes))


def _supposing(homes: Homes) -> tuple[str, int]:
    return as_values(homes), len(homes)


def _at_once(
    conn: Connection, new: Sequence[New], chain: Chain, logs: dict[str, list[Event]], bell: str, homes: Homes
) -> Appended:
    [(place, told)] = logs.items()
    *writings, counted = bound(conn.dialect, [*new, (events, Event._fields, eventlog.rows(logs))])
    *rows, told_rows = [as_json(columns, rows) for _, columns, rows in (*writings, counted)]
    was, now = chain
    moved = now.position, now.hash, was.chain, was.position, was.hash
    text = _text(tuple((table, columns) for table, columns, _ in writings), bool(homes))
    supposing = _supposing(homes) if homes else ()
    return [(run(conn, text, (*rows, *moved, len(told), place, *supposing, told_rows, bell)), told)]


@lru_cache(maxsize=256)
def _text(shapes: tuple[tuple[str, tuple[str, ...]], ...], supposes: bool) -> str:
    """Where the chain is not as this process left it, the server is to divide by nought, and refuses all of it. Events
    are numbered from the counter as it is moved here, which waits for whoever else moves it. It is moved when the rows
    are in and everybody is as supposed, so that nobody who has it waits for another; only foreign keys are looked up
    after that."""
    parts: list[str] = []
    written: list[str] = []
    for table, columns in shapes:
        names, values, source = unfolded(table, columns)
        insert = f"INSERT INTO {table} ({names}) SELECT {', '.join(values)} FROM {source} RETURNING 1"  # noqa: S608 - names of our own tables
        written.append(f"(SELECT count(*) FROM part{len(parts)}) > 0")  # noqa: S608 - the same
        parts.append(f"part{len(parts)} AS ({insert})")
    before = [*written, AS_SUPPOSED] if supposes else written
    names, values, source = unfolded(events.name, Event._fields)
    heads, log, sequence = event_heads.name, events.name, values.pop()
    return f"""WITH {", ".join(parts)}, chain AS (
        UPDATE {access_chains.name} SET position = %s, hash = %s WHERE chain = %s AND position = %s AND hash = %s
        RETURNING 1
    ), moved AS (
        UPDATE {heads} head SET sequence = head.sequence + %s WHERE head.establishment = %s AND {" AND ".join(before)}
        RETURNING head.sequence, (
            SELECT id FROM {log} last WHERE last.establishment = head.establishment ORDER BY last.sequence DESC LIMIT 1
        ) AS before
    ), told AS (
        INSERT INTO {log} ({names}) SELECT {", ".join(values)}, moved.sequence + {sequence} FROM {source}, moved
    )
    SELECT moved.sequence, moved.before, 1 / (SELECT count(*) FROM chain), pg_notify('{CHANNEL}', %s) FROM moved"""  # noqa: S608 - the same
