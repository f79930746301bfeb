"""Editing text at once, key by key, in the order in which the keys were pressed.

The toolkit hands keys to each widget's own queue: on a slow line, or under fast fingers, the Enter behind a word could
be dealt with before its last letters, and the first letters of the next field land in the one before.
"""

from textual import events
from textual.widgets import Input, TextArea

_LINE = {
    "backspace": "delete_left",
    "delete": "delete_right",
    "left": "cursor_left",
    "right": "cursor_right",
    "home": "home",
    "ctrl+a": "home",
    "end": "end",
    "ctrl+e": "end",
    "ctrl+left": "cursor_left_word",
    "ctrl+right": "cursor_right_word",
    "ctrl+w": "delete_left_word",
    "ctrl+u": "delete_left_all",
    "ctrl+k": "delete_right_all",
}
_TEXT = {
    "backspace": "delete_left",
    "delete": "delete_right",
    "left": "cursor_left",
    "right": "cursor_right",
    "up": "cursor_up",
    "down": "cursor_down",
    "home": "cursor_line_start",
    "ctrl+a": "cursor_line_start",
    "end": "cursor_line_end",
    "ctrl+e": "cursor_line_end",
    "ctrl+left": "cursor_word_left",
    "ctrl+right": "cursor_word_right",
    "ctrl+w": "delete_word_left",
    "ctrl+u": "delete_to_start_of_line",
    "ctrl+k": "delete_to_end_of_line",
}


def edit(widget: Input | TextArea, event: events.Key) -> bool:
    """Does what a key does to a text; answers whether it does anything."""
    action = (_LINE if isinstance(widget, Input) else _TEXT).get(event.key)
    if action is not None:
        getattr(widget, f"action_{action}")()
        return True
    if not event.is_printable or event.character is None:
        return False
    if isinstance(widget, TextArea):
        widget.replace(event.character, *widget.selection)
    elif widget.selection.is_empty:
        widget.insert_text_at_cursor(event.character)
    else:
        widget.replace(event.character, *widget.selection)
    return True
