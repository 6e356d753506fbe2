"""What an engine is told when it has to misbehave; tests/e2e breaks real processes."""

import msgspec
import pytest

from benchmarks.fake.faults import Fault
from benchmarks.method.breaking import TOLD, Breakage


@pytest.mark.parametrize("how", TOLD)
def test_the_simulated_engine_understands_what_it_is_told(how: Breakage) -> None:
    assert msgspec.convert(TOLD[how], Fault).kind


def test_the_others_need_a_signal() -> None:
    assert set(Breakage) - set(TOLD) == {Breakage.KILL, Breakage.HANG}
