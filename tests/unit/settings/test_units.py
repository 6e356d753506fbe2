"""Durations and sizes: what is read, what is refused with which hint, what is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.settings import units


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("250ms", 0.25),
        ("3ms", 0.003),
        ("30s", 30.0),
        ("1.5s", 1.5),
        ("5m", 300.0),
        ("2h", 7200.0),
        ("10 s", 10.0),
        ("0", 0.0),
        ("0s", 0.0),
    ],
)
def test_a_duration_is_read_as_seconds(text: str, seconds: float) -> None:
    assert units.duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("30", "the unit is missing: 30s?"),
        ("30x", "the unit 'x' is unknown"),
        ("30S", "the unit 'S' is unknown"),
        ("-1s", "write a number and a unit"),
        ("1m30s", "write a number and a unit"),
        ("", "write a number and a unit"),
        ("off", "write a number and a unit"),
        ("inf s", "write a number and a unit"),
        ("nan", "write a number and a unit"),
        ("1e3s", "write a number and a unit"),
        ("\u0661s", "write a number and a unit"),
    ],
)
def test_what_is_no_duration_gets_a_hint(text: str, hint: str) -> None:
    with pytest.raises(ValueError, match="unit") as caught:
        units.duration(text)

    assert hint in str(caught.value)


@pytest.mark.parametrize(
    ("text", "count"),
    [("16KiB", 16384), ("64MiB", 67108864), ("1.5KiB", 1536), ("1GiB", 1 << 30), ("10", 10)],
)
def test_a_size_is_read_as_bytes(text: str, count: int) -> None:
    assert units.size(text) == count


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("64MB", "64MiB?"),
        ("16k", "16KiB?"),
        ("2gb", "2GiB?"),
        ("64Mi", "64MiB?"),
        ("5parsec", "5MiB?"),
        ("1.5", "not a whole number of bytes"),
        ("many", "write a number and a unit"),
        ("-1", "write a number and a unit"),
    ],
)
def test_what_is_no_size_gets_a_hint(text: str, hint: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        units.size(text)

    assert hint in str(caught.value)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0s"), (0.25, "250ms"), (1.5, "1.5s"), (90.0, "90s"), (600.0, "10m"), (86400.0, "24h")],
)
def test_a_duration_is_written_in_its_largest_unit(seconds: float, text: str) -> None:
    assert units.show_duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0B"), (1000, "1000B"), (1536, "1536B"), (2048, "2KiB"), (1 << 31, "2GiB")],
)
def test_a_size_is_written_in_its_largest_unit(count: int, text: str) -> None:
    assert units.show_size(count) == text


@given(st.integers(0, 86_400_000))
def test_every_millisecond_survives_writing_and_reading(milliseconds: int) -> None:
    seconds = milliseconds / 1000

    assert units.duration(units.show_duration(seconds)) == seconds


@given(st.integers(0, 1 << 40))
def test_every_size_survives_writing_and_reading(count: int) -> None:
    assert units.size(units.show_size(count)) == count
