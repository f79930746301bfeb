"""Which release this is."""

import typer

from handover import __version__


def version() -> None:
    """Print the version."""
    typer.echo(__version__)
