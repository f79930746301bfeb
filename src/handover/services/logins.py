"""Logging in and staying logged in: RFC 6749 (password, refresh_token, client_credentials), RFC 7009 (revocation)."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy.engine import Connection, RowMapping

from handover.domain.access import ROLE_SCOPES, Principal, sights
from handover.errors import Refusal, Unauthenticated
from handover.services import seats
from handover.services.attempts import counted, forgive, look
from handover.services.passwords import Hasher, new_token, token_digest
from handover.services.unit_of_work import Asker, Desk, UnitOfWork
from handover.store import accounts
from handover.store.accounts import Holder

T = TypeVar("T")
_SCOPES = {role: frozenset(scopes) for role, scopes in ROLE_SCOPES.items()}
"""By role. One set for all who have it: thousands are logged in at a time."""


class GrantRefused(Refusal):
    """A refusal of the token endpoint, in the words of RFC 6749 §5.2."""

    code, title = "grant-refused", "No token for this"

    def __init__(self, error: str, detail: str) -> None:
        super().__init__(detail)
        self.error = error


@dataclass(frozen=True, slots=True)
class Issued:
    """Tokens, shown once. Times are lives in seconds."""

    access: str
    expires_in: int
    scope: str
    refresh: str | None
    seat: seats.Given | None = None
    """What the terminal keeps to have a PIN do next time."""


@dataclass(frozen=True, slots=True)
class Session:
    """A token that works: whose it is, which login it came from, until when."""

    principal: Principal
    digest: str
    grant: str
    expires_at: datetime


async def with_password(
    desk: Desk, hasher: Hasher, asker: Asker, username: str, password: str, *, seat: bool = False
) -> Issued:
    """An officer logs in at a terminal. `seat`: it would keep what lets a PIN do next time, if the officer has one."""
    username = username.strip().lower()[:120]
    keys = counted(asker.address, account=username)

    def finish(uow: UnitOfWork, row: RowMapping | None, right: bool) -> Issued | Refusal:
        _login(uow, username if row else None)
        if row is not None:
            uow.concerning(place for place, _ in accounts.postings_of(uow.conn, row["id"]))
        now = accounts.account(uow.conn, username)
        if not right or row is None or now is None or not now["active"] or now["password"] != row["password"]:
            return FailedLogin("invalid_grant", "That user name and password do not go together.")
        forgive(uow.conn, keys)
        who = member(uow.conn, username)
        given = seats.give(uow, who) if seat and who is not None and now["pin"] else None
        return replace(grant(uow, " ".join(ROLE_SCOPES[now["role"]]), account=now["id"]), seat=given)

    return await look(desk, hasher, asker, keys, lambda c: accounts.account(c, username), "password", password, finish)


async def with_secret(desk: Desk, hasher: Hasher, asker: Asker, client: str, secret: str, scope: str | None) -> Issued:
    """Another system authenticates, for all its scopes or for those it asks for."""

    def issue(uow: UnitOfWork, row: RowMapping) -> Issued | Refusal:
        has = row["scopes"].split()
        wanted = scope.split() if scope else has
        if not set(wanted) <= set(has):
            uow.about(refused="invalid_scope")
            return GrantRefused("invalid_scope", f"This client has the scopes {' '.join(has)}.")
        return grant(uow, " ".join(wanted), client=row["id"])

    return await _proven(desk, hasher, asker, client, secret, issue)


async def _proven(
    desk: Desk,
    hasher: Hasher,
    asker: Asker,
    client: str,
    secret: str,
    then: Callable[[UnitOfWork, RowMapping], T | Refusal],
) -> T:
    """Has something done for another system that proves who it is."""
    client = client[:120]
    keys = counted(asker.address, client=client)

    def finish(uow: UnitOfWork, row: RowMapping | None, right: bool) -> T | Refusal:
        _login(uow, client if row else None)
        if row is not None:
            uow.concerning(row["establishments"].split())
        now = accounts.client(uow.conn, client)
        if not right or row is None or now is None or not now["active"] or now["secret"] != row["secret"]:
            return FailedLogin("invalid_client", "That client id and secret do not go together.")
        forgive(uow.conn, keys)
        return then(uow, now)

    return await look(desk, hasher, asker, keys, lambda c: accounts.client(c, client), "secret", secret, finish)


def _login(uow: UnitOfWork, name: str | None) -> None:
    """A name nobody has may be anything that was typed, a password too: it is counted, and not written down."""
    uow.doing("login", subject=name, actor=name, unknown=None if name else True)


async def with_refresh(desk: Desk, asker: Asker, token: str) -> Issued:
    """A terminal renews its tokens. A refresh token works once; one that comes again was stolen or copied, and ends
    the login."""
    digest = token_digest(token)

    def finish(uow: UnitOfWork) -> Issued | Refusal:
        uow.doing("login.refresh")
        refused = FailedLogin("invalid_grant", "This refresh token no longer works; log in again.")
        row = accounts.token(uow.conn, digest)
        if row is None or row["kind"] != "REFRESH":
            return refused
        account = accounts.account_by_id(uow.conn, row["account"])
        uow.doing("login.refresh", subject=row["grant_id"], actor=account["username"] if account else None)
        if account is not None:
            uow.concerning(place for place, _ in accounts.postings_of(uow.conn, account["id"]))
        if row["grant_revoked_at"] or account is None or not account["active"] or row["grant_expires_at"] <= uow.now:
            return refused
        if not accounts.use_token(uow.conn, digest, uow.now):
            accounts.revoke_grant(uow.conn, row["grant_id"], uow.now)
            uow.rights_changed = True
            uow.about(replayed=True)
            return refused
        accounts.touch_grant(uow.conn, row["grant_id"], uow.now)
        scope = " ".join(ROLE_SCOPES[account["role"]])  # of the role held now, not of the one at login
        return _tokens(uow, row["grant_id"], scope, row["grant_expires_at"], refresh=True)

    return await desk.write(asker, finish)


async def revoke_as(desk: Desk, hasher: Hasher, asker: Asker, client: str, secret: str, token: str) -> None:
    """Another system proves who it is, and ends a token of its own."""
    await _proven(desk, hasher, asker, client, secret, lambda uow, row: revoke(uow, token, row))


def revoke(uow: UnitOfWork, token: str, client: RowMapping | None = None) -> GrantRefused | None:
    """Ends a token; with a refresh token the whole login. A token nobody knows is as good as revoked (RFC 7009
    §2.2). Whoever has it may, but a `client` that has proven itself ends none but its own (§2.1)."""
    uow.doing("logout", actor=client["id"] if client else None)
    uow.concerning(client["establishments"].split() if client else ())
    digest = token_digest(token)
    row = accounts.token(uow.conn, digest)
    if row is None:
        if client is None and (owner := seats.end(uow, digest)) is not None:
            uow.doing("seats.end", subject=owner["id"], actor=owner["username"])
            uow.concerning(place for place, _ in accounts.postings_of(uow.conn, owner["id"]))
        return None
    if client is not None and client["id"] != row["client"]:
        uow.about(subject=row["grant_id"], refused="invalid_grant")
        return GrantRefused("invalid_grant", "This token was issued to somebody else.")
    name, places = _whose(uow.conn, row)
    uow.doing("logout", subject=row["grant_id"], actor=name)
    uow.concerning(places)
    if row["kind"] == "REFRESH":
        accounts.revoke_grant(uow.conn, row["grant_id"], uow.now)
    else:
        accounts.revoke_token(uow.conn, digest, uow.now)
    uow.rights_changed = True
    return None


def ticket(uow: UnitOfWork, session: Session, text: str, lasts: int) -> None:
    """Issues a feed ticket: one use, a few seconds, with the rights of the token that asked for it."""
    uow.doing("feed.ticket")
    uow.allow("events.read")
    until = min(uow.now + timedelta(seconds=lasts), session.expires_at)
    # The feed lives as long as the token that asked, so the ticket remembers it.
    row = {"hash": token_digest(text), "grant_id": session.grant, "kind": "TICKET", "expires_at": until}
    accounts.add_tokens(uow.conn, [{**row, "used_at": None, "revoked_at": None, "lends": session.digest}])


def redeem(uow: UnitOfWork, text: str) -> Session | Refusal:
    """Uses a ticket up; answers the session of the token that asked for it."""
    uow.doing("feed.ticket.use")
    digest = token_digest(text)
    row = accounts.token(uow.conn, digest)
    if (
        row is None
        or row["kind"] != "TICKET"
        or row["revoked_at"]
        or row["expires_at"] <= uow.now
        or not accounts.use_token(uow.conn, digest, uow.now)
    ):
        return Unauthenticated("This ticket was used or is too old; get a new one.")
    name, places = _whose(uow.conn, row)
    uow.doing("feed.ticket.use", actor=name)
    uow.concerning(places)
    return by_digest(uow.conn, row["lends"], uow.now) or Unauthenticated("The login this ticket came from has ended.")


def by_digest(conn: Connection, digest: str, now: datetime) -> Session | None:
    """Whose access token this is, by its digest, with the rights that hold now; None if it does not work (any more)."""
    return by_digests(conn, [digest], now)[digest]


def by_digests(conn: Connection, digests: Collection[str], now: datetime) -> dict[str, Session | None]:
    """The same, for several at once: as many statements as for one."""
    held: dict[str, list[Holder]] = {}
    for one in accounts.holders(conn, sorted(digests)) if digests else ():
        held.setdefault(one.digest, []).append(one)
    sessions: dict[str, Session | None] = dict.fromkeys(digests)
    for digest, rows in held.items():
        [first, *_] = rows
        if first.expires_at > now:
            who = _holder(conn, rows)
            sessions[digest] = Session(who, digest, first.grant, first.expires_at) if who else None
    return sessions


def _holder(conn: Connection, rows: list[Holder]) -> Principal | None:
    """Who holds a token, if he or she may come in."""
    [first, *_] = rows
    if first.account is None:
        return _client(conn, first.client, first.scope) if first.client else None
    if not first.active:
        return None
    places = [(row.place, row.unit or "") for row in rows if row.place is not None]
    return _staff(first.account, first.username, first.name, first.role, places)


def taken_away(conn: Connection, digest: str, now: datetime) -> tuple[str, frozenset[str]] | None:
    """Whose token this was, and where, if it would still work had it not been taken away. One that is too old is what
    happens to every token, and one that nobody had is nobody's."""
    row = accounts.token(conn, digest)
    if row is None or row["kind"] != "ACCESS" or row["expires_at"] <= now:
        return None
    return _whose(conn, row)


