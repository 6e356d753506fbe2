"""What each figure of a record is called, what it counts in, and which way is better.

A figure's name ends in its unit and may hold its percentile: `token_p99_us`. Names nobody listed
here are still read by that rule, so a record of a later version prints all it has.
"""

import re
from enum import StrEnum
from typing import Final

import msgspec


class Quantity(StrEnum):
    """What a figure counts in; its base unit in brackets."""

    TIME = "time"  # seconds
    MEMORY = "memory"  # MiB
    SHARE = "share"  # 1 = all
    RATE = "rate"  # per second
    COUNT = "count"
    RATIO = "ratio"


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One figure. `base` is how many base units one unit of the record is."""

    name: str
    title: str
    percentile: str = ""
    quantity: Quantity
    base: float = 1.0
    higher_is_better: bool = False

    @property
    def label(self) -> str:
        """Return the title with the percentile."""
        return f"{self.title} {self.percentile}".rstrip()


TITLES: Final = {
    "first_token": "first token (non-backend)",
    "request_path": "request path",
    "token": "each token",
    "ttft": "time to first token (TTFT)",
    "itl": "between tokens (ITL)",
    "tpot": "per output token (TPOT)",
    "e2e": "whole answer (E2E)",
    "send_lag": "sent later than intended",
    "cpu_us_per_request": "CPU per request",
    "cpu_ms_per_1k_tokens": "CPU per 1 k tokens",
    "tokens_per_s": "throughput, tokens",
    "requests_per_s": "throughput, requests",
    "rss_mib": "memory (RSS)",
    "kib_per_stream": "memory per open stream",
    "segments_per_chunk": "reads per chunk",
    "client_cpu_share": "the client's own CPU",
    "lost": "tokens lost",
    "duplicated": "tokens duplicated",
    "reordered": "tokens out of order",
    "goodput_per_s": "requests within the limits",
    "goodput_share": "share within the limits",
    "offered_per_s": "requests asked for",
    "served_per_s": "requests it could serve, about",
    "requests": "requests",
    "failures": "requests failed",
    "tokens": "tokens",
    "cancelled": "requests cancelled as planned",
    "in_flight_mean": "requests under way, mean",
    "tokens_in_per_s": "throughput, prompt tokens",
    "goodput_low_share": "share within the limits, at least",
    "goodput_high_share": "share within the limits, at most",
    "failures_before_first_token": "  before the first token",
    "failures_in_stream": "  in the middle of a stream",
    "slowed": "requests held up",
    "streaming_then": "streams running on the backend that broke",
    "recovered_after_s": "all well again after",
    "rejoined_after_s": "repaired backend used again after",
    "request_error_share": "requests elsewhere than the weights ask",
    "token_error_share": "tokens elsewhere than the weights ask",
    "chance_error_share": "the same, by dice",
    "busier_share": "sent to an engine that was not the least busy",
    "busier_by": "requests under way there beyond the least busy, mean",
    "ceiling_chunks_per_s": "chunks it can take",
    "prefix_hit_share": "prompt found in the prefix cache",
}
HIGHER: Final = frozenset(
    {"tokens_per_s", "requests_per_s", "goodput_per_s", "goodput_share", "prefix_hit_share"}
)
PERCENTILE: Final = re.compile(r"_(p\d+|mean)(?=_(?:us|ms|s)$)")
# The unit may stand before "per": cpu_us_per_request.
UNITS: Final = (
    (re.compile(r"_per_s$"), Quantity.RATE, 1.0),
    (re.compile(r"_us(_|$)"), Quantity.TIME, 1e-6),
    (re.compile(r"_ms(_|$)"), Quantity.TIME, 1e-3),
    (re.compile(r"_s$"), Quantity.TIME, 1.0),
    (re.compile(r"_mib$"), Quantity.MEMORY, 1.0),
    (re.compile(r"(^|_)kib(_|$)"), Quantity.MEMORY, 1 / 1024),
    (re.compile(r"(^|_)share$"), Quantity.SHARE, 1.0),
    (re.compile(r"_per_chunk$"), Quantity.RATIO, 1.0),
)


def _measured_in(name: str) -> tuple[Quantity, float]:
    for pattern, quantity, base in UNITS:
        if pattern.search(name):
            return quantity, base
    return Quantity.COUNT, 1.0


def _title(stem: str) -> str:
    if stem in TITLES:
        return TITLES[stem]
    bare = re.sub(r"_(us|ms|s|mib|share|per_s)$", "", stem)
    return TITLES.get(bare, bare.replace("_", " "))


def figure(name: str) -> Figure:
    """Return what `name` means; a name not listed is explained by its own words."""
    quantity, base = _measured_in(name)
    found = PERCENTILE.search(name)
    percentile = found.group(1) if found else ""
    if percentile.startswith("p") and len(percentile) > 3:  # p999 is the 99.9th
        percentile = f"{percentile[:3]}.{percentile[3:]}"
    return Figure(
        name=name,
        title=_title(PERCENTILE.sub("", name)),
        percentile=percentile,
        quantity=quantity,
        base=base,
        higher_is_better=name in HIGHER,
    )
