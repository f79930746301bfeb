"""Accounts, clients, logins, tokens and failed attempts."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from handover.domain.access import MANAGERS
from handover.store import pruning
from handover.store.engine import found
from handover.store.quick import Quick
from handover.store.tables import accounts, clients, grants, handovers, login_attempts, postings, tokens
from handover.store.types import as_time


def account(conn: Connection, username: str) -> RowMapping | None:
    """The account with this user name."""
    return conn.execute(sa.select(accounts).where(accounts.c.username == username)).mappings().first()


def account_by_id(conn: Connection, account: str) -> RowMapping | None:
    """The account with this id."""
    return conn.execute(sa.select(accounts).where(accounts.c.id == account)).mappings().first()


def all_accounts(conn: Connection) -> list[RowMapping]:
    """Every account, by user name."""
    return list(conn.execute(sa.select(accounts).order_by(accounts.c.username)).mappings())


def add_account(conn: Connection, row: dict[str, Any]) -> None:
    """Writes a new account."""
    conn.execute(sa.insert(accounts), row)


def change_account(conn: Connection, account: str, **columns: Any) -> None:
    """Changes an account."""
    conn.execute(sa.update(accounts).where(accounts.c.id == account).values(**columns))


def post(conn: Connection, account: str, places: Iterable[tuple[str, str]]) -> None:
    """Says anew where a member of staff belongs: (establishment, unit), unit empty for the establishment as a whole."""
    conn.execute(sa.delete(postings).where(postings.c.account == account))
    rows = [{"account": account, "establishment": place, "unit": unit} for place, unit in sorted(set(places))]
    if rows:
        conn.execute(sa.insert(postings), rows)


def postings_of(conn: Connection, account: str) -> list[tuple[str, str]]:
    """Where a member of staff belongs: (establishment, unit), unit empty for the establishment as a whole."""
    query = sa.select(postings.c.establishment, postings.c.unit).where(postings.c.account == account)
    return [(place, unit) for place, unit in conn.execute(query)]


def client(conn: Connection, client: str) -> RowMapping | None:
    """One client."""
    return conn.execute(sa.select(clients).where(clients.c.id == client)).mappings().first()


def client_named(conn: Connection, name: str) -> RowMapping | None:
    """A client of this name, however it is spelt in capitals."""
    return conn.execute(sa.select(clients).where(sa.func.lower(clients.c.id) == name.lower())).mappings().first()


def all_clients(conn: Connection) -> list[RowMapping]:
    """Every client, by id."""
    return list(conn.execute(sa.select(clients).order_by(clients.c.id)).mappings())


def add_client(conn: Connection, row: dict[str, Any]) -> None:
    """Writes a new client."""
    conn.execute(sa.insert(clients), row)


def change_client(conn: Connection, client: str, **columns: Any) -> None:
    """Changes a client."""
    conn.execute(sa.update(clients).where(clients.c.id == client).values(**columns))


def add_grant(conn: Connection, row: dict[str, Any]) -> None:
    """Writes a login."""
    conn.execute(sa.insert(grants), row)


def touch_grant(conn: Connection, grant: str, at: datetime) -> None:
    """Notes that a token was issued from a login."""
    conn.execute(sa.update(grants).where(grants.c.id == grant).values(seen_at=at))


def revoke_grant(conn: Connection, grant: str, at: datetime) -> None:
    """Ends a login: every token issued from it stops working."""
    conn.execute(sa.update(grants).where(grants.c.id == grant, grants.c.revoked_at.is_(None)).values(revoked_at=at))


def revoke_grants_of(conn: Connection, at: datetime, *, account: str | None = None, client: str | None = None) -> None:
    """Ends every login of an account or client."""
    whose = grants.c.account == account if account is not None else grants.c.client == client
    conn.execute(sa.update(grants).where(whose, grants.c.revoked_at.is_(None)).values(revoked_at=at))


def add_tokens(conn: Connection, rows: list[dict[str, Any]]) -> None:
    """Writes new tokens."""
    conn.execute(sa.insert(tokens), rows)


def token(conn: Connection, digest: str) -> RowMapping | None:
    """A token with the login it came from."""
    query = (
        sa.select(
            tokens,
            grants.c.account,
            grants.c.client,
            grants.c.scope,
            grants.c.expires_at.label("grant_expires_at"),
            grants.c.revoked_at.label("grant_revoked_at"),
        )
        .join(grants, grants.c.id == tokens.c.grant_id)
        .where(tokens.c.hash == digest)
    )
    return conn.execute(query).mappings().first()


class Holder(NamedTuple):
    """An access token that was not taken away, and who holds it. Of a member of staff there is one for each posting;
    `active` is None where the login is another system's."""

    digest: str
    grant: str
    expires_at: datetime
    client: str | None
    scope: str
    account: str | None
    username: str
    name: str
    role: str
    active: bool | None
    place: str | None
    unit: str | None