def member(conn: Connection, username: str) -> Principal | None:
    """A member of staff who may come in, by name, with the rights that hold now."""
    row = accounts.account(conn, username)
    if row is None or not row["active"]:
        return None
    return _staff(row["id"], row["username"], row["name"], row["role"], accounts.postings_of(conn, row["id"]))


def holder(conn: Connection, token: str) -> str | None:
    """The name of whoever this token was given to; it need not work any more."""
    row = accounts.token(conn, token_digest(token))
    return _whose(conn, row)[0] if row is not None else None


def _whose(conn: Connection, row: RowMapping) -> tuple[str, frozenset[str]]:
    """The name of a token's owner, and where he or she belongs."""
    if row["account"]:
        account = accounts.account_by_id(conn, row["account"])
        places = accounts.postings_of(conn, row["account"])
        return account["username"] if account else "", frozenset(place for place, _ in places)
    client = accounts.client(conn, row["client"])
    return row["client"], frozenset(client["establishments"].split() if client else ())


def _staff(id_: str, username: str, name: str, role: str, places: Collection[tuple[str, str]]) -> Principal:
    return Principal(
        kind="user",
        id=id_,
        username=username,
        name=name,
        role=role,
        establishments=frozenset(place for place, _ in places),
        units=frozenset((place, unit) for place, unit in places if unit),
        scopes=_SCOPES[role],
    )


