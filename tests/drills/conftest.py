"""Drills take minutes and want programs of their own: `make drill` runs them, `make test` does not."""

from collections.abc import Iterator

import pytest

from tests.support import cluster


@pytest.fixture(scope="session")
def three() -> Iterator[cluster.Cluster]:
    """A PostgreSQL cluster of three, as deploy/ has it."""
    with cluster.running() as running:
        yield running
