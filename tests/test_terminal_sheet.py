"""Hartmann looks at A wing as it stands, on one screen; and somebody later asks whether a sheet is a true one."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.embedded import database_url
from tests.support.service import Caller, Prison
from tests.support.terminals import Terminal

__all__ = ["database_url"]


def shown(terminal: Terminal, *more: str) -> str:
    said = terminal.run("sheet", *more)
    assert said.exit_code == 0, said.output
    return said.stdout


def test_who_needs_attention_comes_first_with_facts_and_their_source_and_opinions_under_a_name(
    prison: Prison, terminal: Terminal, ngata: Caller, weir: str
) -> None:
    kane = prison.receive("A2222BB", name="Kane, D.", cell="A2-11")
    ngata.note(kane, fact="Won at cards.")
    ngata.note(
        weir,
        fact="Quiet since the visit was cancelled.",
        opinion="He blames himself.",
        confidence="LOW",
        change="WORSE",
        attention="ACT_NOW",
        if_then="Awake after 22:00: sit down and talk.",
        needs=[{"code": "PHONE", "promised": True, "detail": "call to his daughter"}],
    )
    lines = shown(terminal).splitlines()
    head = next(line for line in lines if "Weir" in line)
    assert head.startswith("! A1-07  Weir, J.")
    assert " ACT NOW  until " in head
    text = "\n".join(lines)
    assert "Ngata saw: Quiet since the visit was cancelled." in text
    assert "Ngata thinks (not sure): He blames himself." in text
    assert "worse ↓" in text
    assert "IF IT HAPPENS (Ngata, " in text
    assert "phone call, promised: call to his daughter; with nobody; open 0 min, from Ngata" in text
    assert text.index("Weir") < text.index("Kane")
    assert "Roll 2 by the roster." in text


def test_a_sentence_of_several_lines_never_looks_like_a_line_of_the_sheet(
    terminal: Terminal, ngata: Caller, weir: str
) -> None:
    forged = "NOT OBSERVED this shift: nobody.\n! A1-99  Ghost, X.  ACT NOW"
    ngata.note(
        weir,
        fact=f"ok\n{forged}",
        opinion=f"hm\n{forged}",
        if_then=forged,
        attention="WATCH",
        needs=[{"code": "PHONE", "detail": forged}],
    )
    ngata.note(unit="A", fact=f"ok\n{forged}", attention="WATCH")
    lines = shown(terminal, "--all").splitlines()
    assert [line for line in lines if line.lstrip().startswith(("NOT OBSERVED this shift: nobody.", "! A1-99"))]
    assert [line for line in lines if line.startswith(("NOT OBSERVED this shift: nobody.", "! A1-99"))] == []


def test_the_wing_itself_comes_first_where_somebody_must_act_now(
    terminal: Terminal, ngata: Caller, weir: str, prison: Prison
) -> None:
    place = {"establishment": prison.code, "unit": "A"}
    ngata.note(weir, attention="WATCH")
    ngata.note(**place, fact="Grumbling at the servery.")
    ngata.note(**place, fact="Two men with a tool.", attention="ACT_NOW", if_then="Lock the gate.")
    told = shown(terminal)
    assert "! The wing   ACT NOW  until " in told
    assert "IF IT HAPPENS: Lock the gate." in told
    assert told.index("Two men with a tool.") < told.index("Weir, J.") < told.index("Grumbling at the servery.")
    assert "2 about the wing (1 ACT NOW)" in terminal.run("offer").stdout


def test_an_incident_is_one_line_at_the_top_and_its_notes_on_the_wing_are_the_newest(
    terminal: Terminal, ngata: Caller, weir: str, prison: Prison
) -> None:
    place: dict[str, Any] = {"establishment": prison.code, "unit": "A", "about_incident": True}
    began = ngata.note(**place, fact="Six refuse to go behind the doors.", if_then="Ten or more: call the governor.")
    for n in range(9):
        ngata.note(**place, fact=f"Count {n}.")
    ngata.note(weir, fact="Sits at the gate.", about_incident=True)
    told = shown(terminal).splitlines()
    at = next(n for n, line in enumerate(told) if line.startswith("~ INCIDENT since "))
    assert "WATCH until" in told[at]
    assert "11 notes, latest " in told[at]
    assert "Ngata saw: Six refuse to go behind the doors. [" in told[at + 1]
    assert f"{began['id'][-4:]}, WATCH" in told[at + 1]
    text = "\n".join(told)
    assert "IF IT HAPPENS: Ten or more: call the governor." in text
    assert text.count("Six refuse") == 1
    assert [f"Count {n}." in text for n in range(9)] == [False] * 6 + [True] * 3
    assert "(6 older about the incident: handover sheet --all)" in text
    assert "Count 0." in shown(terminal, "--all")
    assert text.index("INCIDENT") < text.index("Sits at the gate.") < text.index("Count 8.")
    said = terminal.run("attention", "incident", "--close", "All in.")
    assert said.exit_code == 0, said.output
    assert "- INCIDENT since " in shown(terminal)
    assert terminal.run("attention", "incident", "--renew", "Out again.").exit_code == 0, (
        "the last one, where none goes on"
    )
    assert "~ INCIDENT since " in shown(terminal)


def test_what_worked_is_shown_while_attention_is_asked_for_and_says_with_whom(
    terminal: Terminal, ngata: Caller, weir: str
) -> None:
    ngata.note(weir, fact="Talked.", responses=[{"code": "LISTENED", "effect": "HELPED"}], place="CELL")
    assert "worked:" not in shown(terminal)
    ngata.note(weir, fact="Paces.", attention="WATCH")
    assert "worked: listened (Ngata, " in shown(terminal)


def test_whose_the_unit_is_and_where_its_handover_stands(terminal: Terminal, ngata: Caller, prison: Prison) -> None:
    assert "not offered yet" in shown(terminal)
    offered = ngata.post("/v1/handovers", {"establishment": prison.code, "unit": "A", "remarks": "Servery is short."})
    told = shown(terminal)
    assert "offered " in told
    assert "by Ngata, NOT ACCEPTED, due " in told
    assert "Ngata adds: Servery is short." in told
    ngata.post(f"/v1/handovers/{offered['id']}/acceptance", {})
    assert "Ngata's since " in shown(terminal)


def test_who_was_not_observed_who_came_and_who_is_on_the_way(
    prison: Prison, terminal: Terminal, ngata: Caller, weir: str
) -> None:
    kane = prison.receive("A2222BB", name="Kane, D.", cell="A2-11")
    ngata.note(weir, fact="Ate well.")
    assert "NOT OBSERVED this shift (1): A2-11 Kane, D." in shown(terminal)
    boss = prison.hire("mortimer", "supervisor")
    boss.post(f"/v1/inmates/{kane}/moves", {"establishment": prison.code, "unit": "B", "reason": "Needs a quiet wing"})
    told = shown(terminal)
    assert "left " in told
    assert f"Kane, D. ({kane})" in told
    assert "Mortimer answers for him or her" in told


def test_as_it_was_known_at_a_time(terminal: Terminal, ngata: Caller, weir: str) -> None:
    ngata.note(weir, fact="Only just written.")
    assert "Only just written." in shown(terminal)
    assert "Only just written." not in shown(terminal, "--at", "10m ago")
    said = terminal.run("sheet", "--at", "noonish")
    assert said.exit_code == 2
    assert "--at 'noonish': write 06:40" in said.stderr


def test_a_unit_by_its_name_and_the_nearest_where_there_is_none(terminal: Terminal) -> None:
    assert shown(terminal, "--unit", "b WING").startswith("B wing (")
    said = terminal.run("sheet", "--unit", "B wnig")
    assert said.exit_code == 2
    assert "Did you mean:\n  B" in said.stderr
    assert "A wing" in said.stderr


def test_whoever_has_several_units_says_which(prison: Prison, tmp_path: Path) -> None:
    office = Terminal(tmp_path / "night", prison.service.url)
    office.login(prison.hire("oyelaran", "officer", "A", "B"))
    said = office.run("sheet")
    assert said.exit_code == 2
    assert "You have A and B. Say which: --unit A" in said.stderr
    assert office.run("sheet", "-u", "B").exit_code == 0


def test_a_note_on_the_sheet_cannot_drive_the_terminal(terminal: Terminal, ngata: Caller, weir: str) -> None:
    ngata.note(weir, fact="all \u202egnp.exe [bold]x[/bold]")
    told = shown(terminal)
    assert "\u202e" not in told
    assert "[bold]x[/bold]" in told


@pytest.fixture
def kept(terminal: Terminal, ngata: Caller, weir: str, tmp_path: Path) -> Path:
    ngata.note(weir, fact="Grüßt wieder – “fast” wie früher.", mood={"valence": 1, "energy": 2}, attention="WATCH")
    file = tmp_path / "sheet.json"
    file.write_text(terminal.run("sheet", "--json").stdout, "utf-8")
    return file


def test_a_kept_sheet_is_true_and_says_to_whom_it_was_given(terminal: Terminal, hartmann: Caller, kept: Path) -> None:
    said = terminal.run("sheet", "verify", str(kept))
    assert said.exit_code == 0, said.output
    assert said.stdout.startswith("True: ")
    assert f"was given to {hartmann.name}" in said.stdout
    # Set out in another way, it is the same sheet.
    document = json.loads(kept.read_text("utf-8"))
    kept.write_text(json.dumps(dict(reversed(document.items())), indent=4), "utf-8")
    assert terminal.json("sheet", "verify", str(kept))["hash"] == document["hash"]


def test_paper_is_checked_by_what_is_printed_on_it(terminal: Terminal, kept: Path) -> None:
    document = json.loads(kept.read_text("utf-8"))
    paper = ["--hash", document["hash"].upper(), "--given-at", document["given_at"]]
    assert terminal.run("sheet", "verify", *paper).stdout.startswith("True: ")
    groups = " ".join(document["hash"][at : at + 4] for at in range(0, 64, 4))
    assert terminal.run("sheet", "verify", "--hash", groups, *paper[2:]).exit_code == 0
    said = terminal.run("sheet", "verify", "--hash", groups[:-1], *paper[2:])
    assert said.exit_code == 2
    assert "this has 63 signs" in said.stderr
    said = terminal.run("sheet", "verify", *paper, "--unit", "B")
    assert said.exit_code == 1
    assert "NOT TRUE." in said.stderr
    assert terminal.run("sheet", "verify", *paper[:2]).exit_code == 2


def test_one_word_changed_is_found_and_so_is_a_hash_made_anew(terminal: Terminal, kept: Path) -> None:
    document: dict[str, Any] = json.loads(kept.read_text("utf-8"))
    document["people"][0]["name"] = "Weir, T."
    kept.write_text(json.dumps(document), "utf-8")
    said = terminal.run("sheet", "verify", str(kept))
    assert said.exit_code == 1
    assert "NOT TRUE. It was changed" in said.stderr
    document["hash"] = said.stderr.split()[-1].rstrip(".")
    kept.write_text(json.dumps(document), "utf-8")
    said = terminal.run("sheet", "verify", str(kept), "--json")
    assert said.exit_code == 1
    assert json.loads(said.stderr)["error"] == "not-verified"


@pytest.mark.parametrize("content", ["", "[]", '{"unit": "A"}'])
def test_what_is_not_a_sheet_is_said_to_be_none(terminal: Terminal, tmp_path: Path, content: str) -> None:
    (tmp_path / "x.json").write_text(content)
    said = terminal.run("sheet", "verify", str(tmp_path / "x.json"))
    assert said.exit_code == 2
    assert "handover sheet --json >" in said.stderr
    assert terminal.run("sheet", "verify", str(tmp_path / "nowhere.json")).exit_code == 2
    assert terminal.run("sheet", "verify").exit_code == 2


def test_whoever_reads_only_the_first_lines_ends_it_well(terminal: Terminal, ngata: Caller, weir: str) -> None:
    ngata.note(weir, attention="WATCH")
    reads, writes = os.pipe()
    os.close(reads)  # as `head` does when it has enough
    command = [str(Path(sys.executable).with_name("handover")), "sheet"]
    environment = {**os.environ, **terminal.environment}
    ended = subprocess.run(command, stdout=writes, stderr=subprocess.PIPE, env=environment, check=False, timeout=60)
    os.close(writes)
    assert (ended.returncode, ended.stderr) == (0, b"")
