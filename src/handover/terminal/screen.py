"""What a watch puts on the screen: events in words, and always whether the screen is up to date or blind."""

import asyncio
import time
from collections import deque
from types import TracebackType
from typing import Any, Self

from rich.console import Group
from rich.live import Live
from rich.text import Text

from handover.client.feed import Feed, Heard
from handover.client.feed_protocol import Event, Heartbeat, State, StateChange
from handover.client.sending import Round, waiting_by_author
from handover.terminal import banner, telling
from handover.terminal.desk import Desk, name_of
from handover.terminal.incidents import Incidents
from handover.terminal.phrases import Reader
from handover.terminal.speech import Speech, plain
from handover.terminal.waiting import tell_round

_BELL_EVERY_S = 3.0
_RADIO = "Urgent? Use the radio."


class JsonScreen:
    """For programs: events as they came and changes of sight, one JSON object a line."""

    def __init__(self, voice: Speech) -> None:
        self._voice = voice

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    async def take(self, item: Heard) -> None:
        """Puts out what was heard."""
        if isinstance(item, Event):
            self._voice.emit(item.raw)
        elif isinstance(item, StateChange):
            self._voice.emit(item.as_frame())

    def sent(self, rounds: list[Round]) -> None:
        """Tells which notes went that had waited."""
        for went in rounds:
            notes = [one.note.get("id") for one in went.sent]
            refused = [one.refusal.as_document() for one in went.refused]
            self._voice.emit({"type": "sent", "author": went.author, "notes": notes, "refused": refused})


