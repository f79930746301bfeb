"""Notes that are being written: kept as they are typed, for their author alone, until they are sent or thrown away.

A draft is not a note: it may lack anything, and what it holds is as it was typed. So nothing here looks into it.
"""

import uuid
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from handover.client.files import read_as, remove_durably, write_durably
from handover.client.server import Server, file_name


class NoteInHand(BaseModel):
    """A note somebody has begun."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(default_factory=lambda: str(uuid.uuid4()))
    author: str
    begun_at: datetime
    about: str
    """Whom it is about, as it is shown to choose it by."""
    typed: dict[str, Any] = Field(default_factory=dict)
    """What was typed, by field."""


class Drafts:
    """What one author has begun at this terminal, for one server."""

    def __init__(self, server: Server, author: str) -> None:
        self.author = author
        self.folder = server.folder / "drafts" / file_name(author)

    def keep(self, note: NoteInHand) -> None:
        """Once this returns it survives a power cut."""
        write_durably(self.folder / f"{note.id}.json", note.model_dump_json(indent=1))

    def names(self) -> list[str]:
        """The files there are."""
        return sorted(path.name for path in self.folder.glob("*.json"))

    def all(self) -> list[NoteInHand]:
        """What was begun, the oldest first. What another author left, or cannot be read, is passed over."""
        found = (read_as(NoteInHand, self.folder / name) for name in self.names())
        own = (note for note in found if note is not None and note.author == self.author)
        return sorted(own, key=lambda note: note.begun_at)

    def drop(self, id_: str) -> None:
        """It was sent, or its author does not want it."""
        path = self.folder / f"{id_}.json"
        if path.exists():
            remove_durably(path)
