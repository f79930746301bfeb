"""What Ngata reads on her screen when something happens."""

import io
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from handover.client.feed_protocol import Event
from handover.terminal.phrases import Reader
from handover.terminal.telling import lines_for, needs_somebody_now, show
from tests.support.terminals import served_lists

NOW = datetime(2026, 11, 23, 13, 30, tzinfo=UTC)
READER = Reader(served_lists(), ZoneInfo("Europe/London"), lambda: NOW)
HARTMANN = {"username": "l.hartmann", "name": "L. Hartmann", "role": "officer"}
NOTE: dict[str, Any] = {
    "id": "019ab3f0-6a52-7c11-9f4e-2d1b8a3c5e77",
    "establishment": "ALM",
    "unit": "A",
    "inmate": "A4417KD",
    "author": HARTMANN,
    "occurred_at": "2026-11-23T13:20:00Z",
    "recorded_at": "2026-11-23T13:22:00Z",
    "late": False,
    "late_reason": None,
    "basis": "SAW",
    "fact": "Quiet since the visit was cancelled.",
    "opinion": None,
    "confidence": None,
    "mood": {"valence": -1, "energy": 1, "source": "OBSERVED", "not_observed": None},
    "change": "WORSE",
    "indicators": [],
    "needs": [],
    "responses": [],
    "opening": False,
    "attention": "ROUTINE",
    "attention_until": "2026-11-23T21:00:00Z",
    "if_then": None,
    "place": None,
    "handling": "UNIT",
    "status": "ACTIVE",
    "correction_reason": None,
    "retraction": None,
}


def event(data: dict[str, Any], type_: str = "note.recorded", **more: Any) -> Event:
    envelope = {"source": "/v1/establishments/ALM", "subject": "A4417KD", "unit": "A", "time": "2026-11-23T13:22:00Z"}
    return Event({**envelope, "type": type_, "data": data, **more})


def told(data: dict[str, Any], type_: str = "note.recorded", *, width: int = 0, **more: Any) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width or 200, force_terminal=bool(width), color_system=None, markup=False)
    show(console, lines_for(event(data, type_, **more), READER, {"A4417KD": "Weir, J. (A1-07)"}, with_place=False))
    return out.getvalue()


def test_a_note_is_told_with_time_unit_person_and_what_was_seen() -> None:
    assert told(NOTE).splitlines() == [
        "13:22  A  Weir, J. (A1-07)",
        "       mood low, slow; worse than usual",
        "       L. Hartmann saw: Quiet since the visit was cancelled.",
    ]


def test_an_opinion_is_somebodys() -> None:
    assert "L. Hartmann thinks (not sure): He blames himself." in told(
        NOTE | {"opinion": "He blames himself.", "confidence": "LOW"}
    )


def test_act_now_is_said_in_words_and_rings_until_it_is_over() -> None:
    urgent = NOTE | {"attention": "ACT_NOW"}
    assert "ACT NOW until 21:00" in told(urgent).splitlines()[0]
    assert needs_somebody_now(event(urgent), READER)
    assert not needs_somebody_now(event(urgent | {"attention_until": "2026-11-23T13:00:00Z"}), READER)
    assert not needs_somebody_now(event(NOTE), READER)


def test_a_late_entry_shows_as_late() -> None:
    late = NOTE | {"late": True, "occurred_at": "2026-11-23T11:50:00Z", "late_reason": "on escort"}
    assert "LATE ENTRY: happened 11:50, recorded 13:22 (on escort)" in told(late)
    assert "no reason given" in told(late | {"late_reason": None})


def test_needs_and_what_helped_are_on_the_screen() -> None:
    need = {
        "id": "x",
        "code": "PHONE",
        "urgency": "THIS_SHIFT",
        "promised": True,
        "detail": "call to his daughter",
        "due_at": "2026-11-23T18:00:00Z",
    }
    shown = told(
        NOTE | {"needs": [need], "responses": [{"code": "LISTENED", "effect": "HELPED"}], "if_then": "Sit down."}
    )
    assert "need: phone call, promised, this shift, due 18:00: call to his daughter" in shown
    assert "did: listened (it helped)" in shown
    assert "if it happens: Sit down." in shown


