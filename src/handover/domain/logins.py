"""How failed logins slow the next one, per account and per address (after NIST SP 800-63B, throttling)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from ipaddress import IPv6Address, IPv6Network, ip_address

AT_ONCE = datetime(2000, 1, 1, tzinfo=UTC)
"""Nobody has to wait: a moment that stays past, however the server's clock is put right."""


@dataclass(frozen=True, slots=True)
class Pace:
    """So many failures cost nothing; then the wait doubles from one second, up to a longest one. Failures fade one by
    one."""

    free: int
    longest: timedelta
    fades: timedelta

    @property
    def most(self) -> int:
        """More failures than this are not counted: the wait is the longest already, and must not take days to fade."""
        return self.free + int(self.longest.total_seconds()).bit_length()


ACCOUNT = Pace(free=5, longest=timedelta(seconds=60), fades=timedelta(minutes=12))
"""A minute at most: somebody who types a colleague's name wrongly on purpose must not keep that colleague out for a
shift."""
ADDRESS = Pace(free=30, longest=timedelta(minutes=5), fades=timedelta(minutes=2))
"""A whole wing may stand behind one address, and slips of the finger over a day must not add up to an attack. Whoever
guesses is left thirty guesses an hour."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Failures held against the next attempt. They fade from `since` on."""

    failures: int
    since: datetime


def one_more(tally: Tally | None, now: datetime, pace: Pace) -> Tally:
    """The tally with one more failure, and without those that have faded."""
    if tally is None:
        return Tally(1, now)
    faded = max(0, int((now - tally.since) / pace.fades))
    if faded >= tally.failures:
        return Tally(1, now)
    # Not from now: an address where somebody logs in every minute would never forget.
    return Tally(min(tally.failures - faded + 1, pace.most), min(tally.since + faded * pace.fades, now))


def free_from(now: datetime, failures: int, pace: Pace) -> datetime:
    """When the next attempt will be looked at after so many failures."""
    over = failures - pace.free
    if over < 0:
        return AT_ONCE
    return now + min(pace.longest, timedelta(seconds=2 ** min(over, 20)))


def still_to_wait(until: datetime, now: datetime, pace: Pace) -> timedelta:
    """How long an attempt made now has to wait. Longer than the longest wait means that the clock was set back: nobody
    waits for that."""
    left = until - now
    return left if timedelta(0) < left <= pace.longest else timedelta(0)


def key(kind: str, name: str) -> str:
    """What is counted under. Only a digest of the name: at every changeover somebody types the password into the field
    above."""
    return f"{kind}:{sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()}"


def network(address: str | None) -> str:
    """What counts as one address: of IPv6 the network, because whoever has one address there has 2^64 of them."""
    try:
        known = ip_address((address or "").partition("%")[0])
    except ValueError:
        return address or "unknown"
    if isinstance(known, IPv6Address):
        if known.ipv4_mapped is not None:
            return str(known.ipv4_mapped)
        return str(IPv6Network((known, 64), strict=False))
    return str(known)
