"""UUIDv7 (RFC 9562) of a given moment. Libraries make them of the present only; ours must follow a clock that a test
can move."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import count
from os import register_at_fork, urandom

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_spare: list[int] = []
register_at_fork(after_in_child=_spare.clear)  # else both would make the same ids


def _random() -> int:
    """64 random bits of the operating system's, which are fetched by the hundred: each visit there lets another thread
    in between."""
    while True:
        try:
            return _spare.pop()
        except IndexError:
            _spare.extend(memoryview(urandom(4096)).cast("Q"))


def uuid4() -> str:
    """A random UUID."""
    digits = f"{_random():016x}{_random():016x}"
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def uuid7(moment: datetime) -> str:
    """48 bits of milliseconds, 12 of their fraction (RFC 9562 §6.2 method 3), 14 that count up so that ids of one
    moment keep their order within a process, 48 random ones."""
    beginning, order = _of(moment)
    tail = f"{0b10 << 62 | (next(order) & 0x3FFF) << 48 | _random() & 0xFFFFFFFFFFFF:016x}"
    return f"{beginning}-{tail[:4]}-{tail[4:]}"


@lru_cache(maxsize=16)
def _of(moment: datetime) -> tuple[str, "count[int]"]:
    """What all ids of a moment begin with, a note has up to five, and what numbers them: from nought, so that it does
    not begin again among them."""
    micros = (moment - _EPOCH) // timedelta(microseconds=1)
    millis, rest = divmod(micros, 1000)
    digits = f"{millis:012x}7{rest * 4096 // 1000:03x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:]}", count()
