"""The terminal as one command finds it: which server, who is logged in, on which clock, with which code lists."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo

from handover.client import skew
from handover.client.codelists import kept_lists, lists_for
from handover.client.http import Api
from handover.client.refusals import Trouble
from handover.client.server import Server, server_at
from handover.client.session import Login, OfficerTokens, current_login
from handover.schemas.codelists import CodeList
from handover.schemas.roster import Inmate
from handover.terminal.phrases import Reader
from handover.terminal.speech import Speech
from handover.terminal.tongue import language


@dataclass(frozen=True, slots=True)
class Desk:
    """Somebody logged in at a terminal."""

    server: Server
    login: Login
    tokens: OfficerTokens
    api: Api

    def now(self) -> datetime:
        """The present instant on the service's clock, whatever this machine's is set to."""
        return skew.now(self.server)

    def zone(self, establishment: str | None = None) -> tzinfo | None:
        """The prison's clock; None, which means this machine's, where several prisons with several clocks are meant."""
        zones = self.login.zones
        names = {zones[establishment]} if establishment in zones else set(zones.values())
        with suppress(KeyError, ValueError):
            return ZoneInfo(names.pop()) if len(names) == 1 else None
        return None

    def lists(self) -> dict[str, CodeList]:
        """The code lists, kept ones if there are any: no command waits for a network only to know words."""
        return kept_lists(self.server, language()) or lists_for(self.api, language())

    def reader(self, lists: dict[str, CodeList], establishment: str | None = None) -> Reader:
        """What puts notes into words here."""
        return Reader(lists, self.zone(establishment), self.now, self.login.username)


@contextmanager
def desk(voice: Speech, address: str) -> Iterator[Desk]:
    """Whoever is logged in to this server, ready to ask it; raises NotLoggedIn."""
    server = server_at(address)
    login = current_login(server)
    voice.practice(login.me)
    tokens = OfficerTokens(server, login.username)
    with Api(server, tokens) as api:
        yield Desk(server, login, tokens, api)


def name_of(api: Api, number: str) -> str:
    """A person's name, cell and number as they are shown; the number alone where the server does not say more."""
    with suppress(Trouble):
        found = api.read(api.call("GET", f"/v1/inmates/{number}", timeout_s=5), Inmate)
        return f"{found.name} ({found.cell + ', ' if found.cell else ''}{found.number})"
    return number
