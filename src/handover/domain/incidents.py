"""What an incident is: the notes of a unit that say they are about it, known by the note it began with. It has no life
of its own: it goes on as long as that note stands and somebody looks out, and whoever closes the attention ends it."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from handover.domain.access import WIDE

OPENED_BY = WIDE
"""Classes of the note an incident begins with: what everybody who works in the unit may read. Notes of any class may
join, so what they have in common must be no secret."""
Document = Mapping[str, Any]


def began_with(incident: str, get: Callable[[str], Document | None]) -> Document | None:
    """The note an incident began with, as it reads after its corrections; None where it was taken back, or is not for
    whoever asks. `get`: a note by its id."""
    note = get(incident)
    while note is not None and note["status"] == "CORRECTED":
        note = get(note["superseded_by"])
    return None if note is None or note["status"] == "RETRACTED" else note


def goes_on(began: Document, at: datetime) -> bool:
    """Whether an incident goes on at a time, by the note it began with as it stands."""
    return (
        began["status"] == "ACTIVE"
        and began["handling"] in OPENED_BY
        and datetime.fromisoformat(began["attention_until"]) > at
    )


def meant(began: Iterable[Document], occurred: datetime) -> str | None:
    """Which of a unit's incidents a note means that says it is about one: of those that were not over when it
    happened, the last that had begun; where none had, the first that did: it tells what led to that. So what is
    written, or sent, when all is over belongs to what it tells of, and opens nothing."""
    known = [
        (datetime.fromisoformat(one["occurred_at"]), str(one["incident"])) for one in began if goes_on(one, occurred)
    ]
    begun = [one for one in known if one[0] <= occurred]
    found = max(begun) if begun else min(known, default=None)
    return None if found is None else found[1]


def look_out(attention: str) -> str:
    """The attention of the note an incident begins with: somebody is to say when it is over."""
    return "WATCH" if attention == "ROUTINE" else attention
