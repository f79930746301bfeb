"""Being logged in: tokens on disk, renewed by one process at a time, and never used before they are safely written.

A refresh token is good once; the server takes a second use for theft and ends the login. So renewal happens under a
lock, reads the file again once it has the lock (another process may have renewed already), and writes the new pair
durably before anyone uses it.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from handover import clock
from handover.client import seats
from handover.client.files import Busy, locked, read_as, read_json, remove_durably, write_durably
from handover.client.http import Access, Api, TokenSource
from handover.client.refusals import CannotReach, DiskFails, NotLoggedIn, ServerRefused
from handover.client.server import Server, file_name
from handover.schemas.accounts import Me, Token
from handover.schemas.roster import Establishment

HOW_TO_LOG_IN = "Log in with: handover login NAME"
_LOCK_S = 30


class Login(BaseModel):
    """One person's login at one server, as it is kept on disk."""

    model_config = ConfigDict(frozen=True)

    username: str
    access_token: str = Field(repr=False)
    refresh_token: str | None = Field(repr=False)
    obtained_at: datetime
    expires_in: int
    me: Me
    zones: dict[str, str] = Field(default_factory=dict, description="Establishment → its IANA time zone.")

    @property
    def access(self) -> Access:
        """The token, to be renewed a little before it ends: half a minute, or less where it is short-lived."""
        ahead = min(30.0, self.expires_in / 4)
        return Access(self.access_token, self.obtained_at + timedelta(seconds=self.expires_in - ahead))


class OfficerTokens:
    """The tokens of somebody who logged in at this terminal."""

    def __init__(self, server: Server, username: str) -> None:
        self.server = server
        self.username = username

    def access(self, *, unlike: str | None = None) -> Access:
        """A token good for now, renewed if need be."""
        login = _still_there(self.server, self.username)
        if _usable(login, unlike):
            return login.access
        try:
            with locked(_path(self.server, self.username).with_suffix(".lock"), _LOCK_S):
                login = _still_there(self.server, self.username)
                return login.access if _usable(login, unlike) else self._renew(login).access
        except Busy:
            raise CannotReach(self.server.url, "another command is still renewing the login", never_sent=True) from None
        except OSError as error:
            raise DiskFails(self.server.url, error) from error

    def _renew(self, login: Login) -> Login:
        if login.refresh_token is None:
            raise NotLoggedIn(f"The login of {login.me.name} has ended. {HOW_TO_LOG_IN}")
        _keep(self.server, login)  # where the disk has no room, the token that is good once must not be used up
        form = {"grant_type": "refresh_token", "refresh_token": login.refresh_token}
        try:
            with Api(self.server) as api:
                token = api.read(api.call("POST", "/oauth/token", form=form), Token)
        except ServerRefused as refused:
            if refused.temporary:
                why = f"it cannot renew the login now ({refused.title})"
                raise CannotReach(self.server.url, why, never_sent=True) from refused
            raise NotLoggedIn(f"The login of {login.me.name} has ended. {HOW_TO_LOG_IN}") from refused
        except CannotReach as trouble:
            # Whatever was to be asked with the new token was not asked.
            raise CannotReach(trouble.server, trouble.why, never_sent=True) from trouble
        renewed = login.model_copy(update=_parts(token) | {"refresh_token": token.refresh_token or login.refresh_token})
        _keep(self.server, renewed)
        return renewed


class ClientTokens:
    """The tokens of another system that has its own credentials; they live in memory only."""

    def __init__(self, server: Server, client_id: str, secret: str) -> None:
        self.server = server
        self._form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
        self._access: Access | None = None

    def access(self, *, unlike: str | None = None) -> Access:
        """A token good for now, asked for again if need be."""
        held = self._access
        if held is not None and held.token != unlike and clock.now() < held.renew_at:
            return held
        with Api(self.server) as api:
            token = api.read(api.call("POST", "/oauth/token", form=self._form), Token)
        ahead = min(30.0, token.expires_in / 4)
        self._access = Access(token.access_token, clock.now() + timedelta(seconds=token.expires_in - ahead))
        return self._access


def log_in(server: Server, username: str, password: str) -> Login:
    """Logs in and makes this the login that the terminal's commands use from here on."""
    # Where a PIN is allowed and chosen, it does at this terminal from here on.
    form = {"grant_type": "password", "username": username, "password": password, "seat": "new"}
    with Api(server) as api:
        token = api.read(api.call("POST", "/oauth/token", form=form), Token)
    return _begin(server, token, seat=True)


def log_in_with(server: Server, form: Mapping[str, str]) -> Login:
    """The same, with something else than the password."""
    with Api(server) as api:
        token = api.read(api.call("POST", "/oauth/token", form=form), Token)
    return _begin(server, token, seat=False)


def holding(login: Login) -> TokenSource:
    """The tokens of a login that is about to end: used as they are, and never renewed."""
    return _Fixed(login.access_token)


