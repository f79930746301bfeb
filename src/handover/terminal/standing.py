"""Whose a unit is, where its handover stands, and what still waits: the two lines at the top of everything."""

from collections.abc import Mapping
from typing import Any

from handover.terminal import phrases
from handover.terminal.phrases import Reader
from handover.terminal.shifts import shift_words
from handover.terminal.tongue import t

Handover = Mapping[str, Any]


def way(handover: Handover, reader: Reader) -> str:
    """`early → late`."""
    before, after = (shift_words(handover.get(end), reader) for end in ("from_shift", "to_shift"))
    return f"{before} → {after}" if before != after else t("within the {after} shift", after=after)


def owner(last: Handover | None, reader: Reader) -> str:
    """Who answers for the unit."""
    if not last:
        return t("Nobody has taken this unit over here yet.")
    incoming, outgoing = phrases.person(last.get("incoming")), phrases.person(last.get("outgoing"))
    since = t("{incoming}'s since {accepted_at}", incoming=incoming, accepted_at=reader.time(last.get("accepted_at")))
    return since + (t(", from {outgoing}", outgoing=outgoing) if incoming != outgoing else "")


def where(handover: Handover, reader: Reader) -> str:
    """Where the handover stands, in words that say who has to do what."""
    state, due = str(handover.get("state")), reader.time(handover.get("due_at"))
    if state == "DRAFT":
        return t("Handover {way}: not offered yet; it is to be accepted by {due}", way=way(handover, reader), due=due)
    by, at = phrases.person(handover.get("outgoing")), reader.time(handover.get("offered_at"))
    words = t("Handover {way}: offered {at} by {by},", way=way(handover, reader), at=at, by=by) + " "
    waits = {
        "OFFERED": t("NOT ACCEPTED, due {due}", due=due),
        "OVERDUE": t("OVERDUE since {due}: nobody has accepted", due=due),
        "ESCALATED": t("WITH THE DUTY MANAGER: nobody has accepted since {due}", due=due),
        "WITHDRAWN": t("taken back"),
    }
    return words + (waits.get(state) or _taken(handover, reader))


def on_the_way(handover: Handover, reader: Reader) -> str:
    """Since when somebody is on the way, who sent him or her, and by when somebody must accept."""
    by, since = phrases.person(handover.get("outgoing")), reader.time(handover.get("offered_at"))
    due = reader.time(handover.get("due_at"))
    late = t("due {due}", due=due) if handover.get("state") == "OFFERED" else t("OVERDUE since {due}", due=due)
    return t("on the way since {since}, sent by {by}, NOT ACCEPTED, {late}", since=since, by=by, late=late)


def _taken(handover: Handover, reader: Reader) -> str:
    return t(
        "accepted {accepted_at} by {incoming}",
        accepted_at=reader.time(handover.get("accepted_at")),
        incoming=phrases.person(handover.get("incoming")),
    )


def roll(roster: Mapping[str, Any], offered: Mapping[str, Any] | None) -> str:
    """What the roster says, and what was said at the offer."""
    words = t("Roll {expected} by the roster", expected=roster.get("expected"))
    if roster.get("in_transit"):
        words += t(", {in_transit} more on the way here", in_transit=roster["in_transit"])
    if offered and offered.get("expected") is not None and offered["expected"] != roster.get("expected"):
        words += t("; the offer says {expected}", expected=offered["expected"])
    return words


def spot(place: object) -> str:
    """`ALM B B2-03`."""
    if not isinstance(place, dict):
        return "?"
    return " ".join(str(place[name]) for name in ("establishment", "unit", "cell") if place.get(name))
