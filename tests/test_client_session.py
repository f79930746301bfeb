"""Hartmann stays logged in, whichever of her commands renews, until somebody ends it."""

import errno
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from handover import clock
from handover.client import sending, session
from handover.client.files import read_json
from handover.client.http import Api
from handover.client.outbox import Outbox
from handover.client.refusals import BadAddress, CannotReach, DiskFails, NotLoggedIn, ServerRefused
from handover.client.server import Server, server_at
from handover.client.session import ClientTokens, OfficerTokens, current_login, log_in, log_out, login_of, step_away
from handover.schemas.accounts import Me
from handover.schemas.notes import NoteDraft
from handover.services import accounts
from handover.services.unit_of_work import UnitOfWork
from tests.support.embedded import database_url
from tests.support.outages import no_room
from tests.support.service import PASSWORD, Caller, Prison

__all__ = ["database_url"]


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))


@pytest.fixture
def server(prison: Prison) -> Server:
    return server_at(prison.service.url)


def me(server: Server, username: str) -> Me:
    with Api(server, OfficerTokens(server, username)) as api:
        return api.get("/v1/me", Me)


def let_it_run_out(server: Server) -> None:
    path = next(server.folder.glob("logins/*.json"))
    login = json.loads(path.read_text())
    login["obtained_at"] = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    path.write_text(json.dumps(login))


def test_logging_in_keeps_who_and_where(prison: Prison, server: Server, hartmann: Caller) -> None:
    login = log_in(server, hartmann.name.upper(), PASSWORD)
    assert (login.username, login.me.role, login.me.units) == (hartmann.name, "officer", ["A"])
    assert login.zones == {prison.code: "Europe/London"}
    assert current_login(server) == login
    assert me(server, hartmann.name).name == "Hartmann"
    assert PASSWORD not in "".join(path.read_text() for path in server.folder.rglob("*") if path.is_file())


def test_nothing_secret_is_in_what_a_login_says_of_itself(server: Server, hartmann: Caller) -> None:
    login = log_in(server, hartmann.name, PASSWORD)
    assert login.access_token not in repr(login)
    assert str(login.refresh_token) not in repr(login)


def test_a_wrong_password_leaves_whoever_was_logged_in(server: Server, hartmann: Caller) -> None:
    log_in(server, hartmann.name, PASSWORD)
    with pytest.raises(ServerRefused):
        log_in(server, hartmann.name, "not it")
    assert current_login(server).username == hartmann.name


def test_a_token_that_has_run_out_is_renewed_and_the_new_one_kept(server: Server, hartmann: Caller) -> None:
    before = log_in(server, hartmann.name, PASSWORD)
    let_it_run_out(server)
    assert me(server, hartmann.name).username == hartmann.name
    after = current_login(server)
    assert after.access_token != before.access_token
    assert after.refresh_token != before.refresh_token


def test_a_token_the_server_no_longer_takes_is_renewed_at_once(server: Server, hartmann: Caller) -> None:
    login = log_in(server, hartmann.name, PASSWORD)
    with Api(server) as api:
        api.call("POST", "/oauth/revoke", form={"token": login.access_token})
    assert me(server, hartmann.name).username == hartmann.name


_ASK_THRICE = """
import sys
from handover.client.http import Api
from handover.client.server import server_at
from handover.client.session import OfficerTokens
from handover.schemas.accounts import Me

server = server_at(sys.argv[1])
for _ in range(3):
    with Api(server, OfficerTokens(server, sys.argv[2])) as api:
        print(api.get("/v1/me", Me).username)
"""


def test_commands_that_renew_at_the_same_moment_do_not_end_the_login(server: Server, hartmann: Caller) -> None:
    log_in(server, hartmann.name, PASSWORD)
    let_it_run_out(server)
    command = [sys.executable, "-c", _ASK_THRICE, server.url, hartmann.name]
    asking = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert [one.communicate(timeout=30)[0].split() for one in asking] == [[hartmann.name] * 3] * 4


def test_a_login_ended_by_a_stolen_copy_says_log_in_again(server: Server, hartmann: Caller) -> None:
    login = log_in(server, hartmann.name, PASSWORD)
    thief = {"grant_type": "refresh_token", "refresh_token": str(login.refresh_token)}
    with Api(server) as api:
        api.call("POST", "/oauth/token", form=thief)
    with pytest.raises(NotLoggedIn, match="handover login"):
        OfficerTokens(server, hartmann.name).access(unlike=login.access_token)


