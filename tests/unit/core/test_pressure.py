"""Shortage begins at one bound and ends at a lower one."""

import pytest

from proxy.core.pressure import short


@pytest.mark.parametrize(
    ("used", "before", "now"),
    [
        (84, False, False),
        (85, False, True),
        (82, False, False),
        (82, True, True),
        (79, True, False),
        (100, True, True),
    ],
)
def test_between_the_bounds_nothing_changes(used: int, before: bool, now: bool) -> None:
    assert short(used, 100, before=before) is now
