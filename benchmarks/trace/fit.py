"""Fitting bursts: two log-OU modulators whose dispersion of counts is that of a trace.

For Poisson arrivals whose rate is m exp(x - s^2/2), x the sum of OU processes with covariance
C(u) = sum sigma_i^2 exp(-u/tau_i), the counts N in windows of w seconds have

    Var N / E N = 1 + (2 m / w) * integral from 0 to w of (w - u) (exp(C(u)) - 1) du

(Cox and Isham, Point Processes, 1980, 3.3, with the covariance of a log-normal process). The four
parameters make the logarithm of that curve meet the measured one at 0.1 to 120 s with least
squares: a coarse search over all of them, then Levenberg-Marquardt from the best five places.

The curve is that of endless traffic. One hour of it, as measured, scatters around and, at long
windows, mostly below it; `simulated` says by how much.
"""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.load.bursts import LogOu, Pair, show_pairs
from benchmarks.load.courses import Times
from benchmarks.load.dispersion import dispersion
from benchmarks.load.patterns import Pattern
from benchmarks.load.streams import stream
from benchmarks.trace.info import Info, info
from benchmarks.trace.problems import TraceError
from benchmarks.trace.rows import Trace

FEWEST_ROWS: Final = 200
FEWEST_WINDOWS: Final = 4
FLAT: Final = 0.15  # a dispersion this near to 1 at every window is Poisson for all purposes
RUNS: Final = 15
EFFORT: Final = 4_000_000  # grid points all runs may have together: a few seconds
_LOW: Final = np.log([0.02, 0.05, 0.02, 0.05])
_LAGS: Final = np.linspace(0.0, 1.0, 160) ** 3  # dense near 0, where the covariance bends

