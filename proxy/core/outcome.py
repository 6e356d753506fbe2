"""How a call ended: two letters for who and when, and a flat record for observers.

The first letter of an end code says who ended the call, the second how far it had come (the values
of `Origin` and `Phase`). Operators search access logs for these codes, so they never change their
meaning; `END_CODES` is the list of all that can occur, and docs/reference/end-codes.md is made from
it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from proxy.core.call import OK, Call
from proxy.core.failure import Kind, Origin, Phase


class EndCode(msgspec.Struct, frozen=True, kw_only=True):
    """One way a call can end.

    meaning: one sentence. kinds: the error codes (`Kind`) seen with it. look: where to look first.
    """

    code: str
    meaning: str
    kinds: tuple[Kind, ...] = ()
    look: str = ""


def _code(origin: Origin, phase: Phase, meaning: str, *kinds: Kind, look: str = "") -> EndCode:
    return EndCode(code=origin.value + phase.value, meaning=meaning, kinds=kinds, look=look)


_C, _B, _P, _T = Origin.CLIENT, Origin.BACKEND, Origin.PROXY, Origin.DEADLINE
_READ, _QUEUE, _CONNECT, _WAIT, _STREAM = (
    Phase.READ,
    Phase.QUEUE,
    Phase.CONNECT,
    Phase.WAIT,
    Phase.STREAM,
)
_ALL: Final = (
    EndCode(code=OK, meaning="The call ended well: the client has the whole answer."),
    # the client
    _code(
        _C,
        _READ,
        "The request was refused as the client sent it, or the client left while sending it.",
        Kind.BAD_REQUEST,
        Kind.BAD_JSON,
        Kind.TOO_LARGE,
        Kind.HEAD_TOO_LARGE,
        Kind.UNSUPPORTED_CODING,
        Kind.UNKNOWN_MODEL,
        Kind.UNKNOWN_PATH,
        Kind.UNKNOWN_BACKEND,
        Kind.UNKNOWN_SCOPE,
        Kind.UNNAMED_BACKEND,
        Kind.DISABLED,
        Kind.NO_KEY,
        Kind.BAD_KEY,
        Kind.OLD_KEY,
        Kind.FORBIDDEN_MODEL,
        Kind.FORBIDDEN,
        Kind.FOREIGN,
        Kind.RATE_LIMITED,
        Kind.BUDGET_SPENT,
        Kind.METHOD,
        Kind.LOOP,
        Kind.CLIENT_GONE,
        look="the error code of the answer says what to change in the request",
    ),
    _code(
        _C,
        _QUEUE,
        "The client left while its request waited for a backend with room.",
        Kind.CLIENT_GONE,
        look="the queue time of the line: clients give up before there is room",
    ),
    _code(
        _C,
        _CONNECT,
        "The client left while a connection to the engine was being opened.",
        Kind.CLIENT_GONE,
        look="nothing, unless frequent: then the time engines take to accept connections",
    ),
    _code(
        _C,
        _WAIT,
        "The client left before the answer began, or the engine found the request at fault.",
        Kind.CLIENT_GONE,
        Kind.STATUS,
        Kind.ERROR_EVENT,
        look="the client's own timeout against the time to the first token",
    ),
    _code(
        _C,
        _STREAM,
        "The client left in the middle of the answer, or did not read it.",
        Kind.CLIENT_GONE,
        Kind.SLOW_READER,
        look="nothing: users stop answers; `slow_reader` means a client or network that stalls",
    ),
    # the engine
    _code(
        _B,
        _CONNECT,
        "No connection to the engine could be opened.",
        Kind.CONNECT_REFUSED,
        Kind.CONNECT_FAILED,
        Kind.CONNECT_TLS,
        look="whether the engine runs and listens at the address of the backend",
    ),
    _code(
        _B,
        _WAIT,
        "The engine failed before its answer began, on every backend that was tried.",
        Kind.CLOSED,
        Kind.STATUS,
        Kind.BAD_RESPONSE,
        Kind.ERROR_EVENT,
        Kind.TRUNCATED,
        look="the engine's log; the detail of the line holds its status or message",
    ),
    _code(
        _B,
        _STREAM,
        "The engine broke its answer off, or reported an error inside it.",
        Kind.CLOSED,
        Kind.BAD_RESPONSE,
        Kind.ERROR_EVENT,
        Kind.TRUNCATED,
        look="the engine's log at that second: a killed engine ends all its streams so",
    ),
    # this proxy
    _code(
        _P,
        _READ,
        "The proxy refused the request before looking for a backend.",
        Kind.LIMITS_AWAY,
        Kind.DRAINING,
        Kind.SHEDDING,
        Kind.INTERNAL,
        look="whether this replica was being stopped, or short of memory; else the proxy's own"
        " error log",
    ),
    _code(
        _P,
        _QUEUE,
        "The proxy had no place for the request: queue full, no backend, or shutting down.",
        Kind.QUEUE_FULL,
        Kind.NO_BACKEND,
        Kind.DRAINING,
        Kind.INTERNAL,
        look="/status for the backends' states; the queue's bounds in `limits`",
    ),
    _code(
        _P,
        _CONNECT,
        "The proxy itself failed while it opened a connection.",
        Kind.DRAINING,
        Kind.INTERNAL,
        look="the proxy's own error log; limits on open files",
    ),
    _code(
        _P,
        _WAIT,
        "The proxy itself failed, or was stopped, before the answer began.",
        Kind.DRAINING,
        Kind.INTERNAL,
        look="the drain timeout, if the replica was being stopped; else its error log",
    ),
    _code(
        _P,
        _STREAM,
        "The proxy itself failed, or was stopped, in the middle of the answer.",
        Kind.DRAINING,
        Kind.INTERNAL,
        look="the drain timeout against the length of answers; else its error log",
    ),
    # time
    _code(
        _T,
        _READ,
        "The request did not arrive in time.",
        Kind.REQUEST_TIMEOUT,
        look="slow or stalled clients; `limits.header_timeout` and `limits.body_timeout`",
    ),
    _code(
        _T,
        _QUEUE,
        "No backend had room in time.",
        Kind.QUEUE_TIMEOUT,
        Kind.TOTAL_TIMEOUT,
        look="whether capacity is short, or a backend is down; `limits.queue_timeout`",
    ),
    _code(
        _T,
        _CONNECT,
        "The engine did not accept a connection in time.",
        Kind.CONNECT_TIMEOUT,
        Kind.TOTAL_TIMEOUT,
        look="the network to the backend, or an accept queue that overflows; `timeouts.connect`",
    ),
    _code(
        _T,
        _WAIT,
        "The first token did not come in time, or an answer gathered here fell silent.",
        Kind.FIRST_TOKEN_TIMEOUT,
        Kind.IDLE_TIMEOUT,
        Kind.TOTAL_TIMEOUT,
        look="the engine's own queue and its prompt lengths; `timeouts.first_token`",
    ),
    _code(
        _T,
        _STREAM,
        "The answer stalled, or took longer than allowed as a whole.",
        Kind.IDLE_TIMEOUT,
        Kind.TOTAL_TIMEOUT,
        look="an engine that hangs or is stopped; `timeouts.idle`, `timeouts.total`",
    ),
)
END_CODES: Final[Mapping[str, EndCode]] = MappingProxyType({code.code: code for code in _ALL})


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """A finished call as flat data. Durations in seconds; None where a moment never came."""

    request_id: str
    method: str
    path: str
    surface: str
    client: str
    model: str
    native_model: str
    backend: str
    stream: bool
    status: int
    end: str
    kind: str
    detail: str
    attempts: int
    queued: float
    to_first_byte: float | None
    to_first_token: float | None
    total: float
    tokens_in: int | None
    tokens_out: int | None
    bytes_in: int
    bytes_out: int
    chunks: int


def summarise(call: Call) -> Outcome:
    """Return the record of a call that has ended.

    Durations count from the moment the whole request was here.
    """
    failure, backend = call.failure, call.backend
    return Outcome(
        request_id=call.request_id,
        method=call.method,
        path=call.path,
        surface=call.surface,
        client=call.client,
        model=call.model,
        native_model=call.native_model,
        backend=backend.name if backend is not None else "",
        stream=call.stream,
        status=call.status,
        end=call.end,
        kind=failure.kind.value if failure is not None else "",
        detail=failure.detail if failure is not None else "",
        attempts=call.attempts,
        queued=call.queued_s,
        to_first_byte=_since(call, call.first_byte_at),
        to_first_token=_since(call, call.first_token_at),
        total=max(0.0, call.ended_at - call.received_at),
        tokens_in=call.tokens_in,
        tokens_out=call.tokens_out,
        bytes_in=call.body_size,
        bytes_out=call.bytes_out,
        chunks=call.chunks,
    )


def _since(call: Call, moment: float) -> float | None:
    return moment - call.received_at if moment else None


# the reference page ------------------------------------------------------------------------------

_INTRODUCTION: Final = """\
# End codes

Every request ends with exactly one end code; it stands in its access line (`end`) and in the metric
`headrace_requests_total`. The first letter says who ended the request, the second how far it had
come.

| first letter | who | second letter | how far |
|---|---|---|---|
| `C` | the client | `R` | the request was still arriving or being checked |
| `B` | the backend (the engine) | `Q` | waiting for a backend with room |
| `P` | this proxy | `C` | opening a connection to the engine |
| `T` | a deadline | `W` | request sent, no data of the answer yet |
| | | `S` | the answer's head has gone to the client |

An error code is what the client reads as the code of the error; after the head has gone it comes in
an error event instead, and the body is then cut off, never ended cleanly.
"""
_HEADER: Final = """
| end | meaning | error codes | look first at |
|---|---|---|---|
"""


def reference() -> str:
    """Return docs/reference/end-codes.md."""
    rows = [
        f"| `{code.code}` | {code.meaning} | {_words(code.kinds)} | {code.look} |\n"
        for code in END_CODES.values()
    ]
    return _INTRODUCTION + _HEADER + "".join(rows)


def _words(kinds: tuple[Kind, ...]) -> str:
    return ", ".join(f"`{kind.value}`" for kind in kinds)
