"""Every test that touches a store runs on both engines, against a real service on a real port."""

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.support import cloning, embedded, memory, postgres, rights, stores, workers
from tests.support.browser import Browser
from tests.support.outage import Outage
from tests.support.service import Caller, Prison, Service, settings_for
from tests.support.terminals import Terminal

gc.disable()
# Started in the background, a run inherits "ignore Ctrl-C", and so would every command it starts: none could be ended.
signal.signal(signal.SIGINT, signal.default_int_handler)


# How long an example takes says nothing where four processes share two cores.
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")


def pytest_configure() -> None:
    """Has the stores of the tests in memory where there is room."""
    if there := memory.folder():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(there))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> workers.ByFileAndEngine:
    """With several processes, hands out what belongs together."""
    return workers.ByFileAndEngine(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config, specs: list[Any]) -> None:
    """For all tests, several processes load what they need once."""
    if config.args_source is config.ArgsSource.TESTPATHS:
        cloning.prepare([spec.id for spec in specs])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long files first, and nothing twice that no engine could tell apart."""
    items[:] = [item for item in items if not rights.tried(item)]
    workers.sort(items)


def pytest_collection_finish() -> None:
    """What was loaded stays: the collector need not look at it again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 50, 50)  # as where it is served
    gc.enable()


@pytest.fixture(scope="session")
def template() -> Iterator[str]:
    """A migrated PostgreSQL database, copied for each test module: a copy takes a fraction of a migration."""
    url = postgres.create_database()
    stores.prepare(url)
    yield url
    postgres.drop_database(url)


@pytest.fixture(scope="module", params=workers.ENGINES)
def database_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An empty store, ready to be served, on each engine in turn."""
    if request.param == "sqlite":
        yield embedded.copy(tmp_path_factory.mktemp("store") / "handover.sqlite3")
        return
    url = postgres.create_database(request.getfixturevalue("template"))
    yield url
    postgres.drop_database(url)


@pytest.fixture
def url(database_url: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty store of this test's own, that no service has open, on each engine in turn."""
    if database_url.startswith("sqlite"):
        yield embedded.copy(tmp_path / "handover.sqlite3")
        return
    own = postgres.create_database(request.getfixturevalue("template"))
    yield own
    postgres.drop_database(own)


@pytest.fixture(scope="module")
def service(database_url: str) -> Iterator[Service]:
    """A running service, shared by a module's tests: each founds a prison of its own."""
    running = Service(settings_for(database_url))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def patient(database_url: str) -> Iterator[Service]:
    """One that lets nobody's login end, however much time goes by: where a module's `service` is this one, its tests
    may move the clock by weeks."""
    running = Service(settings_for(database_url, access_token_s=10**8, refresh_token_s=10**8))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all tests of this process; each officer has a context, as if at a PC of his or her own."""
    running = Browser(tmp_path_factory.mktemp("browser") / "profile")
    yield running
    running.close()


@pytest.fixture
def prison(service: Service) -> Prison:
    """A prison of this test's own, with wings A and B and the default shifts."""
    service.clock.ahead, service.clock.frozen = type(service.clock.ahead)(0), None
    return service.prison()


@pytest.fixture
def outage(tmp_path: Path) -> Iterator[Outage]:
    """A service of this test's own, whose network can fail. Where a module's `prison` is the one in it, so are the
    people below."""
    network = Outage(tmp_path)
    yield network
    network.goes_away()


# --- The people most tests are about ---------------------------------------------------------------------------------


@pytest.fixture
def hartmann(prison: Prison) -> Caller:
    """An officer of A wing."""
    return prison.hire("hartmann", "officer", "A")


@pytest.fixture
def ngata(prison: Prison) -> Caller:
    """Another."""
    return prison.hire("ngata", "officer", "A")


@pytest.fixture
def weir(prison: Prison) -> str:
    """The number of somebody held on A wing."""
    return prison.receive("A4417KD")


@pytest.fixture
def terminal(prison: Prison, hartmann: Caller, tmp_path: Path) -> Terminal:
    """Hartmann's terminal, logged in."""
    office = Terminal(tmp_path / "office", prison.service.url)
    office.login(hartmann)
    return office