def _client(conn: Connection, client: str, scope: str) -> Principal | None:
    row = accounts.client(conn, client)
    if row is None or not row["active"]:
        return None
    return Principal(
        kind="client",
        id=row["id"],
        username=row["id"],
        name=row["name"],
        role="integration",
        establishments=frozenset(row["establishments"].split()),
        scopes=frozenset(scope.split()) & frozenset(row["scopes"].split()),
        handling=frozenset(row["handling"].split()),
    )


class FailedLogin(GrantRefused, Unauthenticated):
    """Somebody could not prove to be who they say."""


def grant(
    uow: UnitOfWork,
    scope: str,
    *,
    account: str | None = None,
    client: str | None = None,
    at_most: datetime | None = None,
) -> Issued:
    """Begins a login, and issues its first tokens. `at_most`: when the password is wanted again, at the latest."""
    # An integration asks again with its secret: it gets no refresh token (RFC 6749 §4.4.3).
    lasts = uow.settings.refresh_token_s if account else uow.settings.access_token_s
    until = uow.now + timedelta(seconds=lasts)
    until = min(until, at_most or until)
    id_ = uow.new_id()
    row = {"id": id_, "account": account, "client": client, "scope": scope, "revoked_at": None}
    accounts.add_grant(uow.conn, {**row, "created_at": uow.now, "seen_at": uow.now, "expires_at": until})
    return _tokens(uow, id_, scope, until, refresh=account is not None)


def _tokens(uow: UnitOfWork, grant: str, scope: str, until: datetime, refresh: bool) -> Issued:
    lasts = uow.settings.access_token_s
    made = {"ACCESS": (new_token("access"), min(until, uow.now + timedelta(seconds=lasts)))}
    if refresh:
        made["REFRESH"] = (new_token("refresh"), until)
    accounts.add_tokens(
        uow.conn,
        [
            {
                "hash": token_digest(text),
                "grant_id": grant,
                "kind": kind,
                "expires_at": expires,
                "used_at": None,
                "revoked_at": None,
                "lends": None,
            }
            for kind, (text, expires) in made.items()
        ],
    )
    expires_in = int((made["ACCESS"][1] - uow.now).total_seconds())
    return Issued(made["ACCESS"][0], expires_in, scope, made["REFRESH"][0] if refresh else None)


def handling_of(who: Principal) -> list[str]:
    """The handling classes this caller may read somewhere."""
    return sorted({sight.handling for sight in sights(who) if sight.status is None})
