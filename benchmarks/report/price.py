"""The rows of the relay's price, and the bar each has to clear."""

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from benchmarks.measure.paired import Spread, differences, ratios, spread
from benchmarks.report.result import Result, Series

DIRECT = "direct"


class Show(StrEnum):
    """How a row reads."""

    VALUE = "value"  # what the arm used
    ADDED = "added"  # what the arm added to direct, round by round


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """An upper limit: absolute, or a factor of another arm's figure in the same round."""

    limit: float
    against: str = ""
    strict: bool = False

    def text(self, unit: str) -> str:
        """Return the bar as printed."""
        sign = "<" if self.strict else "<="
        if self.against:
            return f"{sign} {self.limit:g} x {self.against}"
        return f"{sign} {self.limit:g} {unit}"

    def met(self, figure: float) -> bool:
        """Tell whether `figure`, the ratio or the value itself, clears it."""
        return figure < self.limit or (not self.strict and figure == self.limit)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line group of the report."""

    metric: str
    title: str
    unit: str
    digits: int = 1
    show: Show = Show.VALUE
    bars: tuple[Bar, ...] = ()


ROWS: tuple[Row, ...] = (
    Row(
        metric="chunk.cpu",
        title="CPU per streamed chunk, 60 streams x 50 a second",
        unit="us",
        bars=(Bar(limit=1.25, against="nginx"), Bar(limit=1.0, against="envoy", strict=True)),
    ),
    Row(
        metric="fast.cpu",
        title="CPU per streamed chunk, 60 streams x 200 a second",
        unit="us",
        bars=(Bar(limit=1.25, against="nginx"), Bar(limit=1.0, against="envoy", strict=True)),
    ),
    Row(
        metric="small.cpu",
        title="CPU per small request, 16 connections",
        unit="us",
        bars=(Bar(limit=0.75, against="envoy"), Bar(limit=1.5, against="nginx")),
    ),
    Row(metric="one.cpu", title="CPU per small request, 1 connection", unit="us"),
    Row(
        metric="large.cpu",
        title="CPU per request with a 100 kB prompt",
        unit="us",
        bars=(Bar(limit=1.0, against="envoy"),),
    ),
    Row(
        metric="one.p50",
        title="added to a small request, median",
        unit="ms",
        digits=3,
        show=Show.ADDED,
    ),
    Row(
        metric="one.p99",
        title="added to a small request, p99",
        unit="ms",
        digits=3,
        show=Show.ADDED,
    ),
    Row(
        metric="solo.p50",
        title="added to each chunk at 1 stream, median",
        unit="ms",
        digits=3,
        show=Show.ADDED,
        bars=(Bar(limit=0.1),),
    ),
    Row(
        metric="solo.p99",
        title="added to each chunk at 1 stream, p99",
        unit="ms",
        digits=3,
        show=Show.ADDED,
    ),
    Row(
        metric="crowd.p50",
        title="added to each chunk at 100 streams, median",
        unit="ms",
        digits=3,
        show=Show.ADDED,
        bars=(Bar(limit=1.5, against="nginx"),),
    ),
    Row(
        metric="crowd.p99",
        title="added to each chunk at 100 streams, p99",
        unit="ms",
        digits=3,
        show=Show.ADDED,
    ),
    Row(metric="idle.rss", title="memory after start (RSS)", unit="MB", bars=(Bar(limit=60),)),
    Row(metric="stream.rss", title="memory per idle stream", unit="KiB", bars=(Bar(limit=20),)),
    Row(
        metric="start.s",
        title="start to first answer",
        unit="s",
        digits=2,
        bars=(Bar(limit=1.0, strict=True),),
    ),
)


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """A bar beside what was measured: the ratio to the other arm, or the figure itself."""

    bar: Bar
    figure: Spread
    met: bool


def figures(result: Result, row: Row, arm: str) -> Series:
    """Return what a row shows of an arm, a value a round."""
    values = result.of(row.metric, arm)
    if row.show is Show.VALUE:
        return list(values)
    base = result.of(row.metric, DIRECT)
    return differences(values, base) if len(values) == len(base) else []


def against(result: Result, row: Row, arm: str, other: str) -> Spread | None:
    """Return the ratio of two arms in a row, paired by round; None if either was not measured."""
    mine, theirs = figures(result, row, arm), figures(result, row, other)
    if not mine or len(mine) != len(theirs):
        return None
    return spread(ratios(mine, theirs))


def verdicts(result: Result, row: Row, arm: str) -> Sequence[Verdict]:
    """Hold one arm against the bars of a row; a bar whose other side is missing is left out."""
    found: list[Verdict] = []
    for bar in row.bars:
        figure = (
            against(result, row, arm, bar.against)
            if bar.against
            else spread(figures(result, row, arm))
        )
        if figure is not None:
            found.append(Verdict(bar=bar, figure=figure, met=bar.met(figure.median)))
    return found
