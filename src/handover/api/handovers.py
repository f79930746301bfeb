"""Handovers, sheets and pages."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Path, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from handover.accepting import preferred
from handover.api.asking import Pressing, Somebody, parts, tag_of
from handover.api.bodies import StrictRoute
from handover.api.describing import operation
from handover.api.examples import GIVEN_AT, HANDOVER_ID, PAGE_ID, QUERY_ID, SHEET_HASH
from handover.api.paper.page import policy, print_sheet
from handover.api.paper.words import offered
from handover.api.parameters import CodeFilter, Cursor, Limit, PlaceFilter, QueryTime, SentTime, UnitFilter
from handover.domain.pages import State
from handover.languages import best
from handover.schemas.common import EstablishmentCode, InmateNumber, SentId, UnitCode
from handover.schemas.handovers import (
    AcceptanceDraft,
    AnswerDraft,
    Calling,
    CallingDraft,
    Handover,
    HandoverDraft,
    HandoverPage,
    PageDetail,
    PageList,
    Pass,
    PassDraft,
    QueryDraft,
    WithdrawalDraft,
)
from handover.schemas.handovers import Query as Asked
from handover.schemas.sheets import GivenSheet, Learned, Sheet
from handover.services import calls, handovers, pages, sheets
from handover.services.answers import Answer
from handover.services.unit_of_work import UnitOfWork, as_json

router = APIRouter(prefix="/v1", tags=["handovers"], route_class=StrictRoute)
HandoverId = Annotated[SentId, Path(examples=[HANDOVER_ID])]
PageId = Annotated[SentId, Path(examples=[PAGE_ID])]
Place = Annotated[EstablishmentCode, Path()]
UnitName = Annotated[UnitCode, Path()]
PageState = Annotated[State | None, Query()]
JSON, HTML = "application/json", "text/html"
_FRESH = {"Cache-Control": "no-store", "Vary": "Accept, Accept-Language"}


@router.get(
    "/establishments/{code}/units/{unit}/sheet",
    response_model=Sheet,
    **operation("handovers:read", 401, 403, 404, 422, spoken=True),
)
async def read_sheet(
    code: Place,
    unit: UnitName,
    ask: Somebody,
    at: Annotated[QueryTime, Query(description="What was known then; as it stands if left out.")] = None,
) -> Response:
    """Read a unit's sheet. As `text/html` it prints on one page, in the language that is asked for."""

    paper = preferred(ask.request.headers.get("accept", ""), JSON, HTML) == HTML

    def work(uow: UnitOfWork) -> tuple[str, dict[str, str], dict[str, str]]:
        sheet = sheets.get(uow, code, unit, at)
        if not paper:
            return as_json(sheet), {}, {}
        return as_json(sheet), sheets.heading(uow, code, unit), sheets.narrow(uow, sheet)

    told, heading, narrow = await ask.read(work)
    if paper:
        desk = ask.parts.desk
        language = best(ask.request.headers.get("accept-language", ""), offered())
        page = await run_in_threadpool(
            print_sheet,
            orjson.loads(told),
            desk.store.identity.practice,
            zone=heading["zone"],
            place=heading["place"],
            unit=heading["unit"],
            lists=desk.code_lists,
            language=language,
            narrow=narrow,
        )
        headers = {**_FRESH, "Content-Language": language, "Content-Security-Policy": policy(page)}
        return Response(page, media_type=HTML, headers=headers)
    return Response(told, media_type="application/json", headers=_FRESH)


@router.get(
    "/establishments/{code}/units/{unit}/sheets/{hash}",
    response_model=GivenSheet,
    **operation("handovers:read", 401, 403, 404, 422),
)
async def verify_sheet(
    code: Place,
    unit: UnitName,
    hash: Annotated[str, Path(pattern="^[0-9a-f]{64}$", examples=[SHEET_HASH])],  # noqa: A002 - the name in the path
    given_at: Annotated[SentTime, Query(description="When it was given out, as it says itself.", examples=[GIVEN_AT])],
    ask: Somebody,
) -> Response:
    """Check that a sheet was given out as it is: to whom, when, knowing what."""
    found = await ask.read(lambda uow: sheets.verify(uow, code, unit, hash, given_at))
    return Response(as_json(found), 200, {"Cache-Control": "no-store"}, "application/json")


@router.get("/inmates/{number}/worked", response_model=Learned, **operation("notes:read", 308, 401, 403, 404, 422))
async def read_what_worked(number: Annotated[InmateNumber, Path()], ask: Somebody) -> Response:
    """What staff did with a person and whether it helped, and when he or she opened up; each with its source."""
    found = await ask.read(lambda uow: sheets.worked(uow, number))
    return Response(as_json(found), 200, {"Cache-Control": "no-store"}, "application/json")


