"""How a store finds what it is asked for: the plans of statements, and how much each of them looks at."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from handover.store.engine import Engines

STEP = 50
"""Steps of the embedded store's machine that are counted at a time."""


@dataclass(frozen=True)
class Looked:
    """What one statement does. `rows`: how many rows or entries of an index it looks at, roughly; `scans`: tables that
    it reads from end to end, as far as that is a matter of the statement and not of how much there is."""

    text: str
    plan: str
    rows: int
    scans: tuple[str, ...] = ()


@contextmanager
def watching(engines: Engines) -> Iterator[list[tuple[str, Any]]]:
    """The statements that readers run meanwhile, with their values."""
    told: list[tuple[str, Any]] = []

    def tell(_conn: Any, _cursor: Any, text: str, values: Any, *_more: Any) -> None:
        if text.lstrip().startswith(("SELECT", "WITH")):
            told.append((text, values))

    sa.event.listen(engines.read, "before_cursor_execute", tell)
    try:
        yield told
    finally:
        sa.event.remove(engines.read, "before_cursor_execute", tell)


def looked_at(engines: Engines, work: Callable[[Connection], object]) -> list[Looked]:
    """Does it, and then each of its statements again, to see what it takes."""
    with engines.read.connect() as conn, conn.begin():
        with watching(engines) as told:
            work(conn)
        look = _embedded if engines.embedded else _served
        return [look(conn, text, values) for text, values in told]


def _embedded(conn: Connection, text: str, values: Any) -> Looked:
    lines = [str(row[3]) for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values)]
    tables = {table for line in lines for table in re.findall(r"^SCAN (\w+)", line)}
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += STEP

    driver: Any = conn.connection.driver_connection
    driver.set_progress_handler(count, STEP)
    try:
        conn.exec_driver_sql(text, values).fetchall()
    finally:
        driver.set_progress_handler(None, 0)
    known = {name for (name,) in conn.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'")}
    # A row that is looked at and passed over takes some ten steps.
    return Looked(text, "\n".join(lines), steps // 10, tuple(sorted(tables & known)))


def _served(conn: Connection, text: str, values: Any) -> Looked:
    [[[plan]]] = [[row[0]] for row in conn.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {text}", values)]
    nodes = list(_nodes(plan["Plan"]))
    rows = sum(_rows(node) for node in nodes)
    told = "\n".join(f"{node['Node Type']} {node.get('Index Name') or node.get('Relation Name', '')}" for node in nodes)
    return Looked(text, told, rows)


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def _rows(node: dict[str, Any]) -> int:
    if "Scan" not in node["Node Type"] or "Subquery" in node["Node Type"]:
        return 0
    passed = ("Rows Removed by Filter", "Rows Removed by Index Recheck")
    return int((node["Actual Rows"] + sum(node.get(name, 0) for name in passed)) * node["Actual Loops"])
