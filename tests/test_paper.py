"""The sheet on paper: nothing an officer needs is missing, nothing thought is printed as seen, one wing is one page."""

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from itertools import cycle, islice
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import pytest

from handover import languages
from handover.api.paper.page import policy, print_sheet
from handover.api.paper.words import PACKAGE, offered
from handover.domain.codelists import shipped
from handover.domain.sheets import Known, compose, seal
from handover.domain.shifts import Shift
from handover.schemas.common import in_utc
from handover.schemas.sheets import Sheet
from tests.support import chromium, paper_wording
from tests.support.service import Prison

Document = dict[str, Any]
NOW = datetime(2026, 11, 26, 14, 5, 31, 123456, UTC)
SHIFTS = [
    Shift(code, day.date(), day, day + timedelta(hours=hours))
    for code, day, hours in (
        ("LATE", NOW.replace(hour=13, minute=30, second=0, microsecond=0), 7.5),
        ("EARLY", NOW.replace(hour=7, minute=30, second=0, microsecond=0), 6),
        ("NIGHT", NOW.replace(day=25, hour=21, minute=0, second=0, microsecond=0), 10.5),
    )
]
NGATA = {"username": "p.ngata", "name": "P. Ngata", "role": "officer"}
HARTMANN = {"username": "l.hartmann", "name": "L. Hartmann", "role": "officer"}
NURSE = {"username": "e.svensson", "name": "E. Svensson", "role": "health"}
PLACE = {"establishment": "ALM", "unit": "A"}


def before(hours: float) -> str:
    """A time that many hours ago, as the service answers it."""
    return in_utc(NOW - timedelta(hours=hours))


def id_of(name: str) -> str:
    """The id of what a test calls by a short name."""
    return str(uuid5(NAMESPACE_OID, name))


def note(name: str, inmate: str | None, hours: float = 2, **more: Any) -> Document:
    """A note as the service answers it."""
    told = NOW - timedelta(hours=hours)
    shift = next((shift for shift in SHIFTS if shift.starts <= told), SHIFTS[-1])
    empty = dict.fromkeys(
        ("previous_inmate", "captured_at", "late_reason", "fact", "opinion", "confidence", "mood", "change", "if_then")
    )
    late = dict.fromkeys(("place", "supersedes", "superseded_by", "correction_reason", "retraction"))
    return {
        **empty,
        **late,
        "id": id_of(name),
        **PLACE,
        "inmate": inmate,
        "author": NGATA,
        "occurred_at": before(hours),
        "recorded_at": before(hours - 0.05),
        "late": False,
        "shift": shift.key,
        "basis": "SAW",
        "indicators": [],
        "needs": [],
        "responses": [],
        "opening": False,
        "attention": "ROUTINE",
        "attention_until": before(-7),
        "renewals": [],
        "handling": "UNIT",
        "status": "ACTIVE",
        **more,
    }


def need(name: str, inmate: str | None, code: str, hours: float = 3, **more: Any) -> Document:
    """An open need as the service answers it."""
    return {
        "id": id_of(name),
        "note": id_of(f"note of {name}"),
        **PLACE,
        "inmate": inmate,
        "code": code,
        "urgency": "ROUTINE",
        "promised": False,
        "detail": None,
        "due_at": None,
        "status": "OPEN",
        "owner": None,
        "outcome": None,
        "reason": None,
        "opened_at": before(hours),
        "opened_by": NGATA,
        "updated_at": before(hours),
        "version": 1,
        **more,
    }


def handover(state: str, **more: Any) -> Document:
    """A handover as the service answers it, as far as a sheet asks."""
    return {
        "id": id_of("handover"),
        **PLACE,
        "state": state,
        "from_shift": SHIFTS[1].key,
        "to_shift": SHIFTS[0].key,
        "outgoing": HARTMANN,
        "incoming": None,
        "offered_at": before(0.7),
        "due_at": before(0.3),
        "accepted_at": None,
        "roll": {"expected": 3, "actual": None, "mismatch_reason": None},
        "remarks": None,
        "queries": [],
        **more,
    }


