"""How late tokens were beside how many streams were open: the series two plots draw.

Engines emit one token for every running stream in the same instant, and a proxy passes them on one
after the other. So lateness is a matter of open streams first of all, and a run whose arrivals are
random holds many numbers of them.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from benchmarks.load.observed import Observed, Trial
from benchmarks.report.record import Record

if TYPE_CHECKING:
    from numpy.typing import NDArray

BINS: Final = 8
FEWEST: Final = 50
"""Tokens a point is made of, at least."""
SECOND: Final = 1e9
Columns = dict[str, list[float]]


def _stamped(observed: Sequence[Observed]) -> "tuple[NDArray[np.int64], NDArray[np.int64]]":
    """Return when each stamped token was written, and when it arrived, by time of writing."""
    pairs = [
        (emitted, received)
        for one in observed
        if one.emitted and not one.failure
        for emitted, received in zip(one.emitted, one.received, strict=True)
    ]
    both = np.asarray(sorted(pairs), dtype=np.int64).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def _open(observed: Sequence[Observed], at: "NDArray[np.int64]") -> "NDArray[np.int64]":
    """Return how many requests were under way at each moment."""
    sent = np.sort(np.asarray([one.sent_ns for one in observed if one.sent_ns], dtype=np.int64))
    ended = np.sort(np.asarray([o.ended_ns for o in observed if o.ended_ns], dtype=np.int64))
    begun = np.searchsorted(sent, at, side="right")
    return np.asarray(begun - np.searchsorted(ended, at, side="right"), dtype=np.int64)


def by_open_streams(observed: Sequence[Observed]) -> Columns:
    """Return the median lateness of tokens by the number of open streams when they were written.

    Columns: open_streams (the mean of a bin of equally many tokens), token_p50_us. Empty without
    stamps or with less than two bins of `FEWEST` tokens.
    """
    emitted, received = _stamped(observed)
    bins = min(BINS, len(emitted) // FEWEST)
    if bins < 2:
        return {}
    counts = _open(observed, emitted)
    late = (received - emitted) / 1000
    groups = np.array_split(np.argsort(counts, kind="stable"), bins)
    return {
        "open_streams": [float(counts[group].mean()) for group in groups],
        "token_p50_us": [float(np.median(late[group])) for group in groups],
    }


def over_time(trial: Trial, step: float) -> list[float]:
    """Return the p99 lateness of the tokens written in each `step` seconds, in us; 0 without any.

    As many steps as it takes from the trial's beginning to its last token.
    """
    emitted, received = _stamped(trial.observed)
    if not len(emitted):
        return []
    places = np.maximum(0, (emitted - trial.began_ns) / SECOND / step).astype(np.int64)
    edges = np.searchsorted(places, np.arange(1, int(places[-1]) + 1))
    groups = np.split((received - emitted) / 1000, edges)
    return [float(np.quantile(group, 0.99)) if len(group) else 0.0 for group in groups]


def add_series(record: Record, trials: Mapping[str, Trial]) -> None:
    """Put into the record's series what the requests of each arm tell about lateness.

    `streams:ARM`, and in an existing `timeline:ARM` the column token_p99_us.
    """
    for arm, trial in trials.items():
        columns = by_open_streams(trial.observed)
        if columns:
            record.series[f"streams:{arm}"] = columns
        timeline = record.series.get(f"timeline:{arm}", {})
        at = timeline.get("at_s", [])
        late = over_time(trial, at[1] - at[0]) if len(at) > 1 else []
        if late:
            timeline["token_p99_us"] = [*late, *[0.0] * len(at)][: len(at)]
