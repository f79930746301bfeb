"""The full-screen program, `handover desk`: one screen of 80×24 at a time, by keyboard alone, on a serial line too."""