@router.get("/handovers", response_model=HandoverPage, **operation("handovers:read", 401, 403, 422))
async def list_handovers(
    ask: Somebody,
    establishment: PlaceFilter = None,
    unit: UnitFilter = None,
    state: CodeFilter = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    """List handovers you may see, the newest offer first."""
    wanted = handovers.Filter(establishment, unit, state)
    return ask.page(await ask.read(lambda uow: handovers.find(uow, wanted, cursor, limit)))


@router.get("/handovers/{id}", response_model=Handover, **operation("handovers:read", 401, 403, 404, 422, tagged=True))
async def read_handover(id: HandoverId, ask: Somebody) -> Response:  # noqa: A002 - the name in the path
    """Read one handover."""
    document = await ask.read(lambda uow: handovers.get(uow, id))
    # Not tagged by its version: whoever has lost a right would be told to keep the items.
    return ask.single(document, tag_of(document))


def _answer(document: str, handover: str) -> Answer:
    headers = {"Location": f"/v1/handovers/{handover}", "ETag": f'"{tag_of(document)}"'}
    return Answer(201, document, headers, handover)


@router.post(
    "/handovers", status_code=201, response_model=Handover, **operation("staff", 401, 403, 404, 409, 422, made=True)
)
async def offer_handover(draft: HandoverDraft, ask: Somebody) -> Response:
    """Offer a unit's handover. What is in it is frozen; what comes later goes into the next one."""

    def work(uow: UnitOfWork) -> Answer:
        id_, document = handovers.offer(uow, draft)
        return _answer(document, id_)

    return await ask.create(work)


@router.post(
    "/handovers/{id}/queries",
    status_code=201,
    response_model=Asked,
    **operation("staff", 401, 403, 404, 409, 422, made=True, conditional=False),
)
async def ask_about_handover(id: HandoverId, draft: QueryDraft, ask: Somebody) -> Response:  # noqa: A002
    """Ask about one item of an offer."""

    def work(uow: UnitOfWork) -> Answer:
        document, now = handovers.ask(uow, id, draft, ask.fresh)
        headers = {"Location": f"/v1/handovers/{id}", "ETag": f'"{tag_of(now)}"'}
        return Answer(201, document, headers, id)

    return await ask.create(work)


@router.post(
    "/handovers/{id}/queries/{query}/answers",
    status_code=201,
    response_model=Asked,
    **operation("staff", 401, 403, 404, 409, 422, made=True, conditional=False),
)
async def answer_query(
    id: HandoverId,  # noqa: A002
    query: Annotated[SentId, Path(examples=[QUERY_ID])],
    draft: AnswerDraft,
    ask: Somebody,
) -> Response:
    """Answer a query; answers the query with all its answers."""

    def work(uow: UnitOfWork) -> Answer:
        document, now = handovers.answer(uow, id, query, draft, ask.fresh)
        headers = {"Location": f"/v1/handovers/{id}", "ETag": f'"{tag_of(now)}"'}
        return Answer(201, document, headers, id)

    return await ask.create(work)


@router.post(
    "/handovers/{id}/acceptance",
    status_code=201,
    response_model=Handover,
    **operation("staff", 401, 403, 404, 409, 422, made=True, conditional=False),
)
async def accept_handover(id: HandoverId, draft: AcceptanceDraft, ask: Pressing) -> Response:  # noqa: A002
    """Take a unit, or a person who has moved, over: the caller answers for it from now on."""

    def work(uow: UnitOfWork) -> Answer:
        return _answer(handovers.accept(uow, id, draft, ask.fresh), id)

    return await ask.create(work, first=True)


@router.post(
    "/handovers/{id}/withdrawal",
    status_code=201,
    response_model=Handover,
    **operation("staff", 401, 403, 404, 409, 422, made=True, conditional=False),
)
async def withdraw_handover(id: HandoverId, draft: WithdrawalDraft, ask: Somebody) -> Response:  # noqa: A002
    """Take an offer back. What it held goes into the next one."""

    def work(uow: UnitOfWork) -> Answer:
        return _answer(handovers.withdraw(uow, id, draft, ask.fresh), id)

    return await ask.create(work)


@router.get("/pages", response_model=PageList, **operation("notes:read", 401, 403, 422))
async def list_pages(
    ask: Somebody,
    establishment: PlaceFilter = None,
    unit: UnitFilter = None,
    state: PageState = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    """List pages you may see, the newest first: what calls for somebody until a named person takes it."""
    return ask.page(await ask.read(lambda uow: pages.find(uow, establishment, unit, state, cursor, limit)))


@router.get("/pages/{id}", response_model=PageDetail, **operation("notes:read", 401, 403, 404, 422, tagged=True))
async def read_page(id: PageId, ask: Somebody) -> Response:  # noqa: A002 - the name in the path
    """Read one page: who has seen what it calls for, and who on duty has not."""
    document = await ask.read(lambda uow: pages.get(uow, id))
    return ask.single(document, tag_of(document))


@router.post("/calls/passes", response_model=Pass, **operation("staff", 400, 401, 403, 404, 413, 422))
async def make_pass(ask: Somebody, draft: PassDraft) -> Response:
    """A pass for a screen that is about to be locked: for half a day it may ask whether something calls."""
    desk = ask.parts.desk
    given = await ask.write(lambda uow: calls.issue(uow, desk.store.identity.secret, draft.establishment))
    body = {"pass": given, "expires_in": int(calls.LASTS.total_seconds())}
    return Response(as_json(body), 200, {"Cache-Control": "no-store"}, "application/json")


@router.post("/calls", response_model=Calling, **operation(None, 400, 413, 422))
async def ask_calling(request: Request, draft: CallingDraft) -> Response:
    """What a locked screen hears: in which units somebody must act now. Nothing else, and nobody's name."""
    units = await calls.hear(parts(request), draft.pass_)
    return Response(as_json({"units": units}), 200, {"Cache-Control": "no-store"}, "application/json")
