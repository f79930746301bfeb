"""The examples in the OpenAPI document, one for each schema that crosses the door: one man, one cancelled visit, one
phone call promised, and the wing handed over with it. The tests hold them against the schemas, and send the requests
among them to a prison like it."""

from typing import Any

NOTE_ID = "019ab3f0-6a52-7c11-9f4e-2d1b8a3c5e77"
NEED_ID = "019ab3f0-6a52-7c12-8a07-51c9d0b7e3aa"
HANDOVER_ID = "019ab3f7-4e10-7b02-9c5a-3d7f60a1e2b4"
QUERY_ID = "019ab3fb-12d8-7a40-8f3e-90c4b7d51a66"
PAGE_ID = "019ab837-9a00-7e61-a2d4-5b8c0f3e7d19"
SHEET_HASH = "7c1f0d4be2a95836c04d7fb1e6a3920858dd14c7f90b6e2a3175c8e04fb9d263"
GIVEN_AT = "2026-11-23T16:00:04.118200Z"
_HARTMANN = {"username": "l.hartmann", "name": "L. Hartmann", "role": "officer"}
_NGATA = {"username": "p.ngata", "name": "P. Ngata", "role": "officer"}
_BRANDT = {"username": "t.brandt", "name": "T. Brandt", "role": "officer"}
_OKAFOR = {"username": "d.okafor", "name": "D. Okafor", "role": "admin"}
_SAID: dict[str, Any] = {
    "basis": "TOLD_BY_PERSON",
    "fact": "Says the visit was cancelled and nobody told him.",
    "mood": {"valence": -1, "energy": 1, "source": "OBSERVED"},
    "change": "WORSE",
    "indicators": [{"code": "WITHDRAWN", "trend": "NEW"}],
    "needs": [{"code": "PHONE", "urgency": "THIS_SHIFT", "promised": True, "detail": "call to his daughter"}],
    "attention": "WATCH",
    "if_then": "If he is awake after 22:00: sit down and talk.",
}
_NOTE: dict[str, Any] = {
    "id": NOTE_ID,
    "establishment": "ALM",
    "unit": "A",
    "inmate": "A4417KD",
    "previous_inmate": None,
    "author": _HARTMANN,
    "occurred_at": "2026-11-23T14:05:00Z",
    "captured_at": None,
    "recorded_at": "2026-11-23T14:12:31.512004Z",
    "late": False,
    "late_reason": None,
    "shift": "2026-11-23/LATE",
    "basis": "TOLD_BY_PERSON",
    "fact": "Says the visit was cancelled and nobody told him.",
    "opinion": None,
    "confidence": None,
    "mood": {"valence": -1, "energy": 1, "source": "OBSERVED", "not_observed": None},
    "change": "WORSE",
    "indicators": [{"code": "WITHDRAWN", "trend": "NEW"}],
    "needs": [
        {
            "id": NEED_ID,
            "code": "PHONE",
            "urgency": "THIS_SHIFT",
            "promised": True,
            "detail": "call to his daughter",
            "due_at": None,
        }
    ],
    "responses": [],
    "opening": False,
    "attention": "WATCH",
    "attention_until": "2026-11-24T07:30:00Z",
    "renewals": [],
    "if_then": "If he is awake after 22:00: sit down and talk.",
    "place": None,
    "handling": "UNIT",
    "status": "ACTIVE",
    "supersedes": None,
    "superseded_by": None,
    "correction_reason": None,
    "retraction": None,
    "incident": None,
}
_NEED: dict[str, Any] = {
    "id": NEED_ID,
    "note": NOTE_ID,
    "establishment": "ALM",
    "unit": "A",
    "from_unit": None,
    "inmate": "A4417KD",
    "code": "PHONE",
    "urgency": "THIS_SHIFT",
    "promised": True,
    "detail": "call to his daughter",
    "due_at": None,
    "status": "DONE",
    "owner": None,
    "outcome": "Spoke to his daughter for ten minutes.",
    "reason": None,
    "opened_at": "2026-11-23T14:12:31.512004Z",
    "opened_by": _HARTMANN,
    "updated_at": "2026-11-23T18:40:02.100250Z",
    "version": 2,
}
_STEP: dict[str, Any] = {"owner": None, "due_at": None, "outcome": None, "reason": None}
_HISTORY = [
    {**_STEP, "at": "2026-11-23T14:12:31.512004Z", "by": _HARTMANN, "status": "OPEN"},
    {
        **_STEP,
        "at": "2026-11-23T18:40:02.100250Z",
        "by": _NGATA,
        "status": "DONE",
        "outcome": "Spoke to his daughter for ten minutes.",
    },
]
_RECEIPT = {
    "id": "019ab3f4-01d9-7ab3-b6a5-0f7a5d2c9e41",
    "note": NOTE_ID,
    "kind": "SEEN",
    "text": None,
    "by": _NGATA,
    "at": "2026-11-23T21:02:10.000000Z",
}
_SHIFTS = [
    {"code": "EARLY", "starts": "07:30"},
    {"code": "LATE", "starts": "13:30"},
    {"code": "NIGHT", "starts": "21:00"},
]
_TIMES = {"accept": 15, "escalate": 15, "page": 3, "transfer": 240}
_SCREENS = {"lock": 3, "pin": True, "pin_hours": 10}
_UNIT = {"establishment": "ALM", "code": "A", "name": "A wing"}
_ESTABLISHMENT = {
    "code": "ALM",
    "name": "HMP Aldermoor",
    "timezone": "Europe/London",
    "shifts": _SHIFTS,
    "times": _TIMES,
    "screens": _SCREENS,
    "units": [_UNIT],
}
_INMATE: dict[str, Any] = {
    "number": "A4417KD",
    "name": "Weir, J.",
    "establishment": "ALM",
    "unit": "A",
    "cell": "A1-07",
    "language": None,
    "updated_at": "2026-11-20T09:15:44.230117Z",
    "version": 3,
    "previous_numbers": [],
}
_ASKED = {"need": NEED_ID, "text": "Does the daughter know?"}
_ANSWER = {"text": "Yes, she waits for the call after six.", "by": _HARTMANN, "at": "2026-11-23T14:26:40.710332Z"}
_QUERY = {"id": QUERY_ID, "note": None, **_ASKED, "by": _NGATA, "at": "2026-11-23T14:24:09.003118Z"}
_OPENED = "2026-11-23T14:12:31.512004Z"
_OFFERED = {
    "from_shift": "2026-11-23/EARLY",
    "to_shift": "2026-11-23/LATE",
    "outgoing": _HARTMANN,
    "incoming": _NGATA,
    "offered_at": "2026-11-23T14:20:05.440817Z",
    "due_at": "2026-11-23T14:35:05.440817Z",
    "accepted_at": "2026-11-23T14:31:52.061904Z",
    "remarks": "The kitchen sends one meal too few since Friday.",
}
_ITEM: dict[str, Any] = {
    "note": None,
    "need": None,
    "inmate": "A4417KD",
    "attention": "ROUTINE",
    "attention_until": None,
    "code": None,
    "promised": False,
    "due_at": None,
    "opened_at": _OPENED,
    "carried": 0,
    "late": False,
    "content": None,
}
_HANDOVER: dict[str, Any] = {
    "id": HANDOVER_ID,
    "kind": "SHIFT",
    "establishment": "ALM",
    "unit": "A",
    "state": "ACCEPTED",
    **_OFFERED,
    "roll": {"expected": 58, "actual": 58, "mismatch_reason": None},
    "read_back": "Weir: visit cancelled, withdrawn; a call to his daughter is promised for tonight.",
    "items": [
        {**_ITEM, "note": NOTE_ID, "attention": "WATCH", "attention_until": "2026-11-24T07:30:00Z"},
        {**_ITEM, "need": NEED_ID, "code": "PHONE", "promised": True},
    ],
    "attention": [],
    "queries": [{**_QUERY, "answers": [_ANSWER]}],
    "transfer": None,
    "withdrawal": None,
    "sequence": 415,
    "hash": "4be0a7d15c9f36e2810d5b7ac43f9e6027d8b1f5e30c96a4d27f8b05c1e6394a",
    "version": 4,
}
_PAGE: dict[str, Any] = {
    "id": PAGE_ID,
    "kind": "TRANSFER",
    "establishment": "ALM",
    "unit": "B",
    "inmate": "A4417KD",
    "note": None,
    "handover": "019ab75b-e180-7d03-b07e-18f4a2c6d95b",
    "state": "RAISED",
    "raised_at": "2026-11-24T14:00:12.230041Z",
    "repeated": 1,
    "accepted_by": None,
    "accepted_at": None,
    "version": 2,
}
_SAYS = {"by": "L. Hartmann", "at": _OPENED}
_WHY_THERE = {"note": NOTE_ID, "need": None, **_SAYS, "basis": "TOLD_BY_PERSON"}
_LEARNED = {
    "worked": [
        {
            "code": "PRIVATE_TALK",
            "effect": "HELPED",
            "note": "019aa8d2-0f34-7b90-8c7d-62e1a5f0b3c8",
            "by": "P. Ngata",
            "at": "2026-11-21T10:40:00Z",
            "place": "LANDING",
            "fact": "Sat down with him for ten minutes; he went to work after all.",
        }
    ],
    "did_not": [],
    "openings": [],
}
_UNKNOWN = {"change": None, "mood": None, "note": None, "by": None, "at": None, "basis": None}
_KING = {"inmate": "A5120JP", "name": "King, T.", "cell": "A1-09"}
_SHEET: dict[str, Any] = {
    "establishment": "ALM",
    "unit": "A",
    "at": GIVEN_AT,
    "sequence": 421,
    "hash": SHEET_HASH,
    "given_at": GIVEN_AT,
    "handover": {
        "id": None,
        "state": "DRAFT",
        "from_shift": "2026-11-23/LATE",
        "to_shift": "2026-11-23/LATE",
        "outgoing": None,
        "incoming": None,
        "offered_at": None,
        "due_at": "2026-11-23T16:15:04.118200Z",
        "accepted_at": None,
        "roll": None,
        "remarks": None,
        "open_queries": 0,
        "last": {"id": HANDOVER_ID, "state": "ACCEPTED", **_OFFERED},
    },
    "roll": {"expected": 58, "in_transit": 0},
    "incidents": [],
    "people": [
        {
            "inmate": "A4417KD",
            "name": "Weir, J.",
            "cell": "A1-07",
            "attention": "WATCH",
            "attention_until": "2026-11-24T07:30:00Z",
            "reasons": [
                {"rule": "WATCH", **_WHY_THERE},
                {"rule": "PROMISED", **_WHY_THERE, "need": NEED_ID, "basis": None},
                {"rule": "WORSE", **_WHY_THERE},
            ],
            **_LEARNED,
            "if_then": [{"text": "If he is awake after 22:00: sit down and talk.", "note": NOTE_ID, **_SAYS}],
            "needs": [
                {
                    **_NEED,
                    "status": "OPEN",
                    "outcome": None,
                    "updated_at": _OPENED,
                    "version": 1,
                    "carried": [{"by": _NGATA, "at": _OFFERED["accepted_at"]}],
                }
            ],
            "changes": [
                {
                    "shift": "2026-11-23/LATE",
                    "change": "WORSE",
                    "mood": _NOTE["mood"],
                    "note": NOTE_ID,
                    **_SAYS,
                    "basis": "TOLD_BY_PERSON",
                },
                {"shift": "2026-11-23/EARLY", **_UNKNOWN},
                {"shift": "2026-11-22/NIGHT", **_UNKNOWN},
            ],
            "notes": [_NOTE],
        }
    ],
    "wing_notes": [],
    "wing_needs": [],
    "late": [],
    "not_observed": [{**_KING, "why": None, "last": "2026-11-23T11:50:00Z"}],
    "arrived": [],
    "left": [],
    "in_transit": [],
    "others": [
        {
            **_KING,
            "changes": [
                {"shift": shift, **_UNKNOWN} for shift in ("2026-11-23/LATE", "2026-11-23/EARLY", "2026-11-22/NIGHT")
            ],
        }
    ],
}
_CODES = {
    "name": "change",
    "title": "Change against this person's usual",
    "version": 1,
    "items": [
        {
            "code": "WORSE",
            "label": "Worse",
            "anchor": "Not as he or she usually is, and not for the better.",
            "group": None,
            "words": ["worse", "down"],
            "forces": None,
            "version": 1,
            "active": True,
        }
    ],
}
_CURSOR = "NmYyZDlhMWMuQUxNOjQxMg"
_EVENT = {
    "specversion": "1.0",
    "id": "019ab3f0-6a52-7c13-9d3e-8e41f6b2c0d4",
    "source": "/v1/establishments/ALM",
    "type": "note.recorded",
    "subject": "A4417KD",
    "time": "2026-11-23T14:12:31.512004Z",
    "datacontenttype": "application/json",
    "sequence": 412,
    "unit": "A",
    "data": _NOTE,
    "cursor": _CURSOR,
}
_LINE = {
    "chain": "019ab3c2-0000-7000-8000-000000000001",
    "position": 1207,
    "at": "2026-11-23T21:02:09.871003Z",
    "actor": "p.ngata",
    "actor_role": "officer",
    "action": "notes.read",
    "outcome": "OK",
    "establishment": "ALM",
    "unit": "A",
    "subject": NOTE_ID,
    "detail": {"person": "A4417KD"},
    "address": "10.20.1.14",
    "hash": "b1946ac92492d2347c6235b4d2611184c5e3c1b1c9a9f7f0d3a8f1f5a2c4e6d8",
}


