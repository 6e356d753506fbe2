"""The table of what proxies add."""

import msgspec
import pytest

from benchmarks.report.amounts import Unit
from benchmarks.report.record import Arm, Effect, Record
from benchmarks.report.sheet import Grid, Tone
from benchmarks.report.sheets.overhead import overhead, shown_added
from tests.fixtures.bench import records

US = Unit(symbol="us", factor=1.0, digits=0)


def of(record: Record) -> Grid:
    grid = overhead(record)
    assert grid is not None
    return grid


def row(grid: Grid, label: str) -> list[str]:
    return [one.text for one in next(row for row in grid.rows if row[0].text == label)]


def effect(figure: str, **values: float | None) -> Effect:
    given = {"direct": 1.08, "value": 1.62, "added": 0.54, "low": 0.47, "high": 0.61} | values
    return msgspec.convert({"figure": figure, "arm": "headrace", **given}, type=Effect)


def single(*effects: Effect) -> Record:
    return Record(
        command="overhead",
        arms=[Arm(name="direct", role="direct"), Arm(name="headrace", role="proxy")],
        effects=list(effects),
        figures={"direct": {"ttft_p50_ms": 110.0}},
    )


def test_one_proxy_has_its_columns_side_by_side() -> None:
    grid = of(single(effect("first_token_p50_ms", resolution=0.11, floor=0.42)))

    assert grid.heads == (
        "",
        "direct",
        "headrace",
        "added",
        "95 % interval",
        "floor*",
        "share of user time",
    )
    assert row(grid, "first token (non-backend) p50") == [
        "first token (non-backend) p50",
        "1.08 ms",
        "1.62 ms",
        "+0.54 ms",
        "[0.47, 0.61]",
        "+0.42 ms",
        "0.5 % of 110 ms TTFT",
    ]


def test_without_a_floor_there_is_no_column_for_it() -> None:
    assert "floor*" not in of(single(effect("first_token_p50_ms"))).heads


def test_what_is_below_the_resolution_is_named_by_the_bound() -> None:
    grid = of(single(effect("first_token_p50_ms", added=0.03, low=0.01, high=0.05, resolution=0.1)))

    assert row(grid, "first token (non-backend) p50")[3] == "below 0.100 ms"


@pytest.mark.parametrize(
    ("values", "text", "tone"),
    [
        ({"added": 180.0, "low": 160.0, "high": 200.0}, "+180 us", Tone.STRONG),
        ({"added": 8.0, "low": -20.0, "high": 30.0}, "not seen", Tone.DIM),
        ({"added": 8.0, "low": 2.0, "high": 9.0, "resolution": 50.0}, "below 50 us", Tone.DIM),
        ({"added": None, "low": None, "high": None}, "-", Tone.DIM),
    ],
)
def test_added_as_a_cell(values: dict[str, float | None], text: str, tone: Tone) -> None:
    shown = shown_added(effect("token_p50_us", **values), US)

    assert (shown.text, shown.tone) == (text, tone)


def test_cpu_has_no_direct_side_and_says_what_a_core_carries() -> None:
    cpu = effect("cpu_ms_per_1k_tokens", direct=None, value=15.0, added=15.0, low=14.0, high=16.0)
    cells = row(of(single(cpu)), "CPU per 1 k tokens")

    assert cells[1:] == ["-", "15.0 ms", "", "[14.0, 16.0]", "1 core = 67 k tokens/s"]


def test_several_proxies_share_one_table_with_two_lines_a_cell() -> None:
    grid = of(records.overhead(["headrace", "nginx"], rounds=8))

    assert grid.heads == ("", "direct", "headrace", "nginx", "floor*")
    token = next(row for row in grid.rows if row[0].text == "each token p50")
    assert token[2].under.startswith("+")
    assert "[" in token[2].under


def test_counts_are_shown_for_all_and_never_as_a_difference() -> None:
    record = single(effect("token_p50_us"))
    record.figures = {"direct": {"lost": 0.0}, "headrace": {"lost": 2.0}}

    assert row(of(record), "tokens lost")[1:4] == ["0", "2", ""]


def test_without_a_proxy_or_without_direct_there_is_no_table() -> None:
    assert overhead(records.endpoint()) is None
    alone = single(effect("token_p50_us"))
    alone.arms = alone.arms[1:]
    assert overhead(alone) is None
