"""The whole screen in a real tmux of 80×24, in black and white: somebody logs in, writes a note, reads it, locks."""

import re
from pathlib import Path

from tests.support.outage import Outage
from tests.support.service import PASSWORD
from tests.support.terminals import Terminal
from tests.support.tmux import sitting_at

COLOUR = re.compile(r"\x1b\[(?:[\d;]*;)?(?:3[0-8]|4[0-8]|9\d|10[0-7])(?:;[\d;]*)?m")


def test_a_routine_note_in_a_real_terminal_in_black_and_white(outage: Outage, tmp_path: Path) -> None:
    ngata = outage.prison.hire("ngata", "officer", "A")
    outage.prison.receive("A4417KD", name="Weir, J.", cell="A1-07")
    office = Terminal(tmp_path / "office", outage.url)
    with sitting_at(office.environment, "desk") as session:
        session.until("name", "password", "Enter log in")
        session.types(ngata.name, "Tab")
        session.types(PASSWORD, "Enter")
        session.until("everyone (1)", "Weir, J.", "up to date", "you are Ngata")
        session.types("wa107", "Enter")
        session.until("WRITE about Weir, J. (A1-07)")
        session.types("2221Sat alone at breakfast.", "Enter", "C-s")
        session.until("Recorded: Weir, J. (A1-07); mood low, slow, worse than usual.")
        text = session.until("Weir, J.", "· · ↓", pressing="n")
        lines = text.splitlines()
        assert len(lines) == 24
        assert max(map(len, lines)) <= 80
        assert lines[0].startswith("A wing")
        assert "? keys" in lines[-1]
        assert COLOUR.findall(session.drawn) == []
        session.types("/a107", "Enter")
        session.until("Sat alone at breakfast.", "mood low, slow")
        session.types("", "C-l")
        text = session.until("What was written is kept, for its author.", ngata.name)
        assert "Weir" not in text
        assert "breakfast" not in text
        assert COLOUR.findall(session.drawn) == []
        session.types("", "C-q")
        session.until("ended with 0")
    assert [note["fact"] for note in ngata.all("/v1/notes")] == ["Sat alone at breakfast."]
