"""How the tests are shared out among processes: by file and engine, the long ones first."""

import re

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # it comes without types

ENGINES = ("sqlite", "postgresql")
LONG = (
    "test_paper",
    "test_ways_in",
    "test_openapi",
    "test_plans",
    "test_board_write",
    "test_board",
    "test_picture",
    "test_crash",
    "test_feed",
    "test_feed_hard",
    "test_board_looking",
    "test_board_handover",
    "test_access",
    "test_practice",
    "test_processes",
    "test_rights_taken_away",
    "test_terminal_watch",
    "test_log_properties",
    "test_feed_lines",
    "test_logins",
    "test_handovers",
)
"""Files that take long: first, so that no process is left with one of them at the end while the others are done."""
_ENGINE = re.compile(rf"[\[-]({'|'.join(ENGINES)})[-\]]")


class ByFileAndEngine(LoadScopeScheduling):  # type: ignore[misc]  # so its class may be anything
    """A file's tests on one engine share what stands for them all, and nothing with those on the other: either goes to
    a process as a whole."""

    def _split_scope(self, nodeid: str) -> str:
        file, _, test = nodeid.partition("::")
        engine = _ENGINE.search(test)
        return f"{file} {engine[1]}" if engine else file


def sort(items: list[pytest.Item]) -> None:
    """Puts the long files first; the processes are handed them in this order."""
    places = {name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path.stem, len(LONG)))
