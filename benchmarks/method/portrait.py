"""An endpoint seen by itself: the figures of one run, its distributions, and whether it counts.

Failed requests do not make such a run invalid: an endpoint that refuses half of its load is what
was asked about. A client that fell behind does.
"""

from collections import Counter

import msgspec
import numpy as np

from benchmarks.load.observed import Trial
from benchmarks.load.planned import Schedule
from benchmarks.measure import hdr
from benchmarks.measure.host import Cpu
from benchmarks.method import figures
from benchmarks.method.checks import BUSY_SHARE
from benchmarks.method.distributions import of_trials
from benchmarks.method.experience import Limits, experience, per_token
from benchmarks.method.figures import MS, SECOND, US, Figures
from benchmarks.method.keeping import behind
from benchmarks.report.record import Check

FEWEST = 10
"""Complete answers; with fewer a median says little and anything else nothing."""
LATE_MS = 20.0
"""Sends later than this, one in a hundred, and the load was not the one that was asked for."""
_PLAIN = "a real-time priority would help, which takes root or `ulimit -r 1`"


class Portrait(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an endpoint after a run."""

    figures: Figures
    histograms: dict[str, str]
    checks: list[Check]

    @property
    def valid(self) -> bool:
        """Whether the figures may be used."""
        return all(check.passed for check in self.checks)


def portrait(trial: Trial, schedule: Schedule, limits: Limits, cpu: Cpu | None = None) -> Portrait:
    """Return what a run of `schedule` showed; `cpu` is that of the endpoint's own processes."""
    seen = trial.observed
    found = figures.figures(trial, cpu) | experience(trial, limits)
    if schedule.concurrency is None and schedule.span > 0:
        found["offered_per_s"] = len(schedule.requests) / schedule.span
    slow = behind(trial, schedule)
    if slow is not None:
        found["served_per_s"] = slow.served
    kinds = Counter(one.failure for one in seen if one.failure)
    found |= {f"failed:{kind}": float(count) for kind, count in kinds.most_common(8)}
    return Portrait(
        figures=found, histograms=_distributions(trial), checks=_checks(trial, schedule)
    )


def complaint(trial: Trial) -> str:
    """Say why a run gave nothing to compute with; empty if it gave enough."""
    seen = trial.observed
    done = sum(1 for one in seen if figures.complete(one))
    if done >= FEWEST:
        return ""
    kinds = Counter(one.failure for one in seen if one.failure)
    why = ", ".join(f"{count} x {kind}" for kind, count in kinds.most_common(3))
    failed = (
        f" What failed: {why}."
        if why
        else " Send more: --requests or --duration, of a trace --span."
    )
    return (
        f"{done} of {len(seen)} requests were answered completely, too few for any figure"
        f" (at least {FEWEST}).{failed}"
    )


def loaded(trial: Trial, *, step: float) -> dict[str, list[float]]:
    """Return, for each `step` seconds, the arrivals a second, and the requests open in the mean.

    Where the engine stamps its tokens, how late the slowest hundredth of them arrived is there,
    too; 0 where none did.
    """
    seen, began = trial.observed, trial.began_ns
    ends = [max(one.ended_ns, one.sent_ns) for one in seen]
    steps = int((max(ends, default=began) - began) / SECOND / step) + 1
    arrived, under_way = [0.0] * steps, [0.0] * steps

    def place(at_ns: int) -> int:
        return min(steps - 1, max(0, int((at_ns - began) / SECOND / step)))

    for one in seen:
        arrived[place(one.intended_ns)] += 1 / step
        for index in range(place(one.sent_ns), place(one.ended_ns) + 1):
            begin = began + index * step * SECOND
            inside = min(one.ended_ns, begin + step * SECOND) - max(one.sent_ns, begin)
            under_way[index] += max(0.0, inside) / (step * SECOND)
    at = [round(index * step, 6) for index in range(steps)]
    columns = {"at_s": at, "arrivals_per_s": arrived, "open_streams": under_way}
    late: list[list[int]] = [[] for _ in at]
    for one in seen:
        if one.emitted:
            for got, wrote in zip(one.received, one.emitted, strict=True):
                late[place(got)].append(got - wrote)
    if any(late):
        columns["token_p99_us"] = [float(np.quantile(few, 0.99)) / US if few else 0 for few in late]
    return columns


def _distributions(trial: Trial) -> dict[str, str]:
    """Pack every single value; requests that failed count nowhere."""
    good = [one for one in trial.observed if not one.failure]
    pace = [value * MS / US for one in good if (value := per_token(one)) is not None]
    return of_trials([trial]) | ({"tpot": hdr.encode(pace)} if pace else {})


def _checks(trial: Trial, schedule: Schedule) -> list[Check]:
    share = trial.client.ran_ns / max(1, trial.wall_ns) / max(1, trial.processes)
    checks = [
        Check(
            name="the client kept up",
            passed=share <= BUSY_SHARE,
            detail=f"it used {share:.0%} of a CPU; over {BUSY_SHARE:.0%} it would time itself",
        )
    ]
    lag = figures.figures(trial, None)["send_lag_p99_ms"]
    if lag is not None and schedule.concurrency is None:
        checks.append(
            Check(
                name="requests were sent in time",
                passed=lag <= LATE_MS,
                detail=f"99 of 100 at most {lag:.2f} ms late; {LATE_MS:g} ms are allowed"
                + ("" if trial.first or lag <= LATE_MS else f"; {_PLAIN}"),
            )
        )
    return checks
