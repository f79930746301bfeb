"""Stores for the tests, ready to be served."""

from handover.clock import now
from handover.services import opening, tidying
from handover.store import turns
from handover.store.engine import open_engines
from tests.support.service import settings_for


def prepare(url: str) -> None:
    """Migrates a store, and has it tidied up already: a service does that as soon as it begins, and a test that sets
    the clock back by more than a day at that moment would lose the tokens of its people."""
    opening.migrate(settings_for(url))
    engines = open_engines(url)
    with engines.write.connect() as conn, conn.begin():
        turns.take(conn, turns.TIDYING, now(), tidying.EVERY)
    engines.close()
