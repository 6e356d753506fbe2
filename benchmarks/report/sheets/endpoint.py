"""The tables of endpoints by themselves: latencies by percentile, and what became of the requests.

Percentiles come from the histograms, which hold every request and token; where a run kept none,
from the figures it computed.
"""

from collections.abc import Sequence
from typing import Final

from benchmarks.report.amounts import unit
from benchmarks.report.distribution import Distribution, distributions
from benchmarks.report.effects import figure_of
from benchmarks.report.figures import figure
from benchmarks.report.record import Record
from benchmarks.report.sheet import Cell, Grid, Tone, cell

LATENCIES: Final = ("ttft", "itl", "tpot", "e2e", "send_lag")
PERCENTILES: Final = (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999))
ENOUGH_FOR_P999: Final = 10_000
OUTCOMES: Final = (
    "requests",
    "failures",
    "lost",
    "duplicated",
    "offered_per_s",
    "served_per_s",
    "requests_per_s",
    "goodput_per_s",
    "goodput_share",
    "tokens_per_s",
    "client_cpu_share",
)
FAILED: Final = "failed:"


def _percentiles(one: Distribution) -> dict[str, float | None]:
    found: dict[str, float | None] = {word: one.at(share) for word, share in PERCENTILES}
    if one.count < ENOUGH_FOR_P999:
        found["p99.9"] = None  # ten values at least stand above a percentile that is worth printing
    return {**found, "max": one.top}


def _latency(record: Record, arm: str, stem: str, one: Distribution | None) -> list[Cell] | None:
    words = [*(word for word, _ in PERCENTILES), "max"]
    if one is not None:
        meant, found = figure(f"{stem}_us"), _percentiles(one)
    else:
        meant = figure(f"{stem}_p50_ms")
        found = {word: figure_of(record, arm, f"{stem}_{word}_ms") for word in words}
    values = [found[word] for word in words]
    if all(value is None for value in values):
        return None
    shown = unit(meant, values)
    return [cell(figure(f"{stem}_us").title), *(cell(shown.text(value)) for value in values)]


def latency(record: Record, arm: str, *, titled: bool) -> Grid | None:
    """Return an arm's latencies; None if none was measured. Raises ValueError for a broken blob."""
    known = distributions(record, arm)
    rows = [
        tuple(row)
        for stem in LATENCIES
        if (row := _latency(record, arm, stem, known.get(stem))) is not None
    ]
    if not rows:
        return None
    notes = []
    if any(row[4].text == "-" for row in rows):
        notes.append(f"p99.9 only from {ENOUGH_FOR_P999:,} values on")
    return Grid(
        title=f"latency, {arm}" if titled else "latency",
        heads=("", *(word for word, _ in PERCENTILES), "max"),
        rows=tuple(rows),
        notes=tuple(notes),
    )


def _failures(record: Record, arms: Sequence[str]) -> list[str]:
    """Return the figures that count failures by kind, the most frequent first."""
    counts: dict[str, float] = {}
    for arm in arms:
        for name, value in record.figures.get(arm, {}).items():
            if name.startswith(FAILED) and value:
                counts[name] = counts.get(name, 0.0) + value
    return sorted(counts, key=lambda name: -counts[name])


def _outcome(record: Record, arms: Sequence[str], name: str) -> tuple[Cell, ...] | None:
    values = [figure_of(record, arm, name) for arm in arms]
    if all(value is None for value in values):
        return None
    kind = name.startswith(FAILED)
    title = f"  {name.removeprefix(FAILED)}" if kind else figure(name).title
    bad = name in {"failures", "lost", "duplicated"} or kind
    shown = unit(figure("failures" if kind else name), values)
    return (
        cell(title),
        *(cell(shown.text(v), tone=Tone.BAD if bad and v else Tone.PLAIN) for v in values),
    )


def outcomes(record: Record, arms: Sequence[str]) -> Grid | None:
    """Return what became of the requests, an arm a column."""
    names: list[str] = []
    for name in OUTCOMES:
        names.append(name)
        if name == "failures":
            names += _failures(record, arms)
    rows = [row for name in names if (row := _outcome(record, arms, name)) is not None]
    if not rows:
        return None
    return Grid(title="requests", heads=("", *arms), rows=tuple(rows))
