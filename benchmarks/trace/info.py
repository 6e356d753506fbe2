"""The shape of a trace in figures: how much, how bursty at each time scale, how long."""

import math

import msgspec
import numpy as np

from benchmarks.load.dispersion import WINDOWS, dispersion, gap_cv, peak
from benchmarks.load.patterns import PERCENTILES
from benchmarks.load.streams import stream
from benchmarks.trace.problems import TraceError
from benchmarks.trace.rows import Trace, clock_step, spread_out


class Info(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of a trace. None where there is too little to tell."""

    name: str
    format: str
    rows: int
    first_s: float
    span_s: float
    """From the first row to the last."""
    requests_per_s: float | None
    gap_cv: float | None
    peak_1s: int
    peak_10s: int
    longest_silence_s: float
    clock_step_s: float
    """0: fine."""
    dispersion: tuple[tuple[float, float | None], ...]
    """Window in seconds, variance/mean of counts."""
    input_tokens: tuple[tuple[float, float], ...]
    """Percentile, tokens."""
    output_tokens: tuple[tuple[float, float], ...]
    prefix_hit_share: float | None
    """Blocks that were seen before, of all: the hit rate of a cache without end."""
    sessions: int
    notes: tuple[str, ...]


def info(trace: Trace) -> Info:
    """Return the figures of a trace; TraceError if it has no row."""
    if not trace.rows:
        raise TraceError(f"{trace.name}: no row in the part that was asked for")
    times = trace.times()
    since = times - times[0]
    span = float(since[-1])
    step = clock_step(times)
    cv = gap_cv(times)
    even = spread_out(since, step, stream(0, "spread")) if step else since
    windows = tuple(zip(WINDOWS, dispersion(even, span, WINDOWS), strict=True)) if span else ()
    return Info(
        name=trace.name,
        format=trace.format,
        rows=len(trace.rows),
        first_s=float(times[0]),
        span_s=span,
        requests_per_s=len(trace.rows) / span if span else None,
        gap_cv=None if math.isnan(cv) else cv,
        peak_1s=peak(since, 1.0),
        peak_10s=peak(since, 10.0),
        longest_silence_s=float(np.max(np.diff(times))) if len(trace.rows) > 1 else 0.0,
        clock_step_s=step,
        # Within a step of the clock nothing is known. Above it the rows are spread out: a window
        # that is no multiple of the step would hold now more of its steps, now fewer.
        dispersion=tuple((w, value if w >= step else None) for w, value in windows),
        input_tokens=quantiles([row.input_tokens for row in trace.rows]),
        output_tokens=quantiles([row.output_tokens for row in trace.rows]),
        prefix_hit_share=_hits(trace),
        sessions=len({row.session for row in trace.rows if row.session >= 0}),
        notes=trace.notes,
    )


def quantiles(sizes: list[int]) -> tuple[tuple[float, float], ...]:
    """Return the eleven percentiles a pattern has."""
    found = np.percentile(np.array(sizes), PERCENTILES)
    return tuple(zip(PERCENTILES, (round(float(size), 1) for size in found), strict=True))


def _hits(trace: Trace) -> float | None:
    seen: set[int] = set()
    total = hits = 0
    for row in trace.rows:
        total += len(row.prefix)
        hits += sum(number in seen for number in row.prefix)
        seen.update(row.prefix)
    return hits / total if total else None
