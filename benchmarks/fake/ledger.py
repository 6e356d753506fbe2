"""What happened to each request, with times: the simulated engine's own side of the story."""

import time
from collections import deque
from collections.abc import Iterator
from enum import StrEnum

import msgspec


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
