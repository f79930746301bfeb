"""Column types that mean the same on both engines."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine


def _in_utc(value: datetime | None) -> datetime | None:
    return None if value is None else _aware(value)


def _aware(value: datetime) -> datetime:
    """Refuses a time without an offset: it would silently mean another instant."""
    if value.tzinfo is None:
        raise ValueError("a stored time must be aware")
    return value if value.tzinfo is UTC else value.astimezone(UTC)


@lru_cache(maxsize=256)
def as_text(value: datetime) -> str:
    """Kept, because a note has its few times in many columns. Equal times are one instant: they have one text."""
    # A quarter of what strftime takes.
    return _aware(value).isoformat(timespec="microseconds")[:-6] + "Z"


def as_time(value: datetime | str) -> datetime:
    """A time as the driver gives it: aware, in UTC."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value.astimezone(UTC)


class UtcTime(TypeDecorator[datetime]):
    """An aware time, in UTC. PostgreSQL keeps it as `timestamptz`; SQLite, which has no such type, as sortable RFC
    3339 text."""

    impl = sa.String(27)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[datetime]:
        """`timestamptz` where there is one."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(sa.TIMESTAMP(timezone=True))
        return cast("TypeEngine[datetime]", dialect.type_descriptor(sa.String(27)))

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], datetime | None] | None:
        """A plain function, or none: SQLite's driver is told once for all how to write a time (`as_text`). A note has
        a dozen, and the toolkit's own wrapping takes longer than writing them."""
        return _in_utc if dialect.name == "postgresql" else None

    def process_result_value(self, value: datetime | str | None, dialect: Dialect) -> datetime | None:
        """Always aware, always UTC."""
        return None if value is None else as_time(value)


@contextmanager
def whatever_is_kept(conn: Connection) -> Iterator[None]:
    """Reads texts that are none, too: in SQLite's file there may be any bytes, and its driver would stop at them."""
    driver: Any = conn.connection.driver_connection
    if conn.dialect.name != "sqlite":
        yield
        return
    driver.text_factory = partial(bytes.decode, errors="surrogateescape")
    try:
        yield
    finally:
        driver.text_factory = str


def apart(later: str, earlier: str, hours: int) -> dict[str, str]:
    """By engine: the condition that one time lies more than some hours after another, as an index can have it."""
    return {
        "sqlite": f"julianday({later}) - julianday({earlier}) > {hours} / 24.0",
        "postgresql": f"{later} - {earlier} > interval '{hours} hours'",
    }


Id = sa.String(36)
"""A UUIDv7 in its text form: sorts by time on every engine and reads the same in a log line."""

Who = sa.String(120)
"""An account's UUIDv7 or a client's id: whoever wrote something."""
