"""How the tests are shared out among processes: by file and engine, the long ones first."""

import re

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # it comes without types

ENGINES = ("sqlite", "postgresql")
LONG = (
    "test_board",
    "test_ways_in",
    "test_feed_hard",
    "test_openapi",
    "test_board_write",
    "test_plans",
    "test_feed",
    "test_day_of_a_country",
    "test_desk_line",
    "test_picture",
    "test_leaders",
    "test_practice",
    "test_rights_taken_away",
    "test_audit_verify",
    "test_terminal_watch",
    "test_paper",
    "test_overload",
    "test_access",
    "test_feed_resting",
    "test_log_properties",
    "test_board_looking",
    "test_handovers",
    "test_desk_write",
    "test_crash",
    "test_processes",
    "test_feed_lines",
    "test_logins",
)
"""Files that take long: first, so that no process is left with one of them at the end while the others are done. Those
that mostly wait (for a browser, for what must not happen) stand between those that compute: side by side they would
leave the machine idle, and then keep it from the others."""
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
