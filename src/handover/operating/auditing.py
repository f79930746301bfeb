"""Verifying and exporting the access log."""

import getpass
from pathlib import Path
from typing import Annotated, Any

import typer

from handover.domain.access import operator
from handover.operating.shared import (
    Json,
    fail,
    settings_from,
    tell,
    with_desk,
)
from handover.services import audit
from handover.services.unit_of_work import Asker, Desk
from handover.store.accesslog import Head

audits = typer.Typer(no_args_is_help=True, help="The access log (on the server).")


@audits.command("verify")
def audit_verify(
    file: Annotated[Path | None, typer.Argument(help="An export to check; the store itself if left out.")] = None,
    head: Annotated[
        list[str] | None, typer.Option(help="A head noted earlier, CHAIN:LINE:HASH; may be repeated.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check that no line of the access log was changed, removed or swapped. Works with the service stopped, and on
    an export."""
    noted = [_head(text) for text in head or []]
    if file is not None:
        if not file.is_file():
            fail(f"There is no file {file}.", 2)
        with file.open(encoding="utf-8", errors="replace") as lines:
            found = audit.verify_export(lines, noted)
    else:
        found = with_desk(
            settings_from(), lambda desk: desk.store.read(lambda conn: audit.verify_store(conn, noted)).result()
        )
    heads = [f"{h.chain}:{h.position}:{h.hash}" for h in found.heads]
    told: dict[str, Any] = {
        "sound": not found.faults,
        "lines": found.lines,
        "faults": [{"chain": f.chain, "line": f.position, "what": f.what} for f in found.faults],
        "heads": heads,
    }
    if found.faults:
        words = "\n".join(["The access log is NOT as it was written:", *(f"  {audit.told(f)}" for f in found.faults)])
    else:
        newest = heads[0] if heads else "-"
        words = f"{found.lines} lines in {len(heads)} chains, all as written.\nNewest head, to note down: {newest}"
    tell(as_json, told, words)
    if found.faults:
        raise typer.Exit(1)


@audits.command("export")
def audit_export() -> None:
    """Print the whole access log as lines of JSON, for `handover audit verify FILE` elsewhere."""

    def run(desk: Desk) -> None:
        desk.do(Asker(operator(getpass.getuser(), ())), audit.exported)
        desk.store.read(lambda conn: typer.echo("\n".join(audit.export(conn)))).result()

    with_desk(settings_from(), run)


def _head(text: str) -> Head:
    chain, _, rest = text.partition(":")
    position, _, digest = rest.partition(":")
    if not position.isdigit() or len(digest) != 64:
        fail("A head reads CHAIN:LINE:HASH, as `handover audit verify` prints it.", 2)
    return Head(chain, int(position), digest)