Floats = NDArray[np.float64]


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One window size: dispersion measured, of the model, and of runs as long as the trace."""

    window: float
    measured: float
    model: float
    low: float | None = None
    """A tenth of the runs was below it; None where a run has too few windows."""
    high: float | None = None


class Fit(msgspec.Struct, frozen=True, kw_only=True):
    """What was found, as a pattern that can be drawn from, and how near it comes."""

    pattern: Pattern
    pairs: tuple[Pair, ...]
    """None of them: Poisson describes the trace."""
    points: tuple[Point, ...]
    error: float
    """Root mean square of ln(model / measured)."""


def curve(rate: float, pairs: tuple[Pair, ...], windows: tuple[float, ...]) -> list[float]:
    """Return variance/mean of counts at each window size, of endless traffic."""
    parameters = np.log([value for one in pairs for value in (one.sigma, one.tau)])
    return [float(value) for value in _curves(rate, parameters[np.newaxis], np.array(windows))[0]]


def _curves(rate: float, parameters: Floats, windows: Floats) -> Floats:
    """Return curves for many sets of log parameters (sigma, tau, sigma, tau, ...) at once."""
    values = np.exp(parameters)
    lags = windows[:, np.newaxis] * _LAGS
    covariance = np.zeros((len(values), *lags.shape))
    for place in range(0, values.shape[1], 2):
        sigma, tau = (values[:, place + i, np.newaxis, np.newaxis] for i in (0, 1))
        covariance += sigma**2 * np.exp(-lags / tau)
    inner = (windows[:, np.newaxis] - lags) * np.expm1(covariance)
    return 1 + 2 * rate / windows * np.trapezoid(inner, lags, axis=-1)


def fit(trace: Trace) -> Fit:
    """Return the pattern nearest to a trace; TraceError if it is too short to tell."""
    facts = info(trace)
    known = [(window, value) for window, value in facts.dispersion if value is not None]
    if facts.rows < FEWEST_ROWS or len(known) < FEWEST_WINDOWS or not facts.requests_per_s:
        raise TraceError(
            f"{trace.name}: too short to fit: {facts.rows} rows, {len(known)} window sizes with a "
            f"dispersion; it takes {FEWEST_ROWS} and {FEWEST_WINDOWS}"
        )
    rate = facts.requests_per_s
    windows, measured = (np.array(column) for column in zip(*known, strict=True))
    pairs: tuple[Pair, ...] = ()
    scatter = 3 * np.sqrt(2 * windows / facts.span_s)  # three standard errors of a Poisson trace's
    if (measured > 1 + np.maximum(FLAT, scatter)).any():
        pairs = _pairs(_search(rate, windows, measured, facts.span_s))
        pairs = _needed(rate, pairs, tuple(windows))
    model = np.array(curve(rate, pairs, tuple(windows)) if pairs else np.ones(len(windows)))
    error = float(np.sqrt(np.mean(np.log(model / np.maximum(measured, 0.01)) ** 2)))
    spreads = simulated(rate, pairs, facts.span_s, tuple(windows)) if pairs else []
    points = tuple(
        Point(
            window=float(window),
            measured=float(value),
            model=float(near),
            low=spreads[place][0] if pairs else None,
            high=spreads[place][1] if pairs else None,
        )
        for place, (window, value, near) in enumerate(zip(windows, measured, model, strict=True))
    )
    return Fit(pattern=_pattern(facts, pairs), pairs=pairs, points=points, error=error)


def _pattern(facts: Info, pairs: tuple[Pair, ...]) -> Pattern:
    assert facts.requests_per_s is not None
    return Pattern(
        name=facts.name or "fitted",
        rate=round(facts.requests_per_s, 4),
        arrivals=f"logou:{show_pairs(pairs)}" if pairs else "poisson",
        input=facts.input_tokens,
        output=facts.output_tokens,
    )


def _pairs(parameters: Floats) -> tuple[Pair, ...]:
    """Return the pairs, the faster one first."""
    values = np.exp(parameters).reshape(-1, 2).tolist()
    return tuple(sorted((Pair(sigma, tau) for sigma, tau in values), key=lambda one: one.tau))


def _needed(rate: float, pairs: tuple[Pair, ...], windows: tuple[float, ...]) -> tuple[Pair, ...]:
    """Return the pairs without one that moves the curve by less than 2 % anywhere."""
    both = np.array(curve(rate, pairs, windows))
    for one in pairs:
        alone = tuple(other for other in pairs if other is not one)
        if np.abs(np.array(curve(rate, alone, windows)) / both - 1).max() < 0.02:
            return alone
    return pairs


def _search(rate: float, windows: Floats, measured: Floats, span: float) -> Floats:
    """Return the log parameters whose curve is nearest: all coarse places, then the best five.

    A time constant longer than the trace is one it says nothing about.
    """
    high = np.log([2.5, span, 2.5, span])
    target = np.log(np.maximum(measured, 0.5))
    sigmas = np.log([0.1, 0.25, 0.5, 1.0])
    axes = [sigmas, np.log(np.geomspace(0.2, 12, 6)), sigmas, np.log(np.geomspace(5, 600, 7))]
    places = np.stack([axis.ravel() for axis in np.meshgrid(*axes)], axis=-1)
    errors = ((np.log(_curves(rate, places, windows)) - target) ** 2).sum(axis=-1)
    ends = [
        _descend(rate, windows, target, np.minimum(places[place], high), high)
        for place in np.argsort(errors)[:5].tolist()
    ]
    return min(ends, key=lambda end: end[1])[0]


def _descend(
    rate: float, windows: Floats, target: Floats, start: Floats, high: Floats
) -> tuple[Floats, float]:
    """Levenberg-Marquardt with numerical slopes; return where it ends and the squared error."""
    here, damping = start, 1e-2
    off = np.log(_curves(rate, here[np.newaxis], windows)[0]) - target
    for _ in range(80):
        steps = here + 1e-5 * np.eye(here.size)
        slopes = ((np.log(_curves(rate, steps, windows)) - target - off) / 1e-5).T
        normal = slopes.T @ slopes
        damped = normal + damping * (np.diag(np.diag(normal)) + 1e-9 * np.eye(here.size))
        there = np.clip(here - np.linalg.solve(damped, slopes.T @ off), _LOW, high)
        moved = np.log(_curves(rate, there[np.newaxis], windows)[0]) - target
        if float(moved @ moved) < float(off @ off):
            settled = float(off @ off - moved @ moved) < 1e-10
            here, off, damping = there, moved, damping / 3
            if settled:
                break
        else:
            damping *= 4
            if damping > 1e8:
                break
    return here, float(off @ off)


def simulated(
    rate: float, pairs: tuple[Pair, ...], span: float, windows: tuple[float, ...]
) -> list[tuple[float, float] | tuple[None, None]]:
    """Return, per window, what the middle eight tenths of runs of this length measure."""
    process = LogOu(pairs=pairs)
    seen: list[list[float | None]] = []
    for run in range(min(RUNS, max(EFFORT // process.cells(span), 5))):
        times: Times = process.times(rate, span, stream(run, "arrivals"))
        seen.append(dispersion(times, span, windows))
    found: list[tuple[float, float] | tuple[None, None]] = []
    for values in zip(*seen, strict=True):
        known = [value for value in values if value is not None]
        if not known:
            found.append((None, None))
            continue
        low, high = np.percentile(known, (10, 90))
        found.append((float(low), float(high)))
    return found
