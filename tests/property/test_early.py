"""Calls that are committed early, under whatever happens: one head, and exactly one end."""

from hypothesis import settings
from hypothesis.stateful import invariant
from typing_extensions import override

from proxy.core.early import Policy
from proxy.flow.early import Earlies
from tests.property import test_finish


class Traffic(test_finish.Traffic):
    """The same clients, engines and clock, with comments in between."""

    def __init__(self) -> None:
        super().__init__()
        self.early = self.world.course.early = Earlies()
        self.early.policy_of = lambda _model: Policy(after=0.2, every=0.5)

    @invariant()
    def a_promise_belongs_to_a_call_under_way(self) -> None:
        assert self.early.live.keys() <= self.world.course.calls

    @invariant()
    def an_answer_has_one_head(self) -> None:
        for client in self.world.clients:
            assert client.raw.count(b"HTTP/1.1 ") <= 1

    @override
    def teardown(self) -> None:
        super().teardown()
        assert not self.early.live


TestTraffic = Traffic.TestCase
TestTraffic.settings = settings(max_examples=80, stateful_step_count=40)
