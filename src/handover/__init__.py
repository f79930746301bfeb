"""Shift handover messaging for prisons: a note that somebody has to receive."""

__version__ = "0.1.0"