LAST = handover(
    "ACCEPTED",
    from_shift=SHIFTS[2].key,
    to_shift=SHIFTS[1].key,
    outgoing=NURSE,
    incoming=HARTMANN,
    offered_at=before(6.7),
    due_at=before(6.3),
    accepted_at=before(6.4),
)


def person(number: str, name: str, cell: str | None) -> Document:
    """Somebody on the roster."""
    return {"number": number, "name": name, "cell": cell}


def sheet_of(**known: Any) -> Document:
    """A sheet as the service answers it, by the service's own rules: known to fit its schema."""
    given: Document = {"people": [], "notes": [], "needs": [], "waiting": None, "last": LAST, **known}
    draft = handover("DRAFT", id=None, outgoing=None, offered_at=None)
    found = compose(Known("ALM", "A", NOW, 4711, SHIFTS, draft=draft, **given))
    found["at"] = in_utc(NOW)
    sheet = {**found, "hash": seal(found), "given_at": in_utc(NOW + timedelta(milliseconds=7))}
    Sheet.model_validate(sheet)
    return sheet


class Text(HTMLParser):
    """What a page says to somebody who hears it read, with a blank between its parts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keeps every element."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Keeps what is said, without the style."""
        if self.tags and self.tags[-1][0] != "style":
            self.parts.append(data)

    def __str__(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.parts))


def said(sheet: Document, practice: bool = False, **more: Any) -> str:
    """The words of a printed sheet."""
    return str(Text(print_sheet(sheet, practice, zone="Europe/London", **more)))


def one(**fields: Any) -> Document:
    """A sheet with one note, on J. Weir."""
    return sheet_of(people=[person("A4417KD", "Weir, J.", "A1-07")], notes=[note("n1", "A4417KD", **fields)])


# --- What it says -----------------------------------------------------------------------------------------------------


