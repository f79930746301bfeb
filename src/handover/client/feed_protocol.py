"""The feed's frames and close codes, and what to do about each. No I/O: bytes and times come in, decisions go out."""

import json
import random
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from handover.schemas.common import in_utc

SUBPROTOCOL = "handover.v1"
SILENCE = 2.5
"""After this many heartbeats' time without a frame we are blind, whatever the socket says."""
FIRST_HEARTBEAT_S = 20.0
_SHORTEST_S, _LONGEST_S = 0.5, 10.0


@dataclass(frozen=True, slots=True)
class Event:
    """One event as it came. Kinds and fields that this version does not know are kept, never refused."""

    raw: dict[str, Any]

    @property
    def cursor(self) -> str:
        """Where to continue after this event."""
        return str(self.raw.get("cursor", ""))

    @property
    def type(self) -> str:
        """What kind of change it tells."""
        return str(self.raw.get("type", ""))

    @property
    def place_in_log(self) -> tuple[str, int]:
        """The log it is in, and its number there."""
        number = self.raw.get("sequence")
        return str(self.raw.get("source", "")), number if isinstance(number, int) else -1


@dataclass(frozen=True, slots=True)
class Hello:
    """The feed is open; what was missed comes next."""

    cursor: str
    heartbeat_s: float


@dataclass(frozen=True, slots=True)
class Live:
    """All that was missed has been sent."""

    cursor: str


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Nothing new, and the line is good."""

    cursor: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """A frame of a newer server; to be passed over."""


Frame = Hello | Event | Live | Heartbeat | Unknown


class State(Enum):
    """What a reader has to know about its own sight."""

    REPLAYING = "replaying"
    LIVE = "live"
    BLIND = "blind"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class StateChange:
    """From `at` on things stand like this; `since` is when what is not known, or was not, began."""

    state: State
    at: datetime
    since: datetime | None = None
    why: str = ""
    cursor: str | None = None

    def as_frame(self) -> dict[str, Any]:
        """The same for a program: one JSON object."""
        frame: dict[str, Any] = {"type": "state", "state": self.state.value, "at": in_utc(self.at)}
        if self.since is not None:
            frame["since"] = in_utc(self.since)
        if self.why:
            frame["why"] = self.why
        if self.cursor is not None:
            frame["cursor"] = self.cursor
        return frame


class Next(Enum):
    """What to do after a feed was closed."""

    COME_BACK = "with the cursor, after a pause that grows"
    RENEW = "with the cursor and a new token"
    START_FROM_NOW = "without the cursor: it cannot be resumed"
    STOP = "not at all"


_AFTER_CLOSE = {4400: Next.STOP, 4401: Next.RENEW, 4403: Next.STOP, 4409: Next.START_FROM_NOW}
_AFTER_STATUS = {400: Next.STOP, 401: Next.RENEW, 403: Next.STOP, 409: Next.START_FROM_NOW, 422: Next.STOP}


def after_close(code: int | None) -> Next:
    """What a close code asks of us. Any other (a restart, 4408, a broken line) says: come back with the cursor."""
    return _AFTER_CLOSE.get(code or 0, Next.COME_BACK)


def after_status(status: int) -> Next:
    """What an HTTP status in place of a feed asks of us."""
    return _AFTER_STATUS.get(status, Next.COME_BACK)


def read_frame(text: str | bytes) -> Frame:
    """A frame, as far as it is known to this version."""
    try:
        frame = json.loads(text)
    except ValueError:
        return Unknown()
    if not isinstance(frame, dict):
        return Unknown()
    kind, cursor = frame.get("type"), str(frame.get("cursor") or "")
    if kind == "event" and isinstance(frame.get("event"), dict):
        return Event(frame["event"])
    if kind == "hello":
        beat = frame.get("heartbeat_s")
        return Hello(cursor, float(beat) if isinstance(beat, int | float) and beat > 0 else FIRST_HEARTBEAT_S)
    if kind == "live":
        return Live(cursor)
    return Heartbeat(cursor) if kind == "heartbeat" else Unknown()


def auth_frame(token: str) -> str:
    """The frame that renews an open feed."""
    return json.dumps({"type": "auth", "token": token})


def pause_before(attempt: int, luck: float | None = None) -> float:
    """Seconds before attempt 1, 2, …: doubling, capped, and spread so that a whole prison does not return at once."""
    longest = min(_LONGEST_S, _SHORTEST_S * 2.0 ** min(attempt - 1, 10))
    return longest * (0.5 + (random.random() if luck is None else luck) / 2)  # noqa: S311 - spreads load, guards nothing
