"""For whoever runs the service: alive, ready, measured. It is nobody's data, so nobody has to log in for it."""

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from handover.api.asking import parts
from handover.api.describing import operation
from handover.errors import Unavailable
from handover.services import opening

router = APIRouter(tags=["operations"])
METRICS = "text/plain; version=0.0.4; charset=utf-8"


@router.get("/healthz", response_class=PlainTextResponse, openapi_extra={"security": []})
async def alive() -> Response:
    """The process answers."""
    return PlainTextResponse("alive\n")


@router.get("/readyz", response_class=PlainTextResponse, **operation(None))
async def ready(request: Request) -> Response:
    """The store can be read and written, and the server is not about to stop."""
    known = parts(request)
    if known.hub.stopping:
        raise Unavailable("The server is stopping.")
    await opening.check(known.desk)
    return PlainTextResponse("ready\n")


@router.get("/metrics", response_class=PlainTextResponse, openapi_extra={"security": []})
async def metrics(request: Request) -> Response:
    """Prometheus' text format."""
    known = parts(request)
    known.metrics.waiting.set(known.desk.store.writer.waiting)
    known.metrics.wait.set(known.desk.store.writer.wait())
    return Response(known.metrics.text(), media_type=METRICS)
