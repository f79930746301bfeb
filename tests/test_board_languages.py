"""A shift at the board in German, and a look at it in Welsh: no English word is left, and nothing is cut off."""

import re

import pytest

from handover.board import words
from handover.domain.codelists import shipped, translations
from tests.support import wording
from tests.support.boards import database_url
from tests.support.browser import Browser, Tab
from tests.support.service import PASSWORD, Caller, Service
from tests.test_board_looking import faults, sized

__all__ = ["database_url"]
HOLE = re.compile(r"\{\w+\}")
# All that is to be read, or heard by whoever cannot see it, line by line.
READ = """[document.title, document.body.innerText, ...[...document.querySelectorAll('*')].flatMap((one) =>
  ['aria-label', 'placeholder', 'title'].map((name) => one.getAttribute(name)))].filter(Boolean).join('\\n')"""
# What does not fit: text behind an edge that hides it, and anything beyond the right edge of the window.
CUT = """[...document.querySelectorAll('body *')].filter((one) => one.offsetParent && !one.matches('option') && (
  one.getBoundingClientRect().right > innerWidth + 1 ||
  (one.scrollWidth > one.clientWidth + 1 && !['visible', 'auto'].includes(getComputedStyle(one).overflowX) &&
    !one.matches('input, textarea, select, .hidden, .skip')))).map((one) => one.outerHTML.slice(0, 200))"""

# Words of the mood grid for which there is no room: a browser breaks them anywhere.
BROKEN = """[...document.querySelectorAll('.grid .head')].filter((one) => {
  one.style.overflowWrap = 'normal', one.style.hyphens = 'none';
  const broken = one.scrollWidth > one.clientWidth;
  one.removeAttribute('style');
  return broken;
}).map((one) => one.innerText)"""

# The hour that comes twice is told apart, and a time is understood as it is typed there.
TIMES = """import(document.querySelector('script[type=module]').src.replace('app.js', 'times.js')).then((times) => {
  times.useZone('Europe/London');
  const at = (text) => times.clock(new Date(text));
  return {first: at('2026-10-25T00:30:00Z'), second: at('2026-10-25T01:30:00Z'), later: at('2026-10-25T02:30:00Z'),
    typed: ['13:20', '13.20', '13h20'].map((text) => times.clock(times.next(text))).join(' '),
    day: times.date('2026-10-25T12:00:00Z')};
})"""


def english(language: str) -> list[tuple[str, re.Pattern[str]]]:
    """What the board says in English, as it would stand on the screen, where this language says it otherwise."""
    told = words.of(language).messages
    said = [one for pair in wording.messages() for one in pair if one]
    said += [text for one in shipped() for entry in one.entries for text in (entry.label, entry.anchor)]
    labels = [code for one in translations()[language].values() for code in one["codes"].values()]
    same = {text for forms in told.values() for text in forms} | {code["label"] for code in labels}
    found = []
    for message in dict.fromkeys(said):
        parts = [re.escape(part.strip()) for part in HOLE.split(message) if part.strip()]
        # A short word may be one of this language's, too: it is looked for as a whole line.
        if message in same or not parts or max(map(len, parts)) < 3:
            continue
        text = ".{1,80}?".join(parts)
        pattern = rf"(?<!\w){text}(?!\w)" if len(message) > 7 else rf"^\W*{text}\W*$"
        found.append((message, re.compile(pattern, re.MULTILINE)))
    return found


def whole(screen: Tab, language: str) -> None:
    """Nothing of what is on the screen is English, and all of it can be read."""
    text = screen.run(READ).replace("A wing", "")
    assert [message for message, pattern in english(language) if pattern.search(text)] == [], text
    assert screen.run(CUT) == []
    assert screen.run("document.documentElement.scrollWidth") <= 1280


