"""The access log, for the auditor."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from handover.api.asking import Somebody
from handover.api.describing import operation
from handover.api.parameters import Cursor, Limit, PlaceFilter, QueryTime
from handover.schemas.accounts import AccessPage
from handover.services import audit

router = APIRouter(prefix="/v1/access-log", tags=["access log"])
Word = Annotated[str | None, Query(max_length=120, pattern=r"^[ -~]+$")]


@router.get("", response_model=AccessPage, **operation("any", 401, 403, 422))
async def list_access(
    ask: Somebody,
    establishment: PlaceFilter = None,
    actor: Word = None,
    action: Word = None,
    subject: Word = None,
    since: QueryTime = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    """Who wrote, read, listed, pulled or was fed what, newest first. For auditors; reading it is itself logged."""
    return ask.page(
        await ask.read(lambda uow: audit.find(uow, establishment, actor, action, subject, since, cursor, limit))
    )
