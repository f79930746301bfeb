"""Column types that mean the same on both engines."""

from datetime import UTC, datetime
from typing import cast

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine


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

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | str | None:
        """Refuses a time without an offset: it would silently mean another instant."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored time must be aware")
        value = value.astimezone(UTC)
        if dialect.name == "postgresql":
            return value
        return value.isoformat(timespec="microseconds")[:-6] + "Z"  # a quarter of what strftime takes

    def process_result_value(self, value: datetime | str | None, dialect: Dialect) -> datetime | None:
        """Always aware, always UTC."""
        if value is None:
            return None
        if isinstance(value, str):
            return datetime.fromisoformat(value)
        return value.astimezone(UTC)


Id = sa.String(36)
"""A UUIDv7 in its text form: sorts by time on every engine and reads the same in a log line."""

Who = sa.String(120)
"""An account's UUIDv7 or a client's id: whoever wrote something."""
