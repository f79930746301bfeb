"""Code lists."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from handover.api.asking import Somebody
from handover.api.describing import operation
from handover.schemas.codelists import CodeList, CodeLists
from handover.services import codelists

router = APIRouter(prefix="/v1/codelists", tags=["code lists"])


@router.get("", response_model=CodeLists, **operation("any", 401, 422, tagged=True, spoken=True))
async def list_codelists(ask: Somebody) -> Response:
    """Every code list: code, label, the behaviour that tells when to use it, version, whether it is still in use.
    Codes are the same in every language."""
    language = _language(ask)
    return ask.single(*codelists.all_of(ask.parts.desk.code_lists, language), **_spoken(language))


@router.get("/{name}", response_model=CodeList, **operation("any", 401, 404, 422, tagged=True, spoken=True))
async def read_codelist(
    name: Annotated[str, Path(pattern=r"^[a-z_]{1,40}$", examples=["indicators"])], ask: Somebody
) -> Response:
    """One code list."""
    language = _language(ask)
    return ask.single(*codelists.named(ask.parts.desk.code_lists, name, language), **_spoken(language))


def _language(ask: Somebody) -> str:
    return codelists.language_for(ask.request.headers.get("accept-language", ""))


def _spoken(language: str) -> dict[str, str]:
    """What a cache has to know: the same address says it in another language to somebody else."""
    return {"Content-Language": language, "Vary": "Accept-Language"}
