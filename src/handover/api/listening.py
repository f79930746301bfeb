"""Where somebody listens, for those who answer for a whole prison."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from handover.api.asking import Somebody
from handover.api.bodies import StrictRoute
from handover.api.describing import operation
from handover.schemas.common import EstablishmentCode
from handover.schemas.listening import ListeningList
from handover.services import listening

router = APIRouter(prefix="/v1", tags=["roster"], route_class=StrictRoute)


@router.get(
    "/establishments/{code}/listening",
    response_model=ListeningList,
    **operation("roster:read", 401, 403, 404, 422),
)
async def list_listening(code: Annotated[EstablishmentCode, Path()], ask: Somebody) -> Response:
    """List the units of an establishment, and whether anybody hears there what is told: for a supervisor or the
    governor, or a system that watches over it."""
    return ask.page(await ask.read(lambda uow: listening.find(uow, code)))
