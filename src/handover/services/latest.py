"""What is new in the logs, for the hub: no asker, because every event is judged again for every reader."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from handover.services.hearing import Encoded
from handover.services.missed import PAGE, whole
from handover.store import eventlog
from handover.store.eventlog import Ends


@dataclass(frozen=True, slots=True)
class News:
    """What follows the hub's positions, in one moment of the store: entries by establishment, whether there are more,
    and the mark that tells whether events were rewritten since. `newest`: the event that each log has now at the
    position or at the end of the entries. `gone`: logs that do not have (any more) what was read of them, and their
    ends."""

    entries: dict[str, list[Encoded]]
    more: bool
    rewritten: str | None
    newest: dict[str, str]
    gone: dict[str, int]


def ends(conn: Connection, places: Iterable[str]) -> dict[str, Ends]:
    """Where the logs of these establishments begin and end."""
    return eventlog.ends(conn, places)


def news(conn: Connection, store_id: str, known: Mapping[str, tuple[int, str | None]]) -> News:
    """The events that follow these positions, for the establishments that have any. Each position comes with the event
    that was there when it was read, where that is known: another one, or none, tells that the store was set back."""
    ends = eventlog.heads(conn, known) if len(known) > 1 else {}  # of one log, reading on is no dearer than asking
    entries: dict[str, list[Encoded]] = {}
    newest: dict[str, str] = {}
    gone: dict[str, int] = {}
    for place, (position, known_as) in known.items():
        if ends.get(place) == position:
            continue
        found = eventlog.after(conn, place, max(position - 1, 0), PAGE + 1)
        there = found.pop(0) if found and found[0].sequence == position else None
        head = found[-1].sequence if found else (ends or eventlog.heads(conn, [place])).get(place, 0)
        if head < position or (there and known_as and there.id != known_as):
            gone[place] = head
            continue
        if found:
            whole(position, head, len(found))
        entries[place] = [Encoded(event, store_id) for event in found[:PAGE]]
        if last := found[:PAGE] or [event for event in [there] if event]:
            newest[place] = last[-1].id
    more = any(len(found) == PAGE for found in entries.values())
    return News(entries, more, eventlog.rewritten(conn), newest, gone)
