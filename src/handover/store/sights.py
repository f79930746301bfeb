"""What a reader may see, as SQL. The decision is made in `domain.access`; this only spells it."""

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from handover.domain.access import Sight


def visible(table: sa.Table, reader: str, seen: Sequence[Sight]) -> sa.ColumnElement[bool]:
    """The rows of `notes`, `needs` or `pages` that are in these sights, or that the reader wrote."""
    c = table.c
    classes = [
        sa.and_(c.establishment == sight.establishment, *terms) for sight in seen for terms in _terms(table, sight)
    ]
    return sa.or_(c.author == reader, *classes)


def visible_in(
    table: sa.Table, reader: str, seen: Sequence[Sight], place: str, unit: str | None
) -> sa.ColumnElement[bool]:
    """The same, of rows of one establishment, or of one unit of it. It does not name them: whoever asks does, to enter
    an index by them."""
    own = [sight for sight in seen if sight.establishment == place]
    return sa.or_(table.c.author == reader, *(sa.and_(*terms) for sight in own for terms in _terms(table, sight, unit)))


def _terms(table: sa.Table, sight: Sight, unit: str | None = None) -> Iterator[list[Any]]:
    c = table.c
    also = c.from_unit if "from_unit" in c else None  # a need whose person is on the way lies in two units
    terms: list[Any] = [c.handling == sight.handling]
    if sight.units is not None and unit not in sight.units:
        lies = [one.in_(sorted(sight.units)) for one in (c.unit if unit is None else None, also) if one is not None]
        if not lies:
            return
        terms.append(sa.or_(*lies))
    if sight.except_units:
        if unit in sight.except_units:
            return
        if unit is None:
            terms.append(c.unit.not_in(sorted(sight.except_units)))
        if also is not None:
            terms.append(sa.or_(also.is_(None), also.not_in(sorted(sight.except_units))))
    if sight.status is not None:
        if "status" not in c:
            return  # pages: what an auditor looks into besides is what was taken back, and no page is
        # A retracted note's needs are closed and empty: only the note itself is left to look into.
        terms.append(c.status == sight.status)
    yield terms
