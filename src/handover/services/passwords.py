"""Passwords and secrets: Argon2id (RFC 9106) on a thread of its own, so that a login never holds up a note."""

import asyncio
import hmac
from base64 import b64encode, urlsafe_b64encode
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from secrets import token_bytes, token_urlsafe

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION

from handover.settings import Settings

SHORTEST = 8


class Hasher:
    """Hashes and checks, one at a time: a flood of logins costs one core and a little memory, never the service."""

    def __init__(self, settings: Settings) -> None:
        self._argon2 = PasswordHasher(
            time_cost=settings.argon2_time_cost, memory_cost=settings.argon2_memory_kib, parallelism=1
        )
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="argon2")
        self._nobody = _unknown(self._argon2)
        self.turn = asyncio.Lock()
        """Held while one attempt is counted and checked: the thread does one at a time anyway."""

    def hash(self, secret: str) -> str:
        """The Argon2id hash to keep."""
        return self._argon2.hash(secret)

    async def hashed(self, secret: str) -> str:
        """The same, on the hasher's own thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self.hash, secret)

    async def matches(self, kept: str | None, secret: str) -> bool:
        """Whether the secret is the one kept. Nobody's (None) takes as long as somebody's: the time tells nothing."""
        loop = asyncio.get_running_loop()
        right = await loop.run_in_executor(self._thread, self._verify, kept or self._nobody, secret)
        return right and kept is not None

    def _verify(self, kept: str, secret: str) -> bool:
        try:
            return self._argon2.verify(kept, secret)
        except (VerificationError, InvalidHashError):
            return False

    def close(self) -> None:
        """Ends the thread."""
        self._thread.shutdown(cancel_futures=True)


def _unknown(hasher: PasswordHasher) -> str:
    """A hash as this hasher makes them, of nobody knows what. To make a real one takes as long as to check one, and as
    much memory; no start waits for that."""
    salt, digest = (b64encode(token_bytes(n)).decode().rstrip("=") for n in (hasher.salt_len, hasher.hash_len))
    costs = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v={ARGON2_VERSION}${costs}${salt}${digest}"


def new_token(kind: str) -> str:
    """A token of 256 random bits; its beginning says what it is, so that a leaked one can be found by a scanner."""
    return f"hov_{kind}_{token_urlsafe(32)}"


def derived_token(kind: str, secret: str, key: str) -> str:
    """A token that whoever has the secret can make again from the key, and nobody else (HMAC, RFC 2104): what is asked
    for twice need not be kept in clear to be answered twice."""
    digest = hmac.digest(secret.encode(), f"{kind} {key}".encode(), "sha256")
    return f"hov_{kind}_{urlsafe_b64encode(digest).decode().rstrip('=')}"


def token_digest(token: str) -> str:
    """What is kept of a token. It is 256 random bits: there is nothing to guess, so one SHA-256 is enough."""
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
