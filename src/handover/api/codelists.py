"""Code lists."""

from functools import lru_cache
from gzip import compress
from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from handover.accepting import packed
from handover.api.asking import Somebody, tag_of
from handover.api.describing import operation
from handover.schemas.codelists import CodeList, CodeLists
from handover.services import codelists

router = APIRouter(prefix="/v1/codelists", tags=["code lists"])


@router.get("", response_model=CodeLists, **operation("any", 401, 422, tagged=True, spoken=True))
async def list_codelists(ask: Somebody) -> Response:
    """Every code list: code, label, the behaviour that tells when to use it, version, whether it is still in use.
    Codes are the same in every language."""
    language = _language(ask)
    text, tag = codelists.all_of(ask.parts.desk.code_lists, language)
    smaller = packed(ask.request.headers.get("accept-encoding", ""))
    answer = _spoken(ask.single(text, tag_of(f"gzip of {tag}") if smaller else tag), language, "Accept-Encoding")
    if answer.status_code == 200 and smaller:
        answer.body = _packed(text)
        answer.headers["Content-Encoding"] = "gzip"
        answer.headers["Content-Length"] = str(len(answer.body))
    return answer


@lru_cache(maxsize=16)
def _packed(text: str) -> bytes:
    """All lists, a quarter of their size. Nothing else is sent packed: these are the same for everybody and hold
    nothing that anybody wrote, so how long they get gives nothing away; and it is done once for each language."""
    return compress(text.encode(), mtime=0)


@router.get("/{name}", response_model=CodeList, **operation("any", 401, 404, 422, tagged=True, spoken=True))
async def read_codelist(
    name: Annotated[str, Path(pattern=r"^[a-z_]{1,40}$", examples=["indicators"])], ask: Somebody
) -> Response:
    """One code list."""
    language = _language(ask)
    return _spoken(ask.single(*codelists.named(ask.parts.desk.code_lists, name, language)), language)


def _language(ask: Somebody) -> str:
    return codelists.language_for(ask.request.headers.get("accept-language", ""))


def _spoken(answer: Response, language: str, *also: str) -> Response:
    """Says what a cache has to know: the same address says it in another language to somebody else."""
    answer.headers["Content-Language"] = language
    answer.headers["Vary"] = ", ".join(("Accept-Language", *also))
    return answer
