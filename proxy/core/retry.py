"""Decide whether a failed try is followed by another one.

Theory. A retry is safe while nothing of the answer has reached the client, useful when the cause
lies in one backend, and dangerous when everybody does it at once. So the kind and the phase of the
failure say whether it may be retried and what that costs; the failure's own flags can only narrow
it. FREE retries cannot have made an engine work (no connection was made, or an idle one was found
dead), or cost an engine nothing: it does not have the path and is asked in another way. BUDGETED
ones need room in a budget that follows the traffic, so that an outage is answered
by a fifth more requests at most and not by three times as many. LOST ones replace work that died
with its engine: when one of two engines is killed, half of all calls must move at once, and a
budget would turn most of them away. What bounds these is that a request during which engines died
twice is probably what killed them: it stops.

An engine that says it is full has done nothing. When a burst meets one, most of its calls must move
at once, too, and as long as another engine is calm (nobody has refused there lately) the budget
would turn away what that one has room for. Each refusal makes an engine less calm, so when all are
full the budget holds again.

A stream that has begun cannot be tried again, but some can be gone on with at another engine: their
failures say that they are retryable, all others of that phase do not.

Where nothing listens and no other backend is left, the call waits: it has cost nobody anything, and
is as well off as one that came when the backend was known to be down.

Anything the table does not name is NEVER: all of the phases READ and QUEUE, everything the client
or this proxy caused, and the end of the client's own deadline.

    kind                                CONNECT   WAIT                     STREAM (continuation)
    connect refused, timeout, failed    FREE      -                        -
    closed by the backend               FREE      LOST (FREE if it says)   -
    status                              -         BUDGETED (FREE likewise) -
    status of one that is full          -         SPILL if another is calm -
    bad response, error event           -         BUDGETED (FREE likewise) BUDGETED
    truncated                           -         BUDGETED                 LOST
    first-token timeout                 -         BUDGETED                 -
    idle timeout                        -         BUDGETED                 BUDGETED
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import msgspec
from typing_extensions import override

from proxy.core.breaker import Blame, blame_of_status
from proxy.core.failure import Failure, Kind, Phase

# 401 and 403 speak of the credentials we sent, which may be right for another backend.
_RETRIED_STATUS = frozenset({401, 403, 429, 500, 502, 503, 504, 529})
OVERLOADED: Final = "overloaded"  # the condition of an engine that says it is full
_SERVER_ERROR = 500  # tried elsewhere once only: a second one is probably the request's doing
_MAX_KILLED = 2


class Cost(StrEnum):
    """What a retry takes."""

    NEVER = "never"
    BUDGETED = "budgeted"
    LOST = "lost"
    SPILL = "spill"
    FREE = "free"


TABLE: Mapping[tuple[Kind, Phase], Cost] = MappingProxyType(
    {
        (Kind.CONNECT_REFUSED, Phase.CONNECT): Cost.FREE,
        (Kind.CONNECT_TIMEOUT, Phase.CONNECT): Cost.FREE,
        (Kind.CONNECT_FAILED, Phase.CONNECT): Cost.FREE,
        (Kind.CONNECT_TLS, Phase.CONNECT): Cost.FREE,
        (Kind.CLOSED, Phase.CONNECT): Cost.FREE,
        (Kind.CLOSED, Phase.WAIT): Cost.LOST,
        (Kind.STATUS, Phase.WAIT): Cost.BUDGETED,
        (Kind.BAD_RESPONSE, Phase.WAIT): Cost.BUDGETED,
        (Kind.ERROR_EVENT, Phase.WAIT): Cost.BUDGETED,
        (Kind.TRUNCATED, Phase.WAIT): Cost.BUDGETED,
        (Kind.FIRST_TOKEN_TIMEOUT, Phase.WAIT): Cost.BUDGETED,
        (Kind.IDLE_TIMEOUT, Phase.WAIT): Cost.BUDGETED,
        (Kind.TRUNCATED, Phase.STREAM): Cost.LOST,
        (Kind.BAD_RESPONSE, Phase.STREAM): Cost.BUDGETED,
        (Kind.ERROR_EVENT, Phase.STREAM): Cost.BUDGETED,
        (Kind.IDLE_TIMEOUT, Phase.STREAM): Cost.BUDGETED,
    }
)


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How much retrying is allowed. Times are seconds.

    `max_extra` tries follow the first one at most, `max_free` while the failures are free.
    Concurrent budgeted retries of a model stay within `budget_ratio` of its calls in flight, or
    `budget_min` if that is more. Before try n+1 lies a random wait below `backoff` x 2^(n-1), at
    most `max_backoff`.
    """

    max_extra: int = 2
    max_free: int = 8
    budget_ratio: float = 0.2
    budget_min: int = 3
    backoff: float = 0.025
    max_backoff: float = 0.25


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """Whether to try again, after how many seconds, and why (or why not), in a few words.

    `budgeted` asks the caller to `take` from the budget now and to `give` when that try has ended.
    `same_backend` allows the backend that failed: only its connection was stale, or the path it was
    asked. `wait` allows all of them, once one is thought to be there again.
    """

    retry: bool
    reason: str
    delay: float = 0.0
    budgeted: bool = False
    same_backend: bool = False
    wait: bool = False


