"""A changeover at two boards: offered, asked about, answered, counted, read back, accepted by name."""

import base64
import re
import subprocess
from datetime import timedelta
from pathlib import Path
from time import monotonic, sleep

import pytest

from tests.support.boards import NO_NETWORK, database_url
from tests.support.browser import Browser, Tab
from tests.support.service import PASSWORD, Caller, Prison, Service

__all__ = ["database_url"]


def offered(by: Caller, prison: Prison, unit: str = "A", **more: object) -> str:
    """An offer; answers its id."""
    made = by.post("/v1/handovers", {"establishment": prison.code, "unit": unit, **more})
    return str(made["id"])


def printed(screen: Tab, folder: Path) -> str:
    """The words on paper, pages apart, where what is on the screen is printed."""
    paper = folder / "printed.pdf"
    paper.write_bytes(base64.b64decode(screen.call("Page.printToPDF", preferCSSPageSize=True)["data"]))
    return subprocess.run(["pdftotext", "-layout", paper, "-"], capture_output=True, text=True, check=True).stdout


def take_over_items(screen: Tab, many: int) -> None:
    """Goes through the items: I have it, each."""
    for item in range(many):
        screen.sees(f"{item} of {many}")
        screen.press("y")
    screen.sees(f"{many} of {many}", "The roll")


