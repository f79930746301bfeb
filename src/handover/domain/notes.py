"""What makes a note sound, and what follows from it: late, attention, the shift it belongs to."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import NamedTuple, Protocol

from handover.domain.codelists import Lists, check
from handover.domain.shifts import Shift
from handover.errors import FieldError

LATE_AFTER = timedelta(minutes=60)
CLOCK_SKEW = timedelta(seconds=60)
"""A device's clock may run this far ahead before its claim counts as lying in the future; the claim is then taken as
now."""


class _Coded(Protocol):
    @property
    def code(self) -> str: ...


class _Mood(Protocol):
    @property
    def valence(self) -> int | None: ...
    @property
    def energy(self) -> int | None: ...
    @property
    def source(self) -> str | None: ...
    @property
    def not_observed(self) -> str | None: ...


class _Indicator(_Coded, Protocol):
    @property
    def trend(self) -> str | None: ...


class _Need(_Coded, Protocol):
    @property
    def urgency(self) -> str: ...


class _Response(_Coded, Protocol):
    @property
    def effect(self) -> str | None: ...


class Draft(Protocol):
    """The parts of a written note that the rules look at."""

    @property
    def inmate(self) -> str | None: ...
    @property
    def basis(self) -> str: ...
    @property
    def fact(self) -> str | None: ...
    @property
    def opinion(self) -> str | None: ...
    @property
    def confidence(self) -> str | None: ...
    @property
    def mood(self) -> _Mood | None: ...
    @property
    def change(self) -> str | None: ...
    @property
    def indicators(self) -> Sequence[_Indicator]: ...
    @property
    def needs(self) -> Sequence[_Need]: ...
    @property
    def responses(self) -> Sequence[_Response]: ...
    @property
    def attention(self) -> str: ...
    @property
    def place(self) -> str | None: ...
    @property
    def handling(self) -> str: ...
    @property
    def occurred_at(self) -> datetime | None: ...
    @property
    def attention_until(self) -> datetime | None: ...


class Derived(NamedTuple):
    """What the service adds to a note: times in UTC."""

    occurred_at: datetime
    late: bool
    shift: str
    attention: str
    attention_until: datetime


def problems(draft: Draft, lists: Lists, now: datetime) -> list[FieldError]:
    """Everything that must be put right before the note can be recorded; empty when it is sound."""
    return [*_codes(draft, lists), *_sense(draft), *_times(draft, now)]


_ALONE = ("basis", "confidence", "change", "attention", "place", "handling")
"""The codes that a note has once, each called like its list."""
_alone = attrgetter(*_ALONE)
_WHERE = {
    **{name: f"/{name}" for name in _ALONE},
    "mood_source": "/mood/source",
    "not_observed": "/mood/not_observed",
    "indicators": "/indicators/{}/code",
    "trends": "/indicators/{}/trend",
    "needs": "/needs/{}/code",
    "urgency": "/needs/{}/urgency",
    "responses": "/responses/{}/code",
    "effects": "/responses/{}/effect",
}
"""By list: where its code stands in a note, or in the how manyeth of several things."""


def _codes(draft: Draft, lists: Lists) -> list[FieldError]:
    said = _said(draft)
    if lists.used.issuperset(said):  # as with nearly every note
        return []
    errors: list[FieldError] = []
    seen: Counter[str] = Counter()
    for name, code in said:
        errors += check(lists, name, code, _WHERE[name].format(seen[name]))
        seen[name] += 1
    return errors


def _said(draft: Draft) -> list[tuple[str, str | None]]:
    """Every code of a note, after its list."""
    said: list[tuple[str, str | None]] = list(zip(_ALONE, _alone(draft), strict=True))
    if draft.mood is not None:
        said += (("mood_source", draft.mood.source), ("not_observed", draft.mood.not_observed))
    for indicator in draft.indicators:
        said += (("indicators", indicator.code), ("trends", indicator.trend))
    for need in draft.needs:
        said += (("needs", need.code), ("urgency", need.urgency))
    for response in draft.responses:
        said += (("responses", response.code), ("effects", response.effect))
    return said


def _sense(draft: Draft) -> Iterable[FieldError]:
    says = (draft.mood, draft.change, draft.indicators, draft.needs, draft.responses, draft.fact)
    if not any(says):
        yield FieldError("", "a note says something: give one of mood, change, indicators, needs, responses or fact")
    if draft.confidence is not None and draft.opinion is None:
        yield FieldError("/confidence", "confidence goes with an opinion; write the opinion or leave this out")
    if draft.mood is not None:
        yield from _mood(draft.mood)
    if draft.inmate is None:
        for name in ("mood", "change"):
            if getattr(draft, name) is not None:
                yield FieldError(
                    f"/{name}", "this is about one person; say who under inmate, or leave it out of a wing note"
                )
    yield from _repeats(draft.indicators, "indicators")


def _mood(mood: _Mood) -> Iterable[FieldError]:
    observed = mood.valence is not None or mood.energy is not None
    if mood.not_observed is None and not observed:
        yield FieldError("/mood", "give valence, energy or both, or say under not_observed why there is nothing to say")
    if mood.not_observed is not None and (observed or mood.source is not None):
        yield FieldError("/mood/not_observed", "what was not observed has no valence, energy or source")


def _repeats(items: Sequence[_Coded], name: str) -> Iterable[FieldError]:
    codes = [item.code for item in items]
    if len(set(codes)) == len(codes):
        return
    for i, code in enumerate(codes):
        if code in codes[:i]:
            yield FieldError(f"/{name}/{i}/code", f"{code} is already in this note; say it once")


def _times(draft: Draft, now: datetime) -> Iterable[FieldError]:
    if draft.occurred_at is not None and draft.occurred_at > now + CLOCK_SKEW:
        yield FieldError(
            "/occurred_at", "this lies in the future; give the time it happened (check the device's clock)"
        )
    if draft.attention_until is not None and draft.attention_until <= now:
        yield FieldError("/attention_until", "this is already past; leave it out for the end of the next shift")


def calls(draft: Draft, lists: Lists) -> bool:
    """Whether somebody must act now: by the author's word, or because a code forces it (`forces` in its list). Also of
    a note that may not be sound."""
    return draft.attention == "ACT_NOW" or not lists.forcing.isdisjoint([sign.code for sign in draft.indicators])


def derive(draft: Draft, lists: Lists, shift_at: Callable[[datetime, int], Shift], now: datetime) -> Derived:
    """What the service adds to a sound note. `shift_at`: the shift that holds an instant where the note belongs, or the
    one so many after it. A code that forces attention overrules the author's choice."""
    occurred = min(draft.occurred_at or now, now)
    return Derived(
        occurred_at=occurred,
        late=now - occurred > LATE_AFTER,
        shift=shift_at(occurred, 0).key,
        attention="ACT_NOW" if calls(draft, lists) else draft.attention,
        attention_until=draft.attention_until or shift_at(now, 1).ends,
    )
