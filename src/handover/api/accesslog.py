"""The access log, for the auditor."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from handover.api.asking import Somebody
from handover.api.describing import operation
from handover.api.parameters import Cursor, Limit, PlaceFilter, QueryTime
from handover.schemas.accounts import AccessPage
from handover.schemas.common import InmateNumber
from handover.services import audit

router = APIRouter(prefix="/v1/access-log", tags=["access log"])
Word = Annotated[str | None, Query(max_length=120, pattern=r"^[ -~]+$")]
Person = Annotated[
    InmateNumber | None, Query(description="Somebody's number: lines about this person, and lists with him or her on.")
]


@router.get("", response_model=AccessPage, **operation("staff", 401, 403, 422))
async def list_access(
    ask: Somebody,
    establishment: PlaceFilter = None,
    actor: Word = None,
    action: Word = None,
    subject: Word = None,
    person: Person = None,
    since: QueryTime = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    """Who wrote, read, listed, pulled or was fed what, newest first. For auditors; reading it is itself logged. A page
    looks at 20,000 lines at most: it may have few items or none, and there is more as long as there is a `next`."""
    given = {
        "establishment": establishment,
        "actor": actor,
        "action": action,
        "subject": subject,
        "person": person,
    }
    wanted = {name: value for name, value in given.items() if value is not None}
    return ask.page(await ask.read(lambda uow: audit.find(uow, wanted, since, cursor, limit)))
