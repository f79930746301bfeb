"""Code lists as kept: synced from what the release ships; retired, never deleted."""

from dataclasses import replace

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover.domain.codelists import CodeList, Entry
from handover.store.tables import code_lists, codes


def load(conn: Connection) -> tuple[CodeList, ...]:
    """Every list, by name, with its entries in order."""
    entries: dict[str, list[Entry]] = {}
    for row in conn.execute(sa.select(codes).order_by(codes.c.list, codes.c.place)).mappings():
        fields = {k: row[k] for k in ("code", "label", "anchor", "group", "forces", "version", "active")}
        entries.setdefault(row["list"], []).append(Entry(**fields, words=tuple(orjson.loads(row["words"]))))
    lists = conn.execute(sa.select(code_lists).order_by(code_lists.c.name)).mappings()
    return tuple(
        CodeList(row["name"], row["title"], row["version"], tuple(entries.get(row["name"], ()))) for row in lists
    )


def sync(conn: Connection, shipped: tuple[CodeList, ...]) -> None:
    """Brings newer shipped lists in; a list this store has in the same or a newer version is left alone. Codes no
    longer shipped are retired."""
    known = {one.name: one for one in load(conn)}
    for one in shipped:
        old = known.get(one.name)
        if old is not None and old.version >= one.version:
            continue
        conn.execute(sa.delete(code_lists).where(code_lists.c.name == one.name))
        conn.execute(sa.insert(code_lists), {"name": one.name, "title": one.title, "version": one.version})
        new = {entry.code for entry in one.entries}
        left_out = [] if old is None else [entry for entry in old.entries if entry.code not in new]
        retired = [replace(entry, active=False, version=one.version) if entry.active else entry for entry in left_out]
        conn.execute(sa.delete(codes).where(codes.c.list == one.name))
        for place, entry in enumerate((*one.entries, *retired)):
            row = {
                "list": one.name,
                "place": place,
                "words": orjson.dumps(entry.words).decode(),
                **{k: getattr(entry, k) for k in ("code", "label", "anchor", "group", "forces", "version", "active")},
            }
            conn.execute(sa.insert(codes), row)
