"""A shift at the board, in a real Chromium: who is at the screen, what it shows live, what it does when it is blind."""

import json
import re
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path
from time import sleep
from zoneinfo import ZoneInfo

import pytest

from handover.board import statics
from tests.support import embedded
from tests.support.boards import NO_NETWORK, database_url, drop
from tests.support.browser import Browser, Tab
from tests.support.readers import eventually
from tests.support.service import PASSWORD, Caller, Prison, Service, settings_for

__all__ = ["database_url"]

THE_CALLS_TAKE_LONG = """{
  const asks = window.fetch;
  window.fetch = async (path, given) => {
    const answer = await asks(path, given);
    if (window.answered || !String(path).startsWith('/v1/pages')) return answer;
    window.answered = true;
    await new Promise((arrive) => { window.arrive = arrive; });
    setTimeout(() => { window.arrived = true; }, 500);
    return answer;
  };
}"""
"""The next list of calls has left the server, and arrives when `arrive` is called."""

A_CALL_OF_TOMORROW = """{
  const asks = window.fetch;
  window.fetch = async (path, given) => {
    const answer = await asks(path, given);
    if (!String(path).startsWith('/v1/pages?')) return answer;
    const told = await answer.json();
    told.items.push({ ...told.items[0], id: 'tomorrow', kind: 'RIOT', inmate: null, note: null });
    return new Response(JSON.stringify(told), answer);
  };
}"""
"""The list of calls has one more, of a kind that nobody knows today."""

A_BUSY_DISK = """new Promise((held) => {
  // Nothing that waits a moment to be kept may come to its turn, either: only what a lock does at once counts.
  const later = window.setTimeout;
  window.setTimeout = (work, wait, ...given) => later(work, wait === 250 ? 60e3 : wait, ...given);
  const asked = indexedDB.open('handover');
  asked.onsuccess = () => {
    const store = asked.result.transaction('kept', 'readwrite').objectStore('kept');
    const again = () => { if (!window.quick) store.count().onsuccess = again; };
    again();
    held(true);
  };
})"""
"""Until `quick` is true, the disk is busy with something else."""

A_SOUND_THAT_IS_COUNTED = """{
  window.tones = 0;
  window.AudioContext = class extends AudioContext {
    constructor() { super(); window.sound = this; }
    createOscillator() { window.tones += 1; return super.createOscillator(); }
    resume() { return window.taken ? Promise.reject(new Error('taken')) : super.resume(); }
  };
  const often = window.setInterval;
  window.setInterval = (work, wait) => often(work, wait === 4000 ? 200 : wait);
}"""
"""Each tone of a call is counted, and a call does not wait four seconds for the next three. What is `taken` does not
come back."""
SILENT = "A call makes no sound here now: press a key."


