"""Frames of the feed, without any I/O."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain, repeat

import orjson
from pydantic import ValidationError

from handover.schemas.events import AuthFrame

SUBPROTOCOL = "handover.v1"
NOT_AUTHORISED, NOT_YOURS, BAD_FRAME, TOO_SLOW, BAD_CURSOR = 4401, 4403, 4400, 4408, 4409
STOPPING, TRY_LATER = 1001, 1013
_TEXT = 0x81
"""FIN, and the opcode of a text."""


class Close(Exception):  # noqa: N818 - an end, not an accident
    """The feed ends, with this close code and these words (at most 123 bytes, RFC 6455 §5.5)."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason.encode()[:123].decode(errors="ignore")


def hello(cursor: str, heartbeat_s: float) -> str:
    """The first frame: where this feed begins, and how often it will be heard at least."""
    return orjson.dumps({"type": "hello", "cursor": cursor, "heartbeat_s": heartbeat_s}).decode()


def live(cursor: str) -> str:
    """All that was missed has been sent."""
    return f'{{"type":"live","cursor":"{cursor}"}}'


def heartbeat(cursor: str) -> str:
    """Still here, and nothing for you before this cursor is missing."""
    return f'{{"type":"heartbeat","cursor":"{cursor}"}}'


def event(text: str) -> str:
    """One event."""
    return f'{{"type":"event","event":{text}}}'


def framed(text: str) -> bytes:
    """A text as the server's frame on the wire: whole, and not masked (RFC 6455 §5.2)."""
    payload = text.encode()
    return _head(len(payload)) + payload


def framed_event(text: str) -> bytes:
    """`framed(event(text))`, with a copy less of what is long."""
    return framed_events([text.encode()])


def framed_events(texts: Sequence[bytes]) -> bytes:
    """The same of several, one after the other. Without a step of ours for each: hundreds are read at a time."""
    return b"".join(chain.from_iterable(zip(map(_head_of_event, map(len, texts)), texts, repeat(b"}"), strict=False)))


@lru_cache(maxsize=4096)
def _head_of_event(size: int) -> bytes:
    before, after = event("\0").encode().split(b"\0")
    return _head(len(before) + size + len(after)) + before


def _head(size: int) -> bytes:
    if size < 126:
        return bytes((_TEXT, size))
    if size < 1 << 16:
        return bytes((_TEXT, 126)) + size.to_bytes(2, "big")
    return bytes((_TEXT, 127)) + size.to_bytes(8, "big")


def text_of(frame: bytes) -> str:
    """What `framed` was given."""
    return frame[{126: 4, 127: 10}.get(frame[1], 2) :].decode()


def read(text: str | None) -> str:
    """The new token in a client's frame; any other frame ends the feed."""
    if text is None:
        raise Close(BAD_FRAME, 'Send text: {"type": "auth", "token": "..."} is the only frame there is.')
    try:
        return AuthFrame.model_validate_json(text).token
    except ValidationError:
        raise Close(BAD_FRAME, 'Send {"type": "auth", "token": "..."}; there is no other frame.') from None
