"""What happened in a past shift, or on a past day: all that was ever written about it, whenever it was written."""

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.support.service import Caller, Prison

LONDON = ZoneInfo("Europe/London")
TOLD = {"EARLY": time(9), "LATE": time(15), "NIGHT": time(23)}


@pytest.fixture(params=[40, -40], ids=["rota as it was", "rota changed since"])
def day(request: pytest.FixtureRequest, prison: Prison) -> date:
    """A day of a prison: after its shifts were set up, or before they were changed to what they are."""
    return prison.service.clock().date() + timedelta(days=request.param)


def at(who: Caller, moment: datetime) -> Caller:
    """Somebody who logs in at another time."""
    who.service.clock.frozen = moment
    return who.service.login(who.name)


def writes(who: Caller, inmate: str, day: date, shift: str, after: timedelta, **more: Any) -> str:
    """What happened in the middle of a shift, recorded so long after; answers the id."""
    happened = datetime.combine(day, TOLD[shift], LONDON)
    note = at(who, happened + after).note(inmate, occurred_at=happened.isoformat(), **more)
    assert note["shift"] == f"{day}/{shift}"
    return str(note["id"])


def listed(who: Caller, **narrowed: Any) -> list[str]:
    """The ids of a list, fetched two at a time."""
    return [note["id"] for note in who.all("/v1/notes", limit=2, **narrowed)]


def test_a_past_shift_has_what_was_filled_in_days_later_and_what_was_corrected_since(prison: Prison, day: date) -> None:
    hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
    soon, sign = timedelta(minutes=5), {"indicators": [{"code": "ANXIOUS"}]}
    early = [writes(hartmann, weir, day, "EARLY", soon, **sign), writes(hartmann, weir, day, "EARLY", 2 * soon)]
    writes(hartmann, weir, day, "LATE", soon, **sign)
    early.append(writes(hartmann, weir, day, "EARLY", timedelta(hours=7, minutes=59)))
    early.append(writes(hartmann, weir, day, "EARLY", timedelta(hours=8, seconds=59), **sign))
    early.append(writes(hartmann, weir, day, "EARLY", timedelta(hours=8, seconds=61)))
    writes(hartmann, weir, day + timedelta(days=1), "EARLY", soon)
    early.append(writes(hartmann, weir, day, "EARLY", timedelta(days=3), **sign))
    better = {"reason": "The time", "note": {"basis": "SAW", "fact": "Better so.", **sign}}
    now = prison.service.clock()
    early.append(at(hartmann, now).post(f"/v1/notes/{early[0]}/corrections", better)["id"])
    night = [writes(hartmann, weir, day, "NIGHT", soon), writes(hartmann, weir, day, "NIGHT", timedelta(days=9))]
    for after in (timedelta(days=10), timedelta(days=60)):
        reader = at(hartmann, datetime.combine(day, time(9), LONDON) + after)
        about_the_day = {
            "occurred_from": f"{day}T00:00:00Z",
            "occurred_to": datetime.combine(day, time(10), LONDON).isoformat(),
        }
        for narrowed in ({"shift": f"{day}/EARLY"}, about_the_day):
            assert listed(reader, **narrowed) == early[::-1]
            assert listed(reader, **narrowed, unit="A", establishment=prison.code) == early[::-1]
            assert listed(reader, **narrowed, author=hartmann.name) == early[::-1]
            assert listed(reader, **narrowed, indicator="ANXIOUS") == [early[i] for i in (6, 5, 3, 0)]
            assert listed(reader, **narrowed, inmate=weir) == early[::-1]
        assert listed(reader, shift=f"{day}/NIGHT") == night[::-1]


def test_a_shift_that_was_another_when_it_was_written_about_keeps_its_notes(prison: Prison, day: date) -> None:
    hartmann, weir = prison.hire("hartmann", "officer", "A"), prison.receive("A4417KD")
    soon = timedelta(minutes=5)
    found = [writes(hartmann, weir, day, "EARLY", soon), writes(hartmann, weir, day, "EARLY", timedelta(hours=12))]
    # That very afternoon the prison's early shift becomes what was its night, on the other side of the world.
    changed = {"name": "Elsewhere", "timezone": "Pacific/Auckland", "shifts": [{"code": "EARLY", "starts": "23:00"}]}
    at(prison.admin, prison.service.clock()).put(f"/v1/establishments/{prison.code}", changed)
    late = at(hartmann, prison.service.clock()).note(
        weir, occurred_at=datetime.combine(day, time(12), LONDON).isoformat()
    )
    assert late["shift"] == f"{day}/EARLY", "by the prison's clock it is past midnight"
    reader = at(hartmann, prison.service.clock() + timedelta(days=20))
    assert listed(reader, shift=f"{day}/EARLY") == [late["id"], *found[::-1]]


@pytest.mark.parametrize("day", ["0001-01-01", "0001-01-02", "0001-01-03", "9999-12-28", "9999-12-30", "9999-12-31"])
def test_a_shift_of_the_first_and_the_last_days_there_are_finds_nothing(prison: Prison, day: str) -> None:
    assert listed(prison.hire("hartmann", "officer", "A"), shift=f"{day}/NIGHT") == []
