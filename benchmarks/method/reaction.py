"""How a proxy took a backend's failure: what its clients saw, and how long until all was well.

A request is *disturbed* when it failed, or when its first token came later than `SLOW` times what
99 of 100 waited for before the fault, and at least `LEAST_MS` later. The proxy has recovered when
the last disturbed request has been told of its fate.
"""

from collections.abc import Sequence

import msgspec
import numpy as np

from benchmarks.load.observed import Observed
from benchmarks.method.figures import MS, SECOND, Figures, complete, first_waits, tokens

SLOW = 3.0
LEAST_MS = 20.0
Columns = dict[str, list[float]]


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """A backend that broke, and when it was whole again; CLOCK_MONOTONIC nanoseconds."""

    engine: str
    """As it names itself in its answers."""
    broke_ns: int
    healed_ns: int


def reaction(observed: Sequence[Observed], incident: Incident) -> Figures:
    """Return what came of a load while a backend broke; None for what did not happen."""
    asked = [one for one in observed if not one.cancelled]
    failed = [one for one in asked if one.failure]
    slow = slowed(asked, incident)
    told = [one.ended_ns for one in failed] + [one.first_ns for one in slow]
    late = [at - incident.broke_ns for at in told if at > incident.broke_ns]
    back = [
        one.first_ns - incident.healed_ns
        for one in asked
        if one.engine == incident.engine and one.sent_ns > incident.healed_ns and one.first_ns
    ]
    return {
        "requests": float(len(asked)),
        "failures": float(len(failed)),
        "failures_before_first_token": float(sum(1 for one in failed if not one.first_ns)),
        "failures_in_stream": float(sum(1 for one in failed if one.first_ns)),
        "slowed": float(len(slow)),
        "streaming_then": float(len(running(asked, incident))),
        "lost": float(sum(one.lost for one in asked)),
        "duplicated": float(sum(one.duplicated for one in asked)),
        "recovered_after_s": max(late, default=0) / SECOND,
        "rejoined_after_s": min(back) / SECOND if back else None,
    }


def running(asked: Sequence[Observed], incident: Incident) -> list[Observed]:
    """Return the streams of the broken engine that had begun: nobody else can end those."""
    return [
        one
        for one in asked
        if one.engine == incident.engine and 0 < one.first_ns <= incident.broke_ns <= one.ended_ns
    ]


def slowed(asked: Sequence[Observed], incident: Incident) -> list[Observed]:
    """Return the requests whose first token the fault held up."""
    before = first_waits(one for one in asked if one.first_ns and one.first_ns < incident.broke_ns)
    if not before:
        return []
    usual = float(np.quantile(np.asarray(before, dtype=np.float64), 0.99))
    bound = max(SLOW * usual, usual + LEAST_MS * MS)
    return [
        one
        for one in asked
        if one.first_ns > incident.broke_ns and one.first_ns - one.intended_ns > bound
    ]


def timeline(observed: Sequence[Observed], began_ns: int, *, step: float = 0.25) -> Columns:
    """Return what happened in each `step` seconds: how many answers ended well, how many failed.

    Columns: at_s (the beginning of the step), ok, failed, tokens and ttft_ms, the longest wait for
    a first token that came within the step.
    """
    ends = [one.ended_ns for one in observed]
    steps = int((max(ends, default=began_ns) - began_ns) / SECOND / step) + 1
    columns: Columns = {
        "at_s": [round(index * step, 6) for index in range(steps)],
        **{name: [0.0] * steps for name in ("ok", "failed", "tokens", "ttft_ms")},
    }

    def place(at_ns: int) -> int:
        return min(steps - 1, max(0, int((at_ns - began_ns) / SECOND / step)))

    for one in observed:
        if complete(one):
            columns["ok"][place(one.ended_ns)] += 1
        elif one.failure:
            columns["failed"][place(one.ended_ns)] += 1
        for at in one.received:
            columns["tokens"][place(at)] += tokens(one) / len(one.received)
        if one.first_ns:
            waits, index = columns["ttft_ms"], place(one.first_ns)
            waits[index] = max(waits[index], (one.first_ns - one.intended_ns) / MS)
    return columns
