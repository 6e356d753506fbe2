"""Silence: stuck, or only busy."""

import pytest

from proxy.core.silence import Quiet, Wait, stuck

LONG, SHORT = Wait(age=30.0, usual=1.0), Wait(age=3.0, usual=1.0)


def quiet(seconds: float = 10.0, streams: int = 0, gap: float | None = None, *waits: Wait) -> Quiet:
    return Quiet(seconds=seconds, streams=streams, gap=gap, waits=waits)


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        (quiet(4.9, 3), False),
        (quiet(5.0, 3), True),
        (quiet(5.0, 3, 0.1), True),
        (quiet(5.0, 3, 2.0), False),  # it is that slow
        (quiet(8.0, 3, 2.0), True),
        (quiet(), False),
        (quiet(10.0, 0, None, LONG), False),  # a long prompt, perhaps
        (quiet(10.0, 0, None, LONG, SHORT), True),
        (quiet(10.0, 0, None, SHORT, SHORT), False),
        (quiet(4.0, 0, None, LONG, SHORT), False),  # it has just said something
        (quiet(90.0, 0, None, Wait(age=90.0, usual=None), SHORT), False),  # it may be loading
    ],
)
def test_streams_that_stop_and_queues_that_grow_are_bad_signs(facts: Quiet, found: bool) -> None:
    assert stuck(facts, 5.0, trial=False) is found


def test_on_trial_one_overdue_call_is_enough() -> None:
    assert stuck(quiet(10.0, 0, None, LONG), 5.0, trial=True)
    assert not stuck(quiet(10.0, 0, None, SHORT), 5.0, trial=True)
