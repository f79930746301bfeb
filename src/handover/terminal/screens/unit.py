"""The unit, live. What is on the screen moves only when the officer says so: news waits, and is counted at the top."""

from collections.abc import Hashable, Iterable
from typing import Any, ClassVar

from textual.widget import Widget

from handover.client.drafts import NoteInHand
from handover.client.feed_protocol import Event
from handover.client.resources import Document
from handover.terminal.screens import news, taking, unit_rows
from handover.terminal.screens.answering import Answers
from handover.terminal.screens.calling import Calling
from handover.terminal.screens.choosing import Choose
from handover.terminal.screens.correcting import writing
from handover.terminal.screens.frame import Frame
from handover.terminal.screens.hand import Hand
from handover.terminal.screens.house import ANSWERABLE, HouseScreen
from handover.terminal.screens.learning import Learn
from handover.terminal.screens.lines import Row, Rows, row
from handover.terminal.screens.needs import NeedScreen
from handover.terminal.screens.offering import HandOver
from handover.terminal.screens.person import PersonScreen
from handover.terminal.screens.pin import PinScreen
from handover.terminal.screens.whole_sheet import WholeSheet
from handover.terminal.screens.writing import called
from handover.terminal.tongue import later, t
from handover.terminal.units import Unit

TRIES = 5
"""How often the sheet is fetched while news still comes, until it is shown as it is."""
PAGE_ENDS = {
    "HANDOVER": later("Nobody has accepted the unit: t takes it over."),
    "TRANSFER": later("Somebody is on the way and nobody has accepted him or her: t."),
    "UNOFFERED": later("The unit has not been handed over: h offers it."),
}


