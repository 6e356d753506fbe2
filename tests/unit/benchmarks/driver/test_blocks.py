"""What a block's window is worth."""

import pytest

from benchmarks.driver.blocks import FIGURES, Window, values
from benchmarks.driver.load import Tally
from benchmarks.measure.host import Cpu


def window(tally: Tally, ran_us: int) -> Window:
    return Window(
        tally=tally,
        arm=Cpu(ran_ns=ran_us * 1000, waited_ns=50),
        driver=Cpu(ran_ns=25),
        wall_ns=100,
    )


def test_a_plain_block_costs_by_the_request() -> None:
    tally = Tally(requests=4, took_ns=[1_000_000] * 4, first_ns=[500_000] * 4)

    found = values(window(tally, 100))

    assert found["cpu"] == 25.0
    assert (found["p50"], found["first"]) == (1.0, 0.5)
    assert (found["waited"], found["driver"]) == (0.5, 0.25)
    assert found["segments"] is None


def test_a_block_of_streams_costs_by_the_chunk_without_its_requests() -> None:
    tally = Tally(requests=2, took_ns=[9] * 2, delay_ns=[2_000_000] * 10, chunks=10, segments=5)

    found = values(window(tally, 300), request_us=50.0)

    assert found["cpu"] == pytest.approx(20.0)
    assert found["p50"] == 2.0
    assert found["segments"] == 0.5


def test_an_arm_without_a_process_has_no_cpu() -> None:
    assert values(window(Tally(requests=1, took_ns=[1]), 0))["cpu"] is None


def test_every_figure_has_its_name() -> None:
    assert tuple(values(window(Tally(requests=1, took_ns=[1]), 1))) == FIGURES
