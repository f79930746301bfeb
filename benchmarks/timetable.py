"""The day of a country, minute by minute: how many notes are written in each. Three changeovers, quiet nights, and one
prison where something happens."""

from dataclasses import dataclass

PRISONS, NOTES = 120, 262_000
"""A country: England and Wales together."""
CHANGEOVERS = (7 * 60, 13 * 60, 21 * 60)
AROUND, SHARE = 10, 0.8
"""Minutes before and after a changeover in which this share of all notes is written: 58 a second, in a country."""
NIGHT, NIGHT_SHARE = (21 * 60 + AROUND, 7 * 60 - AROUND), 0.2
"""From when to when people sleep, and what is written in such a minute beside one of the day."""
INCIDENT_AT, INCIDENT_MINUTES, INCIDENT_NOTES = 12 * 60 + 55, 10, 600
"""In one prison, in the middle of a changeover: ten notes a second."""
QUIET = 3 * 60
"""A minute of the night."""
DAY = 24 * 60


@dataclass(frozen=True)
class Minute:
    """Notes of one minute: those that come from everywhere, and those of the incident."""

    everywhere: int
    incident: int = 0

    @property
    def notes(self) -> int:
        """All of them."""
        return self.everywhere + self.incident


def timetable(prisons: int = PRISONS) -> list[Minute]:
    """The minutes of a day with as many prisons; of a smaller country, the incident is shorter, not slower."""
    length = max(1, INCIDENT_MINUTES * prisons // PRISONS)
    incident = range(INCIDENT_AT, INCIDENT_AT + length)
    everywhere = NOTES * prisons // PRISONS - length * INCIDENT_NOTES
    weights = [_weight(minute) for minute in range(DAY)]
    out, weighed, told = [], 0.0, 0
    for minute, weight in enumerate(weights):
        weighed += weight
        upto = round(everywhere * weighed / sum(weights))
        out.append(Minute(upto - told, INCIDENT_NOTES if minute in incident else 0))
        told = upto
    return out


def worst(minutes: list[Minute]) -> int:
    """The minute with the most notes."""
    return max(range(len(minutes)), key=lambda minute: minutes[minute].notes)


def clock(minute: int) -> str:
    """What the clock shows then."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _weight(minute: int) -> float:
    at_changeovers = 2 * AROUND * len(CHANGEOVERS)
    if any(change - AROUND <= minute < change + AROUND for change in CHANGEOVERS):
        return SHARE / at_changeovers
    night = (DAY - NIGHT[0]) + NIGHT[1]
    awake = DAY - night - at_changeovers
    asleep = NIGHT_SHARE if minute >= NIGHT[0] or minute < NIGHT[1] else 1.0
    return (1 - SHARE) * asleep / (awake + night * NIGHT_SHARE)