def _page(item: dict[str, Any]) -> dict[str, Any]:
    return {"items": [item], "next": None}


EXAMPLES: dict[str, Any] = {
    "Token": {
        "access_token": "hov_access_…",
        "token_type": "Bearer",
        "expires_in": 900,
        "scope": "notes:read notes:write needs:read needs:write handovers:read events:read roster:read",
        "refresh_token": "hov_refresh_…",
    },
    "Me": {
        "kind": "user",
        "username": "l.hartmann",
        "name": "L. Hartmann",
        "role": "officer",
        "establishments": ["ALM"],
        "units": ["A"],
        "postings": [{"establishment": "ALM", "units": ["A"]}],
        "scopes": [
            "events:read",
            "handovers:read",
            "needs:read",
            "needs:write",
            "notes:read",
            "notes:write",
            "roster:read",
        ],
        "handling": ["ESTABLISHMENT", "UNIT"],
        "practice": False,
        "screen": {"lock_s": 180, "pin_allowed": True, "pin_set": True},
    },
    "PinDraft": {"password": "a few words that nobody guesses", "pin": "508317"},
    "Seat": {"seat": "hov_seat_…", "seat_expires_in": 36000},
    "EstablishmentDraft": {
        "name": "HMP Aldermoor",
        "timezone": "Europe/London",
        "shifts": _SHIFTS,
        "times": _TIMES,
        "screens": _SCREENS,
    },
    "Establishment": _ESTABLISHMENT,
    "EstablishmentPage": _page(_ESTABLISHMENT),
    "ListeningList": _page({"unit": "C", "hears": "NOTHING", "since": "2026-11-23T21:14:30.204511Z"}),
    "UnitDraft": {"name": "A wing"},
    "Unit": _UNIT,
    "InmateDraft": {"name": "Weir, J.", "establishment": "ALM", "unit": "A", "cell": "A1-07"},
    "Inmate": _INMATE,
    "InmatePage": _page(_INMATE),
    "MoveDraft": {
        "establishment": "ALM",
        "unit": "B",
        "cell": "B2-03",
        "reason": "Works in the kitchen from Monday",
    },
    "Move": {
        "id": "019ab3f9-3b7e-7d02-8c11-6a9e2f40b1d5",
        "inmate": "A4417KD",
        "from": {"establishment": "ALM", "unit": "A", "cell": "A1-07"},
        "to": {"establishment": "ALM", "unit": "B", "cell": "B2-03"},
        "reason": "Works in the kitchen from Monday",
        "at": "2026-11-24T10:00:00Z",
        "by": _OKAFOR,
    },
    "MergeDraft": {"from": "A9902XB"},
    "Merge": {
        "id": "019ab3fa-77c0-7e55-9b1d-1c0d4e8f2a36",
        "number": "A4417KD",
        "previous": "A9902XB",
        "notes": 3,
        "needs": 1,
        "by": _OKAFOR,
        "at": "2026-11-24T10:05:12.004310Z",
    },
    "UnmergeDraft": {"previous": "A9902XB", "reason": "Brothers; the dates of birth were read wrongly."},
    "CodeLists": _page(_CODES),
    "CodeList": _CODES,
    "NoteDraft": {"inmate": "A4417KD", **_SAID},
    "Note": _NOTE,
    "NotePage": _page(_NOTE),
    "CorrectionDraft": {"reason": "It was the late visit, not the early one.", "note": _SAID},
    "RetractionDraft": {"reason": "WRONG_PERSON", "detail": "It was his cellmate."},
    "ReceiptDraft": {"kind": "SEEN"},
    "Receipt": _RECEIPT,
    "Receipts": {**_page(_RECEIPT), "not_seen": [_NGATA]},
    "NeedChange": {"status": "DONE", "outcome": "Spoke to his daughter for ten minutes."},
    "NeedPage": _page(_NEED),
    "NeedWithHistory": {**_NEED, "history": _HISTORY},
    "AttentionDraft": {"reason": "Still keeps to himself; look in at every meal."},
    "HandoverDraft": {
        "establishment": "ALM",
        "unit": "A",
        "roll_expected": 58,
        "remarks": _OFFERED["remarks"],
    },
    "Handover": _HANDOVER,
    "HandoverPage": _page(_HANDOVER),
    "QueryDraft": _ASKED,
    "Query": {**_QUERY, "answers": [_ANSWER]},
    "AnswerDraft": {"text": _ANSWER["text"]},
    "AcceptanceDraft": {"roll_actual": 58, "read_back": _HANDOVER["read_back"]},
    "WithdrawalDraft": {"reason": "Mass refusal at lunch: the unit is not ready to be handed over."},
    "Sheet": _SHEET,
    "GivenSheet": {
        "establishment": "ALM",
        "unit": "A",
        "hash": SHEET_HASH,
        "given_at": GIVEN_AT,
        "given_to": "p.ngata",
        "at": GIVEN_AT,
        "sequence": 421,
    },
    "Learned": _LEARNED,
    "PageList": _page(_PAGE),
    "PageDetail": {**_PAGE, "seen": [], "not_seen": [_BRANDT]},
    "PassDraft": {"establishment": "ALM"},
    "Pass": {"pass": "bC5oYXJ0bWFubnxBTE18MTc2Mzk…", "expires_in": 43200},
    "CallingDraft": {"pass": "bC5oYXJ0bWFubnxBTE18MTc2Mzk…"},
    "Calling": {"units": ["A"]},
    "EventPage": {"items": [_EVENT], "cursor": _CURSOR, "more": False},
    "Ticket": {"ticket": "hov_ticket_…", "expires_in": 30},
    "AccessPage": _page(_LINE),
}
"""By the name of the schema."""


