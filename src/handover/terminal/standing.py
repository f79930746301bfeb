"""Whose a unit is, where its handover stands, and what still waits: the two lines at the top of everything."""

from collections.abc import Mapping
from typing import Any

from handover.terminal import phrases
from handover.terminal.phrases import Reader
from handover.terminal.shifts import shift_words

Handover = Mapping[str, Any]


def way(handover: Handover, reader: Reader) -> str:
    """`early → late`."""
    before, after = (shift_words(handover.get(end), reader) for end in ("from_shift", "to_shift"))
    return f"{before} → {after}" if before != after else f"within the {after} shift"


def owner(last: Handover | None, reader: Reader) -> str:
    """Who answers for the unit."""
    if not last:
        return "Nobody has taken this unit over here yet."
    incoming, outgoing = phrases.person(last.get("incoming")), phrases.person(last.get("outgoing"))
    since = f"{incoming}'s since {reader.time(last.get('accepted_at'))}"
    return since + (f", from {outgoing}" if incoming != outgoing else "")


def where(handover: Handover, reader: Reader) -> str:
    """Where the handover stands, in words that say who has to do what."""
    state, due = str(handover.get("state")), reader.time(handover.get("due_at"))
    if state == "DRAFT":
        return f"Handover {way(handover, reader)}: not offered yet; it is to be accepted by {due}"
    by, at = phrases.person(handover.get("outgoing")), reader.time(handover.get("offered_at"))
    words = f"Handover {way(handover, reader)}: offered {at} by {by}, "
    waits = {
        "OFFERED": f"NOT ACCEPTED, due {due}",
        "OVERDUE": f"OVERDUE since {due}: nobody has accepted",
        "ESCALATED": f"WITH THE DUTY MANAGER: nobody has accepted since {due}",
        "WITHDRAWN": "taken back",
    }
    return words + (waits.get(state) or _taken(handover, reader))


def on_the_way(handover: Handover, reader: Reader) -> str:
    """Since when somebody is on the way, who sent him or her, and by when somebody must accept."""
    by, since = phrases.person(handover.get("outgoing")), reader.time(handover.get("offered_at"))
    due = reader.time(handover.get("due_at"))
    late = f"due {due}" if handover.get("state") == "OFFERED" else f"OVERDUE since {due}"
    return f"on the way since {since}, sent by {by}, NOT ACCEPTED, {late}"


def _taken(handover: Handover, reader: Reader) -> str:
    return f"accepted {reader.time(handover.get('accepted_at'))} by {phrases.person(handover.get('incoming'))}"


def roll(roster: Mapping[str, Any], offered: Mapping[str, Any] | None) -> str:
    """What the roster says, and what was said at the offer."""
    words = f"Roll {roster.get('expected')} by the roster"
    if roster.get("in_transit"):
        words += f", {roster['in_transit']} more on the way here"
    if offered and offered.get("expected") is not None and offered["expected"] != roster.get("expected"):
        words += f"; the offer says {offered['expected']}"
    return words


def spot(place: object) -> str:
    """`ALM B B2-03`."""
    if not isinstance(place, dict):
        return "?"
    return " ".join(str(place[name]) for name in ("establishment", "unit", "cell") if place.get(name))
