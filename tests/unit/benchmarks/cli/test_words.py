"""Values on the command line, and what is said about wrong ones."""

import math
from collections.abc import Callable

import pytest
import typer

from benchmarks.cli import words


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (words.duration, "3s", 3.0),
        (words.duration, "250ms", 0.25),
        (words.duration, "2m", 120.0),
        (words.duration, "1.5", 1.5),
        (words.span, "1ms", 0.001),
        (words.rounds, "6", 6),
        (words.rate, "50", 50.0),
        (words.rate, "inf", math.inf),
        (words.count, "12", 12),
        (words.factor, "4", 4.0),
        (words.factor, "0.5x", 0.5),
        (words.limit, "ttft:200", ("ttft", 200.0)),
        (words.limit, "tpot:50ms", ("tpot", 50.0)),
        (words.limit, "e2el:2s", ("e2e", 2000.0)),
        (words.header, "x-a: b", ("x-a", "b")),
        (words.header, "x-a=b:c", ("x-a", "b:c")),
        (words.named_number, "nginx=4711", ("nginx", 4711)),
    ],
)
def test_what_is_read(read: Callable[[str], object], text: str, value: object) -> None:
    assert read(text) == value


@pytest.mark.parametrize(
    ("read", "text", "said"),
    [
        (words.duration, "3 parsecs", "200ms, 1.5s, 2m or 1h"),
        (words.rate, "0", "inf for all at once"),
        (words.span, "0s", "above 0"),
        (words.rounds, "5", "an interval needs 6 at least"),
        (words.count, "2.5", "whole number"),
        (words.factor, "-1", "above 0"),
        (words.limit, "p99:3", "ttft, tpot, itl or e2e"),
        (words.limit, "ttft:soon", "write a duration"),
        (words.header, "nothing", "NAME: VALUE"),
        (words.named_number, "nginx", "NAME=PID"),
    ],
)
def test_what_is_refused_says_what_is_allowed(
    read: Callable[[str], object], text: str, said: str
) -> None:
    with pytest.raises(typer.BadParameter, match=said):
        read(text)
