"""A right taken away is gone: at the next request at once, on open feeds within five seconds, however it was taken."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx
import orjson
import pytest
import sqlalchemy as sa
from websockets.exceptions import ConnectionClosed

from handover.services import accounts, hub
from handover.services.unit_of_work import Desk
from handover.store import tables
from tests.support import embedded
from tests.support.processes import handover
from tests.support.readers import eventually, read_on
from tests.support.rights import ask_for_token, change, closed, password_grant, revoke_client, stranger
from tests.support.service import PASSWORD, Caller, Feed, Prison, Service, settings_for

SOON = 5.0
"""Seconds in which an open feed must have learnt of it."""


def stands_still(prison: Prison) -> datetime:
    """Stops the clock, and answers what it shows: on a busy machine seconds pass where a test counts them."""
    prison.service.clock.frozen = prison.service.clock()
    return prison.service.clock.frozen


def status(caller: Caller, path: str = "/v1/me", **params: Any) -> int:
    return caller.http.get(path, params=params).status_code


def hears(feed: Feed, note: Any) -> None:
    assert feed.event()["data"]["id"] == note["id"]


def narrows(feed: Feed, gone: Callable[[], Any], kept: Callable[[], Any]) -> None:
    """Within five seconds the feed hears only what is kept, and misses none of it."""
    deadline = monotonic() + SOON
    while True:
        lost, still = gone(), kept()
        heard = [feed.event()["data"]["id"]]
        if heard[0] == lost["id"]:
            heard.append(feed.event()["data"]["id"])
        assert heard[-1] == still["id"]
        if len(heard) == 1:
            return
        assert monotonic() < deadline, "the feed was not narrowed"


# --- Somebody is shut out -------------------------------------------------------------------------------------------


def test_a_disabled_officer_is_out_at_once(prison: Prison) -> None:
    ngata, service = prison.hire("ngata", "officer", "A"), prison.service
    weir = prison.receive("A1")
    body = {"basis": "SAW", "inmate": weir, "fact": "Slept well."}
    key = {"Idempotency-Key": "once"}
    first = ngata.http.post("/v1/notes", json=body, headers=key)
    assert first.status_code == 201
    ticket = ngata.post("/v1/feed/tickets", {})["ticket"]
    with ngata.feed() as feed, ngata.feed(establishment=prison.code, unit="A") as other:
        feed.until_live()
        other.until_live()
        change(service, ngata, active=False)
        for path in ("/v1/me", "/v1/notes", f"/v1/notes/{first.json()['id']}", "/v1/events", "/v1/codelists"):
            refused = ngata.http.get(path)
            assert (refused.status_code, refused.json()["type"]) == (401, "/problems/unauthenticated")
            assert refused.headers["www-authenticate"].startswith("Bearer ")
        assert ngata.http.post("/v1/notes", json=body, headers=key).status_code == 401, (
            "not even the first answer again"
        )
        assert closed(feed, SOON)[0] == 4401
        assert closed(other, SOON)[0] == 4401
    assert ask_for_token(service, {}, grant_type="refresh_token", refresh_token=ngata.refresh or "").status_code == 400
    assert password_grant(service, ngata.name, PASSWORD, "10.9.9.5").status_code == 400
    with stranger(service).feed(ticket=ticket) as feed:
        assert closed(feed)[0] == 4401
    change(service, ngata, active=True)
    assert status(ngata) == 401, "what was ended stays ended"
    assert status(service.login(ngata.name)) == 200


def test_a_revoked_client_is_out_at_once(prison: Prison) -> None:
    offices, others = prison.connect("offices", "events:read"), prison.connect("others", "events:read")
    with offices.feed() as feed, others.feed() as other:
        feed.until_live()
        other.until_live()
        revoke_client(prison.service, offices)
        assert status(offices) == 401
        assert closed(feed, SOON)[0] == 4401
        other.next("heartbeat")
    assert status(others) == 200


def test_a_new_password_closes_what_the_old_one_opened(prison: Prison) -> None:
    ngata, service = prison.hire("ngata"), prison.service
    with ngata.feed() as feed:
        feed.until_live()
        service.do(lambda uow: accounts.set_password(uow, service.hasher, ngata.name, "quite another one"))
        assert status(ngata) == 401
        assert closed(feed, SOON)[0] == 4401


def test_a_revoked_token_closes_its_own_feed_and_a_revoked_login_all_of_its_feeds(prison: Prison) -> None:
    ngata, service = prison.hire("ngata"), prison.service
    form = {"grant_type": "refresh_token", "refresh_token": ngata.refresh or ""}
    new = ask_for_token(service, {}, **form).json()
    renewed, elsewhere = Caller(service, ngata.name, new["access_token"]), service.login(ngata.name)
    with ngata.feed() as first, renewed.feed() as second, elsewhere.feed() as third:
        for feed in (first, second, third):
            feed.until_live()
        stranger(service).http.post("/oauth/revoke", data={"token": ngata.token})
        assert status(ngata) == 401
        assert closed(first, SOON)[0] == 4401
        second.next("heartbeat")
        stranger(service).http.post("/oauth/revoke", data={"token": new["refresh_token"]})
        assert status(renewed) == 401
        assert closed(second, SOON)[0] == 4401
        third.next("heartbeat")
    assert status(elsewhere) == 200


def test_a_feed_ends_with_its_token(prison: Prison) -> None:
    service, at = prison.service, stands_still(prison)
    ngata = prison.hire("ngata")
    with ngata.feed() as feed:
        feed.until_live()
        service.clock.frozen = at + timedelta(seconds=890)
        feed.next("heartbeat")
        service.clock.frozen = at + timedelta(seconds=900)
        assert status(ngata) == 401
        code, reason = closed(feed, SOON)
        assert code == 4401
        assert "cursor" in reason, "it says how to go on"


# --- Somebody has other rights than before --------------------------------------------------------------------------


def test_an_officer_who_changes_wings_hears_the_other_wing(prison: Prison) -> None:
    ngata, keyes = prison.hire("ngata", "officer", "A"), prison.hire("keyes", "governor")
    weir, rowe = prison.receive("A1"), prison.receive("B1", "B")
    before = [keyes.note(weir), keyes.note(rowe)]
    with ngata.feed(after="now") as feed, ngata.feed(after="now", unit="A") as wing:
        feed.until_live()
        wing.until_live()
        hears(feed, keyes.note(weir))
        change(prison.service, ngata, places=[(prison.code, "B")])
        assert [status(ngata, f"/v1/notes/{note['id']}") for note in before] == [404, 200], "at once"
        assert {note["unit"] for note in ngata.all("/v1/notes")} == {"B"}
        assert {event["data"]["unit"] for event in ngata.pull(type="note.recorded")[0]} == {"B"}
        narrows(feed, lambda: keyes.note(weir), lambda: keyes.note(rowe))
        # The feed of the wing alone stays open, and what it may still hear is what all staff may.
        told = keyes.note(weir, handling="ESTABLISHMENT")
        deadline = monotonic() + SOON
        while wing.event()["data"]["id"] != told["id"]:
            assert monotonic() < deadline


def test_a_supervisor_who_goes_back_to_the_wing_loses_what_supervisors_read(prison: Prison) -> None:
    ngata, keyes = prison.hire("ngata", "supervisor", "A"), prison.hire("keyes", "governor")
    weir, rowe = prison.receive("A1"), prison.receive("B1", "B")
    secure, far = keyes.note(weir, handling="SECURITY"), keyes.note(rowe)
    with ngata.feed(after="now") as feed:
        feed.until_live()
        hears(feed, keyes.note(weir, handling="SECURITY"))
        change(prison.service, ngata, role="officer")
        assert [status(ngata, f"/v1/notes/{note['id']}") for note in (secure, far)] == [404, 404]
        move = {"establishment": prison.code, "unit": "B", "reason": "Asked for it."}
        assert ngata.http.post(f"/v1/inmates/{weir}/moves", json=move).status_code == 403
        narrows(feed, lambda: keyes.note(weir, handling="SECURITY"), lambda: keyes.note(weir))


def test_the_first_answer_about_anothers_note_is_not_given_again_to_whoever_may_not_read_it_any_more(
    prison: Prison,
) -> None:
    hartmann, ngata = prison.hire("hartmann", "officer", "A"), prison.hire("ngata", "officer", "A")
    weir, key = prison.receive("A4417KD"), {"Idempotency-Key": "still-low"}
    path = f"/v1/notes/{hartmann.note(weir, fact='Speaks of his brother.', attention='WATCH')['id']}"
    own = {"inmate": weir, "basis": "SAW", "fact": "Ate nothing at lunch."}
    wrote = ngata.post("/v1/notes", own, 201, **{"Idempotency-Key": "lunch"})
    renewed = ngata.post(f"{path}/attention", {"reason": "Still low."}, 201, **key)
    assert ngata.post(f"{path}/attention", {"reason": "Still low."}, 201, **key) == renewed
    change(prison.service, ngata, places=[(prison.code, "B")])
    again = ngata.http.post(f"{path}/attention", json={"reason": "Still low."}, headers=key)
    assert (status(ngata, path), again.status_code) == (404, 404), again.text
    assert ngata.post("/v1/notes", own, 201, **{"Idempotency-Key": "lunch"}) == wrote, "the author goes on reading it"


def test_a_right_given_is_there_at_once(prison: Prison) -> None:
    ngata, keyes = prison.hire("ngata", "officer", "A"), prison.hire("keyes", "governor")
    health = keyes.note(prison.receive("A1"), handling="HEALTH")
    assert status(ngata, f"/v1/notes/{health['id']}") == 404
    with ngata.feed(after="now") as feed:
        feed.until_live()
        change(prison.service, ngata, role="health")
        assert ngata.get(f"/v1/notes/{health['id']}") == health
        told = eventually(lambda: heard_within(feed, keyes.note(health["inmate"], handling="HEALTH")), SOON)
        assert told["data"]["handling"] == "HEALTH"


def heard_within(feed: Feed, note: Any) -> Any:
    """The event of this note, or None if a heartbeat says that it went by."""
    frame = feed.frame()
    while frame["type"] == "event":
        if frame["event"]["data"]["id"] == note["id"]:
            return frame["event"]
        frame = feed.frame()
    return None


def test_whoever_leaves_a_prison_hears_it_no_more_and_goes_on_with_the_other(prison: Prison, service: Service) -> None:
    there = service.prison()
    ngata, keyes = prison.hire("ngata", "governor"), prison.hire("keyes", "governor")
    both = [(prison.code, ""), (there.code, "")]
    change(service, ngata, places=both)
    change(service, keyes, places=both)
    weir, rowe = prison.receive("A1"), there.receive("A1")
    keyes.note(weir)
    lost = keyes.note(rowe)
    with (
        ngata.feed() as feed,
        ngata.feed(establishment=there.code) as gone,
        ngata.feed(establishment=prison.code) as kept,
    ):
        heard = feed.until_live()
        gone.until_live()
        kept.until_live()
        cursor = heard[-1]["cursor"]
        change(service, ngata, places=[(prison.code, "")])
        assert status(ngata, f"/v1/notes/{lost['id']}") == 404
        assert status(ngata, "/v1/events", establishment=there.code) == 404
        assert status(ngata, f"/v1/inmates/{rowe}") == 404
        assert closed(feed, SOON)[0] == 4403
        assert closed(gone, SOON)[0] == 4403
        new, unheard = keyes.note(weir), keyes.note(rowe)
        hears(kept, new)
    # The old cursor still serves for what is left: nothing of it is missed, nothing of the other prison comes.
    assert [event["data"]["id"] for event in ngata.pull(cursor)[0]] == [new["id"]] != [unheard["id"]]
    with ngata.feed(after=cursor) as again:
        assert [event["data"]["id"] for event in again.until_live()] == [new["id"]]


def test_a_pull_that_waits_does_not_outlive_its_right(prison: Prison) -> None:
    ngata, keyes = prison.hire("ngata", "officer", "A"), prison.hire("keyes", "governor")
    brandt = prison.hire("brandt", "officer", "A")
    weir = prison.receive("A1")
    with ThreadPoolExecutor(2) as terminals:
        until: dict[str, str | float] = {"after": "now", "wait": 4}
        waiting = [terminals.submit(who.http.get, "/v1/events", params=until) for who in (ngata, brandt)]
        listening = prison.service.app.state.parts.hub
        eventually(
            lambda: len(listening.stream(prison.code).wakes) == 2 if prison.code in listening._streams else False
        )
        change(prison.service, ngata, active=False)
        change(prison.service, brandt, places=[(prison.code, "B")])
        keyes.note(weir)
        disabled, moved = (answer.result(10) for answer in waiting)
    assert disabled.status_code == 401
    assert (moved.status_code, moved.json()["items"]) == (200, [])


def test_who_was_asked_about_a_moment_before_is_out_all_the_same(
    prison: Prison, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token is looked up, then revoked, and only then remembered: it must not be remembered as good."""
    ngata, service = prison.hire("ngata"), prison.service
    peek, looked, go_on = service.desk.peek, threading.Event(), threading.Event()

    async def slowly(work: Any) -> Any:
        found = await peek(work)
        looked.set()
        await asyncio.to_thread(go_on.wait, 10)
        return found

    with ThreadPoolExecutor(1) as terminal:
        monkeypatch.setattr(service.desk, "peek", slowly)
        first = terminal.submit(ngata.http.get, "/v1/me")
        assert looked.wait(10)
        monkeypatch.undo()
        change(service, ngata, active=False)
        go_on.set()
        first.result(10)
    assert status(ngata) == 401


