"""Needs."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from handover.api.asking import Somebody
from handover.api.bodies import StrictRoute
from handover.api.describing import operation
from handover.api.parameters import CodeFilter, Cursor, Limit, NumberFilter, PlaceFilter, QueryTime, UnitFilter
from handover.schemas.common import SentId
from handover.schemas.needs import NeedChange, NeedPage, NeedWithHistory
from handover.services import needs

router = APIRouter(prefix="/v1/needs", tags=["needs"], route_class=StrictRoute)
NeedId = Annotated[SentId, Path()]


@router.get("", response_model=NeedPage, **operation("needs:read", 401, 403, 422))
async def list_needs(
    ask: Somebody,
    establishment: PlaceFilter = None,
    unit: UnitFilter = None,
    inmate: NumberFilter = None,
    status: CodeFilter = None,
    code: CodeFilter = None,
    due_before: QueryTime = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    """List needs you may see: those due first, then the oldest."""
    wanted = needs.Filter(establishment, unit, inmate, status, code, due_before)
    return ask.page(await ask.read(lambda uow: needs.find(uow, wanted, cursor, limit)))


@router.get("/{id}", response_model=NeedWithHistory, **operation("needs:read", 401, 403, 404, 422, tagged=True))
async def read_need(id: NeedId, ask: Somebody) -> Response:  # noqa: A002 - the name in the path
    """Read one need with its history."""
    document, version = await ask.read(lambda uow: needs.get(uow, id))
    return ask.single(document, version)


@router.patch(
    "/{id}", response_model=NeedWithHistory, **operation("needs:write", 401, 403, 404, 409, 422, conditional=True)
)
async def change_need(id: NeedId, change: NeedChange, ask: Somebody) -> Response:  # noqa: A002 - as above
    """Change a need. DONE wants an outcome, NOT_POSSIBLE a reason, PASSED_ON an owner."""
    expected = ask.versions(required=True)
    document, version = await ask.write(lambda uow: needs.change(uow, id, expected, change))
    return ask.single(document, version)
