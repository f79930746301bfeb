"""Keys at the whole screen: each does what its line says, none decides what nobody meant, and no word that was typed
goes astray."""

from pathlib import Path

import pytest
from textual import events
from textual.keys import _character_to_key

from tests.support.outage import Outage
from tests.support.seats import Seat, sitting
from tests.support.service import Caller, Prison


@pytest.fixture
def prison(outage: Outage) -> Prison:
    return outage.prison


async def ahead(seat: Seat, *keys: str) -> None:
    """Types all this before any screen has a moment to come."""
    for key in keys:
        char = key if len(key) == 1 else None
        await seat.app.on_event(events.Key(_character_to_key(key) if char else key, char))


async def begins(seat: Seat, *keys: str) -> None:
    await seat.until("everyone (1)", "up to date")
    await seat.types("wa107", "enter")
    await seat.until("WRITE about")
    await seat.press(*keys)


async def test_what_is_typed_before_screens_stand_is_for_the_screen_it_was_meant_for(
    outage: Outage, ngata: Caller, weir: str, tmp_path: Path
) -> None:
    ngata.note(weir, fact="Sat alone.", attention="WATCH")
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("everyone (1)", "up to date", "Sat alone.")
        await ahead(seat, *"wa107", "enter", "2", "2", "2", "1", *"lax quiet", "enter", "ctrl+s")
        await seat.until("Recorded: Weir, J. (A1-07); mood low, slow, worse than usual.")
        await ahead(seat, "enter", "w", "a", "2", "1", *"Sleeps.", "ctrl+s")
        await seat.until("Recorded: Weir, J. (A1-07); asleep, worse than usual.")
    assert [note["fact"] for note in ngata.all("/v1/notes")] == ["Sleeps.", "lax quiet", "Sat alone."]


async def test_with_caps_lock_on_every_key_does_what_its_line_says(
    outage: Outage, ngata: Caller, weir: str, tmp_path: Path
) -> None:
    ngata.note(weir, fact="Sat alone.", attention="WATCH")
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("everyone (1)", "up to date", "Sat alone.")
        await seat.press("enter")
        await seat.until("— six weeks", "Sat alone.")
        await seat.press("W")
        await seat.until("WRITE about Weir")
        await seat.press("escape", "S")
        await seat.until("m all notes")
        await seat.press("escape", "L")
        await seat.until("LOCKED")


async def test_tab_never_takes_the_keyboard_from_the_line_in_which_somebody_types(
    outage: Outage, ngata: Caller, weir: str, tmp_path: Path
) -> None:
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("everyone (1)", "up to date")
        await seat.press("w", "tab", *"a1", "shift+tab", *"07")
        await seat.until("about whom? a107")
