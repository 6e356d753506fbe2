"""All plots of a record, in the order a reader asks: how long, how sure, where, when, how much."""

from collections.abc import Sequence

from benchmarks.report.effects import PROXY, arms_of
from benchmarks.report.plots.blocks import cpu, slopes
from benchmarks.report.plots.distributions import ecdf, shift
from benchmarks.report.plots.failover import failover
from benchmarks.report.plots.growth import memory, streams
from benchmarks.report.plots.plot import Plot
from benchmarks.report.plots.search import search
from benchmarks.report.plots.timeline import timeline
from benchmarks.report.plots.waterfall import waterfall
from benchmarks.report.record import Record


def gallery(record: Record) -> Sequence[Plot]:
    """Return every plot; those the record has no data for hold the reason instead.

    Raises ValueError for a damaged histogram.
    """
    token, first = ("token", "itl"), ("first_token", "ttft")
    if not arms_of(record, PROXY):  # about an endpoint, what its users saw comes first
        token, first = ("itl", "token"), ("ttft", "first_token")
    return [
        ecdf(record, "ecdf-token", *token),
        ecdf(record, "ecdf-first", *first),
        shift(record),
        slopes(record),
        waterfall(record),
        timeline(record),
        streams(record),
        cpu(record),
        memory(record),
        search(record),
        failover(record),
    ]