def test_what_was_taken_back_is_told_without_its_words() -> None:
    retraction = {"reason": "WRONG_PERSON", "detail": None, "by": HARTMANN, "at": "2026-11-23T13:25:00Z"}
    gone = NOTE | {"status": "RETRACTED", "fact": None, "basis": None, "mood": None, "retraction": retraction}
    assert "L. Hartmann's note of 13:20 was taken back by L. Hartmann: wrong person" in told(gone, "note.retracted")
    thin = {"id": NOTE["id"], "status": "RETRACTED"}
    assert told(thin).splitlines() == ["13:22  A  Weir, J. (A1-07)  a note was taken back: disregard it"]


def test_a_correction_says_that_it_is_one() -> None:
    shown = told(NOTE | {"correction_reason": "It was the late visit."}, "note.corrected")
    assert "CORRECTED, replaces L. Hartmann's earlier note: It was the late visit." in shown


@pytest.mark.parametrize(
    ("type_", "data", "words"),
    [
        ("need.updated", {"code": "PHONE", "status": "DONE", "outcome": "Spoke for ten minutes."}, "now: done, Spoke"),
        (
            "receipt.recorded",
            {"kind": "QUERY", "text": "Which visit?", "by": HARTMANN},
            "asks about a note: Which visit?",
        ),
        ("inmate.updated", {"number": "A4417KD", "name": "Weir, J.", "unit": "A", "cell": "A1-07"}, "on the roster"),
        ("inmate.merged", {"number": "A4417KD", "previous": "A1111AA"}, "A1111AA is the same person"),
        (
            "inmate.unmerged",
            {"number": "A1111AA", "previous": "A4417KD"},
            "about number A1111AA again",
        ),
        ("shift.moved", {"anything": 1}, "shift moved"),
        ("note.recorded", {}, "not for you to read"),
    ],
)
def test_every_kind_of_event_finds_words_even_one_of_a_newer_server(
    type_: str, data: dict[str, Any], words: str
) -> None:
    assert words in told(data, type_)


NGATA = {"username": "p.ngata", "name": "P. Ngata", "role": "officer"}
OFFER: dict[str, Any] = {
    "id": "019ab3f0-6a52-7c12-8a07-51c9d0b7e3aa",
    "kind": "SHIFT",
    "unit": "A",
    "from_shift": "2026-11-23/EARLY",
    "to_shift": "2026-11-23/LATE",
    "state": "OFFERED",
    "outgoing": NGATA,
    "incoming": HARTMANN,
    "offered_at": "2026-11-23T13:22:00Z",
    "due_at": "2026-11-23T13:45:00Z",
    "accepted_at": "2026-11-23T13:41:00Z",
    "remarks": "Servery is short.",
    "queries": [],
    "transfer": None,
    "withdrawal": {"reason": "Not ready.", "by": NGATA, "at": "2026-11-23T13:30:00Z"},
}
ASKED = {"id": "019ab3f0-6a52-7c12-8a07-51c9d0b7beef", "text": "Since when?", "by": HARTMANN, "answers": []}
ANSWERED = ASKED | {"answers": [{"text": "Since noon.", "by": NGATA, "at": "2026-11-23T13:35:00Z"}]}
MOVING = {
    "inmate": "A4417KD",
    "name": "Weir, J.",
    "from": {"establishment": "ALM", "unit": "A", "cell": "A1-07"},
    "to": {"establishment": "ALM", "unit": "B", "cell": None},
}
PAGE: dict[str, Any] = {
    "id": "x",
    "kind": "ACT_NOW",
    "unit": "A",
    "state": "RAISED",
    "raised_at": "2026-11-23T13:20:00Z",
    "repeated": 2,
    "accepted_by": HARTMANN,
    "accepted_at": "2026-11-23T13:26:00Z",
}