def test_a_shift_in_german_finds_no_english_word_and_nothing_cut_off(
    service: Service, browser: Browser, hartmann: Caller, ngata: Caller, weir: str
) -> None:
    ngata.note(
        weir,
        fact="Ruhig, seit der Besuch ausfiel.",
        attention="WATCH",
        if_then="Wenn wach: hingehen.",
        change="MUCH_WORSE",
    )
    with browser.open("about:blank#") as screen:
        screen.call("Network.setExtraHTTPHeaders", headers={"Accept-Language": "cy, en;q=0.5"})
        screen.go(f"{service.url}/board")
        screen.sees("Cyfrinair", "Enw defnyddiwr")
        screen.call("Network.setExtraHTTPHeaders", headers={})  # from here on it is the page that asks
        screen.focus("#language")
        screen.press("d")
        screen.sees("Passwort", "Benutzername")
        assert screen.run("[document.documentElement.lang, document.activeElement.id]") == ["de", "language"]
        screen.go(f"{service.url}/board?")
        screen.sees("Passwort")
        assert screen.run("document.documentElement.lang") == "de"
        screen.pardoned.append("status of 400")
        screen.login(hartmann.name, "geraten", sees="Benutzername und Passwort gehören nicht zusammen.")
        whole(screen, "de")

        screen.login(hartmann.name, PASSWORD, sees="aktuell")
        screen.sees("Sie sind Hartmann (Vollzugsbedienstete/r)", "BEOBACHTEN bis", "Ngata hat es gesehen")
        screen.sees("wenn es eintritt: Wenn wach", "Noch hat niemand übernommen".lower())
        assert sum(screen.sizes.values()) < 150_000
        whole(screen, "de")
        assert faults(screen) == []

        screen.press("w")
        screen.until("document.activeElement.id === 'in-who'")
        screen.type("wei")
        screen.until("document.querySelectorAll('.found [role=option]').length === 1")
        screen.press("Enter")
        screen.sees("woher ich es weiß", "gedrückt")
        whole(screen, "de")
        for width in (390, 640):
            sized(screen, width, 844)
            assert screen.run(BROKEN) == []
        sized(screen, 1280, 800)
        # Another language in the middle of a sentence: one goes on where one was.
        screen.focus("#in-fact")
        screen.insert("Isst")
        for key, said in (("n", "hoe ik het weet"), ("d", "woher ich es weiß")):
            screen.focus("#language")
            screen.press(key)
            screen.sees(said)
            screen.until("document.activeElement.id === 'in-fact' && document.activeElement.value.startsWith('Isst')")
            screen.type("!")
        assert screen.run("document.activeElement.value") == "Isst!!"
        screen.run("document.activeElement.select()")
        screen.press("Backspace")
        screen.focus("[data-step=mood] [tabindex='0']")
        screen.press("ArrowUp", "ArrowLeft", "Enter", "1", "1")
        screen.insert("Isst wieder.")
        screen.focus("#in-needs")
        screen.insert("telefon! 18:00 Anruf bei der Tochter")
        screen.sees("Telefon, zugesagt, 18:00, Anruf bei der Tochter")
        screen.press("Enter", "ctrl+Enter")
        screen.sees("Festgehalten", "Telefon, zugesagt")
        whole(screen, "de")

        screen.press("t")
        screen.sees("A wing übergeben", "1 Person braucht Beachtung", "1 Anliegen offen")
        whole(screen, "de")
        screen.press("1", "ctrl+Enter")
        screen.sees("Sie haben A wing um", "→ ")
        whole(screen, "de")
        screen.press("Escape", "/")
        screen.type("weir")
        screen.until("document.querySelectorAll('.found [role=option]').length === 1")
        screen.press("Enter")
        screen.sees("dasselbe als Tabelle", "Stimmung gedrückt, Antrieb verlangsamt")
        whole(screen, "de")

        screen.press("Escape")
        screen.run("window.print = () => { window.printed = true; }")
        screen.press("p")
        screen.until("window.printed === true")
        screen.sees("Nach der nächsten Übergabe nicht mehr gültig.", "Bestand erwartet")
        screen.press("Escape")
        screen.sees("braucht Sie (1)")
        screen.focus("#language")
        screen.press("c")
        screen.sees("eich angen chi (1)", "galwad ffôn, wedi addo", "heb eu hanfon")
        whole(screen, "cy")
        assert re.search(r"A wing · (Sul|Llun|Maw|Mer|Iau|Gwen|Sad) \d+ \w+ · sifft", screen.run(READ))
        screen.until("document.activeElement.id !== 'language'")  # letters do again what they say
        screen.focus("#language")
        screen.press("f")
        screen.sees("a besoin de vous (1)", "beaucoup moins bien")
        assert re.search(r"A wing · \w+\. \d+ \w+\.? · service (du matin|du soir|de nuit)", screen.run(READ))
        whole(screen, "fr")
        assert screen.run(TIMES) == {
            "first": "01:30 BST",
            "second": "01:30 GMT",
            "later": "02:30",
            "typed": "13:20 13:20 13:20",
            "day": "25 oct.",
        }
    [note] = hartmann.all("/v1/notes", inmate=weir, author=hartmann.name)
    assert (note["mood"]["valence"], note["change"], note["needs"][0]["code"]) == (-1, "MUCH_WORSE", "PHONE"), (
        "codes stay"
    )


WITHOUT_WORDS = """localStorage.setItem('handover.language', 'de'); ((asks) => {
  window.fetch = (at, given) => (/words\\.de/.test(at) ? Promise.resolve(new Response(%s)) : asks(at, given));
})(window.fetch)"""


@pytest.mark.parametrize("says", ['\'{"messages": {"Pass\'', "'{}', {status: 503}"], ids=["cut short", "refused"])
def test_a_board_whose_words_do_not_come_speaks_english(
    service: Service, browser: Browser, hartmann: Caller, weir: str, says: str
) -> None:
    with browser.open(service.url, script=WITHOUT_WORDS % says) as screen:
        screen.sees("Password", "User name")
        screen.login(hartmann.name, PASSWORD)
        screen.sees("everyone (1)")
        assert screen.run("document.documentElement.lang") == "en"
