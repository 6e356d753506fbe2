"""Wall-clock times to 100 ns."""

import pytest

from benchmarks.trace.calendar_time import show, ticks
from benchmarks.trace.problems import RowError


def test_ticks_hold_what_a_float_loses() -> None:
    first, second = (ticks(f"2023-11-16 18:15:46.680590{digit}", "t") for digit in (0, 1))

    assert second - first == 1


@pytest.mark.parametrize(
    "text",
    [
        "2023-11-16 18:15:46.5",
        "2023-11-16T18:15:46.500Z",
        "2023-11-16 18:15:46.5000000+00:00",
        "2023-11-16 20:15:46.5+02:00",
        "2023-11-16 20:15:46.500000000+0200",
    ],
)
def test_forms_of_one_moment(text: str) -> None:
    assert show(ticks(text, "t")) == "2023-11-16 18:15:46.5000000"


@pytest.mark.parametrize("text", ["", "18:15", "2023-13-01 00:00:00", "2023-11-16 25:00:00", "0.5"])
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(RowError, match="t is "):
        ticks(text, "t")