def test_the_wing_changes_under_my_eyes_and_nothing_i_read_moves(
    service: Service, browser: Browser, prison: Prison, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    kane = prison.receive("A2200AA", name="Kane, D.", cell="A2-11")
    ngata.note(weir, fact="Quiet since the visit was cancelled.", attention="WATCH", if_then="If awake: sit and talk.")
    with browser.open(service.url) as screen:
        screen.login(hartmann.name, PASSWORD)
        screen.sees(
            "A wing", "you are Hartmann", "Weir, J.", "WATCH until", "Ngata saw", "if it happens", "needs you (1)"
        )
        screen.sees("everyone (2)")
        screen.press("ArrowDown")
        top = screen.run("document.activeElement.getBoundingClientRect().top")
        # Louder than what I read, and yet below it until I have read the news.
        ngata.note(kane, fact="Shouted at the servery.", attention="ACT_NOW")
        screen.sees("since you last looked (1)", "Kane, D.: ACT NOW until", "needs you (2)")
        assert screen.run("document.activeElement.getBoundingClientRect().top") == top
        assert screen.run("document.querySelector('.list.needs > li').innerText").count("Weir") == 1
        screen.press("r")
        screen.sees("since you last looked (0)")
        screen.until("document.querySelector('.list.needs > li').innerText.includes('Kane')")
        # What was taken back is gone from the screen, too.
        gone = ngata.note(kane, fact="Mistaken words about him.")
        screen.sees("Mistaken words about him.")
        ngata.post(f"/v1/notes/{gone['id']}/retractions", {"reason": "WRONG_PERSON"})
        screen.misses("Mistaken words about him.")
        screen.sees("Kane, D.: A note was taken back by Ngata: Wrong person")


def test_what_was_corrected_for_fewer_readers_is_said_no_more_to_the_others_and_nobody_is_told_what_he_did(
    service: Service, browser: Browser, prison: Prison, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    boss = prison.hire("cole", "supervisor")
    with browser.open(service.url) as his, browser.open(service.url) as hers:
        his.login(ngata.name, PASSWORD)
        hers.login(boss.name, PASSWORD)
        first = hartmann.note(weir, fact="Has a visitor.")
        second = {"reason": "Misheard.", "note": {"basis": "HEARD", "fact": "Has a phone."}}
        second = hartmann.post(f"/v1/notes/{first['id']}/corrections", second)
        for screen in (his, hers):
            screen.sees("corrected: Has a phone.")
        third = {"basis": "HEARD", "fact": "Has a phone in the radio.", "handling": "SECURITY"}
        hartmann.post(f"/v1/notes/{second['id']}/corrections", {"reason": "Too many ears.", "note": third})
        his.sees("Weir, J.: was corrected; the note that takes its place says why")
        hers.sees("corrected: Has a phone in the radio.")
        for screen in (his, hers):
            screen.misses("Has a phone.")
        hers.misses("was corrected;")

        wrong = ngata.note(weir, fact="Not about him.")
        hers.sees("Not about him.")
        boss.post(f"/v1/notes/{wrong['id']}/retractions", {"reason": "WRONG_PERSON"})
        his.sees("A note was taken back by Cole: Wrong person")
        hers.misses("Not about him.")
        hers.misses("A note was taken back")


def test_a_page_calls_until_somebody_takes_it_and_the_others_see_who(
    service: Service, browser: Browser, prison: Prison, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    doctor = prison.hire("okafor", "health", "A")
    with browser.open(service.url) as hers, browser.open(service.url) as his:
        hers.login(hartmann.name, PASSWORD)
        his.login(ngata.name, PASSWORD)
        doctor.note(weir, fact="No insulin since morning.", attention="ACT_NOW")
        for screen in (hers, his):
            screen.sees("Since", "nobody has taken it", "No insulin since morning. (Okafor")
            screen.until("document.title.startsWith('ACT NOW')", 3)
        hers.press("a")
        hers.sees("It is yours: go there.")
        his.sees("Hartmann sees to it.")
        for screen in (hers, his):
            screen.misses("Whoever takes it goes there")
            screen.until("!document.title.startsWith('ACT NOW')")


def test_a_key_that_is_pressed_twice_or_held_down_takes_one_call_and_not_the_next_unread(
    service: Service, browser: Browser, prison: Prison, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    open_ = "document.querySelectorAll('.call').length"
    with browser.open(service.url) as screen:
        screen.login(hartmann.name, PASSWORD)
        screen.sees("everyone (1)")
        ngata.note(weir, fact="Holds a blade.", attention="ACT_NOW")
        for number in (1, 2):
            who = prison.receive(f"B{number}", name=f"Kane, {number}.", cell=f"A2-0{number}")
            ngata.note(who, fact="Lies on the floor.", attention="ACT_NOW")
        for left in (2, 1):
            screen.until(f"{open_} === {left + 1}")
            sleep(1)
            screen.press("a")
            screen.until(f"{open_} === {left}")
            if left == 2:
                screen.press("a")
            else:
                for _again in range(5):
                    held = {"key": "a", "windowsVirtualKeyCode": 65, "text": "a", "autoRepeat": True}
                    screen.call("Input.dispatchKeyEvent", type="keyDown", **held)
                    sleep(0.3)
            screen.settles()
            assert screen.run(open_) == left
        screen.sees("Kane, 2.", "I see to it")


def test_a_call_sounds_until_it_is_taken_also_where_the_sound_was_taken_away_meanwhile(
    service: Service, browser: Browser, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    with browser.open(service.url, script=A_SOUND_THAT_IS_COUNTED) as screen:
        screen.login(hartmann.name, PASSWORD)
        screen.until("window.sound && sound.state === 'running'")
        # Another device, a nap of the machine: the system takes it, and nobody types before the call.
        screen.misses(SILENT)
        screen.run("window.taken = true, sound.suspend()")
        screen.sees(SILENT)
        ngata.note(weir, fact="Says goodbye to everybody.", attention="ACT_NOW")
        screen.sees("I see to it")
        assert screen.run("tones") == 0
        screen.run("window.taken = false")  # it may be had again; still nobody types
        screen.until("tones >= 6")
        screen.misses(SILENT)
        screen.press("a")
        screen.misses("I see to it")
        said = screen.run("tones")
        sleep(0.5)
        assert screen.run("tones") == said


def test_a_unit_that_nobody_accepts_or_offers_in_time_calls_the_managers_wherever_they_look(
    service: Service, browser: Browser, prison: Prison, hartmann: Caller, weir: str
) -> None:
    noon = service.clock().astimezone(ZoneInfo("Europe/London")).replace(hour=13, minute=20) + timedelta(days=1)
    service.clock.ahead = noon - service.clock()
    tembo, doctor = prison.hire("tembo", "officer", "B"), prison.hire("okafor", "health", "A")
    boss, other = prison.hire("cole", "supervisor"), prison.hire("lund", "supervisor")
    taken = tembo.post("/v1/handovers", {"establishment": prison.code, "unit": "B"})
    tembo.post(f"/v1/handovers/{taken['id']}/acceptance", {})
    service.login(hartmann.name).post("/v1/handovers", {"establishment": prison.code, "unit": "A"})
    for later in (timedelta(hours=7), timedelta(hours=1, minutes=12)):
        service.clock.ahead += later
        eventually(lambda: service.login(boss.name).all("/v1/handovers", unit="A")[0]["state"] != "OFFERED", every=0.2)
    eventually(lambda: len(service.login(boss.name).all("/v1/pages")) == 2, every=0.2)
    not_accepted = "A wing: the handover is not accepted, since"
    not_offered = "B wing: nobody has offered it yet, since"
    with browser.open(service.url, script=A_SOUND_THAT_IS_COUNTED) as screen:
        screen.login(boss.name, PASSWORD)
        screen.sees(not_accepted, not_offered)
        screen.until("tones >= 3")
        screen.until("/^. wing: /.test(document.title)")
        said = screen.run("tones")
        sleep(0.5)
        assert screen.run("tones") == said, "heard, and not again until it calls again"
        # What only calls again is not drawn anew: nothing is read aloud twice, and the focus stays.
        screen.run("window.line = document.querySelector('#alarm p'), line.querySelector('button').focus()")
        service.clock.ahead += timedelta(minutes=3)
        screen.until(f"tones > {said}")
        assert screen.run("line.isConnected && line.contains(document.activeElement)")
        screen.press("h")
        screen.sees("2 pages nobody has taken", not_accepted, not_offered)
        listed = screen.run("document.querySelector('main').innerText")
        assert not_accepted in listed
        assert not_offered in listed
        screen.press("Escape", "w")
        screen.sees("how I know", not_accepted)
        screen.run("[...document.querySelectorAll('#alarm p')].find((p) => /^A/.test(p.innerText)).children[0].click()")
        screen.sees("Hartmann hands A wing over to you")
        # Whoever comes next at this window has not heard it.
        screen.press("Escape")
        screen.sees("needs you")
        screen.press("l")
        screen.sees("Unlock")
        said = screen.run("tones")
        screen.login(other.name, PASSWORD)
        screen.sees(not_accepted)
        screen.until(f"tones > {said}", 20)
    for officer, words in ((hartmann, not_accepted), (tembo, not_offered)):
        with browser.open(service.url, script=A_SOUND_THAT_IS_COUNTED) as screen:
            screen.login(officer.name, PASSWORD)
            screen.sees(words)
            screen.until("window.sound && sound.state === 'running'")
            assert (screen.run("tones"), screen.run("document.querySelectorAll('#alarm p').length")) == (0, 1)
    with browser.open(service.url) as screen:
        screen.login(doctor.name, PASSWORD)
        screen.sees("everyone (1)")
        assert screen.run("document.querySelector('#alarm').hidden")


def test_somebody_who_moved_is_said_once_and_a_button_leads_to_where_he_is_accepted(
    service: Service, browser: Browser, prison: Prison, hartmann: Caller, weir: str
) -> None:
    boss = prison.hire("cole", "supervisor")
    to = {"establishment": prison.code, "unit": "B", "reason": "Works in the kitchen."}
    prison.admin.post(f"/v1/inmates/{weir}/moves", to)
    service.clock.ahead += timedelta(hours=4, minutes=1)
    eventually(lambda: len(service.login(boss.name).all("/v1/pages", state="RAISED")) == 2, every=0.2)
    button = "document.querySelector('#alarm button')"
    with browser.open(service.url) as hers, browser.open(service.url) as screen:
        hers.login(hartmann.name, PASSWORD)
        hers.sees("A wing: Weir, J. has moved, not accepted, since")  # nothing to be done about it there
        assert hers.run(f"{button} === null")
        screen.login(boss.name, PASSWORD)
        screen.sees("needs you", "B wing: Weir, J. has moved, not accepted, since")
        screen.until("document.querySelectorAll('#alarm p').length === 1")
        assert screen.run("document.querySelector('#unit').innerText") == "A wing"
        screen.run(f"{button}.click()")
        screen.sees("Hand over B wing", "Weir, J. is on the way to you from A wing")


def test_where_nobody_has_typed_since_the_page_came_it_says_that_a_call_makes_no_sound(
    service: Service, browser: Browser, hartmann: Caller
) -> None:
    asked = (
        "performance.getEntriesByType('resource').some((one) => one.name.endsWith('/board/calls') && one.responseEnd)"
    )
    with browser.open(service.url) as screen:
        screen.sees("Log in")
        screen.until(asked)
        screen.until("document.querySelector('#silent').textContent !== ''")
        screen.misses(SILENT)  # nobody is in: no calls are heard here
        screen.login(hartmann.name, PASSWORD)
        screen.misses(SILENT)
        screen.go(f"{service.url}/board")  # as after a power cut: the login goes on, and nobody is there
        screen.sees("you are Hartmann", SILENT)
        screen.press("l")
        screen.sees("Unlock")
        screen.misses(SILENT)
        screen.until("localStorage.getItem('handover.end') === null")  # the login has ended, and calls are heard
        screen.go(f"{service.url}/board")
        screen.sees("Unlock", SILENT)
        screen.press("Tab")
        screen.misses(SILENT)


def test_a_call_says_whose_it_is_and_what_stands_after_a_correction(
    service: Service, browser: Browser, prison: Prison, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    with browser.open(service.url) as screen:
        screen.login(hartmann.name, PASSWORD)
        screen.sees("everyone (1)")
        made = ngata.note(weir, fact="Has taken twenty tablets.", attention="ACT_NOW")
        screen.sees("Has taken twenty tablets. (Ngata", "ACT NOW until")
        right = {"inmate": weir, "basis": "SAW", "fact": "Has hidden twenty tablets.", "attention": "ACT_NOW"}
        ngata.post(f"/v1/notes/{made['id']}/corrections", {"reason": "Misheard.", "note": right})
        screen.sees("Has hidden twenty tablets. (Ngata", "corrected: Has hidden twenty tablets.")
        screen.misses("Has taken twenty tablets.")

        # Two take it at once, and hers comes second: it is not hers.
        screen.run(
            "((asks) => { window.fetch = async (at, given) => { if (String(at).endsWith('/receipts')) "
            "await new Promise((go) => { window.go_on = go; }); return asks(at, given); }; })(window.fetch), 0"
        )
        screen.press("a")
        screen.until("!!window.go_on")
        (page,) = ngata.get("/v1/pages", establishment=prison.code, state="RAISED")["items"]
        ngata.post(f"/v1/notes/{page['note']}/receipts", {"kind": "ACCEPTED"})
        screen.sees("Ngata sees to it.")
        screen.run("window.go_on(), 0")
        screen.sees("Ngata had taken it already, at")
        screen.misses("It is yours")


def test_a_page_that_is_open_over_an_upgrade_names_what_it_does_not_know_and_goes_on_calling(
    service: Service, browser: Browser, prison: Prison, hartmann: Caller, weir: str
) -> None:
    boss = prison.hire("cole", "supervisor")
    hartmann.note(weir, fact="Shakes.", attention="ACT_NOW")
    with browser.open(service.url, script=A_CALL_OF_TOMORROW) as screen:
        screen.login(boss.name, PASSWORD)
        screen.sees("A wing: RIOT, since", "Shakes. (Hartmann", "I see to it")
        screen.until("document.title.startsWith('ACT NOW')", 3)
        screen.press("h")
        screen.sees("2 pages nobody has taken")
        assert "A wing: RIOT, since" in screen.run("document.querySelector('main').innerText")


def test_a_page_that_is_open_over_an_upgrade_has_all_screens_of_its_own_release(
    service: Service, browser: Browser, prison: Prison, weir: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    governor = prison.hire("osei", "governor")
    with browser.open(service.url) as screen:
        screen.login(governor.name, PASSWORD)
        screen.sees("everyone (1)", "whole prison")
        screen.settles()
        monkeypatch.setattr(statics, "digest", lambda: "0" * 16)
        for key in "htp/":
            screen.press(key)
            screen.until("!document.querySelector('.unit')")
            screen.press("Escape")
            screen.sees("everyone (1)")


def test_a_call_that_comes_while_the_calls_are_being_read_is_not_lost_by_it(
    service: Service, browser: Browser, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    taken = ngata.note(weir, fact="Shakes.", attention="ACT_NOW")
    with browser.open(service.url) as screen:
        screen.login(hartmann.name, PASSWORD)
        screen.sees("Shakes. (Ngata")
        screen.run(THE_CALLS_TAKE_LONG)
        drop(service)  # whoever is back reads what calls
        screen.until("window.answered")
        ngata.post(f"/v1/notes/{taken['id']}/receipts", {"kind": "ACCEPTED"})
        ngata.note(weir, fact="No insulin since morning.", attention="ACT_NOW")
        screen.sees("No insulin since morning. (Ngata", "Ngata sees to it.")
        screen.run("window.arrive()")
        screen.until("window.arrived")
        screen.sees("No insulin since morning. (Ngata")
        screen.misses("Shakes. (Ngata")


def test_what_a_proxy_gave_up_may_have_been_done_and_what_the_service_did_not_get_was_not(
    service: Service, browser: Browser, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    ngata.note(weir, fact="Shakes.", attention="ACT_NOW")
    gives_up = (
        "((asks) => { window.fetch = (at, given) => String(at).endsWith('/receipts') ? "
        "Promise.resolve(new Response(window.says, {status: 408})) : asks(at, given); })(window.fetch), 0"
    )
    with browser.open(service.url) as screen:
        screen.login(hartmann.name, PASSWORD)
        screen.sees("I see to it")
        screen.run(gives_up)
        for says, told in (
            ("<h1>Timeout</h1>", "The server cannot be reached. It is not known whether it was done: look before"),
            ('{"type": "/problems/too-slow"}', "The server cannot be reached."),
        ):
            screen.run(f"window.says = {json.dumps(says)}")
            screen.press("a")
            screen.sees(told)
        screen.until("document.querySelector('#said').textContent === 'The server cannot be reached.'")


def test_a_need_is_done_and_what_two_do_at_once_is_said(
    service: Service, browser: Browser, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    made = ngata.note(weir, needs=[{"code": "PHONE", "promised": True, "detail": "call to his daughter"}])
    with browser.open(service.url) as screen:
        screen.login(hartmann.name, PASSWORD)
        screen.sees("due this shift, or promised (1)", "call to his daughter")
        screen.focus("[data-need]")
        screen.press("d")
        screen.sees("What came of it?")
        screen.type("spoke ten minutes")
        screen.press("Enter")
        screen.sees("due this shift, or promised (0)")
        assert ngata.get(f"/v1/needs/{made['needs'][0]['id']}")["outcome"] == "spoke ten minutes"

        # What is typed is there until it is recorded: over a lock, without a network, and if somebody was quicker.
        second = ngata.note(weir, needs=[{"code": "PROPERTY", "promised": True, "detail": "his reading glasses"}])
        screen.sees("due this shift, or promised (1)", "his reading glasses")
        screen.focus("[data-need]")
        screen.press("d")
        screen.sees("What came of it?")
        screen.type("found at reception")
        screen.run("document.querySelector('#head button').click()")
        screen.sees("Unlock")
        screen.misses("reading glasses")
        screen.insert(PASSWORD)
        screen.press("Enter")
        screen.sees("up to date", "Begun, not sent: What came of it?", "“found at reception”")
        screen.focus("[data-need]")
        screen.press("d")
        screen.until("document.querySelector('#asked').value === 'found at reception'")
        screen.pardoned += [NO_NETWORK, "status of 412"]
        screen.offline(True)
        screen.press("Enter")
        screen.sees("The server cannot be reached. What you typed stays here.")
        need = f"/v1/needs/{second['needs'][0]['id']}"
        screen.offline(False)
        ngata.http.patch(need, json={"owner": "Marsh"}, headers={"If-Match": '"1"'}).raise_for_status()
        screen.press("Enter")  # before the screen has read it again
        screen.sees("Ngata changed it first, at", "with Marsh. Nothing of yours was recorded.")
        assert screen.run("document.querySelector('#asked').value") == "found at reception"
        screen.sees("with Marsh")
        screen.press("Enter")
        screen.sees("due this shift, or promised (0)")
        assert ngata.get(need)["outcome"] == "found at reception"
        screen.misses("What came of it?", "Begun, not sent")


def test_a_need_whose_answer_was_lost_is_known_to_be_done_by_whoever_did_it(
    service: Service, browser: Browser, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    made = ngata.note(weir, needs=[{"code": "PHONE", "promised": True, "detail": "call to his daughter"}])
    need = f"/v1/needs/{made['needs'][0]['id']}"
    lost = (
        "((asks) => { window.fetch = async (at, given) => { const told = await asks(at, given); "
        "if ((given || {}).method !== 'PATCH') return told; window.fetch = asks; throw new TypeError('cut'); }; "
        "})(window.fetch), 0"
    )
    with browser.open(service.url) as screen:
        screen.pardoned.append("status of 412")
        screen.login(hartmann.name, PASSWORD)
        screen.sees("due this shift, or promised (1)", "call to his daughter")
        screen.run(lost)
        screen.focus("[data-need]")
        screen.press("d")
        screen.sees("What came of it?")
        screen.type("spoke ten minutes")
        screen.press("Enter")
        screen.sees("The server cannot be reached. What you typed stays here.")
        screen.press("Enter")
        screen.sees("Whoever wrote it down is told.")
        screen.misses("Nothing of yours was recorded.", "What came of it?", "Begun, not sent")
        assert [step["outcome"] for step in ngata.get(need)["history"]] == [None, "spoke ten minutes"]


def tab_to(screen: Tab, words: str) -> None:
    """Goes on with Tab until what has the focus says this."""
    for _ in range(80):
        if words in screen.run("document.activeElement.matches('body, main') ? '' : document.activeElement.innerText"):
            return
        screen.press("Tab")
    raise AssertionError(f"Tab does not reach {words!r}")


def test_what_is_typed_and_locked_before_the_disk_has_answered_is_there_afterwards(
    service: Service, browser: Browser, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    ngata.note(weir, needs=[{"code": "PROPERTY", "promised": True, "detail": "his reading glasses"}])
    with browser.open(service.url) as screen:
        screen.login(hartmann.name, PASSWORD)
        screen.sees("his reading glasses")
        screen.run(A_BUSY_DISK)
        screen.focus("[data-need]")
        screen.press("d")
        screen.sees("What came of it?")
        screen.type("found at reception")
        screen.run("document.querySelector('#head button').click(); window.quick = true")
        screen.sees("Unlock")
        screen.insert(PASSWORD)
        screen.press("Enter")
        screen.sees("Begun, not sent: What came of it?", "“found at reception”")


def test_what_becomes_of_a_need_is_recorded_as_it_is(
    service: Service, browser: Browser, prison: Prison, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    told = [{"code": "PHONE", "promised": True}, {"code": "PROPERTY", "promised": True}, {"code": "MAIL"}]
    made = ngata.note(weir, needs=told)["needs"]
    wing = {"establishment": prison.code, "unit": "A", "basis": "HEARD", "fact": "The servery is short of trays."}
    ngata.note(**wing, needs=[{"code": "FOOD", "detail": "trays"}])

    def stands(place: int) -> tuple[str, str | None, str | None]:
        found = ngata.get(f"/v1/needs/{made[place]['id']}")
        return found["status"], found["owner"], found["reason"]

    with browser.open(service.url) as screen:
        screen.login(hartmann.name, PASSWORD)
        screen.sees("due this shift, or promised (2)", "the unit: need: food: trays")
        screen.focus(f"[data-need='{made[0]['id']}']")
        screen.press("m")
        screen.sees("It is yours.", "with Hartmann")
        screen.press("v")
        screen.sees("Why is it not possible?")
        screen.type("No line.")
        screen.press("Enter")
        screen.sees("Not possible. Whoever wrote it down is told.")
        screen.sees("due this shift, or promised (1)")
        screen.focus(f"[data-need='{made[1]['id']}']")
        screen.press("g")
        screen.sees("To whom is it passed on?")
        screen.type("Reception")
        screen.press("Enter")
        screen.sees("Passed on. Whoever wrote it down is told.")
        screen.sees("due this shift, or promised (0)")
        # What has no time and was not promised can be closed where it stands: with the person.
        screen.focus(".list.needs [data-inmate]")
        screen.press("Enter")
        screen.sees("open needs (1)")
        screen.focus(f"[data-need='{made[2]['id']}']")
        screen.press("d")
        screen.sees("What came of it?")
        screen.type("Two letters.")
        screen.press("Enter")
        screen.sees("open needs (0)", "Done, “Two letters.”")
    assert [stands(place) for place in range(3)] == [
        ("NOT_POSSIBLE", hartmann.get("/v1/me")["name"], "No line."),
        ("PASSED_ON", "Reception", None),
        ("DONE", None, None),
    ]


def test_the_foot_offers_what_can_be_done_on_the_line_one_stands_on(
    service: Service, browser: Browser, prison: Prison, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    reeve = prison.receive("A3391QX", name="Reeve, T.")
    both = [{"code": "PHONE", "promised": True}, {"code": "MAIL", "promised": True}]
    ngata.note(weir, needs=both, attention="WATCH", fact="Pacing.")
    ngata.note(reeve, needs=[{"code": "PROPERTY", "detail": "his reading glasses"}])

    def offers(screen: Tab, *letters: str) -> None:
        screen.until(
            "[...document.querySelectorAll('#keys kbd')].map((one) => one.innerText)"
            f".filter((one) => 'DMVGCNEB'.includes(one)).join('') === '{''.join(letters)}'"
        )

    with browser.open(service.url) as screen:
        screen.login(hartmann.name, PASSWORD)
        screen.sees("needs you (2)")
        offers(screen)
        screen.press("d")
        screen.sees("Go to a need with the arrows first.")
        screen.focus(f".needs [data-inmate='{weir}']")  # two needs: which one is meant is not known
        offers(screen, "C", "N")
        screen.focus(f".due [data-inmate='{weir}']")
        offers(screen, "D", "M", "V", "G")
        screen.focus(f".needs [data-inmate='{reeve}']")
        offers(screen, "D", "M", "V", "G")
        # The line one goes to is never behind the foot, however much is offered there.
        screen.call("Emulation.setDeviceMetricsOverride", width=700, height=330, deviceScaleFactor=1, mobile=False)
        for way in (*("ArrowDown",) * 6, *("ArrowUp",) * 6):
            screen.press(way)
            assert screen.run(
                "document.activeElement.getBoundingClientRect().bottom <= "
                "document.querySelector('#foot').getBoundingClientRect().top"
            )
        screen.focus(f".needs [data-inmate='{reeve}']")
        screen.press("d")
        screen.sees("What came of it? (A1-07 Reeve, T.: property: his reading glasses)")
        screen.type("Found them.")
        screen.press("Enter")
        screen.sees("needs you (1)")
        screen.focus(f".needs [data-inmate='{weir}']")
        screen.press("Enter")
        screen.sees("Pacing.")
        offers(screen)
        screen.focus("[data-written]")
        offers(screen, "C", "N")  # a note of somebody else's
        screen.press("Escape")
        hartmann.note(weir, fact="Asleep at last.")
        screen.focus(f".needs [data-inmate='{weir}']")
        screen.press("Enter")
        screen.sees("Asleep at last.")
        screen.focus(".timeline [data-written]")
        offers(screen, "E", "B")


def test_attention_ends_on_the_note_that_is_meant_and_the_question_says_whose_and_which(
    service: Service, browser: Browser, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    rung = ngata.note(weir, fact="Wants his daughter rung.", attention="ACT_NOW")
    blade = ngata.note(weir, fact="Will harm himself tonight, has a blade.", attention="ACT_NOW")
    with browser.open(service.url) as screen:
        screen.login(hartmann.name, PASSWORD)
        screen.sees("needs you (1)", "has a blade.", "Wants his daughter rung.")
        # Two notes call: which of them is over is said on the person's page, not guessed.
        screen.focus(f".needs [data-inmate='{weir}']")
        screen.sees("close attention", "renew attention")
        screen.press("c")
        screen.sees("Go to a note with the arrows first;", "open needs (0)")
        screen.focus(f"[data-note='{rung['id']}']")
        screen.press("c")
        screen.sees("A1-07 Weir, J.: Wants his daughter rung. It is over, because")
        screen.type("daughter told")
        screen.press("Enter")
        screen.sees("attention closed by Hartmann: daughter told")
        screen.press("Escape")
        screen.misses("Wants his daughter rung.")
        screen.focus(f".needs [data-inmate='{weir}']")
        screen.press("n")
        screen.sees("A1-07 Weir, J.: Will harm himself tonight, has a blade. It goes on, because")
        assert [len(ngata.get(f"/v1/notes/{note['id']}")["renewals"]) for note in (rung, blade)] == [1, 0]
        # What is taken back meanwhile goes from the question, too; what was typed stays.
        screen.type("pacing")
        ngata.post(f"/v1/notes/{blade['id']}/retractions", {"reason": "WRONG_PERSON"})
        screen.misses("has a blade.")
        assert screen.run("document.querySelector('#asked').value") == "pacing"


def test_without_single_letters_everything_is_done_by_tab_and_enter(
    service: Service, browser: Browser, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    made = ngata.note(weir, needs=[{"code": "PHONE", "detail": "call to his daughter"}], attention="WATCH")
    with browser.open(service.url) as screen:
        screen.login(hartmann.name, PASSWORD)
        screen.sees("needs you (1)")
        tab_to(screen, "letter keys are on")
        screen.press("Enter")
        screen.sees("letter keys are off")
        screen.press("w", "t")
        screen.go(f"{service.url}/board")  # this browser remembers
        screen.sees("letter keys are off", "needs you (1)")
        screen.press("w", "l")
        screen.misses("how I know", "Unlock")
        # Somebody else's note comes in meanwhile: what has the focus keeps it.
        tab_to(screen, "Weir, J.")
        tab_to(screen, "renew attention")
        ngata.note(weir, fact="Ate at supper.")
        screen.sees("Ate at supper.")
        screen.press("Enter")
        screen.sees("It goes on, because")
        later = service.clock() + timedelta(hours=2)
        screen.type(f"{later.astimezone(ZoneInfo('Europe/London')):%H:%M} still quiet")
        screen.press("Enter")
        screen.sees("Attention goes on until")
        assert "renew attention" in screen.run("document.activeElement.innerText")
        ends = ngata.get(f"/v1/notes/{made['id']}")
        assert (ends["renewals"][0]["reason"], ends["renewals"][0]["closed"]) == ("still quiet", False)
        assert abs(datetime.fromisoformat(ends["attention_until"]) - later) < timedelta(minutes=2)
        tab_to(screen, "letter keys are off")
        screen.press("Enter", "w")
        screen.sees("how I know")


def test_what_is_typed_is_neither_thrown_away_nor_taken_for_what_it_is_not(
    service: Service, browser: Browser, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    ngata.note(weir, fact="Sings \u202e at night.", attention="WATCH")
    with browser.open(service.url) as screen:
        screen.login(hartmann.name, PASSWORD)
        screen.sees("needs you (1)")
        # What turns the way of writing in a note turns nothing beside it.
        assert screen.run("document.querySelector('.needs bdi').textContent") == "Sings \u202e at night."
        screen.focus(".needs [data-row]")
        screen.press("n")
        screen.sees("It goes on, because")
        screen.type("25:99 still low")
        screen.press("Enter")
        screen.sees("25:99 is not a time of day.")
        screen.press("Escape")
        screen.misses("It goes on, because … Until")
        screen.sees("Left. What you typed is kept", "Begun, not sent: It goes on, because … “25:99 still low”")
        screen.press("n")
        screen.until("document.querySelector('#asked').value === '25:99 still low'")
        screen.run("document.querySelector('#asked').value = ''")
        screen.press("Escape")
        screen.misses("Begun, not sent")
    assert ngata.all("/v1/notes", inmate=weir)[0]["renewals"] == []


def test_a_screen_that_cannot_see_says_so_and_catches_up(
    service: Service, browser: Browser, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    with browser.open(service.url) as screen:
        screen.pardoned.append(NO_NETWORK)
        screen.login(hartmann.name, PASSWORD)
        screen.sees("everyone (1)")
        sleep(2)  # it is certain of more than when it read the sheet
        screen.offline(True)
        screen.run("window.dispatchEvent(new Event('offline'))")
        drop(service)
        screen.sees("Not connected since", "What you see is from then.", "Urgent? Use the radio.")
        screen.sees("Weir, J.")  # nothing else changes
        since = "/Not connected since [0-9:]+/.exec(document.querySelector('#sight').innerText)[0]"
        said = screen.run(since)
        screen.press("w")
        screen.type("wing")
        screen.until("document.querySelectorAll('.found [role=option]').length === 1")
        screen.press("Enter", "ctrl+Enter")
        screen.sees("How do you know?")
        screen.press("1")
        screen.insert("The servery is short of trays.")
        screen.press("ctrl+Enter")
        screen.sees("Kept here, not sent yet.")
        sleep(2)  # since then, whatever was tried meanwhile
        assert screen.run(since) == said
        ngata.note(weir, fact="Said what nobody could see.", attention="WATCH")
        screen.offline(False)
        screen.sees("up to date", "since you last looked (1)", "Said what nobody could see.", "needs you (1)")
        screen.misses("Use the radio.")


def test_a_sheet_that_cannot_be_read_again_says_from_when_it_is_and_is_read_as_soon_as_it_can_be(
    service: Service, browser: Browser, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    with browser.open(service.url) as screen:
        screen.pardoned += [NO_NETWORK, "status of 503", "ERR_FAILED"]
        screen.login(hartmann.name, PASSWORD)
        screen.sees("everyone (1)")
        # The feed stays up, and the sheet alone is refused; then the server answers nothing at all to it.
        screen.call("Network.setBlockedURLs", urls=["*/sheet"])
        ngata.note(weir, fact="Quiet since the visit was cancelled.", attention="WATCH")
        screen.sees("The sheet is from", "it cannot be read again now", "needs you (0)")
        screen.misses("up to date")
        # Also at 200 %, far down the page, where there is no room for the head.
        screen.call("Emulation.setDeviceMetricsOverride", width=640, height=400, deviceScaleFactor=2, mobile=False)
        screen.run("window.scrollTo(0, document.body.scrollHeight), 0")
        screen.until(
            "(({ top, bottom }) => top === 0 && bottom < 80)(document.querySelector('#sight').getBoundingClientRect())"
        )
        screen.call("Emulation.setDeviceMetricsOverride", width=1280, height=800, deviceScaleFactor=1, mobile=False)
        screen.call("Network.setBlockedURLs", urls=[])
        screen.sees("needs you (1)", "up to date")  # nothing happened meanwhile: it asked by itself
        screen.call("Fetch.enable", patterns=[{"urlPattern": "*/sheet"}])
        ngata.note(weir, fact="Not a word since.", attention="WATCH")
        screen.sees("The sheet is from")
        sleep(8)
        screen.call("Fetch.disable")
        screen.sees("up to date")
        screen.until("document.querySelector('.list.needs').innerText.includes('Not a word since.')")


def test_that_the_screen_is_blind_is_said_once_and_as_it_is_now(
    service: Service, browser: Browser, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    lost = "document.querySelector('#lost').textContent"
    with browser.open(service.url) as screen:
        screen.pardoned += [NO_NETWORK, "ERR_FAILED", "WebSocket"]
        screen.login(hartmann.name, PASSWORD)
        screen.sees("everyone (1)")
        screen.call("Network.setBlockedURLs", urls=["*/sheet"])
        ngata.note(weir, fact="Quiet since the visit was cancelled.", attention="WATCH")
        screen.until(f"{lost}.startsWith('The sheet is from')")
        assert "not sent" not in screen.run(lost)  # how many that is changes
        screen.call("Network.setBlockedURLs", urls=["*/sheet", "*/v1/feed/tickets"])
        drop(service)
        screen.until(f"{lost}.startsWith('Not connected since')")
        screen.call("Network.setBlockedURLs", urls=[])
        screen.sees("up to date")
        screen.until(f"{lost} === ''")


def test_calls_longer_than_the_screen_hide_neither_it_nor_what_is_said_and_each_is_read_out_once(
    service: Service, browser: Browser, prison: Prison, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    screens = ((1280, 800), (1024, 600), (640, 400))
    seen = (
        "((one) => { const { left, right, top, bottom } = document.querySelector(one).getBoundingClientRect(); "
        "return left >= 0 && right <= innerWidth && top >= innerHeight / 2 && bottom <= innerHeight; })"
    )
    with browser.open(service.url) as screen:
        screen.login(hartmann.name, PASSWORD)
        ngata.note(weir, fact="Donaudampfschifffahrt" * 45, attention="ACT_NOW")
        for number in (1, 2):
            who = prison.receive(f"B{number}", name=f"Kane, {number}.", cell=f"A2-0{number}")
            ngata.note(who, fact="Shakes and says that he sees double. " * 25, attention="ACT_NOW")
        screen.until("document.querySelectorAll('.call').length === 3")
        screen.run("document.querySelector('#letters').click()")  # whatever was said last
        for width, height in screens:
            screen.call(
                "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
            )
            screen.until(f"{seen}('.call button') && {seen}('#said')")
            screen.until("document.documentElement.scrollWidth <= innerWidth")
        nodes = screen.call("Accessibility.getFullAXTree")["nodes"]
        (alert,) = [one for one in nodes if one.get("role", {}).get("value") == "alert"]
        told = {one["name"]: one["value"]["value"] for one in alert["properties"] if "value" in one["value"]}
        assert (told["live"], told["atomic"]) == ("assertive", False), "a call is not read again with the next"


KEPT_ON_THE_WAY = """((asks) => { let kept = null; window.fetch = async (at, given) => {
  if (!/sheet$/.test(String(at)) || window.over) return asks(at, given);
  kept = kept || await (await asks(at, given)).text();
  return new Response(kept, {headers: {Age: '7200', Date: new Date(Date.now() - 7200e3).toUTCString()}});
}; })(window.fetch)"""


def test_a_sheet_that_was_kept_on_the_way_is_not_said_to_be_up_to_date(
    service: Service, browser: Browser, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    with browser.open(service.url, script=KEPT_ON_THE_WAY) as screen:
        screen.login(hartmann.name, PASSWORD)
        screen.sees("everyone (1)")
        ahead = "import(document.querySelector('script[type=module]').src.replace('app.js', 'times.js'))"
        assert abs(screen.run(f"{ahead}.then((times) => times.now() - Date.now())")) < 60_000
        ngata.note(weir, fact="Quiet since the visit was cancelled.", attention="WATCH")
        screen.sees("The sheet is from", "it cannot be read again now", "needs you (0)")
        screen.run("window.over = true, 0")
        screen.sees("needs you (1)", "up to date")


def test_where_no_feed_gets_through_a_call_is_heard_all_the_same(
    service: Service, browser: Browser, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    through = (
        "{ const Own = WebSocket; "
        "WebSocket = function (at, as) { return new Own(at.replace('/v1/feed', '/none'), as); }; }"
    )
    with browser.open(service.url, script=through) as screen:
        screen.pardoned.append("WebSocket connection to")
        screen.login(hartmann.name, PASSWORD, sees="Not connected since")
        screen.sees("What you see is from then.", "needs you (0)")
        ngata.note(weir, fact="Holds a blade.", attention="ACT_NOW")
        screen.sees("I see to it", "Holds a blade.", "needs you (1)", "Not connected since")
        screen.press("a")
        screen.sees("It is yours: go there.")


def test_a_server_that_hangs_is_said_at_the_door(service: Service, browser: Browser, hartmann: Caller) -> None:
    with browser.open(service.url) as screen:
        screen.pardoned.append("ERR_")
        screen.until("!!document.querySelector('#user')")
        screen.call("Fetch.enable", patterns=[{"urlPattern": "*/board/session*"}])
        screen.login(hartmann.name, PASSWORD, sees="cannot be reached")
        screen.call("Fetch.disable")


@pytest.mark.parametrize("status", [429, 502, 511])
def test_what_a_proxy_says_in_the_servers_place_is_said_in_words_and_nobody_comes_in_by_half(
    service: Service, browser: Browser, hartmann: Caller, weir: str, status: int
) -> None:
    proxy = (
        "((asks) => { window.down = '/board/session'; window.fetch = async (at, given) => String(at) === window.down ? "
        f"new Response('<h1>No</h1>', {{status: {status}}}) : asks(at, given); }})(window.fetch)"
    )
    with browser.open(service.url, script=proxy) as screen:
        screen.login(hartmann.name, PASSWORD, sees="The server cannot be reached")
        screen.run("window.down = '/v1/establishments', document.querySelector('#trouble').textContent = ''")
        screen.login(hartmann.name, PASSWORD, sees="The server cannot be reached")
        screen.misses("you are Hartmann")
        screen.run("window.down = '', 0")
        screen.login(hartmann.name, PASSWORD)
        screen.sees("A wing", "everyone (1)")


def test_a_lock_shows_nothing_of_people_ends_the_login_and_comes_back_in_no_time(
    service: Service, browser: Browser, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    ngata.note(weir, fact="Quiet since the visit was cancelled.", attention="WATCH")
    with browser.open(service.url) as screen:
        screen.login(hartmann.name, PASSWORD)
        screen.sees("Quiet since the visit")
        screen.press("l")
        screen.sees("Locked", "Unlock")
        assert "Weir" not in screen.run("document.documentElement.outerHTML")
        assert "Quiet" not in screen.run("document.documentElement.outerHTML")
        assert screen.run("Object.values(localStorage).join()").count("hov_") == 0
        assert screen.run("document.cookie") == ""
        began = screen.run("performance.now()")
        screen.insert(PASSWORD)
        screen.press("Enter")
        screen.sees("you are Hartmann", "Quiet since the visit")
        assert screen.run("performance.now()") - began < 5000
        # Somebody else takes over the keyboard.
        screen.press("s")
        screen.sees("Shift handover")
        screen.login(ngata.name, PASSWORD)
        screen.sees("you are Ngata")
        screen.misses("you are Hartmann")


def test_a_page_that_stays_open_for_weeks_keeps_nothing_of_whoever_has_locked_it(
    service: Service, browser: Browser, hartmann: Caller
) -> None:
    with browser.open(service.url) as screen:
        screen.login(hartmann.name, PASSWORD)
        for _ in range(3):
            screen.press("l")
            screen.sees("Locked", "Unlock")
            screen.insert(PASSWORD)
            screen.press("Enter")
            screen.sees("you are Hartmann", "up to date")
        script = "import(document.querySelector('script[type=module]').src.replace('app.js', 'feed.js'))"
        feed = screen.call("Runtime.evaluate", expression=f"{script}.then((m) => m.Feed.prototype)", awaitPromise=True)
        kept = screen.call("Runtime.queryObjects", prototypeObjectId=feed["result"]["objectId"])["objects"]["objectId"]
        count = "function() { return this.length }"
        many = screen.call("Runtime.callFunctionOn", objectId=kept, functionDeclaration=count)
        assert many["result"]["value"] == 1


def test_what_came_while_nobody_looked_is_told_by_name_and_the_shift_that_runs_is_named(
    service: Service, browser: Browser, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    with browser.open(service.url) as screen:
        screen.login(hartmann.name, PASSWORD)
        screen.sees("everyone (1)")
        screen.press("l")
        screen.sees("Unlock")
        ngata.note(weir, fact="Ate nothing at supper.")
        screen.insert(PASSWORD)
        screen.press("Enter")
        screen.sees("since you last looked (1)", "Weir, J.: Ate nothing at supper.")
        assert weir not in screen.run("document.querySelector('.list.news').innerText")
        # Nine hours later it is another shift, or another day.
        named = "document.querySelector('h1').innerText"
        before = screen.run(named)
        screen.run(
            "((real) => { Date.now = () => real() + 9 * 3600e3; })(Date.now), "
            "document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'Shift', bubbles: true }))"
        )
        screen.until(f"{named} !== {json.dumps(before)}")


def test_a_locked_screen_calls_somebody_back_without_saying_who_it_is_about(
    service: Service, browser: Browser, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    with browser.open(service.url) as screen:
        screen.login(hartmann.name, PASSWORD)
        screen.sees("everyone (1)")
        screen.press("l")
        screen.sees("Unlock")
        ngata.note(weir, fact="Says goodbye to everybody.", attention="ACT_NOW")
        screen.sees("ACT NOW in unit A: somebody must go.")
        screen.until("document.title.startsWith('ACT NOW')", 3)
        assert "Weir" not in screen.run("document.documentElement.outerHTML")
        screen.insert(PASSWORD)
        screen.press("Enter")
        screen.sees("Says goodbye to everybody.", "I see to it")


def test_two_windows_that_are_locked_together_both_hear_from_the_beginning(
    service: Service, browser: Browser, hartmann: Caller, weir: str
) -> None:
    watch = (
        "window.deaf = false, new MutationObserver(() => { "
        "deaf = deaf || /hears no calls/.test(document.body.innerText); "
        "}).observe(document.body, {childList: true, subtree: true, characterData: true}), 0"
    )
    with browser.open(service.url) as screen, browser.open("about:blank#", beside=screen) as second:
        screen.login(hartmann.name, PASSWORD)
        second.go(f"{service.url}/board")
        second.sees("you are Hartmann", "up to date")
        for window in (screen, second):
            window.run(watch)
        screen.press("l")
        for window in (screen, second):
            window.sees("Unlock")
        hartmann.note(weir, fact="No insulin since morning.", attention="ACT_NOW")
        for window in (screen, second):
            window.sees("ACT NOW in unit A")
            assert not window.run("deaf")


def test_a_reload_goes_on_and_a_screen_locked_for_long_does_not(
    service: Service, browser: Browser, hartmann: Caller, weir: str
) -> None:
    with browser.open(service.url) as screen:
        for since in (3600e3, -3600e3):  # an hour ago, also where the PC's clock was set back by two
            screen.login(hartmann.name, PASSWORD)
            screen.until("Date.now() - localStorage.getItem('handover.active') < 60e3")
            screen.go(f"{service.url}/board")
            screen.sees("you are Hartmann", "up to date")
            screen.run(f"localStorage.setItem('handover.active', String(Date.now() - {since}))")
            screen.go(f"{service.url}/board")
            screen.sees("Unlock")
            screen.misses("Weir")


def test_nobody_typing_locks_it_by_itself(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> None:
    store = embedded.copy(tmp_path_factory.mktemp("store") / "short.sqlite3")
    # An access token for five seconds: in as many, the feed is renewed on the open socket.
    short = Service(settings_for(store, lock_s=9, access_token_s=5))
    try:
        prison = short.prison()
        ngata, weir = prison.hire("ngata", "officer", "A"), prison.receive("A4417KD")
        with browser.open(short.url) as screen, browser.open("about:blank#", beside=screen) as second:
            screen.login(ngata.name, PASSWORD)
            second.go(f"{short.url}/board")  # a second window: both go on, though their cookie works once
            second.sees("you are Ngata", "up to date")
            opened = len([url for url in screen.asked if "/v1/feed/tickets" in url])
            screen.until("performance.now() > 7000", 12)
            ngata_again = short.login(ngata.name)
            ngata_again.note(weir, fact="Written after the first token had ended.", attention="WATCH")
            screen.sees("Written after the first token had ended.", wait=3)
            assert len([url for url in screen.asked if "/v1/feed/tickets" in url]) == opened
            second.sees("Written after the first token had ended.")
            for window in (screen, second):  # somebody has set the PC's clock right
                window.run("{ const real = Date.now; Date.now = () => real() - 3600e3; }")
            screen.until("document.body.innerText.includes('Unlock')", 14)
            second.sees("Unlock")
            screen.misses("Weir")
    finally:
        short.stop()


def test_a_page_shows_what_the_api_shows_and_no_more(
    service: Service, browser: Browser, prison: Prison, hartmann: Caller, weir: str
) -> None:
    governor = prison.hire("ashdown", "governor")
    governor.note(weir, fact="About a member of staff.", handling="COMPLAINT", attention="ACT_NOW")
    governor.note(weir, fact="Where it was hidden.", handling="SECURITY", attention="ACT_NOW")
    with browser.open(service.url) as hers, browser.open(service.url) as boss:
        boss.login(governor.name, PASSWORD)
        boss.sees("About a member of staff.", "Where it was hidden.", "may be read by: security")
        hers.login(hartmann.name, PASSWORD)
        hers.sees("everyone (1)")
        assert "Where it was" not in hers.run("document.documentElement.outerHTML")
        assert "needs you (0)" in hers.run("document.body.innerText")


def every_name(screen: Tab) -> list[str]:
    """What can be pressed, and is without a name for whoever cannot see it."""
    found: list[str] = screen.run(
        "[...document.querySelectorAll('button, a, input, select, textarea, [role=radio]')].filter((one) => "
        "one.offsetParent && !(one.innerText || '').trim() && !one.getAttribute('aria-label') && "
        "!(one.labels && one.labels.length)).map((one) => one.outerHTML)"
    )
    return found


def test_it_asks_nobody_but_its_server_and_is_small(
    service: Service, browser: Browser, hartmann: Caller, weir: str
) -> None:
    with browser.open(service.url) as screen:
        screen.sees("Log in")
        assert every_name(screen) == []
        screen.login(hartmann.name, PASSWORD)
        assert every_name(screen) == []
        assert [url for url in screen.asked if not url.startswith(service.url)] == []
        assert sum(screen.sizes.values()) < 150_000
        screen.misses("did not start")
    with browser.open("about:blank#") as old:
        # A browser that cannot run the script, for whatever reason, is told so.
        old.pardoned.append("app.js")
        old.call("Network.setBlockedURLs", urls=["*/app.js"])
        old.go(service.url)
        old.sees("The board did not start. It needs Chrome or Edge from 84")


NEWER = {
    r"\?\.[a-zA-Z([]": (80, 74), r"\?\?": (80, 72), r"(\?\?|\|\||&&)=": (85, 79), r"\.at\(": (92, 90),
    r"replaceAll": (85, 77), r"structuredClone": (98, 94), r"findLast": (97, 104),
    r"\.to(Sorted|Reversed|Spliced)": (110, 115), r"(?m)^await ": (89, 89), r"hasOwn\(": (93, 92),
    r"Promise\.any": (85, 79), r"\bstatic \{": (93, 93), r"replaceChildren": (86, 78), r"\binert\b": (102, 112),
    r"showModal": (37, 98), r"AbortSignal\.(timeout|any)": (103, 100), r"groupBy\(": (117, 119),
    r"CSSStyleSheet\(": (73, 101), r"\(\?<[=!]": (62, 78), r"\\p\{": (64, 78), r"fromEntries": (73, 63),
    r"Promise\.withResolvers": (119, 121), r":has\(": (105, 121), r":(is|where)\(": (88, 78),
    r"aspect-ratio": (88, 89), r"\d[ds]v[hw]\b": (108, 101), r"\binset:": (87, 66), r"color-mix": (111, 113),
    r"@layer": (99, 97), r"@container": (105, 110), r":focus-visible": (86, 85), r"\bgap:": (84, 63),
    r"subgrid": (117, 71), r"popover": (114, 125), r"light-dark\(": (123, 120), r"@starting-style": (117, 129),
}  # fmt: skip
"""What is newer than the board may ask for, or might tempt somebody: since which Chrome, since which Firefox."""


def test_the_pages_ask_no_more_of_a_browser_than_the_documentation_says() -> None:
    told = (Path(__file__).parents[1] / "docs/board.md").read_text("utf-8")
    (says,) = re.findall(r"Chrome and Edge from (\d+).*?Firefox from (\d+)", told)
    allowed = tuple(int(one) for one in says)
    scripts = {
        one.name: one.read_text("utf-8")
        for one in (files("handover.board") / "static").iterdir()
        if one.name.endswith((".js", ".css"))
    }
    asks = {
        (name, pattern): since
        for name, text in scripts.items()
        for pattern, since in NEWER.items()
        if re.search(pattern, text)
    }
    assert {where: since for where, since in asks.items() if since[0] > allowed[0] or since[1] > allowed[1]} == {}
    assert tuple(max(since[place] for since in asks.values()) for place in (0, 1)) == allowed
    # What is left out on the wire at the beginning of a line (statics.py) is never part of a text.
    assert [name for name, text in scripts.items() if any(line.count("`") % 2 for line in text.splitlines())] == []


def test_whoever_reads_less_is_told_that_there_may_be_more(
    service: Service, browser: Browser, prison: Prison, hartmann: Caller, weir: str
) -> None:
    hartmann.note(weir, fact="Quiet since the visit was cancelled.", attention="WATCH")
    chaplain, guest = prison.hire("eastwick", "chaplain"), prison.hire("penrose", "guest")
    # So is an officer who looks at somebody of another unit, though he reads everything of his own.
    overdue = (service.clock() - timedelta(hours=1)).isoformat()
    hartmann.note(weir, needs=[{"code": "PHONE", "due_at": overdue}], responses=[{"code": "LISTENED"}])
    tembo = prison.hire("tembo", "officer", "B")
    with browser.open(service.url) as screen:
        screen.login(tembo.name, PASSWORD)
        screen.sees("everyone (0)")
        screen.press("/")
        screen.type(weir)
        screen.until("document.querySelectorAll('.found [role=option]').length === 1")
        screen.press("Enter")
        screen.sees("Nothing was written in six weeks that you may read.", "open needs (0), as far as you may read")
        screen.sees("None that you may read.", "Nothing that you may read.")
        screen.misses("None.", "Nothing is known yet.", "No mood and no change was written")
    with browser.open(service.url) as screen:
        screen.pardoned.append("status of 40[34]")
        screen.login(chaplain.name, PASSWORD)
        screen.sees("No note that you may read asks for attention here.", "everyone (1)", "as far as you may read")
        screen.misses("hand over or take over", "Quiet since", "nobody has taken it over")
        screen.press("s")
        screen.login(guest.name, PASSWORD)
        screen.sees("Your role reads no sheet.")
        screen.press("w")
        screen.until("document.activeElement.id === 'in-who'")
        screen.type(weir)
        screen.sees("as typed")
        screen.run("document.querySelector('#in-who').select()")
        screen.press("Backspace", "ctrl+Enter")
        screen.sees("Whom is it about?", "How do you know?")
        screen.type(weir)
        screen.press("ctrl+Enter")
        screen.until(f"document.getElementById('whom').innerText.includes('{weir}')")
        screen.misses("Whom is it about?", "null")
        screen.sees("How do you know?", "Read by: the staff of the unit this person is on.")
        screen.focus("[data-step=basis] [role=radio]")
        screen.press("1")
        screen.insert("Worked well in the library.")
        screen.press("ctrl+Enter")
        screen.sees("Recorded")
    assert hartmann.all("/v1/notes", inmate=weir)[0]["fact"] == "Worked well in the library."


def test_what_came_late_and_what_is_about_the_wing_is_there_too(
    service: Service, browser: Browser, prison: Prison, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    made = hartmann.post("/v1/handovers", {"establishment": prison.code, "unit": "A", "remarks": "Servery is short."})
    ngata.post(f"/v1/handovers/{made['id']}/acceptance", {})
    before = (service.clock() - timedelta(minutes=90)).isoformat()
    hartmann.note(weir, fact="Had not slept.", occurred_at=before, late_reason="Was on escort.")
    ngata.note(establishment=prison.code, unit="A", basis="HEARD", fact="Grumbling about the portions.")
    with browser.open(service.url) as screen:
        screen.login(ngata.name, PASSWORD)
        screen.sees("about the unit, and late (3)", "at the handover: Servery is short.", "LATE, for")
        screen.sees("Had not slept.", "the unit: Grumbling about the portions.")
