"""Keys where something is chosen: what they choose, and what becomes of letters that choose nothing. They may begin a
sentence, typed with one's eyes on the keys, and no word of it is lost."""

from collections.abc import Sequence
from typing import Any

from handover.terminal.screens.options import ABSENT
from handover.terminal.screens.steps import KEYS, LINE, MOOD, PICK, TEXT, WORDS, Step, entries
from handover.terminal.tongue import t
from handover.terminal.words import Vocabulary

TYPED = (TEXT, LINE, WORDS)


def mood(before: dict[str, Any], key: str) -> tuple[dict[str, Any] | None, bool]:
    """What a key makes of the mood, and whether that is all of it; None where it means nothing."""
    if key in ABSENT:
        return {"not_observed": ABSENT[key]}, True
    if key == "o" and before and not before.get("not_observed"):
        own = before.get("source") == "SELF_REPORTED"
        return {**before, "source": None if own else "SELF_REPORTED"}, False
    if key not in "12345":
        return None, False
    if before.get("valence") is not None and before.get("energy") is None:
        return {**before, "energy": int(key) - 1}, True
    return {"valence": int(key) - 3}, False


def typed_next(all_steps: Sequence[Step], at: int) -> int | None:
    """The next step in which one types; None where none follows."""
    return next((n for n, step in enumerate(all_steps) if n > at and step.kind in TYPED), None)


def told(step: Step, onward: Step | None, words: Vocabulary) -> str:
    """Which keys there are, and where a sentence would stand."""
    if onward is None:
        return t("Here a key chooses: {keys}. Letters are not taken.", keys=_keys(step, words))
    field = t(onward.label)
    return t("Here a key chooses: {keys}. A sentence goes on under “{field}”.", keys=_keys(step, words), field=field)


def joined(before: object, words: str) -> str:
    """A sentence behind what stands there."""
    return f"{str(before or '').rstrip()} {words.lstrip()}".lstrip()


def _keys(step: Step, words: Vocabulary) -> str:
    if step.kind == MOOD:
        return " ".join(["1-5", *ABSENT])
    if step.kind != PICK:
        return "y n"
    last = KEYS[len(entries(step, words)) - 1]
    return f"1-{last}" if last.isdigit() else f"1-9 a-{last}"
