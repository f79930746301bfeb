"""Decisions: pure functions over frozen values. No I/O, no framework, no database."""
