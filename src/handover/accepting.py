"""Which of several kinds an answer is to be of: what `Accept` and `Accept-Encoding` say (RFC 9110 §12.5)."""

from functools import lru_cache

LONGEST = 500
"""Characters that are looked at: a browser's are a hundred."""


def preferred(accept: str, *kinds: str) -> str:
    """The kind that is wanted most. Of those wanted alike, the one that is named, then the one that is named first; the
    first of these kinds where none is wanted: an answer of another kind is worth more than none."""
    return _preferred(accept[:LONGEST], *kinds)


def packed(accept_encoding: str) -> bool:
    """Whether an answer that can be had packed by gzip is to be: not where that is named to be refused (`q=0`). The
    packed one is another representation, and needs an ETag of its own (RFC 9110 §8.8.3.3)."""
    return preferred(accept_encoding, "identity", "gzip") == "gzip"


@lru_cache(maxsize=256)
def _preferred(accept: str, *kinds: str) -> str:
    parts = [part.split(";") for part in accept.lower().replace(" ", "").split(",")]
    named = {kind: (_quality(parameters), -place) for place, (kind, *parameters) in enumerate(parts)}

    def worth(kind: str) -> tuple[float, int, int]:
        # What is said of the kind itself counts before what is said of all like it.
        for exact, name in enumerate((kind, f"{kind.partition('/')[0]}/*", "*/*")):
            if name in named:
                quality, place = named[name]
                return quality, -exact, place
        return 0.0, 0, 0

    return max(kinds, key=worth)


def _quality(parameters: list[str]) -> float:
    told = next((word[2:] for word in parameters if word.startswith("q=")), "1")
    try:
        return float(told)
    except ValueError:  # no number: as if it had not been said
        return 1.0
