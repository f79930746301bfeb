"""Times as officers type and read them: on the prison's clock, without a date where none is needed."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from unicodedata import normalize

from handover.terminal.tongue import later, t
from handover.terminal.unclear import Unclear

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?([Zz]|[+-]\d\d:\d\d)")
_CLOCK = r"(?P<hour>\d{1,2})[:.]?(?P<minute>\d\d)"
_DATED = re.compile(rf"(?P<date>\d{{4}}-\d\d-\d\d)[Tt ]{_CLOCK}")
_DAYED = re.compile(rf"(?:(?P<day>[^\W\d_][^\d\s.]*)\.? )?{_CLOCK}")
_LENGTH = r"(?P<many>\d{1,3}) ?(?P<what>[^\W\d_]+)"
_AHEAD, _AGO = later("in {time}"), later("{time} ago")
_MINUTES, _HOURS = later("m min mins minute minutes"), later("h hour hours")
_DAYS = later("monday tuesday wednesday thursday friday saturday sunday")
_NEAR = later("today yesterday tomorrow")
_DAYS_SHORT = later("Mon Tue Wed Thu Fri Sat Sun")
_MONTHS = later("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec")
_JUST_AHEAD = timedelta(hours=2)
_SKEW = timedelta(seconds=60)

TIMES_PAST = later("06:40, 'yesterday 21:15', 'mon 21:15', '20m ago' or 2026-11-23T06:40:00Z")
TIMES_COMING = later("18:00, 'tomorrow 09:00', 'mon 09:00', 'in 2h' or 2026-11-23T18:00:00Z")


@dataclass(frozen=True, slots=True)
class _Asked:
    """What was typed, where, when, and on whose clock; `zone` None is this machine's own."""

    typed: str
    now: datetime
    zone: tzinfo | None
    option: str
    forward: bool

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    def fits(self, at: datetime) -> bool:
        return at > self.now if self.forward else at <= self.now + _SKEW

    @property
    def examples(self) -> str:
        return t(TIMES_COMING if self.forward else TIMES_PAST)

    def refused(self, why: str) -> Unclear:
        return Unclear(f"{self.option} {self.typed!r}: {why}")


def past(typed: str, now: datetime, zone: tzinfo | None, option: str = "--at") -> datetime:
    """The time something happened, never in the future."""
    return min(_read(_Asked(typed, now, zone, option, forward=False)), now)


def coming(typed: str, now: datetime, zone: tzinfo | None, option: str) -> datetime:
    """The time by which something must have happened, never in the past."""
    return _read(_Asked(typed, now, zone, option, forward=True))


def shown(at: datetime, now: datetime, zone: tzinfo | None, *, seconds: bool = False) -> str:
    """A time as short as it can be read without mistake: the day only where it is not today, the zone only in the hour
    that comes twice (01:30 BST, and then 01:30 GMT)."""
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    clock = f"{local:%H:%M:%S}" if seconds else f"{local:%H:%M}"
    first, second = (_aware(local.replace(tzinfo=None, fold=fold), zone) for fold in (0, 1))
    if first != second:
        clock += f" {local:%Z}"
    days = (local.date() - today).days
    if days == 0:
        return clock
    if abs(days) < 7:
        return f"{day_of_week(local)} {clock}"
    return f"{day_and_month(local)} {clock}" if local.year == today.year else f"{local.date()} {clock}"


def day_of_week(day: date) -> str:
    """`Mon`."""
    return t(_DAYS_SHORT).split()[day.weekday()]


def day_and_month(day: date) -> str:
    """`25 Nov`."""
    return t("{day} {month}", day=day.day, month=t(_MONTHS).split()[day.month - 1])


def _read(asked: _Asked) -> datetime:
    words = " ".join(asked.typed.strip().lower().split())
    if words in ("now", t("now")):
        return asked.now
    if _RFC3339.fullmatch(words):
        return _on_the_right_side(asked, [_whole(asked, words)])
    for form in dict.fromkeys((_AHEAD, _AGO, t(_AHEAD), t(_AGO))):
        if span := re.fullmatch(re.escape(form).replace(r"\{time\}", _LENGTH), words):
            return _from_now(asked, span, ahead=form in (_AHEAD, t(_AHEAD)))
    if found := _DATED.fullmatch(words):
        return _on_the_right_side(asked, _instants(asked, _date(asked, found["date"]), found))
    if found := _DAYED.fullmatch(words):
        return _bare(asked, found) if found["day"] is None else _on_a_day(asked, found)
    raise asked.refused(t("write {examples}.", examples=asked.examples))


def _bare(asked: _Asked, found: re.Match[str]) -> datetime:
    """A time alone is the last one that was, or the next one that comes."""
    instants = _instants(asked, asked.today, found)
    if any(asked.fits(at) for at in instants):
        return _on_the_right_side(asked, instants)
    if not asked.forward and instants[0] - asked.now <= _JUST_AHEAD:
        # A slip or a slow clock: taking it for yesterday would be wrong by a whole day, silently.
        here = shown(asked.now, asked.now, asked.zone)
        raise asked.refused(
            t("it is {here} here, so that has not come yet. For the day before write 'yesterday …'.", here=here)
        )
    other = asked.today + timedelta(days=1 if asked.forward else -1)
    return _on_the_right_side(asked, _instants(asked, other, found))


