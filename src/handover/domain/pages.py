"""The life of a page: raised, until a named person accepts it, or it is closed because nobody need act any more."""

from typing import Literal, get_args

State = Literal["RAISED", "ACCEPTED", "CLOSED"]
STATES: tuple[State, ...] = get_args(State)
RAISED, ACCEPTED, CLOSED = STATES
