"""The whole screen where it has to work: a real terminal of 80×24, a slow line, a power cut, a whole night."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pyte
import pytest

from handover.terminal.screens.shadow import Shadow
from tests.support import embedded
from tests.support.lines import on_a_line
from tests.support.outage import Outage
from tests.support.seats import sitting
from tests.support.service import Caller, Service, settings_for
from tests.support.terminals import Terminal

SERIAL = 960
"""Characters a second at 9600 baud."""


@pytest.fixture
def ngata(outage: Outage) -> Caller:
    return outage.prison.hire("ngata", "officer", "A")


@pytest.fixture
def weir(outage: Outage) -> str:
    for n in range(20):
        outage.prison.receive(f"A{n:04}", name=f"Person, {n:02}", cell=f"A2-{n:02}")
    return outage.prison.receive("A4417KD")


@pytest.fixture
def terminal(outage: Outage, ngata: Caller, tmp_path: Path) -> Terminal:
    office = Terminal(tmp_path / "office", outage.url)
    office.login(ngata)
    return office


def test_over_a_slow_line_a_note_is_written_and_a_letter_costs_next_to_nothing(
    terminal: Terminal, ngata: Caller, weir: str
) -> None:
    with on_a_line(terminal, "desk", bytes_a_second=SERIAL) as screen:
        began = time.monotonic()
        text = screen.until("everyone (21)", "up to date", "you are Ngata")
        assert "\n".join(text.splitlines()[:2]).startswith("A wing")
        before = screen.quiet()
        assert before < 4_000, "four seconds until it stands"
        screen.types("wa107\r")
        screen.until("WRITE about Weir, J. (A1-07)")
        screen.types("2221")
        screen.until("What happened:")
        before = screen.quiet()
        screen.types("q")
        screen.until("q")
        assert screen.quiet() - before < 200, "a letter is a letter, not a screen"
        screen.types("uiet.\r\x13")
        screen.until("Recorded: Weir, J. (A1-07); mood low, slow, worse than usual.")
        assert time.monotonic() - began < 30, "half a minute, the line and all"
        screen.types("q")
        assert screen.process.wait(10) == 0
    assert [note["fact"] for note in ngata.all("/v1/notes")] == ["quiet."]


def test_what_was_typed_survives_a_kill_and_a_page_is_heard(
    outage: Outage, terminal: Terminal, ngata: Caller, weir: str
) -> None:
    hartmann = outage.prison.hire("hartmann", "officer", "A")
    with on_a_line(terminal, "desk") as screen:
        screen.until("everyone (21)")
        screen.types("wa107\r2221Nobody told him")
        screen.until("1 draft", "Nobody told him")
        screen.quiet(0.6)
        screen.kill()
    # Where somebody has logged in before, the one word is enough.
    with on_a_line(terminal) as screen:
        screen.until("1 draft", "everyone (21)")
        screen.types("w")
        screen.until("DRAFT, begun")
        screen.types("\r")
        screen.until("what happened     Nobody told him")
        screen.types("\x13")
        screen.until("Recorded: Weir, J.")
        assert screen.bells == 0
        hartmann.note(weir, fact="Two men at his door.", attention="ACT_NOW")
        screen.until("ACT NOW: A WING, WEIR, J. (A1-07)")
        screen.quiet()
        assert screen.bells >= 1, "it is heard, too"
        screen.types("\x11")
        assert screen.process.wait(10) == 0
    assert [note["fact"] for note in ngata.all("/v1/notes")] == ["Two men at his door.", "Nobody told him"]


def test_without_a_screen_it_says_what_to_type_instead(terminal: Terminal) -> None:
    result = terminal.run("desk")
    assert result.exit_code == 2
    assert "handover watch" in result.output
    listed = subprocess.run(
        [sys.executable, "-c", "from handover.cli import main; main()"],
        env={**os.environ, **terminal.environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "At a terminal" in listed.stdout + listed.stderr, "the list of commands is still there where no officer sits"


async def test_a_screen_that_is_left_alone_is_live_in_the_morning(tmp_path: Path) -> None:
    service = Service(settings_for(embedded.copy(tmp_path / "night.sqlite3"), access_token_s=5))
    try:
        prison = service.prison()
        hartmann, night = (prison.hire(name, "officer", "A") for name in ("hartmann", "oyelaran"))
        weir = prison.receive("A4417KD")
        async with sitting(tmp_path / "office", night, service.url) as seat:
            await seat.until("everyone (1)", "up to date")
            first = seat.app.station.desk.tokens.access().token
            await seat.wait(lambda: seat.app.station.desk.tokens.access().token != first, within=30)
            ends = time.monotonic() + 6  # the first token is long over then
            await seat.wait(lambda: time.monotonic() > ends, within=30)
            assert "NOT CONNECTED" not in seat.text
            assert seat.app.station.blind_since is None
            service.login(hartmann.name).note(weir, fact="Slept through.")
            await seat.until("1 NEW")
    finally:
        service.stop()


def test_what_is_not_sent_again_stands_there_all_the_same() -> None:
    """The screen after everything was sent, and after only what differed was, are the same."""
    luck = random.Random(7)
    plainly, sparingly = pyte.Screen(80, 6), pyte.Screen(80, 6)
    one, other = pyte.Stream(plainly), pyte.Stream(sparingly)
    shadow = Shadow(80, 6)
    sent = whole = 0
    words = ("Weir, J.", " ", "          ", "ACT NOW", "été", "▁▂▄", "x", " · ", "\x1b[7m", "\x1b[1m", "\x1b[0m")
    for step in range(300):
        frame = "\x1b[?1049h\x1b[2J" if step == 0 else ""
        for _ in range(luck.randint(1, 4)):
            line = "".join(luck.choice(words) for _ in range(6)) + "\x1b[0m"
            frame += f"\x1b[{luck.randint(1, 6)};{luck.randint(1, 12)}H{line}"
        one.feed(frame)
        less = shadow.feed(frame)
        other.feed(less)
        whole, sent = whole + len(frame), sent + len(less)
        for y in range(6):
            for x in range(80):
                mine, theirs = plainly.buffer[y][x], sparingly.buffer[y][x]
                assert (mine.data, mine.bold, mine.reverse) == (theirs.data, theirs.bold, theirs.reverse), (step, y, x)
    assert sent < whole
    again = "\x1b[1;1HThe same words."
    shadow.feed(again)
    assert shadow.feed(again) == "", "what stands there already is not sent"