def _begin(server: Server, token: Token, *, seat: bool) -> Login:
    with Api(server, _Fixed(token.access_token)) as api:
        me = api.get("/v1/me", Me)
        login = Login(username=me.username, me=me, zones=dict(_zones(api, me)), **_parts(token))
    # In this order: from the moment it is there it is in use, and nobody ends it as one that was left (`end`).
    current = {"login": _path(server, me.username).name, "server": server.url}
    write_durably(server.folder / "current.json", json.dumps(current))
    _keep(server, login)
    if seat:
        seats.keep(server, me.username, token.seat, token.seat_expires_in)
    return login


def current_login(server: Server) -> Login:
    """Who is logged in at this terminal; raises NotLoggedIn."""
    login = _current(server.folder)
    if login is None:
        other = next(_others(server), None)
        but = f", but to {other}: say --server {other}, or set HANDOVER_SERVER" if other else ""
        raise NotLoggedIn(f"Nobody is logged in here to {server.url}{but}. {HOW_TO_LOG_IN}")
    return login


def _current(folder: Path) -> Login | None:
    pointer = read_json(folder / "current.json") or {}
    return read_as(Login, folder / "logins" / str(pointer["login"])) if pointer.get("login") else None


def _others(server: Server) -> Iterator[str]:
    """The addresses of other servers that somebody is logged in to at this terminal."""
    for file in sorted(server.folder.parent.glob("*/current.json")):
        address = (read_json(file) or {}).get("server")
        if address and _current(file.parent):
            yield str(address)


def login_of(server: Server, username: str) -> Login | None:
    """This person's login, whether or not it is the one in use."""
    return read_as(Login, _path(server, username))


def all_logins(server: Server) -> list[Login]:
    """Every login kept here: the one in use, and those kept because notes of theirs have not been sent."""
    return [login for path in sorted((server.folder / "logins").glob("*.json")) if (login := read_as(Login, path))]


def log_out(server: Server, username: str) -> bool:
    """Ends the login here, and at the server if it can be reached; says whether the server knows."""
    step_away(server, username)
    return end(server, username)


def end(server: Server, username: str, last: Callable[[Login], object] | None = None) -> bool:
    """The same for a login that nobody uses. Where this person has come back meanwhile, it goes on. `last` is what is
    asked with it once it is gone from the disk."""
    path = _path(server, username)
    login = read_as(Login, path)
    # Taken away before the server is told: whoever sits down next must not be this person, whatever the network does.
    # Under the lock, or a renewal going on in another process would write the login back.
    with suppress(Busy), locked(path.with_suffix(".lock"), 5):
        if _in_use(server, path):
            return True
        login = read_as(Login, path)
        remove_durably(path)
    if login is None:
        return True
    if last is not None:
        last(login)
    return revoke(server, login)


def step_away(server: Server, username: str) -> None:
    """Nobody is at this terminal any more, until somebody logs in: no command speaks for this person."""
    if _in_use(server, _path(server, username)):
        remove_durably(server.folder / "current.json")


def revoke(server: Server, login: Login) -> bool:
    """Ends a login at the server, if it can be reached; says whether it knows."""
    try:
        with Api(server) as api:
            api.call("POST", "/oauth/revoke", form={"token": login.refresh_token or login.access_token}, timeout_s=5)
    except (CannotReach, ServerRefused):
        return False
    return True


class _Fixed:
    """A token that was just handed out."""

    def __init__(self, token: str) -> None:
        self._token = token

    def access(self, *, unlike: str | None = None) -> Access:
        if unlike is not None:
            raise NotLoggedIn("The server does not accept the login it has just given.")
        return Access(self._token, clock.now())


def _zones(api: Api, me: Me) -> Iterator[tuple[str, str]]:
    # Times are read and shown on the prison's clock, which is not always this machine's.
    for code in me.establishments[:10]:
        with suppress(CannotReach, ServerRefused):
            yield code, api.get(f"/v1/establishments/{code}", Establishment).timezone


def _usable(login: Login, unlike: str | None) -> bool:
    return login.access_token != unlike and clock.now() < login.access.renew_at


def _parts(token: Token) -> dict[str, object]:
    return {
        "access_token": token.access_token,
        "refresh_token": token.refresh_token,
        "expires_in": token.expires_in,
        "obtained_at": clock.now(),
    }


def _path(server: Server, username: str) -> Path:
    return server.folder / "logins" / f"{file_name(username)}.json"


def _in_use(server: Server, path: Path) -> bool:
    return (read_json(server.folder / "current.json") or {}).get("login") == path.name


def _still_there(server: Server, username: str) -> Login:
    login = login_of(server, username)
    if login is None:
        raise NotLoggedIn(f"{username} is no longer logged in here. {HOW_TO_LOG_IN}")
    return login


def _keep(server: Server, login: Login) -> None:
    write_durably(_path(server, login.username), login.model_dump_json())
