"""Writing at the whole screen: half a minute, eight decisions, and no word lost to a lock, a kill or a dead network."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any
from unittest.mock import Mock
from zoneinfo import ZoneInfo

import pytest

from handover import clock
from handover.client import drafts
from handover.client.drafts import Drafts
from handover.client.http import Api
from handover.client.outbox import Outbox
from handover.client.refusals import CannotReach, ServerRefused, Trouble
from handover.client.sending import Round, send_all, send_everyones
from handover.client.server import Server
from handover.schemas.notes import NoteDraft
from handover.terminal import carrying
from handover.terminal.login import sit_down
from handover.terminal.screens import prompts, sending, writing
from handover.terminal.screens.beside import fetch
from handover.terminal.screens.station import Station
from tests.support.outage import Outage
from tests.support.outages import no_room
from tests.support.readers import eventually
from tests.support.seats import Seat, pc, sitting
from tests.support.service import PASSWORD, Caller, Prison
from tests.support.terminals import Terminal


@pytest.fixture
def prison(outage: Outage) -> Prison:
    return outage.prison


async def begins(seat: Seat, cell: str = "a107") -> None:
    await seat.until("everyone (")
    await seat.types(f"w{cell}", "enter")
    await seat.until("WRITE about")


async def writes_about_nobody_here(seat: Seat) -> None:
    """A number that nobody here has is asked about once; the server refuses it."""
    await seat.until("everyone (1)")
    await seat.types("wz9999zz", "enter", "enter")
    await seat.until("WRITE about Z9999ZZ")
    await seat.press("enter", "enter")
    await seat.types("1Hardly ate.")


async def writes_in_the_dark(seat: Seat, outage: Outage) -> None:
    await seat.until("everyone (1)")
    await seat.meanwhile(outage.goes_away)
    await seat.until("NOT CONNECTED")
    await begins(seat)
    await seat.press("enter", "enter")
    await seat.types("1Written in the dark.", "ctrl+s")
    await seat.until("Kept here, not sent: 1.")


async def test_a_routine_note_is_seven_decisions_and_a_sentence(
    outage: Outage, ngata: Caller, weir: str, tmp_path: Path
) -> None:
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("everyone (1)")
        decisions = 0
        # Who, mood, energy, compared with usual, how known, what happened, send. All without waiting for the screen.
        for keys in (["w", *"a107", "enter"], ["2"], ["2"], ["2"], ["1"], [*"quiet", "enter"], ["ctrl+s"]):
            decisions += 1
            await seat.press(*keys)
        assert decisions <= 8
        assert seat.pressed <= 20
        await seat.until("Recorded: Weir, J. (A1-07); mood low, slow, worse than usual.")
    (note,) = ngata.all("/v1/notes")
    assert (note["basis"], note["fact"], note["change"]) == ("SAW", "quiet", "WORSE")
    assert note["mood"] == {"valence": -1, "energy": 1, "source": "OBSERVED", "not_observed": None}
    assert (note["needs"], note["indicators"], note["attention"], note["place"]) == ([], [], "ROUTINE", None)


async def test_everything_a_note_can_say(outage: Outage, ngata: Caller, weir: str, tmp_path: Path) -> None:
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await begins(seat)
        await seat.types("2")
        await seat.until("2>Low", "Low: Answers when spoken to but adds nothing")
        await seat.types("4o")
        await seat.types("2")  # worse
        await seat.until("How do you know?")
        await seat.types("3Says nobody told him.", "enter")
        await seat.types("He blames himself.", "enter")
        await seat.until("How sure are you")
        await seat.types("1pho")
        await seat.until("phone", "Phone call: ")
        await seat.types("!@in 2h:call to his daughter", "enter", "enter")
        await seat.types("listened=he", "enter", "enter")
        await seat.types("withd", "enter", "enter")
        await seat.until("Who has to look out")
        await seat.types("2Sit down with him.", "enter")
        await seat.types("y3")
        await seat.types("10m ago", "enter", "ctrl+s")
        await seat.until("Recorded: Weir, J. (A1-07)")
    (note,) = ngata.all("/v1/notes")
    assert (note["basis"], note["fact"]) == ("TOLD_BY_PERSON", "Says nobody told him.")
    assert (note["opinion"], note["confidence"]) == ("He blames himself.", "LOW")
    assert (note["mood"]["valence"], note["mood"]["energy"]) == (-1, 3)
    (need,) = note["needs"]
    assert (need["code"], need["promised"], need["detail"]) == ("PHONE", True, "call to his daughter")
    assert note["responses"] == [{"code": "LISTENED", "effect": "HELPED"}]
    assert [one["code"] for one in note["indicators"]] == ["WITHDRAWN"]
    assert (note["attention"], note["if_then"], note["opening"]) == ("WATCH", "Sit down with him.", True)
    assert note["place"] == "SERVERY"
    assert note["occurred_at"] < note["captured_at"]


async def test_a_sentence_that_is_begun_where_something_is_chosen_is_not_lost(
    outage: Outage, ngata: Caller, weir: str, tmp_path: Path
) -> None:
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await begins(seat)
        await seat.types("H")
        await seat.until(
            "Here a key chooses: 1-5 a w n", "A sentence goes on under “what happened”", "How is he or she?"
        )
        await seat.types("2")
        await seat.until("2>Low")
        await seat.types("2Hit the 2nd door twice.")
        text = await seat.until("Hit the 2nd door twice.", "What happened: what you saw")
        assert "worse" not in text.casefold().split("what happened")[0], "nothing was chosen by it"
        await seat.press("shift+tab")
        await seat.until("How do you know?")
        await seat.types("no, I saw it")  # a second sentence joins the first
        await seat.until("Hit the 2nd door twice. no, I saw it")
        await seat.press("shift+tab")
        await seat.types("1", "ctrl+s")
        await seat.until("Recorded: Weir, J. (A1-07); mood low, slow.")
    (note,) = ngata.all("/v1/notes")
    assert (note["fact"], note["change"]) == ("Hit the 2nd door twice. no, I saw it", None)


async def test_nobody_was_seen_and_a_note_about_the_wing(
    outage: Outage, ngata: Caller, weir: str, tmp_path: Path
) -> None:
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await begins(seat)
        await seat.types("a", "enter")
        await seat.types("1", "ctrl+s")
        await seat.until("Recorded: Weir, J. (A1-07); asleep.")
        await seat.types("wwing", "enter")
        await seat.until("WRITE about the wing")
        assert "mood" not in seat.text
        await seat.types("2Grumbling at the servery.", "enter", "ctrl+s")
        await seat.until("Recorded: the wing.")
    wing, asleep = ngata.all("/v1/notes")
    assert asleep["mood"]["not_observed"] == "ASLEEP"
    assert (wing["inmate"], wing["unit"], wing["basis"]) == (None, "A", "HEARD")


async def test_what_is_missing_or_mistyped_is_said_at_its_field_and_nothing_is_sent(
    outage: Outage, ngata: Caller, weir: str, tmp_path: Path
) -> None:
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await begins(seat)
        await seat.press("ctrl+s")
        await seat.until("Not sent yet. how I know: say how you know", "! how I know", "! what happened")
        await seat.types("1", "enter", "enter")
        await seat.types("phnoe:now", "enter", "ctrl+s")
        text = await seat.until("Not sent yet. what is needed:", "phone")
        assert "--need" not in text
        await seat.press("delete", "backspace", "ctrl+s")
    assert ngata.all("/v1/notes") == []


async def test_an_entry_that_means_nothing_is_not_taken_and_a_taken_one_can_be_taken_out(
    outage: Outage, ngata: Caller, weir: str, tmp_path: Path
) -> None:
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await begins(seat)
        await seat.press("enter", "enter")
        await seat.types("1Talked for a while.", "enter", "enter")
        await seat.types("xyzzy", "enter")
        await seat.until("what is needed: 'xyzzy' is not in the list")
        await seat.press("ctrl+s")
        await seat.until("what is needed: 'xyzzy' is not in the list")
        await seat.press(*["backspace"] * 5)
        await seat.types("vis", "enter")
        await seat.types("pho!:call to his daughter", "enter")
        await seat.until("visit; phone!:call")
        await seat.types("mail", *["backspace"] * 9)  # held a little too long
        await seat.until("visit; phone!:call")
        await seat.press("delete")
        await seat.until("Taken out: phone!:call to his daughter")
        await seat.press("delete")
        await seat.until("Taken out: visit")
        await seat.types("mail", "enter", "enter")
        await seat.types("lis=helped", "enter")  # another prisoner who listens begins so as well
        await seat.until("listened=helped. Another one, or Enter to go on.")
        await seat.types("peer", "enter")
        await seat.until("listened=helped; peer-s")
        await seat.press("delete", "ctrl+s")
        await seat.until("Recorded: Weir, J. (A1-07)")
    (note,) = ngata.all("/v1/notes")
    assert [one["code"] for one in note["needs"]] == ["MAIL"]
    assert note["responses"] == [{"code": "LISTENED", "effect": "HELPED"}]


async def test_a_name_is_found_without_its_accents_and_is_never_taken_for_a_number_unasked(
    outage: Outage, ngata: Caller, weir: str, tmp_path: Path
) -> None:
    outage.prison.receive("A2222BB", name="Ó Briain, Seán", cell="A2-11")
    outage.prison.receive("A3333CC", name="Łukasz, B.", cell="A2-12")
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("everyone (3)")
        await seat.types("wsean", "enter")
        await seat.until("WRITE about Ó Briain, Seán (A2-11)")
        await seat.press("escape")
        await seat.until("everyone (3)")
        await seat.types("wlukasz", "enter")
        await seat.until("WRITE about Łukasz, B. (A2-12)")
        await seat.press("escape")
        await seat.until("everyone (3)")
        await seat.types("wseamus", "enter")
        await seat.until("SEAMUS: nobody here has that number. Enter again")
        assert "WRITE" not in seat.text
        await seat.press(*["backspace"] * 6)
        await seat.types("b7777cc", "enter", "enter")  # from a card: the roster is not all there is
        await seat.until("WRITE about B7777CC")


async def test_where_nobody_was_read_a_number_is_taken_at_once(
    outage: Outage, ngata: Caller, weir: str, tmp_path: Path
) -> None:
    await asyncio.to_thread(sit_down, pc(tmp_path / "office", outage.url), ngata.name, PASSWORD)
    outage.goes_away()
    async with sitting(tmp_path / "office", None, outage.url) as seat:
        await seat.until("NOT CONNECTED")
        await seat.types(f"w{weir.lower()}", "enter")
        await seat.until(f"WRITE about {weir}")


async def test_a_hard_word_and_the_same_words_again_are_asked_about_quietly(
    outage: Outage, ngata: Caller, weir: str, tmp_path: Path
) -> None:
    kane = outage.prison.receive("A2222BB", name="Kane, D.", cell="A2-11")
    ngata.note(weir, fact="Shouted at the hatch.", responses=[{"code": "LISTENED", "effect": "HELPED"}])
    ngata.note(kane, fact="Settled, no concerns today.")
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await begins(seat)
        text = await seat.until("worked: listened (Ngata")
        assert "Shouted at the hatch." in text, "the last three shifts stand beside the form"
        await seat.press("enter", "enter")
        await seat.types("1He is lazy.")
        await seat.until("“lazy” is a hard word. What did he or she do or say?", "Last time this helped: listened")
        await seat.press("ctrl+u")
        await seat.types("settled, no concerns today")
        text = await seat.until("the very same words about Kane, D. (A2-11)")
        assert "hard word" not in text
        await seat.press("ctrl+s")
        await seat.until("Recorded")


def test_what_is_a_hard_word_and_what_is_not() -> None:
    assert prompts.harsh("Typical attention-seeking again.") == "attention-seeking"
    assert prompts.harsh(None, "He is MANIPULATIVE.") == "MANIPULATIVE"
    assert prompts.harsh("Mental health team came. Not thickset.", "Quiet.") is None


async def test_a_draft_outlives_the_lock_and_belongs_to_its_author_alone(
    outage: Outage, ngata: Caller, weir: str, tmp_path: Path
) -> None:
    hartmann = outage.prison.hire("hartmann", "officer", "A")
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await begins(seat)
        await seat.types("22", "2")
        await seat.types("1Nobody told him ab", "ctrl+l")
        await seat.until("LOCKED")
        (draft,) = (tmp_path / "office").glob("handover/terminal/*/drafts/*/*.json")
        assert draft.stat().st_mode & 0o077 == 0
        assert json.loads(draft.read_text())["typed"]["fact"] == "Nobody told him ab"
        await seat.types(PASSWORD, "enter")
        await seat.until("WRITE about Weir", "Nobody told him ab")
        await seat.types("out the visit.", "ctrl+l")
        await seat.until("LOCKED")
        await seat.press("up")
        await seat.types(hartmann.name, "enter")
        await seat.types(PASSWORD, "enter")
        text = await seat.until("you are Hartmann", "everyone (1)")
        assert "draft" not in text
        await seat.types("w")
        await seat.until("about whom?")
        assert "DRAFT" not in seat.text
        await seat.press("escape")
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("1 draft", "everyone (1)")
        await seat.types("w")
        await seat.until("DRAFT, begun")
        await seat.press("enter")
        await seat.until("Nobody told him about t", "If it happened then, say so")
        await seat.press("ctrl+s")
        await seat.until("Recorded")
        assert not draft.exists()
    (note,) = ngata.all("/v1/notes")
    assert note["fact"] == "Nobody told him about the visit."


async def test_what_is_kept_by_a_command_beside_it_is_counted_at_the_desk_too(
    outage: Outage, ngata: Caller, weir: str, tmp_path: Path
) -> None:
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("everyone (1)", "up to date")
        await seat.meanwhile(outage.goes_away)
        await seat.until("NOT CONNECTED", "not sent: 0")
        beside = Terminal(tmp_path / "office", outage.url)
        said = await seat.meanwhile(lambda: beside.run("post", weir, "--saw", "Written in the dark."))
        assert said.exit_code == 3, said.output
        await seat.until("not sent: 1", within=10)


async def test_without_a_network_it_is_kept_counted_and_sent_later_with_its_time(
    outage: Outage, ngata: Caller, weir: str, tmp_path: Path
) -> None:
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("everyone (1)")
        await seat.meanwhile(outage.goes_away)
        await seat.until("NOT CONNECTED")
        await begins(seat)
        await seat.press("enter", "enter")
        await seat.types("1Written in the dark.", "ctrl+s")
        await seat.until("Kept here, not sent: 1.", "not sent: 1")
        await begins(seat)
        await seat.press("enter", "enter")
        await seat.types("1Two men at his door.", *["enter"] * 5)
        await seat.until("Who has to look out")
        await seat.types("3", "ctrl+s")
        await seat.until("USE THE RADIO. NOW.", "NOBODY HAS SEEN THIS", "Not sent: 2")
        await seat.types("xqr", "ctrl+g")
        await seat.until("not sent: 2", "needs you")
        await seat.meanwhile(outage.comes_back)
        await seat.press("n")  # or wait for the next try
        await seat.until("not sent: 0", "up to date")
    urgent, dark = outage.prison.service.login(ngata.name).all("/v1/notes")
    assert dark["fact"] == "Written in the dark."
    assert urgent["attention"] == "ACT_NOW"
    assert dark["occurred_at"] == dark["captured_at"]


async def test_where_the_disk_has_no_room_a_note_goes_from_memory_and_stays_on_the_form_where_it_cannot(
    outage: Outage, ngata: Caller, weir: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("everyone (1)")
        with monkeypatch.context() as disk:
            disk.setattr(Outbox, "put", no_room)
            outage.goes_away()
            await begins(seat)
            await seat.press("enter", "enter")
            await seat.types("1Two men at his door.", "ctrl+s")
            await seat.until("NOT kept and NOT sent: No space left on device. Use paper and the radio.")
            await seat.meanwhile(outage.comes_back)
            await seat.press("ctrl+s")
            await seat.until("everyone (1)", "Recorded: Weir, J. (A1-07)")
            disk.undo()
            disk.setattr(Outbox, "rewrite", no_room)
            await begins(seat)
            await seat.press("enter", "enter")
            await seat.types("1They have gone.", "ctrl+s")
            await seat.until("everyone (1)", "not sent: 1")
    notes = outage.prison.service.login(ngata.name).all("/v1/notes")
    assert [note["fact"] for note in notes] == ["Two men at his door."]


async def test_where_something_is_chosen_the_desk_can_be_locked_and_left_too(
    outage: Outage, ngata: Caller, weir: str, tmp_path: Path
) -> None:
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await begins(seat)
        await seat.until("How is he or she?")
        await seat.press("ctrl+l")
        await seat.until("LOCKED")
        await seat.types(PASSWORD, "enter")
        await seat.until("WRITE about Weir", "How is he or she?")
        await seat.press("ctrl+q")
        await seat.wait(lambda: not seat.app.is_running, "the end of the program")


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk keeps no finished note."""
    monkeypatch.setattr(Outbox, "put", no_room)


