"""`handover desk`: the full-screen program. What it is made of is loaded only when it is asked for."""

import sys
from importlib import import_module
from typing import Annotated

import typer

from handover.client.server import server_at
from handover.terminal import tongue
from handover.terminal.speech import DEFAULT_SERVER, EstablishmentOption, ServerOption, UnitOption, answering
from handover.terminal.unclear import Unclear

_LANGUAGES = "en, cy, de, es, fr or nl; else HANDOVER_LANG, or the language of this machine."


def desk(
    unit: UnitOption = None,
    establishment: EstablishmentOption = None,
    lock_s: Annotated[
        int | None,
        typer.Option(
            "--lock",
            envvar="HANDOVER_LOCK_S",
            min=0,
            metavar="SECONDS",
            help="Lock after so long without a key, not as your prison says; 0: never, where only staff can come.",
        ),
    ] = None,
    lang: Annotated[
        str | None,
        typer.Option("--lang", metavar="LANGUAGE", help=_LANGUAGES),
    ] = None,
    insecure: Annotated[
        bool,
        typer.Option(
            "--insecure", help="Allow plain http:// to another machine: anyone on that network can read along."
        ),
    ] = False,
    server: ServerOption = DEFAULT_SERVER,
) -> None:
    """The whole screen: your unit live, writing, handing over and taking over, one person. Everything by keyboard."""
    with answering() as voice:
        if lang is not None:
            tongue.speak(tongue.chosen(lang))
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise Unclear("There is no screen here. For a pipe or a program: handover watch, handover sheet")
        # By name: a third of a second on an old PC, which no other command should pay.
        program = import_module("handover.terminal.screens.app").HandoverApp(
            server_at(server), lock_s, unit=unit, establishment=establishment, insecure=insecure
        )
        program.run(mouse=False)
        if program.fault is not None:
            raise program.fault
        if program.return_code:
            voice.warn(str(program.return_value or "It could not be opened."))
            raise typer.Exit(program.return_code)
