"""What a locked terminal may still ask: in which units somebody must act now."""

from typing import TypeVar

from pydantic import BaseModel

from handover.client.http import Api
from handover.client.refusals import CannotReach, NotLoggedIn, ServerRefused
from handover.client.server import Server
from handover.client.session import Login, holding
from handover.schemas.handovers import Calling, CallingDraft, Pass, PassDraft

M = TypeVar("M", bound=BaseModel)
_PATIENCE_S = 4.0


def pass_for(server: Server, login: Login, establishment: str) -> str | None:
    """A pass for the screen that this login is about to be taken from; None where there is none to be had."""
    try:
        with Api(server, holding(login)) as api:
            return _asked(api, "/v1/calls/passes", PassDraft(establishment=establishment), Pass).pass_
    except (CannotReach, NotLoggedIn, ServerRefused):
        return None


def calling(server: Server, given: str) -> list[str] | None:
    """Where somebody must act now; None where this pass hears nothing (any more). Raises CannotReach."""
    with Api(server) as api:
        return _asked(api, "/v1/calls", CallingDraft.model_validate({"pass": given}), Calling).units


def _asked(api: Api, path: str, draft: BaseModel, model: type[M]) -> M:
    body = draft.model_dump_json(by_alias=True)
    return api.read(api.call("POST", path, body=body, timeout_s=_PATIENCE_S), model)