@pytest.fixture
def go_on(monkeypatch: pytest.MonkeyPatch) -> Event:
    """What goes from memory waits for this."""
    go_on = Event()

    def slowly(*args: Any, **options: Any) -> Round:
        assert go_on.wait(30)
        return send_all(*args, **options)

    monkeypatch.setattr(sending, "send_all", slowly)
    return go_on


PERHAPS = "NOT kept, and perhaps NOT sent: use the radio. Ctrl-S tries it again."


async def loses_the_answer(seat: Seat, monkeypatch: pytest.MonkeyPatch) -> None:
    """The note is recorded, and nobody here knows."""
    call = Api.call

    def answers_nobody(api: Api, method: str, path: str, **options: Any) -> Any:
        answer = call(api, method, path, **options)
        if path == "/v1/notes":
            raise CannotReach(api.server.url, "the connection broke")
        return answer

    with monkeypatch.context() as network:
        network.setattr(Api, "call", answers_nobody)
        await seat.press("ctrl+s")
        await seat.until(PERHAPS)


async def writes_on_a_full_disk(seat: Seat) -> None:
    await begins(seat)
    await seat.press("enter", "enter")
    await seat.types("1Two men at his door.")


@pytest.mark.usefixtures("full")
async def test_what_goes_from_memory_while_the_desk_is_locked_is_recorded_once_and_said_to_who_wrote_it(
    outage: Outage, ngata: Caller, weir: str, tmp_path: Path, go_on: Event
) -> None:
    def drafts() -> list[Path]:
        return list((tmp_path / "office").glob("handover/terminal/*/drafts/*/*.json"))

    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await writes_on_a_full_disk(seat)
        await seat.wait(drafts, "the draft")
        await seat.press("ctrl+s")
        await seat.until("NOT kept and NOT sent: No space left on device.")
        await seat.types(" And more.", "escape", "ctrl+x", "ctrl+x", "ctrl+q")
        await seat.until("A note is on its way, and kept nowhere", "WRITE about")
        await seat.press("ctrl+l")
        await seat.until("LOCKED")
        go_on.set()
        await seat.wait(lambda: not drafts(), "the end of the draft")
        await seat.wait(lambda: not list((tmp_path / "office").glob("handover/terminal/*/logins/*.json")), "its login")
        await seat.types(PASSWORD, "enter")
        assert "WRITE about" not in await seat.until("Recorded.", "everyone (1)")
    notes = outage.prison.service.login(ngata.name).all("/v1/notes")
    assert [note["fact"] for note in notes] == ["Two men at his door."]


