"""In simulated time: how much a slow engine gets, and whom the referee suspects wrongly."""

from types import SimpleNamespace

import pytest

from proxy.core.backend import Backend
from proxy.core.call import Call
from proxy.core.catalog import Directory, Model, build
from proxy.core.selection import Policy
from proxy.core.standing import Policy as Rules
from proxy.core.standing import State
from proxy.flow.referee import Referee
from tests.fixtures.cluster import Answer, Cluster


class Judged(Cluster):
    """A cluster whose answers a referee hears of, with a look each second."""

    def __init__(self, policy: Policy, seed: int, size: int = 8, seconds: int = 120) -> None:
        super().__init__(policy, seed, size)
        self.now = 0.0
        directory = Directory()
        directory.swap(build({backend: [Model(id="m")] for backend in self.fleet}, {}))
        course = SimpleNamespace(
            directory=directory,
            now=lambda: self.now,
            random=self.random.random,
            calls=set(),
            suspect=lambda _backend: None,
        )
        self.referee = Referee(course, Rules(silence=0.0))  # type: ignore[arg-type]
        self.referee.know()
        self.on_answer = self._hear
        self.told: list[tuple[Backend, State]] = []
        self.referee.on_change = lambda backend, s: self.told.append((backend, s.state))
        for second in range(1, seconds):
            self.at(float(second), self._look)

    def _look(self, now: float) -> None:
        self.now = now
        self.referee.look(now)

    def _hear(self, answer: Answer) -> None:
        call = Call("id", "/v1/chat/completions", answer.sent)
        call.backend, call.native_model, call.stream, call.status = answer.backend, "m", True, 200
        call.prompt_work, call.tokens_out = answer.prompt, int(answer.output)
        call.dispatched_at, call.first_token_at = answer.sent, answer.first
        call.last_chunk_at = call.ended_at = answer.end
        self.referee.finished(call)

    def passed_over(self) -> set[Backend]:
        return {backend for backend, state in self.told if state is State.SLOW}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("policy", Policy)
def test_one_four_times_slower_gets_a_small_share(policy: Policy, seed: int) -> None:
    cluster = Judged(policy, seed)
    slow = cluster.fleet[0]
    cluster.slowness[slow] = 4.0

    cluster.run(seconds=120.0, rate=20.0)

    shares = cluster.shares(since=60.0)
    assert slow in cluster.passed_over()
    if policy is not Policy.RANDOM:  # which makes long queues now and then, by chance
        assert cluster.passed_over() == {slow}
    assert shares[slow] <= 0.035 * shares.total()  # an equal share is 0.125


@pytest.mark.parametrize("seed", range(3))
def test_on_a_quiet_site_it_gets_less_too(seed: int) -> None:
    """Nobody is busy there, so work alone would share out evenly."""
    cluster = Judged(Policy.WORK, seed)
    slow = cluster.fleet[0]
    cluster.slowness[slow] = 4.0

    cluster.run(seconds=120.0, rate=2.0)

    shares = cluster.shares(since=30.0)
    assert shares[slow] <= 0.08 * shares.total()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("size", [2, 8, 24])
def test_equal_backends_are_not_told_apart(size: int, seed: int) -> None:
    cluster = Judged(Policy.WORK, seed, size)

    cluster.run(seconds=120.0, rate=2.5 * size)

    assert cluster.passed_over() == set()
    assert max(backend.slowness for backend in cluster.fleet) < 2.0


@pytest.mark.parametrize("seed", range(3))
def test_one_that_is_fast_again_gets_its_share_back(seed: int) -> None:
    cluster = Judged(Policy.WORK, seed, seconds=200)
    slow = cluster.fleet[0]
    cluster.slowness[slow] = 4.0
    cluster.at(40.0, lambda _: cluster.slowness.update({slow: 1.0}))

    cluster.run(seconds=200.0, rate=20.0)

    shares = cluster.shares(since=150.0)
    assert shares[slow] >= 0.7 * shares.total() / len(cluster.fleet)


@pytest.mark.parametrize("seed", range(3))
def test_of_two_the_faster_one_keeps_nearly_all(seed: int) -> None:
    cluster = Judged(Policy.WORK, seed, size=2)
    slow = cluster.fleet[0]
    cluster.slowness[slow] = 4.0

    cluster.run(seconds=120.0, rate=3.0)

    shares = cluster.shares(since=60.0)
    assert shares[slow] <= 0.2 * shares.total()
