"""`handover sheet`: the unit as it stands; and `handover sheet verify`: whether a sheet was given out as it is."""

import json
import re
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from handover.client.refusals import ServerRefused
from handover.client.sheets import given, seal, sheet_of
from handover.terminal import times
from handover.terminal.desk import desk
from handover.terminal.paging import show_all
from handover.terminal.sheet_words import SheetWords
from handover.terminal.speech import (
    DEFAULT_SERVER,
    REFUSED,
    EstablishmentOption,
    JsonOption,
    ServerOption,
    UnitOption,
    answering,
    one_line,
    options_behind,
)
from handover.terminal.unclear import Unclear
from handover.terminal.units import unit_meant

sheet = typer.Typer(help="Show the unit as it stands: who needs attention and why, and what is open.")


@sheet.callback(invoke_without_command=True)
def show(
    ctx: typer.Context,
    unit: UnitOption = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help=f"What was known then: {times.TIMES_PAST}.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Older notes too.")] = False,
    establishment: EstablishmentOption = None,
    server: ServerOption = DEFAULT_SERVER,
    as_json: JsonOption = False,
) -> None:
    """Show the unit as it stands: who needs attention and why, and what is open.

    What stands in square brackets is a short name for a note or need, to act on it with: handover needs done 3f9c "…"
    """
    options_behind(ctx)
    if ctx.invoked_subcommand is not None:
        return
    with answering(as_json) as voice, desk(voice, server) as here:
        where = unit_meant(here, unit, establishment)
        zone = here.zone(where.establishment)
        moment = times.past(at, here.now(), zone) if at else None
        found = sheet_of(here.api, where.establishment, where.code, moment)
        if voice.as_json:
            # As it was answered, so that it can be kept and verified.
            voice.emit(found)
            return
        reader = here.reader(here.lists(), where.establishment)
        show_all(voice, SheetWords(found, where, reader, every=every).lines())


@sheet.command()
def verify(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="A sheet kept with: handover sheet --json > FILE")
    ] = None,
    hash_: Annotated[str | None, typer.Option("--hash", metavar="HASH", help="Of a printed sheet: its hash.")] = None,
    given_at: Annotated[
        str | None, typer.Option("--given-at", metavar="TIME", help="Of a printed sheet: when it was given out.")
    ] = None,
    unit: UnitOption = None,
    establishment: EstablishmentOption = None,
    server: ServerOption = DEFAULT_SERVER,
    as_json: JsonOption = False,
) -> None:
    """Check that a sheet was given out as it is: to whom, and when. From a file, or from what is printed on paper."""
    with answering(as_json) as voice:
        kept = None if file is None else _kept(file)
        if (kept is None) == (hash_ is None and given_at is None):
            raise Unclear("Give a FILE, or --hash and --given-at as they stand on the paper.")
        with desk(voice, server) as here:
            if kept is not None:
                place, code = str(kept["establishment"]), str(kept["unit"])
                made, stamped, at = seal(kept), str(kept["hash"]), str(kept["given_at"])
                if made != stamped:
                    what = f"It was changed: it says its hash is {stamped}, but what it says has the hash {made}."
                    _refuse(voice.as_json, what)
            else:
                if hash_ is None or given_at is None:
                    raise Unclear("Paper needs both: --hash and --given-at as they stand on it.")
                where = unit_meant(here, unit, establishment)
                place, code, stamped, at = where.establishment, where.code, _hash(hash_), given_at
            moment = times.past(at, here.now(), here.zone(place), "--given-at")
            try:
                found = given(here.api, place, code, stamped, moment)
            except ServerRefused as refused:
                if refused.status != 404:
                    raise
                what = refused.detail or "No such sheet was given out."
                _refuse(voice.as_json, what)
            if voice.as_json:
                voice.emit(found)
                return
            reader = here.reader(here.lists(), place)
            shows, when = (reader.time(found.get(name), seconds=True) for name in ("at", "given_at"))
            voice.say(
                f"True: the sheet of {place} {code} as it stood {shows} was given to {found.get('given_to')} {when}, "
                f"as it is. It knew of everything up to event {found.get('sequence')}."
            )


def _hash(typed: str) -> str:
    """A hash as it is printed, in groups or not."""
    found = "".join(typed.split()).lower()
    if not re.fullmatch(r"[0-9a-f]{64}", found):
        raise Unclear(f"--hash: a hash is 64 of 0–9 and a–f; this has {len(found)} signs, or others among them.")
    return found


def _kept(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise Unclear(f"{file}: {error.strerror or error}") from None
    except ValueError:
        raise Unclear(f"{file} is not JSON. Keep a sheet with: handover sheet --json > {file}") from None
    wanted = ("establishment", "unit", "hash", "given_at")
    if not isinstance(found, dict) or any(not isinstance(found.get(name), str) for name in wanted):
        raise Unclear(f"{file} is not a sheet. Keep one with: handover sheet --json > {file}")
    return found


def _refuse(as_json: bool, what: str) -> NoReturn:
    said = one_line({"error": "not-verified", "detail": what}) if as_json else f"NOT TRUE. {what}"
    typer.echo(said, err=True)
    raise typer.Exit(REFUSED)
