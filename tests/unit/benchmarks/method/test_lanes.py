"""A lane is named as its arm."""

from tests.fixtures.trials import lanes


def test_a_lane_has_the_name_of_its_arm() -> None:
    assert [(lane.name, lane.arm.role) for lane in lanes("direct", "mine")] == [
        ("direct", "direct"),
        ("mine", "proxy"),
    ]
