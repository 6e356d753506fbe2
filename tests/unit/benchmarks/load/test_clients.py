"""Clients that leave, that read slowly."""

import numpy as np
import pytest

from benchmarks.load.clients import Cancel, Slow, parse_cancel, parse_slow
from benchmarks.load.wording import WorkloadError

CHOSEN = np.array([0.01, 0.04, 0.07, 0.5])


def test_a_larger_share_holds_the_smaller() -> None:
    half = np.full(4, 0.5)
    few = Cancel(share=0.05, low=0.2, high=0.4).at(CHOSEN, half)
    more = Cancel(share=0.10, low=0.2, high=0.4).at(CHOSEN, half)

    assert few == [pytest.approx(0.3), pytest.approx(0.3), None, None]
    assert [when is not None for when in more] == [True, True, True, False]


def test_slow_readers_have_their_rate() -> None:
    assert Slow(share=0.05, rate=2048).at(CHOSEN) == [2048, 2048, None, None]


def test_words() -> None:
    assert parse_cancel("5%@200ms") == Cancel(share=0.05, low=0.2, high=0.2)
    assert parse_cancel("5%@200ms..2s") == Cancel(share=0.05, low=0.2, high=2)
    assert parse_slow("2%@2KiB/s") == Slow(share=0.02, rate=2048)
    for wrong in ("5%", "5%@2s..1s", "105%@1s"):
        with pytest.raises(WorkloadError):
            parse_cancel(wrong)
    with pytest.raises(WorkloadError):
        parse_slow("2%")
