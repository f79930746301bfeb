"""Notes and needs as they stand on a sheet or in a handover: facts with their source, opinions under a name."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from handover.terminal import phrases
from handover.terminal.phrases import Reader
from handover.terminal.tongue import plural, t

Thing = Mapping[str, Any]


def note_lines(note: dict[str, Any], reader: Reader, handle: str | None = None) -> list[str]:
    """What a note says, line by line: first the fact, with who, when and how known."""
    when = reader.time(note.get("occurred_at"))
    look_out = phrases.attention(note, reader)
    beside = f" [{handle}{', ' + look_out if look_out else ''}]" if handle and look_out else ""
    lines = [f"{when} {phrases.how(note)}{beside}"]
    if note.get("status") == "RESTRICTED":
        lines.append(t("DISPUTED: decide nothing on it"))
    if state := phrases.state(note, reader):
        lines.append("; ".join(state))
    if note.get("opinion"):
        sure = f" ({reader.label('confidence', note['confidence'])})" if note.get("confidence") else ""
        lines.append(
            t(
                "{author} thinks{sure}: {opinion}",
                author=phrases.person(note.get("author")),
                sure=sure,
                opinion=note["opinion"],
            )
        )
    if did := phrases.responses(note, reader):
        lines.append(t("did: {did}", did=", ".join(did)))
    for one in (note.get("renewals") or [])[-1:]:
        by, reason = phrases.person(one.get("by")), one.get("reason")
        until = reader.time(one.get("until"))
        lines.append(
            t("attention closed by {by}: {reason}", by=by, reason=reason)
            if one.get("closed")
            else t("attention renewed until {until} by {by}: {reason}", until=until, by=by, reason=reason)
        )
    if late := phrases.late(note, reader):
        lines.append(late)
    if handling := phrases.handling(note, reader):
        lines.append(handling)
    return lines


def need_line(need: dict[str, Any], reader: Reader, handle: str | None = None) -> str:
    """What is needed, by when, with whom, how long it has been open and who carried it."""
    parts = [phrases.need(need, reader)]
    if is_overdue(need, reader):
        parts.append(t("OVERDUE"))
    parts.append(t("with {owner}", owner=need["owner"]) if need.get("owner") else t("with nobody"))
    opened = t(
        "open {age}, from {opened_by}",
        age=age(need.get("opened_at"), reader),
        opened_by=phrases.person(need.get("opened_by")),
    )
    carriers = [phrases.person(one.get("by")) for one in need.get("carried") or []]
    if carriers:
        opened += t(", carried on by {carriers}", carriers=_listed(carriers))
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
        return t("{minutes} min", minutes=max(0, int(passed / timedelta(minutes=1))))
    if passed < timedelta(hours=48):
        return t("{hours} h", hours=int(passed / timedelta(hours=1)))
    return plural("{n} day", "{n} days", passed.days)


def tried(one: Thing, reader: Reader) -> str:
    """`listened (T. Oyelaran, Mon 23:34)`."""
    place = f", {reader.label('place', one['place'])}" if one.get("place") else ""
    return f"{reader.label('responses', one.get('code'))} ({one.get('by')}, {reader.time(one.get('at'))}{place})"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))
