"""Terminals at which somebody gave the password: there, for some hours, a PIN does (decision 15)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
from sqlalchemy.engine import Connection, RowMapping

from handover.domain.access import Principal, Verdict, may_use_pin
from handover.domain.screens import Screens, soonest_lock
from handover.services.passwords import new_token, token_digest
from handover.services.unit_of_work import UnitOfWork
from handover.store import accounts, seats


@dataclass(frozen=True, slots=True)
class Given:
    """What a terminal keeps: shown once. It opens nothing without the PIN."""

    token: str
    until: datetime


def rules(conn: Connection, who: Principal) -> dict[str, Screens]:
    """What each of somebody's establishments says of its screens."""
    kept = seats.screens_of(conn, who.establishments)
    return {place: Screens.of(orjson.loads(said) if said else None) for place, said in kept.items()}


def may_pin(who: Principal, known: Mapping[str, Screens]) -> Verdict:
    """Whether this person may come back by PIN."""
    return may_use_pin(who, [place for place, rule in known.items() if rule.pin])


def give(uow: UnitOfWork, who: Principal) -> Given | None:
    """A terminal at which the password was just given; None where no PIN would do."""
    known = rules(uow.conn, who)
    if not may_pin(who, known):
        return None
    hours = min(rule.pin_hours for rule in known.values())
    lasts = min(timedelta(hours=hours), timedelta(seconds=uow.settings.refresh_token_s))
    given = Given(new_token("seat"), uow.now + lasts)
    row = {"hash": token_digest(given.token), "account": who.id, "until": given.until, "failures": 0}
    seats.add(uow.conn, row)
    return given


def end(uow: UnitOfWork, digest: str) -> RowMapping | None:
    """Ends one; answers its owner's account."""
    whose = seats.end(uow.conn, digest)
    return accounts.account_by_id(uow.conn, whose) if whose else None


def screen(conn: Connection, who: Principal, usual_s: int) -> dict[str, int | bool]:
    """What holds for the screen this person sits at, as `/v1/me` says it."""
    known = rules(conn, who)
    row = accounts.account_by_id(conn, who.id)
    return {
        "lock_s": soonest_lock(list(known.values()), usual_s),
        "pin_allowed": bool(may_pin(who, known)),
        "pin_set": bool(row and row["pin"]),
    }
