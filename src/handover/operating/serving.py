"""Serving."""

import errno
import socket
from typing import Annotated

import typer

from handover.app import create_app
from handover.app import serve as serve_app
from handover.operating.shared import fail, ready, settings_from
from handover.operating.workers import supervise
from handover.services import opening


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (HANDOVER_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (HANDOVER_PORT).")] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes that serve together, on PostgreSQL (HANDOVER_WORKERS).")
    ] = None,
) -> None:
    """Run the service."""
    settings = settings_from(host=host, port=port, workers=workers)
    port_is_free(settings.host, settings.port)
    if settings.workers == 1:
        with ready(lambda: opening.hold(settings)):
            serve_app(ready(lambda: create_app(settings)), settings)
        return
    ready(lambda: opening.prepare(settings))
    for i in range(settings.workers if settings.worker_port else 0):
        port_is_free("127.0.0.1", settings.worker_port + i, "HANDOVER_WORKER_PORT")
    supervise(settings)


def port_is_free(host: str, port: int, setting: str = "--port or HANDOVER_PORT") -> None:
    """Refuses in words where nobody can listen there: `setting` is what to change about the port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            taken = error.errno in (errno.EADDRINUSE, errno.EACCES)
            change = f"another port: {setting}" if taken else "another address: --host or HANDOVER_HOST"
            fail(f"Cannot listen on {host}:{port} ({error.strerror}). Choose {change}.", 2)