def test_everything_an_officer_needs_for_the_night() -> None:
    weir, reeve, kane, sarkis = "A4417KD", "B2001TR", "C3100PK", "D9000LS"
    notes = [
        note(
            "n1",
            weir,
            0.5,
            basis="TOLD_BY_PERSON",
            place="LANDING",
            fact="No insulin since morning.",
            indicators=[{"code": "MEDICATION_MISSED", "trend": "NEW"}],
            mood={"valence": -1, "energy": 1, "source": "OBSERVED", "not_observed": None},
            change="WORSE",
            attention="ACT_NOW",
            attention_until=before(-31),
            if_then="If he shakes or sweats: radio the nurse.",
            responses=[{"code": "LISTENED", "effect": "HELPED"}, {"code": "HEALTH_CALLED", "effect": "TOO_EARLY"}],
            opening=True,
        ),
        note("n2", weir, 5, change="MUCH_WORSE", responses=[{"code": "WARNING", "effect": "WORSE"}], author=NURSE),
        note("n3", reeve, 15, fact="Paced all night.", attention="WATCH", attention_until=before(1)),
        note("n4", None, 1.5, fact="Servery closed early.", basis="HEARD"),
        note("n5", kane, 8, recorded_at=before(2), late=True, late_reason="escort", fact="Quarrel at the gate."),
    ]
    needs = [
        need("d1", weir, "MEDICATION", 30, promised=True, due_at=before(1), detail="insulin, evening dose"),
        need("d2", weir, "PHONE", 0.5, due_at=before(-3), owner="the chaplain"),
        need("d3", None, "CELL", 3, urgency="THIS_SHIFT", detail="light on the threes"),
    ]
    moves = [
        {
            "inmate": kane,
            "name": "Kane, P.",
            "from": {**PLACE, "unit": "B", "cell": "B1-02"},
            "to": {**PLACE, "cell": "A2-11"},
            "at": before(2),
            "reason": "Works here now",
        }
    ]
    sheet = sheet_of(
        people=[
            person(weir, "Weir, J.", "A1-07"),
            person(reeve, "Reeve, T.", "A2-03"),
            person(kane, "Kane, P.", "A2-11"),
            person(sarkis, "Sarkis, L.", "A3-14"),
        ],
        notes=notes,
        needs=needs,
        waiting=handover(
            "OVERDUE", remarks="Fire drill at six.", roll={"expected": 3, "actual": None, "mismatch_reason": None}
        ),
        moves=moves,
        carries={id_of("d1"): [{"by": HARTMANN, "at": before(6.4)}]},
    )
    text = said(sheet, place="HMP Aldermoor", unit="A wing")
    for wanted in (
        "A wing · Thu 26 Nov · Late shift",
        "HMP Aldermoor · as it stood Thu 26 Nov 2026, 14:05 · times are Europe/London time",
        "The unit is with L. Hartmann.",
        "Early → Late: OVERDUE, offered 13:23 by L. Hartmann, nobody has accepted it yet, was due 13:47.",
        "Last taken over 07:41 by L. Hartmann from E. Svensson (Night → Early: accepted).",
        "L. Hartmann says: Fire drill at six.",
        "Roll expected 4",
        "Roll counted",
        "The offer says 3",
        "Needing words: 3 of 4",
        "A1-07 Weir, J. A4417KD ACT NOW until Fri 21:05",
        "Late ▼ worse (mood low, energy slow, told by the person)",
        "Early ▼▼ much worse (E. Svensson 09:08)",
        "Night – no word",
        "Worse than usual in two of the last three shifts (P. Ngata 13:38)",
        "Act now: Opened up. No insulin since morning.",
        "Noticed: medication missed (new); staff: called health care – too early to say.",
        "(P. Ngata 13:35, told by the person, landing)",
        "If he shakes or sweats: radio the nurse.",
        "Worked: listened (P. Ngata 13:35)",
        "Did not: gave a warning – made it worse (E. Svensson 09:05)",
        "Opened up (P. Ngata 13:35, landing)",
        "□ Medication , promised , OVERDUE since 13:05 : insulin, evening dose",
        "(open 1 d 6 h, from P. Ngata, carried by L. Hartmann 07:41)",
        "□ Phone call , due 17:05",
        "sees to it: the chaplain",
        "A2-03 Reeve, T. B2001TR WATCH ran out 13:05: renew or close Late – no word",
        "Night – no word ○ not observed since Wed 23:05",
        "Watch ran out 13:05: Paced all night.",
        "□ Cell , this shift: light on the threes",
        "Servery closed early. (P. Ngata 12:35, I heard it)",
        "A2-11 Kane, P. for 06:05, written 12:05 by P. Ngata: see above",
        "I saw it, written 12:05, late: escort",
        "Arrived: Kane, P. C3100PK: unit B, B1-02 → unit A, A2-11, 12:05: Works here now",
        "Not observed this shift, 3 of 4: Nothing written: A2-03, A2-11, A3-14",
        "Nothing to pass on, 1 of 4. Against usual, late, early, night:",
        "By hand",
        "Not valid after the next handover.",
        "Given out Thu 26 Nov 2026, 14:05:31",
        "sequence 4711",
        f"handover sheet verify --unit A --given-at {sheet['given_at']} --hash",
        " ".join(re.findall("....", sheet["hash"])),
    ):
        assert wanted in text, f"{wanted}\n\n{text}"
    assert "PRACTICE" not in text


def test_an_incident_has_one_line_before_everybody_and_what_it_began_with_is_said_once() -> None:
    incident = id_of("n0")
    ends = {"attention": "WATCH", "attention_until": before(-7)}
    notes = [
        note("n0", None, 1, fact="Six refuse.", incident=incident, status="CORRECTED", superseded_by=id_of("n1")),
        note(
            "n1", None, 0.9, fact="Six refuse to go behind the doors.", incident=incident, supersedes=incident, **ends
        ),
        note("n2", "A4417KD", 0.5, fact="Sits at the gate.", incident=incident),
        note("n3", None, 0.2, fact="Ten at the gate.", incident=incident),
    ]
    people = [person("A4417KD", "Weir, J.", "A1-07")]
    text = said(sheet_of(people=people, notes=notes))
    line = "Incident since 13:11, until 21:05: 3 notes, the latest 13:56. It began with:"
    assert f"{line} Watch: Six refuse to go behind the doors. (P. Ngata 13:11, I saw it)" in text
    assert text.count("Six refuse") == 1
    assert text.index(line) < text.index("Needing words") < text.index("About the incident. Ten at the gate.")
    notes[1] |= {"attention_until": before(0.1)}
    assert "Incident since 13:11, over: 3 notes" in said(sheet_of(people=people, notes=notes))


