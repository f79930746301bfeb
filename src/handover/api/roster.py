"""Establishments, units, people."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from handover.api.asking import Ask, Somebody
from handover.api.bodies import StrictRoute
from handover.api.describing import operation
from handover.api.parameters import Cursor, Limit, PlaceFilter, UnitFilter, Words, words
from handover.schemas.common import EstablishmentCode, InmateNumber, UnitCode
from handover.schemas.roster import (
    Establishment,
    EstablishmentDraft,
    EstablishmentPage,
    Inmate,
    InmateDraft,
    InmatePage,
    Merge,
    MergeDraft,
    Move,
    MoveDraft,
    Unit,
    UnitDraft,
    UnmergeDraft,
)
from handover.services import merges, roster
from handover.services.answers import Answer
from handover.services.roster import Put
from handover.services.unit_of_work import UnitOfWork

router = APIRouter(prefix="/v1", tags=["roster"], route_class=StrictRoute)
Code = Annotated[EstablishmentCode, Path()]
UnitName = Annotated[UnitCode, Path()]
Number = Annotated[InmateNumber, Path()]


def _put(ask: Ask, put: Put, path: str) -> Response:
    if put.created:
        return ask.single(put.document, put.version, 201, Location=path)
    return ask.single(put.document, put.version)


@router.get("/establishments", response_model=EstablishmentPage, **operation("roster:read", 401, 403, 422))
async def list_establishments(ask: Somebody) -> Response:
    """List your establishments with their units."""
    return ask.page(await ask.read(roster.find_establishments))


@router.get(
    "/establishments/{code}", response_model=Establishment, **operation("roster:read", 401, 403, 404, 422, tagged=True)
)
async def read_establishment(code: Code, ask: Somebody) -> Response:
    """Read one establishment with its units."""
    document, version = await ask.read(lambda uow: roster.get_establishment(uow, code))
    return ask.single(document, version)


@router.put(
    "/establishments/{code}",
    response_model=Establishment,
    **operation("roster:write", 401, 403, 404, 422, 201, conditional=False),
)
async def put_establishment(code: Code, draft: EstablishmentDraft, ask: Somebody) -> Response:
    """Set up one of your establishments, or change it."""
    versions = ask.versions()
    put = await ask.write(lambda uow: roster.put_establishment(uow, code, draft, versions))
    return _put(ask, put, f"/v1/establishments/{code}")


@router.put(
    "/establishments/{code}/units/{unit}",
    response_model=Unit,
    **operation("roster:write", 401, 403, 404, 422, 201, conditional=False),
)
async def put_unit(code: Code, unit: UnitName, draft: UnitDraft, ask: Somebody) -> Response:
    """Set up a unit, or rename it."""
    versions = ask.versions()
    put = await ask.write(lambda uow: roster.put_unit(uow, code, unit, draft, versions))
    return _put(ask, put, f"/v1/establishments/{code}/units/{unit}")


@router.get("/inmates", response_model=InmatePage, **operation("roster:read", 401, 403, 422))
async def list_inmates(
    ask: Somebody,
    establishment: PlaceFilter = None,
    unit: UnitFilter = None,
    q: Words = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    """List people in your establishments, by number; `q` finds them by a few letters of number, name or cell."""
    sought = words(q)
    return ask.page(await ask.read(lambda uow: roster.find_inmates(uow, establishment, unit, sought, cursor, limit)))


@router.get(
    "/inmates/{number}", response_model=Inmate, **operation("roster:read", 308, 401, 403, 404, 422, tagged=True)
)
async def read_inmate(number: Number, ask: Somebody) -> Response:
    """Read one person."""
    document, version = await ask.read(lambda uow: roster.get_inmate(uow, number))
    return ask.single(document, version)


@router.put(
    "/inmates/{number}",
    response_model=Inmate,
    **operation("roster:write", 308, 401, 403, 404, 422, 201, conditional=False),
)
async def put_inmate(number: Number, draft: InmateDraft, ask: Somebody) -> Response:
    """Put a person on the roster, or change the entry. Another unit than before is told as a move."""
    versions = ask.versions()
    put = await ask.write(lambda uow: roster.put_inmate(uow, number, draft, versions))
    return _put(ask, put, f"/v1/inmates/{number}")


@router.post(
    "/inmates/{number}/moves",
    status_code=201,
    response_model=Move,
    **operation("roster:write", 308, 401, 403, 404, 422, made=True, conditional=False),
)
async def move_inmate(number: Number, draft: MoveDraft, ask: Somebody) -> Response:
    """Move a person to another cell, unit or establishment. Open needs go along."""
    versions = ask.versions()

    def work(uow: UnitOfWork) -> Answer:
        document, now = roster.move(uow, number, draft, versions)
        return Answer(201, document, {"Location": f"/v1/inmates/{number}", "ETag": f'"{now}"'})

    return await ask.create(work)


@router.post(
    "/inmates/{number}/merges",
    status_code=201,
    response_model=Merge,
    **operation("roster:write", 308, 401, 403, 404, 409, 422, made=True, conditional=False),
)
async def merge_inmates(number: Number, draft: MergeDraft, ask: Somebody) -> Response:
    """Give another number of the same person up for this one. One timeline; the old number redirects; each moved
    note is told."""
    versions = ask.versions()

    def work(uow: UnitOfWork) -> Answer:
        document, now = merges.merge(uow, number, draft, versions)
        return Answer(201, document, {"Location": f"/v1/inmates/{number}", "ETag": f'"{now}"'})

    return await ask.create(work)


@router.post(
    "/inmates/{number}/unmerges",
    status_code=201,
    response_model=Merge,
    **operation("roster:write", 308, 401, 403, 404, 409, 422, made=True, conditional=False),
)
async def unmerge_inmates(number: Number, draft: UnmergeDraft, ask: Somebody) -> Response:
    """Undo a merge: what came from the number that was given up goes back to it; each note that goes is told."""
    versions = ask.versions()

    def work(uow: UnitOfWork) -> Answer:
        document, now = merges.unmerge(uow, number, draft, versions)
        return Answer(201, document, {"Location": f"/v1/inmates/{draft.previous}", "ETag": f'"{now}"'})

    return await ask.create(work)
