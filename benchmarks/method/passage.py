"""A trace that went through in slices, put together again: one timeline for each arm.

Every slice has a place in the trace, and the block of that slice begins there. What still runs at
the end of a slice runs on into the time of the next one, as it would have without slices.
"""

from collections.abc import Mapping, Sequence

import msgspec

from benchmarks.load.observed import Observed, Trial
from benchmarks.method.blocks import Measured
from benchmarks.method.figures import SECOND
from benchmarks.method.portrait import loaded
from benchmarks.method.rounds import Played


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """Where a round's schedule stands in the trace, in seconds."""

    begins: float
    span: float


def series(
    played: Played, slices: Mapping[int, Slice], *, step: float
) -> dict[str, dict[str, list[float]]]:
    """Return `timeline:ARM` for each arm: load, and how late tokens were, each `step` seconds.

    `slices` are by round. Blocks that do not count are left out.
    """
    return {
        f"timeline:{lane.name}": loaded(whole, step=step)
        for lane in played.lanes
        if (whole := _joined(played.counted(lane.name), slices)).observed
    }


def _joined(blocks: Sequence[Measured], slices: Mapping[int, Slice]) -> Trial:
    seen: dict[float, list[Observed]] = {}
    for one in blocks:
        begins = slices[one.round].begins
        by = int(begins * SECOND) - one.trial.began_ns
        seen[begins] = [_moved(each, by) for each in one.trial.observed]
    observed = [each for begins in sorted(seen) for each in seen[begins]]
    return Trial(observed=observed, began_ns=0, wall_ns=0)


def _moved(one: Observed, by: int) -> Observed:
    return msgspec.structs.replace(
        one,
        intended_ns=one.intended_ns + by,
        sent_ns=one.sent_ns + by if one.sent_ns else 0,
        ended_ns=one.ended_ns + by if one.ended_ns else 0,
        received=[at + by for at in one.received],
        emitted=[at + by for at in one.emitted],
    )
