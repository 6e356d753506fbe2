"""No collection inside a block, everything as it was afterwards."""

import gc

from benchmarks.client.calm import LONG, Pauses, calm


def test_collection_is_off_inside_and_on_afterwards() -> None:
    thresholds = gc.get_threshold()
    with calm(1.0) as pauses:
        assert not gc.isenabled()
        assert gc.get_freeze_count() > 0
        assert pauses in gc.callbacks

    assert gc.isenabled()
    assert gc.get_threshold() == thresholds
    assert gc.get_freeze_count() == 0
    assert pauses not in gc.callbacks


def test_a_long_block_collects_seldom() -> None:
    thresholds = gc.get_threshold()
    with calm(LONG + 1):
        assert gc.isenabled()
        assert gc.get_threshold()[0] > thresholds[0]


def test_the_longest_pause_is_kept() -> None:
    ticks = iter([0, 5, 10, 12])
    pauses = Pauses(lambda: next(ticks))
    for phase in ("start", "stop", "start", "stop"):
        pauses(phase, {})

    assert pauses.longest_ns == 5
