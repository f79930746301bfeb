"""Where somebody listens, as each process says of the screens it tells."""

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from handover.store.tables import listening, processes

_L, _P = listening.c, processes.c


def tell(conn: Connection, process: str, now: datetime, changed: Mapping[tuple[str, str], str]) -> None:
    """A process says that it is there, and what is heard from now on in these units: establishment and unit, to ALL,
    CALLS or NOTHING."""
    if not conn.execute(sa.update(processes).where(_P.name == process).values(seen_at=now)).rowcount:
        conn.execute(sa.insert(processes), {"name": process, "seen_at": now})
    for (place, unit), hears in changed.items():
        own = _L.establishment == place, _L.unit == unit, _L.process == process
        if not conn.execute(sa.update(listening).where(*own).values(hears=hears, since=now)).rowcount:
            row = {"establishment": place, "unit": unit, "process": process, "hears": hears, "since": now}
            conn.execute(sa.insert(listening), row)


def said_by(conn: Connection, process: str) -> dict[tuple[str, str], str]:
    """What is kept of what a process said: establishment and unit, to ALL, CALLS or NOTHING."""
    query = sa.select(_L.establishment, _L.unit, _L.hears).where(_L.process == process)
    return {(place, unit): hears for place, unit, hears in conn.execute(query)}


def of(conn: Connection, place: str) -> list[RowMapping]:
    """What each process has said of the units of an establishment, and when it last said anything."""
    query = sa.select(_L.unit, _L.hears, _L.since, _P.seen_at).join(processes, _P.name == _L.process)
    return list(conn.execute(query.where(_L.establishment == place)).mappings())


def prune(conn: Connection, before: datetime, most: int) -> int:
    """Forgets processes that have said nothing since, and what they said before; answers how many."""
    gone = list(conn.execute(sa.select(_P.name).where(_P.seen_at < before).limit(most)).scalars())
    conn.execute(sa.delete(listening).where(_L.process.in_(gone)))
    conn.execute(sa.delete(processes).where(_P.name.in_(gone)))
    return len(gone)
