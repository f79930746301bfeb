"""What every test in a browser is about."""

from tests.support.embedded import database_url
from tests.support.service import Service

__all__ = ["NO_NETWORK", "database_url", "drop"]
NO_NETWORK = r"ERR_INTERNET_DISCONNECTED|ERR_CONNECTION|ERR_NETWORK|ERR_EMPTY"
"""What a browser says when there is no network: a test that cuts it pardons that."""


def drop(service: Service) -> None:
    """Cuts all feeds, as a router that is switched off does: a browser does not cut what is open."""
    hub = service.app.state.parts.hub
    for feed in list(hub._readers):
        hub._loop.call_soon_threadsafe(feed.stop)
