"""The life of a need: OPEN → DONE | NOT_POSSIBLE | PASSED_ON, and back to OPEN with a reason."""

from dataclasses import dataclass
from datetime import datetime

from handover.domain.codelists import Lists, check
from handover.errors import FieldError

OPEN, CLOSED = "OPEN", ("DONE", "NOT_POSSIBLE", "PASSED_ON")


@dataclass(frozen=True, slots=True)
class State:
    """Where a need stands: all that may change about it."""

    status: str
    owner: str | None
    due_at: datetime | None
    outcome: str | None
    reason: str | None


def change(state: State, wanted: dict[str, object], lists: Lists) -> tuple[State, list[FieldError]]:
    """The state after a change, and what is wrong with it. `wanted` holds only the fields that were sent."""
    errors: list[FieldError] = []
    if not wanted:
        errors.append(FieldError("", "say what changes: status, outcome, owner, due_at or reason"))
    status = wanted.get("status", state.status)
    if not isinstance(status, str):
        return state, [FieldError("/status", "a need always has a status; leave it out to keep the present one")]
    errors += check(lists, "need_status", status, "/status")
    merged = {name: wanted.get(name, getattr(state, name)) for name in ("owner", "due_at", "outcome", "reason")}
    if status == OPEN and state.status != OPEN:
        merged["outcome"] = None
        if not wanted.get("reason"):
            errors.append(FieldError("/reason", "say why it is opened again"))
    if status not in (state.status, OPEN) and "reason" not in wanted:
        merged["reason"] = None
    if status == "DONE" and not merged["outcome"]:
        errors.append(FieldError("/outcome", "say what came of it; the author of the note is told"))
    if status == "NOT_POSSIBLE" and not merged["reason"]:
        errors.append(FieldError("/reason", "say why it is not possible"))
    if status == "PASSED_ON" and not merged["owner"]:
        errors.append(FieldError("/owner", "say to whom it was passed on"))
    return State(status, **merged), errors  # type: ignore[arg-type]  # the schema has already typed the values
