"""What a locked board may still hear: that something calls, in which units, and nothing else. A night officer who has
walked off and locked the screen must be called back to it."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from datetime import UTC, datetime, timedelta

from sqlalchemy.engine import Connection

from handover.domain.access import Principal, sights
from handover.services import logins
from handover.services.pages import RAISED
from handover.services.passwords import token_digest
from handover.store import accounts, pages

LASTS = timedelta(hours=12)
MOST = 200


def pass_for(conn: Connection, refresh: str, place: str, now: datetime) -> str | None:
    """A pass for the screen that this login ends at: good for half a day, for one establishment, for the one question
    below. It is made with what the server alone knows of the account, so there is nothing to keep."""
    row = accounts.token(conn, token_digest(refresh))
    if row is None or row["kind"] != "REFRESH" or row["grant_revoked_at"] or not row["account"]:
        return None
    account = accounts.account_by_id(conn, row["account"])
    who = logins.member(conn, account["username"]) if account else None
    if who is None or place not in who.establishments:
        return None
    said = f"{who.username}|{place}|{int((now + LASTS).timestamp())}"
    return f"{urlsafe_b64encode(said.encode()).decode().rstrip('=')}.{_seal(who, said)}"


def calling(conn: Connection, given: str, now: datetime) -> list[str] | None:
    """The units in which somebody must act now and nobody has taken it, as far as the pass's owner may know; None where
    the pass is none, or no longer."""
    said, _, seal = given.partition(".")
    try:
        said = urlsafe_b64decode(said + "==").decode()
        name, place, until = said.split("|")
        ends = datetime.fromtimestamp(int(until), UTC)
    except (ValueError, Base64Error, UnicodeDecodeError, OverflowError):
        return None
    who = logins.member(conn, name)
    if (
        who is None
        or not hmac.compare_digest(_seal(who, said).encode(), seal.encode())
        or ends <= now
        or place not in who.establishments
    ):
        return None
    found = pages.find(conn, who.id, sights(who), place, None, RAISED, None, MOST)
    return sorted({row["unit"] for row in found if row["kind"] == "ACT_NOW"})


def _seal(who: Principal, said: str) -> str:
    return hmac.digest(who.id.encode(), f"calls {said}".encode(), "sha256").hex()
