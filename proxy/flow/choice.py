"""Where a call may still go, and what its client is told if it can go nowhere."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from proxy.core import affinity, retry
from proxy.core.failure import Failure, Kind, Origin, Phase

if TYPE_CHECKING:
    from proxy.core.account import Grant
    from proxy.core.admission import Queue, Ticket
    from proxy.core.backend import Backend
    from proxy.core.catalog import Target
    from proxy.flow.attempts import Attempts

_SHOWN = 10  # backends named to a client
SOONEST = 1.0  # seconds, of Retry-After: probes and queues move at that pace


def pick(attempts: "Attempts", now: float) -> "tuple[Target, Backend] | None":
    """Return where a call would go now, in the order of its targets."""
    call, selector = attempts.call, attempts.course.selector
    if attempts.course.queues.waited and stands_back(attempts, now):
        return None
    for target in attempts.targets:
        backend = selector.pick(
            target.candidates,
            prompt_work=call.prompt_work,
            output_work=call.output_work,
            tried=call.tried,
            now=now,
        )
        if backend is not None:
            if call.session or attempts.request.translates:
                backend = _particular(attempts, target, backend, now)
            return target, backend
    return None


def _particular(attempts: "Attempts", target: "Target", chosen: "Backend", now: float) -> "Backend":
    """Return the backend for a call that is not as good anywhere else."""
    kept = _of_session(attempts, target, now) if attempts.call.session else None
    if kept is None and attempts.request.translates:
        return _native_if_equal(attempts, target, chosen, now)
    return kept or chosen


def _of_session(attempts: "Attempts", target: "Target", now: float) -> "Backend | None":
    """Return where the calls of this call's session go, unless that has enough to do."""
    call, bound = attempts.call, attempts.course.session_bound
    if not bound:
        return None
    return affinity.pick(
        str(call.session),
        target.candidates,
        bound=bound,
        work=call.work,
        tried=call.tried,
        now=now,
    )


def _native_if_equal(
    attempts: "Attempts", target: "Target", chosen: "Backend", now: float
) -> "Backend":
    """Return a backend that speaks the caller's dialect, if one is as good as the chosen one."""
    call, course = attempts.call, attempts.course
    if course.sides[chosen].speaks(call.path):
        return chosen
    native = [b for b in target.candidates if course.sides[b].speaks(call.path)]
    for backend in native:
        if course.selector.equal(chosen, backend, call.work, now) and backend not in call.tried:
            return backend
    return chosen


def queue(attempts: "Attempts") -> "Queue[Attempts]":
    """Return where this call waits: with all that asked for the same name."""
    return attempts.course.queues.queue(attempts.call.model)


def queued(attempts: "Attempts", now: float) -> "Ticket[Attempts] | Failure":
    """Let this call wait, as one of those of its tenant."""
    call = attempts.call
    line = queue(attempts)
    whose = "" if call.grant is None else _tenant(call.grant)
    ticket = line.push(attempts, size=call.body_size, priority=call.priority, now=now, whose=whose)
    if whose and call.visit is None and not isinstance(ticket, Failure):
        call.visit = line.kept.visit(whose, now)
    return ticket


def stands_back(attempts: "Attempts", now: float) -> bool:
    """Tell whether the room there is is kept for other tenants than this call's.

    Not for a call that has had a place before, nor for one that came without a key.
    """
    call = attempts.call
    if call.grant is None or (call.visit is not None and call.visit.placed):
        return False
    kept = attempts.course.queues.kept(call.model)
    if not kept:
        return False
    free = sum(
        max(0.0, backend.room - backend.in_flight)
        for backend in _candidates(attempts.targets)
        if backend.available(now)
    )
    return kept.withheld(_tenant(call.grant), free, now)


def count_in(attempts: "Attempts", now: float) -> None:
    """Count the place that a call with a key now has, if its tenants wait for places."""
    call = attempts.call
    if call.visit is None and call.grant is not None:
        kept = attempts.course.queues.kept(call.model)
        if kept is not None:
            call.visit = kept.visit(_tenant(call.grant), now)
    if call.visit is not None:
        call.visit.place()


def _tenant(grant: "Grant") -> str:
    key = grant.account.key
    return key.tenant or key.name


def choosy(attempts: "Attempts") -> bool:
    """Tell whether this call may go to fewer backends than others that asked for its model."""
    call = attempts.call
    return bool(call.tried) or call.pin is not None or call.path not in attempts.course.common_paths


def untried(attempts: "Attempts") -> int:
    """Return how many backends could still be tried, were they available.

    One that was ordered out of use could not: nobody knows when that ends.
    """
    tried = attempts.call.tried
    return sum(b not in tried and not b.draining for b in _candidates(attempts.targets))


def calm(attempts: "Attempts", failure: Failure, now: float) -> bool:
    """Tell whether, after an engine that says it is full, another is up that has not refused."""
    if failure.condition != retry.OVERLOADED:
        return False
    tried = attempts.call.tried
    return any(
        backend not in tried and backend.available(now) and not backend.penalised(now)
        for backend in _candidates(attempts.targets)
    )


def no_backend(attempts: "Attempts", now: float) -> Failure:
    """Return the failure of a call that has nowhere to go at all."""
    return Failure(
        kind=Kind.NO_BACKEND,
        origin=Origin.PROXY,
        phase=Phase.QUEUE,
        detail=f"no backend is left that could serve {attempts.call.model[:200]!r}"
        + _out_of_use(attempts),
        retry_after=retry_after(attempts, now),
    )


def waited_in_vain(attempts: "Attempts", now: float) -> Failure:
    """Return the failure of a call for which no backend had room in time."""
    detail = "no backend had room in time" + _out_of_use(attempts)
    if attempts.last_failure is not None:
        detail += f" after a first one had failed: {attempts.last_failure.detail}"
    return Failure(
        kind=Kind.QUEUE_TIMEOUT,
        origin=Origin.DEADLINE,
        phase=Phase.QUEUE,
        detail=detail,
        retry_after=retry_after(attempts, now),
    )


def _out_of_use(attempts: "Attempts") -> str:
    """Return what a client is told of backends that were ordered out of use."""
    names = [backend.name for backend in _candidates(attempts.targets) if backend.draining]
    return f"; out of use for now: {', '.join(dict.fromkeys(names[:_SHOWN]))}" if names else ""


def retry_after(attempts: "Attempts", now: float) -> float:
    """Return the seconds after which asking again makes sense.

    While a backend is up and merely full, that is what its queue says; else the time of the first
    trial any of them will be given.
    """
    backends = tuple(_candidates(attempts.targets))
    if not backends or any(backend.available(now) for backend in backends):
        return float(queue(attempts).retry_after(now))
    return max(SOONEST, min(_next_trial(backend, now) for backend in backends) - now)


def _next_trial(backend: "Backend", now: float) -> float:
    probe = 0.0 if backend.health.ready else backend.health.next_probe_at
    return max(now, probe, backend.breaker.next_probe_at or 0.0)


def _candidates(targets: "tuple[Target, ...]") -> "Iterator[Backend]":
    for target in targets:
        yield from target.candidates
