"""Where a connection to an engine stands."""

from enum import IntEnum
from typing import Final


class State(IntEnum):
    """Where the connection stands."""

    IDLE = 0
    HEAD = 1
    BODY = 2
    CLOSED = 3


IDLE: Final = State.IDLE  # for the way of every response; see `core.failure.QUEUE`
HEAD: Final = State.HEAD
BODY: Final = State.BODY
