"""Which faults are switched on, and which request meets one.

A fault names what goes wrong (`Kind`), where (`Where`) and how often: always, for the next N, or
for a fraction. How each one looks on the wire is in `breakage`; this module only decides.
"""

from collections.abc import Callable, Iterator
from enum import StrEnum
from random import Random

import msgspec


class Kind(StrEnum):
    """What goes wrong. The meaning of `after`, `seconds` and `size` is given for each."""

    # the listener and the connection
    REFUSE = "refuse"  # no listener; idle connections are closed, running answers go on
    DOWN = "down"  # no listener and every connection reset, as after SIGKILL
    HANG_ACCEPT = "hang_accept"  # accepted, then nothing is ever read
    CLOSE_ACCEPT = "close_accept"  # accepted, then closed before any request is read
    IDLE_LIMIT = "idle_limit"  # idle connections are closed after `seconds`
    REQUEST_LIMIT = "request_limit"  # a connection serves `after` requests, then closes
    # instead of an answer
    CLOSE = "close"  # the request is read, the connection closed without a byte
    HANG = "hang"  # the request is read, nothing follows
    DELAY = "delay"  # the normal answer, `seconds` late
    STATUS = "status"  # an error answer with `status` and, if given, `retry_after`
    EMPTY = "empty"  # 200 with an empty body
    ERROR_FIRST = "error_first"  # 200 and an error event at once, then [DONE]: vLLM's full queue
    # the head
    GARBAGE_STATUS = "garbage_status"  # a status line no parser knows
    INTERIM = "interim"  # `size` answers of status `status` (100, 102, 103) come first
    SWITCH = "switch"  # 101 Switching Protocols that nobody asked for
    BOTH_LENGTHS = "both_lengths"  # Content-Length and Transfer-Encoding
    WRONG_LENGTH = "wrong_length"  # Content-Length off by `size`
    HUGE_HEADERS = "huge_headers"  # headers of `size` bytes together
    BAD_HEADER = "bad_header"  # a header value that holds the byte `size`
    HTTP10 = "http10"  # HTTP/1.0, no length, the end of the body is the end of the connection
    CONNECTION_CLOSE = "connection_close"  # Connection: close, and it does
    DRIP_HEAD = "drip_head"  # the head byte by byte, `seconds` apart
    HANG_HEAD = "hang_head"  # the head, then nothing
    CLOSE_HEAD = "close_head"  # the head, then closed
    # the body
    COMMENTS = "comments"  # `size` SSE comments before the first event
    SILENCE = "silence"  # after `after` tokens nothing for `seconds`; 0: for ever
    CUT = "cut"  # closed after `after` tokens
    CUT_INSIDE = "cut_inside"  # closed in the middle of the event after `after` tokens
    BAD_CHUNK = "bad_chunk"  # after `after` tokens a chunk size that is no number, then nothing
    ERROR_MIDSTREAM = "error_midstream"  # an error event after `after` tokens, a clean end
    NO_DONE = "no_done"  # a clean end without [DONE]
    NO_LAST_CHUNK = "no_last_chunk"  # [DONE], then closed without the last chunk
    EXTRA_BYTES = "extra_bytes"  # bytes nobody announced follow the complete answer
    # the segments
    ONE_SEGMENT = "one_segment"  # head and body are kept back and written at once
    BYTE_SEGMENTS = "byte_segments"  # one byte per write, `seconds` apart


LISTENER = frozenset({Kind.REFUSE, Kind.DOWN})
CONNECTION = frozenset({Kind.HANG_ACCEPT, Kind.CLOSE_ACCEPT})
LIMITS = frozenset({Kind.IDLE_LIMIT, Kind.REQUEST_LIMIT})
_NOT_PER_REQUEST = LISTENER | CONNECTION | LIMITS


class Where(StrEnum):
    """Which requests a fault concerns."""

    GENERATE = "generate"  # POST to an inference path
    PROBES = "probes"  # everything else except /fake/*
    ALL = "all"


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One fault that is switched on."""

    kind: Kind
    where: Where = Where.GENERATE
    next: int | None = None
    """Only so many requests (or connections) meet it; None: all."""
    fraction: float = 1.0
    """The share of requests that meet it."""
    after: int = 0
    seconds: float = 0.0
    size: int = 0
    status: int = 503
    retry_after: str = ""
    reset: bool = False
    """Close with RST instead of FIN."""
    done: bool = True
    """Whether an error event is followed by `[DONE]`."""


class _Rule:
    __slots__ = ("fault", "left")

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.left = fault.next


class Faults:
    """The faults of one engine. Changes act on the next request or connection."""

    __slots__ = ("_changed", "_dice", "_rules", "active", "hits")

    def __init__(self, seed: int, changed: Callable[[], None]) -> None:
        self._rules: list[_Rule] = []
        self._dice = Random(seed)
        self._changed = changed
        self.active = False
        self.hits: dict[str, int] = {}

    def __iter__(self) -> Iterator[Fault]:
        return (rule.fault for rule in self._rules)

    def set(self, *faults: Fault) -> None:
        """Replace all faults by these; the first that matches a request strikes it."""
        self._rules = [_Rule(fault) for fault in faults]
        self.active = bool(faults)
        self._changed()

    def clear(self) -> None:
        """Behave again."""
        self.set()

    def take(self, *, generates: bool) -> Fault | None:
        """Find the fault that strikes this request, if any, and count it."""
        for rule in self._rules:
            fault = rule.fault
            if fault.kind in _NOT_PER_REQUEST:
                continue
            wanted = Where.GENERATE if generates else Where.PROBES
            if fault.where in {wanted, Where.ALL} and self._strikes(rule):
                return fault
        return None

    def take_connection(self) -> Fault | None:
        """Find the fault that strikes this new connection, if any, and count it."""
        for rule in self._rules:
            if rule.fault.kind in CONNECTION and self._strikes(rule):
                return rule.fault
        return None

    def standing(self, kind: Kind) -> Fault | None:
        """Find the fault of this kind that is on, without counting it."""
        return next((fault for fault in self if fault.kind is kind), None)

    def _strikes(self, rule: _Rule) -> bool:
        if rule.left == 0 or (
            rule.fault.fraction < 1 and self._dice.random() >= rule.fault.fraction
        ):
            return False
        if rule.left is not None:
            rule.left -= 1
        self.hits[rule.fault.kind] = self.hits.get(rule.fault.kind, 0) + 1
        return True