@pytest.mark.parametrize(
    ("type_", "data", "words"),
    [
        ("handover.offered", OFFER, "handover early → late offered by P. Ngata: to be accepted by 13:45"),
        ("handover.offered", OFFER, "P. Ngata adds: Servery is short."),
        ("handover.offered", OFFER | {"transfer": MOVING}, "move from ALM A A1-07 to ALM B offered by P. Ngata"),
        ("handover.accepted", OFFER, "L. Hartmann owns unit A since 13:41, from P. Ngata"),
        ("handover.accepted", OFFER | {"queries": [ASKED]}, "from P. Ngata; 1 question open"),
        ("handover.accepted", OFFER | {"transfer": MOVING}, "L. Hartmann answers for him or her since 13:41"),
        ("handover.overdue", OFFER, "OVERDUE since 13:45: nobody has accepted the handover"),
        ("handover.escalated", OFFER, "WITH THE DUTY MANAGER"),
        ("handover.withdrawn", OFFER, "P. Ngata took the handover back: Not ready."),
        ("handover.queried", OFFER | {"queries": [ASKED]}, 'answer: handover answer beef "…"'),
        ("handover.answered", OFFER | {"queries": [ANSWERED]}, "P. Ngata answers “Since when?”: Since noon."),
        ("handover.updated", OFFER, "was changed or taken back"),
        ("handover.danced", {"anything": 1}, "handover danced"),
        ("handover.queried", {"anything": 1}, "somebody asks"),
        ("handover.offered", {"id": "x", "status": "OFFERED"}, "a handover changed (offered)"),
        ("page.raised", PAGE, " PAGE: ACT NOW, called 3 times since 13:20, nobody has taken it "),
        ("page.accepted", PAGE, "PAGE TAKEN by L. Hartmann 13:26: ACT NOW"),
        ("page.closed", PAGE, "what it called for is over"),
        ("page.raised", {"id": "x", "status": "RAISED"}, "a page changed (raised)"),
        (
            "note.attention_ended",
            NOTE | {"attention": "WATCH", "attention_until": "2026-11-23T13:30:00Z"},
            "WATCH ran out 13:30: renew or close?",
        ),
        ("note.attention_ended", NOTE, 'handover attention 5e77 --renew "why"   or   --close "why"'),
        (
            "note.attention_changed",
            NOTE | {"renewals": [{"closed": True, "by": HARTMANN, "reason": "Ate twice.", "until": None}]},
            "is over, says L. Hartmann: Ate twice.",
        ),
        ("need.overdue", {"id": "x3f9c", "code": "PHONE", "status": "OPEN"}, "OVERDUE  need: phone call"),
    ],
)
def test_changeovers_and_calls_say_who_has_to_do_what(type_: str, data: dict[str, Any], words: str) -> None:
    assert words in told(data, type_)


def test_what_came_of_a_need_is_told_to_whoever_wrote_it_down() -> None:
    need = {"code": "PHONE", "status": "DONE", "outcome": "Spoke for ten minutes.", "opened_by": HARTMANN}
    for me, words in (("l.hartmann", "your note led to: done, Spoke"), ("p.ngata", "now: done, Spoke")):
        reader = Reader(READER.lists, READER.zone, READER.now, me)
        lines = lines_for(event(need, "need.updated"), reader, {}, with_place=False)
        assert words in lines[1].text.plain


def test_codes_of_a_newer_list_are_shown_and_break_nothing() -> None:
    newer = NOTE | {
        "basis": "DREAMT",
        "change": "SIDEWAYS",
        "indicators": [{"code": "SINGS_ALOUD", "trend": None}],
        "attention": "LOOK_TWICE",
        "handling": "CHAPLAINCY",
    }
    shown = told(newer)
    for words in ("(dreamt)", "sideways", "sings aloud", "LOOK TWICE", "chaplaincy"):
        assert words in shown


def test_a_note_cannot_drive_the_terminal() -> None:
    shown = told(NOTE | {"fact": "all \x1b[2J\x9b31m clear \u202egnp.exe [bold]x[/bold]\nsecond line"})
    assert "\x1b" not in shown
    assert "\x9b" not in shown
    assert "\u202e" not in shown
    assert "[bold]x[/bold]" in shown


def test_on_eighty_columns_lines_are_folded_and_set_in() -> None:
    lines = told(NOTE | {"fact": "word " * 60}, width=80).splitlines()
    assert max(map(len, lines)) <= 80
    assert all(line.startswith("       ") for line in lines[1:])