def test_what_was_written_twice_is_handed_over_once_and_what_ran_out_asks_only_where_nothing_runs(
    service: Service, browser: Browser, prison: Prison, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    then = {"attention": "WATCH", "if_then": "If awake: sit and talk."}
    soon = (service.clock() + timedelta(minutes=1)).isoformat()
    hartmann.note(weir, fact="Pacing.", attention_until=soon, **then)
    service.clock.ahead = timedelta(minutes=2)
    pacing = hartmann.note(weir, fact="Pacing again.", **then)
    offered(hartmann, prison)
    with browser.open(service.url) as screen:
        screen.login(ngata.name, PASSWORD)
        screen.press("t")
        screen.sees("Hartmann hands A wing over to you", "Pacing again.", "if it happens: If awake: sit and talk.")
        assert screen.run("document.body.innerText.split('if it happens').length") == 2
        screen.misses("renew or close?")
        ngata.post(f"/v1/notes/{pacing['id']}/attention", {"close": True, "reason": "Asleep."})
        screen.press("Escape")
        screen.sees("attention ran out: renew or close?")
        screen.press("t")
        screen.sees("Hartmann hands A wing over to you", "attention ran out: renew or close?")


def test_a_count_that_was_kept_is_not_offered_anew_when_the_unit_has_been_anothers_meanwhile(
    service: Service, browser: Browser, prison: Prison, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    """The answer to the offer was lost, and the page with it: what was typed for it was kept."""
    typed = "[document.querySelector('#roll').value, document.querySelector('#remarks').value]"
    place = {"establishment": prison.code, "unit": "A"}
    with browser.open(service.url) as screen:
        screen.login(hartmann.name, PASSWORD)
        screen.sees("everyone (1)")
        screen.run(
            "((asks) => { window.fetch = async (at, given) => { const told = await asks(at, given); "
            "if (String(at) !== '/v1/handovers') return told; window.offered = true; return new Promise(() => {}); }; "
            "})(window.fetch), 0"
        )
        screen.press("t")
        screen.focus("#roll")
        screen.insert("57")
        screen.focus("#remarks")
        screen.insert("The servery is short of trays.")
        screen.press("Escape")
        screen.sees("everyone (1)")
        screen.press("t")
        screen.until(f"{typed}.join() === '57,The servery is short of trays.'")
        screen.press("ctrl+Enter")
        screen.until("window.offered")
        screen.go(f"{service.url}/board")
        screen.sees("everyone (1)", "offered")
        for outgoing, incoming in ((hartmann, ngata), (ngata, hartmann)):
            if outgoing is ngata:
                ngata.post("/v1/handovers", place)
            (one,) = ngata.all("/v1/handovers", **place, state="OFFERED")
            incoming.post(f"/v1/handovers/{one['id']}/acceptance", {"read_back": "Short of trays."})
        screen.sees("Hartmann owns it since")
        screen.press("t")
        screen.until("document.activeElement.id === 'roll'")
        sleep(1)
        assert screen.run(typed) == ["", ""]


def test_two_officers_hand_over_with_a_question_and_a_roll_that_does_not_match(
    service: Service, browser: Browser, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    hartmann.note(
        weir, fact="Quiet since the visit was cancelled.", attention="WATCH", if_then="If awake: sit and talk."
    )
    hartmann.note(weir, needs=[{"code": "PHONE", "promised": True, "detail": "call to his daughter"}])
    with browser.open(service.url) as hers, browser.open(service.url) as his:
        hers.login(hartmann.name, PASSWORD)
        hers.sees("needs you (1)")
        hers.press("t")
        hers.sees("Hand over A wing", "1 person needs attention", "the roster says 1")
        hers.type("2")
        hers.focus("#remarks")
        hers.insert("Servery is short of one.")
        hers.press("ctrl+Enter")
        hers.sees("You offered A wing at")

        his.login(ngata.name, PASSWORD)
        his.sees("not accepted, due")
        his.press("t")
        his.sees("Hartmann hands A wing over to you", "Servery is short of one.", "Quiet since the visit", "0 of 1")
        his.sees("if it happens: If awake: sit and talk.", "promised: call to his daughter")
        his.press("q")
        his.sees("Ask Hartmann about")
        his.type("Does she know?")
        his.press("Enter")
        hers.sees("Ngata asks: Does she know?")  # at once
        # On every other screen as well; what she reads, or writes, does not move.
        hers.press("Escape")
        hers.sees("Ngata: a question about the handover", "Ngata asks you about A wing: “Does she know?”")
        hers.press("w")
        hers.until("document.activeElement.id === 'in-who'")
        hers.run("window.top0 = document.querySelector('#in-fact').getBoundingClientRect().top")
        his.press("q")
        his.sees("Ask Hartmann about")
        his.type("Who is the nurse?")
        his.press("Enter")
        hers.sees("Ngata asks you about A wing: “Who is the nurse?”", "what happened")
        assert hers.run("document.querySelector('#in-fact').getBoundingClientRect().top === window.top0")
        hers.focus("#alarm p:last-of-type button")
        hers.press("Enter")
        hers.sees("Answer to “Who is the nurse?”")
        hers.type("Okoro, until nine.")
        hers.press("Enter")
        his.sees("Hartmann answers: Okoro, until nine.")
        hers.misses("Who is the nurse?")
        hers.press("Escape", "t")
        hers.sees("Ngata asks: Does she know?")
        take_over_items(his, 1)
        his.sees("accept although questions are open")
        his.type("1")
        his.press("Enter")
        his.sees("It does not match")
        his.focus("#read-back")
        his.type("Quiet wing; one call.")
        his.press("Enter")
        his.sees("1 question is open. Wait for the answer")
        hers.press("e")
        hers.sees("Answer to “Does she know?”")
        hers.type("Yes, after six.")
        hers.press("Enter")
        his.sees("Hartmann answers: Yes, after six.")
        his.focus("#read-back")
        his.press("Enter")
        his.sees("The roll does not match: 2 expected, 1 counted.")
        his.until("document.activeElement.id === 'why'")
        his.type("One in hospital.")
        his.press("Enter", "Enter")
        his.sees("You own A wing since", "Nothing else waits for you.")
        hers.press("Escape")
        hers.sees("Ngata owns it since")
    done = ngata.all("/v1/handovers", unit="A")[0]
    assert (done["state"], done["incoming"]["name"], done["read_back"]) == (
        "ACCEPTED",
        "Ngata",
        "Quiet wing; one call.",
    )
    assert done["roll"] == {"expected": 2, "actual": 1, "mismatch_reason": "One in hospital."}
    assert done["queries"][0]["answers"][0]["text"] == "Yes, after six."


def test_a_question_about_what_few_may_read_is_answered_like_any_other(
    service: Service, browser: Browser, prison: Prison, hartmann: Caller, weir: str
) -> None:
    boss = prison.hire("cole", "supervisor")
    hartmann.note(weir, fact="Hides a phone.", handling="SECURITY")
    made = offered(hartmann, prison)
    with browser.open(service.url) as screen:
        screen.login(boss.name, PASSWORD)
        screen.sees("not accepted, due")
        screen.press("t")
        screen.sees("Hartmann hands A wing over to you", "Hides a phone.")
        screen.press("q")
        screen.sees("Ask Hartmann about")
        screen.type("Where?")
        screen.press("Enter")
        screen.sees("Cole asks: Where?", "not answered yet")
        take_over_items(screen, 1)
        screen.sees("accept although questions are open")
        (query,) = boss.get(f"/v1/handovers/{made}")["queries"]
        hartmann.post(f"/v1/handovers/{made}/queries/{query['id']}/answers", {"text": "In the radio."})
        screen.sees("Hartmann answers: In the radio.")
        screen.misses("not answered yet", "accept although questions are open")


def test_twelve_items_take_forty_keys_at_most_and_nothing_is_lost_by_a_lock(
    service: Service, browser: Browser, prison: Prison, hartmann: Caller, ngata: Caller
) -> None:
    for item in range(12):
        number = prison.receive(f"A44{item:02d}KD", name=f"Person, {chr(65 + item)}.", cell=f"A1-{item:02d}")
        hartmann.note(number, fact=f"Something about person {item}.")
    offered(hartmann, prison, roll_expected=12)
    with browser.open(service.url) as screen:
        screen.login(ngata.name, PASSWORD)
        screen.sees("everyone (12)")
        before = screen.keys
        screen.press("t")
        take_over_items(screen, 12)
        screen.type("12")
        screen.press("Enter")
        said = "All quiet."
        screen.type(said)
        keys = screen.keys - before - len(said) + 1  # and Enter below
        screen.press("Escape")
        screen.sees("everyone (12)")
        screen.press("l")
        screen.sees("Unlock")
        screen.insert(PASSWORD)
        screen.press("Enter")
        screen.sees("everyone (12)")
        screen.press("t")
        screen.sees("12 of 12", "The roll")
        screen.until("document.querySelector('#read-back').value === 'All quiet.'")
        screen.focus("#read-back")
        screen.press("Enter")
        screen.sees("You own A wing since")
        assert keys <= 40
        # The authors are told that it reached somebody.
        (note,) = hartmann.all("/v1/notes", unit="A", q="person 11")
        deadline = monotonic() + 10
        while not (seen := hartmann.get(f"/v1/notes/{note['id']}/receipts")["items"]):
            assert monotonic() < deadline
            sleep(0.05)
        assert [(one["kind"], one["by"]["name"]) for one in seen] == [("SEEN", "Ngata")]


A_SLOW_RECEIPT = """((asks) => { window.fetch = async (at, given) => {
  const told = await asks(at, given);
  if (/receipts$/.test(String(at)) && !window.slow) await new Promise((go) => { window.slow = go; });
  return told;
}; })(window.fetch)"""
"""The answer to the first receipt comes when `slow` is called."""


def test_that_one_officer_has_seen_it_is_not_said_of_the_next(
    service: Service, browser: Browser, prison: Prison, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    for fact in ("Ate nothing.", "Slept.", "Asked for a call."):
        hartmann.note(weir, fact=fact)
    offered(hartmann, prison, roll_expected=1)
    brandt = prison.hire("brandt", "officer", "A")
    with browser.open(service.url) as screen:
        screen.login(ngata.name, PASSWORD)
        screen.sees("everyone (1)")
        screen.run(A_SLOW_RECEIPT)
        screen.press("t")
        take_over_items(screen, 1)
        screen.type("1")
        screen.focus("#read-back")
        screen.press("Enter")
        screen.until("!!window.slow")
        screen.press("Escape")
        screen.sees("everyone (1)")
        screen.press("s")
        screen.login(brandt.name, PASSWORD)
        screen.sees("you are Brandt")
        screen.run("window.slow()")
        sleep(1)
    notes = hartmann.all("/v1/notes", inmate=weir)
    seen = [one["by"]["name"] for note in notes for one in hartmann.get(f"/v1/notes/{note['id']}/receipts")["items"]]
    assert seen == ["Ngata"]


def test_an_offer_is_taken_back(
    service: Service, browser: Browser, hartmann: Caller, ngata: Caller, prison: Prison, weir: str
) -> None:
    marsh = prison.hire("marsh", "officer", "A")
    watched = hartmann.note(weir, fact="Quiet since the visit was cancelled.", attention="WATCH")
    with browser.open(service.url) as screen, browser.open(service.url) as his:
        offered(hartmann, prison)
        his.login(ngata.name, PASSWORD)
        his.sees("not accepted, due")
        his.press("t")
        his.sees("Hartmann hands A wing over to you", "0 of 1")
        # Whoever sees the two lines finds the keys at work already: a quick hand is not too quick.
        screen.run(
            "window.keysThen = null, new MutationObserver(() => { if (window.keysThen === null && "
            "document.querySelector('#sight')) window.keysThen = document.querySelectorAll('#keys button').length; })"
            ".observe(document.querySelector('#board'), {childList: true, subtree: true}), 0"
        )
        screen.login(hartmann.name, PASSWORD)
        assert screen.run("window.keysThen") > 0
        screen.sees("offered")
        screen.press("t")
        screen.sees("You offered A wing at")
        screen.press("b")
        screen.sees("Why do you take it back?")
        screen.type("Mass refusal at lunch.")
        screen.press("Enter")
        screen.sees("Taken back at", "Hand over A wing")
        # Whoever was taking it over is told at once, and nothing more is asked of him.
        his.sees("Hartmann has taken the offer back: Mass refusal at lunch.", "Nothing of it is yours.")
        his.press("y")
        his.misses("I have it", "The roll", "Quiet since")
        his.press("Escape")
        his.sees("needs you (1)", "next handover due")

        # Somebody else was quicker, while he writes it in his own words: they stay to be read, and nothing goes.
        second = offered(hartmann, prison)
        his.sees("not accepted, due")
        his.press("t")
        his.sees("Quiet since the visit was cancelled.")
        hartmann.post(f"/v1/notes/{watched['id']}/retractions", {"reason": "WRONG_PERSON"})
        his.misses("Quiet since the visit was cancelled.")
        take_over_items(his, 1)
        his.focus("#read-back")
        his.type("One to watch.")
        marsh.post(f"/v1/handovers/{second}/acceptance", {})
        his.sees("Marsh has taken it over.", "Nothing of it is yours.")
        his.type("ls")  # a quick hand neither locks it nor leaves it
        his.press("Enter")
        assert his.run("[document.activeElement.id, document.activeElement.value]") == ["read-back", "One to watch."]
        his.run("[...document.querySelectorAll('main button')].find((b) => b.innerText.includes('A wing')).click()")
        his.sees("needs you (0)", "Marsh owns it since")
    assert {one["state"] for one in hartmann.all("/v1/handovers", unit="A")} == {"WITHDRAWN", "ACCEPTED"}


def test_an_answer_that_was_overtaken_on_its_way_takes_nothing_back(
    service: Service, browser: Browser, prison: Prison, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    hartmann.note(weir, fact="Quiet since the visit was cancelled.", attention="WATCH")
    kane = prison.receive("A2200AA", name="Kane, D.", cell="A1-11")
    for item in range(13):
        hartmann.note(kane, fact=f"About Kane, {item}.")
    made = offered(hartmann, prison)
    gone = {"establishment": prison.code, "unit": "B", "reason": "Works in the kitchen."}
    prison.admin.post(f"/v1/inmates/{kane}/moves", gone)
    with browser.open(service.url) as screen:
        screen.login(ngata.name, PASSWORD)
        screen.sees("not accepted, due")
        screen.press("t")
        screen.sees("Hartmann hands A wing over to you", "0 of 2")
        # The handover as it was after the question is slow to arrive; what was answered comes first, as an event.
        screen.run(
            "((ask) => { window.slow = new Promise((go) => { window.arrive = go; }); "
            "window.fetch = async (at, ...more) => { const answer = await ask(at, ...more); "
            "if (/handovers\\/[^/]+$/.test(at)) await window.slow; return answer; }; })(window.fetch), 0"
        )
        screen.press("q")
        screen.sees("Ask Hartmann about")
        screen.insert("Does she know?")
        screen.press("Enter")
        screen.sees("Does she know?")
        (query,) = ngata.get(f"/v1/handovers/{made}")["queries"]
        hartmann.post(f"/v1/handovers/{made}/queries/{query['id']}/answers", {"text": "Yes, after six."})
        screen.sees("Hartmann answers: Yes, after six.")
        screen.run("window.arrive(), 0")
        screen.sees("Asked. The answer comes here.", "Hartmann answers: Yes, after six.")

        # What is handed over and cannot be read is said, and can be asked for again; nothing is left out.
        screen.run(
            "window.whole = window.fetch, window.fetch = (at, ...more) => /notes\\/[^/]+$/.test(at) ? "
            "Promise.reject(new TypeError('gone')) : window.whole(at, ...more), 0"
        )
        screen.press("y")
        screen.sees("1 of 2", "13 notes that are handed over could not be read.")
        screen.misses("Nothing new since")
        screen.run("window.fetch = window.whole, 0")
        screen.focus("#item button")
        screen.press("Enter")
        screen.sees("About Kane, 0.", "About Kane, 12.")
        screen.misses("could not be read")


def test_a_question_about_what_few_may_read_is_not_lost_by_an_answer_from_before_it(
    service: Service, browser: Browser, prison: Prison, hartmann: Caller, weir: str
) -> None:
    boss = prison.hire("cole", "supervisor")
    note = hartmann.note(weir, fact="Hides a phone.", handling="SECURITY")
    made = offered(hartmann, prison)
    with browser.open(service.url) as screen:
        screen.login(hartmann.name, PASSWORD)
        screen.sees("offered")
        screen.run(
            "((ask) => { const slow = new Promise((go) => { window.arrive = go; }); "
            "window.fetch = async (at, ...more) => { const answer = await ask(at, ...more); "
            "if (/handovers\\/[^/]+$/.test(at)) { window.read = 1; await slow; } return answer; }; })(window.fetch), 0"
        )
        screen.press("t")
        screen.until("window.read")
        boss.post(f"/v1/handovers/{made}/queries", {"note": note["id"], "text": "Where?"})
        screen.sees("Cole asks you about A wing: “Where?”")
        screen.run("window.arrive(), 0")
        screen.sees("You offered A wing at", "Cole asks: Where?", "Cole asks you about A wing: “Where?”")


def test_at_night_one_wing_after_another(
    service: Service, browser: Browser, prison: Prison, hartmann: Caller, weir: str
) -> None:
    tembo, marsh = prison.hire("tembo", "officer", "B"), prison.hire("marsh", "officer", "A", "B")
    prison.receive("B1111AA", unit="B", name="Otis, L.", cell="B1-01")
    offered(hartmann, prison, "A")
    offered(tembo, prison, "B")
    with browser.open(service.url) as screen:
        screen.login(marsh.name, PASSWORD)
        screen.sees("A wing", "offered")
        for unit, after in (("A", "B wing waits as well, from Tembo."), ("B", "Nothing else waits for you.")):
            if unit == "A":
                screen.press("t")
            screen.sees(f"hands {unit} wing over to you", "The roll")
            screen.focus("#read-back")
            screen.type("Quiet.")
            screen.press("Enter")
            screen.sees(f"You own {unit} wing since", after)
            if unit == "A":
                screen.run("document.activeElement.blur()")
                screen.press("Enter")


def test_somebody_who_moves_is_accepted_by_name(
    service: Service, browser: Browser, prison: Prison, hartmann: Caller, weir: str
) -> None:
    tembo = prison.hire("tembo", "officer", "B")
    insulin = hartmann.note(weir, fact="No insulin since morning.", attention="ACT_NOW")
    hartmann.note(weir, needs=[{"code": "PHONE", "promised": True}])
    prison.admin.post(
        f"/v1/inmates/{weir}/moves", {"establishment": prison.code, "unit": "B", "reason": "Works in the kitchen."}
    )
    with browser.open(service.url) as screen:
        screen.login(tembo.name, PASSWORD)
        screen.sees("On the way:", "Weir, J. is on the way to you from A wing. T: what comes along")
        # Also while an offer waits: with what the person needs, and what was written.
        screen.press("t")
        screen.sees("Hand over B wing", "Weir, J. is on the way to you from A wing", "No insulin since morning.")
        right = {"reason": "Misheard.", "note": {"basis": "SAW", "fact": "No insulin since noon."}}
        hartmann.post(f"/v1/notes/{insulin['id']}/corrections", right)
        screen.sees("No insulin since noon.")
        screen.misses("since morning", "could not be read")
        offered(tembo, prison, "B")
        screen.sees("You offered B wing at", "Weir, J. is on the way", "ACT NOW until", "open: phone call, promised")
        newer = hartmann.get(f"/v1/notes/{insulin['id']}")["superseded_by"]
        hartmann.post(f"/v1/notes/{newer}/retractions", {"reason": "WRONG_PERSON"})
        screen.misses("No insulin")
        screen.go(f"{service.url}/board")  # taken back before one looks, it is not said to be unread
        screen.sees("up to date")
        screen.press("t")
        screen.sees("You offered B wing at", "open: phone call, promised")
        screen.misses("could not be read")
        screen.run("[...document.querySelectorAll('button')].find((b) => b.innerText.includes('is here')).click()")
        screen.misses("is on the way to you")
    assert tembo.get(f"/v1/establishments/{prison.code}/units/B/sheet")["in_transit"] == []


def test_a_count_is_a_number_and_what_came_after_the_offer_is_said_before_it_is_taken_over(
    service: Service, browser: Browser, hartmann: Caller, ngata: Caller, prison: Prison, weir: str
) -> None:
    kane = prison.receive("A2200AA", name="Kane, D.", cell="A1-11")
    hartmann.note(weir, fact="Quiet since the visit was cancelled.", needs=[{"code": "PHONE"}])
    with browser.open(service.url) as hers, browser.open(service.url) as his:
        hers.login(hartmann.name, PASSWORD)
        hers.press("t")
        hers.sees("Hand over A wing")
        hers.type("2 6")
        hers.press("ctrl+Enter")
        hers.sees("The roll is a number: digits")
        assert hartmann.all("/v1/handovers", unit="A") == []
        hers.press("Backspace", "Backspace", "ctrl+Enter")
        hers.sees("You offered A wing at", "Roll: 2")
        hartmann.note(weir, fact="Has eaten.")
        his.login(ngata.name, PASSWORD)
        his.press("t")
        his.sees("0 of 1", "written after the offer,", "Has eaten.")
        his.press("y", "y")
        his.sees("1 of 1", "The roll")
        hartmann.note(kane, fact="Says goodbye to everybody.", attention="ACT_NOW")
        his.sees("Asks for attention, and is not in the offer", "Says goodbye to everybody.")
        his.focus("#roll")
        his.press("y", "n")
        assert his.run("document.querySelector('#roll').value") == ""
        his.type("two")
        his.focus("#read-back")
        his.type("Quiet.")
        his.press("Enter")
        his.sees("The roll is a number: digits")
        his.focus("#roll")
        his.run("document.querySelector('#roll').value = ''")
        his.type("2")
        his.focus("#read-back")
        # It arrives, and the answer is lost: it is not said that nothing was accepted, and whose it is is looked up.
        his.run(
            "((asks) => { window.fetch = async (at, given) => { const answer = await asks(at, given); "
            "if (String(at).endsWith('/acceptance')) throw new TypeError('lost'); return answer; }; })(window.fetch), 0"
        )
        his.press("Enter")
        his.sees("Ngata has taken it over.", "It is yours.")
        his.misses("Nothing")
        # Hers no more: she is told who has it, and asked once more before she offers it.
        hers.sees("Ngata has it since", "You are done.")
        hers.misses("Hand over A wing")
        hers.press("m")
        hers.sees("Hand over A wing", "Whoever has the unit answers for it")
        mistaken = offered(hartmann, prison)
        his.press("Escape")
        his.misses("It is yours.")
        his.sees("not accepted, due")
        his.press("t")
        his.sees("Hartmann hands A wing over to you")
        hartmann.post(f"/v1/handovers/{mistaken}/withdrawal", {"reason": "Not mine."})
        his.sees("Hartmann has taken the offer back: Not mine.", "It is yours.")
    assert hartmann.all("/v1/handovers", unit="A")[-1]["roll"]["actual"] == 2


def test_a_screen_that_is_behind_asks_for_the_offer_that_waits_not_for_the_one_before(
    service: Service, browser: Browser, prison: Prison, hartmann: Caller, ngata: Caller
) -> None:
    first = offered(hartmann, prison)
    with browser.open(service.url) as his:
        his.login(ngata.name, PASSWORD)
        his.sees("not accepted, due")
        # What the sheet says now comes late.
        his.run(
            "((asks) => { const late = new Promise((go) => { window.comes = go; }); "
            "window.fetch = async (at, given) => { const answer = await asks(at, given); "
            "if (String(at).endsWith('/sheet')) await late; return answer; }; })(window.fetch), 0"
        )
        ngata.post(f"/v1/handovers/{first}/acceptance", {"read_back": "Quiet."})
        offered(hartmann, prison, remarks="Once more, with Kane.")
        his.press("t")
        his.sees("reading")
        his.run("window.comes(), 0")
        his.sees("Once more, with Kane.")
        his.misses("It is yours.")


def test_nothing_of_what_is_pasted_into_a_handover_is_cut_off(
    service: Service, browser: Browser, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    hartmann.note(weir, fact="Quiet since the visit.", attention="WATCH")
    too_many = "letters too many, from “{}” on. Nothing was cut off."
    with browser.open(service.url) as screen:
        screen.pardoned.append("status of 422")
        screen.login(hartmann.name, PASSWORD)
        screen.press("t")
        screen.sees("Hand over A wing")
        screen.focus("#remarks")
        screen.insert("a" * 1000 + "and this?")
        screen.sees("9 " + too_many.format("and this?"))
        screen.press("Escape")
        screen.sees("everyone")
        screen.press("t")  # what was kept is told alike
        screen.sees("9 " + too_many.format("and this?"))
        screen.focus("#remarks")
        screen.press("ctrl+Enter")
        screen.sees("/remarks: at most 1000 characters")
        assert hartmann.all("/v1/handovers", unit="A") == []
        screen.press(*["Backspace"] * 9, "ctrl+Enter")
        screen.sees("You offered A wing at")
    with browser.open(service.url) as screen:
        screen.pardoned.append("status of 422")
        screen.login(ngata.name, PASSWORD)
        screen.press("t")
        screen.sees("Hartmann hands A wing over to you", "0 of 1")
        screen.press("q")
        screen.sees("Ask Hartmann about")
        screen.insert("c" * 1000 + "??")
        screen.sees("2 " + too_many.format("??"))
        screen.press("Backspace", "Backspace")
        screen.misses("too many")
        screen.press("Enter")
        screen.sees("Ngata asks: ccc")
        screen.press("y")
        screen.sees("The roll")
        screen.focus("#anyway")
        screen.press(" ")
        screen.focus("#read-back")
        screen.insert("b" * 1000 + "!")
        screen.sees("1 " + too_many.format("!").replace("letters", "letter"))
        screen.press("Enter")
        screen.sees("/read_back: at most 1000 characters")
        screen.press("Backspace", "Enter")
        screen.sees("You own A wing since")
    (done,) = hartmann.all("/v1/handovers", unit="A")
    assert (done["remarks"], done["read_back"]) == ("a" * 1000, "b" * 1000)
    assert [query["text"] for query in done["queries"]] == ["c" * 1000]


def test_a_handover_that_cannot_be_read_is_said_and_read_again(
    service: Service, browser: Browser, hartmann: Caller, ngata: Caller, prison: Prison, weir: str
) -> None:
    offered(hartmann, prison)
    with browser.open(service.url) as screen:
        screen.pardoned.append(NO_NETWORK)
        screen.login(ngata.name, PASSWORD)
        screen.sees("not accepted, due")
        screen.press("t")
        screen.sees("Hartmann hands A wing over to you")
        screen.press("Escape")
        screen.sees("everyone (1)")
        screen.offline(True)
        screen.press("t")
        screen.sees("The handover cannot be read now.")
        screen.misses("reading …")
        screen.offline(False)
        screen.sees("Hartmann hands A wing over to you")


@pytest.mark.parametrize("status", [200, 503])
def test_a_printed_page_that_comes_when_one_has_gone_back_stays_away(
    service: Service, browser: Browser, hartmann: Caller, weir: str, status: int
) -> None:
    slow = (
        "((asks) => { window.fetch = async (at, given) => { const told = await asks(at, given); "
        "if (!given || !given.headers || given.headers.Accept !== 'text/html') return told; "
        "await new Promise((come) => { window.come = come; }); setTimeout(() => { window.came = true; }, 500); "
        f"return new Response(await told.text(), {{status: {status}}}); }}; }})(window.fetch)"
    )
    with browser.open(service.url, script=slow) as screen:
        screen.login(hartmann.name, PASSWORD)
        screen.sees("everyone (1)")
        screen.press("p")
        screen.sees("laying out the page")
        screen.until("!!window.come")
        screen.press("Escape")
        screen.sees("everyone (1)")
        screen.run("come()")
        screen.until("window.came")
        screen.sees("everyone (1)")
        assert not screen.run("document.querySelector('#board').hidden || !!document.querySelector('#paper')")


def test_the_printed_page_is_one_page(
    service: Service, browser: Browser, hartmann: Caller, weir: str, tmp_path: Path
) -> None:
    hartmann.note(weir, fact="Quiet since the visit was cancelled.", attention="WATCH")
    mistaken = hartmann.note(weir, fact="Words about somebody else.", attention="WATCH")
    with browser.open(service.url) as screen:
        screen.login(hartmann.name, PASSWORD)
        screen.sees("needs you (1)")
        screen.run("window.print = () => { window.printed = true; }")
        screen.press("p")
        screen.until("window.printed === true")
        screen.sees("Words about somebody else.")
        # Words that are taken back go from the page as well, and nobody is asked to print again.
        screen.run("window.printed = false")
        hartmann.post(f"/v1/notes/{mistaken['id']}/retractions", {"reason": "WRONG_PERSON"})
        screen.misses("Words about somebody else.")
        screen.sees("Not valid after the next handover")
        assert screen.run("[window.printed, document.querySelectorAll('#paper').length]") == [False, 1]
        text = printed(screen, tmp_path)
        assert text.count("\f") == 1
        assert "Quiet since the visit was cancelled." in text
        screen.press("Escape")
        screen.sees("needs you (1)", "you are Hartmann")
        # Printed by the browser's own key, the screen says which unit it shows, from when it is, and to whom.
        text = printed(screen, tmp_path)
        assert re.search(r"A wing · \w+ \d+ \w+ · \w+ shift", text)
        assert re.search(r"you are Hartmann \(.*up to date \d\d:\d\d:\d\d", text)
        assert "next handover due" in text
        assert "switch officer" not in text
