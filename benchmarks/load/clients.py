"""Clients that do not behave: those that leave, those that read slowly, those that connect anew.

Who does is told by one uniform number per request against a share. So 10 % of them hold all of the
5 % and some more, and a change of one share leaves the other two alone.
"""

import msgspec

from benchmarks.load.courses import Times
from benchmarks.load.wording import WorkloadError, bytes_per_second, pair, seconds, share


class Cancel(msgspec.Struct, frozen=True, kw_only=True):
    """A share of clients that reset their connection some time after sending."""

    share: float
    low: float
    high: float

    def at(self, chosen: Times, when: Times) -> list[float | None]:
        """Return seconds until each client leaves, None for those that stay."""
        after = self.low + when * (self.high - self.low)
        return [
            moment if place < self.share else None
            for place, moment in zip(chosen.tolist(), after.tolist(), strict=True)
        ]


class Slow(msgspec.Struct, frozen=True, kw_only=True):
    """A share of clients that take `rate` bytes a second and no more."""

    share: float
    rate: float

    def at(self, chosen: Times) -> list[float | None]:
        """Return each client's bytes a second, None for one that keeps up."""
        return [self.rate if place < self.share else None for place in chosen.tolist()]


def parse_cancel(text: str) -> Cancel:
    """Read `5%@200ms` or `5%@200ms..2s`."""
    hint = "write SHARE@DURATION, such as 5%@200ms or 5%@200ms..2s"
    part, when = pair(text, "@", hint)
    low, high = pair(when, "..", hint) if ".." in when else (when, when)
    ends = seconds(low), seconds(high)
    if ends[0] > ends[1]:
        raise WorkloadError(f"{text!r} runs backwards: {hint}")
    return Cancel(share=share(part), low=ends[0], high=ends[1])


def parse_slow(text: str) -> Slow:
    """Read `2%@2KiB/s`."""
    part, rate = pair(text, "@", "write SHARE@BYTES_A_SECOND, such as 2%@2KiB/s")
    return Slow(share=share(part), rate=bytes_per_second(rate))