def test_what_somebody_thinks_says_who_thinks_it_and_is_no_part_of_the_fact() -> None:
    sheet = one(fact="Sat alone.", opinion="He is planning something.", confidence="LOW", author=NURSE)
    page = print_sheet(sheet, False)
    opinion = "E. Svensson (health staff) thinks (not sure): He is planning something."
    assert f'<span class="think">{opinion}</span>' in page
    assert page.count("planning") == 1
    unsure = print_sheet(one(opinion="He is scared."), False)
    assert '<span class="think">P. Ngata thinks: He is scared.</span>' in unsure


def test_words_are_words_whatever_they_look_like() -> None:
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&"
    people = [person("A4417KD", f"Weir{evil}", f"A{evil}")]
    needs = [need("d1", "A4417KD", "OTHER", detail=evil, owner=evil)]
    notes = [note("n1", "A4417KD", fact=evil, opinion=evil, if_then=evil, author={**NGATA, "name": evil})]
    page = print_sheet(
        sheet_of(people=people, needs=needs, notes=notes), True, place=f"</style>{evil}", unit=f'"; }} {evil}'
    )
    parsed = Text(page)
    assert str(parsed).count("<script>alert(1)</script>") >= 7
    assert not {"script", "img", "iframe", "object", "form", "link"} & {tag for tag, _ in parsed.tags}
    assert page.count("</style>") == 1
    assert not any(name.startswith("on") or name == "style" for _, attributes in parsed.tags for name in attributes)


def test_it_asks_nothing_of_anybody_and_the_policy_names_its_style_alone() -> None:
    page = print_sheet(one(), False)
    assert not re.search(r"https?:|url\(|@import|\bsrc=|\bhref=", page)
    assert re.fullmatch(
        r"default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'",
        policy(page),
    )


def test_a_screen_reader_finds_language_title_tables_and_heads() -> None:
    parsed = Text(
        print_sheet(sheet_of(people=[person("A1", "Abel, A.", "A1-01")], notes=[note("n", "A1", fact="x")]), True)
    )
    tags = [tag for tag, _ in parsed.tags]
    assert ("html", {"lang": "en"}) in parsed.tags
    assert {"title", "main", "header", "footer", "h1", "h2", "caption", "thead"} <= set(tags)
    scopes = [attributes["scope"] for tag, attributes in parsed.tags if tag == "th"]
    assert scopes.count("col") == 3
    assert scopes.count("row") == 1
    assert str(parsed).startswith(" PRACTICE: Unit A, ALM: sheet of Thu 26 Nov 2026, 14:05:31")


def test_an_empty_unit_that_nobody_has_taken_over() -> None:
    text = said(sheet_of(last=None))
    assert "Nobody has taken the unit over yet. Early → Late: not offered yet, was due 13:47." in text
    assert "Needing words: 0 of 0" in text
    assert "Nobody." in text


def test_what_was_taken_back_is_not_printed_and_what_is_disputed_says_so() -> None:
    sheet = one(fact="Had a phone.", status="RESTRICTED")
    assert "[Restricted: its accuracy is disputed] Had a phone." in said(sheet)
    taken = note("n9", "A4417KD", basis=None, status="RETRACTED")
    sheet["people"][0]["notes"], sheet["wing_notes"], sheet["late"] = [taken], [taken], [taken]
    text = said(sheet)
    assert "A1-07 Weir, J." in text
    assert "Had a phone" not in text


def test_somebody_who_is_there_for_a_need_alone_is_told_why() -> None:
    sheet = sheet_of(people=[person("A1", "Abel, A.", "A1-01")], needs=[need("d1", "A1", "PHONE", due_at=before(1))])
    assert "A need is overdue (P. Ngata 11:05) □ Phone call" in said(sheet)


def test_who_may_read_it_is_on_paper_too() -> None:
    whole = one(fact="Sings.", handling="ESTABLISHMENT")
    assert "[may be read by: the whole prison] Sings." in said(whole)


