"""The key that what an officer is still writing is locked away with on a shared PC."""

import hmac
from base64 import urlsafe_b64encode

from handover.domain.access import Principal


def key_of(who: Principal, secret: str) -> str:
    """256 bits that are always the same for one account and nobody else's (HMAC, RFC 2104), made with the store's
    secret: a draft on a PC's disk can be read by whoever logs in as its author, and by nobody else."""
    digest = hmac.digest(bytes.fromhex(secret), f"drafts {who.id}".encode(), "sha256")
    return urlsafe_b64encode(digest).decode().rstrip("=")
