"""Establishments, units, people, moves and merges."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from handover.languages import folded
from handover.store.engine import as_json, found, one_trip
from handover.store.locks import Hold, each_way, held
from handover.store.quick import Quick
from handover.store.tables import establishments, inmates, merges, moves, units

_I, _E, _U = inmates.c, establishments.c, units.c
# Built once: putting a statement together costs more than running it.
_ESTABLISHMENT = each_way(sa.select(establishments).where(_E.code == sa.bindparam("code")))
_UNIT = each_way(sa.select(units).where(_U.establishment == sa.bindparam("place"), _U.code == sa.bindparam("code")))
_INMATE = each_way(sa.select(inmates).where(_I.number == sa.bindparam("number")))
_HOME = (_I.number, _I.establishment, _I.unit, _E.timezone, _E.shifts, _U.stretch)


@lru_cache(maxsize=16)
def _housed(many: int) -> Quick:
    query = (
        sa.select(*_HOME)
        .join(establishments, _E.code == _I.establishment)
        .join(units, sa.and_(_U.establishment == _I.establishment, _U.code == _I.unit))
        .where(_I.number.in_([sa.bindparam(f"n{i}") for i in range(many)]), _I.merged_into.is_(None))
        .order_by(_I.number)  # held in one order, lest two processes wait for each other
    )
    return Quick(held(query, "still", of=(inmates, units)))


def housed(conn: Connection, numbers: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """Where people are, by number, with the clock and the shifts of that place; without those unknown or merged away.
    They are neither moved nor merged, nor their unit handed over, until the transaction ends."""
    # As many places as a power of two, the last number repeated: few different statements, each prepared once.
    many = 1 << (len(numbers) - 1).bit_length()
    values = {f"n{i}": numbers[min(i, len(numbers) - 1)] for i in range(many)}
    with one_trip(conn):  # with the transaction's own beginning
        cursor = _housed(many)(conn, values)
    names = [column.name for column in _HOME]
    return {row[0]: dict(zip(names, row, strict=True)) for row in found(conn, cursor)}


STILL = """SELECT 1 FROM json_to_recordset(%s::json)
        AS home(number text, establishment text, unit text, timezone text, shifts text, stretch int)
    CROSS JOIN LATERAL (
        SELECT establishment, unit, merged_into FROM inmates WHERE number = home.number LIMIT 1 FOR SHARE) person
    CROSS JOIN LATERAL (
        SELECT stretch FROM units WHERE establishment = home.establishment AND code = home.unit LIMIT 1 FOR SHARE) wing
    CROSS JOIN LATERAL (
        SELECT timezone, shifts FROM establishments WHERE code = home.establishment LIMIT 1) place
    WHERE person.merged_into IS NULL AND person.establishment = home.establishment AND person.unit = home.unit
        AND wing.stretch = home.stretch AND place.timezone = home.timezone AND place.shifts = home.shifts"""
"""A row for each of these homes (`as_values`) that is still as `housed` found it, held as there; on a server. Each is
looked up by its key: the server thinks there are a hundred, and would rather read everybody there is."""


def as_values(homes: Iterable[Mapping[str, Any]]) -> str:
    """What `STILL` is asked with."""
    names = [column.name for column in _HOME]
    return as_json(names, [[home[name] for name in names] for home in homes])


def establishment(conn: Connection, code: str, hold: Hold | None = None) -> RowMapping | None:
    """One establishment."""
    return conn.execute(_ESTABLISHMENT[hold], {"code": code}).mappings().first()


def establishments_of(conn: Connection, codes: Iterable[str]) -> list[RowMapping]:
    """Those of these establishments that are set up, by code."""
    query = sa.select(establishments).where(establishments.c.code.in_(sorted(codes))).order_by(establishments.c.code)
    return list(conn.execute(query).mappings())


def put_establishment(conn: Connection, row: dict[str, Any], new: bool) -> None:
    """Writes an establishment."""
    if new:
        conn.execute(sa.insert(establishments), row)
    else:
        conn.execute(sa.update(establishments).where(establishments.c.code == row["code"]).values(**row))


def unit(conn: Connection, place: str, code: str, hold: Hold | None = None) -> RowMapping | None:
    """One unit."""
    return conn.execute(_UNIT[hold], {"place": place, "code": code}).mappings().first()


def units_of(conn: Connection, place: str) -> list[RowMapping]:
    """The units of an establishment, by code."""
    query = sa.select(units).where(units.c.establishment == place).order_by(units.c.code)
    return list(conn.execute(query).mappings())


def put_unit(conn: Connection, row: dict[str, Any], new: bool) -> None:
    """Writes a unit."""
    if new:
        conn.execute(sa.insert(units), row)
    else:
        where = (units.c.establishment == row["establishment"], units.c.code == row["code"])
        conn.execute(sa.update(units).where(*where).values(**row))


def inmate(conn: Connection, number: str, hold: Hold | None = None) -> RowMapping | None:
    """One person, whoever asks: the caller of this judges who may see him or her."""
    return conn.execute(_INMATE[hold], {"number": number}).mappings().first()


def put_inmate(conn: Connection, row: dict[str, Any], new: bool) -> None:
    """Writes a person, to be found by any number he or she ever had."""
    before = [] if new else previous_numbers(conn, [row["number"]]).get(row["number"], [])
    row["search"] = folded(" ".join(filter(None, (row["number"], row["name"], row["cell"], *before))))
    if new:
        conn.execute(sa.insert(inmates), row)
    else:
        conn.execute(sa.update(inmates).where(inmates.c.number == row["number"]).values(**row))


def find_inmates(
    conn: Connection,
    places: Iterable[str],
    unit: str | None,
    words: Iterable[str],
    after: str | None,
    limit: int,
) -> list[RowMapping]:
    """People in these establishments, by number, one more than asked to tell whether there are more."""
    i = inmates.c
    query = sa.select(inmates).where(i.establishment.in_(sorted(places)), i.merged_into.is_(None))
    if unit is not None:
        query = query.where(i.unit == unit)
    for word in words:
        query = query.where(i.search.contains(word, autoescape=True))
    if after is not None:
        query = query.where(i.number > after)
    return list(conn.execute(query.order_by(i.number).limit(limit + 1)).mappings())


def previous_numbers(conn: Connection, numbers: Iterable[str]) -> dict[str, list[str]]:
    """The numbers merged into each of these, by surviving number."""
    query = sa.select(inmates.c.merged_into, inmates.c.number).where(inmates.c.merged_into.in_(sorted(numbers)))
    previous: dict[str, list[str]] = {}
    for survivor, number in conn.execute(query.order_by(inmates.c.number)):
        previous.setdefault(survivor, []).append(number)
    return previous


def merge_inmate(conn: Connection, number: str, survivor: str) -> None:
    """Gives a number up for another, and with it every number given up for it before."""
    i = inmates.c
    conn.execute(
        sa.update(inmates).where(sa.or_(i.number == number, i.merged_into == number)).values(merged_into=survivor)
    )


def add_move(conn: Connection, row: dict[str, Any]) -> None:
    """Writes a move."""
    conn.execute(sa.insert(moves), row)


def add_merge(conn: Connection, row: dict[str, Any]) -> None:
    """Writes a merge."""
    conn.execute(sa.insert(merges), row)


def last_left(conn: Connection, number: str, places: Iterable[str]) -> RowMapping | None:
    """The person's last move away from one of these establishments."""
    m = moves.c
    query = sa.select(moves).where(m.inmate == number, m.from_establishment.in_(sorted(places)))
    return conn.execute(query.order_by(m.recorded_at.desc(), m.id.desc()).limit(1)).mappings().first()


