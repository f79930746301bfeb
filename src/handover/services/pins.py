"""Choosing a PIN, and coming back by it to a terminal at which one gave the password (decision 15)."""

from sqlalchemy.engine import Connection, RowMapping

from handover.domain.access import ROLE_SCOPES
from handover.domain.pins import TRIES, fault
from handover.errors import FieldError, Forbidden, Invalid, Refusal
from handover.services import logins, seats
from handover.services.attempts import counted, forgive, look
from handover.services.logins import FailedLogin, Issued, grant
from handover.services.passwords import Hasher, token_digest
from handover.services.seats import Given
from handover.services.unit_of_work import Asker, Desk, UnitOfWork
from handover.store import accounts
from handover.store import seats as kept


class SeatOver(FailedLogin):
    """No PIN does at this terminal (any more): the password is wanted."""

    code, title = "password-wanted", "Give your password"

    def __init__(self) -> None:
        super().__init__("invalid_grant", "No PIN does here now; give your password.")


def not_for_them(uow: UnitOfWork) -> None:
    """Refuses those whose role has no PIN, before any password is looked at."""
    uow.doing("pin.set")
    uow.allow("pin.use")


async def choose(
    desk: Desk, hasher: Hasher, asker: Asker, username: str, password: str, pin: str | None
) -> Given | None:
    """Gives an account a PIN, or (None) takes it away, behind the password; ends what the old one opened. Answers what
    the terminal keeps to have it do there."""
    username = username.strip().lower()[:120]
    keys = counted(asker.address, account=username)
    words = fault(pin, username) if pin is not None else None
    hashed: str | None = None

    async def first() -> None:
        nonlocal hashed
        hashed = await hasher.hashed(pin) if pin is not None and words is None else None

    def finish(uow: UnitOfWork, row: RowMapping | None, right: bool) -> Given | Refusal | None:
        uow.doing("pin.set" if pin is not None else "pin.remove", subject=username if row else None, actor=_name(row))
        if row is not None:
            uow.concerning(place for place, _ in accounts.postings_of(uow.conn, row["id"]))
        now, who = accounts.account(uow.conn, username), logins.member(uow.conn, username)
        if not right or row is None or now is None or who is None or now["password"] != row["password"]:
            return FailedLogin("invalid_grant", "That user name and password do not go together.")
        forgive(uow.conn, keys)
        if pin is not None:
            verdict = seats.may_pin(who, seats.rules(uow.conn, who))
            if not verdict:
                return Forbidden(verdict.reason)
        if words is not None:
            return Invalid(FieldError("/pin", words))
        accounts.change_account(uow.conn, who.id, pin=hashed)
        kept.end_all_of(uow.conn, who.id)
        return seats.give(uow, who) if pin is not None else None

    def find(conn: Connection) -> RowMapping | None:
        return accounts.account(conn, username)

    return await look(desk, hasher, asker, keys, find, "password", password, finish, first)


async def with_pin(
    desk: Desk, hasher: Hasher, asker: Asker, seat: str, pin: str, username: str | None = None
) -> Issued:
    """An officer (`username`, where the terminal says whom it takes this for) comes back to a terminal at which he or
    she gave the password. A PIN is counted like a password, and against the terminal too."""
    digest, now = token_digest(seat), desk.clock()
    known = await desk.peek(lambda conn: kept.seat(conn, digest, now))
    if username is not None and known is not None and known["username"] != username.strip().lower():
        known, digest = None, ""
    keys = counted(asker.address, account=_name(known))

    def find(conn: Connection) -> RowMapping | None:
        return kept.seat(conn, digest, now) if kept.count_try(conn, digest) else None

    def finish(uow: UnitOfWork, row: RowMapping | None, right: bool) -> Issued | Refusal:
        uow.doing("login", subject=_name(known), actor=_name(known), how="pin", unknown=None if known else True)
        if known is not None:
            uow.concerning(place for place, _ in accounts.postings_of(uow.conn, known["id"]))
        # Looked at again: meanwhile the password may have been changed, or a right taken away.
        there = kept.seat(uow.conn, digest, uow.now)
        who = logins.member(uow.conn, there["username"]) if there is not None else None
        if row is None or there is None or who is None or there["pin"] != row["pin"]:
            return SeatOver()
        verdict = seats.may_pin(who, seats.rules(uow.conn, who))
        if not verdict:
            uow.about(refused=verdict.reason)
            kept.end(uow.conn, digest)
            return SeatOver()
        if not right:
            left = TRIES - there["failures"]
            if left > 0:
                return FailedLogin("invalid_grant", f"That is not your PIN. Wrong ones left: {left}.")
            uow.about(ended=True)
            kept.end(uow.conn, digest)
            return SeatOver()
        forgive(uow.conn, keys)
        kept.forgive_try(uow.conn, digest)
        return grant(uow, " ".join(ROLE_SCOPES[who.role]), account=who.id, at_most=there["until"])

    return await look(desk, hasher, asker, keys, find, "pin", pin, finish)


def _name(row: RowMapping | None) -> str | None:
    return str(row["username"]) if row is not None else None
