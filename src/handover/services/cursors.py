"""How far a reader has come, and the opaque form of it."""

from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from binascii import b2a_base64
from collections.abc import Collection, Mapping, Sequence
from re import findall

from handover.errors import CursorRefused
from handover.store.eventlog import Ends

SET_BACK = "This store was set back: some of what you were told is not there any more. Reload, then ask with after=now."
TOO_OLD = "What followed that cursor is not kept any more. Reload what you hold, then ask with after=now."
Positions = dict[str, int]
"""How far a reader has come, by establishment."""
WHOLE = "!"
"""At the end of what a cursor says: one that was cut short, by a column too narrow for it, is not taken for another."""
_SAFE = bytes.maketrans(b"+/", b"-_")


def cursor_of(store_id: str, positions: Mapping[str, int]) -> str:
    """The opaque form of positions. It names the store, so that a cursor of another (or of one set up anew) is
    noticed."""
    told = ",".join([f"{place}:{sequence}" for place, sequence in sorted(positions.items())])
    return opaque(f"{store_id}.{told}{WHOLE}".encode())


def opaque(told: bytes) -> str:
    """As `urlsafe_b64encode`, without what fills it up: in less time."""
    return b2a_base64(told, newline=False).translate(_SAFE, b"=").decode()


def positions_of(store_id: str, cursor: str) -> Positions:
    """The positions in a cursor of this store; any other is refused out loud."""
    refused = CursorRefused(
        "This store cannot continue from that cursor. Reload what you hold, then ask with after=now."
    )
    try:
        known, _, told = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii").partition(".")
        pairs = [part.rsplit(":", 1) for part in told.removesuffix(WHOLE).split(",")] if told != WHOLE else []
        positions = {place: int(sequence) for place, sequence in pairs}
    except (Base64Error, UnicodeError, ValueError):
        raise refused from None
    if known != store_id or cursor_of(store_id, positions) != cursor:  # cut short, or not one of ours
        raise refused
    return positions


def start(store_id: str, after: str | None, places: Collection[str], ends: Mapping[str, Ends]) -> Positions:
    """Where a reader of these establishments begins: after its cursor, at the beginning of what is kept, or now."""
    heads = {place: ends[place].head if place in ends else 0 for place in places}
    floors = {place: ends[place].floor if place in ends else 0 for place in places}
    if after == "now":
        return heads
    if after is None:
        return floors
    positions = positions_of(store_id, after)
    # Only what this reader hears now: a cursor may remember an establishment that was taken away since, or is left out
    # here. One that knows of none of these would silently start them all again.
    if places and not any(place in positions for place in places):
        raise CursorRefused(
            "That cursor is of other establishments. Reload what you hold of these, then ask with after=now."
        )
    if any(positions.get(place, 0) > heads[place] for place in places):
        raise CursorRefused(
            "That cursor is ahead of this store, which was set back. Reload what you hold, then ask with after=now."
        )
    if any(positions.get(place, floors[place]) < floors[place] for place in places):
        raise CursorRefused(TOO_OLD)
    return {place: positions.get(place, floors[place]) for place in places}


def cursors_of(store_id: str, place: str, sequences: Sequence[int]) -> list[str]:
    """`cursor_of` of readers of one establishment alone, for each of these, in rising order: made in one go, as long as
    they have as many digits."""
    if not sequences or len(str(sequences[0])) != len(str(sequences[-1])):
        return [cursor_of(store_id, {place: sequence}) for sequence in sequences]
    length = len(f"{store_id}.{place}:{sequences[0]}{WHOLE}")
    fill = -length % 3
    one = f"{store_id}.{place}:".replace("%", "%%") + "%d" + WHOLE + "\0" * fill
    text = opaque("".join(map(one.__mod__, sequences)).encode())
    return findall(f"(.{{{(length + fill) // 3 * 4 - fill}}}).{{{fill}}}", text)