def _on_a_day(asked: _Asked, found: re.Match[str]) -> datetime:
    days = list(_named(asked, found["day"]))
    for day in days[:-1]:
        instants = _instants(asked, day, found)
        if any(asked.fits(at) for at in instants):
            return _on_the_right_side(asked, instants)
    return _on_the_right_side(asked, _instants(asked, days[-1], found))


def _named(asked: _Asked, word: str) -> Iterable[date]:
    found = _day_meant(word, t(_NEAR), t(_DAYS), t(_DAYS_SHORT)) or _day_meant(word, _NEAR, _DAYS, _DAYS_SHORT)
    if found is None:
        raise asked.refused(t("{word!r} is not a day; write {examples}.", word=word, examples=asked.examples))
    steps, weekday = found
    if steps is not None:
        return [asked.today + timedelta(days=steps)]
    # Today counts, if the time of day fits; otherwise a week from it.
    off = (weekday - asked.today.weekday()) % 7
    first = asked.today + timedelta(days=off if asked.forward or off == 0 else off - 7)
    return [first, first + timedelta(days=7 if asked.forward else -7)]


def _day_meant(word: str, near: str, days: str, short: str) -> tuple[int | None, int] | None:
    """How many days from today, or which day of the week; by its name, its short name, or how only one name begins.
    In the language that is spoken first, then in English: who has learnt one way of typing keeps it."""
    letters = _bare_letters(word)
    steps = dict(zip(map(_bare_letters, near.split()), (0, -1, 1), strict=True))
    named = dict(zip(map(_bare_letters, days.split()), range(7), strict=True))
    brief = dict(zip(map(_bare_letters, short.split()), range(7), strict=True))
    full = [name for name in (*steps, *named) if len(letters) >= 2 and name.startswith(letters)]
    if letters in brief and letters not in steps:
        return None, brief[letters]
    if len(full) != 1 and letters not in full:
        return None
    name = letters if letters in full else full[0]
    return (steps[name], 0) if name in steps else (None, named[name])


def _bare_letters(word: str) -> str:
    """Without accents, which not every keyboard has, nor the same apostrophe."""
    return "".join(char for char in normalize("NFKD", word.lower()) if char.isalpha())


def _instants(asked: _Asked, day: date, found: re.Match[str]) -> list[datetime]:
    """The instants at which the clock shows this: one, or the two of the hour that comes twice."""
    try:
        local = datetime.combine(day, time(int(found["hour"]), int(found["minute"])))
    except ValueError:
        raise asked.refused(t("there is no such time of day.")) from None
    both = [_aware(local.replace(fold=fold), asked.zone) for fold in (0, 1)]
    if all(at.astimezone(asked.zone).replace(tzinfo=None, fold=0) != local for at in both):
        on = f"{day_of_week(local)} {day_and_month(local)}"
        raise asked.refused(
            t("on {day} the clock was put forward and never showed {time}.", day=on, time=f"{local:%H:%M}")
        )
    return both[:1] if both[0] == both[1] else both


def _on_the_right_side(asked: _Asked, instants: list[datetime]) -> datetime:
    fitting = [at for at in instants if asked.fits(at)]
    if not fitting:
        raise asked.refused(t("that is already past.") if asked.forward else t("that has not come yet."))
    if len(fitting) > 1:
        first, second = (at.astimezone(asked.zone).isoformat(timespec="minutes") for at in fitting)
        raise asked.refused(
            t("the clock showed that time twice, because it was put back. Write it in full:")
            + f"\n  {asked.option} {first}   {t('the first time')}"
            + f"\n  {asked.option} {second}   {t('the second time, an hour later')}"
        )
    return fitting[0]


def _aware(local: datetime, zone: tzinfo | None) -> datetime:
    # Without a zone, astimezone() asks the system, which knows its changes of clock. In UTC at once: within one zone
    # Python compares what the clock shows, and takes the hour that comes twice for one.
    return (local.astimezone() if zone is None else local.replace(tzinfo=zone)).astimezone(UTC)


def _from_now(asked: _Asked, span: re.Match[str], *, ahead: bool) -> datetime:
    units = {"minutes": (_MINUTES, t(_MINUTES)), "hours": (_HOURS, t(_HOURS))}
    found = [name for name, words in units.items() if span["what"] in " ".join(words).split()]
    if not found or ahead != asked.forward:
        raise asked.refused(t("write {examples}.", examples=asked.examples))
    length = timedelta(**{found[0]: int(span["many"])})
    return asked.now + length if asked.forward else asked.now - length


def _whole(asked: _Asked, words: str) -> datetime:
    try:
        return datetime.fromisoformat(words.upper().replace(" ", "T"))
    except ValueError:
        raise asked.refused(t("there is no such time.")) from None


def _date(asked: _Asked, words: str) -> date:
    try:
        return date.fromisoformat(words)
    except ValueError:
        raise asked.refused(t("there is no such day.")) from None
