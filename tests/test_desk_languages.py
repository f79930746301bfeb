"""The whole screen in other languages: every word is in every catalogue, times are typed and read as people say them,
nothing is cut off at 80×24, and what a program reads stays the same."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import httpx
import pytest

from handover import languages
from handover.client.codelists import kept_lists, lists_for
from handover.client.http import Api
from handover.schemas.codelists import CodeEntry, CodeList, CodeLists
from handover.terminal import tongue
from handover.terminal.screens.frame import Frame
from handover.terminal.screens.lock import Lock
from handover.terminal.screens.prompts import harsh
from handover.terminal.screens.steps import STEPS, fitting
from handover.terminal.times import coming, past, shown
from handover.terminal.tongue import plural, t
from handover.terminal.words import Vocabulary
from tests.support import desk_wording
from tests.support.lines import on_a_line
from tests.support.outage import Outage
from tests.support.seats import Seat, pc, sitting
from tests.support.service import Caller
from tests.support.terminals import Terminal

LANGUAGES = ("cy", "de", "es", "fr", "nl")
WIDTH = 80
MID_WORD = re.compile(r"\w…")
EVENING = datetime(2026, 11, 25, 18, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def english_again() -> Iterator[None]:
    yield
    tongue.speak("en")


# --- the catalogues --------------------------------------------------------------------------------------------------


def test_no_word_is_put_together_where_nobody_can_find_it() -> None:
    assert desk_wording.built() == []
    assert len(desk_wording.messages()) > 500


def test_the_template_for_translators_is_up_to_date() -> None:
    assert desk_wording.TEMPLATE.read_text("utf-8") == desk_wording.template(), "python -m tests.support.desk_wording"


def places(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)", text))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_says_everything_with_the_same_names_to_fill_in(language: str) -> None:
    told = languages.catalogue("handover.terminal", language)
    forms = {told.form(number) for number in range(200)}
    assert forms == set(range(told.forms))
    for one, many in desk_wording.messages():
        said = told.messages.get(one, ())
        assert len(said) == (1 if many is None else told.forms), one
        wanted = places(one) | places(many or "")
        for form in said:
            # Where a form is for one number alone, it may say that in words.
            assert places(form) in (wanted, wanted - {"n"} if many is not None else wanted), form
            assert form[:1] != " " != form[-1:], form


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_the_lists_of_days_and_months_are_whole_and_every_line_of_keys_fits(language: str) -> None:
    tongue.speak(language)
    days = [shown(EVENING + timedelta(days=n), EVENING, UTC).split()[0] for n in range(1, 7)]
    assert len(set(days)) == 6
    months = [shown(datetime(2026, month, 1, tzinfo=UTC), EVENING, UTC).split()[1] for month in range(1, 11)]
    assert len(set(months)) == 10
    keys = {one.KEYS for one in all_frames()} | {one for one, _ in desk_wording.messages() if " · " in one}
    assert [t(one) for one in keys if len(t(one)) > WIDTH - 1] == []
    assert [t(one.label) for one in STEPS if len(t(one.label)) > 17] == []
    behind = {"mood": f" · {t('a asleep, w away, n not seen')}"}
    asked = [f"─ {t(one.ask)}{behind.get(one.name, '')} " for one in STEPS]
    assert [one for one in asked if len(one) > WIDTH] == []


def all_frames() -> list[type[Frame]]:
    found = Frame.__subclasses__()
    for one in found:
        found += one.__subclasses__()
    return found


# --- which language --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "de"),
        ({"LANG": "de_DE.UTF-8", "LC_MESSAGES": "fr_BE"}, "fr"),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LC_ALL": "es_ES", "HANDOVER_LANG": "cy"}, "cy"),
        ({"LANG": "nl"}, "nl"),
        ({"LANG": "sv_SE.UTF-8"}, "en"),
    ],
)
def test_a_terminal_speaks_the_language_of_its_machine(
    environment: dict[str, str], language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HANDOVER_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert tongue.asked() == language
    assert tongue.asked("nl_NL") == "nl"


def test_a_command_says_it_in_that_language_and_tells_a_program_the_same_as_ever(
    outage: Outage, tmp_path: Path
) -> None:
    ngata = outage.prison.hire("ngata", "officer", "A")
    english, german = (
        Terminal(tmp_path / one, outage.url, more={"HANDOVER_LANG": one, "LC_ALL": "C.UTF-8"}) for one in ("en", "de")
    )
    english.login(ngata)
    german.login(ngata)
    assert "not offered yet; it is to be accepted by" in english.run("sheet").stdout
    assert "noch nicht angeboten; anzunehmen bis" in german.run("sheet").stdout
    asked = ("sheet", "--unit", "zz")
    assert "eine solche Abteilung gibt es nicht" in german.run(*asked).stderr
    told, gesagt = (one.run(*asked, "--json") for one in (english, german))
    assert (gesagt.stderr, gesagt.exit_code) == (told.stderr, told.exit_code)
    assert "there is no such unit" in gesagt.stderr
    assert [one.name for one in german.files("codelists*.json")] == ["codelists.de.json"]
    with on_a_line(german, "desk", "--lang", "cy") as screen:
        screen.until("chi yw Ngata", "eich angen chi", "? mwy")
    refused = german.run("desk", "--lang", "sv")
    assert refused.exit_code == 2
    assert "en, cy, de, es, fr, nl" in refused.stderr


# --- words and times -------------------------------------------------------------------------------------------------


def test_times_are_typed_and_read_as_people_say_them() -> None:
    at = datetime(2026, 11, 24, 21, 15, tzinfo=UTC)
    said = {
        "en": ("yesterday 21:15", "mon 21:15", "20m ago", "in 2h", "Tue 21:15"),
        "cy": ("ddoe 21:15", "llun 21:15", "20 munud yn ôl", "ymhen 2 awr", "Maw 21:15"),
        "de": ("gestern 21:15", "mo 21:15", "vor 20 min", "in 2 Stunden", "Di 21:15"),
        "es": ("ayer 21:15", "lun 21:15", "hace 20 minutos", "en 2 h", "mar 21:15"),
        "fr": ("hier 21:15", "lun. 21:15", "il y a 20 min", "dans 2 heures", "mar. 21:15"),
        "nl": ("gisteren 21:15", "ma 21:15", "20 min geleden", "over 2 uur", "di 21:15"),
    }
    for language, (day_before, monday, ago, ahead, read) in said.items():
        tongue.speak(language)
        assert past(day_before, EVENING, UTC) == at, language
        assert past(monday, EVENING, UTC) == at - timedelta(days=1), language
        assert past(ago, EVENING, UTC) == EVENING - timedelta(minutes=20), language
        assert coming(ahead, EVENING, UTC, "--until") == EVENING + timedelta(hours=2), language
        assert shown(at, EVENING, UTC) == read
        # Who has learnt to type it in English keeps that.
        assert past("yesterday 21:15", EVENING, UTC) == past("20m ago", at + timedelta(minutes=20), UTC) == at
    tongue.speak("es")
    assert past("sabado 9:00", EVENING, UTC) == datetime(2026, 11, 21, 9, tzinfo=UTC), "not every keyboard has an á"
    tongue.speak("fr")
    assert coming("aujourd'hui 19:00", EVENING, UTC, "--until") == EVENING + timedelta(hours=1)


def test_a_hard_word_is_one_in_each_language() -> None:
    tongue.speak("de")
    assert harsh("Er ist ein Idiot.") == "Idiot"
    tongue.speak("fr")
    assert harsh("Une racaille, dit-on.") == "racaille"
    assert harsh("Il a crié deux fois.") is None


def labelled(language: str) -> CodeLists:
    phone = CodeEntry(
        code="PHONE",
        label={"en": "Phone call", "fr": "Appel téléphonique"}.get(language, "Phone call"),
        anchor="A call to family.",
        group=None,
        words=["phone"],
        forces=None,
        version=1,
        active=True,
    )
    return CodeLists(items=[CodeList(name="needs", title="Needs", version=1, items=[phone])])


def test_code_lists_are_asked_for_and_kept_by_language_and_typed_in_it(tmp_path: Path) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        language = request.headers["accept-language"]
        assert request.headers.get("if-none-match") in (None, f'"{language}"'), "an ETag is of one language"
        return httpx.Response(200, text=labelled(language).model_dump_json(), headers={"etag": f'"{language}"'})

    server = pc(tmp_path, "http://127.0.0.1:9")
    with Api(server, transport=httpx.MockTransport(answer)) as api:
        for language, label in (("fr", "Appel téléphonique"), ("en", "Phone call"), ("fr", "Appel téléphonique")):
            assert lists_for(api, language)["needs"].items[0].label == label
    assert kept_lists(server, "fr")["needs"].items[0].label == "Appel téléphonique"
    assert kept_lists(server, "cy")["needs"].items[0].label == "Phone call", "better than none"
    tongue.speak("fr")
    words = Vocabulary(kept_lists(server, "fr"))
    needs = next(one for one in STEPS if one.name == "needs")
    [(typed, entry)] = fitting(needs, words, "app")
    assert (typed, entry.code) == ("appel-téléphonique", "PHONE")
    assert words.code("needs", typed, "--need") == words.code("needs", "phone", "--need") == "PHONE"


# --- 80×24 -----------------------------------------------------------------------------------------------------------


async def test_nothing_is_cut_off_in_any_language_that_is_not_in_english(outage: Outage, tmp_path: Path) -> None:
    ngata, hartmann = (outage.prison.hire(name, "officer", "A") for name in ("ngata", "hartmann"))
    weir = outage.prison.receive("A4417KD", name="Weir, J.", cell="A1-07")
    hartmann.note(weir, fact="Sat alone.", attention="WATCH", needs=[{"code": "PHONE", "promised": True}])
    english: dict[str, str] = {}
    cut: list[str] = []
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("everyone (1)", "up to date", "Weir, J.")
        for language in ("en", *LANGUAGES):
            tongue.speak(language)
            api = seat.app.station.desk.api
            seat.app.station.lists = await seat.meanwhile(partial(lists_for, api, language))
            for name, text in [*(await before_an_offer(seat)), *(await locked(seat))]:
                compare(language, name, text, english, cut)
        tongue.speak("en")
        await seat.meanwhile(lambda: offer(outage, hartmann))
        await seat.until("1 NEW")
        for language in ("en", *LANGUAGES):
            tongue.speak(language)
            for name, text in await taking_over(seat):
                compare(language, name, text, english, cut)
    assert cut == []


async def test_what_is_about_safety_is_never_cut_off_at_the_top(outage: Outage, tmp_path: Path) -> None:
    name = "bartholomew-somerton"
    somerton, hartmann = (outage.prison.hire(one, "officer", "A") for one in (name, "hartmann"))
    assert len(name) == 20
    weir = outage.prison.receive("A4417KD", name="Weir, J.", cell="A1-07")
    async with sitting(tmp_path / "office", somerton, outage.url) as seat:
        await seat.until("everyone (1)", f"you are {name.title()} · up to date")
        for n in range(9):
            hartmann.note(weir, fact=f"Sat alone, {n}.")
        await seat.until("9 NEW")
        offer(outage, somerton)
        await seat.until("offered by Bartholomew-Somerton, NOT ACCEPTED")
        wing = seat.app.station.unit
        assert wing is not None
        seat.app.not_sent = lambda: 12  # type: ignore[method-assign]
        for connected in (True, False):
            if not connected:
                hartmann.note(weir, fact="Two men at his door.", attention="ACT_NOW")
                await seat.until("1 PAGE")
                await seat.press("escape")
                await seat.meanwhile(outage.goes_away)
                await seat.until("NOT CONNECTED")
            for language in ("en", *LANGUAGES):
                tongue.speak(language)
                seat.app.station.unit = replace(wing, name=f"{t('PRACTICE')} · A wing")  # as there
                seat.app.changed()
                where, line = seat.text.splitlines()[:2]
                assert len(where) <= WIDTH, where
                assert re.search(r"\d\d:\d\d", where), where
                wanted = [name.title()[:5], t("not sent: {n}", n=12), plural("{n} NEW", "{n} NEW", 9)]
                if not connected:
                    blind = t("NOT CONNECTED {since}", since="").strip()
                    wanted = [wanted[1], plural("{n} PAGE", "{n} PAGES", 1), blind, t("RADIO")]
                assert [one for one in wanted if one.casefold() not in line.casefold()] == [], line
                assert connected or re.search(r"\d\d:\d\d", line), line
                assert len(line) <= WIDTH
                assert line[-1] != "…", line
            tongue.speak("en")


def offer(outage: Outage, by: Caller) -> None:
    by.post("/v1/handovers", {"establishment": outage.prison.code, "unit": "A", "roll_expected": 1})


async def before_an_offer(seat: Seat) -> list[tuple[str, str]]:
    """The unit, somebody, a note step by step, handing over."""
    await seat.press("n")
    found = [("unit", await seat.until(t("As it stands now."), t("needs you ({n})", n=1)))]
    await seat.press(*"/a107", "enter")
    found.append(("person", await seat.until("Sat alone.", t("what worked, and what did not"))))
    await seat.press("t")
    found.append(("person, table", seat.text))
    await seat.press("escape", "w", *t("unit"))
    found.append(("whom", await seat.until(t("{wing} itself: climate, roll, what goes on", wing="A wing"))))
    await seat.press("escape", *"wa107", "enter")
    await seat.until(t("WRITE about {whom}", whom="Weir"))
    steps = [one for one in STEPS if one.name != "sure"]  # without an opinion there is nothing to be sure of
    at = 0
    for name in ("mood", "change", "basis", "needs", "opening", "place", "handling"):
        number = next(n for n, one in enumerate(steps) if one.name == name)
        await seat.press(*["tab"] * (number - at))
        at = number
        found.append((f"write, {name}", await seat.until(t(steps[at].ask)[:30])))
    await seat.press("escape")
    await seat.press("h")
    found.append(("hand over", await seat.until(t("How many did you count? (Enter: not counted)"))))
    await seat.press("enter")
    found.append(("hand over, remarks", await seat.until(t("What belongs to nobody in particular (Enter: nothing)"))))
    await seat.press("escape")
    return found


async def locked(seat: Seat) -> list[tuple[str, str]]:
    seat.app.push_screen(Lock("ngata", t("Locked: nobody has pressed a key for a while.")))
    text = await seat.until(t("password"))
    seat.app.pop_screen()
    return [("lock", text)]


async def taking_over(seat: Seat) -> list[tuple[str, str]]:
    """The walk, the count, one's own words; and nothing is accepted."""
    await seat.press("t")
    found = [("take over", await seat.until("Sat alone.", t("{n} of {many}", n=1, many=1)))]
    await seat.press("y")
    found.append(("take over, roll", await seat.until(t("the last words"))))
    await seat.press("5", "enter")
    found.append(
        (
            "take over, why",
            await seat.until(t("{expected} offered, {roll} counted. Count again, or say why", expected=1, roll=5)),
        )
    )
    await seat.press("1", "enter")
    found.append(("take over, words", await seat.until(t("The handover in your own words, then Enter: it is yours"))))
    await seat.press("escape", "escape")
    await seat.until(t("Nothing was accepted. It still waits: t"))
    return found


def compare(language: str, name: str, text: str, english: dict[str, str], cut: list[str]) -> None:
    """What is cut off in the middle of a word more often than the English."""
    if language == "en":
        english[name] = text
        return
    if len(MID_WORD.findall(text)) > len(MID_WORD.findall(english[name])):
        cut += [f"{language}, {name}: {line}" for line in text.splitlines() if MID_WORD.search(line)]
