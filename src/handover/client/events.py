"""Pulling events by REST: the same log as the feed, a page at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from handover.client.http import Api
from handover.client.refusals import CannotReach

LARGEST_PAGE = 200


@dataclass(frozen=True, slots=True)
class Page:
    """Events in order, as they came, and where to go on after them."""

    items: list[dict[str, Any]]
    cursor: str
    more: bool


def pages(
    api: Api,
    after: str | None,
    *,
    establishment: str | None = None,
    unit: str | None = None,
    types: Sequence[str] = (),
    limit: int | None = None,
    follow_s: int | None = None,
) -> Iterator[Page]:
    """Pages from a cursor on: to the end of what there is, or, with `follow_s` as the server's patience, for ever."""
    left = limit
    while left is None or left > 0:
        size = LARGEST_PAGE if left is None else min(LARGEST_PAGE, left)
        page = _page(
            api,
            {
                "after": after,
                "establishment": establishment,
                "unit": unit,
                "type": list(types) or None,
                "limit": size,
                "wait": follow_s,
            },
            follow_s or 0,
        )
        yield page
        after = page.cursor
        left = None if left is None else left - len(page.items)
        if not page.more and follow_s is None:
            return


def _page(api: Api, params: dict[str, str | int | list[str] | None], wait_s: int) -> Page:
    answer = api.call("GET", "/v1/events", params=params, timeout_s=15 + wait_s)
    try:
        body = answer.json()
        return Page(list(body["items"]), str(body["cursor"]), bool(body["more"]))
    except (ValueError, KeyError, TypeError):
        raise CannotReach(api.server.url, "something answers there, but not as a handover server") from None
