"""Which release this is."""

import json
from typing import Annotated

import typer

from handover import __version__


def version(as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False) -> None:
    """Print the version."""
    typer.echo(json.dumps({"version": __version__}) if as_json else __version__)
