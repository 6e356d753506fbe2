"""Figures of a trace as tables for the terminal."""

from rich.table import Table

from benchmarks.load.wording import show_seconds
from benchmarks.trace.fit import Fit
from benchmarks.trace.info import Info


def _number(value: float | None, digits: int = 3) -> str:
    """Write a figure with its significant digits; a dash where there is none."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 10**digits else f"{value:.{digits}g}"


def _times_mean(count: int, rate: float | None, window: float) -> str:
    if not rate:
        return str(count)
    return f"{count}  ({count / (rate * window):.1f} x mean)"


def facts(info: Info) -> Table:
    """Return one line per figure."""
    table = Table(title=f"{info.name} ({info.format})", title_justify="left", show_header=False)
    table.add_column(style="bold")
    table.add_column()
    table.add_row("rows", f"{info.rows:,}")
    span = f"{show_seconds(info.span_s)}"
    table.add_row(
        "span", span + (f", from {show_seconds(info.first_s)} on" if info.first_s else "")
    )
    table.add_row("requests a second", _number(info.requests_per_s))
    table.add_row("gap CV", f"{_number(info.gap_cv)}  (1 is Poisson)")
    table.add_row("busiest second", _times_mean(info.peak_1s, info.requests_per_s, 1))
    table.add_row("busiest 10 s", _times_mean(info.peak_10s, info.requests_per_s, 10))
    table.add_row("longest silence", show_seconds(info.longest_silence_s))
    if info.clock_step_s:
        table.add_row("clock", f"moves in steps of {show_seconds(info.clock_step_s)}")
    if info.sessions:
        table.add_row("sessions", f"{info.sessions:,}")
    if info.prefix_hit_share is not None:
        table.add_row("prefix blocks seen before", f"{info.prefix_hit_share:.1%}")
    return table


def dispersion(info: Info) -> Table:
    """Return variance/mean of counts by window size."""
    table = Table(title="variance / mean of counts (1 is Poisson)", title_justify="left")
    for window, _ in info.dispersion:
        table.add_column(show_seconds(window), justify="right")
    table.add_row(*(_number(value) for _, value in info.dispersion))
    return table


def lengths(info: Info) -> Table:
    """Return quantiles of prompt and answer lengths."""
    table = Table(title="tokens at percentile", title_justify="left")
    table.add_column("")
    for percentile, _ in info.input_tokens:
        table.add_column(f"{percentile:g}", justify="right")
    for name, sizes in (("input", info.input_tokens), ("output", info.output_tokens)):
        table.add_row(name, *(f"{size:.0f}" for _, size in sizes))
    return table


def fitted(found: Fit) -> Table:
    """Return the trace beside the fit, window by window."""
    table = Table(
        title=f"{found.pattern.rate:.4g} req/s, {found.pattern.arrivals}", title_justify="left"
    )
    for name in ("window", "trace", "fit", "runs as long as the trace"):
        table.add_column(name, justify="right")
    for point in found.points:
        runs = "-"
        if point.low is not None and point.high is not None:
            runs = f"{_number(point.low)} .. {_number(point.high)}"
        table.add_row(
            show_seconds(point.window), _number(point.measured), _number(point.model), runs
        )
    return table
