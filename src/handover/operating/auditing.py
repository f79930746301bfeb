"""Verifying and exporting the access log."""

import getpass
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy.engine import Connection

from handover.domain.access import operator
from handover.errors import Conflict
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

    begun = False

    def printed(conn: Connection) -> None:
        nonlocal begun
        if begun:  # a reading whose connection was lost is begun once more
            raise Conflict("The store was lost on the way: what was printed is only the beginning. Type it again.")
        try:
            for line in audit.export(conn):
                sys.stdout.buffer.write(f"{line}\n".encode())
                begun = True
            sys.stdout.buffer.flush()
        except OSError as error:
            with suppress(OSError):
                sys.stdout.close()  # or what it still holds is tried, and told, once more at the end
            raise Conflict(f"The log could not be printed to its end: {error.strerror}.") from None

    def run(desk: Desk) -> None:
        desk.do(Asker(operator(getpass.getuser(), ())), audit.exported)
        desk.store.read(printed).result()

    with_desk(settings_from(), run)


def _head(text: str) -> Head:
    chain, _, rest = text.partition(":")
    position, _, digest = rest.partition(":")
    if not re.fullmatch("[0-9]{1,19}:[0-9a-f]{64}", rest):
        fail("A head reads CHAIN:LINE:HASH, as `handover audit verify` prints it.", 2)
    return Head(chain, int(position), digest)
