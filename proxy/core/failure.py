"""What went wrong, as a value: kind, origin, phase, retryable.

Foreign exceptions are mapped to a `Failure` once, in the adapter that met them (`upstream`,
`edge/server`); `edge/rescue` turns it into an answer once; `flow/finish` logs its end code.
Nothing in between raises or catches.
"""

import errno
from enum import StrEnum
from typing import Final

import msgspec


class Origin(StrEnum):
    """Who caused it. The value is the first letter of the end code."""

    CLIENT = "C"
    BACKEND = "B"
    PROXY = "P"
    DEADLINE = "T"


class Phase(StrEnum):
    """How far the call had come. The value is the second letter of the end code."""

    READ = "R"  # the request was still arriving or being checked
    QUEUE = "Q"  # waiting for a backend with room
    CONNECT = "C"  # opening a connection to the engine
    WAIT = "W"  # request sent (or being sent), no data event yet: prefill
    STREAM = "S"  # the answer's head has gone to the client


# For the way of every call: read off its class a member takes 0.1 us on CPython 3.11, off a module
# a tenth of that, and a request reads fifteen of them.
QUEUE: Final = Phase.QUEUE
CONNECT: Final = Phase.CONNECT
WAIT: Final = Phase.WAIT
STREAM: Final = Phase.STREAM


# System errors that say what this process or machine has run out of: files, buffers, memory. A
# connection that failed so says nothing about who was to be connected to.
EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Kind(StrEnum):
    """What happened. Values are stable: they are error codes in answers, logs and metrics."""

    # of the client
    BAD_REQUEST = "bad_request"
    BAD_JSON = "bad_json"
    TOO_LARGE = "body_too_large"
    HEAD_TOO_LARGE = "headers_too_large"
    UNSUPPORTED_CODING = "unsupported_content_encoding"
    REQUEST_TIMEOUT = "request_timeout"
    UNKNOWN_MODEL = "model_not_found"
    UNKNOWN_PATH = "path_not_found"
    UNKNOWN_BACKEND = "backend_not_found"
    UNKNOWN_SCOPE = "scope_not_found"
    UNNAMED_BACKEND = "backend_not_named"  # several could serve it, and only one may be asked
    DISABLED = "operation_disabled"
    NO_KEY = "api_key_missing"
    BAD_KEY = "api_key_unknown"
    OLD_KEY = "api_key_expired"
    FORBIDDEN_MODEL = "model_not_allowed"
    FORBIDDEN = "path_not_allowed"
    FOREIGN = "address_not_allowed"
    RATE_LIMITED = "rate_limit_exceeded"
    BUDGET_SPENT = "insufficient_quota"
    METHOD = "method_not_allowed"
    LOOP = "loop_detected"  # it has come through proxies like this one too often
    CLIENT_GONE = "client_cancelled"
    SLOW_READER = "slow_reader"
    # of this proxy
    QUEUE_FULL = "queue_full"
    QUEUE_TIMEOUT = "queue_timeout"
    NO_BACKEND = "no_backend_available"
    DRAINING = "draining"
    SHEDDING = "proxy_overloaded"  # it is short of memory itself
    LIMITS_AWAY = "limits_unavailable"
    INTERNAL = "internal_error"
    # of the engine
    CONNECT_REFUSED = "connect_refused"
    CONNECT_TIMEOUT = "connect_timeout"
    CONNECT_FAILED = "connect_failed"
    CONNECT_TLS = "connect_tls"
    CLOSED = "closed_by_backend"
    STATUS = "backend_status"
    BAD_RESPONSE = "bad_response"
    ERROR_EVENT = "backend_error_event"
    TRUNCATED = "truncated_stream"
    # of time
    FIRST_TOKEN_TIMEOUT = "first_token_timeout"
    IDLE_TIMEOUT = "idle_timeout"
    TOTAL_TIMEOUT = "total_timeout"


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """One failure. `detail` is a sentence for a human; it never holds a credential.

    `retryable` says that another backend may answer: nothing of the response has reached the client
    and the cause lies in this backend or its connection. `free` marks a retry that costs no budget:
    the engine cannot have begun the work (connect failed, or a reused connection died without a
    byte). `status` is the engine's HTTP status (or the one inside an error event), `retry_after` in
    seconds, `body` the engine's own error body (bounded), to be passed on when no attempt is left.
    `condition` is what the engine's profile makes of its answer (a value of
    `dialects.profile.Condition`, or `path-missing`); it then says whom to blame. `param` names the
    field of the request that is wrong.
    """

    kind: Kind
    origin: Origin
    phase: Phase
    detail: str
    retryable: bool = False
    free: bool = False
    status: int | None = None
    retry_after: float | None = None
    body: bytes | None = None
    content_type: bytes | None = None
    condition: str = ""
    param: str = ""

    @property
    def code(self) -> str:
        """Return the two-letter end code: origin, then phase."""
        return self.origin.value + self.phase.value
