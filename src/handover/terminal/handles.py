"""Short names for things that have long ids: the end of the id, as much of it as tells it from the others shown.

The ends, because these ids begin with the time: everything written in the same minute begins alike.
"""

from collections.abc import Iterable, Sequence

_SHORTEST = 4


def handles(ids: Iterable[str]) -> dict[str, str]:
    """Id → its end, all of one length."""
    known = list(dict.fromkeys(ids))
    longest = max(map(len, known), default=0)
    for length in range(_SHORTEST, longest + 1):
        ends = {id_: id_[-length:] for id_ in known}
        if len(set(ends.values())) == len(known):
            return ends
    return {id_: id_ for id_ in known}


def meant(typed: str, ids: Sequence[str]) -> list[str]:
    """The ids that a handle can mean: the whole id, its end or its beginning."""
    word = typed.strip().casefold()
    if len(word) < _SHORTEST:
        return []
    return [id_ for id_ in dict.fromkeys(ids) if id_.endswith(word) or id_.startswith(word)]
