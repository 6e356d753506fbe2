"""The process metrics of several processes, as if they were one.

Memory, time and files are added up. The processor time of a process that is gone is kept as it was
last seen, so the sum never falls. The start is that of the oldest, the limit on files that of each.
"""

from collections.abc import Callable, Iterable, Sequence

from prometheus_client import Metric, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from typing_extensions import override

_LEAST = frozenset({"process_start_time_seconds", "process_max_fds"})


class Processes(Collector):
    """Collects of this process and of those that `others` returns, by their ids."""

    def __init__(self, others: Callable[[], Sequence[int]]) -> None:
        self._others = others
        self._spent: dict[int, float] = {}  # processor time last seen, by process id
        self._gone = 0.0  # that of processes which are no more

    @override
    def collect(self) -> Iterable[Metric]:
        """Return the metrics; it reads files in /proc."""
        found: dict[str, tuple[Metric, list[float]]] = {}
        spent: dict[int, float] = {}
        for pid in (0, *self._others()):  # 0: this one
            for metric in ProcessCollector(pid=_named(pid), registry=None).collect():
                value = metric.samples[0].value
                found.setdefault(metric.name, (metric, []))[1].append(value)
                if metric.type == "counter":
                    spent[pid] = value
        self._gone += sum(value for pid, value in self._spent.items() if pid not in spent)
        self._spent = spent
        return [self._together(metric, values) for metric, values in found.values()]

    def _together(self, metric: Metric, values: list[float]) -> Metric:
        if metric.type == "counter":
            total = sum(values) + self._gone
            return CounterMetricFamily(metric.name, metric.documentation, value=total)
        value = min(values) if metric.name in _LEAST else sum(values)
        return GaugeMetricFamily(metric.name, metric.documentation, value=value)


def _named(pid: int) -> Callable[[], int | str]:
    return lambda: pid or "self"