# --- By the operator, beside the running service ---------------------------------------------------------------------


def operate(service: Service, *words: str) -> None:
    """A command typed on the server: a process of its own."""
    done = handover(*words, database_url=service.settings.database_url)
    assert done.returncode == 0, done.stderr


def test_a_command_in_another_process_takes_rights_away_from_open_feeds(prison: Prison) -> None:
    ngata, keyes, service = prison.hire("ngata", "officer", "A"), prison.hire("keyes", "officer", "A"), prison.service
    with ngata.feed() as officer, keyes.feed() as other:
        officer.until_live()
        other.until_live()
        operate(service, "user", "disable", ngata.name)
        assert closed(officer, SOON)[0] == 4401
        eventually(lambda: status(ngata) == 401, SOON)
        other.next("heartbeat")
    assert status(keyes) == 200


def test_what_is_read_as_the_store_comes_back_is_told_by_rights_as_they_are_then(
    prison: Prison, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look that waits for its store was begun while it was known who may hear it."""
    monkeypatch.setattr(hub, "RIGHTS_HOLD_S", 2.0)
    away, back, peek = set[str](), threading.Event(), Desk.peek

    async def waits(desk: Desk, work: Callable[[Any], Any]) -> Any:
        task = repr(asyncio.current_task())
        for asks in (one for one in ("_look_again", "_watch_rights") if one in task):
            while not back.is_set():
                away.add(asks)
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.2 if asks == "_watch_rights" else 0)  # two trips are longer than one
        return await peek(desk, work)

    ngata, hartmann = prison.hire("ngata", "officer", "A"), prison.hire("hartmann", "officer", "A")
    service = prison.service
    with ngata.feed(after="now") as feed:
        feed.until_live()
        monkeypatch.setattr(Desk, "peek", waits)
        service.desk.store.bell(rights_changed=False)
        eventually(lambda: len(away) == 2)
        operate(service, "user", "disable", ngata.name)
        hartmann.note(unit="A")
        sleep(hub.RIGHTS_HOLD_S)
        back.set()
        heard, code, _ = read_on(feed)
        assert (heard, code) == ([], 4401)


def test_what_nothing_tells_of_is_noticed_as_well_by_and_by(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As where a store is set back, or changed by hand: nobody says that rights have changed."""
    monkeypatch.setattr(hub, "RIGHTS_ANYWAY_S", 2.0)
    service = Service(settings_for(embedded.copy(tmp_path / "handover.sqlite3"), rights_check_s=0.2))
    prison = service.prison()
    officers = [prison.hire(name, "officer", "A") for name in ("ngata", "keyes", "brandt", "cole", "marsh")]
    with ExitStack() as open_:
        feeds = [open_.enter_context(officer.feed()) for officer in officers]
        for feed in feeds:
            feed.until_live()
        gone = (officer.name for officer in officers[1:])
        unsaid = sa.update(tables.accounts).where(tables.accounts.c.username.in_(gone)).values(active=False)
        service.desk.store.write(lambda batch: batch.conn.execute(unsaid)).result()
        assert [closed(feed, SOON)[0] for feed in feeds[1:]] == [4401] * 4
        feeds[0].next("heartbeat")
    service.stop()


# --- A new token on an open feed --------------------------------------------------------------------------------------


def renew(feed: Feed, token: str) -> None:
    feed.socket.send(orjson.dumps({"type": "auth", "token": token}).decode())


def test_a_feed_renewed_with_ones_own_new_token_outlives_the_old_one(prison: Prison) -> None:
    ngata, keyes = prison.hire("ngata", "officer", "A"), prison.hire("keyes", "governor")
    service, weir = prison.service, prison.receive("A1")
    with ngata.feed(after="now") as feed, ngata.feed(after="now") as forgetful:
        feed.until_live()
        forgetful.until_live()
        service.clock.ahead += timedelta(seconds=600)
        form = {"grant_type": "refresh_token", "refresh_token": ngata.refresh or ""}
        renew(feed, ask_for_token(service, {}, **form).json()["access_token"])
        between = service.login(keyes.name).note(weir)
        service.clock.ahead += timedelta(seconds=310)
        assert status(ngata) == 401
        assert closed(forgetful, SOON)[0] == 4401
        after = service.login(keyes.name).note(weir)
        assert [feed.event()["data"]["id"] for _ in range(2)] == [between["id"], after["id"]]
        service.clock.ahead += timedelta(seconds=600)
        assert closed(feed, SOON)[0] == 4401


def test_another_login_of_the_same_person_renews_too(prison: Prison) -> None:
    ngata, service = prison.hire("ngata"), prison.service
    other = service.login(ngata.name)
    with ngata.feed() as feed, ngata.feed() as forgetful:
        feed.until_live()
        forgetful.until_live()
        renew(feed, other.token)
        feed.next("heartbeat")
        stranger(service).http.post("/oauth/revoke", data={"token": ngata.refresh})
        assert closed(forgetful, SOON)[0] == 4401
        feed.next("heartbeat")


def test_a_feed_is_not_renewed_with_what_is_not_ones_own(prison: Prison) -> None:
    ngata, keyes = prison.hire("ngata"), prison.hire("keyes", "governor")
    offices = prison.connect("offices", "events:read")
    ticket = ngata.post("/v1/feed/tickets", {})["ticket"]
    disabled = prison.hire("gone")
    change(prison.service, disabled, active=False)
    wrong = [keyes.token, offices.token, disabled.token, ngata.refresh or "", ticket, "nonsense", ngata.token + "x"]
    with ExitStack() as stack:
        feeds = [stack.enter_context(ngata.feed()) for _ in wrong]
        for feed in feeds:
            feed.until_live()
        for feed, token in zip(feeds, wrong, strict=True):
            renew(feed, token)
        ends = [closed(feed, SOON) for feed in feeds]
    assert [code for code, _ in ends] == [4401] * len(wrong)
    assert len({reason for _, reason in ends}) == 1, "and the words do not say whose token it was"
    assert status(ngata) == 200


def test_a_token_with_less_narrows_the_feed_it_renews(prison: Prison) -> None:
    keyes, weir = prison.hire("keyes", "governor"), prison.receive("A1")
    service, client = prison.service, f"offices.{prison.code}".lower()
    scopes, places = ["events:read", "notes:read"], [prison.code]
    secret = service.do(
        lambda uow: accounts.add_client(
            uow, service.hasher, client, name="Offices", scopes=scopes, establishments=places
        )
    )
    form = {"grant_type": "client_credentials", "client_id": client, "client_secret": secret}
    less = ask_for_token(service, {}, **form, scope="events:read").json()["access_token"]
    none = ask_for_token(service, {}, **form, scope="notes:read").json()["access_token"]
    with service.authenticate(client, secret).feed(after="now") as feed:
        feed.until_live()
        note = keyes.note(weir)
        assert feed.event()["data"] == note
        renew(feed, less)
        thin = eventually(lambda: found if len(found := told(feed, keyes.note(weir))) == 2 else None, SOON)
        assert set(thin) == {"id", "status"}
        renew(feed, none)
        assert closed(feed, SOON)[0] == 4403


def told(feed: Feed, note: Any) -> Any:
    data = feed.event()["data"]
    assert data["id"] == note["id"]
    return data


# --- Tickets --------------------------------------------------------------------------------------------------------


def ticket_of(caller: Caller) -> str:
    answer = caller.post("/v1/feed/tickets", {})
    assert answer["expires_in"] == 30
    return str(answer["ticket"])


def test_a_ticket_opens_one_feed_with_the_rights_of_who_asked_for_it(prison: Prison) -> None:
    ngata, keyes = prison.hire("ngata", "officer", "A"), prison.hire("keyes", "governor")
    weir = prison.receive("A1")
    visible, hidden = keyes.note(weir), keyes.note(weir, handling="SECURITY")
    ticket = ticket_of(ngata)
    with stranger(prison.service).feed(ticket=ticket, establishment=prison.code) as feed:
        notes = [event["data"]["id"] for event in feed.until_live() if event["type"] == "note.recorded"]
        assert notes == [visible["id"]] != [hidden["id"]]
        with stranger(prison.service).feed(ticket=ticket) as second:
            assert closed(second)[0] == 4401
        # Not even who has rights of his own can use it again, and the first feed does not suffer from it.
        with keyes.feed(ticket=ticket) as third:
            assert closed(third)[0] == 4401
        new = keyes.note(weir)
        hears(feed, new)
        change(prison.service, ngata, active=False)
        assert closed(feed, SOON)[0] == 4401


def test_a_ticket_is_good_for_half_a_minute(prison: Prison) -> None:
    service, at = prison.service, stands_still(prison)
    ngata = prison.hire("ngata")
    in_time, too_late = ticket_of(ngata), ticket_of(ngata)
    service.clock.frozen = at + timedelta(seconds=29)
    with stranger(service).feed(ticket=in_time) as feed:
        feed.until_live()
    service.clock.frozen = at + timedelta(seconds=31)
    with stranger(service).feed(ticket=too_late) as feed:
        assert closed(feed)[0] == 4401


def test_of_many_who_use_a_ticket_at_the_same_moment_one_gets_in(prison: Prison) -> None:
    ticket = ticket_of(prison.hire("ngata"))
    start = threading.Barrier(6)

    def try_it(_: int) -> str:
        start.wait(10)
        with stranger(prison.service).feed(ticket=ticket) as feed:
            try:
                return str(feed.frame()["type"])
            except ConnectionClosed as end:
                return str(end.rcvd and end.rcvd.code)

    with ThreadPoolExecutor(6) as crowd:
        assert sorted(crowd.map(try_it, range(6))) == ["4401"] * 5 + ["hello"]


@pytest.mark.parametrize("how", ["disabled", "revoked", "logged out", "expired"])
def test_a_ticket_ends_with_the_token_that_asked_for_it(prison: Prison, how: str) -> None:
    service, at = prison.service, stands_still(prison)
    ngata = prison.hire("ngata")
    service.clock.frozen = at + timedelta(seconds=890)
    ticket, used = ticket_of(ngata), ticket_of(ngata)
    with stranger(service).feed(ticket=used) as feed:
        feed.until_live()
        if how == "disabled":
            change(service, ngata, active=False)
        elif how == "revoked":
            stranger(service).http.post("/oauth/revoke", data={"token": ngata.token})
        elif how == "logged out":
            stranger(service).http.post("/oauth/revoke", data={"token": ngata.refresh})
        else:
            service.clock.frozen = at + timedelta(seconds=900)
        assert closed(feed, SOON)[0] == 4401
    with stranger(service).feed(ticket=ticket) as feed:
        assert closed(feed)[0] == 4401


def test_a_ticket_is_no_token_and_needs_the_right_to_hear(prison: Prison) -> None:
    ticket = ticket_of(prison.hire("ngata"))
    headers = {"Authorization": f"Bearer {ticket}"}
    assert httpx.get(f"{prison.service.url}/v1/me", headers=headers, trust_env=False, verify=False).status_code == 401
    prison.connect("offices", "notes:read").post("/v1/feed/tickets", {}, 403)
    for nonsense in ("hov_ticket_nonsense", ""):
        with stranger(prison.service).feed(ticket=nonsense) as feed:
            assert closed(feed)[0] == 4401
    with stranger(prison.service).feed() as feed:
        assert closed(feed)[0] == 4401
    with stranger(prison.service).feed(ticket=ticket) as feed:
        feed.until_live()


def test_nobody_is_left_without_any_place(prison: Prison) -> None:
    ngata = prison.hire("ngata", "officer", "A")
    with pytest.raises(Exception, match="at least one establishment"):
        change(prison.service, ngata, places=[])
    assert ngata.get("/v1/me")["units"] == ["A"]
