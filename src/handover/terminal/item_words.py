"""Notes and needs as they stand on a sheet or in a handover: facts with their source, opinions under a name."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from handover.terminal import phrases
from handover.terminal.phrases import Reader

Thing = Mapping[str, Any]


def note_lines(note: dict[str, Any], reader: Reader, handle: str | None = None) -> list[str]:
    """What a note says, line by line: first the fact, with who, when and how known."""
    when = reader.time(note.get("occurred_at"))
    look_out = phrases.attention(note, reader)
    beside = f" [{handle}{', ' + look_out if look_out else ''}]" if handle and look_out else ""
    lines = [f"{when} {phrases.how(note)}{beside}"]
    if note.get("status") == "RESTRICTED":
        lines.append("DISPUTED: decide nothing on it")
    if state := phrases.state(note, reader):
        lines.append("; ".join(state))
    if note.get("opinion"):
        sure = f" ({reader.label('confidence', note['confidence'])})" if note.get("confidence") else ""
        lines.append(f"{phrases.person(note.get('author'))} thinks{sure}: {note['opinion']}")
    if did := phrases.responses(note, reader):
        lines.append(f"did: {', '.join(did)}")
    for one in (note.get("renewals") or [])[-1:]:
        word = "closed" if one.get("closed") else f"renewed until {reader.time(one.get('until'))}"
        lines.append(f"attention {word} by {phrases.person(one.get('by'))}: {one.get('reason')}")
    if late := phrases.late(note, reader):
        lines.append(late)
    if note.get("handling") not in (None, "UNIT"):
        lines.append(f"who may read it: {reader.label('handling', note['handling'])}")
    return lines


def need_line(need: dict[str, Any], reader: Reader, handle: str | None = None) -> str:
    """What is needed, by when, with whom, how long it has been open and who carried it."""
    parts = [phrases.need(need, reader)]
    if is_overdue(need, reader):
        parts.append("OVERDUE")
    parts.append(f"with {need['owner']}" if need.get("owner") else "with nobody")
    opened = f"open {age(need.get('opened_at'), reader)}, from {phrases.person(need.get('opened_by'))}"
    carriers = [phrases.person(one.get("by")) for one in need.get("carried") or []]
    if carriers:
        opened += f", carried on by {_listed(carriers)}"
    return (f"[{handle}] " if handle else "") + "; ".join([*parts, opened])


def is_overdue(need: Thing, reader: Reader) -> bool:
    """Whether its time has come and it is still open."""
    due = need.get("due_at")
    return bool(due) and need.get("status", "OPEN") == "OPEN" and not reader.is_ahead(due)


def age(since: object, reader: Reader) -> str:
    """`20 min`, `5 h`, `3 days`."""
    try:
        passed = reader.now() - datetime.fromisoformat(str(since))
    except ValueError:
        return "?"
    if passed < timedelta(hours=1):
        return f"{max(0, int(passed / timedelta(minutes=1)))} min"
    if passed < timedelta(hours=48):
        return f"{int(passed / timedelta(hours=1))} h"
    return f"{passed.days} days"


def tried(one: Thing, reader: Reader) -> str:
    """`listened (T. Oyelaran, Mon 23:34)`."""
    place = f", {reader.label('place', one['place'])}" if one.get("place") else ""
    return f"{reader.label('responses', one.get('code'))} ({one.get('by')}, {reader.time(one.get('at'))}{place})"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))
