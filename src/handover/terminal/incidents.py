"""Incidents on the screen of a watch: while one goes on, its notes stand under one heading that is counted up, so that
a hundred of them push nothing off. What somebody must act on now is never among them, nor what it began with."""

import asyncio
from collections.abc import Iterable, Mapping

from rich.text import Text

from handover.client.refusals import Trouble
from handover.client.resources import Document, every
from handover.terminal import phrases
from handover.terminal.desk import Desk
from handover.terminal.phrases import Reader
from handover.terminal.speech import plain
from handover.terminal.tongue import later, plural, t

NEWEST = 3
"""How many of its notes are shown, a line each, beside one that goes on; of several, one each."""
_STANDING = ("ACTIVE", "RESTRICTED")


def counted(many: int) -> str:
    """`1 note`, `57 notes`."""
    return plural("1 note", "{n} notes", many)


class Incident:
    """One incident, as far as it was heard."""

    def __init__(self, incident: str, notes: Iterable[Document]) -> None:
        known = {str(note["id"]): note for note in notes}
        self.id = self.began = incident
        while (known.get(self.began) or {}).get("status") == "CORRECTED":
            self.began = str(known[self.began]["superseded_by"])
        self.notes = {id_: note for id_, note in known.items() if note.get("status") in _STANDING}

    def hears(self, note: Document) -> None:
        """Takes in what a note says now, if it is one of these, or becomes one."""
        id_, before = str(note["id"]), str(note.get("supersedes"))
        if note.get("incident") != self.id and id_ not in self.notes:
            return
        if self.began in (id_, before):
            self.began = id_
        self.notes.pop(before, None)
        if note.get("status") in _STANDING and "incident" in note:
            self.notes[id_] = note
        else:
            self.notes.pop(id_, None)

    def covers(self, note: str) -> bool:
        """Whether the heading tells a note: it is one of these, not the one it began with, and calls for nobody."""
        one = self.notes.get(note)
        return one is not None and note != self.began and not _calls(one)

    def goes_on(self, reader: Reader) -> bool:
        """Whether the note it began with stands and still wants attention."""
        began = self.notes.get(self.began, {})
        return began.get("status") == "ACTIVE" and reader.is_ahead(began.get("attention_until"))

    def heading(self, reader: Reader) -> str:
        """`INCIDENT on A since 14:02: 57 notes, latest 14:13. Began: …`"""
        began, latest = self.notes[self.began], self.newest()[0]
        since, last = reader.time(began.get("occurred_at")), reader.time(latest.get("recorded_at"))
        told = t(
            "INCIDENT on {unit} since {since}: {counted}, latest {last}",
            unit=began.get("unit"),
            since=since,
            counted=counted(len(self.notes)),
            last=last,
        )
        return t("{told}. Began: {how}", told=told, how=phrases.how(began)).replace("\n", " ")

    def newest(self) -> list[Document]:
        """Its notes, the newest first."""
        return sorted(
            self.notes.values(), key=lambda note: (str(note.get("recorded_at")), str(note["id"])), reverse=True
        )


class Incidents:
    """Those that go on where somebody watches."""

    def __init__(self, here: Desk, reader: Reader) -> None:
        self._here = here
        self._reader = reader
        self._known: dict[str, Incident] = {}
        self._apart: set[str] = set()
        """Those that are over, or that began with what is not for this reader: their notes are told one by one."""

    async def tells(self, kind: str, data: Document) -> bool:
        """Takes in an event; answers whether the heading tells it, so that it needs no line of its own."""
        if kind == "receipt.recorded":
            return data.get("kind") == "SEEN" and any(one.covers(str(data.get("note"))) for one in self._known.values())
        if not kind.startswith("note.") or "id" not in data:
            return False
        incident = data.get("incident")
        if kind == "note.attention_changed":
            self._apart.discard(str(incident))  # it may go on again
        if kind == "note.recorded" and incident and incident not in self._known and incident not in self._apart:
            await self._begin(incident, data)
        for one in self._known.values():
            one.hears(data)
        return kind == "note.recorded" and any(one.covers(str(data["id"])) for one in self._known.values())

    async def _begin(self, incident: str, note: Document) -> None:
        """Starts to count. What was written before anybody looked here is asked for."""
        found = [note]
        if note["id"] != incident:
            try:
                found += await asyncio.to_thread(list, every(self._here.api, "/v1/notes", {"incident": incident}))
            except Trouble:
                return
        one = Incident(incident, found)
        if one.goes_on(self._reader):
            self._known[incident] = one
        else:
            self._apart.add(incident)

    def over(self) -> list[Text]:
        """Says of those that are over that they are, once."""
        ended = [one for one in self._known.values() if not one.goes_on(self._reader)]
        for one in ended:
            del self._known[one.id]
            self._apart.add(one.id)
        words = later("The incident is over: {counted}. They are on the sheet: handover sheet --all")
        return [Text(t(words, counted=counted(len(one.notes)))) for one in ended]

    def headings(self) -> list[Text]:
        """A line for each."""
        return [Text(plain(one.heading(self._reader)), style="bold") for one in self._known.values()]

    def lines(self, names: Mapping[str, str]) -> list[Text]:
        """Each with its newest notes under it: as many lines as there is room for."""
        found: list[Text] = []
        most = NEWEST if len(self._known) == 1 else 1
        for heading, one in zip(self.headings(), self._known.values(), strict=True):
            covered = [note for note in one.newest() if one.covers(str(note["id"]))]
            found += [heading, *(self._line(note, names) for note in covered[:most])]
        for line in found:
            line.no_wrap, line.overflow = True, "ellipsis"
        return found

    def _line(self, note: Document, names: Mapping[str, str]) -> Text:
        who = names.get(str(note.get("inmate")), str(note.get("inmate"))) if note.get("inmate") else t("the wing")
        of_it = (t("opens an incident"), t("about the incident"))
        state = [words for words in phrases.state(note, self._reader) if words not in of_it]
        told = "; ".join([phrases.how(note), *state]).replace("\n", " ")
        return Text.assemble(
            f"  {self._reader.time(note.get('recorded_at'))}  ", (plain(who), "bold"), f"  {plain(told)}"
        )


def _calls(note: Document) -> bool:
    """Whether somebody must act on it now."""
    return note.get("attention") == "ACT_NOW" or any(need.get("urgency") == "NOW" for need in note.get("needs") or [])
