"""One probe of a capacity search: whether an arm keeps its limits at a load, beyond doubt.

A probe is a few rounds of direct and the arm at this load, so that what the engines or the client
cannot do is not charged to the arm. A limit is kept if the whole interval of what the arm adds lies
below it, missed if the whole interval lies above.
"""

from collections.abc import Mapping, Sequence

import msgspec

from benchmarks.measure.bootstrap import FEWEST, Interval
from benchmarks.method import effects
from benchmarks.method.checks import BUSY_SHARE, FAILED_SHARE
from benchmarks.method.figures import FEWEST_FOR_P99
from benchmarks.method.judging import LATEST_MS
from benchmarks.method.lanes import DIRECT
from benchmarks.method.search import Outcome
from benchmarks.report.record import Block


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What a probe says. `added` are the medians by figure."""

    outcome: Outcome
    why: str
    added: dict[str, float] = {}


def _of(rows: Sequence[Block], arm: str) -> list[Block]:
    return [row for row in rows if row.arm == arm]


def _failed(rows: Sequence[Block]) -> float:
    requests = sum(row.requests for row in rows)
    return sum(row.failures for row in rows) / requests if requests else 0.0


def at_its_limit(rows: Sequence[Block]) -> str:
    """Return why a load is too much for client or engines themselves; empty if it is not."""
    direct = _of(rows, DIRECT)
    if _failed(direct) > FAILED_SHARE:
        return f"{_failed(direct):.0%} of the requests failed without a proxy, too"
    busy = [v for row in direct if (v := row.figures.get("client_cpu_share")) is not None]
    if busy and sorted(busy)[len(busy) // 2] > BUSY_SHARE:
        return f"the client itself is busy over {BUSY_SHARE:.0%} of its core"
    lags = [v for row in direct if (v := row.figures.get("send_lag_p99_ms")) is not None]
    if lags and sorted(lags)[len(lags) // 2] > LATEST_MS:
        return f"the client sends over {LATEST_MS:g} ms late"
    return ""


def _held(found: Interval, most: float) -> Outcome:
    if found.high <= most:
        return Outcome.KEPT
    return Outcome.MISSED if found.low > most else Outcome.UNDECIDED


def judged(rows: Sequence[Block], arm: str, limits: Mapping[str, float], *, seed: int = 0) -> Said:
    """Say whether `arm` keeps `limits` (figure to largest addition) in these rounds."""
    failed = _failed(_of(rows, arm))
    if failed > FAILED_SHARE:
        return Said(outcome=Outcome.MISSED, why=f"{failed:.0%} of the requests failed")
    added: dict[str, float] = {}
    outcomes, told = [], []
    for figure, most in limits.items():
        found = effects.added(rows, arm, figure, seed=seed)
        if found is None:
            outcomes.append(Outcome.UNDECIDED)
            told.append(f"{figure}: fewer than {FEWEST} rounds")
            continue
        added[figure] = found.median
        outcomes.append(_held(found, most))
        told.append(f"{figure} +{found.median:.3g} [{found.low:.3g} .. {found.high:.3g}]")
    return Said(outcome=min(outcomes), why=", ".join(told), added=added)


def unmeasured(rows: Sequence[Block], limits: Mapping[str, float]) -> str:
    """Return why a limit cannot be judged at all at this load; empty if all can."""
    direct = _of(rows, DIRECT)
    missing = [
        figure
        for figure in limits
        if direct and not any(row.figures.get(figure) is not None for row in direct)
    ]
    if not missing:
        return ""
    return (
        f"{', '.join(missing)} was not measured: a p99 needs {FEWEST_FOR_P99} requests in a block "
        "(raise --block or the first load), and engines that stamp their tokens"
    )
