"""Times as they are typed on a wing: today, last night, and in the hour that comes twice."""

import os
import time
from collections.abc import Iterator
from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo

import pytest

from handover.terminal.times import coming, past, shown
from handover.terminal.unclear import Unclear

LONDON = ZoneInfo("Europe/London")


def at(words: str) -> datetime:
    return datetime.fromisoformat(words)


@pytest.fixture(params=["the prison's clock", "this machine's clock"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[tzinfo | None]:
    if request.param == "the prison's clock":
        yield LONDON
        return
    before = os.environ.get("TZ")
    monkeypatch.setenv("TZ", "Europe/London")
    time.tzset()
    yield None
    monkeypatch.setenv("TZ", before) if before else monkeypatch.delenv("TZ")
    time.tzset()


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("06:10", "2026-11-23T06:10Z"),
        ("0610", "2026-11-23T06:10Z"),
        ("6.10", "2026-11-23T06:10Z"),
        ("21:15", "2026-11-22T21:15Z"),
        ("yesterday 06:10", "2026-11-22T06:10Z"),
        ("mon 06:10", "2026-11-23T06:10Z"),
        ("mon 21:15", "2026-11-16T21:15Z"),
        ("Sunday 21:15", "2026-11-22T21:15Z"),
        ("20m ago", "2026-11-23T06:00Z"),
        ("2 hours ago", "2026-11-23T04:20Z"),
        ("2026-11-22 23:00", "2026-11-22T23:00Z"),
        ("2026-11-23T07:10:00+01:00", "2026-11-23T06:10Z"),
        ("now", "2026-11-23T06:20Z"),
    ],
)
def test_a_time_that_is_told_lies_in_the_past(typed: str, meant: str, zone: tzinfo | None) -> None:
    assert past(typed, at("2026-11-23T06:20Z"), zone) == at(meant)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("18:00", "2026-11-23T18:00Z"),
        ("05:00", "2026-11-24T05:00Z"),
        ("tomorrow 09:00", "2026-11-24T09:00Z"),
        ("mon 09:00", "2026-11-23T09:00Z"),
        ("mon 05:00", "2026-11-30T05:00Z"),
        ("in 2h", "2026-11-23T08:20Z"),
    ],
)
def test_a_time_that_is_promised_lies_ahead(typed: str, meant: str, zone: tzinfo | None) -> None:
    assert coming(typed, at("2026-11-23T06:20Z"), zone, "--until") == at(meant)


@pytest.mark.parametrize("typed", ["06:25", "07:30", "08:20"])
def test_up_to_two_hours_too_far_is_a_slip_and_not_yesterday(typed: str) -> None:
    with pytest.raises(Unclear, match="has not come yet"):
        past(typed, at("2026-11-23T06:20Z"), LONDON)
    assert past("08:21", at("2026-11-23T06:20Z"), LONDON) == at("2026-11-22T08:21Z")


@pytest.mark.parametrize(
    "typed", ["25:00", "six", "6", "yesterday", "2026-02-30 10:00", "in 2h", "2026-11-24T00:00:00Z", "xy 10:00"]
)
def test_what_is_no_past_time_is_asked_about(typed: str) -> None:
    with pytest.raises(Unclear):
        past(typed, at("2026-11-23T06:20Z"), LONDON)


def test_the_hour_that_comes_twice_is_asked_about_with_both_spellings(zone: tzinfo | None) -> None:
    with pytest.raises(Unclear) as asked:
        past("01:30", at("2026-10-25T06:00Z"), zone)
    assert "--at 2026-10-25T01:30+01:00" in str(asked.value)
    assert "--at 2026-10-25T01:30+00:00" in str(asked.value)


def test_both_spellings_are_understood(zone: tzinfo | None) -> None:
    now = at("2026-10-25T06:00Z")
    assert past("2026-10-25T01:30+01:00", now, zone) == at("2026-10-25T00:30Z")
    assert past("2026-10-25T01:30+00:00", now, zone) == at("2026-10-25T01:30Z")


def test_while_the_hour_is_still_coming_a_second_time_only_the_first_can_be_meant(zone: tzinfo | None) -> None:
    assert past("01:30", at("2026-10-25T01:10Z"), zone) == at("2026-10-25T00:30Z")


def test_the_hour_that_never_came_is_refused(zone: tzinfo | None) -> None:
    with pytest.raises(Unclear, match="put forward"):
        past("2026-03-29 01:30", at("2026-03-29T06:00Z"), zone)


def test_the_hour_that_comes_twice_is_shown_with_its_zone(zone: tzinfo | None) -> None:
    now = at("2026-10-25T06:00Z")
    first, second, later = (shown(at(f"2026-10-25T0{hour}:30Z"), now, zone) for hour in (0, 1, 2))
    assert (first, second, later) == ("01:30 BST", "01:30 GMT", "02:30")
    assert shown(at("2026-10-25T00:30:05Z"), now, zone, seconds=True) == "01:30:05 BST"


def test_times_are_shown_as_short_as_they_are_clear() -> None:
    now = at("2026-11-23T06:20Z")
    assert shown(at("2026-11-23T05:07:09Z"), now, LONDON) == "05:07"
    assert shown(at("2026-11-23T05:07:09Z"), now, LONDON, seconds=True) == "05:07:09"
    assert shown(at("2026-11-22T23:07Z"), now, LONDON) == "Sun 23:07"
    assert shown(at("2026-11-03T23:07Z"), now, LONDON) == "3 Nov 23:07"
    assert shown(at("2025-11-03T23:07Z"), now, LONDON) == "2025-11-03 23:07"
