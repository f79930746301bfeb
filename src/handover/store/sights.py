"""What a reader may see, as SQL. The decision is made in `domain.access`; this only spells it."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from handover.domain.access import Sight


def visible(table: sa.Table, reader: str, seen: Sequence[Sight]) -> sa.ColumnElement[bool]:
    """The rows of `notes`, `needs` or `pages` that are in these sights, or that the reader wrote."""
    c = table.c
    classes: list[Any] = [c.author == reader]
    for sight in seen:
        terms = [c.establishment == sight.establishment, c.handling == sight.handling]
        if sight.units is not None:
            terms.append(c.unit.in_(sorted(sight.units)))
        if sight.except_units:
            terms.append(c.unit.not_in(sorted(sight.except_units)))
        if sight.status is not None:
            if "status" not in c:
                continue  # pages: what an auditor looks into besides is what was taken back, and no page is
            # A retracted note's needs are closed and empty: only the note itself is left to look into.
            terms.append(c.status == sight.status)
        classes.append(sa.and_(*terms))
    return sa.or_(*classes)
