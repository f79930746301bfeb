"""UUIDv7 (RFC 9562) of a given moment. Libraries make them of the present only; ours must follow a clock that a test
can move."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import count
from os import register_at_fork, urandom
from re import findall

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_spare: list[str] = []
register_at_fork(after_in_child=_spare.clear)  # else both would make the same ids


def _random() -> str:
    """48 random bits of the operating system's, as twelve digits. They are fetched by the hundred: each visit there
    lets another thread in between."""
    while True:
        try:
            return _spare.pop()
        except IndexError:
            _spare.extend(findall(".{12}", urandom(3072).hex()))


def uuid4() -> str:
    """A random UUID."""
    begins, middle, ends = _random(), _random(), _random()
    variant = "89ab"[int(middle[3], 16) & 3]
    return f"{begins[:8]}-{begins[8:]}-4{middle[:3]}-{variant}{middle[4:7]}-{ends}"


def uuid7(moment: datetime) -> str:
    """48 bits of milliseconds, 12 of their fraction (RFC 9562 §6.2 method 3), 14 that count up so that ids of one
    moment keep their order within a process, 48 random ones."""
    beginning, order = _of(moment)
    return f"{beginning}-{0x8000 | next(order) & 0x3FFF:04x}-{_random()}"


@lru_cache(maxsize=16)
def _of(moment: datetime) -> tuple[str, "count[int]"]:
    """What all ids of a moment begin with, a note has up to five, and what numbers them: from nought, so that it does
    not begin again among them."""
    micros = (moment - _EPOCH) // timedelta(microseconds=1)
    millis, rest = divmod(micros, 1000)
    digits = f"{millis:012x}7{rest * 4096 // 1000:03x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:]}", count()
