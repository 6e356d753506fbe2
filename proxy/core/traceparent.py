"""W3C trace context: whose trace a request belongs to, and whether it is recorded.

The decision is made before anything is recorded, so that a request that is not sampled pays for a
draw of random bits and nothing else. It is a pure function of the trace id, the one of the SDKs of
OpenTelemetry (`TraceIdRatioBased`: the low 64 bits against a bound): every service with the same
ratio picks the same traces.

Trace ids are numbers of 128 bits, span ids of 64; neither is ever 0.
"""

import re
from collections.abc import Callable
from typing import Final

import msgspec

from proxy.core.trace import Trace

SAMPLED: Final = 1
_KEPT: Final = 3  # flags that are passed on: sampled, and "the id is random"
_LOW: Final = (1 << 64) - 1
_FORM: Final = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


class Parent(msgspec.Struct, frozen=True, kw_only=True):
    """What a client's `traceparent` says: its trace, its span, its flags."""

    trace_id: int
    span_id: int
    flags: int


def parse(value: bytes) -> Parent | None:
    """Read a `traceparent`; None if it is not one, as W3C Trace Context section 3.2 has it.

    A version to come may say more behind the flags; version 00 may not, and ff is none.
    """
    match = _FORM.fullmatch(value)
    if match is None:
        return None
    version, trace, span, flags, more = match.groups()
    if version == b"ff" or (version == b"00" and more is not None):
        return None
    trace_id, span_id = int(trace, 16), int(span, 16)
    if not trace_id or not span_id:
        return None
    return Parent(trace_id=trace_id, span_id=span_id, flags=int(flags, 16))


def render(trace_id: int, span_id: int, flags: int) -> bytes:
    """Return a `traceparent` of version 00."""
    return b"00-%032x-%016x-%02x" % (trace_id, span_id, flags)


class Sampler:
    """Decides which requests are recorded.

    `ratio` of them are, 0 to 1, unless the client has decided and `follow` says that it may. `bits`
    returns so many random bits.
    """

    __slots__ = ("_bits", "_bound", "_follow")

    def __init__(self, ratio: float, *, follow: bool, bits: Callable[[int], int]) -> None:
        self._bound = round(ratio * (_LOW + 1))
        self._follow = follow
        self._bits = bits

    def takes(self, trace_id: int) -> bool:
        """Tell whether a trace is among those that are recorded."""
        return trace_id & _LOW < self._bound

    def begin(self, parent: Parent | None) -> Trace | None:
        """Return the trace of a request; None if it has none and is not recorded."""
        bits = self._bits
        if parent is None:
            low = bits(64)
            if low >= self._bound:
                return None
            trace_id = bits(64) << 64 | low or 1
            return Trace(trace_id, flags=SAMPLED, span_id=self.new_span(), draw=self.new_span)
        trace_id = parent.trace_id
        sampled = parent.flags & SAMPLED if self._follow else self.takes(trace_id)
        flags = (parent.flags & _KEPT & ~SAMPLED) | (SAMPLED if sampled else 0)
        span_id = self.new_span() if sampled else 0
        return Trace(
            trace_id, flags=flags, span_id=span_id, parent_id=parent.span_id, draw=self.new_span
        )

    def new_span(self) -> int:
        """Return a new span id."""
        return self._bits(64) or 1
