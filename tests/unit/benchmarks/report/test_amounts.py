"""Numbers: what stands side by side has one unit and enough digits."""

from benchmarks.report.amounts import amount, duration, plural, unit
from benchmarks.report.figures import figure


def test_a_row_has_the_unit_of_its_largest_value() -> None:
    shown = unit(figure("token_p50_us"), [130.0, 1820.0])

    assert shown.text(130.0) == "0.13 ms"
    assert shown.text(1820.0) == "1.82 ms"


def test_small_differences_keep_their_digits() -> None:
    shown = unit(figure("cpu_ms_per_1k_tokens"), [14.9, 0.04])

    assert shown.number(0.04) == "0.04"


def test_counts_have_no_decimals_and_separated_thousands() -> None:
    assert amount(figure("requests"), 12345.0) == "12,345"


def test_shares_are_percent_and_memory_finds_its_unit() -> None:
    assert amount(figure("goodput_share"), 0.94) == "94.0 %"
    assert amount(figure("kib_per_stream"), 38.0) == "38.0 KiB"
    assert amount(figure("rss_mib"), 20480.0) == "20.0 GiB"


def test_signs_missing_values_and_no_negative_zero() -> None:
    shown = unit(figure("token_p50_us"), [10.0])

    assert shown.text(10.0, signed=True) == "+10.0 us"
    assert shown.text(-0.001) == "0.0 us"
    assert shown.text(None) == "-"
    assert shown.text(float("nan")) == "-"
    assert shown.interval(1.0, None) == ""


def test_durations_and_counts_read_as_words() -> None:
    assert duration(41.2) == "41 s"
    assert duration(185) == "3 min 05 s"
    assert plural(1, "round") == "1 round"
    assert plural(1200, "round") == "1,200 rounds"
