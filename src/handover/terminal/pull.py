"""`handover pull`: events as lines of JSON, for other programs."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from handover.client import skew
from handover.client.events import Page, pages
from handover.client.feed_protocol import State, StateChange, pause_before
from handover.client.files import write_durably
from handover.client.http import Api, TokenSource
from handover.client.refusals import CannotReach, ServerRefused, Trouble
from handover.client.server import Server, server_at
from handover.client.session import ClientTokens, OfficerTokens, current_login
from handover.schemas.accounts import Me
from handover.terminal.speech import DEFAULT_SERVER, DONE, JsonOption, ServerOption, Speech, answering, one_line
from handover.terminal.times import shown
from handover.terminal.unclear import Unclear

_PATIENCE_S = 25
"""How long the server is asked to wait for news; the contract allows 30."""


@dataclass(slots=True)
class _Wanted:
    after: str | None
    establishment: str | None
    unit: str | None
    types: list[str]
    left: int | None
    follow: bool


def pull(
    after: Annotated[
        str | None,
        typer.Option("--after", metavar="CURSOR", help="Continue after this cursor; 'now' for from here on."),
    ] = None,
    establishment: Annotated[
        str | None, typer.Option("--establishment", metavar="CODE", help="One prison only.")
    ] = None,
    unit: Annotated[str | None, typer.Option("--unit", metavar="UNIT", help="One unit only.")] = None,
    types: Annotated[
        list[str] | None,
        typer.Option("--type", metavar="TYPE", help="One kind of event only, e.g. note.recorded. As often as needed."),
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, metavar="N", help="Stop after N events.")] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Go on for ever, with what comes.")] = False,
    save_cursor: Annotated[
        Path | None,
        typer.Option(
            "--save-cursor",
            metavar="FILE",
            help="Keep the cursor in this file once its events are written out, and continue from it next time.",
        ),
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Allow the client's secret over plain http:// to another machine.")
    ] = False,
    server: ServerOption = DEFAULT_SERVER,
    as_json: JsonOption = False,
) -> None:
    """Write events to standard output, one JSON object a line, from the beginning of what is kept.

    As whoever is logged in, or as a client: HANDOVER_CLIENT_ID and HANDOVER_CLIENT_SECRET in the environment.
    """
    with answering(as_json) as voice, _caller(voice, server_at(server), insecure=insecure) as api:
        wanted = _Wanted(after or _saved(save_cursor), establishment, unit, types or [], limit, follow)
        try:
            for page in _pages(voice, api, wanted):
                _write_out(page)
                # Only now: a cursor ahead of what was written would lose events.
                if save_cursor is not None:
                    write_durably(save_cursor, page.cursor + "\n")
        except KeyboardInterrupt:
            if follow:
                raise typer.Exit(DONE) from None
            raise


@contextmanager
def _caller(voice: Speech, server: Server, *, insecure: bool) -> Iterator[Api]:
    with Api(server, _tokens(server, insecure=insecure)) as api:
        if not voice.as_json:
            voice.practice(api.get("/v1/me", Me))
        yield api


def _tokens(server: Server, *, insecure: bool) -> TokenSource:
    client_id, secret = os.environ.get("HANDOVER_CLIENT_ID"), os.environ.get("HANDOVER_CLIENT_SECRET")
    if not client_id and not secret:
        return OfficerTokens(server, current_login(server).username)
    if not client_id or not secret:
        raise Unclear("HANDOVER_CLIENT_ID and HANDOVER_CLIENT_SECRET go together; one of them is not set.")
    if server.exposed and not insecure:
        raise Unclear(f"{server.url} is plain http to another machine. Use https://, or add --insecure.")
    return ClientTokens(server, client_id, secret)


def _pages(voice: Speech, api: Api, wanted: _Wanted) -> Iterator[Page]:
    """Pages as wanted; when following, a lost connection is waited out and said, not an end."""
    attempt = 0
    heard_at = skew.now(api.server)
    while True:
        try:
            for page in pages(
                api,
                wanted.after,
                establishment=wanted.establishment,
                unit=wanted.unit,
                types=wanted.types,
                limit=wanted.left,
                follow_s=_PATIENCE_S if wanted.follow else None,
            ):
                if attempt:
                    _say(voice, StateChange(State.LIVE, skew.now(api.server), since=heard_at))
                attempt, heard_at = 0, skew.now(api.server)
                yield page
                wanted.after = page.cursor
                if wanted.left is not None:
                    wanted.left -= len(page.items)
            return
        except (CannotReach, ServerRefused) as trouble:
            if not wanted.follow or not _may_pass(trouble):
                raise
            if not attempt:
                _say(voice, StateChange(State.BLIND, skew.now(api.server), since=heard_at, why=str(trouble)))
            attempt += 1
            said = trouble.retry_after if isinstance(trouble, ServerRefused) else None
            time.sleep(max(pause_before(attempt), said or 0.0))


def _may_pass(trouble: Trouble) -> bool:
    return not isinstance(trouble, ServerRefused) or trouble.temporary


def _say(voice: Speech, change: StateChange) -> None:
    if voice.as_json:
        print(one_line(change.as_frame()), file=voice.err.file, flush=True)
        return
    at = shown(change.since or change.at, change.at, None, seconds=True)
    voice.warn(f"Not connected since {at}. {change.why}" if change.state is State.BLIND else "Connected again.")


def _write_out(page: Page) -> None:
    out = typer.get_binary_stream("stdout")
    left = memoryview(b"".join(one_line(item).encode() + b"\n" for item in page.items))
    while left:  # unbuffered, a stream may take a part and say so: the rest would be lost, and the cursor ahead of it
        left = left[out.write(left) :]
    out.flush()


def _saved(path: Path | None) -> str | None:
    if path is None or not path.exists():
        return None
    return path.read_text(encoding="utf-8").strip() or None
