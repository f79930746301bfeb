"""Codes by their labels, times by the establishment's clock: the document of a sheet in the words of a language.

English is in the code and in `sheet.html`; the others are in `locale/*.po`, found by the English words.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from handover import languages
from handover.domain.codelists import CodeList, by_code, translated
from handover.languages import ENGLISH, Catalogue

Document = Mapping[str, Any]
SHAPES = {"MUCH_WORSE": "▼▼", "WORSE": "▼", "USUAL": "=", "BETTER": "▲", "MUCH_BETTER": "▲▲", "DONT_KNOW_PERSON": "?"}
BLANK = "–"
ELSE = "•"
WAITING = ("OFFERED", "OVERDUE", "ESCALATED")
GONE = ("RETRACTED", "CORRECTED")
CARRIERS = 3
"""Names of those who carried a need that are printed, the latest; how many more there are is said."""


PACKAGE = "handover.api.paper"
_catalogue = cache(languages.catalogue)


def _clock(local: datetime, shape: str = "%H:%M") -> str:
    """What the clock shows; with its zone in the hour that comes twice: 01:30 BST, and then 01:30 GMT."""
    twice = local.utcoffset() != local.replace(fold=1 - local.fold).utcoffset()
    return f"{local:{shape} %Z}" if twice else f"{local:{shape}}"


def offered() -> frozenset[str]:
    """The languages a sheet can be printed in beside English."""
    return frozenset(languages.offered(PACKAGE))


class Words:
    """Codes, times and names of one sheet as an officer says them."""

    def __init__(self, sheet: Document, zone: str, lists: tuple[CodeList, ...], language: str = ENGLISH) -> None:
        self.language = language
        self._told = Catalogue({}) if language == ENGLISH else _catalogue(PACKAGE, language)
        self._lists = by_code(tuple(translated(one, language) for one in lists))
        self._zone = ZoneInfo(zone)
        # To reckon with. Within one zone Python goes by what the clock shows, as if it were never put forward or back.
        self._now = datetime.fromisoformat(sheet["at"])
        self.at = self.local(sheet["at"])
        everybody = [*sheet["people"], *sheet["others"]]
        self.cells = {one["inmate"]: one["cell"] for one in everybody}
        self.names = {one["inmate"]: one["name"] for one in everybody}

    def t(self, message: str, /, **values: object) -> str:
        """A message in this language, with its values filled in."""
        said = self._told.one(message)
        return said.format(**values) if values else said

    def n(self, one: str, many: str, number: int, /) -> str:
        """The message for so many; the number is `{n}`."""
        return self._told.many(one, many, number).format(n=number)

    def label(self, name: str, code: str | None) -> str:
        """A code by its label, or by itself where a list does not know it."""
        if code is None:
            return ""
        entry = self._lists.get(name, {}).get(code)
        return entry.label if entry else code.replace("_", " ").capitalize()

    def low(self, name: str, code: str | None) -> str:
        """A label in the middle of a sentence."""
        return self._small(self.label(name, code))

    def _small(self, label: str) -> str:
        """In German a capital letter is a noun's, so its words are written as they stay."""
        return label if label.startswith("I ") or self.language == "de" else label[:1].lower() + label[1:]

    def local(self, text: str) -> datetime:
        """A time on the establishment's clock."""
        return datetime.fromisoformat(text).astimezone(self._zone)

    def when(self, text: str) -> str:
        """A time, with the day where it is another one."""
        time = self.local(text)
        days = abs((time.date() - self.at.date()).days)
        if days == 0:
            return _clock(time)
        if days < 7:
            return f"{self._weekday(time)} {_clock(time)}"
        year = "" if time.year == self.at.year else f" {time.year}"
        return f"{self._day(time)}{year} {_clock(time)}"

    def date(self, text: str, seconds: bool = False) -> str:
        """A time in full."""
        time = self.local(text)
        clock = _clock(time, "%H:%M:%S" if seconds else "%H:%M")
        return f"{self._weekday(time)} {self._day(time)} {time.year}, {clock}"

    def _weekday(self, time: datetime) -> str:
        return self.t("Mon Tue Wed Thu Fri Sat Sun").split()[time.weekday()]

    def _day(self, time: datetime) -> str:
        month = self.t("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec").split()[time.month - 1]
        return self.t("{day} {month}", day=time.day, month=month)

    def past(self, text: str) -> bool:
        """Whether a time has come."""
        return datetime.fromisoformat(text) <= self._now

    def since(self, text: str) -> str:
        """How long ago."""
        minutes = max(0, (self._now - datetime.fromisoformat(text)) // timedelta(minutes=1))
        if minutes < 60:
            return f"{minutes} min"
        hours = minutes // 60
        return f"{hours} h" if hours < 24 else self.t("{days} d {hours} h", days=hours // 24, hours=hours % 24)

    def shift(self, key: str) -> str:
        """A shift's name without its day: what most prisons call theirs, or as this one does."""
        code = key.rpartition("/")[2]
        usual = {"EARLY": self.t("Early"), "LATE": self.t("Late"), "DAY": self.t("Day"), "NIGHT": self.t("Night")}
        return usual.get(code) or code.replace("_", " ").capitalize()

    def low_shift(self, key: str) -> str:
        """A shift's name in the middle of a sentence."""
        return self._small(self.shift(key))

    def dated_shift(self, key: str) -> str:
        """A shift's name with its day."""
        day = datetime.fromisoformat(key.partition("/")[0])
        return f"{self._weekday(day)} {self._day(day)} · {self.t('{shift} shift', shift=self.shift(key))}"

    def person(self, person: Document) -> str:
        """A member of staff, with the role unless it is the usual one."""
        name: str = person["name"]
        return name if person["role"] == "officer" else f"{name} ({self.low('roles', person['role'])})"

    def whom(self, inmate: str | None) -> str:
        """Somebody on the sheet by cell and name; the unit itself where it is nobody."""
        if inmate is None:
            return self.t("The unit")
        return joined(" ", self.cells.get(inmate), self.names.get(inmate, inmate))

    def place(self, place: Document, here: str) -> str:
        """Where somebody was or is."""
        house = "" if place["establishment"] == here else f"{place['establishment']} "
        return joined(", ", house + self.t("unit {unit}", unit=place["unit"]), place["cell"])

    def mood(self, mood: Document | None) -> str:
        """Mood in the words of its lists."""
        if mood is None:
            return ""
        if mood["not_observed"]:
            return self.low("not_observed", mood["not_observed"])
        said = []
        if mood["valence"] is not None:
            said.append(self.t("mood {word}", word=self.low("mood_valence", str(mood["valence"]))))
        if mood["energy"] is not None:
            said.append(self.t("energy {word}", word=self.low("mood_energy", str(mood["energy"]))))
        return ", ".join([*said, *([self.t("as the person says")] if mood["source"] == "SELF_REPORTED" else [])])


def joined(by: str, *parts: str | None) -> str:
    return by.join(part for part in parts if part)
