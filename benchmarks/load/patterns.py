"""Patterns: traffic as a whole, told by a few numbers. Four presets, and what `trace fit` writes.

The numbers of `code-like` and `conv-like` were fitted to an hour of a public code-completion and
of a public conversation service (November 2023): two modulators that follow its dispersion of
counts, and eleven quantiles of its prompt and answer lengths, which are as good as uncorrelated
there. No row of the originals is in them.
"""

from pathlib import Path
from typing import Final

import msgspec

from benchmarks.load.lengths import Table
from benchmarks.load.wording import WorkloadError

PERCENTILES: Final = (0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 100.0)


class Tenant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of many clients: its share of the requests, its own arrivals, how long its texts are."""

    share: float
    arrivals: str = "poisson"
    scale: float = 1.0
    """Factor on the pattern's lengths."""


class Pattern(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Mean rate, arrivals, lengths, and what else makes a kind of traffic."""

    name: str
    rate: float
    """Mean requests a second, used where no rate is given."""
    arrivals: str = "poisson"
    """In the words of `--arrivals`."""
    input: Table
    output: Table
    crowd: float = 1.0
    """Above 1: a sudden crowd this many times the calm rate."""
    tenants: tuple[Tenant, ...] = ()
    """Not empty: the requests are those of many clients, each with its own prefix."""
    prefix_groups: str = ""
    """In the words of `--prefix-groups`."""
    prefix_tokens: int = 256


def _table(*tokens: float) -> Table:
    return tuple(zip(PERCENTILES, tokens, strict=True))


_CODE_IN: Final = _table(3, 75, 147, 578, 1469, 2744, 5187, 7303, 7436, 7437, 7437)
_CODE_OUT: Final = _table(6, 6, 7, 9, 13, 24, 55, 90, 251, 825, 1899)
_CONV_IN: Final = _table(2, 181, 207, 396, 1020, 1189, 2734, 4083, 4142, 6179, 14050)
_CONV_OUT: Final = _table(7, 41, 54, 85, 129, 395, 424, 451, 601, 954, 1000)


def _many(number: int, skew: float) -> tuple[Tenant, ...]:
    """Return tenants with Zipf shares, by turns steady, bursty and very bursty, short and long."""
    weights = [(place + 1) ** -skew for place in range(number)]
    manners = ("poisson", "gamma:0.2", "logou:0.8@2,0.8@30", "gamma:0.05")
    scales = (1.0, 0.5, 2.0, 0.25, 1.5)
    return tuple(
        Tenant(
            share=weight / sum(weights),
            arrivals=manners[place % len(manners)],
            scale=scales[place % len(scales)],
        )
        for place, weight in enumerate(weights)
    )


PRESETS: Final[dict[str, Pattern]] = {
    one.name: one
    for one in (
        Pattern(
            name="code-like",
            rate=2.57,
            arrivals="logou:0.99@3.2,0.95@34.9",
            input=_CODE_IN,
            output=_CODE_OUT,
        ),
        Pattern(
            name="conv-like",
            rate=5.53,
            arrivals="logou:0.20@0.47,0.22@341",
            input=_CONV_IN,
            output=_CONV_OUT,
        ),
        Pattern(
            name="flash-crowd",
            rate=10.0,
            crowd=12.0,
            input=_CONV_IN,
            output=_CONV_OUT,
            prefix_groups="4:zipf1.5",
        ),
        Pattern(
            name="multi-tenant",
            rate=10.0,
            input=_CONV_IN,
            output=_CONV_OUT,
            tenants=_many(16, 1.2),
        ),
    )
}


def find(word: str) -> Pattern:
    """Return a preset by its name, or read a pattern from the file `trace fit` wrote."""
    if word in PRESETS:
        return PRESETS[word]
    path = Path(word)
    if not path.is_file():
        known = ", ".join(PRESETS)
        raise WorkloadError(f"{word!r} is neither a preset ({known}) nor a file of `trace fit`")
    try:
        return msgspec.json.decode(path.read_bytes(), type=Pattern)
    except (OSError, msgspec.DecodeError) as error:
        raise WorkloadError(f"{path} holds no pattern: {error}") from error