def first_move_after(
    conn: Connection, number: str, at: datetime, came: Collection[str], went: Collection[str]
) -> RowMapping | None:
    """The person's first move that was recorded after a time: where it began, the person was until then. `came`: moves
    that another number brought along since; `went`: those of this one that another number has now."""
    m = moves.c
    own = sa.and_(m.inmate == number, m.id.not_in(sorted(came)))
    query = sa.select(moves).where(sa.or_(own, m.id.in_(sorted(went))), m.recorded_at > at)
    return conn.execute(query.order_by(m.recorded_at, m.id).limit(1)).mappings().first()


def hand_over_moves(conn: Connection, number: str, survivor: str) -> list[str]:
    """Gives a person's moves the surviving number; answers which."""
    ids = list(conn.execute(sa.select(moves.c.id).where(moves.c.inmate == number).order_by(moves.c.id)).scalars())
    give_moves(conn, ids, survivor)
    return ids


def give_moves(conn: Connection, ids: Sequence[str], number: str) -> None:
    """Gives moves to a number."""
    conn.execute(sa.update(moves).where(moves.c.id.in_(ids)).values(inmate=number))


def merge_of(conn: Connection, number: str, previous: str) -> RowMapping | None:
    """The merge that gave one number up for the other, if it stands."""
    m = merges.c
    query = sa.select(merges).where(m.number == number, m.previous == previous, m.undone_at.is_(None))
    return conn.execute(held(query.order_by(m.id.desc()).limit(1), "mine")).mappings().first()


def merges_since(conn: Connection, at: datetime, place: str) -> list[RowMapping]:
    """The merges that were made, or undone, after a time, of people who are or were in a prison then."""
    m, i, v = merges.c, inmates.c, moves.c
    either = (m.number, m.previous)
    here = sa.exists().where(i.number.in_(either), i.establishment == place)
    by_now = sa.select(i.merged_into).where(i.number == m.previous)  # who has the moves
    mover = sa.or_(v.inmate.in_(either), v.inmate.in_(by_now.correlate(merges)))
    left = sa.exists().where(mover, v.from_establishment == place, v.recorded_at > at)
    query = sa.select(merges).where(sa.or_(m.at > at, m.undone_at > at), sa.or_(here, left))
    return list(conn.execute(query).mappings())


def undo_merge(conn: Connection, merge: str, at: datetime) -> None:
    """Notes that a merge was undone."""
    conn.execute(sa.update(merges).where(merges.c.id == merge).values(undone_at=at))


def restore_numbers(conn: Connection, number: str, previous: Sequence[str]) -> None:
    """Has numbers that were merged into one before it was given up lead there again."""
    conn.execute(sa.update(inmates).where(inmates.c.number.in_(previous)).values(merged_into=number))


def all_codes(conn: Connection) -> list[str]:
    """The code of every establishment."""
    return list(conn.execute(sa.select(establishments.c.code).order_by(establishments.c.code)).scalars())
