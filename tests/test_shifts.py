"""Which shift it is: in every time zone, on the nights the clocks change too, there is always exactly one."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from handover.domain.handovers import Times
from handover.domain.shifts import ShiftStart, shift_at
from handover.services.spots import Rota
from tests.support.service import Caller, Prison

USUAL = (ShiftStart("EARLY", time(7, 30)), ShiftStart("LATE", time(13, 30)), ShiftStart("NIGHT", time(21, 0)))
# Changes by an hour, by half an hour (Lord Howe), at midnight (Cairo, Havana); zones half and three quarters of an hour
# off; one without changes; and an island that jumped over a whole day.
ZONES = [
    ZoneInfo(name)
    for name in (
        "Europe/London",
        "America/New_York",
        "Australia/Lord_Howe",
        "Africa/Cairo",
        "America/Havana",
        "Pacific/Chatham",
        "Asia/Kathmandu",
        "Asia/Kolkata",
        "Pacific/Apia",
        "UTC",
    )
]
CHANGES = [
    datetime(2026, 3, 29, 1, tzinfo=UTC),  # London, forward
    datetime(2026, 10, 25, 1, tzinfo=UTC),  # London, back
    datetime(2026, 11, 1, 6, tzinfo=UTC),  # New York, back
    datetime(2026, 4, 4, 15, tzinfo=UTC),  # Lord Howe, back by half an hour
    datetime(2026, 10, 3, 15, 30, tzinfo=UTC),  # Lord Howe, forward by half an hour
    datetime(2026, 4, 23, 22, tzinfo=UTC),  # Cairo, forward at midnight
    datetime(2026, 10, 29, 21, tzinfo=UTC),  # Cairo, back at midnight
    datetime(2011, 12, 30, 10, tzinfo=UTC),  # Apia, a day that was not
]

times = st.builds(time, st.integers(0, 23), st.sampled_from([0, 1, 15, 30, 45, 59]))
patterns = st.lists(times, min_size=1, max_size=6, unique=True).map(
    lambda starts: tuple(ShiftStart(f"S{i}", start) for i, start in enumerate(starts))
)
near_a_change = st.builds(
    lambda change, seconds: change + timedelta(seconds=seconds),
    st.sampled_from(CHANGES),
    st.integers(-3 * 86_400, 3 * 86_400),
)
any_time = st.builds(lambda s: datetime(1990, 1, 1, tzinfo=UTC) + timedelta(seconds=s), st.integers(0, 60 * 31_556_952))
instants = st.one_of(near_a_change, any_time)


@settings(max_examples=300)
@given(pattern=patterns, zone=st.sampled_from(ZONES), instant=instants)
@example(pattern=USUAL, zone=ZoneInfo("Europe/London"), instant=CHANGES[0])
@example(pattern=USUAL, zone=ZoneInfo("Europe/London"), instant=CHANGES[1])
# Two beginnings that the missing hour makes one: the shift that would have no time at all is not there that day.
@example(
    pattern=(ShiftStart("A", time(1, 30)), ShiftStart("B", time(2, 30)), ShiftStart("C", time(12, 0))),
    zone=ZoneInfo("Europe/London"),
    instant=CHANGES[0],
)
def test_every_instant_is_in_one_shift_and_shifts_abut(
    pattern: Sequence[ShiftStart], zone: ZoneInfo, instant: datetime
) -> None:
    here = shift_at(pattern, zone, instant)
    assert here.starts <= instant < here.ends
    run = [shift_at(pattern, zone, instant, ahead) for ahead in range(-3, 4)]
    assert run[3] == here
    for one, after in pairwise(run):
        assert one.starts < one.ends == after.starts, "nothing between them, and each has its time"
        assert one.key != after.key
    for shift in run:
        for moment in (shift.starts, shift.ends - timedelta(microseconds=1)):
            assert shift_at(pattern, zone, moment) == shift, "whichever of its instants is asked for"


@settings(max_examples=100)
@given(
    pattern=patterns,
    zone=st.sampled_from(ZONES),
    first=instants,
    asked=st.lists(st.tuples(st.integers(-2_880, 2_880), st.integers(-1, 2)), min_size=1, max_size=12),
)
def test_a_rota_that_keeps_what_it_found_answers_as_one_that_looks_each_time(
    pattern: tuple[ShiftStart, ...], zone: ZoneInfo, first: datetime, asked: list[tuple[int, int]]
) -> None:
    rota = Rota(pattern, zone, Times())
    for minutes, ahead in [*asked, *reversed(asked)]:
        instant = first + timedelta(minutes=minutes)
        assert rota.at(instant, ahead) == shift_at(pattern, zone, instant, ahead)


@settings(max_examples=200)
@given(pattern=patterns, zone=st.sampled_from(ZONES), instant=any_time)
def test_a_shift_begins_when_the_clock_on_the_wall_says_so(
    pattern: Sequence[ShiftStart], zone: ZoneInfo, instant: datetime
) -> None:
    shift = shift_at(pattern, zone, instant)
    wall = shift.starts.astimezone(zone)
    due = datetime.combine(shift.day, {s.code: s.starts for s in pattern}[shift.code], zone)
    skipped = due.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != due.replace(tzinfo=None)
    if skipped:
        assert wall.replace(tzinfo=None) > due.replace(tzinfo=None), "an hour that was not: just after it"
    else:
        assert (wall.date(), wall.time(), wall.fold) == (shift.day, due.time(), 0)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/London", date(2026, 3, 28), 9.5),
        ("Europe/London", date(2026, 10, 24), 11.5),
        ("Australia/Lord_Howe", date(2026, 4, 4), 11.0),
        ("Asia/Kathmandu", date(2026, 3, 28), 10.5),
    ],
)
def test_the_night_the_clocks_change_is_shorter_or_longer(zone: str, day: date, hours: float) -> None:
    night = shift_at(USUAL, ZoneInfo(zone), datetime.combine(day, time(22), ZoneInfo(zone)))
    assert (night.key, night.ends - night.starts) == (f"{day}/NIGHT", timedelta(hours=hours))


def test_one_shift_a_day_is_a_pattern_too() -> None:
    for hour in (0, 12):  # in Cairo, midnight is an hour that is missing once a year
        pattern, zone = (ShiftStart("DAY", time(hour)),), ZoneInfo("Africa/Cairo")
        days = [shift_at(pattern, zone, CHANGES[5], ahead).day for ahead in range(-2, 3)]
        assert days == [days[0] + timedelta(days=n) for n in range(5)]


# --- As officers meet it ---------------------------------------------------------------------------------------------


def in_the_night_of_two_hours(prison: Prison) -> tuple[Caller, str]:
    """Hartmann's night in London in which 01:00 to 02:00 came twice; it is half past one, for the second time."""
    hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
    prison.service.clock.frozen = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    return hartmann, weir


