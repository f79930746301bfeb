"""Two quiet questions while somebody writes: a hard word, and the same words about several people. They are asked,
never counted, never sent, and keep nobody from sending."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from handover.terminal.tongue import later, t
from handover.terminal.words import said

_HARSH = later(
    "animal|scum|vermin|idiot|moron|stupid|thick|lazy|pathetic|useless|hopeless case|waste of space|waste of time|"
    "nightmare|nutter|nutcase|psycho|mental case|lunatic|loony|weirdo|freak|drama queen|"
    "attention[- ]seek\\w*|manipulat\\w+|playing (?:us|up|games)|faking|whing\\w+|moan\\w*|liar|"
    "always lies|never changes|deserves? it|asked for it|scrote|toerag|bastard|bitch|cunt|fuck\\w*|prick|wanker|twat|"
    "nonce|junkie|smackhead|crackhead"
)
"""In each language its own: a pattern, its words set apart by bars."""
_LONG_ENOUGH = 12


def harsh(*texts: str | None) -> str | None:
    """The first hard word."""
    pattern = re.compile(rf"\b(?:{t(_HARSH)})\b", re.IGNORECASE)
    for text in texts:
        if text and (found := pattern.search(text)):
            return found[0]
    return None


def same_words(fact: str | None, inmate: str | None, others: Iterable[Mapping[str, Any]]) -> list[str]:
    """Others of whom this author has written the very same words: their numbers."""
    word = said(fact or "").rstrip(".! ")
    if len(word) < _LONG_ENOUGH:
        return []
    found = [
        str(one.get("inmate") or t("the wing"))
        for one in others
        if one.get("inmate") != inmate and said(str(one.get("fact") or "")).rstrip(".! ") == word
    ]
    return list(dict.fromkeys(found))
