"""What a locked screen may still hear: that something calls, in which units, and nothing else. A night officer who has
walked off and locked the screen must be called back to it."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from datetime import UTC, datetime, timedelta

from sqlalchemy.engine import Connection

from handover.domain.access import Principal, belongs, sights
from handover.domain.pages import RAISED
from handover.errors import NotFound
from handover.services import logins
from handover.services.pages import ACT_NOW
from handover.services.parts import Parts
from handover.services.passwords import token_digest
from handover.services.unit_of_work import UnitOfWork
from handover.store import accounts, pages

LASTS = timedelta(hours=12)
MOST = 200


def pass_for(who: Principal, secret: str, place: str, now: datetime) -> str | None:
    """A pass for the screen that this person locks: good for half a day, for one establishment, for the one question
    below. It is sealed with the store's secret, so there is nothing to keep."""
    if not belongs(who, place):
        return None
    said = f"{who.username}|{place}|{int((now + LASTS).timestamp())}"
    return f"{urlsafe_b64encode(said.encode()).decode().rstrip('=')}.{_seal(secret, who, said)}"


def pass_for_login(conn: Connection, secret: str, refresh: str, place: str, now: datetime) -> str | None:
    """The same, for whoever holds this refresh token."""
    row = accounts.token(conn, token_digest(refresh))
    if row is None or row["kind"] != "REFRESH" or row["used_at"] or not row["account"]:
        return None
    if row["grant_revoked_at"] or row["grant_expires_at"] <= now:
        return None
    account = accounts.account_by_id(conn, row["account"])
    who = logins.member(conn, account["username"]) if account else None
    return pass_for(who, secret, place, now) if who is not None else None


def issue(uow: UnitOfWork, secret: str, place: str) -> str:
    """Gives whoever asks a pass."""
    uow.doing("pages.pass", establishment=place)
    given = pass_for(uow.allow("pages.pass"), secret, place, uow.now)
    if given is None:
        raise NotFound("No such establishment among yours.")
    return given


async def hear(parts: Parts, given: str) -> list[str] | None:
    """What a pass has a locked screen hear: the units in which somebody must act now and nobody has taken it, as far as
    its owner may know. None where the pass is none, or no longer. While it asks, it counts as listening."""
    desk = parts.desk
    now, secret = desk.clock(), desk.store.identity.secret
    found = await desk.peek(lambda conn: _calling(conn, secret, given, now))
    if found is None:
        return None
    who, place, units = found
    parts.hub.present.called(who, place)
    return units


def _calling(conn: Connection, secret: str, given: str, now: datetime) -> tuple[Principal, str, list[str]] | None:
    said, _, seal = given.partition(".")
    try:
        said = urlsafe_b64decode(said + "==").decode()
        name, place, until = said.split("|")
    except (ValueError, Base64Error, UnicodeDecodeError):
        return None
    who = logins.member(conn, name) if name.isprintable() else None  # not every store can be asked for a NUL
    if who is None or not hmac.compare_digest(_seal(secret, who, said).encode(), seal.encode()):
        return None
    if datetime.fromtimestamp(int(until), UTC) <= now or not belongs(who, place):
        return None
    found = pages.find(conn, who.id, sights(who), place, None, RAISED, None, MOST, kind=ACT_NOW)
    return who, place, sorted({row["unit"] for row in found})


def _seal(secret: str, who: Principal, said: str) -> str:
    return hmac.digest(bytes.fromhex(secret), f"calls {who.id} {said}".encode(), "sha256").hex()