def test_notes_of_the_hour_that_comes_twice_stay_an_hour_apart(prison: Prison) -> None:
    hartmann, weir = in_the_night_of_two_hours(prison)
    first = hartmann.note(weir, fact="Awake.", occurred_at="2026-10-25T01:20:00+01:00")
    second = hartmann.note(weir, fact="Asleep.", occurred_at="2026-10-25T01:20:00+00:00")
    assert (first["occurred_at"], first["late"]) == ("2026-10-25T00:20:00Z", True)
    assert (second["occurred_at"], second["late"]) == ("2026-10-25T01:20:00Z", False)
    assert first["shift"] == second["shift"] == "2026-10-24/NIGHT"
    between = hartmann.all("/v1/notes", occurred_from="2026-10-25T01:20:00+00:00", shift="2026-10-24/NIGHT")
    assert [note["fact"] for note in between] == ["Asleep."]
    assert first["attention_until"] == "2026-10-25T13:30:00Z", "the early shift's end, in winter time"


def test_current_and_previous_are_the_shifts_of_the_prisons_own_clock(prison: Prison) -> None:
    hartmann, weir = in_the_night_of_two_hours(prison)
    note = hartmann.note(weir, occurred_at="2026-10-24T21:30:00+01:00")
    before = hartmann.note(weir, occurred_at="2026-10-24T20:59:59+01:00")
    assert hartmann.get("/v1/notes", shift="current")["items"] == [note]
    assert hartmann.get("/v1/notes", shift="previous")["items"] == [before]
    assert before["shift"] == "2026-10-24/LATE"


def test_a_shift_of_the_first_day_there_is_finds_nothing(hartmann: Caller) -> None:
    for shift in ("0001-01-01/NIGHT", "9999-12-31/NIGHT", "2026-02-30/NIGHT"):
        assert hartmann.get("/v1/notes", shift=shift)["items"] == []


def test_a_prison_three_quarters_of_an_hour_off_has_its_own_shifts(prison: Prison) -> None:
    hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
    prison.admin.put(f"/v1/establishments/{prison.code}", {"name": "Chitwan", "timezone": "Asia/Kathmandu"})
    prison.service.clock.frozen = datetime(2026, 1, 14, 12, 0, tzinfo=UTC)  # 17:45 there
    note = hartmann.note(weir, occurred_at="2026-01-14T07:29:00+05:45", late_reason="Escort")
    assert note["shift"] == "2026-01-13/NIGHT"
    assert note["attention_until"] == "2026-01-15T01:45:00Z", "07:30 there"