@pytest.mark.usefixtures("full")
@pytest.mark.parametrize(
    ("trouble", "told", "more"),
    [
        (CannotReach("", "the connection broke"), "NOT kept, and perhaps NOT sent", ""),
        (CannotReach("", "nothing answers", never_sent=True), "NOT kept and NOT sent: No", " More."),
        (ServerRefused(status=422, title="Not valid"), "Not sent yet. what happened: Not", " More."),
    ],
    ids=["perhaps recorded", "never sent", "refused"],
)
async def test_what_came_of_a_note_while_the_desk_was_locked_is_said_to_who_wrote_it(
    outage: Outage,
    ngata: Caller,
    weir: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    go_on: Event,
    trouble: Trouble,
    told: str,
    more: str,
) -> None:
    call = Api.call

    def troubles(api: Api, method: str, path: str, **options: Any) -> Any:
        if path == "/v1/notes":
            raise trouble
        return call(api, method, path, **options)

    monkeypatch.setattr(Api, "call", troubles)
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await writes_on_a_full_disk(seat)
        await seat.press("ctrl+s")
        await seat.until("NOT kept and NOT sent: No space left on device.")
        await seat.press("ctrl+l")
        await seat.until("LOCKED")
        go_on.set()
        await seat.wait(lambda: not list((tmp_path / "office").glob("handover/terminal/*/logins/*.json")), "its login")
        await seat.types(PASSWORD, "enter")
        await seat.until("WRITE about", told)
        await seat.types(" More.")
        assert f"Two men at his door.{more}\n" in await seat.until("WRITE about")


