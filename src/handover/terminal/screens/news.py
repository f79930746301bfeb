"""News: what was heard and has not been taken in. It waits in one place, so that nothing moves under one's eyes."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.text import Text

from handover.client.feed_protocol import Event
from handover.terminal import phrases, telling
from handover.terminal.incidents import counted
from handover.terminal.phrases import Reader
from handover.terminal.screens.lines import Row, row
from handover.terminal.speech import plain
from handover.terminal.tongue import t

MOST = 200
_SILENT = ("receipt.recorded", "inmate.updated", "page.closed")


@dataclass(slots=True)
class News:
    """What came, the oldest first. What was taken in is shown until the next time."""

    waiting: list[Event] = field(default_factory=list)
    taken: list[Event] = field(default_factory=list)
    cursor: str | None = None
    """How far it was heard."""

    def hears(self, event: Event, me: str, units: Collection[tuple[str, str]]) -> None:
        """Keeps an event if it is news to whoever reads it."""
        data = _data(event)
        self._forget(event, data)
        place = (str(event.raw.get("source", "")).rpartition("/")[2], str(event.raw.get("unit")))
        if event.type in _SILENT or (units and place not in units) or _by(event, data) == me:
            return
        if event.type == "need.opened" and any(_data(one).get("id") == data.get("note") for one in self.waiting):
            return  # its note says so
        self.waiting.append(event)
        del self.waiting[:-MOST]

    def take_in(self) -> None:
        """The officer has seen that there is news: from here on, it counts anew."""
        if self.waiting:
            self.taken, self.waiting = self.waiting, []

    def rows(self, reader: Reader, names: Mapping[str, str]) -> Iterator[Row]:
        """What was taken in, the newest first; notes about an incident are counted as one."""
        counts: dict[str, int] = {}
        for event in self.taken:
            if incident := _counted(event):
                counts[incident] = counts.get(incident, 0) + 1
        for event in reversed(self.taken):
            subject = event.raw.get("subject")
            key = ("person", str(subject)) if subject else ("wing", "")
            if incident := _counted(event):
                many = counts.pop(incident, 0)
                if many:
                    told = t("INCIDENT: {notes}, the latest:", notes=counted(many))
                    yield row(
                        f"{reader.time(event.raw.get('time'))}  {told} {phrases.matter(_data(event), reader)}",
                        ("incident", incident),
                        whole=False,
                        note=_data(event).get("id"),
                    )
                continue
            first, *under = telling.lines_for(event, reader, names, with_place=False)
            id_, note = _data(event).get("id"), _data(event).get("note")
            need = id_ if event.type.startswith("need.") else None
            if any(gone == id_ for gone, _ in unsaid(event)):
                need = note = None  # what takes the words away says none of them
            elif note is None:
                note = id_
            yield Row(first.text, key, note=note, need=need)
            yield from (Row(Text("       ") + one.text, note=note, need=need) for one in under[:2])

    def _forget(self, event: Event, data: Mapping[str, Any]) -> None:
        """What was taken back or corrected is not said again."""
        if event.type in ("note.retracted", "note.restricted", "note.corrected"):
            gone = {data.get("id"), data.get("supersedes")}
            for kept in (self.waiting, self.taken):
                kept[:] = [one for one in kept if not ({_data(one).get("id"), _data(one).get("note")} & gone - {None})]


def unsaid(event: Event) -> Iterator[tuple[str, str]]:
    """The notes, or the need, whose words an event takes from every screen, and what became of each. A note of which
    nothing but that is told is not for this reader any more. Of one that travelled, whoever it was handed to hears from
    the handover; of a correction that not all may read, the others hear by the note that no longer stands."""
    data = _data(event)
    id_, status = str(data.get("id")), str(data.get("status"))
    if event.type == "handover.updated":
        brought = (item["content"] for item in data.get("items") or [] if item["content"])
        yield from ((one["id"], one["status"]) for one in brought if one["status"] in ("RETRACTED", "CORRECTED"))
    elif event.type == "note.retracted" or (event.type.startswith("note.") and set(data) == {"id", "status"}):
        yield id_, status
    elif event.type == "need.updated" and status != "OPEN" and not data.get("code"):
        yield id_, "RETRACTED"  # whoever sees to it may never have been told of its note
    elif event.type == "note.corrected":
        yield id_ if status == "CORRECTED" else str(data.get("supersedes")), "CORRECTED"


def gist(event: Event, reader: Reader, names: Mapping[str, str]) -> str:
    """An event in one line."""
    first, *under = telling.lines_for(event, reader, names, with_place=False)
    shown = under[:1] if event.type.startswith("note.") else []  # elsewhere it says what to type at a command line
    return plain(" ".join([first.text.plain.strip(), *(one.text.plain.strip() for one in shown)]))


def _counted(event: Event) -> str | None:
    """The incident that a note only adds to; what calls for somebody is told by itself."""
    data = _data(event)
    calls = data.get("attention") == "ACT_NOW" or any(one.get("urgency") == "NOW" for one in data.get("needs") or [])
    if event.type != "note.recorded" or calls or not data.get("incident") or data["incident"] == data.get("id"):
        return None
    return str(data["incident"])


def _data(event: Event) -> dict[str, Any]:
    data = event.raw.get("data")
    return data if isinstance(data, dict) else {}


def _by(event: Event, data: Mapping[str, Any]) -> str | None:
    """Who did it, where the event says so by one name: nobody has to be told what he or she did."""
    kind = event.type
    by: object = None
    if kind in ("note.recorded", "note.corrected"):
        by = data.get("author")
    elif kind == "need.opened":
        by = data.get("opened_by")
    elif kind == "handover.offered":
        by = data.get("outgoing")
    elif kind == "handover.accepted":
        by = data.get("incoming")
    elif kind == "page.accepted":
        by = data.get("accepted_by")
    return str(by.get("username")) if isinstance(by, dict) else None
