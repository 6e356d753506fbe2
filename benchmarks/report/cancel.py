"""What became of clients that left: how many the engine noticed, and after how long."""

from collections.abc import Mapping, Sequence

import msgspec

from benchmarks.measure.histogram import summarize
from benchmarks.report.text import number, table

P99_BAR_MS = 20.0


class Outcome(msgspec.Struct, kw_only=True):
    """One phase. `late_ms` holds the time from close to abort of every client the engine noticed.

    `missed` counts clients whose departure the engine never saw; of queued ones, those that
    reached it although they had left. `invalid` counts answers that ended before the client left.
    """

    phase: str
    queued: bool = False
    n: int = 0
    missed: int = 0
    invalid: int = 0
    late_ms: list[float] = msgspec.field(default_factory=list)

    def settle(self, closed: Mapping[str, int], aborted: Mapping[str, int]) -> None:
        """Count clients by id: when each left and when the engine aborted (0: never), in ns."""
        self.n += len(closed)
        for identity, left in closed.items():
            stamp = aborted.get(identity, 0)
            if self.queued:
                self.missed += identity in aborted
            elif stamp:
                self.late_ms.append((stamp - left) / 1e6)
            else:
                self.missed += 1

    def merge(self, other: "Outcome") -> None:
        """Add another batch of the same phase."""
        self.n += other.n
        self.missed += other.missed
        self.invalid += other.invalid
        self.late_ms.extend(other.late_ms)

    @property
    def met(self) -> bool:
        """Whether the phase clears the bar: none missed, 99 of 100 noticed in time."""
        late = summarize(self.late_ms)
        return not self.missed and not self.invalid and (late is None or late.p99 <= P99_BAR_MS)


def _cells(outcome: Outcome) -> list[str]:
    late = summarize(outcome.late_ms)
    if outcome.queued:
        times = ["never sent", "", ""]
    elif late is None:
        times = ["", "", ""]
    else:
        times = [number(value, 2) for value in (late.p50, late.p99, late.top)]
    word = "met" if outcome.met else "MISSED"
    return [f"  {outcome.phase}", str(outcome.n), str(outcome.missed), *times, word]


def cancel_report(outcomes: Sequence[Outcome], subject: str) -> str:
    """Return the table and a closing sentence."""
    heads = ["client leaves", "n", "missed", "p50 ms", "p99 ms", "max ms", "bar"]
    lines = [f"From the client's close to the engine's abort, through {subject}", ""]
    lines.append(table(heads, [_cells(outcome) for outcome in outcomes]))
    lines.append(f"  bar: none missed, p99 <= {P99_BAR_MS:g} ms, a queued one never sent")
    lines += [
        f"note: {one.phase}: {one.invalid} answers ended before their client left"
        for one in outcomes
        if one.invalid
    ]
    n, missed = sum(one.n for one in outcomes), sum(one.missed for one in outcomes)
    late = summarize([value for one in outcomes for value in one.late_ms])
    if late is not None:
        lines.append(
            f"{n:,} clients left, {missed} of them unnoticed; the engine was free after "
            f"{late.p50:.1f} ms at the median and {late.p99:.1f} ms at p99."
        )
    return "\n".join(lines)


def encoded(outcomes: Sequence[Outcome], facts: Mapping[str, str]) -> bytes:
    """Return the run as indented JSON."""
    document = {"schema": 1, "facts": dict(facts), "phases": list(outcomes)}
    return msgspec.json.format(msgspec.json.encode(document), indent=1)
