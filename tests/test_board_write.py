"""Writing at the board: few decisions, nothing pre-filled, and no word lost, whatever happens to the PC, the network or
the server."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import sleep
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from handover.services import accounts
from tests.support import embedded
from tests.support.boards import NO_NETWORK, begin, database_url, drop, send, the_note, write
from tests.support.browser import Browser, Tab
from tests.support.outages import held_up
from tests.support.processes import office, serving
from tests.support.readers import eventually, metric
from tests.support.service import PASSWORD, Caller, Prison, Service

__all__ = ["database_url"]


@pytest.fixture
def screen(service: Service, browser: Browser, hartmann: Caller, weir: str) -> Iterator[Tab]:
    """Hartmann's screen."""
    with browser.open(service.url) as tab:
        tab.login(hartmann.name, PASSWORD)
        tab.sees("everyone (1)")
        yield tab


def test_a_routine_note_takes_eight_decisions_at_most(screen: Tab, hartmann: Caller, weir: str) -> None:
    screen.press("w")
    screen.until("document.activeElement.id === 'in-who'")
    assert screen.run("document.querySelectorAll('[aria-checked=true]').length") == 0  # nothing is pre-filled
    began, decisions, keys = screen.run("performance.now()"), 0, screen.keys
    screen.type("wei")
    screen.until("document.querySelectorAll('.found [role=option]').length === 1")
    screen.press("Enter")  # 1: who
    decisions += 1
    screen.until("document.activeElement.closest('[data-step=mood]') !== null")
    screen.press("ArrowUp", "ArrowLeft", "Enter")  # 2: low, slow
    screen.press("2")  # 3: worse than usual
    screen.press("1")  # 4: I saw it
    decisions += 3
    said = "Quiet since the visit was cancelled."
    screen.type(said)  # 5: what happened
    screen.press("ctrl+Enter")  # 6: send
    decisions += 2
    screen.sees("Recorded", ": A1-07 Weir, J.", "needs you (1)")
    assert decisions <= 8
    assert screen.keys - keys - len(said) <= 12
    assert screen.run("performance.now()") - began < 30_000
    note = the_note(hartmann, weir)
    assert note["mood"] == {"valence": -1, "energy": 1, "source": "OBSERVED", "not_observed": None}
    assert (note["change"], note["basis"], note["fact"]) == ("WORSE", "SAW", said)
    assert (note["opinion"], note["attention"], note["handling"]) == (None, "ROUTINE", "UNIT")
    assert note["author"]["username"] == hartmann.name
    screen.run("new Promise((done) => setTimeout(done, 300))")
    screen.press("w")
    screen.until("document.activeElement.id === 'in-who'")
    screen.run("new Promise((done) => setTimeout(done, 300))")
    screen.misses("go on with")  # what was sent is no draft any more


