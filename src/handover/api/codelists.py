"""Code lists."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from handover.api.asking import Somebody
from handover.api.describing import operation
from handover.schemas.codelists import CodeList, CodeLists
from handover.services import codelists

router = APIRouter(prefix="/v1/codelists", tags=["code lists"])


@router.get("", response_model=CodeLists, **operation("any", 401, 422, tagged=True))
async def list_codelists(ask: Somebody) -> Response:
    """Every code list: code, label, the behaviour that tells when to use it, version, whether it is still in use."""
    return ask.single(*codelists.all_of(ask.parts.desk.code_lists))


@router.get("/{name}", response_model=CodeList, **operation("any", 401, 404, 422, tagged=True))
async def read_codelist(
    name: Annotated[str, Path(pattern=r"^[a-z_]{1,40}$", examples=["indicators"])], ask: Somebody
) -> Response:
    """One code list."""
    return ask.single(*codelists.named(ask.parts.desk.code_lists, name))
