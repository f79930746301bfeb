"""Serving a practice prison."""

import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from handover.app import create_app
from handover.app import serve as serve_app
from handover.clock import now
from handover.operating.console import err
from handover.operating.serving import port_is_free
from handover.operating.shared import ready, settings_from
from handover.practice import week
from handover.services.accounts import PRACTICE_PASSWORD
from handover.settings import Settings

OFFICERS_SHOWN = 5


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
        other = settings.port + 1 if settings.port < 65535 else 8000
        port_is_free(settings.host, settings.port, f'--port {other} (make run ARGS="--port {other}")')
        with err.status("Setting up HMP Aldermoor and its week …"):
            prison = ready(lambda: week.build(settings, now()))
        _welcome(prison, settings)
        serve_app(ready(lambda: create_app(settings, practice=True)), settings)


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
