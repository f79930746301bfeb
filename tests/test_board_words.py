"""Other languages at the board: every word can be translated, by gettext's rules; a language is whole or not there."""

import json

import pytest

from handover import languages
from handover.board import statics, words
from handover.board.statics import File
from tests.support import wording
from tests.support.boards import browser, database_url
from tests.support.browser import Browser
from tests.support.service import PASSWORD, Caller, Prison, Service

__all__ = ["browser", "database_url"]
WELSH = """
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"
"Plural-Forms: nplurals=4; plural=(n==1) ? 0 : (n==2) ? 1 : (n != 8 && n != 11) ? 2 : 3;\\n"

#: gate.js
msgid "Password"
msgstr "Cyfrinair"

#: head.js
msgid "{n} not sent"
msgid_plural "{n} not sent"
msgstr[0] "un heb ei anfon"
msgstr[1] "dau heb eu hanfon"
msgstr[2] "{n} heb eu "
"hanfon"
msgstr[3] "{n} heb eu hanfon o gwbl"

#, fuzzy
msgid "User name"
msgstr "perhaps"
"""


def test_no_word_is_put_together_where_nobody_can_find_it() -> None:
    assert wording.built() == []
    assert len(wording.messages()) > 300


def test_the_template_for_translators_is_up_to_date() -> None:
    assert wording.TEMPLATE.read_text("utf-8") == wording.template(), "python -m tests.support.wording"


def test_a_language_that_is_shipped_is_whole() -> None:
    wanted = {one for one, _ in wording.messages()}
    for language, told in words.shipped().items():
        has = {one for one, said in json.loads(told)["messages"].items() if all(said)}
        assert wanted - has == set(), language


def test_a_catalogue_follows_gettexts_rules() -> None:
    told = json.loads(words.as_script(languages.parse(WELSH)))
    assert told["messages"]["Password"] == ["Cyfrinair"]
    assert told["messages"]["{n} not sent"][2] == "{n} heb eu hanfon"
    assert "User name" not in told["messages"]
    assert [told["forms"][number] for number in (0, 1, 2, 3, 8, 11, 100)] == [2, 0, 1, 2, 3, 3, 2]
    welsh = languages.parse(WELSH)
    assert (welsh.one("Password"), welsh.one("User name")) == ("Cyfrinair", "User name")
    assert welsh.many("{n} not sent", "{n} not sent", 2) == "dau heb eu hanfon"
    assert [welsh.many("{n} page", "{n} pages", number) for number in (1, 2)] == ["{n} page", "{n} pages"]


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        ("cy-GB,en;q=0.8", "cy"),
        ("fr;q=0.9,cy;q=0.8", "cy"),
        ("en,cy", "en"),
        ("fr", "en"),
        ("", "en"),
        (";q=x,*", "en"),
    ],
)
def test_a_browser_gets_the_language_it_asks_for_first(accept: str, language: str) -> None:
    assert languages.best(accept, frozenset({"cy"})) == language


def test_the_board_speaks_it(
    service: Service, browser: Browser, prison: Prison, hartmann: Caller, weir: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = words.as_script(languages.parse(WELSH))
    monkeypatch.setitem(statics.FILES, "words.cy.json", File("application/json", told, told))
    with browser.open("about:blank#") as screen:
        screen.call("Network.setExtraHTTPHeaders", headers={"Accept-Language": "cy", "Accept-Encoding": "identity"})
        screen.go(f"{service.url}/board")
        screen.sees("Cyfrinair", "User name")
        assert screen.run("document.documentElement.lang") == "cy"
        screen.login(hartmann.name, PASSWORD)
        screen.sees("0 heb eu hanfon")
