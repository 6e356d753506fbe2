"""One client request from its head to its end: the facts every layer reads and writes.

A `Call` is made at the edge, carried through attempts and relay, and handed to the observers by
`flow/finish`, exactly once. Times are seconds of the loop's monotonic clock; 0.0 means "not yet".
"""

from typing import TYPE_CHECKING

from typing_extensions import override

if TYPE_CHECKING:
    from proxy.core.account import Grant
    from proxy.core.backend import Backend
    from proxy.core.failure import Failure
    from proxy.core.kept import Visit
    from proxy.core.trace import Trace

OK = "--"  # the end code of a call that ended well


class Call:
    """Facts of one request. Slotted: one is made per request on the hot path."""

    __slots__ = (
        "answer",
        "attempts",
        "backend",
        "body",
        "body_size",
        "bytes_out",
        "chunks",
        "client",
        "committed",
        "continued",
        "deadline",
        "dress",
        "end",
        "failure",
        "method",
        "model",
        "native_model",
        "output_work",
        "path",
        "pin",
        "priority",
        "prompt_work",
        "received_at",
        "dispatched_at",
        "ended_at",
        "first_byte_at",
        "first_token_at",
        "grant",
        "last_chunk_at",
        "queued_s",
        "request_id",
        "session",
        "status",
        "stream",
        "surface",
        "tokens_in",
        "tokens_out",
        "trace",
        "tried",
        "visit",
    )

    def __init__(self, request_id: str, path: str, received_at: float) -> None:
        self.request_id = request_id
        self.method = "POST"
        self.path = path  # as routed: without query
        self.surface = "openai"  # the caller's dialect: openai | anthropic | ollama
        self.client = ""  # peer address
        self.dress = b""  # more header lines for the answer
        self.model = ""  # as asked
        self.native_model = ""  # as the chosen backend names it
        self.stream = False
        self.body: bytes = b""  # dropped as soon as no retry is possible
        self.body_size = 0
        self.session: str | None = None
        self.priority = 0  # lower is served first
        self.pin: str | None = None  # the backend the client insisted on
        self.deadline = 0.0  # absolute; 0 = none
        self.prompt_work = 0.0  # estimated prompt tokens
        self.output_work = 0.0  # expected output tokens
        self.attempts = 0
        self.tried: list[Backend] = []
        self.backend: Backend | None = None
        self.received_at = received_at  # the whole request is here
        self.queued_s = 0.0  # total time spent in the queue
        self.dispatched_at = 0.0  # last attempt's bytes handed to a connection
        self.first_byte_at = 0.0
        self.first_token_at = 0.0  # first data event, or the first body byte of a plain answer
        self.last_chunk_at = 0.0
        self.ended_at = 0.0
        self.committed = False  # the answer's head went to the client: no retry any more
        self.continued = 0  # times another engine went on with its stream
        self.chunks = 0  # pieces forwarded after the head
        self.bytes_out = 0  # body bytes as framed on the wire
        self.status = 0  # as sent to the client; 0 = nothing was sent
        self.answer: bytes = b""  # a plain one whose usage has not been read yet
        self.tokens_in: int | None = None
        self.tokens_out: int | None = None
        self.failure: Failure | None = None
        self.trace: Trace | None = None  # the trace it belongs to, if anything is to know
        self.grant: Grant | None = None  # whose key it came with, while keys are needed
        self.visit: Visit | None = None  # as counted for its tenant while tenants wait for places
        self.end = ""  # the end code; empty until `flow/finish`

    @property
    def work(self) -> float:
        """Return the estimated work in tokens."""
        return self.prompt_work + self.output_work

    @override
    def __repr__(self) -> str:
        """Show what matters when it turns up in a log or a failed assertion."""
        backend = self.backend.name if self.backend is not None else "-"
        end = self.end or "?"
        return f"<Call {self.request_id} {self.path} {self.model!r} {backend} end={end}>"
