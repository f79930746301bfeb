"""An answer is of the kind that was asked for."""

import pytest

from tests.support.embedded import database_url
from tests.support.service import Caller, Prison

__all__ = ["database_url"]

JSON, HTML, LINES = "application/json", "text/html", "application/x-ndjson"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("image/png", JSON),
        (HTML, HTML),
        ("TEXT/HTML", HTML),
        ("text/*", HTML),
        (BROWSER, HTML),
        ("text/html;q=0", JSON),
        ("text/html;q=0.5, application/json", JSON),
        ("application/json;q=0.1, text/html", HTML),
        ("text/html ; q=0.2 , application/json ; q=0.1", HTML),
        ("text/html;q=x", HTML),
    ],
)
def test_the_sheet_is_paper_for_whoever_wants_paper_most(prison: Prison, ngata: Caller, accept: str, kind: str) -> None:
    path = f"/v1/establishments/{prison.code}/units/A/sheet"
    assert ngata.http.get(path, headers={"Accept": accept}).headers["content-type"].startswith(kind)


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", JSON),
        (LINES, LINES),
        (f"{LINES}, */*", LINES),
        (f"{LINES}, {JSON}", LINES),
        (f"{JSON}, {LINES}", JSON),
        (f"{LINES};q=0.5, {JSON}", JSON),
    ],
)
def test_events_come_as_lines_where_lines_are_wanted(ngata: Caller, accept: str, kind: str) -> None:
    assert ngata.http.get("/v1/events", headers={"Accept": accept}).headers["content-type"] == kind