def _problem(status: int, code: str, title: str, detail: str, **more: Any) -> dict[str, Any]:
    return {
        "type": f"/problems/{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": "urn:uuid:5d2f1c60-0c8e-4f3b-9a57-2f4f3c0b7e19",
        **more,
    }


def _grant(status: int, error: str, detail: str) -> dict[str, Any]:
    return _problem(status, "grant-refused", "No token for this", detail, error=error, error_description=detail)


PROBLEMS: dict[tuple[str, int], dict[str, Any]] = {
    ("Problem", 400): _problem(
        400, "malformed", "The request cannot be read", "The body is not JSON; send one JSON object in UTF-8."
    ),
    ("Problem", 401): _problem(
        401,
        "unauthenticated",
        "Log in first",
        "This access token does not work (any more); get a new one from /oauth/token.",
    ),
    ("Problem", 403): _problem(
        403,
        "forbidden",
        "Your role does not allow this",
        "This needs the scope notes:read; ask whoever runs this service to add it to your client.",
    ),
    ("Problem", 404): _problem(404, "not-found", "Nothing here that you may see", "No such note."),
    ("Problem", 408): _problem(
        408,
        "too-slow",
        "The request did not come to its end",
        "Its body was not there after 10 seconds, and nothing was done. Send it again, whole.",
    ),
    ("Problem", 409): _problem(
        409,
        "in-progress",
        "Not possible as things stand",
        "The first request with this Idempotency-Key is still being worked on; ask again in a moment.",
    ),
    ("Problem", 412): _problem(
        412, "stale", "It has changed since you read it", "Somebody changed this since you read it; read it again."
    ),
    ("Problem", 413): _problem(
        413, "too-large", "The request is too large", "Send at most 64 KiB; a note is far shorter."
    ),
    ("Problem", 415): _problem(
        415,
        "unsupported-media-type",
        "The body has to be said to be JSON",
        "Send the body as JSON, with `Content-Type: application/json`.",
    ),
    ("Problem", 422): _problem(
        422,
        "invalid",
        "Something in the request needs correcting",
        "/basis: this is needed",
        errors=[{"pointer": "/basis", "detail": "this is needed"}],
    ),
    ("Problem", 428): _problem(
        428,
        "if-match-required",
        "Say which version you are changing",
        "Send If-Match with the ETag you read, so that nobody's change is overwritten.",
    ),
    ("Problem", 429): _problem(
        429,
        "quota-exceeded",
        "The service cannot do this right now",
        "You ask more than one caller may; the others have to be served, too. Go on later.",
    ),
    ("Problem", 503): _problem(
        503,
        "unavailable",
        "The service cannot do this right now",
        "The store cannot be written to right now; try again.",
    ),
    ("TokenProblem", 400): _grant(400, "invalid_grant", "That user name and password do not go together."),
    ("TokenProblem", 401): _grant(401, "invalid_client", "That client id and secret do not go together."),
}
"""By the name of the schema and the status."""
