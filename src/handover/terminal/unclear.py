"""When what was typed cannot be meant."""

from handover.client.refusals import Trouble


class Unclear(Trouble):
    """What was typed can be read in no way, or in several; the words say what to type instead."""


class UnknownWord(Unclear):
    """A word is in none of the lists known here; newer lists may have it."""
