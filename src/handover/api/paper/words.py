"""Codes by their labels, times by the establishment's clock: the document of a sheet in words."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from handover.domain.codelists import CodeList, by_code

Document = Mapping[str, Any]
SHAPES = {"MUCH_WORSE": "▼▼", "WORSE": "▼", "USUAL": "=", "BETTER": "▲", "MUCH_BETTER": "▲▲", "DONT_KNOW_PERSON": "?"}
BLANK, UNWRITTEN = "–", "no word"
ELSE = "•"
WAITING = ("OFFERED", "OVERDUE", "ESCALATED")
GONE = ("RETRACTED", "CORRECTED")
CARRIERS = 3
"""Names of those who carried a need that are printed, the latest; how many more there are is said."""


class Words:
    """Codes, times and names of one sheet as an officer says them."""

    def __init__(self, sheet: Document, zone: str, lists: tuple[CodeList, ...]) -> None:
        self._lists = by_code(lists)
        self._zone = ZoneInfo(zone)
        self.at = self.local(sheet["at"])
        everybody = [*sheet["people"], *sheet["others"]]
        self.cells = {one["inmate"]: one["cell"] for one in everybody}
        self.names = {one["inmate"]: one["name"] for one in everybody}

    def label(self, name: str, code: str | None) -> str:
        """A code by its label, or by itself where a list does not know it."""
        if code is None:
            return ""
        entry = self._lists.get(name, {}).get(code)
        return entry.label if entry else code.replace("_", " ").capitalize()

    def low(self, name: str, code: str | None) -> str:
        """A label in the middle of a sentence."""
        label = self.label(name, code)
        return label if label.startswith("I ") else label[:1].lower() + label[1:]

    def local(self, text: str) -> datetime:
        """A time on the establishment's clock."""
        return datetime.fromisoformat(text).astimezone(self._zone)

    def when(self, text: str) -> str:
        """A time, with the day where it is another one."""
        time = self.local(text)
        days = abs((time.date() - self.at.date()).days)
        if days == 0:
            return f"{time:%H:%M}"
        if days < 7:
            return f"{time:%a %H:%M}"
        return f"{time.day} {time:%b %H:%M}" if time.year == self.at.year else f"{time.day} {time:%b %Y %H:%M}"

    def date(self, text: str, seconds: bool = False) -> str:
        """A time in full."""
        time = self.local(text)
        return f"{time:%a} {time.day} {time:%b %Y}, {time:%H:%M:%S}" if seconds else self.date(text, True)[:-3]

    def past(self, text: str) -> bool:
        """Whether a time has come."""
        return self.local(text) <= self.at

    def since(self, text: str) -> str:
        """How long ago."""
        minutes = max(0, (self.at - self.local(text)) // timedelta(minutes=1))
        if minutes < 60:
            return f"{minutes} min"
        hours = minutes // 60
        return f"{hours} h" if hours < 24 else f"{hours // 24} d {hours % 24} h"

    def shift(self, key: str) -> str:
        """A shift's name without its day."""
        return key.rpartition("/")[2].replace("_", " ").capitalize()

    def dated_shift(self, key: str) -> str:
        """A shift's name with its day."""
        day = datetime.fromisoformat(key.partition("/")[0])
        return f"{day:%a} {day.day} {day:%b} · {self.shift(key)} shift"

    def person(self, person: Document) -> str:
        """A member of staff, with the role unless it is the usual one."""
        name: str = person["name"]
        return name if person["role"] == "officer" else f"{name} ({self.low('roles', person['role'])})"

    def whom(self, inmate: str | None) -> str:
        """Somebody on the sheet by cell and name; the unit itself where it is nobody."""
        if inmate is None:
            return "The unit"
        return joined(" ", self.cells.get(inmate), self.names.get(inmate, inmate))

    def place(self, place: Document, here: str) -> str:
        """Where somebody was or is."""
        house = "" if place["establishment"] == here else f"{place['establishment']} "
        return joined(", ", f"{house}unit {place['unit']}", place["cell"])

    def mood(self, mood: Document | None) -> str:
        """Mood in the words of its lists."""
        if mood is None:
            return ""
        if mood["not_observed"]:
            return self.low("not_observed", mood["not_observed"])
        said = [
            f"{what} {self.low(name, str(value))}"
            for what, name, value in (
                ("mood", "mood_valence", mood["valence"]),
                ("energy", "mood_energy", mood["energy"]),
            )
            if value is not None
        ]
        return ", ".join([*said, *(["as the person says"] if mood["source"] == "SELF_REPORTED" else [])])


def joined(by: str, *parts: str | None) -> str:
    return by.join(part for part in parts if part)