def test_a_disk_that_has_no_room_for_the_renewed_login_does_not_end_it(
    server: Server, hartmann: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(server, hartmann.name, PASSWORD)
    let_it_run_out(server)

    with monkeypatch.context() as disk:
        disk.setattr(session, "write_durably", no_room)
        with pytest.raises(DiskFails, match="No space left on device") as failed:
            me(server, hartmann.name)
    assert failed.value.never_sent
    assert me(server, hartmann.name).username == hartmann.name


def test_logging_out_ends_it_here_and_at_the_server(server: Server, hartmann: Caller) -> None:
    login = log_in(server, hartmann.name, PASSWORD)
    assert log_out(server, hartmann.name)
    with pytest.raises(NotLoggedIn):
        current_login(server)
    assert login_of(server, hartmann.name) is None
    with Api(server) as api, pytest.raises(ServerRefused):
        api.call("GET", "/v1/me", headers={"Authorization": f"Bearer {login.access_token}"})


def test_logging_out_without_a_network_still_leaves_nothing_here(
    server: Server, hartmann: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(server, hartmann.name, PASSWORD)

    def gone(*_: object, **__: object) -> None:
        raise CannotReach(server.url, "nothing answers at that address", never_sent=True)

    monkeypatch.setattr(Api, "call", gone)
    assert not log_out(server, hartmann.name)
    assert list(server.folder.glob("logins/*.json")) == []
    assert read_json(server.folder / "current.json") is None


def test_who_comes_back_while_what_waited_is_being_sent_stays_logged_in(
    server: Server, hartmann: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(server, hartmann.name, PASSWORD)
    outbox, sends = Outbox(server, hartmann.name), sending.send_all
    outbox.put(outbox.made(NoteDraft(unit="A", basis="SAW", fact="Written in the dark."), clock.now()))
    step_away(server, hartmann.name)

    def meanwhile(*what: Any, **how: Any) -> sending.Round:
        went = sends(*what, **how)
        log_in(server, hartmann.name, PASSWORD)
        return went

    monkeypatch.setattr(sending, "send_all", meanwhile)
    assert [len(one.sent) for one in sending.send_everyones(server)] == [1]
    assert current_login(server).username == hartmann.name
    assert me(server, hartmann.name).username == hartmann.name
    monkeypatch.undo()
    step_away(server, hartmann.name)
    sending.send_everyones(server)
    assert login_of(server, hartmann.name) is None, "kept for nothing any more"


def test_what_waited_is_told_as_sent_though_the_disk_does_not_let_go_of_the_login_yet(
    server: Server, hartmann: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(server, hartmann.name, PASSWORD)
    outbox = Outbox(server, hartmann.name)
    outbox.put(outbox.made(NoteDraft(unit="A", basis="SAW", fact="Written in the dark."), clock.now()))
    step_away(server, hartmann.name)

    def fails(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as disk:
        disk.setattr(session, "remove_durably", fails)
        assert [len(one.sent) for one in sending.send_everyones(server)] == [1]
    assert sending.send_everyones(server) == []
    assert login_of(server, hartmann.name) is None


def test_another_system_gets_its_tokens_again_by_itself(prison: Prison, server: Server) -> None:
    client = f"oms.{prison.code}".lower()

    def add(uow: UnitOfWork) -> str:
        scopes, places = ["events:read"], [prison.code]
        return accounts.add_client(
            uow, prison.service.hasher, client, name="OMS", scopes=scopes, establishments=places, handling=()
        )

    tokens = ClientTokens(server, client, prison.service.do(add))
    first = tokens.access()
    assert tokens.access() == first
    assert tokens.access(unlike=first.token).token != first.token


@pytest.mark.parametrize(
    ("typed", "url", "loopback", "exposed"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000", True, False),
        ("http://LocalHost:80/", "http://localhost", True, False),
        ("http://[::1]:8000", "http://[::1]:8000", True, False),
        ("https://handover.aldermoor.example/", "https://handover.aldermoor.example", False, False),
        ("https://proxy.example:443/handover/", "https://proxy.example/handover", False, False),
        ("http://10.0.0.5:8000", "http://10.0.0.5:8000", False, True),
        ("http://127.0.0.1.example:8000", "http://127.0.0.1.example:8000", False, True),
    ],
)
def test_addresses(typed: str, url: str, loopback: bool, exposed: bool) -> None:
    server = server_at(typed)
    assert (server.url, server.loopback, server.exposed) == (url, loopback, exposed)
    assert server.feed_url == url.replace("http", "ws", 1) + "/v1/feed"


@pytest.mark.parametrize(
    "typed", ["", "localhost:8000", "ftp://x", "http://", "http://x:port", "http://me:secret@x", "http://x/?a=1"]
)
def test_what_is_no_address_is_refused_with_an_example(typed: str) -> None:
    with pytest.raises(BadAddress):
        server_at(typed)
