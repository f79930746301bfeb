"""Choosing a PIN, and coming back by it to a terminal at which the password was given."""

from contextlib import suppress

from handover.client import seats
from handover.client.http import Api
from handover.client.refusals import CannotReach, NotLoggedIn, ServerRefused
from handover.client.server import Server
from handover.client.session import Login, log_in_with
from handover.schemas.accounts import PinDraft, Seat

GRANT = "urn:handover:grant-type:pin"
_OVER = "/problems/password-wanted"


def come_back(server: Server, username: str, pin: str) -> Login:
    """Logs in by PIN. Where the server has none of it any more, what was kept for it goes."""
    kept = seats.of(server, username)
    if kept is None:
        raise NotLoggedIn("No PIN does here now; give your password.")
    try:
        return log_in_with(server, {"grant_type": GRANT, "seat": kept.seat, "pin": pin})
    except ServerRefused as refused:
        if refused.type == _OVER:
            seats.forget(server, kept.username)
        raise


def end_seat(server: Server, seat: str) -> None:
    """Gives it back, if the server can be reached; else it ends by itself."""
    with suppress(CannotReach, ServerRefused), Api(server) as api:
        api.call("POST", "/oauth/revoke", form={"token": seat}, timeout_s=5)


def choose(server: Server, api: Api, username: str, draft: PinDraft) -> None:
    """Chooses a PIN, or takes it away; it does at this terminal from now on."""
    given = api.read(api.call("PUT", "/v1/me/pin", body=draft.model_dump_json()), Seat)
    seats.keep(server, username, given.seat, given.seat_expires_in)
