"""The kinds of refusal there are, each with a stable code. This module knows no HTTP.

A service raises one of these; every door turns it into its own language (the API into a problem document, the feed
into a close code). Anything else that is raised is a bug and becomes a 500 with a correlation id.
"""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with one field: a JSON pointer (RFC 6901) into the body, and what to do about it."""

    pointer: str
    detail: str


class Refusal(Exception):  # noqa: N818 - a refusal is an answer, not an accident
    """The service understood and says no; `detail` tells the caller what to do."""

    code: ClassVar[str] = "refused"
    title: ClassVar[str] = "Refused"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class Malformed(Refusal):
    """The request itself cannot be read (not JSON, not UTF-8, wrong form)."""

    code, title = "malformed", "The request cannot be read"


class Unsupported(Refusal):
    """The request does not say that its body is of the one kind that is read."""

    code, title = "unsupported-media-type", "The body has to be said to be JSON"


class Invalid(Refusal):
    """The request was read and says something that cannot be recorded."""

    code, title = "invalid", "Something in the request needs correcting"

    def __init__(self, *errors: FieldError) -> None:
        super().__init__("; ".join(f"{e.pointer or 'body'}: {e.detail}" for e in errors))
        self.errors = errors


class Unauthenticated(Refusal):
    """We do not know who is asking, or no longer accept that they are."""

    code, title = "unauthenticated", "Log in first"


class Forbidden(Refusal):
    """The caller lacks the role or scope for this operation, whatever it is applied to."""

    code, title = "forbidden", "Your role does not allow this"


class NotFound(Refusal):
    """It does not exist, or the caller may not know that it does: the two are one answer on purpose."""

    code, title = "not-found", "Nothing here that you may see"


class Moved(Refusal):
    """The resource lives under another number now (a merge)."""

    code, title = "moved", "This number was merged into another"

    def __init__(self, number: str) -> None:
        super().__init__(f"This number was merged; use {number}.")
        self.number = number


class Conflict(Refusal):
    """The request fits the rules but not the present state."""

    code, title = "conflict", "Not possible as things stand"


class InProgress(Conflict):
    """What comes of the first request under this key is not known yet: the same once more, and the answer is there."""

    code = "in-progress"


class CursorRefused(Refusal):
    """This store cannot continue from that cursor; starting again silently would hide missed events."""

    code, title = "cursor-not-resumable", "This cursor cannot be resumed"


class Stale(Refusal):
    """Somebody changed it since the caller read it."""

    code, title = "stale", "It has changed since you read it"


class PreconditionMissing(Refusal):
    """A change must say which version it changes."""

    code, title = "if-match-required", "Say which version you are changing"


class TooMany(Refusal):
    """Slow down; `retry_after` is in seconds."""

    code, title = "too-many", "Too many attempts"

    def __init__(self, detail: str, retry_after: int) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class QuotaExceeded(TooMany):
    """This caller asks more than a share; the others are served."""

    code, title = "quota-exceeded", "The service cannot do this right now"


class Unavailable(Refusal):
    """The store cannot take this now; nothing was recorded unless an idempotent retry says otherwise."""

    code, title = "unavailable", "The service cannot do this right now"

    def __init__(self, detail: str, retry_after: int = 1) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class Overloaded(Unavailable):
    """More is asked of the service than it can do in good time; nothing was done, and it may be sent again."""

    code = "overloaded"


class StoreNotReady(Exception):  # noqa: N818 - told to the operator at start, never to a caller
    """The store cannot be opened as it is: its schema is behind, or it is of another kind."""
