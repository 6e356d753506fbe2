"""Whether an engine that has calls and says nothing is stuck, or only busy.

Theory. Nothing for a while is normal: a long prompt is read, weights are loaded. It is a bad sign
if streams that had begun have all fallen silent, since an engine that reads prompts lets them go on
now and then; and if calls wait for much longer than usual while further ones have queued up behind
them, since one long prompt explains itself, but not the others. What is usual must be known. For a
backend on trial one overdue call is enough.

Only that nothing at all comes from the engine counts: no stream that goes on, no good end. Streams
whose clients do not read prove nothing either way.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

PATIENCE: Final = 4.0  # times as long as usual
_QUEUE: Final = 2  # calls that wait: one, and one behind it


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """A call without an answer so far: its age, and what is usual for such; None = not known."""

    age: float
    usual: float | None


class Quiet(msgspec.Struct, frozen=True, kw_only=True):
    """What is under way at an engine of which nothing has been heard for `seconds`."""

    seconds: float
    streams: int  # answers that had begun and whose clients read
    gap: float | None  # what is usual between their tokens
    waits: Sequence[Wait]


def stuck(quiet: Quiet, silence: float, *, trial: bool) -> bool:
    """Tell whether calls had better go elsewhere; `silence` is the least time that says so."""
    if quiet.seconds < silence:
        return False
    if quiet.streams and quiet.seconds >= PATIENCE * (quiet.gap or 0.0):
        return True
    overdue = any(
        wait.usual is not None and wait.age >= max(silence, PATIENCE * wait.usual)
        for wait in quiet.waits
    )
    return overdue and len(quiet.waits) >= (1 if trial else _QUEUE)
