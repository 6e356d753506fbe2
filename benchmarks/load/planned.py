"""A workload as a value: every request of a block with its intended time, the same for each arm.

A schedule is drawn once from a seed and then given to every arm, so that request 17 of one arm can
be compared with request 17 of another.
"""

import math

import msgspec


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """One request as it is meant to be sent. Times are seconds, sizes tokens."""

    at: float = 0.0
    """Intended time after the start. For a later turn of a session see `think`."""
    input_tokens: int
    output_tokens: int
    prefix: tuple[int, ...] = ()
    """Ids of the shared blocks its prompt begins with; equal ids give equal text."""
    session: int = -1
    """Turns of one session are sent one after the other; -1: a request by itself."""
    turn: int = 0
    think: float = 0.0
    """For turns after the first: seconds between the end of the turn before and this one."""
    cancel_after: float | None = None
    """The client resets the connection this long after sending."""
    read_rate: float | None = None
    """Bytes a second a slow reader takes."""
    fresh: bool = False
    """Send it on a connection of its own, opened for it."""


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """All requests of a block, by intended time."""

    requests: tuple[Planned, ...]
    span: float
    """Seconds in which new requests begin."""
    concurrency: int | None = None
    """None: open loop, each request at its time. n: closed loop, at most n running, the next as
    soon as one ends and its time has come."""
    until: float = math.inf
    """Seconds after which nothing begins, whatever is left: the end of a closed loop."""
    prefix_block: int = 16
    """Tokens in one shared block."""
    seed: int = 0
    origin: str = ""
    """What it is, in words for the report."""