@pytest.mark.usefixtures("full")
async def test_what_is_recorded_while_its_author_comes_back_is_said_behind_the_lock_and_not_on_it(
    outage: Outage, ngata: Caller, weir: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, go_on: Event
) -> None:
    find, found = Station.find_units, Event()

    def slowly(*args: Any) -> None:
        assert found.wait(30)
        find(*args)

    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await writes_on_a_full_disk(seat)
        await seat.press("ctrl+s")
        await seat.until("NOT kept and NOT sent: No space left on device.")
        await seat.press("ctrl+l")
        await seat.until("LOCKED")
        monkeypatch.setattr(Station, "find_units", slowly)
        await seat.types(PASSWORD, "enter")
        await seat.wait(lambda: seat.app.station.here is not None, "who comes back")
        go_on.set()
        await seat.wait(lambda: not seat.app.going, "the answer")
        assert "Weir" not in seat.text
        found.set()
        await seat.until("Recorded.", "everyone (1)")


async def test_the_login_of_a_note_that_goes_from_memory_stays_while_what_waits_is_sent(
    outage: Outage, ngata: Caller, hartmann: Caller, weir: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    home = tmp_path / "office"
    outbox = Outbox(pc(home, outage.url), hartmann.name)
    outbox.put(outbox.made(NoteDraft(inmate=weir, basis="SAW", fact="It waits."), clock.now()))
    request.getfixturevalue("full")
    go_on = request.getfixturevalue("go_on")
    async with sitting(home, ngata, outage.url) as seat:
        await writes_on_a_full_disk(seat)
        await seat.press("ctrl+s", "ctrl+l")
        await seat.until("LOCKED")
        await asyncio.sleep(2.5)  # what waits here is looked after once a second
        go_on.set()
        await seat.wait(lambda: not list(home.glob("handover/terminal/*/logins/*.json")), "its login")
    notes = outage.prison.service.login(ngata.name).all("/v1/notes")
    assert [note["fact"] for note in notes] == ["Two men at his door."]


@pytest.mark.usefixtures("full")
async def test_who_sends_from_memory_and_locks_at_once_has_sent_it(
    outage: Outage, ngata: Caller, weir: str, tmp_path: Path
) -> None:
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await writes_on_a_full_disk(seat)
        await seat.press("ctrl+s", "ctrl+l")
        await seat.until("LOCKED")
        await seat.types(PASSWORD, "enter")
        await seat.until("everyone (1)")
        await seat.press("ctrl+q")
        await seat.wait(lambda: not seat.app.is_running, "the end of the program")
    notes = outage.prison.service.login(ngata.name).all("/v1/notes")
    assert [note["fact"] for note in notes] == ["Two men at his door."]


@pytest.mark.usefixtures("full")
async def test_what_is_perhaps_recorded_is_said_so_and_stays_as_it_is_until_that_is_known(
    outage: Outage, ngata: Caller, weir: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await writes_on_a_full_disk(seat)
        due = clock.now() + timedelta(minutes=5)
        await seat.press("enter", "enter", *f"phone@{due:%Y-%m-%dT%H:%M:%SZ}", "enter")
        await loses_the_answer(seat, monkeypatch)
        await seat.types(" And more.", "escape", "shift+tab")
        passes = clock.now
        monkeypatch.setattr(clock, "now", lambda: passes() + timedelta(minutes=6))  # by now the need is overdue
        await seat.press("ctrl+s")
        await seat.until("everyone (1)", "Recorded: Weir, J. (A1-07)")
    assert [note["fact"] for note in ngata.all("/v1/notes")] == ["Two men at his door."]


@pytest.mark.usefixtures("full")
async def test_what_is_perhaps_recorded_is_the_same_note_from_its_draft(
    outage: Outage, ngata: Caller, weir: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, go_on: Event
) -> None:
    go_on.set()
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await writes_on_a_full_disk(seat)
        await loses_the_answer(seat, monkeypatch)
        await seat.press("ctrl+q")
        await seat.wait(lambda: not seat.app.is_running, "the end of the program")
    go_on.clear()
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await seat.until("1 draft", "everyone (1)")
        await seat.types("w", "enter")
        await seat.until("WRITE about", PERHAPS)
        await seat.types(" And more.", "ctrl+s")
        await seat.wait(lambda: seat.app.going, "that it goes")
        assert PERHAPS in seat.text
        go_on.set()
        assert "draft" not in await seat.until("everyone (1)", "Recorded: Weir, J. (A1-07)")
    assert [note["fact"] for note in ngata.all("/v1/notes")] == ["Two men at his door."]


async def test_what_was_perhaps_recorded_and_is_refused_can_be_changed(
    outage: Outage, ngata: Caller, weir: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await writes_about_nobody_here(seat)
        with monkeypatch.context() as disk:
            disk.setattr(Outbox, "put", no_room)
            disk.setattr(Api, "call", Mock(side_effect=CannotReach(outage.url, "the connection broke")))
            await seat.press("ctrl+s")
            await seat.until(PERHAPS)
        await seat.press("ctrl+s")
        await seat.until("REFUSED, and back among your drafts")
        await seat.types("w", "enter")
        assert PERHAPS not in await seat.until("WRITE about Z9999ZZ", "Hardly ate.", "INMATE")
        await seat.press("escape")
        await seat.until("everyone (1)", "Put aside.")
    assert ngata.all("/v1/notes") == []


async def test_what_is_known_beside_the_form_comes_also_where_it_was_locked_meanwhile(
    outage: Outage, ngata: Caller, weir: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ngata.note(weir, fact="Shouted at the hatch.")
    go_on, asked = Event(), []

    def slowly(*args: Any) -> Any:
        asked.append(args)
        assert go_on.wait(30)
        return fetch(*args)

    monkeypatch.setattr(writing, "fetch", slowly)
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await begins(seat)
        await seat.wait(lambda: asked, "the question")
        await seat.press("ctrl+l")
        await seat.until("LOCKED")
        go_on.set()
        await seat.types(PASSWORD, "enter")
        await seat.until("WRITE about", "Shouted at the hatch.")


async def test_a_lock_that_takes_a_call_off_the_form_asks_for_nothing_beside_it(
    outage: Outage, ngata: Caller, hartmann: Caller, weir: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gets_nowhere(api: Api, *_: Any) -> Any:
        raise CannotReach(api.server.url, "the connection broke")

    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        with monkeypatch.context() as network:
            network.setattr(writing, "fetch", gets_nowhere)
            await begins(seat)
            await seat.press("enter", "enter")
            await seat.types("1Nobody told ")
            hartmann.note(weir, fact="Two men at his door.", attention="ACT_NOW")
            await seat.until("ACT NOW: A WING, WEIR, J. (A1-07)")
            await seat.press("ctrl+l")
            await seat.until("LOCKED")
            await asyncio.sleep(0.2)
        await seat.types(PASSWORD, "enter")
        await seat.until("ACT NOW: A WING, WEIR, J. (A1-07)")
        await seat.press("escape")
        await seat.until("WRITE about", "Nobody told", "Two men at his door.")


@pytest.mark.usefixtures("full")
async def test_what_is_refused_from_memory_is_said_at_its_field(
    outage: Outage, ngata: Caller, weir: str, tmp_path: Path
) -> None:
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await writes_about_nobody_here(seat)
        await seat.press("ctrl+s")
        await seat.until("Not sent yet.", "INMATE", "Hardly ate.")
        await seat.press("escape")
        await seat.until("everyone (1)", "Put aside.")
    assert ngata.all("/v1/notes") == []


async def test_what_the_server_refuses_comes_back_as_a_draft_with_the_reason_at_its_field(
    outage: Outage, ngata: Caller, weir: str, tmp_path: Path
) -> None:
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await writes_about_nobody_here(seat)
        await seat.press("ctrl+s")
        await seat.until("REFUSED, and back among your drafts")
        await seat.types("w", "enter")
        await seat.until("Hardly ate.", "INMATE")
    assert ngata.all("/v1/notes") == []


async def test_a_disk_that_takes_no_change_any_more_does_not_end_the_program(
    outage: Outage, ngata: Caller, weir: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await writes_about_nobody_here(seat)
        await seat.until("1 draft")
        with monkeypatch.context() as disk:
            disk.setattr(Drafts, "keep", no_room)
            await seat.press("ctrl+s")
            await seat.until("everyone (1)", "1 note that waited was refused. handover unsent says why")
        await begins(seat)
        await seat.press("enter", "enter")
        await seat.types("1Hardly ate.")
        await seat.until("1 draft")
        with monkeypatch.context() as disk:
            disk.setattr(drafts, "remove_durably", no_room)
            await seat.press("ctrl+x", "ctrl+x")
            await seat.until("everyone (1)", "refused: 1 · 1 draft")


async def test_a_promise_is_due_on_the_prisons_clock_whatever_this_machines_says(
    outage: Outage, ngata: Caller, weir: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime.now(UTC) + timedelta(hours=1))
    ngata.note(weir, needs=[{"code": "VISIT", "due_at": (datetime.now(UTC) + timedelta(minutes=30)).isoformat()}])
    due = (datetime.now(UTC) + timedelta(minutes=20)).replace(second=0, microsecond=0)
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        text = await seat.until("visit", f"up to date {datetime.now(ZoneInfo('Europe/London')):%H:}")
        assert "OVERDUE" not in text
        await begins(seat)
        await seat.press("enter", "enter")
        await seat.types("1Asked for a call.", "enter", "enter")
        await seat.types(f"pho!@{due.astimezone(ZoneInfo('Europe/London')):%H:%M}", "enter", "ctrl+s")
        await seat.until("Recorded: Weir, J. (A1-07)")
    note = ngata.all("/v1/notes")[0]
    assert datetime.fromisoformat(note["needs"][0]["due_at"]) == due
    (place,) = (tmp_path / "office").glob("handover/terminal/*/cursors/*.json")
    kept = datetime.fromisoformat(json.loads(place.read_text())["at"])
    assert kept < datetime.now(UTC) + timedelta(minutes=1), "since when nobody has looked is told by it"


async def test_what_is_refused_after_it_has_waited_stays_counted_until_it_is_dealt_with(
    outage: Outage, ngata: Caller, weir: str, tmp_path: Path
) -> None:
    office = Terminal(tmp_path / "office", outage.url)
    office.login(ngata)
    outage.goes_away()
    for words in ("First.", "Second."):
        office.run("post", "A9999ZZ", "--saw", words)
    outage.comes_back()
    async with sitting(tmp_path / "office", outage.prison.service.login(ngata.name), outage.url) as seat:
        await seat.until("2 notes that waited were refused. handover unsent says why", "not sent: 0 · refused: 2")
        await seat.meanwhile(lambda: [office.run("unsent", "--drop", "1") for _ in range(2)])
        await seat.press("n")
        await seat.wait(lambda: "refused" not in seat.text.splitlines()[1])


async def test_a_page_in_the_middle_of_a_sentence_takes_no_letter_of_it(
    outage: Outage, ngata: Caller, weir: str, tmp_path: Path
) -> None:
    hartmann = outage.prison.hire("hartmann", "officer", "A", "B")
    kane = outage.prison.receive("B2222BB", unit="B", name="Kane, D.", cell="B2-11")
    night = outage.prison.hire("oyelaran", "officer", "A", "B")
    async with sitting(tmp_path / "office", night, outage.url) as seat:
        await seat.until("A wing", "everyone (1)", "up to date")
        await seat.wait(lambda: seat.app.station.roster)
        await begins(seat)
        await seat.press("enter", "enter")
        await seat.types("1Nobody told ")
        hartmann.note(kane, fact="Two men at his door.", attention="ACT_NOW")
        await seat.until("ACT NOW: B WING, KANE, D. (B2-11)", "Two men at his door.")
        await seat.types("him ab", "ctrl+l")
        await seat.until("LOCKED")
        await seat.types(PASSWORD, "enter")
        await seat.until("ACT NOW: B WING, KANE, D. (B2-11)", "Oyelaran · up to date")
        await seat.press("ctrl+t")
        await seat.until("You have taken it", "Nobody told")
        await seat.types("him.", "ctrl+s")
        await seat.until("Recorded")
    assert ngata.all("/v1/notes", inmate=weir)[0]["fact"] == "Nobody told him."


async def test_locked_without_a_network_the_notes_go_by_themselves_and_then_the_login_ends(
    outage: Outage, ngata: Caller, weir: str, tmp_path: Path
) -> None:
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await writes_in_the_dark(seat, outage)
        await seat.press("l")
        await seat.until("LOCKED")
        kept = list((tmp_path / "office").glob("handover/terminal/*/logins/*.json"))
        assert kept, "it is needed to send what waits"
        assert not list((tmp_path / "office").glob("handover/terminal/*/current.json")), "and for nothing else"
        await seat.meanwhile(outage.comes_back)
        await seat.wait(lambda: not any(path.exists() for path in kept), "the end of the login")
    assert [note["fact"] for note in outage.prison.service.login(ngata.name).all("/v1/notes")] == [
        "Written in the dark."
    ]


async def test_what_waits_may_still_be_on_its_way_when_the_program_is_left(
    outage: Outage, ngata: Caller, weir: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, left = Event(), Event()

    def slowly(server: Server) -> list[Round]:
        begun.set()
        left.wait(30)
        return send_everyones(server)

    monkeypatch.setattr(carrying, "send_everyones", slowly)
    async with sitting(tmp_path / "office", ngata, outage.url) as seat:
        await writes_in_the_dark(seat, outage)
        await seat.meanwhile(outage.comes_back)
        await seat.wait(begun.is_set, "the sending of what waits")
    left.set()
    await asyncio.to_thread(eventually, lambda: len(outage.prison.service.login(ngata.name).all("/v1/notes")) == 1, 30)
    await asyncio.sleep(0.1)  # and is told
