"""What follows from the settings for the way of requests."""

from math import inf

import msgspec
import pytest

from proxy.boot import derived
from proxy.core.recording import Rule
from proxy.core.selection import Policy
from proxy.dialects.registry import ENGINES
from proxy.flow.early import Earlies
from proxy.flow.hedging import Hedges
from proxy.flow.recording import Recorder
from proxy.settings.balancing import BalanceSettings, Sessions
from proxy.settings.early import Early
from proxy.settings.hedging import Hedging
from proxy.settings.profiles import Profiles
from proxy.settings.schema import Limits, Models, Settings, Timeouts
from proxy.settings.tracing import Content, Tracing
from tests.fixtures.course import World

CHAT = "/v1/chat/completions"


def with_kind(**facts: object) -> Settings:
    kind = msgspec.structs.replace(ENGINES["vllm"], name="mine", **facts)
    return Settings(profiles=Profiles(folder="p", engines={"mine": kind}))


def test_paths_are_common_if_every_kind_has_them() -> None:
    assert CHAT in derived.common_paths(Settings())
    assert derived.common_paths(with_kind(operations=frozenset({"/v1/rerank"}))) <= {"/v1/rerank"}


def test_the_least_body_is_that_of_the_strictest_kind() -> None:
    limits = [kind.max_body for kind in ENGINES.values() if kind.max_body]

    assert derived.least_body(Settings()) == min(limits, default=inf)
    assert derived.least_body(with_kind(max_body=7)) == 7


def test_calls_that_begin_after_a_reload_follow_it() -> None:
    world = World("a")
    (backend,) = world.backends.values()
    assert world.course.timeouts_of("m", backend).idle == 120.0
    world.timeouts = Timeouts(idle=9.0)

    derived.renew(
        world.course,
        Settings(
            balance=BalanceSettings(policy=Policy.RANDOM, session_bound=None),
            limits=Limits(queue=0, queue_timeout=3.0, continuation=2048),
        ),
    )

    assert world.course.selector.policy is Policy.RANDOM
    assert world.course.session_bound == 0.0
    assert world.course.fingerprint is None
    assert world.course.queue_timeout == 3.0
    assert world.course.continue_room == 2048
    assert world.course.timeouts_of("m", backend).idle == 9.0
    backend.rank(weight=1.0, priority=0, cap=0)
    assert world.ask().refusals[0].kind.value == "queue_full"


def test_models_that_are_continued_are_named_by_patterns() -> None:
    named = derived.continued(Settings(models=Models(continue_streams=("llama-*", "q"))))

    assert named is not None
    assert [named(model) for model in ("llama-3", "q", "qwen", "llama-3")] == [
        *(True, True, False, True)
    ]
    assert derived.continued(Settings()) is None


@pytest.mark.parametrize(
    ("sessions", "bound", "told"),
    [
        (Sessions.NAMED, 1.25, False),
        (Sessions.CONVERSATIONS, 1.25, True),
        (Sessions.CONVERSATIONS, None, False),
    ],
)
def test_conversations_are_told_apart_only_if_that_counts(
    sessions: Sessions, bound: float | None, told: bool
) -> None:
    world = World("a")
    balance = BalanceSettings(sessions=sessions, session_bound=bound)

    derived.renew(world.course, Settings(balance=balance))

    assert (world.course.fingerprint is not None) is told


def test_a_supply_from_nowhere_has_what_holds() -> None:
    supply = derived.nowhere(Settings())

    assert supply.read() is supply.loaded
    assert supply.loaded.files == ()


def test_hedged_models_are_named_by_patterns_and_the_first_counts() -> None:
    world = World("a")
    derived.renew(world.course, Settings())
    assert world.course.hedges is None
    rules = {"big-1": Hedging(delay=9.0), "big-*": Hedging(delay=2.0)}

    derived.renew(world.course, Settings(models=Models(hedge=rules)))

    hedges = world.course.hedges
    assert isinstance(hedges, Hedges)
    found = [hedges.policy_of(name) for name in ("big-1", "big-2", "small")]
    assert [None if policy is None else policy.delay for policy in found] == [9.0, 2.0, None]
    derived.renew(world.course, Settings())
    assert world.course.hedges is hedges  # calls under way know it
    assert hedges.policy_of("big-1") is None


def test_models_committed_early_are_named_by_patterns_and_the_first_counts() -> None:
    world = World("a")
    derived.renew(world.course, Settings())
    assert world.course.early is None
    rules = {"big-1": Early(after=9.0), "big-*": Early(after=2.0)}

    derived.renew(world.course, Settings(models=Models(commit_early=rules)))

    early = world.course.early
    assert isinstance(early, Earlies)
    found = [early.policy_of(name) for name in ("big-1", "big-2", "small")]
    assert [None if policy is None else policy.after for policy in found] == [9.0, 2.0, None]
    derived.renew(world.course, Settings())
    assert world.course.early is early  # calls under way know it
    assert early.policy_of("big-1") is None


def test_models_whose_words_are_noted_are_named_by_patterns_and_the_first_counts() -> None:
    world = World("a")
    derived.renew(world.course, Settings())
    assert world.course.recorder is None, "nothing is traced"
    rules = {"big-1": Content(limit=2048, keys=("team-a",)), "big-*": Content()}
    tracing = Tracing(endpoint="http://c:4318", content=rules)

    derived.renew(world.course, Settings(tracing=tracing))

    recorder = world.course.recorder
    assert isinstance(recorder, Recorder)
    found = [recorder.rule_of(name) for name in ("big-1", "big-2", "small")]
    assert found == [Rule(limit=2048, keys=frozenset({"team-a"})), Rule(), None]
    derived.renew(world.course, Settings())
    assert recorder.rule_of("big-1") is None, "who takes the section away means it"
