"""How it looks: the terminal's own two colours. Words and shape carry the meaning; bold and reverse underline it."""

CSS = """
Screen, ModalScreen { background: ansi_default; color: ansi_default; layout: vertical; }
* { scrollbar-size: 0 0; }
Head { height: 2; }
Say, Keys { height: 1; }
Keys { text-style: reverse; }
Rows, Lines { background: ansi_default; color: ansi_default; }
Rows { height: 1fr; }
Input, Input:focus {
    border: none; height: 1; padding: 0;
    background: ansi_default; color: ansi_default; background-tint: ansi_default 0%;
}
Input > .input--cursor { background: ansi_default; color: ansi_default; text-style: reverse; }
Input > .input--placeholder, Input > .input--suggestion {
    background: ansi_default; color: ansi_default; text-style: dim;
}
Input > .input--selection { background: ansi_default; color: ansi_default; text-style: reverse; }
TextArea, TextArea:focus { border: none; padding: 0; background: ansi_default; color: ansi_default; }
TextArea > .text-area--cursor { background: ansi_default; color: ansi_default; text-style: reverse; }
TextArea > .text-area--cursor-line, TextArea > .text-area--gutter { background: ansi_default; color: ansi_default; }
.asked { height: 1; }
.asked Lines { width: auto; height: 1; }
"""