def test_what_not_everybody_on_the_wing_may_read_is_not_on_paper_but_that_there_is_something_is() -> None:
    people = [person("A1", "Abel, A.", "A1-01"), person("B2", "Bairstow, B.", "A1-02")]
    told: Document = {"fact": "Diabetic.", "opinion": "Hides it.", "if_then": "Sugar first.", "change": "MUCH_WORSE"}
    helped = [{"code": "LISTENED", "effect": "HELPED"}]
    notes = [
        note("n1", "A1", attention="ACT_NOW", handling="HEALTH", responses=helped, opening=True, **told),
        note("n2", "A1", fact="Ate at supper."),
        note("n3", None, fact="About a colleague.", handling="COMPLAINT"),
        note("n4", "B2", fact="Where it is.", handling="SECURITY", attention="WATCH", attention_until=before(1)),
    ]
    needs = [
        need("d1", "A1", "MEDICATION", note=id_of("n1")),
        need("d2", "A1", "PHONE", detail="call to his daughter"),
        need("d3", "B2", "LEGAL", detail="from long ago", note=id_of("n0")),
    ]
    text = said(sheet_of(people=people, notes=notes, needs=needs), narrow={id_of("n0"): "SECURITY"})
    for words in ("Diabetic", "Hides it", "Sugar", "worse", "listened", "Opened up", "Where it is", "Medication"):
        assert words not in text
    assert "from long ago" not in text
    assert "colleague" not in text
    for words in ("ACT NOW until", "WATCH ran out 13:05", "Ate at supper.", "call to his daughter"):
        assert words in text
    assert text.count("not printed: 1 note that not everybody on the wing may read") == 1, (
        "of a complaint not even that"
    )
    assert text.count("not printed: 2 notes that not everybody on the wing may read") == 1


def test_a_complaint_puts_nobody_on_paper_and_raises_no_attention_there() -> None:
    people = [person("A1", "Abel, A.", "A1-01"), person("B2", "Bell, B.", "A1-02"), person("C3", "Cole, C.", "A1-03")]
    secret: Document = {"handling": "COMPLAINT", "attention": "ACT_NOW", "fact": "About a colleague."}
    notes = [
        note("n1", "A1", **secret),
        note("n2", "B2", **secret),
        note("n3", "B2", attention="WATCH", fact="Pacing since noon."),
        note("n4", "C3", handling="COMPLAINT", attention="WATCH", attention_until=before(1)),
    ]
    text = said(sheet_of(people=people, notes=notes))
    assert "ACT NOW" not in text
    assert "ran out" not in text
    assert "not printed" not in text
    assert "Needing words: 1 of 3" in text
    assert "A1-02 Bell, B. B2 WATCH until" in text
    assert "Nothing to pass on, 2 of 3" in text


def test_what_is_left_of_such_a_note_after_days_is_not_printed_either(prison: Prison, weir: str) -> None:
    governor = prison.hire("ashdown", "governor")
    governor.note(weir, handling="COMPLAINT", needs=[{"code": "LEGAL", "detail": "about a member of staff"}])
    governor.note(weir, needs=[{"code": "PHONE", "detail": "call to his daughter"}])
    prison.service.clock.ahead = timedelta(days=3)
    governor = prison.service.login(governor.name)
    answer = governor.http.get(f"/v1/establishments/{prison.code}/units/A/sheet", headers={"Accept": "text/html"})
    assert "call to his daughter" in answer.text
    assert "not printed" not in answer.text, "of a complaint not even that there is one"
    assert "member of staff" not in answer.text


def test_when_the_clock_is_put_back_no_hour_is_taken_for_the_other(prison: Prison, weir: str) -> None:
    service = prison.service
    service.clock.frozen = datetime(2026, 10, 24, 22, 30, tzinfo=UTC)
    ngata = prison.hire("ngata", "officer", "A")
    ngata.note(weir, needs=[{"code": "PHONE", "due_at": "2026-10-25T00:45:00Z"}])
    service.clock.frozen = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    service.login(ngata.name).note(weir, fact="Cannot sleep.", attention="WATCH")
    service.clock.frozen = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    late = service.login(ngata.name)
    late.note(weir, fact="Paces up and down.", attention="WATCH")
    paper = late.http.get(f"/v1/establishments/{prison.code}/units/A/sheet", headers={"Accept": "text/html"})
    text = str(Text(paper.text))
    assert "Cannot sleep. (Ngata 01:30 BST, " in text
    assert "Paces up and down. (Ngata 01:30 GMT, " in text
    assert "as it stood Sun 25 Oct 2026, 01:30 GMT" in text
    assert "OVERDUE since 01:45 BST (open 3 h, " in text, "three hours, of which the clock showed two"
    assert "until 13:30" in text, "where it can be mistaken for nothing, no zone is in the way"


