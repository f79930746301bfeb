"""`handover login` and `handover logout`."""

import sys
from typing import Annotated

import typer

from handover.client import seats
from handover.client.codelists import lists_for
from handover.client.http import Api
from handover.client.outbox import Outbox
from handover.client.pins import come_back, end_seat
from handover.client.refusals import NotLoggedIn
from handover.client.sending import send_everyones, waiting_by_author
from handover.client.server import Server, server_at
from handover.client.session import Login, OfficerTokens, current_login, log_in, log_out, revoke
from handover.schemas.accounts import Me
from handover.terminal.desk import Desk
from handover.terminal.speech import DEFAULT_SERVER, JsonOption, ServerOption, answering
from handover.terminal.tongue import language, t
from handover.terminal.unclear import Unclear
from handover.terminal.waiting import count, tell_round


def login(
    username: Annotated[str, typer.Argument(metavar="USERNAME", help="Your account's name.")],
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input, for programs.")
    ] = False,
    insecure: Annotated[
        bool,
        typer.Option(
            "--insecure", help="Allow plain http:// to another machine: anyone on that network can read along."
        ),
    ] = False,
    server: ServerOption = DEFAULT_SERVER,
    as_json: JsonOption = False,
) -> None:
    """Log in at this terminal. Whoever was logged in here before no longer is."""
    with answering(as_json) as voice:
        where = server_at(server)
        safe(where, insecure=insecure)
        now_in = sit_down(where, username, _password(username, from_stdin=password_stdin))
        voice.practice(now_in.me)
        if voice.as_json:
            voice.emit(now_in.me.model_dump())
        else:
            voice.say(f"Logged in as {_who(now_in.me)}.")
        tokens = OfficerTokens(where, now_in.username)
        with Api(where, tokens) as api:
            lists = lists_for(api, language())
            if waiting_by_author(where):
                reader = Desk(where, now_in, tokens, api).reader(lists)
                for went in send_everyones(where):
                    tell_round(voice, went, reader)


def logout(server: ServerOption = DEFAULT_SERVER, as_json: JsonOption = False) -> None:
    """Log out: the login ends at the server, and nothing of it stays on this machine. Unsent notes stay, and wait."""
    with answering(as_json) as voice:
        where = server_at(server)
        whoever = current_login(where)
        voice.practice(whoever.me)
        seat = seats.of(where, whoever.username)
        known = log_out(where, whoever.username)
        if seat is not None:
            seats.forget(where, whoever.username)
            end_seat(where, seat.seat)
        left = len(Outbox(where, whoever.username).names())
        if voice.as_json:
            voice.emit({"logged_out": whoever.username, "revoked": known, "waiting": left})
            return
        voice.say(f"{whoever.me.name} is logged out.")
        if not known:
            voice.warn("The server could not be told; there the login ends by itself, after some hours at most.")
        if left:
            voice.warn(f"{count(left)} here, not sent. Log in again at this terminal and they go.")


def safe(where: Server, *, insecure: bool) -> None:
    """Refuses to send a password where anybody on the way could read it."""
    if where.exposed and not insecure:
        raise Unclear(
            t(
                "{url} is plain http to another machine: the password and every note could be read on the way. "
                "Use https://, or add --insecure if you know that network to be safe.",
                url=where.url,
            )
        )


def sit_down(where: Server, username: str, secret: str, *, pin: bool = False) -> Login:
    """Logs in, with the password or where it does with the PIN; whoever was logged in here before no longer is."""
    before = present(where)
    now_in = (come_back if pin else log_in)(where, username, secret)
    _release(where, before, now_in)
    return now_in


def present(server: Server) -> Login | None:
    """Who is logged in here."""
    try:
        return current_login(server)
    except NotLoggedIn:
        return None


def _password(username: str, *, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise Unclear("There is no keyboard here to ask for the password; give it with --password-stdin.")
    # Asked on standard error, so that --json has standard output to itself.
    return str(typer.prompt(f"Password of {username}", hide_input=True, err=True))


def _release(server: Server, before: Login | None, now_in: Login) -> None:
    """Ends the login of whoever sat here before, unless notes of theirs still wait for the network: those need it."""
    if before is None:
        return
    if before.username == now_in.username:
        revoke(server, before)
    elif not Outbox(server, before.username).names():
        log_out(server, before.username)


def _who(me: Me) -> str:
    places = [f"{one.establishment} {', '.join(one.units)}".rstrip() for one in me.postings] or me.establishments
    return f"{me.name} ({me.role}), {'; '.join(places)}" if places else f"{me.name} ({me.role})"
