"""The page itself, its files, and its words. What it is made of is read when somebody first asks for it: in a thread,
beside everything else, so these doors are not async."""

from functools import cache
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from handover.board import statics, words
from handover.board.guard import headers
from handover.languages import ENGLISH, best
from handover.services.parts import Parts

if TYPE_CHECKING:
    from jinja2 import Template

router = APIRouter(include_in_schema=False)


@cache
def _template() -> "Template":
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - see above

    return Environment(
        loader=PackageLoader("handover.board", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    ).get_template("board.html")


@router.get("/")
async def front(_request: Request) -> Response:
    """Whoever types the server's name means the board."""
    return RedirectResponse("/board", 307, {"Cache-Control": "no-cache"})


@router.get("/board")
def board(request: Request) -> Response:
    """The one page there is. It holds nobody's data: the script asks for that when somebody has logged in."""
    parts: Parts = request.app.state.parts
    language = best(request.headers.get("accept-language", ""), frozenset(words.offered()))
    page = _template().render(
        at=f"/board/static/{statics.digest()}",
        language=language,
        languages=" ".join(sorted({ENGLISH, *words.offered()})),
        t=words.of(language).one,
        practice=parts.desk.store.identity.practice,
        lock_s=parts.desk.settings.lock_s,
    )
    return HTMLResponse(page, headers={**headers(request), "Cache-Control": "no-store", "Vary": "Accept-Language"})


@router.get("/board/static/{digest}/{name}")
def file(request: Request, digest: str, name: str) -> Response:
    """One of the page's files."""
    return statics.answer(request, digest, name)
