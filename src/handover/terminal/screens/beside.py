"""What stands beside the form, and never in it: the last three shifts, what worked, what is open."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

from handover.client.http import Api
from handover.client.refusals import ServerRefused
from handover.client.resources import Document, every, read
from handover.client.sheets import without
from handover.schemas.common import in_utc
from handover.terminal import item_words, phrases, shifts
from handover.terminal.phrases import Reader
from handover.terminal.tongue import t

_LATELY = timedelta(hours=26)
"""Three shifts, and a little."""
_MINE = timedelta(hours=12)


@dataclass(slots=True)
class Beside:
    """What is known about a person, as far as it was fetched."""

    notes: list[Document] = field(default_factory=list)
    needs: list[Document] = field(default_factory=list)
    worked: list[Document] = field(default_factory=list)
    mine: list[Document] = field(default_factory=list)
    """The author's own notes of this shift, about anybody: for seeing that the same words are written again."""
    fetched: bool = False

    def without(self, note: str, status: str) -> "Beside":
        """The same after a note was taken back or corrected."""
        kept = {name: without(getattr(self, name), note, status) for name in ("notes", "needs", "worked", "mine")}
        return replace(self, **kept)

    def lines(self, reader: Reader) -> Iterator[str]:
        """As many as there is to say; the newest first."""
        if not self.fetched:
            yield t("(what is known is being fetched)")
            return
        for one in self.worked[:2]:
            yield f"{t('worked')}: {item_words.tried(one, reader)}"
        for need in self.needs[:3]:
            late = f"{t('OVERDUE')} " if item_words.is_overdue(need, reader) else ""
            yield t("open: {need}", need=late + phrases.need(need, reader))
        for note in self.notes[:4]:
            when = shifts.shift_words(note.get("shift"), reader)
            state = ", ".join(phrases.state(note, reader))
            yield f"{when}: {note.get('fact') or state or phrases.how(note)} ({phrases.person(note.get('author'))})"
        if not (self.notes or self.needs or self.worked):
            yield t("Nothing was written in the last three shifts, and nothing is open.")


def fetch(api: Api, inmate: str | None, place: tuple[str, str], me: str, reader: Reader) -> Beside:
    """Asks for it."""
    found = Beside(fetched=True)
    where = {"establishment": place[0], "unit": place[1]}
    since = in_utc(reader.now() - _LATELY)
    if inmate is not None:
        found.notes = _standing(every(api, "/v1/notes", {"inmate": inmate, "recorded_from": since}))
        found.needs = list(every(api, "/v1/needs", {"inmate": inmate, "status": "OPEN"}))
        found.worked = worked(api, inmate)["worked"]
    mine = {**where, "author": me, "recorded_from": in_utc(reader.now() - _MINE)}
    found.mine = _standing(every(api, "/v1/notes", mine))
    return found


def worked(api: Api, inmate: str) -> Document:
    """What worked with a person, what did not, and when he or she opened up."""
    try:
        return read(api, f"/v1/inmates/{inmate}/worked")
    except ServerRefused:
        return {"worked": [], "did_not": [], "openings": []}


def _standing(notes: Iterator[Document]) -> list[Document]:
    return [one for one in notes if one["status"] == "ACTIVE"]
