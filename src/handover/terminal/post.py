"""`handover post`: what can be typed. What becomes of it is in `posting`."""

from typing import Annotated, Any

import typer

from handover.terminal import completion, posting
from handover.terminal.compose import BASES, Typed
from handover.terminal.speech import DEFAULT_SERVER, JsonOption, ServerOption, answering
from handover.terminal.times import TIMES_COMING, TIMES_PAST

_KNOWN = "How you know: exactly one (TEXT is what happened, or '')"
_STATE = "How the person is"
_NEXT = "What is needed, what was done, what to look out for"
_WHERE = "Where, when, for whom"

Many = list[str] | None


def _option(name: str, panel: str, help_: str, metavar: str = "TEXT", complete: Any = None) -> Any:
    # The parser takes each option several times, so that a second text is refused and not silently the only one.
    return typer.Option(name, help=help_, metavar=metavar, rich_help_panel=panel, autocompletion=complete)


def post(
    inmate: Annotated[
        str | None, typer.Argument(metavar="INMATE", help="The person's number; leave it out for a note on a --unit.")
    ] = None,
    saw: Annotated[Many, _option("--saw", _KNOWN, "I saw it.")] = None,
    heard: Annotated[Many, _option("--heard", _KNOWN, "I heard it.")] = None,
    told_by_person: Annotated[Many, _option("--told-by-person", _KNOWN, "The person told me.")] = None,
    told_by_prisoner: Annotated[Many, _option("--told-by-prisoner", _KNOWN, "Another prisoner told me.")] = None,
    told_by_staff: Annotated[Many, _option("--told-by-staff", _KNOWN, "A colleague told me.")] = None,
    told_by_family: Annotated[Many, _option("--told-by-family", _KNOWN, "Family or friends told me.")] = None,
    told_by_outside: Annotated[Many, _option("--told-by-outside", _KNOWN, "Someone outside told me.")] = None,
    from_record: Annotated[Many, _option("--from-record", _KNOWN, "I read it in a record.")] = None,
    inferred: Annotated[Many, _option("--inferred", _KNOWN, "I worked it out.")] = None,
    basis: Annotated[
        Many,
        _option("--basis", _KNOWN, "Another way you know, with --fact.", "WORD", completion.from_list("basis")),
    ] = None,
    fact: Annotated[Many, _option("--fact", _KNOWN, "What happened; only with --basis.")] = None,
    mood: Annotated[
        Many,
        typer.Option(
            "--mood",
            "-m",
            help="How the person is, and how lively: low, low/slow, /restless; or asleep, away, not-seen. "
            "Add /own-words if that is what he or she said.",
            metavar="WORD[/WORD]",
            rich_help_panel=_STATE,
            autocompletion=completion.from_list("mood_valence", "not_observed", "mood_energy", then="mood_energy"),
        ),
    ] = None,
    change: Annotated[
        Many,
        _option("--change", _STATE, "Against this person's usual: worse.", "WORD", completion.from_list("change")),
    ] = None,
    sign: Annotated[
        Many,
        _option(
            "--sign",
            _STATE,
            "What you noticed, and whether it is new, more, less or stopped: withdrawn:new. As often as needed.",
            "WORD[:TREND]",
            completion.from_list("indicators", then="trends", between=":"),
        ),
    ] = None,
    opening: Annotated[bool, typer.Option("--opening", help="He or she opened up.", rich_help_panel=_STATE)] = False,
    think: Annotated[Many, _option("--think", _STATE, "What you make of it; shown as your opinion.")] = None,
    sure: Annotated[
        Many, _option("--sure", _STATE, "How sure: low, medium, high.", "WORD", completion.from_list("confidence"))
    ] = None,
    need: Annotated[
        Many,
        _option(
            "--need",
            _NEXT,
            "What is needed. Marks: promised, now, this-shift, next-shift. "
            "'phone,promised@18:00:call to his daughter'. As often as needed.",
            "WORD[,MARK][@TIME][:DETAIL]",
            completion.need,
        ),
    ] = None,
    did: Annotated[
        Many,
        _option(
            "--did",
            _NEXT,
            "What you did, and whether it helped: listened=helped. As often as needed.",
            "WORD[=EFFECT]",
            completion.from_list("responses", then="effects", between="="),
        ),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="The next shift should look in on purpose.", rich_help_panel=_NEXT)
    ] = False,
    act_now: Annotated[
        bool, typer.Option("--act-now", help="Somebody must act now. Tell them aloud too.", rich_help_panel=_NEXT)
    ] = False,
    until: Annotated[Many, _option("--until", _NEXT, f"How long to look out: {TIMES_COMING}.", "TIME")] = None,
    if_then: Annotated[Many, _option("--if-then", _NEXT, "What to do if it happens.")] = None,
    at: Annotated[Many, _option("--at", _WHERE, f"When it happened, if not now: {TIMES_PAST}.", "TIME")] = None,
    late_reason: Annotated[Many, _option("--late-reason", _WHERE, "Why you write it only now.")] = None,
    place: Annotated[Many, _option("--place", _WHERE, "Where: servery.", "WORD", completion.from_list("place"))] = None,
    unit: Annotated[Many, _option("--unit", _WHERE, "The unit, for a note on the wing.", "UNIT")] = None,
    incident: Annotated[
        bool,
        typer.Option(
            "--incident",
            help="It is about what is going on in the unit; the first such note opens the incident.",
            rich_help_panel=_WHERE,
        ),
    ] = False,
    establishment: Annotated[Many, _option("--establishment", _WHERE, "The prison, if several.", "CODE")] = None,
    handling: Annotated[
        Many,
        _option("--handling", _WHERE, "Who may read it: health.", "WORD", completion.from_list("handling")),
    ] = None,
    words: Annotated[
        str | None,
        typer.Option("--words", metavar="NAME", help="Show the words for need, sign, mood, did, … and write nothing."),
    ] = None,
    server: ServerOption = DEFAULT_SERVER,
    as_json: JsonOption = False,
) -> None:
    """Write a note. It is kept on this machine first, then sent; without a network it goes later, by itself.

    handover post A4417KD --mood low --change worse --saw "quiet since the visit was cancelled" --need phone,promised

    Words are those of the code lists; a beginning is enough where only one can be meant, and Tab completes them.
    Marks on a need may also begin with !, as in 'phone!promised': in quotes, because some shells take ! for themselves.
    """
    known = zip(
        BASES,
        (
            saw,
            heard,
            told_by_person,
            told_by_prisoner,
            told_by_staff,
            told_by_family,
            told_by_outside,
            from_record,
            inferred,
        ),
        strict=True,
    )
    typed = Typed(
        inmate=inmate,
        basis=[(option, text) for option, texts in known for text in texts or []],
        basis_word=basis or [],
        fact=fact or [],
        think=think or [],
        sure=sure or [],
        mood=mood or [],
        change=change or [],
        sign=sign or [],
        need=need or [],
        did=did or [],
        opening=opening,
        watch=watch,
        act_now=act_now,
        until=until or [],
        if_then=if_then or [],
        place=place or [],
        handling=handling or [],
        at=at or [],
        late_reason=late_reason or [],
        establishment=establishment or [],
        unit=unit or [],
        incident=incident,
    )
    with answering(as_json) as voice:
        if words is not None:
            posting.show_words(voice, server, words)
        else:
            posting.post(voice, server, typed)
