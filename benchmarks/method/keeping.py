"""Whether answers kept pace with the requests of an open loop.

Where more is asked for than can be served, work piles up. In a queue, whoever comes `t` seconds
after the beginning waits `(asked / served - 1) * t` longer than the first: the slope of the whole
time over the intended time tells what is served, while the queue still grows. How long an answer
takes by its sizes is fitted beside it (least squares).

A slope alone is not enough: an engine that was idle gets slower while its batch fills up. Behind is
called what serves less than `KEPT` of what was asked, beyond chance, and either takes at the end
`LONGER` times as long as at the beginning or serves less than half: where all requests share the
engine, the first are as slow as the last.
"""

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from benchmarks.load.observed import Observed, Trial
from benchmarks.load.planned import Schedule
from benchmarks.method.figures import SECOND, complete, tokens

KEPT = 0.9
LONGER = 2.0
FEWEST = 20
"""Complete answers; fewer show no slope."""
SURE = 3.0
"""Standard errors by which a slope is beyond chance."""
STEEP = 1.0
"""The slope of a queue that is served half as fast as it grows."""


class Behind(msgspec.Struct, frozen=True, kw_only=True):
    """What could not be kept up with, in requests a second."""

    asked: float
    served: float

    @property
    def share(self) -> float:
        """The part of what was asked that was served."""
        return self.served / self.asked

    def words(self) -> str:
        """Say it as the end of a sentence."""
        return f"{self.asked:,.4g} requests a second were sent and about {self.served:,.3g} served"


def behind(trial: Trial, schedule: Schedule) -> Behind | None:
    """Return by how much the answers fell behind; None if they kept up, or nobody can tell.

    A closed loop sends no more than is served.
    """
    if schedule.concurrency is not None or not 0 < schedule.span < math.inf:
        return None
    done = [one for one in trial.observed if complete(one)]
    if len(done) < FEWEST:
        return None
    slope, error, begin, end = _slope(done)
    least = slope - SURE * error
    if least <= 1 / KEPT - 1 or (end < LONGER * begin and least < STEEP):
        return None
    busy = max(one.ended_ns for one in done) - min(one.intended_ns for one in done)
    return Behind(asked=len(schedule.requests) / schedule.span, served=len(done) / busy * SECOND)


def _slope(done: Sequence[Observed]) -> tuple[float, float, float, float]:
    """Return slope of the whole time, its standard error, the fitted time at begin and end."""
    at = np.array([one.intended_ns for one in done], dtype=np.float64) / SECOND
    took = np.array([one.ended_ns - one.intended_ns for one in done], dtype=np.float64) / SECOND
    columns = [np.ones(at.size), at - np.min(at), *_sizes(done)]
    table = np.stack(columns, axis=1)
    found, *_ = np.linalg.lstsq(table, took, rcond=None)
    rest = took - table @ found
    spread = float(rest @ rest) / max(1, at.size - len(columns))
    error = math.sqrt(max(0.0, spread * float(np.linalg.pinv(table.T @ table)[1, 1])))
    plain = float(took.mean() - found[1] * (at - np.min(at)).mean())
    return float(found[1]), error, plain, plain + float(found[1] * np.ptp(at))


def _sizes(done: Sequence[Observed]) -> list[np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Return columns for the sizes that differ, centred."""
    known = [[float(tokens(one)) for one in done]]
    read = [one.tokens_in for one in done]
    if all(one is not None for one in read):
        known.append([float(one or 0) for one in read])
    columns = [np.array(one, dtype=np.float64) for one in known]
    return [one - one.mean() for one in columns if np.ptp(one) > 0]
