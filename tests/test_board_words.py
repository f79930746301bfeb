"""Other languages at the board: every word can be translated, by gettext's rules; a language is whole or not there."""

import json
import re

import pytest

from handover import languages
from handover.board import words
from handover.domain.codelists import shipped, translated
from handover.schemas.exercises import exercises
from tests.support import wording

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


HOLE = re.compile(r"\{\w+\}")


@pytest.mark.parametrize("language", words.offered())
def test_a_language_that_is_shipped_is_whole_and_has_the_same_holes_to_fill(language: str) -> None:
    told = words.of(language)
    asked = wording.messages()
    assert [one for one, _ in asked if one not in told.messages] == []
    assert set(told.messages) == {one for one, _ in asked}, (
        "python -m tests.support.wording takes out what is said no more"
    )
    for one, many in asked:
        said = told.messages[one]
        assert len(said) == (told.forms if many else 1), one
        for form in said:
            assert sorted(HOLE.findall(form)) == sorted(HOLE.findall(one)), (one, form)
            assert form.endswith(" ") == one.endswith(" "), (one, form)


def test_a_message_is_said_with_a_number_or_without_and_not_both() -> None:
    asked = [one for one, _ in wording.messages()]
    assert sorted(asked) == sorted(set(asked))


def test_there_are_the_languages_of_the_house_and_each_counts_by_its_own_rule() -> None:
    assert words.offered() == ["cy", "de", "es", "fr", "nl"]
    counted = {name: [words.of(name).form(number) for number in range(8)] for name in words.offered()}
    assert counted["cy"] == [0, 1, 2, 3, 5, 5, 4, 5]
    assert counted["fr"] == [0, 0, 1, 1, 1, 1, 1, 1]
    assert counted["de"] == counted["es"] == counted["nl"] == [1, 0, 1, 1, 1, 1, 1, 1]
    people = "{n} person on the way", "{n} people on the way"
    welsh = [words.of("cy").many(*people, number).split()[1] for number in (1, 2, 3, 6, 11)]
    assert welsh == ["person", "berson", "pherson", "pherson", "person"]


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


OTHERWISE = {"de": r"\bstation", "es": r"\bgaler", "fr": r"\bunités?\b(?! sanitaire| de soins)", "nl": r"vleugel"}
"""What else a unit might be called. The one word: Abteilung (a Station is where the sick lie), módulo (a galería is a
landing of it), quartier (alone, unité is the health care), afdeling."""


@pytest.mark.parametrize("language", OTHERWISE)
def test_a_unit_is_called_the_same_on_every_screen_on_paper_in_the_lists_and_in_the_exercises(language: str) -> None:
    said = [exercises(language).model_dump_json()]
    for door in ("handover.board", "handover.terminal", "handover.api.paper"):
        told = languages.catalogue(door, language).messages
        said += [form for message, forms in told.items() if message != "wing" for form in forms]  # typed, never shown
    for one in shipped():
        for entry, english in zip(translated(one, language).entries, one.entries, strict=True):
            if not (language == "es" and "landing" in english.anchor.lower()):
                said += [entry.label, entry.anchor]
    assert len(said) > 900
    assert [text for text in said if re.search(OTHERWISE[language], text, re.IGNORECASE)] == []
