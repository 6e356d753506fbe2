"""The rules of an early commit."""

from proxy.core.early import Policy


def test_unless_told_otherwise_the_head_goes_out_at_once() -> None:
    rules = Policy()

    assert rules.after == 0.0
    assert 0.0 < rules.every < 30.0  # the shortest patience of a usual load balancer
