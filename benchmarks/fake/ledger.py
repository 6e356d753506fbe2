"""What happened to each request, with times: the simulated engine's own side of the story."""

import re
import time
from array import array
from collections import OrderedDict, deque
from collections.abc import Iterator
from enum import StrEnum

import msgspec

_TAG = re.compile(r"bench-tag:([0-9a-fA-F]{1,64})")


class Stage(StrEnum):
    """How far a request has come inside the engine."""

    RECEIVED = "received"
    QUEUED = "queued"
    PREFILL = "prefill"
    DECODE = "decode"
    DONE = "done"
    ABORTED = "aborted"
    FAULT = "fault"


class Record(msgspec.Struct, kw_only=True):
    """One request. Times are CLOCK_MONOTONIC nanoseconds, 0 for what has not happened."""

    id: str
    method: str
    path: str
    model: str = ""
    stream: bool = False
    stage: Stage = Stage.RECEIVED
    start_ns: int
    admitted_ns: int = 0
    first_ns: int = 0
    end_ns: int = 0
    abort_ns: int = 0
    """When the engine learned that the client had gone, which freed the sequence."""
    abort_stage: Stage | None = None
    tokens: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    fault: str = ""
    connection: int = 0
    body_bytes: int = 0
    headers: list[tuple[bytes, bytes]] = []
    """As they arrived, names in lower case."""
    body: bytes = b""
    """Kept only when the profile says so."""

    def header(self, name: bytes) -> bytes | None:
        """Find the first header of this lower-case name."""
        return next((value for field, value in self.headers if field == name), None)


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the side log; times are CLOCK_MONOTONIC nanoseconds."""

    taken_ns: int
    """The engine had read the request."""
    emitted: "array[int]" = msgspec.field(default_factory=lambda: array("q"))
    """When it wrote each event with text."""


class SideLog:
    """Times of the last requests that carried a tag, for clients behind proxies that rewrite."""

    __slots__ = ("_limit", "_told")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._told: OrderedDict[str, Told] = OrderedDict()

    def open(self, prompt: str, taken_ns: int) -> Told | None:
        """Start a line if the prompt has a tag; a tag that comes again starts anew."""
        found = _TAG.search(prompt)
        if found is None:
            return None
        told = Told(taken_ns=taken_ns)
        self._told[found[1]] = told
        self._told.move_to_end(found[1])
        if len(self._told) > self._limit:
            self._told.popitem(last=False)
        return told

    def find(self, tag: str) -> Told | None:
        """Return the line of this tag; None: never heard of, or forgotten."""
        return self._told.get(tag)

    def clear(self) -> None:
        """Forget all."""
        self._told.clear()


class Ledger:
    """The last requests, oldest first, bounded."""

    __slots__ = ("_records", "aborted", "received")

    def __init__(self, limit: int) -> None:
        self._records: deque[Record] = deque(maxlen=limit)
        self.received = 0
        self.aborted = 0

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, index: int) -> Record:
        return self._records[index]

    def open(self, record: Record) -> None:
        """Enter a request that has arrived."""
        self.received += 1
        self._records.append(record)

    def abort(self, record: Record) -> None:
        """Its client has gone before the answer was complete."""
        self.aborted += 1
        record.abort_stage = record.stage
        record.stage = Stage.ABORTED
        record.abort_ns = time.monotonic_ns()

    def find(self, request_id: str) -> list[Record]:
        """Every remembered try of this request id."""
        return [record for record in self._records if record.id == request_id]

    def clear(self) -> None:
        """Forget all; running requests stay visible to their own reply only."""
        self._records.clear()
        self.received = self.aborted = 0
