"""Notes, corrections, retractions, receipts."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from handover.api.asking import Pressing, Somebody, tag_of
from handover.api.bodies import StrictRoute
from handover.api.describing import operation
from handover.api.parameters import (
    CodeFilter,
    Cursor,
    Limit,
    NumberFilter,
    PlaceFilter,
    QueryTime,
    UnitFilter,
    Words,
    words,
)
from handover.schemas.common import SentId, Shaped
from handover.schemas.notes import (
    AttentionDraft,
    CorrectionDraft,
    Note,
    NoteDraft,
    NotePage,
    Receipt,
    ReceiptDraft,
    Receipts,
    RetractionDraft,
)
from handover.services import notes
from handover.services.answers import Answer
from handover.services.unit_of_work import UnitOfWork

SHIFTS = "`current`, `previous`, a shift's code, or a day and a code."
ShiftName = Annotated[
    str,
    Shaped(
        r"(current|previous|(\d{4}-\d{2}-\d{2}/)?[A-Z][A-Z0-9_]{0,39})",
        "write current, previous, a shift's code, or a day and a code, e.g. 2026-11-22/NIGHT",
    ),
]
router = APIRouter(prefix="/v1/notes", tags=["notes"], route_class=StrictRoute)
NoteId = Annotated[SentId, Path()]


def _headers(made: notes.Made) -> dict[str, str]:
    return {"Location": f"/v1/notes/{made.id}", "ETag": f'"{tag_of(made.document)}"'}


@router.post("", status_code=201, response_model=Note, **operation("notes:write", 401, 403, 422, made=True))
async def record_note(draft: NoteDraft, ask: Pressing) -> Response:
    """Record a note. The answer comes when it is durable; everybody who may read it is told at once. When the service
    has more to do than it can, notes that say ACT_NOW go first."""

    def work(uow: UnitOfWork) -> Answer:
        made = notes.record(uow, draft)
        return Answer(201, made.document, _headers(made), made.said_in)

    # What is said about an incident depends on what was said just before, and must see it.
    first = notes.goes_first(ask.parts.desk, draft)
    return await ask.create(work, gathers=not draft.about_incident, person=draft.inmate, first=first)


@router.get("", response_model=NotePage, **operation("notes:read", 401, 403, 422))
async def list_notes(
    ask: Somebody,
    establishment: PlaceFilter = None,
    unit: UnitFilter = None,
    inmate: NumberFilter = None,
    shift: Annotated[ShiftName | None, Query(description=SHIFTS, examples=["2026-11-22/NIGHT"])] = None,
    attention: CodeFilter = None,
    indicator: CodeFilter = None,
    need: CodeFilter = None,
    author: Annotated[
        str | None, Query(max_length=120, pattern=r"^[ -~]+$", description="The author's user name.")
    ] = None,
    occurred_from: QueryTime = None,
    occurred_to: QueryTime = None,
    recorded_from: QueryTime = None,
    incident: Annotated[
        SentId | None, Query(description="The note it began with: `incident` of each of its notes.")
    ] = None,
    q: Words = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    """List notes you may read, newest first."""
    wanted = notes.Filter(
        establishment=establishment,
        unit=unit,
        inmate=inmate,
        attention=attention,
        indicator=indicator,
        need=need,
        author=author,
        occurred_from=occurred_from,
        occurred_to=occurred_to,
        recorded_from=recorded_from,
        incident=incident,
        words=words(q),
    )
    return ask.page(await ask.read(lambda uow: notes.find(uow, wanted, shift, cursor, limit)))


@router.get("/{id}", response_model=Note, **operation("notes:read", 401, 403, 404, 422, tagged=True))
async def read_note(id: NoteId, ask: Somebody) -> Response:  # noqa: A002 - the name in the path
    """Read one note."""
    document = await ask.read(lambda uow: notes.get(uow, id))
    return ask.single(document, tag_of(document))


@router.post(
    "/{id}/corrections",
    status_code=201,
    response_model=Note,
    **operation("notes:write", 401, 403, 404, 409, 422, made=True, conditional=False),
)
async def correct_note(id: NoteId, correction: CorrectionDraft, ask: Pressing) -> Response:  # noqa: A002
    """Correct a note: a whole new one supersedes it. Its open needs go on under the new one."""

    def work(uow: UnitOfWork) -> Answer:
        made = notes.correct(uow, id, correction, ask.fresh)
        return Answer(201, made.document, _headers(made), made.said_in)

    return await ask.create(work, first=notes.goes_first(ask.parts.desk, correction.note))


@router.post(
    "/{id}/retractions",
    status_code=201,
    response_model=Note,
    **operation("notes:write", 401, 403, 404, 409, 422, made=True, conditional=False),
)
async def retract_note(id: NoteId, retraction: RetractionDraft, ask: Somebody) -> Response:  # noqa: A002
    """Take a note back. Its text is then gone from every answer but the auditor's."""

    def work(uow: UnitOfWork) -> Answer:
        made = notes.retract(uow, id, retraction, ask.fresh)
        return Answer(201, made.document, _headers(made), made.said_in)

    return await ask.create(work)


@router.post(
    "/{id}/attention",
    status_code=201,
    response_model=Note,
    **operation("notes:write", 401, 403, 404, 409, 422, made=True, conditional=False),
)
async def attend_to_note(id: NoteId, draft: AttentionDraft, ask: Somebody) -> Response:  # noqa: A002
    """Renew a note's attention, or close it; either wants a reason."""

    def work(uow: UnitOfWork) -> Answer:
        made = notes.attend(uow, id, draft, ask.fresh)
        return Answer(201, made.document, _headers(made), made.said_in)

    return await ask.create(work)


@router.post(
    "/{id}/receipts",
    status_code=201,
    response_model=Receipt,
    **operation("notes:write", 401, 403, 404, 409, 422, made=True),
)
async def give_receipt(id: NoteId, receipt: ReceiptDraft, ask: Pressing) -> Response:  # noqa: A002
    """Say that you have seen a note, take it on, ask about it, or read it back. Taking on goes first."""

    def work(uow: UnitOfWork) -> Answer:
        made = notes.acknowledge(uow, id, receipt)
        return Answer(201, made.document, {"Location": f"/v1/notes/{id}/receipts"}, made.said_in)

    return await ask.create(work, first=receipt.kind == "ACCEPTED")


@router.get("/{id}/receipts", response_model=Receipts, **operation("notes:read", 401, 403, 404, 422))
async def list_receipts(
    id: NoteId,  # noqa: A002 - the name in the path
    ask: Somebody,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    """Who has seen a note, and who of the unit's staff on duty has not."""
    found, not_seen = await ask.read(lambda uow: notes.receipts(uow, id, cursor, limit))
    return ask.page(found, not_seen=not_seen)
