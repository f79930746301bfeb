"""Pages and their cursors: a cursor is the sort key of the last row, so that rows written meanwhile shift nothing."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import orjson

from handover.errors import FieldError, Invalid

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Page:
    """Documents ready to be sent, and the cursor of the next page where there is one."""

    items: list[str]
    next: str | None


def cursor(*key: Any) -> str:
    """The opaque form of a sort key."""
    return urlsafe_b64encode(orjson.dumps(key, option=orjson.OPT_UTC_Z)).decode().rstrip("=")


def read_cursor(text: str | None, *kinds: type | str) -> tuple[Any, ...] | None:
    """The sort key in a cursor of ours; anything else is refused. A word among the kinds is the list's name: it tells a
    cursor of another list."""
    if text is None:
        return None
    refused = Invalid(FieldError("/query/cursor", "this is not a cursor of this list; start again without one"))
    try:
        values = orjson.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if not isinstance(values, list) or len(values) != len(kinds):
            raise refused
        read = [(kind, _as(kind, value)) for kind, value in zip(kinds, values, strict=True)]
        return tuple(value for kind, value in read if not isinstance(kind, str))
    except (Base64Error, orjson.JSONDecodeError, ValueError, TypeError, OverflowError):
        raise refused from None


def _as(kind: type | str, value: Any) -> Any:
    if kind is datetime:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError
        return moment.astimezone(UTC)
    if isinstance(kind, str):
        sound = value == kind
    elif kind is int:
        sound = type(value) is int and abs(value) < 2**63
    else:
        sound = type(value) is kind and not (isinstance(value, str) and ("\x00" in value or not value.isascii()))
    if not sound:
        raise ValueError
    return value


def page(rows: Sequence[R], limit: int, document: Callable[[R], str], key: Callable[[R], tuple[Any, ...]]) -> Page:
    """A page of the first `limit` rows; `rows` holds one more where there are more."""
    shown = rows[:limit]
    return Page([document(row) for row in shown], cursor(*key(shown[-1])) if len(rows) > limit else None)
