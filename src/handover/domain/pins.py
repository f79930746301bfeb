"""PINs: which of them everybody would try first, and how many wrong ones a terminal takes (decision 15)."""

import re
from datetime import datetime
from itertools import pairwise

SHORTEST, LONGEST = 6, 12
TRIES = 5
"""Wrong PINs at one terminal, over all the hours, until it asks for the password: of a million PINs, five."""
_DISTINCT = 4
_DATES = ("%d%m%y", "%m%d%y", "%y%m%d", "%d%m%Y", "%m%d%Y", "%Y%m%d")
_ON_THE_PAD = ("147258369", "147852369", "741852963", "159357", "159753", "357159", "789456123", "258456", "321654987")


def fault(pin: str, username: str) -> str | None:
    """What keeps this from being a PIN, in words; None where it may be one."""
    if not re.fullmatch(rf"[0-9]{{{SHORTEST},{LONGEST}}}", pin):
        return f"{SHORTEST} to {LONGEST} digits"
    steps = {(int(b) - int(a)) % 10 for a, b in pairwise(pin)}
    if len(set(pin)) < _DISTINCT or len(steps) == 1:
        return "everybody tries one like this first: take digits that do not repeat and do not count up or down"
    if any(pin in line or pin in line[::-1] for line in _ON_THE_PAD):
        return "this is a line on the keypad, and seen from across the room; choose another"
    if any(_is_date(pin, shape) for shape in _DATES):
        return "this is a date, and colleagues know your birthdays; choose another"
    if pin in re.sub(r"[^0-9]", "", username):
        return "this is part of your user name; choose another"
    return None


def _is_date(pin: str, shape: str) -> bool:
    if len(pin) != (8 if "Y" in shape else 6):
        return False
    try:
        return 1930 <= datetime.strptime(pin, shape).year <= 2069  # noqa: DTZ007 - a birthday has no time zone
    except ValueError:
        return False