def test_codes_this_release_does_not_know_are_still_said() -> None:
    assert "Noticed: sings at night." in said(one(indicators=[{"code": "SINGS_AT_NIGHT", "trend": None}]))


def test_somebody_without_a_cell_and_two_in_one() -> None:
    people = [
        person("A1", "Abel, A.", "A1-01"),
        person("A2", "Bell, B.", "A1-01"),
        person("A3", "Cole, C.", None),
        person("A4", "Dunn, D.", "A1-02"),
    ]
    asleep = {"valence": None, "energy": None, "source": None, "not_observed": "ASLEEP"}
    text = said(sheet_of(people=people, notes=[note("n1", "A4", 0.2, mood=asleep)]))
    assert "Nothing written: Cole, C., A1-01 Abel, A., A1-01 Bell, B." in text
    assert "Asleep: A1-02" in text
    assert "A1-02 Dunn, D. ○ not observed this shift Late asleep" in text


def test_practice_is_said_in_words() -> None:
    assert "PRACTICE. Nobody on this sheet exists. Not for use on a wing." in said(one(), True)


# --- How it prints ----------------------------------------------------------------------------------------------------

NAMES = (
    *("Adeyemi, T.", "Bairstow, C.", "Castellanos-Reyes, M.", "Dragomir, I.", "Eastwood, P.", "Fairbrother, J."),
    *("Gallagher, S.", "Hussain, A.", "Ivanov, D.", "Kane, P.", "Llewellyn, R.", "Mbeki, O.", "Nowak, K."),
)
FACTS = (
    "Refused his evening insulin and says he has had none since morning. Pale, sweating, answers slowly. Nurse called.",
    (
        "Got a letter from his sister at lunch. Tore it up at the table, went back to his cell and has not come out "
        "since, not even for his tea. Did not answer the first two times I spoke to him through the door."
    ),
    (
        "Two men I do not know from the threes stood at his door twice during association; both times he looked at "
        "the floor and gave them something small. Says it is nothing."
    ),
    "Walked up and down the landing for an hour and asked three times whether the court papers have come.",
)
OPINIONS = ("Owes more than he admits, and is afraid of the weekend.", None, "Not angry; ashamed.", None)
IF_THENS = ("If he is awake after 22:00: sit down and talk, do not question him about the letter.", None)
DETAILS = ("call to his daughter, number cleared on Tuesday", "bedding, second time of asking", None)
CODES = ("PHONE", "MEDICATION", "CELL", "LEGAL", "FAMILY_WELFARE")


def wing(people: int, wordy: int) -> Document:
    """A wing as it is at a changeover: some worth words, a few needs each, the rest as usual."""
    roster = [
        person(f"A{n:04d}XY", name, f"A{1 + n // 20}-{n % 20 + 1:02d}")
        for n, name in enumerate(islice(cycle(NAMES), people))
    ]
    notes, needs = [], []
    for n, someone in enumerate(roster):
        number = someone["number"]
        if n % 4:
            notes.append(note(f"c{n}", number, 0.2 if n % 3 else 4, change="USUAL" if n % 5 else "BETTER"))
        if n >= wordy:
            continue
        attention = "ACT_NOW" if n % 6 == 0 else "WATCH" if n % 2 else "ROUTINE"
        notes.append(
            note(
                f"f{n}",
                number,
                1 + n / 10,
                fact=FACTS[n % 4],
                opinion=OPINIONS[n % 4],
                confidence="MEDIUM" if OPINIONS[n % 4] else None,
                if_then=IF_THENS[n % 2],
                change="WORSE" if n % 3 == 0 else None,
                indicators=[{"code": "WITHDRAWN", "trend": "NEW"}] if n % 2 else [],
                attention=attention,
                responses=[{"code": "LISTENED", "effect": "HELPED"}] if n % 2 else [],
                basis="SAW" if n % 3 else "TOLD_BY_STAFF",
            )
        )
        needs += [
            need(
                f"d{n}-{k}",
                number,
                CODES[(n + k) % 5],
                5 + 9 * n,
                promised=k == 0,
                due_at=before(n - 6) if k == 0 else None,
                detail=DETAILS[(n + k) % 3],
            )
            for k in range(n % 3)
        ]
    notes += [
        note(
            "w1", None, 1.4, fact="Servery closed early, heard grumbling about it on the twos. No names.", basis="HEARD"
        ),
        note("w2", None, 9, recorded_at=before(2), late=True, fact="Alarm bell on the threes at five: nothing found."),
    ]
    needs.append(need("w3", None, "CELL", 30, detail="light on the threes stairs", urgency="THIS_SHIFT"))
    return sheet_of(people=roster, notes=notes, needs=needs, waiting=handover("OFFERED", due_at=before(-0.2)))


