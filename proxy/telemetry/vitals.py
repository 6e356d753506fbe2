"""How backends have done lately, as numbers, and which of them is slower than its peers.

Two waits tell how an engine does. Until the first token: from the request's bytes on a connection
to the first data event, so that neither our queue nor a failed attempt elsewhere is held against
it. Between tokens: the mean of each streamed answer.

An engine is compared with those that serve a model it serves, by medians: slow is who takes `SLOW`
times as long as the median of the others. Both sides need `ENOUGH` streamed answers, and the
difference must be one somebody could notice.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from proxy.core.call import Call
from proxy.core.failure import Origin

WINDOW: Final = 60.0  # seconds: what is "lately"
ENOUGH: Final = 5
SLOW: Final = 2.0
NOTICED_FIRST: Final = 0.05  # seconds until the first token
NOTICED_BETWEEN: Final = 0.002  # seconds between tokens


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """A set of waits, in seconds."""

    count: int
    p50: float
    p95: float


class Vitals(msgspec.Struct, frozen=True, kw_only=True):
    """What ended calls say. `failed` leaves out what was the client's own doing."""

    calls: int = 0
    failed: int = 0
    first_token: Spread | None = None
    between: Spread | None = None
    pieces: float = 1.0  # tokens in a forwarded piece of a stream, on the average


class Lag(msgspec.Struct, frozen=True, kw_only=True):
    """Slower than its peers: in what, how often as slow, both medians in seconds."""

    what: str  # first_token | between
    factor: float
    own: float
    others: float


def spread(waits: list[float]) -> Spread | None:
    """Return the percentiles (nearest rank) of waits, which are sorted in place; None of none."""
    if not waits:
        return None
    waits.sort()
    count = len(waits)
    return Spread(count=count, p50=waits[(count - 1) // 2], p95=waits[-(-count * 95 // 100) - 1])


def failed(call: Call) -> bool:
    """Tell whether a call failed through no fault of its client."""
    return call.failure is not None and call.failure.origin is not Origin.CLIENT


def wait(call: Call) -> float | None:
    """Return the seconds from sending a request to its first token; None unless it streamed."""
    if not (call.stream and call.first_token_at and call.dispatched_at):
        return None
    return call.first_token_at - call.dispatched_at


def gap(call: Call) -> float | None:
    """Return the mean seconds between the tokens of a stream; None if there were not two."""
    pieces = call.tokens_out or call.chunks
    if not (call.stream and call.first_token_at and pieces > 1):
        return None
    return max(0.0, (call.last_chunk_at - call.first_token_at) / (pieces - 1))


def vitals(calls: Iterable[Call]) -> Vitals:
    """Return what these calls say."""
    count = bad = tokens = pieces = 0
    waits: list[float] = []
    gaps: list[float] = []
    for call in calls:
        count += 1
        bad += failed(call)
        if (first := wait(call)) is not None:
            waits.append(first)
        if (between := gap(call)) is not None:
            gaps.append(between)
            if call.tokens_out and call.chunks:
                tokens += call.tokens_out
                pieces += call.chunks
    return Vitals(
        calls=count,
        failed=bad,
        first_token=spread(waits),
        between=spread(gaps),
        pieces=tokens / pieces if pieces else 1.0,
    )


def by_backend(calls: Iterable[Call]) -> dict[str, Vitals]:
    """Return what these calls say of each backend; those that reached none are left out."""
    groups: dict[str, list[Call]] = {}
    for call in calls:
        if call.backend is not None:
            groups.setdefault(call.backend.name, []).append(call)
    return {name: vitals(group) for name, group in groups.items()}


def lag(own: Vitals, peers: Sequence[Vitals]) -> Lag | None:
    """Return in what a backend is slow, measured by its peers; None if in nothing."""
    kinds: Mapping[str, float] = {"between": NOTICED_BETWEEN, "first_token": NOTICED_FIRST}
    found = [
        one
        for what, least in kinds.items()
        if (one := _behind(what, own, peers, least)) is not None
    ]
    return max(found, key=lambda one: one.factor, default=None)


def _behind(what: str, own: Vitals, peers: Sequence[Vitals], least: float) -> Lag | None:
    mine: Spread | None = getattr(own, what)
    seen: list[Spread | None] = [getattr(peer, what) for peer in peers]
    others = [one.p50 for one in seen if one is not None and one.count >= ENOUGH]
    if mine is None or mine.count < ENOUGH or not others:
        return None
    usual = _median(others)
    if mine.p50 - usual < least or mine.p50 < SLOW * usual:
        return None
    factor = mine.p50 / usual if usual else mine.p50 / least
    return Lag(what=what, factor=factor, own=mine.p50, others=usual)


def _median(values: list[float]) -> float:
    # The standard library's brings 20 ms of imports along: decimals, fractions.
    values.sort()
    middle = len(values) // 2
    return values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2
