"""A shared terminal, whole screen: changing places in a few keys, the lock when the prison says, and what a locked
screen still says at night. And the whole prison, for its managers."""

import asyncio
import errno
import time
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from handover.client import seats, session
from handover.client.files import remove_durably
from handover.terminal.screens import house
from handover.terminal.screens.app import HandoverApp
from handover.terminal.screens.lock import Lock
from tests.support.outage import Outage
from tests.support.seats import pc, sitting
from tests.support.service import PASSWORD, Caller, Prison
from tests.support.terminals import Terminal
from tests.test_pin import PIN, allow


@pytest.fixture
def prison(outage: Outage) -> Prison:
    return outage.prison


async def test_two_officers_change_places_in_a_dozen_keys(
    outage: Outage, ngata: Caller, hartmann: Caller, weir: str, tmp_path: Path
) -> None:
    home = tmp_path / "office"
    async with sitting(home, hartmann, outage.url) as seat:
        await seat.until("you are Hartmann", "everyone (1)")
        await seat.press("i")
        await seat.until("No PIN is allowed for you here")
        await seat.meanwhile(lambda: allow(outage.prison, lock=1))
    async with sitting(home, hartmann, outage.url) as seat:
        await seat.until("you are Hartmann", "everyone (1)")
        await seat.press("i")
        await seat.until("Colleagues see your fingers")
        await seat.types(PASSWORD, "enter", *PIN, "enter", *"508318", "enter")
        await seat.until("These two are not the same.")
        await seat.press("ctrl+u", *PIN, "enter")
        await seat.until("From now on this PIN brings you back here.")
        # Another officer, by password; she has no PIN here.
        await seat.press("l")
        await seat.until("LOCKED", "PIN")
        await seat.press("up", "ctrl+u")
        await seat.types(ngata.name, "enter")
        await seat.until("password")
        await seat.types(PASSWORD, "enter")
        await seat.until("you are Ngata", "everyone (1)")
        # And back: l, her name by one key, Enter, six digits, Enter.
        took: list[float] = []
        while not took or (min(took) >= 5 and len(took) < 3):  # a busy machine may need a second try
            before, began = seat.pressed, time.monotonic()
            await seat.press("l")
            await seat.until("LOCKED")
            await seat.press("up", "up", "enter", *PIN, "enter")
            await seat.until("you are Hartmann", "everyone (1)")
            assert seat.pressed - before <= 12
            took.append(time.monotonic() - began)
        assert min(took) < 5
        # Wrong ones are said; after five the terminal asks for the password, by itself.
        await seat.press("l")
        await seat.until("LOCKED", "PIN")
        for left in (4, 3, 2, 1):
            await seat.types("508319", "enter")
            await seat.until(f"Wrong ones left: {left}.")
        await seat.types("508319", "enter")
        await seat.until("No PIN does here now; give your password.")
        assert "PIN  " not in seat.text
        assert seats.names(pc(home, outage.url)) == []
        service = outage.prison.service
        service.clock.ahead += timedelta(minutes=2)
        await seat.types(PASSWORD, "enter")
        await seat.until("you are Hartmann", "everyone (1)")
        # It locks when the prison says, where the terminal was not started to do otherwise.
        assert seat.app.locks_after() == 0
        seat.app.lock_s = None
        assert seat.app.locks_after() == 60
        seat.app._touched -= 50
        await asyncio.sleep(1.2)
        await seat.until("you are Hartmann")
        seat.app._touched -= 11
        await seat.until("LOCKED", "nobody has pressed a key")