def heads(pages: list[str]) -> int:
    """On how many pages people are told under a table's heads."""
    return sum("Why: what happened, and who says so" in page for page in pages)


def test_a_wing_of_sixty_with_twelve_worth_words_is_one_page(tmp_path: Path) -> None:
    sheet = wing(60, 12)
    assert len(sheet["people"]) == 12
    printed = print_sheet(sheet, True, zone="Europe/London", place="HMP Aldermoor", unit="A wing")
    # Under its own policy: a style that the policy does not name would not be there, nor the line at the page's foot.
    rule = f'<meta http-equiv="Content-Security-Policy" content="{policy(printed)}">'
    pages = chromium.pages(printed.replace("<meta", f"{rule}<meta", 1), tmp_path)
    assert len(pages) == 1
    for wanted in ("PRACTICE", "By hand", "Not valid after the next handover", "page 1 of 1", sheet["hash"][:4]):
        assert wanted in pages[0]
    assert sum(name["name"] in pages[0] for name in sheet["others"]) == 48


def test_a_longer_unit_flows_on_under_the_same_heads(tmp_path: Path) -> None:
    sheet = wing(130, 40)
    assert len(sheet["people"]) == 40
    pages = chromium.pages(print_sheet(sheet, False, place="HMP Aldermoor", unit="A wing"), tmp_path)
    assert len(pages) > 1
    assert heads(pages) > 1
    for number, page in enumerate(pages, 1):
        assert f"page {number} of {len(pages)}" in page
        assert f"A wing, HMP Aldermoor · given out Thu 26 Nov 2026, 14:05:31 · hash {sheet['hash'][:8]}" in page


def test_what_is_printed_can_be_translated_and_is() -> None:
    assert paper_wording.TEMPLATE.read_text("utf-8") == paper_wording.template(), (
        "python -m tests.support.paper_wording"
    )
    asked = paper_wording.messages()
    for language in languages.offered(PACKAGE):
        told = languages.catalogue(PACKAGE, language)
        assert set(told.messages) == {one for one, _ in asked}, language
        for one, many in asked:
            said = told.messages[one]
            assert len(said) == (told.forms if many else 1), (language, one)
            for form in said:
                assert sorted(re.findall(r"{\w+}", form)) == sorted(re.findall(r"{\w+}", one)), (language, one)


@pytest.mark.parametrize("language", sorted(offered()))
def test_a_wing_is_printed_in_its_readers_language_on_one_page_as_well(language: str, tmp_path: Path) -> None:
    sheet = wing(60, 12)
    page = print_sheet(sheet, True, zone="Europe/London", place="HMP Aldermoor", unit="A wing", language=language)
    text = str(Text(page))
    assert f'<html lang="{language}">' in page
    assert re.search(r'<body class="one ', page)
    known = {code.label for one in shipped() for code in one.entries if " " in code.label}
    english = {one for one, many in paper_wording.messages() if len(one) > 9 and "{" not in one} | known
    assert [one for one in english if one in text and one not in str(FACTS + DETAILS + IF_THENS)] == []
    if language == "de":
        pages = chromium.pages(page, tmp_path)
        assert len(pages) == 1
        for wanted in ("ÜBUNG", "Von Hand", "Seite 1 von 1", "Do 26. Nov. 2026", "Spätschicht", "zugehört"):
            assert wanted in pages[0]
