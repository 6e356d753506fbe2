"""While something is short no call begins, and each is told when to come back."""

from proxy.core.failure import Kind
from proxy.flow.shedding import Shedding
from tests.fixtures.course import World


def test_a_call_is_refused_and_counted() -> None:
    world = World("a")
    world._intake = Shedding(world.course, "memory")

    client = world.ask()

    (failure,) = client.refusals
    assert (failure.kind, failure.retry_after) == (Kind.SHEDDING, 5.0)
    assert "short of memory" in failure.detail
    assert client.call.end == "PR"
    assert not world.course.calls