async def test_what_stood_behind_the_lock_is_not_drawn_once_more_before_another_officer(
    outage: Outage, ngata: Caller, hartmann: Caller, weir: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[tuple[str, str]] = []
    display = HandoverApp._display

    def spied(app: HandoverApp, screen: Any, what: Any) -> None:
        if what is not None:
            who = "" if app.station.here is None else app.station.here.login.username
            drawn.append((who, what.render_segments(app.console)))
        display(app, screen, what)

    monkeypatch.setattr(HandoverApp, "_display", spied)
    async with sitting(tmp_path / "office", hartmann, outage.url) as seat:
        await seat.until("everyone (1)")
        await seat.types("wa107", "enter")
        await seat.until("WRITE about")
        await seat.press("enter", "enter")
        await seat.types("1A rope.")
        await seat.until("A rope.")
        await seat.press("ctrl+l")
        await seat.until("LOCKED")
        await seat.press("up", "ctrl+u")
        await seat.types(ngata.name, "enter")
        await seat.types(PASSWORD, "enter")
        await seat.until("you are Ngata", "everyone (1)")
        await seat.wait(lambda: any("everyone (1)" in what for who, what in drawn if who == ngata.name), "the unit")
    assert {who for who, what in drawn if "A rope." in what} == {hartmann.name}


async def test_a_locked_screen_at_night_says_that_somebody_must_act_and_nobodys_name(
    outage: Outage, ngata: Caller, hartmann: Caller, weir: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handover.terminal.screens.lock.HEAR_S", 0.3)
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        rung: list[float] = []
        monkeypatch.setattr(type(seat.app), "bell", lambda _app: rung.append(time.monotonic()))
        await seat.until("you are Ngata", "everyone (1)")
        await seat.press("l")
        await seat.until("LOCKED")
        logins = list((tmp_path / "office").glob("handover/terminal/*/logins/*.json"))
        await seat.wait(lambda: not any(path.exists() for path in logins))
        assert "hears no calls" not in seat.text
        hartmann.note(weir, fact="Watch him.", attention="WATCH")
        note = hartmann.note(weir, fact="No insulin since morning.", attention="ACT_NOW")
        await seat.until("ACT NOW in unit A: somebody must go.")
        assert rung
        assert "Weir" not in seat.text
        assert "insulin" not in seat.text
        hartmann.post(f"/v1/notes/{note['id']}/receipts", {"kind": "ACCEPTED"})
        await seat.wait(lambda: "ACT NOW" not in seat.text)
        # Whatever goes wrong, it is said, and asked again.
        with monkeypatch.context() as broken:
            broken.setattr("handover.terminal.screens.lock.calling", Mock(side_effect=OSError("too many open files")))
            await seat.until("Not connected: this locked screen hears no calls. Use the radio.")
        await seat.wait(lambda: "Not connected" not in seat.text)
        await seat.meanwhile(outage.goes_away)
        await seat.until("Not connected: this locked screen hears no calls. Use the radio.")
        await seat.meanwhile(outage.comes_back)
        await seat.wait(lambda: "Not connected" not in seat.text)
        await seat.types(PASSWORD, "enter")
        await seat.until("you are Ngata")


async def test_a_call_that_is_heard_while_the_lock_is_being_taken_away_goes_nowhere(
    outage: Outage, hartmann: Caller, weir: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is on a screen is gone before the screen itself is told that it goes."""
    async with sitting(tmp_path / "office", hartmann, outage.url) as seat:
        await seat.until("you are Hartmann", "everyone (1)")
        await seat.press("l")
        await seat.until("LOCKED")
        late: list[str] = []

        def hears(lock: Lock) -> None:
            lock._calls("ACT NOW in unit A: somebody must go.")
            lock.say("One moment …")
            late.append("heard")

        monkeypatch.setattr(Lock, "on_unmount", hears)
        await seat.types(PASSWORD, "enter")
        await seat.until("you are Hartmann", "everyone (1)")
        assert late == ["heard"]


async def test_a_call_that_stood_there_at_the_start_is_locked_like_any_other_screen(
    outage: Outage, ngata: Caller, hartmann: Caller, weir: str, tmp_path: Path
) -> None:
    ngata.note(weir, attention="ACT_NOW", fact="Says he will not see the morning.")
    async with sitting(tmp_path / "office", hartmann, outage.url) as seat:
        await seat.until("ACT NOW: A WING, WEIR")
        await seat.until("Says he will not see the morning.")
        await seat.wait(lambda: seat.app.station.sheet is not None)
        await seat.press("ctrl+l")
        await seat.until("LOCKED", "somebody must go")
        assert "WEIR" not in seat.text
        await seat.types(PASSWORD, "enter")
        await seat.until("ACT NOW: A WING, WEIR")
        await seat.press("escape")
        await seat.until("you are Hartmann", "everyone (1)")


async def test_the_whole_prison_for_its_managers_counts_units_and_items_never_officers(
    outage: Outage, hartmann: Caller, weir: str, tmp_path: Path
) -> None:
    boss = outage.prison.hire("ashdown", "governor")
    kane = outage.prison.receive("A2222BB", name="Kane, D.", cell="B2-11", unit="B")
    hartmann.note(weir, fact="Says goodbye to everybody.", attention="ACT_NOW")
    past = outage.prison.service.clock().isoformat()
    hartmann.note(weir, needs=[{"code": "PHONE", "promised": True, "detail": "call to his daughter", "due_at": past}])
    hartmann.post("/v1/handovers", {"establishment": outage.prison.code, "unit": "A"})
    move = {"establishment": outage.prison.code, "unit": "A", "reason": "Works in the kitchen."}
    outage.prison.admin.post(f"/v1/inmates/{kane}/moves", move)
    async with sitting(tmp_path / "office", hartmann, outage.url) as seat:
        await seat.until("ACT NOW: A WING")
        await seat.press("escape", "m")
        await seat.until("The whole prison is for its managers.")
        listening = f"/v1/establishments/{outage.prison.code}/listening"
        await seat.wait(lambda: boss.get(listening)["items"][0]["hears"] == "ALL")
    async with sitting(tmp_path / "office", boss, outage.url) as seat:
        await seat.until("ACT NOW: A WING")
        await seat.press("escape", "m")
        text = await seat.until("units and changeovers", "1 page nobody has taken", "1 person on the way")
        assert "A wing" in text
        assert "offered" in text
        assert "nobody has offered it" in text
        assert "ACT NOW since" in text
        assert "1 promise past its time" in text
        assert "Kane, D.: B wing → A wing" in text
        await seat.until("B wing: never, as far as is known")
        for officer in ("Hartmann", "hartmann"):
            assert officer not in "\n".join(text.splitlines()[2:]), "no line names an officer"
        hartmann.note(weir, fact="Again.", attention="ACT_NOW")
        await seat.until("ACT NOW: A WING")
        await seat.press("escape")
        await seat.until("2 pages nobody has taken")
        await seat.wait(lambda: boss.get(listening)["items"][0]["hears"] == "NOTHING")
        await seat.press("escape", "m")
        await seat.until("2 units where no screen listens", "A wing: since", "B wing: never, as far as is known")
        await seat.press("down", "enter")
        await seat.wait(lambda: "B wing" in seat.text.splitlines()[0])


async def test_a_lock_over_the_whole_prison_stays_and_hears_calls(
    outage: Outage, hartmann: Caller, weir: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(house, "_LISTEN_S", 0.1)
    boss = outage.prison.hire("ashdown", "governor")
    async with sitting(tmp_path / "office", boss, outage.url) as seat:
        await seat.until("you are Ashdown")
        await seat.press("m")
        await seat.until("2 units where no screen listens")
        hartmann.note(weir, fact="Ate nothing.")  # it is about to be asked for again
        await seat.press("ctrl+l")
        await seat.until("LOCKED")
        hartmann.note(weir, fact="Says goodbye to everybody.", attention="ACT_NOW")
        await seat.until("LOCKED", "somebody must go")
        await seat.types(PASSWORD, "enter")
        await seat.until("you are Ashdown")


def fails(*_: object) -> None:
    raise OSError(errno.EROFS, "Read-only file system")


async def test_a_disk_that_will_not_keep_a_login_leaves_the_lock_where_it_is(
    outage: Outage, hartmann: Caller, weir: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sitting(tmp_path / "office", hartmann, outage.url) as seat:
        await seat.until("everyone (1)")
        await seat.press("ctrl+l")
        await seat.until("LOCKED")
        with monkeypatch.context() as disk:
            disk.setattr(session, "write_durably", fails)
            await seat.types(PASSWORD, "enter")
            await seat.until("LOCKED", "This machine would not do it: Read-only file system.")
        await seat.press("ctrl+u")
        await seat.types(PASSWORD, "enter")
        await seat.until("you are Hartmann", "everyone (1)")


@pytest.mark.parametrize("kept", ["current.json", "hartmann-"], ids=["who is here", "the login"])
async def test_where_the_disk_will_not_let_go_of_a_login_the_screen_locks_and_the_server_ends_it(
    outage: Outage, hartmann: Caller, weir: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: str
) -> None:
    def keeps(path: Path) -> None:
        if path.name.startswith(kept):
            fails()
        remove_durably(path)

    beside = Terminal(tmp_path / "office", outage.url)
    async with sitting(tmp_path / "office", hartmann, outage.url) as seat:
        await seat.until("everyone (1)")
        monkeypatch.setattr(session, "remove_durably", keeps)
        await seat.press("ctrl+l")
        await seat.until("LOCKED", "This locked screen hears no calls. Use the radio.")
        said = await seat.meanwhile(lambda: beside.run("sheet"))
        assert (said.exit_code, said.stdout) == (1, ""), said.output