class Screen:
    """For people: lines that stay where they are, and under them one that says how things stand."""

    def __init__(self, voice: Speech, here: Desk, reader: Reader, feed: Feed) -> None:
        # All on one stream: with two, the line at the foot would be printed over.
        self._voice = Speech(voice.as_json, voice.out, voice.out)
        self._here = here
        self._reader = reader
        self._feed = feed
        self._names: dict[str, str] = {}
        self._told: deque[str] = deque(maxlen=100)
        self._rang_at = -_BELL_EVERY_S
        self._replay_since = feed.heard_at if feed.cursor not in (None, "now") else None
        self._was_live = False
        self._live = False
        self._pages: dict[str, dict[str, Any]] = {}
        self._settled: set[str] = set()
        self._calling: asyncio.Task[None] | None = None
        self._with_place = feed.establishment is None and len(here.login.me.establishments) > 1
        self._how, self._beside = "connecting …", here.login.me.name
        self._headings: list[Text] = []
        # Drawn anew every second: another command may put a note to those that wait at any time.
        foot = Live(console=voice.out, refresh_per_second=1, transient=True, get_renderable=self._below)
        self._foot = foot if voice.out.is_terminal and not voice.out.is_dumb_terminal else None
        # What cannot be drawn anew cannot be counted up: in a file, every note has its lines.
        self._incidents = Incidents(here, reader) if self._foot is not None else None

    def __enter__(self) -> Self:
        what = " ".join(filter(None, (self._feed.establishment, self._feed.unit))) or self._everything()
        self._voice.say(f"Watching {what} as {self._here.login.me.name}. Ctrl-C ends it.")
        if self._foot is not None:
            self._foot.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._foot is not None:
            self._foot.stop()
        for heading in self._incidents.headings() if self._incidents is not None else ():
            self._voice.say(heading)

    async def take(self, item: Heard) -> None:
        """Shows what was heard."""
        if isinstance(item, Event):
            await self._event(item)
        elif isinstance(item, StateChange):
            self._state(item)
            self._live = item.state is State.LIVE
            if self._live:
                # Beside the feed, never in its way.
                self._calling = asyncio.create_task(self._call_again())
        if isinstance(item, Heartbeat) or (isinstance(item, StateChange) and item.state is State.LIVE):
            self._stand(f"up to date {self._reader.time(self._reader.now(), seconds=True)}")

    def sent(self, rounds: list[Round]) -> None:
        """Tells which notes went that had waited."""
        for went in rounds:
            tell_round(self._voice, went, self._reader)

    async def _event(self, event: Event) -> None:
        data = event.raw.get("data")
        data = data if isinstance(data, dict) else {}
        if event.type == "need.opened" and data.get("note") in self._told:
            return  # the note right above says so
        if self._replay_since is not None:
            self._voice.say(f"Since {self._reader.time(self._replay_since, seconds=True)}:")
            self._replay_since = None
        await self._learn_name(event)
        if event.type.startswith("page.") and await self._page(event.type, data):
            return
        counted, over = False, list[Text]()
        if self._incidents is not None:
            counted, over = await self._incidents.tells(event.type, data), self._incidents.over()
            before, self._headings = self._headings, self._incidents.lines(self._names)
            if not counted and before != self._headings and self._foot is not None:
                self._foot.refresh()  # at once: what was taken back must not stand there a second longer
        if not counted:
            self._tell(event, data)
        for line in over:
            self._voice.say(line)

    def _tell(self, event: Event, data: dict[str, Any]) -> None:
        if event.type.startswith("note.") and "id" in data:
            self._told.append(str(data["id"]))
        telling.show(self._voice.out, telling.lines_for(event, self._reader, self._names, with_place=self._with_place))
        if telling.needs_somebody_now(event, self._reader):
            self._ring()

    async def _learn_name(self, event: Event) -> None:
        number = event.raw.get("subject")
        if not isinstance(number, str) or (number in self._names and not event.type.startswith("inmate.")):
            return
        self._names[number] = await asyncio.to_thread(name_of, self._here.api, number)

    async def _page(self, kind: str, page: dict[str, Any]) -> bool:
        """Calls out what nobody has taken; says whether that told it all. What is long past is one line of many."""
        id_ = str(page.get("id"))
        if kind != "page.raised" or "kind" not in page:
            self._pages.pop(id_, None)
            self._settled.add(id_)
            return False
        self._pages[id_] = page
        if self._live:
            await self._call(page)
        # How often it called while nobody looked is said once, when it calls here.
        return self._live or bool(page.get("repeated"))

    async def _call_again(self) -> None:
        """What was raised while this terminal did not look calls as soon as it does."""
        found = await asyncio.to_thread(banner.still_open, self._here, self._feed.establishment, self._feed.unit)
        for page in found:
            id_ = str(page.get("id"))
            if id_ not in self._settled:
                self._pages[id_] = page
                await self._call(page)

    async def _call(self, page: dict[str, Any]) -> None:
        number = page.get("inmate")
        who = (self._names.get(number) or await asyncio.to_thread(name_of, self._here.api, number)) if number else ""
        who = who or ("the whole wing" if page.get("note") else "the unit itself")
        told = await asyncio.to_thread(lambda: list(banner.lines(self._here, page, who, self._reader)))
        banner.show(self._voice, told)

    def _state(self, change: StateChange) -> None:
        at = self._reader.time(change.at, seconds=True)
        since = self._reader.time(change.since, seconds=True)
        match change.state:
            case State.LIVE:
                again = f"Up to date again {at}; what was missed is shown above."
                self._voice.say(Text(again if change.since else f"Up to date {at}.", style="bold"))
                self._was_live, self._replay_since = True, None
            case State.BLIND:
                old = " What you see is from then." if self._was_live else ""
                not_sent = f" {self._not_sent()} kept here, not sent." if self._waiting() else ""
                self._mark(f"Not connected since {since}: {plain(change.why).rstrip('.')}.{old}{not_sent} {_RADIO}")
                self._stand(f"NOT CONNECTED since {since}", _RADIO)
            case State.MISSED:
                # What the server said about cursors is for programs; the officer has to know what is not on the screen.
                self._mark(
                    f"What happened between {since} and {at} may be missing above, and this terminal cannot fetch it. "
                    "Ask your colleagues. From here on everything is shown."
                )
            case State.REPLAYING:
                self._stand("reading what was missed …")

    def _mark(self, words: str) -> None:
        self._voice.say(Text(words, style="bold reverse"))

    def _stand(self, how: str, beside: str | None = None) -> None:
        self._how, self._beside = how, beside or self._here.login.me.name
        if self._foot is not None:
            self._foot.refresh()

    def _below(self) -> Group:
        return Group(*self._headings, self._foot_line())

    def _foot_line(self) -> Text:
        many = len(self._pages)
        calls = f"{many} PAGE{'S' if many > 1 else ''} NOT TAKEN · " if many else ""
        words = f" {calls}{self._how} · {self._waiting()} not sent · {self._beside} "
        return Text(words, style="reverse", no_wrap=True, overflow="ellipsis")

    def _ring(self) -> None:
        if time.monotonic() - self._rang_at >= _BELL_EVERY_S:
            self._rang_at = time.monotonic()
            self._voice.out.bell()

    def _waiting(self) -> int:
        return sum(waiting_by_author(self._here.server).values())

    def _not_sent(self) -> str:
        many = self._waiting()
        return "1 note" if many == 1 else f"{many} notes"

    def _everything(self) -> str:
        places = self._here.login.me.establishments
        return ", ".join(places) or "everything"
