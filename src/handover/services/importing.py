"""Rosters from files: a line is a unit of work of its own, many to a commit; a line that is refused is reported and
the rest go on."""

import csv
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from handover.domain.access import operator
from handover.errors import FieldError, Invalid, Refusal
from handover.schemas.common import EstablishmentCode, InmateNumber
from handover.schemas.roster import EstablishmentDraft, InmateDraft, UnitDraft
from handover.services import roster
from handover.services.unit_of_work import Asker, Desk, UnitOfWork, given
from handover.store import roster as store_roster

AT_ONCE = 256
"""Lines handed to the writer before the first answer is waited for."""
TOLD = 10
"""Lines of which it is told that they are there twice; a file put together of two has them all."""
_CODE: TypeAdapter[str] = TypeAdapter(EstablishmentCode)
_NUMBER: TypeAdapter[str] = TypeAdapter(InmateNumber)


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that was not taken, and why. Lines count from 1, the heading being the first."""

    line: int
    why: str


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a file."""

    created: int
    changed: int
    refused: tuple[Refused, ...]


Row = dict[str, str]
Put = Callable[[UnitOfWork, Row], bool]


def establishments(desk: Desk, name: str, path: Path, progress: Callable[[int], None]) -> Report:
    """Columns code, name, timezone. An establishment that is there keeps its shifts."""
    return _run(desk, name, path, ("code", "name", "timezone"), _establishment, progress)


def inmates(
    desk: Desk, name: str, path: Path, progress: Callable[[int], None], *, create_units: bool = False
) -> Report:
    """Columns number, name, establishment, unit; optionally cell, language."""

    def put(uow: UnitOfWork, row: Row) -> bool:
        number = _valid(_NUMBER, "number", row)
        draft = InmateDraft.model_validate({k: row[k] for k in InmateDraft.model_fields if row.get(k)})
        if create_units and store_roster.unit(uow.conn, draft.establishment, draft.unit) is None:
            roster.put_unit(uow, draft.establishment, draft.unit, UnitDraft(name=draft.unit))
        return roster.put_inmate(uow, number, draft).created

    return _run(desk, name, path, ("number", "name", "establishment", "unit"), put, progress)


def count(path: Path) -> int:
    """How many lines there are to do; 0 for a file that will be refused."""
    try:
        return sum(1 for _ in _rows(path, ()))
    except Invalid:
        return 0


def _establishment(uow: UnitOfWork, row: Row) -> bool:
    code = _valid(_CODE, "code", row)
    draft = EstablishmentDraft.model_validate({name: row[name] for name in ("name", "timezone")})
    return roster.put_establishment(uow, code, draft).created


def _run(
    desk: Desk, name: str, path: Path, columns: tuple[str, ...], put: Put, progress: Callable[[int], None]
) -> Report:
    _once(_rows(path, columns), columns[0])  # before the first line is taken
    known = desk.store.read(store_roster.all_codes).result()
    waiting: deque[tuple[int, int, Future[bool | Refusal]]] = deque()
    taken: list[bool] = []
    refused: list[Refused] = []

    def settle() -> None:
        line, ends, future = waiting.popleft()
        try:
            taken.append(future.result() is True)
        except Refusal as refusal:
            joined = f" (a quotation mark makes one of the lines {line} to {ends})" if ends > line else ""
            refused.append(Refused(line, _told(refusal) + joined))
        progress(1)

    for line, ends, row in _rows(path, columns):
        place = row.get("establishment") or row.get("code") or ""
        asker = Asker(operator(name, {*known, place}))
        waiting.append((line, ends, desk.submit(asker, given(partial(_sound, put), row))))
        if len(waiting) >= AT_ONCE:
            settle()
    while waiting:
        settle()
    return Report(taken.count(True), taken.count(False), tuple(refused))


def _sound(put: Put, uow: UnitOfWork, row: Row) -> bool:
    uow.doing("import.line")
    try:
        return put(uow, row)
    except ValidationError as error:
        raise Invalid(*(_error(str(e["loc"][0]), e["msg"]) for e in error.errors())) from None


def _valid(kind: TypeAdapter[str], column: str, row: Row) -> str:
    try:
        return kind.validate_python(row[column])
    except ValidationError as error:
        raise Invalid(_error(column, error.errors()[0]["msg"])) from None


def _error(column: str, words: str) -> FieldError:
    return FieldError(f"/{column}", words.removeprefix("Value error, "))


def _told(refusal: Refusal) -> str:
    """A refusal in the words of a file: a column where the API points into a body."""
    if not isinstance(refusal, Invalid):
        return refusal.detail
    return "; ".join(f"{error.pointer.strip('/')}: {error.detail}" for error in refusal.errors)


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, int, Row]]:
    """The lines of a file by the names in its heading, each with the lines it begins and ends on. Spreadsheets separate
    columns by commas, semicolons or tabs, depending on the country."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        heading = file.readline()
        by = max(",;\t", key=heading.count)
        names = _names(next(_cells([heading], by, 1), (1, 1, []))[2], columns)
        for begins, ends, cells in _cells(file, by, 2):
            row = dict(zip(names, cells + [""] * (len(names) - len(cells)), strict=False))
            yield begins, ends, {name: cell.strip() for name, cell in row.items() if name}


def _cells(lines: Iterable[str], by: str, begins: int) -> Iterator[tuple[int, int, list[str]]]:
    """What is between the separators. A quotation mark that nobody closed is refused: the lines behind it would be
    taken for one name."""
    reader, first = csv.reader(lines, delimiter=by, strict=True), begins
    try:
        for cells in reader:
            ends = first + reader.line_num - 1
            if cells:
                yield begins, ends, cells
            begins = ends + 1
    except csv.Error as error:
        ends, unread = first + reader.line_num - 1, f"line {begins} cannot be read: {error}"
        open_ = str(error) == "unexpected end of data" or ends > begins
        raise Invalid(
            FieldError("", f"a quotation mark is opened in line {begins} and not closed" if open_ else unread)
        ) from None


def _names(heading: Iterable[str], columns: tuple[str, ...]) -> list[str]:
    """The columns' names, each once, and all that must be there."""
    names = [name.strip().lower() for name in heading]
    missing = [column for column in columns if column not in names]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if missing:
        told = f"the first line must name the columns {', '.join(columns)}; missing: {', '.join(missing)}"
        raise Invalid(FieldError("", told))
    if twice:
        raise Invalid(FieldError("", f"the first line names a column twice: {', '.join(twice)}"))
    return names


def _once(rows: Iterable[tuple[int, int, Row]], key: str) -> None:
    """Reads a file to its end, and refuses one that says something twice: which line is right, nobody here knows."""
    first: dict[str, int] = {}
    twice = [
        FieldError("", f"line {line}: the same {key} as in line {first[row[key]]}; leave one of them out")
        for line, _, row in rows
        if row[key] and first.setdefault(row[key], line) != line
    ]
    if len(twice) > TOLD:
        twice[TOLD:] = [FieldError("", f"and {len(twice) - TOLD} more like these")]
    if twice:
        raise Invalid(*twice)
