"""What schemathesis is told of this service beside its OpenAPI document. Loaded by the `schemathesis` command, not
by pytest."""

import json
import os
from typing import Any

import schemathesis
from pydantic import BaseModel, ValidationError

from handover.api.examples import HANDOVER_ID, NEED_ID, NOTE_ID, PAGE_ID, QUERY_ID
from handover.schemas.handovers import AcceptanceDraft, AnswerDraft, HandoverDraft, QueryDraft, WithdrawalDraft
from handover.schemas.needs import NeedChange
from handover.schemas.notes import AttentionDraft, CorrectionDraft, NoteDraft, ReceiptDraft, RetractionDraft
from handover.schemas.roster import EstablishmentDraft, InmateDraft, MergeDraft, MoveDraft, UnitDraft, UnmergeDraft

KNOWN = json.loads(os.environ["HANDOVER_FUZZED"])
"""The tokens of an admin, an officer and an auditor, and the ids of a note, a need, a handover, a query and a page that
there are."""

DRAFTS: tuple[type[BaseModel], ...] = (
    NoteDraft,
    CorrectionDraft,
    RetractionDraft,
    ReceiptDraft,
    AttentionDraft,
    HandoverDraft,
    QueryDraft,
    AnswerDraft,
    AcceptanceDraft,
    WithdrawalDraft,
    NeedChange,
    EstablishmentDraft,
    UnitDraft,
    InmateDraft,
    MoveDraft,
    MergeDraft,
    UnmergeDraft,
)
CODES = ("/query/attention", "/query/indicator", "/query/need", "/query/status", "/query/state", "/query/code")
DEPENDS_ON_THE_STORE = ("/query/cursor", "/query/shift", "/query/at", "/header/Idempotency-Key", *CODES)
"""Parameters whose refusal no schema can foresee: a cursor of this list, a shift of this prison, a time that has not
come, a key not used before, a code of this store's lists."""


@schemathesis.auth()
class Staff:
    """Everybody calls for what is theirs: the admin for the roster, the auditor for the access log."""

    def get(self, case: Any, _context: Any) -> str:
        """Whose token it is."""
        path = case.operation.path
        if path == "/v1/access-log":
            return str(KNOWN["auditor"])
        writes_roster = path.startswith(("/v1/establishments", "/v1/inmates")) and case.operation.method != "get"
        return str(KNOWN["admin" if writes_roster else "officer"])

    def set(self, case: Any, data: str, _context: Any) -> None:
        """Sends it."""
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook
def map_path_parameters(context: Any, path_parameters: dict[str, Any]) -> dict[str, Any]:
    """The document's example ids become ids of this store."""
    note = KNOWN["need" if context.operation.path.startswith("/v1/needs") else "note"]
    real = {NOTE_ID: note, NEED_ID: KNOWN["need"]}
    real |= {HANDOVER_ID: KNOWN["handover"], QUERY_ID: KNOWN["query"], PAGE_ID: KNOWN["page"]}
    return {
        name: real.get(value, value) if isinstance(value, str) else value
        for name, value in (path_parameters or {}).items()
    }


@schemathesis.check
def refused_only_for_what_no_schema_can_say(_context: Any, response: Any, case: Any) -> None:
    """A request that fits the document is refused as 422 for the state of this store (no such code, person or wing),
    or for fields that do not go together. Where the service's own schema of the body refuses it, the document lies."""
    if response.status_code != 422 or case.meta is None or case.meta.generation.mode.is_negative:
        return
    errors = response.json()["errors"]
    for error in errors:
        beside = error["pointer"].startswith(("/query", "/path", "/header"))
        assert not beside or error["pointer"] in DEPENDS_ON_THE_STORE, f"the document does not say so: {error}"
    for media in case.operation.definition.raw.get("requestBody", {}).get("content", {}).values():
        name = media["schema"].get("$ref", "").rpartition("/")[2]
        for draft in DRAFTS:
            if draft.__name__ == name:
                try:
                    draft.model_validate_json(json.dumps(case.body))
                except ValidationError as error:
                    # Which time zones there are is for the IANA to say.
                    untold = [e for e in error.errors() if e["loc"] != ("timezone",)]
                    assert not untold, f"the document does not say so: {untold}"
