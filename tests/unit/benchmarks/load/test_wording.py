"""Numbers, durations, shares and ranges in the words of flags."""

import pytest

from benchmarks.load.wording import (
    WorkloadError,
    bytes_per_second,
    count,
    pair,
    positive,
    seconds,
    share,
    show_seconds,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [("200ms", 0.2), ("1.5s", 1.5), ("2m", 120.0), ("1h", 3600.0), ("3.2", 3.2), ("50us", 5e-5)],
)
def test_durations(text: str, value: float) -> None:
    assert seconds(text) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(("text", "value"), [("5%", 0.05), ("0.05", 0.05), ("100%", 1.0)])
def test_shares(text: str, value: float) -> None:
    assert share(text) == value


@pytest.mark.parametrize(
    ("text", "value"), [("2KiB/s", 2048.0), ("2000/s", 2000.0), ("2000", 2000.0)]
)
def test_bytes_a_second(text: str, value: float) -> None:
    assert bytes_per_second(text) == value


@pytest.mark.parametrize("text", ["-1s", "fast", "1 week", "", "nan", "1.2.3s"])
def test_a_duration_that_is_none_is_told_with_an_example(text: str) -> None:
    with pytest.raises(WorkloadError, match=r"200ms, 1\.5s, 2m or 1h"):
        seconds(text)


@pytest.mark.parametrize("text", ["101%", "1.1", "5 percent", "-5%"])
def test_a_share_is_at_most_one(text: str) -> None:
    with pytest.raises(WorkloadError, match="at most 100%"):
        share(text)


def test_counts_and_numbers_are_above_zero() -> None:
    assert count("3", "it") == 3
    assert positive("0.5", "it") == 0.5
    for wrong in ("0", "1.5", "1e400"):
        with pytest.raises(WorkloadError, match="it is a "):
            count(wrong, "it")
    with pytest.raises(WorkloadError, match="bytes a second"):
        bytes_per_second("0")


def test_a_pair_has_one_mark() -> None:
    assert pair("a@b", "@", "") == ("a", "b")
    for wrong in ("a", "@b", "a@", "a@b@c"):
        with pytest.raises(WorkloadError, match="say it so"):
            pair(wrong, "@", "say it so")


def test_durations_are_shown_short() -> None:
    assert (show_seconds(0.2), show_seconds(90)) == ("200ms", "90s")