class Budget:
    """Counts the calls in flight and the concurrent retries of one model."""

    __slots__ = ("in_flight", "policy", "retries")

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.in_flight = 0  # calls, each counted once, from its first try to its end
        self.retries = 0

    @property
    def limit(self) -> int:
        """Return how many retries may run at once now."""
        return max(self.policy.budget_min, int(self.policy.budget_ratio * self.in_flight))

    @property
    def has_room(self) -> bool:
        """Tell whether one more retry may begin."""
        return self.retries < self.limit

    def take(self) -> None:
        """Count a budgeted retry in, as soon as it is decided."""
        self.retries += 1

    def give(self) -> None:
        """Count a budgeted retry out, once, when its try has ended."""
        self.retries -= 1

    @override
    def __repr__(self) -> str:
        """Show the use."""
        return f"<Budget {self.retries} of {self.limit} retries, {self.in_flight} calls>"


def cost(failure: Failure) -> Cost:
    """Return what another try after `failure` takes, by the table and the failure's own flags."""
    if not failure.retryable:
        return Cost.NEVER
    listed = TABLE.get((failure.kind, failure.phase), Cost.NEVER)
    return Cost.FREE if failure.free and listed is not Cost.NEVER else listed


def kills(failure: Failure) -> bool:
    """Tell whether the engine may have died of the request: it hung up while it worked on it."""
    died = failure.kind is Kind.CLOSED or failure.kind is Kind.TRUNCATED
    working = failure.phase is Phase.WAIT or failure.phase is Phase.STREAM
    return died and working and not failure.free


def decide(  # noqa: PLR0913 - the facts of one decision, each by its name
    failure: Failure,
    *,
    attempts: int,
    budget: Budget,
    candidates_left: int,
    calm: bool,
    killed: int,
    now: float,
    deadline: float,
    random: Callable[[], float],
) -> Decision:
    """Decide what follows `failure`.

    `attempts` counts the tries made, this one included; `killed` those for which `kills` held.
    `candidates_left` counts the backends that serve the model and were not tried; `calm` tells that
    one of them is up and has not refused anything lately. `deadline` is absolute, 0 = none.
    `random` returns a number in [0, 1). Changes nothing.
    """
    policy = budget.policy
    price = _spilled(failure, cost(failure), calm=calm)
    again = failure.kind is Kind.CLOSED or failure.kind is Kind.STATUS
    stale = price is Cost.FREE and again
    wait = failure.kind is Kind.CONNECT_REFUSED and candidates_left < 1
    free, budgeted = price is Cost.FREE, price is Cost.BUDGETED
    # Free tries count as tries but have their own limit: a request may pass several dead backends.
    limit = policy.max_free if free else policy.max_extra
    ceiling = min(policy.backoff * 2.0 ** (attempts - 1), policy.max_backoff)
    delay = 0.0 if free or price is Cost.SPILL else random() * ceiling
    reasons_against = (
        (price is Cost.NEVER, "not retryable"),
        (killed >= _MAX_KILLED, "engines died of it twice"),
        (_unexplained(failure) and attempts > 1, "server error again"),
        (attempts > limit, "tries used up"),
        (candidates_left < 1 and not stale and not wait, "no other backend"),
        (budgeted and not budget.has_room, "retry budget used up"),
        (0.0 < deadline <= now + delay, "deadline"),
    )
    for refused, reason in reasons_against:
        if refused:
            return Decision(retry=False, reason=reason)
    return Decision(
        retry=True,
        reason=price.value,
        delay=delay,
        budgeted=budgeted,
        same_backend=stale,
        wait=wait,
    )


def _spilled(failure: Failure, price: Cost, *, calm: bool) -> Cost:
    """Return what a try elsewhere takes, now that it is known whether another engine is calm."""
    full = price is Cost.BUDGETED and failure.condition == OVERLOADED
    return Cost.SPILL if full and calm else price


def _unexplained(failure: Failure) -> bool:
    """Tell whether the engine failed without its profile knowing why."""
    return failure.status == _SERVER_ERROR and not failure.condition


class StatusClass(msgspec.Struct, frozen=True, kw_only=True):
    """What an engine's status means: may another do better, and what it says of this one."""

    retryable: bool
    blame: Blame


def classify_status(status: int, *, retry_after: float | None = None) -> StatusClass:
    """Classify an engine's answer by its HTTP status, where nothing more is known of it."""
    return StatusClass(
        retryable=status in _RETRIED_STATUS,
        blame=blame_of_status(status, told_to_wait=retry_after is not None),
    )
