"""What the way of requests is told of the settings: at the start, and again at every reload."""

import random
from collections.abc import Callable
from functools import lru_cache
from math import inf

from proxy.core import admission, selection
from proxy.core.catalog import matches
from proxy.core.conversation import fingerprint
from proxy.core.early import Policy as Early
from proxy.core.hedging import Policy
from proxy.core.recording import Rule
from proxy.flow.course import Course
from proxy.flow.early import Earlies
from proxy.flow.hedging import Hedges
from proxy.flow.recording import Recorder
from proxy.settings.balancing import Sessions
from proxy.settings.load import Loaded, Supply
from proxy.settings.schema import Settings


def selector(settings: Settings) -> selection.Selector:
    """Return who picks backends."""
    return selection.Selector(selection.Policy(settings.balance.policy), random.random)


def common_paths(settings: Settings) -> frozenset[str]:
    """Return the paths that every kind of engine may be sent."""
    return frozenset.intersection(*(e.operations for e in settings.engines.values()))


def least_body(settings: Settings) -> float:
    """Return the bytes of a body that every kind of engine takes."""
    return min((e.max_body for e in settings.engines.values() if e.max_body), default=inf)


def queueing(settings: Settings) -> admission.Policy:
    """Return the bounds of the queues."""
    limits = settings.limits
    return admission.Policy(
        count=limits.queue, timeout=limits.queue_timeout, keep=limits.keep_places
    )


def continued(settings: Settings) -> Callable[[str], bool] | None:
    """Return what tells of a model whether its broken streams go on elsewhere; None = of none."""
    patterns = settings.models.continue_streams
    if not patterns:
        return None

    @lru_cache(maxsize=1024)
    def named(model: str) -> bool:
        return any(matches(pattern, model) for pattern in patterns)

    return named


def hedged(settings: Settings) -> Callable[[str], Policy | None]:
    """Return what tells of a model how it is hedged; the first name that matches counts."""
    rules = {name: one.policy for name, one in settings.models.hedge.items()}

    @lru_cache(maxsize=1024)
    def named(model: str) -> Policy | None:
        return next((rule for name, rule in rules.items() if matches(name, model)), None)

    return named


def early(settings: Settings) -> Callable[[str], Early | None]:
    """Return what tells of a model how early it is committed; the first match counts."""
    rules = {name: one.policy for name, one in settings.models.commit_early.items()}

    @lru_cache(maxsize=1024)
    def named(model: str) -> Early | None:
        return next((rule for name, rule in rules.items() if matches(name, model)), None)

    return named


def recorded(settings: Settings) -> Callable[[str], Rule | None]:
    """Return what tells of a model how much of its words is noted; the first match counts."""
    rules = {name: one.rule for name, one in settings.tracing.content.items()}

    @lru_cache(maxsize=1024)
    def named(model: str) -> Rule | None:
        return next((rule for name, rule in rules.items() if matches(name, model)), None)

    return named


def renew(course: Course, settings: Settings) -> None:
    """Let calls that begin from now on, or pick from now on, follow `settings`."""
    course.forget_timeouts()
    course.selector = selector(settings)
    balance = settings.balance
    course.session_bound = balance.session_bound or 0.0
    told = balance.session_bound and balance.sessions is Sessions.CONVERSATIONS
    course.fingerprint = fingerprint if told else None
    course.queue_timeout = settings.limits.queue_timeout
    course.common_paths = common_paths(settings)
    course.least_body = least_body(settings)
    course.continues = continued(settings)
    course.continue_room = settings.limits.continuation
    course.queues.bound(queueing(settings))
    if settings.models.hedge or course.hedges is not None:
        hedges = course.hedges if isinstance(course.hedges, Hedges) else Hedges()
        hedges.policy_of = hedged(settings)
        course.hedges = hedges
    if settings.models.commit_early or course.early is not None:
        earlies = course.early if isinstance(course.early, Earlies) else Earlies()
        earlies.policy_of = early(settings)
        course.early = earlies
    if settings.tracing.endpoint is not None or course.recorder is not None:
        recorder = course.recorder if isinstance(course.recorder, Recorder) else Recorder()
        recorder.rule_of = recorded(settings)
        course.recorder = recorder


def nowhere(settings: Settings) -> Supply:
    """Return a supply that has these settings and never others."""
    loaded = Loaded(settings=settings, origins={})
    return Supply(loaded=loaded, read=lambda: loaded)
