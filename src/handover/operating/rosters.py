"""Loading rosters from files."""

import getpass
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from handover.operating.console import err
from handover.operating.shared import (
    Json,
    fail,
    settings_from,
    tell,
    with_desk,
)
from handover.services import importing
from handover.services.unit_of_work import Desk

imports = typer.Typer(no_args_is_help=True, help="Rosters from files (on the server).")


@imports.command("establishments")
def import_establishments(file: Path, as_json: Json = False) -> None:
    """Load establishments from a CSV file with the columns code, name, timezone."""
    _import(file, as_json, lambda desk, advance: importing.establishments(desk, getpass.getuser(), file, advance))


@imports.command("inmates")
def import_inmates(
    file: Path,
    create_units: Annotated[bool, typer.Option(help="Set up units that are not there yet.")] = False,
    as_json: Json = False,
) -> None:
    """Load people from a CSV file with the columns number, name, establishment, unit, and optionally cell, language."""
    _import(
        file,
        as_json,
        lambda desk, advance: importing.inmates(desk, getpass.getuser(), file, advance, create_units=create_units),
    )


def _import(file: Path, as_json: bool, run: Callable[[Desk, Callable[[int], None]], importing.Report]) -> None:
    if not file.is_file():
        fail(f"There is no file {file}.", 2)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, disable=as_json) as progress:
        try:
            task = progress.add_task(file.name, total=importing.count(file))
            report = with_desk(settings_from(), lambda desk: run(desk, lambda n: progress.advance(task, n)))
        except UnicodeDecodeError:
            fail(f"{file} is not UTF-8; save it as CSV UTF-8.", 2)
    refused = [{"line": r.line, "why": r.why} for r in report.refused]
    told = {"created": report.created, "changed": report.changed, "refused": refused}
    tell(as_json, told, f"{report.created} new, {report.changed} there before, {len(refused)} refused.")
    if not as_json:
        for line in report.refused:
            err.print(f"  line {line.line}: {line.why}", markup=False)
    if refused:
        raise typer.Exit(1)
