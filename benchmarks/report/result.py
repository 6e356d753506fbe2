"""What a run found: every value of every round, by metric and arm.

The tables are made from this, and so is `--json`.
"""

from collections.abc import Iterable

import msgspec

Series = list[float | None]


class Result(msgspec.Struct, kw_only=True):
    """A whole run. `series[metric][arm]` has one value a round, None for what failed."""

    schema: int = 1
    facts: dict[str, str] = msgspec.field(default_factory=dict)
    arms: list[str] = msgspec.field(default_factory=list)
    series: dict[str, dict[str, Series]] = msgspec.field(default_factory=dict)
    notes: list[str] = msgspec.field(default_factory=list)

    def record(self, metric: str, arm: str, values: Iterable[float | None]) -> None:
        """Append values of one metric and arm."""
        self.series.setdefault(metric, {}).setdefault(arm, []).extend(values)

    def of(self, metric: str, arm: str) -> Series:
        """Return the rounds of one metric and arm; empty if never measured."""
        return self.series.get(metric, {}).get(arm, [])

    def encoded(self) -> bytes:
        """Return the run as indented JSON."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1)
