"""What the shell offers at the Tab key: the words of the code lists as they are kept here, without a network."""

import re
from collections.abc import Callable, Iterable
from contextlib import suppress

import typer

from handover.client.codelists import kept_lists
from handover.client.refusals import Trouble
from handover.client.server import server_at
from handover.schemas.codelists import CodeEntry
from handover.terminal.speech import DEFAULT_SERVER
from handover.terminal.words import handy, promise

Offers = list[tuple[str, str]]
Completer = Callable[[typer.Context, str], Offers]

_LAST_MARK = re.compile(r"(.*[!,+])([^!,+@:]*)")


def from_list(*names: str, then: str | None = None, between: str = "/") -> Completer:
    """Completes words of these lists; after `between`, words of the list `then`."""

    def complete(ctx: typer.Context, incomplete: str) -> Offers:
        done, sign, begun = incomplete.rpartition(between)
        if sign and then is not None:
            return _offers(_entries(ctx, (then,)), done + sign, begun)
        return _offers(_entries(ctx, names), "", incomplete)

    return complete


def need(ctx: typer.Context, incomplete: str) -> Offers:
    """Completes `phone!promised!now`."""
    if ":" in incomplete or "@" in incomplete:
        return []
    if found := _LAST_MARK.fullmatch(incomplete):
        return _offers([promise(), *_entries(ctx, ("urgency",))], found[1], found[2])
    return _offers(_entries(ctx, ("needs",)), "", incomplete)


def _entries(ctx: typer.Context, names: Iterable[str]) -> Iterable[CodeEntry]:
    # A shell that asks for words must never be answered with an error.
    with suppress(Trouble, OSError):
        lists = kept_lists(server_at(str(ctx.params.get("server") or DEFAULT_SERVER)))
        return [entry for name in names if name in lists for entry in lists[name].items if entry.active]
    return []


def _offers(entries: Iterable[CodeEntry], before: str, begun: str) -> Offers:
    return [(before + handy(entry), entry.label) for entry in entries if handy(entry).startswith(begun.lower())]
