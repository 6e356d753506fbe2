"""The flags that shape a workload, in the words they were given in."""

import msgspec


class Shape(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to draw. Empty words and None: as the preset says, else the default named here.

    Kept in words, so that a report can repeat them. `workload.draw` checks all of them.
    """

    rate: float | None = None
    """Mean requests a second, turns counted one by one; infinity sends all at once."""
    concurrency: int | None = None
    """At most so many running. Without a rate: a closed loop, the next when one ends."""
    arrivals: str = ""
    """poisson, constant, gamma:SHAPE, weibull:SHAPE, logou:SIGMA@SECONDS,...; default poisson."""
    ramp: str = ""
    """`10..200@60s`, `:exponential` behind it; instead of a rate."""
    duration: float | None = None
    """Seconds in which requests begin; default 10 where `requests` is not given either."""
    requests: int | None = None
    """Exactly so many; with a duration, at most."""
    idle_gap: str = ""
    """`20s@300s`: a silence of 20 s about every 300 s, the mean rate kept."""
    preset: str = ""
    """code-like, conv-like, flash-crowd, multi-tenant, or a file of `trace fit`."""
    speed: float = 1.0
    """Divides all time constants (bursts, ramp, silences, think time) and multiplies the rate."""
    input: str = ""
    """Prompt tokens: `512`, `uniform:A..B`, `lognormal:MEDIAN,P99`, `quantiles:FILE`,
    `preset:NAME`; default 512. A turn's own part where there are several."""
    output: str = ""
    """Answer tokens, in the same words; default 128."""
    turns: str = ""
    """`4` or `2..6`; default 1."""
    think: str = ""
    """`2s`, `exp:5s`, `uniform:1s..8s`; default none."""
    prefix_groups: str = ""
    """`8`, `8:uniform`, `8:zipf1.1`; default none."""
    prefix_tokens: int | None = None
    """Of a prompt's tokens, those it shares with its group; default 256."""
    cancel: str = ""
    """`5%@200ms`, `5%@200ms..2s`."""
    slow: str = ""
    """`2%@2KiB/s`."""
    new_connections: str = ""
    """`10%`."""