def test_a_note_is_about_whom_one_chose_also_after_the_news_was_read(
    screen: Tab, prison: Prison, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    prison.receive("A2200AA", name="Kane, D.", cell="A1-10")
    ngata.note(weir, fact="Shouted at the servery.", attention="WATCH")
    screen.sees("needs you (1)", "since you last looked (1)")
    screen.press("r")
    screen.sees("since you last looked (0)")
    begin(screen, "a110")
    screen.until("document.querySelector('#whom').innerText.startsWith('A1-10 Kane, D.')")
    screen.press("Escape")
    # Whoever stands on a line stays on it.
    ngata.note(weir, fact="Shouted again.", attention="WATCH")
    screen.sees("since you last looked (1)")
    screen.focus(f".needs [data-inmate='{weir}']")
    screen.press("r")
    screen.sees("since you last looked (0)")
    screen.press("w")
    screen.until("document.querySelector('#whom').innerText.startsWith('A1-07 Weir, J.')")
    screen.press("Escape")


def test_everything_a_note_can_say_is_said_with_the_keyboard(screen: Tab, hartmann: Caller, weir: str) -> None:
    begin(screen)
    screen.press("Tab")  # the mood is left open: it is not observed, because …
    screen.press("1")  # … asleep
    screen.press("6", "3")  # I do not know this person; told by the person
    screen.type("Says nobody told him.")
    screen.press("Enter")
    screen.type("He blames himself.")
    screen.press("Tab", "1")  # not sure
    screen.until("document.activeElement.id === 'in-indicators'")
    screen.type("withdrawn, new")
    screen.press("Enter", "Enter")
    screen.until("document.activeElement.id === 'in-needs'")
    screen.type("phone! 18:00: call to his daughter")
    screen.press("Enter", "Enter")
    screen.until("document.activeElement.id === 'in-responses'")
    screen.type("listened")
    screen.press("Enter")
    screen.until("document.activeElement.closest('.chip') !== null")
    screen.press("1")  # it helped
    screen.until("document.activeElement.id === 'in-responses'")
    screen.press("Enter", "2")  # watch
    screen.type("If awake after 22:00: sit down and talk.")
    screen.press("Enter", "2")  # the whole prison may read it
    screen.sees("Read by: The whole prison.")
    screen.press("ctrl+Enter")
    screen.sees("Recorded")
    note = the_note(hartmann, weir)
    assert note["mood"]["not_observed"] == "ASLEEP"
    assert (note["change"], note["basis"], note["confidence"]) == ("DONT_KNOW_PERSON", "TOLD_BY_PERSON", "LOW")
    assert (note["fact"], note["opinion"]) == ("Says nobody told him.", "He blames himself.")
    assert note["indicators"] == [{"code": "WITHDRAWN", "trend": "NEW"}]
    (need,) = note["needs"]
    assert (need["code"], need["promised"], need["detail"]) == ("PHONE", True, "call to his daughter")
    assert need["due_at"] is not None
    assert note["responses"] == [{"code": "LISTENED", "effect": "HELPED"}]
    assert (note["attention"], note["handling"]) == ("WATCH", "ESTABLISHMENT")
    assert note["if_then"] == "If awake after 22:00: sit down and talk."


def test_what_is_missing_is_said_at_its_field_before_anything_is_sent(screen: Tab, hartmann: Caller, weir: str) -> None:
    begin(screen)
    screen.focus("#in-fact")
    screen.type("Ate nothing.")
    screen.press("ctrl+Enter")
    screen.until("document.querySelector('#wrong-basis').textContent.startsWith('How do you know?')")
    assert screen.run("document.activeElement.closest('.step').dataset.step") == "basis"
    assert hartmann.all("/v1/notes", inmate=weir) == []
    screen.press("1", "ctrl+Enter")
    screen.sees("Recorded")


def test_what_is_typed_and_not_entered_is_part_of_the_note(screen: Tab, hartmann: Caller, weir: str) -> None:
    begin(screen)
    screen.focus("[data-step=basis] [role=radio]")
    screen.press("1")
    screen.focus("#in-responses")
    screen.type("listened = helped")
    screen.focus("#in-needs")
    screen.type("phone! call to his daughter")
    screen.press("Tab")
    screen.until("document.querySelector('[data-step=needs] .chips').innerText.includes('to his daughter')")
    screen.focus("#in-indicators")
    screen.type("self harm")
    screen.press("ctrl+Enter")
    screen.sees("Recorded")
    note = the_note(hartmann, weir)
    assert ([one["code"] for one in note["indicators"]], note["attention"]) == (["SAY_SELF_HARM"], "ACT_NOW")
    assert [(one["code"], one["promised"], one["detail"]) for one in note["needs"]] == [
        ("PHONE", True, "to his daughter")
    ]
    assert note["responses"] == [{"code": "LISTENED", "effect": "HELPED"}]


def test_what_is_not_understood_is_kept_and_said_and_nothing_is_sent(
    service: Service, screen: Tab, hartmann: Caller, weir: str
) -> None:
    begin(screen)
    screen.focus("#in-responses")
    screen.type("lisstened")
    screen.press("Enter")
    said = "document.getElementById(document.querySelector('#in-{0}').getAttribute('aria-describedby')).innerText"
    unknown = "Nothing is known as “lisstened”."
    screen.until(f"{said.format('responses')} === '{unknown}'")
    screen.sees("kept on this PC")
    screen.press("Escape")
    screen.sees("everyone")
    screen.press("w")
    screen.sees("go on with")
    screen.run("[...document.querySelectorAll('button')].find((one) => one.innerText.startsWith('go on with')).click()")
    screen.until("(document.querySelector('#in-responses') || {}).value === 'lisstened'")
    screen.sees("kept on this PC")
    screen.go(f"{service.url}/board")
    screen.until("(document.querySelector('#in-responses') || {}).value === 'lisstened'")
    screen.focus("[data-step=basis] [role=radio]")
    screen.press("1", "ctrl+Enter")
    screen.until(f"{said.format('responses')} === '{unknown}'")
    screen.until("document.activeElement.id === 'in-responses'")
    screen.run("document.querySelector('#in-responses').select()")
    screen.press("Backspace")
    screen.focus("#in-indicators")
    screen.type("speaks of")  # of self-harm, of harming others, of escape
    screen.press("ctrl+Enter")
    screen.until(f"{said.format('indicators')} === '“speaks of” fits several: choose one.'")
    assert hartmann.all("/v1/notes", inmate=weir) == []
    screen.until("document.querySelectorAll('[data-step=indicators] [role=option]').length === 3")
    screen.press("ArrowDown", "ctrl+Enter")
    screen.sees("Recorded")
    (indicator,) = the_note(hartmann, weir)["indicators"]
    assert indicator["code"] == "SAY_HARM_OTHERS"
    screen.press("w")
    screen.until("document.activeElement.id === 'in-who'")
    screen.type("nobody of that name")
    screen.press("Enter")
    screen.until(f"{said.format('who')} === 'Nobody is known as “nobody of that name”.'")


def test_nothing_of_what_is_pasted_is_cut_off_and_how_many_letters_are_left_is_said(
    screen: Tab, hartmann: Caller, weir: str
) -> None:
    begin(screen)
    screen.press("Tab", "1", "6", "1")
    screen.until("document.activeElement.id === 'in-fact'")
    screen.insert("a" * 899)
    assert screen.run("document.querySelector('#room-in-fact').innerText") == ""
    screen.insert("a")
    screen.until("document.querySelector('#room-in-fact').innerText === '100 letters left'")
    screen.insert("b" * 99 + "cut here?")
    screen.until(
        "document.querySelector('#room-in-fact').innerText === '8 letters too many, from “ut here?” on. "
        "Nothing was cut off.'"
    )
    screen.press("ctrl+Enter")
    screen.until("document.querySelector('#wrong-fact').innerText === 'It is too long to be sent.'")
    assert hartmann.all("/v1/notes", inmate=weir) == []
    screen.press(*["Backspace"] * 8)
    screen.until("document.querySelector('#room-in-fact').innerText === '0 letters left'")
    screen.press("ctrl+Enter")
    screen.sees("Recorded")
    assert the_note(hartmann, weir)["fact"] == "a" * 900 + "b" * 99 + "c"


def test_a_sum_of_money_is_no_time(screen: Tab, hartmann: Caller, weir: str) -> None:
    begin(screen)
    screen.focus("[data-step=basis] [role=radio]")
    screen.press("1")
    screen.focus("#in-needs")
    for text in ("money 12.50 missing", "phone @18.00: his daughter", "phone 18:00: his son"):
        screen.insert(text)
        screen.press("Enter")
    screen.press("ctrl+Enter")
    screen.sees("Recorded")
    money, daughter, son = the_note(hartmann, weir)["needs"]
    assert (money["detail"], money["due_at"]) == ("12.50 missing", None)
    assert (daughter["detail"], son["detail"]) == ("his daughter", "his son")
    assert daughter["due_at"] == son["due_at"] is not None


def test_what_the_server_refuses_is_shown_at_its_field_and_nothing_is_lost(
    screen: Tab, hartmann: Caller, weir: str
) -> None:
    screen.pardoned.append("status of 422")
    begin(screen)
    screen.focus("[data-step=basis] [role=radio]")
    screen.press("1")
    screen.insert("Said it with a \u0007 bell.")
    screen.press("ctrl+Enter")
    screen.until("document.querySelector('#wrong-fact').textContent.includes('control characters')")
    screen.run("document.querySelector('#in-fact').select()")
    screen.insert("Said it with a bell.")
    screen.press("ctrl+Enter")
    screen.sees("Recorded")
    assert the_note(hartmann, weir)["fact"] == "Said it with a bell."


def test_quiet_prompts_ask_what_helped_and_point_out_the_same_words(
    screen: Tab, prison: Prison, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    kane = prison.receive("A2200AA", name="Kane, D.", cell="A2-11")
    ngata.note(weir, fact="Sat with him.", responses=[{"code": "LISTENED", "effect": "HELPED"}])
    hartmann.note(kane, fact="Settled night, no concerns.")
    screen.sees("everyone (2)")
    begin(screen, "weir")
    screen.sees("what worked", "Sat with him.")
    screen.focus("#in-fact")
    screen.insert("Rude and abusive at the hatch.")
    screen.sees("What helped with Weir, J. last time: listened (it helped): Sat with him.")
    screen.run("document.querySelector('#in-fact').select()")
    screen.insert("Settled night, no concerns")
    screen.misses("What helped with")
    screen.sees("You wrote the same words about somebody else")
    # Words that are taken back go from beside the form as well, and others come.
    mistaken = ngata.note(weir, fact="Words about somebody else.")
    screen.sees("Words about somebody else.")
    ngata.post(f"/v1/notes/{mistaken['id']}/retractions", {"reason": "WRONG_PERSON"})
    screen.misses("Words about somebody else.")
    assert screen.run("document.querySelector('#in-fact').value") == "Settled night, no concerns"


def test_who_may_read_it_is_the_staff_of_the_persons_own_unit_and_what_is_not_known_is_not_none(
    screen: Tab, prison: Prison, hartmann: Caller, weir: str
) -> None:
    tembo = prison.hire("tembo", "officer", "B")
    kane = prison.receive("B2200AA", unit="B", name="Kane, D.", cell="B2-11")
    tembo.note(kane, fact="Asked for a call.", needs=[{"code": "PHONE", "promised": True}])
    begin(screen, "kane")
    screen.sees("Read by: B wing.", "Nothing that you may read.")
    screen.misses("None.", "Nothing was written.", "Nothing is known yet.", "Asked for a call.")
    screen.focus("#in-fact")
    screen.insert("Rude and abusive at the hatch.")
    screen.misses("Nothing is written yet about what helps with Kane")
    moved = {"establishment": prison.code, "unit": "A", "cell": "A2-02", "reason": "Works in the kitchen."}
    prison.admin.post(f"/v1/inmates/{kane}/moves", moved)
    screen.sees("Read by: A wing.", "A2-02 Kane, D.", "phone call, promised")
    prison.admin.post(f"/v1/inmates/{kane}/moves", moved | {"unit": "B", "cell": "B2-11", "reason": "Back again."})
    screen.sees("Read by: B wing.", "B2-11 Kane, D.")
    screen.press("Escape")
    screen.sees("everyone (1)")
    begin(screen)
    screen.sees("Read by: A wing.", "None.")


def test_a_draft_survives_a_reload_and_a_lock_and_is_its_authors_alone(
    service: Service, screen: Tab, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    begin(screen)
    screen.focus("#in-fact")
    screen.insert("Half a sentence about")
    screen.sees("kept on this PC")
    kept = screen.run(
        "new Promise((done) => { const asked = indexedDB.open('handover'); asked.onsuccess = () => { const all = "
        "asked.result.transaction('kept').objectStore('kept').getAll(); all.onsuccess = () => done(all.result.map("
        "(one) => Object.keys(one).join() + new TextDecoder().decode(one.sealed)).join()); }; })"
    )
    assert kept.startswith("id,author,kind,at,iv,sealed,") or "sealed" in kept
    assert "Half a sentence" not in kept
    assert weir not in kept
    screen.go(f"{service.url}/board")
    screen.until("(document.querySelector('#in-fact') || {}).value === 'Half a sentence about'")
    screen.sees("Weir, J.")
    # Ngata at the same PC sees nothing of it; Hartmann has it back.
    screen.press("Escape")
    screen.sees("everyone")
    screen.press("s")
    screen.login(ngata.name, PASSWORD)
    screen.sees("you are Ngata", "everyone")
    screen.press("w")
    screen.until("document.activeElement.id === 'in-who'")
    screen.misses("go on with")
    screen.press("Escape")
    screen.sees("everyone")
    screen.press("s")
    screen.login(hartmann.name, PASSWORD)
    screen.sees("everyone")
    screen.press("w")
    screen.sees("go on with: A1-07 Weir, J.")
    screen.run("[...document.querySelectorAll('button')].find((one) => one.innerText.startsWith('go on with')).click()")
    screen.until("(document.querySelector('#in-fact') || {}).value === 'Half a sentence about'")


def test_a_draft_belongs_to_one_window_at_a_time_and_is_one_note(
    service: Service, browser: Browser, hartmann: Caller, weir: str
) -> None:
    on = "[...document.querySelectorAll('button')].find((one) => one.innerText.startsWith('go on with')).click()"
    with browser.open(service.url) as first:
        first.login(hartmann.name, PASSWORD)
        first.sees("everyone (1)")
        begin(first)
        first.focus("[data-step=basis] [role=radio]")
        first.press("1")
        first.insert("Half a sentence")
        first.sees("kept on this PC")
        with browser.open(service.url, beside=first) as second:
            second.sees("you are Hartmann", "everyone (1)")  # not the form: another window has what is written there
            second.press("w")
            second.sees("go on with")
            second.run(on)
            second.sees("It is open in another window: go on with it there.")
            assert second.run("document.querySelector('#in-fact').value") == ""
            first.press("Escape")
            first.sees("everyone (1)")
            second.run(on)
            second.until("document.querySelector('#in-fact').value === 'Half a sentence'")
            first.press("w")
            first.sees("go on with")
        # The other window is gone without having said anything.
        first.run(on)
        first.until("document.querySelector('#in-fact').value === 'Half a sentence'")
        first.press("Escape")
        first.sees("everyone (1)")
        with browser.open(service.url, beside=first) as second:
            second.sees("everyone (1)")
            for window in (first, second):
                window.press("w")
                window.sees("go on with")
            first.run(on)
            first.until("document.querySelector('#in-fact').value === 'Half a sentence'")
            first.press("ctrl+Enter")
            first.sees("Recorded")
            second.run(on)
            second.sees("It was sent or thrown away in another window.")
            second.misses("go on with")
            assert the_note(hartmann, weir)["fact"] == "Half a sentence"


def test_a_draft_that_is_sent_from_two_windows_is_one_note_and_the_second_says_so(
    service: Service, browser: Browser, hartmann: Caller, weir: str
) -> None:
    """Also where a browser cannot tell its windows apart."""
    with browser.open(service.url) as first:
        first.login(hartmann.name, PASSWORD)
        first.sees("everyone (1)")
        with browser.open(service.url, beside=first) as second:
            second.pardoned.append("status of 422")
            second.sees("everyone (1)")
            for window in (first, second):
                window.run("void Object.defineProperty(navigator, 'locks', { value: undefined })")
            begin(first)
            first.focus("[data-step=basis] [role=radio]")
            first.press("1")
            first.insert("Half a sentence")
            first.sees("kept on this PC")
            second.press("w")
            second.sees("go on with")
            second.run(
                "[...document.querySelectorAll('button')].find((one) => one.innerText.startsWith('go on with')).click()"
            )
            second.until("document.querySelector('#in-fact').value === 'Half a sentence'")
            first.press("ctrl+Enter")
            first.sees("Recorded")
            second.press("ctrl+Enter")
            second.sees("This note was sent before, from another window of this browser.")
            assert the_note(hartmann, weir)["fact"] == "Half a sentence"
            second.press("ctrl+Enter")
            second.sees("Recorded")
            assert len(hartmann.all("/v1/notes", inmate=weir)) == 2


STEADILY = """new Promise((done) => {
  const typing = setInterval(() => {
    document.activeElement.value += 'on and ';
    document.activeElement.dispatchEvent(new Event('input', { bubbles: true }));
  }, 60);
  setTimeout(() => { const asked = indexedDB.open('handover'); asked.onsuccess = () => {
    const all = asked.result.transaction('kept').objectStore('kept').getAll();
    all.onsuccess = () => { clearInterval(typing); done(all.result.map((one) => one.kind).join(' ')); };
  }; }, 2000);
})"""
"""Somebody types for two seconds without a pause; answers what was kept by then."""


def test_what_is_typed_without_a_pause_is_kept_meanwhile_and_to_the_last_letter_by_a_reload(
    service: Service, screen: Tab, ngata: Caller, weir: str
) -> None:
    ngata.note(weir, needs=[{"code": "PROPERTY", "promised": True, "detail": "his reading glasses"}])
    screen.sees("his reading glasses")
    screen.focus("[data-need]")
    screen.press("d")
    screen.until("document.activeElement.id === 'asked'")
    assert "form" in screen.run(STEADILY)
    screen.insert("and came to an end.")
    screen.go(f"{service.url}/board")
    screen.sees("Begun, not sent: What came of it?", "and came to an end.")
    begin(screen)
    screen.focus("#in-fact")
    assert "draft" in screen.run(STEADILY)
    screen.insert("and came to an end.")
    screen.go(f"{service.url}/board")
    screen.until("((document.querySelector('#in-fact') || {}).value || '').endsWith('and came to an end.')")


BUSY = """new Promise((done) => {
  const asked = indexedDB.open('handover');
  asked.onsuccess = () => {
    const until = Date.now() + 2000;
    const work = asked.result.transaction('kept', 'readwrite').objectStore('kept');
    const on = () => { if (Date.now() < until) work.count().onsuccess = on; };
    on();
    done();
  };
})"""
"""For two seconds no write of another window reaches the disk."""
KEPT = """new Promise((done) => {
  const asked = indexedDB.open('handover');
  asked.onsuccess = () => {
    const all = asked.result.transaction('kept').objectStore('kept').getAll();
    all.onsuccess = () => done(all.result.length > 0);
  };
})"""
FULL_LATE = """(() => {
  IDBTransaction.prototype.commit = null;
  const put = IDBObjectStore.prototype.put;
  IDBObjectStore.prototype.put = function (one) {
    const until = Date.now() + 2000;
    const asked = put.call(this, one);
    const on = () => { if (Date.now() < until) this.count().onsuccess = on; else this.transaction.abort(); };
    on();
    return asked;
  };
})()"""
"""The disk takes two seconds to find that it is full."""


def test_what_calls_somebody_does_not_wait_for_a_slow_disk(
    service: Service, browser: Browser, hartmann: Caller, weir: str
) -> None:
    with browser.open(service.url) as screen:
        screen.login(hartmann.name, PASSWORD)
        screen.sees("everyone (1)")
        with browser.open(service.url, beside=screen) as other:
            other.sees("everyone (1)")
            write(screen, "He will not answer.", act_now=True)
            screen.sees("kept on this PC")
            other.run(BUSY)
            before = datetime.now(UTC)
            screen.press("ctrl+Enter")
            screen.sees("Recorded")
            note = the_note(hartmann, weir)
            assert note["attention"] == "ACT_NOW"
            assert datetime.fromisoformat(note["recorded_at"]) - before < timedelta(seconds=1.5)


REFUSED_LATE = """((asks) => { window.fetch = async (at, given) => {
  const told = await asks(at, given);
  if (String(at) === '/v1/notes' && told.status === 422) await new Promise((come) => { window.come = come; });
  return told;
}; })(window.fetch)"""
"""That a note was refused is heard when `come` is called."""


def test_what_was_refused_while_officers_changed_places_is_its_authors_and_said_to_her_alone(
    screen: Tab, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    screen.pardoned.append("status of 422")
    screen.run(REFUSED_LATE)
    begin(screen)
    screen.focus("[data-step=basis] [role=radio]")
    screen.press("1")
    screen.insert("Said it with a \u0007 bell.")
    screen.press("ctrl+Enter")
    screen.sees("Kept here, not sent yet.", "everyone (1)")
    screen.until("!!window.come")
    screen.press("s")
    screen.login(ngata.name, PASSWORD)
    screen.sees("you are Ngata", "everyone (1)")
    screen.run("window.come()")
    sleep(1)
    screen.misses("was refused")
    screen.press("w")
    screen.until("document.activeElement.id === 'in-who'")
    sleep(0.5)
    screen.misses("go on with")
    screen.press("Escape")
    screen.sees("everyone (1)")
    screen.run("window.come = null, 0")
    screen.press("s")
    screen.sees("1 kept here, not sent.")
    screen.login(hartmann.name, PASSWORD)
    screen.until("!!window.come")
    screen.run("window.come()")
    screen.sees("A note about A1-07 Weir, J. was refused:", "0 not sent")
    screen.press("w")
    screen.sees("go on with: A1-07 Weir, J.")


def test_a_correction_that_is_still_being_worked_on_is_not_refused(screen: Tab, hartmann: Caller, weir: str) -> None:
    """Sent once more, from here or another window, while the server is at the first."""
    wrong = hartmann.note(weir, fact="Slept all morning.")
    screen.press("/")
    screen.type("weir")
    screen.until("document.querySelectorAll('.found [role=option]').length === 1")
    screen.press("Enter")
    screen.until(f"!!document.querySelector(\"[data-written='{wrong['id']}']\")")
    screen.focus(f"[data-written='{wrong['id']}']")
    screen.press("e")
    screen.until("document.activeElement.id === 'in-reason'")
    screen.type("He woke at ten.")
    screen.run(
        "((asks) => { window.asked = 0; window.fetch = async (at, given) => { "
        "if (!/corrections$/.test(String(at)) || window.asked > 1) return asks(at, given); "
        "window.asked += 1; if (window.asked === 1) { await asks(at, given); throw new TypeError('cut'); } "
        "return new Response(JSON.stringify({type: '/problems/in-progress', detail: 'Being worked on.'}), "
        "{status: 409}); }; })(window.fetch), 0"
    )
    screen.press("ctrl+Enter")
    screen.until("window.asked > 1")
    screen.sees("1 not sent")
    screen.sees("0 not sent")
    screen.misses("Being worked on.")
    assert hartmann.get(f"/v1/notes/{wrong['id']}")["status"] == "CORRECTED"


def test_what_a_window_that_is_gone_has_not_sent_goes_from_the_one_that_is_left(
    service: Service, browser: Browser, hartmann: Caller, weir: str
) -> None:
    with browser.open(service.url) as left:
        left.login(hartmann.name, PASSWORD)
        left.sees("everyone (1)")
        with browser.open(service.url, beside=left) as gone:
            gone.pardoned.append(NO_NETWORK)
            gone.sees("everyone (1)")
            gone.offline(True)
            send(gone, "Written in a window that was closed.")
            gone.sees("Kept here, not sent yet.", "1 not sent")
        eventually(lambda: len(hartmann.all("/v1/notes", inmate=weir)) == 1)
        left.sees("0 not sent")
        assert the_note(hartmann, weir)["fact"] == "Written in a window that was closed."


def test_a_line_that_was_sent_is_not_kept_by_a_disk_that_finds_later_that_it_is_full(
    screen: Tab, ngata: Caller, weir: str
) -> None:
    ngata.note(weir, needs=[{"code": "PROPERTY", "promised": True, "detail": "his reading glasses"}])
    screen.sees("his reading glasses")
    screen.run(FULL_LATE)
    screen.focus("[data-need]")
    screen.press("d")
    screen.until("document.activeElement.id === 'asked'")
    screen.insert("He has them.")
    sleep(0.7)
    screen.press("Enter")
    screen.sees("needs you (0)")
    sleep(2)
    screen.misses("Begun, not sent")
    screen.press("l")
    screen.until("!!document.querySelector('#password')")
    screen.misses("could NOT keep")


def test_what_lies_there_and_cannot_be_read_keeps_nobody_out(
    service: Service, screen: Tab, hartmann: Caller, weir: str
) -> None:
    screen.run("localStorage.setItem('handover.laid.of-another-release', '{\"id\": 1')")
    screen.press("l")
    screen.until("!!document.querySelector('#password')")
    screen.login(hartmann.name, PASSWORD)
    screen.go(f"{service.url}/board")
    screen.sees("everyone (1)")


def test_the_last_letters_before_a_reload_are_kept_also_where_the_disk_is_slow(
    service: Service, browser: Browser, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    ngata.note(weir, needs=[{"code": "PROPERTY", "promised": True, "detail": "his reading glasses"}])
    with browser.open(service.url) as screen:
        screen.login(hartmann.name, PASSWORD)
        screen.sees("his reading glasses")
        with browser.open(service.url, beside=screen) as other:
            other.sees("his reading glasses")
            screen.focus("[data-need]")
            screen.press("d")
            screen.until("document.activeElement.id === 'asked'")
            screen.insert("He has them")
            screen.until(KEPT)
            screen.run("{ const real = Date.now; Date.now = () => real() - 60000; }")  # the PC's clock is set right
            other.run(BUSY)
            screen.insert(" and")
            sleep(0.7)
            screen.insert(" reads.")
            screen.go(f"{service.url}/board")
            screen.sees("Begun, not sent: What came of it?", "He has them and reads.")
            begin(screen)
            screen.focus("#in-fact")
            other.run(BUSY)
            screen.insert("A slow")
            sleep(0.7)
            screen.insert(" disk.")
            screen.go(f"{service.url}/board")
            screen.until("((document.querySelector('#in-fact') || {}).value || '') === 'A slow disk.'")


def test_what_a_browser_clears_away_under_an_open_board_is_kept_anew(
    service: Service, screen: Tab, hartmann: Caller, weir: str
) -> None:
    screen.pardoned += ["ERR_", "status of 0"]
    screen.call("Network.setBlockedURLs", urls=["*/v1/notes"])
    begin(screen)
    screen.press("Enter", "3", "1")
    screen.insert("Ate half of it.")
    screen.press("ctrl+Enter")
    screen.sees("1 not sent", "everyone (1)")  # it is counted before the form has gone
    screen.call("Storage.clearDataForOrigin", origin=service.url, storageTypes="indexeddb,local_storage")
    begin(screen)
    screen.focus("#in-fact")
    screen.insert("Begun afterwards")
    screen.sees("kept on this PC")
    screen.press("Escape")
    screen.sees("everyone (1)")
    screen.press("l")
    screen.sees("Unlock", "1 kept here, not sent.")
    screen.call("Network.setBlockedURLs", urls=[])
    screen.login(hartmann.name, PASSWORD)
    screen.sees("0 not sent")
    assert the_note(hartmann, weir)["fact"] == "Ate half of it."


def test_a_busy_browser_takes_nobodys_new_note_for_one_that_is_open_elsewhere(
    screen: Tab, hartmann: Caller, weir: str
) -> None:
    screen.run(
        """void (() => {
          const ask = navigator.locks.request.bind(navigator.locks);
          const late = () => new Promise((go) => setTimeout(go, 600));
          navigator.locks.request = (...all) => late().then(() => ask(...all));
        })()"""
    )
    write(screen, "Ate half of it.")
    sleep(1)
    screen.press("ctrl+Enter")
    screen.sees("Recorded", "everyone (1)")
    assert the_note(hartmann, weir)["fact"] == "Ate half of it."


def test_without_a_network_notes_wait_go_once_and_keep_their_time(screen: Tab, hartmann: Caller, weir: str) -> None:
    screen.pardoned.append(NO_NETWORK)
    screen.offline(True)
    for fact in ("First, without a network.", "Second, without a network.", "Third, and somebody must come."):
        send(screen, fact, act_now=fact.startswith("Third"))
        screen.sees("everyone")
    screen.until("!!document.querySelector('.second.blind')")
    screen.sees("NOT SENT, and it is urgent: use the RADIO.")  # also when the screen has said that it is blind
    screen.until("/3 not sent|3 notes kept here, not sent/.test(document.body.innerText)")
    assert hartmann.all("/v1/notes", inmate=weir) == []
    # The PC is switched off and on again, and somebody has locked it: the notes wait for their author.
    screen.offline(False)
    screen.run("window.dispatchEvent(new Event('online'))")
    screen.sees("0 not sent")
    notes = hartmann.all("/v1/notes", inmate=weir)
    facts = [note["fact"] for note in notes]
    assert len(facts) == 3, "each goes once"
    # What calls somebody need not wait for those before it, where the network is back in the middle of a round.
    facts.remove("Third, and somebody must come.")
    assert facts == ["Second, without a network.", "First, without a network."]
    for note in notes:
        assert datetime.fromisoformat(note["occurred_at"]) < datetime.fromisoformat(note["recorded_at"]), note


A_PORTAL_ANSWERS = (
    "((asks) => { window.fetch = async (at, given) => window.portal && String(at).endsWith(window.portal.at) ? "
    "(window.asked = (window.asked || 0) + 1, new Response(window.portal.says || '<h1>The network wants a word</h1>', "
    "{status: window.portal.status, headers: {'Content-Type': 'text/html', "
    "Date: new Date(Date.now() + 3600e3).toUTCString()}})) : asks(at, given); })(window.fetch), 0"
)
AHEAD_MS = (
    "import(document.querySelector('script[type=module]').src.replace('app.js', 'times.js'))"
    ".then((times) => times.now() - Date.now())"
)


LONG_ON_ITS_WAY = (
    "import(document.querySelector('script[type=module]').src.replace('app.js', 'times.js')).then((times) => "
    "[0, 4, 10, -60, 70, 68].map((after) => { const asked = Date.parse('2026-11-28T05:00:00Z'); "
    "times.serverSaid(new Date(asked + after * 1000).toUTCString(), asked, asked + 10e3); "
    "return Math.round((times.now() - Date.now()) / 1000); }))"
)


def test_an_answer_that_is_long_on_its_way_does_not_make_a_clock_wrong(screen: Tab) -> None:
    assert screen.run(LONG_ON_ITS_WAY) == [0, 0, 0, -60, 60, 60]


# At 03:00 in the night in which it comes twice, and at 01:45 when only the first of them has been.
TWO = """Promise.all(['times.js', 'draft.js'].map((name) =>
  import(document.querySelector('script[type=module]').src.replace('app.js', name)))).then(([times, form]) => {
  times.useZone('Europe/London');
  const said = (typed, now) => {
    times.serverSaid(new Date(now).toUTCString(), Date.now(), Date.now());
    const note = {...form.fresh({}), at: typed};
    const at = form.claimed(note);
    return [form.missing(note).at || null, at && at.toISOString().slice(11, 16)];
  };
  return ['01:30', '01:30 bst', '1.30 GMT', '01:30 CET', '02:30'].map((typed) => said(typed, '2026-10-25T03:00:00Z'))
    .concat([said('01:30', '2026-10-25T00:45:00Z')]);
})"""


def test_a_time_that_the_clock_showed_twice_is_asked_about(screen: Tab) -> None:
    asked = "Twice that night: 01:30 BST or 01:30 GMT?"
    assert screen.run(TWO) == [
        [asked, "01:30"],
        [None, "00:30"],
        [None, "01:30"],
        ["Write a time like 13:20.", None],
        [None, "02:30"],
        [None, "00:30"],
    ]


@pytest.mark.parametrize("status", [200, 403])
def test_what_something_else_answered_in_the_servers_place_is_not_sent_and_not_refused(
    screen: Tab, hartmann: Caller, weir: str, status: int
) -> None:
    screen.run(A_PORTAL_ANSWERS)
    screen.run(f"window.portal = {{at: '/v1/notes', status: {status}}}, 0")
    send(screen, "Ate half of it.")
    screen.until("window.asked > 1")
    screen.sees("1 not sent")
    assert screen.run(AHEAD_MS) < 60_000, "a portal's clock is not the prison's"
    assert hartmann.all("/v1/notes", inmate=weir) == []
    screen.run("window.portal = null, 0")
    screen.sees("0 not sent", wait=20)
    assert the_note(hartmann, weir)["fact"] == "Ate half of it."


@pytest.mark.parametrize(
    ("status", "says"),
    [(204, None), (200, {"ok": True}), (200, {"items": [], "next": None}), (403, {"message": "Forbidden"})],
)
def test_what_is_no_note_is_not_taken_for_one_whatever_answers_so(
    screen: Tab, hartmann: Caller, weir: str, status: int, says: dict[str, Any] | None
) -> None:
    """Also what a portal says in a program's words, and what is read where a proxy has made a GET of it."""
    body = "null" if says is None else json.dumps(json.dumps(says))
    screen.run(
        "((asks) => { window.asked = 0; window.fetch = async (at, given) => String(at) === '/v1/notes' && !window.over "
        f"? (window.asked += 1, new Response({body}, {{status: {status}}})) : asks(at, given); }})(window.fetch), 0"
    )
    send(screen, "Ate half of it.")
    screen.until("window.asked > 1")
    screen.sees("Kept here, not sent yet.", "1 not sent")
    screen.run("window.over = true, 0")
    screen.sees("0 not sent", wait=20)
    assert the_note(hartmann, weir)["fact"] == "Ate half of it."


def test_one_note_that_a_filter_on_the_way_refuses_keeps_none_behind_it_and_is_not_asked_for_without_end(
    screen: Tab, hartmann: Caller, weir: str
) -> None:
    screen.run(
        "((asks) => { window.asked = 0; window.fetch = async (at, given) => "
        "String(at).endsWith('/v1/notes') && (window.down || /zebra/.test(given.body)) ? "
        "(window.asked += 1, window.down ? Promise.reject(new TypeError('gone')) : "
        "new Response('<h1>Forbidden</h1>', {status: 403})) : asks(at, given); })(window.fetch), 0"
    )
    for words in ("Saw a zebra.", "Ate half of it."):
        send(screen, words)
        screen.sees("everyone (1)")
    eventually(lambda: [note["fact"] for note in hartmann.all("/v1/notes", inmate=weir)] == ["Ate half of it."])
    screen.sees("1 not sent")
    screen.run("window.down = true, 0")
    for waiting, words in enumerate(("Has slept.", "Paces up and down."), start=2):
        send(screen, words)
        screen.sees("everyone (1)", f"{waiting} not sent")
    before = screen.run("window.asked")
    sleep(2)
    assert screen.run("window.asked") - before < 12, "with pauses that grow"


def test_what_calls_somebody_does_not_wait_behind_a_note_whose_answer_never_comes(
    screen: Tab, hartmann: Caller, weir: str
) -> None:
    screen.run(
        "((asks) => { window.fetch = async (at, given) => { const told = await asks(at, given); "
        "if (String(at) !== '/v1/notes' || !/Ate half/.test(given.body)) return told; "
        "await new Promise((cut) => { setTimeout(cut, 3000); }); throw new TypeError('cut'); }; })(window.fetch), 0"
    )
    for words in ("Ate half of it.", "Holds a blade."):
        send(screen, words, act_now=words.startswith("Holds"))
        screen.sees("everyone (1)")
    eventually(lambda: len(hartmann.all("/v1/notes", inmate=weir)) == 2)
    screen.sees("1 not sent")
    notes = [(note["fact"], note["attention"]) for note in hartmann.all("/v1/notes", inmate=weir)]
    assert notes == [("Holds a blade.", "ACT_NOW"), ("Ate half of it.", "ROUTINE")]


@pytest.mark.parametrize("says", ["", '{"units": "everywhere"}'], ids=["a page", "nonsense"])
def test_a_locked_screen_goes_on_hearing_once_something_else_has_answered_it(
    screen: Tab, ngata: Caller, weir: str, says: str
) -> None:
    screen.pardoned.append("is not a function")
    screen.run(A_PORTAL_ANSWERS)
    screen.run(f"window.portal = {{at: '/board/calls', status: 200, says: '{says}'}}, 0")
    screen.press("l")
    screen.sees("Unlock", "this locked screen hears no calls")
    ngata.note(weir, fact="No insulin since morning.", attention="ACT_NOW")
    screen.run("window.portal = null, 0")
    screen.sees("ACT NOW in unit A: somebody must go.", wait=10)


def test_a_login_that_a_proxy_would_not_let_renew_has_not_ended(screen: Tab) -> None:
    renewed = (
        "import(document.querySelector('script[type=module]').src.replace('app.js', 'session.js'))"
        ".then((session) => session.renew())"
    )
    screen.run(A_PORTAL_ANSWERS)
    for status in (403, 429):
        screen.run(f"window.portal = {{at: '/renewal', status: {status}}}, 0")
        assert screen.run(renewed) is False
        screen.sees("you are Hartmann")
    screen.run("window.portal = null, 0")
    assert screen.run(renewed) is True


def on_the_clock(who: Caller, ahead: timedelta) -> tuple[str, str]:
    """What the prison's clock shows then, and which day that is taken for when it is typed now."""
    (place,) = who.all("/v1/establishments")
    now = datetime.now(ZoneInfo(place["timezone"]))
    then = now + ahead
    before = then - timedelta(days=1) if ahead > timedelta() else then
    return f"{then:%H:%M}", "today" if before.date() == now.date() else "yesterday"


def test_why_it_is_late_only_its_author_says_and_the_day_it_falls_on_is_shown(
    screen: Tab, hartmann: Caller, weir: str
) -> None:
    write(screen, "Says it was in the morning.")
    screen.focus("#in-at")
    soon, day = on_the_clock(hartmann, timedelta(minutes=20))
    screen.insert(soon)
    screen.until(f"document.querySelector('#at-day').innerText.startsWith('{day}, ')")
    screen.until("document.querySelector('#in-late_reason').offsetParent !== null")
    screen.run("document.querySelector('#in-at').select()")
    earlier, day = on_the_clock(hartmann, timedelta(minutes=-30))
    screen.insert(earlier)
    screen.until(f"document.querySelector('#at-day').innerText.startsWith('{day}, ')")
    screen.until("document.querySelector('#in-late_reason').offsetParent === null")
    screen.run("document.querySelector('#in-at').select()")
    early, day = on_the_clock(hartmann, timedelta(hours=-2))
    screen.insert(early)
    screen.until(f"document.querySelector('#at-day').innerText.startsWith('{day}, ')")
    screen.sees("Why is it written only now?")
    screen.press("ctrl+Enter")  # it may be left empty
    screen.sees("Recorded")
    note = the_note(hartmann, weir)
    assert (note["late"], note["late_reason"]) == (True, None)
    write(screen, "Says it twice.")
    screen.focus("#in-at")
    screen.insert(early)
    screen.focus("#in-late_reason")
    screen.insert("The alarm bell went." + " " * 480 + "That is all.")
    screen.sees("12 letters too many, from “That is all.” on. Nothing was cut off.")
    screen.press("ctrl+Enter")
    screen.until("document.querySelector('#wrong-at').innerText === 'It is too long to be sent.'")
    screen.press(*["Backspace"] * 12, "ctrl+Enter")
    screen.sees("everyone")
    eventually(lambda: len(hartmann.all("/v1/notes", inmate=weir)) == 2)
    assert {note["late_reason"] for note in hartmann.all("/v1/notes", inmate=weir)} == {None, "The alarm bell went."}


ANSWER_LOST = """{ const real = fetch; window.fetch = async (path, asked) => {
  if (String(path) !== '/v1/notes') return real(path, asked);
  window.fetch = real;
  await real(path, { ...asked, body: JSON.stringify({ ...JSON.parse(asked.body), late_reason: undefined }) });
  throw new TypeError('The answer is lost.');
}; 0; }"""


def test_what_waited_more_than_an_hour_for_the_network_says_so(screen: Tab, hartmann: Caller, weir: str) -> None:
    screen.pardoned += [NO_NETWORK, "status of 422"]
    screen.offline(True)
    screen.settles()
    screen.run("window.real = Date.now, Date.now = () => window.real() - 2 * 3600e3, 0")
    send(screen, "Written two hours ago.")
    screen.sees("1 not")
    screen.run("Date.now = window.real, document.dispatchEvent(new Event('pointerdown')), 0")
    screen.run(ANSWER_LOST)
    screen.offline(False)
    screen.run("window.dispatchEvent(new Event('online'))")
    screen.sees("0 not sent")
    # It had been recorded before an hour was over, and that was not known here: it stays the one note it is.
    assert the_note(hartmann, weir)["late_reason"] is None
    screen.offline(True)
    screen.settles()  # an answer that is on its way would set the clock right
    screen.run("Date.now = () => window.real() - 2 * 3600e3, 0")
    send(screen, "Another.")
    screen.sees("1 not")
    screen.run("Date.now = window.real, document.dispatchEvent(new Event('pointerdown')), 0")
    screen.offline(False)
    screen.run("window.dispatchEvent(new Event('online'))")
    screen.sees("0 not sent")
    reasons = [note["late_reason"] for note in hartmann.all("/v1/notes", inmate=weir)]
    assert sorted(map(str, reasons)) == ["None", "There was no connection when it was written."]


def test_where_the_server_has_too_much_to_do_notes_wait_and_what_calls_somebody_goes_past_them(
    service: Service, screen: Tab, hartmann: Caller, weir: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service.desk, "settings", service.settings.model_copy(update={"queue_s": 2.0}))
    screen.pardoned.append("status of 503")
    with held_up(service.desk.store.write):
        eventually(lambda: metric(service.url, "handover_writer_wait_seconds") > 2)
        for fact in ("First, and it can wait.", "Second, and it cannot."):
            send(screen, fact, act_now=fact.startswith("Second"))
            if fact.startswith("First"):
                screen.sees("Kept here, not sent yet.", "1 not sent")
        eventually(lambda: service.desk.store.writer._first)  # it was let in, and waits
    screen.sees("0 not sent", wait=25)
    notes = hartmann.all("/v1/notes", inmate=weir)
    assert [note["fact"] for note in notes] == ["First, and it can wait.", "Second, and it cannot."], "the newest first"


def test_a_proxy_that_speaks_of_hours_keeps_no_note_for_hours(screen: Tab, hartmann: Caller, weir: str) -> None:
    screen.run(
        "((asks) => { window.fetch = async (at, given) => String(at) === '/v1/notes' && !window.over ? new Response("
        "'<h1>Back soon</h1>', {status: 503, headers: {'Retry-After': '3600'}}) : asks(at, given); })(window.fetch), 0"
    )
    send(screen, "Ate half of it.")
    screen.sees("Kept here, not sent yet.", "1 not sent")
    screen.run("window.over = true, window.real = Date.now, Date.now = () => window.real() + 61e3, 0")
    screen.run("window.dispatchEvent(new Event('online'))")
    screen.sees("0 not sent")
    assert the_note(hartmann, weir)["fact"] == "Ate half of it."


def test_what_takes_long_is_said_to_be_kept_and_then_to_be_recorded(
    service: Service, screen: Tab, hartmann: Caller, weir: str
) -> None:
    write(screen, "Ate half of it.")
    with held_up(service.desk.store.write):
        screen.press("ctrl+Enter")
        screen.sees("Kept here, not sent yet.", "1 not sent", wait=15)
    screen.sees("Recorded", "0 not sent")
    screen.misses("Kept here")
    assert the_note(hartmann, weir)["fact"] == "Ate half of it."


def test_a_killed_server_loses_nothing_and_sends_nothing_twice(
    browser: Browser, database_url: str, tmp_path: Path
) -> None:
    store = embedded.copy(tmp_path / "handover.sqlite3")
    with serving(store, tmp_path / "log") as server, office(store, server.url) as keeper:
        prison = keeper.prison()
        ngata, weir = prison.hire("ngata", "officer", "A"), prison.receive("A4417KD")
        with browser.open(server.url) as screen:
            screen.pardoned.append(NO_NETWORK)
            screen.login(ngata.name, PASSWORD)
            screen.sees("everyone (1)")
            server.kill()
            screen.sees("Not connected since")
            send(screen, "Written while the server was dead.")
            screen.sees("1 note kept here, not sent.")
            server.start()
            screen.sees("0 not sent", "up to date", wait=25)
            assert the_note(ngata, weir)["fact"] == "Written while the server was dead."


def test_what_waits_belongs_to_its_author_and_a_locked_screen_says_how_many(
    screen: Tab, hartmann: Caller, weir: str
) -> None:
    screen.pardoned.append(NO_NETWORK)
    screen.offline(True)
    send(screen, "Kept through a lock.")
    screen.sees("Kept here, not sent yet.", "1 not sent")
    screen.press("l")
    screen.sees("Unlock", "1 kept here, not sent.")
    assert "Kept through" not in screen.run("document.documentElement.outerHTML")
    screen.offline(False)
    screen.login(hartmann.name, PASSWORD)
    screen.sees("0 not sent")
    assert the_note(hartmann, weir)["fact"] == "Kept through a lock."


def test_an_urgent_note_that_has_not_left_is_not_locked_away_in_silence(
    screen: Tab, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    screen.pardoned.append(NO_NETWORK)
    screen.offline(True)
    send(screen, "Holds a blade.", act_now=True)
    screen.sees("NOT SENT, and it is urgent")
    screen.press("l")
    screen.sees("An ACT NOW of yours has not left this PC: use the RADIO.", "everyone (1)")
    screen.press("l")
    screen.sees("Unlock", f"1 kept here, not sent, and URGENT: use the radio. They go when {hartmann.name} logs in.")
    screen.offline(False)
    screen.login(ngata.name, PASSWORD)
    screen.sees(f"1 of the notes of {hartmann.name} waits here, not sent, and it is URGENT: use the radio.")
    screen.press("s")
    screen.login(hartmann.name, PASSWORD)
    screen.sees("0 not sent")
    screen.misses("URGENT: use the radio")
    assert the_note(hartmann, weir)["fact"] == "Holds a blade."


def test_an_urgent_note_that_was_begun_and_not_sent_is_not_locked_away_in_silence_either(
    screen: Tab, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    locks = "document.querySelector('#head button').click()"
    write(screen, "Holds a blade.", act_now=True)
    screen.run(locks)
    screen.sees("You have begun an ACT NOW and not sent it. Send it, or use the RADIO.", "what happened")
    screen.run(locks)
    begun = f"{hartmann.name} began an ACT NOW here and has not sent it: use the radio."
    screen.sees("Unlock", begun)
    assert "blade" not in screen.run("document.documentElement.outerHTML")
    screen.login(ngata.name, PASSWORD)
    screen.sees(begun)
    screen.press("s")
    screen.login(hartmann.name, PASSWORD, sees="what happened")
    screen.press("ctrl+Enter")
    screen.sees("Recorded")
    assert the_note(hartmann, weir)["attention"] == "ACT_NOW"
    screen.press("l")
    screen.sees("Unlock")
    screen.misses("began an ACT NOW")


def test_a_screen_locked_without_a_network_is_unlocked_without_it_by_its_officer_alone(
    service: Service, screen: Tab, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    screen.pardoned.append(NO_NETWORK)
    screen.offline(True)
    drop(service)
    screen.sees("Not connected since")
    screen.press("l")
    screen.sees("Unlock", "this locked screen hears no calls")
    assert "Weir" not in screen.run("document.documentElement.outerHTML")
    for name, word in ((hartmann.name, "a guess"), (ngata.name, PASSWORD)):
        for field, text in (("#user", name), ("#password", word)):
            screen.focus(field)
            screen.run(f"document.querySelector('{field}').value = ''")
            screen.insert(text)
        screen.press("Enter")
        screen.sees("does not open this screen" if name == hartmann.name else "The server cannot be reached")
        screen.until("document.querySelector('#password').value === ''")
    screen.focus("#user")
    screen.run("document.querySelector('#user').value = ''")
    screen.insert(hartmann.name)
    screen.focus("#password")
    screen.insert(PASSWORD)
    screen.press("Enter")
    screen.sees("you are Hartmann", "Not connected since", "Weir, J.")
    send(screen, "Written while nothing could be asked.")
    screen.sees("1 note kept here, not sent.")
    screen.offline(False)
    screen.run("window.dispatchEvent(new Event('online'))")
    screen.sees("up to date", "0 not sent")
    note = the_note(hartmann, weir)
    assert (note["fact"], note["author"]["username"]) == ("Written while nothing could be asked.", hartmann.name)


def test_a_server_that_is_down_behind_its_proxy_is_as_good_as_gone(
    service: Service, screen: Tab, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    screen.run(
        "((asks) => { window.down = true; window.fetch = async (at, given) => window.down ? "
        "new Response('<h1>Bad Gateway</h1>', {status: 502}) : asks(at, given); })(window.fetch), 0"
    )
    drop(service)
    screen.sees("Not connected since")
    screen.press("t")
    screen.focus("#roll")
    screen.press("1", "Enter")
    screen.sees("The server cannot be reached. It is not known whether it was done")
    screen.press("Escape")
    screen.sees("everyone (1)")
    screen.press("l")
    screen.sees("Unlock", "this locked screen hears no calls")
    screen.login(ngata.name, PASSWORD, sees="The server cannot be reached")
    screen.login(hartmann.name, "a guess", sees="That password does not open this screen")
    screen.login(hartmann.name, PASSWORD, sees="Not connected since")
    begin(screen)
    screen.press("Enter", "3", "1")
    screen.insert("Written while nothing could be asked.")
    screen.press("ctrl+Enter")
    screen.sees("1 note kept here, not sent.")
    screen.run("window.down = false, 0")
    screen.sees("up to date", "0 not sent")
    assert the_note(hartmann, weir)["fact"] == "Written while nothing could be asked."


def test_a_login_that_ends_locks_the_screen_and_loses_nothing(
    service: Service, screen: Tab, hartmann: Caller, weir: str
) -> None:
    screen.pardoned.append("status of 401")
    begin(screen)
    screen.focus("#in-fact")
    screen.insert("Half a sentence when the night was over")
    service.do(lambda uow: accounts.change_user(uow, hartmann.name, active=False))
    screen.sees("Your login has ended. Nothing is lost.")
    screen.misses("Weir")
    service.do(lambda uow: accounts.change_user(uow, hartmann.name, active=True))
    screen.login(hartmann.name, PASSWORD)
    screen.until("(document.querySelector('#in-fact') || {}).value === 'Half a sentence when the night was over'")


def test_what_somebody_writes_is_words_and_never_markup(screen: Tab, ngata: Caller, weir: str) -> None:
    said = '<img src=x onerror=alert(1)><script>alert(2)</script> "><b>bold</b>'
    ngata.note(weir, fact=said, attention="WATCH", if_then=said, opinion=said, confidence="LOW")
    screen.sees(said)
    screen.press("ArrowDown", "Enter")
    screen.sees("open needs", said)
    screen.press("o")
    assert screen.run("document.querySelectorAll('main img, main script, main b b').length") == 0
