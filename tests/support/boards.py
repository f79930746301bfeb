"""The fixtures of every test in a browser: one engine, one browser a module."""

from collections.abc import Iterator

import pytest

from tests.support.browser import Browser

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
