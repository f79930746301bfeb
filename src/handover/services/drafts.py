"""The key that what an officer is still writing is locked away with on a shared PC."""

import hmac
from base64 import urlsafe_b64encode

from handover.domain.access import Principal


def key_of(who: Principal, store_id: str) -> str:
    """256 bits that are always the same for one account and nobody else's (HMAC, RFC 2104). They are made from the
    account's id, whose random part never leaves the server; so nothing has to be kept, and a draft on a PC's disk can
    be read by whoever logs in as its author, and by nobody else."""
    digest = hmac.digest(who.id.encode(), f"drafts {store_id}".encode(), "sha256")
    return urlsafe_b64encode(digest).decode().rstrip("=")
