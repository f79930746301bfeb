"""Hartmann types as people talk; what reaches the service are codes, or a question back."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from handover.schemas.accounts import Me, Posting
from handover.schemas.codelists import CodeList
from handover.terminal import shorthand
from handover.terminal.compose import Typed, compose, option_for
from handover.terminal.unclear import Unclear, UnknownWord
from handover.terminal.words import Vocabulary, handy, matches
from tests.support.terminals import served_lists

LONDON = ZoneInfo("Europe/London")
NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
HARTMANN = Me(
    kind="user",
    username="l.hartmann",
    name="L. Hartmann",
    role="officer",
    establishments=["ALM"],
    units=["A"],
    postings=[Posting(establishment="ALM", units=["A", "H"])],
    scopes=[],
    handling=["UNIT"],
    practice=False,
)


@pytest.fixture(scope="module")
def lists() -> dict[str, CodeList]:
    return served_lists()


@pytest.fixture
def words(lists: dict[str, CodeList]) -> Vocabulary:
    return Vocabulary(lists)


def note(words: Vocabulary, inmate: str | None = "A4417KD", **typed: Any) -> dict[str, Any]:
    typed.setdefault("basis", [("--saw", "")])
    draft = compose(Typed(inmate=inmate, **typed), words, HARTMANN, NOW, LONDON)
    return draft.model_dump(mode="json", exclude_defaults=True)


@pytest.mark.parametrize(
    ("list_", "typed", "code"),
    [
        ("indicators", "WITHDRAWN", "WITHDRAWN"),
        ("indicators", "gone quiet", "WITHDRAWN"),
        ("indicators", "Gone-Quiet", "WITHDRAWN"),
        ("indicators", "tear", "TEARFUL"),
        ("change", "worse", "WORSE"),
        ("change", "dont know", "DONT_KNOW_PERSON"),
        ("change", "don’t know", "DONT_KNOW_PERSON"),
        ("needs", "phone", "PHONE"),
        ("place", "meds hatch", "HEALTHCARE"),
    ],
)
def test_the_words_officers_use_are_found(words: Vocabulary, list_: str, typed: str, code: str) -> None:
    assert words.code(list_, typed, "--x") == code


def test_every_code_can_be_typed_by_the_word_that_is_offered_for_it(lists: dict[str, CodeList]) -> None:
    for one in lists.values():
        for entry in one.items:
            assert [found.code for found in matches(one.items, handy(entry))] == [entry.code], (one.name, entry.code)


def test_a_slip_is_answered_with_the_nearest_words_and_when_to_use_them(words: Vocabulary) -> None:
    with pytest.raises(UnknownWord) as asked:
        words.code("indicators", "withdrwn", "--sign")
    assert "Did you mean" in str(asked.value)
    assert "withdrawn" in str(asked.value)
    assert "Stays behind the door" in str(asked.value)


def test_a_beginning_that_several_share_is_asked_about(words: Vocabulary) -> None:
    with pytest.raises(Unclear, match="could be several") as asked:
        words.code("indicators", "say", "--sign")
    assert "say-self-harm" in str(asked.value)
    assert "say-escape" in str(asked.value)


def test_one_letter_is_never_enough(words: Vocabulary) -> None:
    with pytest.raises(UnknownWord):
        words.code("handling", "h", "--handling")


def test_a_retired_word_is_not_taken(lists: dict[str, CodeList]) -> None:
    needs = lists["needs"]
    retired = [item.model_copy(update={"active": False}) if item.code == "MAIL" else item for item in needs.items]
    words = Vocabulary({"needs": needs.model_copy(update={"items": retired})})
    with pytest.raises(UnknownWord, match="no longer used"):
        words.code("needs", "letters", "--need")


@pytest.mark.parametrize(
    ("typed", "mood"),
    [
        (["low"], {"valence": -1}),
        (["low/slow"], {"valence": -1, "energy": 1}),
        (["low", "slow"], {"valence": -1, "energy": 1}),
        (["restless/low"], {"valence": -1, "energy": 3}),
        (["/restless"], {"energy": 3}),
        (["restless"], {"energy": 3}),
        (["ordinary/ordinary"], {"valence": 0, "energy": 2}),
        (["-1/1"], {"valence": -1, "energy": 1}),
        (["low/slow/own words"], {"valence": -1, "energy": 1, "source": "SELF_REPORTED"}),
        (["asleep"], {"not_observed": "ASLEEP"}),
        (["not seen"], {"not_observed": "NOT_SEEN"}),
        (["out"], {"not_observed": "AWAY"}),
    ],
)
def test_moods_are_said_in_words(words: Vocabulary, typed: list[str], mood: dict[str, Any]) -> None:
    assert shorthand.mood(typed, words) == mood


@pytest.mark.parametrize("typed", [["low/good"], ["asleep/slow"], ["own words"], [""], ["miserabel"], ["lo"]])
def test_moods_that_cannot_be_meant_are_asked_about(words: Vocabulary, typed: list[str]) -> None:
    with pytest.raises(Unclear):
        shorthand.mood(typed, words)


@pytest.mark.parametrize(
    ("typed", "need"),
    [
        ("phone", {"code": "PHONE"}),
        ("phone!promised", {"code": "PHONE", "promised": True}),
        ("phone!", {"code": "PHONE", "promised": True}),
        ("phone!p", {"code": "PHONE", "promised": True}),
        ("phone,prom,this", {"code": "PHONE", "promised": True, "urgency": "THIS_SHIFT"}),
        ("phone,promised,now", {"code": "PHONE", "promised": True, "urgency": "NOW"}),
        ("phone!promised!this shift", {"code": "PHONE", "promised": True, "urgency": "THIS_SHIFT"}),
        ("phone@18:00", {"code": "PHONE", "due_at": datetime(2026, 11, 23, 18, 0, tzinfo=UTC)}),
        ("phone@1800", {"code": "PHONE", "due_at": datetime(2026, 11, 23, 18, 0, tzinfo=UTC)}),
        ("phone@tomorrow 09:00", {"code": "PHONE", "due_at": datetime(2026, 11, 24, 9, 0, tzinfo=UTC)}),
        ("phone: call to his daughter", {"code": "PHONE", "detail": "call to his daughter"}),
        (
            "phone!promised@18:00:call to his daughter: she waits",
            {
                "code": "PHONE",
                "promised": True,
                "due_at": datetime(2026, 11, 23, 18, 0, tzinfo=UTC),
                "detail": "call to his daughter: she waits",
            },
        ),
        (
            "cell@2026-11-24T09:00:00+01:00!next shift:bedding",
            {
                "code": "CELL",
                "due_at": datetime(2026, 11, 24, 8, 0, tzinfo=UTC),
                "urgency": "NEXT_SHIFT",
                "detail": "bedding",
            },
        ),
    ],
)
def test_needs_are_said_with_promise_urgency_time_and_detail(
    words: Vocabulary, typed: str, need: dict[str, Any]
) -> None:
    assert shorthand.need(typed, words, NOW, LONDON) == need


def test_a_misspelt_promise_is_offered_as_it_is_spelt(words: Vocabulary) -> None:
    with pytest.raises(UnknownWord, match=r"promissed.*not in the list(.|\n)*Did you mean:\n  promised "):
        shorthand.need("phone!promissed", words, NOW, UTC)


@pytest.mark.parametrize("typed", ["", "!promised", "phone@", "phone@18", "phone!promissed", "fone"])
def test_needs_that_cannot_be_meant_are_asked_about(words: Vocabulary, typed: str) -> None:
    with pytest.raises(Unclear):
        shorthand.need(typed, words, NOW, LONDON)


def test_the_whole_note_from_one_line(words: Vocabulary) -> None:
    assert note(
        words,
        "a4417kd",
        basis=[("--told-by-person", "Says the visit was cancelled and nobody told him.")],
        mood=["low/slow"],
        change=["worse"],
        sign=["gone quiet:new", "no show"],
        need=["phone!promised"],
        did=["listened=helped"],
        think=["He blames himself."],
        sure=["hunch"],
        opening=True,
        watch=True,
        until=["tomorrow 09:00"],
        if_then=["If he is awake after 22:00: sit down and talk."],
        place=["visits"],
        at=["13:40"],
    ) == {
        "inmate": "A4417KD",
        "basis": "TOLD_BY_PERSON",
        "fact": "Says the visit was cancelled and nobody told him.",
        "mood": {"valence": -1, "energy": 1},
        "change": "WORSE",
        "indicators": [{"code": "WITHDRAWN", "trend": "NEW"}, {"code": "VISIT_MISSED"}],
        "needs": [{"code": "PHONE", "promised": True}],
        "responses": [{"code": "LISTENED", "effect": "HELPED"}],
        "opinion": "He blames himself.",
        "confidence": "LOW",
        "opening": True,
        "attention": "WATCH",
        "attention_until": "2026-11-24T09:00:00Z",
        "if_then": "If he is awake after 22:00: sit down and talk.",
        "place": "VISITS",
        "occurred_at": "2026-11-23T13:40:00Z",
    }


def test_a_wing_note_knows_its_prison_from_the_unit(words: Vocabulary) -> None:
    found = note(words, None, unit=["h"], basis=[("--heard", "Grumbling at the servery.")])
    assert (found["establishment"], found["unit"]) == ("ALM", "H")


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"basis": []}, "Say how you know"),
        ({"basis": [("--saw", "a"), ("--heard", "b")]}, "one source"),
        ({"basis": [("--saw", "a"), ("--saw", "b")]}, "one source"),
        ({}, "says something"),
        ({"change": ["worse"], "sure": ["low"]}, "--think"),
        ({"change": ["worse"], "watch": True, "act_now": True}, "not both"),
        ({"change": ["worse"], "until": ["18:00"]}, "--watch or --act-now"),
        ({"change": ["worse", "better"]}, "--change was given 2 times"),
        ({"basis": [("--saw", "x" * 1001)]}, "1000"),
        ({"need": ["phone:" + "x" * 501]}, "--need no. 1"),
        ({"inmate": None}, "Whom is it about"),
        ({"inmate": None, "unit": ["A"], "change": ["worse"]}, "one person"),
    ],
)
def test_what_cannot_be_a_note_is_said_in_the_names_of_the_options(
    words: Vocabulary, typed: dict[str, Any], told: str
) -> None:
    with pytest.raises(Unclear, match=told):
        note(words, **{"inmate": "A4417KD", **typed})


def test_without_lists_codes_are_taken_as_written_and_said_to_be_unchecked() -> None:
    words = Vocabulary({})
    found = note(words, mood=["very low/restless"], sign=["say self harm"], need=["phone!promised"], change=["worse"])
    assert found["mood"] == {"valence": -2, "energy": 3}
    assert found["indicators"] == [{"code": "SAY_SELF_HARM"}]
    assert words.unchecked == ["--change WORSE", "--sign SAY_SELF_HARM", "--need PHONE"]


def test_a_refusal_names_the_option_and_not_the_field() -> None:
    assert option_for("/needs/1/code") == "--need no. 2"
    assert option_for("/attention_until") == "--until"
    assert option_for("/inmate") == "INMATE"
