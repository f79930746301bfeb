"""Serving: for real, or a practice prison; and bringing the store up to date."""

import socket
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from handover import __version__
from handover.app import create_app
from handover.app import serve as serve_app
from handover.clock import now
from handover.operating.shared import err, fail, ready, settings_from
from handover.operating.workers import supervise
from handover.practice import week
from handover.services import opening
from handover.services.accounts import PRACTICE_PASSWORD
from handover.settings import Settings

OFFICERS_SHOWN = 5


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (HANDOVER_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (HANDOVER_PORT).")] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes that serve together, on PostgreSQL (HANDOVER_WORKERS).")
    ] = None,
) -> None:
    """Run the service."""
    settings = settings_from(host=host, port=port, workers=workers)
    _port_is_free(settings.host, settings.port)
    if settings.workers == 1:
        serve_app(ready(lambda: create_app(settings)), settings)
        return
    ready(lambda: opening.prepare(settings))
    for i in range(settings.workers if settings.worker_port else 0):
        _port_is_free("127.0.0.1", settings.worker_port + i)
    supervise(settings)


def demo(port: Annotated[int | None, typer.Option(help="Port to listen on (HANDOVER_PORT).")] = None) -> None:
    """Run a practice prison: HMP Aldermoor, fictional people, a week of notes. This machine only; gone when it
    stops."""
    with tempfile.TemporaryDirectory(prefix="handover-practice-") as folder:
        settings = settings_from(
            database_url=f"sqlite:///{folder}/practice.sqlite3",
            host="127.0.0.1",
            port=port,
            workers=1,
            argon2_memory_kib=1024,  # every practice password is printed below: there is nothing to protect
            argon2_time_cost=1,
        )
        _port_is_free(settings.host, settings.port)
        with err.status("Setting up HMP Aldermoor and its week …"):
            prison = ready(lambda: week.build(settings, now()))
        _welcome(prison, settings)
        serve_app(create_app(settings, practice=True), settings)


def migrate() -> None:
    """Bring the store's schema up to date (PostgreSQL; the embedded store does it by itself)."""
    settings = settings_from()
    revision = ready(lambda: opening.migrate(settings))
    typer.echo(f"The store is at revision {revision}.")


def version() -> None:
    """Print the version."""
    typer.echo(__version__)


def _welcome(prison: week.Prison, settings: Settings) -> None:
    server = f"http://{settings.host}:{settings.port}"
    shown = [one for i, one in enumerate(prison.staff) if one.role != "officer" or i < OFFICERS_SHOWN]
    err.rule("[bold reverse] PRACTICE [/] nothing here is real")
    err.print(
        f"{prison.name} ({prison.code}) is on [bold]{server}[/] · every password is [bold]{PRACTICE_PASSWORD}[/]\n"
    )
    for one in shown:
        where = "wings " + ", ".join(one.units) if one.units else "the whole prison"
        err.print(f"  {one.username:<14} {one.name:<18} {one.role:<11} {where}")
    err.print("\nIn a second terminal, in this folder:\n")
    prefix = "" if settings.port == 8000 else f"export HANDOVER_SERVER={server}; "
    handover = Path(sys.argv[0]).resolve()
    command = str(handover.relative_to(Path.cwd())) if handover.is_relative_to(Path.cwd()) else "handover"
    if handover.name == "__main__.py":
        command = "python -m handover"
    for line in (
        f"{prefix}{command} login p.ngata",
        (
            f"{command} post A4417KD --mood low --change worse"
            ' --saw "quiet since the visit was cancelled" --need phone,promised'
        ),
        f"{command} watch",
    ):
        err.print(f"  [bold]{line}[/]", soft_wrap=True)
    client, secret = next(iter(prison.clients.items()))
    err.print("\nAs another prison system:\n")
    err.print(f"  export HANDOVER_CLIENT_ID={client} HANDOVER_CLIENT_SECRET={secret}", soft_wrap=True)
    err.print(f"  [bold]{command} pull[/]\n")
    err.print(f"The API: {server}/docs · Stop with Ctrl-C.")


def _port_is_free(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            fail(f"Cannot listen on {host}:{port} ({error.strerror}). Choose another with --port.", 2)
