"""Keys and what they do. They are named in words at the foot of each screen, so nothing else shows them."""

from textual.binding import Binding, BindingType


def bound(*pairs: tuple[str, str], first: bool = False) -> list[BindingType]:
    """Keys, each with its action; `first`: also where somebody is typing."""
    return [Binding(key, action, show=False, priority=first) for key, action in pairs]
