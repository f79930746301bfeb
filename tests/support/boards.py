"""What every test in a browser is about."""

from typing import Any

from tests.support.browser import Tab
from tests.support.embedded import database_url
from tests.support.service import Caller, Service

__all__ = ["NO_NETWORK", "begin", "database_url", "drop", "send", "the_note", "write"]
NO_NETWORK = r"ERR_INTERNET_DISCONNECTED|ERR_CONNECTION|ERR_NETWORK|ERR_EMPTY"
"""What a browser says when there is no network: a test that cuts it pardons that."""


def drop(service: Service) -> None:
    """Cuts all feeds, as a router that is switched off does: a browser does not cut what is open."""
    hub = service.app.state.parts.hub
    for feed in list(hub._readers):
        hub._loop.call_soon_threadsafe(feed.stop)


def begin(screen: Tab, who: str = "a107") -> None:
    """Opens the form and says whom it is about."""
    screen.press("w")
    screen.until("document.activeElement.id === 'in-who'")
    screen.type(who)
    screen.until("document.querySelectorAll('.found [role=option]').length === 1")
    screen.press("Enter")
    screen.until("document.activeElement.closest('[data-step=mood]') !== null")


def write(screen: Tab, fact: str, *, act_now: bool = False) -> None:
    """Begins a note and says what it cannot be without: a mood, as usual, I saw it."""
    begin(screen)
    screen.press("Enter", "3", "1")
    screen.insert(fact)
    if act_now:
        screen.focus("[data-step=attention] [role=radio]")
        screen.press("3")


def send(screen: Tab, fact: str, *, act_now: bool = False) -> None:
    """Writes a note and sends it, whatever comes of it."""
    write(screen, fact, act_now=act_now)
    screen.press("ctrl+Enter")


def the_note(who: Caller, inmate: str) -> dict[str, Any]:
    """The one note there is about somebody."""
    (found,) = who.all("/v1/notes", inmate=inmate)
    note: dict[str, Any] = found
    return note
