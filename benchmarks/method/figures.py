"""The figures of one block, from what came of each request: the only place they are computed.

All latencies count from the intended time of a request, so a client that falls behind does not
hide what its users would have waited. Where the engine stamps its tokens, the engine's own time is
taken out: what is left is the way there and the way back.

A p99 of fewer than `FEWEST_FOR_P99` values would be their maximum under another name: it is None.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from benchmarks.load.observed import Observed, Trial
from benchmarks.measure.host import Cpu

US, MS, SECOND = 1e3, 1e6, 1e9  # nanoseconds
FEWEST_FOR_P99 = 20

Figures = dict[str, float | None]

SUBJECT = ("cpu_us_per_request", "cpu_ms_per_1k_tokens", "rss_mib")
"""What is said about an arm alone: direct has no such value, so nothing is subtracted."""
PAIRED = (
    "first_token_p50_ms",
    "first_token_p99_ms",
    "request_path_p50_us",
    "token_p50_us",
    "token_p99_us",
    "ttft_p50_ms",
    "ttft_p99_ms",
    "itl_p50_ms",
    "itl_p99_ms",
    "e2e_p50_ms",
    "e2e_p99_ms",
)
"""What an arm adds to: subtracted from direct's value of the same round."""


def complete(one: Observed) -> bool:
    """Tell whether a request got its whole answer."""
    return not one.failure and not one.cancelled and bool(one.ended_ns)


def tokens(one: Observed) -> int:
    """Return how many tokens a request brought, by the engine's count or else by the events."""
    return len(one.received) if one.tokens_out is None else one.tokens_out


def first_tokens(observed: Iterable[Observed]) -> list[int]:
    """Return, for each stamped request, the ns to its first token spent outside the engine."""
    return [
        (one.taken_ns - one.intended_ns) + (one.received[0] - one.emitted[0])
        for one in observed
        if one.taken_ns and one.emitted
    ]


def request_paths(observed: Iterable[Observed]) -> list[int]:
    """Return, for each stamped request, the ns from its intended time until the engine had it."""
    return [one.taken_ns - one.intended_ns for one in observed if one.taken_ns]


def token_paths(observed: Iterable[Observed]) -> list[int]:
    """Return, for each stamped event, the ns from the engine's write to its arrival."""
    return [
        received - emitted
        for one in observed
        if one.emitted
        for received, emitted in zip(one.received, one.emitted, strict=True)
    ]


def first_waits(observed: Iterable[Observed]) -> list[int]:
    """Return the time to first token of every request that got one, in ns."""
    return [one.first_ns - one.intended_ns for one in observed if one.first_ns]


def gaps(observed: Iterable[Observed]) -> list[int]:
    """Return the ns between neighbouring events of each answer; 0 for events of one read."""
    return [
        later - earlier
        for one in observed
        for earlier, later in zip(one.received, one.received[1:], strict=False)
    ]


def send_lags(observed: Iterable[Observed]) -> list[int]:
    """Return how late each request was sent, in ns."""
    return [one.sent_ns - one.intended_ns for one in observed if one.sent_ns]


def quantile(values: Sequence[int], q: float, unit: float) -> float | None:
    """Return the `q` quantile (0..1) of ns values in `unit`; None if there are too few for it."""
    if len(values) < (FEWEST_FOR_P99 if q >= 0.99 else 1):
        return None
    return float(np.quantile(np.asarray(values, dtype=np.float64), q)) / unit


def _latencies(observed: Sequence[Observed]) -> Figures:
    first, waits, spaces = first_tokens(observed), first_waits(observed), gaps(observed)
    paths = token_paths(observed)
    ends = [one.ended_ns - one.intended_ns for one in observed if complete(one)]
    return {
        "first_token_p50_ms": quantile(first, 0.5, MS),
        "first_token_p99_ms": quantile(first, 0.99, MS),
        "request_path_p50_us": quantile(request_paths(observed), 0.5, US),
        "token_p50_us": quantile(paths, 0.5, US),
        "token_p99_us": quantile(paths, 0.99, US),
        "ttft_p50_ms": quantile(waits, 0.5, MS),
        "ttft_p99_ms": quantile(waits, 0.99, MS),
        "itl_p50_ms": quantile(spaces, 0.5, MS),
        "itl_p99_ms": quantile(spaces, 0.99, MS),
        "e2e_p50_ms": quantile(ends, 0.5, MS),
        "e2e_p99_ms": quantile(ends, 0.99, MS),
        "send_lag_p99_ms": _worst(send_lags(observed)),
    }


def _worst(lags: Sequence[int]) -> float | None:
    """Return the p99 of send lags in ms, of however few: it judges the client, not an arm."""
    return float(np.quantile(np.asarray(lags, dtype=np.float64), 0.99)) / MS if lags else None


def figures(trial: Trial, cpu: Cpu | None, *, rss_kib: int | None = None) -> Figures:
    """Return the figures of a block by name; None where the block cannot tell.

    Names end in their unit. `cpu` is what the arm's processes used meanwhile and `rss_kib` their
    memory at its end; None for direct. CPU per request and per 1,000 tokens divide the same time:
    each holds all of the work. Requests that failed or were cancelled as planned count in nothing
    that needs a whole answer.
    """
    seen = trial.observed
    good = [one for one in seen if not one.failure]
    whole = sum(1 for one in seen if complete(one))
    made = sum(tokens(one) for one in seen)
    chunks = sum(one.chunks for one in good)
    wall = max(1, trial.wall_ns)
    used = cpu.ran_ns if cpu is not None else None
    return {
        **_latencies(good),
        "cpu_us_per_request": used / US / whole if used is not None and whole else None,
        "cpu_ms_per_1k_tokens": used / MS / made * 1000 if used is not None and made else None,
        "tokens_per_s": made / wall * SECOND,
        "requests_per_s": whole / wall * SECOND,
        "rss_mib": rss_kib / 1024 if rss_kib is not None else None,
        "segments_per_chunk": sum(one.segments for one in good) / chunks if chunks else None,
        "lost": float(sum(one.lost for one in seen)),
        "duplicated": float(sum(one.duplicated for one in seen)),
        "client_cpu_share": trial.client.ran_ns / wall / max(1, trial.processes),
    }