class UnitScreen(Frame):
    """Needs you · due this shift · since you last looked · everyone by cell."""

    KEYS = later("n news · w write · Enter open · / find · t take over · h hand over · ? keys")
    DO: ClassVar = {
        "w": "write",
        "slash": "find",
        "n": "take_news",
        "u": "other",
        "l": "lock_now",
        "q": "leave",
        "t": "take_over",
        "h": "hand_over",
        "a": "answer",
        "s": "whole_sheet",
        "x": "practise",
        "m": "whole_prison",
        "i": "choose_pin",
        "question_mark": "more_keys",
    }

    def __init__(self) -> None:
        super().__init__()
        self._shown: Document | None = None

    def body(self) -> Iterable[Widget]:
        """One list."""
        yield Rows(id="unit")

    def opened(self) -> None:
        """Waits for the first sheet."""
        self.query_one(Rows).focus()
        self._draw()

    def changed(self) -> None:
        """The first sheet is shown as it comes; later ones wait to be taken in. A lock that takes a call off the screen
        uncovers it for a moment: nobody is there then to be shown anything."""
        super().changed()
        if self.station.here is None:
            return
        sheet = self.station.sheet
        unit = self.station.unit
        if self.stands and sheet is not None and unit is not None:
            other = self._shown is not None and self._shown["unit"] != unit.code
            if self._shown is None or other:
                self.look()
        if self.station.missed:
            self.say(self.station.missed, loud=True)
            self.station.missed = None

    def look(self) -> None:
        """Shows the unit as it stands now."""
        self._shown = self.station.sheet
        self._draw()

    def hears(self, event: Event) -> None:
        """Says the newest piece of news; the list stays."""
        waiting = self.station.news.waiting
        if waiting and waiting[-1] is event:
            words = news.gist(event, self.station.reader, self.station.names())
            data = event.raw.get("data") or {}
            self.whisper(t("NEW: {words}", words=words), of=data.get("note") or data.get("id"))

    def take_news(self) -> None:
        """Takes in what has come."""
        self.work(self._take_in())

    async def _take_in(self) -> None:
        # What the last event changed may be newer than the sheet that is here; so may what comes while it is fetched.
        fresh = False
        for _ in range(TRIES):
            newest = self.station.news.waiting[-1:]
            fresh = await self.base.fetch_now()
            if not fresh or self.station.news.waiting[-1:] == newest:
                break
        if fresh and self.station.blind_since is not None:
            self.base.hear_again()
        self.base.took_in()
        self.query_one(Rows).show([])  # from the top: what is urgent stands there
        self.look()
        self.say(t("As it stands now.") if fresh else t("Not connected: this is from before."), loud=not fresh)

    def write(self) -> None:
        """About somebody; what was begun stands first."""
        self.over(Choose(t("about whom?"), wing=True, before=self._begun), self._writes)

    def find(self) -> None:
        """Looks somebody up."""
        self.over(Choose(t("who?"), wing=False), self._finds)

    def _begun(self) -> list[Row]:
        reader = self.station.reader
        return [
            row(
                "  " + t("DRAFT, begun {time}: {about}", time=reader.time(one.begun_at), about=one.about),
                ("draft", one.id),
                whole=False,
            )
            for one in self.base.drafts.all()
        ]

    def _writes(self, key: tuple[str, str] | None) -> None:
        if key is None:
            return
        kind, id_ = key
        kept = next((one for one in self.base.drafts.all() if kind == "draft" and one.id == id_), None)
        if kept is None:
            number = id_ if kind == "person" else None
            about = called(self.station.person(id_), id_) if number else t("the wing")
            kept = NoteInHand(author=self.station.desk.login.username, begun_at=self.station.desk.now(), about=about)
            kept = kept.model_copy(update={"typed": {"inmate": number} if number else {}})
        self.over(writing(Hand(kept, dict(kept.typed))), self._wrote)

    def _wrote(self, what: str | None) -> None:
        if what == "sent":
            self.say(t("Kept. Sending …"))
        elif what == "recorded":
            self.say(f"{t('Recorded')}.")
        elif what == "corrected":
            self.say(t("Corrected. Whoever read the old note is told."))
        elif what == "aside":
            self.say(t("Put aside. It is among your drafts: w"))
        self.back()

    def _finds(self, key: tuple[str, str] | None) -> None:
        if key is not None:
            self.opens(*key)

    def lock_now(self) -> None:
        """Locks."""
        self.base.lock()

    def leave(self) -> None:
        """Ends the program."""
        self.work(self._leave())

    async def _leave(self) -> None:
        await self.app.run_action("leave")

    def other(self) -> None:
        """To the next of one's units."""
        units = self.station.units
        if len(units) < 2 or self.station.unit is None:
            self.say(t("There is only this unit for you."))
            return
        self._goes_to(units[(units.index(self.station.unit) + 1) % len(units)])

    def _goes_to(self, unit: Unit) -> None:
        self.station.unit, self.station.sheet = unit, None
        self._shown = None
        self._draw()
        super().changed()
        self.work(self._first())

    async def _first(self) -> None:
        if await self.base.fetch_now():
            self.look()

    def chosen(self, key: Hashable) -> None:
        """A page, a person, a need, what goes on."""
        kind, id_ = key if isinstance(key, tuple) else ("", "")
        self.opens(str(kind), str(id_))

    def opens(self, kind: str, id_: str) -> None:
        """Opens what Enter was pressed on."""
        if kind == "page" and id_ in self.station.pages:
            page = self.station.pages[id_]
            if page["note"]:
                self.over(Calling(page))
            else:
                self.say(t(PAGE_ENDS.get(page["kind"], "")))
        elif kind == "person":
            self.over(PersonScreen(id_), self._from_there)
        elif kind == "need":
            self.over(NeedScreen(id_), self._from_there)
        elif kind in ("wing", "incident"):
            self.over(WholeSheet(), self.back)
        elif kind == "transfer":
            self.take_over()

    def _from_there(self, then: tuple[str, str] | None) -> None:
        """From a person to one of the needs, or to writing, and back."""
        self.back()
        kind, id_ = then or ("", "")
        if kind == "said":
            self.say(id_)
        elif kind == "write":
            self._writes(("person", id_))
        elif kind:
            self.opens(kind, id_)

    def take_over(self) -> None:
        """What waits for this officer, one wing after another."""
        self.say(t("Looking what waits …"))
        self.once(self._take_over())

    async def _take_over(self, said: str = "") -> None:
        here, reader = self.station.desk, self.station.reader
        places = [(one.establishment, one.code) for one in self.station.units]
        found = await self.ask(lambda: taking.offers(here, places, reader))
        if found is None or here is not self.station.here:
            return
        if not self.is_active:  # something else was begun meanwhile: no key of that is for this
            if found and not said:
                self.say(t("Nothing was accepted. It still waits: t"))
            return
        if found:
            self._opens_offer(found[0], said, more=len(found) > 1)
        elif not said:
            self.say(t("Nothing waits for you. Whoever has the unit now offers it: h"))

    def _opens_offer(self, offer: taking.Offer, said: str, *, more: bool) -> None:
        def taken(made: Document | None) -> None:
            if made is None:
                left = t("{name} was not accepted. It still waits: t", name=offer.name)
                self.say(offer.gone or (left if said else t("Nothing was accepted. It still waits: t")))
            else:
                since = self.station.reader.time(made["accepted_at"])
                answers = later("You answer for {name} since {since}.")
                words = t(
                    answers if made["kind"] == "TRANSFER" else later("You own {name} since {since}."),
                    name=offer.name,
                    since=since,
                )
                self.say(words)
                if more:  # as it is offered by now: this one may have taken a while
                    self.work(self._take_over(words))
            self.back()

        first = f"{said} {t('Now {name}.', name=offer.name)}" if said else ""
        self.over(taking.TakeOver(offer, first), taken)

    def hand_over(self) -> None:
        """Offers the unit, or takes that back."""
        if self.station.unit is not None:
            self.over(HandOver(self.station.unit), self._said)

    def answer(self) -> None:
        """Questions about what one handed over."""
        self.over(Answers(), self.back)

    def practise(self) -> None:
        """The practice unit, where nothing counts."""
        self.over(Learn(), self.back)

    def more_keys(self) -> None:
        """The other keys."""
        self.say(t("a answer · u unit · s sheet · m prison · i PIN · x practise · l lock · q leave"))

    def whole_sheet(self) -> None:
        """The unit's sheet, all of it."""
        self.over(WholeSheet(), self.back)

    def whole_prison(self) -> None:
        """All units, for those who answer for them."""
        unit = self.station.unit
        if unit is None or self.station.desk.login.me.role not in ANSWERABLE:
            self.say(t("The whole prison is for its managers. u goes through your units."))
        else:
            self.over(HouseScreen(unit.establishment), self._from_house)

    def _from_house(self, there: tuple[str, str] | None) -> None:
        place = self.station.unit
        if there is None or place is None:
            self.back()
            return
        code = there[1]
        known = (one for one in self.station.units if (one.establishment, one.code) == (place.establishment, code))
        self._goes_to(next(known, Unit(place.establishment, code, t("unit {code}", code=code))))

    def choose_pin(self) -> None:
        """A PIN to come back by."""
        rule = self.station.desk.login.me.screen
        if rule is None or not rule.pin_allowed:
            self.say(t("No PIN is allowed for you here: your password brings you back."))
        else:
            self.over(PinScreen(), self._said)

    def _said(self, words: str | None) -> None:
        if words:
            self.say(words)
        self.back()

    def back(self, _: Any = None) -> None:
        """Back from another screen, by the officer's own key: the unit as it stands now."""
        self.own_change()

    def own_change(self) -> None:
        """The officer has done something: that shows at once."""
        self.work(self._first())

    def _draw(self) -> None:
        sheet = self._shown
        rows = self.query_one(Rows)
        if sheet is None:
            rows.show([row(""), row("  " + t("The unit is being fetched …"))])
            return
        rows.show(list(self._rows(sheet)))

    def _rows(self, sheet: Document) -> Iterable[Row]:
        station, reader = self.station, self.station.reader
        pressing = list(unit_rows.needs_you(sheet, station, reader))
        yield unit_rows.heading(t("needs you ({n})", n=_keys(pressing)))
        yield from pressing or [row("    " + t("Nobody asked to look out for anybody."))]
        if soon := unit_rows.due(sheet, reader):
            yield unit_rows.heading(t("due this shift, or promised ({n})", n=len(soon)))
            yield from soon
        told = list(station.news.rows(reader, station.names()))
        yield unit_rows.heading(t("since you last looked ({n})", n=_keys(told)))
        yield from told or [row("    " + t("Nothing new."))]
        many = len(sheet["people"]) + len(sheet["others"])
        missing = len(sheet["not_observed"])
        yield unit_rows.heading(
            t("everyone ({n}) · {missing} not observed this shift · last three shifts", n=many, missing=missing)
        )
        yield from unit_rows.everyone(sheet, reader)


def _keys(rows: list[Row]) -> int:
    found: list[Hashable] = [one.key for one in rows if one.key is not None]
    return len(found)
