"""Rows held until the end of the transaction, against other processes. One process has one writer and needs none of
this; where the store knows no row locks, it lets one transaction write at a time.

Whoever holds several takes them in this order: notes (the last first), people, units, needs, handovers, pages, timers,
and the heads of logs at the very end. (A timer that goes off is held before all: nobody else asks for that one.) Two
processes that went opposite ways would wait for each other, and with them all who write there, for the second after
which a server finds that out."""

from collections.abc import Sequence
from typing import Any, Literal, TypeVar

import sqlalchemy as sa

Hold = Literal["still", "mine"]
"""`still`: nobody may change the row meanwhile; several may hold it so. `mine`: it is read to be changed."""
Q = TypeVar("Q", bound=sa.Select[Any])


def held(query: Q, hold: Hold | None, of: sa.Table | Sequence[sa.Table] | None = None) -> Q:
    """The query, waiting for whoever changes these rows (those `of` one table, where it joins several), and holding
    them then."""
    return query if hold is None else query.with_for_update(read=hold == "still", of=of)


def each_way(query: Q) -> dict[Hold | None, Q]:
    """A query built once for each way to hold what it finds."""
    return {None: query, "still": held(query, "still"), "mine": held(query, "mine")}
