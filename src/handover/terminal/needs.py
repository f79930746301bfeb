"""`handover needs`: what is open and with whom; and the words that close a need or take it on."""

from typing import Annotated

import typer

from handover.schemas.needs import NeedChange
from handover.terminal import needing
from handover.terminal.desk import desk
from handover.terminal.drafts import drafted
from handover.terminal.speech import (
    DEFAULT_SERVER,
    EstablishmentOption,
    JsonOption,
    ServerOption,
    UnitOption,
    answering,
    options_behind,
)
from handover.terminal.unclear import Unclear

needs = typer.Typer(help="Show what is open and with whom, close a need, take it on, pass it on.")

Id = Annotated[str, typer.Argument(metavar="ID", help="The short name from the list, or the person it is for.")]
_OPTIONS = {"outcome": "what came of it", "reason": "why it is not possible", "owner": "--to"}


@needs.callback(invoke_without_command=True)
def show(
    ctx: typer.Context,
    unit: UnitOption = None,
    inmate: Annotated[
        str | None, typer.Option("--inmate", metavar="PERSON", help="One person's: by number, name or cell.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Closed ones too, with what came of them.")] = False,
    establishment: EstablishmentOption = None,
    server: ServerOption = DEFAULT_SERVER,
    as_json: JsonOption = False,
) -> None:
    """Show open needs, those due first. The first word of each line is its name, for: handover needs done NAME "…" """
    options_behind(ctx)
    if ctx.invoked_subcommand is not None:
        return
    with answering(as_json) as voice, desk(voice, server) as here:
        needing.show(voice, here, needing.Wanted(unit, establishment, inmate, every))


@needs.command()
def done(
    need: Id,
    outcome: Annotated[
        str | None, typer.Argument(metavar="OUTCOME", help="What came of it; the author is told.")
    ] = None,
    server: ServerOption = DEFAULT_SERVER,
    as_json: JsonOption = False,
) -> None:
    """It has been met: say what came of it. Whoever wrote the need down is told."""
    with answering(as_json) as voice:
        if outcome is None:
            raise Unclear(f'Say what came of it: handover needs done {need} "spoke to her for ten minutes"')
        with desk(voice, server) as here:
            draft = drafted(NeedChange, _OPTIONS, status="DONE", outcome=outcome)
            needing.change(voice, here, need, draft, "Done")


@needs.command("not-possible")
def not_possible(
    need: Id,
    reason: Annotated[str | None, typer.Argument(metavar="REASON", help="Why not; the author is told.")] = None,
    server: ServerOption = DEFAULT_SERVER,
    as_json: JsonOption = False,
) -> None:
    """It cannot be met: say why. Tell the person as well."""
    with answering(as_json) as voice:
        if reason is None:
            raise Unclear(f'Say why not: handover needs not-possible {need} "the visit hall is closed"')
        with desk(voice, server) as here:
            draft = drafted(NeedChange, _OPTIONS, status="NOT_POSSIBLE", reason=reason)
            needing.change(voice, here, need, draft, "Closed as not possible")


@needs.command("pass-on")
def pass_on(
    need: Id,
    to: Annotated[str | None, typer.Option("--to", metavar="NAME", help="Who sees to it from now on.")] = None,
    server: ServerOption = DEFAULT_SERVER,
    as_json: JsonOption = False,
) -> None:
    """Somebody else sees to it, outside this list: say who."""
    with answering(as_json) as voice:
        if to is None:
            raise Unclear("Say to whom it was passed on: --to NAME")
        with desk(voice, server) as here:
            draft = drafted(NeedChange, _OPTIONS, status="PASSED_ON", owner=to)
            needing.change(voice, here, need, draft, f"Passed on to {to}")


@needs.command()
def take(need: Id, server: ServerOption = DEFAULT_SERVER, as_json: JsonOption = False) -> None:
    """I see to it: the need stays open, under your name."""
    with answering(as_json) as voice, desk(voice, server) as here:
        draft = drafted(NeedChange, _OPTIONS, owner=here.login.me.name)
        needing.change(voice, here, need, draft, "It is yours")
