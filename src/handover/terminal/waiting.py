"""Notes that wait here or were refused: what every command says about them, and `handover unsent`."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

import typer
from rich.text import Text

from handover.client.outbox import Aside, Kept, Outbox
from handover.client.refusals import ServerRefused
from handover.client.sending import Round, send_everyones, waiting_by_author
from handover.client.server import Server
from handover.schemas.common import in_utc
from handover.schemas.notes import MoodDraft, NeedDraft
from handover.schemas.problems import ProblemField
from handover.terminal.compose import option_for
from handover.terminal.desk import Desk, desk
from handover.terminal.phrases import Reader
from handover.terminal.speech import DEFAULT_SERVER, JsonOption, ServerOption, Speech, answering, exit_code, tell
from handover.terminal.unclear import Unclear
from handover.terminal.words import promise


def unsent(
    send: Annotated[bool, typer.Option("--send", help="Try to send what waits, now.")] = False,
    drop: Annotated[
        int | None, typer.Option("--drop", metavar="N", help="Delete refused note N: you have dealt with it.")
    ] = None,
    server: ServerOption = DEFAULT_SERVER,
    as_json: JsonOption = False,
) -> None:
    """Show which of your notes have not been sent, and which the server refused and why."""
    with answering(as_json) as voice, desk(voice, server) as here:
        outbox = Outbox(here.server, here.login.username)
        if drop is not None:
            _drop(voice, outbox, drop)
        stopped = None
        if send:
            for went in send_everyones(here.server):
                tell_round(voice, went, here.reader(here.lists()))
                stopped = stopped or went.stopped
        _list(voice, here, outbox)
        if stopped is not None:
            tell(voice, stopped)
            raise typer.Exit(exit_code(stopped))


def count(many: int) -> str:
    """`1 note waits`, `2 notes wait`."""
    return "1 note waits" if many == 1 else f"{many} notes wait"


def tell_round(voice: Speech, went: Round, reader: Reader, *, but: str | None = None) -> None:
    """Says which notes went after waiting and which were refused; `but` is the one that is told of elsewhere."""
    if voice.as_json:
        return
    sent = [one.kept for one in went.sent if one.name != but]
    if sent:
        written = ", ".join(reader.time(kept.written_at) for kept in sent)
        whose = "" if but is not None else f" by {went.author}"
        voice.warn(f"Sent {_notes(len(sent))}{whose} that waited here (written {written}).")
    for refused in went.refused:
        if refused.name != but:
            about = f" of {reader.time(refused.kept.written_at)} about {_about(refused.kept)}" if refused.kept else ""
            voice.warn(Text(f"A note{about} that waited here was refused.", style="bold"))
            tell_refusal(voice, refused.refusal)
            voice.warn("It is kept. See it: handover unsent")


def tell_refusal(voice: Speech, refusal: ServerRefused) -> None:
    """A refusal of a note, in the names of the options it was typed with."""
    if not refusal.errors:
        tell(voice, refusal)
        return
    voice.warn(f"Refused: {refusal.title}.")
    for error in refusal.errors:
        voice.warn(f"  {option_for(error.pointer) if error.pointer else 'the note'}: {error.detail}")


def send_others(voice: Speech, server: Server, reader: Reader) -> None:
    """Sends what officers who sat here before have left, while their logins last."""
    for went in send_everyones(server):
        tell_round(voice, went, reader)


def _list(voice: Speech, here: Desk, outbox: Outbox) -> None:
    kept = [found for name in outbox.names() if (found := outbox.shown(name)) is not None]
    refused = outbox.refused()
    if voice.as_json:
        voice.emit({"waiting": [_document(one) for one in kept], "refused": [_aside(one) for one in refused]})
        return
    reader = here.reader(here.lists())
    if not kept and not refused:
        voice.say("Everything of yours was sent.")
    for one in kept:
        calls = "ACT NOW  " if one.urgent else ""
        voice.say(f"waits    {reader.time(one.written_at)}  {calls}{_about(one)}: {_gist(one)}")
    for number, aside in enumerate(refused, 1):
        when = reader.time(aside.kept.written_at) if aside.kept else "?"
        what = f"{_about(aside.kept)}: {_gist(aside.kept)}" if aside.kept else f"cannot be read ({aside.name})"
        voice.say(f"refused  {when}  {what}   (drop it with --drop {number})")
        for option, words in _written(aside.kept, reader) if aside.kept else ():
            voice.say(f"         {option}: {words}")
        tell_refusal(voice, _refusal(aside))
    for author, many in waiting_by_author(here.server).items():
        if author != here.login.username:
            voice.say(f"{count(many)} here that {author} wrote; only {author}'s login can send them.")


def _drop(voice: Speech, outbox: Outbox, number: int) -> None:
    refused = outbox.refused()
    if not 1 <= number <= len(refused):
        raise Unclear(f"--drop {number}: there is no such refused note; see them with: handover unsent")
    outbox.drop_refused(refused[number - 1].name)
    if not voice.as_json:
        voice.warn(f"Deleted refused note {number}.")


def _about(kept: Kept) -> str:
    draft = kept.draft
    return draft.inmate or f"unit {draft.unit}"


def _gist(kept: Kept) -> str:
    draft = kept.draft
    codes = [*(one.code for one in draft.indicators), *(one.code for one in draft.needs)]
    words = draft.fact or ", ".join(codes) or draft.change or draft.basis
    return words if len(words) <= 60 else words[:59] + "…"


def _written(kept: Kept, reader: Reader) -> Iterator[tuple[str, str]]:
    """All of a note, by the options it was typed with: it may have to be written once more."""
    draft = kept.draft

    def at(time: datetime | None) -> str:
        return f"{time.astimezone(reader.zone):%Y-%m-%d %H:%M}" if time else ""

    def need(one: NeedDraft) -> str:
        marks = [promise().label] if one.promised else []
        marks += [_word(one.urgency)] if one.urgency != "ROUTINE" else []
        due = f"@{at(one.due_at)}" if one.due_at else ""
        return ",".join([_word(one.code), *marks]) + due + (f":{one.detail}" if one.detail else "")

    claimed = draft.occurred_at if kept.time_claimed else None
    asked = {"ACT_NOW": "--act-now", "WATCH": "--watch"}.get(draft.attention or "", "")
    given = [
        ("what", draft.fact),
        ("--basis", _word(draft.basis)),
        ("--mood", _mood(draft.mood, reader)),
        ("--change", _word(draft.change)),
        *(("--sign", f"{_word(one.code)}{':' * bool(one.trend)}{_word(one.trend)}") for one in draft.indicators),
        ("--opening", "yes" if draft.opening else ""),
        ("--think", draft.opinion),
        ("--sure", _word(draft.confidence)),
        *(("--need", need(one)) for one in draft.needs),
        *(("--did", f"{_word(one.code)}{'=' * bool(one.effect)}{_word(one.effect)}") for one in draft.responses),
        (asked, "yes" if asked else ""),
        ("--until", at(draft.attention_until)),
        ("--if-then", draft.if_then),
        ("--at", at(claimed)),
        ("--late-reason", draft.late_reason),
        ("--place", _word(draft.place)),
        ("--handling", "" if draft.handling == "UNIT" else _word(draft.handling)),
        ("--incident", "yes" if draft.about_incident else ""),
    ]
    return ((option, words) for option, words in given if words)


def _word(code: str | None) -> str:
    """A code as it can be typed."""
    return (code or "").lower().replace("_", "-")


def _mood(mood: MoodDraft | None, reader: Reader) -> str:
    if mood is None:
        return ""
    if mood.not_observed:
        return _word(mood.not_observed)
    parts = [
        reader.label(f"mood_{name}", value)
        for name, value in (("valence", mood.valence), ("energy", mood.energy))
        if value is not None
    ]
    own = mood.source == "SELF_REPORTED"
    return ("/" if mood.valence is None else "") + "/".join([*parts, *([_word(mood.source)] if own else [])])


def _document(kept: Kept) -> dict[str, object]:
    return {
        "written_at": in_utc(kept.written_at),
        "key": kept.key,
        "note": kept.draft.model_dump(mode="json", exclude_defaults=True),
    }


def _aside(aside: Aside) -> dict[str, object]:
    return {"answer": aside.answer} | (_document(aside.kept) if aside.kept else {"file": aside.name})


def _refusal(aside: Aside) -> ServerRefused:
    answer = aside.answer
    errors = answer.get("errors")
    return ServerRefused(
        status=400,
        title=str(answer.get("title", "Refused")),
        detail=str(answer.get("detail", "")),
        errors=tuple(ProblemField.model_validate(one) for one in errors) if isinstance(errors, list) else (),
    )


def _notes(many: int) -> str:
    return "1 note" if many == 1 else f"{many} notes"
