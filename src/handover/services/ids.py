"""UUIDv7 (RFC 9562) of a given moment. Libraries make them of the present only; ours must follow a clock that a test
can move."""

from datetime import UTC, datetime, timedelta
from itertools import count
from secrets import randbits

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_order = count()


def uuid7(moment: datetime) -> str:
    """48 bits of milliseconds, 12 of their fraction (RFC 9562 §6.2 method 3), 14 that count up so that ids of one
    moment keep their order within a process, 48 random ones."""
    micros = (moment - _EPOCH) // timedelta(microseconds=1)
    millis, rest = divmod(micros, 1000)
    tail = 0b10 << 62 | (next(_order) & 0x3FFF) << 48 | randbits(48)
    digits = f"{millis:012x}7{rest * 4096 // 1000:03x}{tail:016x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
