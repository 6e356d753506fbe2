"""Every single value of a run, by arm and kind, packed as HDR histograms for the record."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from benchmarks.load.observed import Observed, Trial
from benchmarks.measure import hdr
from benchmarks.method import figures
from benchmarks.method.blocks import Measured

Take = Callable[[Iterable[Observed]], Sequence[int]]


def _ends(observed: Iterable[Observed]) -> list[int]:
    return [one.ended_ns - one.intended_ns for one in observed if figures.complete(one)]


KINDS: Final[dict[str, Take]] = {
    "first_token": figures.first_tokens,
    "token": figures.token_paths,
    "ttft": figures.first_waits,
    "itl": figures.gaps,
    "e2e": _ends,
    "request_path": figures.request_paths,
    "send_lag": figures.send_lags,
}


def of_trials(trials: Iterable[Trial]) -> dict[str, str]:
    """Return the distributions of several trials by kind, those without a value left out.

    Requests that failed count nowhere.
    """
    pooled: dict[str, list[int]] = {kind: [] for kind in KINDS}
    for trial in trials:
        good = [one for one in trial.observed if not one.failure]
        for kind, take in KINDS.items():
            pooled[kind] += take(good)
    return {
        kind: hdr.encode([value / figures.US for value in values])
        for kind, values in pooled.items()
        if values
    }


def histograms(blocks: Iterable[Measured]) -> dict[str, str]:
    """Return the distributions of an arm's blocks, as `of_trials` does."""
    return of_trials(block.trial for block in blocks)
