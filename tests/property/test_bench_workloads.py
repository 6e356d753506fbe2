"""Workloads and traces: whatever is drawn keeps its promises, whatever is written is read again."""

import string
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.load.workload import Shape, draw
from benchmarks.trace.form import Format
from benchmarks.trace.problems import Ledger, TraceError
from benchmarks.trace.reading import FORMATS
from benchmarks.trace.replay import Replay, schedule
from benchmarks.trace.rows import TICKS, Row, Trace
from benchmarks.trace.writing import WRITTEN

TOKENS = st.integers(1, 200_000)
MOMENTS = st.integers(0, 10**5 * TICKS).map(lambda ticks: ticks / TICKS)
BLOCKS = st.lists(st.integers(0, 10**6), max_size=4).map(tuple)
ROWS = st.lists(
    st.builds(Row, at=MOMENTS, input_tokens=TOKENS, output_tokens=TOKENS), min_size=1, max_size=20
).map(lambda rows: tuple(sorted(rows, key=lambda row: row.at)))
FULL_ROWS = st.lists(
    st.builds(
        Row,
        at=MOMENTS,
        input_tokens=TOKENS,
        output_tokens=TOKENS,
        prefix=BLOCKS,
        session=st.integers(-1, 3),
        turn=st.integers(0, 5),
        think=MOMENTS,
    ),
    min_size=1,
    max_size=20,
).map(tuple)


def again(form: Format, trace: Trace) -> tuple[tuple[Row, ...], int]:
    assert form.write is not None
    lines = list(form.write(trace))
    ledger = Ledger()
    assert form.recognises(lines[0])
    found = form.read(enumerate(lines, 1), ledger)
    ledger.judge("t", form.name, form.allowed)
    return tuple(found.rows), found.block_tokens


@pytest.mark.parametrize("name", WRITTEN)
@given(rows=ROWS)
def test_every_format_gives_back_times_and_sizes(name: str, rows: tuple[Row, ...]) -> None:
    found, _ = again(FORMATS[name], Trace(rows=rows, format=name))
    first = rows[0].at if name == "azure" else 0.0  # whose clock has no other beginning

    assert [(row.input_tokens, row.output_tokens) for row in found] == [
        (row.input_tokens, row.output_tokens) for row in rows
    ]
    assert [row.at for row in found] == pytest.approx([row.at - first for row in rows], abs=1e-9)


@pytest.mark.parametrize("name", ["csv", "jsonl"])
@given(rows=FULL_ROWS, block=st.integers(1, 1024))
def test_our_own_formats_give_back_everything(name: str, rows: tuple[Row, ...], block: int) -> None:
    found, read_block = again(FORMATS[name], Trace(rows=rows, format=name, block_tokens=block))
    talks = any(row.session >= 0 for row in rows)

    assert [row.prefix for row in found] == [row.prefix for row in rows]
    if talks:
        assert found == rows
    if any(row.prefix for row in rows):
        assert read_block == block


@given(
    name=st.sampled_from(list(FORMATS)),
    lines=st.lists(st.text(string.printable, max_size=60), max_size=8),
)
def test_no_text_breaks_a_reader(name: str, lines: list[str]) -> None:
    """Rows, notes, or one TraceError: nothing else comes out."""
    ledger = Ledger()
    found = FORMATS[name].read(enumerate(lines, 1), ledger)
    told: tuple[int, ...] = ()
    try:
        ledger.judge("t", name, "")
    except TraceError as error:
        told = error.lines

    assert all(1 <= line <= len(lines) for line in told)
    assert all(row.at >= 0 and row.input_tokens >= 1 for row in found.rows)


@given(rows=ROWS, speed=st.floats(0.1, 50), context=st.integers(2, 5000))
def test_a_replay_keeps_order_and_room(rows: tuple[Row, ...], speed: float, context: int) -> None:
    found = schedule(Trace(rows=rows, format="csv"), Replay(speed=speed, context=context, spread=0))

    assert [one.at for one in found.requests] == pytest.approx([row.at / speed for row in rows])
    for one in found.requests:
        assert one.input_tokens >= 1
        assert one.output_tokens >= 1
        assert one.input_tokens + one.output_tokens <= context


SHAPES = st.builds(
    Shape,
    rate=st.floats(1, 200),
    duration=st.just(2.0),
    requests=st.none() | st.integers(1, 50),
    arrivals=st.sampled_from(["", "constant", "gamma:0.3", "weibull:0.5", "logou:0.9@0.2,0.5@3"]),
    preset=st.sampled_from(["", "code-like", "flash-crowd", "multi-tenant"]),
    turns=st.sampled_from(["", "2", "1..4"]),
    prefix_groups=st.sampled_from(["", "3", "5:zipf1.2"]),
    idle_gap=st.sampled_from(["", "200ms@1s"]),
    cancel=st.sampled_from(["", "20%@10ms..1s"]),
    new_connections=st.sampled_from(["", "30%"]),
)


@settings(max_examples=40, deadline=None)
@given(shape=SHAPES, seed=st.integers(0, 2**32))
def test_schedules_are_in_order_within_their_span_and_the_same_again(
    shape: Shape, seed: int
) -> None:
    try:
        found = draw(shape, seed=seed)
    except ValueError as error:
        assert "no request at all" in str(error)  # noqa: PT017 - a low rate may draw none
        return

    assert draw(shape, seed=seed) == found
    assert all(0 <= one.at < found.span for one in found.requests)
    assert all(a.at <= b.at for a, b in pairwise(found.requests))
    for one in found.requests:
        assert len(one.prefix) * found.prefix_block <= one.input_tokens
        assert (one.turn > 0) <= (one.session >= 0)
    if shape.requests is not None:
        assert len(found.requests) <= shape.requests


FLAGS = {
    "cancel": "20%@10ms",
    "slow": "10%@1KiB/s",
    "new_connections": "30%",
    "prefix_groups": "4",
    "output": "77",
    "input": "uniform:1..9",
}
TOUCHED = {
    "cancel": {"cancel_after"},
    "slow": {"read_rate"},
    "new_connections": {"fresh"},
    "prefix_groups": {"prefix"},
    "output": {"output_tokens"},
    "input": {"input_tokens"},
}


@settings(max_examples=30, deadline=None)
@given(flag=st.sampled_from(list(FLAGS)), seed=st.integers(0, 1000))
def test_a_flag_changes_what_it_is_about_and_nothing_else(flag: str, seed: int) -> None:
    base = {"rate": 40.0, "requests": 30, "input": "uniform:50..900", "output": "lognormal:90,400"}
    before = draw(Shape(**base), seed=seed).requests  # type: ignore[arg-type]
    after = draw(Shape(**(base | {flag: FLAGS[flag]})), seed=seed).requests  # type: ignore[arg-type]

    for one, other in zip(before, after, strict=True):
        changed = {
            name
            for name in type(one).__struct_fields__
            if getattr(one, name) != getattr(other, name)
        }
        assert changed <= TOUCHED[flag]
