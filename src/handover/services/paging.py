"""Pages and their cursors: a cursor is the sort key of the last row, so that rows written meanwhile shift nothing."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
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


def read_cursor(text: str | None, *kinds: type) -> tuple[Any, ...] | None:
    """The sort key in a cursor of ours; anything else is refused."""
    if text is None:
        return None
    refused = Invalid(FieldError("/query/cursor", "this is not a cursor of this list; start again without one"))
    try:
        values = orjson.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if not isinstance(values, list) or len(values) != len(kinds):
            raise refused
        return tuple(_as(kind, value) for kind, value in zip(kinds, values, strict=True))
    except (Base64Error, orjson.JSONDecodeError, ValueError, TypeError):
        raise refused from None


def _as(kind: type, value: Any) -> Any:
    if kind is datetime:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError
        return moment
    if type(value) is not kind or (isinstance(value, str) and ("\x00" in value or not value.isascii())):
        raise ValueError
    return value


def page(rows: Sequence[R], limit: int, document: Callable[[R], str], key: Callable[[R], tuple[Any, ...]]) -> Page:
    """A page of the first `limit` rows; `rows` holds one more where there are more."""
    shown = rows[:limit]
    return Page([document(row) for row in shown], cursor(*key(shown[-1])) if len(rows) > limit else None)
