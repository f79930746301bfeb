"""What the page says at its top: whose the unit is, where its handover stands, how many there should be."""

from collections.abc import Iterable
from typing import Any

from handover.api.paper.words import WAITING, Document, Words, joined


def owner(handover: Document, words: Words) -> str:
    """Whose the unit is."""
    before = handover["last"]
    owner = handover["outgoing"] if handover["state"] in WAITING else before and before["incoming"]
    if owner:
        return words.t("The unit is with {name}.", name=owner["name"])
    return words.t("Nobody has taken the unit over yet.")


def standing(handover: Document, words: Words) -> str:
    """Where the handover stands."""
    due, state = words.when(handover["due_at"]), words.label("handover_state", handover["state"])
    ends = f"{words.shift(handover['from_shift'])} → {words.shift(handover['to_shift'])}"
    due = words.t("was due {time}", time=due) if words.past(handover["due_at"]) else words.t("due {time}", time=due)
    parts = [] if handover["state"] == "OFFERED" else [state.lower() if handover["state"] == "DRAFT" else state.upper()]
    if handover["state"] in WAITING:
        offered = words.when(handover["offered_at"])
        parts.append(words.t("offered {time} by {name}", time=offered, name=handover["outgoing"]["name"]))
        parts.append(words.t("nobody has accepted it yet"))
    parts.append(due)
    if handover["open_queries"]:
        parts.append(words.t("questions not answered: {number}", number=handover["open_queries"]))
    return f"{ends}: {', '.join(parts)}."


def taken_over(last: Document | None, words: Words) -> str:
    """How the unit came to whom it is with."""
    if last is None:
        return ""
    ends = f"{words.shift(last['from_shift'])} → {words.shift(last['to_shift'])}"
    return words.t(
        "Last taken over {time} by {incoming} from {outgoing} ({ends}: {state}).",
        time=words.when(last["accepted_at"]),
        incoming=last["incoming"]["name"],
        outgoing=last["outgoing"]["name"],
        ends=ends,
        state=words.low("handover_state", last["state"]),
    )


def remarks(handover: Document, words: Words) -> Iterable[str]:
    """What the outgoing officers said of the whole unit."""
    before = handover["last"]
    if handover["remarks"] and handover["outgoing"]:
        yield words.t("{name} says: {words}", name=handover["outgoing"]["name"], words=handover["remarks"])
    if before and before["remarks"]:
        yield words.t("{name} said: {words}", name=before["outgoing"]["name"], words=before["remarks"])


def roll(sheet: Document, words: Words) -> dict[str, Any]:
    """How many there should be, and what is said of that."""
    told = sheet["handover"]["roll"] or {"expected": None, "actual": None, "mismatch_reason": None}
    more = []
    if sheet["roll"]["in_transit"]:
        more.append(words.t("and on the way here: {number}", number=sheet["roll"]["in_transit"]))
    if told["expected"] not in (None, sheet["roll"]["expected"]):
        more.append(words.t("The offer says {number}", number=told["expected"]))
    if told["actual"] is not None:
        more.append(joined(": ", words.t("Counted {number}", number=told["actual"]), told["mismatch_reason"]))
    return {"expected": sheet["roll"]["expected"], "more": more}
