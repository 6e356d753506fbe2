"""What came of one request: stamps and counts, nothing computed yet.

All times are CLOCK_MONOTONIC nanoseconds, the clock of every process of a machine; 0 stands for
"did not happen" or "not known".
"""

import msgspec

from benchmarks.measure.host import Cpu


class Observed(msgspec.Struct, kw_only=True):
    """One request, from its intended time to its end."""

    index: int
    """Place in the schedule."""
    intended_ns: int = 0
    sent_ns: int = 0
    head_ns: int = 0
    """The response head was complete."""
    first_ns: int = 0
    """The first event with text arrived."""
    ended_ns: int = 0
    status: int = 0
    failure: str = ""
    """Empty for a complete answer and for one that was cancelled as planned."""
    cancelled: bool = False
    taken_ns: int = 0
    """The engine had read the request, by its own stamp."""
    received: list[int] = msgspec.field(default_factory=list)
    """Arrival of each event with text."""
    emitted: list[int] = msgspec.field(default_factory=list)
    """When the engine wrote each of them; as long as `received`, or empty without stamps."""
    chunks: int = 0
    segments: int = 0
    """Reads the chunks came in; fewer than chunks: they were put together on the way."""
    lost: int = 0
    duplicated: int = 0
    reordered: int = 0
    tokens_in: int | None = None
    tokens_out: int | None = None
    finish: str = ""
    digest: str = ""
    """SHA-256 of what the answer said, stamps left out."""
    engine: str = ""
    """Which simulated engine answered, where the answer says so."""


class Trial(msgspec.Struct, kw_only=True):
    """One block on one arm, and how the instrument itself fared."""

    observed: list[Observed]
    began_ns: int
    wall_ns: int
    client: Cpu = msgspec.field(default_factory=Cpu)
    """CPU of the load-making processes, all together."""
    processes: int = 1
    longest_gc_ns: int = 0
    first: bool = False
    """Whether every process of the load went before others, by a real-time priority."""
