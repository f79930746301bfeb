"""What every test in a browser is about: one engine."""

import pytest

from tests.support import embedded
from tests.support.service import Service

NO_NETWORK = r"ERR_INTERNET_DISCONNECTED|ERR_CONNECTION|ERR_NETWORK|ERR_EMPTY"
"""What a browser says when there is no network: a test that cuts it pardons that."""


@pytest.fixture(scope="module")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One engine: the pages are the same whatever is behind them."""
    return embedded.copy(tmp_path_factory.mktemp("store") / "handover.sqlite3")


def drop(service: Service) -> None:
    """Cuts all feeds, as a router that is switched off does: a browser does not cut what is open."""
    hub = service.app.state.parts.hub
    for feed in list(hub._readers):
        hub._loop.call_soon_threadsafe(feed.stop)
