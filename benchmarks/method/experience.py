"""What users of an endpoint got: waits, gaps, throughput, and the share that was good enough.

The figures of `vllm bench serve`, with two differences. Waits count from the intended time, so that
a client that falls behind hides nothing; where it kept up, that is the time of sending. And the
share within the limits (goodput) has an interval.
"""

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

from benchmarks.load.observed import Observed, Trial
from benchmarks.measure import wilson
from benchmarks.method.figures import MS, SECOND, Figures, complete, gaps, quantile, tokens

FORMS = "ttft, tpot, itl or e2e with a time, such as ttft:200 (milliseconds) or tpot:50ms"


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a good answer keeps to, in milliseconds; None: any time will do."""

    ttft: float | None = None
    tpot: float | None = None
    itl: float | None = None
    """The mean of the gaps of one answer."""
    e2e: float | None = None

    def __bool__(self) -> bool:
        return any(value is not None for value in msgspec.structs.astuple(self))

    def kept(self, one: Observed) -> bool:
        """Tell whether a request got its whole answer within every limit."""
        return complete(one) and all(
            limit is None or (value is not None and value <= limit)
            for limit, value in (
                (self.ttft, first_wait(one)),
                (self.tpot, per_token(one)),
                (self.itl, mean_gap(one)),
                (self.e2e, whole(one)),
            )
        )


def first_wait(one: Observed) -> float | None:
    """Return the ms from the intended time to the first text; None without any."""
    return (one.first_ns - one.intended_ns) / MS if one.first_ns else None


def whole(one: Observed) -> float | None:
    """Return the ms from the intended time to the end of a complete answer."""
    return (one.ended_ns - one.intended_ns) / MS if complete(one) else None


def per_token(one: Observed) -> float | None:
    """Return the mean ms per token after the first; None for answers of less than two."""
    made = tokens(one)
    if made < 2 or len(one.received) < 2:
        return None
    return (one.received[-1] - one.received[0]) / (made - 1) / MS


def mean_gap(one: Observed) -> float | None:
    """Return the mean ms between two events with text; None for less than two."""
    if len(one.received) < 2:
        return None
    return (one.received[-1] - one.received[0]) / (len(one.received) - 1) / MS


def experience(trial: Trial, limits: Limits) -> Figures:
    """Return the figures of a run by name; None where there are too few answers for one.

    Requests that were cancelled as planned count in throughput only.
    """
    seen = trial.observed
    done = [one for one in seen if complete(one)]
    asked = [one for one in seen if not one.cancelled]
    wall = max(1, trial.wall_ns) / SECOND
    known = [one.tokens_in for one in done if one.tokens_in is not None]
    found: Figures = {
        **_spread("ttft", _known(first_wait(one) for one in done)),
        **_spread("tpot", _known(per_token(one) for one in done)),
        **_spread("itl", [gap / MS for gap in gaps(done)]),
        **_spread("e2e", _known(whole(one) for one in done)),
        "requests": float(len(seen)),
        "failures": float(sum(1 for one in asked if one.failure)),
        "cancelled": float(len(seen) - len(asked)),
        "requests_per_s": len(done) / wall,
        "tokens_per_s": sum(tokens(one) for one in seen) / wall,
        "tokens_in_per_s": sum(known) / wall if len(known) == len(done) and done else None,
        "in_flight_mean": _in_flight(seen, trial.wall_ns),
    }
    return found | _goodput(asked, limits, wall) if limits else found


def _goodput(asked: Sequence[Observed], limits: Limits, wall: float) -> Figures:
    good = sum(1 for one in asked if limits.kept(one))
    low, high = wilson.interval(good, len(asked))
    return {
        "goodput_per_s": good / wall,
        "goodput_share": good / len(asked) if asked else None,
        "goodput_low_share": low,
        "goodput_high_share": high,
    }


def _spread(stem: str, values: Sequence[float]) -> Figures:
    nanoseconds = [int(value * MS) for value in values]
    return {
        f"{stem}_mean_ms": float(np.mean(values)) if values else None,
        f"{stem}_p50_ms": quantile(nanoseconds, 0.5, MS),
        f"{stem}_p90_ms": quantile(nanoseconds, 0.9, MS),
        f"{stem}_p99_ms": quantile(nanoseconds, 0.99, MS),
    }


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _in_flight(seen: Sequence[Observed], wall_ns: int) -> float:
    """Return how many requests were under way in the mean, by Little's law."""
    spent = sum(one.ended_ns - one.sent_ns for one in seen if one.sent_ns and one.ended_ns)
    return spent / max(1, wall_ns)
