"""The fixtures of every test in a browser: one engine, one browser a module."""

from collections.abc import Iterator

import pytest

from tests.support.browser import Browser
from tests.support.service import Service

NO_NETWORK = r"ERR_INTERNET_DISCONNECTED|ERR_CONNECTION|ERR_NETWORK|ERR_EMPTY"
"""What a browser says when there is no network: a test that cuts it pardons that."""


@pytest.fixture(scope="module")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One engine: the pages are the same whatever is behind them."""
    return f"sqlite:///{tmp_path_factory.mktemp('store') / 'handover.sqlite3'}"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all of them; each officer has a context, as if at a PC of his or her own."""
    running = Browser(tmp_path_factory.mktemp("browser") / "profile")
    yield running
    running.close()


def drop(service: Service) -> None:
    """Cuts all feeds, as a router that is switched off does: a browser does not cut what is open."""
    hub = service.app.state.parts.hub
    for feed in list(hub._readers):
        hub._loop.call_soon_threadsafe(feed.stop)