@lru_cache(maxsize=16)
def _held(many: int) -> Quick:
    t, g, a, p = tokens.c, grants.c, accounts.c, postings.c
    whose = (g.client, g.scope, a.id, a.username, a.name, a.role, a.active, p.establishment, p.unit)
    return Quick(
        sa.select(t.hash, t.grant_id, t.expires_at, *whose)
        .join(grants, g.id == t.grant_id)
        .outerjoin(accounts, a.id == g.account)
        .outerjoin(postings, p.account == a.id)
        .where(t.hash.in_([sa.bindparam(f"n{i}") for i in range(many)]), t.kind == sa.bindparam("kind"))
        .where(t.revoked_at.is_(None), g.revoked_at.is_(None))
    )


def holders(conn: Connection, digests: Sequence[str]) -> list[Holder]:
    """Who holds these access tokens. Thousands of open feeds are looked at again and again: one statement, by the
    driver's own cursor."""
    # As many places as a power of two, the last digest repeated: few different statements, each prepared once.
    many = 1 << (len(digests) - 1).bit_length()
    values = {f"n{i}": digests[min(i, len(digests) - 1)] for i in range(many)}
    rows = found(conn, _held(many)(conn, {**values, "kind": "ACCESS"}))
    return [Holder(digest, grant, as_time(until), *whose) for digest, grant, until, *whose in rows]


def use_token(conn: Connection, digest: str, at: datetime) -> bool:
    """Uses a refresh token or ticket up; False if it was used before."""
    done = conn.execute(sa.update(tokens).where(tokens.c.hash == digest, tokens.c.used_at.is_(None)).values(used_at=at))
    return done.rowcount == 1


def revoke_token(conn: Connection, digest: str, at: datetime) -> None:
    """Revokes one token on its own."""
    conn.execute(sa.update(tokens).where(tokens.c.hash == digest, tokens.c.revoked_at.is_(None)).values(revoked_at=at))


def prune_tokens(conn: Connection, before: datetime, most: int) -> int:
    """Forgets tokens that stopped working before this, so many at most. Used refresh tokens are kept as long, so that a
    replay is still noticed."""
    return pruning.prune(conn, tokens, tokens.c.expires_at, before, most)


def prune_attempts(conn: Connection, before: datetime, most: int) -> int:
    """Forgets attempts that failed before this."""
    return pruning.prune(conn, login_attempts, login_attempts.c.last_at, before, most)


def prune_grants(conn: Connection, before: datetime, most: int) -> int:
    """Forgets logins that ended before this and have no token any more."""
    empty = ~sa.exists().where(tokens.c.grant_id == grants.c.id)
    return pruning.prune(conn, grants, grants.c.expires_at, before, most, empty)


def on_duty(
    conn: Connection, place: str, unit: str, since: datetime, now: datetime, *, managers: bool
) -> list[RowMapping]:
    """Active staff of a unit (with `managers`: and managers of its establishment) who have been logged in since then,
    or have taken it over, by user name; `of_unit`: whether they are staff of it."""
    logged_in = sa.exists().where(
        grants.c.account == accounts.c.id,
        grants.c.seen_at >= since,
        grants.c.seen_at <= now,
        grants.c.revoked_at.is_(None),
    )
    took_over = sa.exists().where(
        handovers.c.establishment == place,
        handovers.c.unit == unit,
        handovers.c.accepted_at >= since,
        handovers.c.accepted_at <= now,
        handovers.c.taker == accounts.c.id,
    )
    of_unit = sa.func.max(sa.case((postings.c.unit == unit, 1), else_=0)).label("of_unit")
    where = postings.c.unit == unit
    if managers:
        where = sa.or_(where, accounts.c.role.in_(MANAGERS))
    query = (
        sa.select(accounts.c.id, accounts.c.username, accounts.c.name, accounts.c.role, of_unit)
        .join(postings, postings.c.account == accounts.c.id)
        .where(postings.c.establishment == place, where, accounts.c.active, sa.or_(logged_in, took_over))
        .group_by(accounts.c.id, accounts.c.username, accounts.c.name, accounts.c.role)
        .order_by(accounts.c.username)
    )
    return list(conn.execute(query).mappings())


def attempts(conn: Connection, keys: Iterable[str], *, to_change: bool = False) -> list[RowMapping]:
    """Failed attempts counted under these keys. `to_change` keeps other processes from counting until this one has."""
    query = sa.select(login_attempts).where(login_attempts.c.key.in_(sorted(keys))).order_by(login_attempts.c.key)
    return list(conn.execute(query.with_for_update() if to_change else query).mappings())


def put_attempt(
    conn: Connection, key: str, failures: int, last_at: datetime, wait_until: datetime, *, new: bool = False
) -> None:
    """Counts a failed attempt."""
    row = {"failures": failures, "last_at": last_at, "wait_until": wait_until}
    if new:
        # Where another process was quicker this fails, and is done again with what that one counted.
        conn.execute(sa.insert(login_attempts), {"key": key, **row})
    else:
        # Not deleted and written anew: whoever waits for the row would find it gone, and count from nothing.
        conn.execute(sa.update(login_attempts).where(login_attempts.c.key == key).values(**row))


def clear_attempts(conn: Connection, keys: Iterable[str]) -> None:
    """Forgets failed attempts after a good one."""
    conn.execute(sa.delete(login_attempts).where(login_attempts.c.key.in_(sorted(keys))))
