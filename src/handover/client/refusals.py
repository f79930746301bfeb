"""What can go wrong between a program and the service, as few kinds as a caller has to tell apart."""

from datetime import datetime

from handover.schemas.problems import ProblemField


class Trouble(Exception):  # noqa: N818 - each is an answer for a person or a program, not an accident
    """Something a person has to be told in plain words; `str()` of it is those words."""


class BadAddress(Trouble):
    """The server's address cannot be used as it is written."""


class NotLoggedIn(Trouble):
    """There is no login here, or the server no longer honours it; only the person can mend that."""


class CannotReach(Trouble):
    """No answer, or none that a handover server would give. What was asked may have happened unless `never_sent`."""

    def __init__(self, server: str, why: str, *, never_sent: bool = False) -> None:
        super().__init__(f"Cannot reach {server}: {why}.")
        self.server = server
        self.why = why
        self.never_sent = never_sent


class DiskFails(CannotReach):
    """A file of ours could not be read or written, so nothing was asked; what waits here goes on waiting."""

    def __init__(self, server: str, error: OSError) -> None:
        super().__init__(server, error.strerror or str(error), never_sent=True)
        self.args = (f"This machine would not do it: {self.why}.",)


class ServerRefused(Trouble):
    """The server answered and said no: the fields of its problem document (RFC 9457)."""

    def __init__(
        self,
        *,
        status: int,
        type_: str = "about:blank",
        title: str = "Refused",
        detail: str = "",
        instance: str | None = None,
        errors: tuple[ProblemField, ...] = (),
        retry_after: float | None = None,
        answered_at: datetime | None = None,
    ) -> None:
        super().__init__(f"{title}. {detail}" if detail else f"{title}.")
        self.status = status
        self.type = type_
        self.title = title
        self.detail = detail
        self.instance = instance
        self.errors = errors
        self.retry_after = retry_after
        self.answered_at = answered_at

    @property
    def temporary(self) -> bool:
        """Whether the same request may succeed later without anyone changing it."""
        return self.status in (408, 425, 429) or self.status >= 500

    @property
    def undone(self) -> bool:
        """Whether too much was asked at once and nothing was done: the same may be sent again, whatever it is."""
        return self.type in ("/problems/overloaded", "/problems/quota-exceeded")

    def as_document(self) -> dict[str, object]:
        """The problem document again, for a program that reads our output."""
        document: dict[str, object] = {
            "type": self.type,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.instance:
            document["instance"] = self.instance
        if self.errors:
            document["errors"] = [error.model_dump() for error in self.errors]
        return document
