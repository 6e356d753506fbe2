"""One ended request as it is drawn: what it waited for, from when to when.

    queue     waiting for a backend with room
    connect   an attempt, until its bytes are on a connection
    wait      from there to the first token, or to the first byte of a plain answer
    stream    from there to the last one

Times are milliseconds since the whole request was here. A request that was sampled for tracing has
its waits noted one by one; of any other only their sum is known, and it is drawn at the beginning.
"""

import msgspec

from proxy.core.call import Call
from proxy.telemetry.escape import visible
from proxy.telemetry.history import History, Try


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """One wait. `attempt` is 0 for the queue; `failed` is the kind of failure that ended it."""

    what: str
    attempt: int
    backend: str | None
    from_ms: float
    to_ms: float
    failed: str | None = None
    detail: str = ""


def summary(call: Call, history: History, now: float) -> dict[str, object]:
    """Return what is shown of a request; docs/reference/admin-api.md describes the fields."""
    failure, first = call.failure, call.first_token_at
    return {
        "request_id": visible(call.request_id),
        "age_s": round(now - call.ended_at, 1),
        "path": visible(call.path),
        "model": visible(call.model),
        "backend": None if call.backend is None else call.backend.name,
        "stream": call.stream,
        "status": call.status,
        "end": call.end,
        "attempts": call.attempts,
        "duration_ms": _ms(call.ended_at - call.received_at),
        "queue_ms": _ms(call.queued_s),
        "ttft_ms": _ms(first - call.received_at) if first else None,
        "tokens_in": call.tokens_in,
        "tokens_out": call.tokens_out,
        "failure": None if failure is None else failure.kind.value,
        "detail": "" if failure is None else visible(failure.detail, 512),
        "stretches": [msgspec.structs.asdict(one) for one in stretches(call, history)],
    }


def stretches(call: Call, history: History) -> list[Stretch]:
    """Return the waits of a request, in their order."""
    found, at = _queued(call)
    number = 0
    for number, one in enumerate(history.tries_of(call), 1):
        found += _tried(call, one, number, at)
        at = one.ended
    if call.attempts > number:
        found += _last(call, call.attempts, at)
    return found


def _queued(call: Call) -> tuple[list[Stretch], float]:
    waits = call.trace.waits if call.trace is not None else []
    if not waits and call.queued_s > 0.0:
        waits = [(call.received_at, call.received_at + call.queued_s)]
    found = [_stretch(call, "queue", 0, wait) for wait in waits]
    first = waits[0][1] if waits else call.received_at
    return found, first


def _tried(call: Call, one: Try, number: int, start: float) -> list[Stretch]:
    name, kind = one.backend.name, one.failure.kind.value
    detail = visible(one.failure.detail, 512)
    sent = one.sent if one.sent >= start else 0.0
    found = [_stretch(call, "connect", number, (start, sent or one.ended), name)]
    if sent:
        found.append(_stretch(call, "wait", number, (sent, one.ended), name))
    found[-1] = msgspec.structs.replace(found[-1], failed=kind, detail=detail)
    return found


def _last(call: Call, number: int, start: float) -> list[Stretch]:
    name = None if call.backend is None else call.backend.name
    sent = call.dispatched_at if call.dispatched_at >= start else 0.0
    first = call.first_token_at if sent else 0.0
    found = [_stretch(call, "connect", number, (start, sent or call.ended_at), name)]
    if sent:
        found.append(_stretch(call, "wait", number, (sent, first or call.ended_at), name))
    if first:
        found.append(_stretch(call, "stream", number, (first, call.ended_at), name))
    failure = call.failure
    if failure is not None:
        found[-1] = msgspec.structs.replace(
            found[-1], failed=failure.kind.value, detail=visible(failure.detail, 512)
        )
    return found


def _stretch(
    call: Call, what: str, attempt: int, times: tuple[float, float], backend: str | None = None
) -> Stretch:
    start, end = times
    return Stretch(
        what=what,
        attempt=attempt,
        backend=backend,
        from_ms=_ms(start - call.received_at),
        to_ms=_ms(end - call.received_at),
    )


def _ms(seconds: float) -> float:
    return round(seconds * 1e3, 2)
